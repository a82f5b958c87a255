# SPDX-License-Identifier: MIT
"""The slips job against a computation of its own, on SQLite and PostgreSQL, and its windows under kill -9."""
import contextlib
import json
import os
import sqlite3
import subprocess
import time

import pytest

import postgres
import slips
from harness import BINARY, wait_for

NOW = 1588305900  # 2020-05-01T04:05:00Z
AT = slips.text(NOW)
WEEK = 7 * slips.DAY


class SqliteTable:
    """The table in a file."""

    def __init__(self, folder, table):
        self.path = folder / "slips.db"
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            slips.load_sqlite(connection, table)
        self.url = f"sqlite:{self.path}"

    def cutoff(self):
        with contextlib.closing(sqlite3.connect(self.path, timeout=20)) as connection:
            return [row[0] for row in connection.execute("select date from buildables where artifact = 'NOTIFICATION'")]

    def change(self, statement):
        with contextlib.closing(sqlite3.connect(self.path, timeout=20)) as connection, connection:
            connection.execute(statement)

    @contextlib.contextmanager
    def read_only(self):
        """Whoever writes waits, whoever reads does not."""
        connection = sqlite3.connect(self.path, isolation_level=None)
        connection.execute("begin immediate")
        try:
            yield
        finally:
            connection.close()


class PostgresTable:
    """The same in a database of a server."""

    made = 0

    def __init__(self, server, folder, table):
        PostgresTable.made += 1
        self.server, self.database = server, f"slips{PostgresTable.made}"
        schema = folder / "schema.sql"
        schema.write_text(slips.SCHEMA)
        copy = SqliteTable(folder, table)
        server.load(copy.path, schema, self.database)
        self.url = server.url(self.database)

    def cutoff(self):
        return self.server.sql("set timezone = utc; select to_char(date, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') from buildables"
                               " where artifact = 'NOTIFICATION'", self.database)

    def change(self, statement):
        self.server.sql(statement, self.database)

    @contextlib.contextmanager
    def read_only(self):
        session = subprocess.Popen([self.server.programs["psql"], "-X", "-q", "-A", "-t", self.url],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        session.stdin.write("begin; lock table buildables in share mode; select 'held';\n")
        session.stdin.flush()
        assert session.stdout.readline().strip() == "held"
        try:
            yield
        finally:
            session.stdin.close()
            session.wait()


@pytest.fixture(scope="module")
def server():
    try:
        started = postgres.Server()
    except postgres.Unavailable as e:
        pytest.skip(str(e))
    with started:
        yield started


@pytest.fixture(params=["sqlite", "postgresql"])
def load(request, tmp_path):
    """load(table): the table in a database of this kind."""
    if request.param == "sqlite":
        return lambda table: SqliteTable(tmp_path, table)
    return lambda table: PostgresTable(request.getfixturevalue("server"), tmp_path, table)


@pytest.fixture
def job(make_bmad):
    """job(place, **options): a bmad with the job `slips` on it."""
    def make(place, writable=True, job=None, **options):
        return make_bmad(sources={"rip": {"url": place.url, "writable": writable}},
                         jobs={"slips": {"module": "slips", "channels": ["console"], "options": {"source": "rip", **options}, **(job or {})}})
    return make


def dry(bmad, *args, at=AT, status=0):
    return bmad.once("slips", "--at", at, "--dry-run", *args, status=status)


def keys(bmad):
    return [row["key"] for row in bmad.sql("select key from messages order by id")]


# -- the report --------------------------------------------------------------------------------------------------


def check_reports(seeds, load_one, job, **options):
    for seed in seeds:
        odd = options.pop("odd", True)
        table = slips.make_table(seed, NOW, odd)
        result = dry(job(load_one(seed, table), **options))
        data, metrics = slips.report(table, NOW, **{k: v for k, v in options.items() if k in ("slip_delta", "lookback_days", "baseline")})
        assert result["result"] == "ok", result["error"]
        assert result["data"] == [data], f"seed {seed}"
        assert result["metrics"] == metrics, f"seed {seed}"


@pytest.mark.parametrize("options", [{}, {"slip_delta": 0}, {"baseline": "cutoff"}, {"lookback_days": 30, "slip_delta": 1}],
                         ids=["defaults", "every move", "since the cutoff", "a month back"])
def test_reports_of_many_tables_are_as_computed_anew(job, tmp_path, options):
    def in_folder(seed, table):
        folder = tmp_path / str(seed)
        folder.mkdir()
        return SqliteTable(folder, table)
    check_reports(range(40), in_folder, job, **options)


@pytest.mark.parametrize("baseline", ["last_change", "cutoff"])
def test_a_server_gives_the_same_reports(job, server, tmp_path, baseline):
    for seed in range(100, 106):
        folder = tmp_path / str(seed)
        folder.mkdir()
        table = slips.make_table(seed, NOW, odd=False)
        result = dry(job(PostgresTable(server, folder, table), baseline=baseline))
        assert result["data"] == [slips.report(table, NOW, baseline=baseline)[0]], f"seed {seed}"


def worked_example():
    table = slips.Table()
    for region in ("ABC", "DEF"):
        table.save("REGION", region, region, date="2018-01-15T00:00:00Z", updated="2020-01-02T00:00:00Z")
    for name in ("one", "two"):
        table.save("SERVICE", name, name, name_pretty=name.title())
    for date, updated in (("2020-02-01", "2020-04-10"), ("2020-03-02", "2020-04-26")):
        table.save("SERVICE", "one", "one", "ABC", date=f"{date}T00:00:00Z", updated=f"{updated}T00:00:00Z", plan="p", updater="moe")
    table.cutoff("2020-04-24T04:05:00Z")
    return table


def test_thirty_days_are_a_slip_and_twenty_nine_are_not(job, load):
    place = load(worked_example())
    [data] = dry(job(place))["data"]
    assert [(s["change"], s["region"]) for s in data["slips"]] == [(30, "ABC")]
    place.change("update buildables set date = '2020-03-01T23:59:59Z' where instance = 'one:v0:ABC'")
    assert dry(job(place))["data"][0]["slips"] == []


def test_the_window_has_its_beginning_and_not_its_end(job, load):
    place = load(worked_example())
    for updated, counts in (("2020-04-24T04:05:00Z", True), ("2020-04-24T04:04:59Z", False),
                            ("2020-05-01T04:04:59Z", True), (AT, False)):
        place.change(f"update buildables set updated = '{updated}' where instance = 'one:v0:ABC'")
        assert dry(job(place))["data"][0]["slips_exist"] is counts, updated


def test_lag_takes_the_place_of_now(job, load):
    place = load(worked_example())
    place.change("update buildables set updated = '2020-05-01T04:04:00Z' where instance = 'one:v0:ABC'")
    bmad = job(place, lag="2m")
    assert dry(bmad)["data"][0]["slips"] == []
    bmad.once("slips", "--at", AT)
    assert place.cutoff() == ["2020-05-01T04:03:00Z"]


def test_what_the_table_holds_wrongly_is_told_by_its_row(job, tmp_path):
    table = worked_example()
    table.rows["SERVICE", "one:v0:ABC"]["date"] = "next spring"
    bmad = job(SqliteTable(tmp_path, table))
    done = bmad.command("--once", "slips", "--at", AT, "--dry-run", "--json")
    assert "row one:v0:ABC: 'next spring' in column date is no instant" in done.stderr


def test_debug_tells_why_each_plan_is_listed_or_not(job, load):
    table = worked_example()
    table.save("REGION", "NEW", "NEW", date="2021-01-01T00:00:00Z", updated="2020-01-02T00:00:00Z")
    table.save("SERVICE", "two", "two", "ABC", date=None, updated="2020-04-25T00:00:00Z", plan="p")
    table.save("SERVICE", "two", "two", "DEF", date="2020-05-05T00:00:00Z", updated="2020-01-01T00:00:00Z", plan="p")
    told = job(load(table)).command("--once", "slips", "--at", AT, "--dry-run", "--debug", "--json").stderr
    for text in ("region NEW is not launched", "plan two:v0:DEF was not updated in the window", "plan two:v0:ABC is not valid",
                 "service one, region ABC: moved by 30 days: listed"):
        assert text in told
    [logged] = [line for line in told.splitlines() if "event=message_data" in line]
    assert logged.index("beginning") < logged.index("improvements") < logged.index("unplanned_count")


# -- the cutoff --------------------------------------------------------------------------------------------------


def test_windows_touch_and_each_is_reported_once(job, load):
    place = load(worked_example())
    bmad = job(place)
    for at in (AT, slips.text(NOW + WEEK), slips.text(NOW + 3 * WEEK)):
        [data] = bmad.once("slips", "--at", at)["data"]
        assert data["end"] == at[:10] and place.cutoff() == [at]
    assert keys(bmad) == [f"region-slips|{at}" for at in ("2020-04-24T04:05:00Z", AT, slips.text(NOW + WEEK))]


def test_the_first_report_makes_the_record(job, load):
    table = worked_example()
    del table.rows["NOTIFICATION", "region-slips"]
    place = load(table)
    [data] = job(place).once("slips", "--at", AT)["data"]
    assert (data["last_sent_date"], data["beginning"]) == ("never", "2020-04-24")
    assert place.cutoff() == [AT]


@pytest.mark.parametrize("options", [["--dry-run"], ["--dry-run", "--debug"]])
def test_a_dry_run_moves_nothing(job, load, options):
    place = load(worked_example())
    job(place).once("slips", "--at", AT, *options)
    assert place.cutoff() == ["2020-04-24T04:05:00Z"]


def test_nothing_to_tell_is_not_sent_if_so_wished_and_the_cutoff_moves(job, load):
    table = worked_example()
    for key in [k for k in table.rows if k[0] == "SERVICE"]:
        del table.rows[key]
    place = load(table)
    result = job(place, send_empty=False).once("slips", "--at", AT)
    assert (result["result"], result["messages"], place.cutoff()) == ("ok", [], [AT])


def test_a_cutoff_in_the_future_fails_and_stays(job, load):
    table = worked_example()
    table.cutoff("2020-05-01T04:05:01Z")
    place = load(table)
    result = job(place).once("slips", "--at", AT, status=1)
    assert "later than now" in result["error"]["message"] and result["messages"] == []
    assert result["metrics"] == {"message_send_success": 0, "message_send_failure": 1, "slips_count": 0, "improvements_count": 0}
    assert place.cutoff() == ["2020-05-01T04:05:01Z"]


def test_a_table_that_may_only_be_read_is_refused_before_anything_is_sent(job, load):
    place = load(worked_example())
    bmad = job(place, writable=False)
    result = bmad.once("slips", "--at", AT, status=1)
    assert "writable: true" in result["error"]["message"] and keys(bmad) == []


@pytest.mark.parametrize("writable, options, rename, told", [
    (True, {}, None, None), (True, {"baseline": "cutoff"}, None, None), (False, {"cutoff_store": "state"}, None, None),
    (False, {}, None, "writable: true"), (True, {}, "alter table buildables rename to builds", "buildables"),
    (True, {}, "alter table buildables rename column version_latest to newest", "version_latest")])
def test_check_connect_asks_what_a_run_would_and_changes_nothing(job, load, writable, options, rename, told):
    place = load(worked_example())
    if rename:
        place.change(rename)
    done = job(place, writable=writable, **options).command("check", "--connect")
    [line] = [line for line in done.stdout.splitlines() if line.startswith("job slips: ")]
    assert (": failed: " in line and told in line) if told else line == "job slips: ok: its options will do"
    if not rename:
        assert place.cutoff() == ["2020-04-24T04:05:00Z"]


def test_the_cutoff_may_stand_with_bmad(job, load):
    place = load(worked_example())
    bmad = job(place, writable=False, cutoff_store="state")
    assert bmad.once("slips", "--at", AT)["data"][0]["last_sent_date"] == "never"
    assert bmad.once("slips", "--at", slips.text(NOW + WEEK))["data"][0]["last_sent_date"] == "2020-05-01 04:05 UTC"
    assert place.cutoff() == ["2020-04-24T04:05:00Z"]


def test_a_cutoff_that_somebody_else_moved_stays_as_it_is(job, load):
    place = load(worked_example())
    bmad = job(place)
    with place.read_only():
        process = begin(bmad)
        wait_for(lambda: committed(bmad), what="the commit")
        kill(process)
    place.change("update buildables set date = '2020-04-30T00:00:00Z' where artifact = 'NOTIFICATION'")
    [data] = dry(bmad)["data"]
    assert data["beginning"] == "2020-04-30"


# -- kill -9 -----------------------------------------------------------------------------------------------------


def begin(bmad, at=AT):
    return subprocess.Popen([BINARY, "-c", str(bmad.config), "--once", "slips", "--at", at, "--json"], cwd=bmad.folder,
                            env=bmad.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def committed(bmad):
    """The keys in the outbox; none while there is no store."""
    try:
        return keys(bmad)
    except sqlite3.Error:
        return []


def kill(process):
    process.kill()
    process.wait()


def finish(bmad, place, at):
    """The next run, whatever the last one came to; as often as a store that still has its last owner asks for."""
    deadline = time.monotonic() + 20
    while True:
        done = bmad.command("--once", "slips", "--at", at, "--json")
        if done.returncode == 0:
            assert place.cutoff() == [at]
            return
        assert time.monotonic() < deadline, done.stdout + done.stderr
        time.sleep(0.1)


@pytest.mark.parametrize("first", [False, True], ids=["a window", "the first report"])
def test_a_run_that_dies_between_commit_and_cutoff_neither_repeats_nor_loses_a_window(job, load, first):
    table = worked_example()
    if first:
        del table.rows["NOTIFICATION", "region-slips"]
    place = load(table)
    bmad = job(place)
    before = place.cutoff()
    with place.read_only():
        process = begin(bmad)
        wait_for(lambda: committed(bmad), what="the commit")
        kill(process)
        assert place.cutoff() == before
    finish(bmad, place, slips.text(NOW + WEEK))
    begun = "never" if first else before[0]
    assert keys(bmad) == [f"region-slips|{begun}", f"region-slips|{AT}"]


def test_killed_at_any_moment_every_window_is_reported_once(job, load):
    """Sweeps the moment over the whole run: begun, read, committed, cutoff moved, delivered."""
    place = load(worked_example())
    bmad = job(place)
    delay, now = 0.0, NOW
    for _ in range(25):
        process = begin(bmad, slips.text(now))
        time.sleep(delay)
        kill(process)
        delay += 0.002
        now += 3600
    finish(bmad, place, slips.text(now))
    sent = [key.split("|")[1] for key in keys(bmad)]
    assert sent == sorted(set(sent)) and sent[0] == "2020-04-24T04:05:00Z"
    until = [row["value"].strip('"') for row in bmad.sql("select value from state where key like 'window|%' order by key")]
    assert until == sent[1:] + [slips.text(now)], "each window begins where the one before ended"


# -- size --------------------------------------------------------------------------------------------------------


@pytest.fixture
def large_table(tmp_path):
    """large_table(statement): a table of a million rows, changed by STATEMENT."""
    if "BMAD_LARGE" not in os.environ:
        pytest.skip("BMAD_LARGE=1 makes a table of a million rows")

    def make(statement="select 1"):
        place = SqliteTable(tmp_path, slips.Table())
        with contextlib.closing(sqlite3.connect(place.path)) as connection, connection:
            connection.executemany("insert into buildables values (?,?,?,?,?,?,?,?,?,?,?,?,?)", slips.large_rows())
            connection.execute(statement)
        return place
    return make


def test_a_million_rows_are_read_in_a_stream(job, large_table):
    place = large_table()
    begun = time.monotonic()
    [data] = dry(job(place))["data"]
    took = time.monotonic() - begun
    begun = time.monotonic()
    with contextlib.closing(sqlite3.connect(place.path)) as connection:
        count = sum(1 for _ in connection.execute(slips.PLANS))
    print(f"report {took:.2f} s, {count} plans streamed in {time.monotonic() - begun:.2f} s")
    assert data["slip_count"] == slips.LARGE_SLIPS


def test_an_object_of_fifteen_megabytes_goes_out_as_a_mail_that_begins_with_the_slips(make_bmad, large_table):
    place = large_table("update buildables set date = null, note = 'waiting for racks and power'"
                        " where plan is not null and updated < '2020-01-01'")
    mail = {"type": "email", "url": "smtp://mail.example", "from": "a@example.com", "to": ["b@example.com"], "max_bytes": "2M"}
    bmad = make_bmad(sources={"rip": {"url": place.url, "writable": True}}, channels={"mail": mail},
                     jobs={"slips": {"module": "slips", "channels": ["mail"], "timeout": "5m", "options": {"source": "rip"}}})
    result = dry(bmad)
    [message] = result["messages"]
    assert len(json.dumps(result["data"][0])) > 15_000_000
    assert len(message["payload"]) <= 2_000_000 and "without a plan" in message["payload"] and "shortened" in message["payload"]
