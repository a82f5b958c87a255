# SPDX-License-Identifier: MIT
"""Measures the daemon and `--once` from outside: wall clock, and CPU of the whole process tree.

Rows are numbered as in README.md. A peer that is not installed is said to be missing.
"""
import importlib.util
import os
import pathlib
import resource
import signal
import statistics
import tempfile
import time

from measure import (ROUNDS, Bmad, count, cpu_seconds, make_daemon, memory_kib, program, row, slot_text, spread, start_quietly,
                     status_number, tree_cpu, wait_for)

ONCE_ROUNDS = 11


# -- runs ------------------------------------------------------------------------------------------------


def due_at_once(folder, jobs, module, at, **daemon):
    """A daemon with so many jobs that are due AT."""
    template = {"module": module, "schedule": f"@at {slot_text(at)}", "channels": ["out"]}
    # Messages are made and stay in the outbox: what sending costs is another row.
    held = {"out": {"type": "file", "dir": str(folder), "enabled": False}}
    return make_daemon(folder, {f"job{i}": template for i in range(jobs)}, held, **daemon)


def until(at):
    assert time.time() < at - 0.2, "it started too late for this slot"
    time.sleep(max(0, at - time.time()))


def runs_in_a_second(jobs):
    """Seconds until the last of so many runs, each with a message, is recorded; CPU seconds a run, all processes."""
    with tempfile.TemporaryDirectory() as folder:
        at = int(time.time()) + 3 + jobs // 2000
        with due_at_once(pathlib.Path(folder), jobs, "heartbeat", at) as bmad:
            start_quietly(bmad)
            before = tree_cpu(bmad)
            until(at)
            wait_for(lambda: count(bmad, "runs WHERE state = 'ok'") == jobs, 120, "the runs", 0.1)
            cpu = tree_cpu(bmad) - before
            assert count(bmad, "messages WHERE state = 'queued'") == jobs
            return bmad.sql("SELECT max(ended_ms) AS at FROM runs")[0]["at"] / 1000 - at, cpu / jobs


def bench_runs():
    """Row 4; row 14 compares ten times the work."""
    middles = []
    for jobs in (1000, 10000):
        walls, cpus = zip(*(runs_in_a_second(jobs) for _ in range(ROUNDS)))
        row(f"4  {jobs} runs due in one second, 4 workers, a message each",
            f"{spread(walls, 's')}, {spread([cpu * 1e6 for cpu in cpus], 'us', 0)} CPU a run", "target 0.5 s / 4 s, 200 us")
        middles.append(statistics.median(cpus) * jobs)
    row("14 ten times the runs", f"CPU times {middles[1] / middles[0]:.1f}", "target 10 to 12")


# -- many jobs ---------------------------------------------------------------------------------------------


def start_cost(jobs):
    """CPU seconds and private KiB of main when it is ready, with so many jobs."""
    with tempfile.TemporaryDirectory() as folder:
        with due_at_once(pathlib.Path(folder), jobs, "noop", int(time.time()) + 86400) as bmad:
            start_quietly(bmad)
            return cpu_seconds(bmad.pid), memory_kib(bmad.pid, "Private_")


def bench_start():
    """Row 2; row 14 again."""
    middles = []
    for jobs in (1000, 10000, 100000):
        cpus, memory = zip(*(start_cost(jobs) for _ in range(ROUNDS)))
        row(f"2  start with {jobs} jobs", f"main {spread(cpus, 's', 3)} CPU, {spread(memory, 'KiB', 0)} private",
            "target 150 ms / 1.5 s, 1 KiB a job over 8 MiB")
        middles.append(statistics.median(cpus))
    row("14 ten times the jobs", f"CPU times {middles[1] / middles[0]:.1f}, then {middles[2] / middles[1]:.1f}",
        "target 10 to 12")


def hand_over(jobs):
    """CPU seconds that main needs to judge and hand over what is due at once; seconds until all is claimed."""
    with tempfile.TemporaryDirectory() as folder:
        at = int(time.time()) + 8
        with due_at_once(pathlib.Path(folder), jobs, "noop", at) as bmad:
            start_quietly(bmad)
            store = bmad.child("store")
            os.kill(store, signal.SIGSTOP)  # what answers cost main is left out
            before = cpu_seconds(bmad.pid)
            until(at)
            time.sleep(1.5)
            cpu = cpu_seconds(bmad.pid) - before
            os.kill(store, signal.SIGCONT)
            began = time.monotonic()
            wait_for(lambda: count(bmad, "slots") == jobs, 120, "all claimed", 0.05)
            return cpu, time.monotonic() - began


def bench_due(jobs):
    cpus, claims = zip(*(hand_over(jobs) for _ in range(ROUNDS)))
    row(f"3  {jobs} jobs due in the same second", f"handed over in {spread([cpu * 1e3 for cpu in cpus], 'ms', 0)} CPU,"
        f" claimed in {spread(claims, 's')} more, dropped 0", "target 100 ms to hand over")


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
            pss = sum(memory_kib(pid, "Pss:") for pid in pids)
            row("7  idle with 1000 jobs", f"{woken} wake-ups in 5 s, main {memory_kib(bmad.pid, 'Private_')} KiB private"
                f" ({memory_kib(bmad.pid, 'Private_Dirty')} written), tree {pss} KiB PSS", "target 0, 4 MiB, 40 MiB")


# -- peers -------------------------------------------------------------------------------------------------


def bench_peers():
    for module, package in (("apscheduler", "python3-apscheduler"), ("croniter", "python3-croniter")):
        if not importlib.util.find_spec(module):
            row(f"   {package}", "", "not installed: not measured")
    for name in ("apprise", "prometheus-alertmanager"):
        if not program(name):
            row(f"9  {name}", "", "not installed: not measured")
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
    bench_runs()
    bench_start()
    bench_due(100000)
    bench_peers()


if __name__ == "__main__":
    main()
