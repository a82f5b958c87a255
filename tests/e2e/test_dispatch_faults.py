# SPDX-License-Identifier: MIT
"""Dispatch monitors: the other sequences, what fails and what that costs, crashes, the command, width."""
import json
import os
import re
import signal
import time

import pytest

from dispatch import (ALL_NOTES, CLIENT, FAR, SMS_NOTES, START, TECH, TWELVE, apis, before, channels, cts, cycle, lit, monitors,
                      OPTIONS, vendor)  # noqa: F401 (fixtures)
from harness import wait_for
from mailserver import MailServer
from receiver import Close, Raw, Receiver, Reset, Silence, Status
from vendor import (CANCEL_REQUESTED, CANCELLED, CHAT, LIST, OAUTH, ON_SITE, QUERY, SMS, SOAP, TOKEN, Vendor, basic, confirmed, lit_row,
                    note, told)

EXPIRED = json.dumps([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}])


# -- on site and cancelled ------------------------------------------------------------------------------------

ARRIVED = {"Dispatch_Status": "Tech Arrived", "Tech_Arrived_On_Site": True, "Time_of_Check_In": "9:05 AM"}


@pytest.mark.parametrize("at", [FAR, before(hours=-30)], ids=["before", "after"])
def test_an_arrival_is_texted_to_the_client_whatever_the_clock_says(monitors, vendor, at):
    lit(vendor, **ARRIVED)
    bmad = monitors()
    cycle(bmad, at=at)
    assert vendor.wire() == [f"text {CLIENT} arrived", "note 600001 on_site"] and vendor.events() == ["on_site_ok"]
    assert f"+{CLIENT}" in vendor.posted[0][1] and "Sam Probe" in vendor.posted[0][1]
    cycle(bmad, at=at)
    assert len(vendor.wire()) == 2


@pytest.mark.parametrize("missing", [
    {"Tech_Arrived_On_Site": False}, {"Tech_Arrived_On_Site": None}, {"Tech_Arrived_On_Site": "true"}, {"Time_of_Check_In": None},
    {"Date_of_Dispatch": None}, {"Job_Site_Contact_Name_and_Phone_Number": "nobody"},
], ids=str)
def test_an_arrival_needs_all_its_marks(monitors, vendor, missing):
    lit(vendor, **{**ARRIVED, **missing})
    cycle(monitors())
    assert vendor.wire() == [] and vendor.chats() == []


def test_an_arrival_needs_no_engineer(monitors, vendor):
    lit(vendor, **ARRIVED, Tech_First_Name=None, Tech_Mobile_Number=None)
    cycle(monitors())
    assert vendor.wire() == [f"text {CLIENT} arrived", "note 600001 on_site"]


def test_an_arrival_at_cts_is_its_check_in(monitors, vendor):
    cts(vendor, Status__c="On Site", Check_In_Date__c="2024-07-09T15:04:00.000+0000")
    cts(vendor, number="S-2", ticket="700002", reference="IGZ_02", Status__c="On Site")
    cycle(monitors(), "cts")
    assert [line.split()[1] for line in vendor.wire()] == ["17205550112", "700001"]


@pytest.mark.parametrize("phones", [True, False])
def test_a_cancellation_is_noted_and_nobody_texted(monitors, vendor, phones):
    fields = {} if phones else {"Tech_Mobile_Number": None, "Job_Site_Contact_Name_and_Phone_Number": None, "Tech_First_Name": None}
    lit(vendor, note("DIS1", CANCEL_REQUESTED), Dispatch_Status="Cancelled", **fields)
    bmad = monitors()
    cycle(bmad)
    assert vendor.wire() == ["note 600001 cancelled"] and vendor.events() == ["cancelled_ok"]
    assert "Jul 09, 2024 @ 09:00 AM Mountain" in vendor.posted[0][1]
    cycle(bmad)
    assert len(vendor.wire()) == 1


@pytest.mark.parametrize("status", ["New Dispatch", "Close Out", "Canceled", "request confirmed", "On Hold", "", None])
def test_other_statuses_are_nobodys(monitors, vendor, status):
    lit(vendor, Dispatch_Status=status)
    cycle(monitors())
    assert not vendor.reads() and vendor.chats() == []


@pytest.mark.parametrize("status", ["Open", "Completed", "Complete Pending Collateral", "Cancelled", "Billed", "Reschedule"])
def test_other_statuses_of_cts_are_nobodys(monitors, vendor, status):
    cts(vendor, Status__c=status)
    cycle(monitors(), "cts")
    assert not vendor.reads() and vendor.chats() == []


def test_a_dispatch_that_nobody_asked_for_is_left_alone(monitors, vendor):
    vendor.lit.append(lit_row("DIS1", "600001"))
    vendor.ticket("600001", confirmed("DIS1"))
    cycle(monitors())
    assert vendor.wire() == [] and vendor.chats() == []


# -- failures, row by row -------------------------------------------------------------------------------------


def refusal(code="INVALID_LOGIN"):
    return Status(500, body=f"<e><sf:exceptionCode>{code}</sf:exceptionCode><sf:exceptionMessage>Invalid username</sf:exceptionMessage></e>")


def test_a_login_that_is_refused_ends_the_cycle_after_its_attempts(monitors, vendor):
    lit(vendor)
    vendor.login = refusal()
    result = cycle(monitors(), status=1)
    assert result["result"] == "error" and "INVALID_LOGIN" in json.dumps(result["error"])
    assert len(vendor.of(SOAP)) == 5 and vendor.wire() == []
    assert vendor.events() == ["list_failed"] and "dispatch=" not in vendor.chats()[0]


def test_a_login_by_soap_carries_what_it_should(monitors, vendor):
    lit(vendor)
    cycle(monitors())
    [request] = vendor.of(SOAP)
    body = request.body.decode()
    assert request.headers["content-type"] == "text/xml" and request.headers["soapaction"] == "login"
    assert request.headers["charset"] == "UTF-8"
    assert "<urn:username>us</urn:username>" in body and "<urn:password>pa&lt;ss&amp;wordTOKEN7</urn:password>" in body
    assert "RestForce/app" in body and "urn:partner.soap.sforce.com" in body
    [listed] = vendor.of(LIST)
    assert listed.headers["authorization"].endswith("!<&>") and listed.headers["x-prettyprint"] == "1"
    assert "only-if-cached" in listed.headers["cache-control"]


def test_a_login_by_oauth_carries_what_it_should(monitors, vendor):
    lit(vendor)
    cycle(monitors("oauth_password"))
    [request] = vendor.of(OAUTH)
    assert request.body == b"grant_type=password&client_id=app&client_secret=app-secret&username=us&password=pa%3Css%26wordTOKEN7"


@pytest.mark.parametrize("answer", [
    Status(200, body=b"<no/>"), Status(200, body=b""), Status(404), Close(), Status(200, body=b"<sessionId>x</sessionId>"),
    Status(200, body=b"<sessionId>x</sessionId><serverUrl>ftp://x/</serverUrl>"),
], ids=["no elements", "empty", "404", "closed", "no server", "odd server"])
def test_a_login_that_brings_no_session_ends_the_cycle(monitors, vendor, answer):
    lit(vendor)
    vendor.login = answer
    cycle(monitors(salesforce={"login_attempts": 2}), status=1)
    assert len(vendor.of(SOAP)) == 2 and vendor.events() == ["list_failed"]


def test_a_login_that_is_refused_at_first_is_tried_again(monitors, vendor):
    lit(vendor)
    vendor.fault(SOAP, refusal("SERVER_UNAVAILABLE"), refusal())
    cycle(monitors())
    assert len(vendor.of(SOAP)) == 3 and len(vendor.texts) == 2


@pytest.mark.parametrize("answer, tries", [
    (Status(500), 3), (Close(), 3), (Status(400), 1), (Status(401, body=EXPIRED), 2), (Status(200, body=b"{"), 1), (Status(200, body=b"[]"), 1),
    (Status(200, body=json.dumps({"Status": "error", "DispatchList": None})), 1), (Status(200, body=json.dumps({"Status": "Success"})), 1),
    (Status(200, body=json.dumps({"Status": "success", "DispatchList": []})), 1),
    (Status(200, body=json.dumps({"Status": "Success", "DispatchList": None})), 1),
], ids=["500", "closed", "400", "401", "cut", "list", "error", "no list", "case", "null list"])
def test_a_list_that_cannot_be_used_ends_the_cycle(monitors, vendor, answer, tries):
    lit(vendor)
    vendor.fault(LIST, *[answer] * 9)
    cycle(monitors(), status=1)
    assert len(vendor.of(LIST)) == tries and vendor.wire() == [] and vendor.events() == ["list_failed"]


def test_an_empty_list_is_fine(monitors, vendor):
    assert cycle(monitors())["metrics"]["listed"] == 0
    assert vendor.chats() == []


@pytest.mark.parametrize("answer, tries", [
    (Status(500), 3), (Status(512), 3), (Close(), 3), (Status(404), 1), (Status(403), 1), (Status(400), 1), (Status(200, body=b"x"), 1), (Status(200, body=b"[]"), 1),
], ids=["500", "512", "closed", "404", "403", "400", "garbage", "list"])
def test_a_ticket_that_cannot_be_read_costs_its_dispatch_only(monitors, vendor, answer, tries):
    lit(vendor)
    lit(vendor, number="DIS2", ticket="600002")
    vendor.fault("/api/Ticket/600001/details", *[answer] * 9)
    cycle(monitors())
    assert vendor.reads()["600001"] == tries and vendor.events().count("ticket_details_failed") == 1
    assert [ticket for ticket, _ in vendor.posted] == ["600002"] * 3


@pytest.mark.parametrize("answer, tries", [(Status(500), 3), (Close(), 3), (Status(401), 6), (Status(400), 1), (Status(403), 1), (Status(404), 1)],
                         ids=["500", "closed", "401", "400", "403", "404"])
def test_a_note_is_tried_three_times_at_most(monitors, vendor, answer, tries):
    lit(vendor, Dispatch_Status="Cancelled")
    vendor.fault("/api/Ticket/600001/notes", *[answer] * 9)
    cycle(monitors(), status=1)
    assert len(vendor.of("/api/Ticket/600001/notes")) == tries and vendor.events() == ["cancelled_failed"]


def test_a_note_that_gets_through_at_last_is_there(monitors, vendor):
    lit(vendor, Dispatch_Status="Cancelled")
    vendor.fault("/api/Ticket/600001/notes", Status(503), Status(500))
    cycle(monitors())
    assert vendor.events() == ["cancelled_ok"] and len(vendor.posted) == 1


def test_a_note_that_is_too_long_is_refused_before_it_is_sent(monitors, vendor):
    lit(vendor, Tech_First_Name="S" * 1500)
    cycle(monitors(), status=1)
    assert vendor.wire() == [] and vendor.events() == ["confirmed_note_failed"]


def test_texts_are_short_whatever_the_vendor_writes(monitors, vendor):
    lit(vendor, confirmed("DIS1", "é" * 400), Tech_First_Name="é" * 400, Job_Site="ü" * 400, Job_Site_Street="x" * 400)
    cycle(monitors(options={"operator": "Operations " * 40}))
    assert len(vendor.texts) == 2 and all(len(body) <= 480 for _, body in vendor.texts)


@pytest.mark.parametrize("fields", [{"Job_Site": None, "Job_Site_Street": None}, {"Job_Site": None}, {"Job_Site_Street": None}], ids=str)
def test_what_the_vendor_does_not_say_is_left_out(monitors, vendor, fields):
    lit(vendor, **fields)
    cycle(monitors())
    assert all("None" not in body and "null" not in body and " ," not in body and " at ." not in body for _, body in vendor.texts)


def test_a_text_that_may_have_arrived_is_ambiguous_and_goes_out_once(monitors, vendor):
    lit(vendor, confirmed("DIS1"), *told("DIS1", "confirmed_sms_tech"))
    vendor.fault(SMS, Silence())
    bmad = monitors()
    cycle(bmad, status=1)
    assert vendor.wire() == [f"text {CLIENT} confirmed"] and vendor.events() == ["confirmed_sms_client_failed"]
    assert [row["kind"] for row in bmad.outbox("--state", "ambiguous")] == ["confirmed_client"]
    cycle(bmad)
    assert vendor.wire() == [f"text {CLIENT} confirmed", "note 600001 confirmed_sms_client"]


def test_a_gateway_that_cannot_be_reached_was_not_reached(monitors, vendor):
    """The connection was never made: the one case in which a text may be repeated in its cycle."""
    lit(vendor, confirmed("DIS1"), *told("DIS1", "confirmed_sms_tech"))
    with Receiver() as gone:
        dead = gone.url(SMS)
    bmad = monitors(sms={"url": dead, "retry": {"initial": "20ms", "max": "50ms", "max_age": "400ms"}})
    cycle(bmad, status=1)
    assert vendor.wire() == [] and vendor.events() == ["confirmed_sms_client_failed"]
    assert bmad.outbox("--state", "dead")[0]["reason"] == "expired"


def test_texts_of_different_dispatches_of_one_person_are_two(monitors, vendor):
    lit(vendor)
    lit(vendor, number="DIS2", ticket="600002")
    cycle(monitors())
    assert [to for to, _ in vendor.texts].count(CLIENT) == 2


def test_one_vendors_outage_leaves_the_other_alone(monitors, vendor):
    lit(vendor)
    cts(vendor)
    vendor.fault(LIST, *[Status(500)] * 9)
    bmad = monitors()
    cycle(bmad, status=1)
    cycle(bmad, "cts")
    assert [line for line in vendor.wire() if line.startswith("note")][0] == "note 700001 confirmed"


def test_a_start_that_moved_is_warned_of(monitors, vendor):
    lit(vendor, confirmed("DIS1"), *told("DIS1", *ALL_NOTES))
    bmad = monitors()
    cycle(bmad)
    vendor.lit[0]["Date_of_Dispatch"] = "2024-07-10"
    done = bmad.command("--once", "lit", "--at", FAR)
    assert "2024-07-09T15:00:00Z" in done.stderr and "2024-07-10T15:00:00Z" in done.stderr and vendor.wire() == []


def test_a_dry_run_tells_what_it_would_do_and_does_nothing(monitors, vendor):
    lit(vendor)
    result = cycle(monitors(), "lit", FAR, 0, "--dry-run")
    assert [message["kind"] for message in result["messages"]] == [
        "confirmed", "confirmed_note_ok", "confirmed_client", "confirmed_sms_client", "confirmed_sms_client_ok",
        "confirmed_tech", "confirmed_sms_tech", "confirmed_sms_tech_ok"]
    assert all(message["outcome"] == "dry_run" and message["ticket"] == "600001" for message in result["messages"])
    assert vendor.wire() == [] and vendor.chats() == []


def test_each_action_has_a_line_in_the_log(monitors, vendor):
    lit(vendor)
    done = monitors().command("--once", "lit", "--at", FAR)
    steps = re.findall(r"vendor=LIT dispatch=DIS1 ticket=600001 step=(\w+) outcome=(\w+)", done.stderr)
    assert steps == [("confirmed_note_ok", "ok"), ("confirmed_sms_client_ok", "ok"), ("confirmed_sms_tech_ok", "ok")]
    assert "value.listed=1" in done.stderr and "value.confirmed=1" in done.stderr


# -- restarts and crashes -------------------------------------------------------------------------------------


def daemon(make_bmad, vendor, **sections):
    jobs = {"lit": {"module": "dispatch_lit", "schedule": "@every 1s", "run_at_start": True, "options": OPTIONS}}
    return make_bmad(apis=apis(vendor), channels=channels(vendor), jobs=jobs, **sections)


def soon(vendor, *notes):
    """A dispatch that starts tomorrow by the real clock."""
    start = time.gmtime(time.time() + 2 * 86400)
    lit(vendor, *notes, Date_of_Dispatch=time.strftime("%Y-%m-%d", start))


@pytest.mark.parametrize("crash_at", range(1, 6))
@pytest.mark.parametrize("answered", [False, True], ids=["on the wire", "answered"])
def test_a_crash_between_any_two_calls_texts_nobody_twice(make_bmad, vendor, crash_at, answered):
    soon(vendor)
    bmad = daemon(make_bmad, vendor)
    if not answered:
        vendor.delay_at(crash_at)
    bmad.start()
    wait_for(lambda: len(vendor.wire()) >= crash_at, what=f"call {crash_at}")
    bmad.kill("main")
    vendor.delay_at(0)
    bmad.start()
    wait_for(lambda: len([e for e in bmad.events("run_succeeded", job="lit") if e.get("value.actions") == "0"]) >= 1, what="a quiet cycle")
    bmad.terminate()
    numbers = vendor.all_texts()
    assert sorted(numbers) == sorted(set(numbers)), "nobody is texted twice"
    assert {number for number in numbers} <= {CLIENT, TECH}
    held = [row["kind"] for row in bmad.outbox("--state", "ambiguous")]
    assert all(kind in ("confirmed_client", "confirmed_tech") for kind in held)
    kinds = [line.split()[-1] for line in vendor.wire() if line.startswith("note")]
    assert {"confirmed", "confirmed_sms_client", "confirmed_sms_tech"} <= set(kinds)


def test_what_was_texted_is_known_after_a_restart(make_bmad, vendor):
    soon(vendor, confirmed("DIS1"))
    vendor.fault("/api/Ticket/600001/notes", *[Status(403)] * 2)
    bmad = daemon(make_bmad, vendor)
    bmad.start()
    wait_for(lambda: len(vendor.texts) == 2, what="both texts")
    bmad.kill("main")
    bmad.start()
    wait_for(lambda: len(vendor.posted) == 2, what="both notes")
    bmad.terminate()
    assert sorted(to for to, _ in vendor.texts) == sorted([CLIENT, TECH])


def test_a_store_that_fails_lets_no_text_leave(make_bmad, vendor, tmp_path):
    soon(vendor, confirmed("DIS1"))
    bmad = daemon(make_bmad, vendor, daemon={"workers": 1})
    vendor.fault("/api/Ticket/600001/details", Status(200, body=json.dumps({"ticketNotes": vendor.tickets["600001"]}), delay=1.5))
    bmad.start()
    wait_for(lambda: vendor.reads()["600001"] == 1, what="the reading")
    store = bmad.child("store")
    os.kill(store, signal.SIGSTOP)
    time.sleep(2)
    assert vendor.texts == []
    os.kill(store, signal.SIGCONT)


# -- the command ----------------------------------------------------------------------------------------------


@pytest.fixture
def mail():
    with MailServer() as server:
        yield server


def canceller(monitors, vendor, mail):
    bmad = monitors(options={"cancel": {"channel": "mail", "to": "dispatch@vendor.example"}})
    document = json.loads(bmad.config.read_text())
    document["channels"]["mail"] = {"type": "email", "url": mail.url(), "tls": "none", "from": "bmad@example.com", "to": ["ops@example.com"]}
    bmad.config.write_text(json.dumps(document))
    return bmad


def test_a_request_to_cancel_is_mailed_told_and_noted(monitors, vendor, mail):
    lit(vendor)
    bmad = canceller(monitors, vendor, mail)
    done = bmad.command("dispatch-cancel", "lit", "DIS1")
    assert done.returncode == 0, done.stdout + done.stderr
    [message] = mail.mails
    assert message.recipients == ["dispatch@vendor.example"] and message.message["Subject"] == "LIT - Service Submission - 600001"
    assert "DIS1" in message.message.get_body(("html",)).get_content() and "DIS1" in message.message.get_body(("plain",)).get_content()
    assert vendor.wire() == ["note 600001 cancel_requested"] and vendor.events() == ["cancel_requested_ok"]
    assert vendor.posted[0][1].splitlines()[1] == CANCEL_REQUESTED and "Jul 09, 2024 @ 09:00 AM Mountain" in vendor.posted[0][1]
    again = bmad.command("dispatch-cancel", "lit", "DIS1")
    assert again.returncode == 1 and "already" in again.stdout and len(mail.mails) == 1


@pytest.mark.parametrize("number", ["DIS1' OR Name != '", "../x", "", "DIS 1"])
def test_a_number_that_is_none_is_refused(monitors, vendor, mail, number):
    cts(vendor)
    done = canceller(monitors, vendor, mail).command("dispatch-cancel", "cts", number)
    assert done.returncode != 0 and not vendor.of(QUERY) and not mail.mails
