# SPDX-License-Identifier: MIT
"""The configuration of a running daemon: judged whole before the start, and before anything of it changes."""
import os
import pathlib
import signal
import socket
import subprocess
import time

import pytest

from harness import BINARY, slot_text, status_number
from receiver import Status

HOOK = {"type": "webhook", "body": "data"}
SECOND = "* * * * * *"


def noop(**keys):
    return {"module": "noop", **keys}


# -- the start ---------------------------------------------------------------------------------------------------


def refused_start(bmad, env=None):
    """What a daemon says that does not start, and that it was not ready before."""
    bmad.spawn(env)
    assert bmad.process.wait(20) == 2
    assert bmad.events("daemon_started") == []
    return bmad.tail()


def test_a_daemon_whose_references_do_not_resolve_does_not_start_and_says_which(make_bmad):
    bmad = make_bmad(jobs={"beat": noop(schedule=SECOND)},
                     channels={"chat": {**HOOK, "url": "${CHAT_URL}"}, "mail": {**HOOK, "url": "${file:mail.url}"}})
    text = refused_start(bmad)

    assert "channel 'chat': ${CHAT_URL} does not resolve" in text
    assert "channel 'mail': ${file:mail.url} does not resolve" in text
    assert f"{bmad.config}:" in text
    assert not bmad.store.exists()


def test_what_a_reference_stands_for_is_judged_before_the_start_and_not_shown(make_bmad):
    bmad = make_bmad(channels={"chat": {**HOOK, "url": "${CHAT_URL}"}})
    text = refused_start(bmad, env={"CHAT_URL": "http://receiver.example/hush-token"})

    assert "channel 'chat'" in text
    assert "hush-token" not in text


def test_a_broken_template_keeps_the_daemon_from_starting(make_bmad):
    bmad = make_bmad(jobs={"beat": {"module": "heartbeat", "channels": ["console"]}})
    template = bmad.folder / "templates" / "heartbeat" / "report.txt.mustache"
    template.parent.mkdir(parents=True)
    template.write_text("{{#a}} {{/b}}\n")

    assert f"{template}:1:" in refused_start(bmad)


# -- what a reload changes, and what not ---------------------------------------------------------------------------


def reload(bmad, status=0):
    done = bmad.command("reload")
    assert done.returncode == status, done.stdout + done.stderr + bmad.tail()
    return done


def test_reload_loads_a_new_configuration_and_says_so(make_bmad):
    bmad = make_bmad(jobs={"old": noop(schedule="0 0 1 1 *"), "kept": noop(schedule="0 0 1 1 *")}).start()
    bmad.configure({"kept": noop(schedule="0 0 2 1 *"), "new": noop(schedule=SECOND)}, {}, {})
    done = reload(bmad)

    assert done.stdout == "reloaded: 2 jobs\n"
    line = bmad.wait_event("config_loaded")
    assert (line["jobs"], line["added"], line["removed"], line["rescheduled"]) == ("2", "1", "1", "1")
    bmad.wait_event("run_succeeded", job="new")
    assert bmad.json("status")["jobs"] == 2
    assert bmad.terminate() == 0


def test_sighup_reloads_too(make_bmad):
    bmad = make_bmad(jobs={}).start()
    bmad.configure({"new": noop(schedule=SECOND)}, {}, {})
    bmad.process.send_signal(signal.SIGHUP)

    bmad.wait_event("config_loaded")
    bmad.wait_event("run_succeeded", job="new")


def test_a_rejected_configuration_changes_nothing_and_all_that_is_wrong_is_told(make_bmad):
    bmad = make_bmad(jobs={"beat": noop(schedule=SECOND)}).start()
    before = bmad.children()
    loaded = bmad.json("status")["loaded"]
    bmad.configure({"beat": noop(schedule="0 0 1 1 *", abot="x"), "other": {"module": "nothing"}},
                   {"chat": {**HOOK, "url": "${CHAT_URL}"}}, {"workers": 5})
    done = reload(bmad, status=2)

    checked = bmad.command("check")
    told = [line for line in done.stderr.splitlines() if not line.startswith("bmad: ")]
    assert told == checked.stderr.splitlines()
    for part in ("'abot'", "'nothing'", "${CHAT_URL}"):
        assert part in done.stderr
        assert any(part in line["error"] for line in bmad.events("config_rejected"))
    assert bmad.events("config_loaded") == []
    bmad.wait_event("run_succeeded", count=len(bmad.events("run_succeeded")) + 2, job="beat")
    status = bmad.json("status")
    assert (status["jobs"], len(status["workers"]), status["loaded"]) == (1, 2, loaded)
    assert set(before.values()) <= set(bmad.children().values())


def test_a_file_that_is_no_yaml_is_rejected(make_bmad):
    bmad = make_bmad(jobs={"beat": noop(schedule=SECOND)}).start()
    bmad.config.write_text("jobs: {beat: [")  # and where the daemon listens cannot be read there

    done = bmad.command("reload")
    assert done.returncode == 2
    assert f"{bmad.config}:2:1: error: YAML" in done.stderr and "the configuration has errors" in done.stderr
    bmad.process.send_signal(signal.SIGHUP)
    assert f"{bmad.config}:2:1: YAML" in bmad.wait_event("config_rejected")["error"]
    bmad.wait_event("run_succeeded", job="beat")


@pytest.mark.parametrize("text", ["- a", "hello", "[", "daemon: []", "\tx"])
def test_where_a_file_tells_of_no_daemon_the_file_is_what_is_wrong(make_bmad, text):
    bmad = make_bmad()
    bmad.config.write_text(text)
    done = bmad.command("status", env={"HOME": str(bmad.folder)})
    assert done.returncode == 2
    assert f"{bmad.config}:" in done.stderr and "the configuration has errors" in done.stderr


def test_the_daemon_itself_rejects_a_file_that_is_no_yaml_further_down(make_bmad):
    bmad = make_bmad(jobs={"beat": noop(schedule=SECOND)}).start()
    bmad.config.write_text(f"daemon: {{control: {bmad.folder}/control.sock}}\njobs:\n  beat: [")

    done = reload(bmad, status=2)
    assert done.stderr.startswith(f"{bmad.config}:4:1: error: YAML")
    assert "not reloaded" in done.stderr
    assert [line["error"].split(": ")[0] for line in bmad.events("config_rejected")] == [f"{bmad.config}:4:1"]
    assert bmad.json("status")["jobs"] == 1
    assert bmad.command("stop").returncode == 0


@pytest.mark.parametrize("settings, key", [
    ({"store": "sqlite:other.db"}, "daemon.store"),
    ({"log": {"target": "syslog"}}, "daemon.log.target"),
    ({"log": {"target": "stderr", "facility": "local3"}}, "daemon.log.facility"),
    ({"control": "other.sock"}, "daemon.control"),
])
def test_what_cannot_change_while_running_is_refused_by_name(make_bmad, settings, key):
    bmad = make_bmad(jobs={"beat": noop()}).start()
    bmad.configure({"beat": noop(), "new": noop(schedule=SECOND)}, {}, settings)
    bmad.process.send_signal(signal.SIGHUP)
    line = bmad.wait_event("config_rejected")

    assert f"'{key}'" in line["error"]
    assert "restart the daemon" in line["error"]
    assert bmad.events("config_loaded") == []


def test_many_problems_are_all_answered_and_the_log_has_the_first_ones(make_bmad):
    bmad = make_bmad(jobs={"beat": noop()}).start()
    bmad.configure({f"job{i}": {"module": "noop", f"wrong{i}": 1} for i in range(100)}, {}, {})
    done = reload(bmad, status=2)

    assert len([line for line in done.stderr.splitlines() if "unknown key" in line]) == 100
    lines = bmad.events("config_rejected")
    assert len(lines) == 21
    assert "and 80 more problems" in lines[-1]["error"]


def test_level_and_format_of_the_log_change_at_once(make_bmad):
    bmad = make_bmad(jobs={"beat": noop(schedule=SECOND)}).start()
    bmad.configure({"beat": noop(schedule=SECOND)}, {}, {"log": {"target": "stderr", "level": "debug", "format": "json"}})
    reload(bmad)

    bmad.wait_until(lambda: any(line.startswith("{") for line in bmad.tail(3).splitlines()), what="a line of JSON")
    bmad.configure({"beat": noop(schedule=SECOND)}, {}, {"log": {"target": "stderr", "level": "error"}})
    reload(bmad)
    seen = len(bmad.events("run_succeeded"))
    ended = len(bmad.runs())
    bmad.wait_until(lambda: len(bmad.runs()) > ended + 1, what="two more runs")
    assert len(bmad.events("run_succeeded")) <= seen + 1


# -- slots and runs ------------------------------------------------------------------------------------------------


def test_jobs_whose_schedule_is_the_same_keep_their_phase_and_others_begin_now(make_bmad):
    jobs = {"beat": noop(schedule="*/2 * * * * *", misfire="all"), "old": noop(schedule="0 0 1 1 *")}
    bmad = make_bmad(jobs=jobs).start()
    bmad.wait_event("run_succeeded", job="beat")
    for round_number in range(6):
        jobs["beat"]["about"] = f"round {round_number}"
        bmad.configure(jobs, {}, {})
        reload(bmad)
        time.sleep(0.3)
    jobs["old"] = noop(schedule=SECOND, misfire="all")
    bmad.configure(jobs, {}, {})
    reload(bmad)
    changed = time.time()
    bmad.wait_event("run_succeeded", job="old")
    assert bmad.terminate() == 0

    beats = [row["due"] for row in bmad.sql("SELECT due FROM slots WHERE job = 'beat' ORDER BY due")]
    assert beats == list(range(beats[0], beats[0] + 2 * len(beats), 2))
    assert bmad.sql("SELECT DISTINCT state FROM slots") == [{"state": "ok"}]
    assert bmad.sql("SELECT min(due) AS first FROM slots WHERE job = 'old'")[0]["first"] >= changed - 2
    assert bmad.events("slot_missed") == []


def test_a_running_run_ends_with_what_it_started_with(make_bmad, receiver):
    def jobs(sleep):
        return {"slow": {"module": "probe", "channels": ["chat"], "options": {"sleep": sleep, "messages": 1}}}

    chat = {**HOOK, "url": receiver.url("/hook")}
    bmad = make_bmad(jobs=jobs("2s"), channels={"chat": chat}).start()
    bmad.command("run", "slow")
    worker = bmad.wait_until(lambda: bmad.child("worker 1 [slow]") or bmad.child("worker 2 [slow]"), what="a busy worker")
    bmad.configure(jobs("0s"), {"chat": chat}, {})
    reload(bmad)
    assert worker in bmad.children().values()
    end = bmad.wait_event("run_succeeded", job="slow")
    assert int(end["ms"]) >= 2000
    bmad.wait_until(lambda: worker not in bmad.children().values(), what="the busy worker's replacement")
    bmad.command("run", "slow", "--wait")
    assert int(bmad.events("run_succeeded", job="slow")[-1]["ms"]) < 2000
    receiver.wait(2)


def test_a_removed_job_ends_its_run_and_what_waits_of_it_is_missed(make_bmad):
    slow = {"module": "probe", "channels": ["console"], "options": {"sleep": "3s", "messages": 0}}
    bmad = make_bmad(jobs={"slow": {**slow, "schedule": SECOND, "overlap": "queue"}, "other": noop()}).start()
    bmad.wait_event("run_started", job="slow")
    bmad.wait_until(lambda: bmad.sql("SELECT 1 FROM slots WHERE job = 'slow' AND run = 0 AND state = 'claimed'"),
                    what="a slot that waits")
    bmad.configure({"other": noop()}, {}, {})
    reload(bmad)
    missed = bmad.wait_event("slot_missed", job="slow")
    bmad.wait_event("run_succeeded", job="slow")
    assert bmad.terminate() == 0

    assert missed["reason"] == "missed: the job is not configured any more"
    states = bmad.sql("SELECT state, count(*) AS n FROM slots WHERE job = 'slow' GROUP BY state")
    assert {row["state"] for row in states} <= {"ok", "missed", "skipped"}
    assert bmad.sql("SELECT 1 FROM slots WHERE state = 'claimed'") == []


def test_a_run_of_a_removed_job_that_has_not_begun_does_not_begin(make_bmad):
    slow = {"module": "probe", "channels": ["console"], "options": {"sleep": "2s", "messages": 0}}
    bmad = make_bmad(jobs={"slow": slow, "gone": noop()}, daemon={"workers": 1}).start()
    bmad.command("run", "slow")
    bmad.command("run", "gone")
    bmad.configure({"slow": slow}, {}, {"workers": 1})
    reload(bmad)

    assert "not configured any more" in bmad.wait_event("run_failed", job="gone")["error"]
    bmad.wait_event("run_succeeded", job="slow")
    assert [row["state"] for row in bmad.runs("gone")] == ["failed"]


def test_a_job_that_comes_back_begins_anew(make_bmad):
    beat = {"beat": noop(schedule=SECOND, misfire="all")}
    bmad = make_bmad(jobs=beat).start()
    bmad.wait_event("run_succeeded", job="beat")
    bmad.configure({}, {}, {})
    reload(bmad)
    gone = time.time()
    time.sleep(3)
    bmad.configure(beat, {}, {})
    back = time.time()
    reload(bmad)
    seen = len(bmad.events("run_succeeded"))
    bmad.wait_event("run_succeeded", count=seen + 1)
    assert bmad.terminate() == 0
    assert bmad.sql("SELECT 1 FROM slots WHERE due > ? AND due < ?", int(gone) + 1, int(back)) == []


def test_a_retry_that_waits_is_made_as_the_new_configuration_has_the_job(make_bmad):
    shaky = {"schedule": SECOND, "retry": {"attempts": 2, "initial": "3s"}, "overlap": "queue"}
    bmad = make_bmad(jobs={"shaky": {"module": "fault", "options": {"how": "error"}, **shaky}}).start()
    failed = bmad.wait_event("run_failed", job="shaky")
    bmad.configure({"shaky": {"module": "noop", **shaky}}, {}, {})
    reload(bmad)
    again = bmad.wait_event("run_succeeded", job="shaky", slot=failed["slot"])
    assert bmad.events("run_started", run=again["run"])[0]["attempt"] == "2"


def test_a_retry_of_a_removed_job_is_missed(make_bmad):
    shaky = {"module": "fault", "options": {"how": "error"}, "schedule": SECOND,
             "retry": {"attempts": 2, "initial": "1m"}}
    bmad = make_bmad(jobs={"shaky": shaky}).start()
    failed = bmad.wait_event("run_failed", job="shaky")
    bmad.configure({}, {}, {})
    reload(bmad)
    bmad.wait_event("slot_missed", job="shaky", slot=failed["slot"])
    bmad.wait_until(lambda: not bmad.sql("SELECT 1 FROM slots WHERE state = 'claimed'"), what="no open slot")


def test_modules_name_their_slots_as_the_new_configuration_has_them(make_bmad):
    soon = int(time.time()) + 4
    bmad = make_bmad(jobs={"named": {"module": "named", "options": {"file": "one"}}})
    (bmad.folder / "one").write_text(f"{slot_text(soon + 3600)} late\n")
    (bmad.folder / "two").write_text(f"{slot_text(soon)} early\n")
    bmad.start()
    bmad.wait_until(lambda: bmad.json("status")["next"], what="a slot that is known")
    bmad.configure({"named": {"module": "named", "options": {"file": "two"}}}, {}, {})
    reload(bmad)
    assert bmad.wait_event("run_started", job="named")["slot"] == slot_text(soon)
    assert bmad.sql("SELECT key FROM slots") == [{"key": "early"}]


def test_a_paused_job_stays_paused(make_bmad):
    beat = noop(schedule=SECOND)
    bmad = make_bmad(jobs={"beat": beat}).start()
    bmad.wait_event("run_succeeded", job="beat")
    assert bmad.command("pause", "beat").returncode == 0
    ended = bmad.wait_until(lambda: bmad.events("slot_skipped", job="beat") and len(bmad.events("run_succeeded")),
                            what="a skipped slot")
    bmad.configure({"beat": {**beat, "about": "else"}, "first": noop()}, {}, {})
    reload(bmad)
    skipped = len(bmad.events("slot_skipped"))
    bmad.wait_event("slot_skipped", count=skipped + 2, job="beat")
    assert len(bmad.events("run_succeeded")) == ended
    assert [row["job"] for row in bmad.json("status")["paused"]] == ["beat"]
    bmad.command("resume", "beat")
    bmad.wait_event("run_succeeded", count=ended + 1, job="beat")


def test_starts_do_not_come_again_with_a_reload(make_bmad):
    jobs = {"start": noop(run_at_start=True), "boot": noop(schedule="@reboot")}
    bmad = make_bmad(jobs=jobs).start()
    bmad.wait_event("run_succeeded", job="start")
    bmad.wait_event("run_succeeded", job="boot")
    for _ in range(3):
        reload(bmad)
    bmad.configure({**jobs, "late": noop(run_at_start=True)}, {}, {})
    reload(bmad)
    time.sleep(1)
    assert len(bmad.events("run_started")) == 2


def test_the_number_of_workers_follows(make_bmad):
    slow = {"module": "probe", "channels": ["console"], "options": {"sleep": "2s", "messages": 0}, "overlap": "allow"}

    def workers():
        return sum(name.startswith("worker") for name in bmad.children())

    bmad = make_bmad(jobs={"slow": {**slow, "schedule": SECOND}}, daemon={"workers": 2}).start()
    bmad.wait_until(lambda: bmad.events("run_started")[1:], what="two runs")
    for count in (5, 1, 3):
        bmad.configure({"slow": {**slow, "schedule": SECOND}}, {}, {"workers": count})
        reload(bmad)
        bmad.wait_until(lambda: workers() == count, what=f"{count} workers")
        assert len(bmad.json("status")["workers"]) == count
    assert bmad.terminate() == 0
    assert {line["level"] for line in bmad.events("worker_replaced")} <= {"info"}
    assert bmad.events("run_failed") + bmad.events("run_interrupted") == []


# -- messages ------------------------------------------------------------------------------------------------------


def probes(channels, sleep="0s", **keys):
    return {"module": "probe", "channels": channels, "options": {"sleep": sleep, "messages": 1}, **keys}


def test_secrets_are_read_again(make_bmad, receiver):
    bmad = make_bmad(jobs={"first": probes(["chat"]), "second": probes(["chat"])},
                     channels={"chat": {**HOOK, "url": "${file:chat.url}"}})
    (bmad.folder / "chat.url").write_text(receiver.url("/old"))
    bmad.start()
    bmad.command("run", "first", "--wait")
    receiver.wait(1)
    (bmad.folder / "chat.url").write_text(receiver.url("/new"))
    reload(bmad)
    bmad.command("run", "second", "--wait")
    receiver.wait(2)
    assert [request.path for request in receiver.requests] == ["/old", "/new"]


def test_what_is_on_the_wire_ends_there_and_queued_messages_go_to_the_new_address(make_bmad, receiver):
    receiver.script("/old", Status(202, delay=1.5), Status(202))
    jobs = {"first": probes(["chat"]), "second": probes(["chat"])}
    bmad = make_bmad(jobs=jobs, channels={"chat": {**HOOK, "url": receiver.url("/old")}}).start()
    bmad.command("run", "first", "--wait")
    bmad.wait_until(lambda: any(row["state"] == "sending" for row in bmad.outbox()), what="one on the wire")
    sender = bmad.child("sender")
    bmad.configure(jobs, {"chat": {**HOOK, "url": receiver.url("/new")}}, {})
    reload(bmad)
    bmad.command("run", "second", "--wait")
    receiver.wait(2)
    bmad.wait_event("message_delivered", count=2)

    assert [request.path for request in receiver.requests] == ["/old", "/new"]
    assert bmad.child("sender") != sender
    assert bmad.events("message_ambiguous") == []


def test_a_destination_that_asked_for_quiet_is_left_alone_by_the_next_sender(make_bmad, receiver):
    receiver.script("/hook", Status(429, {"Retry-After": "3"}), Status(202))
    jobs, channels = {"probe": probes(["chat"])}, {"chat": {**HOOK, "url": receiver.url("/hook")}}
    bmad = make_bmad(jobs=jobs, channels=channels).start()
    bmad.command("run", "probe", "--wait")
    bmad.wait_event("channel_paused")
    for _ in range(3):
        reload(bmad)
    bmad.wait_event("message_delivered")
    first, second = receiver.requests
    assert second.time - first.time >= 2.9


def test_messages_of_a_removed_channel_are_dead_with_that_reason(make_bmad, receiver):
    receiver.script("/hook", Status(503))
    gone = {**HOOK, "url": receiver.url("/hook"), "retry": {"initial": "1m", "max": "1m"}}
    bmad = make_bmad(jobs={"probe": probes(["gone"])}, channels={"gone": gone}).start()
    bmad.command("run", "probe", "--wait")
    bmad.wait_event("message_retry")
    bmad.configure({"probe": probes(["console"])}, {}, {})
    reload(bmad)
    line = bmad.wait_event("message_rejected", channel="gone")

    assert line["state"] == "dead"
    [row] = bmad.outbox("--channel", "gone")
    assert (row["state"], row["reason"]) == ("dead", "removed: the channel is not configured any more")


def test_what_an_old_run_sends_to_a_removed_channel_is_dead_at_once(make_bmad, receiver):
    channel = {**HOOK, "url": receiver.url("/hook")}
    bmad = make_bmad(jobs={"slow": probes(["gone"], sleep="2s")}, channels={"gone": channel}).start()
    bmad.command("run", "slow")
    bmad.wait_event("run_started")
    bmad.configure({"slow": probes(["console"])}, {}, {})
    reload(bmad)
    bmad.wait_event("run_succeeded", job="slow")
    bmad.wait_event("message_rejected", channel="gone")
    assert receiver.requests == []


def test_at_the_start_messages_of_channels_that_are_no_more_are_dead(make_bmad, receiver):
    receiver.script("/hook", Status(503))
    gone = {**HOOK, "url": receiver.url("/hook"), "retry": {"initial": "1m", "max": "1m"}}
    bmad = make_bmad(jobs={"probe": probes(["gone"])}, channels={"gone": gone}).start()
    bmad.command("run", "probe", "--wait")
    bmad.wait_event("message_retry")
    assert bmad.terminate() == 0
    bmad.configure({}, {}, {})
    bmad.start()
    bmad.wait_event("message_rejected", channel="gone")


def test_a_run_by_hand_beside_the_daemon_is_judged_by_the_reloaded_channels(make_bmad, receiver):
    jobs = {"probe": probes(["chat"])}
    bmad = make_bmad(jobs=jobs, channels={"chat": {**HOOK, "url": receiver.url("/old")}}).start()
    bmad.configure(jobs, {"chat": {**HOOK, "url": receiver.url("/new")}}, {})
    assert "reload the daemon" in bmad.once("probe", status=1)["error"]["message"]
    reload(bmad)
    assert bmad.once("probe")["result"] == "ok"
    assert [request.path for request in receiver.requests] == ["/new"]


# -- requests that meet, and faults --------------------------------------------------------------------------------


def test_requests_that_come_together_are_one_more_reload(make_bmad):
    bmad = make_bmad(jobs={"beat": noop()}).start()
    asked = [subprocess.Popen([BINARY, "-c", str(bmad.config), "reload"], cwd=bmad.folder, env=bmad.environment(),
                              stdout=subprocess.DEVNULL) for _ in range(12)]
    assert [command.wait(30) for command in asked] == [0] * 12
    assert 1 <= len(bmad.events("config_loaded")) <= 12
    bmad.configure({"beat": noop(), "new": noop()}, {}, {})
    for _ in range(20):
        bmad.process.send_signal(signal.SIGHUP)
    bmad.wait_event("config_loaded", jobs=2)


def test_what_is_asked_while_the_daemon_stops_is_refused(make_bmad):
    slow = {"module": "probe", "channels": ["console"], "options": {"sleep": "2s", "messages": 0}}
    bmad = make_bmad(jobs={"slow": slow}).start()
    bmad.command("run", "slow")
    bmad.wait_event("run_started")
    bmad.process.terminate()
    bmad.process.send_signal(signal.SIGHUP)
    done = bmad.command("reload")
    assert done.returncode == 3
    assert "the daemon stops" in done.stderr
    assert bmad.process.wait(20) == 0
    assert bmad.events("config_loaded") + bmad.events("config_rejected") == []


def test_a_pipe_in_the_place_of_the_configuration_is_refused_and_holds_nobody(make_bmad):
    bmad = make_bmad(jobs={"beat": noop(schedule=SECOND)}).start()
    os.remove(bmad.config)
    os.mkfifo(bmad.config)
    bmad.process.send_signal(signal.SIGHUP)
    assert bmad.wait_event("config_rejected")["error"] == f"{bmad.config}: it is not a regular file"
    done = bmad.command("check")
    assert (done.returncode, done.stderr) == (2, f"{bmad.config}: error: it is not a regular file\n")


def hang_checker(bmad):
    """Whoever opens that template waits for ever."""
    template = bmad.folder / "templates" / "noop" / "report.txt.mustache"
    template.parent.mkdir(parents=True)
    os.mkfifo(template)
    bmad.process.send_signal(signal.SIGHUP)


def test_a_checker_that_dies_is_told_and_changes_nothing(make_bmad):
    bmad = make_bmad(jobs={"beat": noop(schedule=SECOND)}).start()
    hang_checker(bmad)
    checker = bmad.wait_until(lambda: bmad.child("checker"), what="the checker")
    os.kill(checker, signal.SIGSEGV)
    assert "signal 11" in bmad.wait_event("config_rejected")["error"]
    seen = len(bmad.events("run_succeeded"))
    bmad.wait_event("run_succeeded", count=seen + 1)


def test_a_checker_that_hangs_is_ended_and_told_while_jobs_run(make_bmad):
    bmad = make_bmad(jobs={"beat": noop(schedule=SECOND)}).start()
    hang_checker(bmad)
    assert "within 30 s" in bmad.wait_event("config_rejected", timeout=45)["error"]
    bmad.wait_until(lambda: not bmad.child("checker"), what="the checker's end")
    assert len(bmad.events("run_succeeded")) >= 25


@pytest.mark.parametrize("victim", ["store", "sender", "worker", "checker"])
def test_a_process_that_is_killed_during_reloads_costs_nothing(make_bmad, receiver, victim):
    jobs = {"beat": probes(["chat"], schedule=SECOND, misfire="all")}
    channels = {"chat": {**HOOK, "url": receiver.url("/hook")}}
    bmad = make_bmad(jobs=jobs, channels=channels).start()
    bmad.wait_event("run_succeeded", job="beat")
    for i in range(12):
        bmad.configure({**jobs, f"job{i}": noop()}, channels, {"workers": 1 + i % 3})
        bmad.process.send_signal(signal.SIGHUP)
        bmad.kill(victim)
        time.sleep(0.1)
    bmad.configure({**jobs, "last": noop(schedule=SECOND)}, channels, {})
    bmad.process.send_signal(signal.SIGHUP)
    bmad.wait_event("run_succeeded", job="last")
    assert bmad.terminate() == 0

    dues = [row["due"] for row in bmad.sql("SELECT due FROM slots WHERE job = 'beat' ORDER BY due")]
    assert dues == list(range(dues[0], dues[0] + len(dues)))
    assert {row["state"] for row in bmad.sql("SELECT state FROM slots WHERE job = 'beat'")} <= {"ok", "skipped"}
    assert bmad.sql("SELECT 1 FROM runs WHERE state NOT IN ('ok', 'failed')") == []


def test_the_service_manager_is_told_of_reloads(make_bmad, tmp_path):
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(10)
        bmad = make_bmad(jobs={"job": noop()})
        bmad.start({"NOTIFY_SOCKET": path})
        assert manager.recv(4096) == b"READY=1"
        for broken in ("", "jobs: ["):
            if broken:
                bmad.config.write_text(broken)
            before = time.monotonic_ns() // 1000
            bmad.process.send_signal(signal.SIGHUP)
            lines = manager.recv(4096).decode().split("\n")
            assert lines[0] == "RELOADING=1"
            assert before - 2000 <= int(lines[1].removeprefix("MONOTONIC_USEC=")) <= time.monotonic_ns() // 1000
            assert manager.recv(4096) == b"READY=1"


def test_new_rules_of_a_time_zone_are_picked_up(make_bmad, tmp_path):
    zones = tmp_path / "zones"
    zones.mkdir()
    copy = zones / "Plant"
    copy.write_bytes(pathlib.Path("/usr/share/zoneinfo/America/New_York").read_bytes())
    bmad = make_bmad(jobs={"noon": noop(schedule="0 12 * * *", timezone="Plant")})
    env = {"TZDIR": str(zones)}
    bmad.start(env)
    before = bmad.json("status", env=env)["next"]
    copy.write_bytes(pathlib.Path("/usr/share/zoneinfo/Asia/Tokyo").read_bytes())
    assert bmad.command("reload", env=env).returncode == 0
    after = bmad.json("status", env=env)["next"]
    assert before["local"].endswith(("-05:00", "-04:00"))
    assert after["local"].endswith("T12:00:00+09:00")


# -- the soak --------------------------------------------------------------------------------------------------------


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_reloads_without_end_lose_no_slot_and_change_no_phase(make_bmad, receiver):
    """BMAD_RELOADS=10000 for the whole of it."""
    rounds = int(os.environ.get("BMAD_RELOADS", "200"))
    jobs = {
        "beat": noop(schedule=SECOND, misfire="all", overlap="queue"),
        "even": noop(schedule="*/2 * * * * *", misfire="all", overlap="queue"),
        "sent": probes(["chat"], schedule="*/3 * * * * *", misfire="all", overlap="queue"),
        "slow": probes(["chat"], sleep="700ms", schedule="@every 5s", misfire="all", overlap="queue"),
    }
    channels = {"chat": {**HOOK, "url": receiver.url("/hook"), "in_flight": 4}}
    bmad = make_bmad(jobs=jobs, channels=channels, daemon={"workers": 3}).start()
    bmad.wait_event("run_succeeded", job="slow")

    seen = loaded = 0

    def count_loaded():
        """Reads each line once: there will be many."""
        nonlocal seen, loaded
        lines = bmad.read_log()
        loaded += sum(line["event"] == "config_loaded" for line in lines[seen:])
        seen = len(lines)
        return loaded

    def reload_once(number):
        extra = {f"extra{number % 7}": noop(schedule="0 0 1 1 *", about=f"round {number}")}
        bmad.configure({**jobs, **extra}, channels, {"workers": 2 + number % 3})
        bmad.process.send_signal(signal.SIGHUP)
        bmad.wait_until(lambda: count_loaded() > number, what=f"reload {number}")

    for number in range(50):
        reload_once(number)
    memory, files = status_number(bmad.pid, "VmRSS"), open_files(bmad.pid)
    for number in range(50, rounds):
        reload_once(number)
    grown = status_number(bmad.pid, "VmRSS") - memory
    bmad.wait_until(lambda: open_files(bmad.pid) <= files + 2, what="closed files")
    until = int(time.time())
    bmad.wait_until(lambda: all(bmad.sql("SELECT 1 FROM slots WHERE job = ? AND due > ? AND state = 'ok'", job, until)
                                for job in jobs), 60, "every slot of the time of the reloads")
    assert bmad.terminate(60) == 0

    sanitized = b"__asan_init" in BINARY.read_bytes()  # it holds freed memory back
    assert grown < 1024 or sanitized, f"main grew by {grown} KiB in {rounds} reloads"
    for job, step in (("beat", 1), ("even", 2), ("sent", 3), ("slow", 5)):
        rows = bmad.sql("SELECT due, state FROM slots WHERE job = ? ORDER BY due", job)
        assert [row["due"] for row in rows] == list(range(rows[0]["due"], rows[-1]["due"] + 1, step)), job
        assert all(row["due"] % step == 0 for row in rows), job
        assert {row["state"] for row in rows if row["due"] <= until} == {"ok"}, job
        # The stop may find later ones waiting for a worker or a run: the next daemon has them.
        assert {row["state"] for row in rows} <= {"ok", "claimed"}, job
    assert bmad.events("slot_missed") + bmad.events("slot_skipped") == []
    assert all("bmad stopped" in line["error"] for line in bmad.events("run_interrupted"))
    sent = [row["id"] for row in bmad.sql("SELECT id FROM messages WHERE state = 'delivered'")]
    assert sorted(request.id for request in receiver.requests if request.status) == sorted(sent)
