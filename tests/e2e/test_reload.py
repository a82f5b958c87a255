# SPDX-License-Identifier: MIT
"""The configuration of a running daemon: judged whole before the start, and before anything of it changes."""
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
