# SPDX-License-Identifier: MIT
"""What the measurements in Python share: the table's rows, spreads, and the CPU time and memory of processes."""
import os
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "e2e"))

from harness import (BINARY, BUILD, Bmad, read_proc, slot_text, status_number,  # noqa: E402, F401 (found beside the tests)
                     wait_for)

ROUNDS = 5


def row(work, bmad, peer=""):
    print(f"{work:<58}  {bmad:<58}  {peer}".rstrip(), flush=True)


def spread(values, unit="", digits=2):
    """Median, and from minimum to maximum."""
    middle, least, most = (f"{v:.{digits}f}" for v in (statistics.median(values), min(values), max(values)))
    return f"{middle}{unit and ' ' + unit} ({least} to {most})"


def cpu_seconds(pid):
    """User and system time of all threads of the process: its CPU-time clock, which clock_getcpuclockid(3) names."""
    return time.clock_gettime((~pid << 3) | 2)


def tree_cpu(bmad):
    return sum(cpu_seconds(pid) for pid in [bmad.pid, *bmad.children().values()])


def memory_kib(pid, *kinds):
    """Of smaps_rollup: Private, Private_Dirty, Pss."""
    return sum(int(line.split()[1]) for line in read_proc(pid, "smaps_rollup").decode().splitlines()
               if line.startswith(kinds))


def count(bmad, query):
    return bmad.sql(f"SELECT count(*) AS n FROM {query}")[0]["n"]


def make_daemon(folder, jobs, channels=None, **daemon):
    """Quiet, as in earnest work a log line costs what its receiver makes of it."""
    return Bmad(folder, jobs=jobs, channels=channels,
                daemon={"workers": 4, "log": {"target": "stderr", "level": "warning"}, **daemon})


def start_quietly(bmad, timeout=60, env=None):
    """Without its log: the scheduler has begun when the control socket answers."""
    bmad.spawn(env)
    bmad.wait_until(lambda: bmad.command("status").returncode == 0, timeout, "the daemon")


class Receiver:
    """bench_wire's: answers every POST with 204, in a process of its own."""

    def __enter__(self):
        self.process = subprocess.Popen([BUILD / "bench" / "bench_wire", "serve"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def program(name):
    """The path of NAME, or None."""
    folders = os.environ.get("PATH", "").split(":")
    return next((path for path in (pathlib.Path(f) / name for f in folders) if path.exists()), None)
