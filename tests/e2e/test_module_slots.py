# SPDX-License-Identifier: MIT
"""The schedule `@module`: slots that a job's module names itself, while all goes well and while it does not.

A module is asked again a minute before the next slot it has named: a slot ASKED_AGAIN seconds away has the
daemon ask within a few seconds.
"""
import contextlib
import sqlite3
import time

import plant
from harness import slot_text, slot_time

ASKED_AGAIN = 63
HOUR = 3600


def now():
    return int(time.time())


class Named:
    """The job of the test module `named`, and the file that says when it is due."""

    def __init__(self, make_bmad, jobs=None, **keys):
        named = {"module": "named", "options": {"file": "slots"}, **keys}
        self.bmad = make_bmad(jobs={"job": named, **(jobs or {})}, daemon={"log": {"target": "stderr", "level": "debug"}})
        self.file = self.bmad.folder / "slots"
        self.say()

    def say(self, *slots):
        """Each (instant, key), or a word that says what goes wrong."""
        lines = [slot if isinstance(slot, str) else f"{slot_text(slot[0])} {slot[1]}" for slot in slots]
        beside = self.file.with_suffix(".new")  # never half a file
        beside.write_text("".join(line + "\n" for line in lines))
        beside.rename(self.file)

    def start(self):
        """Starts, and waits for the first answer."""
        seen = len(self.bmad.events("module_slots_named"))
        self.bmad.start()
        self.bmad.wait_event("module_slots_named", count=seen + 1)
        return self.bmad

    def slots(self):
        return self.bmad.sql("SELECT * FROM slots WHERE job = 'job' ORDER BY due, key")

    def keys(self, state="ok"):
        return [row["key"] for row in self.slots() if row["state"] == state]


# -- firing --------------------------------------------------------------------------------------------------


def test_slots_fire_at_their_instants_and_are_claimed_by_their_names(make_bmad):
    job = Named(make_bmad)
    at = now() + 3
    job.say((at, "Z1|NIGHT|1"), (at, "Z2|NIGHT|1"), (at + 2, "Z1|NIGHT|2"))
    job.bmad.start()
    job.bmad.wait_event("run_succeeded", job="job", count=3)

    assert [(row["key"], row["due"]) for row in job.slots()] == [
        ("Z1|NIGHT|1", at), ("Z2|NIGHT|1", at), ("Z1|NIGHT|2", at + 2)]
    assert slot_time(job.bmad.events("run_started")[0]["slot"]) == at


def test_a_name_may_be_long(make_bmad):
    job = Named(make_bmad)
    keys = ["x" * 499 + end for end in "ab"]  # alike but for their last byte
    job.say((now() + 2, keys[0]), (now() + 3, keys[1]))
    job.bmad.start()
    job.bmad.wait_event("run_succeeded", count=2)

    assert job.keys() == keys


def test_what_is_not_to_be_run_twice_or_guessed_is_a_fault_of_the_module(make_bmad):
    at = now() + 600
    for slots, text in (([(at, "x" * 501)], "has 501 bytes: at most 500"), ([(at, "")], "an empty key"),
                        ([(at, "twice"), (at + 1, "twice")], "slot 'twice' is named twice"),
                        (["queue"], "queues and stores nothing")):
        job = Named(make_bmad, channels=["console"])
        job.say(*slots)
        failed = job.bmad.start().wait_event("module_slots_failed", job="job")
        assert text in failed["error"] and failed["kind"] == "BUG"
        assert job.bmad.terminate() == 0


def test_a_slot_that_moves_fires_at_its_new_time_only(make_bmad):
    job = Named(make_bmad)
    job.say((now() + ASKED_AGAIN, "moving"))
    bmad = job.start()
    moved = now() + 8
    job.say((moved, "moving"))
    started = bmad.wait_event("run_started", job="job")
    bmad.wait_event("run_succeeded", job="job")

    assert slot_time(started["slot"]) == moved
    assert bmad.json("status")["next"] is None  # nothing is left of its first time


def test_a_slot_that_moves_after_it_has_fired_does_not_fire_again(make_bmad):
    job = Named(make_bmad)
    at = now()
    job.say((at + 2, "moving"), (at + ASKED_AGAIN + 2, "far"))
    bmad = job.start()
    bmad.wait_event("run_succeeded", job="job")
    asked = len(bmad.events("module_slots_named"))
    job.say((at + 6, "moving"), (at + 7, "other"), (at + ASKED_AGAIN + 2, "far"))
    bmad.wait_event("module_slots_named", count=asked + 1)
    bmad.wait_event("run_succeeded", job="job", count=2)

    assert [(row["key"], row["due"]) for row in job.slots()] == [("moving", at + 2), ("other", at + 7)]


def test_a_slot_that_is_no_more_does_not_fire(make_bmad):
    job = Named(make_bmad)
    at = now()
    job.say((at + ASKED_AGAIN, "gone"))
    bmad = job.start()
    job.say()
    bmad.wait_event("module_slots_named", count=2)

    assert bmad.json("status")["next"] is None


# -- downtime ----------------------------------------------------------------------------------------------------


def test_slots_of_a_downtime_go_by_the_misfire_rule_the_module_brings(make_bmad):
    job = Named(make_bmad)  # misfire: all
    begun = now()
    assert job.start().terminate() == 0
    job.say((begun - 100, "before"), (begun + 1, "a"), (begun + 2, "b"), (begun + 3, "c"))
    while now() < begun + 5:
        time.sleep(0.1)
    bmad = job.start()
    bmad.wait_event("run_succeeded", job="job", count=3)

    assert [line["slot"] for line in bmad.events("run_started")] == [slot_text(begun + n) for n in (1, 2, 3)]
    assert {line["trigger"] for line in bmad.events("run_started")} == {"catchup"}
    assert job.keys() == ["a", "b", "c"]  # what was before the schedule held is not caught up


def test_the_jobs_misfire_rule_wins_and_each_missed_slot_has_its_record(make_bmad):
    job = Named(make_bmad, misfire="one")
    begun = now()
    assert job.start().terminate() == 0
    job.say((begun + 1, "a"), (begun + 2, "b"), (begun + 3, "c"))
    while now() < begun + 5:
        time.sleep(0.1)
    job.start().wait_event("run_succeeded", job="job")

    assert (job.keys("missed"), job.keys("ok")) == (["a", "b"], ["c"])


def test_a_slot_that_moves_in_a_downtime_is_neither_lost_nor_doubled(make_bmad):
    job = Named(make_bmad)
    at = now() + 8
    job.say((at, "fired"), (at + 600, "early"))
    bmad = job.start()
    bmad.wait_event("run_succeeded", job="job")
    assert bmad.terminate() == 0
    job.say((at - 1, "early"), (at + 600, "fired"))  # to before the last that fired, and to the future
    job.start().wait_event("run_succeeded", job="job", count=2)

    assert [(row["key"], row["due"], row["state"]) for row in job.slots()] == [
        ("early", at - 1, "ok"), ("fired", at, "ok")]
    assert bmad.json("status")["next"] is None  # what has fired is not announced again


# -- failures ------------------------------------------------------------------------------------------------------


def test_a_failure_keeps_the_last_list_and_says_how_far_it_reaches(make_bmad):
    job = Named(make_bmad)
    at = now() + ASKED_AGAIN
    job.say((at - 50, "near"), (at, "far"))
    bmad = job.start()
    job.say("error")
    failed = bmad.wait_event("module_slots_failed", job="job")
    bmad.wait_event("run_succeeded", job="job")

    assert "no slots: error" in failed["error"] and failed["next"] in (slot_text(at - 50), slot_text(at))
    assert slot_time(failed["known_until"]) > now() + 47 * HOUR
    assert bmad.events("traceback", function="misbehave")
    assert not bmad.events("module_slots_ending")
    assert job.keys() == ["near"]


def test_a_module_that_never_could_is_told_to_be_without_slots_and_is_heard_when_it_can(make_bmad):
    job = Named(make_bmad)
    job.say("error")
    bmad = job.bmad.start()
    at = now()
    bmad.wait_event("module_slots_failed", job="job", retry_s=5)
    assert "will not run" in bmad.wait_event("module_slots_ending", job="job")["error"]
    job.say((at + 1, "while it failed"), (at + 12, "after"))
    well = bmad.wait_event("module_slots_named", job="job", level="info")
    bmad.wait_event("run_succeeded", job="job", count=2)

    assert int(well["after_failures"]) >= 1
    assert job.keys() == ["while it failed", "after"]


def test_a_module_that_crashes_is_traced_and_harms_no_other_job(make_bmad):
    job = Named(make_bmad, jobs={"other": {"module": "noop", "schedule": "* * * * * *"}})
    job.say("crash")
    bmad = job.bmad.start()
    failed = bmad.wait_event("module_slots_failed", job="job")
    bmad.wait_event("traceback", job="job", function="misbehave")
    bmad.wait_event("run_succeeded", job="other", count=2)

    assert "signal 6" in failed["error"] and "read " in failed["step"]


def test_a_module_that_hangs_is_ended_at_the_jobs_timeout(make_bmad):
    job = Named(make_bmad, timeout="1s", jobs={"other": {"module": "noop", "schedule": "* * * * * *"}})
    job.say("hang")
    bmad = job.bmad.start()
    bmad.wait_event("run_overdue", job="job")
    before = len(bmad.events("run_succeeded", job="other"))
    bmad.wait_event("run_succeeded", job="other", count=before + 3)  # while it still hangs
    failed = bmad.wait_event("module_slots_failed", job="job")

    assert failed["error"].startswith("timeout: killed")
    assert bmad.events("traceback", job="job", function="misbehave")


def test_a_worker_that_is_killed_while_a_module_is_asked_costs_a_few_seconds(make_bmad):
    job = Named(make_bmad)
    at = now() + 4
    job.say("hang")
    bmad = job.bmad.start()
    bmad.wait_until(lambda: any(name.endswith("[job]") for name in bmad.children()))
    job.say((at, "soon"))
    worker = next(name for name in bmad.children() if name.endswith("[job]"))
    assert bmad.kill(worker)
    failed = bmad.wait_event("module_slots_failed", job="job")
    bmad.wait_event("run_succeeded", job="job")

    assert "killed by signal 9" in failed["error"]
    assert job.keys() == ["soon"]


# -- commands --------------------------------------------------------------------------------------------------------


def test_next_and_jobs_ask_the_module(make_bmad):
    job = Named(make_bmad)
    at = now() + 1000
    job.say((at, "a"), (at, "same instant"), (at + 60, "b"), (at + 100 * 24 * HOUR, "far"))
    bmad = job.bmad

    assert [fire["utc"] for fire in bmad.json("next", "job")] == [
        slot_text(at), slot_text(at + 60), slot_text(at + 100 * 24 * HOUR)]
    assert [fire["utc"] for fire in bmad.json("next", "job", "-n", "1", "--from", slot_text(at))] == [slot_text(at + 60)]
    assert bmad.json("jobs")[0]["next"]["utc"] == slot_text(at)
    job.start()
    assert bmad.json("status")["next"]["utc"] == slot_text(at)


def test_commands_tell_of_a_module_that_cannot_answer(make_bmad):
    job = Named(make_bmad, jobs={"other": {"module": "noop", "schedule": "@every 1h"}})
    job.say("error")
    done = job.bmad.command("next", "job")
    assert done.returncode == 1 and "no slots: error" in done.stderr
    done = job.bmad.command("jobs")
    assert done.returncode == 0 and "no slots: error" in done.stderr
    assert [row["next"] is None for row in job.bmad.json("jobs")] == [True, False]


# -- a plant -----------------------------------------------------------------------------------------------------------


class Plant:
    """A zone with one shift that began an hour ago, and its hourly report SECONDS from now, without a cron line."""

    def __init__(self, make_bmad, seconds, **keys):
        self.hour_end = now() // 60 * 60
        grace = now() + seconds - self.hour_end
        self.bmad = make_bmad(
            jobs={"hourly": {"module": "zone_hourly", "channels": ["console"],
                             "options": {"source": "plant", "zone": "Z1", "grace": f"{grace}s"}, **keys}},
            sources={"plant": {"url": "sqlite:plant.db", "statement_timeout": "1s"}},
            daemon={"log": {"target": "stderr", "level": "debug"}})
        self.path = self.bmad.folder / "plant.db"
        plant.Maker(timezone="UTC", start=slot_text(now())[:10], days=1, lines=1, stations=2, cycle_s=600,
                    shifts=(("DAY", self.local(HOUR)),)).write(self.path)
        self.at = self.hour_end + grace

    def local(self, ago):
        return slot_text(self.hour_end - ago)[11:16]

    def change(self, *statements):
        with contextlib.closing(sqlite3.connect(self.path, timeout=20)) as db:
            for statement in statements:
                db.execute(statement)
            db.commit()

    def slots(self):
        return self.bmad.sql("SELECT key, due, state FROM slots ORDER BY due")

    def key(self, hour=1):
        return f"Z1|{slot_text(self.hour_end - HOUR)[:10]}|DAY|{hour}"


def test_an_hour_of_a_shift_fires_without_a_cron_line(make_bmad):
    zone = Plant(make_bmad, 4)
    zone.bmad.start().wait_event("run_succeeded", job="hourly")

    assert zone.slots() == [{"key": zone.key(), "due": zone.at, "state": "ok"}]
    zone.bmad.wait_until(lambda: zone.bmad.json("status")["next"]["utc"] == slot_text(zone.at + HOUR))


def test_a_shift_that_is_moved_while_the_daemon_runs_moves_its_hours_and_doubles_none(make_bmad):
    zone = Plant(make_bmad, ASKED_AGAIN + 2)
    bmad = zone.bmad.start()
    bmad.wait_event("module_slots_named", job="hourly")
    zone.change(f"update shift_definition set start_local = '{zone.local(HOUR + 60)}'")  # a minute earlier
    bmad.wait_event("run_succeeded", job="hourly")
    zone.change(f"update shift_definition set start_local = '{zone.local(HOUR)}'")  # and back, to an hour reported
    bmad.kill("main")
    bmad.start()
    bmad.wait_event("module_slots_named", count=3)

    assert zone.slots() == [{"key": zone.key(), "due": zone.at - 60, "state": "ok"}]
    assert bmad.json("status")["next"]["utc"] == slot_text(zone.at + HOUR)  # the hour reported is not announced


def test_hours_of_a_downtime_are_caught_up_by_misfire_all(make_bmad):
    zone = Plant(make_bmad, 600, misfire="all", max_late="150m")
    bmad = zone.bmad.start()
    bmad.wait_event("module_slots_named", job="hourly")
    assert bmad.terminate() == 0
    with contextlib.closing(sqlite3.connect(bmad.store)) as store:  # it was four hours ago
        store.execute("UPDATE schedules SET since = since - 14400, accounted_until = accounted_until - 14400")
        store.commit()
    zone.change(f"update shift_definition set start_local = '{zone.local(5 * HOUR)}'")
    bmad.start().wait_event("run_succeeded", job="hourly", count=2)

    due = {row["key"].rpartition("|")[2]: (row["due"], row["state"]) for row in zone.slots()}
    assert due == {"1": (zone.at - 4 * HOUR, "missed"), "2": (zone.at - 3 * HOUR, "missed"),
                   "3": (zone.at - 2 * HOUR, "ok"), "4": (zone.at - HOUR, "ok")}


def test_a_table_that_is_gone_is_told_and_the_known_hour_still_fires(make_bmad):
    zone = Plant(make_bmad, ASKED_AGAIN)
    bmad = zone.bmad.start()
    bmad.wait_event("module_slots_named", job="hourly")
    zone.change("alter table shift_definition rename to gone")
    failed = bmad.wait_event("module_slots_failed", job="hourly")

    assert "shift_definition" in failed["error"] and failed["next"] == slot_text(zone.at)
    assert bmad.json("status")["next"]["utc"] == slot_text(zone.at)  # it still is to fire
    zone.change("alter table gone rename to shift_definition")
    bmad.wait_event("module_slots_named", job="hourly", level="info")


def test_a_locked_database_delays_the_hour_and_loses_it_not(make_bmad):
    zone = Plant(make_bmad, 3)
    with contextlib.closing(sqlite3.connect(zone.path, isolation_level=None)) as db:
        db.execute("begin exclusive")
        bmad = zone.bmad.start()
        failed = bmad.wait_event("module_slots_failed", job="hourly", timeout=60)  # it waits for the lock
        db.execute("rollback")
    bmad.wait_event("run_succeeded", job="hourly")

    assert "locked" in failed["error"]
    assert zone.slots() == [{"key": zone.key(), "due": zone.at, "state": "ok"}]
