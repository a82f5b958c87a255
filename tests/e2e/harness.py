# SPDX-License-Identifier: MIT
"""A bmad of its own for a test: configuration, daemon, log, processes, store and commands.

    with Bmad(tmp_path, jobs={"beat": {"module": "noop", "schedule": "* * * * * *"}}) as bmad:
        bmad.start()
        end = bmad.wait_event("run_succeeded", job="beat")
        bmad.kill("store")

The daemon logs to a file that outlives its restarts; each line becomes a dict. What a test starts ends
with it, also when it fails.
"""
import contextlib
import json
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("BMAD_BUILD", "build")
BINARY = BUILD / "bmad-test"
DEADLINE = 20.0  # how long a test waits for what must happen
COUNTED = (BUILD / "src/main.gcno").exists()  # by `make coverage`: what is killed loses its counters
# A crash shall look the same under the sanitizers.
SANITIZER_OPTIONS = "handle_segv=0:handle_sigbus=0:handle_abort=0:allocator_may_return_null=1"

PAIR = re.compile(r'([\w.-]+)=("(?:[^"\\]|\\.)*"|\S*)')


def wait_for(condition, timeout=DEADLINE, what="the condition", pause=0.02):
    """Asks CONDITION until its answer is true, and returns it."""
    end = time.monotonic() + timeout
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < end, f"not within {timeout:g} s: {what}"
        time.sleep(pause)


def parse_line(line):
    """A log line in either format as a dict of texts; None for what is no log line."""
    if line.startswith("{"):
        return {key: value if isinstance(value, str) else json.dumps(value) for key, value in json.loads(line).items()}
    if not line.startswith("ts="):
        return None
    return {key: json.loads(value) if value.startswith('"') else value for key, value in PAIR.findall(line)}


def slot_time(text):
    """An instant of a report or a log line as Unix seconds."""
    return int(time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone)


def slot_text(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


# -- processes --------------------------------------------------------------------------------------------


def read_proc(pid, name):
    try:
        return pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def title(pid):
    """What ps shows: `bmad: worker 1 [zone1-hourly]`."""
    return read_proc(pid, "cmdline").rstrip(b"\0 ").decode(errors="replace")


def children_of(pid):
    return [int(child) for child in read_proc(pid, f"task/{pid}/children").split()]


def is_alive(pid):
    """Running: a zombie is not."""
    fields = read_proc(pid, "stat").rpartition(b")")[2].split()
    return bool(fields) and fields[0] not in (b"Z", b"X")


def status_number(pid, name):
    """A number of /proc/PID/status: VmRSS in KiB, voluntary_ctxt_switches."""
    found = re.search(rf"^{name}:\s+(\d+)".encode(), read_proc(pid, "status"), re.MULTILINE)
    return int(found.group(1)) if found else 0


def cpu_seconds(pid):
    """What the process has computed since it began."""
    fields = read_proc(pid, "stat").rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Bmad:
    """One configuration in FOLDER, and the daemon on it."""

    def __init__(self, folder, jobs=None, channels=None, daemon=None, **sections):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config = self.folder / "bmad.yaml"
        self.store = self.folder / "bmad.db"
        self.log_path = self.folder / "daemon.log"
        self.log_path.touch()
        self.process = None
        self.known = set()  # pids that this daemon was seen to have
        self.lines = []
        self.rest = ""
        self.offset = 0
        self.configure(jobs or {}, channels or {}, daemon or {}, **sections)

    def configure(self, jobs, channels, daemon, **sections):
        """Writes the configuration; JSON is YAML."""
        settings = {
            "store": f"sqlite:{self.store}",
            "workers": 2,
            "timezone": "UTC",
            "log": {"target": "stderr"},
            "control": str(self.folder / "control.sock"),
            **daemon,
        }
        document = {"daemon": settings, "channels": channels, "jobs": jobs, **sections}
        self.config.write_text(json.dumps(document, indent=1, ensure_ascii=False), encoding="utf-8")
        self.config.chmod(0o600)  # it holds what may be a secret

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.children()
            self.end_counted()
            self.process.kill()
            self.process.wait()
        for pid in self.known:
            with contextlib.suppress(ProcessLookupError):
                if is_alive(pid) and title(pid).startswith("bmad"):
                    os.kill(pid, signal.SIGKILL)

    def end_counted(self):
        if COUNTED:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(DEADLINE / 2)

    # -- the daemon

    def environment(self, extra=None):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BMAD_", "NOTIFY_"))}
        options = f"{SANITIZER_OPTIONS}:{kept.get('ASAN_OPTIONS', '')}"
        leaks = f"suppressions={ROOT / 'tests/leaks.suppressions'}:print_suppressions=0"
        return {**kept, "ASAN_OPTIONS": options, "LSAN_OPTIONS": leaks, "BMAD_TEMPLATES": str(ROOT / "templates"), **(extra or {})}

    def spawn(self, env=None, mounts=None):
        """Starts the daemon and does not wait for it; with MOUNTS (shell) in a view of the file system of its own."""
        daemon = [BINARY, "-c", str(self.config)]
        if mounts:
            daemon = ["unshare", "-rm", "sh", "-ec", f'{mounts}\nexec "$@"', "sh", *daemon]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(daemon, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=self.folder, env=self.environment(env))
        return self.process

    def start(self, env=None, timeout=DEADLINE, mounts=None):
        """Starts the daemon and waits until it is ready."""
        seen = len(self.events("daemon_started"))
        self.spawn(env, mounts)
        self.wait_until(lambda: len(self.events("daemon_started")) > seen, timeout, "daemon_started")
        return self

    def wait_until(self, condition, timeout=DEADLINE, what="the condition"):
        """As wait_for(); shows the log's end when it fails, and does not wait for a daemon that ended."""

        def ask():
            answer = condition()
            assert answer or self.process is None or self.process.poll() is None, \
                f"the daemon ended with {self.process.returncode} while waiting for {what}"
            return answer

        try:
            return wait_for(ask, timeout, what)
        except AssertionError as e:
            raise AssertionError(f"{e}\n{self.tail()}") from None

    @property
    def pid(self):
        return self.process.pid

    def terminate(self, timeout=DEADLINE):
        """SIGTERM, and the exit status."""
        self.process.terminate()
        return self.process.wait(timeout)

    def children(self):
        """Title without `bmad: ` to pid; a busy worker's title has its job: `worker 1 [job]`."""
        pids = children_of(self.process.pid)
        self.known.update(pids)
        return {title(pid).removeprefix("bmad: "): pid for pid in pids if is_alive(pid)}

    def child(self, name):
        """The pid of the child whose title begins with NAME; 0: there is none now."""
        return next((pid for its, pid in self.children().items() if its.startswith(name)), 0)

    def kill(self, name, signal_number=signal.SIGKILL):
        """Kills the child NAME, or `main` with its children; waits until it is gone. False: it was not there."""
        if name == "main":
            self.kill_main()
            return True
        pid = self.child(name)
        if not pid:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal_number)
        wait_for(lambda: not is_alive(pid), what=f"the end of {name}")
        return True

    def kill_main(self):
        """Children end with their parent: nobody else ends them."""
        pids = list(self.children().values())
        self.process.kill()
        self.process.wait()
        wait_for(lambda: not any(is_alive(pid) for pid in pids), what="the children's end after main's")

    # -- the log

    def read_log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            log.seek(self.offset)
            text = log.read()
            self.offset = log.tell()
        *whole, self.rest = (self.rest + text).split("\n")
        for line in whole:
            entry = parse_line(line)
            if entry:
                self.lines.append(entry)
        return self.lines

    def events(self, event=None, **fields):
        """Log lines with this event and these fields, from the first start on."""
        wanted = {**({"event": event} if event else {}), **{k: str(v) for k, v in fields.items()}}
        return [line for line in self.read_log() if all(line.get(k) == v for k, v in wanted.items())]

    def wait_event(self, event, count=1, timeout=DEADLINE, **fields):
        """The COUNT-th such line."""
        return self.wait_until(lambda: self.events(event, **fields)[count - 1:], timeout, f"{event} {fields}")[0]

    def tail(self, lines=25):
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    # -- commands

    def command(self, *args, env=None, timeout=60, **options):
        """Runs a command on this configuration."""
        return subprocess.run([BINARY, "-c", str(self.config), *map(str, args)], capture_output=True, text=True,
                              cwd=self.folder, env=self.environment(env), timeout=timeout, check=False, **options)

    def json(self, *args, status=0, **options):
        """What a command prints with --json."""
        done = self.command(*args, "--json", **options)
        assert done.returncode == status, f"{args} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return json.loads(done.stdout)

    def once(self, job, *args, status=0, **options):
        """`--once JOB ... --json`."""
        return self.json("--once", job, *args, status=status, **options)

    def runs(self, *args):
        return self.json("runs", *args)

    def outbox(self, *args):
        return self.json("outbox", "list", *args)

    def sql(self, query, *args):
        """Rows of the store as dicts, read beside the daemon."""
        with contextlib.closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=20)) as store:
            store.row_factory = sqlite3.Row
            return [dict(row) for row in store.execute(query, args)]
