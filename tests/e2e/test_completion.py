# SPDX-License-Identifier: MIT
"""Completion for bash, asked as bash asks it."""
import shutil
import subprocess

import pytest

from harness import BINARY, ROOT

ASK = """
source "$0"
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_bmad "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""

CONFIG = """\
daemon: {store: "sqlite:bmad.db"}
channels:
  # one a line
  ops: {type: file, dir: out}
  .base:
    type: file
  shift-lead:
    like: .base
    dir: out
jobs:
  .zone: {module: heartbeat, each: {zone: [Z1, Z2]}, channels: [ops]}
  "${each:zone}-hourly": {like: .zone}
  beat: {module: heartbeat, channels: [ops]}
"""

pytestmark = pytest.mark.skipif(not shutil.which("bash"), reason="bash is not there")


@pytest.fixture
def complete(make_bmad):
    bmad = make_bmad()
    bmad.config.write_text(CONFIG)
    (bmad.folder / "bmad.staging.yaml").write_text("{}")

    def ask(*words, folder=bmad.folder):
        done = subprocess.run(["bash", "-u", "-c", ASK, ROOT / "config" / "bmad.bash", BINARY, *words], cwd=folder,
                              env=bmad.environment(), capture_output=True, text=True, timeout=60, check=False)
        assert done.stderr == ""
        return set(done.stdout.split())

    ask.folder = bmad.folder
    return ask


JOBS = {"Z1-hourly", "Z2-hourly", "beat"}
CHANNELS = {"console", "ops", "shift-lead"}


@pytest.mark.parametrize("words, offered", [
    (["st"], {"status", "stop"}),
    (["--o"], {"--once"}),
    (["--env", ""], {"staging"}),
    (["-c", "bmad.y"], {"bmad.yaml"}),
    (["run", ""], JOBS),
    (["-c", "bmad.yaml", "run", "Z"], {"Z1-hourly", "Z2-hourly"}),
    (["pause", "beat", ""], JOBS),
    (["--once", "b"], {"beat"}),
    (["--once", "beat", "--de"], {"--debug", "--deliver-timeout"}),
    (["--once", "beat", "--at", ""], set()),
    (["pause", "--f"], {"--for"}),
    (["pause", "--all", "--f"], {"--for"}),
    (["send", ""], CHANNELS),
    (["render", "beat", "--channel", "s"], {"shift-lead"}),
    (["outbox", "r"], {"retry"}),
    (["outbox", "list", "--state", "d"], {"delivered", "dead", "discarded"}),
    (["outbox", "list", "--channel", ""], CHANNELS),
    (["next", "--expr", "* * * * *", "--dst", "v"], {"vixie"}),
    (["modules", "heart"], {"heartbeat"}),
    (["backup", "bmad.s"], {"bmad.staging.yaml"}),
    (["status", "--"], {"--json"}),
    (["stop", ""], set()),
    (["frobnicate", ""], set()),
])
def test_what_is_offered(complete, words, offered):
    assert complete(*words) == offered


def test_every_command_is_offered(complete):
    told = subprocess.run([BINARY, "--help"], capture_output=True, text=True, check=True).stdout
    assert complete("") >= {line.split()[1] for line in told.splitlines() if line.startswith("  bmad ")} - {"--version"}


@pytest.mark.parametrize("text", ["jobs: [", ""])
def test_a_configuration_with_errors_is_met_with_silence(complete, text):
    (complete.folder / "bmad.yaml").write_text(text)
    assert complete("run", "") == set()
    assert complete("send", "") == {"console"}


def test_without_a_configuration_there_is_silence_too(complete, tmp_path):
    assert complete("run", "", folder=tmp_path) == set()
    assert complete("st", folder=tmp_path) == {"status", "stop"}


def test_it_is_installed_where_bash_looks():
    told = subprocess.run(["make", "-n", "-C", ROOT, "install", "DESTDIR=/dest", "PREFIX=/usr"], capture_output=True,
                          text=True, check=True).stdout
    assert "config/bmad.bash /dest/usr/share/bash-completion/completions/bmad" in told
