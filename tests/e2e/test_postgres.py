# SPDX-License-Identifier: MIT
"""PostgreSQL sources on a real server: the same reports as over SQLite, TLS, passwords, and what ends a run."""
import contextlib
import random
import signal
import subprocess

import pytest

import plant
import postgres
from harness import wait_for

AT = "2024-11-03T10:05:00Z"
NIGHTS = [
    dict(timezone="America/Los_Angeles", start="2024-11-02"),
    dict(timezone="Australia/Lord_Howe", start="2025-04-05", shifts=(("DAY", "06:30"), ("NIGHT", "18:30")), gaps=True),
    dict(timezone="Asia/Kathmandu", start="2024-06-01", zones=2, blackout=("2024-06-01T03:00:00Z", "2024-06-01T09:00:00Z")),
]


@pytest.fixture(scope="module")
def server():
    try:
        started = postgres.Server()
    except postgres.Unavailable as e:
        pytest.skip(str(e))
    with started:
        yield started


@pytest.fixture(scope="module")
def loaded(server, tmp_path_factory):
    """The database `plant`, as a file too."""
    path = tmp_path_factory.mktemp("plant") / "plant.db"
    plant.make_plant(path, seed=3)
    server.load(path, plant.SCHEMA, "plant")
    server.sql("create role reader login; create role guarded login password '%s';" % postgres.PASSWORDS["guarded"]
               + "grant select on all tables in schema public to reader, guarded;", "plant")
    return path


def job(source="plant", zone="Z1", **more):
    return {"module": "zone_hourly", "schedule": "5 * * * *", "channels": ["console"],
            "options": {"source": source, "zone": zone, "post_unscheduled": True}, **more}


def report(bmad, at=AT, name="report", status=0):
    return bmad.once(name, "--at", at, "--dry-run", status=status)


def told(result):
    return result["error"]["message"] + " ".join(frame["note"] or "" for frame in result["error"]["frames"])


@contextlib.contextmanager
def held(server, table="zone", database="plant"):
    """Holds TABLE locked: whoever reads it waits."""
    session = subprocess.Popen([server.programs["psql"], "-X", "-q", "-A", "-t", server.url(database)],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    session.stdin.write(f"begin; lock table {table}; select 'held';\n")
    session.stdin.flush()
    assert session.stdout.readline() == "held\n"
    try:
        yield
    finally:
        with contextlib.suppress(BrokenPipeError):
            session.stdin.close()
        session.wait(10)


def waiting(server):
    """How many of our statements wait for a lock."""
    return int(server.sql("select count(*) from pg_stat_activity where application_name = 'bmad'"
                          " and wait_event_type = 'Lock'")[0])


# -- reports ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", NIGHTS, ids=lambda how: "%(timezone)s-%(start)s" % how)
def test_the_report_is_the_same_over_both_databases(server, make_bmad, tmp_path, how):
    path, name = tmp_path / "plant.db", "night%d" % NIGHTS.index(how)
    maker = plant.make_plant(path, seed=2, **how)
    server.load(path, plant.SCHEMA, name)
    sources = {"file": f"sqlite:{path}", "server": server.url(name)}
    zone = maker.zones[-1]
    bmad = make_bmad(jobs={source: job(source, zone) for source in sources}, sources=sources)
    rng = random.Random(name)
    for at in (maker.begin + 7260, *(rng.randint(maker.begin, maker.finish) for _ in range(4))):
        got = {source: report(bmad, plant.text(at), source) for source in sources}
        assert got["server"]["result"] == "ok", got["server"]["error"]
        assert plant.difference(got["server"]["data"], got["file"]["data"]) is None, plant.text(at)
        assert plant.difference(got["server"]["data"][0], plant.hourly(path, zone, at)[0]) is None, plant.text(at)
        assert [m["key"] for m in got["server"]["messages"]] == [m["key"] for m in got["file"]["messages"]]


def test_what_cannot_be_used_is_named(server, make_bmad, tmp_path):
    path = tmp_path / "plant.db"
    plant.make_plant(path, seed=8, start="2024-11-02")
    server.load(path, plant.SCHEMA, "broken")
    bmad = make_bmad(jobs={"report": job()}, sources={"plant": server.url("broken")})
    server.sql("alter table hour_target drop constraint hour_target_target_units_check, alter target_units type float8;"
               "update hour_target set target_units = 2.5", "broken")
    assert "target_units of row 1: expected an integer, found number 2.5" in told(report(bmad, status=1))
    server.sql("alter table hour_target alter target_units type integer; drop table ncm_event", "broken")
    got = report(bmad, status=1)
    assert "query 'NCM'" in told(got) and 'relation "ncm_event" does not exist (SQLSTATE 42P01, line 1' in told(got)
    assert got["error"]["kind"] == "PERMANENT"


# -- who may read, and how ----------------------------------------------------------------------------------


def test_the_password_is_given_apart_and_never_shown(server, loaded, make_bmad):
    right = postgres.PASSWORDS["guarded"]
    url = server.url("plant", "guarded", tcp=True)
    assert loaded.exists()
    for source in ({"url": url, "password": right}, {"url": url, "password": "${PLANT_PASSWORD}"},
                   server.url("plant", "guarded", right, tcp=True)):
        bmad = make_bmad(jobs={"report": job()}, sources={"plant": source})
        got = bmad.once("report", "--at", AT, "--dry-run", env={"PLANT_PASSWORD": right})
        assert got["result"] == "ok", got["error"]
    for source in ({"url": url, "password": "sesame-1"}, server.url("plant", "guarded", "sesame-1", tcp=True)):
        bmad = make_bmad(jobs={"report": job()}, sources={"plant": source})
        done = bmad.command("--once", "report", "--at", AT, "--dry-run", "--json")
        assert done.returncode == 1 and "password authentication failed" in done.stdout
        assert "sesame" not in done.stdout + done.stderr


def test_tls_is_asked_for_in_the_url(server, loaded, make_bmad, tmp_path):
    certificate = tmp_path / "root.crt"
    certificate.write_bytes((server.data / "server.crt").read_bytes())
    assert loaded.exists()
    trusting = server.url("plant", "reader", tcp=True, sslmode="verify-full", sslrootcert=str(certificate))
    bmad = make_bmad(jobs={"report": job()}, sources={"plant": trusting})
    assert report(bmad)["result"] == "ok"
    (tmp_path / "root.crt").write_text("")
    got = report(bmad, status=1)
    assert got["error"]["kind"] == "TEMPORARY" and "connect to the server" in told(got)
    socket_only = server.url("plant", "reader", scheme="postgres")
    assert report(make_bmad(jobs={"report": job()}, sources={"plant": socket_only}))["result"] == "ok"


def test_a_missing_server_and_a_wrong_url_are_told(make_bmad):
    bmad = make_bmad(jobs={"report": job()}, sources={"plant": f"postgresql://u@127.0.0.1:{postgres.free_port()}/x"})
    got = report(bmad, status=1)
    assert got["error"]["kind"] == "TEMPORARY" and "Connection refused" in told(got)
    bmad = make_bmad(jobs={"report": job()}, sources={"plant": "postgresql://u@host/x?colour=red"})
    got = report(bmad, status=1)
    assert got["error"]["kind"] == "CONFIG" and "invalid URI query parameter" in told(got)


def test_notices_go_to_the_log(server, loaded, make_bmad):
    server.sql("create function speak() returns boolean language plpgsql stable as"
               " $$ begin raise warning 'the plan is old'; return true; end $$;"
               "create schema loud; create view loud.zone as select * from public.zone where speak();", "plant")
    for table in ("line", "station", "shift_definition", "crew_calendar", "hour_target", "unit_event", "ncm_event", "downtime_event"):
        server.sql(f"create view loud.{table} as select * from public.{table}", "plant")
    assert loaded.exists()
    bmad = make_bmad(jobs={"report": job()}, sources={"plant": {"url": server.url("plant"), "schema": "loud"}})
    done = bmad.command("--once", "report", "--at", AT, "--dry-run")
    assert done.returncode == 0, done.stdout + done.stderr
    line, = [line for line in (done.stdout + done.stderr).splitlines() if "the plan is old" in line]
    assert "event=job_log" in line and "job=report" in line and "source plant: WARNING: " in line


# -- what ends a run ------------------------------------------------------------------------------------------


def test_a_statement_that_takes_too_long_is_ended_on_the_server(server, loaded, make_bmad):
    assert loaded.exists()
    source = {"url": server.url("plant"), "statement_timeout": "700ms"}
    bmad = make_bmad(jobs={"report": job()}, sources={"plant": source})
    with held(server):
        got = report(bmad, status=1)
        assert got["error"]["kind"] == "TEMPORARY" and "statement" in told(got) and "query 'zone'" in told(got)
        assert waiting(server) == 0


def start_held(server, make_bmad):
    """A daemon whose run waits for a lock."""
    bmad = make_bmad(jobs={"report": job(schedule="* * * * * *")}, sources={"plant": server.url("plant")},
                     daemon={"stop_timeout": "10s"})
    bmad.start()
    wait_for(lambda: waiting(server) == 1, what="a run that waits for the lock")
    return bmad


def test_a_killed_worker_leaves_nothing_running_on_the_server(server, loaded, make_bmad):
    assert loaded.exists()
    with held(server):
        bmad = start_held(server, make_bmad)
        bmad.kill("worker")
        bmad.kill("main")
        wait_for(lambda: waiting(server) == 0, what="the end of the statement of a dead worker")


def test_a_run_that_is_over_its_time_ends_its_query(server, loaded, make_bmad):
    """The worker ends it, by its own clock or because it was told to; not the statement's timeout."""
    assert loaded.exists()
    bmad = make_bmad(jobs={"report": job(schedule="* * * * * *", timeout="2s")}, sources={"plant": server.url("plant")})
    with held(server):
        bmad.start()
        over = bmad.wait_event("run_timeout", job="report")
        assert over["kind"] == "TEMPORARY" and "query 'zone'" in over["error"], over
        assert not bmad.events("run_crashed")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["restart", "crash"])
def test_a_server_that_restarts_fails_one_run_and_the_next_goes_well(server, loaded, make_bmad, how):
    assert loaded.exists()
    with held(server):
        bmad = start_held(server, make_bmad)
        server.restart(how)
        failed = bmad.wait_event("run_failed", job="report")
    assert failed["kind"] == "TEMPORARY", failed
    seen = len(bmad.events("run_succeeded", job="report"))
    bmad.wait_event("run_succeeded", count=seen + 1, job="report")
