# SPDX-License-Identifier: MIT
"""zone_eos, areas, zone_staffing and plant_daily against a second computation, on both databases."""
import json
import random
import sqlite3
import time

import pytest

import plant
import plant_eos
import postgres
from plant import difference, text
from test_zone_hourly import NIGHTS, text_blocks

AT = "2024-11-03T14:10:00Z"


@pytest.fixture(scope="module")
def server():
    try:
        started = postgres.Server()
    except postgres.Unavailable as e:
        pytest.skip(str(e))
    with started:
        yield started


class Sources:
    """Makes a plant's rows the source of a configuration, on one of the databases."""

    def __init__(self, kind, server):
        self.kind, self.server, self.count = kind, server, 0

    def url(self, path):
        if self.kind == "sqlite":
            return f"sqlite:{path}"
        self.count += 1
        name = f"reports{self.count}"
        self.server.load(path, plant.SCHEMA, name)
        return self.server.url(name)

    def changed(self, path, statement):
        """The source after STATEMENT."""
        url = self.url(path)
        if self.kind == "sqlite":
            execute(path, statement)
        else:
            self.server.sql(statement, f"reports{self.count}")
        return url


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def sources(request):
    server = request.getfixturevalue("server") if request.param == "postgresql" else None
    return Sources(request.param, server)


def jobs(zones, channels=("console",)):
    one = lambda module, **options: {"module": module, "channels": list(channels), "options": {"source": "plant", **options}}
    return {"eos": one("zone_eos", zone=zones[0]), "area_eos": one("zone_eos", zones=zones),
            "area_hourly": one("zone_hourly", zones=zones, post_unscheduled=True),
            "staffing": one("zone_staffing", zone=zones[0]), "daily": one("plant_daily")}


def dry(bmad, job, at, *more):
    got = bmad.once(job, "--at", at, "--dry-run", *more)
    assert got["result"] == "ok", got["error"]
    return got


def execute(path, *statements):
    db = sqlite3.connect(path)
    for statement in statements:
        db.execute(*statement) if isinstance(statement, tuple) else db.execute(statement)
    db.commit()
    db.close()


# -- against a second computation --------------------------------------------------------------------------------


@pytest.mark.parametrize("how", NIGHTS, ids=lambda how: "%(timezone)s-%(start)s" % how)
def test_the_end_of_shift_equals_a_second_computation(sources, make_bmad, tmp_path, how):
    path = tmp_path / "plant.db"
    maker = plant.make_plant(path, seed=21, **how)
    bmad = make_bmad(jobs=jobs(maker.zones), sources={"plant": sources.url(path)})
    rng = random.Random(str(how))
    for n in range(3):
        at, grace = rng.randint(maker.begin, maker.finish + 20000), (120, 0, 1800)[n]
        data, key = plant_eos.eos(path, "Z1", at, grace)
        got = dry(bmad, "eos", text(at), "--set", f"grace={grace}s")
        if data["status"] == "not_scheduled" and not data["totals"]["actual"]:
            assert got["messages"] == []
            continue
        assert difference(got["data"][0], data) is None, text(at)
        assert [m["key"] for m in got["messages"]] == [key]
        assert sum(row["actual"] for row in data["board"]) == got["data"][0]["totals"]["actual"]
        assert sum(row["minutes"] for row in got["data"][0]["board"]) == got["data"][0]["shift"]["length_min"]


def test_an_area_has_the_objects_of_its_zones_and_their_sum(sources, make_bmad, tmp_path):
    path = tmp_path / "plant.db"
    maker = plant.make_plant(path, seed=22, zones=3, stations=3)
    bmad = make_bmad(jobs=jobs(["Z2", "Z1", "Z3"]), sources={"plant": sources.url(path)})
    for at in (maker.begin + 9 * 3600 + 130, maker.begin + 31 * 3600 + 605):
        for report in ("hourly", "eos"):
            got = dry(bmad, "area_" + report, text(at))
            assert difference(got["data"][0], plant_eos.area(path, ["Z2", "Z1", "Z3"], at, report)) is None
            assert len(got["messages"]) == 1 and got["metrics"]["actual"] == got["data"][0]["total"]["actual"]
    assert got["messages"][0]["key"] == "area-eos|Z2,Z1,Z3|2024-11-02|NIGHT"


def test_zones_of_an_area_may_be_in_different_shifts(make_bmad, tmp_path):
    path = tmp_path / "plant.db"
    plant.make_plant(path, seed=23, zones=2, stations=2)
    execute(path, "update zone set timezone = 'Asia/Tokyo' where zone_id = 'Z2'")
    bmad = make_bmad(jobs=jobs(["Z1", "Z2"]), sources={"plant": f"sqlite:{path}"})
    got = dry(bmad, "area_eos", AT)
    assert got["messages"][0]["key"] == "area-eos|Z1|2024-11-02|NIGHT|Z2|2024-11-03|DAY"


@pytest.mark.parametrize("how", NIGHTS[:4] + NIGHTS[7:9], ids=lambda how: "%(timezone)s-%(start)s" % how)
def test_staffing_and_the_day_equal_a_second_computation(sources, make_bmad, tmp_path, how):
    path = tmp_path / "plant.db"
    maker = plant.make_plant(path, seed=24, **dict(how, zones=2, stations=3))
    bmad = make_bmad(jobs=jobs(maker.zones), sources={"plant": sources.url(path)})
    rng = random.Random(str(how))
    for _ in range(3):
        at = rng.randint(maker.begin + 40000, maker.finish + 20000)
        want = plant_eos.daily(path, maker.zones, at)
        assert difference(dry(bmad, "daily", text(at))["data"][0], want) is None, text(at)
        heads = plant_eos.staffing_report(path, "Z1", at)
        got = dry(bmad, "staffing", text(at))
        if plant.instant(heads["shift"]["start"]) + 1800 <= at:
            assert difference(got["data"][0], heads) is None, text(at)
        else:
            assert got["messages"] == []


# -- what is posted, and how often -------------------------------------------------------------------------------


def test_staffing_is_posted_once_and_again_when_a_number_changes(make_bmad, tmp_path):
    path = tmp_path / "plant.db"
    plant.make_plant(path, seed=25, timezone="UTC", start="2024-06-01")
    execute(path, "delete from staffing")
    bmad = make_bmad(jobs=jobs(["Z1"]), sources={"plant": f"sqlite:{path}"})
    post = lambda at: bmad.once("staffing", "--at", at)["data"]
    row = "insert or replace into staffing values ('Z1', '2024-06-02', 'DAY', 'Operator', 10, ?, ?)"
    assert post("2024-06-02T06:29:00Z") == []
    first, = post("2024-06-02T06:30:00Z")
    assert (first["staffing"], first["change"]) == (None, None)
    assert post("2024-06-02T06:35:00Z") == []
    execute(path, (row, (9, "2024-06-02T06:37:00Z")))
    assert post("2024-06-02T06:35:00Z") == [], "the row is not there yet"
    second, = post("2024-06-02T06:40:00Z")
    assert second["change"]["before"] is None and second["change"]["after"]["actual"] == 9
    assert second["short_roles"] == ["Operator"]
    execute(path, (row, (None, "2024-06-02T06:41:00Z")))
    third, = post("2024-06-02T06:45:00Z")
    assert (third["change"]["before"]["actual"], third["change"]["after"]["actual"]) == (9, None)
    earlier = bmad.once("staffing", "--at", "2024-06-02T06:30:00Z")
    assert [m["outcome"] for m in earlier["messages"]] == ["suppressed"]
    assert post("2024-06-02T06:50:00Z") == []


def test_a_shift_and_a_date_are_posted_once(make_bmad, tmp_path):
    path = tmp_path / "plant.db"
    plant.make_plant(path, seed=26)
    bmad = make_bmad(jobs=jobs(["Z1"]), sources={"plant": f"sqlite:{path}"})
    for job, key in (("eos", "zone-eos|Z1|2024-11-02|NIGHT"), ("daily", "plant-daily|2024-11-02")):
        for outcome in ("delivered", "suppressed"):
            message, = bmad.once(job, "--at", AT)["messages"]
            assert (message["key"], message["outcome"]) == (key, outcome)
        assert bmad.once(job, "--at", AT, "--again")["messages"][0]["outcome"] == "delivered"


def test_rows_that_come_late_change_the_next_report_and_no_earlier_one(make_bmad, tmp_path):
    path = tmp_path / "plant.db"
    plant.make_plant(path, seed=27)
    bmad = make_bmad(jobs=jobs(["Z1"]), sources={"plant": f"sqlite:{path}"})
    before = {job: dry(bmad, job, AT)["data"] for job in ("eos", "daily")}
    execute(path, "insert into unit_event select event_id + 1000000000000000, station_id, unit_id || 'x', product, ts, attempt,"
                  " result, cycle_ms, '2024-11-03T14:10:01Z' from unit_event where ts < '2024-11-03T14:00:00Z'")
    assert {job: dry(bmad, job, AT)["data"] for job in ("eos", "daily")} == before
    later = dry(bmad, "eos", "2024-11-03T14:11:00Z")["data"][0]
    assert later["totals"]["actual"] > before["eos"][0]["totals"]["actual"]
    assert later["late_units"] > before["eos"][0]["late_units"]


def test_nothing_is_posted_of_a_day_on_which_nobody_worked(make_bmad, tmp_path):
    path = tmp_path / "plant.db"
    plant.make_plant(path, seed=28, timezone="UTC", start="2024-06-01", days=1)
    execute(path, "delete from unit_event", "delete from staffing", "delete from crew_calendar",
            "insert into crew_calendar select 'Z1', date('2024-05-25', '+' || value || ' days'), t, 'A', 0"
            " from (select 0 as value union all select 7 union all select 8), (select 'DAY' as t union all select 'NIGHT')")
    bmad = make_bmad(jobs=jobs(["Z1"]), sources={"plant": f"sqlite:{path}"})
    for job in ("eos", "daily", "staffing"):
        assert dry(bmad, job, "2024-06-02T06:40:00Z")["messages"] == [], job


# -- options, names, empty tables --------------------------------------------------------------------------------


@pytest.mark.parametrize("options, complaint", [
    ({}, "zone: missing"),
    ({"zone": "Z1", "zones": ["Z2"]}, "instead of a zone"),
    ({"zones": ["Z1", "Z2", "Z1"]}, "'Z1' is named twice"),
    ({"zones": []}, "zone: missing"),
])
@pytest.mark.parametrize("module", ["zone_eos", "zone_hourly"])
def test_a_job_names_a_zone_or_an_area(make_bmad, module, options, complaint):
    bmad = make_bmad(jobs={"a": {"module": module, "channels": ["console"], "options": {"source": "plant", **options}}},
                     sources={"plant": "sqlite:plant.db"})
    done = bmad.command("check")
    assert done.returncode == 2 and complaint in done.stderr


def test_unknown_zones_are_told_with_those_there_are(sources, make_bmad, tmp_path):
    path = tmp_path / "plant.db"
    plant.make_plant(path, seed=8, start="2024-06-01", zones=2, stations=2)
    bmad = make_bmad(jobs={**jobs(["Z1", "Z9"]), "staffing": jobs(["Z9"])["staffing"],
                           "daily": {"module": "plant_daily", "channels": ["console"], "options": {"source": "plant", "zones": ["Z9"]}}},
                     sources={"plant": sources.url(path)})
    for job in ("area_eos", "area_hourly", "staffing", "daily"):
        got = bmad.once(job, "--at", "2024-06-02T10:05:00Z", "--dry-run", status=1)
        told = got["error"]["message"] + " ".join(f["note"] or "" for f in got["error"]["frames"])
        assert "'Z9'" in told and "Z1, Z2" in told, told


def test_check_connect_makes_every_report_and_finds_zones_and_tables_that_are_not_there(sources, make_bmad, tmp_path):
    path = tmp_path / "plant.db"
    plant.make_plant(path, seed=9, start="2024-06-01", zones=2, stations=2)

    def results(zone, url):
        options = {"source": "plant"}
        bmad = make_bmad(sources={"plant": url}, jobs={
            **{module: {"module": module, "channels": ["console"], "options": {**options, "zone": zone}}
               for module in ("zone_hourly", "zone_eos", "zone_alert", "zone_staffing")},
            "plant_daily": {"module": "plant_daily", "channels": ["console"], "options": {**options, "zones": ["Z1", zone]}}})
        done = bmad.command("check", "--connect")
        return {line.split(": ")[0][4:]: line for line in done.stdout.splitlines() if line.startswith("job ")}

    good = results("Z2", sources.url(path))
    assert len(good) == 5 and all(": ok: " in line for line in good.values()), good
    unknown = results("Z9", sources.url(path))
    assert all(": failed: " in line and "'Z9'" in line and "Z1, Z2" in line for line in unknown.values()), unknown
    broken = results("Z2", sources.changed(path, "alter table hour_target rename column target_units to units"))
    assert all(": failed: " in line and "target_units" in line for line in broken.values()), broken


@pytest.mark.parametrize("job", ["eos", "area_eos", "area_hourly", "staffing", "daily"])
def test_empty_tables_give_a_report_or_an_error(sources, make_bmad, tmp_path, job):
    path = tmp_path / "plant.db"
    plant.make_plant(path, seed=29, timezone="UTC", start="2024-06-01", days=1, stations=2)
    execute(path, *("delete from " + table for table in (
        "unit_event", "ncm_event", "downtime_event", "staffing", "crew_calendar", "hour_target")))
    bmad = make_bmad(jobs=jobs(["Z1"]), sources={"plant": sources.url(path)})
    got = dry(bmad, job, "2024-06-02T06:40:00Z")["data"][0]
    if job == "eos":
        assert (got["status"], got["best_hour"], got["bottlenecks"], got["staffing"]) == ("no_data", None, [], None)
        assert got["totals"]["attainment_pct"] is None and got["warnings"][0] == "no_crew"
    execute(path, "delete from station", "delete from line", "delete from shift_definition")
    bmad = make_bmad(jobs=jobs(["Z1"]), sources={"plant": sources.url(path)})
    assert "shift_definition" in bmad.once(job, "--at", "2024-06-02T06:40:00Z", "--dry-run", status=1)["error"]["message"]


HOSTILE = [
    '"quoted\\" {{name}} <script>alert(1)</script> & *bold* [x](http://x) `',
    "\U0001f9e8 \u6a21\u7d44 \u202e right to left \u0000 \x07\nnext line".replace("\u0000", ""),
    "x" * 10000,
]


@pytest.mark.parametrize("name", HOSTILE, ids=["markup", "unicode", "long"])
def test_hostile_names_break_no_message(sources, make_bmad, tmp_path, name):
    path = tmp_path / "plant.db"
    plant.make_plant(path, seed=30, timezone="UTC", start="2024-06-01", days=1)
    execute(path, ("update zone set name = ?", (name,)), ("update line set name = ?", (name,)),
            ("update station set name = ?", (name,)), ("update staffing set role = ? || role", (name,)),
            ("update crew_calendar set crew = ?", (name,)), ("update ncm_event set defect_code = ? || defect_code", (name,)))
    channels = {"card": {"type": "teams", "url": "https://chat.example/hook"}, "raw": {"type": "webhook", "url": "https://chat.example/x"}}
    bmad = make_bmad(jobs=jobs(["Z1"], ["console", "card", "raw"]), channels=channels, sources={"plant": sources.url(path)})
    for job in ("eos", "area_eos", "area_hourly", "staffing", "daily"):
        got = json.loads(bmad.command("--once", job, "--at", "2024-06-02T06:40:00Z", "--dry-run", "--json").stdout)
        # A card that cannot be kept within its size goes out as plain text, and says so.
        assert got["result"] == "ok" or len(name) > 1000 and got["result"] == "degraded"
        assert len(got["messages"]) == 3
        for message in got["messages"]:
            if message["type"] == "teams":
                assert len(json.dumps(message["payload"])) < 28000
                assert all(block.get("wrap") for block in text_blocks(message["payload"]))


# -- side by side ------------------------------------------------------------------------------------------------


def test_zones_in_parallel_give_the_same_bytes_as_one_after_the_other(sources, make_bmad, tmp_path):
    path = tmp_path / "plant.db"
    now = int(time.time())
    maker = plant.make_plant(path, seed=31, zones=4, stations=3, timezone="UTC", start=text(now - 2 * 86400)[:10], days=3)
    execute(path, "update crew_calendar set scheduled = 1")
    slot = text(now + 15)  # time to load a server's tables, and for what is compared with
    made = {f"{module}-{zone}": {"module": module, "channels": ["out"], "schedule": f"@at {slot}",
                                 "options": {"source": "plant", "zone": zone}}
            for module in ("zone_eos", "zone_hourly") for zone in maker.zones}
    bmad = make_bmad(jobs=made, channels={"out": {"type": "file", "dir": "out"}}, daemon={"workers": 4},
                     sources={"plant": sources.url(path)})
    want = sorted(dry(bmad, job, slot)["messages"][0]["payload"] for job in made)
    bmad.start()
    bmad.wait_event("message_delivered", count=len(made))
    assert sorted(file.read_text() for file in (bmad.folder / "out").iterdir()) == want
