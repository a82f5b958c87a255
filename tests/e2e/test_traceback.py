# SPDX-License-Identifier: MIT
"""A run that could not tell its fault itself has a traceback all the same: function, file and line of its code.

All ways to go down happen at the same time in one daemon, beside a job that fires every second.
"""
import concurrent.futures
import contextlib
import os
import pathlib
import re
import signal
import time

import pytest

from harness import BINARY, ROOT, Bmad, slot_time, wait_for

TIMEOUT_S = 1
FAULT = "tests/modules/fault.c"
SANITIZED = b"__asan_init" in BINARY.read_bytes()

# How the module goes wrong: the event, and the function and a pattern of the line where its own code stood.
FAULTS = {
    "crash": ("run_crashed", "crash", r"\*forbidden = 1;"),
    "abort": ("run_crashed", "call_abort", r"abort\(\);"),
    "overflow": ("run_crashed", "overflow", r"once_more\(run\);|room|^{$"),
    "double-free": ("run_crashed", "free_twice", r"that is the fault"),
    "null-call": ("run_crashed", "call_nothing", r"missing\(run\);"),
    "loop": ("run_timeout", "loop", r"turns\+\+|^\s*;$"),
    "loop-deaf": ("run_timeout", "loop", r"turns\+\+|^\s*;$"),
    "leak": ("run_failed", "leak", r"mem_alloc\(1 << 20\)"),
    "exit": ("run_crashed", "fault_run", r"run_step"),
}
TAKEN = {
    "double-free": "the sanitizer finds it first, and tells it in its own way",
    "leak": "there is no limit of memory under the sanitizer",
}


def job(how):
    timeout = f"{TIMEOUT_S}s" if how.startswith("loop") else "30s"
    return {"module": "fault", "options": {"how": how}, "timeout": timeout}


def fault(how):
    taken = SANITIZED and how in TAKEN
    return pytest.param(how, marks=pytest.mark.skip(reason=TAKEN[how])) if taken else how


JOBS = {
    "beat": {"module": "noop", "schedule": "* * * * * *", "misfire": "all"},
    "sleeper": {"module": "probe", "options": {"sleep": "60s"}},
    **{how: job(how) for how in FAULTS},
}


@pytest.fixture(scope="module")
def bmad(tmp_path_factory):
    with Bmad(tmp_path_factory.mktemp("traceback"), jobs=JOBS, daemon={"workers": len(JOBS)}) as daemon:
        daemon.start()
        daemon.wait_event("run_succeeded", job="beat")
        with concurrent.futures.ThreadPoolExecutor(len(FAULTS)) as pool:
            list(pool.map(lambda how: daemon.command("run", how, "--wait"), FAULTS))
        yield daemon


def source_line(number):
    return (ROOT / FAULT).read_text().splitlines()[int(number) - 1]


def assert_traced(how, frames):
    """FRAMES, innermost first, name the function and the line of the fault, and what called it, in their order."""
    _, function, pattern = FAULTS[how]
    ours = [frame for frame in frames if frame["file"] == FAULT]

    assert ours, frames
    assert ours[0]["function"] == function, frames
    assert re.search(pattern, source_line(ours[0]["line"])), ours[0]
    if how != "overflow":  # its beginning is too far away
        functions = [frame["function"] for frame in frames]
        assert functions.index(function) <= functions.index("fault_run") < functions.index("do_run"), functions
        assert functions[-1] == "do_run", "below are the worker's own"


@pytest.mark.parametrize("how", [fault(how) for how in FAULTS])
def test_the_log_has_the_traceback(bmad, how):
    (end,) = bmad.events(FAULTS[how][0], job=how)
    frames = bmad.events("traceback", run=end["run"])

    assert_traced(how, frames)
    assert [frame["frame"] for frame in frames] == [str(number) for number in range(len(frames))]
    assert end["frames"] == str(len(frames))
    assert frames[0]["note"] == end["error"]


@pytest.mark.parametrize("how", [fault(how) for how in FAULTS])
def test_the_history_has_the_traceback(bmad, how):
    (run,) = bmad.runs(how)

    assert run["state"] == "failed"
    assert_traced(how, run["error"]["frames"])


@pytest.mark.parametrize("how", [fault(how) for how in ("crash", "double-free", "leak")])
def test_a_run_by_hand_has_the_traceback(make_bmad, how):
    report = make_bmad(jobs={how: job(how)}).once(how, status=1)

    assert report["result"] == "error"
    assert_traced(how, report["error"]["frames"])


def test_people_see_it_too(make_bmad):
    done = make_bmad(jobs={"crash": job("crash")}).command("--once", "crash")

    assert re.search(rf"^  {FAULT}:\d+ crash: .*Segmentation fault", done.stdout, re.MULTILINE), done.stdout
    assert re.search(rf"^  {FAULT}:\d+ fault_run$", done.stdout, re.MULTILINE), done.stdout


def test_libc_functions_are_named_in_between(bmad):
    if SANITIZED:
        pytest.skip("the sanitizer has abort() and free() of its own")
    (end,) = bmad.events("run_crashed", job="double-free")
    functions = [frame["function"] for frame in bmad.events("traceback", run=end["run"])]

    assert functions[0] == "abort", functions
    assert re.search("free", functions[functions.index("free_twice") - 1]), functions


def test_the_address_of_a_bad_access_is_told(bmad):
    (end,) = bmad.events("run_crashed", job="crash")

    assert re.search(r"signal 11 \(Segmentation fault\) at address 0x[0-9a-f]+000 in step about to crash", end["error"])


def test_a_worker_killed_from_outside_is_said_to_be(bmad):
    bmad.command("run", "sleeper")
    worker = wait_for(lambda: next((pid for title, pid in bmad.children().items() if "[sleeper]" in title), 0))
    wait_for(lambda: any(line["job"] == "sleeper" for line in bmad.events("run_started")))
    time.sleep(0.2)
    os.kill(worker, signal.SIGKILL)
    end = bmad.wait_event("run_interrupted", job="sleeper")

    assert re.search(r"signal 9 \(Killed\) in step sleeping: .*memory.*; it had \d+ MiB", end["error"]), end
    assert not bmad.events("traceback", run=end["run"])


@pytest.fixture
def small_memory(tmp_path):
    """A function that puts the process that calls it where there are 80 MiB."""
    for group, limit in (("memory/bmad-test", "memory.limit_in_bytes"), ("bmad-test", "memory.max")):
        folder = pathlib.Path("/sys/fs/cgroup") / f"{group}-{os.getpid()}"
        try:
            folder.mkdir()
            (folder / limit).write_text(str(80 << 20))
        except OSError:
            with contextlib.suppress(OSError):
                folder.rmdir()
            continue
        yield lambda: (folder / "cgroup.procs").write_text(str(os.getpid()))
        wait_for(lambda: not (folder / "cgroup.procs").read_text(), what="the group's last process")
        folder.rmdir()
        return
    pytest.skip("no control group for memory can be made here")


@pytest.mark.skipif(SANITIZED, reason="a sanitizer needs more memory")
@pytest.mark.skipif("oom_kill " not in pathlib.Path("/proc/vmstat").read_text(), reason="this kernel does not count")
def test_a_worker_killed_for_want_of_memory_is_traced_to_its_last_step(make_bmad, small_memory):
    report = make_bmad(jobs={"leak": job("leak")}).once("leak", status=1, preexec_fn=small_memory)
    frames = report["error"]["frames"]

    assert re.search(r"in step leaking: by the kernel.* out of memory.*; it had \d\d MiB", report["error"]["message"])
    assert frames[0]["function"] == "leak" and "run_step" in source_line(frames[0]["line"]), frames


def test_other_jobs_fire_on_time_meanwhile(bmad):
    started = {slot_time(line["slot"]): line for line in bmad.events("run_started", job="beat")}
    first = min(slot_time(line["slot"]) for line in bmad.events("run_started", job="crash"))

    for slot in range(first, max(started) + 1):
        assert slot in started, f"no run of slot {slot}"
        assert slot_time(started[slot]["ts"][:19] + "Z") - slot <= 2, started[slot]


def test_no_helper_stays(bmad):
    wait_for(lambda: not any(title.startswith("traceback") for title in bmad.children()), what="the helpers' end")
    assert not bmad.events("process_replaced")
