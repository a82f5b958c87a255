# SPDX-License-Identifier: MIT
"""What scripts rely on: shapes of --json, exit statuses, and that commands agree with each other."""
import json
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


# -- help ----------------------------------------------------------------------------------------------


def test_every_command_tells_its_usage(bmad):
    text = bmad.command("--help").stdout
    commands = [line.split()[1] for line in text.splitlines() if line.startswith("  bmad ")]
    assert {"--once", "check", "jobs", "next", "render", "runs", "outbox", "status", "run", "stop", "modules"} <= set(commands)
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
