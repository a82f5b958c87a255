# SPDX-License-Identifier: MIT
"""Every channel type against every fault: outcome, number of requests, what is stored, and no secret anywhere.

All channels are in one sender; each has an address of its own, so that one's fault is not another's.
"""
import json
import socket
import urllib.parse

import pytest

from outbox import Outbox
from receiver import Certificates, Close, Raw, Receiver, Reset, RetryAfterDate, Silence, Status, Truncated, closed_port

TOKEN = "s3cr3t-t0ken"
PAYLOADS = {
    "teams": '{"type":"AdaptiveCard","version":"1.5","body":[]}',
    "slack": '{"text":"x"}',
    "discord": '{"content":"x"}',
    "mattermost": '{"text":"x"}',
    "pagerduty": '{"event_action":"trigger","dedup_key":"k","payload":{"summary":"x","source":"h","severity":"info"}}',
    "sms": "x",
    "webhook": '{"n":1}',
}
SUCCESS = {
    "teams": Status(202), "slack": Status(200, body="ok"), "discord": Status(200, body='{"id":"77"}'),
    "mattermost": Status(200, body="ok"), "pagerduty": Status(202, body='{"status":"success","dedup_key":"k"}'),
    "sms": Status(201, body='{"sid":"SM1","status":"queued"}'), "webhook": Status(200),
}
# A 200 whose body tells of an error: (body, what becomes of the message)
WRONG = {
    "teams": ("Webhook message delivery failed with error: returned HTTP error 429 with ContextId", "retrying"),
    "slack": ('{"ok":false,"error":"invalid_blocks"}', "dead"),
    "discord": ('{"message":"not saved"}', "retrying"),
    "mattermost": ('{"id":"api.error","status_code":503}', "retrying"),
    "pagerduty": ('{"status":"invalid event","errors":["summary"]}', "dead"),
    "sms": ('{"code":21610,"message":"STOP"}', "dead"),
    "webhook": ('{"status":"error"}', "retrying"),
}
GONE = {
    "teams": Status(400, body='{"error":{"code":"WorkflowTriggerIsNotEnabled"}}'),
    "slack": Status(404, body="no_service"), "discord": Status(404, body='{"code":10015}'),
    "mattermost": Status(400, body='{"id":"web.incoming_webhook.invalid.app_error"}'), "pagerduty": Status(403),
    "sms": Status(401, body='{"code":20003}'), "webhook": Status(410),
}
TYPES = list(PAYLOADS)


class Echo(Status):
    """An answer that repeats the request's own address and body, secrets and all."""

    def answer(self, connection, request):
        host = request.headers["host"]
        self.body = f"error at http://{host}{request.target} {request.headers.get('authorization')} ".encode() + request.body
        return super().answer(connection, request)


# fault: (behaviour, state, ambiguous, requests, least wait in ms); None: as the type says
PERHAPS = ("retrying", True, 1, 0)
FAULTS = {
    "success": (SUCCESS, "delivered", False, 1, 0),
    "429": (Status(429), "retrying", False, 1, 0),
    "429-seconds": (Status(429, {"Retry-After": "300"}), "retrying", False, 1, 295_000),
    "429-fraction": (Status(429, {"Retry-After": "299.5"}), "retrying", False, 1, 295_000),
    "429-date": (RetryAfterDate(429, 300), "retrying", False, 1, 290_000),
    "429-date-skewed": (RetryAfterDate(429, 300, skew=-86400), "retrying", False, 1, 290_000),
    "429-negative": (Status(429, {"Retry-After": "-5"}), "retrying", False, 1, 0),
    "429-garbage": (Status(429, {"Retry-After": "soon"}), "retrying", False, 1, 0),
    "500": (Status(500, body="oops"), "retrying", False, 1, 0),
    "500-echo": (Echo(500), "retrying", False, 1, 0),
    "503": (Status(503, {"Retry-After": "300"}), "retrying", False, 1, 295_000),
    "reset": (Reset(), *PERHAPS),
    "close": (Close(), *PERHAPS),
    "garbage": (Raw(), *PERHAPS),
    "silence": (Silence(), *PERHAPS),
    "truncated": (Truncated(200, body='{"id":'), "delivered", False, 1, 0),
    "redirect": (Status(302, {"Location": "https://elsewhere.example/"}), "dead", False, 1, 0),
    "400": (Status(400), "dead", False, 1, 0),
    "413": (Status(413), "dead", False, 1, 0),
    "gone": (GONE, "dead", False, 1, 0),
}


def channel(kind, url, **more):
    """KIND at URL, which holds the token where the type's own secret does not."""
    common = {"type": kind, "timeout": "3s", "retry": {"initial": "12h", "max": "12h"}, **more}  # jitter: a second attempt while we look is unlikely
    if kind == "pagerduty":
        return {**common, "routing_key": TOKEN, "base_url": url}
    if kind == "sms":
        return {**common, "url": url + "/Messages.json", "account_sid": "AC1", "auth_token": TOKEN, "from": "+15550100",
                "to": "+15550100200"}
    if kind == "webhook":
        return {**common, "url": f"{url}?token={TOKEN}", "success_json": {"/status": ["ok", None]}}
    return {**common, "url": f"{url}?token={TOKEN}"}


def path_of(kind, name):
    path = f"/{kind}/{name}"
    return path + {"pagerduty": "/enqueue", "sms": "/Messages.json"}.get(kind, "")


def expected_state(kind, state, ambiguous):
    """A text that may have arrived is held: it costs, and it wakes people twice."""
    return "ambiguous" if ambiguous and kind == "sms" else state


def run(tmp_path, channels, timeout=40):
    """Each channel's row after its first attempt, and the log."""
    with Outbox(tmp_path, channels) as outbox:
        for name, settings in channels.items():
            outbox.put(name, payload=PAYLOADS[settings["type"]])
        rows = outbox.wait(lambda rows: all(row["attempts"] and row["state"] != "sending" for row in rows), timeout)
    return {row["channel"]: row for row in rows}, outbox.log


def test_every_type_ends_every_fault_as_it_must(tmp_path, receiver):
    channels = {}
    for kind in TYPES:
        for name, (behaviour, *_) in FAULTS.items():
            receiver.script(path_of(kind, name), behaviour[kind] if isinstance(behaviour, dict) else behaviour)
            channels[f"{kind}.{name}"] = channel(kind, receiver.url(f"/{kind}/{name}"))
            if kind == "webhook":
                channels[f"{kind}.{name}"].pop("success_json")
    rows, log = run(tmp_path, channels)
    wrong = []
    for kind in TYPES:
        for name, (_, state, ambiguous, requests, wait) in FAULTS.items():
            row = rows[f"{kind}.{name}"]
            got = (row["state"], row["ambiguous"], row["attempts"], len(receiver.of(path_of(kind, name))))
            if got != (expected_state(kind, state, ambiguous), ambiguous, 1, requests) or (wait and row["wait_ms"] < wait):
                wrong.append((kind, name, got, row["wait_ms"], row["answer"]))
    assert not wrong, wrong
    assert TOKEN not in log
    assert all(TOKEN not in f"{row['answer']} {row['reason']}" for row in rows.values())
    suspended = {line.split(" channel=")[1].split()[0] for line in log.splitlines() if "event=channel_suspended" in line}
    assert suspended == {f"{kind}.{name}" for kind in TYPES for name in ("redirect", "gone")}
    assert rows["discord.success"]["provider_id"] == "77" and rows["sms.success"]["provider_id"] == "SM1"


def test_a_200_with_an_error_in_it_is_no_success(tmp_path, receiver):
    channels = {}
    for kind, (body, _) in WRONG.items():
        receiver.script(path_of(kind, "wrong"), Status(200, body=body))
        channels[kind] = channel(kind, receiver.url(f"/{kind}/wrong"))
    rows, _ = run(tmp_path, channels)
    assert {kind: row["state"] for kind, row in rows.items()} == {kind: state for kind, (_, state) in WRONG.items()}
    assert len(receiver.requests) == len(WRONG)


def test_what_never_left_is_surely_not_delivered(tmp_path):
    certificates = Certificates(str(tmp_path))
    mute = socket.socket()  # takes connections, and never says a word of TLS
    mute.bind(("127.0.0.1", 0))
    mute.listen(64)
    with mute, Receiver(tls=certificates.server("DNS:other.example")) as wrong:
        bases = {
            "refused": f"http://127.0.0.1:{closed_port()}",
            "unknown": "https://nowhere.invalid",
            "mute": f"https://127.0.0.1:{mute.getsockname()[1]}",
            "certificate": wrong.url(""),
        }
        channels = {f"{kind}.{name}": channel(kind, f"{base}/{kind}", ca_file=certificates.ca)
                    for kind in TYPES for name, base in bases.items()}
        rows, log = run(tmp_path, channels)
        assert not wrong.requests
    assert {name: (row["state"], row["ambiguous"]) for name, row in rows.items()} == dict.fromkeys(
        channels, ("retrying", False))
    assert TOKEN not in log


# -- requests as the providers take them ------------------------------------------------------------------------


def test_each_request_is_as_its_provider_wants_it(tmp_path, receiver):
    channels = {kind: channel(kind, receiver.url(f"/{kind}/ok")) for kind in TYPES}
    for kind in TYPES:
        receiver.script(path_of(kind, "ok"), SUCCESS[kind])
    channels["webhook"]["headers"] = {"Content-Type": "application/x-www-form-urlencoded"}
    channels["webhook"].pop("success_json")
    rows, _ = run(tmp_path, channels)
    assert {row["state"] for row in rows.values()} == {"delivered"}
    requests = {kind: receiver.of(path_of(kind, "ok"))[0] for kind in TYPES}
    for kind in ("teams", "slack", "discord", "mattermost", "pagerduty"):
        assert requests[kind].headers["content-type"] == "application/json"
    assert requests["discord"].target.endswith("&wait=true")
    assert requests["pagerduty"].json()["routing_key"] == TOKEN
    assert requests["sms"].headers["content-type"] == "application/x-www-form-urlencoded"
    assert requests["sms"].body.startswith(b"To=%2B15550100200&From=%2B15550100&Body=x&ValidityPeriod=")
    assert requests["webhook"].body == b"n=1"


def test_discord_is_left_alone_when_nothing_is_left(tmp_path, receiver):
    used_up = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "1.2"}
    receiver.script("/hook", Status(200, used_up, body='{"id":"1"}'), Status(200, body='{"id":"2"}'))
    settings = {"type": "discord", "url": receiver.url("/hook"), "rate": "100/s"}
    with Outbox(tmp_path, {"c": settings}) as outbox:
        outbox.put("c", count=2, payload=PAYLOADS["discord"])
        outbox.wait_all("delivered")
    first, second = receiver.requests
    assert 1.15 <= second.time - first.time < 5


def test_texts_use_up_the_rate_by_their_segments(tmp_path, receiver):
    receiver.script("/Messages.json", SUCCESS["sms"])
    settings = channel("sms", receiver.url(""), rate="4/s")
    with Outbox(tmp_path, {"c": settings}) as outbox:
        outbox.put("c", count=3, payload="a" * 600)  # four segments each
        outbox.wait_all("delivered")
    times = [request.time for request in receiver.requests]
    assert all(later - earlier > 0.95 for earlier, later in zip(times, times[1:]))


@pytest.mark.parametrize("settings, told", [
    ({"type": "teams", "url": "https://x.webhook.office.com/webhookb2/1"}, "retired"),
    ({"type": "slack", "url": "https://hooks.slack.com/x", "mention": ["<!here>"]}, "mention: `<!here>` is no id"),
    ({"type": "sms", "account_sid": "AC1", "auth_token": "t", "from": "way too long a name"}, "from: expected"),
    ({"type": "sms", "account_sid": "AC1", "auth_token": "t", "from": "12345", "to": "0155501"}, "to: number 1"),
    ({"type": "pagerduty", "routing_key": "k", "base_url": "ftp://x"}, "must begin with https://"),
    ({"type": "webhook", "url": "https://gateway.example/x", "body": "data"}, "success_json: is not set"),
])
def test_check_tells_what_cannot_work(make_bmad, settings, told):
    bmad = make_bmad(channels={"c": settings})
    done = bmad.command("check")
    assert told in done.stderr + done.stdout


# -- a whole run ------------------------------------------------------------------------------------------------


def test_parts_go_out_in_order_and_each_recipient_gets_his_own(make_bmad, receiver):
    rows = json.dumps({"lines": [{"text": f"line {i}"} for i in range(400)]})
    receiver.script("/discord", SUCCESS["discord"])
    receiver.script("/Messages.json", SUCCESS["sms"])
    bmad = make_bmad(
        channels={
            "chat": {"type": "discord", "url": receiver.url("/discord"), "split": True, "rate": "100/s"},
            "texts": {**channel("sms", receiver.url(""), rate="1000/s"), "to": ["+15550100201", "+1 (555) 010-0202"]},
        },
        jobs={"long": {"module": "command", "channels": ["chat", "texts"], "options": {"argv": ["printf", "%s", rows]}}})
    report = bmad.once("long")
    assert {m["outcome"] for m in report["messages"]} == {"delivered"}
    parts = [request.json()["content"] for request in receiver.of("/discord")]
    assert len(parts) > 1
    assert [part.split("\n")[0] for part in parts] == [f"({i}/{len(parts)})" for i in range(1, len(parts) + 1)]
    sent = sorted(urllib.parse.parse_qs(request.body.decode())["To"][0] for request in receiver.of("/Messages.json"))
    assert sent == ["+15550100201", "+15550100202"]
    (message, *_) = [m for m in report["messages"] if m["channel"] == "chat"]
    shown = bmad.command("outbox", "show", message["id"]).stdout
    assert "\n(1/" in shown and "line 7" in shown and '"content"' not in shown
