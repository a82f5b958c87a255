# SPDX-License-Identifier: MIT
"""What scripts rely on: shapes of --json, exit statuses, and that commands agree with each other."""
import json
import re
import subprocess

import pytest

from harness import BINARY

DATA = {"host": "press-4", "text": "say \"hi\" *now*"}


@pytest.fixture
def bmad(make_bmad):
    made = make_bmad(
        jobs={"beat": {"module": "heartbeat", "channels": ["console", "card", "raw"], "about": "is it there",
                       "vars": {"title": "${TITLE}"}},
              "one": {"module": "heartbeat", "channels": ["console"]}},
        channels={"card": {"type": "teams", "url": "https://chat.example/hook"},
                  "raw": {"type": "webhook", "body": "data", "url": "${NOT_SET}"}})
    (made.folder / "data.json").write_text(json.dumps(DATA))
    return made


def own_template(bmad, name, text):
    path = bmad.folder / "templates" / "heartbeat" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


# -- render JOB ----------------------------------------------------------------------------------------


def test_render_of_a_job_is_what_each_channel_gets_in_a_dry_run(bmad):
    env = {"TITLE": "Plant", "NOT_SET": ""}
    own_template(bmad, "report.teams.json.mustache",
                 '{"type": "AdaptiveCard", "text": "{{bmad.vars.title}} {{bmad.job}} {{bmad.module}} {{bmad.about}}"}')
    report = bmad.once("beat", "--dry-run", env=env)
    (bmad.folder / "own.json").write_text(json.dumps(report["data"][0]))
    for message in report["messages"]:
        done = bmad.command("render", "beat", "--channel", message["channel"], "--data", "own.json", env=env)
        assert (done.returncode, done.stderr) == (0, "")
        shown = json.loads(done.stdout) if message["content_type"] == "application/json" else done.stdout
        assert shown == message["payload"]


def test_render_of_a_job_gives_templates_all_that_a_run_does(bmad):
    own_template(bmad, "report.txt.mustache", "{{bmad.job}} {{bmad.version}} {{bmad.channel}} {{bmad.kind}} {{host}}")
    own_template(bmad, "alert.txt.mustache", "{{bmad.kind}}")
    version = bmad.command("--version").stdout.split()[1]
    done = bmad.command("render", "one", "--data", "data.json")
    assert (done.returncode, done.stdout) == (0, f"one {version} console report press-4")
    assert bmad.command("render", "one", "--kind", "alert").stdout == "alert"


def test_a_broken_template_is_told_beside_the_plain_message_that_goes_out(bmad):
    path = own_template(bmad, "report.txt.mustache", "{{#a}}")
    done = bmad.command("render", "one", "--data", "data.json")
    assert done.returncode == 1
    assert "press-4" in done.stdout
    assert f"{path}:1:" in done.stderr


def test_what_a_reference_stands_for_is_not_shown_by_render(bmad):
    own_template(bmad, "report.txt.mustache", "{{bmad.vars.title}}!")
    done = bmad.command("render", "beat", "--channel", "console", env={"TITLE": "hush-token"})
    assert (done.returncode, done.stdout) == (0, "***!")


@pytest.mark.parametrize("arguments, complaint", [
    (["beat"], "3 channels"),
    (["beat", "--channel", "crd"], "did you mean 'card'?"),
    (["baet", "--channel", "card"], "did you mean 'beat'?"),
    (["one", "--partials", "."], "--partials"),
    (["t.txt.mustache", "--channel", "card"], "--channel"),
    (["one", "--data", "list.json"], "object"),
    (["one", "--data", "nowhere.json"], "nowhere.json"),
    ([], "which job"),
])
def test_render_says_what_it_cannot_do(bmad, arguments, complaint):
    (bmad.folder / "list.json").write_text("[1]")
    done = bmad.command("render", *arguments, env={"TITLE": "t"})
    assert done.returncode == 2
    assert done.stdout == ""
    assert complaint in done.stderr


# -- check ---------------------------------------------------------------------------------------------


def test_check_tells_keys_references_and_templates_at_once(bmad):
    path = own_template(bmad, "report.txt.mustache", "{{#a}}")
    text = '{"channels": {"a": {"type": "webhook", "url": "${NOT_SET}"}}, "jobs": {"a": {"module": "heartbeat", "channels": ["a"], "abut": 1}, "b": 1}}'
    bmad.config.write_text(text)
    done = bmad.command("check")
    assert (done.returncode, done.stdout) == (2, "")
    told = done.stderr.splitlines()
    for part in ("${NOT_SET}", "did you mean 'about'?", "job 'b'", f"{path}:1:"):
        assert len([line for line in told if part in line]) == 1, done.stderr
    assert all(": error: " in line for line in told)


def test_what_is_not_there_yet_may_be_switched_off(bmad):
    bmad.config.write_text('{"daemon": {"web": false}, "jobs": {"a": {"module": "heartbeat", "on_failure": false}}}')
    assert bmad.command("check").returncode == 0
    bmad.config.write_text('{"daemon": {"web": true}}')
    assert bmad.command("check").returncode == 2


# -- history and outbox --------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["runs"], ["runs", "one"], ["outbox"], ["outbox", "list", "--channel", "card"]])
def test_before_the_first_run_there_is_nothing_to_list(bmad, command):
    assert bmad.json(*command) == []
    assert not bmad.store.exists()


@pytest.mark.parametrize("command, near", [
    (["runs", "beet"], "beat"),
    (["outbox", "list", "--channel", "crad"], "card"),
    (["outbox", "retry", "--channel", "crad"], "card"),
    (["outbox", "discard", "--channel", "crad"], "card"),
])
def test_a_slip_of_the_pen_is_no_empty_answer(bmad, command, near):
    bmad.once("one")
    done = bmad.command(*command)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"did you mean '{near}'?" in done.stderr


def test_what_left_the_configuration_keeps_its_history(make_bmad):
    made = make_bmad(jobs={"one": {"module": "heartbeat", "channels": ["out"]}},
                     channels={"out": {"type": "file", "dir": "out"}})
    (made.folder / "out").mkdir()
    made.once("one")
    made.configure({}, {}, {})
    assert [run["job"] for run in made.runs("one")] == ["one"]
    assert [message["channel"] for message in made.outbox("--channel", "out")] == ["out"]


# -- --set and the log ---------------------------------------------------------------------------------


def test_a_set_option_that_is_not_there_is_told_with_its_path(bmad):
    done = bmad.command("--once", "one", "--dry-run", "--set", "deep.er=1")
    assert done.returncode == 2
    assert done.stderr.startswith("--set deep.er: error: unknown key 'deep'"), done.stderr


def test_a_failed_dry_run_has_no_run_number_in_its_traceback(make_bmad):
    made = make_bmad(jobs={"a": {"module": "fault", "options": {"how": "error"}}})
    done = made.command("--once", "a", "--dry-run")
    frames = [line for line in done.stderr.splitlines() if "event=traceback" in line]
    assert done.returncode == 1
    assert frames and not any("run=" in line for line in frames)
    assert 'error="run a: fault: ' in done.stderr, "each layer is told once"


def test_options_take_their_value_in_both_ways(bmad):
    report = bmad.once("one", "--dry-run", "--at=2026-03-08", "--deliver-timeout=1s")
    assert report["slot"] == "2026-03-08T00:00:00Z"
    assert bmad.command("--once", "one", "--at").returncode == 2


@pytest.mark.parametrize("at", ["1970-01-01", "1969-12-31T23:59:59Z", "0001-01-01"])
def test_a_time_before_all_times_is_refused(bmad, at):
    done = bmad.command("--once", "one", "--dry-run", "--at", at)
    assert (done.returncode, done.stdout) == (2, "")
    assert at in done.stderr and "1970" in done.stderr


# -- secrets -------------------------------------------------------------------------------------------


def test_a_stored_payload_is_shown_without_what_references_stood_for(bmad):
    own_template(bmad, "report.txt.mustache", "{{bmad.vars.title}}!")
    env = {"TITLE": 'hush "token"', "NOT_SET": ""}
    bmad.configure({"a": {"module": "heartbeat", "channels": ["console"], "vars": {"title": "${TITLE}"}}}, {}, {})
    message = bmad.once("a", env=env)["messages"][0]
    assert message["payload"] == "***!"
    assert bmad.sql("SELECT count(*) AS n FROM messages") == [{"n": 1}]
    shown = bmad.command("outbox", "show", message["id"], env=env)
    assert shown.returncode == 0 and "***!" in shown.stdout and "hush" not in shown.stdout
    assert bmad.json("outbox", "show", message["id"], env=env)["payload"] == "***!"


# -- the shapes of --json --------------------------------------------------------------------------------


SHAPES = {
    "jobs": "name module about schedule timezone enabled paused_until dry_run next last",
    "runs": "run job slot state reason trigger started ms messages error values",
    "outbox": "id run job channel kind key to subject state reason attempts created next_try expires last_answer",
    "status": "version pid environment config loaded uptime_s workers channels next log_dropped",
    "--once": "job module run slot dry_run result error data messages metrics",
}
MESSAGE = "id channel type kind key to subject content_type payload attachments outcome attempts detail"
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def has(row, keys):
    assert set(keys.split()) <= set(row), set(keys.split()) - set(row)
    return row


@pytest.fixture
def told(make_bmad):
    """A daemon with something of everything to tell."""
    made = make_bmad(jobs={"good": {"module": "probe", "channels": ["out"], "schedule": "0 0 1 1 *", "about": "a test"},
                           "bad": {"module": "fault", "options": {"how": "error"}}},
                     channels={"out": {"type": "file", "dir": "out"}}).start()
    assert made.command("run", "good", "--wait").returncode == 0
    assert made.command("run", "bad", "--wait").returncode == 1
    made.wait_event("message_delivered")
    return made


def test_jobs_tells_all_of_each(told):
    good, bad = (has(row, SHAPES["jobs"]) for row in told.json("jobs"))
    assert (good["name"], good["module"], good["about"], good["schedule"]) == ("good", "probe", "a test", ["0 0 1 1 *"])
    assert INSTANT.fullmatch(good["next"]["utc"]) and good["next"]["local"].startswith("20")
    assert set(good["last"]) >= {"run", "slot", "result", "ms"} and good["last"]["result"] == "ok"
    assert (bad["schedule"], bad["next"], bad["last"]["result"]) == ([], None, "failed")
    assert [good["enabled"], good["dry_run"], good["paused_until"]] == [True, False, None]


def test_runs_tell_their_error_with_all_frames(told):
    bad, good = (has(row, SHAPES["runs"]) for row in told.runs())
    assert (good["state"], good["trigger"], good["messages"], good["error"]) == ("ok", "manual", 1, None)
    assert good["values"] == {"probes": 1}
    assert INSTANT.fullmatch(good["slot"]) and INSTANT.fullmatch(good["started"])
    assert (bad["state"], bad["error"]["kind"]) == ("failed", "TEMPORARY")
    assert all(set(frame) == {"function", "file", "line", "note"} for frame in bad["error"]["frames"])


def test_the_outbox_tells_all_of_each_message(told):
    (row,) = told.outbox()
    assert (has(row, SHAPES["outbox"])["state"], row["attempts"], row["channel"]) == ("delivered", 1, "out")
    assert INSTANT.fullmatch(row["created"]) and INSTANT.fullmatch(row["expires"]) and row["next_try"] is None
    assert told.json("outbox", "show", row["id"])["payload"]


def test_status_tells_the_state_of_everything(told):
    status = has(told.json("status"), SHAPES["status"])
    assert (status["pid"], status["environment"], status["config"]) == (told.pid, None, str(told.config))
    assert all({"name", "state", "queued", "oldest_s"} <= set(channel) for channel in status["channels"])
    assert len(status["workers"]) == 2
    assert status["next"]["job"] == "good"


@pytest.mark.parametrize("arguments", [["--dry-run"], []])
def test_a_run_by_hand_prints_one_object(bmad, arguments):
    report = has(bmad.once("one", *arguments), SHAPES["--once"])
    (message,) = report["messages"]
    assert list(message) == MESSAGE.split()
    assert report["data"] and report["metrics"] == {}


def test_next_prints_local_and_utc(bmad):
    done = bmad.command("next", "--expr", "30 3 * * *", "--timezone", "America/Los_Angeles", "-n", "2", "--from", "2026-03-07")
    assert done.stdout == ("2026-03-07T03:30:00-08:00\t2026-03-07T11:30:00Z\n"
                           "2026-03-08T03:30:00-07:00\t2026-03-08T10:30:00Z\n")
    assert bmad.json("next", "--expr", "0 0 1 1 *", "--timezone", "UTC", "-n", "1", "--from", "2026-01-01") == [
        {"local": "2027-01-01T00:00:00+00:00", "utc": "2027-01-01T00:00:00Z"}], "strictly after"
    past = ["next", "--expr", "@at 2026-01-01T00:00:00Z", "--from", "2026-06-01"]
    assert (bmad.command(*past).stdout, bmad.json(*past)) == ("never\n", [])
    bad = bmad.command("next", "--expr", "61 * * * *")
    assert bad.returncode == 2 and "column 1" in bad.stderr


# -- exit statuses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [
    ["frobnicate"], ["-c"], ["--once"], ["--once", "nobody"], ["--once", "one", "--at", "noon"], ["jobs", "--all"],
    ["--once", "one", "--deliver-timeout", "5"], ["runs", "-n", "none"], ["runs", "--since", "noon"], ["status", "now"],
    ["outbox", "list", "--state", "lost"], ["outbox", "retry"], ["modules", "a", "b"], ["next"], ["run"], ["pause"],
    ["resume", "one", "--all"], ["stop", "it"], ["backup"], ["send"], ["check", "--all"]])
def test_what_is_not_understood_is_told_with_status_2(bmad, command):
    done = bmad.command(*command)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("bmad: ")


@pytest.mark.parametrize("command", [["status"], ["run", "one"], ["pause", "one"], ["resume", "--all"], ["stop"]])
def test_a_daemon_that_is_not_there_is_status_3(bmad, command):
    done = bmad.command(*command)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"bmad: no daemon answers: {bmad.folder / 'control.sock'}: No such file or directory\n"


# -- defaults --------------------------------------------------------------------------------------------


def bare(bmad):
    """A file with jobs only."""
    bmad.config.write_text('jobs:\n  one: {module: heartbeat, channels: [console]}\n')
    return {"HOME": str(bmad.folder / "home"), "STATE_DIRECTORY": "", "RUNTIME_DIRECTORY": ""}


def test_a_file_with_jobs_alone_is_enough(make_bmad):
    bmad = make_bmad()
    env = bare(bmad)
    store = bmad.folder / "home/.local/state/bmad/bmad.db"
    assert bmad.once("one", env=env)["result"] == "ok"
    assert store.exists()
    bmad.start(env=env)
    assert bmad.command("run", "one", "--wait", env=env).returncode == 0
    assert len(bmad.json("runs", env=env)) == 2
    assert bmad.command("stop", env=env).returncode == 0
    assert bmad.process.wait(20) == 0


def test_sockets_may_have_paths_of_any_length(make_bmad):
    deep = "line-of-presses-" * 10
    bmad = make_bmad(jobs={"one": {"module": "heartbeat", "channels": ["console"]}})
    (bmad.folder / deep).mkdir()
    bmad.configure({"one": {"module": "heartbeat", "channels": ["console"]}}, {}, {
        "store": f"sqlite:{deep}/bmad.db", "control": f"{deep}/control.sock"})
    bmad.start()
    assert bmad.command("run", "one", "--wait").returncode == 0
    assert bmad.once("one")["result"] == "ok"


def test_a_service_has_its_folders_from_the_service_manager(make_bmad):
    bmad = make_bmad()
    state, runtime = bmad.folder / "state", bmad.folder / "run"
    runtime.mkdir()
    env = {**bare(bmad), "STATE_DIRECTORY": f"{state}:/elsewhere", "RUNTIME_DIRECTORY": str(runtime)}
    bmad.start(env=env)
    assert (state / "bmad.db").exists()
    assert (runtime / "control.sock").is_socket()
    assert (runtime / "control.sock").stat().st_mode & 0o777 == 0o660
    assert bmad.json("status", env=env)["pid"] == bmad.pid


def test_the_places_that_were_looked_at_are_named(tmp_path):
    env = {"PATH": "/bin", "HOME": str(tmp_path)}
    for command in ([], ["check"], ["--once", "a"]):
        done = subprocess.run([BINARY, *command], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        for place in ("$BMAD_CONFIG", "./bmad.yaml", "/etc/bmad/bmad.yaml", "make demo"):
            assert place in done.stderr


# -- the log ---------------------------------------------------------------------------------------------


FIRST = ["ts", "level", "event", "job", "run", "slot", "channel", "message"]


def test_log_lines_begin_with_what_they_are_about(told):
    for line in told.events():
        about = [key for key in FIRST if key in line]
        assert list(line)[:len(about)] == about, line
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["ts"])
    assert list(told.events("run_succeeded")[0])[-1] == "value.probes"
    (failed,) = told.events("run_failed")
    assert failed["kind"] == "TEMPORARY" and int(failed["frames"]) == len(told.events("traceback"))


def test_lines_of_json_have_the_same_keys(make_bmad):
    made = make_bmad(jobs={"one": {"module": "probe", "channels": ["console"]}}, daemon={"log": {"format": "json"}})
    done = made.command("--once", "one", "--log-message")
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert all(list(line)[:3] == ["ts", "level", "event"] for line in lines)
    (data,) = [line for line in lines if line["event"] == "message_data"]
    assert data["data"]["number"] == 0, "an object, no text"


# -- help ----------------------------------------------------------------------------------------------


def test_every_command_tells_its_usage(bmad):
    text = bmad.command("--help").stdout
    commands = [line.split()[1] for line in text.splitlines() if line.startswith("  bmad ")]
    assert {"--once", "check", "jobs", "next", "render", "runs", "outbox", "send", "backup", "status", "run", "pause", "resume",
            "stop", "modules"} <= set(commands)
    for command in set(commands) - {"--version"}:
        done = bmad.command(command, "--help")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"usage: bmad {command}")


@pytest.mark.parametrize("command", [["--once", "one"], ["--once", "one", "--json"], ["jobs"], ["check"], ["modules"],
                                     ["next", "one"], ["runs"], ["outbox"], ["render", "one"]])
def test_what_cannot_be_written_is_no_success(bmad, command):
    bmad.configure({"one": {"module": "heartbeat", "channels": ["console"]}}, {}, {})
    with open("/dev/full", "w") as full:
        done = subprocess.run([BINARY, "-c", bmad.config, *command], stdout=full, stderr=subprocess.PIPE, text=True,
                              env=bmad.environment(), timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.count("standard output") == 1


# -- modules -------------------------------------------------------------------------------------------


def test_all_that_can_be_configured_is_listed_and_has_a_table(bmad):
    listed = re.findall(r"^  (\w+)  ", bmad.command("modules").stdout, re.M)
    assert {"heartbeat", "zone_hourly", "webhook", "teams", "sqlite", "postgresql", "bruin", "daemon", "defaults",
            "source", "api", "channel", "job"} <= set(listed)
    assert len(listed) == len(set(listed))
    for name in listed:
        done = bmad.command("modules", name)
        assert done.returncode == 0 and name in done.stdout.splitlines()[0]


@pytest.mark.parametrize("name, keys", [
    ("job", {"module", "schedule", "channels", "options", "retry.attempts", "like", "each"}),
    ("channel", {"type", "rate", "like", "each"}),
    ("source", {"url", "schema", "like", "each"}),
    ("api", {"type", "like", "each"}),
    ("daemon", {"store", "workers", "log.target", "retention.runs"}),
])
def test_every_key_is_told_with_type_default_and_meaning(bmad, name, keys):
    rows = [re.split(r"  +", line.strip()) for line in bmad.command("modules", name).stdout.splitlines()[1:]]
    assert rows[0] == ["KEY", "TYPE", "DEFAULT", "MEANING"]
    assert keys <= {row[0] for row in rows}
    assert all(len(row) == 4 for row in rows)
    assert ("like" in {row[0] for row in rows}) == (name != "daemon")
