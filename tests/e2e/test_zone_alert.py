# SPDX-License-Identifier: MIT
"""zone_alert against a second judge, minute by minute; each minute is a process of its own, as after a restart."""
import copy

import pytest

import plant
import plant_alerts
from plant import instant, text
from test_zone_reports import Sources, execute, server  # noqa: F401 (a fixture)

WALKS = [
    # Over the end of a shift, with shorter times than usual, so that much happens.
    dict(how=dict(timezone="America/Los_Angeles", start="2024-11-02"), begin="2024-11-03T00:20:00Z", minutes=60,
         rules={"station_down": {"raise_min": 5}, "starved": {"raise_min": 4, "clear_min": 2}, "blocked": {"raise_min": 4, "clear_min": 2},
                "cycle_slow": {"raise_pct": 112, "n": 8, "for_min": 1}}, repeat=12, cooldown=6, most=8),
    # The hour that comes twice, and a feed that dies in it.
    dict(how=dict(timezone="America/Los_Angeles", start="2024-11-02", blackout=("2024-11-03T08:20:00Z", "2024-11-03T09:00:00Z")),
         begin="2024-11-03T08:15:00Z", minutes=48, rules={"output_below": {"raise_pct": 95, "clear_pct": 96, "for_min": 0}},
         repeat=15, cooldown=3, most=60),
]
KEYS = {"raise_pct": "raise", "clear_pct": "clear", "raise_min": "raise", "clear_min": "clear", "for_min": "for", "n": "n"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def sources(request):
    return Sources(request.param, request.getfixturevalue("server") if request.param == "postgresql" else None)


def alert_job(**options):
    return {"a": {"module": "zone_alert", "channels": ["console"], "options": {"source": "plant", "zone": "Z1", **options}}}


def as_judged(data):
    """The parts of an alert message that the second judge tells."""
    rows = lambda key: [{"key": r["key"], "rule": r["rule"], "value": r["value"], "threshold": r["threshold"],
                         "since": instant(r["since"]), "duration_min": r["duration_min"], "severity": r["severity"],
                         "cause": r["cause"] and r["cause"]["station_id"], "carried_over": r["carried_over"]} for r in data[key]]
    return {**{key: rows(key) for key in ("raised", "repeated", "cleared")},
            **{key: data[key] for key in ("held_back", "firing_total", "suppressed")}}


@pytest.mark.parametrize("walk", WALKS, ids=["shift-change", "clock-change"])
def test_every_minute_equals_a_second_judge(sources, make_bmad, tmp_path, walk):
    path = tmp_path / "plant.db"
    plant.make_plant(path, seed=41, **walk["how"])
    execute(path, "update crew_calendar set scheduled = 1")
    rules = copy.deepcopy(plant_alerts.DEFAULTS)
    for rule, settings in walk["rules"].items():
        rules[rule].update({KEYS[key]: value for key, value in settings.items()})
    judge = plant_alerts.Alerts(path, "Z1", rules, walk["repeat"], walk["cooldown"], walk["most"])
    bmad = make_bmad(jobs=alert_job(rules=walk["rules"], repeat=f"{walk['repeat']}m", cooldown=f"{walk['cooldown']}m",
                                    max_per_hour=walk["most"]), sources={"plant": sources.url(path)})
    said = {"raised": 0, "repeated": 0, "cleared": 0, "held_back": 0}
    whole = sources.kind == "sqlite"    # the other database answers the same queries: half the way will do
    for minute in range(walk["minutes"] if whole else walk["minutes"] // 2):
        slot = instant(walk["begin"]) + 60 * minute
        got = bmad.once("a", "--at", text(slot))
        want = judge.evaluate(slot)
        assert [as_judged(data) for data in got["data"]] == ([want] if want else []), text(slot)
        for key in said:
            said[key] += len(want[key]) if want and key != "held_back" else want["held_back"] if want else 0
    assert said["raised"] and (said["cleared"] or not whole), f"nothing happened on this walk: {said}"


# -- one station, by hand ------------------------------------------------------------------------------------------


@pytest.fixture
def down(make_bmad, tmp_path):
    """A plant in which nothing happens but what a test does; only stops are judged."""
    path = tmp_path / "plant.db"
    plant.make_plant(path, seed=42, timezone="UTC", start="2024-06-01", days=1, lines=1, stations=3)
    execute(path, "delete from downtime_event", "update crew_calendar set scheduled = 1")
    off = {rule: False for rule in plant_alerts.DEFAULTS if rule not in ("station_down", "starved")}
    bmad = make_bmad(jobs=alert_job(rules=off, grace="0s"), sources={"plant": f"sqlite:{path}"})
    bmad.path = path
    return bmad


def stop(bmad, station, start, end=None, category="BREAKDOWN", reason="gripper lost vacuum", number=[0]):
    number[0] += 1
    execute(bmad.path, ("insert into downtime_event values (?, ?, ?, ?, ?, ?, ?)",
                        (number[0], "Z1L1S%d" % station, start, end, category, reason, start)))


def at(bmad, clock, *more):
    return bmad.once("a", "--at", f"2024-06-01T{clock}:00Z", *more)


def test_a_stop_is_told_when_it_is_long_and_when_it_is_over(down):
    stop(down, 2, "2024-06-01T10:00:00Z")
    assert at(down, "10:09")["data"] == []
    told = at(down, "10:10")
    alert, = told["data"][0]["raised"]
    assert (alert["rule"], alert["station_id"], alert["value"], alert["unit"]) == ("station_down", "Z1L1S2", 10, "min")
    assert (alert["severity"], alert["reason"], alert["cause"]) == ("critical", "gripper lost vacuum", None)
    assert told["messages"][0]["key"] == "zone-alert|Z1|2024-06-01T10:10:00Z"
    assert at(down, "10:10")["data"] == [], "a second run of the minute tells nothing again"
    assert at(down, "10:11")["data"] == []
    execute(down.path, "update downtime_event set end_ts = '2024-06-01T10:12:00Z'")
    assert [at(down, f"10:{minute}")["data"] for minute in (14, 15, 19)] == [[], [], []]
    cleared, = at(down, "10:20")["data"][0]["cleared"]
    assert cleared["key"] == alert["key"] and cleared["severity"] == "critical"
    assert at(down, "10:21")["data"] == []


def test_an_alert_elsewhere_resolves_when_nothing_fires_any_more(down):
    rules = {rule: False for rule in plant_alerts.DEFAULTS if rule != "station_down"}
    jobs = alert_job(rules={**rules, "station_down": {"clear_for_min": 0}}, grace="0s")
    jobs["a"]["channels"] = ["pager"]
    down.configure(jobs, {"pager": {"type": "pagerduty", "routing_key": "k"}}, {"allow_channels": ["console"]},
                   sources={"plant": f"sqlite:{down.path}"})
    stop(down, 1, "2024-06-01T10:00:00Z", "2024-06-01T10:20:00Z")
    stop(down, 2, "2024-06-01T10:00:00Z", "2024-06-01T10:30:00Z")
    said = [at(down, clock)["messages"][0]["payload"] for clock in ("10:10", "10:23", "10:33")]
    assert [event["event_action"] for event in said] == ["trigger", "trigger", "resolve"]
    assert len({event["dedup_key"] for event in said}) == 1


def test_what_stands_behind_a_stopped_station_is_not_told_beside_it(down):
    stop(down, 1, "2024-06-01T10:00:00Z")
    for station in (2, 3):
        stop(down, station, "2024-06-01T10:01:00Z", category="STARVED")
    for minute in range(10, 20):
        for data in at(down, f"10:{minute}")["data"]:
            assert [row["rule"] for row in data["raised"]] == ["station_down"]
    down.configure(alert_job(rules={"station_down": False, "output_below": False, "cycle_slow": False, "fpy_below": False,
                                    "ncm_spike": False, "no_data": False, "staffing_short": False, "blocked": False}, grace="0s"),
                   {}, {}, sources={"plant": f"sqlite:{down.path}"})
    data, = at(down, "10:20")["data"]
    assert [(row["station_id"], row["cause"]["station_id"]) for row in data["raised"]] == [("Z1L1S2", "Z1L1S1"), ("Z1L1S3", "Z1L1S1")]
    assert [row["reason"] for row in data["cleared"]] == ["not watched any more"], "who was told hears of its end"


def test_a_dry_run_and_a_look_back_change_nothing(down):
    stop(down, 2, "2024-06-01T10:00:00Z")
    for _ in range(2):
        assert len(at(down, "10:15", "--dry-run")["data"]) == 1
    assert len(at(down, "10:15")["data"]) == 1
    assert at(down, "10:14")["data"] == []
    assert at(down, "10:16")["data"] == []


@pytest.mark.parametrize("rules, complaint", [
    ({"output_belw": False}, "unknown key 'output_belw' in 'rules' of options of job 'a'; did you mean 'output_below'?"),
    ({"output_below": {"raise": 70}}, "unknown key 'raise' in 'rules.output_below' of options of job 'a'"),
    ({"cycle_slow": 5}, "expected a mapping or false"),
    ({"station_down": {"severity": "loud"}}, "expected one of warning, critical"),
    ({"no_data": {"raise_min": "soon"}}, "'raise_min' in 'rules.no_data'"),
])
def test_a_rule_or_number_that_is_not_there_is_told(make_bmad, rules, complaint):
    bmad = make_bmad(jobs=alert_job(rules=rules), sources={"plant": "sqlite:plant.db"})
    done = bmad.command("check")
    assert done.returncode == 2 and complaint in done.stderr, done.stderr


def test_empty_tables_and_hostile_names_raise_no_error(make_bmad, tmp_path):
    path = tmp_path / "plant.db"
    plant.make_plant(path, seed=43, timezone="UTC", start="2024-06-01", days=1)
    name = '"x" <b>&*[y](z)\n\U0001f9e8' + "x" * 3000
    execute(path, ("update station set name = ?", (name,)), ("update downtime_event set reason = ?, end_ts = null", (name,)))
    channels = {"card": {"type": "teams", "url": "https://chat.example/hook"}}
    jobs = alert_job()
    jobs["a"]["channels"] = ["console", "card"]
    bmad = make_bmad(jobs=jobs, channels=channels, sources={"plant": f"sqlite:{path}"})
    got = bmad.json("--once", "a", "--at", "2024-06-01T10:00:00Z", "--dry-run")
    assert got["result"] in ("ok", "degraded") and len(got["messages"]) == 2
    for table in ("unit_event", "ncm_event", "downtime_event", "staffing", "crew_calendar", "hour_target", "station", "line"):
        execute(path, "delete from " + table)
        assert bmad.once("a", "--at", "2024-06-01T10:00:00Z", "--dry-run")["error"] is None
