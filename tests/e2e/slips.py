# SPDX-License-Identifier: MIT
"""The slips report computed anew in Python, from rows as a generator makes them."""
import datetime
import random

SCHEMA = """
create table buildables (
    artifact text not null, instance text not null, version_instance integer not null default 0,
    version_latest integer, rip_name text, name_pretty text, plan text, belongs_to_artifact text,
    belongs_to_instance text, date timestamptz, updated timestamptz, updater text, note text,
    primary key (artifact, instance));
create unique index buildables_version
    on buildables (artifact, rip_name, belongs_to_artifact, belongs_to_instance, version_instance);
create index buildables_current on buildables (artifact, version_instance, updated);
"""
COLUMNS = ["artifact", "instance", "version_instance", "version_latest", "rip_name", "name_pretty", "plan",
           "belongs_to_artifact", "belongs_to_instance", "date", "updated", "updater", "note"]
BLANKS = ["", " ", "\t\n", "\r\v\f "]
NAMES = ["ant", "Bee", 'quo"te', "back\\slash", "<b>&amp;", "{{brace}}", "äöü", "🚚 truck", "zz", "a,b"]
DAY = 86400


def instant(text):
    """Seconds of what the table may hold as an instant, or None."""
    if text is None:
        return None
    for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"):
        try:
            at = datetime.datetime.strptime(text, form).replace(tzinfo=datetime.timezone.utc)
        except ValueError:
            continue
        if text == at.strftime(form):
            return int(at.timestamp())
    return None


def text(at):
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_blank(value):
    return value is None or not value.strip(" \t\r\n\v\f")


# The rows that a report reads, as any client would ask for them.
PLANS = ("select rip_name, belongs_to_instance, date, plan, updated, updater, note, instance, version_latest from buildables"
         " where artifact = 'SERVICE' and belongs_to_artifact = 'REGION' and version_instance = 0")
LARGE_SERVICES, LARGE_REGIONS = 5000, 40
LARGE_SLIPS = LARGE_SERVICES // 100 * LARGE_REGIONS


# -- rows ------------------------------------------------------------------------------------------------------


class Table:
    """Rows as dicts, with saving as the application does it: history and a current copy."""

    def __init__(self):
        self.rows = {}

    def put(self, artifact, instance, version=0, **values):
        self.rows[artifact, instance] = {**dict.fromkeys(COLUMNS), "artifact": artifact, "instance": instance,
                                         "version_instance": version, **values}

    def save(self, artifact, stem, name, region=None, **values):
        suffix = f":{region}" if region else ""
        latest = max([row["version_latest"] for (a, i), row in self.rows.items() if i == f"{stem}:v0{suffix}" and a == artifact] + [0]) + 1
        place = {"rip_name": name, **({"belongs_to_artifact": "REGION", "belongs_to_instance": region} if region else {})}
        for row in self.rows.values():
            if row["artifact"] == artifact and all(row[k] == v for k, v in place.items()) and row["belongs_to_instance"] == region:
                row["version_latest"] = latest
        for version in (latest, 0):
            self.put(artifact, f"{stem}:v{version}{suffix}", version, version_latest=latest, **place, **values)

    def cutoff(self, date):
        self.put("NOTIFICATION", "region-slips", date=date, updated=date, updater="bmad")

    def tuples(self):
        return [tuple(row[column] for column in COLUMNS) for row in self.rows.values()]


def large_rows():
    """A million: 5,000 services in 40 regions, each with a current plan and four of its history."""
    regions = [f"R{n:02}" for n in range(LARGE_REGIONS)]
    for r in regions:
        yield ("REGION", f"{r}:v0", 0, 1, r, None, None, None, None, "2018-01-15T00:00:00Z", "2018-01-15T00:00:00Z", "x", None)
    for s in range(LARGE_SERVICES):
        yield ("SERVICE", f"s{s}:v0", 0, 1, f"s{s}", f"Service {s}", None, None, None, None, None, None, None)
        for r in regions:
            for version in (0, 1, 2, 3, 4):
                moved = version in (0, 4) and s % 100 == 0
                yield ("SERVICE", f"s{s}:v{version}:{r}", version, 4, f"s{s}", None, "p", "REGION", r,
                       "2020-06-01T00:00:00Z" if moved else "2020-01-01T00:00:00Z",
                       "2020-04-30T00:00:00Z" if moved else "2019-01-01T00:00:00Z", "moe", None)


def make_table(seed, now, odd=True):
    """Services, regions, and plans with a history around NOW; ODD: with rows that hold nonsense."""
    r = random.Random(seed)
    table = Table()
    regions = [f"R{n}" for n in range(r.randint(1, 70))] if r.random() < 0.2 else ["ABC", "DEF", "GHI", "ü<é"]
    for region in regions:
        launch = r.choice([now - DAY, now, now + 1, now - 400 * DAY, now + 90 * DAY])
        if r.random() < 0.9:
            table.save("REGION", region, region, date=text(launch) if r.random() < 0.9 else None)
    for n in range(r.randint(0, 8)):
        name = r.choice(NAMES) + str(n)
        if r.random() < 0.95:
            table.save("SERVICE", name, name, name_pretty=r.choice([name.title(), None, *BLANKS]))
        for region in r.sample(regions, r.randint(0, len(regions))):
            at = now - r.randint(10, 200) * DAY
            for _ in range(r.randint(1, 6)):
                at += r.choice([0, 1, DAY, 3 * DAY, 9 * DAY, 40 * DAY])
                plan = {"date": text(at + r.choice([0, 29, 30, 31, -29, -30, -31, 100, -100, 0]) * DAY + r.randint(0, DAY - 1)),
                        "plan": "main", "updated": text(min(at, now + 5)), "updater": r.choice(["moe", None, "🙂"]),
                        "note": r.choice([None, "", " ", "waits for steel\nline two", '"x"'])}
                if r.random() < 0.1:
                    plan["date"] = None
                if r.random() < 0.1:
                    plan["plan"] = r.choice([None, *BLANKS])
                if odd and r.random() < 0.1:
                    plan[r.choice(["date", "updated"])] = r.choice(["soon", "2020-13-01", "", "2020-04-26T00:00:00+00:00"])
                if odd and r.random() < 0.1:
                    plan["updated"] = text(min(at, now))[:10]
                table.save("SERVICE", name, name, region, **plan)
            if r.random() < 0.15:  # a version is missing
                table.rows.pop(("SERVICE", f"{name}:v{r.randint(1, 4)}:{region}"), None)
    if r.random() < 0.8:
        table.cutoff(r.choice([text(now - 7 * DAY), text(now - 40 * DAY), text(now), None] + (["never", text(now - 7 * DAY)[:10]] if odd else [])))
    return table


def load_sqlite(connection, table):
    connection.executescript(SCHEMA)
    connection.executemany(f"insert into buildables values ({', '.join('?' * len(COLUMNS))})", table.tuples())
    connection.commit()


# -- the report ------------------------------------------------------------------------------------------------


def report(table, now, slip_delta=30, lookback_days=7, baseline="last_change"):
    """The data object of the report that a run at NOW must give, and its metrics."""
    rows = list(table.rows.values())
    current = [row for row in rows if row["version_instance"] == 0]
    record = table.rows.get(("NOTIFICATION", "region-slips"))
    stored = instant(record["date"]) if record else None
    cutoff = stored if stored is not None else now - lookback_days * DAY
    not_launched = {row["rip_name"] for row in current if row["artifact"] == "REGION" and (instant(row["date"]) or now) > now}
    services = {}
    for row in sorted(current, key=lambda row: row["instance"]):
        if row["artifact"] == "SERVICE" and row["belongs_to_artifact"] is None:
            services.setdefault(row["rip_name"], row["rip_name"] if is_blank(row["name_pretty"]) else row["name_pretty"])
    plans = {(row["rip_name"], row["belongs_to_instance"]): row for row in current
             if row["artifact"] == "SERVICE" and row["belongs_to_artifact"] == "REGION"
             and row["rip_name"] in services and row["belongs_to_instance"] not in not_launched}
    unique = sorted({region for _, region in plans}, key=str.encode)
    valid = {key: row for key, row in plans.items() if instant(row["date"]) is not None and not is_blank(row["plan"])}
    moved = []
    for (service, region), row in valid.items():
        updated = instant(row["updated"])
        if updated is None or not cutoff <= updated < now:
            continue
        history = [old for old in rows if old["artifact"] == "SERVICE" and old["belongs_to_artifact"] == "REGION"
                   and (old["rip_name"], old["belongs_to_instance"]) == (service, region)
                   and 1 <= old["version_instance"] <= row["version_latest"] - 1
                   and (baseline == "last_change" or instant(old["updated"]) is None or instant(old["updated"]) < cutoff)]
        earlier = instant(max(history, key=lambda old: old["version_instance"])["date"]) if history else None
        if earlier is None:
            continue
        days = instant(row["date"]) // DAY - earlier // DAY
        if days and abs(days) >= slip_delta:
            moved.append((days, {
                "change": abs(days), "current": text(instant(row["date"]))[:10], "previous": text(earlier)[:10],
                "updated": text(updated)[:10], "name_pretty": services[service], "name_rip": service, "region": region,
                "note": row["note"] or "", "updater": row["updater"] or ""}))
    moved.sort(key=lambda item: (-item[1]["change"], item[1]["name_rip"].encode(), item[1]["region"].encode()))
    slips = [entry for days, entry in moved if days > 0]
    improvements = [entry for days, entry in moved if days < 0]
    unplanned = []
    for service in sorted(services, key=str.encode):
        missing = [region for region in unique if (service, region) not in valid]
        notes = {region: plans[service, region]["note"] for region in missing
                 if (service, region) in plans and not is_blank(plans[service, region]["note"])}
        listed = [{"region": region, "separator": "" if region == missing[-1] else ",",
                   **({"note": notes.get(region, "")} if notes else {})} for region in missing]
        if missing:
            unplanned.append({"has_notes": bool(notes), "name_pretty": services[service], "name_rip": service, "regions": listed})
    data = {
        "beginning": text(cutoff)[:10], "end": text(now)[:10],
        "last_sent_date": text(cutoff)[:16].replace("T", " ") + " UTC" if stored is not None else "never",
        "slip_delta": slip_delta, "slips": slips, "improvements": improvements, "slip_count": len(slips),
        "improvement_count": len(improvements), "slips_exist": bool(slips), "improvements_exist": bool(improvements),
        "unplanned": unplanned, "unplanned_count": len(unplanned)}
    return data, {"message_send_success": 1, "message_send_failure": 0,
                  "slips_count": len({e["name_rip"] for e in slips}),
                  "improvements_count": len({e["name_rip"] for e in improvements})}
