# SPDX-License-Identifier: MIT
"""The daemon: schedules, downtime, overlap, stopping, its commands, the service manager, its log."""
import contextlib
import json
import re
import signal
import socket
import sqlite3
import subprocess
import time

import pytest

from harness import BINARY, is_alive, slot_text, slot_time, status_number, title, wait_for
from receiver import Status

SECOND = "* * * * * *"
HOOK = {"type": "webhook", "body": "data", "retry": {"initial": "50ms", "max": "200ms"}}


def noop(**keys):
    return {"module": "noop", **keys}


def probe(sleep="0s", messages=1, **keys):
    return {"module": "probe", "channels": ["counter"], "options": {"sleep": sleep, "messages": messages}, **keys}


def slots(bmad, job):
    """The job's slots in order: (due, state)."""
    return [(row["due"], row["state"]) for row in
            bmad.sql("SELECT due, state FROM slots WHERE job = ? ORDER BY due", job)]


# -- schedules -------------------------------------------------------------------------------------------


def test_a_schedule_fires_each_slot_once_and_on_time(make_bmad, receiver):
    bmad = make_bmad(jobs={"beat": probe(schedule=SECOND), "even": noop(schedule="*/2 * * * * *"),
                           "every": noop(schedule="@every 2s"), "off": noop(schedule=SECOND, enabled=False)},
                     channels={"counter": {**HOOK, "url": receiver.url("/hook")}})
    bmad.start()
    receiver.wait(4)
    assert bmad.terminate() == 0

    beats = slots(bmad, "beat")
    assert [due for due, _ in beats] == list(range(beats[0][0], beats[0][0] + len(beats)))
    assert {state for _, state in beats} == {"ok"}
    assert all(due % 2 == 0 for job in ("even", "every") for due, _ in slots(bmad, job))
    assert slots(bmad, "off") == []
    for line in bmad.events("run_started", job="beat"):
        assert 0 <= slot_time(line["ts"][:19] + "Z") - slot_time(line["slot"]) <= 1, line
        assert line["trigger"] == "schedule"
    assert [request.json()["key"] for request in receiver.requests] == [
        f"beat|{slot_text(due)}|0" for due, _ in beats]


def test_one_shot_fires_once(make_bmad):
    at = int(time.time()) + 2
    bmad = make_bmad(jobs={"shot": noop(schedule=f"@at {slot_text(at)}")}).start()
    bmad.wait_event("run_succeeded", job="shot")
    time.sleep(1.2)

    assert slots(bmad, "shot") == [(at, "ok")]
    assert bmad.json("status")["next"] is None


def test_missed_slots_are_caught_up_by_the_jobs_rule(make_bmad):
    jobs = {
        "one": noop(schedule=SECOND, misfire="one", max_late="1h"),
        "none": noop(schedule=SECOND, misfire="none"),
        "all": noop(schedule=SECOND, misfire="all"),
        "few": noop(schedule=SECOND, misfire="all", max_catchup=2),
        "late": noop(schedule=SECOND, misfire="all", max_late="2s"),
    }
    bmad = make_bmad(jobs=jobs).start()
    bmad.wait_event("run_succeeded", job="all")
    assert bmad.terminate() == 0
    down = {job: slots(bmad, job)[-1][0] for job in jobs}
    time.sleep(5)
    back = int(time.time())
    bmad.start()
    bmad.wait_until(lambda: all(slots(bmad, job)[-1][0] > back + 1 for job in jobs))
    assert bmad.terminate() == 0

    gap = {job: [state for due, state in slots(bmad, job) if down[job] < due < back] for job in jobs}
    assert all(len(states) >= 4 for states in gap.values()), gap
    for job in jobs:
        dues = [due for due, _ in slots(bmad, job)]
        assert dues == list(range(dues[0], dues[-1] + 1)), f"{job}: each slot has its record"
    assert set(gap["all"]) == {"ok"}
    assert set(gap["none"]) == {"missed"}
    assert set(gap["one"]) == {"missed"}, "only the newest ran"
    assert gap["few"].count("ok") <= 2
    assert gap["late"][0] == "missed"
    reasons = {row["reason"] for row in bmad.runs("none") if row["state"] == "missed"}
    assert reasons == {"missed: not caught up (misfire: none)"}
    assert bmad.events("slot_missed", job="late")[0]["reason"] == "missed: later than max_late"
    assert bmad.events("run_started", job="all", trigger="catchup")


def test_a_changed_schedule_starts_now(make_bmad):
    bmad = make_bmad(jobs={"job": noop(schedule=SECOND, misfire="all")}).start()
    bmad.wait_event("run_succeeded", job="job")
    assert bmad.terminate() == 0
    last = slots(bmad, "job")[-1][0]
    time.sleep(3)
    bmad.configure({"job": noop(schedule="*/1 * * * * *", misfire="all")}, {}, {})
    started = int(time.time())
    bmad.start()
    bmad.wait_until(lambda: slots(bmad, "job")[-1][0] > last)

    assert [due for due, _ in slots(bmad, "job") if last < due < started] == []


@pytest.mark.parametrize("overlap, states", [
    ("skip", {"ok", "skipped"}),
    ("queue", {"ok", "skipped"}),
    ("allow", {"ok"}),
])
def test_overlapping_slots_follow_the_jobs_rule(make_bmad, receiver, overlap, states):
    bmad = make_bmad(jobs={"slow": probe(sleep="2500ms", schedule=SECOND, overlap=overlap)},
                     channels={"counter": {**HOOK, "url": receiver.url("/hook")}}, daemon={"workers": 4})
    bmad.start()
    bmad.wait_event("run_succeeded", job="slow", count=3)
    runs = bmad.sql("SELECT started_ms, ended_ms, due FROM runs WHERE state = 'ok' ORDER BY id")
    overlapping = [b for a, b in zip(runs, runs[1:]) if b["started_ms"] < a["ended_ms"]]

    assert bool(overlapping) == (overlap == "allow")
    assert {state for _, state in slots(bmad, "slow")} - {"claimed", "running"} == states
    if overlap == "skip":
        assert bmad.events("slot_skipped")[0]["open_run"] == "1"
    if overlap == "queue":
        pause = runs[1]["started_ms"] - runs[0]["ended_ms"]
        assert pause < 700, "the slot that waited runs as soon as it may"


def test_more_work_than_workers_is_said(make_bmad):
    jobs = {f"slow{i}": probe(sleep="3s", messages=0, schedule=SECOND) for i in range(3)}
    bmad = make_bmad(jobs=jobs, channels={"counter": {"type": "console"}}, daemon={"workers": 1}).start()
    told = bmad.wait_event("workers_exhausted")

    assert int(told["waiting"]) >= 1
    assert int(told["waits_ms"]) >= 900


def test_a_run_beyond_its_timeout_ends_with_its_step(make_bmad):
    bmad = make_bmad(jobs={"slow": probe(sleep="60s", messages=0, timeout="700ms", schedule=SECOND)},
                     channels={"counter": {"type": "console"}}).start()
    overdue = bmad.wait_event("run_overdue")
    end = bmad.wait_event("run_timeout")

    assert overdue["step"] == "sleeping"
    assert int(end["ms"]) < 12000
    assert bmad.runs("slow")[-1]["state"] == "failed"
    assert "timeout" in bmad.runs("slow")[-1]["reason"]


# -- stopping ----------------------------------------------------------------------------------------------


def test_sigterm_lets_running_work_and_the_wire_end(make_bmad, receiver):
    receiver.script("/hook", Status(202, delay=0.5))
    bmad = make_bmad(jobs={"slow": probe(sleep="1500ms")}, channels={"counter": {**HOOK, "url": receiver.url("/hook")}})
    bmad.start()
    subprocess.Popen([BINARY, "-c", bmad.config, "run", "slow"], stdout=subprocess.DEVNULL,
                     env=bmad.environment()).wait(20)
    bmad.wait_event("run_started", job="slow")
    assert bmad.terminate() == 0

    assert bmad.sql("SELECT state FROM runs") == [{"state": "ok"}]
    assert bmad.sql("SELECT state FROM messages")[0]["state"] in ("delivered", "queued")
    assert bmad.events()[-1]["event"] == "daemon_stopped"
    bmad.start()
    bmad.wait_event("message_delivered")
    assert set(receiver.counts().values()) == {1}


def test_a_run_that_no_worker_had_when_the_daemon_stopped_runs_as_its_first_attempt(make_bmad):
    shot = noop(schedule=f"@at {slot_text(int(time.time()) + 3)}")
    bmad = make_bmad(jobs={"slow": {**probe(sleep="4s"), "channels": ["console"]}, "shot": shot}, daemon={"workers": 1})
    bmad.start()
    bmad.command("run", "slow")
    bmad.wait_event("run_started", job="slow")
    bmad.wait_until(lambda: bmad.sql("SELECT 1 FROM runs WHERE job = 'shot'"))
    assert bmad.terminate() == 0
    bmad.start()
    bmad.wait_event("run_succeeded", job="shot")

    runs = bmad.sql("SELECT state, attempt FROM runs WHERE job = 'shot'")
    assert [(run["state"], run["attempt"]) for run in runs] == [("failed", 1), ("ok", 1)]


def test_stop_timeout_cuts_what_does_not_end_and_its_slot_runs_again(make_bmad, receiver):
    at = int(time.time()) + 2
    bmad = make_bmad(jobs={"slow": probe(sleep="4s", schedule=f"@at {slot_text(at)}")},
                     channels={"counter": {**HOOK, "url": receiver.url("/hook")}}, daemon={"stop_timeout": "500ms"})
    bmad.start()
    bmad.wait_event("run_started", job="slow")
    began = time.monotonic()
    assert bmad.terminate() == 0
    assert time.monotonic() - began < 3
    bmad.start()
    again = bmad.wait_event("run_started", job="slow", count=2)
    bmad.wait_event("run_succeeded", job="slow")

    assert again["attempt"] == "2"
    assert slots(bmad, "slow") == [(at, "ok")]
    receiver.wait(1)
    assert len(receiver.requests) == 1


def test_no_child_outlives_the_daemon(make_bmad):
    bmad = make_bmad(jobs={"job": noop()}).start()
    pids = list(bmad.children().values())
    assert len(pids) == 4
    bmad.process.kill()
    bmad.process.wait()

    wait_for(lambda: not any(is_alive(pid) for pid in pids), timeout=5)


# -- one daemon per store ------------------------------------------------------------------------------------


def test_a_second_daemon_on_the_store_is_refused_and_told_who_has_it(make_bmad):
    bmad = make_bmad(jobs={"job": noop()}).start()
    second = bmad.command()

    assert second.returncode == 2
    assert f"process {bmad.pid}" in second.stderr
    assert bmad.json("status")["pid"] == bmad.pid, "the first goes on"


def test_a_daemon_that_was_killed_leaves_nothing_in_the_way(make_bmad):
    bmad = make_bmad(jobs={"job": noop(schedule=SECOND)}).start()
    bmad.process.kill()
    bmad.process.wait()
    bmad.start()

    bmad.wait_event("run_succeeded", job="job")


# -- commands ---------------------------------------------------------------------------------------------------


def test_runs_that_are_asked_for_in_the_same_second_all_send(make_bmad):
    beat = {"module": "heartbeat", "channels": ["out"]}
    bmad = make_bmad(jobs={"beat": beat}, channels={"out": {"type": "file", "dir": "out"}}).start()
    seconds = []
    while len(seconds) == len(set(seconds)):
        assert len(seconds) < 20, "no two of them had the same second"
        assert bmad.command("run", "beat", "--wait").returncode == 0
        seconds = [run["slot"] for run in bmad.runs("beat")]
    bmad.wait_event("message_delivered", count=len(seconds))

    assert {row["key"] for row in bmad.outbox()} == {f"beat|manual:{run['run']}|report" for run in bmad.runs("beat")}


def test_status_says_what_the_daemon_does(make_bmad, receiver):
    receiver.script("/hook", Status(503))
    bmad = make_bmad(jobs={"slow": probe(sleep="3s"), "quick": probe(), "later": noop(schedule="0 0 1 1 *")},
                     channels={"counter": {**HOOK, "url": receiver.url("/hook")}}).start()
    bmad.command("run", "quick", "--wait")
    bmad.command("run", "slow")
    bmad.wait_event("run_started", job="slow")
    status = bmad.json("status")

    assert status["pid"] == bmad.pid
    assert status["config"] == str(bmad.config)
    assert sorted(worker["state"] for worker in status["workers"]) == ["busy", "idle"]
    assert [worker["job"] for worker in status["workers"] if worker["state"] == "busy"] == ["slow"]
    counter = next(channel for channel in status["channels"] if channel["name"] == "counter")
    assert counter["queued"] == 1
    assert status["next"]["job"] == "later" and status["next"]["utc"].endswith("-01-01T00:00:00Z")
    assert status["log_dropped"] == 0
    shown = bmad.command("status")
    assert shown.returncode == 0
    assert f"process {bmad.pid}" in shown.stdout and "slow" in shown.stdout


def test_run_wait_tells_how_it_ended(make_bmad):
    bmad = make_bmad(jobs={"good": noop(), "bad": {"module": "fault", "options": {"how": "error"}}}).start()
    good = bmad.command("run", "good", "--wait")
    bad = bmad.command("run", "bad", "--wait")

    assert (good.returncode, bad.returncode) == (0, 1)
    assert re.match(r"run \d+: ok", good.stdout)
    assert "failed" in bad.stdout and "connection refused" in bad.stdout


def test_run_of_an_unknown_job_exits_2(make_bmad):
    bmad = make_bmad(jobs={"good": noop()}).start()
    done = bmad.command("run", "goood")

    assert done.returncode == 2
    assert "good" in done.stderr


def test_stop_waits_until_the_daemon_is_gone(make_bmad):
    bmad = make_bmad(jobs={"slow": probe(sleep="1s", messages=0)}, channels={"counter": {"type": "console"}}).start()
    bmad.command("run", "slow")
    done = bmad.command("stop")

    assert done.returncode == 0, done.stderr
    assert str(bmad.pid) in done.stdout
    assert bmad.process.wait(5) == 0
    assert bmad.sql("SELECT state FROM runs") == [{"state": "ok"}]


@pytest.mark.parametrize("command", [["status"], ["stop"], ["run", "job"]])
def test_commands_without_a_daemon_exit_3(make_bmad, command):
    done = make_bmad(jobs={"job": noop()}).command(*command)

    assert done.returncode == 3
    assert "control.sock" in done.stderr


# -- the service manager -------------------------------------------------------------------------------------------


def test_the_service_manager_is_told(make_bmad, tmp_path):
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(10)
        bmad = make_bmad(jobs={"job": noop()})
        bmad.start({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "400000"})
        assert manager.recv(4096).split(b"\n")[0] == b"READY=1"
        assert [manager.recv(4096) for _ in range(3)] == [b"WATCHDOG=1"] * 3
        assert bmad.terminate() == 0
        rest = []
        manager.settimeout(0.2)
        try:
            while True:
                rest.append(manager.recv(4096))
        except socket.timeout:
            pass
        assert b"STOPPING=1" in rest


# -- processes -------------------------------------------------------------------------------------------------------


def test_titles_tell_what_each_process_does(make_bmad):
    bmad = make_bmad(jobs={"slow": probe(sleep="2s", messages=0)}, channels={"counter": {"type": "console"}}).start()
    assert title(bmad.pid) == f"bmad: main [{bmad.config}]"
    wait_for(lambda: set(bmad.children()) == {"store", "sender", "worker 1", "worker 2"}, what="the children's titles")
    bmad.command("run", "slow")

    wait_for(lambda: any(re.fullmatch(r"worker \d \[slow\]", name) for name in bmad.children()), what="the job's title")


@pytest.mark.parametrize("name", ["store", "sender", "worker 1"])
def test_a_dead_process_is_replaced(make_bmad, name):
    bmad = make_bmad(jobs={"job": noop(schedule=SECOND, misfire="all")}).start()
    bmad.wait_event("run_succeeded", job="job")
    before = bmad.child(name)
    bmad.kill(name)
    wait_for(lambda: bmad.child(name) not in (0, before), what="its successor")
    runs = len(bmad.events("run_succeeded"))
    bmad.wait_event("run_succeeded", count=runs + 2)

    replaced = [line for event in ("worker_replaced", "process_replaced") for line in bmad.events(event)]
    assert [line["process"] for line in replaced] == [name]
    assert "signal 9" in replaced[0]["reason"]


def test_an_idle_daemon_does_not_wake_up(make_bmad):
    jobs = {f"job{i}": noop(schedule="0 0 1 1 *") for i in range(1000)}
    bmad = make_bmad(jobs=jobs).start()
    time.sleep(1)
    pids = {"main": bmad.pid, **bmad.children()}
    before = {name: status_number(pid, "voluntary_ctxt_switches") for name, pid in pids.items()}
    time.sleep(3)
    woken = {name: status_number(pid, "voluntary_ctxt_switches") - before[name] for name, pid in pids.items()}

    assert woken == dict.fromkeys(pids, 0)


# -- the log ------------------------------------------------------------------------------------------------------------


def test_the_first_line_names_version_environment_and_configuration(make_bmad):
    bmad = make_bmad(jobs={"job": noop()}).start()
    first = bmad.events("daemon_started")[0]

    assert first["level"] == "info"
    assert first["config"] == str(bmad.config)
    assert first["environment"] == "none" and first["version"]


def test_json_lines_have_the_same_keys(make_bmad):
    bmad = make_bmad(jobs={"job": noop(schedule=SECOND)}, daemon={"log": {"target": "stderr", "format": "json"}}).start()
    bmad.wait_event("run_succeeded", job="job")
    assert bmad.terminate() == 0
    lines = [json.loads(line) for line in bmad.log_path.read_text().splitlines()]
    end = next(line for line in lines if line["event"] == "run_succeeded")

    assert list(end)[:6] == ["ts", "level", "event", "job", "run", "slot"]
    assert isinstance(end["run"], int) and isinstance(end["ms"], int)


def test_levels_leave_out_what_is_less_important(make_bmad):
    bmad = make_bmad(jobs={"bad": {"module": "fault", "options": {"how": "error"}}},
                     daemon={"log": {"target": "stderr", "level": "error"}})
    bmad.spawn()
    wait_for(lambda: bmad.command("run", "bad", "--wait").returncode == 1, what="a daemon to run it")

    assert {line["level"] for line in bmad.events()} == {"error"}


def test_values_of_a_run_are_on_its_line(make_bmad, receiver):
    bmad = make_bmad(jobs={"probe": probe(messages=2)}, channels={"counter": {**HOOK, "url": receiver.url("/hook")}}).start()
    bmad.command("run", "probe", "--wait")

    assert bmad.wait_event("run_succeeded")["value.probes"] == "2"


# -- a store that is in trouble -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("make, complaint", [
    (lambda path: path.write_bytes(b"\x5a" * 8192), "is not a database"),
    (lambda path: sqlite3.connect(path).execute("CREATE TABLE other (x)"), "not a store of bmad"),
])
def test_what_is_no_store_is_refused_and_left_alone(make_bmad, make, complaint):
    bmad = make_bmad(jobs={"job": noop(schedule=SECOND)})
    make(bmad.store)
    content = bmad.store.read_bytes()

    for command in ([], ["--once", "job"]):
        done = bmad.command(*command)
        assert done.returncode == 2, done
        assert complaint in done.stderr and str(bmad.store) in done.stderr
    assert bmad.store.read_bytes() == content


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a file system of 1 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("needs to mount a file system")
    yield folder
    subprocess.run(["umount", "-l", folder], check=False)


@pytest.mark.parametrize("killed", [False, True])
def test_while_the_disk_is_full_slots_wait_and_none_runs_unclaimed(make_bmad, small_disk, killed):
    bmad = make_bmad(jobs={"job": noop(schedule=SECOND, misfire="all")}, daemon={"store": f"sqlite:{small_disk}/bmad.db"})
    bmad.store = small_disk / "bmad.db"
    bmad.start()
    bmad.wait_event("run_succeeded")
    filler = small_disk / "filler"
    with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass
    bmad.wait_event("store_unavailable")
    seen = len(bmad.events("run_started"))
    time.sleep(3)
    assert len(bmad.events("run_started")) <= seen + 1
    filler.unlink()
    if killed:
        bmad.kill_main()
        bmad.start()
    until = int(time.time())
    bmad.wait_until(lambda: slots(bmad, "job")[-1][0] > until and not [
        due for due, state in slots(bmad, "job") if due <= until and state in ("claimed", "running")])
    assert bmad.terminate() == 0

    dues = [due for due, _ in slots(bmad, "job")]
    assert dues == list(range(dues[0], dues[-1] + 1)), "every slot of that time has its record"
    assert {state for due, state in slots(bmad, "job") if due <= until} <= {"ok", "skipped"}
