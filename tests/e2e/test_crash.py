# SPDX-License-Identifier: MIT
"""Hundreds of kill -9 in one run of the daemon; afterwards the books must balance.

Four jobs fire every second and queue numbered messages for a receiver that counts. Meanwhile main, store,
sender and workers are killed at random moments ($BMAD_SEED repeats them, $BMAD_KILLS says how many). Then
the store is compared with the clock and with what the receiver got.
"""
import collections
import os
import random
import time

import pytest

from harness import Bmad, slot_text
from receiver import Receiver, Status

KILLS = int(os.environ.get("BMAD_KILLS", "300"))
SEED = int(os.environ.get("BMAD_SEED", "20261120"))
VICTIMS = ["worker"] * 8 + ["sender"] * 5 + ["store"] * 4 + ["main"] * 3

PROBE = {"module": "probe", "schedule": "* * * * * *", "channels": ["counter"], "timeout": "20s"}
JOBS = {
    "queue-all": {**PROBE, "misfire": "all", "overlap": "queue", "options": {"messages": 2, "sleep": "150ms"}},
    "skip-one": {**PROBE, "misfire": "one", "overlap": "skip", "options": {"messages": 1, "sleep": "400ms"}},
    "allow-all": {**PROBE, "misfire": "all", "overlap": "allow", "options": {"messages": 1, "sleep": "300ms"}},
    "wait": {**PROBE, "misfire": "all", "overlap": "queue", "options": {"messages": 1, "wait": True}},
}
CHANNEL = {"type": "webhook", "body": "data", "in_flight": 8, "timeout": "10s",
           "retry": {"initial": "50ms", "max": "500ms"}, "on_ambiguous": "retry"}

Slot = collections.namedtuple("Slot", "job due state reason attempt first")
Run = collections.namedtuple("Run", "id state reason attempt restartable")


class Flaky(Status):
    """Mostly well, sometimes slow, sometimes a 503: so that kills find messages in every state."""

    def __init__(self, seed):
        super().__init__(202)
        self.random = random.Random(seed)

    def answer(self, connection, request):
        busy = self.random.random() < 0.05
        return Status(503 if busy else 202, delay=self.random.uniform(0, 0.06)).answer(connection, request)


def kill_one(bmad, chance):
    """Kills a process of a random kind; which one, or None if there is none of that kind now."""
    kind = chance.choice(VICTIMS)
    if kind == "main":
        bmad.kill_main()
        bmad.start()
        return kind
    names = [name for name in bmad.children() if name.startswith(kind)]
    names = [name for name in names if "[" in name] or names  # a busy worker, if there is one
    return kind if names and bmad.kill(chance.choice(names)) else None


def kill_many(bmad, count):
    chance = random.Random(SEED)
    killed = collections.Counter()
    while killed.total() < count:
        time.sleep(chance.uniform(0, 0.25))
        victim = kill_one(bmad, chance)
        if victim:
            killed[victim] += 1
    return killed


def settled(bmad, until):
    """Every slot due by UNTIL is there in a final state, and no message of theirs is under way."""
    opened = bmad.sql("SELECT count(*) AS n FROM slots WHERE due <= ? AND state IN ('claimed', 'running')", until)
    moving = bmad.sql("SELECT count(*) AS n FROM messages WHERE slot <= ? AND ended_ms = 0", until)
    reached = bmad.sql("SELECT count(*) AS n FROM schedules WHERE accounted_until >= ?", until)
    return opened[0]["n"] == 0 and moving[0]["n"] == 0 and reached[0]["n"] == len(JOBS)


class Books:
    """What store and receiver say after the last daemon has stopped."""

    def __init__(self, bmad, receiver, until):
        self.until = until
        self.since = {row["job"]: row["since"] for row in bmad.sql("SELECT job, since FROM schedules")}
        self.slots = [Slot(*row.values()) for row in bmad.sql(
            "SELECT job, due, state, reason, attempt, first FROM slots WHERE due <= ?", until)]
        self.runs = collections.defaultdict(list)
        for row in bmad.sql("SELECT job, due, id, state, reason, attempt, restartable FROM runs"
                            " WHERE due <= ? ORDER BY id", until):
            self.runs[row.pop("job"), row.pop("due")].append(Run(*row.values()))
        self.messages = {row["id"]: row for row in bmad.sql("SELECT * FROM messages")}
        self.received = receiver.counts()
        self.accepted = receiver.counts(delivered=True)


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    with Receiver(default=Flaky(SEED)) as receiver:
        channels = {"counter": {**CHANNEL, "url": receiver.url("/hook")}}
        with Bmad(tmp_path_factory.mktemp("crash"), jobs=JOBS, channels=channels, daemon={"workers": 4}) as bmad:
            bmad.start()
            killed = kill_many(bmad, KILLS)
            until = int(time.time())
            bmad.wait_until(lambda: settled(bmad, until), 60, "the backlog's end")
            assert bmad.terminate() == 0, bmad.tail()
            print(f"seed {SEED}, killed {dict(killed)}")
            found = Books(bmad, receiver, until)
            found.log = bmad.read_log()
            yield found


def test_every_slot_is_accounted_for_once(books):
    covered = collections.Counter((slot.job, due) for slot in books.slots for due in range(slot.first, slot.due + 1))
    wanted = {(job, due) for job in JOBS for due in range(books.since[job] + 1, books.until + 1)}

    assert sorted(wanted - set(covered)) == [], "slots without a record"
    assert sorted(set(covered) - wanted) == [], "records that no slot is behind"
    assert [key for key, count in covered.items() if count > 1] == []
    assert {slot.state for slot in books.slots} <= {"ok", "failed", "missed", "skipped"}
    assert all(slot.reason for slot in books.slots if slot.state != "ok"), "each says why"


def test_a_slot_commits_at_most_once(books):
    for (job, due), runs in books.runs.items():
        committed = [run for run in runs if run.state == "ok"]
        assert len(committed) <= 1, (job, slot_text(due), runs)
        assert not committed or committed == runs[-1:], "nothing runs after a commit"


def test_an_interrupted_run_happens_once_more(books):
    again = 0
    for (job, due), runs in books.runs.items():
        assert [run.attempt for run in runs] == list(range(1, len(runs) + 1)), (job, slot_text(due), runs)
        assert len(runs) <= 2, (job, slot_text(due), runs)
        if runs[0].state == "failed" and runs[0].restartable:
            assert "interrupted" in runs[0].reason, (job, slot_text(due), runs)
            assert len(runs) == 2, (job, slot_text(due), runs)
            again += 1
    assert again > KILLS / 20, "too few interruptions for this test to mean something"


def test_runs_fail_only_by_interruption(books):
    reasons = {slot.reason for slot in books.slots if slot.state == "failed"}
    assert all("interrupted" in reason for reason in reasons), reasons


def test_every_committed_message_is_delivered(books):
    # What came with later slots while the daemon stopped may stand queued for the next one.
    unsettled = [row for row in books.messages.values() if row["state"] != "delivered"]
    delivered = {row["id"] for row in books.messages.values() if row["state"] == "delivered"}

    assert [row for row in unsettled if row["slot"] <= books.until or row["state"] not in ("queued", "retrying")] == []
    assert delivered - set(books.accepted) == set(), "said to be delivered, but the receiver has not got it"
    assert set(books.received) - set(books.messages) == set(), "sent, but not in the outbox"


def test_every_committed_run_has_its_messages(books):
    of_run = collections.Counter(row["run"] for row in books.messages.values())
    for (job, due), runs in books.runs.items():
        for run in runs:
            expected = JOBS[job]["options"]["messages"]
            if run.state == "ok":
                assert of_run[run.id] == expected, (job, slot_text(due), run)
            elif job != "wait":  # what is sent while the run goes on is committed at once
                assert of_run[run.id] == 0, (job, slot_text(due), run)


def test_only_ambiguous_messages_come_twice(books):
    twice = {id for id, count in books.accepted.items() if count > 1}
    unexplained = [books.messages[id] for id in twice if not books.messages[id]["ambiguous"]]
    assert unexplained == []


def test_nothing_was_taken_for_a_bug(books):
    assert [line for line in books.log if line.get("kind") == "BUG"] == []
