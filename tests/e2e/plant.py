# SPDX-License-Identifier: MIT
"""Plants made for tests, and the hourly report computed a second time.

make_plant() writes an SQLite database full of the things that go wrong in real ones: late rows, second
scans, overlapping and open stops, stops of no length, hours without a target, shifts without a crew.
hourly() computes the data object of zone_hourly from such a database as plainly as can be: it reads whole
tables into lists, counts by looking at every row, and shares nothing with the program.
"""
import datetime as dt
import pathlib
import random
import sqlite3
from fractions import Fraction
from math import floor
from zoneinfo import ZoneInfo

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "demo" / "schema.sql"
UTC = dt.timezone.utc
OWN = ("BREAKDOWN", "CHANGEOVER", "MATERIAL", "MICROSTOP", "OTHER", "QUALITY", "STAFFING")


def text(at):
    return dt.datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def instant(value):
    return int(dt.datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())


# -- making plants ------------------------------------------------------------------------------------


class Maker:
    """Rows of one plant. The same arguments make the same plant."""

    def __init__(self, seed=1, timezone="America/Los_Angeles", start="2024-11-02", days=2,
                 shifts=(("DAY", "06:00"), ("NIGHT", "18:00")), zones=1, lines=2, stations=4, cycle_s=150,
                 holiday=None, blackout=None, gaps=False):
        self.rng = random.Random("%s/%s/%s" % (seed, timezone, start))
        self.tz = ZoneInfo(timezone)
        self.timezone, self.shifts, self.cycle_s = timezone, shifts, cycle_s
        self.holiday, self.gaps = holiday, gaps
        self.blackout = tuple(map(instant, blackout)) if blackout else (0, 0)
        self.first = dt.date.fromisoformat(start)
        self.dates = [self.first + dt.timedelta(days=n) for n in range(-2, days + 2)]
        self.begin = int(dt.datetime(self.first.year, self.first.month, self.first.day, tzinfo=self.tz).timestamp())
        self.finish = self.begin + days * 86400
        self.zones = ["Z%d" % (n + 1) for n in range(zones)]
        self.line_count, self.station_count = lines, stations
        self.rows = {}
        self.ids = 0

    def add(self, table, *row):
        self.rows.setdefault(table, []).append(row)

    def next_id(self):
        self.ids += 1
        return self.ids

    def write(self, path):
        for zone in self.zones:
            self.make_zone(zone)
        self.rng.shuffle(self.rows["unit_event"])   # ids do not follow time
        db = sqlite3.connect(path)
        db.executescript(SCHEMA.read_text())
        for table, rows in self.rows.items():
            db.executemany("insert into %s values (%s)" % (table, ",".join("?" * len(rows[0]))), rows)
        db.commit()
        db.close()

    def make_zone(self, zone):
        self.add("zone", zone, "Zone %s \u2013 \u201cPack\u201d" % zone[1:], self.timezone, int(zone[1:]))
        for kind, start in self.shifts:
            self.add("shift_definition", zone, kind, start)
        for date in self.dates:
            for n, (kind, _start) in enumerate(self.shifts):
                if self.rng.random() < 0.1:
                    continue                        # nobody entered it
                crew = self.rng.choice(("A", "B", "C", "D", None))
                self.add("crew_calendar", zone, date.isoformat(), kind, crew, int(date.isoformat() != self.holiday))
        self.make_staffing(zone)
        for n in range(self.line_count):
            self.make_line(zone, n)

    def make_staffing(self, zone):
        """By a generator of its own, so that what else is made does not depend on it."""
        rng = random.Random("%s staffing %s" % (zone, self.first))
        for date in self.dates:
            for kind, start in self.shifts:
                if rng.random() < 0.1:
                    continue
                hour, minute = map(int, start.split(":"))
                begin = int(dt.datetime(date.year, date.month, date.day, hour, minute, tzinfo=self.tz).timestamp())
                for role, planned in (("Technician", 2), ("Operator", 12), ("\u00dcber-Lead", 1)):
                    actual = None if rng.random() < 0.1 else max(0, planned + rng.choice((0, 0, 1, -1, -2)))
                    self.add("staffing", zone, date.isoformat(), kind, role, planned, actual,
                             text(begin + rng.choice((-3600, 900, 2400, 5000))))

    def make_line(self, zone, n):
        line = "%sL%d" % (zone, n + 1)
        exits = self.rng.choice((1, 1, 1, 2, 0)) if n else 1
        # Equal `sort` twice, so that the order by id counts too.
        self.add("line", line, zone, "Line %s" % "ABCDEFGH"[n], (self.line_count - n) // 2)
        self.make_targets(line)
        stations = []
        for s in range(self.station_count):
            station = "%sS%d" % (line, s + 1)
            ideal = int(self.cycle_s * 1000 * self.rng.uniform(0.8, 1.0))
            is_exit = s >= self.station_count - exits
            self.add("station", station, line, (s + 1) * 10, "St\u00e9p %d" % (s + 1), ideal, int(is_exit), int(s == 1))
            stations.append((station, ideal))
            self.make_stops(station)
        self.make_units(stations)

    def make_targets(self, line):
        for since in ("2020-01-01", self.first.isoformat(), (self.first + dt.timedelta(days=1)).isoformat(), "2099-01-01"):
            for hour in range(24):
                if self.gaps and hour in (2, 15) or self.rng.random() < (0.3 if since > "2021" else 0):
                    continue
                self.add("hour_target", line, since, hour, self.rng.randint(0, 30))

    def make_stops(self, station):
        at = self.begin - 7200
        while at < self.finish:
            length = self.rng.choice((0, 30, 90, 400, 1500, 4000))
            kind = self.rng.choice(OWN + ("STARVED", "BLOCKED", "PLANNED", "MICROSTOP", "BREAKDOWN"))
            end = None if self.rng.random() < 0.03 else text(at + length)
            self.add("downtime_event", self.next_id(), station, text(at), end, kind, None,
                     text(at + self.rng.choice((0, 20, 3000))))
            at += self.rng.randint(-200, 9000) if length else 600    # some overlap
        self.add("downtime_event", self.next_id(), station, text(self.begin + 9000), text(self.begin + 8000), "OTHER",
                 "ends before it starts", text(self.begin + 9000))

    def make_units(self, stations):
        at = self.begin - 14400
        number = 0
        while at < self.finish:
            number += 1
            when = at
            for station, ideal in stations:
                cycle = int(ideal * self.rng.choice((0.9, 1.0, 1.0, 1.1, 1.6)))
                when += cycle // 1000
                attempt = 1
                if self.rng.random() < 0.06:
                    self.make_event(station, stations[0][0] + str(number), when, attempt, "FAIL", cycle)
                    self.make_ncm(station, number, when)
                    attempt, when = 2, when + 60
                self.make_event(station, stations[0][0] + str(number), when, attempt, "PASS", cycle)
                if self.rng.random() < 0.05:        # scanned again: at once, later, or at the same second
                    again = when + self.rng.choice((0, 5, 4000, 40000))
                    self.make_event(station, stations[0][0] + str(number), again, attempt, "PASS", None)
            at += self.cycle_s

    def make_event(self, station, unit, at, attempt, result, cycle):
        if self.blackout[0] <= at < self.blackout[1]:
            return
        late = self.rng.choice((0, 3, 10, 60, 119, 121)) if self.rng.random() > 0.05 else self.rng.randint(1000, 20000)
        at -= at % 3600 if self.rng.random() < 0.01 else 0    # exactly on the hour
        self.add("unit_event", self.rng.randint(1, 10 ** 15), station, unit, "MOD", text(at), attempt, result,
                 None if self.rng.random() < 0.05 else cycle, text(at + late))

    def make_ncm(self, station, number, at):
        if self.rng.random() < 0.5:
            self.add("ncm_event", self.next_id(), station, str(number), text(at), self.rng.choice(("HOLD", "REWORK", "SCRAP")),
                     "D-%d" % (number % 7), self.rng.randint(1, 3), text(at + self.rng.choice((0, 600, 9000))))


def make_plant(path, **how):
    maker = Maker(**how)
    maker.write(path)
    return maker


# -- the report, a second time ------------------------------------------------------------------------


def one_decimal(x):
    tenths = floor(Fraction(x) * 10 + Fraction(1, 2))
    return tenths // 10 if tenths % 10 == 0 else tenths / 10


def pct(a, b):
    return one_decimal(Fraction(100 * a, b)) if b > 0 else None


def union(intervals, a, b):
    """Seconds of [a, b) that at least one interval covers: counts every second of a short list of edges."""
    edges = sorted({a, b} | {e for i in intervals for e in i if a < e < b})
    return sum(q - p for p, q in zip(edges, edges[1:]) if any(s <= p and q <= e for s, e in intervals))


class Plant:
    """A zone of a database as it stood at as_of."""

    def __init__(self, path, zone, as_of):
        self.db = sqlite3.connect(path)
        self.db.row_factory = sqlite3.Row
        self.as_of = as_of
        self.zone = self.rows("zone", zone_id=zone)[0]
        self.tz = ZoneInfo(self.zone["timezone"])
        self.definitions = self.rows("shift_definition", zone_id=zone)
        self.lines = sorted(self.rows("line", zone_id=zone), key=lambda r: (r["sort"], r["line_id"]))
        self.stations = []
        for line in self.lines:
            self.stations += sorted(self.rows("station", line_id=line["line_id"]), key=lambda r: (r["seq"], r["station_id"]))
        ids = {s["station_id"] for s in self.stations}
        here = lambda table: [dict(r) for r in self.rows(table) if r["station_id"] in ids and r["recorded_at"] <= text(as_of)]
        self.units, self.ncm, self.stops = here("unit_event"), here("ncm_event"), []
        for row in here("downtime_event"):
            start, end = instant(row["start_ts"]), instant(row["end_ts"]) if row["end_ts"] else 2 ** 60
            if end > start:
                self.stops.append((row["station_id"], row["category"], start, end))
        for row in self.units + self.ncm:
            row["at"] = instant(row["ts"])
        self.mark_output()

    def rows(self, table, **where):
        clause = " and ".join("%s = ?" % key for key in where) or "1"
        return self.db.execute("select * from %s where %s" % (table, clause), tuple(where.values())).fetchall()

    def mark_output(self):
        exits = {s["station_id"] for s in self.stations if s["is_exit"]}
        seen = set()
        for row in sorted(self.units, key=lambda r: (r["at"], r["event_id"])):
            who = row["station_id"], row["unit_id"]
            row["output"] = row["result"] == "PASS" and row["station_id"] in exits and who not in seen
            if row["result"] == "PASS":
                seen.add(who)

    # time

    def local(self, at):
        return dt.datetime.fromtimestamp(at, UTC).astimezone(self.tz)

    def starts(self, around):
        found = []
        for n in range(-3, 4):
            date = self.local(around).date() + dt.timedelta(days=n)
            for row in self.definitions:
                hour, minute = map(int, row["start_local"].split(":"))
                wall = dt.datetime(date.year, date.month, date.day, hour, minute, tzinfo=self.tz)
                found.append((int(wall.timestamp()), date.isoformat(), row["shift_type"]))
        return sorted(found)

    def shift(self, at):
        starts = self.starts(at)
        start, date, kind = [s for s in starts if s[0] <= at][-1]
        return {"start": start, "date": date, "type": kind, "end": min(s[0] for s in starts if s[0] > at)}

    def buckets(self, shift):
        return [(a, min(a + 3600, shift["end"])) for a in range(shift["start"], shift["end"], 3600)]

    def label(self, bucket):
        a, b = map(self.local, bucket)
        if a.strftime("%Z") == b.strftime("%Z"):
            return a.strftime("%H:%M-") + b.strftime("%H:%M %Z")
        return a.strftime("%H:%M %Z-") + b.strftime("%H:%M %Z")

    # measures over a window

    def ids(self, line=None):
        return [s["station_id"] for s in self.stations if line in (None, s["line_id"])]

    def target(self, line, bucket, shift):
        if not shift["scheduled"]:
            return 0
        hour = self.local(bucket[0]).hour
        rows = [r for r in self.rows("hour_target", line_id=line, start_hour=hour) if r["effective_from"] <= shift["date"]]
        if not rows:
            return None
        best = max(rows, key=lambda r: r["effective_from"])
        return floor(Fraction(best["target_units"] * (bucket[1] - bucket[0]), 3600) + Fraction(1, 2))

    def targets(self, lines, buckets, shift):
        return sum(self.target(line["line_id"], b, shift) or 0 for line in lines for b in buckets)

    def output(self, a, b, line=None):
        return sum(r["output"] for r in self.units if a <= r["at"] < b and r["station_id"] in self.ids(line))

    def seconds(self, station, kinds, a, b):
        return union([(s, e) for who, kind, s, e in self.stops if who == station and kind in kinds], a, b)

    def main_category(self, station, a, b):
        worst = max(sorted(OWN), key=lambda kind: self.seconds(station, (kind,), a, b))
        return worst if self.seconds(station, (worst,), a, b) else None

    def figures(self, shift, buckets):
        a, b = buckets[0][0], buckets[-1][1]
        units = [r for r in self.units if a <= r["at"] < b]
        ncm = [r for r in self.ncm if a <= r["at"] < b]
        first = [r for r in units if r["attempt"] == 1]
        target, actual = self.targets(self.lines, buckets, shift), self.output(a, b)
        return {
            "target": target, "actual": actual, "gap": actual - target, "attainment_pct": pct(actual, target),
            "fail": sum(r["result"] == "FAIL" for r in units),
            "ncm": sum(r["qty"] for r in ncm),
            "scrap": sum(r["qty"] for r in ncm if r["disposition"] == "SCRAP"),
            "fpy_pct": pct(sum(r["result"] == "PASS" for r in first), len(first)),
            "downtime_min": one_decimal(Fraction(sum(self.seconds(s, OWN, a, b) for s in self.ids()), 60)),
        }

    def loss(self, station, a, b):
        rows = [r for r in self.units if r["station_id"] == station["station_id"] and a <= r["at"] < b and r["cycle_ms"] is not None]
        own = self.seconds(station["station_id"], OWN, a, b)
        slow = sum(max(0, r["cycle_ms"] - station["ideal_cycle_ms"]) for r in rows)
        return own * 1000 + slow, own, slow, rows

    def names(self, station):
        line = [r for r in self.lines if r["line_id"] == station["line_id"]][0]
        return {"station_id": station["station_id"], "station": station["name"], "line_id": line["line_id"], "line": line["name"]}


def bottleneck(plant, a, b):
    worst, most = None, (0, 0)
    for station in plant.stations:          # the first of equals stays
        lost, own, _slow, _rows = plant.loss(station, a, b)
        if (lost, own) > most:
            worst, most = station, (lost, own)
    if worst is None:
        return None
    lost, own, slow, rows = plant.loss(worst, a, b)
    ideal = worst["ideal_cycle_ms"]
    return dict(plant.names(worst), lost_min=one_decimal(Fraction(lost, 60000)), downtime_min=one_decimal(Fraction(own, 60)),
                slow_min=one_decimal(Fraction(slow, 60000)), units_lost=lost // ideal,
                avg_cycle_s=one_decimal(Fraction(sum(r["cycle_ms"] for r in rows), 1000 * len(rows))) if rows else None,
                ideal_cycle_s=one_decimal(Fraction(ideal, 1000)),
                main_category=plant.main_category(worst["station_id"], a, b))


def downtime_top(plant, a, b):
    rows = []
    for station in plant.stations:
        who = station["station_id"]
        own = plant.seconds(who, OWN, a, b)
        touching = [s for s in plant.stops if s[0] == who and s[1] in OWN and s[2] < b and s[3] > a]
        minutes = lambda kind: one_decimal(Fraction(plant.seconds(who, (kind,), a, b), 60))
        if own:
            rows.append((own, dict(
                plant.names(station), downtime_min=one_decimal(Fraction(own, 60)), events=len(touching),
                open=any(s[3] > b for s in touching), main_category=plant.main_category(who, a, b),
                starved_min=minutes("STARVED"), blocked_min=minutes("BLOCKED"), planned_min=minutes("PLANNED"))))
    rows.sort(key=lambda r: -r[0])
    return [row for _own, row in rows[:3]]


def reason(plant, a, b):
    worst = max(plant.stations, key=lambda s: plant.seconds(s["station_id"], OWN, a, b), default=None)
    if worst is None or not plant.seconds(worst["station_id"], OWN, a, b):
        return ""
    return "%s: %s" % (worst["name"], plant.main_category(worst["station_id"], a, b))


def board(plant, shift, buckets):
    rows, plan, made = [], 0, 0
    for n, bucket in enumerate(buckets, 1):
        figures = plant.figures(shift, [bucket])
        plan, made = plan + figures["target"], made + figures["actual"]
        rows.append({"no": n, "label": plant.label(bucket), "minutes": one_decimal(Fraction(bucket[1] - bucket[0], 60)),
                     "target": figures["target"], "actual": figures["actual"], "gap": figures["gap"],
                     "cum_target": plan, "cum_actual": made, "cum_gap": made - plan,
                     "scrap": figures["scrap"], "downtime_min": figures["downtime_min"], "reason": reason(plant, *bucket)})
    return rows


def lines(plant, shift, buckets):
    rows = []
    for line in plant.lines:
        who = line["line_id"]
        target = plant.targets([line], buckets[-1:], shift)
        actual = plant.output(*buckets[-1], who)
        so_far = plant.targets([line], buckets, shift), plant.output(buckets[0][0], buckets[-1][1], who)
        rows.append({"id": who, "name": line["name"], "target": target, "actual": actual, "gap": actual - target,
                     "attainment_pct": pct(actual, target), "shift_target": so_far[0], "shift_actual": so_far[1],
                     "shift_gap": so_far[1] - so_far[0]})
    return rows


def warnings(plant, shift, buckets, crew_row):
    found = [] if crew_row else ["no_crew"]
    for line in plant.lines:
        if any(plant.target(line["line_id"], b, shift) is None for b in buckets):
            found.append("no_target:" + line["line_id"])
        if not any(s["is_exit"] for s in plant.stations if s["line_id"] == line["line_id"]):
            found.append("no_exit:" + line["line_id"])
    return sorted(found)


def pick_hour(plant, ripe):
    shift = plant.shift(ripe)
    over = [b for b in plant.buckets(shift) if b[1] <= ripe]
    if over:
        return shift, len(over)
    shift = plant.shift(shift["start"] - 1)
    return shift, len(plant.buckets(shift))


def hourly(path, zone, as_of, grace=120):
    """The data object of zone_hourly, and its message key."""
    plant = Plant(path, zone, as_of)
    shift, no = pick_hour(plant, as_of - grace)
    crew = plant.rows("crew_calendar", zone_id=zone, shift_date=shift["date"], shift_type=shift["type"])
    shift["scheduled"] = not crew or crew[0]["scheduled"] == 1
    every = plant.buckets(shift)
    done = every[:no]
    a, b = done[-1]
    hour, so_far = plant.figures(shift, done[-1:]), plant.figures(shift, done)
    shift_target = plant.targets(plant.lines, every, shift)
    left = shift["end"] - b
    previous = plant.output(*done[-2]) if no > 1 else None
    change = hour["actual"] - previous if no > 1 else None
    late = sum(r["output"] and instant(r["recorded_at"]) > e + grace for s, e in every for r in plant.units if s <= r["at"] < e)
    data = {
        "report": "zone_hourly",
        "zone": {"id": zone, "name": plant.zone["name"], "timezone": plant.zone["timezone"]},
        "as_of": text(as_of),
        "shift": {"date": shift["date"], "type": shift["type"], "crew": crew[0]["crew"] if crew else None,
                  "scheduled": shift["scheduled"], "start": text(shift["start"]), "end": text(shift["end"]),
                  "start_local": plant.local(shift["start"]).isoformat(), "end_local": plant.local(shift["end"]).isoformat(),
                  "length_min": one_decimal(Fraction(shift["end"] - shift["start"], 60)), "hours": len(every)},
        "hour": dict({"no": no, "of": len(every), "start": text(a), "end": text(b), "label": plant.label((a, b)),
                      "minutes": one_decimal(Fraction(b - a, 60))}, **hour),
        "shift_to_date": dict(so_far, shift_target=shift_target, required_rate=one_decimal(
            Fraction(max(0, shift_target - so_far["actual"]) * 3600, left)) if left else None),
        "trend": {"previous": previous, "change": change,
                  "direction": "none" if no == 1 else "up" if change > 0 else "down" if change < 0 else "flat"},
        "board": board(plant, shift, done),
        "lines": lines(plant, shift, done),
        "bottleneck": bottleneck(plant, a, b),
        "downtime_top": downtime_top(plant, a, b),
        "late_units": late,
        "status": "not_scheduled" if not shift["scheduled"] else
                  "ok" if any(a <= r["at"] < b for r in plant.units) else "no_data",
        "warnings": warnings(plant, shift, every, crew),
    }
    plant.db.close()
    return data, "zone-hourly|%s|%s|%s|%d" % (zone, shift["date"], shift["type"], no)


def difference(a, b, where="data"):
    """Where two objects differ first, key order included; None if they do not."""
    if isinstance(a, dict) and isinstance(b, dict):
        if list(a) != list(b):
            return "%s: keys %s, %s" % (where, list(a), list(b))
        parts = [difference(a[k], b[k], "%s.%s" % (where, k)) for k in a]
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        parts = [difference(x, y, "%s[%d]" % (where, n)) for n, (x, y) in enumerate(zip(a, b))]
    else:
        return None if type(a) in (int, float) and type(b) in (int, float) and a == b or a is b or \
            type(a) is type(b) and a == b else "%s: %r, %r" % (where, a, b)
    return next((p for p in parts if p), None)
