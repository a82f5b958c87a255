# SPDX-License-Identifier: MIT
"""Fires computed a second time, as plainly as can be, and compared with bmad's.

Expressions are made at random together with the sets they mean, so nothing here parses them. A window of
time is walked minute by minute with Python's own zones; a clock change is seen where the offset differs
from that of the minute before. Day fields are checked apart, day by day over years.
"""
import calendar
import datetime as dt
import json
import os
import pathlib
import random
import subprocess
from zoneinfo import ZoneInfo

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BMAD = ROOT / "bmad"
DRIVER = ROOT / os.environ.get("BMAD_BUILD", "build") / "tests/drivers/schedule_driver"
UTC = dt.timezone.utc
DAY = 1440  # minutes, as all times of the walk

ZONES = """UTC America/New_York America/Los_Angeles America/Santiago America/Havana America/St_Johns
America/Nuuk Africa/Cairo Africa/Casablanca Asia/Beirut Asia/Jerusalem Asia/Kathmandu Asia/Tehran
Asia/Tokyo Australia/Lord_Howe Australia/Sydney Europe/Dublin Europe/London Europe/Paris Pacific/Apia
Pacific/Auckland Pacific/Chatham Antarctica/Troll Atlantic/Azores""".split()
RULES = ["vixie", "rfc5545", "skip", "both"]
MOST = 300  # fires compared of a case


# -- making expressions -------------------------------------------------------------------------------


def random_item(rng, first, last, high):
    """A text with numbers up to HIGH, and the values it means."""
    kind = rng.choice(["value", "value", "range", "wrap", "range step", "from step"])
    a, b = sorted(rng.sample(range(first, high + 1), 2))
    step = rng.randint(1, (last - first) // 3)
    if kind == "value":
        return str(a), {a}
    if kind == "range":
        return "%d-%d" % (a, b), set(range(a, b + 1))
    if kind == "wrap":
        return "%d-%d" % (b, a), set(range(b, last + 1)) | set(range(first, a + 1))
    if kind == "range step":
        return "%d-%d/%d" % (a, b, step), set(range(a, b + 1, step))
    return "%d/%d" % (a, step), set(range(a, last + 1, step))


def random_field(rng, first, last, star, high=None):
    if rng.random() < star:
        step = rng.choice([1, 1, 2, 3, 5, 6])
        return ("*" if step == 1 else "*/%d" % step), set(range(first, last + 1, step))
    texts, values = [], set()
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        text, more = random_item(rng, first, last, high or last)
        texts.append(text)
        values |= more
    return ",".join(texts), values


class Expression:
    def __init__(self, rng):
        self.second_text, self.seconds = ("", {0})
        if rng.random() < 0.2:
            self.second_text, self.seconds = random_field(rng, 0, 59, 0.1)
        minute, self.minutes = random_field(rng, 0, 59, 0.3)
        hour, self.hours = random_field(rng, 0, 23, 0.3, high=rng.choice([5, 23]))
        day, self.days = random_field(rng, 1, 31, 0.7)
        month, self.months = random_field(rng, 1, 12, 0.8)
        weekday, self.weekdays = random_field(rng, 0, 6, 0.7)
        self.either = day[0] != "*" and weekday[0] != "*"
        self.text = " ".join(filter(None, [self.second_text, minute, hour, day, month, weekday]))

    def has_time(self, minute_of_day):
        hour, minute = divmod(minute_of_day % DAY, 60)
        return hour in self.hours and minute in self.minutes

    def has_day(self, date):
        day, weekday = date.day in self.days, date.isoweekday() % 7 in self.weekdays
        return date.month in self.months and ((day or weekday) if self.either else (day and weekday))

    def matches(self, wall):
        """WALL counts minutes since 1970 on the clock on the wall."""
        days, minute_of_day = divmod(wall, DAY)
        return self.has_time(minute_of_day) and self.has_day(dt.date(1970, 1, 1) + dt.timedelta(days))

    def interval_like(self, low, high):
        return any(self.has_time(low - n) for n in range(1, 61)) and any(
            self.has_time(high + n) for n in range(60))


# -- the walk -----------------------------------------------------------------------------------------


def offset_at(zone, minute):
    offset = dt.datetime.fromtimestamp(minute * 60, zone).utcoffset().total_seconds()
    assert offset % 60 == 0
    return int(offset) // 60


def offsets(zone, begin, end):
    return [offset_at(zone, minute) for minute in range(begin, end)]


def walk(expression, rule, begin, shown):
    """Fires (seconds) in the minutes from BEGIN + DAY on; SHOWN are the offsets from BEGIN on."""
    fires, silent = set(), range(0)
    for index in range(1, len(shown)):
        minute, before, now = begin + index, shown[index - 1], shown[index]
        if now != before:
            low, high = sorted((minute + before, minute + now))
            clock_time = not expression.interval_like(low, high)
            if now < before:
                silent = range(minute, minute + before - now) if clock_time and rule != "both" else range(0)
            elif clock_time:
                missing = [wall for wall in range(low, high) if expression.matches(wall)]
                if rule == "rfc5545":
                    fires |= {(wall - before) * 60 + s for wall in missing for s in expression.seconds}
                elif missing and rule != "skip":
                    fires.add(minute * 60)
        if minute not in silent and expression.matches(minute + now):
            fires |= {minute * 60 + s for s in expression.seconds}
    low, high = (begin + DAY) * 60, (begin + len(shown) - 1) * 60
    return sorted(fire for fire in fires if low <= fire < high)


def change_near(zone, rng):
    """A minute at which the zone's offset changes, else any."""
    begin = rng.randrange(minutes_of(1975), minutes_of(2150))
    for days in range(400):
        if offset_at(zone, begin + days * DAY) != offset_at(zone, begin + (days + 1) * DAY):
            return begin + days * DAY
    return begin


def minutes_of(year):
    return calendar.timegm((year, 1, 1, 0, 0, 0)) // 60


# -- asking bmad --------------------------------------------------------------------------------------


def ask(questions):
    lines = ["%s\t%s\t%s\t%d\t%d" % question for question in questions]
    run = subprocess.run([DRIVER], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True)
    answers = run.stdout.splitlines()
    assert len(answers) == len(questions)
    return answers


def compare(cases):
    """Each case: (expression's text, zone, rule, begin, end, fires in [begin, end)); times in seconds."""
    questions = []
    for text, zone, rule, begin, end, fires in cases:
        count = min(len(fires), MOST) + 1
        questions += [(text, zone, rule, begin - 1, count), (text, zone, rule, end, -count)]
    answers = ask(questions)
    for number, (text, zone, rule, begin, end, fires) in enumerate(cases):
        what = "'%s' %s %s from %d to %d" % (text, zone, rule, begin, end)
        forward, back = answers[2 * number : 2 * number + 2]
        assert not forward.startswith("error"), what + ": " + forward
        after = [fire for fire in map(int, forward.split()) if fire < end]
        before = [fire for fire in map(int, back.split()) if fire >= begin]
        assert after[:MOST] == fires[:MOST], what
        assert before[:MOST] == fires[::-1][:MOST], what + ", backwards"


# -- tests --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone_name", ZONES)
def test_fires_around_clock_changes_are_those_of_a_walk(zone_name):
    rng, zone, cases = random.Random(zone_name), ZoneInfo(zone_name), []
    for _ in range(8):
        begin = change_near(zone, rng) - 2 * DAY
        shown = offsets(zone, begin, begin + 5 * DAY)
        for _ in range(12):
            expression, rule = Expression(rng), rng.choice(RULES)
            fires = walk(expression, rule, begin, shown)
            cases.append((expression.text, zone_name, rule, (begin + DAY) * 60,
                          (begin + len(shown) - 1) * 60, fires))
    # A random day field may name days that never come; those expressions are refused, not wrong.
    compare([case for case in cases if case[5]])


def special_day(rng):
    """A text of day-of-month and day-of-week, and whether a date matches it."""
    n, weekday, nth = rng.randint(1, 31), rng.randint(0, 6), rng.randint(1, 5)

    def last(date):
        return calendar.monthrange(date.year, date.month)[1]

    def workday(date, day):
        """The Monday to Friday of DATE's month that is nearest to its day number DAY."""
        if day > last(date):
            return False
        near = [d for d in range(1, last(date) + 1) if date.replace(day=d).isoweekday() <= 5]
        return date.day == min(near, key=lambda d: (abs(d - day), d))

    def is_weekday(date):
        return date.isoweekday() % 7 == weekday

    left = rng.randint(1, 30)
    return rng.choice([
        ("L *", lambda date: date.day == last(date)),
        ("L-%d *" % left, lambda date: date.day == last(date) - left),
        ("LW *", lambda date: workday(date, last(date))),
        ("%dW *" % n, lambda date: workday(date, n)),
        ("* %dL" % weekday, lambda date: is_weekday(date) and date.day + 7 > last(date)),
        ("? %d#%d" % (weekday, nth), lambda date: is_weekday(date) and (date.day + 6) // 7 == nth),
        ("%d %d#%d" % (n, weekday, nth),
         lambda date: date.day == n or (is_weekday(date) and (date.day + 6) // 7 == nth)),
        ("LW,%d %dL" % (n, weekday),
         lambda date: workday(date, last(date)) or date.day == n
         or (is_weekday(date) and date.day + 7 > last(date))),
        ("*/2 %d" % weekday, lambda date: date.day % 2 == 1 and is_weekday(date)),
    ])


@pytest.mark.parametrize("seed", range(8))
def test_days_of_years_are_those_of_a_calendar(seed):
    rng, cases = random.Random(seed), []
    for _ in range(40):
        day, matches = special_day(rng)
        months = rng.sample(range(1, 13), rng.choice([1, 3, 12]))
        begin = dt.date(rng.randint(1970, 2190), rng.randint(1, 12), 1)
        dates = [begin + dt.timedelta(n) for n in range(3000)]
        fires = [seconds(date) + 43200 for date in dates if date.month in months and matches(date)]
        fields = day.split()
        text = "0 12 %s %s %s" % (fields[0], ",".join(map(str, months)), fields[1])
        if fires:
            cases.append((text, "UTC", "vixie", seconds(begin), seconds(dates[-1]) + 86400, fires))
    compare(cases)


def seconds(date):
    return calendar.timegm(date.timetuple())


def bmad_next(*arguments):
    return subprocess.run([BMAD, "next", *arguments], capture_output=True, text=True)


def test_the_command_prints_local_and_utc():
    run = bmad_next("--expr", "30 2 * * *", "--timezone", "America/New_York", "-n", "2",
                    "--from", "2026-03-08T00:00:00-05:00")
    assert run.returncode == 0, run.stderr
    assert run.stdout == ("2026-03-08T03:00:00-04:00\t2026-03-08T07:00:00Z\n"
                          "2026-03-09T02:30:00-04:00\t2026-03-09T06:30:00Z\n")


def test_the_command_takes_a_dst_rule():
    run = bmad_next("--expr=30 2 * * *", "--timezone=America/New_York", "-n1", "--dst", "rfc5545",
                    "--from=2026-03-08T05:00:00Z")
    assert run.stdout.startswith("2026-03-08T03:30:00-04:00\t")


def test_the_command_gives_ten_by_default_and_begins_now():
    run = bmad_next("--expr", "@hourly", "--timezone", "UTC", "--json")
    fires = [dt.datetime.fromisoformat(fire["local"]) for fire in json.loads(run.stdout)]
    assert len(fires) == 10
    assert dt.timedelta() < fires[0] - dt.datetime.now(UTC) + dt.timedelta(minutes=1)
    assert all(b - a == dt.timedelta(hours=1) for a, b in zip(fires, fires[1:]))


def test_the_command_says_never():
    run = bmad_next("--expr", "0 0 0 1 1 ? 2020", "--timezone", "UTC", "--from", "2026-01-01")
    assert (run.returncode, run.stdout) == (0, "never\n")
    run = bmad_next("--expr", "0 0 0 1 1 ? 2020", "--timezone", "UTC", "--from", "2026-01-01", "--json")
    assert (run.returncode, json.loads(run.stdout)) == (0, [])


def test_the_command_tells_why_there_are_no_times():
    run = bmad_next("--expr", "@reboot")
    assert (run.returncode, run.stdout) == (0, "never\n")
    assert "once per boot" in run.stderr


@pytest.mark.parametrize("arguments, words", [
    (["--expr", "0 25 * * *"], "--expr: column 3: hour 25"),
    (["--expr", "H * * * *"], "--expr: column 1: "),
    (["--expr", "@hourly", "--timezone", "Europe/Pariss"], "did you mean 'Europe/Paris'?"),
    (["--expr", "@hourly", "--dst", "vixi"], "did you mean 'vixie'?"),
    (["--expr", "@hourly", "--from", "noon"], "--from: 'noon' is no time"),
    (["--expr", "@hourly", "-n", "0"], "-n: "),
    (["--expr", "@hourly", "-n", "x"], "-n: "),
    (["--expr"], "--expr"),
    (["--expr", "@hourly", "extra"], "extra"),
    (["--exprr", "@hourly"], "--exprr"),
    ([], "expected the name of a job"),
    (["heartbeat", "--dst", "skip"], "go with --expr"),
])
def test_the_command_refuses_what_is_wrong(arguments, words):
    run = bmad_next(*arguments)
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr.startswith("bmad: ") and words in run.stderr


def test_the_command_and_the_walk_agree():
    rng = random.Random("command")
    for _ in range(25):
        zone_name, rule = rng.choice(ZONES), rng.choice(RULES)
        begin = change_near(ZoneInfo(zone_name), rng) - 2 * DAY
        expression = Expression(rng)
        fires = walk(expression, rule, begin, offsets(ZoneInfo(zone_name), begin, begin + 5 * DAY))[:30]
        if not fires:
            continue
        start = dt.datetime.fromtimestamp((begin + DAY) * 60 - 1, UTC).isoformat()
        run = bmad_next("--expr", expression.text, "--timezone", zone_name, "--dst", rule, "--from", start,
                        "-n", str(len(fires)), "--json")
        assert run.returncode == 0, run.stderr
        given = json.loads(run.stdout)
        assert [int(dt.datetime.fromisoformat(fire["local"]).timestamp()) for fire in given] == fires
        assert [calendar.timegm(dt.datetime.strptime(fire["utc"], "%Y-%m-%dT%H:%M:%SZ").timetuple())
                for fire in given] == fires
