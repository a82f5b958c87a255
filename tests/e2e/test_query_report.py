# SPDX-License-Identifier: MIT
"""The job module `query_report`: windows, parameters, formats, changes, and queries that will not do."""
import contextlib
import csv
import email
import email.policy
import io
import json
import sqlite3

import pytest

import plant
import postgres

SCHEMA = """
create table stops (station text not null, at timestamptz not null, minutes integer, share double precision, note text);
create table zone (zone_id text primary key, name text, timezone text, sort integer);
create table shift_definition (zone_id text, shift_type text, start_local text);
create table crew_calendar (zone_id text, shift_date date, shift_type text, crew text, scheduled boolean);
"""
ROWS = [("st1", "2024-11-02T09:00:00Z", 12, 0.5, None), ("st2", "2024-11-02T17:30:00Z", 5, 100.25, "jam | 'quoted'"),
        ("st3", "2024-11-03T09:00:00Z", None, 12.5, "=HYPERLINK(1)"), ("st1", "2024-11-03T09:30:00Z", 30, None, "line\ntwo")]
ZONE = ["insert into zone values ('Z1', 'Zone 1', 'America/Los_Angeles', 1)",
        "insert into shift_definition values ('Z1', 'DAY', '06:00'), ('Z1', 'NIGHT', '18:00')",
        "insert into crew_calendar values ('Z1', '2024-11-02', 'NIGHT', 'C', true)"]
QUERY = "select station, at, minutes, share, note from stops where at >= :from and at < :to order by at"


@pytest.fixture(scope="module")
def server():
    try:
        started = postgres.Server()
    except postgres.Unavailable as e:
        pytest.skip(str(e))
    with started:
        yield started


@pytest.fixture(params=["sqlite", "postgresql"])
def source(request, tmp_path):
    """The url of a database with the rows above, and a way to change it."""
    path = tmp_path / "stops.db"
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(SCHEMA)
        connection.executemany("insert into stops values (?, ?, ?, ?, ?)", ROWS)
        for statement in ZONE:
            connection.execute(statement)

    class Source:
        url = f"sqlite:{path}"

        @staticmethod
        def change(statement):
            with contextlib.closing(sqlite3.connect(path)) as connection, connection:
                connection.execute(statement)
    if request.param == "sqlite":
        return Source
    schema, name = tmp_path / "schema.sql", f"q{abs(hash(str(tmp_path)))}"
    schema.write_text(SCHEMA)
    server = request.getfixturevalue("server")
    server.load(path, schema, name)
    Source.url = server.url(name)
    Source.change = staticmethod(lambda statement: server.sql(statement, name))
    return Source


@pytest.fixture
def report(make_bmad, source):
    """report(**options) makes the bmad; its .at(TIME) runs it."""
    def make(query=QUERY, writable=False, timezone="America/Los_Angeles", **options):
        bmad = make_bmad(daemon={"timezone": timezone}, sources={"db": {"url": source.url, "writable": writable}},
                         jobs={"stops": {"module": "query_report", "channels": ["console"],
                                         "options": {"source": "db", **({"query": query} if query else {}), **options}}})
        bmad.at = lambda at, *args, status=0: bmad.once("stops", "--at", at, *args, status=status)
        return bmad
    return make


def data_of(result):
    assert result["result"] == "ok", result["error"]
    [data] = result["data"]
    return data


def stations(result):
    return [row["station"] for row in data_of(result)["rows"]]


# -- windows -----------------------------------------------------------------------------------------------------


def test_rows_come_with_their_types(report):
    data = data_of(report(window="2d").at("2024-11-03T10:00:00Z"))
    assert data["rows"][0] == {"station": "st1", "at": "2024-11-02T09:00:00Z", "minutes": 12, "share": 0.5, "note": None}
    assert [row["minutes"] for row in data["rows"]] == [12, 5, None, 30]
    assert (data["report"], data["name"], data["row_count"], data["truncated"]) == ("query", "stops", 4, False)


def test_a_duration_ends_at_the_slot(report):
    assert stations(report(window="30m").at("2024-11-03T09:30:00Z")) == ["st3"]
    assert stations(report(window="31m").at("2024-11-03T09:30:01Z")) == ["st3", "st1"]


def test_the_last_window_begins_where_the_one_before_ended(report):
    bmad = report()
    assert stations(bmad.at("2024-11-02T17:30:00Z")) == ["st1"], "the first looks a day back"
    assert stations(bmad.at("2024-11-03T09:00:00Z", "--dry-run")) == ["st2"]
    assert stations(bmad.at("2024-11-03T09:00:00Z")) == ["st2"], "a dry run leaves the window where it was"
    assert stations(bmad.at("2024-11-03T10:00:00Z")) == ["st3", "st1"]


def test_a_run_that_failed_leaves_the_window_where_it_was(report, source):
    bmad = report()
    assert stations(bmad.at("2024-11-02T17:30:00Z")) == ["st1"]
    source.change("alter table stops rename to gone")
    assert bmad.at("2024-11-03T09:00:00Z", status=1)["result"] == "error"
    source.change("alter table gone rename to stops")
    assert stations(bmad.at("2024-11-03T09:20:00Z")) == ["st2", "st3"]


def test_a_day_is_the_local_day_that_ended_last(report):
    data = data_of(report(window="day").at("2024-11-04T09:00:00Z"))
    assert (data["from"], data["to"]) == ("2024-11-03T07:00:00Z", "2024-11-04T08:00:00Z"), "25 hours"
    assert (data["from_local"], data["to_local"]) == ("2024-11-03T00:00:00-07:00", "2024-11-04T00:00:00-08:00")


def test_a_shift_is_the_one_of_the_zone_that_ended_last(report):
    query = QUERY.replace("select", "select :zone as zone, :shift_type as type, :shift_date as day, :crew as crew,")
    data = data_of(report(query, window="shift", zone="Z1").at("2024-11-03T14:00:00Z"))
    assert (data["from"], data["to"]) == ("2024-11-03T01:00:00Z", "2024-11-03T14:00:00Z"), "a night of 13 hours"
    assert data["shift"] == {"date": "2024-11-02", "type": "NIGHT", "crew": "C"}
    first = data["rows"][0]
    assert (first["zone"], first["type"], first["day"], first["crew"]) == ("Z1", "NIGHT", "2024-11-02", "C")


# -- parameters --------------------------------------------------------------------------------------------------


def test_own_parameters_are_bound_and_never_pasted(report):
    query = "select station from stops where station = :name or minutes > :least order by station"
    hostile = "x' or '1'='1"
    assert stations(report(query, params={"name": hostile, "least": 20}).at("2024-11-03T10:00:00Z")) == ["st1"]
    assert data_of(report(query, params={"name": "st2", "least": 99}).at("2024-11-03T10:00:00Z"))["params"] == {"name": "st2", "least": 99}


def test_the_slot_is_a_parameter(report):
    query = "select station from stops where at < :slot and at <= :as_of order by at"
    assert stations(report(query).at("2024-11-02T09:00:01Z")) == ["st1"]


@pytest.mark.parametrize("query", ["select :nobody as x", "select :shift_type as x"])
def test_a_parameter_that_is_not_known_is_named(report, query):
    result = report(query).at("2024-11-03T10:00:00Z", status=1)
    assert query.split()[1].strip(":") in result["error"]["message"]


def test_the_query_may_stand_in_a_file(report, tmp_path):
    path = tmp_path / "stops.sql"
    path.write_text(QUERY)
    bmad = report(None, query_file=str(path), window="2d")
    assert len(stations(bmad.at("2024-11-03T10:00:00Z"))) == 4
    path.unlink()
    assert str(path) in bmad.at("2024-11-03T10:00:00Z", status=1)["error"]["message"]


@pytest.mark.parametrize("statement", ["delete from stops", "insert into stops (station, at) values ('x', '2024-01-01')",
                                       "drop table stops", "update stops set minutes = 0 returning station"])
def test_statements_that_write_are_refused(report, statement):
    bmad = report(statement)
    assert bmad.at("2024-11-03T10:00:00Z", status=1)["result"] == "error"
    assert len(stations(report(window="2d").at("2024-11-03T10:00:00Z"))) == 4


def test_a_writable_source_is_refused(report):
    assert "is writable" in report(writable=True).at("2024-11-03T10:00:00Z", status=1)["error"]["message"]


@pytest.mark.parametrize("query, told", [("selekt 1", "selekt"), ("select 1 as a, 2 as a", "two columns named 'a'"), ("select nothing from stops", "nothing")])
def test_a_query_that_will_not_do_is_told(report, query, told):
    assert told in json.dumps(report(query).at("2024-11-03T10:00:00Z", status=1)["error"])


# -- check --connect: the query is understood and not run --------------------------------------------------------


def checked(bmad, job="stops"):
    done = bmad.command("check", "--connect")
    [line] = [line for line in done.stdout.splitlines() if line.startswith(f"job {job}: ")]
    return done.returncode, line


@pytest.mark.parametrize("options", [
    {}, {"window": "shift", "zone": "Z1"}, {"columns": {"minutes": {"total": True}}},
    {"when": "change", "key": ["station", "at"]}, {"params": {"mine": "x"}, "query": "select :mine as m, :slot as s;"}])
def test_a_good_query_passes_the_check(report, options):
    assert checked(report(**options)) == (0, "job stops: ok: its options will do")


@pytest.mark.parametrize("options, told", [
    ({"query": "selekt 1"}, "selekt"), ({"query": "select nothing from stops"}, "nothing"),
    ({"query": "select 1 as a, 2 as a"}, "two columns named 'a'"), ({"query": "select :mine"}, "no value for the parameter :mine"),
    ({"query": "delete from stops"}, "a"), ({"query": "select 1; select 2"}, "the query"),
    ({"columns": {"minuets": {}}}, "columns.minuets: the query has no column"),
    ({"when": "change", "key": ["minuets"]}, "key: the query has no column 'minuets'"),
    ({"window": "shift", "zone": "Z9"}, "Z9"), ({"writable": True}, "is writable")])
def test_a_query_that_will_not_do_fails_the_check(report, options, told):
    status, line = checked(report(**options))
    assert (status, line.split(": ")[1]) == (1, "failed") and told in line


def test_the_check_runs_no_query(report, source):
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) as c from n"
    assert checked(report(endless)) == (0, "job stops: ok: its options will do")


@pytest.mark.parametrize("options, told", [
    ({"query": None}, "either query or query_file"),
    ({"query_file": "x.sql"}, "either query or query_file"),
    ({"window": "week"}, "window: expected last, shift, day or a duration"),
    ({"window": "shift"}, "say which with `zone`"),
    ({"when": "change"}, "key: "),
    ({"key": ["station"]}, "key: "),
    ({"params": {"a": [1]}}, "params.a: expected a text"),
    ({"columns": {"minutes": {"format": "euro"}}}, "columns.minutes.format: expected text, integer"),
    ({"columns": {"minutes": {"lable": "x"}}}, "columns.minutes.lable: expected label"),
])
def test_options_that_make_no_sense_are_refused(report, options, told):
    bmad = report(**{"query": QUERY, **options})
    checked = bmad.command("check")
    assert checked.returncode == 2 and told in checked.stdout + checked.stderr


@pytest.mark.parametrize("options", [{"columns": {"minuets": {}}}, {"when": "change", "key": ["minuets"]}])
def test_a_column_that_the_query_has_not_is_named(report, options):
    assert "minuets" in report(**options).at("2024-11-03T10:00:00Z", status=1)["error"]["message"]


# -- how it looks ------------------------------------------------------------------------------------------------


def shown(bmad, at, *args):
    [message] = bmad.at(at, *args)["messages"]
    return message["payload"].splitlines()


def test_columns_have_labels_formats_and_totals(report):
    columns = {"station": {"label": "Station"}, "at": {"label": "Time", "format": "time"},
               "minutes": {"label": "Min", "format": "integer", "total": True}, "share": {"label": "Share", "format": "percent"}}
    bmad = report("select station, at, minutes, share from stops where at < :to order by at", columns=columns)
    assert data_of(bmad.at("2024-11-03T10:00:00Z"))["totals"] == {"minutes": 47}
    table = shown(bmad, "2024-11-03T10:00:01Z")[2:]
    assert table == ["Station  Time   Min    Share",
                     "st1      02:00   12    0.5 %",
                     "st2      10:30    5  100.2 %",
                     "st3      01:00        12.5 %",
                     "st1      01:30   30",
                     "total            47"]


def test_more_rows_than_asked_for_are_told(report):
    bmad = report(window="2d", max_rows=2)
    data = data_of(bmad.at("2024-11-03T10:00:00Z"))
    assert (len(data["rows"]), data["truncated"]) == (2, True)
    assert "... and more" in shown(bmad, "2024-11-03T10:00:00Z", "--again")


def test_no_rows_are_told_or_not_as_one_likes(report):
    assert "no rows" in shown(report(window="1m"), "2024-12-01T00:00:00Z")
    result = report(window="1m", when="rows").at("2024-12-01T00:00:00Z")
    assert (result["result"], result["messages"]) == ("ok", [])


def test_rows_go_along_as_a_file_in_which_no_cell_is_a_formula(make_bmad, source):
    bmad = make_bmad(sources={"db": source.url}, channels={"mail": {"type": "email", "url": "smtp://localhost", "from": "a@example.com", "to": ["b@example.com"]}},
                     jobs={"stops": {"module": "query_report", "channels": ["mail"],
                                     "options": {"source": "db", "query": QUERY, "window": "2d", "attach": ["csv"]}}})
    [message] = bmad.once("stops", "--at", "2024-11-03T10:00:00Z", "--dry-run")["messages"]
    assert message["subject"] == "stops, 2024-11-03 10:00: 4 rows"
    mail = email.message_from_string(message["payload"], policy=email.policy.default)
    [part] = mail.iter_attachments()
    assert (part.get_filename(), part.get_content_type()) == ("stops.csv", "text/csv")
    rows = list(csv.reader(io.StringIO(part.get_content(), newline="")))
    assert rows[0] == ["station", "at", "minutes", "share", "note"]
    assert rows[3][4] == "'=HYPERLINK(1)" and rows[2][4] == "jam | 'quoted'" and rows[4][4] == "line\ntwo"
    assert "'=HYPERLINK" not in mail.get_body(("html",)).get_content()


# -- changes -----------------------------------------------------------------------------------------------------


def parts(result):
    data = data_of(result)
    return {part: [row["station"] for row in data[part]] for part in ("raised", "still", "cleared")}


def test_a_change_is_told_once_and_again_after_repeat(report, source):
    bmad = report("select distinct station from stops where minutes > 10 order by 1", when="change", key=["station"], repeat="1h")
    assert parts(bmad.at("2024-11-03T10:00:00Z")) == {"raised": ["st1"], "still": [], "cleared": []}
    assert bmad.at("2024-11-03T10:05:00Z")["messages"] == []
    source.change("update stops set minutes = 40 where station = 'st2'")
    assert parts(bmad.at("2024-11-03T10:10:00Z")) == {"raised": ["st2"], "still": ["st1"], "cleared": []}
    source.change("update stops set minutes = 1 where station = 'st1'")
    result = bmad.at("2024-11-03T10:15:00Z")
    assert parts(result) == {"raised": [], "still": ["st2"], "cleared": ["st1"]}
    assert "Gone:" in result["messages"][0]["payload"]
    assert bmad.at("2024-11-03T11:14:00Z")["messages"] == []
    again = bmad.at("2024-11-03T11:15:00Z")
    assert parts(again) == {"raised": [], "still": ["st2"], "cleared": []} and data_of(again)["repeat"] is True


def test_without_repeat_what_is_still_there_is_told_no_more(report):
    bmad = report("select distinct station from stops", when="change", key=["station"])
    assert len(bmad.at("2024-11-03T10:00:00Z")["messages"]) == 1
    assert bmad.at("2024-12-03T10:00:00Z")["messages"] == []


def test_no_row_at_first_is_no_change(report):
    bmad = report("select station from stops where minutes > 99", when="change", key=["station"])
    assert bmad.at("2024-11-03T10:00:00Z")["messages"] == []


def test_hostile_cells_stay_in_their_cells(report, source):
    source.change("insert into stops values ('<b>&{{x}}</b>', '2024-11-03T09:40:00Z', 1, 1, '" + "ä" * 10000 + "')")
    data = data_of(report(window="1h").at("2024-11-03T10:00:00Z"))
    assert data["rows"][-1]["station"] == "<b>&{{x}}</b>" and len(data["rows"][-1]["note"]) == 10000


def test_the_plant_s_own_tables_can_be_asked(make_bmad, tmp_path):
    path = tmp_path / "plant.db"
    maker = plant.make_plant(path, seed=4, start="2024-11-02")
    query = "select result, count(*) as units from unit_event where ts >= :from and ts < :to group by result order by result"
    bmad = make_bmad(sources={"plant": f"sqlite:{path}"},
                     jobs={"units": {"module": "query_report", "channels": ["console"],
                                     "options": {"source": "plant", "query": query, "window": "shift", "zone": maker.zones[0],
                                                 "columns": {"units": {"total": True, "format": "integer"}}}}})
    data = data_of(bmad.once("units", "--at", plant.text(maker.finish), "--dry-run"))
    with contextlib.closing(sqlite3.connect(path)) as connection:
        counted = connection.execute(query.replace(":from", f"'{data['from']}'").replace(":to", f"'{data['to']}'")).fetchall()
    assert [(row["result"], row["units"]) for row in data["rows"]] == counted
    assert data["totals"]["units"] == sum(units for _, units in counted)
