# SPDX-License-Identifier: MIT
"""The job module `command`: programs in any language, what they get, what they print, and how they end."""
import json
import os
import signal
import time

import pytest

from harness import is_alive, wait_for


def sh(script):
    return ["/bin/sh", "-c", script]


@pytest.fixture
def command(make_bmad):
    def run(argv, status=0, environ=None, job=None, **options):
        bmad = make_bmad(jobs={"cmd": {"module": "command", "channels": ["console"],
                                       "options": {"argv": argv, **options}, **(job or {})}})
        return bmad.once("cmd", "--dry-run", status=status, env=environ)
    return run


def data_of(result):
    [data] = result["data"]
    return data


def test_a_json_object_is_the_data_object(command):
    data = data_of(command(sh("""echo '{"disk": {"used_pct": 81}, "hosts": ["a", "b"]}'""")))
    assert data == {"disk": {"used_pct": 81}, "hosts": ["a", "b"]}


def test_other_json_is_a_value_and_text_is_text(command):
    assert data_of(command(sh("echo '[1, 2]'"))) == {"value": [1, 2]}
    assert data_of(command(sh("echo two; echo lines; echo"))) == {"text": "two\nlines"}


def test_text_is_posted_as_it_is(command):
    [message] = command(sh("printf 'Filesystem  Use%%\n/data       81%%\n'"))["messages"]
    assert message["payload"].strip() == "Filesystem  Use%\n/data       81%"


def test_a_program_that_prints_nothing_posts_nothing(command):
    result = command(sh("true"))
    assert (result["result"], result["messages"]) == ("ok", [])


def test_there_is_no_shell_between(command):
    data = data_of(command(["/usr/bin/printf", "%s\n", "$HOME; rm -rf *", "`id`"]))
    assert data == {"text": "$HOME; rm -rf *\n`id`"}


def test_a_program_is_looked_for_in_the_path(command):
    assert data_of(command(["printf", "found"])) == {"text": "found"}


def test_input_is_json_on_standard_input(command):
    data = data_of(command(["/bin/cat"], input={"level": "high", "names": ["ä", "\n"]}))
    assert data == {"level": "high", "names": ["ä", "\n"]}


def test_input_that_nobody_reads_does_no_harm(command):
    assert data_of(command(sh("exec 0<&-; echo fine"), input={"big": "x" * 1_000_000})) == {"text": "fine"}


def test_the_environment_is_the_job_s_own(command):
    seen = data_of(command(["/usr/bin/env"], environ={"DATABASE_PASSWORD": "hidden-thing"}, env={"LEVEL": "high"}))["text"]
    names = {line.split("=")[0] for line in seen.splitlines()}
    assert {"LEVEL", "BMAD_JOB", "BMAD_SLOT", "PATH"} <= names
    assert "hidden-thing" not in seen and not any(name.startswith("DATABASE") for name in names)
    assert "BMAD_JOB=cmd" in seen and "BMAD_DRY_RUN=1" in seen


def test_a_reference_in_env_is_resolved_and_never_shown(command):
    result = command(sh('printf "%s" "$TOKEN" | wc -c; echo "it is $TOKEN" >&2'), environ={"TOKEN_OF_US": "tok-1234567890"},
                     env={"TOKEN": "${TOKEN_OF_US}"})
    assert data_of(result) == {"text": "14"} or data_of(result) == {"value": 14}
    assert "tok-1234567890" not in json.dumps(result)


def test_only_the_standard_streams_are_open(command):
    assert data_of(command(sh("ls /proc/self/fd | tr '\n' ' '")))["text"].split() == ["0", "1", "2", "3"]  # 3: ls's own


def test_an_exit_status_fails_the_run_with_the_last_words(command):
    result = command(sh("echo begun >&2; echo 'no such host: db1' >&2; exit 3"), status=1)
    assert result["result"] == "error" and result["messages"] == []
    assert result["error"]["message"] == "the program ended with exit status 3: no such host: db1"


def test_a_signal_fails_the_run(command):
    result = command(sh("kill -SEGV $$"), status=1)
    assert "ended by signal 11" in result["error"]["message"]


@pytest.mark.parametrize("argv, told", [(["/nowhere/prog"], "No such file or directory"), (["/etc/passwd"], "Permission denied")])
def test_a_program_that_cannot_be_run_is_named(command, argv, told):
    result = command(argv, status=1)
    assert result["error"]["kind"] == "CONFIG"
    assert result["error"]["message"] == f"cannot run {argv[0]}: {told}"


def test_standard_error_goes_to_the_log(make_bmad):
    bmad = make_bmad(jobs={"cmd": {"module": "command", "channels": ["console"], "schedule": "* * * * * *",
                                   "options": {"argv": sh("echo 'disk \\033[1m nearly full' >&2; echo done")}}})
    bmad.start()
    assert "nearly full" in bmad.wait_event("job_log", job="cmd")["text"]


def test_more_output_than_is_bearable_fails_the_run(command):
    result = command(sh("yes | head -c 20000000"), status=1)
    assert "more than 16 MiB" in result["error"]["message"]


@pytest.mark.parametrize("options, told", [
    ({"argv": []}, "argv: expected a program"),
    ({"argv": [""]}, "argv: expected a program"),
    ({"argv": ["x"], "env": {"A": 1}}, "env: expected texts"),
    ({"argv": ["x"], "env": {"A=B": "x"}}, "env: expected texts"),
])
def test_options_that_make_no_sense_are_refused(make_bmad, options, told):
    bmad = make_bmad(jobs={"cmd": {"module": "command", "channels": ["console"], "options": options}})
    checked = bmad.command("check")
    assert checked.returncode == 2 and told in checked.stdout + checked.stderr


# -- its end --------------------------------------------------------------------------------------------------


def processes(mark):
    """The pids of programs whose command line holds MARK."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if mark.encode() in file.read():
                    found.append(int(pid))
        except OSError:
            pass
    return found


@pytest.fixture
def mark():
    return str(86400 + os.getpid()) + str(time.monotonic_ns())[-6:]


def stubborn(mark):
    """Ignores TERM and has a child that does too."""
    return sh(f"trap '' TERM; (trap '' TERM; sleep {mark}; :) & sleep {mark}; :")


def test_what_overruns_is_killed_with_all_that_it_started(command, mark):
    begun = time.monotonic()
    result = command(stubborn(mark), status=1, job={"timeout": "500ms"})
    assert "timeout" in result["error"]["message"] and "run /bin/sh" in json.dumps(result["error"])
    assert time.monotonic() - begun < 9, "not only when the worker is killed"
    wait_for(lambda: not processes(mark), what="the end of the group")


def test_a_program_in_the_background_is_not_waited_for(command, mark):
    begun = time.monotonic()
    assert data_of(command(sh(f"sleep {mark} & echo done"))) == {"text": "done"}
    assert time.monotonic() - begun < 5
    wait_for(lambda: not processes(mark), what="the end of the group")


def test_a_program_ends_with_its_worker(make_bmad, mark):
    bmad = make_bmad(jobs={"cmd": {"module": "command", "channels": ["console"], "run_at_start": True,
                                   "options": {"argv": stubborn(mark)}}})
    bmad.start()
    wait_for(lambda: processes(mark), what="the program")
    [busy] = [pid for name, pid in bmad.children().items() if name.endswith("[cmd]")]
    os.kill(busy, signal.SIGKILL)
    wait_for(lambda: not processes(mark), what="the end of the group")


def test_a_program_ends_with_the_daemon(make_bmad, mark):
    bmad = make_bmad(daemon={"stop_timeout": "500ms"},
                     jobs={"cmd": {"module": "command", "channels": ["console"], "run_at_start": True,
                                   "options": {"argv": stubborn(mark)}}})
    bmad.start()
    [*pids] = wait_for(lambda: processes(mark), what="the program")
    bmad.terminate()
    wait_for(lambda: not any(is_alive(pid) for pid in pids), what="the end of the group")
