#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make a plant database for the demo: two days of a small plant, up to now.

usage: make_plant.py [--seed N] [--until TIME] [--timezone NAME] FILE

The same seed and time make the same plant: two zones of two lines with five stations each, two shifts a
day. Each line has a station that is the tightest, and one that fails now and then, so that the report has
a bottleneck to name. Stops hold their neighbours up, breaks are planned, units are tested twice, scrapped,
scanned again; some rows come late, and what has not ended by TIME is still open.
"""
import argparse
import datetime as dt
import os
import pathlib
import random
import sqlite3
import sys
import time
import zoneinfo

UTC = dt.timezone.utc
HOURS = 50                      # made up to --until
CYCLE_S = 58                    # a unit per line in this time when all goes well
PLAN = 64                       # units an hour and line; 38 in an hour with a break
STEPS = ("Cell load", "Bonding", "Busbar weld", "Leak test", "Pack out")
LINES = (("A", 2, 3), ("B", 1, 2))      # name, the tightest station, the one that fails most
REASONS = {"BREAKDOWN": "gripper lost vacuum", "MATERIAL": "busbar carrier empty", "QUALITY": "leak rate recheck",
           "MICROSTOP": "part jammed", "CHANGEOVER": "new variant", "STAFFING": "operator called away"}
DEFECTS = ("WELD-POROUS", "LEAK", "GLUE-GAP", "SCRATCH")
CREWS = (("A", "C"), ("B", "D"))        # day and night, two days each


def text(at):
    return dt.datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Plant:
    def __init__(self, seed, until, timezone):
        self.rng = random.Random("demo %d" % seed)
        self.until = until
        self.begin = until - HOURS * 3600
        self.timezone, self.tz = timezone, zoneinfo.ZoneInfo(timezone)
        self.rows = {}
        self.units = 0

    def add(self, table, *row):
        self.rows.setdefault(table, []).append(row)

    def number(self, table):
        return len(self.rows.get(table, ())) + 1

    def local_date(self, at):
        return dt.datetime.fromtimestamp(at, self.tz).date()

    def at_local(self, date, hour, minute=0):
        return int(dt.datetime(date.year, date.month, date.day, hour, minute, tzinfo=self.tz).timestamp())

    def dates(self):
        first, last = self.local_date(self.begin), self.local_date(self.until)
        return [first + dt.timedelta(days=n) for n in range(-1, (last - first).days + 2)]

    # what stands

    def make(self):
        for n, name in enumerate(("Zone 1 Module assembly", "Zone 2 Pack assembly"), 1):
            zone = "Z%d" % n
            self.add("zone", zone, name, self.timezone, n)
            self.add("shift_definition", zone, "DAY", "06:00")
            self.add("shift_definition", zone, "NIGHT", "18:00")
            self.make_calendar(zone)
            for k, (letter, tight, weak) in enumerate(LINES):
                self.make_line(zone, "%s%s" % (zone, letter), "Line %s" % letter, k, tight, weak)

    def make_calendar(self, zone):
        for date in self.dates():
            for n, kind in enumerate(("DAY", "NIGHT")):
                self.add("crew_calendar", zone, date.isoformat(), kind, CREWS[date.toordinal() // 2 % 2][n], 1)
                start = self.at_local(date, 6 + 12 * n)
                for role, planned in (("Operator", 10), ("Technician", 2), ("Lead", 1)):
                    counted = planned - self.rng.choice((0, 0, 0, 1)) if start + 900 < self.until else None
                    self.add("staffing", zone, date.isoformat(), kind, role, planned, counted, text(min(start + 900, self.until)))

    def make_line(self, zone, line, name, sort, tight, weak):
        self.add("line", line, zone, name, sort)
        for hour in range(24):
            self.add("hour_target", line, "2020-01-01", hour, 38 if hour in (11, 23) else PLAN)
        stations = []
        for s, step in enumerate(STEPS):
            ideal = 1000 * CYCLE_S - (1500 if s == tight else self.rng.randint(5000, 12000))
            self.add("station", line + str(s + 1), line, 10 * s + 10, step, ideal, int(s == len(STEPS) - 1), int(s == tight))
            stations.append((line + str(s + 1), ideal))
        self.make_units(stations, self.make_stops(stations, weak))

    # stops

    def make_stops(self, stations, weak):
        """Intervals in which each station makes nothing, in order."""
        held = [[] for _ in stations]
        for s in range(len(stations)):
            for date in self.dates():
                for hour in (11, 23):
                    start = self.at_local(date, hour, 10)
                    self.stop(stations[s][0], start, start + 1500, "PLANNED", "meal break", held[s])
            at = self.begin + self.rng.randint(0, 9000)
            while at < self.until:
                long = self.rng.randint(240, 780) if s == weak else self.rng.randint(30, 200)
                kind = self.rng.choice(("BREAKDOWN", "BREAKDOWN", "QUALITY") if s == weak else
                                       ("MICROSTOP", "MICROSTOP", "MATERIAL", "STAFFING", "CHANGEOVER"))
                self.stop(stations[s][0], at, at + long, kind, REASONS[kind], held[s])
                if long > 400:
                    if s + 1 < len(stations):
                        self.stop(stations[s + 1][0], at + 120, at + long + 40, "STARVED", "nothing arrives")
                    if s > 0:
                        self.stop(stations[s - 1][0], at + 150, at + long + 20, "BLOCKED", "nothing leaves")
                at += long + (self.rng.randint(4000, 9500) if s == weak else self.rng.randint(7000, 20000))
        if stations[0][0].startswith("Z1A"):    # one that nobody has ended yet
            start = self.until - 1000
            self.stop(stations[weak][0], start, None, "BREAKDOWN", REASONS["BREAKDOWN"])
            held[weak].append((start, self.until + 1))
        return [sorted(h) for h in held]

    def stop(self, station, start, end, kind, why, held=None):
        if not self.begin <= start < self.until:
            return
        if held is not None:
            held.append((start, end))
        ended = None if end is None or end > self.until else text(end)
        self.add("downtime_event", self.number("downtime_event"), station, text(start), ended, kind, why,
                 text(min(self.until, start + self.rng.randint(2, 30))))

    # units

    def make_units(self, stations, held):
        free = [self.begin] * len(stations)     # when each station can take the next unit
        while free[0] < self.until:
            self.units += 1
            at = free[0]
            for s, (station, ideal) in enumerate(stations):
                at = max(at, free[s])
                for start, end in held[s]:
                    if start <= at < end:
                        at = end
                if not self.make_step(station, ideal, at):
                    free[s] = at + ideal // 1000
                    break
                at = free[s] = self.done

    def make_step(self, station, ideal, at):
        """A unit at a station; False if it ends there. self.done is when the station is free again."""
        cycle = int(ideal * self.rng.choice((0.96, 0.98, 1.0, 1.0, 1.01, 1.02, 1.05)))
        self.done = at + round(cycle / 1000)
        attempt = 1
        if self.rng.random() < 0.012:
            self.event(station, self.done, 1, "FAIL", cycle)
            fate = self.rng.choice(("SCRAP", "HOLD", "REWORK", "REWORK", None, None))
            if fate:
                self.add("ncm_event", self.number("ncm_event"), station, "U%06d" % self.units, text(self.done), fate,
                         self.rng.choice(DEFECTS), 1, text(self.done + 45))
            if fate in ("SCRAP", "HOLD"):
                return False
            attempt, self.done = 2, self.done + round(cycle / 2000)
        self.event(station, self.done, attempt, "PASS", cycle)
        if self.rng.random() < 0.004:           # scanned again at the exit of the cell
            self.event(station, self.done + 7, attempt, "PASS", None)
        return True

    def event(self, station, at, attempt, result, cycle):
        late = self.rng.randint(1, 9) if self.rng.random() > 0.004 else self.rng.randint(1200, 5400)
        if at + late <= self.until:
            self.add("unit_event", self.number("unit_event"), station, "U%06d" % self.units, "MX-2", text(at), attempt,
                     result, cycle, text(at + late))


def write(plant, path):
    """Beside the old file first, so that a daemon that reads it sees the one or the other."""
    aside = path + ".new"
    if os.path.exists(aside):
        os.remove(aside)
    db = sqlite3.connect(aside)
    db.executescript((pathlib.Path(__file__).resolve().parent / "schema.sql").read_text())
    for table, rows in plant.rows.items():
        db.executemany("insert into %s values (%s)" % (table, ",".join("?" * len(rows[0]))), rows)
    db.commit()
    db.close()
    os.replace(aside, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--until", metavar="TIME", help="RFC 3339; default now")
    parser.add_argument("--timezone", default="America/Los_Angeles")
    parser.add_argument("file")
    args = parser.parse_args()
    until = int(time.time())
    if args.until:
        until = int(dt.datetime.fromisoformat(args.until.replace("Z", "+00:00")).timestamp())
    plant = Plant(args.seed, until, args.timezone)
    plant.make()
    write(plant, args.file)
    print("%s: %d units at %d stations up to %s" % (args.file, plant.units, len(plant.rows["station"]), text(until)),
          file=sys.stderr)


if __name__ == "__main__":
    main()
