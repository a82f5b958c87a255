# SPDX-License-Identifier: MIT
"""Channel `email` against a real SMTP server: what arrives, and what each fault at each stage leads to."""
import email
import email.policy
import json
import random
import re
import subprocess

import pytest

from harness import wait_for
from mailserver import CUT, OK, SILENCE, MailServer
from outbox import Outbox
from receiver import Certificates, Silence, closed_port

PASSWORD = "s3cret-pass-word"


@pytest.fixture(scope="session")
def certificates():
    return Certificates()


def mail_channel(server, **more):
    tls = {} if server.tls else {"tls": "none"}
    return {"type": "email", "url": server.url(), "from": "Plant 7 <bmad@example.com>", "to": ["a@example.com"],
            "rate": "100/s", **tls, **more}


def one_attempt(tmp_path, channel, timeout=20.0):
    """What the record says of a message after its first attempt; retries are far away."""
    channel = {"retry": {"initial": "10m", "max": "10m"}, **channel}
    with Outbox(tmp_path, {"c": channel}) as outbox:
        outbox.put("c", payload="hello " * 40)
        row = outbox.wait_attempt(timeout)
    row["log"] = outbox.log
    return row


def parse(text):
    return email.message_from_string(text, policy=email.policy.default)


# -- what each answer at each stage leads to -----------------------------------------------------------------

ANSWERS = [
    # stage, answer, state, ambiguous, suspends the channel
    ("CONNECT", "421 4.3.2 going down", "retrying", False, False),
    ("CONNECT", "554 5.3.2 no service for you", "dead", False, True),
    ("CONNECT", CUT, "retrying", False, False),
    ("EHLO", CUT, "retrying", False, False),
    ("MAIL", "451 4.7.1 later", "retrying", False, False),
    ("MAIL", "530 5.7.0 authentication required", "dead", False, True),
    ("MAIL", "550 5.7.1 sender refused", "dead", False, False),
    ("MAIL", "552 5.3.4 too big", "dead", False, False),
    ("MAIL", CUT, "retrying", False, False),
    ("RCPT", "450 4.2.0 greylisted", "retrying", False, False),
    ("RCPT", "421 4.7.0 too many", "retrying", False, False),
    ("RCPT", "550 5.1.1 no such user", "dead", False, False),
    ("RCPT", "553 5.1.3 bad address", "dead", False, False),
    ("RCPT", CUT, "retrying", False, False),
    ("DATA", "451 4.3.0 later", "retrying", False, False),
    ("DATA", "554 5.6.0 no", "dead", False, False),
    ("DATA", CUT, "retrying", False, False),
    ("DOT", "452 4.3.1 disk full", "retrying", False, False),
    ("DOT", "554 5.7.1 spam", "dead", False, False),
    ("DOT", CUT, "retrying", True, False),
    ("DOT", SILENCE, "retrying", True, False),
    ("RCPT", SILENCE, "retrying", False, False),
    ("CONNECT", SILENCE, "retrying", False, False),
]


def test_each_answer_at_each_stage_ends_as_it_must(tmp_path):
    """All of them at once: no fault of one channel touches another."""
    servers = []
    channels = {}
    try:
        for number, (stage, answer, *_) in enumerate(ANSWERS):
            server = MailServer().__enter__()
            servers.append(server)
            server.script(stage, answer)
            channels[f"c{number}"] = mail_channel(server, timeout="2s", retry={"initial": "10m", "max": "10m"})
        with Outbox(tmp_path, channels) as outbox:
            for channel in channels:
                outbox.put(channel, payload="hello")
            rows = outbox.wait(lambda rows: all(row["attempts"] and row["state"] != "sending" for row in rows), 20)
    finally:
        for server in servers:
            server.__exit__()
    suspended = {line.split("channel=")[1].split()[0] for line in outbox.events("channel_suspended")}
    found = {row["channel"]: (row["state"], row["ambiguous"], row["channel"] in suspended) for row in rows}
    for number, (stage, answer, state, ambiguous, suspends) in enumerate(ANSWERS):
        assert (stage, answer, *found[f"c{number}"]) == (stage, answer, state, ambiguous, suspends)
        row = next(row for row in rows if row["channel"] == f"c{number}")
        assert row["attempts"] == 1
        if answer not in (CUT, SILENCE):
            assert answer in row["answer"]
    assert all(not server.mails for server in servers)


def test_greylisting_is_waited_out_and_holds_nobody_else(tmp_path):
    with MailServer() as server:
        server.script("RCPT", "450 4.2.0 greylisted", OK)
        channel = mail_channel(server, retry={"initial": "50ms", "max": "100ms"})
        with Outbox(tmp_path, {"c": channel}) as outbox:
            outbox.put("c", payload="first")
            outbox.wait_attempt()
            outbox.put("c", payload="second")
            rows = outbox.wait(lambda rows: rows[-1]["state"] == "delivered")
    assert rows[0]["state"] == "retrying" and rows[0]["attempts"] == 1
    assert 290_000 < rows[0]["wait_ms"] <= 340_000


def test_what_may_have_arrived_is_repeated_with_the_same_bytes(tmp_path):
    with MailServer() as server:
        server.script("DOT", OK, OK)
        channel = mail_channel(server, retry={"initial": "50ms", "max": "100ms"}, timeout="1s")
        taken = []
        original = server.act

        async def act(stage, protocol):
            if stage == "DOT" and not taken:
                taken.append(protocol.envelope.original_content)
                protocol.transport.abort()
                return None
            return await original(stage, protocol)

        server.act = act
        with Outbox(tmp_path, {"c": channel}) as outbox:
            outbox.put("c", payload="hello")
            row = outbox.wait_all("delivered")[0]
        assert (row["attempts"], row["ambiguous"]) == (2, True)
        assert [mail.bytes for mail in server.mails] == taken
        assert taken[0].count(b"Message-ID: <" + row["id"].encode() + b"@example.com>") == 1


def test_what_may_have_arrived_is_held_where_a_repeat_is_worse(tmp_path):
    with MailServer() as server:
        server.script("DOT", CUT)
        with Outbox(tmp_path, {"c": mail_channel(server, on_ambiguous="hold")}) as outbox:
            outbox.put("c", payload="hello")
            assert outbox.wait_all("ambiguous")[0]["attempts"] == 1


def test_a_server_that_does_not_answer_quit_holds_nobody_up(tmp_path):
    """libcurl would wait for that answer, and with it every channel."""
    with MailServer() as slow, MailServer() as quick:
        slow.script("QUIT", SILENCE)
        with Outbox(tmp_path, {"slow": mail_channel(slow), "quick": mail_channel(quick)}) as outbox:
            outbox.put("slow", payload="hello", count=3)
            outbox.put("quick", payload="hello", count=3)
            outbox.wait_all("delivered", timeout=8)
        assert quick.quits == 3


def test_nobody_listening_is_surely_not_delivered(tmp_path):
    row = one_attempt(tmp_path, {"type": "email", "url": f"smtp://127.0.0.1:{closed_port()}", "tls": "none",
                                 "from": "a@example.com", "to": "b@example.com"})
    assert (row["state"], row["ambiguous"]) == ("retrying", False)


def test_a_server_with_a_size_limit_refuses_before_the_message_is_sent(tmp_path):
    with MailServer(size=500) as server:
        row = one_attempt(tmp_path, mail_channel(server))
        assert not server.asked and not server.mails
    assert (row["state"], row["reason"], row["ambiguous"]) == ("dead", "rejected", False)
    assert "SMTP 552" in row["answer"]


# -- TLS and log-in ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("implicit", [False, True], ids=["STARTTLS", "smtps"])
def test_a_login_is_made_over_tls(tmp_path, certificates, implicit):
    with MailServer(tls=certificates.server(), implicit=implicit, users={"u": PASSWORD}) as server:
        channel = mail_channel(server, ca_file=certificates.ca, username="u", password=PASSWORD)
        row = one_attempt(tmp_path, channel)
        assert row["state"] == "delivered", row
        mail = server.mails[0]
        assert (mail.tls, mail.sender, mail.recipients) == (True, "bmad@example.com", ["a@example.com"])
        assert mail.login == "u" and mail.host_name
    assert PASSWORD not in row["log"]


def test_a_bad_login_suspends_the_channel_and_shows_no_password(tmp_path, certificates):
    with MailServer(tls=certificates.server(), users={"u": "another"}) as server:
        row = one_attempt(tmp_path, mail_channel(server, ca_file=certificates.ca, username="u", password=PASSWORD))
        assert server.logins and all(tls for _, _, tls in server.logins)
    assert (row["state"], row["reason"], row["ambiguous"]) == ("dead", "rejected", False)
    assert "channel_suspended" in row["log"]
    assert PASSWORD not in row["log"] + json.dumps(row)


def test_a_login_that_fails_for_now_is_tried_again(tmp_path, certificates):
    with MailServer(tls=certificates.server(), users={"u": PASSWORD}) as server:
        server.script("AUTH", "454 4.7.0 temporary failure")
        row = one_attempt(tmp_path, mail_channel(server, ca_file=certificates.ca, username="u", password=PASSWORD))
    assert (row["state"], row["ambiguous"]) == ("retrying", False)


@pytest.mark.parametrize("name", ["DNS:other.example", None], ids=["other name", "unknown authority"])
def test_nothing_goes_to_a_server_whose_certificate_is_wrong(tmp_path, certificates, name):
    with MailServer(tls=certificates.server(name) if name else certificates.server()) as server:
        more = {"ca_file": certificates.ca} if name else {}
        row = one_attempt(tmp_path, mail_channel(server, username="u", password=PASSWORD, **more))
        assert not server.asked and not server.logins
    assert (row["state"], row["ambiguous"]) == ("retrying", False)
    assert "certificate" in row["answer"]


def test_without_tls_nothing_is_said_to_a_server_that_should_have_it(tmp_path):
    with MailServer() as server:
        row = one_attempt(tmp_path, mail_channel(server, tls="required"))
        assert not server.asked
    assert (row["state"], row["ambiguous"]) == ("retrying", False)
    assert "no TLS" in row["answer"]


# -- runs and messages ----------------------------------------------------------------------------------------


def beat(channel, **more):
    return dict(jobs={"beat": {"module": "heartbeat", "channels": ["mail"], **more}}, channels={"mail": channel})


def test_each_recipient_is_a_message_of_its_own(make_bmad):
    with MailServer() as server:
        channel = mail_channel(server, to=["A <a@example.com>", "b@example.com"],
                               cc=["c@example.com", "A@EXAMPLE.com"], reply_to="ops@example.com")
        bmad = make_bmad(**beat(channel))

        async def refuse_b(stage, protocol, original=server.act):
            if stage == "RCPT" and "b@example.com" in server.asked[-1]:
                return "550 5.1.1 no such user"
            return await original(stage, protocol)

        server.act = refuse_b
        report = bmad.once("beat", status=1)
        assert {m["to"]: m["outcome"] for m in report["messages"]} == {
            "a@example.com": "delivered", "b@example.com": "rejected", "c@example.com": "delivered"}
        assert sorted(mail.recipients[0] for mail in server.mails) == ["a@example.com", "c@example.com"]
        for mail in server.mails:
            message = mail.message
            assert message["To"] == "A <a@example.com>, b@example.com"
            assert message["Cc"] == "c@example.com, A@example.com"
            assert (message["Reply-To"], message["Auto-Submitted"]) == ("ops@example.com", "auto-generated")
            assert message["Bcc"] is None and message["MIME-Version"] == "1.0"
            assert "alive" in message["Subject"] and "alive" in message.get_content()
            assert all(len(message.get_all(name)) == 1 for name in set(message.keys()))
    rows = bmad.outbox()
    assert all("alive" in row["subject"] for row in rows)
    shown = bmad.command("outbox", "show", rows[0]["id"]).stdout
    assert "alive at" in shown and "Message-ID" not in shown and "Plant 7 <bmad@example.com>" in shown


TEMPLATES = {
    "report.email.html.mustache": '<html><body><p>Hé {{n}} <a href="https://x.example/?a=1&amp;b=2">board</a></p>'
                                  '<img src="cid:chart" alt="a chart"></body></html>',
    "report.email.subject.txt.mustache": "Sübject {{n}}\n",
}


def write_templates(bmad, module, templates):
    folder = bmad.folder / "templates" / module
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in templates.items():
        (folder / name).write_text(text, encoding="utf-8")


def rendered(bmad, data, status=0):
    (bmad.folder / "data.json").write_text(json.dumps(data), encoding="utf-8")
    done = subprocess.run([bmad.command.__func__.__globals__["BINARY"], "-c", str(bmad.config), "render", "beat",
                           "--channel", "mail", "--data", "data.json"], capture_output=True, cwd=bmad.folder,
                          env=bmad.environment(), timeout=60, check=False)
    assert done.returncode == status, done.stderr.decode()
    return done.stdout, email.message_from_bytes(done.stdout, policy=email.policy.default)


OFFLINE = {"type": "email", "url": "smtps://mail.example.com", "from": "bmad@example.com", "to": "a@example.com"}


def test_html_text_and_subject_come_from_their_templates(make_bmad):
    bmad = make_bmad(**beat(OFFLINE))
    write_templates(bmad, "heartbeat", TEMPLATES)
    _, message = rendered(bmad, {"n": "<1>"})
    assert message["Subject"] == "Sübject <1>"
    assert message.get_content_type() == "multipart/alternative"
    assert "Hé &lt;1&gt;" in message.get_body(("html",)).get_content()
    assert message.get_body(("plain",)).get_content().splitlines()[0] == "Hé <1> board (https://x.example/?a=1&b=2)"


def test_without_a_template_the_data_are_tables_in_both_forms(make_bmad):
    bmad = make_bmad(**beat(OFFLINE, templates={"report": "nothing/there"}, vars={"title": "Zone & 1"}))
    _, message = rendered(bmad, {"rows": [{"name": "<b>", "n": 1}, {"name": "é", "n": 22}], "empty": None})
    text, html = message.get_body(("plain",)).get_content(), message.get_body(("html",)).get_content()
    assert "<b>" in text and "22" in text
    assert "<td" in html and "&lt;b&gt;" in html and "<b>" not in html and "Zone &amp; 1" in html
    assert message["Subject"] == "Zone & 1: report"


def test_a_broken_template_leaves_a_plain_mail_and_a_degraded_run(make_bmad):
    bmad = make_bmad(**beat(OFFLINE))
    write_templates(bmad, "heartbeat", {"report.email.html.mustache": "{{#open}} never closed"})
    _, message = rendered(bmad, {"n": 1}, status=1)
    assert message.get_content_type() == "text/plain"


# -- whatever the data hold ---------------------------------------------------------------------------------

PIECES = ["a", "Zoë", "😀", "👩‍👩‍👧", "שלום", "مرحبا", "\u202e", "\r\n", "\n", "\r", "\r\nBcc: evil@example.com", ".", "..", "\n.\n",
          "\r\n.\r\n", '"', "'", "\\", "<b>", "&amp;", "=?UTF-8?B?aGk=?=", "=", "=3D", "\t", " ", "  ", "x" * 90,
          "é" * 90, "\x1b[31m", "\x7f", "\u2028", "From ", "\nFrom x", "--=_1_", "e\u0301", ";", ",", "@", "漢" * 40]


def clean_line(text):
    """A subject as it must arrive: one line, white space and control characters as single blanks."""
    return re.sub(r"[\x00-\x20\x7f]+", " ", text).strip(" ")


def test_mails_of_generated_data_are_right_for_an_independent_reader(make_bmad):
    bmad = make_bmad(**beat(OFFLINE))
    write_templates(bmad, "heartbeat", {
        "report.email.subject.txt.mustache": "{{{s}}}", "report.email.txt.mustache": "{{{t}}}",
        "report.email.html.mustache": "<body>{{t}}</body>"})
    dice = random.Random(7)
    for _ in range(120):
        s, t = ("".join(dice.choice(PIECES) for _ in range(dice.randrange(1, 14))) for _ in "st")
        data, message = rendered(bmad, {"s": s, "t": t})
        assert data.isascii() and b"\0" not in data
        assert all(len(line) <= 998 for line in data.split(b"\r\n"))
        assert b"\r" not in data.replace(b"\r\n", b"") and b"\n" not in data.replace(b"\r\n", b"")
        head = data.split(b"\r\n\r\n")[0]
        assert all(len(line) <= 78 for line in head.split(b"\r\n"))
        assert all(len(word) <= 75 for word in re.findall(rb"=\?\S*\?=", head))
        assert not message.defects and message["Bcc"] is None and len(message.keys()) == 8
        if clean_line(s):
            assert str(message["Subject"]) == clean_line(s)
        wanted = re.sub(r"\r\n|\r|\n", "\n", t)
        got = message.get_body(("plain",)).get_payload(decode=True).decode().replace("\r\n", "\n")
        assert got.rstrip("\n") == wanted.rstrip("\n")
        # No body line begins with a dot: nothing depends on who stuffs it.
        assert b"\r\n." not in data


def test_cells_of_ten_megabytes_leave_a_mail_within_max_bytes(make_bmad):
    bmad = make_bmad(**beat({**OFFLINE, "max_bytes": "1M"}, templates={"report": "nothing/there"}))
    data, message = rendered(bmad, {"cell": "é" * 5_000_000})
    assert len(data) <= 1_000_000
    assert "shortened" in message.get_body(("plain",)).get_content()


# -- configuration --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change, words", [
    ({"url": "https://mail.example.com"}, "smtp://"),
    ({"url": "smtps://u:p@mail.example.com"}, "username"),
    ({"url": "smtps://"}, "no host"),
    ({"url": "smtps://mail.example.com/a b"}, "byte"),
    ({"username": "u"}, "password"),
    ({"tls": "none"}, "tls"),
    ({"url": "smtp://m.example.com", "tls": "none", "username": "u", "password": "p"}, "in the clear"),
    ({"from": "Plant"}, "no @"),
    ({"from": "a@example.com, b@example.com"}, "no e-mail address"),
    ({"to": ["a@example.com", "b c@example.com"]}, "to: "),
    ({"to": "a@exa_mple.com"}, "host name"),
    ({"to": "a@example.com\r\nBcc: b@example.com"}, "line break"),
    ({"cc": "<a@example.com"}, "cc: "),
    ({"reply_to": "a..b@example.com"}, "reply_to"),
    ({"max_bytes": "ten"}, "size"),
])
def test_check_refuses_what_could_not_work(make_bmad, change, words):
    bmad = make_bmad(channels={"mail": {**OFFLINE, **change}})
    done = bmad.command("check")
    assert done.returncode == 2 and words in done.stderr, done.stderr


def test_international_domains_go_out_in_punycode(make_bmad):
    bmad = make_bmad(**beat({**OFFLINE, "to": "Jürgen <j@bücher.example>"}))
    messages = bmad.once("beat", "--dry-run")["messages"]
    assert messages[0]["to"] == "j@xn--bcher-kva.example"
    assert parse(messages[0]["payload"])["To"] == "Jürgen <j@xn--bcher-kva.example>"


def test_a_redirected_mail_reaches_only_the_other_channels_people(make_bmad):
    with MailServer() as server:
        bmad = make_bmad(jobs={"beat": {"module": "heartbeat", "channels": ["real"]}},
                         channels={"real": {**OFFLINE, "to": "boss@example.com"}, "test": mail_channel(server)},
                         daemon={"redirect_to": "test"})
        bmad.once("beat")
        assert [mail.recipients for mail in server.mails] == [["a@example.com"]]
        assert "boss" not in server.mails[0].bytes.decode()
        assert str(server.mails[0].message["Subject"]).startswith("[redirected: meant for channel real]")


# -- attachments ----------------------------------------------------------------------------------------------


def parcel(channel, **options):
    return dict(jobs={"p": {"module": "parcel", "channels": ["mail"], "options": options}}, channels={"mail": channel})


def files_of(message):
    return [(part.get_filename(), part.get_content_type(), part.get_content_disposition(),
             len(part.get_payload(decode=True))) for part in message.walk() if part.get_content_disposition()]


def test_files_of_a_module_go_with_its_mail(make_bmad):
    with MailServer() as server:
        bmad = make_bmad(**parcel(mail_channel(server), name="Ställen/漢字\r\n.csv", bytes="100k"))
        write_templates(bmad, "parcel", {"report.email.html.mustache":
                                         '<img src="cid:chart">{{#bmad.attachments}}{{name}} {{/bmad.attachments}}'})
        listed = bmad.once("p")["messages"][0]["attachments"]
        message = server.mails[0].message
        shown = bmad.json("outbox", "show", bmad.outbox()[0]["id"])
    assert files_of(message) == [("chart.png", "image/png", "inline", 4),
                                 ("Ställen_漢字 .csv", "text/csv", "attachment", 100_000)]
    assert [file["bytes"] for file in listed] == [100_000, 4]
    assert message.get_content_type() == "multipart/mixed"
    image = next(part for part in message.walk() if part.get_content_type() == "image/png")
    html = message.get_body(("html",)).get_content()
    assert f'src="cid:{image["Content-ID"].strip("<>")}"' in html and "chart.png" in html
    assert sorted(file["name"] for file in shown["attachments"]) == ["Ställen_漢字 .csv", "chart.png"]


def test_attachments_that_are_too_big_are_left_out_and_that_is_said(make_bmad):
    bmad = make_bmad(**parcel({**OFFLINE, "max_bytes": "1M"}, bytes="2M"))
    message = bmad.once("p", "--dry-run")["messages"][0]
    assert message["attachments"] == [] and len(message["payload"]) < 1_000_000
    assert "2 of 2 attachments left out" in parse(message["payload"]).get_body(("plain",)).get_content()


def test_other_channels_leave_attachments_out(make_bmad, receiver):
    bmad = make_bmad(jobs={"p": {"module": "parcel", "channels": ["hook"]}},
                     channels={"hook": {"type": "webhook", "url": receiver.url("/hook")}})
    assert bmad.once("p")["messages"][0]["attachments"] == []


def test_a_recipient_from_data_is_parsed_and_never_pasted(make_bmad):
    with MailServer() as server:
        bmad = make_bmad(**parcel(mail_channel(server, cc="c@example.com"), to="x@example.com>\r\nRCPT TO:<evil@example.com"))
        report = bmad.once("p", status=1)
        assert [m["outcome"] for m in report["messages"]] == ["rejected"]
        assert not server.asked
        bmad = make_bmad(**parcel(mail_channel(server, cc="c@example.com"), to="Zoë <x@example.com>"))
        assert [m["outcome"] for m in bmad.once("p")["messages"]] == ["delivered"]
        assert server.mails[0].recipients == ["x@example.com"]
        assert server.mails[0].message["To"] == "Zoë <x@example.com>" and server.mails[0].message["Cc"] is None


def test_a_secret_in_a_mail_is_shown_in_no_encoding(make_bmad):
    """It goes out as it is, in lines that break it; what is shown has it nowhere."""
    secret = "https://board.example/?sig=" + "Ab3" * 40 + "é"
    with MailServer() as server:
        bmad = make_bmad(**beat(mail_channel(server), vars={"link": "${BOARD}"}))
        write_templates(bmad, "heartbeat", {
            "report.email.html.mustache": '<body>é <a href="{{{bmad.vars.link}}}">board</a></body>'})
        env = {"BOARD": secret}
        report = bmad.once("beat", env=env)
        assert secret in server.mails[0].message.get_body(("html",)).get_content()
        shown = [report["messages"][0]["payload"], bmad.command("render", "beat", "--channel", "mail", env=env).stdout]
        for payload in shown:
            message = parse(payload)
            for kind in ("plain", "html"):
                text = message.get_body((kind,)).get_content()
                assert "***" in text and "Ab3Ab3" not in text
        listed = bmad.json("outbox", "show", report["messages"][0]["id"], env=env)
        assert listed["payload"] == "***" and "Ab3Ab3" not in json.dumps(listed)
