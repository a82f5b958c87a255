# SPDX-License-Identifier: MIT
"""Calls to vendor APIs, over real HTTP: sessions, second tries, time, and what an outage costs."""
import base64
import json
import time

import pytest

from receiver import Close, Drip, Raw, Receiver, Reset, Silence, Status, Truncated, Certificates

TOKEN_PATH = "/identity/connect/token"
SECRET = "s3cret-of-the-client"


def token(name):
    return Status(200, body=json.dumps({"access_token": name, "expires_in": 3600}))


@pytest.fixture
def vendor(receiver):
    receiver.script(TOKEN_PATH, token("token-one"), token("token-two"), token("token-three"))
    receiver.script("/ok", Status(200, body=b'{"fine": true}'))
    return receiver


def api(vendor, **more):
    return {"type": "bruin", "base_url": vendor.url().rstrip("/"), "login_url": vendor.url().rstrip("/"),
            "client_id": "us", "client_secret": SECRET, "retry_wait": "50ms", **more}


@pytest.fixture
def call(make_bmad, vendor):
    def run(*paths, entry=None, status=0, **options):
        bmad = make_bmad(apis={"bruin": entry or api(vendor)},
                         jobs={"call": {"module": "caller", "channels": ["console"],
                                        "options": {"api": "bruin", "paths": list(paths), **options}}})
        result = bmad.once("call", "--dry-run", status=status)
        assert SECRET not in json.dumps(result) and "token-" not in json.dumps(result)
        return result["data"][0]["calls"] if result["data"] else result
    return run


def paths_of(vendor):
    return [request.path for request in vendor.requests]


def test_a_session_is_made_once_and_carried_by_each_call(call, vendor):
    calls = call("/ok", "/ok", "/ok")
    assert [c["status"] for c in calls] == [200, 200, 200]
    assert paths_of(vendor) == [TOKEN_PATH, "/ok", "/ok", "/ok"]
    login, first = vendor.requests[:2]
    assert login.headers["authorization"] == "Basic " + base64.b64encode(f"us:{SECRET}".encode()).decode()
    assert login.body == b"grant_type=client_credentials&scope=public_api"
    assert login.headers["content-type"] == "application/x-www-form-urlencoded"
    assert first.headers["authorization"] == "Bearer token-one"
    assert first.headers["content-type"] == "application/json-patch+json"


def test_a_refused_session_is_renewed_at_once_and_the_call_repeated_once(call, vendor):
    vendor.script("/x", Status(401), Status(200, body=b"now"))
    [one] = call("/x")
    assert (one["status"], one["body"], one["tries"]) == (200, "now", 2)
    assert [r.headers["authorization"] for r in vendor.requests if r.path == "/x"] == ["Bearer token-one", "Bearer token-two"]


def test_a_session_that_is_refused_twice_is_the_answer(call, vendor):
    vendor.script("/x", Status(401))
    [one] = call("/x")
    assert (one["status"], one["tries"]) == (401, 2)
    assert paths_of(vendor).count(TOKEN_PATH) == 2


def test_many_calls_that_find_the_session_over_renew_it_once(call, vendor):
    for n in range(8):
        vendor.script(f"/{n}", Status(401, delay=0.1), Status(200))
    calls = call(*[f"/{n}" for n in range(8)], limit=8)
    assert {c["status"] for c in calls} == {200}
    assert paths_of(vendor).count(TOKEN_PATH) == 2


@pytest.mark.parametrize("fault", [Status(500), Status(503), Status(512), Close(), Reset(), Raw(), Truncated(200, body=b"x")],
                         ids=["500", "503", "512", "closed", "reset", "garbage", "cut"])
def test_what_may_pass_is_tried_three_times_with_growing_waits(call, vendor, fault):
    vendor.script("/x", fault)
    [one] = call("/x")
    times = [r.time for r in vendor.requests if r.path == "/x"]
    assert len(times) == 3
    assert times[1] - times[0] >= 0.045 and times[2] - times[1] >= 0.095
    assert one.get("status") == fault.status if isinstance(fault, Status) and fault.status >= 500 else one["kind"] == "UNCERTAIN"


def test_a_second_try_that_gets_through_is_the_answer(call, vendor):
    vendor.script("/x", Status(500), Close(), Status(200, body=b"at last"))
    [one] = call("/x")
    assert (one["status"], one["body"], one["tries"]) == (200, "at last", 3)


@pytest.mark.parametrize("status", [400, 403, 404, 302])
def test_a_final_status_is_not_tried_again(call, vendor, status):
    vendor.script("/x", Status(status, {"Location": vendor.url("/elsewhere")}))
    [one] = call("/x")
    assert (one["status"], one["tries"]) == (status, 1)
    assert "/elsewhere" not in paths_of(vendor), "nobody is followed to another place"


def test_a_call_ends_with_its_time_whatever_the_vendor_does(call, vendor):
    vendor.script("/x", Silence())
    begun = time.monotonic()
    [one] = call("/x", entry=api(vendor, request_timeout="700ms"))
    assert one["kind"] == "UNCERTAIN" and time.monotonic() - begun < 5
    assert paths_of(vendor).count("/x") == 1, "nothing is left to try again in"


def test_a_wait_that_the_vendor_asks_for_is_kept(call, vendor):
    vendor.script("/x", Status(503, {"Retry-After": "1"}), Status(200))
    [one] = call("/x")
    first, second = [r.time for r in vendor.requests if r.path == "/x"]
    assert one["status"] == 200 and second - first >= 0.99


def test_a_refused_connection_surely_did_not_arrive(call, vendor):
    with Receiver() as gone:
        pass
    [one] = call("/x", entry=api(vendor, base_url=gone.url().rstrip("/")))
    assert one["kind"] == "TEMPORARY"


def test_a_login_that_is_refused_ends_every_call_with_one_try(call, vendor):
    vendor.script(TOKEN_PATH, Status(400, body=b'{"error": "invalid_client"}'))
    calls = call("/a", "/b", "/c", limit=2)
    assert [c["kind"] for c in calls] == ["PERMANENT"] * 3
    assert paths_of(vendor) == [TOKEN_PATH]


@pytest.mark.parametrize("body", [b"", b"not json", b"{}", b'{"access_token": 7}', b'{"access_token": ""}'])
def test_a_token_that_is_none_is_a_clear_error(call, vendor, body):
    vendor.script(TOKEN_PATH, Status(200, body=body))
    [one] = call("/x")
    assert "sign in to API bruin" in one["why"]
    assert "/x" not in paths_of(vendor)


def test_as_many_as_allowed_are_called_side_by_side(call, vendor):
    for n in range(40):
        vendor.script(f"/{n}", Status(200, body=str(n), delay=0.1))
    begun = time.monotonic()
    calls = call(*[f"/{n}" for n in range(40)], limit=8)
    assert sorted(c["index"] for c in calls) == list(range(40))
    assert all(c["body"] == str(c["index"]) for c in calls)
    assert time.monotonic() - begun < 3, "one after the other takes 4 s"
    assert vendor.connections_made <= 9, "connections are kept"


def test_a_body_is_sent_as_it_is_on_every_try(call, vendor):
    vendor.script("/note", Status(500), Status(200))
    call("/note", method="POST", body='{"note": "grüße"}')
    assert [r.body.decode() for r in vendor.requests if r.path == "/note"] == ['{"note": "grüße"}'] * 2


def test_a_large_answer_comes_whole(call, vendor):
    vendor.script("/x", Status(200, body=b"y" * 20_000_000))
    [one] = call("/x")
    assert one["length"] == 20_000_000


def test_a_certificate_that_nobody_vouches_for_is_refused_at_once(make_bmad, tmp_path):
    known = Certificates()
    with Receiver(tls=known.server()) as vendor:
        vendor.script(TOKEN_PATH, token("token-one"))
        bmad = make_bmad(apis={"bruin": api(vendor)},
                         jobs={"call": {"module": "caller", "channels": ["console"], "options": {"api": "bruin", "paths": ["/x"]}}})
        [one] = bmad.once("call", "--dry-run")["data"][0]["calls"]
        assert one["kind"] == "CONFIG" and "certificate" in one["why"]
        assert not vendor.requests


def test_a_run_that_is_over_cuts_its_calls(make_bmad, vendor):
    vendor.script("/x", Drip(pause=0.5))
    bmad = make_bmad(apis={"bruin": api(vendor)},
                     jobs={"call": {"module": "caller", "channels": ["console"], "timeout": "1s",
                                    "options": {"api": "bruin", "paths": ["/x"]}}})
    result = bmad.once("call", "--dry-run", status=1)
    assert result["result"] == "error" and "time is over" in json.dumps(result["error"])
