# SPDX-License-Identifier: MIT
"""Rows 11 and 12: zone_hourly in a warm worker, and slips over a million rows against the database's own client."""
import contextlib
import datetime
import multiprocessing
import os
import pathlib
import sqlite3
import subprocess
import tempfile
import time

from measure import (BINARY, ROUNDS, count, cpu_seconds, make_daemon, program, row, slot_text, spread, start_quietly,
                     wait_for)

import plant
import postgres
import slips

REPORTS = 40
INSERT = "insert into buildables values (?,?,?,?,?,?,?,?,?,?,?,?,?)"


@contextlib.contextmanager
def server_or_none():
    try:
        server = postgres.Server()
    except postgres.Unavailable as e:
        row("11, 12  on PostgreSQL", "", f"not measured: {e}")
        yield None
        return
    with server:
        yield server


# -- row 11 --------------------------------------------------------------------------------------------------


def report_cpu(folder, url):
    """CPU seconds of the one worker a report, when it has made one before."""
    at = int(time.time()) + 4
    job = {"module": "zone_hourly", "schedule": f"@at {slot_text(at)}", "channels": ["out"],
           "options": {"source": "plant", "zone": "Z1", "post_unscheduled": True}}
    held = {"out": {"type": "file", "dir": str(folder), "enabled": False}}
    with make_daemon(folder, {f"job{i}": job for i in range(REPORTS)}, held, workers=1) as bmad:
        bmad.configure({f"job{i}": job for i in range(REPORTS)}, held,
                       {"workers": 1, "log": {"target": "stderr", "level": "warning"}}, sources={"plant": url})
        start_quietly(bmad)
        assert bmad.command("run", "job0", "--wait").returncode == 0
        worker = bmad.child("worker")
        before = cpu_seconds(worker)
        wait_for(lambda: count(bmad, "runs WHERE state = 'ok'") == REPORTS + 1, 60, "the reports", 0.1)
        return (cpu_seconds(worker) - before) / REPORTS


def bench_hourly(name, url):
    cpus = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            cpus.append(report_cpu(pathlib.Path(folder), url) * 1e3)
    row(f"11 zone_hourly on {name}, warm worker", f"{spread(cpus, 'ms')} CPU", "target 0.5 ms, client side")


# -- row 12 --------------------------------------------------------------------------------------------------


def wall(*command, **options):
    """Seconds, and the most memory that a process of it had, in MiB."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, **options)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    assert not status, command
    return time.monotonic() - began, usage.ru_maxrss // 1024


def bench_slips(name, url, client):
    ours, stream, peaks = [], [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            bmad = make_daemon(folder, {})
            bmad.configure({"slips": {"module": "slips", "channels": ["console"], "options": {"source": "rip"}}}, {},
                           {"log": {"target": "stderr", "level": "error"}},
                           sources={"rip": {"url": url, "writable": True}})
            took, peak = wall(BINARY, "-c", bmad.config, "--once", "slips", "--at", "2020-05-01T12:00:00Z", "--dry-run",
                              "--json", env=bmad.environment())
            ours.append(took)
            peaks.append(peak)
        stream.append(wall(*client)[0])
    ratio = sorted(ours)[ROUNDS // 2] / sorted(stream)[ROUNDS // 2]
    row(f"12 slips over 1,000,000 rows on {name}", f"{spread(ours, 's')}, at most {max(peaks)} MiB",
        f"{client[0].name} streams the same in {spread(stream, 's')}; ratio {ratio:.2f}, target 1.5")


def make_large(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(slips.SCHEMA)
        db.executemany(INSERT, slips.large_rows())
        db.commit()


# ------------------------------------------------------------------------------------------------------------


def on_sqlite(folder):
    bench_hourly("SQLite", f"sqlite:{folder / 'plant.db'}")
    if program("sqlite3"):
        bench_slips("SQLite", f"sqlite:{folder / 'slips.db'}",
                    (program("sqlite3"), "-readonly", folder / "slips.db", slips.PLANS))
    else:
        row("12 slips on SQLite", "", "not measured: sqlite3 is not installed")


def on_postgres(folder, server):
    schema = folder / "slips.sql"
    schema.write_text(slips.SCHEMA)
    for path, its in ((folder / "plant.db", plant.SCHEMA), (folder / "slips.db", schema)):
        # Elsewhere: the memory that this takes would be counted as that of programs begun afterwards.
        loading = multiprocessing.Process(target=server.load, args=(path, its, path.stem))
        loading.start()
        loading.join()
    bench_hourly("PostgreSQL", server.url("plant"))
    bench_slips("PostgreSQL", server.url("slips"),
                (server.programs["psql"], "-X", "-q", "-c", f"copy ({slips.PLANS}) to stdout", server.url("slips")))


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        yesterday = datetime.date.today() - datetime.timedelta(days=1)
        plant.make_plant(folder / "plant.db", start=yesterday.isoformat(), days=3)
        make_large(folder / "slips.db")
        on_sqlite(folder)
        with server_or_none() as server:
            if server:
                on_postgres(folder, server)


if __name__ == "__main__":
    main()
