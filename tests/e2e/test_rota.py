# SPDX-License-Identifier: MIT
"""The rota: its rules on random configurations, what it publishes, changes by hand, and the daily reminder."""
import contextlib
import datetime
import json
import os
import struct
import subprocess
import urllib.error
import urllib.request

import icalendar
import pytest
import vobject

import rota
from harness import BINARY, wait_for
from receiver import Status, closed_port
from test_clock import Clock

SEEDS = range(int(os.environ.get("ROTA_SEEDS", "150")))  # ROTA_SEEDS=5000 for a long look
AT = "2024-08-19T08:00:00Z"


def rota_job(options=None, **more):
    return {"module": "rota", "channels": ["console"], "options": {**(options or rota.VECTOR), **more}}


@pytest.fixture
def bmad(make_bmad):
    return make_bmad(jobs={"rota": rota_job()})


def published(bmad, job="rota"):
    [row] = bmad.sql("SELECT value FROM state WHERE job = ? AND key = 'published'", job)
    return json.loads(row["value"])


def days(bmad, *args):
    return bmad.json("rota", "show", *args)


# -- the rota -----------------------------------------------------------------------------------------------


def test_the_vector_comes_out_exactly(bmad):
    done = bmad.once("rota", "--dry-run", "--at", AT)
    [data] = done["data"]
    assert data["rota"] == rota.VECTOR_ROTA
    assert data["config"] == {"date_range": {"start": "2024-08-19", "end": "2024-09-05", "n_cycles": 2, "total_days": 14},
                              "calendar": {"env": None, "id": None}, "seed": 42}
    assert data["days_worked"] == rota.days_worked(rota.VECTOR, rota.VECTOR_ROTA)
    assert list(data["days_worked"]) == ["Ana", "Boris", "Chloë", "Dai", "Efua", "Finn", "Grace"]
    assert data["plan"] == []


def test_the_rules_hold_on_random_configurations(make_bmad):
    jobs = {f"r{seed}": rota_job(rota.random_options(seed)) for seed in SEEDS}
    bmad = make_bmad(jobs=jobs)
    unresolved = 0
    for seed in SEEDS:
        options = jobs[f"r{seed}"]["options"]
        done = bmad.command("--once", f"r{seed}", "--dry-run", "--json", "--at", AT)
        report = json.loads(done.stdout)
        if report["result"] == "error":
            assert "nobody can take over" in report["error"]["message"] and options.get("leave"), seed
            unresolved += 1
            continue
        [data] = report["data"]
        rota.check_rules(options, data["rota"])
        assert data["days_worked"] == rota.days_worked(options, data["rota"]), seed
    assert unresolved < len(SEEDS) / 3


@pytest.mark.parametrize("change, fault", [
    ({"groups": rota.VECTOR["groups"][:1]}, "exactly two groups"),
    ({"start_group": "nobody"}, "no group 'nobody'"),
    ({"start_date": "2024-02-30"}, "start_date"),
    ({"start_date": "soon"}, "start_date"),
    ({"cycles": 0}, "cycles"),
    ({"seed": -1}, "seed"),
    ({"seed": 2**53}, "seed"),
    ({"holidays": ["2024-13-01"]}, "2024-13-01"),
    ({"output": ["paper"]}, "paper"),
    ({"summary_template": "{{lead"}, "summary_template"),
    ({"leave": [{"name": "Ana", "from": "2024-08-20", "to": "2024-08-19"}]}, "before it begins"),
])
def test_a_configuration_that_cannot_be_is_refused_before_it_runs(make_bmad, change, fault):
    bmad = make_bmad(jobs={"rota": rota_job(**change)})
    for command in (["check"], ["--once", "rota", "--dry-run"]):
        done = bmad.command(*command)
        assert done.returncode == 2 and fault in done.stderr + done.stdout, done


def test_a_seed_that_was_drawn_is_kept(make_bmad):
    options = {key: value for key, value in rota.VECTOR.items() if key != "seed"}
    bmad = make_bmad(jobs={"rota": rota_job(options), "other": rota_job(options, id="other")})
    first = bmad.once("rota")["data"][0]
    assert bmad.once("rota")["data"][0] == first
    assert bmad.once("other")["data"][0]["config"]["seed"] != first["config"]["seed"]
    assert bmad.once("rota", "--set", f"seed={first['config']['seed']}", "--dry-run")["data"][0]["rota"] == first["rota"]


def test_days_that_nobody_can_take_are_named_and_nothing_is_written(make_bmad):
    bmad = make_bmad(jobs={"rota": rota_job(leave=[{"name": "Ana", "from": "2024-01-01", "to": "2025-01-01"}])})
    done = bmad.once("rota", status=1)
    assert "2024-08-19 Ana leads" in done["error"]["message"] and "Ana assists" in done["error"]["message"]
    assert not list(bmad.folder.glob("*.ics"))
    assert days(bmad) == []


CALENDAR = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//holidays//EN\r
BEGIN:VEVENT\r
UID:1\r
DTSTART;VALUE=DATE:20240820\r
SUMMARY:a day off\r
END:VEVENT\r
BEGIN:VEVENT\r
UID:2\r
DTSTART;VALUE=DATE:20200822\r
RRULE:FREQ=YEARLY\r
END:VEVENT\r
END:VCALENDAR\r
"""


def test_holidays_come_from_dates_files_and_urls(make_bmad, receiver):
    receiver.script("/h.ics", Status(200, body=CALENDAR))
    expected = None
    for holidays in (["2024-08-20", "2024-08-22"], "h.ics", receiver.url("/h.ics")):
        bmad = make_bmad(jobs={"rota": rota_job(holidays=holidays)})
        (bmad.folder / "h.ics").write_text(CALENDAR, newline="")
        done = bmad.once("rota", "--dry-run")["data"][0]["rota"]
        assert [day["date"] for day in done[:4]] == ["2024-08-19", "2024-08-21", "2024-08-23", "2024-08-26"]
        expected = expected or done
        assert done == expected


@pytest.mark.parametrize("answer, fault", [(Status(404), "HTTP 404"), (Status(200, body="<html>"), "BEGIN:VCALENDAR")])
def test_holidays_that_cannot_be_read_stop_the_rota(make_bmad, receiver, answer, fault):
    receiver.script("/h.ics", answer)
    bmad = make_bmad(jobs={"rota": rota_job(holidays=receiver.url("/h.ics"))})
    assert fault in bmad.once("rota", "--dry-run", status=1)["error"]["message"]
    bmad = make_bmad(jobs={"rota": rota_job(holidays="nowhere.ics")})
    assert "nowhere.ics" in json.dumps(bmad.once("rota", "--dry-run", status=1)["error"])


# -- publishing ---------------------------------------------------------------------------------------------


def test_a_second_run_changes_nothing_and_says_nothing_again(bmad):
    [first] = bmad.once("rota")["messages"]
    before = published(bmad)
    [second] = bmad.once("rota")["messages"]
    assert (first["outcome"], second["outcome"]) == ("delivered", "suppressed")
    assert published(bmad) == before and before["complete"]
    assert [{key: day[key] for key in ("date", "lead", "assist")} for day in before["rota"]] == rota.VECTOR_ROTA


def test_the_report_tells_how_often_everybody_is_up(bmad):
    done = bmad.command("--once", "rota")
    for name in ("Ana: leads 2, assists 3", "Dai: leads 2, assists 1"):
        assert name in done.stdout


def test_a_dry_run_writes_nothing(bmad):
    bmad.once("rota", "--dry-run")
    assert not list(bmad.folder.glob("*.ics")) and not bmad.store.exists()


def ics_of(bmad, name="support.ics"):
    return (bmad.folder / name).read_bytes()


def test_the_calendar_is_accepted_by_other_readers(make_bmad):
    options = rota.random_options(7)
    options["groups"][0]["members"][0] = "Ana; \"the\" O'Neil, \\ long " + "é😀" * 40
    options.pop("leave", None)
    bmad = make_bmad(jobs={"rota": rota_job(options)})
    expected = bmad.once("rota")["data"][0]["rota"]
    raw = ics_of(bmad)
    assert raw.endswith(b"\r\n") and b"\n" not in raw.replace(b"\r\n", b"")
    for line in raw.split(b"\r\n"):
        assert len(line) <= 75
        line.decode()
    titles = [f"Support: {day['lead']} (lead), {day['assist']} (assist)" for day in expected]
    events = icalendar.Calendar.from_ical(raw).walk("VEVENT")
    assert [str(event["SUMMARY"]) for event in events] == titles
    assert [event.decoded("DTSTART").isoformat() for event in events] == [day["date"] for day in expected]
    assert all((event.decoded("DTEND") - event.decoded("DTSTART")).days == 1 for event in events)
    assert len({str(event["UID"]) for event in events}) == len(events)
    seen = vobject.readOne(raw.decode())
    assert [event.summary.value for event in seen.vevent_list] == titles
    assert [event.dtstart.value.isoformat() for event in seen.vevent_list] == [day["date"] for day in expected]


@contextlib.contextmanager
def caldav(folder):
    port = closed_port()
    server = subprocess.Popen(
        ["/usr/bin/python3", "-m", "radicale", "--server-hosts", f"127.0.0.1:{port}", "--auth-type", "none",
         "--storage-filesystem-folder", str(folder), "--rights-type", "owner_only"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/"

    def answers():
        try:
            return urllib.request.urlopen(url + ".web/", timeout=5)
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    try:
        wait_for(answers, what="the CalDAV server")
        yield url
    finally:
        server.terminate()
        server.wait()


def dav(method, url, body=b"", **headers):
    request = urllib.request.Request(url, data=body, method=method, headers={
        "Authorization": "Basic dGVhbTp4", "Content-Type": "text/calendar", **headers})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read()


def test_a_caldav_server_takes_the_calendar(bmad, tmp_path):
    bmad.once("rota")
    with caldav(tmp_path / "dav") as url:
        dav("PUT", url + "team/rota/", ics_of(bmad))
        stored = icalendar.Calendar.from_ical(dav("GET", url + "team/rota/"))
    assert sorted(str(e["UID"]) for e in stored.walk("VEVENT")) == sorted(
        str(e["UID"]) for e in icalendar.Calendar.from_ical(ics_of(bmad)).walk("VEVENT"))


def test_everybody_has_a_calendar_of_their_own(make_bmad):
    bmad = make_bmad(jobs={"rota": rota_job(ics={"path": "out/all.ics", "per_person": "people"})})
    bmad.once("rota")
    assert len(icalendar.Calendar.from_ical(ics_of(bmad, "out/all.ics")).walk("VEVENT")) == 14
    files = {path.name for path in (bmad.folder / "people").iterdir()}
    assert files == {f"{name}.ics" for group in rota.VECTOR["groups"] for name in group["members"]}
    for name in ("Ana", "Chloë"):
        own = icalendar.Calendar.from_ical(ics_of(bmad, f"people/{name}.ics")).walk("VEVENT")
        assert [e.decoded("DTSTART").isoformat() for e in own] == [
            day["date"] for day in rota.VECTOR_ROTA if name in (day["lead"], day["assist"])]


def test_a_name_that_would_leave_its_folder_stays_in_it(make_bmad):
    options = json.loads(json.dumps(rota.VECTOR).replace("Ana", "../../etc/x"))
    bmad = make_bmad(jobs={"rota": rota_job(options, ics={"path": "all.ics", "per_person": "people"})})
    bmad.once("rota")
    assert "%2E.%2F..%2Fetc%2Fx.ics" in {path.name for path in (bmad.folder / "people").iterdir()}


# -- by hand ------------------------------------------------------------------------------------------------


def test_show_and_today_tell_the_published_rota(make_bmad):
    bmad = make_bmad(jobs={"rota": rota_job()})
    assert days(bmad) == []
    assert "no rota is published yet" in bmad.command("rota", "show").stdout
    bmad.once("rota")
    assert days(bmad) == rota.VECTOR_ROTA
    assert days(bmad, "Ana") == [day for day in rota.VECTOR_ROTA if "Ana" in (day["lead"], day["assist"])]
    assert bmad.command("rota", "show", "An").returncode == 2
    assert "nobody is on duty today" in bmad.command("rota", "today").stdout
    assert "Mon  Ana    Grace" in bmad.command("rota", "show").stdout


def test_a_swap_is_published_and_kept(bmad):
    bmad.once("rota")
    assert bmad.command("rota", "swap", "2024-08-19", "2024-08-20", "--role", "lead").returncode == 0
    expected = json.loads(json.dumps(rota.VECTOR_ROTA))
    expected[0]["lead"], expected[1]["lead"] = "Chloë", "Ana"
    assert days(bmad) == expected
    events = icalendar.Calendar.from_ical(ics_of(bmad)).walk("VEVENT")
    assert [int(event["SEQUENCE"]) for event in events[:3]] == [1, 1, 0]
    again = bmad.once("rota")["data"][0]
    assert again["rota"] == expected == days(bmad)
    assert again["days_worked"] == rota.days_worked(rota.VECTOR, expected)


def test_a_cover_counts_who_really_works(bmad):
    bmad.once("rota")
    assert bmad.command("rota", "cover", "2024-08-21", "lead", "Ana").returncode == 0
    assert days(bmad)[2] == {"date": "2024-08-21", "lead": "Ana", "assist": "Dai"}
    worked = bmad.once("rota")["data"][0]["days_worked"]
    assert worked["Ana"]["totals"][0] == ["lead_days", 3] and worked["Boris"]["totals"][0] == ["lead_days", 1]


@pytest.mark.parametrize("words, fault", [
    (["swap", "2024-08-19", "2024-08-19"], "two different days"),
    (["swap", "2024-08-19", "2024-08-18"], "no day 2024-08-18"),
    (["swap", "2024-08-19", "soon"], "soon"),
    (["swap", "2024-08-19", "2024-08-22", "--role", "lead"], "same group"),
    (["swap", "2024-08-19", "2024-08-22", "--role", "boss"], "lead or assist"),
    (["cover", "2024-08-20", "assist", "Grace"], "twice running"),
    (["cover", "2024-08-20", "assist", "Zoe"], "called 'Zoe'"),
    (["cover", "2024-08-20", "assist"], "usage"),
    (["swop"], "no verb"),
    ([], "needs a verb"),
    (["show", "--force"], "only reads"),
])
def test_a_change_by_hand_that_cannot_be_is_refused_and_no_run(bmad, words, fault):
    bmad.once("rota")
    done = bmad.command("rota", *words)
    assert done.returncode == 2 and fault in done.stderr, done
    assert days(bmad) == rota.VECTOR_ROTA and len(bmad.runs()) == 1


def test_a_forced_change_is_made_and_stays(bmad):
    bmad.once("rota")
    assert bmad.command("rota", "cover", "2024-08-20", "assist", "Grace", "--force").returncode == 0
    assert bmad.once("rota")["data"][0]["rota"][1]["assist"] == "Grace"


def test_beside_a_daemon_changes_go_through_its_store(bmad):
    bmad.once("rota")
    bmad.start()
    assert bmad.command("rota", "swap", "2024-08-19", "2024-08-20").returncode == 0
    assert days(bmad)[0]["lead"] == "Chloë"


def test_several_rotas_must_be_named(make_bmad):
    bmad = make_bmad(jobs={"one": rota_job(id="one"), "two": rota_job(id="two"), "beat": {"module": "heartbeat", "channels": ["console"]}})
    bmad.once("two")
    assert "--job" in bmad.command("rota", "show").stderr
    assert bmad.json("rota", "--job", "two", "show") == rota.VECTOR_ROTA
    assert "is no rota" in bmad.command("rota", "--job", "beat", "show").stderr


def test_options_of_a_rota_are_not_for_other_modules(make_bmad):
    bmad = make_bmad(jobs={"beat": {"module": "heartbeat", "channels": ["console"]}})
    done = bmad.command("--once", "beat", "--apply")
    assert done.returncode == 2 and "--apply is not for jobs of module 'heartbeat'" in done.stderr


# -- going on -----------------------------------------------------------------------------------------------


def test_a_rota_goes_on_after_the_last_published_day(bmad):
    bmad.once("rota")
    more = bmad.once("rota", "--set", "continue=true", "--set", "seed=7")["data"][0]
    assert more["rota"][0]["date"] == "2024-09-06" and more["rota"][0]["lead"] in ("Ana", "Boris", "Chloë")
    assert days(bmad) == rota.VECTOR_ROTA + more["rota"]
    options = {**rota.VECTOR, "start_date": "2024-09-06", "seed": 7}
    rota.check_rules(options, more["rota"])
    for name in ("seniors", "others"):
        members = next(group["members"] for group in rota.VECTOR["groups"] if group["name"] == name)
        run = [day["assist"] for day in days(bmad) if day["assist"] in members]
        assert all(a != b for a, b in zip(run, run[1:]))


def test_who_joins_begins_with_the_next_block_and_earlier_days_stay(make_bmad):
    bmad = make_bmad(jobs={"rota": rota_job()})
    bmad.once("rota")
    groups = json.loads(json.dumps(rota.VECTOR["groups"]))
    groups[0]["members"].append("Nia")
    options = {**rota.VECTOR, "groups": groups, "start_date": "2024-08-26", "continue": True}
    bmad.configure({"rota": rota_job(options)}, {}, {})
    done = bmad.once("rota")["data"][0]["rota"]
    assert done[0]["date"] == "2024-08-28" and {day["lead"] for day in done[:4]} == {"Ana", "Boris", "Chloë", "Nia"}
    assert days(bmad) == rota.VECTOR_ROTA[:7] + done
    assert bmad.once("rota")["data"][0]["rota"] == done


def test_a_start_in_the_midst_of_a_block_is_allowed_with_a_warning(bmad):
    bmad.once("rota")
    done = bmad.command("--once", "rota", "--set", "start_date=2024-08-23", "--json")
    assert "counts will be uneven" in done.stderr
    assert json.loads(done.stdout)["data"][0]["rota"][0]["date"] == "2024-08-23"
    assert days(bmad)[:4] == rota.VECTOR_ROTA[:4]


# -- the reminder -------------------------------------------------------------------------------------------


@pytest.fixture
def reminded(make_bmad, receiver):
    """A published rota, and its reminder to Slack and Teams."""
    hook = {"allow_http": True}
    bmad = make_bmad(
        jobs={"rota": rota_job(),
              "today": {"module": "rota_reminder", "channels": ["slack", "teams"],
                        "options": {"rota": "rota", "warn_channels": ["owner"],
                                    "mentions": {"Ana": {"slack": "U012AB3CD"}, "Grace": {"teams": "grace@example.com"}}}}},
        channels={"slack": {"type": "slack", "url": receiver.url("/slack"), **hook},
                  "teams": {"type": "teams", "url": receiver.url("/teams"), **hook},
                  "owner": {"type": "webhook", "url": receiver.url("/owner"), **hook}})
    receiver.script("/slack", Status(200, body="ok"))
    bmad.once("rota")
    return bmad


def test_the_reminder_tells_todays_pair_and_addresses_it(reminded):
    done = reminded.once("today", "--at", "2024-08-19T09:00:00Z")
    data = dict(done["data"][0])
    assert data.pop("mentions")
    assert data == {
        "date": "2024-08-19", "weekday": "Monday", "lead": "Ana", "assist": "Grace", "lead_mention": "<@U012AB3CD>",
        "assist_mention": "grace@example.com", "next": {"date": "2024-08-20", "lead": "Chloë", "assist": "Efua"},
        "days_left": 13, "running_out": False, "rota": "support"}
    slack, teams = done["messages"]
    assert slack["key"] == teams["key"] == "rota-reminder|support|2024-08-19"
    assert "<@U012AB3CD> leads, Grace assists" in slack["payload"]["text"]
    card = teams["payload"]["attachments"][0]["content"]
    assert card["msteams"]["entities"] == [{"type": "mention", "text": "<at>Grace</at>",
                                            "mentioned": {"id": "grace@example.com", "name": "Grace"}}]
    assert "Ana leads, <at>Grace</at> assists" in json.dumps(card["body"])
    assert {m["outcome"] for m in done["messages"]} == {"delivered"}


@pytest.mark.parametrize("at", ["2024-08-18T09:00:00Z", "2024-08-24T09:00:00Z", "2024-09-06T09:00:00Z"])
def test_on_a_day_without_a_pair_nothing_is_sent(reminded, at):
    assert reminded.once("today", "--at", at)["messages"] == []


def test_a_rota_about_to_run_out_says_so(reminded):
    done = reminded.once("today", "--at", "2024-08-30T09:00:00Z")
    assert done["data"][0]["days_left"] == 4 and done["data"][0]["running_out"]
    assert [m["channel"] for m in done["messages"] if m["kind"] == "warning"] == ["owner"]
    last = reminded.once("today", "--at", "2024-09-05T09:00:00Z")["data"][0]
    assert (last["days_left"], last["next"]) == (0, None)


def test_a_second_run_on_a_day_repeats_nothing(reminded):
    reminded.once("today", "--at", "2024-08-19T09:00:00Z")
    again = reminded.once("today", "--at", "2024-08-19T15:00:00Z")
    assert {m["outcome"] for m in again["messages"]} == {"suppressed"}


def test_before_anything_is_published_nobody_is_reminded(make_bmad):
    bmad = make_bmad(jobs={"rota": rota_job(), "today": {"module": "rota_reminder", "channels": ["console"],
                                                        "options": {"rota": "rota"}}})
    done = bmad.command("--once", "today", "--at", "2024-08-19T09:00:00Z", "--json")
    assert json.loads(done.stdout)["messages"] == [] and "has published no rota yet" in done.stderr


@pytest.mark.parametrize("mentions", [{"Ana": "U1"}, {"Ana": {"irc": "ana"}}, {"Ana": {"slack": "<!channel>"}}])
def test_a_mention_that_is_none_is_refused(make_bmad, mentions):
    bmad = make_bmad(jobs={"rota": rota_job(), "today": {"module": "rota_reminder", "channels": ["console"],
                                                        "options": {"rota": "rota", "mentions": mentions}}})
    done = bmad.command("check")
    assert done.returncode == 2 and "mentions: 'Ana'" in done.stdout + done.stderr


@pytest.mark.skipif(b"__asan_init" in BINARY.read_bytes(), reason="a sanitizer must be loaded first")
def test_the_daemon_reminds_once_a_working_day_over_restarts_and_clock_changes(make_bmad, receiver, tmp_path):
    clock = Clock(tmp_path)
    now = datetime.datetime.now(datetime.timezone.utc)
    monday = now.date() + datetime.timedelta(days=7 - now.weekday())

    def at(day, hour):
        then = datetime.datetime.combine(monday, datetime.time(hour), datetime.timezone.utc) + datetime.timedelta(days=day)
        return int((then - now).total_seconds())

    bmad = make_bmad(
        jobs={"rota": rota_job(start_date=monday.isoformat()),
              "today": {"module": "rota_reminder", "channels": ["team"], "schedule": "* * * * * *", "misfire": "none",
                        "options": {"rota": "rota", "warn_days_left": 0}}},
        channels={"team": {"type": "webhook", "url": receiver.url("/team"), "allow_http": True}})
    bmad.once("rota")
    clock.path.write_bytes(struct.pack("q", at(0, 12) * 1000))

    def dates():
        return [request.json()["data"]["date"] for request in receiver.of("/team")]

    def more_runs(count):
        seen = len(bmad.events("run_succeeded", job="today"))
        bmad.wait_event("run_succeeded", seen + count, job="today")

    expected = [monday.isoformat()]
    bmad.start(env=clock.environment)
    more_runs(2)
    bmad.wait_until(lambda: dates() == expected)
    bmad.kill("main")
    bmad.start(env=clock.environment)
    more_runs(2)
    clock.set(bmad, at(0, 14))
    more_runs(2)
    clock.set(bmad, at(0, 11))
    bmad.wait_event("clock_jumped", 2)
    bmad.terminate()
    bmad.start(env=clock.environment)
    assert dates() == expected
    clock.set(bmad, at(1, 9))
    expected.append((monday + datetime.timedelta(days=1)).isoformat())
    bmad.wait_until(lambda: dates() == expected)
    more_runs(2)
    clock.set(bmad, at(5, 9))  # a Saturday
    more_runs(3)
    assert dates() == expected
