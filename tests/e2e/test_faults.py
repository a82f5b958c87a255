# SPDX-License-Identifier: MIT
"""One bad job hurts nobody: every way to go wrong ends that run, with what is known, and nothing else.

All faults happen at the same time in one daemon, beside a job that fires every second.
"""
import concurrent.futures
import re

import pytest

from harness import BINARY, Bmad, slot_time, status_number, wait_for

TIMEOUT_S = 1
KILL_AFTER_S = 10
SANITIZED = b"__asan_init" in BINARY.read_bytes()

# How the module goes wrong: the event that ends its run, what its error must say.
FAULTS = {
    "crash": ("run_crashed", r"killed by signal 11 .* in step about to crash"),
    "abort": ("run_crashed", r"killed by signal 6 .* in step about to abort"),
    "overflow": ("run_crashed", r"killed by signal 11 .* in step about to overflow"),
    "exit": ("run_crashed", r"exited with status 7 in step about to exit"),
    "garbage": ("run_crashed", r"what is no request.* in step about to garbage"),
    "loop": ("run_timeout", r"timeout: killed in step about to loop"),
    "loop-deaf": ("run_timeout", r"timeout: killed in step about to loop-deaf"),
    "leak": ("run_failed", r"1 GiB was there|memory"),
    "error": ("run_failed", r"go wrong by error: .*connection refused|connection refused"),
}


def job(how):
    timeout = f"{TIMEOUT_S}s" if how.startswith("loop") else "30s"
    return {"module": "fault", "options": {"how": how}, "timeout": timeout}


JOBS = {
    "beat": {"module": "noop", "schedule": "* * * * * *", "misfire": "all"},
    **{how: job(how) for how in FAULTS},
}


@pytest.fixture(scope="module")
def bmad(tmp_path_factory):
    with Bmad(tmp_path_factory.mktemp("faults"), jobs=JOBS, daemon={"workers": len(JOBS)}) as daemon:
        daemon.start()
        daemon.wait_event("run_succeeded", job="beat")
        daemon.memory_before = status_number(daemon.pid, "VmRSS")
        with concurrent.futures.ThreadPoolExecutor(len(FAULTS)) as pool:
            answers = pool.map(lambda how: daemon.command("run", how, "--wait"), FAULTS)
            daemon.answers = dict(zip(FAULTS, answers))
        yield daemon


def end_of(bmad, how):
    return next(line for event in ("run_crashed", "run_timeout", "run_failed") for line in bmad.events(event, job=how))


@pytest.mark.parametrize("how", FAULTS)
def test_a_fault_ends_its_run_with_what_is_known(bmad, how):
    event, error = FAULTS[how]
    end = end_of(bmad, how)

    assert end["event"] == event, end
    assert re.search(error, end["error"]), end
    assert int(end["ms"]) < (TIMEOUT_S + KILL_AFTER_S + 3) * 1000, end


@pytest.mark.parametrize("how", FAULTS)
def test_a_fault_is_a_failed_run_in_the_history(bmad, how):
    (run,) = bmad.runs(how)

    assert run["state"] == "failed", run
    assert run["trigger"] == "manual", run
    assert bmad.answers[how].returncode == 1, bmad.answers[how]
    assert "failed" in bmad.answers[how].stdout


def test_a_killed_run_names_the_step_it_stood_in(bmad):
    assert end_of(bmad, "crash")["step"] == "about to crash"
    assert end_of(bmad, "loop")["step"] == "about to loop"


def test_an_error_comes_with_a_traceback_to_the_line(bmad):
    end = end_of(bmad, "error")
    frames = bmad.events("traceback", run=end["run"])

    assert end["kind"] == "TEMPORARY"
    assert [frame["frame"] for frame in frames] == [str(i) for i in range(len(frames))]
    assert frames[0]["function"] == "deep" and frames[0]["file"] == "tests/modules/fault.c"
    assert int(frames[0]["line"]) > 0
    assert "go wrong by error" in [frame["note"] for frame in frames]


def test_every_fault_leaves_a_full_set_of_workers(bmad):
    def idle():
        return [worker for worker in bmad.json("status")["workers"] if worker["pid"]]

    wait_for(lambda: len(idle()) == len(JOBS), what="all workers again")


def test_other_jobs_fire_on_time_meanwhile(bmad):
    first = min(slot_time(line["slot"]) for how in FAULTS for line in bmad.events("run_started", job=how))
    last = slot_time(bmad.events("run_started", job="beat")[-1]["slot"])
    started = {slot_time(line["slot"]): line for line in bmad.events("run_started", job="beat")}

    assert last - first >= KILL_AFTER_S, "the loops were to go on meanwhile"
    for slot in range(first, last + 1):
        assert slot in started, f"no run of slot {slot}"
        began = slot_time(started[slot]["ts"][:19] + "Z")
        assert began - slot <= 2, started[slot]
    assert not bmad.events("slot_missed") + bmad.events("slot_skipped")


def test_the_daemon_does_not_grow(bmad):
    for how in ("crash", "exit", "error") * 8:
        bmad.command("run", how, "--wait")
    grown = status_number(bmad.pid, "VmRSS") - bmad.memory_before

    assert grown < (65536 if SANITIZED else 2048), f"{grown} KiB more than before {bmad.memory_before}"


@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps freed memory")
def test_workers_do_not_keep_what_a_run_leaked(bmad):
    pids = [pid for title, pid in bmad.children().items() if title.startswith("worker")]

    assert sum(status_number(pid, "VmRSS") for pid in pids) < 200 * 1024


def test_faults_leave_store_and_sender_alone(bmad):
    replaced = [line["process"] for line in bmad.events("process_replaced")]

    assert replaced == []
