# SPDX-License-Identifier: MIT
"""The schedule `@module`: slots that a job's module names itself, while all goes well and while it does not."""
import time

from harness import slot_text, slot_time


def now():
    return int(time.time())


class Named:
    """The job of the test module `named`, and the file that says when it is due."""

    def __init__(self, make_bmad, **keys):
        self.bmad = make_bmad(jobs={"job": {"module": "named", "options": {"file": "slots"}, **keys}})
        self.file = self.bmad.folder / "slots"
        self.say()

    def say(self, *slots):
        """Each (instant, key), or a word that says what goes wrong."""
        lines = [slot if isinstance(slot, str) else f"{slot_text(slot[0])} {slot[1]}" for slot in slots]
        beside = self.file.with_suffix(".new")  # never half a file
        beside.write_text("".join(line + "\n" for line in lines))
        beside.rename(self.file)

    def slots(self):
        return self.bmad.sql("SELECT * FROM slots WHERE job = 'job' ORDER BY due, key")


# -- firing --------------------------------------------------------------------------------------------------


def test_slots_fire_at_their_instants_and_are_claimed_by_their_names(make_bmad):
    job = Named(make_bmad)
    at = now() + 3
    job.say((at, "Z1|NIGHT|1"), (at, "Z2|NIGHT|1"), (at + 2, "Z1|NIGHT|2"))
    job.bmad.start()
    job.bmad.wait_event("run_succeeded", job="job", count=2)
    job.bmad.wait_until(lambda: len(job.slots()) == 3)

    assert [(row["key"], row["due"]) for row in job.slots()] == [
        ("Z1|NIGHT|1", at), ("Z2|NIGHT|1", at), ("Z1|NIGHT|2", at + 2)]
    first = job.bmad.events("run_started")[0]
    assert first["trigger"] == "schedule" and slot_time(first["slot"]) == at


def test_a_name_may_be_long(make_bmad):
    job = Named(make_bmad)
    keys = ["x" * 499 + end for end in "ab"]  # alike but for their last byte
    job.say((now() + 2, keys[0]), (now() + 3, keys[1]))
    job.bmad.start()
    job.bmad.wait_event("run_succeeded", count=2)

    assert [row["key"] for row in job.slots()] == keys
