# SPDX-License-Identifier: MIT
"""zone_hourly against a second computation of its data object, over plants and clock changes."""
import json
import os
import random
import sqlite3
import subprocess

import pytest

import plant
from harness import BINARY, BUILD, ROOT

NIGHTS = [
    # Both clock changes where a night has 13 and 11 hours.
    dict(timezone="America/Los_Angeles", start="2024-11-02"),
    dict(timezone="America/Los_Angeles", start="2025-03-08", gaps=True),
    # Half an hour of change, and hours that end at half past.
    dict(timezone="Australia/Lord_Howe", start="2024-10-05", shifts=(("DAY", "06:30"), ("NIGHT", "18:30"))),
    dict(timezone="Australia/Lord_Howe", start="2025-04-05", shifts=(("DAY", "06:30"), ("NIGHT", "18:30"))),
    # A start that comes twice, and two of which one does not exist.
    dict(timezone="America/Los_Angeles", start="2024-11-02", shifts=(("DAY", "01:30"), ("NIGHT", "02:30"))),
    dict(timezone="America/Los_Angeles", start="2025-03-08", shifts=(("DAY", "02:30"), ("NIGHT", "03:30"))),
    # A holiday, a feed that was down, one shift of a day, a date that the zone never had.
    dict(timezone="Europe/Berlin", start="2024-10-26", holiday="2024-10-26", shifts=(("NIGHT", "22:15"), ("DAY", "10:15"))),
    dict(timezone="Asia/Kathmandu", start="2024-06-01", zones=2, blackout=("2024-06-01T03:00:00Z", "2024-06-01T09:00:00Z")),
    dict(timezone="Asia/Kathmandu", start="2024-06-01", shifts=(("DAY", "06:00"),)),
    dict(timezone="Pacific/Apia", start="2011-12-29"),
]


def configure(folder, zone="Z1", options="", channels="console"):
    (folder / "bmad.yaml").write_text("""
daemon: {store: "sqlite:bmad.db"}
sources: {plant: "sqlite:plant.db"}
channels:
  teams1: {type: teams, url: "https://example.com/hook"}
  hook1: {type: webhook, url: "https://example.com/hook"}
jobs:
  zone1-hourly:
    module: zone_hourly
    schedule: "5 * * * *"
    channels: [%s]
    options: {source: plant, zone: "%s", post_unscheduled: true%s}
    vars: {title: Building 4, link: "https://example.com/z1"}
""" % (channels, zone, options))


def once(folder, at, *more):
    command = [BINARY, "-c", folder / "bmad.yaml", "--once", "zone1-hourly", "--at", at, "--dry-run", "--json", *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60,
                          env=dict(os.environ, BMAD_TEMPLATES=str(ROOT / "templates")))
    try:
        return json.loads(done.stdout), done
    except ValueError:
        pytest.fail("exit %d, no JSON: %s%s" % (done.returncode, done.stdout[:500], done.stderr[:2000]))


def instants(maker, seed, count):
    """Slots of all kinds: at random, on the hour, a moment before and after an hour is ripe."""
    rng = random.Random(seed)
    for _ in range(count):
        at = rng.randint(maker.begin - 20000, maker.finish + 20000)
        yield at if rng.random() < 0.4 else at - at % 3600 + rng.choice((0, 119, 120, 121, 300, 1800, 1919, 1920))


@pytest.mark.parametrize("how", NIGHTS, ids=lambda how: "%(timezone)s-%(start)s" % how)
def test_the_data_object_equals_a_second_computation(tmp_path, how):
    maker = plant.make_plant(tmp_path / "plant.db", seed=1, **how)
    for n, at in enumerate(instants(maker, str(how), 4)):
        grace = (120, 0, 600, 30)[n % 4]
        zone = maker.zones[n % len(maker.zones)]
        configure(tmp_path, zone, ", grace: %ds" % grace)
        got, done = once(tmp_path, plant.text(at))
        assert got["result"] == "ok", (plant.text(at), got["error"], done.stderr)
        data, key = plant.hourly(tmp_path / "plant.db", zone, at, grace)
        assert plant.difference(got["data"][0], data) is None, plant.text(at)
        assert [m["key"] for m in got["messages"]] == [key]
        assert got["metrics"] == {"actual": data["hour"]["actual"], "target": data["hour"]["target"], "gap": data["hour"]["gap"]}


def test_many_slots_in_one_process_equal_a_second_computation(tmp_path):
    process = subprocess.Popen([BUILD / "tests/drivers/zone_driver"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for n, how in enumerate(NIGHTS):
        path = tmp_path / ("plant%d.db" % n)
        maker = plant.make_plant(path, seed=n + 100, **how)
        for at in instants(maker, n, 4):
            process.stdin.write("%s Z1 %s 120\n" % (path, plant.text(at)))
            process.stdin.flush()
            got = json.loads(process.stdout.readline())
            data, key = plant.hourly(path, "Z1", at)
            assert got["error"] is None and got["key"] == key
            assert plant.difference(got["data"], data) is None, (how, plant.text(at))
    process.stdin.close()
    assert process.wait(10) == 0


def test_a_report_can_be_made_again_exactly(tmp_path):
    """Rows that came after the slot do not exist for it."""
    configure(tmp_path)
    maker = plant.make_plant(tmp_path / "plant.db", seed=4)
    at = plant.text(maker.begin + 15 * 3600 + 300)
    before, _ = once(tmp_path, at)
    db = sqlite3.connect(tmp_path / "plant.db")
    db.execute("insert into unit_event select event_id + 1000000000000000, station_id, unit_id || 'x', product, ts, attempt,"
               " result, cycle_ms, ? from unit_event", (plant.text(maker.begin + 15 * 3600 + 301),))
    db.commit()
    db.close()
    after, _ = once(tmp_path, at)
    assert after["data"] == before["data"]


def test_a_shift_that_is_not_scheduled_posts_only_what_it_made(tmp_path):
    maker = plant.make_plant(tmp_path / "plant.db", seed=5, timezone="UTC", start="2024-06-01", holiday="2024-06-01",
                             blackout=("2024-06-01T12:00:00Z", "2024-06-01T18:00:00Z"))
    db = sqlite3.connect(tmp_path / "plant.db")     # the calendar has no gap here
    for kind in ("DAY", "NIGHT"):
        db.execute("insert or replace into crew_calendar values ('Z1', '2024-06-01', ?, 'A', 0)", (kind,))
    db.commit()
    db.close()
    assert maker.zones == ["Z1"]
    configure(tmp_path, options="")
    sure = (tmp_path / "bmad.yaml").read_text().replace("post_unscheduled: true", "post_unscheduled: false")
    (tmp_path / "bmad.yaml").write_text(sure)
    quiet, _ = once(tmp_path, "2024-06-01T15:05:00Z")
    assert (quiet["result"], quiet["data"], quiet["messages"]) == ("ok", [], [])
    assert quiet["metrics"]["actual"] == 0
    made, _ = once(tmp_path, "2024-06-01T11:05:00Z")
    assert made["data"][0]["status"] == "not_scheduled" and made["data"][0]["hour"]["actual"] > 0
    assert made["data"][0]["hour"]["target"] == 0 and made["data"][0]["hour"]["attainment_pct"] is None
    forced, _ = once(tmp_path, "2024-06-01T15:05:00Z", "--set", "post_unscheduled=true")
    assert len(forced["messages"]) == 1


def test_a_feed_that_is_down_is_told_as_such(tmp_path):
    configure(tmp_path, channels="console, teams1, hook1")
    plant.make_plant(tmp_path / "plant.db", seed=6, timezone="UTC", start="2024-06-01",
                     blackout=("2024-06-01T09:00:00Z", "2024-06-01T12:00:00Z"))
    got, _ = once(tmp_path, "2024-06-01T11:05:00Z")
    assert got["data"][0]["status"] == "no_data"
    for message in got["messages"]:
        assert "data feed is probably down" in json.dumps(message["payload"]), message["channel"]


def test_the_card_of_a_long_night_with_long_names_keeps_its_budget(tmp_path):
    configure(tmp_path, channels="teams1")
    plant.make_plant(tmp_path / "plant.db", seed=7, start="2024-11-02", stations=8)
    db = sqlite3.connect(tmp_path / "plant.db")
    name = '"Sta\u00e7\u00e3o" <b>*de* [montagem](x)</b> \\ & \u6a21\u7d44\u7d44\u88dd %s'
    db.execute("update station set name = replace(?, '%s', station_id)", (name,))
    db.execute("update line set name = 'A line with quite a long name, ' || line_id")
    db.commit()
    db.close()
    got, _ = once(tmp_path, "2024-11-03T14:05:00Z")
    assert got["result"] == "ok" and got["data"][0]["hour"]["of"] == 13 == len(got["data"][0]["board"])
    payload = got["messages"][0]["payload"]
    assert len(json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()) < 20000
    card = payload["attachments"][0]["content"]
    assert payload["type"] == "message" and card["type"] == "AdaptiveCard"
    assert [b for b in text_blocks(card) if b.get("wrap") is not True] == []
    assert len([t for t in card["body"] if t["type"] == "Table"][0]["rows"]) == 14


def text_blocks(value):
    if isinstance(value, dict):
        if value.get("type") == "TextBlock":
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from text_blocks(item)


BROKEN = {
    "update zone set timezone = 'America/Los_Angles'": ("Z1", "timezone", "America/Los_Angeles"),
    "update shift_definition set start_local = '6:00' where shift_type = 'DAY'": ("shift_definition", "DAY", "start_local", "6:00"),
    "update shift_definition set start_local = '06:00'": ("shift_definition", "start_local", "both start at 06:00"),
    "delete from shift_definition": ("Z1", "shift_definition", "no shifts"),
    "update downtime_event set start_ts = replace(start_ts, 'T', ' ')": ("start_ts", "expected an instant"),
    "update hour_target set target_units = 'many'": ("target_units", "expected an integer", "many"),
    "drop table ncm_event": ("no such table: ncm_event",),
}


@pytest.mark.parametrize("change", BROKEN)
def test_what_cannot_be_used_is_named(tmp_path, change):
    configure(tmp_path)
    plant.make_plant(tmp_path / "plant.db", seed=8, start="2024-06-01")
    db = sqlite3.connect(tmp_path / "plant.db")
    db.execute(change)
    db.commit()
    db.close()
    got, done = once(tmp_path, "2024-06-02T10:05:00Z")
    told = got["error"]["message"] + " ".join(f["note"] or "" for f in got["error"]["frames"])
    assert (got["result"], done.returncode) == ("error", 1)
    for part in BROKEN[change]:
        assert part in told


def test_an_unknown_zone_is_told_with_those_there_are(tmp_path):
    configure(tmp_path, zone="Z9")
    plant.make_plant(tmp_path / "plant.db", seed=8, start="2024-06-01", zones=2)
    got, _ = once(tmp_path, "2024-06-02T10:05:00Z")
    assert got["error"]["kind"] == "CONFIG"
    assert "'Z9'" in got["error"]["message"] and "Z1, Z2" in got["error"]["message"]
