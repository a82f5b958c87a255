# SPDX-License-Identifier: MIT
"""A machine that fails: the store's disk, the log's daemon, the plant's database, the receiver.

Each is told in a clear line, costs nothing but itself, and leaves main asleep.
"""
import contextlib
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time

import pytest

from harness import BINARY, cpu_seconds, slot_time, wait_for
from receiver import Silence

BEAT = {"module": "noop", "schedule": "* * * * * *", "misfire": "all"}
own_mounts = pytest.mark.skipif(subprocess.run(["unshare", "-rm", "true"], check=False).returncode != 0,
                                reason="no mounts of our own here")


@contextlib.contextmanager
def idle_main(bmad, share=0.3):
    """Main computes for no more than a SHARE of the time that this takes."""
    began, computed = time.monotonic(), cpu_seconds(bmad.pid)
    yield
    assert cpu_seconds(bmad.pid) - computed < share * (time.monotonic() - began) + 0.1


def assert_each_slot_once(rows):
    """ROWS are (due, state) of a job with a slot each second."""
    dues = [due for due, _ in rows]
    assert dues == list(range(dues[0], dues[-1] + 1))
    assert {state for _, state in rows} == {"ok"}


# -- the store -------------------------------------------------------------------------------------------


def damage(path):
    blob = bytearray(path.read_bytes())
    for at in range(8192, len(blob), 64):
        blob[at:at + 16] = b"\xff" * 16
    path.write_bytes(blob)


def make_newer(path):
    with contextlib.closing(sqlite3.connect(path)) as store:
        store.execute("INSERT INTO schema_version VALUES (99, 0)")
        store.commit()


@pytest.mark.parametrize("spoil, complaint", [
    (damage, "malformed"),
    (lambda path: path.write_text("not a database, and longer than a header of one would have to be: " * 4), "is not a database"),
    (make_newer, "written by a newer bmad"),
    (lambda path: (path.unlink(), path.mkdir()), "Is a directory"),
], ids=["damaged", "garbage", "newer", "folder"])
def test_a_store_that_cannot_be_used_is_told_and_left_alone(make_bmad, spoil, complaint):
    bmad = make_bmad(jobs={"beat": BEAT})
    bmad.once("beat")
    spoil(bmad.store)
    before = bmad.store.read_bytes() if bmad.store.is_file() else None
    assert bmad.spawn().wait(20) in (1, 2)
    text = bmad.log_path.read_text()
    assert complaint in text and str(bmad.store) in text
    done = bmad.command("--once", "beat")
    assert done.returncode in (1, 2) and complaint in done.stderr
    assert not bmad.events("run_started"), "nothing runs unclaimed"
    if before:
        assert bmad.store.read_bytes() == before


@own_mounts
def test_a_store_that_cannot_be_written_is_told_at_once(make_bmad):
    bmad = make_bmad(jobs={"beat": BEAT})
    state = bmad.folder / "state"
    state.mkdir()
    bmad.configure({"beat": BEAT}, {}, {"store": f"sqlite:{state}/bmad.db"})
    bmad.once("beat")
    process = bmad.spawn(mounts="mount --bind state state; mount -o remount,bind,ro state")
    assert process.wait(20) == 2
    assert "Read-only file system" in bmad.log_path.read_text()


@own_mounts
@pytest.mark.parametrize("command", [["runs"], ["outbox"], ["jobs"], ["backup", "copy.db"]], ids=lambda words: words[0])
def test_commands_say_why_they_cannot_read_a_store_on_a_disk_that_is_read_only(make_bmad, command):
    bmad = make_bmad()
    state = bmad.folder / "state"
    bmad.configure({"beat": BEAT}, {}, {"store": f"sqlite:{state}/bmad.db"})
    bmad.once("beat")
    script = 'mount --bind state state; mount -o remount,bind,ro state; exec "$@"'
    done = subprocess.run(["unshare", "-rm", "sh", "-ec", script, "sh", BINARY, "-c", bmad.config, *command],
                          cwd=bmad.folder, env=bmad.environment(), capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert done.stderr.endswith(f"{state}/bmad.db: cannot be opened without a file {state}/bmad.db-shm,"
                                " which cannot be made: Read-only file system\n")


def view(bmad):
    """The store's folder as the daemon sees it."""
    return f"/proc/{bmad.pid}/root{bmad.folder}/state"


@own_mounts
def test_a_disk_that_fills_up_loses_no_slot(make_bmad):
    bmad = make_bmad()
    (bmad.folder / "state").mkdir()
    bmad.configure({"beat": BEAT, "newest": {**BEAT, "misfire": "one"}}, {}, {
        "store": f"sqlite:{bmad.folder}/state/bmad.db"})
    bmad.start(mounts="mount -t tmpfs -o size=2m none state")
    bmad.wait_event("run_succeeded", job="beat")
    with contextlib.suppress(OSError), open(f"{view(bmad)}/filler", "wb", buffering=0) as filler:
        while filler.write(b"x" * 1024):
            pass
    told = bmad.wait_event("store_unavailable", timeout=30)
    assert "full" in told["error"]
    assert bmad.json("status")["pid"] == bmad.pid
    with idle_main(bmad):
        time.sleep(3)
    assert len(bmad.events("store_unavailable")) < 5, "it is said once, not each time"
    subprocess.run(["rm", f"{view(bmad)}/filler"], check=True)
    bmad.wait_event("store_available")
    caught_up = len(bmad.events("run_succeeded", job="beat"))
    bmad.wait_event("run_succeeded", count=caught_up + 6, job="beat")
    assert bmad.terminate() == 0
    told = {job: [(slot_time(line["slot"]), line["event"]) for line in bmad.events()
                  if line.get("job") == job and line["event"] in ("run_succeeded", "slot_skipped", "slot_missed")]
            for job in ("beat", "newest")}
    for ends in told.values():
        assert sorted(due for due, _ in ends) == list(range(min(ends)[0], max(ends)[0] + 1)), "each slot ended once"
    assert {event for _, event in told["beat"]} == {"run_succeeded"}, "as after a downtime, with misfire: all"
    assert {event for _, event in told["newest"]} == {"run_succeeded", "slot_missed"}
    assert "missed: a newer slot runs instead (misfire: one)" in {line["reason"] for line in bmad.events("slot_missed")}
    assert not bmad.events("run_failed")


# -- the log's daemon ------------------------------------------------------------------------------------


DEV = """
mkdir dev; mount -t tmpfs none dev
for node in null zero urandom random tty; do touch dev/$node; mount --bind /dev/$node dev/$node; done
ln -s {log} dev/log
mount --rbind dev /dev
"""


@pytest.fixture
def syslog():
    """A socket like /dev/log, which nobody reads before the test does."""
    folder = tempfile.mkdtemp(prefix="bmad-log-")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        listener.bind(f"{folder}/log")
        yield listener, f"{folder}/log"
    shutil.rmtree(folder)


def stuff(path):
    """Until the socket takes no more."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                sender.sendto(b"full", path)


@own_mounts
def test_a_log_that_nobody_reads_holds_nothing_up(make_bmad, syslog):
    listener, path = syslog
    stuff(path)
    bmad = make_bmad()
    bmad.configure({"beat": BEAT}, {}, {"log": {"target": "syslog", "level": "debug"}})
    bmad.spawn(mounts=DEV.format(log=path))
    bmad.wait_until(lambda: bmad.command("status").returncode == 0)
    with idle_main(bmad):
        bmad.wait_until(lambda: bmad.store.exists() and len(bmad.runs("beat")) >= 4)
    rows = [(row["due"], row["state"]) for row in
            bmad.sql("SELECT due, state FROM slots WHERE job = 'beat' AND state = 'ok' ORDER BY due")]
    assert_each_slot_once(rows)

    listener.settimeout(10)
    text = b""
    while b"event=run_succeeded" not in text:
        text = listener.recv(65536)
    assert b"bmad" in text
    bmad.process.terminate()
    with contextlib.suppress(socket.timeout):
        listener.settimeout(0.5)
        while True:
            listener.recv(65536)
    assert bmad.process.wait(20) == 0


# -- what bmad works with --------------------------------------------------------------------------------


def test_a_receiver_that_never_answers_and_a_plant_that_is_down_delay_nobody(make_bmad, receiver):
    receiver.script("/dead", Silence())
    bmad = make_bmad(
        jobs={"beat": BEAT,
              "stuck": {"module": "heartbeat", "schedule": "* * * * * *", "channels": ["dead"]},
              "down": {"module": "zone_hourly", "schedule": "* * * * * *", "channels": ["dead"],
                       "options": {"source": "plant", "zone": "Z1"}}},
        channels={"dead": {"type": "webhook", "url": receiver.url("/dead"), "timeout": "1s",
                           "retry": {"initial": "100ms", "max": "200ms"}}},
        sources={"plant": "postgresql://nobody@127.0.0.1:1/none"}, daemon={"workers": 3})
    bmad.start()
    bmad.wait_event("run_succeeded", job="beat")
    with idle_main(bmad):
        bmad.wait_event("run_succeeded", count=6, job="beat")
        bmad.wait_event("message_retry", count=2)
    failed = bmad.wait_event("run_failed", count=2, job="down")
    assert "Connection refused" in failed["error"] or "refused" in failed["error"]
    assert failed["kind"] == "TEMPORARY"
    for line in bmad.events("run_started", job="beat"):
        assert slot_time(line["ts"][:19] + "Z") - slot_time(line["slot"]) <= 2, line
    assert not bmad.events("slot_missed", job="beat")
    assert {row["state"] for row in bmad.outbox()} <= {"queued", "sending", "retrying", "ambiguous"}
