# SPDX-License-Identifier: MIT
"""The manual pages tell what the binary has: its keys with their defaults, commands, options, events and examples."""
import os
import re
import shlex
import subprocess

import pytest
from harness import BUILD, ROOT, parse_line

BINARY = BUILD / "bmad"
MAN_8 = (ROOT / "man/bmad.8").read_text()
MAN_5 = (ROOT / "man/bmad.yaml.5").read_text()

# Where bmad.yaml.5 tells the keys that `bmad modules NAME` prints, apart from types and modules: these have a
# heading of their own name.
HEADINGS = {
    "daemon": "THE SECTION DAEMON",
    "defaults": "JOBS AND DEFAULTS",
    "source": "SOURCES",
    "api": "Keys of every API",
    "channel": "Keys of every channel",
    "job": "JOBS AND DEFAULTS",
}
WORDS = {"true": "yes", "false": "no", '""': "empty"}  # as the manual says what the tables write


def bmad(*arguments, **options):
    return subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=30, **options)


def output(*arguments):
    done = bmad(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


# -- mdoc -----------------------------------------------------------------------------------------------------


def part(page, heading):
    """What stands below a .Sh or .Ss, up to the next heading."""
    found = re.search(rf'^\.S[hs] "?{re.escape(heading)}"?\n(.*?)(?=^\.S[hs] |\Z)', page, re.M | re.S)
    assert found, f"no heading '{heading}'"
    return found.group(1)


def section(page, heading):
    """The same with the .Ss within it."""
    found = re.search(rf"^\.Sh {re.escape(heading)}\n(.*?)(?=^\.Sh |\Z)", page, re.M | re.S)
    assert found, f"no section '{heading}'"
    return found.group(1)


def key_items(text):
    """`.It Ic KEY : ...` with the lines that follow it, by key."""
    return {
        found.group(1): found.group(0)
        for found in re.finditer(r"^\.It Ic ([\w.]+) :.*\n(?:(?!\.It |\.El).*\n)*", text, re.M)
    }


def plain(text):
    """Words without macros, blanks and the dots of sentences: enough to look for one."""
    words = re.sub(r"^\.(?:[A-Z][a-z])\b|\b(?:Li|Cm|Ic|Pa|No|Ar)\b", " ", text, flags=re.M)
    return re.sub(r"\\\(dq|\\&|\s*\.$", " ", words, flags=re.M).split()


# -- keys -----------------------------------------------------------------------------------------------------


def module_names():
    if not BINARY.exists():
        return []
    return re.findall(r"^  (\w+)  ", output("modules"), re.M)


def printed_keys(name):
    """{key: default} as `bmad modules NAME` prints them."""
    rows = [re.split(r"  +", line.strip()) for line in output("modules", name).splitlines() if line.startswith("  ")]
    if not rows or rows[0][0] != "KEY":
        return {}
    return {row[0]: row[2] for row in rows[1:] if len(row) == 4}


def test_the_list_of_modules_is_read():
    assert {"heartbeat", "zone_hourly", "teams", "sqlite", "daemon", "job"} <= set(module_names())


@pytest.mark.parametrize("name", module_names())
def test_every_key_is_in_the_manual_with_its_default(name):
    keys = printed_keys(name)
    if not keys:
        assert re.search(rf"^\.(?:Ss|Li|Pq.*) {name}$", MAN_5, re.M) or f"Li {name}" in MAN_5
        return
    items = key_items(part(MAN_5, HEADINGS.get(name, name)))
    for key, default in keys.items():
        assert key in items, f"bmad.yaml.5 does not tell '{key}' of {name}"
        words = plain(items[key])
        if default == "required":
            assert "required" in words, f"'{key}' of {name} is required"
        elif default != "-":
            told = words[words.index("Default:") + 1 :] if "Default:" in words else []
            expected = WORDS.get(default, default).split()
            assert told[: len(expected)] == expected, f"'{key}' of {name}: default {default}, told: {told}"


@pytest.mark.parametrize("name", [name for name in module_names() if name != "defaults"])
def test_the_manual_tells_no_key_that_is_not_there(name):
    keys = printed_keys(name)
    if keys:
        assert set(key_items(part(MAN_5, HEADINGS.get(name, name)))) == set(keys)


def types_of_channels():
    listed = re.search(r"^channel types:\n(.*?)\n\n", output("modules"), re.M | re.S) if BINARY.exists() else None
    return re.findall(r"^  (\w+)", listed.group(1), re.M) if listed else []


@pytest.mark.parametrize("name", types_of_channels())
def test_what_a_channel_type_brings_itself_is_in_the_manual(name):
    keys = ("rate", "retry.initial", "retry.max", "retry.max_age", "on_ambiguous")
    brought = re.search("by type: " + ", ".join(f"{key} (.*)" for key in keys), output("modules", name)).groups()
    common = key_items(part(MAN_5, "Keys of every channel"))
    own = part(MAN_5, name)
    for key, value in zip(keys, brought):
        words = plain(common[key])
        told = words[words.index("Default:") + 1 :]
        assert told[:2] == ["by", "type,"]
        assert value in own or value == told[2].rstrip("."), f"'{key}' of {name} is {value}, told: {told[2]}"


def test_the_keys_of_defaults_are_listed():
    listed = part(MAN_5, "JOBS AND DEFAULTS").split("for all jobs")[0]
    assert set(re.findall(r"\b[a-z_.]{3,}\b", " ".join(re.findall(r"^\.Ic (.*)$", listed, re.M)))) == (
        set(printed_keys("defaults")) | {"defaults"}
    )


# -- commands -------------------------------------------------------------------------------------------------


def help_commands():
    """{command: its options} from `bmad --help`."""
    commands = {}
    for block in re.split(r"\n(?=  bmad )", output("--help")):
        found = re.match(r"  bmad (--once|[a-z][a-z-]*) ?(.*)", block, re.S)
        if found:
            commands[found.group(1)] = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", found.group(2)))
    return commands


def manual_commands():
    """{command: what bmad.8 says of it}; a command may have several items, one for each form."""
    commands = {}
    for item in re.split(r"^(?=\.It (?:Cm [a-z]|Fl -once))", section(MAN_8, "COMMANDS"), flags=re.M)[1:]:
        name = re.match(r"\.It (?:Cm )?(Fl -once|[a-z][a-z-]*)", item).group(1).replace("Fl -once", "--once")
        commands[name] = commands.get(name, "") + item
    commands["--once"] += section(MAN_8, "RUNNING BY HAND")
    return commands


def manual_options(text):
    return {f"-{option}" for option in re.findall(r"\bFl (-?[a-z][a-z-]*)", text)}


def test_the_manual_has_the_commands_of_the_help_and_no_others():
    assert set(manual_commands()) == set(help_commands())


@pytest.mark.parametrize("command", help_commands() if BINARY.exists() else [])
def test_every_option_of_a_command_is_in_the_manual(command):
    assert help_commands()[command] <= manual_options(manual_commands()[command])


def test_every_long_option_of_the_help_is_in_the_manual():
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", output("--help")))
    assert {"--once", "--version", "--env", "--dry-run"} <= options <= manual_options(MAN_8)


# -- events ---------------------------------------------------------------------------------------------------

# An event stands behind its level, before it (in tables), or is given to the line that all beginnings share.
EVENTS = (
    r'(?:LEVEL_\w+|run_narration\(\)|stage_announce\([\w>-]+)\s*,\s*'
    r'(?:[^",;{}]*\?\s*)?"([a-z_]+)"(?:\s*:\s*"([a-z_]+)")?',
    r'"([a-z_]+)"()\s*,\s*LEVEL_\w+',
    r'\.event\s*=\s*"([a-z_]+)"()',
)


def source_events():
    events = set()
    for path in (ROOT / "src").rglob("*.c"):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        for pattern in EVENTS:
            for names in re.findall(pattern, text):
                events.update(filter(None, names))
    return events


def manual_events():
    items = re.findall(r"^\.It Cm (.*)$", section(MAN_8, "LOG LINES"), re.M)
    return {name for item in items for name in item.split(" , ")}


def test_the_manual_has_every_event_of_the_sources_and_no_others():
    assert manual_events() == source_events()


def test_every_field_of_a_log_line_is_in_the_manual():
    told = set(re.findall(r"\w+", section(MAN_8, "LOG LINES")))
    for path in (ROOT / "src").rglob("*.c"):
        fields = set(re.findall(r'log_(?:text|int|instant|literal|format)\(&?\w+, "(\w+)"', path.read_text()))
        assert fields <= told, path


def told_of_events():
    """{event: the words that bmad.8 says of it}"""
    told = {}
    for item in re.split(r"^(?=\.It Cm )", section(MAN_8, "LOG LINES"), flags=re.M)[1:]:
        for name in re.match(r"\.It Cm (.*)", item).group(1).split(" , "):
            told[name] = set(re.findall(r"\w+", item))
    return told


def test_what_a_run_logs_is_told_field_by_field(tmp_path):
    (tmp_path / "bmad.yaml").write_text(
        'daemon: {store: "sqlite:s.db"}\n'
        "channels: {out: {type: file, dir: .}}\n"
        "jobs: {alive: {module: heartbeat, channels: [console, out]}}\n"
    )
    done = bmad("-c", tmp_path / "bmad.yaml", "--once", "alive", "--debug")
    lines = [parse_line(line) for line in done.stderr.splitlines()]
    told = told_of_events()
    for line in lines:
        fields = set(line) - {"ts", "level", "event"}
        assert fields <= told[line["event"]], line["event"]
    expected = "once_started run_started message_data message_queued message_delivered run_succeeded"
    assert set(expected.split()) <= {line["event"] for line in lines}


# -- examples -------------------------------------------------------------------------------------------------


def displays(page):
    blocks = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", page, re.M | re.S)
    return [block.replace("\\e", "\\") for block in blocks]


def configurations():
    """Complete configurations; the manual tells its sections one by one, together they are one."""
    whole, *sections = [block for block in displays(MAN_5) if re.match(r"\w+:", block)]
    return {
        "bmad.yaml.5, the beginning": whole,
        "bmad.yaml.5, its sections": "\n".join(sections),
        **{f"README.md, {number}": block for number, block in
           enumerate(re.findall(r"^```yaml\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S), 1)},
        **{str(path.relative_to(ROOT)): path.read_text() for path in sorted(ROOT.glob("[cd]*/*.yaml"))},
    }


def give_references(text, folder):
    """The environment in which all references of a configuration resolve."""
    value = "https://chat.example/hook"
    credentials = folder / "credentials"
    credentials.mkdir()
    for kind, name in re.findall(r"\$\{(?:(file|cred):)?([^}]+)\}", text):
        if kind:
            ((credentials if kind == "cred" else folder) / name).write_text(value)
    names = re.findall(r"\$\{(\w+)\}", text)
    return {"PATH": os.environ["PATH"], "CREDENTIALS_DIRECTORY": str(credentials), **{name: value for name in names}}


@pytest.mark.parametrize("place", configurations())
def test_configurations_in_the_documents_are_accepted(place, tmp_path):
    text = configurations()[place]
    assert text.count("jobs:") == 1
    path = tmp_path / "bmad.yaml"
    path.write_text(text)
    path.chmod(0o600)  # an address that stands in a file for all to read is worth a warning
    done = bmad("-c", path, "check", env=give_references(text, tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("config ok: ")


def test_the_example_of_bmad_next_prints_what_the_manual_says():
    (shown,) = [block for block in displays(MAN_8) if "bmad next --expr" in block]
    command, told = re.fullmatch(r"\$ (.*?[^\\])\n(.*)", shown, re.S).groups()
    assert output(*shlex.split(command.replace("\\\n", " "))[1:]) == told


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "ARCHITECTURE.md"])
def test_files_that_the_documents_name_are_there(name):
    named = re.findall(r"(?:src|jobs|include|tests|config|scripts|demo|man)/[\w./-]*\w", (ROOT / name).read_text())
    assert named
    missing = [path for path in named if not ("NAME" in path or (ROOT / path).exists())]
    assert not missing


def test_job_modules_stand_on_the_public_headers():
    """CONTRIBUTING says so: nothing below jobs/ includes what is below src/."""
    inner = [f"{path.relative_to(ROOT)}: {line}" for path in sorted((ROOT / "jobs").rglob("*.[ch]"))
             for line in path.read_text().splitlines()
             if re.match(r'#include "(?!jobs/|tests/modules/)', line)]
    assert not inner, "use <bmad/...>: " + "; ".join(inner)
