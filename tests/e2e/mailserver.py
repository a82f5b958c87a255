# SPDX-License-Identifier: MIT
"""A real SMTP server (aiosmtpd) for tests, with faults on demand at each stage of the conversation.

    with MailServer() as server:
        server.script("RCPT", "450 4.2.0 greylisted", OK)
        ... send to server.url() ...
        server.wait(1)
        assert server.mails[0].message["Subject"] == "hello"

Stages: CONNECT (the greeting), EHLO, AUTH, MAIL, RCPT, DATA (the word), DOT (the message's end), QUIT. What
a stage answers is a list, one for each time; the last one stays: OK, a reply, CUT (the connection is
dropped without a word) or SILENCE.
"""
import asyncio
import collections
import email
import email.policy
import threading
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, syntax

OK, CUT, SILENCE = "OK", "CUT", "SILENCE"


class Mail:
    """A message that was taken, with its envelope."""

    def __init__(self, session, envelope, tls):
        self.sender = envelope.mail_from
        self.recipients = list(envelope.rcpt_tos)
        self.bytes = envelope.original_content
        self.message = email.message_from_bytes(self.bytes, policy=email.policy.default)
        self.host_name = session.host_name  # said at EHLO
        self.tls = tls
        self.login = getattr(session.auth_data, "login", b"").decode() if session.auth_data else None
        self.time = time.monotonic()


class Protocol(SMTP):
    """aiosmtpd with the stages that it has no hooks for."""

    def __init__(self, server, *args, **kwargs):
        self.owner = server
        super().__init__(server, *args, **kwargs)

    async def push(self, status):
        text = status.decode() if isinstance(status, bytes) else status
        if text.startswith("220 ") and "SMTP" in text.upper() and not self.owner.greeted(self):
            answer = await self.owner.act("CONNECT", self)
            self.owner.sessions.add(self)
            if answer is None:
                return
            if answer != OK:
                status = answer
        await super().push(status)

    async def on_stage(self, stage):
        """False: answered, or nothing more to say."""
        answer = await self.owner.act(stage, self)
        if answer is None:
            return False
        if answer != OK:
            await self.push(answer)
            return False
        return True

    async def smtp_EHLO(self, hostname):
        if await self.on_stage("EHLO"):
            await super().smtp_EHLO(hostname)

    @syntax("AUTH <mechanism>")
    async def smtp_AUTH(self, arg):
        if await self.on_stage("AUTH"):
            await super().smtp_AUTH(arg)

    async def smtp_MAIL(self, arg):
        if await self.on_stage("MAIL"):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg):
        self.owner.asked.append(arg)
        if await self.on_stage("RCPT"):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg):
        if await self.on_stage("DATA"):
            await super().smtp_DATA(arg)

    async def smtp_QUIT(self, arg):
        if await self.on_stage("QUIT"):
            self.owner.quits += 1
            await super().smtp_QUIT(arg)


class MailServer:
    """USERS: {name: password} that may log in. TLS: a context; IMPLICIT: from the start, else STARTTLS."""

    def __init__(self, tls=None, implicit=False, users=None, require_auth=False, size=33554432):
        self.mails = []
        self.asked = []  # arguments of RCPT
        self.quits = 0
        self.logins = []
        self.sessions = set()
        self.changed = threading.Condition()
        self.scripts = collections.defaultdict(lambda: collections.deque([OK]))
        self.tls = tls
        self.implicit = implicit
        self.users = users or {}
        options = {"decode_data": False, "data_size_limit": size, "hostname": "mail.test"}
        if tls and not implicit:
            options["tls_context"] = tls
        if self.users:
            options.update(authenticator=self.authenticate, auth_required=require_auth, auth_require_tls=not implicit)
        owner = self

        class Own(Controller):
            def factory(self):
                return Protocol(owner, **options)

        self.controller = Own(self, hostname="127.0.0.1", port=0, ssl_context=tls if implicit else None,
                              ready_timeout=20)

    def __enter__(self):
        # The controller proves itself by connecting, which a scripted greeting would spoil: begin without it.
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.run, daemon=True)
        started = threading.Event()
        self.loop.call_soon(started.set)
        self.server = None
        self.thread.start()
        started.wait(5)
        future = asyncio.run_coroutine_threadsafe(self.listen(), self.loop)
        self.port = future.result(10)
        return self

    def run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    async def listen(self):
        self.server = await self.loop.create_server(self.controller.factory, "127.0.0.1", 0,
                                                    ssl=self.tls if self.implicit else None)
        return self.server.sockets[0].getsockname()[1]

    def __exit__(self, *_):
        def stop():
            self.server.close()
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.call_later(0.05, self.loop.stop)

        self.loop.call_soon_threadsafe(stop)
        self.thread.join(5)

    def url(self, host="127.0.0.1"):
        return f"{'smtps' if self.implicit else 'smtp'}://{host}:{self.port}"

    def script(self, stage, *answers):
        self.scripts[stage] = collections.deque(answers)

    def greeted(self, protocol):
        return protocol in self.sessions

    async def act(self, stage, protocol):
        """The reply to be given, OK to go on, None when there is nothing to say any more."""
        script = self.scripts[stage]
        answer = script.popleft() if len(script) > 1 else script[0]
        if answer == CUT:
            protocol.transport.abort()
            return None
        if answer == SILENCE:
            await asyncio.sleep(60)
            return None
        return answer

    def authenticate(self, server, session, envelope, mechanism, auth_data):
        login, password = auth_data.login.decode(), auth_data.password.decode()
        self.logins.append((mechanism, login, self.implicit or session.ssl is not None))
        good = self.users.get(login) == password
        return AuthResult(success=good, handled=good, auth_data=auth_data)

    async def handle_DATA(self, server, session, envelope):
        answer = await self.act("DOT", server)
        if answer != OK:
            return answer or "451 cut"
        with self.changed:
            self.mails.append(Mail(session, envelope, self.implicit or self.implicit or session.ssl is not None))
            self.changed.notify_all()
        return "250 2.0.0 queued"

    def wait(self, count, timeout=20.0):
        with self.changed:
            return self.changed.wait_for(lambda: len(self.mails) >= count, timeout)
