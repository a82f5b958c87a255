# SPDX-License-Identifier: MIT
"""The dispatch monitors against vendor, tickets, gateway and chat of their own, over real HTTP."""
import json
import re

import pytest

from dispatch import (ALL_NOTES, CLIENT, CTS_CLIENT, CTS_TECH, FAR, SMS_NOTES, START, TECH, TWELVE, TWO, before, cts, cycle, lit,
                      monitors, vendor)  # noqa: F401 (fixtures)
from receiver import Close, Silence, Status
from vendor import CHAT, CONFIRMED, ENGINE, LIST, OAUTH, QUERY, SMS, SOAP, TOKEN, confirmed, cts_row, description, lit_row, note, requested, told


# -- the confirmed sequence, row by row -----------------------------------------------------------------------


def test_a_confirmed_dispatch_is_noted_and_both_are_told_in_the_order_of_the_steps(monitors, vendor):
    lit(vendor)
    result = cycle(monitors())
    assert vendor.wire() == [
        "note 600001 confirmed",
        f"text {CLIENT} confirmed", "note 600001 confirmed_sms_client",
        f"text {TECH} confirmed", "note 600001 confirmed_sms_tech",
    ]
    assert sorted(vendor.events()) == ["confirmed_note_ok", "confirmed_sms_client_ok", "confirmed_sms_tech_ok"]
    for line in vendor.chats():
        assert re.match(r"\[dispatch-monitor\] \[LIT\] \w+ dispatch=DIS1 ticket=600001: ", line)
    by_kind = {message["kind"]: message for message in result["messages"]}
    text = by_kind["confirmed_client"]
    assert text["key"] == f"dispatch:sent:lit:DIS1:confirmed_client:+{CLIENT}" and text["to"] == "+" + CLIENT
    assert all(message["ticket"] == "600001" and message["dispatch"] == "DIS1" for message in result["messages"])
    assert result["metrics"]["listed"] == 1 and result["metrics"]["ours"] == 1


def test_what_is_done_is_not_done_again(monitors, vendor):
    lit(vendor)
    bmad = monitors()
    cycle(bmad)
    seen = len(vendor.requests)
    cycle(bmad)
    assert vendor.wire(seen) == []


def test_cts_is_told_apart_by_a_table_only(monitors, vendor):
    cts(vendor)
    cycle(monitors(), "cts")
    assert vendor.wire() == [
        "note 700001 confirmed",
        f"text {CTS_CLIENT} confirmed", "note 700001 confirmed_sms_client",
        f"text {CTS_TECH} confirmed", "note 700001 confirmed_sms_tech",
    ]
    assert all(line.startswith("[dispatch-monitor] [CTS] ") and "dispatch=S-1 " in line for line in vendor.chats())
    assert all(text.startswith(f"{ENGINE} IGZ_01\n") for _, text in vendor.posted)


def test_notes_have_their_lines(monitors, vendor):
    lit(vendor)
    cycle(monitors())
    lines = vendor.posted[0][1].splitlines()
    assert lines[:2] == [f"{ENGINE} DIS1", CONFIRMED]
    assert "2024-07-09 9AM-11AM Mountain Time" in vendor.posted[0][1]
    at = lines.index("Field Engineer")
    assert lines[at + 1 : at + 3] == ["Sam Probe", "+1 (720) 555-0161"]
    assert vendor.posted[1][1].splitlines()[1] == f"Dispatch confirmation SMS sent to +{CLIENT}"
    assert vendor.posted[2][1].splitlines()[1] == f"Dispatch confirmation SMS tech sent to +{TECH}"


def test_a_refused_confirmed_note_ends_the_dispatch_for_the_cycle(monitors, vendor):
    lit(vendor)
    vendor.fault("/api/Ticket/600001/notes", Status(400))
    bmad = monitors()
    cycle(bmad, status=1)
    assert vendor.wire() == ["note 600001 confirmed"] and vendor.events() == ["confirmed_note_failed"]
    cycle(bmad)
    assert vendor.wire()[1] == "note 600001 confirmed" and len(vendor.texts) == 2


CONFIRMED_NOTES = [confirmed("DIS1"), *told("DIS1", *SMS_NOTES)]

WINDOWS = [  # what goes when it is so long before the start, by the notes that are there
    ({"hours": 12, "seconds": 31}, ()),
    ({"hours": 12, "seconds": 30}, TWELVE),
    ({"hours": 12}, TWELVE),
    ({"hours": 2, "seconds": 31}, TWELVE),
    ({"hours": 2, "seconds": 30}, TWO),
    ({"hours": 2}, TWO),
    ({"seconds": 1}, TWO),
    ({"seconds": 0}, ()),
    ({"seconds": -1}, ()),
    ({"hours": -1}, ()),
]


@pytest.mark.parametrize("ahead, expected", WINDOWS, ids=[str(ahead) for ahead, _ in WINDOWS])
def test_reminders_keep_their_windows_to_the_second(monitors, vendor, ahead, expected):
    lit(vendor, *CONFIRMED_NOTES)
    cycle(monitors(), at=before(**ahead))
    word = "12-hour" if expected == TWELVE else "2-hour"
    numbers = {"client": CLIENT, "tech": TECH}
    wanted = [line for kind in expected
              for line in (f"text {numbers[kind.rsplit('_', 1)[1]]} {word}", f"note 600001 {kind}")]
    assert vendor.wire() == wanted
    assert sorted(vendor.events()) == sorted(kind + "_ok" for kind in expected)


@pytest.mark.parametrize("ahead, goes", [({"seconds": 1}, True), ({"seconds": 0}, False)], ids=["before", "at"])
def test_confirmations_are_texted_up_to_the_start(monitors, vendor, ahead, goes):
    lit(vendor, confirmed("DIS1"))
    cycle(monitors(), at=before(**ahead))
    assert len(vendor.texts) == (2 if goes else 0)


# -- BTO: each difference to the original ---------------------------------------------------------------------


def test_bto_1_no_reminder_at_or_after_the_start(monitors, vendor):
    lit(vendor, *CONFIRMED_NOTES)
    for at in (before(), before(hours=-1), before(hours=-11)):
        cycle(monitors(), at=at)
    assert vendor.wire() == []


def test_bto_2_inside_two_hours_the_twelve_hour_reminder_is_dropped_for_good(monitors, vendor):
    lit(vendor, *CONFIRMED_NOTES)
    bmad = monitors()
    cycle(bmad, at=before(hours=1))
    assert [line.split()[-1] for line in vendor.wire()] == ["2-hour", "reminder_2h_client", "2-hour", "reminder_2h_tech"]
    seen = len(vendor.requests)
    cycle(bmad, at=before(minutes=45))
    assert vendor.wire(seen) == []


def test_bto_3_after_the_start_there_are_only_notes(monitors, vendor):
    lit(vendor)
    lit(vendor, confirmed("DIS2", "Somebody Else"), *told("DIS2", *ALL_NOTES), number="DIS2", ticket="600002")
    cycle(monitors(), at=before(seconds=0))
    assert sorted(vendor.wire()) == ["note 600001 confirmed", "note 600002 tech_changed"]


def test_bto_4_after_a_refused_note_nobody_is_texted_again(monitors, vendor):
    lit(vendor, confirmed("DIS1"))
    vendor.fault("/api/Ticket/600001/notes", Status(403), None)
    bmad = monitors()
    cycle(bmad, status=1)
    assert vendor.events().count("confirmed_sms_client_failed") == 1
    cycle(bmad)
    assert [to for to, _ in vendor.texts] == [CLIENT, TECH]
    assert vendor.wire()[-1] == "note 600001 confirmed_sms_client" and vendor.events()[-1] == "confirmed_sms_client_ok"


def test_bto_4_the_note_of_a_text_that_went_out_is_made_even_after_the_start(monitors, vendor):
    lit(vendor, *CONFIRMED_NOTES)
    vendor.fault("/api/Ticket/600001/notes", Status(403))
    bmad = monitors()
    cycle(bmad, at=before(hours=1), status=1)
    seen = len(vendor.requests)
    cycle(bmad, at=before(hours=-1))
    assert vendor.wire(seen) == ["note 600001 reminder_2h_client"]


@pytest.mark.parametrize("status", [400, 500, 302, 503])
def test_bto_5_a_text_that_the_gateway_refuses_is_a_failure(monitors, vendor, status):
    lit(vendor, confirmed("DIS1"), *told("DIS1", "confirmed_sms_tech"))
    vendor.fault(SMS, Status(status))
    bmad = monitors()
    cycle(bmad, status=1)
    assert vendor.wire() == [f"text {CLIENT} confirmed"], "once, and no note"
    assert vendor.events() == ["confirmed_sms_client_failed"]


@pytest.mark.parametrize("status", [400, 500])
def test_bto_5_the_next_cycle_tries_a_refused_text_again(monitors, vendor, status):
    lit(vendor, confirmed("DIS1"), *told("DIS1", "confirmed_sms_tech"))
    vendor.fault(SMS, Status(status))
    bmad = monitors()
    cycle(bmad, status=1)
    cycle(bmad)
    assert vendor.wire()[1:] == [f"text {CLIENT} confirmed", "note 600001 confirmed_sms_client"]


@pytest.mark.parametrize("body", [b"", b"OK", b"<Response/>", b"{", b'{"done": true}', b"[]"])
def test_bto_6_any_2xx_of_the_gateway_is_success(monitors, vendor, body):
    lit(vendor, confirmed("DIS1"), *told("DIS1", "confirmed_sms_tech"))
    vendor.fault(SMS, Status(202, body=body))
    cycle(monitors())
    assert vendor.wire() == [f"text {CLIENT} confirmed", "note 600001 confirmed_sms_client"]


def test_bto_7_client_and_engineer_are_independent(monitors, vendor):
    lit(vendor, confirmed("DIS1"))
    vendor.fault(SMS, Status(400), None)
    cycle(monitors(), status=1, at=before(hours=5))
    assert vendor.wire() == [f"text {CLIENT} confirmed", f"text {TECH} confirmed", "note 600001 confirmed_sms_tech"]


def test_bto_7_nobody_gets_a_confirmation_and_a_reminder_in_one_cycle(monitors, vendor):
    lit(vendor, confirmed("DIS1"), *told("DIS1", "confirmed_sms_tech"))
    bmad = monitors()
    cycle(bmad, at=before(hours=5))
    assert vendor.wire() == [f"text {CLIENT} confirmed", "note 600001 confirmed_sms_client",
                             f"text {TECH} 12-hour", "note 600001 reminder_12h_tech"]
    seen = len(vendor.requests)
    cycle(bmad, at=before(hours=4))
    assert vendor.wire(seen) == [f"text {CLIENT} 12-hour", "note 600001 reminder_12h_client"]


def test_bto_8_a_missing_confirmed_note_is_made_up_for(monitors, vendor):
    lit(vendor, *told("DIS1", *SMS_NOTES))
    cycle(monitors())
    assert vendor.wire() == ["note 600001 confirmed"]


def test_bto_9_a_note_without_its_label_tells_no_change(monitors, vendor):
    lit(vendor, note("DIS1", CONFIRMED + "\nedited by hand"), *told("DIS1", *SMS_NOTES))
    cycle(monitors(), at=before(hours=5))
    assert [line.split()[-1] for line in vendor.wire()] == ["12-hour", "reminder_12h_client", "12-hour", "reminder_12h_tech"]


@pytest.mark.parametrize("name", ["Sam  Probe", " sam probe ", "SAM PROBE", "Sam\u00a0Probe", "Sam Probe\u200b"])
def test_bto_10_blanks_and_case_are_no_other_engineer(monitors, vendor, name):
    lit(vendor, *CONFIRMED_NOTES, Tech_First_Name=name)
    cycle(monitors())
    assert vendor.wire() == []


def test_another_engineer_is_noted_and_both_are_told_once(monitors, vendor):
    lit(vendor, *CONFIRMED_NOTES, Tech_First_Name="Lee Other")
    bmad = monitors()
    cycle(bmad)
    assert vendor.wire() == ["note 600001 tech_changed", f"text {CLIENT} changed", f"text {TECH} assigned"]
    assert sorted(vendor.events()) == ["tech_changed_note_ok", "tech_changed_sms_client_ok", "tech_changed_sms_tech_ok"]
    assert "Reference: 600001" in vendor.posted[0][1]
    seen = len(vendor.requests)
    cycle(bmad)
    assert vendor.wire(seen) == []


def test_each_change_of_the_engineer_is_told(monitors, vendor):
    lit(vendor, *CONFIRMED_NOTES, Tech_First_Name="Lee Other")
    bmad = monitors()
    cycle(bmad)
    vendor.lit[0]["Tech_First_Name"] = "Ray Third"
    seen = len(vendor.requests)
    cycle(bmad)
    assert vendor.wire(seen) == ["note 600001 tech_changed", f"text {CLIENT} changed", f"text {TECH} assigned"]


def test_bto_11_without_its_note_a_change_is_not_texted(monitors, vendor):
    lit(vendor, *CONFIRMED_NOTES, Tech_First_Name="Lee Other")
    vendor.fault("/api/Ticket/600001/notes", Status(404))
    cycle(monitors(), status=1)
    assert vendor.wire() == ["note 600001 tech_changed"] and vendor.events() == ["tech_changed_note_failed"]


def test_a_change_of_engineer_waits_for_the_confirmation_of_the_new_one(monitors, vendor):
    lit(vendor, confirmed("DIS1", "Lee Other"), *told("DIS1", "confirmed_sms_client"))
    cycle(monitors())
    assert vendor.wire() == [f"text {TECH} confirmed", "note 600001 confirmed_sms_tech"]


def test_bto_12_references_are_whole_words(monitors, vendor):
    lit(vendor, number="DIS10")
    vendor.lit.append(lit_row("DIS1", "600001"))
    vendor.lit.pop(0)
    cycle(monitors())
    assert vendor.wire() == [], "the request is of DIS10"


@pytest.mark.parametrize("text, number", [
    ("Store 42 Kim 202-555-0101", "12025550101"), ("202-555-0101 x45", "12025550101"), ("+44 20 7946 0018", "442079460018"),
])
def test_bto_13_numbers_are_found_among_other_digits(monitors, vendor, text, number):
    lit(vendor, Job_Site_Contact_Name_and_Phone_Number=text)
    cycle(monitors())
    assert vendor.texts[0][0] == number


def test_bto_14_times_are_read_as_they_are_meant(monitors, vendor):
    lit(vendor, Hard_Time_of_Dispatch_Local="11-1PM", Hard_Time_of_Dispatch_Time_Zone_Local="EST")
    cycle(monitors())
    assert "Jul 09, 2024 @ 11:00 AM Eastern" in vendor.texts[0][1]


@pytest.mark.parametrize("spoil", [
    {"Dispatch_Number": None}, {"Dispatch_Number": 7}, {"Dispatch_Number": "  "}, {"MetTel_Bruin_TicketID": ["600001"]},
    {"MetTel_Bruin_TicketID": -5}, {"MetTel_Bruin_TicketID": 1.5}, {"Tech_First_Name": {"first": "Sam"}}, {"Dispatch_Status": 3},
    {"Job_Site": False}, {"Job_Site_Contact_Name_and_Phone_Number": 7205550111},
], ids=str)
def test_bto_15_a_bad_record_never_ends_a_cycle(monitors, vendor, spoil):
    vendor.lit.append(lit_row("DIS0", "600000", **spoil))
    vendor.lit.append("no record at all")
    lit(vendor)
    bmad = monitors()
    done = bmad.command("--once", "lit", "--at", FAR)
    assert done.returncode == 0 and done.stderr.count("record is malformed") == 2 and len(vendor.texts) == 2
    assert not [event for event in vendor.events() if event.endswith("failed")]


def test_bto_15_whole_numbers_are_tickets_and_dates_and_notes_may_be_unreadable(monitors, vendor):
    vendor.lit.append(lit_row("DIS1", 600001))
    vendor.tickets["600001"] = [{"noteValue": None}, {"noteValue": ""}, {"noteValue": 7}, "note", None,
                                {"noteValue": requested("DIS1"), "createdDate": "yesterday"},
                                {"noteValue": confirmed("DIS1"), "createdDate": None}]
    cycle(monitors())
    assert vendor.wire() == [f"text {CLIENT} confirmed", "note 600001 confirmed_sms_client",
                             f"text {TECH} confirmed", "note 600001 confirmed_sms_tech"]


@pytest.mark.parametrize("notes", [None, {}, "none"])
def test_bto_15_a_ticket_may_have_no_notes(monitors, vendor, notes):
    vendor.lit.append(lit_row("DIS1", "600001"))
    vendor.tickets["600001"] = notes
    cycle(monitors())
    assert vendor.wire() == [] and vendor.chats() == []


def test_bto_16_a_chat_that_cannot_be_reached_changes_nothing(monitors, vendor):
    lit(vendor)
    vendor.fault(CHAT, *[Status(400)] * 9)
    cycle(monitors(), status=1)
    assert len(vendor.texts) == 2 and len(vendor.posted) == 3


def test_bto_17_pages_are_followed(monitors, vendor):
    vendor.page = 2
    for n in range(5):
        cts(vendor, number=f"S-{n}", ticket=f"70000{n}", reference=f"IGZ_0{n}")
    result = cycle(monitors(), "cts")
    assert result["metrics"]["listed"] == 5 and len(vendor.texts) == 10


@pytest.mark.parametrize("page", [
    {"done": False, "records": []}, {"done": False, "records": [], "nextRecordsUrl": "https://elsewhere.example/x"},
    {"done": False, "records": [], "nextRecordsUrl": QUERY + "next"}, {"records": []}, {"done": True}, {"done": "true", "records": []},
    {"done": True, "records": {}}, [], "x",
], ids=str)
def test_bto_17_an_answer_that_is_not_whole_is_not_acted_upon(monitors, vendor, page):
    cts(vendor)
    whole = {"done": False, "records": vendor.cts, "nextRecordsUrl": QUERY + "next"}
    vendor.fault(QUERY, Status(200, body=json.dumps(whole)), *[Status(200, body=json.dumps(page))] * 60)
    cycle(monitors(), "cts", status=1)
    assert vendor.wire() == [] and vendor.events() == ["list_failed"]


def test_bto_18_a_number_is_handled_once_and_a_ticket_read_once_for_each_dispatch(monitors, vendor):
    lit(vendor)
    vendor.lit.append(dict(vendor.lit[0]))
    lit(vendor, number="DIS2")
    cycle(monitors())
    assert vendor.reads()["600001"] == 2
    assert len(vendor.texts) == 4


def test_bto_19_one_event_is_one_line(monitors, vendor):
    lit(vendor)
    vendor.fault("/api/Ticket/600001/details", *[Status(500)] * 3)
    cycle(monitors())
    assert vendor.events() == ["ticket_details_failed"]


@pytest.mark.parametrize("auth", ["soap", "oauth_password"])
def test_bto_20_an_expired_session_is_renewed_at_once(monitors, vendor, auth):
    lit(vendor)
    expired = json.dumps([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}])
    vendor.fault(LIST, Status(401, body=expired))
    cycle(monitors(auth))
    assert len(vendor.of(SOAP if auth == "soap" else OAUTH)) == 2 and len(vendor.texts) == 2


def test_bto_20_a_refused_token_is_renewed_for_details_and_notes(monitors, vendor):
    lit(vendor)
    vendor.fault("/api/Ticket/600001/details", Status(401))
    vendor.fault("/api/Ticket/600001/notes", Status(401))
    cycle(monitors())
    assert len(vendor.posted) == 3 and len(vendor.of(TOKEN)) == 4


@pytest.mark.parametrize("ticket", ["4700001|IW10000001", "710000/IW70000", "123-4567", "Store #77", "", "600001\n", " 600001", "６0", None])
def test_bto_21_tickets_of_other_teams_are_passed_over(monitors, vendor, ticket):
    vendor.lit.append(lit_row("DIS1", ticket))
    cycle(monitors())
    assert not vendor.reads() and vendor.chats() == []


@pytest.mark.parametrize("written, shown", [
    ("2024-07-09T15:00:00.000+0000", "03:00 PM UTC"), ("2024-07-09T17:30:00+02:30", "03:00 PM UTC"), ("2024-07-09 15:00", "03:00 PM UTC"),
])
def test_bto_22_times_of_cts_are_shown_in_utc(monitors, vendor, written, shown):
    cts(vendor, Local_Site_Time__c=written)
    cycle(monitors(), "cts")
    assert "Jul 09, 2024 @ " + shown in vendor.texts[0][1]


@pytest.mark.parametrize("written", [None, 5, "soon", "2024-13-09T15:00:00Z", "2024-07-09"])
def test_bto_22_a_time_that_cannot_be_read_is_no_start_and_no_event(monitors, vendor, written):
    cts(vendor, Local_Site_Time__c=written)
    cycle(monitors(), "cts")
    assert vendor.wire() == [] and vendor.chats() == []


@pytest.mark.parametrize("gap", ["", " ", "   ", "\t"])
def test_bto_23_blanks_behind_the_label_do_not_matter(monitors, vendor, gap):
    cts(vendor, Description__c=f"Contact #: 720-555-0112\r\nIGZ Dispatch Number:{gap}IGZ_01\r\nmore")
    cycle(monitors(), "cts")
    assert len(vendor.texts) == 2


def test_bto_24_a_call_that_was_given_up_is_not_continued(monitors, vendor):
    lit(vendor)
    vendor.fault("/api/Ticket/600001/notes", *[Silence()] * 5)
    bmad = monitors()
    cycle(bmad, status=1)
    tried = len(vendor.of("/api/Ticket/600001/notes"))
    assert tried == 3 and vendor.events() == ["confirmed_note_failed"]
    bmad.command("send", "ops", "later")
    assert len(vendor.of("/api/Ticket/600001/notes")) == tried


@pytest.mark.parametrize("missing", [
    {"Tech_First_Name": None}, {"Tech_First_Name": " "}, {"Tech_Mobile_Number": None}, {"Tech_Mobile_Number": "  "},
    {"Tech_Mobile_Number": "N/A"}, {"Job_Site_Contact_Name_and_Phone_Number": None}, {"Date_of_Dispatch": None},
    {"Hard_Time_of_Dispatch_Local": "ASAP"}, {"Hard_Time_of_Dispatch_Time_Zone_Local": None},
], ids=str)
def test_bto_25_what_is_not_whole_is_not_confirmed(monitors, vendor, missing):
    lit(vendor, **missing)
    done = monitors().command("--once", "lit", "--at", FAR)
    assert vendor.wire() == [] and vendor.chats() == [] and done.stderr.count(" skipped: ") == 1


def test_bto_26_the_index_is_refreshed_at_each_sighting(monitors, vendor):
    lit(vendor, *CONFIRMED_NOTES)
    cts(vendor, Status__c="Canceled")
    bmad = monitors()
    for at in (before(days=4), before(days=2)):
        cycle(bmad, at=at)
        cycle(bmad, "cts", at=at)
    rows = {row["key"]: row for row in bmad.sql("SELECT key, value, expires FROM state")}
    assert json.loads(rows["DIS1"]["value"])["ticket_id"] == "600001"
    assert json.loads(rows["S-1"]["value"])["igz_dispatch_number"] == "IGZ_01"
    assert rows["DIS1"]["expires"] == START.timestamp() - 2 * 86400 + 259200


def test_bto_28_what_was_delayed_is_done_in_the_next_cycle(monitors, vendor):
    lit(vendor)
    vendor.fault("/api/Ticket/600001/details", *[Close()] * 3)
    bmad = monitors()
    cycle(bmad)
    cycle(bmad)
    assert len(vendor.texts) == 2


def test_bto_29_personal_data_stay_out_of_the_log(monitors, vendor):
    lit(vendor)
    vendor.fault(SMS, Status(400, body=f'{{"message": "{CLIENT} is no number"}}'))
    done = monitors().command("--once", "lit", "--at", FAR)
    for secret in (CLIENT, TECH, CLIENT[1:], "555-0161", "Sam Probe", "Kim Example", "TOKEN7", "sms-secret", "bruin-secret", "session-"):
        assert secret not in done.stderr, secret
    assert "*******0111" in done.stderr


def test_bto_30_the_confirmed_note_of_cts_shows_the_start_in_words(monitors, vendor):
    cts(vendor)
    cycle(monitors(), "cts")
    assert "Jul 09, 2024 @ 03:00 PM UTC" in vendor.posted[0][1]
