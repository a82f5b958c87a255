# SPDX-License-Identifier: MIT
"""What the store need not keep goes, while the daemon works."""
import contextlib
import sqlite3

from harness import slot_time

MANY = 30000

FILL = f"""
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY})
INSERT INTO runs (job, key, due, attempt, trigger, restartable, instance, state, claimed_ms)
SELECT 'old' || i % 7, strftime('%Y-%m-%dT%H:%M:%SZ', i, 'unixepoch'), i, 1, 0, 1, 'gone', 'ok', i FROM n;
INSERT INTO slots (job, key, due, state, trigger, run, instance, recorded_ms)
SELECT job, key, due, 'ok', 0, id, 'gone', claimed_ms FROM runs WHERE instance = 'gone';
INSERT INTO messages (id, run, job, slot, channel, lane, key, recipient, severity, state, created_ms, not_before_ms, ended_ms)
SELECT 'm' || id, id, job, due, 'ops', '', key, '', 0, 'delivered', 1, 1, 1 FROM runs WHERE instance = 'gone' LIMIT 5000;
INSERT INTO payloads SELECT seq, zeroblob(2000) FROM messages WHERE channel = 'ops';
"""


def fill(bmad):
    with contextlib.closing(sqlite3.connect(bmad.store)) as store:
        store.executescript(FILL)


def count(bmad, rows):
    return bmad.sql(f"SELECT count(*) AS n FROM {rows}")[0]["n"]


def test_a_large_store_is_swept_while_every_slot_runs_on_time(make_bmad):
    beat = {"module": "heartbeat", "schedule": "* * * * * *", "misfire": "all", "channels": ["out"]}
    bmad = make_bmad(jobs={"beat": beat}, channels={"out": {"type": "file", "dir": "out"}},
                     daemon={"retention": {"runs": "1h", "messages": "2h"}})
    bmad.once("beat")
    fill(bmad)
    bmad.start()
    bmad.wait_until(lambda: not count(bmad, "runs WHERE instance = 'gone'"), timeout=60, what="the runs' end")
    bmad.wait_until(lambda: not count(bmad, "messages WHERE channel = 'ops'"), timeout=60, what="the messages' end")
    assert bmad.terminate() == 0

    assert count(bmad, "slots WHERE instance = 'gone'") == 0
    assert count(bmad, "payloads") == count(bmad, "messages") == count(bmad, "runs"), "the new ones are kept"
    beats = [slot_time(line["slot"]) for line in bmad.events("run_started", job="beat", trigger="schedule")]
    assert beats == list(range(beats[0], beats[-1] + 1))
    late = [line for line in bmad.events("run_started", job="beat")
            if slot_time(line["ts"][:19] + "Z") - slot_time(line["slot"]) > 2]
    assert not late
    assert not bmad.events("store_unavailable")
