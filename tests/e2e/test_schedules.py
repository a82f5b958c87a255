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
    at = int(time.time()) + 1
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
