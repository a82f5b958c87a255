# SPDX-License-Identifier: MIT
"""The rota in a Google calendar: plan, guards, ids, faults, and kills at every call."""
import hashlib
import json
import os
import signal
import subprocess

import icalendar
import pytest

import rota
from calendar_server import CalendarServer, Refusal
from harness import BINARY

AT = "2024-08-19T06:00:00Z"
WANTED = [(day["date"], f"Support: {day['lead']} (lead), {day['assist']} (assist)") for day in rota.VECTOR_ROTA]
OWN = {"extendedProperties": {"private": {"bmadRota": "support", "bmadPair": "x"}}}


@pytest.fixture
def google():
    with CalendarServer() as server:
        yield server
        assert not server.mistakes


class Rota:
    """A bmad with a rota in the calendar of GOOGLE."""

    def __init__(self, make_bmad, google, folder, options=None, keys=None, **google_options):
        self.google = google
        self.bmad = make_bmad(
            apis={"calendar": google.api(folder, **(keys or {}))},
            jobs={"rota": {"module": "rota", "channels": ["console"], "options": {
                **rota.VECTOR, "output": ["google"], **(options or {}),
                "google": {"api": "calendar", "calendar_env": "test",
                           "calendars": {"test": google.calendar, "own": google.email}, **google_options}}}})

    def run(self, *args, at=AT, status=0):
        return self.bmad.once("rota", "--at", at, *args, status=status)

    def fails(self, *args, **options):
        return json.dumps(self.run(*args, status=1, **options)["error"], ensure_ascii=False)

    def plan(self, *args, **options):
        return self.run("--dry-run", *args, **options)["data"][0]["plan"]


@pytest.fixture
def make_rota(make_bmad, google, tmp_path):
    return lambda options=None, keys=None, **google_options: Rota(
        make_bmad, google, tmp_path, options, keys, **google_options)


def test_the_rota_is_written_and_a_second_run_changes_nothing(make_rota, google):
    made = make_rota()
    made.run()
    assert google.shown() == WANTED
    assert [call[0] for call in google.calls] == ["list"] + ["insert"] * 14
    assert google.events["jcl2o70kltsqs7eu3aubg32hl1b0ui82"] == {
        "id": "jcl2o70kltsqs7eu3aubg32hl1b0ui82", "status": "confirmed", "summary": WANTED[0][1],
        "start": {"date": "2024-08-19"}, "end": {"date": "2024-08-20"}, "transparency": "transparent",
        "extendedProperties": {"private": {
            "bmadRota": "support", "bmadPair": hashlib.sha256(b"Ana\nGrace").hexdigest()}}}
    before = json.dumps(google.events)
    made.run()
    assert json.dumps(google.events) == before and google.calls[15:] == [("list", None)]
    [row] = made.bmad.sql("SELECT value FROM state WHERE key = 'plan'")
    assert json.loads(row["value"])["steps"] == []


def test_a_dry_run_shows_the_plan_and_only_lists(make_rota, google):
    made = make_rota()
    google.add("theirs", "2024-08-20", "Party")
    google.add("ours", "2024-09-20", "old", **OWN)
    google.add("changed", "2024-08-21", "old title", **OWN)
    plan = made.plan()
    assert {kind for kind, _ in google.calls} == {"list"}
    signs = [(step["op"], step["date"]) for step in plan]
    assert signs.count(("-", "2024-09-20")) == 1 and signs.count(("!", "2024-08-20")) == 1
    assert signs.count(("~", "2024-08-21")) == 1 and sum(sign == "+" for sign, _ in signs) == 13
    shown = made.bmad.once("rota", "--dry-run", "--at", AT)["messages"][0]["payload"]
    for line in ("+ 2024-08-19 Ana, Grace", f"~ 2024-08-21 old title -> {WANTED[2][1]}", "- 2024-09-20 old",
                 "! 2024-08-20 Party"):
        assert line in shown


def test_what_is_not_ours_is_never_touched(make_rota, google):
    people = {"attendees": [{"email": "someone@example.com"}]}
    google.add("theirs", "2024-08-20", "Party")
    google.add("other", "2024-08-20", "another rota", extendedProperties={"private": {"bmadRota": "night"}})
    google.add("series", "2024-12-20", "weekly", recurrence=["RRULE:FREQ=WEEKLY"], **OWN)
    google.add("meeting", "2024-12-20", "with people", **people, **OWN)
    google.add("before", "2024-08-16", "past", **OWN)
    before = json.loads(json.dumps(google.events))
    make_rota().run("--include-past")
    assert {key: google.events[key] for key in before} == before
    assert len(google.shown()) == len(before) + 14


def test_ours_are_changed_and_what_is_no_longer_wanted_goes_last(make_rota, google):
    made = make_rota()
    made.run()
    made.bmad.configure(
        {"rota": {"module": "rota", "channels": ["console"], "options": {
            **rota.VECTOR, "cycles": 1, "seed": 5, "output": ["google"], "google": {
                "api": "calendar", "calendar_env": "test", "calendars": {"test": google.calendar}}}}}, {}, {},
        apis={"calendar": google.api(made.bmad.folder)})
    del google.calls[:]
    data = made.run()["data"][0]
    assert google.shown() == [(day["date"], f"Support: {day['lead']} (lead), {day['assist']} (assist)") for day in data["rota"]]
    kinds = [kind for kind, _ in google.calls]
    assert kinds == sorted(kinds, key=["list", "patch", "delete"].index) and kinds.count("delete") == 7


def test_days_before_today_stay_as_they_are(make_rota, google):
    google.add("ours", "2024-08-20", "old", **OWN)
    made = make_rota()
    made.run(at="2024-08-28T12:00:00Z")
    assert google.shown() == [("2024-08-20", "old")] + WANTED[7:]
    made.run("--include-past", at="2024-08-28T12:00:00Z")
    assert google.shown() == WANTED


@pytest.mark.parametrize("zone, offset", [("America/Los_Angeles", "-07:00"), ("Asia/Tokyo", "+09:00"), ("UTC", "+00:00")])
def test_the_day_before_is_left_alone_in_every_zone(make_bmad, tmp_path, zone, offset):
    with CalendarServer(zone) as google:
        google.add("before", "2024-08-18", "the day before", **OWN)
        google.add("late", "2024-08-18", "until late", **OWN)
        google.events["late"].update(start={"dateTime": f"2024-08-18T20:00:00{offset}"},
                                     end={"dateTime": f"2024-08-19T02:00:00{offset}"})
        made = Rota(make_bmad, google, tmp_path)
        made.run("--include-past")
        assert google.shown() == [("2024-08-18", "the day before"), ("2024-08-18", "until late")] + WANTED
        assert not google.mistakes


def test_all_pages_are_read_before_the_first_change(make_rota, google):
    google.page = 3
    made = make_rota()
    made.run()
    for n in range(10):
        google.add(f"theirs{n}", "2024-08-20")
    made.bmad.command("rota", "swap", "2024-08-19", "2024-08-20", "--include-past")
    del google.calls[:]
    made.run("--set", "seed=9")
    kinds = [kind for kind, _ in google.calls]
    assert kinds[:8] == ["list"] * 8 and "list" not in kinds[8:]


def test_a_swap_reaches_the_calendar(make_rota, google):
    made = make_rota()
    made.run()
    assert made.bmad.command("rota", "swap", "2024-08-19", "2024-08-20", "--include-past").returncode == 0
    assert google.shown()[0] == ("2024-08-19", "Support: Chloë (lead), Efua (assist)")


# -- ids that are taken -------------------------------------------------------------------------------------


@pytest.mark.parametrize("revive", [True, False])
def test_a_deleted_event_comes_back(make_rota, google, revive):
    made = make_rota()
    made.run()
    for event in google.events.values():
        event["status"] = "cancelled"
    google.revive = revive
    made.run()
    assert google.shown() == WANTED
    assert len(google.events) == (14 if revive else 28)
    before = json.dumps(google.events)
    made.run()
    assert json.dumps(google.events) == before


def test_an_event_that_was_moved_comes_back_to_its_day(make_rota, google):
    made = make_rota()
    made.run()
    moved = google.events["jcl2o70kltsqs7eu3aubg32hl1b0ui82"]
    moved["start"], moved["end"] = {"dateTime": "2024-08-23T10:00:00Z"}, {"dateTime": "2024-08-23T11:00:00Z"}
    made.run()
    assert google.shown() == WANTED and len(google.events) == 14


def test_an_id_that_somebody_else_has_is_left_to_them(make_rota, google):
    google.add("jcl2o70kltsqs7eu3aubg32hl1b0ui82", "2024-10-01", "theirs by accident")
    make_rota().run()
    assert google.shown() == sorted(WANTED + [("2024-10-01", "theirs by accident")])


# -- guards -------------------------------------------------------------------------------------------------


def test_many_deletions_need_apply(make_rota, google):
    for n in range(21):
        google.add(f"ours{n}", "2024-12-20", "old", **OWN)
    made = make_rota()
    assert "21 events would go" in made.fails()
    assert not google.changes()
    assert sum(step["op"] == "-" for step in made.plan()) == 21
    made.run("--apply")
    assert google.shown() == WANTED


def test_replacing_all_needs_a_dedicated_calendar_and_its_name(make_rota, google):
    people = {"attendees": [{"email": "someone@example.com"}]}
    google.add("theirs", "2024-08-20", "Party; with, commas", description="two\nlines")
    google.add("meeting", "2024-08-20", "with people", **people)
    google.add("series", "2024-08-20", "weekly", recurrence=["RRULE:FREQ=WEEKLY"])
    made = make_rota(replace="all")
    google.description = "not bmad-rota: dedicated"
    assert "bmad-rota: dedicated" in made.fails("--confirm", google.calendar)
    google.description = "Our rota\nbmad-rota: dedicated\n"
    assert f"--confirm {google.calendar}" in made.fails()
    assert f"--confirm {google.calendar}" in made.fails("--confirm", "another")
    assert not google.changes()
    made.run("--confirm", google.calendar)
    assert google.shown() == sorted(WANTED + [("2024-08-20", "with people"), ("2024-08-20", "weekly")])
    [saved] = made.bmad.folder.glob("support-replaced-*.json")
    assert [event["summary"] for event in json.loads(saved.read_text())] == ["Party; with, commas"]
    [saved] = made.bmad.folder.glob("support-replaced-*.ics")
    [event] = icalendar.Calendar.from_ical(saved.read_bytes()).walk("VEVENT")
    assert (event["SUMMARY"], event["DESCRIPTION"]) == ("Party; with, commas", "two\nlines")
    assert saved.stat().st_mode & 0o777 == 0o600


def test_the_accounts_own_calendar_is_never_written(make_rota, google):
    assert "own calendar" in make_rota(calendar_env="own").fails()
    done = make_rota(calendars={"test": "primary"}).bmad.command("check")
    assert done.returncode == 2 and "primary" in done.stdout + done.stderr
    assert not google.calls


def test_a_calendar_that_may_only_be_read_is_not_tried(make_rota, google):
    google.role = "reader"
    assert "shared as 'reader' only" in make_rota().fails()
    assert not google.changes()


@pytest.mark.parametrize("refusal", [Refusal(404, "notFound"), Refusal(403, "forbidden"), Refusal(400, "invalid")])
def test_a_refusal_for_good_tells_of_sharing_and_is_not_repeated(make_rota, google, refusal):
    google.fault(1, refusal)
    assert f"may not be shared with {google.email}" in make_rota().fails()
    assert len(google.calls) == 1


# -- signing in ---------------------------------------------------------------------------------------------


def test_a_refresh_token_signs_in_too(make_rota, google):
    keys = {"key_file": None, "client_id": "client", "client_secret": "s3cret", "refresh_token": "refresh/1"}
    make_rota(keys=keys).run()
    assert google.shown() == WANTED


def test_a_refused_grant_is_not_tried_again_and_no_secret_is_told(make_rota, google):
    keys = {"key_file": None, "client_id": "client", "client_secret": "wr0ng-s3cret", "refresh_token": "refresh/1"}
    made = make_rota(keys=keys)
    done = made.bmad.command("--once", "rota", "--at", AT, "--json", "--debug")
    assert done.returncode == 1 and "revoked" in done.stdout and not google.calls
    assert "wr0ng" not in done.stdout + done.stderr


def test_a_token_that_ends_in_the_midst_is_renewed_once(make_rota, google):
    made = make_rota()

    def expire(number):
        if number in (4, 9):
            google.tokens.clear()

    google.on_call = expire
    made.run()
    assert google.shown() == WANTED and google.sign_ins == 3


@pytest.mark.parametrize("change, fault", [
    (lambda path: path.chmod(0o644), "others may read it"),
    (lambda path: path.write_text("{"), "no JSON"),
    (lambda path: path.write_text("{}"), "'client_email' is missing"),
    (lambda path: path.write_text(path.read_text().replace("BEGIN PRIVATE", "BEGIN PUBLIC")), "no RSA key"),
    (lambda path: path.unlink(), "No such file"),
])
def test_a_key_file_that_will_not_do_is_refused(make_rota, google, tmp_path, change, fault):
    made = make_rota()
    change(tmp_path / "key.json")
    assert fault in made.fails()
    assert not google.sign_ins


def test_no_token_nor_key_reaches_a_log(make_rota, google):
    made = make_rota()
    done = made.bmad.command("--once", "rota", "--at", AT, "--json", "--debug")
    assert done.returncode == 0
    for secret in ("token-1", "PRIVATE KEY", "eyJ"):
        assert secret not in done.stdout + done.stderr


# -- faults -------------------------------------------------------------------------------------------------

FAULTS = ["lost", "cut", Refusal(429, "rateLimitExceeded"), Refusal(403, "userRateLimitExceeded"), Refusal(503)]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_faults_that_pass_change_nothing_in_the_end(make_rota, google, fault):
    for number in (1, 3, 5):
        google.fault(number, fault)
    made = make_rota()
    made.run()
    assert google.shown() == WANTED and len(google.events) == 14


def test_a_used_up_quota_stops_and_the_next_run_goes_on(make_rota, google):
    google.fault(6, Refusal(403, "dailyLimitExceeded"))
    made = make_rota()
    assert "the next run goes on" in made.fails()
    assert len(google.calls) == 6 and google.shown() == WANTED[:4]
    [row] = made.bmad.sql("SELECT value FROM state WHERE key = 'plan'")
    assert [step["done"] for step in json.loads(row["value"])["steps"]] == [True] * 4 + [False] * 10
    made.run()
    assert google.shown() == WANTED and [kind for kind, _ in google.calls].count("insert") == 15


def test_calls_keep_their_pace(make_rota, google):
    make_rota(keys={"pace": "40ms"}).run()
    assert all(b - a >= 0.035 for a, b in zip(google.times, google.times[1:]))


# -- kills --------------------------------------------------------------------------------------------------


def furnish(google):
    """So that a run has all that there is: changes, inserts over deleted ids, deletions, pages."""
    google.page = 4
    google.add("changed", "2024-08-21", "old", **OWN)
    google.add("moved", "2024-08-22", "old", **OWN)
    google.add("jcl2o70kltsqs7eu3aubg32hl1b0ui82", "2024-08-19", "was deleted", **OWN)
    google.events["jcl2o70kltsqs7eu3aubg32hl1b0ui82"]["status"] = "cancelled"
    google.add("gone1", "2024-09-20", "old", **OWN)
    google.add("gone2", "2024-09-21", "old", **OWN)
    google.add("theirs", "2024-08-20", "Party")


SMALL = {"groups": [{"name": "seniors", "members": ["Ana", "Boris"]}, {"name": "others", "members": ["Dai", "Efua"]}],
         "cycles": 1, "seed": 42}
KILLED_CALLS = 10


def kill_at(made, google, number, answered):
    """Runs the rota, which is killed with the answer to call NUMBER, or before it."""
    process = subprocess.Popen(
        [BINARY, "-c", str(made.bmad.config), "--once", "rota", "--at", AT], cwd=made.bmad.folder,
        env=made.bmad.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    last = len(google.calls) + number

    def kill(at):
        if at == last:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)

    google.fault(number, "lost" if answered else "cut")
    google.on_call = kill
    process.wait(60)
    google.on_call = None
    google.faults.clear()


@pytest.mark.parametrize("answered", [True, False], ids=["done", "not-done"])
@pytest.mark.parametrize("number", range(1, KILLED_CALLS + 1))
def test_killed_at_any_call_the_next_run_comes_to_the_same_end(make_bmad, tmp_path, number, answered):
    ends = []
    for killed in (False, True):
        with CalendarServer() as google:
            furnish(google)
            folder = tmp_path / str(killed)
            folder.mkdir()
            made = Rota(make_bmad, google, folder, options=SMALL)
            if killed:
                kill_at(made, google, number, answered)
            made.run()
            ends.append({key: event for key, event in google.events.items()})
            assert killed or len(google.calls) == KILLED_CALLS, "every call is killed at"
            assert not google.mistakes
    assert ends[0] == ends[1]


def test_a_killed_run_without_a_seed_is_completed_with_the_names_it_drew(make_bmad, google, tmp_path):
    made = Rota(make_bmad, google, tmp_path, options={**SMALL, "seed": None})
    kill_at(made, google, 3, True)
    first = google.shown()
    made.run()
    assert first and set(first) <= set(google.shown()) and len(google.shown()) == 4


def test_a_killed_continuation_is_completed_and_not_made_twice(make_bmad, google, tmp_path):
    made = Rota(make_bmad, google, tmp_path, options={**SMALL, "continue": True})
    made.run()
    kill_at(made, google, 3, True)
    made.run()
    assert len(google.shown()) == 8
