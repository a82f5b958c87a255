# SPDX-License-Identifier: MIT
"""What tests of the rota share: configurations, and a checker of rules that knows nothing of how rotas are made."""
import datetime
import math
import random

NAMES = ["Ana", "Boris", "Chloë", "Dai", "Efua", "Finn", "Grace", "Jo", "Jo Ann", "Jo A", "O'Neil; K", "李", "No", "012",
         "a,b", "x\\y", "Ünal", "Zoë 😀", "null", "-", "true", "A" * 60]
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

VECTOR = {
    "groups": [{"name": "seniors", "members": ["Ana", "Boris", "Chloë"]},
               {"name": "others", "members": ["Dai", "Efua", "Finn", "Grace"]}],
    "start_group": "seniors", "start_date": "2024-08-19", "cycles": 2, "seed": 42,
}
VECTOR_ROTA = [
    {"date": date, "lead": lead, "assist": assist} for date, lead, assist in [
        ("2024-08-19", "Ana", "Grace"), ("2024-08-20", "Chloë", "Efua"), ("2024-08-21", "Boris", "Dai"),
        ("2024-08-22", "Finn", "Ana"), ("2024-08-23", "Dai", "Boris"), ("2024-08-26", "Efua", "Chloë"),
        ("2024-08-27", "Grace", "Boris"), ("2024-08-28", "Boris", "Finn"), ("2024-08-29", "Chloë", "Grace"),
        ("2024-08-30", "Ana", "Finn"), ("2024-09-02", "Efua", "Chloë"), ("2024-09-03", "Dai", "Ana"),
        ("2024-09-04", "Finn", "Boris"), ("2024-09-05", "Grace", "Ana"),
    ]
]


def date(text):
    return datetime.date.fromisoformat(text)


def random_options(seed):
    """A configuration; one in three has holidays, one in three leave."""
    dice = random.Random(seed)
    names = dice.sample(NAMES, dice.randint(2, len(NAMES)))
    cut = dice.randint(1, len(names) - 1)
    start = datetime.date(2024, 1, 1) + datetime.timedelta(days=dice.randint(0, 1000))
    options = {
        "groups": [{"name": "P one", "members": names[:cut]}, {"name": "Q", "members": names[cut:]}],
        "start_group": dice.choice(["P one", "Q"]), "start_date": start.isoformat(), "cycles": dice.randint(1, 5),
        "seed": dice.choice([0, 1, 42, 2**53 - 1, dice.randint(0, 2**53 - 1)]),
    }
    if dice.random() < 0.33:
        options["holidays"] = [(start + datetime.timedelta(days=dice.randint(0, 60))).isoformat()
                               for _ in range(dice.randint(1, 12))]
    if dice.random() < 0.33:
        options["leave"] = []
        for _ in range(dice.randint(1, 4)):
            first = start + datetime.timedelta(days=dice.randint(-5, 40))
            options["leave"].append({"name": dice.choice(names), "from": first.isoformat(),
                                     "to": (first + datetime.timedelta(days=dice.randint(0, 4))).isoformat()})
    return options


def check_rules(options, rota):
    """Rules 1 to 6, and leave; fails with the rule's number."""
    groups = {group["name"]: group["members"] for group in options["groups"]}
    leading = options["start_group"]
    helping = next(name for name in groups if name != leading)
    people, helpers = groups[leading], groups[helping]
    cycles = options["cycles"]
    assert len(rota) == cycles * (len(people) + len(helpers)), 1
    check_days(options, rota)
    runs, at = {leading: [], helping: []}, 0
    for _ in range(cycles):
        for name, other in ((leading, helping), (helping, leading)):
            block = rota[at : at + len(groups[name])]
            at += len(block)
            assert sorted(day["lead"] for day in block) == sorted(groups[name]), 3
            assert all(day["assist"] in groups[other] for day in block), (2, 6)
            runs[other] += [day["assist"] for day in block]
    for name, run in runs.items():
        check_run(groups[name], run, options.get("leave"))
    for absence in options.get("leave", []):
        for day in rota:
            away = absence["from"] <= day["date"] <= absence["to"]
            assert not away or absence["name"] not in (day["lead"], day["assist"]), "leave"


def check_days(options, rota):
    day = date(options["start_date"])
    for item in rota:
        while day.weekday() >= 5 or day.isoformat() in options.get("holidays", []):
            day += datetime.timedelta(days=1)
        assert item["date"] == day.isoformat(), 1
        day += datetime.timedelta(days=1)


def check_run(group, run, leave):
    counts = [run.count(name) for name in group]
    assert set(counts) <= {math.floor(len(run) / len(group)), math.ceil(len(run) / len(group))}, 4
    if not leave:
        for first in range(0, len(run), len(group)):
            part = run[first : first + len(group)]
            assert len(set(part)) == len(part), 4
    if len(group) > 1:
        assert all(a != b for a, b in zip(run, run[1:])), 5


def days_worked(options, rota):
    """The report, counted anew."""
    report = {}
    for name in [name for group in options["groups"] for name in group["members"]]:
        leads = [date(day["date"]).weekday() for day in rota if day["lead"] == name]
        assists = [date(day["date"]).weekday() for day in rota if day["assist"] == name]
        report[name] = {
            "lead_workdays": [[WEEKDAYS[n], leads.count(n)] for n in range(5) if n in leads],
            "assist_workdays": [[WEEKDAYS[n], assists.count(n)] for n in range(5) if n in assists],
            "totals": [["lead_days", len(leads)], ["assist_days", len(assists)],
                       ["grand_total", len(leads) + len(assists)]],
            "back_to_back": sum(a["assist"] == name == b["lead"] for a, b in zip(rota, rota[1:])),
        }
    return report
