# SPDX-License-Identifier: MIT
"""`bmad check --connect`: each source, API and channel is tried, nothing is sent, nothing secret is said."""
import os
import time

import pytest

from mailserver import MailServer
from receiver import Certificates, Receiver, closed_port

PASSWORD = "s3cret-pass-word"


@pytest.fixture(scope="session")
def certificates():
    return Certificates()


def lines(done):
    """`channel mail` to its result and text."""
    found = {}
    for line in done.stdout.splitlines():
        target, _, rest = line.partition(": ")
        if rest and not line.startswith("config ok"):
            result, _, text = rest.partition(": ")
            found[target] = (result, text)
    return found


def test_a_source_answers_or_says_why_not(make_bmad, tmp_path):
    plant_db = tmp_path / "good.db"
    os.system(f"sqlite3 {plant_db} 'create table t (a)'")
    (tmp_path / "bad.db").write_text("this is no database at all, whatever it is called" * 100)
    bmad = make_bmad(sources={"good": f"sqlite:{plant_db}", "bad": f"sqlite:{tmp_path}/bad.db",
                              "gone": f"sqlite:{tmp_path}/gone.db",
                              "refused": f"postgresql://u:{PASSWORD}@127.0.0.1:{closed_port()}/x"})
    done = bmad.command("check", "--connect")
    found = lines(done)
    assert done.returncode == 1
    assert {name: result for name, (result, _) in found.items()} == {
        "source good": "ok", "source bad": "failed", "source gone": "failed", "source refused": "failed"}
    assert list(found) == ["source good", "source bad", "source gone", "source refused"]
    assert PASSWORD not in done.stdout + done.stderr


def test_all_well_is_exit_0_and_nothing_was_sent(make_bmad, certificates, tmp_path):
    (tmp_path / "out").mkdir()
    with Receiver(tls=certificates.server()) as https, \
            MailServer(tls=certificates.server(), users={"u": PASSWORD}) as mail:
        bmad = make_bmad(channels={
            "hook": {"type": "webhook", "url": https.url("/secret-path"), "ca_file": certificates.ca},
            "slack": {"type": "slack", "url": https.url("/secret-path"), "ca_file": certificates.ca},
            "mail": {"type": "email", "url": mail.url(), "from": "a@example.com", "to": "b@example.com",
                     "username": "u", "password": PASSWORD, "ca_file": certificates.ca},
            "files": {"type": "file", "dir": str(tmp_path / "out")},
            "screen": {"type": "console"}})
        done = bmad.command("check", "--connect")
        assert {name: result for name, (result, _) in lines(done).items()} == {
            "channel hook": "ok", "channel slack": "ok", "channel mail": "ok", "channel files": "ok",
            "channel screen": "not tried"}, done.stdout + done.stderr
        assert done.returncode == 0
        assert not https.requests and not mail.asked and not mail.mails
        assert [login for _, login, tls in mail.logins if tls] == ["u"]
    assert os.listdir(tmp_path / "out") == []
    assert "secret-path" not in done.stdout + done.stderr


def test_each_fault_of_a_channel_is_told_without_its_secrets(make_bmad, certificates, tmp_path):
    with Receiver(tls=certificates.server()) as https, \
            MailServer(tls=certificates.server(), users={"u": "another"}) as mail, MailServer() as clear:
        login = {"username": "u", "password": PASSWORD, "ca_file": certificates.ca}
        ends = {"from": "a@example.com", "to": "b@example.com"}
        bmad = make_bmad(channels={
            "unknown-ca": {"type": "webhook", "url": https.url("/secret-path")},
            "refused": {"type": "webhook", "url": f"https://127.0.0.1:{closed_port()}/secret-path"},
            "bad-login": {"type": "email", "url": mail.url(), **ends, **login},
            "no-tls": {"type": "email", "url": clear.url(), **ends},
            "no-folder": {"type": "file", "dir": str(tmp_path / "not" / "there")}})
        done = bmad.command("check", "--connect")
        found = lines(done)
    assert done.returncode == 1 and {result for result, _ in found.values()} == {"failed"}
    assert "certificate" in found["channel unknown-ca"][1]
    assert "535" in found["channel bad-login"][1]
    assert "TLS" in found["channel no-tls"][1]
    assert "folder" in found["channel no-folder"][1]
    assert PASSWORD not in done.stdout + done.stderr and "secret-path" not in done.stdout + done.stderr


def test_targets_wait_side_by_side(make_bmad):
    """Servers that say nothing cost their time once."""
    with MailServer() as silent:
        silent.script("CONNECT", "SILENCE")
        channel = {"type": "email", "url": silent.url(), "tls": "none", "from": "a@example.com", "timeout": "2s"}
        bmad = make_bmad(channels={f"c{i}": channel for i in range(6)})
        began = time.monotonic()
        done = bmad.command("check", "--connect")
        assert time.monotonic() - began < 10
    assert len(lines(done)) == 6 and done.returncode == 1


def test_a_wrong_configuration_is_not_tried(make_bmad):
    bmad = make_bmad(channels={"c": {"type": "webhook", "url": "https://x.example/", "nonsense": 1}})
    done = bmad.command("check", "--connect")
    assert done.returncode == 2 and not lines(done)


def test_a_module_looks_at_its_source(make_bmad, tmp_path):
    os.system(f"sqlite3 {tmp_path}/p.db 'create table t (a)'")
    jobs = {name: {"module": "parcel", "channels": ["console"], "options": {"source": "plant", "query": query}}
            for name, query in {"good": "select a from t", "bad": "select b from t"}.items()}
    bmad = make_bmad(jobs=jobs, sources={"plant": f"sqlite:{tmp_path}/p.db"})
    done = bmad.command("check", "--connect")
    found = lines(done)
    assert found["job good"][0] == "ok" and done.returncode == 1
    assert found["job bad"][0] == "failed" and "no such column: b" in found["job bad"][1]
