# SPDX-License-Identifier: MIT
"""Every body that is made of hundreds of hostile data objects is what its provider takes."""
import copy
import html.parser
import json
import os
import random
import re
import subprocess

import jsonschema
import pytest

from harness import BUILD, ROOT

DRIVER = BUILD / "tests/drivers/render_driver"
TYPES = ["teams", "slack", "discord", "mattermost", "pagerduty", "sms"]
MENTIONS = {"teams": ["ana@example.com"], "slack": ["U1", "here"], "discord": ["7", "&8"], "mattermost": ["ana"]}
SEED = int(os.environ.get("BMAD_SEED", "1"))

HOSTILE = [
    "", " ", "\u200b", "Zoë", "日本語の長い名前", "😀👩‍👩‍👧‍👦🇩🇪🏳️‍🌈", "e\u0301" * 40, "\u202eedoc\u202c", "שלום עולם", "مرحبا",
    '"quoted" \\ back\\slash', "line\r\nbreak\n\ttab", "`code` ```fence```", "*bold* _it_ ~no~ [a](http://x) <b>html</b>",
    "@channel @here @everyone <!here> <!channel> <@U1> <at>boss</at>", "& < > &amp; &#64;", "{{zone}} {{#rows}} ${HOME}",
    "| pipe | pipe |", "# head\n> quote\n- list\n1. one\n---", "\x01\x07\x1b[31m\x7f", "=1+1", "a" * 300, "w " * 2500, "😀" * 3000,
    '"\\' * 4000,
]


@pytest.fixture(scope="module")
def render():
    """render(type, module, data): the parts, as the driver answers."""
    process = subprocess.Popen([DRIVER, ROOT / "templates"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                               encoding="utf-8")

    def ask(target, module, data, **more):
        question = {"module": module, "kind": "report", "type": target, "data": data, **more}
        process.stdin.write(json.dumps(question) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    yield ask
    process.stdin.close()
    assert process.wait(20) == 0


HOUR = {
    "report": "zone_hourly", "status": "ok", "zone": {"id": "Z1", "name": "Zone 1"},
    "hour": {"no": 2, "of": 12, "label": "07:00-08:00 PST", "target": 128, "actual": 97, "gap": -31, "attainment_pct": 75.8,
             "fail": 3, "ncm": 1, "scrap": 0, "fpy_pct": 96.9},
    "shift": {"date": "2026-11-20", "type": "DAY", "crew": "C"},
    "shift_to_date": {"actual": 220, "target": 256, "gap": -36, "shift_target": 1536, "required_rate": 132},
    "board": [{"label": f"{h:02}:00-{h + 1:02}:00 PST", "target": 128, "actual": 120 - h, "gap": -8 - h, "cum_gap": -8 * h,
               "scrap": 0, "downtime_min": 1.5, "reason": "Leak test: BREAKDOWN"} for h in range(6, 8)],
    "bottleneck": {"station": "Leak test", "line": "Line A", "lost_min": 5.3, "units_lost": 6, "downtime_min": 4.7,
                   "slow_min": 0.6, "main_category": "BREAKDOWN", "avg_cycle_s": 48.1, "ideal_cycle_s": 45},
    "downtime_top": [{"station": "Bonding", "line": "Line B", "downtime_min": 3, "events": 2, "main_category": "MICROSTOP",
                      "open": True}],
    "lines": [{"name": "Line A", "target": 64, "actual": 60, "gap": -4, "shift_gap": -11}],
    "late_units": 2, "warnings": ["no_crew", "no_target: Line B"],
}


def spoil(rng, value):
    """VALUE with some of its texts replaced, lists made long, members left out."""
    if isinstance(value, dict):
        return {key: spoil(rng, part) for key, part in value.items() if rng.random() > 0.03}
    if isinstance(value, list):
        items = [spoil(rng, item) for item in value] if rng.random() > 0.05 else []
        return items * rng.choice([1, 1, 1, 3, 40]) if items else items
    if isinstance(value, str) and rng.random() < 0.3:
        return rng.choice(HOSTILE)
    if isinstance(value, (int, float)) and rng.random() < 0.1:
        return rng.choice([0, -1, 10**15, 0.1, None])
    return value


def rows(count, cell):
    return {"title": "many", "rows": [{"station": f"S{i}", "text": cell, "n": i} for i in range(count)]}


def utf16(text):
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def texts_of(value):
    if isinstance(value, str):
        return [value]
    return [text for part in (value.values() if isinstance(value, dict) else value if isinstance(value, list) else [])
            for text in texts_of(part)]


SCHEMAS = {path.stem: jsonschema.Draft7Validator(json.loads(path.read_text())) for path in
           (ROOT / "tests/e2e/schemas").glob("*.json")}


def check(kind, payload):
    """What the schemas say, and what they cannot: sums, bytes, and nobody called by data."""
    if kind == "sms":
        assert utf16(payload) <= 1600
        return
    body = json.loads(payload)
    errors = [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:300]}" for e in SCHEMAS[kind].iter_errors(body)]
    assert not errors, errors[:3]
    if kind == "teams":
        assert len(payload.encode()) <= 20000
    elif kind == "slack":
        assert sum(map(utf16, texts_of(body.get("blocks", [])))) <= 12000
    elif kind == "discord":
        parts = [[embed.get("title"), embed.get("description"), (embed.get("footer") or {}).get("text"),
                  *(text for field in embed.get("fields", []) for text in (field["name"], field["value"]))]
                 for embed in body.get("embeds", [])]
        assert sum(utf16(text) for texts in parts for text in texts if text) <= 6000
    elif kind == "pagerduty":
        assert len(payload.encode()) <= 512 * 1024 - 200
    for text in texts_of(body):
        assert "\ufffd" not in text
        if kind == "slack":
            assert "<!channel>" not in text and (text.startswith("<@U1>") or "<@U1>" not in text)
        elif kind == "mattermost":
            assert not re.search(r"@(channel|here|all)", text.replace("`", ""))
        elif kind == "teams" and "ana@example.com" not in text:
            assert "<at>" not in text


@pytest.mark.parametrize("kind", TYPES)
def test_the_hourly_report_is_taken_whatever_its_data_hold(render, kind):
    rng = random.Random(f"{SEED}/{kind}")
    for turn in range(150):
        data = spoil(rng, copy.deepcopy(HOUR))
        (part,) = render(kind, "zone_hourly", data, mention=MENTIONS.get(kind, []) if turn % 3 == 0 else [])
        assert not part["degraded"], (turn, part["why"])
        check(kind, part["payload"])


ALARM = {
    "headline": "slips: run failed, and 2 more", "count": 3, "more": None,
    "troubles": [
        {"standing": "begun", "what": "run failed", "state": "failed", "title": "slips: run failed", "kind": "run",
         "job": "slips", "about": "delivery dates", "run": 7, "since_local": "10:05:00", "slot_local": "10:05:00",
         "times": 3, "error": "query plans: connection refused", "command": "bmad runs slips",
         "frames": [{"function": "sql_query", "file": "src/sql.c", "line": 88, "note": "connect to plant"}]},
        {"standing": "over", "what": "suspended", "state": "suspended", "title": "channel ops: well again after 42 min",
         "kind": "channel", "channel": "ops", "since_local": "09:00:00", "command": "bmad outbox list --channel ops"},
    ],
}


@pytest.mark.parametrize("kind", TYPES)
def test_an_alarm_is_taken_whatever_went_wrong(render, kind):
    rng = random.Random(f"{SEED}/alarm/{kind}")
    (part,) = render(kind, "alarm", ALARM, kind="alarm")
    assert "slips: run failed" in part["payload"] and "connection refused" in part["payload"]
    for turn in range(100):
        (part,) = render(kind, "alarm", spoil(rng, copy.deepcopy(ALARM)), kind="alarm")
        assert not part["degraded"], (turn, part["why"])
        check(kind, part["payload"])


# -- every report that is shipped --------------------------------------------------------------------------------

ZONE = {"id": "Z1", "name": "Zone 1", "timezone": "America/Los_Angeles"}
SHIFT = {"date": "2026-11-20", "type": "DAY", "crew": "C", "hours": 12}
FIGURES = {"target": 128, "actual": 97, "gap": -31, "attainment_pct": 75.8, "fail": 3, "ncm": 1, "scrap": 0, "fpy_pct": 96.9,
           "downtime_min": 12.5}
HEADS = {"planned": 13, "actual": 11, "gap": -2, "fill_pct": 84.6, "roles": [
    {"role": "Operator", "planned": 10, "actual": 9, "gap": -1}, {"role": "Lead", "planned": 1, "actual": None, "gap": None}]}
EOS = {
    "report": "zone_eos", "status": "ok", "zone": ZONE, "shift": SHIFT, "totals": {**FIGURES, "hold": 1, "rework": 2},
    "board": HOUR["board"], "best_hour": HOUR["board"][0], "worst_hour": HOUR["board"][1],
    "lines": [{"id": "L1", "name": "Line A", **FIGURES, "oee": {"station": "Leak test", "oee_pct": 71.2,
               "availability_pct": 80, "performance_pct": 95, "quality_pct": 94}}],
    "bottlenecks": [HOUR["bottleneck"]], "downtime_pareto": [{"category": "BREAKDOWN", "minutes": 5, "events": 1, "share_pct": 100}],
    "ncm_pareto": [{"defect_code": "LEAK", "qty": 3, "share_pct": 100}], "staffing": HEADS,
    "previous": {"date": "2026-11-19", "type": "NIGHT", "crew": "D", "target": 100, "actual": 99, "attainment_pct": 99},
    "late_units": 1, "warnings": [],
}
STATION_DOWN = {"rule": "station_down", "key": "S1", "line": "Line A", "station": "Leak test", "value": 12.5, "threshold": 10,
                "unit": "min", "since_local": "2026-11-20T10:17:00-08:00", "duration_min": 12.5, "severity": "critical",
                "cause": None, "carried_over": True, "reason": "gripper lost vacuum"}
# Module: kind, a data object, what whoever looks at it must see.
REPORTS = {
    "zone_hourly": ("report", HOUR, ("Zone 1", "Leak test")),
    "zone_hourly/area": ("report", {"report": "area_hourly", "zones": [HOUR, HOUR], "total": FIGURES}, ("2 zones", "128")),
    "zone_eos": ("report", EOS, ("Zone 1", "97")),
    "zone_eos/area": ("report", {"report": "area_eos", "zones": [EOS, EOS], "total": FIGURES}, ("2 zones", "128")),
    "zone_alert": ("alert", {"report": "zone_alert", "zone": ZONE, "shift": SHIFT, "raised": [STATION_DOWN],
                             "repeated": [{**STATION_DOWN, "rule": "starved", "cause": {"station": "Bonding"}}],
                             "cleared": [{**STATION_DOWN, "rule": "output_below", "station": None}], "firing_total": 3,
                             "suppressed": 1, "held_back": 2}, ("Zone 1", "Leak test", "12.5 min")),
    "zone_staffing": ("report", {"report": "zone_staffing", "zone": ZONE, "shift": SHIFT, "staffing": HEADS,
                                 "short_roles": ["Operator"], "change": {"before": None, "after": HEADS},
                                 "previous": {"planned": 13, "actual": 13}}, ("Zone 1", "11 of 13")),
    "plant_daily": ("report", {"report": "plant_daily", "date": "2026-11-20", "worst_zone": "Z1", **FIGURES, "zones": [
        {**ZONE, **FIGURES, "trend7": [None, 96, 97.5, 80, 50, 100, 120], "shifts": [{"type": "DAY", "crew": "C", **FIGURES}]}]},
        ("2026-11-20", "97")),
    "query_report": ("report", {"report": "query_report", "title": "Scrap", "row_count": 1, "truncated": False,
                                "columns": [{"name": "n", "label": "N"}], "rows": [{"n": 5}]}, ("Scrap",)),
    "slips": ("report", {"beginning": "2026-11-19", "end": "2026-11-20", "last_sent_date": "2026-11-19", "slip_delta": 2,
                         "slip_count": 1, "slips_exist": True, "improvement_count": 0, "improvements_exist": False,
                         "unplanned_count": 1, "unplanned": [{"name_pretty": "Lamp", "regions": [{"region": "EU", "separator": ""}]}],
                         "slips": [{"name_pretty": "Cell", "region": "EU", "change": 3, "previous": "2026-12-01",
                                    "current": "2026-12-04", "updater": "ana", "updated": "2026-11-20"}]}, ("1 slipped", "Cell")),
    "alarm": ("alarm", ALARM, ("slips: run failed", "connection refused")),
}
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "wbr"}


class Page(html.parser.HTMLParser):
    """Every element is closed where it was opened, nothing runs, nothing is fetched."""

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.text = [], [], ""
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        assert tag not in ("script", "iframe", "object", "form") and not [name for name in given if name.startswith("on")]
        assert tag != "img" or given["src"].startswith("cid:") and given["alt"]
        self.seen.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("report", REPORTS)
def test_a_mail_of_every_report_is_whole_whatever_its_data_hold(render, report):
    module, (message, data, words) = report.split("/")[0], REPORTS[report]
    (part,) = render("email", module, data, kind=message)
    assert not part["degraded"], part["why"]
    page = Page(part["html"])
    for word in words:
        assert word in page.text and word in part["payload"]
    assert words[0] in part["subject"] and "\n" not in part["subject"].strip()
    rng = random.Random(f"{SEED}/mail/{report}")
    for turn in range(25):
        (part,) = render("email", module, spoil(rng, copy.deepcopy(data)), kind=message)
        assert not part["degraded"], (turn, part["why"])
        Page(part["html"])


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("report", [name for name in REPORTS if name not in ("zone_hourly", "alarm")])
def test_every_report_is_taken_by_every_channel_whatever_its_data_hold(render, report, kind):
    module, (message, data, words) = report.split("/")[0], REPORTS[report]
    (part,) = render(kind, module, data, kind=message)
    assert not part["degraded"], part["why"]
    check(kind, part["payload"])
    assert kind in ("sms", "pagerduty") or words[0] in part["payload"]
    rng = random.Random(f"{SEED}/{kind}/{report}")
    for turn in range(20):
        (part,) = render(kind, module, spoil(rng, copy.deepcopy(data)), kind=message)
        assert not part["degraded"], (turn, part["why"])
        check(kind, part["payload"])


@pytest.mark.parametrize("kind", TYPES)
def test_data_without_a_template_are_taken_too(render, kind):
    rng = random.Random(f"{SEED}/plain/{kind}")
    for turn in range(80):
        data = {rng.choice(HOSTILE) or "k": spoil(rng, copy.deepcopy(HOUR)), "t": rng.choice(HOSTILE)}
        (part,) = render(kind, "no_such_module", data)
        assert not part["degraded"], (turn, part["why"])
        check(kind, part["payload"])


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("cell", ["x", "Zoë 😀 \"q\" <!here>", '"\\' * 500], ids=["short", "mixed", "escapes"])
def test_of_five_thousand_rows_the_last_are_left_out_and_counted(render, kind, cell):
    (part,) = render(kind, "no_such_module", rows(5000, cell))
    check(kind, part["payload"])
    if kind == "pagerduty":
        assert part["left_out"] >= 0
    else:
        assert part["left_out"] > 4000
        assert "more" in part["payload"] or "…" in part["payload"] or "..." in part["payload"]
    data = copy.deepcopy(HOUR)
    data["board"] = data["board"] * 2500
    (part,) = render(kind, "zone_hourly", data)
    assert not part["degraded"]
    check(kind, part["payload"])


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("cell", ["a", "\"", "👩‍👧", "\n", "*"], ids=["letter", "quote", "family", "newline", "star"])
def test_a_cell_of_ten_megabytes_costs_its_own_end_only(render, kind, cell):
    data = copy.deepcopy(HOUR)
    data["zone"]["name"] = cell * (10_000_000 // len(cell.encode()))
    (part,) = render(kind, "zone_hourly", data)
    assert not part["degraded"], part["why"]
    check(kind, part["payload"])
    if kind != "sms":
        assert "Leak test" in part["payload"]


# -- split -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TYPES)
def test_what_is_too_long_goes_out_in_numbered_parts_if_the_channel_wants_it(render, kind):
    data = {"lines": [{"no": i, "text": f"line {i}"} for i in range(300)]}
    (whole,) = render(kind, "no_such_module", {"lines": data["lines"][:3]}, split=True)
    assert "(1/" not in whole["payload"]
    parts = render(kind, "no_such_module", data, split=True)
    if len(parts) == 1:
        assert not parts[0]["left_out"]
        return
    assert len(parts) <= 5
    for number, part in enumerate(parts, 1):
        check(kind, part["payload"])
        assert f"({number}/{len(parts)})" in part["payload"]
        assert not part["left_out"] or number == 5
    shown = [i for i in range(300) if any(f"line {i}" in part["payload"].replace("\u00a0", " ") for part in parts)]
    assert shown == list(range(shown[-1] + 1))
    assert shown[-1] == 299 or parts[-1]["left_out"] >= 299 - shown[-1]
