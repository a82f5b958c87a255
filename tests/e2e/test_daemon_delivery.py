# SPDX-License-Identifier: MIT
"""Delivery as people meet it: jobs in a running daemon, its outbox, its sender, real receivers with faults.

What each single answer leads to is in test_delivery.py; here a message comes from a run and its fate is read
where an operator reads it: the outbox, the log, the receiver.
"""
import base64
import hashlib
import hmac
import json
import subprocess
import threading
import time

import pytest

from harness import BINARY, read_proc, wait_for
from receiver import Close, Redirect, RetryAfterDate, Silence, Status, closed_port

QUICK = {"initial": "50ms", "max": "100ms"}
AT = "2026-03-08T09:00:00Z"


def probe(channels, **options):
    keys = {key: options.pop(key) for key in ("schedule", "expires") if key in options}
    return {"module": "probe", "channels": channels, "options": options, **keys}


def hook(receiver, path="/hook", **more):
    return {"type": "webhook", "url": receiver.url(path), "retry": QUICK, **more}


def run(bmad, job="job", status=0):
    done = bmad.command("run", job, "--wait")
    assert done.returncode == status, done.stdout + done.stderr


def messages(bmad, **wanted):
    """The outbox, oldest first."""
    rows = reversed(bmad.outbox())
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def states(bmad, **wanted):
    return [row["state"] for row in messages(bmad, **wanted)]


def wait_states(bmad, *expected, **wanted):
    wait_for(lambda: states(bmad, **wanted) == list(expected), what=f"{expected}, not {states(bmad, **wanted)}")
    return messages(bmad, **wanted)


def restart(bmad):
    assert bmad.terminate() == 0
    bmad.start()


# -- what goes out --------------------------------------------------------------------------------------


def test_a_run_reaches_every_channel_once(make_bmad, receiver):
    channels = {"hook": hook(receiver, in_flight=4), "chat": {"type": "teams", "url": receiver.url("/chat")},
                "files": {"type": "file", "dir": "out"}}
    bmad = make_bmad(jobs={"job": probe(["hook", "chat", "files", "console"], messages=4)}, channels=channels)
    folder = bmad.folder / "out"
    folder.mkdir()
    bmad.start()
    run(bmad)
    rows = wait_states(bmad, *["delivered"] * 16)

    ids = {channel: [row["id"] for row in rows if row["channel"] == channel] for channel in channels}
    assert receiver.counts("/hook") == {message: 1 for message in ids["hook"]}
    assert len(receiver.of("/chat")) == 4
    assert len({request.body for request in receiver.of("/chat")}) == 4
    written = sorted(path.name for path in folder.iterdir())
    assert len(written) == 4 and all(any(message in name for name in written) for message in ids["files"])
    assert bmad.log_path.read_text().count("number: 2\n") == 1, "console is the daemon's standard output"
    assert {(row["attempts"], row["ambiguous"], row["reason"]) for row in rows} == {(1, False, None)}
    time.sleep(0.2)
    assert len(receiver.requests) == 8


def test_the_envelope_of_a_webhook_is_signed_with_every_key(make_bmad, receiver):
    keys = [bytes(range(32)), b"k" * 24]
    secrets = ["whsec_" + base64.b64encode(key).decode() for key in keys]
    bmad = make_bmad(jobs={"job": probe(["hook"])}, channels={"hook": hook(receiver, secret=secrets)}).start()
    run(bmad)
    (row,) = wait_states(bmad, "delivered")
    (request,) = receiver.requests

    (line,) = bmad.events("run_started")
    assert request.json() == {
        "id": row["id"], "type": "bmad.report", "job": "job", "slot": line["slot"],
        "data": {"key": f"job|{line['slot']}|0", "number": 0, "now": line["slot"]}}
    headers = request.headers
    assert request.method == "POST"
    assert headers["user-agent"].startswith("bmad/") and headers["accept"] == "*/*"
    assert headers["content-type"] == "application/json"
    assert headers["content-length"] == str(len(request.body))
    assert headers["webhook-id"] == row["id"] and "." not in row["id"]
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 20
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request.body
    macs = [base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode() for key in keys]
    assert headers["webhook-signature"] == " ".join("v1," + mac for mac in macs)


def test_a_template_is_the_body_of_a_webhook_and_the_card_of_teams(make_bmad, receiver):
    bmad = make_bmad(jobs={"job": probe(["hook", "chat", "bare"])}, channels={
        "hook": hook(receiver), "chat": {"type": "teams", "url": receiver.url("/chat")},
        "bare": {"type": "teams", "url": receiver.url("/bare"), "payload": "card"}})
    folder = bmad.folder / "templates" / "probe"
    folder.mkdir(parents=True)
    (folder / "report.webhook.json.mustache").write_text('{"n": {{number}}}')
    card = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": "n {{number}}"}]}
    (folder / "report.teams.json.mustache").write_text(json.dumps(card, indent=2))
    bmad.start()
    run(bmad)
    wait_states(bmad, "delivered", "delivered", "delivered")

    card["body"][0]["text"] = "n 0"
    assert receiver.of("/hook")[0].json() == {"n": 0}
    (chat,) = receiver.of("/chat")
    assert chat.json() == {"type": "message", "attachments": [
        {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}]}
    assert b"\n" not in chat.body and len(chat.body) <= 20000, "compact"
    assert chat.headers["content-type"] == "application/json"
    assert receiver.of("/bare")[0].json() == card


CARD = ('{"type": "AdaptiveCard", "version": "1.4", "body": ['
        '{{#bmad.vars.lines}}{"type": "TextBlock", "text": "{{.}}"},{{/bmad.vars.lines}}'
        '{"type": "TextBlock", "text": "end"}]}')


def told_lines(request):
    *shown, last = [block["text"] for block in request.json()["attachments"][0]["content"]["body"]]
    return shown, last


def test_teams_never_gets_more_than_it_takes(make_bmad, receiver):
    lines = [f"{n}: " + "é" * 60 for n in range(400)]
    bmad = make_bmad(jobs={"job": {**probe(["chat"]), "vars": {"lines": lines}}},
                     channels={"chat": {"type": "teams", "url": receiver.url("/chat")}})
    folder = bmad.folder / "templates" / "probe"
    folder.mkdir(parents=True)
    (folder / "report.teams.json.mustache").write_text(CARD)
    bmad.start()
    run(bmad)
    wait_states(bmad, "delivered")
    (request,) = receiver.requests
    shown, last = told_lines(request)
    left_out = int(bmad.wait_event("message_shortened", channel="chat")["left_out"])

    assert len(request.body) <= 20000
    assert shown == lines[:len(shown)], "what comes first stays"
    assert last == f"… and {left_out} more" and len(shown) + left_out == len(lines) + 1
    assert not bmad.events("template_failed"), "no fault of the template: the run is not degraded"


INNER = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 413 with ContextId x"


@pytest.mark.parametrize("answer", [Status(413), Status(200, body=INNER)], ids=["status", "inner"])
def test_what_its_receiver_finds_too_large_is_sent_once_more_half_as_long(make_bmad, receiver, answer):
    receiver.script("/chat", answer, Status(202))
    lines = [f"line {n} of this report" for n in range(100)]
    bmad = make_bmad(jobs={"job": {**probe(["chat"]), "vars": {"lines": lines}}},
                     channels={"chat": {"type": "teams", "url": receiver.url("/chat")}})
    (bmad.folder / "templates" / "probe").mkdir(parents=True)
    (bmad.folder / "templates" / "probe" / "report.teams.json.mustache").write_text(CARD)
    bmad.start()
    run(bmad)
    (row,) = wait_states(bmad, "delivered")
    whole, half = receiver.requests
    shown, last = told_lines(half)

    assert row["attempts"] == 2
    assert told_lines(whole) == (lines, "end")
    assert len(half.body) <= len(whole.body) / 2 + 128, "the frame around the card stays"
    assert shown == lines[:len(shown)] and last == f"… and {len(lines) + 1 - len(shown)} more"
    assert int(bmad.wait_event("message_shortened", channel="chat")["left_out"]) == len(lines) + 1 - len(shown)


def test_what_is_too_large_even_then_is_dead(make_bmad, receiver):
    receiver.script("/chat", Status(413))
    bmad = make_bmad(jobs={"job": {**probe(["chat", "hook"]), "vars": {"lines": ["a line of text"] * 100}}},
                     channels={"chat": {"type": "teams", "url": receiver.url("/chat")}, "hook": hook(receiver, "/chat")})
    (bmad.folder / "templates" / "probe").mkdir(parents=True)
    (bmad.folder / "templates" / "probe" / "report.teams.json.mustache").write_text(CARD)
    bmad.start()
    run(bmad)
    wait_states(bmad, "dead", "dead")
    assert {row["channel"]: row["attempts"] for row in bmad.outbox()} == {"chat": 2, "hook": 1}, (
        "half of an envelope would be wrong, not short")


# -- what comes back --------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [Status(429, {"Retry-After": "3"}), RetryAfterDate(503, 4)], ids=["seconds", "date"])
def test_retry_after_pauses_the_channel_over_a_restart(make_bmad, receiver, answer):
    receiver.script("/hook", answer, Status(202))
    bmad = make_bmad(jobs={"job": probe(["hook"], messages=3)}, channels={"hook": hook(receiver)}).start()
    run(bmad)
    paused = bmad.wait_event("channel_paused", channel="hook")
    restart(bmad)
    wait_states(bmad, "delivered", "delivered", "delivered")

    first, *others = [request.time for request in receiver.requests]
    assert len(others) == 3
    assert 2.9 <= min(others) - first <= 5.5
    assert 2000 <= int(paused["wait_ms"]) <= 4500 and str(receiver.requests[0].status) in paused["error"]
    assert len(bmad.events("channel_paused")) == 1
    bmad.wait_event("channel_resumed", channel="hook")


def test_a_failed_attempt_is_repeated_with_the_same_bytes_until_it_gets_through(make_bmad, receiver):
    receiver.script("/hook", Status(500, body="no disk"), Status(502), Status(202))
    bmad = make_bmad(jobs={"job": probe(["hook"])}, channels={"hook": hook(receiver)}).start()
    run(bmad)
    (row,) = wait_states(bmad, "delivered")

    assert (row["attempts"], row["ambiguous"]) == (3, False)
    assert len({(request.body, request.id) for request in receiver.requests}) == 1
    retries = bmad.events("message_retry", message=row["id"])
    assert [(line["level"], line["status"], line["attempts"], line["error"]) for line in retries] == [
        ("warning", "500", "1", "HTTP 500: no disk"), ("warning", "502", "2", "HTTP 502")]
    assert all(line["next"] for line in retries)
    (told,) = bmad.events("message_delivered", message=row["id"])
    assert (told["attempts"], told["status"]) == ("3", "202")


def test_a_message_dies_when_its_time_is_over(make_bmad, receiver):
    receiver.script("/hook", Status(500))
    bmad = make_bmad(jobs={"job": probe(["hook"], expires="2s")}, channels={"hook": hook(receiver)}).start()
    run(bmad)
    (row,) = wait_states(bmad, "dead")  # a second or two: its slot is the second that has begun
    sent = len(receiver.requests)
    time.sleep(0.4)

    assert row["reason"] == "expired" and row["attempts"] == sent >= 2
    assert len(receiver.requests) == sent, "nothing after its end"
    (told,) = bmad.events("message_expired")
    assert (told["message"], told["job"], told["channel"], told["level"]) == (row["id"], "job", "hook", "error")


def test_a_rejected_message_dies_and_the_others_go_on(make_bmad, receiver):
    receiver.script("/hook", Status(400, body="bad\x1b[31m card\n"), Status(202))
    bmad = make_bmad(jobs={"job": probe(["hook"], messages=4)}, channels={"hook": hook(receiver)}).start()
    run(bmad)
    rows = wait_for(lambda: [row for row in messages(bmad) if row["state"] == "dead"] and
                    states(bmad).count("delivered") == 3 and messages(bmad))
    (dead,) = [row for row in rows if row["state"] == "dead"]

    assert (dead["reason"], dead["attempts"]) == ("rejected", 1)
    assert dead["last_answer"] == "HTTP 400: bad [31m card", "control characters of a stranger are not shown"
    assert len(receiver.requests) == 4
    (told,) = bmad.events("message_rejected")
    assert (told["message"], told["status"], told["error"]) == (dead["id"], "400", dead["last_answer"])
    assert bmad.events("channel_suspended") == []


@pytest.mark.parametrize("answer", [
    Status(403), Status(404, body="unknown workflow"), Redirect("https://login.example/s3cret"),
], ids=["403", "404", "redirect"])
def test_a_destination_that_refuses_suspends_its_channel(make_bmad, receiver, answer):
    receiver.script("/hook", answer, Status(202))
    bmad = make_bmad(jobs={name: probe(["hook", "well"], messages=3) for name in ("job", "other")},
                     channels={"hook": hook(receiver), "well": hook(receiver, "/well")}).start()
    run(bmad)
    wait_for(lambda: sorted(states(bmad, channel="hook")) == ["dead", "queued", "queued"])
    wait_states(bmad, *["delivered"] * 3, channel="well")
    run(bmad, "other")
    wait_states(bmad, *["delivered"] * 6, channel="well")

    assert len(receiver.of("/hook")) == 1, "left alone"
    (told,) = bmad.events("channel_suspended")
    assert (told["channel"], told["level"]) == ("hook", "error")
    assert "s3cret" not in bmad.log_path.read_text()
    restart(bmad)  # whoever restarts it may have put things right: it probes
    wait_for(lambda: states(bmad, channel="hook").count("delivered") == 5)
    assert len(bmad.events("channel_resumed", channel="hook")) == 1


def test_a_silent_and_a_dead_receiver_delay_nobody(make_bmad, receiver):
    receiver.script("/silent", Silence())
    channels = {"silent": hook(receiver, "/silent", timeout="20s"), "well": hook(receiver, "/well"),
                "dead": {"type": "webhook", "url": f"http://127.0.0.1:{closed_port()}/", "retry": QUICK}}
    bmad = make_bmad(jobs={"job": probe(["silent", "dead", "well"], messages=50)}, channels=channels).start()
    began = time.monotonic()
    run(bmad)
    assert receiver.wait(50, timeout=5, path="/well")

    assert time.monotonic() - began < 3
    assert len(receiver.of("/silent")) == 1


class Poisoned:
    """Fails message number 1, takes all others."""

    def answer(self, connection, request):
        return Status(500 if request.json()["data"]["number"] == 1 else 202).answer(connection, request)


def test_a_poisoned_message_does_not_block_its_channel(make_bmad, receiver):
    receiver.script("/hook", Poisoned())
    bmad = make_bmad(jobs={"job": probe(["hook"], messages=20)}, channels={"hook": hook(receiver)}).start()
    run(bmad)
    wait_for(lambda: states(bmad).count("delivered") == 19)

    (left,) = [row for row in messages(bmad) if row["state"] != "delivered"]
    assert left["key"].endswith("|1") and left["state"] in ("retrying", "sending")


def test_what_may_have_arrived_is_told_and_repeated_or_held(make_bmad, receiver):
    receiver.script("/hook", Close(), Status(202))
    receiver.script("/careful", Close(), Status(202))
    channels = {"hook": hook(receiver), "careful": hook(receiver, "/careful", on_ambiguous="hold")}
    bmad = make_bmad(jobs={"job": probe(["hook", "careful"])}, channels=channels).start()
    run(bmad)
    (again,) = wait_states(bmad, "delivered", channel="hook")
    (held,) = wait_states(bmad, "ambiguous", channel="careful")

    assert (again["attempts"], again["ambiguous"]) == (2, True)
    (retry,) = bmad.events("message_retry", channel="hook")
    assert retry["ambiguous"] == "true"
    (told,) = bmad.events("message_ambiguous", channel="careful")
    assert (told["message"], told["level"]) == (held["id"], "error")
    restart(bmad)
    time.sleep(0.3)
    assert states(bmad, channel="careful") == ["ambiguous"]
    assert len(receiver.of("/careful")) == 1, "a person decides"
    done = bmad.command("outbox", "retry", held["id"])
    assert done.returncode == 0, done.stdout
    (row,) = wait_states(bmad, "delivered", channel="careful")
    assert (row["attempts"], row["ambiguous"]) == (1, True), "counted anew; what is open stays on record"


# -- what people do --------------------------------------------------------------------------------------------


def test_dead_messages_are_sent_again_through_the_daemon(make_bmad, receiver):
    receiver.script("/hook", Status(400))
    bmad = make_bmad(jobs={"job": probe(["hook"], messages=3)}, channels={"hook": hook(receiver)}).start()
    run(bmad)
    rows = wait_states(bmad, "dead", "dead", "dead")
    receiver.script("/hook", Status(202))
    assert bmad.command("outbox", "retry", rows[0]["id"][-8:]).returncode == 0, "the end of an id will do"
    wait_for(lambda: states(bmad).count("delivered") == 1)
    changes = bmad.json("outbox", "retry", "--channel", "hook", "--state", "dead")
    wait_states(bmad, "delivered", "delivered", "delivered")

    assert {change["id"] for change in changes} == {row["id"] for row in rows[1:]}
    assert {(change["before"], change["refused"]) for change in changes} == {("dead", None)}
    assert receiver.counts(delivered=True) == {row["id"]: 1 for row in rows}
    assert bmad.json("outbox", "retry", rows[0]["id"], status=1)[0]["refused"].startswith("it was delivered")
    assert bmad.json("outbox", "retry", rows[0]["id"], "--again")[0]["refused"] is None
    wait_for(lambda: receiver.counts(delivered=True)[rows[0]["id"]] == 2)


def test_discarded_messages_do_not_go_out(make_bmad, receiver):
    receiver.script("/hook", Status(404), Status(202))
    bmad = make_bmad(jobs={"job": probe(["hook"], messages=3)}, channels={"hook": hook(receiver)}).start()
    run(bmad)
    wait_for(lambda: sorted(states(bmad)) == ["dead", "queued", "queued"])
    (first, _) = [row["id"] for row in messages(bmad, state="queued")]
    assert bmad.command("outbox", "discard", first).returncode == 0
    assert bmad.command("outbox", "discard", "no-such-message").returncode != 0
    restart(bmad)
    wait_for(lambda: states(bmad).count("delivered") == 1)

    assert sorted(states(bmad)) == ["dead", "delivered", "discarded"]
    assert first not in receiver.counts()


# -- send and wait -----------------------------------------------------------------------------------------------


def test_send_and_wait_sends_a_key_once(make_bmad, receiver):
    receiver.script("/hook", Status(500), Status(202))
    bmad = make_bmad(jobs={"job": probe([], wait=True)}, channels={"counter": hook(receiver)}).start()
    first = bmad.once("job", "--at", AT)
    second = bmad.once("job", "--at", AT)

    assert first["messages"][0]["outcome"] == "delivered"
    assert (first["messages"][0]["attempts"], first["metrics"]["outcome"]) == (2, second["metrics"]["outcome"])
    assert second["result"] == "ok"
    assert len(receiver.requests) == 2 and sum(receiver.counts(delivered=True).values()) == 1
    (row,) = messages(bmad)
    assert (row["state"], row["run"]) == ("delivered", int(first["run"]))


def test_send_and_wait_ends_its_run_when_all_is_delivered(make_bmad, receiver):
    bmad = make_bmad(jobs={"job": probe([], wait=True, messages=2)}, channels={"counter": hook(receiver)}).start()
    run(bmad)

    assert states(bmad) == ["delivered", "delivered"]
    for row in messages(bmad):
        bmad.wait_event("message_delivered", message=row["id"])
        assert {line["event"] for line in bmad.events(message=row["id"])} == {"message_queued", "message_delivered"}
    assert bmad.runs("job")[0]["messages"] == 2


def test_send_and_wait_survives_its_worker_and_sender(make_bmad, receiver):
    receiver.script("/hook", Status(202, delay=1.0), Status(202))
    bmad = make_bmad(jobs={"job": probe([], wait=True)}, channels={"counter": hook(receiver)}).start()
    assert bmad.command("run", "job").returncode == 0
    assert receiver.wait(1)
    bmad.kill("worker 1 [job]") or bmad.kill("worker 2 [job]")
    wait_states(bmad, "delivered")

    assert len(receiver.requests) == 1
    wait_for(lambda: bmad.runs("job")[0]["state"] == "failed")
    time.sleep(0.3)
    assert len(bmad.runs("job")) == 1, "a run that sent is not repeated"


# -- the log and secrets --------------------------------------------------------------------------------------------


def test_lines_of_messages_say_whose_they_are(make_bmad, receiver):
    receiver.script("/hook", Status(500), Close(), Status(202))
    bmad = make_bmad(jobs={"job": probe(["hook"])}, channels={"hook": hook(receiver)}).start()
    bmad.once("job", "--at", AT)
    bmad.once("job", "--at", AT)
    (row, suppressed) = wait_states(bmad, "delivered", "suppressed")

    lines = bmad.events(message=row["id"])
    assert [line["event"] for line in lines] == ["message_retry", "message_retry", "message_delivered"]
    for line in lines:
        assert list(line)[:8] == ["ts", "level", "event", "job", "run", "slot", "channel", "message"]
        assert (line["job"], line["run"], line["slot"], line["channel"]) == ("job", str(row["run"]), AT, "hook")
        assert 0 <= int(line["ms"]) < 5000
    assert suppressed["reason"] == f"key sent by run {row['run']}"


def all_texts(bmad):
    """Every text of the store but the messages' payloads."""
    found = []
    for table in bmad.sql("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'payloads'"):
        found += [str(row) for row in bmad.sql(f"SELECT * FROM {table['name']}")]
    return "\n".join(found)


def test_secrets_are_nowhere_to_be_seen(make_bmad, receiver):
    path = "/hook/T01234567/Path-Secret-1"
    key = "whsec_" + base64.b64encode(b"Key-Secret-2".ljust(32, b"x")).decode()
    echo = f"no route to {receiver.url(path + '?sig=Query-Secret-3')} for Bearer-Secret-4, {key}"
    receiver.script(path, Status(500, body=echo), Status(400, body=echo))
    bmad = make_bmad(jobs={"job": probe(["hook", "file"])}, channels={
        "hook": {"type": "webhook", "url": "${file:hook.url}", "secret": "${HOOK_KEY}", "retry": QUICK,
                 "headers": {"Authorization": "Bearer-Secret-4"}},
        "file": {"type": "file", "dir": "missing", "retry": QUICK},
    }, daemon={"log": {"target": "stderr", "level": "debug"}})
    (bmad.folder / "hook.url").write_text(receiver.url(path) + "?sig=Query-Secret-3\n")
    (bmad.folder / "hook.url").chmod(0o600)
    bmad.start(env={"HOOK_KEY": key})
    run(bmad)
    (row,) = wait_states(bmad, "dead", channel="hook")
    assert receiver.requests[0].headers["authorization"] == "Bearer-Secret-4"

    pids = [bmad.pid, *bmad.children().values()]
    seen = {
        "the log": bmad.log_path.read_text(),
        "the store": all_texts(bmad),
        "ps": b" ".join(read_proc(pid, "cmdline") + read_proc(pid, "comm") for pid in pids).decode(),
        "the outbox": bmad.command("outbox").stdout + bmad.command("outbox", "show", row["id"]).stdout,
        "--json": json.dumps([bmad.outbox(), bmad.json("status"), bmad.runs()]),
    }
    for place, text in seen.items():
        for secret in ("Path-Secret-1", "Query-Secret-3", "Bearer-Secret-4", key, key[len("whsec_"):]):
            assert secret not in text, f"{secret} in {place}"
    assert "no route to ***" in row["last_answer"]


# -- by hand beside the daemon -----------------------------------------------------------------------------------------


def test_two_by_hand_with_one_key_deliver_it_once(make_bmad, receiver):
    receiver.script("/hook", Status(202, delay=0.3))
    bmad = make_bmad(jobs={"job": probe(["hook"])}, channels={"hook": hook(receiver)}).start()
    reports = []
    threads = [threading.Thread(target=lambda: reports.append(bmad.once("job", "--at", AT))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    outcomes = sorted(report["messages"][0]["outcome"] for report in reports)
    assert outcomes == ["delivered", "suppressed", "suppressed"]
    assert len(receiver.requests) == 1
    assert len(bmad.events("message_delivered")) == 1, "by the daemon's sender"
    assert {row["key"].split(":")[0] for row in bmad.sql("SELECT key FROM slots")} == {"manual"}


def test_by_hand_waits_out_the_channels_pause(make_bmad, receiver):
    receiver.script("/hook", Status(503, {"Retry-After": "2"}), Status(202))
    bmad = make_bmad(jobs={"job": probe(["hook"])}, channels={"hook": hook(receiver)}).start()
    began = time.monotonic()
    (message,) = bmad.once("job", "--at", AT)["messages"]

    assert (message["outcome"], message["attempts"]) == ("delivered", 2)
    assert 1.9 < time.monotonic() - began < 4


def test_a_killed_command_loses_no_message(make_bmad, receiver):
    receiver.script("/hook", Status(500), Status(500), Status(500), Status(202))
    channel = hook(receiver, retry={"initial": "1s", "max": "1s"})
    bmad = make_bmad(jobs={"job": probe(["hook"])}, channels={"hook": channel}).start()
    command = subprocess.Popen([BINARY, "-c", bmad.config, "--once", "job"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env=bmad.environment())
    assert receiver.wait(1)
    command.kill()
    command.wait()

    (row,) = wait_states(bmad, "delivered")
    assert row["attempts"] == 4 and bmad.runs("job")[0]["state"] == "ok"


@pytest.mark.parametrize("wait", [False, True], ids=["queue", "wait"])
def test_by_hand_is_refused_where_the_daemon_would_deliver_otherwise(make_bmad, receiver, wait):
    theirs = {"counter": hook(receiver), "files": {"type": "file", "dir": "."}}
    bmad = make_bmad(jobs={"idle": {"module": "noop"}}, channels=theirs).start()
    jobs = {"job": probe(["counter"], wait=wait), "other": probe(["files", "console"]), "new": probe(["more"])}
    ours = {**theirs, "counter": hook(receiver, "/elsewhere"), "more": hook(receiver)}
    bmad.configure(jobs, ours, {})
    report = bmad.once("job", status=1)

    assert report["error"]["kind"] == "CONFIG"
    assert "another definition of channel 'counter': reload the daemon" in report["error"]["message"]
    assert bmad.runs("job")[0]["state"] == "failed"
    assert "does not know channel 'more'" in bmad.once("new", status=1)["error"]["message"]
    assert messages(bmad) == [] and receiver.requests == []
    assert bmad.once("other")["result"] == "ok", "what is the same in both goes on"
    bmad.configure(jobs, {**ours, "counter": theirs["counter"]}, {})
    assert bmad.once("job")["result"] == "ok"
