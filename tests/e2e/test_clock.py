# SPDX-License-Identifier: MIT
"""The wall clock set forward and back by hours under a working daemon."""
import os
import signal
import struct
import subprocess
import time

import pytest

from harness import BINARY, ROOT, cpu_seconds, slot_time

HOURS = 3
STEP_S = HOURS * 3600

pytestmark = pytest.mark.skipif(b"__asan_init" in BINARY.read_bytes(), reason="a sanitizer must be loaded first")


class Clock:
    """The daemon's wall clock."""

    def __init__(self, folder):
        self.path = folder / "clock"
        self.path.write_bytes(struct.pack("q", 0))
        self.shim = folder / "clock.so"
        subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-o", self.shim,
                        ROOT / "tests/e2e/clock.c"], check=True)

    @property
    def environment(self):
        return {"LD_PRELOAD": str(self.shim), "BMAD_TEST_CLOCK": str(self.path)}

    def set(self, bmad, offset_s):
        with open(self.path, "r+b") as file:
            file.write(struct.pack("q", offset_s * 1000))
        os.kill(bmad.pid, signal.SIGRTMIN)


def noop(schedule, misfire):
    return {"module": "noop", "schedule": schedule, "misfire": misfire}


JOBS = {
    "beat": noop("* * * * * *", "none"),
    "newest": noop("*/10 * * * *", "one"),
    "every": noop("0 * * * *", "all"),
}


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path)


@pytest.fixture
def bmad(make_bmad, clock):
    made = make_bmad(jobs=JOBS)
    made.start(env=clock.environment)
    made.wait_event("run_succeeded", job="beat")
    return made


def beats(bmad):
    return bmad.events("run_started", job="beat")


def count_beats(bmad):
    return bmad.sql("SELECT count(*) AS n FROM runs WHERE job = 'beat'")[0]["n"]


def jump(bmad, clock, offset_s, by_s):
    """Sets the clock; the line that tells it."""
    count = len(bmad.events("clock_jumped"))
    clock.set(bmad, offset_s)
    line = bmad.wait_event("clock_jumped", count=count + 1, timeout=5)
    assert abs(int(line["by_ms"]) - by_s * 1000) < 1500
    return line


def assert_nothing_twice(bmad):
    assert bmad.sql("SELECT job, key FROM runs GROUP BY job, key HAVING count(*) > 1") == []
    assert not bmad.events("run_failed")


def test_what_a_step_forward_leaps_over_is_a_downtime(bmad, clock):
    jump(bmad, clock, STEP_S, STEP_S)
    before = len(beats(bmad))
    bmad.wait_until(lambda: len(beats(bmad)) >= before + 3, timeout=10, what="beats on time again")
    bmad.wait_event("run_succeeded", count=HOURS, job="every")
    bmad.wait_event("run_succeeded", job="newest")
    assert bmad.terminate() == 0

    for line in beats(bmad)[before + 1:]:
        assert abs(slot_time(line["ts"][:19] + "Z") - slot_time(line["slot"])) <= 2, line
    every = [row["due"] for row in bmad.sql("SELECT due FROM slots WHERE job = 'every' AND state = 'ok' ORDER BY due")]
    assert every == list(range(every[0], every[0] + STEP_S, 3600))
    newest = [row["state"] for row in bmad.sql("SELECT state FROM slots WHERE job = 'newest' ORDER BY due")]
    assert newest[-1] == "ok" and newest.count("missed") >= STEP_S // 600 - 2
    (missed,) = bmad.sql("SELECT max(due) - min(first) AS s FROM slots WHERE job = 'beat' AND state = 'missed'")
    assert abs(missed["s"] - STEP_S) <= 5
    assert_nothing_twice(bmad)


def test_a_step_back_runs_no_slot_again_and_keeps_main_asleep(bmad, clock):
    count = len(beats(bmad))
    jump(bmad, clock, -STEP_S, -STEP_S)
    began = cpu_seconds(bmad.pid)
    time.sleep(2)
    assert cpu_seconds(bmad.pid) - began < 0.5
    assert len(beats(bmad)) <= count + 1, "its slots have run; one may have begun before the step"
    assert bmad.json("status", env=clock.environment)["pid"] == bmad.pid
    assert bmad.command("run", "beat", "--wait").returncode == 0, "by hand it runs whatever the clock says"

    jump(bmad, clock, 0, STEP_S)
    after = len(beats(bmad))
    bmad.wait_until(lambda: len(beats(bmad)) >= after + 3, timeout=10, what="beats on time again")
    assert bmad.terminate() == 0
    assert_nothing_twice(bmad)


def test_a_daemon_that_starts_in_the_past_waits_for_what_has_run(bmad, clock):
    assert bmad.terminate() == 0
    runs = count_beats(bmad)
    clock.path.write_bytes(struct.pack("q", -STEP_S * 1000))
    bmad.start(env=clock.environment)
    began = cpu_seconds(bmad.pid)
    time.sleep(2)
    assert count_beats(bmad) == runs
    assert cpu_seconds(bmad.pid) - began < 0.5
    jump(bmad, clock, 0, STEP_S)
    bmad.wait_until(lambda: count_beats(bmad) > runs, timeout=10, what="beats on time again")
    assert_nothing_twice(bmad)
