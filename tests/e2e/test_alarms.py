# SPDX-License-Identifier: MIT
"""Alarms: people are told once when something begins to fail, again while it lasts, and once when it is well again.

What begins in one minute of the clock is told at its end, so each story takes a minute or two. They are told side by
side: one fixture starts all daemons, the tests look at what came of each.
"""
import json
import re
import sqlite3
import time

import pytest
from harness import Bmad, slot_time, wait_for
from receiver import Receiver, Status

PATIENCE = 100  # a whole minute, and room for a busy machine


def hook(receiver, path, **keys):
    """A channel whose body is the envelope: its `text` is what people read."""
    return {"type": "webhook", "url": receiver.url(path), **keys}


def texts(receiver, path):
    """The alarms that arrived at PATH, as text."""
    return [r.json()["text"] for r in receiver.requests if r.path == path and r.json()["type"] == "bmad.alarm"]


def told(receiver, path, *parts, since=0):
    """Waits for an alarm at PATH that has all of PARTS, and returns it."""
    def find():
        return next((t for t in texts(receiver, path)[since:] if all(part in t for part in parts)), None)

    return wait_for(find, PATIENCE, f"an alarm at {path} with {parts}; there are: {texts(receiver, path)}")


def fault(how, **keys):
    return {"module": "fault", "options": {"how": how}, "channels": ["ops"], **keys}


def at_second(second):
    """Waits until the clock shows SECOND of a minute or more, so that what follows fits into it."""
    wait_for(lambda: second <= time.time() % 60 < second + 35, 61, f"second {second}", pause=0.2)


class World:
    """All daemons of this file, started together."""

    def __init__(self, folder):
        self.folder = folder
        self.receiver = Receiver().__enter__()
        self.made = []
        self.main = self.make_main()
        self.only = self.make_only()
        self.deaf = self.make_deaf()
        self.storm = self.make_storm()

    def make(self, name, **sections):
        self.made.append(Bmad(self.folder / name, **sections))
        return self.made[-1]

    def make_main(self):
        receiver, patched = self.receiver, str(self.folder / "patched")
        receiver.script("/gone", Status(410))
        receiver.script("/picky", Status(400, body="no such room"))
        return self.make(
            "main",
            daemon={"on_failure": {"channels": ["ops", "card", "gone"], "repeat": "1h"}, "workers": 4},
            channels={"card": {"type": "teams", "url": receiver.url("/card")}, "ops": hook(receiver, "/ops"), "own": hook(receiver, "/own"), "gone": hook(receiver, "/gone"),
                      "picky": hook(receiver, "/picky"), "spared": hook(receiver, "/picky", fallback="own"), "often": hook(receiver, "/often")},
            jobs={
                "paint": fault("error", about="boards of the paint shop"),
                "crash": fault("crash"),
                "fresh": {"module": "fault", "options": {"how": "presence", "path": str(self.folder / "spoilt")},
                          "channels": ["ops"], "schedule": "* * * * * *", "misfire": "none"},
                "late": {"module": "probe", "channels": ["ops"], "options": {"sleep": "30s"}, "timeout": "1s"},
                "quiet": fault("error", on_failure=False),
                "own": fault("error", on_failure={"channels": ["own"]}),
                "often": {**fault("error", on_failure={"channels": ["often"], "repeat": "2s"})},
                "mended": {"module": "fault", "options": {"how": "absence", "path": patched}, "channels": ["ops"]},
                "beat": {"module": "noop", "schedule": "* * * * * *", "misfire": "none", "max_late": "1s"},
                "to-gone": {"module": "probe", "channels": ["gone"]},
                "to-picky": {"module": "probe", "channels": ["picky"]},
                "to-spared": {"module": "probe", "channels": ["spared"]},
            })

    def make_only(self):
        """The only channel to tell is the one that fails."""
        self.receiver.script("/only", Status(410))
        return self.make("only", daemon={"on_failure": {"channels": ["only"]}},
                         channels={"only": hook(self.receiver, "/only")},
                         jobs={"report": {"module": "probe", "channels": ["only"]}})

    def make_deaf(self):
        """The alarm's own message is refused."""
        self.receiver.script("/deaf", Status(400))
        return self.make("deaf", daemon={"on_failure": {"channels": ["deaf", "second"]}},
                         channels={"deaf": hook(self.receiver, "/deaf"), "second": hook(self.receiver, "/second")},
                         jobs={"broken": {**fault("error"), "channels": ["deaf"]}})

    def make_storm(self):
        return self.make("storm", daemon={"on_failure": {"channels": ["storm"]}, "workers": 4},
                         channels={"storm": hook(self.receiver, "/storm")},
                         jobs={f"job{i}": {**fault("error"), "channels": ["storm"], "run_at_start": True}
                               for i in range(1000)})

    def play(self):
        for bmad in self.made:
            if bmad is not self.storm:
                bmad.start()
        at_second(5)
        self.storm.start()
        for job in ("paint", "crash", "late", "quiet", "own", "often", "mended", "to-gone", "to-picky", "to-spared"):
            self.main.command("run", job)
        self.only.command("run", "report")
        self.deaf.command("run", "broken")
        self.storm.wait_event("run_failed", count=1000, timeout=40)
        self.main.wait_event("channel_suspended", channel="gone")
        self.main.wait_event("message_rejected", channel="picky")

    def close(self):
        for bmad in self.made:
            bmad.__exit__()
        self.receiver.__exit__(None, None, None)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("alarms"))
    try:
        made.play()
        yield made
    finally:
        made.close()


# -- what is told ---------------------------------------------------------------------------------------------


def test_what_begins_in_one_minute_is_one_message_that_says_what_and_where(world):
    text = told(world.receiver, "/ops", "paint: run failed")
    first, second = text.splitlines()[:2]
    assert re.match(r"\S+ .*: .*, and \d more$", first)
    assert second.strip()
    for part in ("crash: run crashed", "late: run took too long", "mended: run failed", "channel gone: suspended",
                 "to-picky to picky: message not delivered"):
        assert part in text
    assert len(texts(world.receiver, "/ops")) == 1


def test_it_names_the_job_its_purpose_and_the_command_that_shows_more(world):
    text = told(world.receiver, "/ops", "paint: run failed")
    part = text[text.index("paint: run failed\n"):].split("\n\n")[0]
    assert "boards of the paint shop" in part
    assert "connection refused" in part
    assert "bmad runs paint" in part


def test_a_crash_is_told_with_the_place_in_the_code(world):
    text = told(world.receiver, "/ops", "crash: run crashed")
    part = text[text.index("crash: run crashed\n"):].split("\n\n")[0]
    assert "signal 11" in part
    assert re.search(r"at crash \(tests/modules/fault\.c:\d+\)", part)


def test_teams_gets_a_card_of_its_own(world):
    told(world.receiver, "/ops", "paint: run failed")
    (request,) = wait_for(lambda: world.receiver.of("/card"), what="a card")
    card = request.json()["attachments"][0]["content"]
    assert card["type"] == "AdaptiveCard"
    head, *parts = card["body"]
    assert head["style"] == "attention" and "more" in head["items"][0]["text"]
    assert any("bmad runs paint" in json.dumps(part) for part in parts)
    assert not world.main.events("template_failed")


def test_a_dead_message_is_named_with_the_answer(world):
    text = told(world.receiver, "/ops", "message not delivered")
    part = text[text.index("to-picky to picky: message not delivered\n"):].split("\n\n")[0]
    (row,) = [row for row in world.main.outbox("--state", "dead") if row["channel"] == "picky"]
    assert f"bmad outbox show {row['id']}" in part
    assert "no such room" in part


def test_a_message_that_its_fallback_takes_is_not_lost(world):
    world.main.wait_event("message_suppressed", job="to-spared", reason="fallback")
    told(world.receiver, "/ops", "to-picky to picky: message not delivered")
    assert ("suppressed", "fallback") in [(row["state"], row["reason"]) for row in world.main.outbox() if row["job"] == "to-spared"]
    assert not any("to-spared" in text for text in texts(world.receiver, "/ops"))


def test_nothing_goes_through_the_channel_it_is_about(world):
    told(world.receiver, "/ops", "channel gone: suspended")
    rows = [row for row in world.main.outbox() if row["channel"] == "gone" and row["kind"] == "alarm"]
    for row in rows:
        payload = json.dumps(world.main.json("outbox", "show", row["id"]))
        assert "channel gone" not in payload and "to-gone" not in payload
    assert rows  # the other troubles wait for it


def test_a_job_may_be_told_elsewhere_or_not_at_all(world):
    text = told(world.receiver, "/own", "own: run failed")
    assert "paint" not in text
    told(world.receiver, "/ops", "paint: run failed")
    everything = json.dumps([r.json() for r in world.receiver.requests])
    assert "quiet: run failed" not in everything
    assert not any("own: run failed" in text for text in texts(world.receiver, "/ops"))


def test_what_lasts_is_repeated(world):
    told(world.receiver, "/often", "often: run failed\n")
    assert re.search(r"often: run failed, for \d+ (s|min) now", told(world.receiver, "/often", "often: run failed, for"))
    wait_for(lambda: len(texts(world.receiver, "/often")) >= 3, 20, "the second repeat")
    assert len(texts(world.receiver, "/own")) == 1


def test_alarms_are_runs_and_messages_like_others(world):
    sent = world.main.wait_event("alarm_sent", timeout=PATIENCE)
    (run,) = [run for run in world.main.runs("@alarm", "-n", "1000") if run["run"] == int(sent["run"])]
    assert (run["state"], run["trigger"]) == ("ok", "alarm")
    assert {row["kind"] for row in world.main.outbox() if row["job"] == "@alarm"} == {"alarm"}
    assert "@alarm" not in [job["name"] for job in world.main.json("jobs")]


def test_a_thousand_failures_at_once_are_one_message(world):
    text = told(world.receiver, "/storm", "run failed, and 999 more")
    assert "... and 990 more" in text
    assert len(texts(world.receiver, "/storm")) == 1
    assert len(text) < 20000


def test_if_there_is_no_other_channel_it_is_only_logged(world):
    line = world.only.wait_event("alarm_unheard", timeout=PATIENCE)
    assert "only" in line["trouble"]
    assert not texts(world.receiver, "/only")


def test_what_is_well_again_is_told_once_even_after_a_restart(world):
    """After the others: it restarts their daemon."""
    bmad, receiver = world.main, world.receiver
    told(receiver, "/ops", "mended: run failed")
    seen = len(texts(receiver, "/ops"))
    (world.folder / "patched").touch()
    bmad.command("run", "mended", "--wait")
    receiver.script("/picky", Status(202))
    bmad.command("run", "to-picky", "--wait")
    bmad.wait_event("message_delivered", channel="picky")
    (world.folder / "spoilt").touch()
    bmad.wait_event("run_failed", job="fresh")
    bmad.kill("main")  # nobody was told of that yet
    time.sleep(4)  # slots of `beat` that nobody is there for
    bmad.start()
    bmad.wait_event("slot_missed", job="beat")
    for news in ("mended: well again after", "to-picky to picky: well again after", "fresh: run failed\n"):
        told(receiver, "/ops", news, since=seen)
    for text in texts(receiver, "/ops")[seen:]:
        for part in ("paint", "crash", "late", "gone"):
            assert f"{part}: " not in text, "told already"
    assert not any("mended: run failed\n" in text for text in texts(receiver, "/ops")[seen:])
    with sqlite3.connect(f"file:{bmad.store}?mode=ro", uri=True) as store:
        (state,) = store.execute("SELECT value FROM state WHERE job = '@alarm'").fetchone()
    assert "mended" not in state and "paint" in state


def test_a_missed_slot_is_told(world):
    """Those of the restart before."""
    assert "(slot missed)" in told(world.receiver, "/ops", "beat: well again after")


def test_a_failed_alarm_begets_none(world):
    """Last: had it been told of, that would have been in a minute that is over by now."""
    told(world.receiver, "/second", "broken: run failed")
    lost = world.deaf.wait_event("message_rejected", job="@alarm", channel="deaf", timeout=PATIENCE)
    assert lost["kind"] == "alarm"
    sent = slot_time(lost["ts"][:19] + "Z")
    wait_for(lambda: time.time() >= (sent // 60 + 1) * 60 + 5, PATIENCE, "the minute after")
    assert len(world.deaf.events("run_started", job="@alarm")) == 1
    assert not any("@alarm" in text for text in texts(world.receiver, "/second"))
