# SPDX-License-Identifier: MIT
"""`bmad --once JOB`: every option and exit status, alone and beside a daemon on the same store."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from harness import BINARY, ROOT, Bmad, children_of, is_alive, slot_text, wait_for
from receiver import Close, Status

AT = "2026-03-08T09:00:00Z"
HOOK = {"type": "webhook", "body": "data", "retry": {"initial": "50ms", "max": "200ms"}}


def probe(**options):
    return {"module": "probe", "channels": ["counter"], "options": options}


@pytest.fixture
def bmad(make_bmad, receiver):
    return make_bmad(
        jobs={
            "beat": {"module": "heartbeat", "channels": ["console"]},
            "probe": probe(),
            "slow": probe(sleep="2s"),
            "both": {**probe(), "channels": ["counter", "console"]},
            "error": {"module": "fault", "options": {"how": "error"}},
            "crash": {"module": "fault", "options": {"how": "crash"}},
            "tick": {"module": "noop", "schedule": "* * * * * *", "misfire": "all"},
        },
        channels={"counter": {**HOOK, "url": receiver.url("/hook")}})


def log_events(stderr, event):
    return [line for line in stderr.splitlines() if f" event={event} " in line]


# -- alone ---------------------------------------------------------------------------------------------


def test_a_message_to_the_console_is_printed(bmad):
    done = bmad.command("--once", "beat")

    assert done.returncode == 0, done.stderr
    assert socket.gethostname() in done.stdout
    assert re.search(r"^console: report .*: delivered$", done.stdout, re.MULTILINE), done.stdout
    assert done.stdout.endswith("beat: ok\n")
    assert "event=once_started" in done.stderr.splitlines()[0], "the first line names the configuration"
    assert f"config={bmad.config}" in done.stderr.splitlines()[0]


def test_json_is_one_object_with_everything_in_it(bmad, receiver):
    report = bmad.once("both", "--at", AT)

    assert list(report) == ["job", "module", "run", "slot", "dry_run", "result", "error", "data", "messages", "metrics"]
    assert {key: report[key] for key in ("job", "module", "run", "slot", "dry_run", "result", "error")} == {
        "job": "both", "module": "probe", "run": "1", "slot": AT, "dry_run": False, "result": "ok", "error": None}
    assert report["data"] == [{"key": f"both|{AT}|0", "number": 0, "now": AT}]
    assert report["metrics"] == {"probes": 1}
    by_channel = {message["channel"]: message for message in report["messages"]}
    assert by_channel["counter"]["payload"] == report["data"][0]
    assert by_channel["counter"]["type"] == "webhook"
    assert isinstance(by_channel["console"]["payload"], str)
    for message in by_channel.values():
        assert list(message) == ["id", "channel", "type", "kind", "key", "to", "subject", "content_type", "payload",
                                 "attachments", "outcome", "attempts", "detail"]
        assert (message["kind"], message["key"]) == ("report", f"both|{AT}|0")
        assert (message["outcome"], message["attempts"]) == ("delivered", 1)
    assert receiver.counts() == {by_channel["counter"]["id"]: 1}


def test_the_run_is_in_the_history_as_manual(bmad):
    report = bmad.once("probe")
    (run,) = bmad.runs("probe")

    assert (str(run["run"]), run["state"], run["trigger"]) == (report["run"], "ok", "manual")
    assert run["messages"] == 1
    assert bmad.sql("SELECT key FROM slots") == [{"key": f"manual:{report['run']}"}]


@pytest.mark.parametrize("at, slot", [
    (AT, AT),
    ("2026-03-08T01:00:00-08:00", AT),
    ("2026-03-08", "2026-03-08T00:00:00Z"),
])
def test_at_is_the_slot_and_the_clock_of_the_run(bmad, at, slot):
    report = bmad.once("probe", "--at", at)

    assert report["slot"] == slot
    assert report["data"][0]["now"] == slot


def test_a_dry_run_changes_nothing(bmad, receiver):
    report = bmad.once("both", "--dry-run")

    assert report["dry_run"] is True
    assert [message["outcome"] for message in report["messages"]] == ["dry_run", "dry_run"]
    assert receiver.requests == []
    assert not bmad.store.exists()


def test_a_dry_run_prints_json_unless_on_a_terminal(bmad):
    assert json.loads(bmad.command("--once", "beat", "--dry-run").stdout)["result"] == "ok"

    terminal, theirs = os.openpty()
    done = subprocess.run([BINARY, "-c", bmad.config, "--once", "beat", "--dry-run"], stdout=theirs,
                          stderr=subprocess.DEVNULL, env=bmad.environment(), timeout=30, check=False)
    os.close(theirs)
    shown = os.read(terminal, 65536).decode()
    os.close(terminal)
    assert done.returncode == 0
    assert "dry run: nothing sent, nothing stored" in shown and not shown.startswith("{")


def test_log_message_logs_the_data_object(bmad):
    quiet = bmad.command("--once", "probe")
    told = bmad.command("--once", "probe", "--log-message")

    assert log_events(quiet.stderr, "message_data") == []
    (line,) = log_events(told.stderr, "message_data")
    assert "number" in line and "job=probe" in line


def test_debug_narrates_and_implies_log_message(bmad):
    done = bmad.command("--once", "probe", "--debug")

    assert "level=debug" in done.stderr
    assert log_events(done.stderr, "message_data")


def test_a_message_that_was_sent_is_suppressed_and_names_the_run(bmad, receiver):
    first = bmad.once("probe", "--at", AT)
    second = bmad.once("probe", "--at", AT)
    (message,) = second["messages"]

    assert message["outcome"] == "suppressed"
    assert f"run {first['run']} " in message["detail"]
    assert sum(receiver.counts().values()) == 1


def test_again_sends_it_anyway(bmad, receiver):
    bmad.once("probe", "--at", AT)
    (message,) = bmad.once("probe", "--at", AT, "--again")["messages"]

    assert message["outcome"] == "delivered"
    assert sum(receiver.counts().values()) == 2


def test_set_overrides_an_option_by_its_type(bmad, receiver):
    report = bmad.once("probe", "--set", "messages=3", "--set", "sleep=10ms")

    assert len(report["messages"]) == 3
    assert len(receiver.requests) == 3


@pytest.mark.parametrize("arguments, complaint", [
    (["--set", "message=3"], "messages"),  # the near name
    (["--set", "messages=many"], "messages"),
    (["--set", "messages"], "expected KEY=VALUE"),
    (["--at", "yesterday"], "--at"),
    (["--at"], "--at needs a value"),
    (["--deliver-timeout", "soon"], "--deliver-timeout"),
    (["--dryrun"], "--dryrun"),
    (["beat"], "one too many"),
])
def test_wrong_usage_exits_2_and_says_what(bmad, arguments, complaint):
    done = bmad.command("--once", "probe", *arguments)

    assert done.returncode == 2, done
    assert complaint in done.stderr
    assert done.stdout == ""


def test_an_unknown_job_exits_2_with_a_near_name(bmad):
    done = bmad.command("--once", "prob")

    assert done.returncode == 2
    assert "probe" in done.stderr


def test_no_configuration_exits_2_and_says_where_it_looked(tmp_path):
    done = subprocess.run([BINARY, "-c", tmp_path / "none.yaml", "--once", "beat"], capture_output=True, text=True,
                          timeout=30, check=False)

    assert done.returncode == 2
    assert "none.yaml" in done.stderr


def test_what_is_still_queued_at_the_timeout_exits_4_and_stays(bmad, receiver):
    receiver.script("/hook", Status(503))
    report = bmad.once("probe", "--deliver-timeout", "700ms", status=4)
    (message,) = report["messages"]

    assert (report["result"], message["outcome"]) == ("ok", "queued")
    assert len(receiver.requests) >= 2, "it was retried meanwhile"
    (row,) = bmad.outbox()
    assert (row["id"], row["state"]) == (message["id"], "retrying")


def test_a_rejected_message_exits_1(bmad, receiver):
    receiver.script("/hook", Status(400, body="no such field"))
    report = bmad.once("probe", status=1)
    (message,) = report["messages"]

    assert (report["result"], message["outcome"]) == ("ok", "rejected")
    assert "400" in message["detail"]


def test_an_ambiguous_message_exits_1(make_bmad, receiver):
    receiver.script("/hook", Close())
    bmad = make_bmad(jobs={"probe": probe()},
                     channels={"counter": {**HOOK, "url": receiver.url("/hook"), "on_ambiguous": "hold"}})
    report = bmad.once("probe", status=1)

    assert report["messages"][0]["outcome"] == "ambiguous"


def test_a_failed_run_exits_1_with_its_frames(bmad):
    report = bmad.once("error", status=1)

    assert report["result"] == "error"
    assert report["error"]["kind"] == "TEMPORARY"
    assert report["error"]["message"].endswith("connection refused")
    assert report["error"]["frames"][0]["file"] == "tests/modules/fault.c"
    assert list(report["error"]["frames"][0]) == ["function", "file", "line", "note"]
    shown = bmad.command("--once", "error")
    assert shown.returncode == 1
    assert "tests/modules/fault.c" in shown.stdout and shown.stdout.endswith("error: error\n")


def test_a_crash_exits_1_and_says_how(bmad):
    report = bmad.once("crash", status=1)

    assert "signal 11" in report["error"]["message"]


def test_a_template_fault_exits_1_as_degraded(make_bmad, receiver):
    bmad = make_bmad(jobs={"probe": probe()}, channels={"counter": {"type": "webhook", "url": receiver.url("/hook")}})
    template = bmad.folder / "templates" / "probe" / "report.webhook.json.mustache"
    template.parent.mkdir(parents=True)
    template.write_text('{"number": {{number}}, }', encoding="utf-8")
    report = bmad.once("probe", status=1)

    assert report["result"] == "degraded"
    assert report["messages"][0]["outcome"] == "delivered", "in plain form"
    assert len(receiver.requests) == 1


def test_two_at_the_same_time_run_one_after_the_other(bmad):
    command = [BINARY, "-c", bmad.config, "--once", "slow", "--json"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=bmad.environment())
            for _ in range(2)]
    reports = [json.loads(process.communicate(timeout=60)[0]) for process in both]
    runs = bmad.sql("SELECT started_ms, ended_ms FROM runs ORDER BY id")

    assert [report["result"] for report in reports] == ["ok", "ok"]
    assert runs[1]["started_ms"] >= runs[0]["ended_ms"]


def test_nothing_is_left_behind(bmad):
    bmad.command("--once", "probe")

    left = {path.name for path in bmad.folder.iterdir()}
    assert left <= {"bmad.yaml", "bmad.db", "bmad.db-wal", "bmad.db-shm", "bmad.db.lock", "daemon.log"}


# -- beside a daemon -------------------------------------------------------------------------------------


def test_beside_a_daemon_its_sender_delivers_once(bmad, receiver):
    bmad.start()
    reports = [bmad.once("probe", "--at", f"2026-03-0{day}") for day in (1, 2, 3)]

    assert [report["messages"][0]["outcome"] for report in reports] == ["delivered"] * 3
    assert set(receiver.counts().values()) == {1}
    assert len(receiver.requests) == 3
    for report in reports:
        told = bmad.wait_event("message_delivered", message=report["messages"][0]["id"])
        assert told["channel"] == "counter", "the daemon's own log has it"


def test_beside_a_daemon_no_scheduled_slot_is_taken(bmad):
    bmad.start()
    bmad.wait_event("run_succeeded", job="tick")
    for _ in range(4):
        bmad.once("tick")
    bmad.wait_event("run_succeeded", job="tick", count=5)
    assert bmad.terminate() == 0

    slots = bmad.sql("SELECT key, due, state FROM slots WHERE job = 'tick' AND key NOT LIKE 'manual:%' ORDER BY due")
    dues = [slot["due"] for slot in slots]
    assert dues == list(range(dues[0], dues[-1] + 1)), "every second has its slot"
    assert [slot["key"] for slot in slots] == [slot_text(due) for due in dues]
    assert {slot["state"] for slot in slots} <= {"ok", "skipped"}
    (manual,) = bmad.sql("SELECT count(*) AS n FROM runs WHERE trigger = 2 AND state = 'ok'")
    assert manual["n"] == 4


def test_beside_a_daemon_console_messages_are_printed_by_the_command(bmad):
    bmad.start()
    done = bmad.command("--once", "beat")

    assert done.returncode == 0, done.stderr
    assert socket.gethostname() in done.stdout
    assert [row["state"] for row in bmad.outbox()] == ["delivered"]


def test_it_waits_for_an_open_run_of_its_job_and_says_so(bmad):
    bmad.start()
    first = subprocess.Popen(
        [BINARY, "-c", bmad.config, "run", "slow", "--wait"], stdout=subprocess.DEVNULL, env=bmad.environment())
    run = bmad.wait_event("run_started", job="slow")["run"]
    second = bmad.command("--once", "slow")
    assert first.wait(30) == 0

    (waits,) = log_events(second.stderr, "run_waits")
    assert f"open_run={run} " in waits
    assert second.returncode == 0
    runs = bmad.sql("SELECT started_ms, ended_ms FROM runs WHERE job = 'slow' ORDER BY id")
    assert len(runs) == 2 and runs[1]["started_ms"] >= runs[0]["ended_ms"]


def test_a_killed_one_leaves_no_open_run(bmad, receiver):
    bmad.start()
    process = subprocess.Popen([BINARY, "-c", bmad.config, "--once", "slow"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env=bmad.environment())
    wait_for(lambda: bmad.sql("SELECT 1 FROM runs WHERE job = 'slow' AND state = 'running'"), what="its run")
    workers = children_of(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()

    wait_for(lambda: not any(is_alive(pid) for pid in workers), what="the end of its worker")
    wait_for(lambda: bmad.runs("slow")[0]["state"] == "failed", what="its run's end")
    assert "interrupted" in bmad.runs("slow")[0]["reason"]
    time.sleep(0.2)
    assert receiver.requests == []
    assert bmad.once("slow")["result"] == "ok", "the job can run again"


def test_a_dry_run_beside_a_daemon_changes_nothing(bmad, receiver):
    bmad.start()
    report = bmad.once("probe", "--dry-run")

    assert report["messages"][0]["outcome"] == "dry_run"
    assert receiver.requests == []
    assert bmad.outbox() == []


# -- root ------------------------------------------------------------------------------------------------------


@pytest.fixture
def open_folder():
    """A folder that everybody may enter: those of pytest are root's alone."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bmad-root-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("arguments", [["--once", "beat"], ["send", "console"]])
@pytest.mark.parametrize("first", [True, False], ids=["no store yet", "a store"])
def test_root_leaves_no_file_that_the_stores_owner_cannot_use(open_folder, arguments, first):
    state = open_folder / "state"
    state.mkdir()
    binary = shutil.copy(BINARY, open_folder)  # where the owner finds its templates: ours may be root's alone
    shutil.copytree(ROOT / "templates", open_folder / "templates")
    with Bmad(open_folder, jobs={"beat": {"module": "heartbeat", "channels": ["console"]}},
              daemon={"store": f"sqlite:{state}/bmad.db"}) as bmad:
        bmad.config.chmod(0o644)

        def run(*words):
            return subprocess.run([binary, "-c", bmad.config, *words], capture_output=True, text=True, timeout=60,
                                  env=bmad.environment({"BMAD_TEMPLATES": str(open_folder / "templates")}))

        if not first:
            assert run("--once", "beat").returncode == 0
        for path in [state, *state.iterdir()]:
            os.chown(path, 65534, 65534)
        done = run(*arguments)

        assert done.returncode == 0, done.stderr
        assert {path.stat().st_uid for path in [state, *state.iterdir()]} == {65534}
