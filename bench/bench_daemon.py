# SPDX-License-Identifier: MIT
"""Measures the daemon and `--once` from outside: wall clock, and CPU of the whole process tree.

Each row says what was measured in the words of PERFORMANCE.md. A peer that is not installed is said to be
missing.
"""
import importlib.util
import os
import pathlib
import resource
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "e2e"))

from harness import Bmad, read_proc, slot_text, status_number, wait_for  # noqa: E402 (found beside the tests)

TICK = os.sysconf("SC_CLK_TCK")
ONCE_ROUNDS = 11


def row(work, bmad, peer=""):
    print(f"{work:<58}  {bmad:<58}  {peer}".rstrip(), flush=True)


def cpu_seconds(pid):
    fields = read_proc(pid, "stat").rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK if len(fields) > 12 else 0.0


def tree_cpu(bmad):
    return sum(cpu_seconds(pid) for pid in [bmad.pid, *bmad.children().values()])


def private_kib(pid):
    return sum(int(line.split()[1]) for line in read_proc(pid, "smaps_rollup").decode().splitlines()
               if line.startswith("Private_"))


# -- runs ------------------------------------------------------------------------------------------------


def count(bmad, query):
    return bmad.sql(f"SELECT count(*) AS n FROM {query}")[0]["n"]


def due_at_once(folder, jobs, module, at, **daemon):
    """A daemon with so many jobs that are due AT."""
    template = {"module": module, "schedule": f"@at {slot_text(at)}", "channels": ["out"]}
    settings = {"workers": 4, "log": {"target": "stderr", "level": "warning"}, **daemon}
    # Messages are made and stay in the outbox: what sending costs is another row.
    held = {"out": {"type": "file", "dir": str(folder), "enabled": False}}
    return Bmad(folder, jobs={f"job{i}": template for i in range(jobs)}, channels=held, daemon=settings)


def start_quietly(bmad, timeout=60):
    """Without its log, which is off: the scheduler has begun when the control socket answers with a next slot."""
    bmad.spawn()
    wait_for(lambda: bmad.command("status").returncode == 0, timeout, "the daemon")


def bench_runs(jobs):
    """Row 4: so many runs due in the same second, each with a message, recorded durably."""
    with tempfile.TemporaryDirectory() as folder:
        at = int(time.time()) + 3 + jobs // 2000
        with due_at_once(pathlib.Path(folder), jobs, "heartbeat", at) as bmad:
            start_quietly(bmad)
            assert time.time() < at - 0.2, "it started too late for this slot"
            before = tree_cpu(bmad)
            time.sleep(max(0, at - time.time()))
            wait_for(lambda: count(bmad, "runs WHERE state = 'ok'") == jobs, 120, "the runs", 0.1)
            wall = bmad.sql("SELECT max(ended_ms) AS at FROM runs")[0]["at"] / 1000 - at
            cpu = tree_cpu(bmad) - before
            assert count(bmad, "messages WHERE state = 'queued'") == jobs
            row(f"4  {jobs} runs due in one second, 4 workers, a message each",
                f"{wall:.2f} s, {cpu / jobs * 1e6:.0f} us CPU a run, all processes",
                "target 0.5 s / 4 s, 200 us")


def bench_due(jobs):
    """Row 3: main claims so many slots of one second and queues their runs; rows 2 and 7 on the way."""
    with tempfile.TemporaryDirectory() as folder:
        at = int(time.time()) + 25
        with due_at_once(pathlib.Path(folder), jobs, "noop", at) as bmad:
            began = time.monotonic()
            start_quietly(bmad)
            started = time.monotonic() - began
            cpu = cpu_seconds(bmad.pid)
            row(f"2  start with {jobs} jobs", f"{started:.2f} s, {cpu:.2f} s CPU, main {private_kib(bmad.pid)} KiB private",
                "target 1.5 s CPU for 100,000, 1 KiB a job")
            assert time.time() < at - 0.5, "it started too late for this slot"
            main_before = cpu_seconds(bmad.pid)
            time.sleep(max(0, at - time.time()))
            wait_for(lambda: count(bmad, "slots") == jobs, 120, "all claimed", 0.05)
            row(f"3  {jobs} jobs due in the same second",
                f"all claimed in {time.time() - at:.2f} s, main {cpu_seconds(bmad.pid) - main_before:.2f} s CPU,"
                f" dropped {jobs - count(bmad, 'slots')}",
                "target 100 ms to hand over")


# -- --once ------------------------------------------------------------------------------------------------


def bench_once():
    """Row 6: one small report by hand, the whole tree."""
    walls, cpus = [], []
    with tempfile.TemporaryDirectory() as folder:
        with Bmad(folder, jobs={"beat": {"module": "heartbeat", "channels": ["console"]}}) as bmad:
            for i in range(ONCE_ROUNDS):
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                began = time.monotonic()
                done = bmad.command("--once", "beat", "--at", slot_text(1000000000 + i))
                walls.append(time.monotonic() - began)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
                assert done.returncode == 0, done
    row("6  --once of a small report",
        f"{statistics.median(walls) * 1e3:.0f} ms ({min(walls) * 1e3:.0f} to {max(walls) * 1e3:.0f}),"
        f" {statistics.median(cpus) * 1e3:.0f} ms CPU", "target 40 ms, 25 ms CPU")


# -- idle --------------------------------------------------------------------------------------------------


def bench_idle():
    """Row 7: a thousand jobs, nothing due."""
    with tempfile.TemporaryDirectory() as folder:
        jobs = {f"job{i}": {"module": "noop", "schedule": "0 0 1 1 *"} for i in range(1000)}
        with Bmad(folder, jobs=jobs, daemon={"workers": 4}) as bmad:
            bmad.start()
            time.sleep(1)
            pids = [bmad.pid, *bmad.children().values()]
            before = sum(status_number(pid, "voluntary_ctxt_switches") for pid in pids)
            time.sleep(5)
            woken = sum(status_number(pid, "voluntary_ctxt_switches") for pid in pids) - before
            pss = sum(int(line.split()[1]) for pid in pids for line in read_proc(pid, "smaps_rollup").decode().splitlines()
                      if line.startswith("Pss:"))
            row("7  idle with 1000 jobs", f"{woken} wake-ups in 5 s, main {private_kib(bmad.pid)} KiB private,"
                f" tree {pss} KiB PSS", "target 0, 4 MiB, 40 MiB")


# -- peers -------------------------------------------------------------------------------------------------


def bench_peers():
    for module, package in (("apscheduler", "python3-apscheduler"), ("croniter", "python3-croniter")):
        if not importlib.util.find_spec(module):
            row(f"   {package}", "", "not installed: not measured")
    if importlib.util.find_spec("croniter"):
        peer_croniter()
    if importlib.util.find_spec("apscheduler"):
        peer_apscheduler(1000)


def peer_croniter():
    import datetime

    import croniter

    expressions = ["*/5 * * * *", "0 9 * * 1-5", "30 2 1 * *", "0 0 29 2 *", "15,45 6-18 * * *"]
    began, fires = time.process_time(), 0
    for expression in expressions:
        fire = croniter.croniter(expression, datetime.datetime(2026, 1, 1))
        for _ in range(400):
            fire.get_next()
            fires += 1
    row("1  next fire, croniter", "", f"{(time.process_time() - began) / fires * 1e6:.1f} us CPU each")


def peer_apscheduler(jobs):
    import datetime

    from apscheduler.executors.pool import ThreadPoolExecutor
    from apscheduler.schedulers.background import BackgroundScheduler

    done = []
    scheduler = BackgroundScheduler(executors={"default": ThreadPoolExecutor(4)}, timezone="UTC",
                                    job_defaults={"misfire_grace_time": None})
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
    for i in range(jobs):
        scheduler.add_job(lambda i=i: done.append(i), "date", run_date=at)
    before = time.process_time()
    scheduler.start()
    wait_for(lambda: len(done) == jobs, 60, "APScheduler")
    wall = time.time() - at.timestamp()
    row(f"4  {jobs} runs, APScheduler (in memory, nothing recorded)", "",
        f"{wall:.2f} s, {(time.process_time() - before) / jobs * 1e6:.0f} us CPU a run")
    scheduler.shutdown()


def main():
    bench_once()
    bench_idle()
    bench_runs(1000)
    bench_runs(10000)
    bench_due(100000)
    bench_peers()


if __name__ == "__main__":
    main()
