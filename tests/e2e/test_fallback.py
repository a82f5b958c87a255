# SPDX-License-Identifier: MIT
"""Stand-ins of messages that come in parts or to several people, by the daemon and by hand."""
import re

import pytest

from harness import wait_for
from mailserver import OK, MailServer
from receiver import Status

QUICK = {"initial": "50ms", "max": "100ms"}
TAKEN = Status(200, body="ok")
LINES = [f"line {n} of a long report " + "x" * 60 for n in range(300)]  # two or three parts of Slack


def slack(receiver, path, **more):
    return {"type": "slack", "url": receiver.url(path), "retry": QUICK, "rate": "100/s", **more}


def mail(server, *to, **more):
    return {"type": "email", "url": server.url(), "tls": "none", "from": "bmad@example.com", "to": list(to),
            "rate": "100/s", "retry": QUICK, **more}


@pytest.fixture
def job(make_bmad):
    """A job whose one message is LINES as text, and the folder of a channel `files`."""

    def make(channels, goes_to):
        bmad = make_bmad(jobs={"job": {"module": "probe", "channels": [goes_to], "vars": {"lines": LINES}}},
                         channels={"files": {"type": "file", "dir": "out"}, **channels})
        (bmad.folder / "out").mkdir()
        (bmad.folder / "templates" / "probe").mkdir(parents=True)
        (bmad.folder / "templates" / "probe" / "report.txt.mustache").write_text(
            "{{#bmad.vars.lines}}{{.}}\n{{/bmad.vars.lines}}")
        return bmad

    return make


def written(bmad):
    return [path.read_text() for path in (bmad.folder / "out").iterdir()]


def numbers(receiver, path):
    return [re.search(r"\((\d)/(\d)\)", request.body.decode()).groups() for request in receiver.of(path)]


def fates(bmad):
    """Oldest first: what became of each row, by channel."""
    return [(row["channel"], row["state"], row["reason"]) for row in reversed(bmad.outbox())]


@pytest.mark.parametrize("by_hand", [False, True], ids=["daemon", "by hand"])
def test_if_one_part_is_refused_the_whole_goes_the_other_way_once(job, receiver, by_hand):
    receiver.script("/chat", TAKEN, Status(400, body="invalid_payload"), TAKEN)
    bmad = job({"chat": slack(receiver, "/chat", split=True, fallback="files")}, "chat")
    if by_hand:
        outcomes = [message["outcome"] for message in bmad.once("job", status=0)["messages"]]
        assert outcomes == ["delivered", "suppressed"] + ["delivered"] * (len(outcomes) - 2)
    else:
        bmad.start()
        bmad.command("run", "job", "--wait")
    wait_for(lambda: len(written(bmad)) == 1 and "queued" not in str(fates(bmad)))
    (text,) = written(bmad)
    parts = numbers(receiver, "/chat")

    assert text.split("\n")[:len(LINES)] == LINES, "the whole, not the part"
    assert [int(number) for number, _ in parts] == list(range(1, int(parts[0][1]) + 1)) and len(parts) >= 2
    assert ("chat", "suppressed", "fallback") in fates(bmad)
    assert fates(bmad).count(("files", "delivered", None)) == 1


@pytest.mark.parametrize("by_hand", [False, True], ids=["daemon", "by hand"])
def test_a_stand_in_comes_in_parts_if_its_channel_wants_that(job, receiver, by_hand):
    receiver.script("/hook", Status(400))
    receiver.script("/chat", TAKEN)
    bmad = job({"hook": {"type": "webhook", "url": receiver.url("/hook"), "fallback": "chat"},
                "chat": slack(receiver, "/chat", split=True)}, "hook")
    if by_hand:
        (message,) = bmad.once("job", status=0)["messages"]
        assert (message["outcome"], message["detail"]) == ("suppressed", "fallback")
    else:
        bmad.start()
        bmad.command("run", "job", "--wait")
        wait_for(lambda: receiver.of("/chat") and "queued" not in str(fates(bmad)) and "sending" not in str(fates(bmad)))
    parts = numbers(receiver, "/chat")

    assert [int(number) for number, _ in parts] == list(range(1, int(parts[0][1]) + 1)) and len(parts) >= 2
    assert all(state == "delivered" for channel, state, _ in fates(bmad) if channel == "chat"), "by hand waits for all"


@pytest.mark.parametrize("by_hand", [False, True], ids=["daemon", "by hand"])
def test_only_the_recipient_who_is_refused_costs_the_other_way(job, by_hand):
    with MailServer() as server:
        server.script("RCPT", OK, "550 5.1.1 no such user", OK)
        bmad = job({"mail": mail(server, "a@example.com", "b@example.com", "c@example.com", fallback="files")}, "mail")
        if by_hand:
            outcomes = {message["to"]: message["outcome"] for message in bmad.once("job", status=0)["messages"]}
            assert sorted(outcomes.values()) == ["delivered", "delivered", "suppressed"]
        else:
            bmad.start()
            bmad.command("run", "job", "--wait")
        wait_for(lambda: len(written(bmad)) == 1)
        server.wait(2)
        wait_for(lambda: sorted(state for channel, state, _ in fates(bmad) if channel == "mail")
                 == ["delivered", "delivered", "suppressed"])


@pytest.mark.parametrize("by_hand", [False, True], ids=["daemon", "by hand"])
def test_a_stand_in_goes_to_every_recipient_of_its_channel(job, receiver, by_hand):
    receiver.script("/hook", Status(403))
    with MailServer() as server:
        bmad = job({"hook": {"type": "webhook", "url": receiver.url("/hook"), "fallback": "mail"},
                    "mail": mail(server, "a@example.com", "b@example.com")}, "hook")
        if by_hand:
            (message,) = bmad.once("job", status=0)["messages"]
            assert (message["outcome"], message["detail"]) == ("suppressed", "fallback")
            assert len(server.mails) == 2, "by hand waits for all"
        else:
            bmad.start()
            bmad.command("run", "job", "--wait")
        server.wait(2)
        assert sorted(to for one in server.mails for to in one.recipients) == ["a@example.com", "b@example.com"]
        wait_for(lambda: [state for channel, state, _ in fates(bmad) if channel == "mail"] == ["delivered"] * 2)
