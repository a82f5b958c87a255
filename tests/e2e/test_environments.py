# SPDX-License-Identifier: MIT
"""Environments: a file laid over the configuration, channels that are allowed, and all going to one."""
import json

import pytest

JOB = {"module": "heartbeat", "channels": ["lead", "boss"]}
CHANNELS = {
    # What they stand for is not there: whoever resolves one of them fails.
    "lead": {"type": "webhook", "url": "${LEAD_WEBHOOK_THAT_IS_NOT_SET}"},
    "boss": {"type": "teams", "url": "${BOSS_WEBHOOK_THAT_IS_NOT_SET}"},
    "out": {"type": "file", "dir": "out"},
}


@pytest.fixture
def bmad(make_bmad):
    made = make_bmad(jobs={"beat": JOB}, channels=CHANNELS)
    (made.folder / "out").mkdir()
    return made


def lay(bmad, name, **sections):
    path = bmad.folder / f"bmad.{name}.yaml"
    path.write_text(json.dumps(sections), encoding="utf-8")
    path.chmod(0o600)
    return path


def own_store(bmad):
    return f"sqlite:{bmad.folder}/staging.db"


def redirect(bmad, channel="out", **sections):
    lay(bmad, "staging", daemon={"store": own_store(bmad), "redirect_to": channel}, **sections)


def command(bmad, *args, **options):
    return bmad.command("--env", "staging", *args, **options)


def once(bmad, *args, status=0):
    done = command(bmad, "--once", "beat", "--json", "--deliver-timeout", "5s", *args)
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout), done.stderr


# -- the file ---------------------------------------------------------------------------------------------


def test_an_environment_is_laid_over_the_configuration(bmad):
    lay(bmad, "staging", daemon={"workers": 1}, channels={"boss": None, "new": {"type": "console"}},
        jobs={"beat": {"channels": ["out"], "about": "staged"}, "more": {"module": "heartbeat"}})
    jobs = bmad.json("jobs")
    staged = json.loads(command(bmad, "jobs", "--json").stdout)
    assert [job["name"] for job in jobs] == ["beat"]
    assert [(job["name"], job["about"]) for job in staged] == [("beat", "staged"), ("more", None)]
    check = command(bmad, "check")
    assert check.returncode == 2  # lead's address is not set
    assert "lead" in check.stderr and "boss" not in check.stderr


def test_the_environment_can_be_named_by_a_variable(bmad):
    lay(bmad, "staging", jobs={"more": {"module": "heartbeat"}})
    assert len(bmad.json("jobs", env={"BMAD_ENV": "staging"})) == 2
    assert len(bmad.json("jobs", env={"BMAD_ENV": ""})) == 1


def test_a_missing_environment_is_an_error(bmad):
    done = bmad.command("--env", "prod", "jobs")
    assert done.returncode == 2
    assert done.stderr.startswith(f"{bmad.folder}/bmad.prod.yaml: error: there is no such file")


@pytest.mark.parametrize("name", ["../x", ".x", "a/b", "a b"])
def test_the_name_cannot_lead_elsewhere(bmad, name):
    done = bmad.command("--env", name, "jobs")
    assert done.returncode == 2
    assert "is no name for an environment" in done.stderr


def test_mistakes_are_told_in_the_file_where_they_stand(bmad):
    path = bmad.folder / "bmad.staging.yaml"
    path.write_text("jobs:\n  beat:\n    schedul: x\n", encoding="utf-8")
    done = command(bmad, "jobs")
    assert done.returncode == 2
    assert done.stderr.startswith(f"{path}:3:5: error: unknown key 'schedul' in job 'beat'; did you mean 'schedule'?")


@pytest.mark.parametrize("key, value", [("redirect_to", "out"), ("allow_channels", ["out"])])
@pytest.mark.parametrize("store", [None, "same"])
def test_what_keeps_messages_back_needs_a_store_of_its_own(bmad, key, value, store):
    own = {"store": f"sqlite:{bmad.store}"} if store else {}
    lay(bmad, "staging", daemon={key: value, **own})
    done = command(bmad, "jobs")
    assert done.returncode == 2
    assert f"an environment with '{key}' must name a store of its own" in done.stderr
    lay(bmad, "staging", daemon={key: value, "store": own_store(bmad)})
    assert command(bmad, "jobs").returncode == 0


def test_a_redirect_must_be_allowed_itself(bmad):
    lay(bmad, "staging", daemon={"redirect_to": "out", "allow_channels": ["lead"], "store": own_store(bmad)})
    assert "'out' is not among 'allow_channels'" in command(bmad, "jobs").stderr


# -- redirect_to ------------------------------------------------------------------------------------------


def test_all_goes_to_one_channel_and_says_where_it_would_have_gone(bmad):
    redirect(bmad)
    report, log = once(bmad)
    assert [(m["channel"], m["type"], m["outcome"]) for m in report["messages"]] == [("out", "file", "delivered")] * 2
    texts = sorted(path.read_text() for path in (bmad.folder / "out").rglob("*.txt"))
    assert [text.splitlines()[0] for text in texts] == [
        "[redirected: meant for channel boss]", "[redirected: meant for channel lead]"]
    first = log.splitlines()[0]
    assert "event=once_started" in first
    for part in ("environment=staging", f"config={bmad.config}", "redirect=out"):
        assert part in first


def test_each_message_is_sent_once_though_all_go_to_one(bmad):
    redirect(bmad)
    first = once(bmad, "--at", "2026-03-01T00:00:00Z")[0]
    assert [m["outcome"] for m in first["messages"]] == ["delivered"] * 2
    again = once(bmad, "--at", "2026-03-01T00:00:00Z")[0]
    assert [m["outcome"] for m in again["messages"]] == ["suppressed"] * 2
    assert not bmad.store.exists()


def test_a_card_and_a_data_object_are_marked_too(bmad, receiver):
    redirect(bmad, "hook", channels={"hook": {"type": "webhook", "url": receiver.url("/hook"), "body": "data"}})
    report = once(bmad)[0]
    assert sorted(m["payload"]["redirected_from"] for m in report["messages"]) == ["boss", "lead"]
    redirect(bmad, "card", channels={"card": {"type": "teams", "url": receiver.url("/card")}})
    report = once(bmad, "--again")[0]
    cards = [m["payload"]["attachments"][0]["content"]["body"] for m in report["messages"]]
    assert sorted(card[0]["text"] for card in cards) == [
        "[redirected: meant for channel boss]", "[redirected: meant for channel lead]"]
    assert all(len(card) > 1 for card in cards)


def test_a_dry_run_shows_where_messages_would_go(bmad):
    redirect(bmad)
    report = once(bmad, "--dry-run")[0]
    assert [(m["channel"], m["outcome"], m["detail"]) for m in report["messages"]] == [
        ("out", "dry_run", "meant for channel lead"), ("out", "dry_run", "meant for channel boss")]


def test_the_daemon_redirects_and_says_so_first(bmad):
    redirect(bmad, jobs={"beat": {"schedule": "* * * * * *", "channels": ["boss"]}},
             channels={"lead": None, "boss": {"type": "console", "url": None}})
    bmad.start(env={"BMAD_ENV": "staging"})
    first = bmad.events("daemon_started")[0]
    assert (first["environment"], first["redirect"]) == ("staging", "out")
    bmad.wait_event("message_delivered", channel="out")
    assert not bmad.events("message_delivered", channel="boss")
    assert bmad.terminate() == 0


# -- allow_channels ---------------------------------------------------------------------------------------


def test_messages_to_any_other_channel_are_suppressed_with_the_reason(bmad):
    lay(bmad, "staging", daemon={"store": own_store(bmad), "allow_channels": ["out"]},
        jobs={"beat": {"channels": ["lead", "out"]}})
    report, log = once(bmad)
    reason = "channel lead is not among daemon.allow_channels"
    assert [(m["channel"], m["outcome"], m["detail"]) for m in report["messages"]] == [
        ("lead", "suppressed", reason), ("out", "delivered", None)]
    assert any("event=message_suppressed" in line and reason in line for line in log.splitlines())
    rows = json.loads(command(bmad, "outbox", "list", "--json").stdout)
    assert {(row["channel"], row["state"], row["reason"]) for row in rows} == {
        ("lead", "suppressed", reason), ("out", "delivered", None)}


def test_nothing_is_allowed_by_an_empty_list(bmad):
    lay(bmad, "staging", daemon={"store": own_store(bmad), "allow_channels": []})
    assert [m["outcome"] for m in once(bmad)[0]["messages"]] == ["suppressed"] * 2


def test_a_suppressed_message_leaves_its_key_free(bmad):
    base = {"store": own_store(bmad)}
    lay(bmad, "staging", daemon={**base, "allow_channels": []}, jobs={"beat": {"channels": ["out"]}})
    assert [m["outcome"] for m in once(bmad, "--at", "2026-03-01T00:00:00Z")[0]["messages"]] == ["suppressed"]
    lay(bmad, "staging", daemon=base, jobs={"beat": {"channels": ["out"]}})
    assert [m["outcome"] for m in once(bmad, "--at", "2026-03-01T00:00:00Z")[0]["messages"]] == ["delivered"]
