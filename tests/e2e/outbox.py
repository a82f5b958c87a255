# SPDX-License-Identifier: MIT
"""A store and a sender without the rest of bmad: tests/drivers/outbox_driver.c, from Python."""

import json
import os
import subprocess
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("BMAD_BUILD", "build"))
DRIVER = os.environ.get("BMAD_OUTBOX_DRIVER", os.path.join(BUILD, "tests", "drivers", "outbox_driver"))


class Outbox:
    """Messages go in with put(), states come out with list(); the log is in `log`."""

    def __init__(self, folder, channels):
        path = os.path.join(folder, "bmad.json")
        with open(path, "w", encoding="utf-8") as file:
            # JSON is YAML.
            json.dump({"daemon": {"store": f"sqlite:{folder}/bmad.db"}, "channels": channels}, file)
        os.chmod(path, 0o600)
        self.log = ""
        self.process = subprocess.Popen([DRIVER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, errors="surrogateescape")
        self.reader = threading.Thread(target=self.read_log, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(20)
        self.reader.join(5)
        self.process.stdout.close()
        self.process.stderr.close()
        for trouble in ("Sanitizer", "runtime error:"):
            assert trouble not in self.log, self.log[-8000:]

    def read_log(self):
        for line in self.process.stderr:
            self.log += line

    def events(self, name):
        return [line for line in self.log.splitlines() if f" event={name} " in line + " "]

    def command(self, **command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the driver ended: " + self.log[-4000:]
        return json.loads(line)

    def put(self, channel, count=1, **more):
        return self.command(put=channel, count=count, **more)

    def list(self):
        """The messages, oldest first."""
        return sorted(self.command(list=True), key=lambda row: row["id"])

    def states(self):
        return {row["id"]: row["state"] for row in self.list()}

    def wait(self, condition, timeout=8.0):
        """Polls until CONDITION(rows) holds; the rows."""
        end = time.monotonic() + timeout
        while True:
            rows = self.list()
            if condition(rows):
                return rows
            if time.monotonic() > end:
                raise AssertionError(f"after {timeout} s: {rows}\n{self.log[-4000:]}")
            time.sleep(0.02)

    def wait_all(self, state, timeout=8.0):
        return self.wait(lambda rows: rows and all(row["state"] == state for row in rows), timeout)

    def wait_attempt(self, timeout=8.0):
        """The only message, after its first attempt was recorded."""
        return self.wait(lambda rows: rows and rows[0]["attempts"] and rows[0]["state"] != "sending", timeout)[0]
