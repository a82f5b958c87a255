# SPDX-License-Identifier: MIT
"""`bmad send`: a test message that takes the way of every other one."""
import json

import pytest

from receiver import Status


@pytest.fixture
def bmad(make_bmad, receiver):
    return make_bmad(jobs={"beat": {"module": "heartbeat", "channels": ["out"]}},
                     channels={"hook": {"type": "webhook", "url": receiver.url("/hook")},
                               "card": {"type": "teams", "url": receiver.url("/card"), "allow_http": True},
                               "off": {"type": "file", "dir": "out", "enabled": False},
                               "out": {"type": "file", "dir": "out"}})


def texts(bmad):
    return [path.read_text() for path in sorted((bmad.folder / "out").rglob("*.txt"))]


def test_a_test_message_is_marked_and_its_answer_shown(bmad, receiver):
    receiver.script("/hook", Status(200, body="thanks"))
    done = bmad.command("send", "hook", 'hello "plant"')
    assert done.returncode == 0
    assert done.stdout.startswith("hook: test ") and "delivered" in done.stdout and "200" in done.stdout, done.stdout
    (request,) = receiver.requests
    assert request.json()["type"] == "bmad.test"
    assert request.json()["data"]["test"] is True
    assert request.json()["data"]["text"] == 'hello "plant"'


@pytest.mark.parametrize("channel", ["out", "console", "card"])
def test_every_type_of_channel_marks_it(bmad, receiver, channel):
    done = bmad.command("send", channel, "- hello")
    assert done.returncode == 0
    shown = {"out": lambda: texts(bmad)[0], "console": lambda: done.stdout,
             "card": lambda: json.dumps(receiver.requests[0].json())}[channel]()
    assert "TEST: " in shown and "hello" in shown


def test_the_text_is_no_template_and_no_reference(bmad):
    assert bmad.command("send", "out", "${HELLO} {{bmad}}").returncode == 0
    assert "${HELLO} {{bmad}}" in texts(bmad)[0]


def test_each_of_several_goes_out_and_stands_in_the_history(bmad, receiver):
    for _ in range(3):
        assert bmad.command("send", "hook").returncode == 0
    assert len(receiver.requests) == 3
    assert [row["job"] for row in bmad.outbox("--channel", "hook")] == ["@send"] * 3
    assert {(row["job"], row["trigger"], row["state"]) for row in bmad.runs()} == {("@send", "manual", "ok")}


def test_beside_a_daemon_its_sender_delivers(bmad, receiver):
    bmad.start()
    assert bmad.command("send", "hook").returncode == 0
    bmad.wait_event("message_delivered", job="@send")
    assert len(receiver.requests) == 1


def test_json_is_the_report_of_the_run(bmad):
    report = bmad.json("send", "out", "text")
    assert (report["job"], report["module"], report["result"], report["dry_run"]) == ("@send", "send", "ok", False)
    (message,) = report["messages"]
    assert (message["channel"], message["kind"], message["outcome"]) == ("out", "test", "delivered")
    assert report["data"][0]["text"] == "text"


@pytest.mark.parametrize("answer, status, word", [
    (Status(404), 1, "rejected"),
    (Status(400, body="no such flow"), 1, "no such flow"),
])
def test_the_exit_status_says_what_became_of_it(bmad, receiver, answer, status, word):
    receiver.script("/hook", answer)
    done = bmad.command("send", "hook")
    assert done.returncode == status
    assert word in done.stdout


def test_an_environment_decides_where_it_goes(bmad, receiver):
    overlay = bmad.config.with_name(bmad.config.stem + ".staging.yaml")
    store = str(bmad.folder / "staging.db")
    overlay.write_text(json.dumps({"daemon": {"store": f"sqlite:{store}", "redirect_to": "out"}}))
    done = bmad.command("--env", "staging", "send", "hook")
    assert done.returncode == 0, done.stderr
    assert "redirected: meant for channel hook" in texts(bmad)[0]
    overlay.write_text(json.dumps({"daemon": {"store": f"sqlite:{store}", "allow_channels": []}}))
    done = bmad.command("--env", "staging", "send", "hook")
    assert "suppressed" in done.stdout and "allow_channels" in done.stdout
    assert receiver.requests == []


@pytest.mark.parametrize("arguments, complaint", [
    ([], "to which channel"),
    (["hok"], "did you mean 'hook'?"),
    (["hook", "a", "b"], "'b'"),
    (["hook", "--now"], "'--now'"),
    (["off"], "not enabled"),
])
def test_send_says_what_it_cannot_do(bmad, arguments, complaint):
    done = bmad.command("send", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr
