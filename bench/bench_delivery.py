# SPDX-License-Identifier: MIT
"""Row 9: messages of 2 KiB from the durable outbox to a receiver, their outcomes recorded durably.

What libcurl alone needs for such a POST is bench_wire's floor.
"""
import pathlib
import tempfile

from measure import (ROUNDS, Receiver, count, cpu_seconds, make_daemon, row, spread, start_quietly,
                     wait_for)

MESSAGES = 10000


def configuration(url, lanes, enabled):
    channels = {f"out{i}": {"type": "webhook", "url": url, "in_flight": 16 // lanes, "rate": "100000/s",
                            "enabled": enabled} for i in range(lanes)}
    jobs = {f"fill{i}": {"module": "probe", "channels": [f"out{i}"], "schedule": "0 0 1 1 *",
                         "options": {"messages": MESSAGES // lanes}} for i in range(lanes)}
    return jobs, channels


def make_templates(folder):
    (folder / "probe").mkdir(parents=True)
    (folder / "probe" / "report.webhook.json.mustache").write_text('{"key": "{{key}}", "text": "%s"}' % ("x" * 1980))
    return {"BMAD_TEMPLATES": str(folder)}


def fill(bmad, lanes, env):
    """The outbox, while nothing is sent."""
    start_quietly(bmad, env=env)
    for i in range(lanes):
        assert bmad.command("run", f"fill{i}", "--wait").returncode == 0
    assert bmad.terminate() == 0
    assert count(bmad, "messages WHERE state = 'queued'") == MESSAGES


def deliver(folder, url, lanes):
    """CPU seconds of sender and store a message, and messages a second."""
    env = make_templates(folder / "templates")
    jobs, channels = configuration(url, lanes, enabled=False)
    with make_daemon(folder / "bmad", jobs, channels) as bmad:
        fill(bmad, lanes, env)
        settings = {"workers": 4, "log": {"target": "stderr", "level": "warning"}}
        bmad.configure(*configuration(url, lanes, enabled=True), settings)
        bmad.spawn(env)
        wait_for(lambda: count(bmad, "messages WHERE state = 'delivered'") == MESSAGES, 60, "the messages", 0.1)
        first, last = (bmad.sql(f"SELECT {f}(ended_ms) AS at FROM messages")[0]["at"] for f in ("min", "max"))
        sender, store = (cpu_seconds(bmad.child(name)) / MESSAGES for name in ("sender", "store"))
        return sender, store, MESSAGES / max(last - first, 1) * 1000


def main():
    with Receiver() as receiver:
        for lanes in (1, 16):
            rounds = []
            for _ in range(ROUNDS):
                with tempfile.TemporaryDirectory() as folder:
                    rounds.append(deliver(pathlib.Path(folder), receiver.url, lanes))
            sender, store, rate = zip(*rounds)
            row(f"9  deliver {MESSAGES} of 2 KiB, {lanes} lanes with {16 // lanes} in flight",
                f"sender {spread([s * 1e6 for s in sender], 'us', 0)}, store {spread([s * 1e6 for s in store], 'us', 0)} CPU,"
                f" {spread(rate, 'a second', 0)}", "target 25 us CPU in the sender")


if __name__ == "__main__":
    main()
