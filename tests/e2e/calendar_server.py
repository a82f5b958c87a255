# SPDX-License-Identifier: MIT
"""A Google calendar for tests, over real HTTP: it signs in, pages, keeps ids of what was deleted, and fails as told.

    with CalendarServer() as google:
        google.fault(3, "lost")         # the third call to the calendar is done, its answer never sent
        ... run ...
        assert google.shown() == {...}  # day to title of what people see

Requests that the published description of the API does not allow (parameters, members and types of events, the
alphabet of ids) are answered 400 and kept in `mistakes`.
"""
import base64
import datetime
import http.server
import json
import re
import threading
import time
import urllib.parse
import zoneinfo

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

SCOPE = "https://www.googleapis.com/auth/calendar.events"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)  # once: it takes a while

QUERY = {
    "list": {"maxResults", "orderBy", "pageToken", "privateExtendedProperty", "q", "showDeleted", "singleEvents",
             "syncToken", "timeMax", "timeMin", "timeZone", "updatedMin"},
    "insert": {"conferenceDataVersion", "maxAttendees", "sendUpdates", "supportsAttachments"},
    "get": {"maxAttendees", "timeZone"},
    "patch": {"conferenceDataVersion", "maxAttendees", "sendUpdates", "supportsAttachments"},
    "delete": {"sendUpdates"},
}
EVENT = {"id": str, "summary": str, "description": str, "location": str, "status": str, "transparency": str,
         "start": dict, "end": dict, "extendedProperties": dict, "attendees": list, "recurrence": list}
MOMENT = {"date", "dateTime", "timeZone"}


def decode(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class Refusal(Exception):
    def __init__(self, status, reason="", **headers):
        super().__init__(status, reason)
        self.status, self.reason, self.headers = status, reason, headers


class Lost(Exception):
    """The connection ends without an answer."""


class CalendarServer:
    email = "rota@project.iam.gserviceaccount.com"
    calendar = "team+support/1@group.calendar.google.com"  # all of it must be percent-encoded

    def __init__(self, zone="UTC", page=2500):
        self.zone = zoneinfo.ZoneInfo(zone)
        self.page = page
        self.description = None
        self.role = "writer"
        self.events = {}  # id to event; deleted ones are cancelled
        self.revive = True  # cancelled events may be brought back
        self.tokens = {}  # token to its end
        self.life = 3600
        self.calls = []  # (verb, id or None), of the calendar
        self.times = []
        self.sign_ins = 0
        self.faults = {}  # number of the call, from 1, to what happens
        self.mistakes = []
        self.on_call = None  # called with the number before it is answered
        self.lock = threading.RLock()
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30

            def log_message(self, *_):
                pass

            def handle_any(self):
                server.handle(self)

            do_GET = do_POST = do_PATCH = do_DELETE = handle_any

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True

    def __enter__(self):
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.http.server_address[1]}"

    # -- for tests

    def key_file(self, folder):
        path = folder / "key.json"
        pem = KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption()).decode()
        path.write_text(json.dumps({"type": "service_account", "client_email": self.email, "private_key": pem,
                                    "private_key_id": "key-1", "token_uri": self.url + "/token"}))
        path.chmod(0o600)
        return str(path)

    def api(self, folder, **keys):
        return {"type": "google_calendar", "base_url": self.url + "/calendar/v3", "token_url": self.url + "/token",
                "key_file": self.key_file(folder), "retry_wait": "10ms", "pace": "1ms", **keys}

    def fault(self, number, what):
        """WHAT: "lost" (done, but not answered), "cut" (not done), or a Refusal."""
        self.faults[len(self.calls) + number] = what

    def add(self, key, day, title="theirs", **members):
        start = datetime.date.fromisoformat(day)
        self.events[key] = {"id": key, "status": "confirmed", "summary": title, "start": {"date": day},
                            "end": {"date": (start + datetime.timedelta(days=1)).isoformat()}, **members}

    def shown(self):
        """What people see: (day, title), sorted."""
        return sorted((event["start"].get("date") or event["start"]["dateTime"][:10], event.get("summary", ""))
                      for event in self.events.values() if event["status"] != "cancelled")

    def changes(self):
        return [call for call in self.calls if call[0] not in ("list", "get")]

    # -- HTTP

    def handle(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        try:
            with self.lock:
                status, answer, headers = self.answer(handler, body)
        except Lost:
            handler.close_connection = True
            return
        data = b"" if answer is None else json.dumps(answer).encode()
        try:
            handler.send_response(status)
            for name, value in {"Content-Length": str(len(data)), "Content-Type": "application/json", **headers}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(data)
        except OSError:
            pass

    def answer(self, handler, body):
        target = urllib.parse.urlsplit(handler.path)
        try:
            if target.path == "/token":
                return 200, self.sign_in(body), {}
            return self.call(handler, target, body)
        except Refusal as refusal:
            error = {"error": {"code": refusal.status, "message": "refused", "errors": [{"reason": refusal.reason}]}}
            if target.path == "/token":
                error = {"error": refusal.reason, "error_description": "Token has been expired or revoked."}
            return refusal.status, error, refusal.headers

    def mistake(self, text):
        self.mistakes.append(text)
        raise Refusal(400, text)

    # -- signing in

    def sign_in(self, body):
        form = dict(urllib.parse.parse_qsl(body.decode(), strict_parsing=True))
        if form.get("grant_type") == GRANT:
            self.check_assertion(form["assertion"])
        elif form != {"grant_type": "refresh_token", "client_id": "client", "client_secret": "s3cret",
                      "refresh_token": "refresh/1"}:
            raise Refusal(400, "invalid_grant")
        self.sign_ins += 1
        token = f"token-{self.sign_ins}"
        self.tokens[token] = time.monotonic() + self.life
        return {"access_token": token, "expires_in": 3600, "token_type": "Bearer"}

    def check_assertion(self, assertion):
        header, claims, signature = assertion.split(".")
        KEY.public_key().verify(decode(signature), f"{header}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
        claims = json.loads(decode(claims))
        if json.loads(decode(header)) != {"alg": "RS256", "typ": "JWT", "kid": "key-1"}:
            self.mistake("header")
        if set(claims) != {"iss", "scope", "aud", "iat", "exp"} or claims["iss"] != self.email or \
                claims["scope"] != SCOPE or claims["aud"] != self.url + "/token" or \
                abs(claims["iat"] - time.time()) > 60 or not 0 < claims["exp"] - claims["iat"] <= 3600:
            self.mistake(f"claims {claims}")

    # -- the calendar

    def call(self, handler, target, body):
        prefix = f"/calendar/v3/calendars/{urllib.parse.quote(self.calendar, safe='')}/events"
        kind = {"GET": "list", "POST": "insert", "PATCH": "patch", "DELETE": "delete"}[handler.command]
        found = re.fullmatch(re.escape(prefix) + r"(?:/([^/]+))?", target.path)
        if not found or ("\n" in (key := urllib.parse.unquote(found.group(1) or ""))):
            raise Refusal(404, "notFound")
        if key and kind == "list":
            kind = "get"
        if self.tokens.get(handler.headers.get("Authorization", "").removeprefix("Bearer "), 0) < time.monotonic():
            raise Refusal(401, "authError")
        query = dict(urllib.parse.parse_qsl(target.query, keep_blank_values=True, strict_parsing=bool(target.query)))
        self.calls.append((kind, key or None))
        self.times.append(time.monotonic())
        if self.on_call:
            self.on_call(len(self.calls))
        fault = self.faults.get(len(self.calls))
        if isinstance(fault, Refusal):
            raise fault
        if fault == "cut":
            raise Lost
        if unknown := set(query) - QUERY[kind]:
            self.mistake(f"{kind} has no parameter {unknown}")
        if kind not in ("list", "get") and query.get("sendUpdates") != "none":
            self.mistake("somebody would get a mail")
        answer = getattr(self, kind)(key, query, self.check_event(body) if body else None)
        if fault == "lost":
            raise Lost
        return (204 if answer is None else 200), answer, {}

    def check_event(self, body):
        event = json.loads(body)
        for name, value in event.items():
            if not isinstance(value, EVENT.get(name, ())):
                self.mistake(f"an event has no {name} of that type")
        for name in ("start", "end"):
            if set(event.get(name, {})) - MOMENT:
                self.mistake(f"{name} {event[name]}")
        if not re.fullmatch("[a-v0-9]{5,1024}", event.get("id", "aaaaa")):
            self.mistake(f"id {event['id']}")
        if event.get("status", "confirmed") not in ("confirmed", "tentative", "cancelled"):
            self.mistake("status")
        return event

    def end_of(self, event):
        end = event["end"]
        if "date" in end:
            return datetime.datetime.combine(datetime.date.fromisoformat(end["date"]), datetime.time(), self.zone)
        return datetime.datetime.fromisoformat(end["dateTime"])

    def list(self, _key, query, _body):
        after = datetime.datetime.fromisoformat(query["timeMin"])
        if after.tzinfo is None:
            self.mistake("timeMin without an offset")
        shown = [event for event in self.events.values() if event["status"] != "cancelled" and self.end_of(event) > after]
        first = int(query.get("pageToken", "0").removeprefix("page "))
        last = first + min(self.page, int(query["maxResults"]))
        answer = {"kind": "calendar#events", "timeZone": str(self.zone), "summary": "Team", "accessRole": self.role,
                  "items": shown[first:last]}
        if self.description is not None:
            answer["description"] = self.description
        if last < len(shown):
            answer["nextPageToken"] = f"page {last}"
        return answer

    def insert(self, _key, _query, event):
        if event["id"] in self.events:
            raise Refusal(409, "duplicate")
        self.events[event["id"]] = {"status": "confirmed", **event}
        return self.events[event["id"]]

    def get(self, key, _query, _body):
        if key not in self.events:
            raise Refusal(404, "notFound")
        return self.events[key]

    def patch(self, key, _query, changes):
        event = self.get(key, None, None)
        if event["status"] == "cancelled" and not self.revive:
            raise Refusal(403, "forbidden")
        for name, value in changes.items():
            if isinstance(value, dict):
                merged = {**event.get(name, {}), **value}
                event[name] = {key: part for key, part in merged.items() if part is not None}
            else:
                event[name] = value
        return event

    def delete(self, key, _query, _body):
        event = self.get(key, None, None)
        if event["status"] == "cancelled":
            raise Refusal(410, "deleted")
        event["status"] = "cancelled"
