# SPDX-License-Identifier: MIT
"""The alerts of a zone, judged a second time minute by minute over plant.Plant."""
from fractions import Fraction

import plant_eos
from plant import OWN, Plant, one_decimal, pct

DEFAULTS = {
    "output_below": {"raise": 80, "clear": 90, "quiet": 20},
    "station_down": {"raise": 10, "clear": 3, "for": 0, "severity": "critical"},
    "starved": {"raise": 10, "clear": 5},
    "blocked": {"raise": 10, "clear": 5},
    "cycle_slow": {"raise": 115, "clear": 108, "n": 20},
    "fpy_below": {"raise": 95, "clear": 97, "min_units": 20, "quiet": 20},
    "ncm_spike": {"raise": 5, "clear": 2, "quiet": 20},
    "no_data": {"raise": 15, "severity": "critical"},
    "staffing_short": {"raise": 2},
}
for settings in DEFAULTS.values():
    settings.setdefault("for", 3)
    settings.setdefault("clear_for", 5)
    settings.setdefault("severity", "warning")


class Scene:
    """What there is to see of a zone at NOW."""

    def __init__(self, path, zone, as_of, now):
        self.p, self.now = Plant(path, zone, as_of), now
        self.shift = self.p.shift(now)
        plant_eos.crew_of(self.p, self.shift)
        self.staffing = plant_eos.staffing(self.p, self.shift)

    def window(self, seconds):
        return max(self.now - seconds, self.shift["start"]), self.now

    def planned(self, ids, a, b):
        return bool(ids) and a < b and all(self.p.seconds(who, ("PLANNED",), a, b) == b - a for who in ids)

    def rows(self, ids, a, b):
        return [r for r in self.p.units if r["station_id"] in ids and a <= r["at"] < b]

    def line_target(self, line, a, b):
        total = Fraction(0)
        for bucket in self.p.buckets(self.shift):
            inside = min(b, bucket[1]) - max(a, bucket[0])
            if inside > 0:
                total += Fraction((self.p.target(line, bucket, self.shift) or 0) * inside, bucket[1] - bucket[0])
        return total

    def cause(self, station, step):
        line = [s for s in self.p.stations if s["line_id"] == station["line_id"]]
        at = line.index(station) + step
        a, b = self.window(1800)
        while 0 <= at < len(line):
            s = line[at]
            cycles = [r["cycle_ms"] for r in self.rows([s["station_id"]], a, b) if r["cycle_ms"] is not None]
            if self.p.seconds(s["station_id"], OWN, a, b) or cycles and Fraction(sum(cycles), len(cycles)) * 100 > 115 * s["ideal_cycle_ms"]:
                return s["station_id"]
            at += step
        return None


def share(settings, part, whole, enough=True):
    if whole <= 0:
        return None
    percent = Fraction(100 * part) / whole
    return enough and percent < settings["raise"], percent >= settings["clear"], one_decimal(percent), None


def judge_line(scene, rule, settings, line):
    a, b = scene.window(3600)
    ids = scene.p.ids(line)
    if scene.now - scene.shift["start"] < settings["quiet"] * 60 or scene.planned(ids, a, b):
        return None
    if rule == "output_below":
        return share(settings, scene.p.output(a, b, line), scene.line_target(line, a, b))
    if rule == "fpy_below":
        first = [r for r in scene.rows(ids, a, b) if r["attempt"] == 1]
        return share(settings, sum(r["result"] == "PASS" for r in first), len(first), len(first) >= settings["min_units"])
    qty = sum(r["qty"] for r in scene.p.ncm if r["station_id"] in ids and a <= r["at"] < b)
    return qty >= settings["raise"], qty <= settings["clear"], qty, None


def judge_station(scene, rule, settings, station):
    who, now = station["station_id"], scene.now
    if rule == "station_down":
        own = [(s, e) for station_id, kind, s, e in scene.p.stops if station_id == who and kind in OWN and s < now]
        open_s = max((now - s for s, e in own if e > now), default=0)
        quiet = all(e <= now - settings["clear"] * 60 for _s, e in own)
        return open_s >= settings["raise"] * 60, quiet, one_decimal(Fraction(open_s, 60)), None
    if rule == "cycle_slow":
        rows = [r for r in scene.rows([who], scene.shift["start"], now) if r["cycle_ms"] is not None]
        rows.sort(key=lambda r: (r["at"], r["event_id"]))
        if len(rows) < settings["n"]:
            return None
        percent = Fraction(100 * sum(r["cycle_ms"] for r in rows[-settings["n"]:]), settings["n"] * station["ideal_cycle_ms"])
        return percent > settings["raise"], percent <= settings["clear"], one_decimal(percent), None
    a, b = scene.window(1800)
    if scene.planned([who], a, b):
        return None
    seconds = scene.p.seconds(who, (rule.upper(),), a, b)
    return (seconds >= settings["raise"] * 60, seconds <= settings["clear"] * 60, one_decimal(Fraction(seconds, 60)),
            scene.cause(station, -1 if rule == "starved" else 1))


def judge_zone(scene, rule, settings):
    if rule == "staffing_short":
        if not scene.staffing or scene.staffing["actual"] is None or scene.now - scene.shift["start"] < 1800:
            return None
        missing = scene.staffing["planned"] - scene.staffing["actual"]
        return missing >= settings["raise"], missing < settings["raise"], missing, None
    if not scene.shift["scheduled"] or scene.planned(scene.p.ids(), *scene.window(settings["raise"] * 60)):
        return None
    ats = [r["at"] for r in scene.rows(scene.p.ids(), scene.shift["start"], scene.now)]
    silent = scene.now - max(ats, default=scene.shift["start"])
    return silent >= settings["raise"] * 60, bool(ats) and silent < settings["raise"] * 60, one_decimal(Fraction(silent, 60)), None


def readings(scene, rules):
    """{(rule, id): None or (raise, clear, value, cause)}"""
    found = {}
    for rule, settings in rules.items():
        if rule in ("output_below", "fpy_below", "ncm_spike"):
            for line in scene.p.lines:
                found[rule, line["line_id"]] = judge_line(scene, rule, settings, line["line_id"])
        elif rule in ("no_data", "staffing_short"):
            found[rule, scene.p.zone["zone_id"]] = judge_zone(scene, rule, settings)
        else:
            for station in scene.p.stations:
                found[rule, station["station_id"]] = judge_station(scene, rule, settings, station)
    return found


class Alerts:
    """All alerts of a zone from minute to minute; evaluate() tells what the message of a minute holds, or None."""

    def __init__(self, path, zone, rules, repeat, cooldown, max_per_hour, grace=30):
        self.path, self.zone, self.rules, self.grace = path, zone, rules, grace
        self.repeat, self.cooldown, self.most = repeat * 60, cooldown * 60, max_per_hour
        self.alerts, self.sent, self.said_held = {}, [], False

    def step(self, alert, reading, settings, now):
        if reading is None:
            return
        hold, over = reading[:2]
        if alert["phase"] in ("ok", "pending"):
            if not hold:
                alert["phase"] = "ok"
                return
            if alert["phase"] == "ok":
                alert.update(phase="pending", since=now)
            if now - alert["since"] >= settings["for"] * 60:
                alert.update(phase="firing", fired=now)
        elif not over:
            alert["phase"] = "firing"
        else:
            if alert["phase"] == "firing":
                alert.update(phase="clearing", clearing=now)
            if now - alert["clearing"] >= settings["clear_for"] * 60:
                alert.update(phase="ok", ended=(alert["since"], alert["fired"]))

    def due(self, alert, now, silenced):
        since_told = now - alert["told"] if alert["told"] else 10 ** 9
        if alert["phase"] in ("ok", "pending"):
            return "cleared" if alert["announced"] or alert["held"] else None
        if alert["phase"] == "clearing" or silenced or since_told < self.cooldown:
            return None
        if not alert["announced"]:
            return "raised"
        return "repeated" if since_told >= self.repeat else None

    def evaluate(self, slot):
        now = slot - self.grace
        scene = Scene(self.path, self.zone, slot, now)
        found = readings(scene, self.rules)
        for name, reading in found.items():
            alert = self.alerts.setdefault(name, {"phase": "ok", "told": 0, "announced": False, "held": False})
            self.step(alert, reading, self.rules[name[0]], now)
        on = lambda name: self.alerts.get(name, {}).get("phase") in ("firing", "clearing")
        silenced = {name for name, reading in found.items() if reading and name[0] in ("starved", "blocked")
                    and self.alerts[name]["phase"] == "firing" and on(("station_down", reading[3]))}
        due = {name: self.due(alert, now, name in silenced) for name, alert in self.alerts.items()}
        due = {name: what for name, what in due.items() if what}
        message = self.settle(due, found, scene, now)
        scene.p.db.close()
        if message:
            message.update(firing_total=sum(on(name) for name in self.alerts), suppressed=len(silenced))
        return message

    def settle(self, due, found, scene, now):
        self.sent = [at for at in self.sent if now - at < 3600]
        if not due:
            return None
        if len(self.sent) >= self.most:
            for name, what in due.items():
                self.alerts[name]["held"] |= what == "raised"
            first, self.said_held = not self.said_held, True
            return {"raised": [], "repeated": [], "cleared": [], "held_back": len(due)} if first else None
        message = {"raised": [], "repeated": [], "cleared": [], "held_back": 0}
        for name, what in due.items():
            message[what].append(self.describe(name, what, found[name], scene, now))
            self.alerts[name].update(told=now, announced=what != "cleared", held=False)
        for rows in message.values():
            if isinstance(rows, list):
                rows.sort(key=lambda row: (row["severity"] != "critical", row["since"], row["key"]))
        self.sent.append(now)
        self.said_held = False
        return message

    def describe(self, name, what, reading, scene, now):
        alert = self.alerts[name]
        since, fired = alert["ended"] if what == "cleared" else (alert["since"], alert["fired"])
        return {"key": "%s|%s|%s" % (name[0], self.zone, name[1]), "rule": name[0], "value": reading and reading[2],
                "threshold": self.rules[name[0]]["raise"], "since": since, "duration_min": one_decimal(Fraction(now - since, 60)),
                "severity": self.rules[name[0]]["severity"], "cause": reading and reading[3],
                "carried_over": fired < scene.shift["start"]}
