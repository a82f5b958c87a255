# SPDX-License-Identifier: MIT
"""bmad check, jobs and modules: what a person sees of the configuration before anything runs."""
import datetime
import json
import os
import re
import subprocess

import pytest

from harness import BINARY, ROOT

HOURLY = {"module": "zone_hourly", "schedule": "5 * * * *", "channels": ["console"],
          "options": {"source": "plant", "zone": "Z1"}}


def bmad(*args, cwd, env=None):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BMAD_")}
    return subprocess.run([BINARY, *map(str, args)], capture_output=True, text=True, cwd=cwd, timeout=60,
                          check=False, env={**kept, "BMAD_TEMPLATES": str(ROOT / "templates"), **(env or {})})


def check(folder, text, *args, env=None):
    """Checks TEXT as the bmad.yaml of FOLDER; lines of problems come without the file's name."""
    (folder / "bmad.yaml").write_text(text, encoding="utf-8")
    (folder / "bmad.yaml").chmod(0o600)
    done = bmad("-c", "bmad.yaml", "check", *args, cwd=folder, env=env)
    return done, [line.removeprefix("bmad.yaml:") for line in done.stderr.splitlines()]


def test_a_good_configuration_is_counted(make_bmad):
    done = make_bmad(jobs={"zone1-hourly": HOURLY, "beat": {"module": "heartbeat", "channels": ["out"]}},
                     channels={"out": {"type": "file", "dir": "out"}},
                     sources={"plant": "sqlite:plant.db"}).command("check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "config ok: 2 jobs, 1 channels, 1 sources\n", "")


def test_all_mistakes_are_told_at_once_with_their_places(tmp_path):
    done, lines = check(tmp_path, """\
jobs:
  x:
    module: zone_hourly
    schedul: "5 * * * *"
    schedule: "5 * * * nope"
    channels: [chta]
    options: {source: plnt, zone: Z1, grace: soon}
channels:
  chat: {type: file, dir: out, rat: 4/s}
sources: {plant: "sqlite:plant.db"}
""")
    assert done.returncode == 2
    assert done.stdout == ""
    assert [line.split(" error: ")[0] for line in lines] == ["4:5:", "5:24:", "6:16:", "7:23:", "7:46:", "9:32:"]
    assert lines[0] == "4:5: error: unknown key 'schedul' in job 'x'; did you mean 'schedule'?"
    assert "column 9" in lines[1]
    assert "did you mean 'chat'?" in lines[2]
    assert "did you mean 'plant'?" in lines[3]
    assert "expected a duration" in lines[4]
    assert "did you mean 'rate'?" in lines[5]


@pytest.mark.parametrize("text, hint", [
    ("jobs: {x: {module: heartbeat, schedule: @every 15m}}", '"@every 15m"'),
    ("jobs:\n  x:\n    module: heartbeat\n    schedule: */5 * * * *", '"*/5 * * * *"'),
    ("channels: {c: {type: webhook, url: ${X}}}", "must be quoted"),
])
def test_signs_of_yaml_get_the_hint_that_fits(tmp_path, text, hint):
    done, lines = check(tmp_path, text)
    assert done.returncode == 2
    assert re.match(r"\d+:\d+: error: ", lines[0])
    assert hint in lines[0]


@pytest.mark.parametrize("sign", ["[", "{a: ", "- "])
def test_deep_nesting_is_refused_at_once(tmp_path, sign):
    done, lines = check(tmp_path, sign * 100000)
    assert done.returncode == 2
    assert len(lines) == 1
    assert "nested deeper than 32" in lines[0]


def test_references_are_resolved_by_check(tmp_path):
    text = 'channels:\n  c: {type: webhook, url: "${CHECK_URL}"}\n  d: {type: file, dir: "${file:where}"}\n'
    done, lines = check(tmp_path, text)
    assert done.returncode == 2
    assert lines[0].startswith("2:27: error: channel 'c': ${CHECK_URL} does not resolve")
    assert lines[1].startswith("3:24: error: channel 'd': ${file:where} does not resolve")
    (tmp_path / "where").write_text("out\n")
    done, lines = check(tmp_path, text, env={"CHECK_URL": "https://receiver.example/hush-token"})
    assert (done.returncode, lines) == (0, [])


def test_references_are_listed(tmp_path):
    text = 'channels:\n  c: {type: webhook, url: "${CHECK_URL}"}\n  d: {type: file, dir: "${CHECK_DIR}"}\n'
    done, _ = check(tmp_path, text, "--references", env={"CHECK_URL": "https://receiver.example/hush-token"})
    assert done.returncode == 2
    rows = [re.split(r"  +", line) for line in done.stdout.splitlines()]
    assert rows[0] == ["bmad.yaml:2:27", "${CHECK_URL}", "channel 'c'", "resolves"]
    assert rows[1][:3] == ["bmad.yaml:3:24", "${CHECK_DIR}", "channel 'd'"]
    assert "is not set" in rows[1][3]
    assert "hush-token" not in done.stdout + done.stderr


def test_what_a_reference_stands_for_is_judged_without_being_shown(tmp_path):
    done, lines = check(tmp_path, 'channels: {c: {type: webhook, url: "${CHECK_URL}"}}',
                        env={"CHECK_URL": "http://receiver.example/hush-token"})
    assert done.returncode == 2
    assert "channel 'c'" in lines[0]
    assert "hush-token" not in done.stdout + done.stderr


def test_a_broken_template_is_told_with_its_place(make_bmad):
    made = make_bmad(jobs={"beat": {"module": "heartbeat", "channels": ["console"]}})
    template = made.folder / "templates" / "heartbeat" / "report.txt.mustache"
    template.parent.mkdir(parents=True)
    template.write_text("ok\n{{#a}} {{/b}}\n")
    done = made.command("check")
    assert done.returncode == 2
    assert re.match(rf"{re.escape(str(template))}:2:\d+: error: ", done.stderr)


def test_a_secret_that_others_can_read_is_a_warning(tmp_path):
    path = tmp_path / "bmad.yaml"
    path.write_text('channels: {c: {type: webhook, url: "https://receiver.example/hush-token"}}')
    path.chmod(0o644)
    done = bmad("-c", path, "check", cwd=tmp_path)
    assert done.returncode == 0
    assert f"{path}:1:" in done.stderr and " warning: " in done.stderr
    assert "hush-token" not in done.stderr


def test_without_a_configuration_the_places_are_named(tmp_path):
    if os.path.exists("/etc/bmad/bmad.yaml"):
        pytest.skip("there is one in /etc")
    done = bmad("check", cwd=tmp_path)
    assert done.returncode == 2
    for part in ("./bmad.yaml", "/etc/bmad/bmad.yaml", "make demo"):
        assert part in done.stderr


def test_the_configuration_of_the_folder_is_found(tmp_path):
    (tmp_path / "bmad.yaml").write_text("jobs: {beat: {module: heartbeat}}")
    assert bmad("check", cwd=tmp_path).stdout == "config ok: 1 jobs, 0 channels, 0 sources\n"
    (tmp_path / "other.yaml").write_text("")
    done = bmad("check", cwd=tmp_path, env={"BMAD_CONFIG": "other.yaml"})
    assert done.stdout == "config ok: 0 jobs, 0 channels, 0 sources\n"


def test_jobs_tell_schedule_and_next_fire(make_bmad):
    made = make_bmad(sources={"plant": "sqlite:plant.db"}, jobs={
        "zone1-hourly": {**HOURLY, "timezone": "America/Los_Angeles", "about": "the hour's board"},
        "off": {"module": "heartbeat", "enabled": False},
        "by-hand": {**HOURLY, "schedule": []},
    })
    rows = {row["name"]: row for row in made.json("jobs")}
    row = rows["zone1-hourly"]
    assert list(row) == ["name", "module", "about", "schedule", "timezone", "enabled", "paused_until", "dry_run", "channels",
                         "next", "last"]
    assert (row["module"], row["about"], row["schedule"]) == ("zone_hourly", "the hour's board", ["5 * * * *"])
    assert (row["timezone"], row["enabled"], row["last"]) == ("America/Los_Angeles", True, None)
    utc = datetime.datetime.fromisoformat(row["next"]["utc"].replace("Z", "+00:00"))
    assert utc == datetime.datetime.fromisoformat(row["next"]["local"])
    wait = utc - datetime.datetime.now(datetime.timezone.utc)
    assert utc.minute == 5 and datetime.timedelta(minutes=-1) < wait <= datetime.timedelta(hours=1)
    assert rows["off"]["next"] is None and rows["off"]["enabled"] is False
    assert rows["by-hand"]["next"] is None and rows["by-hand"]["schedule"] == []
    table = made.command("jobs").stdout.splitlines()
    assert len(table) == 4
    assert re.search(r"5 \* \* \* \* +America/Los_Angeles .* in \d+ (s|min) ", table[1])
    assert table[2].endswith("disabled")
    assert "by hand" in table[3]


def test_modules_tell_every_key(tmp_path):
    listed = bmad("modules", cwd=tmp_path).stdout
    for name in ("heartbeat", "zone_hourly", "console", "file", "teams", "webhook", "sqlite", "daemon", "job"):
        assert re.search(rf"^  {name} ", listed, re.MULTILINE)
        done = bmad("modules", name, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert name in done.stdout.splitlines()[0]
    assert re.search(r"^  grace +duration.* +120s +\S", bmad("modules", "zone_hourly", cwd=tmp_path).stdout,
                     re.MULTILINE)
    done = bmad("modules", "zone_horly", cwd=tmp_path)
    assert done.returncode == 2
    assert "did you mean 'zone_hourly'?" in done.stderr


def test_wrong_words_are_usage_errors(make_bmad):
    made = make_bmad()
    for words in (["check", "--refs"], ["jobs", "--jsn"], ["modules", "job", "daemon"]):
        done = made.command(*words)
        assert done.returncode == 2
        assert done.stderr.startswith("bmad: ")


def test_many_jobs_are_checked_and_listed(make_bmad):
    made = make_bmad(jobs={f"beat{i}": {"module": "heartbeat"} for i in range(5000)})
    assert made.command("check").stdout == "config ok: 5000 jobs, 0 channels, 0 sources\n"
    assert len(json.loads(made.command("jobs", "--json").stdout)) == 5000


def test_schedules_that_may_surprise_are_warned_of(tmp_path):
    done, lines = check(tmp_path, """\
daemon: {timezone: America/New_York}
channels: {out: {type: file, dir: .}}
defaults: {dst: skip}
jobs:
  .base: {module: heartbeat, channels: [out]}
  uneven: {like: .base, schedule: "*/35 * * * *"}
  either: {like: .base, schedule: ["0 12 13 * 5", "5 * * * *"]}
  "${each:n}": {like: .base, schedule: "30 2 * * *", each: {n: [a, b, c]}}
  idle: {like: .base, schedule: "30 2 * * *", enabled: false}
""")
    assert done.returncode == 0
    assert done.stdout.startswith("config ok: 6 jobs")
    assert [line.split(": ")[0] for line in lines] == ["6:36", "7:37", "8:41"]
    assert all(" warning: 'schedule' in job '" in line for line in lines)
    assert "'*/35' is uneven" in lines[0]
    assert "it fires on days that match either" in lines[1]
    assert re.search(r"in job 'a': \d{4}-03-\d\dT02:30 does not exist in America/New_York, .*: it does not fire "
                     r"\(dst: skip\) \(and so in 2 more\)$", lines[2])
    assert bmad("-c", "bmad.yaml", "jobs", cwd=tmp_path).stderr == ""


def test_every_reference_is_listed_where_it_was_written(tmp_path):
    done, _ = check(tmp_path, """\
daemon: {store: "sqlite:${STORE}"}
channels:
  "${each:z}": {each: {z: [A, B]}, type: webhook, url: "https://${HOST_${each:z}}/x"}
jobs:
  a: {module: heartbeat, channels: [A], vars: &v {host: "${HOST_A}", literal: "$${HOST_A}"}}
  b: {module: heartbeat, channels: [A], vars: *v}
""", "--references", env={"HOST_A": "a.example", "STORE": str(tmp_path / "s.db")})
    rows = [re.split(r"  +", line) for line in done.stdout.splitlines()]
    assert rows == [
        ["bmad.yaml:1:17", "${STORE}", "daemon", "resolves"],
        ["bmad.yaml:3:56", "${HOST_A}", "channel 'A'", "resolves"],
        ["bmad.yaml:3:56", "${HOST_B}", "channel 'B'",
         "${HOST_B} does not resolve: the environment variable is not set"],
        ["bmad.yaml:5:57", "${HOST_A}", "job 'a'", "resolves"],
        ["bmad.yaml:5:57", "${HOST_A}", "job 'b'", "resolves"],
    ]
    assert done.returncode == 2
    assert done.stderr.count("HOST_B") == 1


def test_a_reference_that_is_resolved_at_once_is_told_once(tmp_path):
    done, lines = check(tmp_path, 'daemon: {store: "sqlite:${STORE}"}', "--references")
    assert done.stdout.splitlines() == [
        "bmad.yaml:1:17  ${STORE}  daemon  ${STORE} does not resolve: the environment variable is not set"]
    assert [line for line in lines if "STORE" in line] == [
        "1:17: error: 'store' in daemon: ${STORE} does not resolve: the environment variable is not set"]
