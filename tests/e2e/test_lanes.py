# SPDX-License-Identifier: MIT
"""Lanes: what a destination gets, when, how often, and what shuts and opens it, counted at a real receiver."""
import os
import time

import pytest

from harness import wait_for
from outbox import Outbox
from receiver import Silence, Status

QUICK = {"initial": "50ms", "max": "100ms"}


def hook(receiver, path="/hook", **more):
    return {"type": "webhook", "url": receiver.url(path), "retry": QUICK, **more}


def probe(channels, **options):
    return {"module": "probe", "channels": channels, "options": options}


def run(bmad, job="job"):
    done = bmad.command("run", job, "--wait")
    assert done.returncode == 0, done.stdout + done.stderr


def states(bmad, **wanted):
    rows = [row for row in bmad.outbox() if all(row[key] == value for key, value in wanted.items())]
    return sorted(row["state"] for row in rows)


def channel(bmad, name):
    return next(row for row in bmad.json("status")["channels"] if row["name"] == name)


# -- paused and resumed by hand ----------------------------------------------------------------------------


def test_a_paused_channel_sends_nothing_until_it_is_resumed_also_over_restarts(make_bmad, receiver):
    both = probe(["hook", "well"])
    bmad = make_bmad(jobs={"job": both, "other": both},
                     channels={"hook": hook(receiver), "well": hook(receiver, "/well")}).start()
    done = bmad.command("pause", "--channel", "hook")
    assert (done.returncode, done.stdout) == (0, "channel hook: paused until it is resumed\n")
    told = bmad.wait_event("channel_paused", channel="hook")
    assert (told["cause"], told["level"]) == ("hand", "info") and told["by"].startswith("uid ")
    run(bmad)
    wait_for(lambda: states(bmad, channel="well") == ["delivered"])
    shown = channel(bmad, "hook")
    assert (shown["state"], shown["until"], shown["queued"]) == ("paused", None, 1) and shown["by"] == told["by"]
    assert channel(bmad, "well")["state"] == "enabled"
    jobs = bmad.json("jobs")
    assert jobs[0]["channels"] == [{"name": "hook", "state": "paused"}, {"name": "well", "state": "enabled"}]
    assert "hook: paused" in bmad.command("jobs").stdout

    bmad.kill("sender")
    assert bmad.terminate() == 0
    bmad.start()
    run(bmad, "other")
    wait_for(lambda: states(bmad, channel="well") == ["delivered"] * 2)
    assert states(bmad, channel="hook") == ["queued"] * 2
    assert receiver.of("/hook") == []
    assert bmad.command("resume", "--channel", "hook").stdout == "channel hook: sends\n"
    wait_for(lambda: states(bmad, channel="hook") == ["delivered"] * 2)
    assert bmad.wait_event("channel_resumed", channel="hook")["cause"] == "hand"
    assert channel(bmad, "hook")["state"] == "enabled"
    assert len(receiver.of("/hook")) == 2


def test_a_pause_with_a_time_ends_by_itself(make_bmad, receiver):
    bmad = make_bmad(jobs={"job": probe(["hook"])}, channels={"hook": hook(receiver)}).start()
    began = time.time()
    assert bmad.command("pause", "--channel", "hook", "--for", "2s").returncode == 0
    assert channel(bmad, "hook")["until"].startswith("20")
    run(bmad)
    wait_for(lambda: states(bmad) == ["delivered"])
    assert time.time() - began >= 1.0, "an instant of whole seconds"
    bmad.wait_event("channel_resumed", channel="hook", cause="hand")


def test_what_was_being_retried_is_so_still_after_a_pause(make_bmad, receiver):
    receiver.script("/hook", Status(500))
    patient = hook(receiver, retry={"initial": "1h", "max": "1h"})
    bmad = make_bmad(jobs={"job": probe(["hook"])}, channels={"hook": patient}).start()
    run(bmad)
    wait_for(lambda: states(bmad) == ["retrying"])
    (before,) = bmad.outbox()
    assert bmad.command("pause", "--all").returncode == 0
    assert bmad.command("resume", "--all").returncode == 0
    (after,) = bmad.outbox()
    assert after == before


def test_pause_says_what_it_cannot_do(make_bmad, receiver):
    bmad = make_bmad(jobs={"job": probe(["hook"])}, channels={"hook": hook(receiver)}).start()
    for arguments, told in [(["pause", "--channel", "hock"], "did you mean 'hook'"), (["pause", "--channel"], "--channel"),
                            (["resume", "--channel", "hook", "--all"], "or --all")]:
        done = bmad.command(*arguments)
        assert done.returncode == 2 and told in done.stderr, (arguments, done.stderr)
    assert bmad.events("channel_paused") == []


# -- suspended ---------------------------------------------------------------------------------------------


def chat(receiver, kind):
    return {"type": kind, "url": receiver.url("/hook"), "retry": QUICK}


FOR_GOOD = {  # who says so in which words, and what the same provider says when it comes back
    "webhook": ("webhook", Status(410), Status(202)),
    "discord": ("discord", Status(404, body='{"code": 10015}'), Status(200, body='{"id": "7"}')),
    "discord, plainly": ("discord", Status(404), Status(200, body='{"id": "7"}')),
    "slack": ("slack", Status(404, body="no_service"), Status(200, body="ok")),
    "slack, archived": ("slack", Status(410, body="channel_is_archived"), Status(200, body="ok")),
    "teams": ("teams", Status(410), Status(202)),
}
REFUSED = {  # for the time being: a probe in an hour will tell
    "webhook": ("webhook", Status(403)), "teams": ("teams", Status(404, body="WorkflowNotFound")),
    "slack": ("slack", Status(403, body="invalid_token")), "discord": ("discord", Status(401)),
}


@pytest.mark.parametrize("kind,answer", REFUSED.values(), ids=REFUSED)
def test_who_refuses_is_probed_later(make_bmad, receiver, kind, answer):
    receiver.script("/hook", answer)
    bmad = make_bmad(jobs={"job": probe(["hook"])}, channels={"hook": chat(receiver, kind)}).start()
    run(bmad)
    wait_for(lambda: states(bmad) == ["dead"])
    shown = channel(bmad, "hook")
    assert shown["state"] == "suspended" and shown["until"], "it is known when it is tried again"


@pytest.mark.parametrize("kind,answer,well", FOR_GOOD.values(), ids=FOR_GOOD)
def test_what_is_gone_for_good_is_tried_again_only_when_a_person_says_so(make_bmad, receiver, kind, answer, well):
    receiver.script("/hook", answer, well)
    jobs = {"job": probe(["hook"], messages=3), "other": probe(["hook"], messages=3)}
    bmad = make_bmad(jobs=jobs, channels={"hook": chat(receiver, kind)}).start()
    run(bmad)
    wait_for(lambda: states(bmad) == ["dead", "queued", "queued"])
    shown = channel(bmad, "hook")
    assert (shown["state"], shown["until"]) == ("suspended", None)
    assert shown["reason"].startswith(f"HTTP {answer.status}")
    assert bmad.terminate() == 0
    bmad.start()
    run(bmad, "other")
    assert states(bmad) == ["dead"] + ["queued"] * 5
    assert len(receiver.requests) == 1
    assert bmad.command("resume", "--channel", "hook").returncode == 0
    wait_for(lambda: states(bmad) == ["dead"] + ["delivered"] * 5)
    assert bmad.wait_event("channel_resumed")["cause"] == "hand"


def test_a_changed_address_is_another_destination(make_bmad, receiver):
    receiver.script("/old", Status(410))
    jobs = {"job": probe(["hook"], messages=2)}
    bmad = make_bmad(jobs=jobs, channels={"hook": hook(receiver, "/old")}).start()
    run(bmad)
    wait_for(lambda: states(bmad) == ["dead", "queued"])
    assert bmad.terminate() == 0
    bmad.configure(jobs, {"hook": hook(receiver, "/new")}, {})
    bmad.start()
    wait_for(lambda: states(bmad) == ["dead", "delivered"])


# -- the breaker -------------------------------------------------------------------------------------------


def test_an_open_breaker_lets_probes_through_and_nothing_else(tmp_path, receiver):
    receiver.script("/hook", *[Status(500)] * 5, Status(202))
    slow = hook(receiver, breaker={"after": 3, "probe": "1s"}, retry={"initial": "1h", "max": "1h"})
    with Outbox(tmp_path, {"c": slow}) as outbox:
        ids = outbox.put("c", 20)
        rows = outbox.wait(lambda rows: sum(row["state"] == "delivered" for row in rows) == 17, timeout=15)
    # Three at once; the fourth, a second after the first, opens it. A probe after 1 s fails, one after 2 s more
    # gets through, and so do all that were not tried yet; the others wait for their hour.
    assert [request.status for request in receiver.requests] == [500] * 5 + [202] * 17
    times = [request.time for request in receiver.requests]
    assert times[3] - times[0] >= 0.9 and times[4] - times[3] >= 0.9 and times[5] - times[4] >= 1.9
    tried = [request.id for request in receiver.requests]
    assert tried[4] == ids[0] and tried[5] == ids[1], "the oldest, but not the one that was the probe before"
    assert sum(row["attempts"] for row in rows) == 22
    (opened,) = outbox.events("channel_paused")
    assert "cause=breaker" in opened and "HTTP 500" in opened
    assert len(outbox.events("channel_resumed")) == 1


def test_an_open_breaker_outlives_the_sender(tmp_path, receiver):
    receiver.script("/hook", *[Status(500)] * 3, Status(202))
    slow = hook(receiver, breaker={"after": 2, "probe": "2s"}, retry={"initial": "1h", "max": "1h"})
    with Outbox(tmp_path, {"c": slow}) as outbox:
        outbox.put("c", 10)
        outbox.wait(lambda _: outbox.events("channel_paused"))
        outbox.command(kill="sender")
        time.sleep(0.5)
        assert len(receiver.requests) == 3
        outbox.wait(lambda rows: sum(row["state"] == "delivered" for row in rows) == 8)
    assert receiver.requests[3].time - receiver.requests[2].time >= 1.8


# -- rates -------------------------------------------------------------------------------------------------


def check_windows(receiver, count, seconds):
    times = [request.time for request in receiver.requests]
    for start in times:
        assert sum(start <= t < start + seconds for t in times) <= count


def test_the_level_of_a_rate_outlives_the_daemon(make_bmad, receiver):
    bmad = make_bmad(jobs={"job": probe(["hook"], messages=12)},
                     channels={"hook": hook(receiver, rate="5/4s")}).start()
    run(bmad)
    assert receiver.wait(5)
    assert bmad.terminate() == 0
    bmad.start()
    assert receiver.wait(12)
    check_windows(receiver, 5, 3.7)
    assert len(receiver.requests) == 12


def test_the_level_of_a_rate_outlives_a_killed_sender(tmp_path, receiver):
    with Outbox(tmp_path, {"c": hook(receiver, rate="3/3s")}) as outbox:
        outbox.put("c", 9)
        for delivered in (3, 6):
            outbox.wait(lambda rows, n=delivered: sum(row["state"] == "delivered" for row in rows) >= n)
            outbox.command(kill="sender")
        outbox.wait_all("delivered")
    check_windows(receiver, 3, 2.7)


def test_channels_of_one_account_share_its_rate_in_turns(tmp_path, receiver):
    names = ["a", "b", "c"]
    channels = {name: hook(receiver, "/" + name, rate="3/1s", rate_group="account") for name in names}
    with Outbox(tmp_path, channels) as outbox:
        for name in names:
            outbox.put(name, 6)
        outbox.wait_all("delivered", timeout=20)
    check_windows(receiver, 3, 0.7)
    order = [request.path[1] for request in receiver.requests]
    for name in names:  # after the first second, in which some were not there yet
        assert 2 <= order[3:15].count(name) <= 6, order


# -- what is accepted --------------------------------------------------------------------------------------


def suppressed(bmad):
    return {row["channel"]: row["reason"] for row in bmad.outbox() if row["state"] == "suppressed"}


def test_what_a_channel_does_not_accept_is_suppressed_and_says_why(make_bmad, receiver):
    bmad = make_bmad(jobs={"job": probe(["all", "kinds", "other", "severity", "day", "night"])}, channels={
        "all": hook(receiver, "/all"),
        "kinds": hook(receiver, "/kinds", accept={"kinds": ["alert", "report"]}),
        "other": hook(receiver, "/other", accept={"kinds": "alert"}),
        "severity": hook(receiver, "/severity", accept={"severity": "warning"}),
        "day": hook(receiver, "/day", accept={"times": "* 6-21 * * *"}),
        "night": hook(receiver, "/night", accept={"times": "CRON_TZ=Asia/Tokyo * 0-2 * * *"})})
    done = bmad.once("job", "--at", "2026-03-08T17:30:00Z")  # 02:30 in Tokyo
    assert {row["channel"]: row["outcome"] for row in done["messages"]} == {
        "all": "delivered", "kinds": "delivered", "other": "suppressed", "severity": "suppressed",
        "day": "delivered", "night": "delivered"}
    reasons = suppressed(bmad)
    assert "kind report" in reasons["other"] and "severity" in reasons["severity"]
    done = bmad.once("job", "--at", "2026-03-08T22:00:30Z", "--again")
    assert {row["channel"] for row in done["messages"] if row["outcome"] == "delivered"} == {"all", "kinds"}
    assert "accept.times" in suppressed(bmad)["day"] and "accept.times" in suppressed(bmad)["night"]


def test_check_names_what_is_wrong_between_channels(make_bmad, receiver):
    bmad = make_bmad(jobs={}, channels={
        "a": hook(receiver, fallback="b"), "b": hook(receiver, fallback={"channel": "c", "after": "1m"}),
        "c": hook(receiver, fallback="a"), "self": hook(receiver, fallback="self"),
        "lost": hook(receiver, fallback="d"), "fine": hook(receiver, fallback="console"),
        "one": hook(receiver, rate_group="g", rate="1/s"), "two": hook(receiver, rate_group="g", rate="2/s"),
        "times": hook(receiver, accept={"times": "* 25 * * *"}), "every": hook(receiver, accept={"times": "@every 5m"})})
    done = bmad.command("check")
    lines = [line for line in done.stdout.splitlines() + done.stderr.splitlines() if ": error: " in line]
    assert done.returncode == 2
    for name, told in [("a", "its own fallback"), ("b", "its own fallback"), ("c", "its own fallback"),
                       ("self", "its own fallback"), ("lost", "no channel 'd'"), ("two", "another rate than 'one'"),
                       ("times", "accept.times"), ("every", "accept.times")]:
        assert any(f"'{name}'" in line and told in line for line in lines), (name, lines)
    assert len(lines) == 8, lines


# -- fallback ----------------------------------------------------------------------------------------------


def fates(bmad, name):
    return [(row["state"], row["reason"]) for row in bmad.outbox() if row["channel"] == name]


def with_fallback(receiver, after="1h", **more):
    return {"hook": hook(receiver, fallback={"channel": "files", "after": after}, **more),
            "files": {"type": "file", "dir": "out"}}


def test_what_is_rejected_goes_to_the_fallback_rendered_for_it(make_bmad, receiver):
    receiver.script("/hook", Status(400), Status(202))
    bmad = make_bmad(jobs={"job": probe(["hook"], messages=3)}, channels=with_fallback(receiver))
    (bmad.folder / "out").mkdir()
    bmad.start()
    run(bmad)
    wait_for(lambda: states(bmad, channel="files") == ["delivered"])
    wait_for(lambda: states(bmad, channel="hook") == ["delivered", "delivered", "suppressed"])
    assert ("suppressed", "fallback") in fates(bmad, "hook")
    (written,) = (bmad.folder / "out").iterdir()
    assert "number: " in written.read_text(), "as text, not as the webhook's envelope"
    told = bmad.wait_event("message_suppressed", channel="hook")
    assert told["reason"] == "fallback"
    assert bmad.wait_event("message_delivered", channel="files")["message"] == told["fallback"]
    assert len(receiver.requests) == 3


def test_a_suspended_channel_sends_what_waits_and_what_comes_by_its_fallback(make_bmad, receiver):
    receiver.script("/hook", Status(410))
    bmad = make_bmad(jobs={name: probe(["hook"], messages=3) for name in ("job", "other")},
                     channels=with_fallback(receiver))
    (bmad.folder / "out").mkdir()
    bmad.start()
    run(bmad)
    wait_for(lambda: states(bmad, channel="files") == ["delivered"] * 3)
    assert fates(bmad, "hook") == [("suppressed", "fallback")] * 3
    run(bmad, "other")
    wait_for(lambda: states(bmad, channel="files") == ["delivered"] * 6)
    assert fates(bmad, "hook") == [("suppressed", "fallback")] * 6
    assert len(receiver.requests) == 1


def test_what_does_not_get_through_in_time_goes_to_the_fallback_and_never_both_ways(make_bmad, receiver):
    receiver.script("/hook", Status(500))
    bmad = make_bmad(jobs={"job": probe(["hook"])}, channels=with_fallback(receiver, after="2s"))
    (bmad.folder / "out").mkdir()
    bmad.start()
    run(bmad)
    wait_for(lambda: states(bmad, channel="files") == ["delivered"])
    assert fates(bmad, "hook") == [("suppressed", "fallback")]
    sent = len(receiver.requests)
    time.sleep(0.5)
    assert len(receiver.requests) == sent >= 2


def test_a_fallback_is_not_used_while_its_channel_works(make_bmad, receiver):
    bmad = make_bmad(jobs={"job": probe(["hook"], messages=5)}, channels=with_fallback(receiver, after="1s"))
    (bmad.folder / "out").mkdir()
    bmad.start()
    run(bmad)
    wait_for(lambda: states(bmad) == ["delivered"] * 5)
    time.sleep(1.2)
    assert states(bmad) == ["delivered"] * 5 and list((bmad.folder / "out").iterdir()) == []
    assert bmad.sql("SELECT count(*) AS n FROM standbys") == [{"n": 0}]


def test_by_hand_waits_for_the_fallback_too(make_bmad, receiver):
    receiver.script("/hook", Status(403))
    bmad = make_bmad(jobs={"job": probe(["hook"])}, channels=with_fallback(receiver))
    (bmad.folder / "out").mkdir()
    done = bmad.once("job")
    (message,) = done["messages"]
    assert (message["outcome"], message["detail"]) == ("suppressed", "fallback")
    assert len(list((bmad.folder / "out").iterdir())) == 1


# -- nobody slows others -----------------------------------------------------------------------------------


# The full size, 200 channels and 100,000 messages, with BMAD_MANY=1.
MANY = os.environ.get("BMAD_MANY")
TROUBLED, HEALTHY, EACH, KILLS = (10, 180, 500, 10) if MANY else (5, 20, 40, 3)


def arrived(receiver):
    return {request.id for request in list(receiver.requests) if request.path.startswith("/well")}


def deliver(folder, receiver, channels, kills=0):
    """Rows and seconds until all that was meant for healthy channels is delivered."""
    folder.mkdir()
    receiver.requests.clear()
    with Outbox(folder, channels) as outbox:
        began = time.monotonic()
        for name in channels:
            outbox.put(name, EACH)
        for _ in range(kills):
            time.sleep(0.1)
            outbox.command(kill="sender")
        wait_for(lambda: len(arrived(receiver)) == HEALTHY * EACH, 30 if not MANY else 600, "all arrived", 0.2)
        took = time.monotonic() - began
        rows = outbox.wait(lambda rows: sum(row["state"] == "delivered" for row in rows) == HEALTHY * EACH, 60)
    return rows, took


@pytest.mark.parametrize("kills", [0, KILLS], ids=["undisturbed", "killed"])
def test_dead_and_slow_channels_leave_the_others_alone(tmp_path, receiver, kills):
    receiver.script("/slow", Silence())
    for number in range(TROUBLED):
        receiver.script(f"/dead{number}", Status(500))
    well = {f"well{n}": hook(receiver, f"/well{n}") for n in range(HEALTHY)}
    bad = {f"slow{n}": hook(receiver, "/slow", timeout="30s") for n in range(TROUBLED)}
    bad |= {f"dead{n}": hook(receiver, f"/dead{n}") for n in range(TROUBLED)}
    _, alone = deliver(tmp_path / "alone", receiver, well)
    rows, took = deliver(tmp_path / "beside", receiver, bad | well, kills)

    print(f"{HEALTHY * EACH} messages over {HEALTHY} channels: {alone:.1f} s alone, {took:.1f} s beside bad ones")
    assert took < 2 * alone + 5, "a slow or dead one would have cost its timeout of 30 s"
    assert len(receiver.of("/slow")) <= TROUBLED * (kills + 1)
    counts = receiver.counts(delivered=True)
    assert {row["id"] for row in rows if row["channel"].startswith("well")} <= set(counts), "nothing is lost"
    twice = {message for message, count in counts.items() if count > 1}
    assert twice <= {row["id"] for row in rows if row["ambiguous"]}
