# SPDX-License-Identifier: MIT
"""The end-of-shift, staffing and daily reports and areas, computed a second time over plant.Plant."""
import datetime as dt
from fractions import Fraction

import plant
from plant import OWN, Plant, instant, one_decimal, pct, text

EVERY = OWN + ("STARVED", "BLOCKED", "PLANNED")


def crew_of(p, shift):
    """The calendar's row; says of SHIFT whether it is scheduled."""
    rows = p.rows("crew_calendar", zone_id=p.zone["zone_id"], shift_date=shift["date"], shift_type=shift["type"])
    shift["scheduled"] = not rows or rows[0]["scheduled"] == 1
    return rows


def crew_name(rows):
    return rows[0]["crew"] if rows else None


def shift_object(p, shift, rows):
    return {"date": shift["date"], "type": shift["type"], "crew": crew_name(rows), "scheduled": shift["scheduled"],
            "start": text(shift["start"]), "end": text(shift["end"]),
            "start_local": p.local(shift["start"]).isoformat(), "end_local": p.local(shift["end"]).isoformat(),
            "length_min": one_decimal(Fraction(shift["end"] - shift["start"], 60)), "hours": len(p.buckets(shift))}


def zone_object(p):
    return {"id": p.zone["zone_id"], "name": p.zone["name"], "timezone": p.zone["timezone"]}


# -- staffing -----------------------------------------------------------------------------------------------


def staffing(p, shift):
    rows = [r for r in p.rows("staffing", zone_id=p.zone["zone_id"], shift_date=shift["date"], shift_type=shift["type"])
            if r["updated_at"] <= text(p.as_of)]
    if not rows:
        return None
    planned = sum(r["planned"] for r in rows)
    known = all(r["actual"] is not None for r in rows)
    actual = sum(r["actual"] for r in rows) if known else None
    return {"planned": planned, "actual": actual, "gap": actual - planned if known else None,
            "fill_pct": pct(actual, planned) if known else None,
            "roles": [{"role": r["role"], "planned": r["planned"], "actual": r["actual"],
                       "gap": None if r["actual"] is None else r["actual"] - r["planned"]}
                      for r in sorted(rows, key=lambda r: r["role"].encode())]}


def staffing_report(path, zone, as_of):
    p = Plant(path, zone, as_of)
    shift = p.shift(as_of)
    rows = crew_of(p, shift)
    heads, before = staffing(p, shift), staffing(p, p.shift(shift["start"] - 1))
    short = [r for r in (heads or {"roles": []})["roles"] if r["gap"] is not None and r["gap"] < 0]
    return {"report": "zone_staffing", "zone": zone_object(p), "as_of": text(as_of), "shift": shift_object(p, shift, rows),
            "staffing": heads, "short_roles": [r["role"] for r in sorted(short, key=lambda r: (r["gap"], r["role"].encode()))],
            "change": None, "previous": before and {"planned": before["planned"], "actual": before["actual"]}}


# -- the end of a shift -------------------------------------------------------------------------------------


def oee(p, shift, line):
    stations = [s for s in p.stations if s["line_id"] == line["line_id"] and s["is_constraint"]]
    if not stations:
        return None
    s, (a, b) = stations[0], (shift["start"], shift["end"])
    who = s["station_id"]
    planned = (b - a) - p.seconds(who, ("PLANNED",), a, b)
    stopped = p.seconds(who, EVERY, a, b) - p.seconds(who, ("PLANNED",), a, b)
    rows = [r for r in p.units if r["station_id"] == who and a <= r["at"] < b]
    good = sum(r["result"] == "PASS" for r in rows)
    return {"station_id": who, "station": s["name"], "availability_pct": pct(planned - stopped, planned),
            "performance_pct": pct(s["ideal_cycle_ms"] * len(rows), 1000 * (planned - stopped)),
            "quality_pct": pct(good, len(rows)), "oee_pct": pct(s["ideal_cycle_ms"] * good, 1000 * planned)}


def line_rows(p, shift, buckets):
    a, b = shift["start"], shift["end"]
    found = []
    for line in p.lines:
        ids = p.ids(line["line_id"])
        target, actual = p.targets([line], buckets, shift), p.output(a, b, line["line_id"])
        first = [r for r in p.units if r["station_id"] in ids and a <= r["at"] < b and r["attempt"] == 1]
        scrap = sum(r["qty"] for r in p.ncm if r["station_id"] in ids and a <= r["at"] < b and r["disposition"] == "SCRAP")
        found.append({"id": line["line_id"], "name": line["name"], "target": target, "actual": actual, "gap": actual - target,
                      "attainment_pct": pct(actual, target),
                      "fpy_pct": pct(sum(r["result"] == "PASS" for r in first), len(first)),
                      "scrap": scrap, "oee": oee(p, shift, line)})
    return found


def bottlenecks(p, a, b):
    """One after the other, each without those before."""
    rest, found = Plant.__new__(Plant), []
    rest.__dict__ = dict(p.__dict__)
    while len(found) < 5:
        worst = plant.bottleneck(rest, a, b)
        if worst is None:
            break
        found.append(worst)
        rest.stations = [s for s in rest.stations if s["station_id"] != worst["station_id"]]
    return found


def downtime_pareto(p, a, b):
    ids = p.ids()
    rows = []
    for kind in sorted(EVERY):
        events = [s for s in p.stops if s[0] in ids and s[1] == kind and s[2] < b and s[3] > a]
        if events:
            rows.append((sum(p.seconds(who, (kind,), a, b) for who in ids), kind, len(events)))
    total = sum(r[0] for r in rows)
    rows.sort(key=lambda r: -r[0])
    return [{"category": kind, "minutes": one_decimal(Fraction(seconds, 60)), "events": events, "share_pct": pct(seconds, total)}
            for seconds, kind, events in rows]


def ncm_pareto(p, a, b):
    sums = {}
    for r in p.ncm:
        if a <= r["at"] < b:
            sums[r["defect_code"]] = sums.get(r["defect_code"], 0) + r["qty"]
    rows = sorted(sums.items(), key=lambda r: (-r[1], r[0]))
    return [{"defect_code": code, "qty": qty, "share_pct": pct(qty, sum(sums.values()))} for code, qty in rows[:5]]


def extreme(rows, pick):
    rows = [r for r in rows if r["target"] > 0]
    if not rows:
        return None
    best = pick(r["gap"] for r in rows)
    row = next(r for r in rows if r["gap"] == best)
    return {key: row[key] for key in ("no", "label", "target", "actual", "gap")}


def eos(path, zone, as_of, grace=120):
    """The data object of zone_eos, and its message key."""
    p = Plant(path, zone, as_of)
    shift = p.shift(p.shift(as_of - grace)["start"] - 1)
    rows = crew_of(p, shift)
    buckets = p.buckets(shift)
    a, b = shift["start"], shift["end"]
    board = plant.board(p, shift, buckets)
    ncm = [r for r in p.ncm if a <= r["at"] < b]
    qty = lambda kind: sum(r["qty"] for r in ncm if r["disposition"] == kind)
    before = p.shift(a - 1)
    before_crew = crew_name(crew_of(p, before))
    before_target, before_actual = p.targets(p.lines, p.buckets(before), before), p.output(before["start"], before["end"])
    data = {
        "report": "zone_eos", "zone": zone_object(p), "as_of": text(as_of), "shift": shift_object(p, shift, rows),
        "totals": dict(p.figures(shift, buckets), hold=qty("HOLD"), rework=qty("REWORK")),
        "board": board, "best_hour": extreme(board, max), "worst_hour": extreme(board, min),
        "lines": line_rows(p, shift, buckets), "bottlenecks": bottlenecks(p, a, b),
        "downtime_pareto": downtime_pareto(p, a, b), "ncm_pareto": ncm_pareto(p, a, b), "staffing": staffing(p, shift),
        "previous": {"date": before["date"], "type": before["type"], "crew": before_crew, "target": before_target,
                     "actual": before_actual, "attainment_pct": pct(before_actual, before_target)},
        "late_units": sum(r["output"] and instant(r["recorded_at"]) > e + grace for s, e in buckets for r in p.units if s <= r["at"] < e),
        "status": "not_scheduled" if not shift["scheduled"] else
                  "ok" if any(a <= r["at"] < b for r in p.units) else "no_data",
        "warnings": plant.warnings(p, shift, buckets, rows),
    }
    return data, "zone-eos|%s|%s|%s" % (zone, shift["date"], shift["type"])


# -- areas --------------------------------------------------------------------------------------------------


def area(path, zones, as_of, report, grace=120):
    """The object of an area made of the objects of its zones; REPORT is `hourly` or `eos`."""
    one = {"hourly": plant.hourly, "eos": eos}[report]
    objects = [one(path, zone, as_of, grace)[0] for zone in zones]
    windows = [o["hour"] if report == "hourly" else o["totals"] for o in objects]
    total = lambda key: sum(w[key] for w in windows)
    seconds = 0
    for zone, o in zip(zones, objects):
        p = Plant(path, zone, as_of)
        span = o["hour"] if report == "hourly" else o["shift"]
        seconds += sum(p.seconds(who, OWN, instant(span["start"]), instant(span["end"])) for who in p.ids())
    target, actual = total("target"), total("actual")
    return {"report": "area_" + report, "as_of": text(as_of), "zones": objects,
            "total": {"target": target, "actual": actual, "gap": actual - target, "attainment_pct": pct(actual, target),
                      "fail": total("fail"), "ncm": total("ncm"), "scrap": total("scrap"),
                      "downtime_min": one_decimal(Fraction(seconds, 60))}}


# -- the day ------------------------------------------------------------------------------------------------


def shifts_of(p, date):
    """The shifts of a shift date, in time."""
    found, at = [], p.shift(instant(date + "T00:00:00Z") - 2 * 86400)
    while at["date"] <= date:
        if at["date"] == date:
            crew = crew_name(crew_of(p, at))
            buckets = p.buckets(at)
            found.append((at, crew, p.figures(at, buckets)))
        at = p.shift(at["end"])
    return found


def zone_day(p, date):
    shifts = shifts_of(p, date)
    target, actual = sum(f["target"] for _s, _c, f in shifts), sum(f["actual"] for _s, _c, f in shifts)
    trend = []
    for back in range(7, 0, -1):
        earlier = shifts_of(p, (dt.date.fromisoformat(date) - dt.timedelta(days=back)).isoformat())
        trend.append(pct(sum(f["actual"] for _s, _c, f in earlier), sum(f["target"] for _s, _c, f in earlier)))
    return {"id": p.zone["zone_id"], "name": p.zone["name"],
            "shifts": [{"type": s["type"], "crew": crew, **{k: f[k] for k in (
                "target", "actual", "gap", "attainment_pct", "fpy_pct", "scrap")}} for s, crew, f in shifts],
            "target": target, "actual": actual, "gap": actual - target, "attainment_pct": pct(actual, target), "trend7": trend}


def daily(path, zones, as_of):
    """The data object of plant_daily: of the last date whose shifts are over in every zone."""
    plants = [Plant(path, zone, as_of) for zone in zones]
    today = plants[0].local(as_of).date()
    for back in range(-1, 5):
        date = (today - dt.timedelta(days=back)).isoformat()
        if all(shifts_of(p, date) and shifts_of(p, date)[-1][0]["end"] <= as_of for p in plants):
            break
    rows = [zone_day(p, date) for p in plants]
    target, actual = sum(r["target"] for r in rows), sum(r["actual"] for r in rows)
    planned = [r for r in rows if r["target"] > 0]
    return {"report": "plant_daily", "date": date, "as_of": text(as_of), "zones": rows, "target": target, "actual": actual,
            "gap": actual - target, "attainment_pct": pct(actual, target),
            "worst_zone": min(planned, key=lambda r: Fraction(r["actual"], r["target"]))["id"] if planned else None}
