# SPDX-License-Identifier: MIT
"""The sender against a real receiver: every fault, the exact outcome, the exact number of requests."""

import base64
import hashlib
import hmac
import time

import pytest

from outbox import Outbox
from receiver import (Certificates, Close, Drip, Huge, HugeHeader, Raw, Receiver, Redirect, Reset,
                      RetryAfterDate, Silence, Status, Truncated, closed_port)

QUICK = {"initial": "50ms", "max": "100ms"}
CARD = '{"type":"AdaptiveCard","version":"1.5","body":[]}'


@pytest.fixture(scope="session")
def certificates():
    return Certificates()


def hook(receiver, path="/hook", **more):
    return {"type": "webhook", "url": receiver.url(path), "retry": QUICK, **more}


def one_attempt(tmp_path, channel, payload=CARD, timeout=20.0):
    """What the record says of a message after its first attempt; retries are far away."""
    channel = {**channel, "retry": {"initial": "10m", "max": "10m"}}
    with Outbox(tmp_path, {"c": channel}) as outbox:
        outbox.put("c", payload=payload)
        row = outbox.wait_attempt(timeout)
    row["log"] = outbox.log
    return row


# -- what each answer leads to ---------------------------------------------------------------------------

TYPES = ["webhook", "teams"]
LATER = [408, 421, 425, 429, 500, 502, 503, 504, 507, 520, 529, 599]
REJECTED = [400, 402, 405, 406, 409, 411, 413, 414, 415, 422, 431, 501, 505]
GONE = [301, 302, 307, 308, 401, 403, 404, 407, 410, 451]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("status", [202, 200])
def test_success_is_delivered_with_one_request(tmp_path, receiver, kind, status):
    receiver.script("/hook", Status(status))
    row = one_attempt(tmp_path, hook(receiver, type=kind))
    assert (row["state"], row["attempts"], row["ambiguous"]) == ("delivered", 1, False)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("kind", TYPES)
def test_statuses_that_pass_are_tried_again_and_the_others_are_not(tmp_path, receiver, kind):
    statuses = LATER + REJECTED + GONE
    channels = {f"c{status}": hook(receiver, f"/{status}", type=kind, retry={"initial": "10m", "max": "10m"})
                for status in statuses}
    for status in statuses:
        receiver.script(f"/{status}", Status(status))
    with Outbox(tmp_path, channels) as outbox:
        for channel in channels:
            outbox.put(channel, payload=CARD)
        rows = outbox.wait(lambda rows: all(row["attempts"] for row in rows))
    for row in rows:
        status = int(row["channel"][1:])
        expected = "retrying" if status in LATER else "dead"
        assert (status, row["state"], row["ambiguous"]) == (status, expected, False)
        if expected == "dead":
            assert row["reason"] == "rejected"
    assert len(receiver.requests) == len(statuses)
    suspended = {line.split("channel=")[1].split()[0] for line in outbox.events("channel_suspended")}
    assert suspended == {f"c{status}" for status in GONE}


PERHAPS = {
    "close": Close(),
    "reset": Reset(),
    "garbage": Raw(),
    "http 0.9": Raw(b"hello"),
    "half a header": Raw(b"HTTP/1.1 200 OK\r\nContent-"),
    "only an interim answer": Raw(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "endless header": HugeHeader(),
    "silence": Silence(),
}


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("fault", PERHAPS)
def test_what_may_have_arrived_is_recorded_as_ambiguous_and_repeated(tmp_path, receiver, kind, fault):
    receiver.script("/hook", PERHAPS[fault], Status(202))
    with Outbox(tmp_path, {"c": hook(receiver, type=kind, timeout="700ms")}) as outbox:
        outbox.put("c", payload=CARD)
        row = outbox.wait_all("delivered")[0]
    assert (row["attempts"], row["ambiguous"]) == (2, True)
    assert len(receiver.requests) == 2


@pytest.mark.parametrize("fault", PERHAPS)
def test_what_may_have_arrived_is_held_where_a_repeat_is_worse(tmp_path, receiver, fault):
    receiver.script("/hook", PERHAPS[fault], Status(202))
    with Outbox(tmp_path, {"c": hook(receiver, timeout="700ms", on_ambiguous="hold")}) as outbox:
        outbox.put("c")
        row = outbox.wait_all("ambiguous")[0]
        time.sleep(0.3)
    assert (row["attempts"], row["ambiguous"]) == (1, True)
    assert len(receiver.requests) == 1
    assert len(outbox.events("message_ambiguous")) == 1


@pytest.mark.parametrize("fault", [Truncated(200, body="1"), Huge(200), Drip(200)], ids=["cut", "huge", "drip"])
def test_an_answer_that_came_counts_however_its_body_ends(tmp_path, receiver, fault):
    receiver.script("/hook", fault)
    row = one_attempt(tmp_path, hook(receiver, timeout="1s"))
    assert (row["state"], row["ambiguous"]) == ("delivered", False)
    assert len(receiver.requests) == 1


def test_nobody_listening_is_surely_not_delivered(tmp_path):
    row = one_attempt(tmp_path, {"type": "webhook", "url": f"http://127.0.0.1:{closed_port()}/x"})
    assert (row["state"], row["ambiguous"]) == ("retrying", False)


def test_an_unknown_host_is_surely_not_delivered(tmp_path):
    row = one_attempt(tmp_path, {"type": "webhook", "url": "https://nowhere.invalid/x"}, timeout=40)
    assert (row["state"], row["ambiguous"]) == ("retrying", False)


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "[fd00:ec2::254]", "[::ffff:169.254.169.254]"])
def test_link_local_addresses_are_refused(tmp_path, host):
    row = one_attempt(tmp_path, {"type": "webhook", "url": f"http://{host}/latest", "allow_http": True})
    assert (row["state"], row["ambiguous"]) == ("retrying", False)
    assert "link-local" in row["answer"]


def test_a_redirect_is_not_followed(tmp_path, receiver):
    receiver.script("/hook", Redirect(receiver.url("/elsewhere?token=s3cret")))
    row = one_attempt(tmp_path, hook(receiver))
    assert (row["state"], row["reason"]) == ("dead", "rejected")
    assert [r.path for r in receiver.requests] == ["/hook"]
    assert "s3cret" not in row["answer"] + row["log"]


def test_teams_errors_wrapped_into_200_are_no_success(tmp_path, receiver):
    receiver.script("/hook", Status(200, body="Webhook message delivery failed with error: Microsoft Teams endpoint "
                                    "returned HTTP error 429 with ContextId tcid=0"), Status(202))
    with Outbox(tmp_path, {"c": hook(receiver, type="teams")}) as outbox:
        outbox.put("c", payload=CARD)
        assert outbox.wait_all("delivered")[0]["attempts"] == 2
    sent = receiver.requests[0].json()
    assert sent["type"] == "message" and sent["attachments"][0]["content"]["type"] == "AdaptiveCard"
    assert receiver.requests[0].body == receiver.requests[1].body


# -- TLS ----------------------------------------------------------------------------------------------------


def test_a_certificate_of_a_known_authority_is_accepted(tmp_path, certificates):
    with Receiver(tls=certificates.server()) as server:
        row = one_attempt(tmp_path, hook(server, ca_file=certificates.ca))
    assert row["state"] == "delivered"


def test_nothing_goes_to_an_unknown_authority(tmp_path, certificates):
    with Receiver(tls=certificates.server()) as server:
        row = one_attempt(tmp_path, hook(server))
        assert not server.requests
    assert (row["state"], row["ambiguous"]) == ("retrying", False)
    assert "certificate" in row["answer"]


def test_nothing_goes_to_a_server_of_another_name(tmp_path, certificates):
    with Receiver(tls=certificates.server("DNS:other.example")) as server:
        row = one_attempt(tmp_path, hook(server, ca_file=certificates.ca))
        assert not server.requests
    assert (row["state"], row["ambiguous"]) == ("retrying", False)


# -- the request ----------------------------------------------------------------------------------------------


def test_every_attempt_sends_the_same_bytes_and_id_with_a_new_signature(tmp_path, receiver):
    key = bytes(range(32))
    receiver.script("/hook", Status(500), Status(500), Status(202))
    channel = hook(receiver, "/hook", secret="whsec_" + base64.b64encode(key).decode(),
                   headers={"X-Plant": "7"}, retry={"initial": "1200ms", "max": "1200ms"})
    channel["url"] += "?sig=a%2Fb"
    with Outbox(tmp_path, {"c": channel}) as outbox:
        message = outbox.put("c", payload='{"zone":"Zoë"}')[0]
        outbox.wait_all("delivered")
    assert len(receiver.requests) == 3
    for request in receiver.requests:
        assert request.method == "POST"
        assert request.target == "/hook?sig=a%2Fb"
        assert request.body == '{"zone":"Zoë"}'.encode()
        headers = request.headers
        assert headers["idempotency-key"] == f'"{message}"'
        assert headers["webhook-id"] == message
        assert headers["x-plant"] == "7"
        assert headers["content-type"] == "application/json"
        assert headers["user-agent"].startswith("bmad/")
        assert headers["accept"] == "*/*"
        assert "expect" not in headers
        signed = f"{message}.{headers['webhook-timestamp']}.".encode() + request.body
        mac = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == "v1," + mac
    times = {request.headers["webhook-timestamp"] for request in receiver.requests}
    assert len(times) > 1


def test_connections_are_kept(tmp_path, receiver):
    with Outbox(tmp_path, {"c": hook(receiver)}) as outbox:
        outbox.put("c", 100)
        outbox.wait_all("delivered")
    assert receiver.connections_made == 1
    assert len(receiver.requests) == 100


def test_a_request_lost_on_a_kept_connection_is_not_repeated_in_secret(tmp_path, receiver):
    """libcurl would send it again by itself, and a second arrival would be nowhere on record."""
    receiver.script("/hook", Status(202), Close(), Status(202))
    with Outbox(tmp_path, {"c": hook(receiver)}) as outbox:
        outbox.put("c")
        outbox.wait_all("delivered")
        outbox.put("c")
        rows = outbox.wait_all("delivered")
    assert len(receiver.requests) == 3
    assert [(row["attempts"], row["ambiguous"]) for row in rows] == [(1, False), (2, True)]


def test_no_secret_is_printed_though_the_receiver_repeats_it(tmp_path, receiver):
    path = "/hook/T0123456789/s3cr3tpart"
    receiver.script(path, Status(500, body=f"no route to {receiver.url(path)} with Bearer abcdef123456"))
    row = one_attempt(tmp_path, hook(receiver, path, headers={"Authorization": "Bearer abcdef123456"}))
    assert "s3cr3tpart" not in row["answer"] + row["log"]
    assert "abcdef123456" not in row["answer"] + row["log"]
    assert "no route to ***" in row["answer"]


# -- when --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [
    Status(429, {"Retry-After": "2"}), Status(503, {"Retry-After": "1.5"}), Status(500, {"Retry-After": "2"}),
    RetryAfterDate(429, 3), RetryAfterDate(503, 3, skew=-86400), RetryAfterDate(503, 3, skew=86400),
], ids=["429", "fraction", "500", "date", "clock behind", "clock ahead"])
def test_retry_after_stops_the_whole_channel(tmp_path, receiver, answer):
    receiver.script("/hook", answer, Status(202))
    with Outbox(tmp_path, {"c": hook(receiver)}) as outbox:
        outbox.put("c", 3)
        outbox.wait_all("delivered")
    first, *others = [request.time for request in receiver.requests]
    assert len(others) == 3
    assert 1.9 <= min(others) - first
    assert max(others) - first < 4.5
    assert len(outbox.events("channel_paused")) == 1
    assert len(outbox.events("channel_resumed")) == 1


@pytest.mark.parametrize("value", ["soon", "-5", "Fri, 20 Nov 2020 10:00:00 GMT", ""])
def test_a_senseless_retry_after_is_ignored(tmp_path, receiver, value):
    receiver.script("/hook", Status(500, {"Retry-After": value}), Status(202))
    with Outbox(tmp_path, {"c": hook(receiver)}) as outbox:
        outbox.put("c")
        outbox.wait_all("delivered", timeout=5)
    assert len(receiver.requests) == 2


def test_a_pause_outlives_the_sender(tmp_path, receiver):
    receiver.script("/hook", Status(429, {"Retry-After": "3"}), Status(202))
    with Outbox(tmp_path, {"c": hook(receiver)}) as outbox:
        outbox.put("c")
        outbox.wait_attempt()
        outbox.command(kill="sender")
        outbox.put("c")
        outbox.wait_all("delivered")
    assert receiver.requests[1].time - receiver.requests[0].time >= 2.9
    assert len(receiver.requests) == 3


def test_a_message_dies_when_its_time_is_over(tmp_path, receiver):
    receiver.script("/hook", Status(500))
    with Outbox(tmp_path, {"c": hook(receiver)}) as outbox:
        outbox.put("c", expires_ms=1000)
        row = outbox.wait_all("dead")[0]
    assert row["reason"] == "expired"
    assert len(receiver.requests) >= 2
    assert len(outbox.events("message_expired")) == 1


def test_no_window_of_a_rate_is_exceeded(tmp_path, receiver):
    channel = hook(receiver, rate=["10/s", "25/3s"], in_flight=4)
    with Outbox(tmp_path, {"c": channel}) as outbox:
        outbox.put("c", 40)
        outbox.wait_all("delivered", timeout=30)
    times = [request.time for request in receiver.requests]
    # The receiver notes when it heard, not when the sender spoke: on a busy machine what was sent apart
    # arrives together. A third of a second less still finds a bucket that lets twice as many through.
    for window, count in [(0.67, 10), (2.67, 25)]:
        for start in times:
            assert sum(start <= t < start + window for t in times) <= count
    assert times[-1] - times[0] < 6


def test_as_many_as_allowed_are_in_flight(tmp_path, receiver):
    receiver.script("/hook", Status(202, delay=0.3))
    with Outbox(tmp_path, {"c": hook(receiver, in_flight=5)}) as outbox:
        outbox.put("c", 20)
        outbox.wait_all("delivered")
    assert receiver.connections_made == 5
    assert 1.1 < receiver.requests[-1].time - receiver.requests[0].time + 0.3 < 2.5


# -- one for all ---------------------------------------------------------------------------------------------


class ByBody:
    """Fails what holds WORD."""

    def __init__(self, word, fault):
        self.word = word.encode()
        self.fault = fault

    def answer(self, connection, request):
        behaviour = self.fault if self.word in request.body else Status(202)
        return behaviour.answer(connection, request)


def test_a_poisoned_message_steps_aside(tmp_path, receiver):
    receiver.script("/hook", ByBody("poison", Status(500)))
    with Outbox(tmp_path, {"c": hook(receiver)}) as outbox:
        bad = outbox.put("c", payload="poison")[0]
        good = outbox.put("c", 20, payload="good %d")
        outbox.wait(lambda rows: all(row["state"] == "delivered" for row in rows if row["id"] in good))
        assert outbox.states()[bad] in ("retrying", "sending")


def test_a_named_lane_keeps_its_order(tmp_path, receiver):
    receiver.script("/hook", Status(500), Close(), Status(202), Status(503), Status(202))
    with Outbox(tmp_path, {"c": hook(receiver, in_flight=4)}) as outbox:
        ids = []
        for number in range(6):
            ids += outbox.put("c", lane="ticket-1", payload=str(number))
        outbox.wait_all("delivered")
    arrived = [r.body.decode() for r in receiver.requests if r.status == 202]
    assert arrived == ["0", "1", "2", "3", "4", "5"]
    assert [r.body.decode() for r in receiver.requests][:4] == ["0", "0", "0", "1"]


def test_the_head_of_a_named_lane_dies_when_it_fails_while_others_pass(tmp_path, receiver):
    receiver.script("/hook", ByBody("poison", Status(500)))
    with Outbox(tmp_path, {"c": hook(receiver)}) as outbox:
        bad = outbox.put("c", lane="ticket-1", payload="poison")[0]
        behind = outbox.put("c", lane="ticket-1", payload="behind")[0]
        outbox.wait(lambda rows: rows[0]["attempts"] >= 1)
        outbox.put("c", payload="others")
        rows = {row["id"]: row for row in outbox.wait(
            lambda rows: all(row["state"] in ("delivered", "dead") for row in rows))}
    assert (rows[bad]["state"], rows[bad]["reason"]) == ("dead", "rejected")
    assert rows[behind]["state"] == "delivered"


def test_a_dead_and_a_silent_destination_delay_nobody(tmp_path, receiver):
    receiver.script("/silent", Silence())
    channels = {
        "silent": hook(receiver, "/silent", timeout="20s"),
        "dead": {"type": "webhook", "url": f"http://127.0.0.1:{closed_port()}/", "retry": QUICK},
        "well": hook(receiver, "/well"),
    }
    with Outbox(tmp_path, channels) as outbox:
        outbox.put("silent", 50)
        outbox.put("dead", 50)
        outbox.put("well", 50)
        assert receiver.wait(50, timeout=5, path="/well")


def test_a_destination_that_refuses_is_left_alone(tmp_path, receiver):
    receiver.script("/hook", Status(403), Status(202))
    with Outbox(tmp_path, {"c": hook(receiver)}) as outbox:
        first = outbox.put("c")[0]
        outbox.wait_attempt()
        outbox.put("c", 5)
        time.sleep(0.5)
        states = outbox.states()
        assert states.pop(first) == "dead"
        assert set(states.values()) == {"queued"}
        assert len(receiver.requests) == 1
        assert len(outbox.events("channel_suspended")) == 1
        outbox.command(kill="sender")  # whoever restarts it may have put things right: it probes
        outbox.wait(lambda rows: sum(row["state"] == "delivered" for row in rows) == 5)
        assert len(outbox.events("channel_resumed")) == 1


def test_a_probe_that_is_refused_costs_no_message(tmp_path, receiver):
    receiver.script("/hook", Status(404))
    with Outbox(tmp_path, {"c": hook(receiver)}) as outbox:
        outbox.put("c", 3)
        outbox.wait(lambda rows: any(row["state"] == "dead" for row in rows))
        outbox.command(kill="sender")
        assert receiver.wait(2)
        rows = outbox.wait(lambda rows: all(row["state"] != "sending" for row in rows))
        assert sum(row["state"] == "dead" for row in rows) == 1
        assert len(receiver.requests) == 2


# -- files and faults of our own -----------------------------------------------------------------------------


def test_files_appear_whole_and_once(tmp_path):
    folder = tmp_path / "mount" / "out"
    with Outbox(tmp_path, {"f": {"type": "file", "dir": str(folder), "retry": QUICK}}) as outbox:
        outbox.put("f", 20, payload='{"n":%d}')
        time.sleep(0.3)  # the folder above it is not there yet: nothing is lost
        folder.parent.mkdir()
        outbox.wait_all("delivered")
    contents = sorted(path.read_text() for path in folder.iterdir())
    assert contents == sorted('{"n":%d}' % n for n in range(20))


def test_an_unresolved_reference_stops_its_own_channel_only(tmp_path, receiver):
    channels = {"lost": {"type": "webhook", "url": "${BMAD_TEST_NO_SUCH_VARIABLE}"}, "well": hook(receiver)}
    with Outbox(tmp_path, channels) as outbox:
        lost = outbox.put("lost")[0]
        well = outbox.put("well")[0]
        outbox.wait(lambda rows: any(row["state"] == "delivered" for row in rows))
        assert outbox.states() == {lost: "queued", well: "delivered"}
    assert "BMAD_TEST_NO_SUCH_VARIABLE" in outbox.log


def test_drain_finishes_what_is_on_the_wire_and_gives_back_the_rest(tmp_path, receiver):
    receiver.script("/hook", Status(202, delay=1.0))
    with Outbox(tmp_path, {"c": hook(receiver)}) as outbox:
        outbox.put("c", 10)
        receiver.wait(1)
        assert outbox.command(drain=True) == 0
        states = [row["state"] for row in outbox.list()]
        assert states.count("delivered") == 1
        assert states.count("queued") == 9
        receiver.script("/hook", Status(202))
        outbox.command(start="sender")
        rows = outbox.wait_all("delivered")
    assert len(receiver.requests) == 10
    assert not any(row["ambiguous"] for row in rows)


def test_a_store_that_dies_costs_no_message_and_doubles_none(tmp_path, receiver):
    receiver.script("/hook", Status(202, delay=0.005))
    with Outbox(tmp_path, {"c": hook(receiver, in_flight=4)}) as outbox:
        for _ in range(10):
            outbox.put("c", 40)
            time.sleep(0.05)
            outbox.command(kill="store")
        rows = outbox.wait_all("delivered", timeout=60)
    assert len(rows) == 400
    assert not any(row["ambiguous"] for row in rows)
    counts = receiver.counts()
    assert len(counts) == 400 and set(counts.values()) == {1}


def test_a_sender_that_dies_doubles_only_what_is_recorded_as_ambiguous(tmp_path, receiver):
    receiver.script("/hook", Status(202, delay=0.005))
    with Outbox(tmp_path, {"c": hook(receiver, in_flight=4)}) as outbox:
        for _ in range(10):
            outbox.put("c", 40)
            time.sleep(0.05)
            outbox.command(kill="sender")
        rows = outbox.wait_all("delivered", timeout=60)
    counts = receiver.counts()
    assert set(counts) == {row["id"] for row in rows}
    twice = {message for message, count in counts.items() if count > 1}
    assert twice <= {row["id"] for row in rows if row["ambiguous"]}


def test_where_a_repeat_is_worse_a_sender_that_dies_doubles_nothing(tmp_path, receiver):
    receiver.script("/hook", Status(202, delay=0.005))
    with Outbox(tmp_path, {"c": hook(receiver, in_flight=2, on_ambiguous="hold")}) as outbox:
        for _ in range(10):
            outbox.put("c", 10)
            time.sleep(0.05)
            outbox.command(kill="sender")
        rows = outbox.wait(lambda rows: all(row["state"] in ("delivered", "ambiguous") for row in rows), 60)
    counts = receiver.counts()
    assert set(counts.values()) <= {1}
    assert all(counts[row["id"]] == 1 for row in rows if row["state"] == "delivered")
    # No more stand open than can have been on the wire when a sender died.
    assert sum(row["state"] == "ambiguous" for row in rows) <= 2 * 10
