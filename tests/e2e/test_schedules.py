# SPDX-License-Identifier: MIT
"""When jobs fire: jitter, starts and boots, retries of failed runs, pauses."""
import time

from harness import slot_text, slot_time

SECOND = "* * * * * *"


def noop(**keys):
    return {"module": "noop", **keys}


def fault(how="error", **keys):
    return {"module": "fault", "options": {"how": how}, **keys}


def slots(bmad, job):
    """The job's slots in order."""
    return bmad.sql("SELECT * FROM slots WHERE job = ? ORDER BY recorded_ms, due", job)


# -- jitter ------------------------------------------------------------------------------------------------


def delay_of(job, jitter_s):
    """As bmad.yaml(5) tells it: FNV-1a of the name, a zero byte and `jitter`."""
    value = 0xCBF29CE484222325
    for byte in job.encode() + b"\0jitter":
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value % jitter_s


def test_jitter_delays_the_run_and_keeps_the_slot(make_bmad):
    name = next(f"job{i}" for i in range(100) if delay_of(f"job{i}", 7) == 3)
    at = int(time.time()) + 3  # a slow start must not miss it
    bmad = make_bmad(jobs={name: noop(schedule=f"@at {slot_text(at)}", jitter="7s")}).start()
    started = bmad.wait_event("run_started", job=name)

    assert slot_time(started["slot"]) == at
    assert 3 <= slot_time(started["ts"][:19] + "Z") - at <= 4
    assert started["trigger"] == "schedule"
    (row,) = slots(bmad, name)
    assert (row["due"], row["key"]) == (at, slot_text(at))


def test_next_and_jobs_show_slots_whatever_the_jitter(make_bmad):
    bmad = make_bmad(jobs={"job": noop(schedule="0 0 1 1 *", jitter="20d")}).start()
    (fire,) = bmad.json("next", "job", "-n", "1")

    assert fire["utc"].endswith("-01-01T00:00:00Z")
    assert bmad.json("jobs")[0]["next"]["utc"] == fire["utc"]
    assert bmad.json("status")["next"]["utc"] == fire["utc"]


# -- starts and boots ----------------------------------------------------------------------------------------


def test_next_shows_what_a_job_would_have_for_an_expression(make_bmad):
    schedule = ["H H * * *", "@at 2030-03-01T12:00:00Z", "@every 49h"]
    bmad = make_bmad(jobs={"beat": noop(schedule=schedule, timezone="Europe/Paris"), "hand": noop()})
    since = ("--from", "2030-02-28", "-n", 40)
    fires = bmad.json("next", "beat", *since)
    each = [bmad.json("next", "--expr", text, "--job", "beat", "--timezone", "Europe/Paris", *since) for text in schedule]

    utc = {fire["utc"] for fire in fires}
    assert sorted(utc) == sorted({fire["utc"] for part in each for fire in part})[:40]
    assert each[1] == [{"local": "2030-03-01T13:00:00+01:00", "utc": "2030-03-01T12:00:00Z"}]
    assert {fire["local"][10:] for fire in each[0]} in ({f"T{hour:02}:{minute:02}:00+0{offset}:00" for offset in (1, 2)}
                                                       for hour in range(24) for minute in range(60))
    assert bmad.json("next", "--expr", "H H * * *", "--job", "other", *since) != each[0]
    assert bmad.command("next", "hand").stdout == "never\n"


def test_a_job_runs_at_each_start_besides_its_schedule(make_bmad):
    bmad = make_bmad(jobs={"job": noop(run_at_start=True, schedule="0 0 1 1 *"), "bare": noop(run_at_start=True)})
    for start in (1, 2):
        bmad.start()
        bmad.wait_event("run_succeeded", job="job", count=start)
        bmad.wait_event("run_succeeded", job="bare", count=start)
        assert bmad.terminate() == 0

    assert {line["trigger"] for line in bmad.events("run_started")} == {"start"}
    for job in ("job", "bare"):
        rows = slots(bmad, job)
        assert [row["state"] for row in rows] == ["ok", "ok"]
        assert all(row["key"].startswith("start:") for row in rows) and rows[0]["key"] != rows[1]["key"]


def test_a_start_that_was_cut_gives_way_to_the_next(make_bmad):
    bmad = make_bmad(jobs={"slow": {"module": "probe", "channels": ["console"], "run_at_start": True,
                                    "options": {"sleep": "2s", "messages": 0}}})
    bmad.start()
    bmad.wait_event("run_started", job="slow")
    bmad.kill("main")
    bmad.start()
    bmad.wait_event("run_succeeded", job="slow")

    assert sorted(row["state"] for row in slots(bmad, "slow")) == ["missed", "ok"]
    assert bmad.wait_event("slot_missed")["reason"] == "missed: the daemon has started anew"


def test_reboot_fires_once_per_boot_and_not_per_start(make_bmad):
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        key = f"boot:{file.read().strip()}"
    bmad = make_bmad(jobs={"job": noop(schedule="@reboot"), "mark": noop(run_at_start=True)})
    for start in (1, 2, 3):
        bmad.start()
        bmad.wait_event("run_succeeded", job="mark", count=start)
        bmad.wait_event("run_succeeded", job="job")
        assert bmad.terminate() == 0

    assert [(row["key"], row["state"]) for row in slots(bmad, "job")] == [(key, "ok")]
    assert len(bmad.events("run_started", job="job")) == 1


def test_a_boot_run_that_was_cut_runs_again(make_bmad):
    bmad = make_bmad(jobs={"slow": {"module": "probe", "channels": ["console"], "schedule": "@reboot",
                                    "options": {"sleep": "1500ms", "messages": 0}}})
    bmad.start()
    bmad.wait_event("run_started", job="slow")
    bmad.kill("main")
    bmad.start()
    assert bmad.wait_event("run_started", job="slow", count=2)["attempt"] == "2"
    bmad.wait_event("run_succeeded", job="slow")
    time.sleep(1.5)
    assert len(bmad.events("run_started", job="slow")) == 2
    assert [row["state"] for row in slots(bmad, "slow")] == ["ok"]


# -- retries -------------------------------------------------------------------------------------------------


def test_a_failed_run_is_retried_with_its_slot_until_the_attempts_are_used_up(make_bmad):
    at = int(time.time()) + 3  # a slow start must not miss it
    retry = {"attempts": 2, "initial": "500ms", "max": "700ms"}
    bmad = make_bmad(jobs={"job": fault(schedule=f"@at {slot_text(at)}", retry=retry)}).start()
    bmad.wait_event("run_failed", job="job", count=3)
    time.sleep(1)
    started, failed = bmad.events("run_started"), bmad.events("run_failed")

    assert [line["trigger"] for line in started] == ["schedule", "retry", "retry"]
    assert [line.get("attempt") for line in started] == [None, "2", "3"]
    assert {line["slot"] for line in started} == {slot_text(at)}
    assert ["retry_at" in line for line in failed] == [True, True, False]
    runs = bmad.sql("SELECT * FROM runs ORDER BY id")
    pauses = [after["started_ms"] - before["ended_ms"] for before, after in zip(runs, runs[1:])]
    assert 500 <= pauses[0] < 700 <= pauses[1] < 1500, pauses
    (row,) = slots(bmad, "job")
    assert (row["state"], row["failures"], row["not_before_ms"]) == ("failed", 2, 0)
    assert [run["state"] for run in bmad.runs("job")] == ["failed"] * 3


def test_a_retry_that_succeeds_settles_the_slot(make_bmad):
    bmad = make_bmad()
    bmad.configure({"job": noop(schedule=f"@at {slot_text(int(time.time()) + 4)}", vars={"link": "${file:word}"},
                                retry={"attempts": 5, "initial": "1s"})}, {}, {})
    word = bmad.folder / "word"
    word.write_text("there")  # or the daemon would not start
    bmad.start()
    word.unlink()
    bmad.wait_event("run_failed", job="job")
    word.write_text("there again")
    bmad.wait_event("run_succeeded", job="job")
    assert [row["state"] for row in slots(bmad, "job")] == ["ok"]


def test_a_retry_survives_a_restart_and_keeps_its_time(make_bmad):
    at = int(time.time()) + 3  # a slow start must not miss it
    bmad = make_bmad(jobs={"job": fault(schedule=f"@at {slot_text(at)}", retry={"attempts": 1, "initial": "4s"})})
    bmad.start()
    bmad.wait_event("run_failed", job="job")
    bmad.kill("main")
    (waiting,) = [row for row in bmad.runs("job") if not row["run"]]
    assert waiting["state"] == "claimed" and "retried at" in waiting["reason"]
    bmad.start()
    bmad.wait_event("run_failed", job="job", count=2)

    first, second = bmad.sql("SELECT * FROM runs ORDER BY id")
    assert 4000 <= second["started_ms"] - first["ended_ms"] < 5500
    assert [line["trigger"] for line in bmad.events("run_started")] == ["schedule", "retry"]
    assert [row["state"] for row in slots(bmad, "job")] == ["failed"]


# -- pauses --------------------------------------------------------------------------------------------------


def states(bmad, job):
    return [row["state"] for row in slots(bmad, job)]


def test_slots_of_a_paused_job_are_skipped_until_it_is_resumed_also_over_a_restart(make_bmad):
    bmad = make_bmad(jobs={"job": noop(schedule=SECOND), "other": noop(schedule=SECOND), "hand": noop()}).start()
    bmad.wait_event("run_succeeded", job="job")
    done = bmad.command("pause", "job")
    assert (done.returncode, done.stdout) == (0, "job: paused until it is resumed\n")
    assert bmad.wait_event("job_paused")["until"] == "never"
    bmad.wait_event("slot_skipped", job="job", count=2)
    shown = {row["name"]: row["paused_until"] for row in bmad.json("jobs")}
    assert shown == {"job": "never", "other": None, "hand": None}
    assert bmad.json("status")["paused"] == [{"job": "job", "paused_until": "never"}]
    assert bmad.terminate() == 0
    time.sleep(2)
    bmad.start()
    seen = len(bmad.events("slot_skipped", job="job"))
    bmad.wait_event("slot_skipped", job="job", count=seen + 2)
    assert bmad.command("run", "job", "--wait").returncode == 0, "by hand it runs all the same"
    assert bmad.command("resume", "job").stdout == "job: runs by its schedule\n"
    ran = len(bmad.events("run_succeeded", job="job"))
    bmad.wait_event("run_succeeded", job="job", count=ran + 2)

    rows = [row for row in slots(bmad, "job") if not row["key"].startswith("manual:")]
    dues = [row["due"] for row in rows]
    assert dues == list(range(dues[0], dues[-1] + 1)), "each slot has its record"
    kinds = "".join(row["state"][0] for row in rows).rstrip("cr")  # the newest may be going on
    first, last = kinds.index("s"), kinds.rindex("s")
    assert set(kinds[first : last + 1]) == {"s"} and set(kinds[:first] + kinds[last + 1 :]) == {"o"}
    assert {row["reason"] for row in rows if row["state"] == "skipped"} == {"paused"}
    assert "skipped" not in states(bmad, "other")
    assert len(bmad.events("job_resumed", job="job")) == 1


def test_a_pause_with_a_time_ends_by_itself(make_bmad):
    bmad = make_bmad(jobs={"a": noop(schedule=SECOND), "b": noop(schedule=SECOND), "hand": noop()}).start()
    done = bmad.command("pause", "--all", "--for", "1500ms")
    assert done.returncode == 0 and done.stdout.count("\n") == 3 and done.stdout.count(": paused until 2") == 3
    until = slot_time(bmad.wait_event("job_paused", job="a")["until"])
    bmad.wait_event("job_resumed", job="a")
    bmad.wait_event("job_resumed", job="b")
    bmad.wait_until(lambda: slots(bmad, "a")[-1]["due"] >= until + 1)

    assert all(row["due"] < until for row in slots(bmad, "a") if row["state"] == "skipped")
    assert [row["state"] for row in slots(bmad, "a") if row["due"] == until] == ["ok"]
    assert [row["paused_until"] for row in bmad.json("jobs")] == [None] * 3


def test_a_pause_holds_back_starts_and_retries(make_bmad):
    bmad = make_bmad(jobs={"job": fault(run_at_start=True, retry={"attempts": 3, "initial": "1s"})}).start()
    bmad.wait_event("run_failed", job="job")
    assert bmad.command("pause", "job").returncode == 0
    bmad.wait_event("slot_skipped", job="job")
    assert states(bmad, "job") == ["skipped"]
    assert bmad.terminate() == 0
    bmad.start()
    bmad.wait_event("slot_skipped", job="job", count=2)
    assert len(bmad.events("run_started", job="job")) == 1


def test_pause_says_what_it_cannot_do(make_bmad):
    bmad = make_bmad(jobs={"job": noop(schedule=SECOND), "hand": noop()}).start()
    for arguments, told in [(["pause"], "names of jobs, or --all"), (["pause", "jub"], "did you mean 'job'"),
                            (["pause", "hand"], "runs by hand only"), (["pause", "job", "--all"], "or --all"),
                            (["pause", "job", "--for", "soon"], "--for"), (["resume", "job", "--for", "1h"], "--for")]:
        done = bmad.command(*arguments)
        assert done.returncode == 2 and told in done.stderr, (arguments, done.stderr)
    assert bmad.events("job_paused") == []
