# SPDX-License-Identifier: MIT
"""`bmad backup`: a copy of one moment, beside a daemon or without one."""
import contextlib
import os
import signal
import sqlite3
import subprocess
import threading

import pytest

from harness import BINARY, wait_for

BEAT = {"module": "heartbeat", "channels": ["out"], "schedule": "* * * * * *"}


@pytest.fixture
def bmad(make_bmad):
    return make_bmad(jobs={"beat": BEAT}, channels={"out": {"type": "file", "dir": "out"}})


def rows(path, query):
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return copy.execute(query).fetchall()


def names(bmad):
    """Without the companions that SQLite gives a store whoever opens it."""
    return {path.name for path in bmad.folder.iterdir() if not path.name.startswith("bmad.db-")}


def test_a_backup_is_a_store_of_its_own(bmad):
    run = bmad.once("beat")["run"]
    before = names(bmad)
    done = bmad.command("backup", "copy.db")
    copy = bmad.folder / "copy.db"
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"copy.db: {copy.stat().st_size} bytes\n"
    assert copy.stat().st_mode & 0o777 == 0o600
    assert names(bmad) == before | {"copy.db"}
    bmad.configure({"beat": BEAT}, {"out": {"type": "file", "dir": "out"}}, {"store": f"sqlite:{copy}"})
    assert [str(row["run"]) for row in bmad.runs()] == [run]
    assert bmad.once("beat")["run"] != run, "the daemon can go on with it"


def test_copies_beside_a_working_daemon_are_each_of_one_moment(bmad):
    bmad.start()
    bmad.wait_event("run_succeeded", job="beat")
    asked = threading.Event()

    def ask():
        while not asked.is_set():
            bmad.command("run", "beat", "--wait")

    other = threading.Thread(target=ask)
    other.start()
    try:
        for number in range(8):
            assert bmad.command("backup", f"copy{number}.db").returncode == 0
    finally:
        asked.set()
        other.join()
    for number in range(8):
        (torn,) = rows(bmad.folder / f"copy{number}.db",
                       "SELECT count(*) FROM runs LEFT JOIN messages ON messages.run = runs.id"
                       " WHERE runs.state = 'ok' AND messages.id IS NULL")
        assert torn == (0,)
    assert bmad.command("status").returncode == 0


@pytest.mark.parametrize("name, complaint", [
    ("there.db", "there.db is there already"),
    ("link.db", "link.db is there already"),
    ("nowhere/copy.db", "nowhere/copy.db: No such file or directory"),
])
def test_what_cannot_be_written_is_refused_and_leaves_nothing(bmad, name, complaint):
    bmad.once("beat")
    (bmad.folder / "there.db").write_text("mine")
    os.symlink("nothing", bmad.folder / "link.db")
    before = names(bmad)
    done = bmad.command("backup", name)
    assert done.returncode in (1, 2)
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert complaint in done.stderr
    assert names(bmad) == before
    assert (bmad.folder / "there.db").read_text() == "mine"


def test_without_a_store_there_is_nothing_to_copy(bmad):
    done = bmad.command("backup", "copy.db")
    assert done.returncode == 2
    assert "no store yet" in done.stderr
    assert not (bmad.folder / "copy.db").exists() and not bmad.store.exists()


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--all"]])
def test_a_backup_needs_one_name(bmad, arguments):
    assert bmad.command("backup", *arguments).returncode == 2


def test_a_disk_that_is_full_leaves_no_half_copy(bmad):
    bmad.once("beat")
    if subprocess.run(["unshare", "-rm", "true"], check=False).returncode:
        pytest.skip("no namespaces of our own here")
    (bmad.folder / "small").mkdir()
    script = f"mount -t tmpfs -o size=64k none small && {BINARY} -c {bmad.config} backup small/copy.db; " \
             "status=$?; ls -A small >&2; exit $status"
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script], cwd=bmad.folder, env=bmad.environment(),
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "full" in done.stderr and done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_backup_that_is_interrupted_leaves_nothing(bmad, number):
    bmad.once("beat")
    with contextlib.closing(sqlite3.connect(bmad.store)) as store:  # enough to be met while it copies
        store.execute("CREATE TABLE ballast AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                      " WHERE i < 3000) SELECT i, zeroblob(60000) FROM n")
        store.commit()
    before = names(bmad)
    copying = subprocess.Popen([BINARY, "-c", bmad.config, "backup", "copy.db"], cwd=bmad.folder, env=bmad.environment())
    wait_for(lambda: names(bmad) != before, pause=0.001, what="the copy's beginning")
    copying.send_signal(number)
    assert copying.wait(20) == -number
    assert names(bmad) == before


def test_a_store_of_an_older_bmad_is_copied_before_the_new_one_changes_it(bmad):
    bmad.once("beat")
    with contextlib.closing(sqlite3.connect(bmad.store)) as store:
        store.execute("DELETE FROM schema_version WHERE version > 1")
        store.commit()
    assert "older bmad" in bmad.command("runs").stderr
    assert bmad.command("backup", "copy.db").returncode == 0
    assert rows(bmad.folder / "copy.db", "SELECT max(version) FROM schema_version") == [(1,)]
