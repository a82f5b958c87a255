# SPDX-License-Identifier: MIT
"""The other sides of a dispatch monitor, over real HTTP: the vendor, the tickets, the gateway of texts, a chat.

    with Vendor() as vendor:
        vendor.lit.append(lit_row("DIS1", "600001"))
        vendor.ticket("600001", requested("DIS1"))
        bmad.once("lit", "--at", ...)
        assert vendor.wire() == ["note 600001 confirmed", "text 12025550111 confirmed", ...]

One server plays all of them. What is posted to a ticket is on the ticket when it is read next. Faults are put
into `faults`: a path's beginning to what happens to its next requests.
"""
import base64
import collections
import itertools
import json
import re
import urllib.parse
from xml.sax.saxutils import escape

from receiver import Receiver, Status

ENGINE = "#*Automation Engine*#"
REQUESTED = "Dispatch Management - Dispatch Requested"
CONFIRMED = "Dispatch Management - Dispatch Confirmed"
CANCEL_REQUESTED = "Dispatch Management - Dispatch Cancel Requested"
CANCELLED = "Dispatch Management - Dispatch Cancelled"
ON_SITE = "Dispatch Management - Field Engineer On Site"
CHANGED = "The Field Engineer assigned to this dispatch has changed"
NOTES = {
    "confirmed_sms_client": "Dispatch confirmation SMS sent to",
    "confirmed_sms_tech": "Dispatch confirmation SMS tech sent to",
    "reminder_12h_client": "Dispatch 12h prior reminder SMS",
    "reminder_12h_tech": "Dispatch 12h prior reminder tech SMS",
    "reminder_2h_client": "Dispatch 2h prior reminder SMS",
    "reminder_2h_tech": "Dispatch 2h prior reminder tech SMS",
    "confirmed": CONFIRMED,
    "tech_changed": CHANGED,
    "on_site": ON_SITE,
    "cancelled": CANCELLED,
    "cancel_requested": CANCEL_REQUESTED,
    "requested": REQUESTED,
}
# A text is what the first of these is that it holds.
TEXT_WORDS = ("12-hour", "2-hour", "changed", "assigned", "arrived", "confirmed")

LIST = "/services/apexrest/GetOpenDispatchList"
QUERY = "/services/data/v42.0/query/"
SOAP = "/services/Soap/u/42.0"
OAUTH = "/services/oauth2/token"
TOKEN = "/identity/connect/token"
SMS = "/sms"
CHAT = "/chat"


# -- rows ----------------------------------------------------------------------------------------------------


def lit_row(number, ticket, **fields):
    """A confirmed dispatch of LIT that starts at 2024-07-09T15:00:00Z."""
    return {
        "Dispatch_Number": number,
        "MetTel_Bruin_TicketID": ticket,
        "Dispatch_Status": "Request Confirmed",
        "Date_of_Dispatch": "2024-07-09",
        "Hard_Time_of_Dispatch_Local": "9AM-11AM",
        "Hard_Time_of_Dispatch_Time_Zone_Local": "Mountain Time",
        "Tech_First_Name": "Sam Probe",
        "Tech_Mobile_Number": "+1 (720) 555-0161",
        "Job_Site_Contact_Name_and_Phone_Number": "Kim Example 720-555-0111",
        "Tech_Arrived_On_Site": False,
        "Time_of_Check_In": None,
        "Job_Site": "Corner Bakery",
        "Job_Site_Street": "7 Test Road",
        **fields,
    }


def description(reference="IGZ_01", contact="(720) 555-0112"):
    return ("Onsite Contact: Kim Example\r\n\r\nContact #: " + contact + "\r\n\r\nPhone: (404) 555-0190\r\n\r\n"
            "IGZ Dispatch Number: " + reference)


def cts_row(number, ticket, **fields):
    """A confirmed dispatch of CTS that starts at 2024-07-09T15:00:00Z."""
    return {
        "attributes": {"type": "Service__c"},
        "Name": number,
        "Ext_Ref_Num__c": ticket,
        "Status__c": "Scheduled",
        "Description__c": description(),
        "Local_Site_Time__c": "2024-07-09T15:00:00.000+0000",
        "API_Resource_Name__c": "Sam Probe",
        "Resource_Phone_Number__c": "720 555 0162",
        "Check_In_Date__c": None,
        "Lookup_Location_Owner__c": "Corner Bakery",
        "Street__c": "7 Test Road",
        **fields,
    }


def note(reference, text):
    return f"{ENGINE} {reference}\n{text}"


def requested(reference):
    return note(reference, REQUESTED)


def confirmed(reference, name="Sam Probe"):
    return note(reference, f"{CONFIRMED}\nStart: then\n\nField Engineer\n{name}\n720")


def told(reference, *kinds):
    """Notes of texts that went out."""
    return [note(reference, f"{NOTES[kind]} sent to +1") for kind in kinds]


# -- the server ----------------------------------------------------------------------------------------------


class Vendor(Receiver):
    """Sessions end after `session_uses` uses; `page` is how many records a page of CTS has."""

    def __init__(self, **options):
        super().__init__(**options)
        self.lit, self.cts = [], []
        self.tickets = collections.defaultdict(list)
        self.faults = {}
        self.texts, self.posted = [], []
        self.lit_status = "Success"
        self.page = 2000
        self.login = None  # an answer in place of a session
        self.sessions, self.tokens = set(), set()
        self.numbers = itertools.count(1)
        self.hold_notes = False  # what is posted does not show
        self.delay = 0.0
        self.slow_call = 0

    def ticket(self, number, *texts):
        for text in texts:
            at = len(self.tickets[number])
            self.tickets[number].append({"noteValue": text, "createdDate": f"2024-06-{1 + at // 24:02}T{at % 24:02}:00:00-04:00"})

    def fault(self, path, *behaviours):
        """What happens to the next requests whose path begins with PATH; None: nothing."""
        self.faults[path] = collections.deque(behaviours)

    def delay_at(self, call):
        """The CALL-th note or text from the beginning is done at once, and answered after a long while."""
        self.slow_call = call

    def record(self, request):
        with self.changed:
            self.requests.append(request)
            self.changed.notify_all()
            if self.is_wire(request) and self.slow_call == sum(map(self.is_wire, self.requests)):
                behaviour = self.answer(request)
                behaviour.delay = 10.0
                return behaviour
            for path, behaviours in self.faults.items():
                if behaviours and request.path.startswith(path):
                    behaviour = behaviours.popleft()
                    if behaviour:
                        return behaviour
            return self.answer(request)

    def answer(self, request):
        for pattern, handler in (
            (SOAP, self.soap), (OAUTH, self.oauth), (LIST, self.list), (QUERY + "(?:next)?", self.query),
            (r"/services/apexrest/GetDispatch/(.+)", self.one), (TOKEN, self.token),
            (r"/api/Ticket/([^/]+)/details", self.details), (r"/api/Ticket/([^/]+)/notes", self.append),
            (SMS, self.text), (CHAT, lambda r: Status(200, body=b"ok")),
        ):
            found = re.fullmatch(pattern, request.path)
            if found:
                return handler(request, *[urllib.parse.unquote(group) for group in found.groups()])
        return Status(404)

    def json(self, value, status=200):
        return Status(status, body=json.dumps(value), delay=self.delay)

    # -- the vendor

    def new_session(self):
        session = f"session-{next(self.numbers)}"
        self.sessions = {session}
        return session

    def soap(self, request):
        if self.login:
            return self.login
        session = self.new_session() + "!<&>"
        self.sessions = {session}
        server = self.url("/services/Soap/u/42.0/00D").replace("localhost", "local-apihost").replace("://127.0.0.1", "://127.0.0.1-api")
        return Status(200, {"Content-Type": "text/xml"}, (
            '<?xml version="1.0"?><soapenv:Envelope><soapenv:Body><loginResponse><result>'
            f"<serverUrl>{server}</serverUrl><sessionId>{escape(session)}</sessionId>"
            "</result></loginResponse></soapenv:Body></soapenv:Envelope>"))

    def oauth(self, request):
        return self.login or self.json({"access_token": self.new_session(), "instance_url": self.url().rstrip("/")})

    def refused(self, request):
        if request.headers.get("authorization", "").removeprefix("Bearer ") in self.sessions:
            return None
        return self.json([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}], 401)

    def list(self, request):
        return self.refused(request) or self.json({"Status": self.lit_status, "Message": "a message", "DispatchList": self.lit})

    def one(self, request, number):
        rows = [row for row in self.lit if row["Dispatch_Number"] == number]
        return self.refused(request) or self.json({"Status": "Success" if rows else "error", "Dispatch": rows[0] if rows else None})

    def query(self, request):
        fields = urllib.parse.parse_qs(urllib.parse.urlsplit(request.target).query)
        named = re.search(r"WHERE Name = '(.*)'", fields.get("q", [""])[0])
        rows = [row for row in self.cts if not named or row["Name"] == named.group(1)]
        first = int(fields.get("from", ["0"])[0])
        done = first + self.page >= len(rows)
        page = {"totalSize": len(rows), "done": done, "records": rows[first : first + self.page]}
        if not done:
            page["nextRecordsUrl"] = f"{QUERY}next?from={first + self.page}"
        return self.refused(request) or self.json(page)

    # -- tickets

    def token(self, request):
        token = f"token-{next(self.numbers)}"
        self.tokens.add(token)
        return self.json({"access_token": token})

    def knows(self, request):
        return request.headers.get("authorization", "").removeprefix("Bearer ") in self.tokens

    def details(self, request, number):
        if not self.knows(request):
            return Status(401)
        return self.json({"ticketDetails": [], "ticketNotes": self.tickets.get(number)})

    def append(self, request, number):
        if not self.knows(request):
            return Status(401)
        text = request.json()["note"]
        self.posted.append((number, text))
        if not self.hold_notes:
            self.tickets[number].append({"noteValue": text, "createdDate": f"2024-07-0{1 + len(self.posted) // 60 % 8}"
                                                                           f"T00:{len(self.posted) % 60:02}:00Z"})
        return self.json({})

    # -- texts

    def text(self, request):
        fields = {key: values[0] for key, values in urllib.parse.parse_qs(request.body.decode()).items()}
        self.texts.append((fields["To"], fields["Body"]))
        return Status(200, body=b"queued, thank you")

    # -- what was seen

    @staticmethod
    def is_wire(request):
        return request.path == SMS or request.path.endswith("/notes")

    def all_texts(self):
        """Numbers of all requests that came to the gateway, whatever became of them."""
        return [urllib.parse.parse_qs(request.body.decode())["To"][0] for request in self.of(SMS)]

    def wire(self, since=0):
        """The requests that matter, in order: `note TICKET KIND`, `text NUMBER WORD`."""
        seen = []
        for request in self.requests[since:]:
            found = re.fullmatch(r"/api/Ticket/(\d+)/notes", request.path)
            if found:
                seen.append(f"note {found.group(1)} {note_kind(request.json()['note'])}")
            elif request.path == SMS:
                fields = urllib.parse.parse_qs(request.body.decode())
                seen.append(f"text {fields['To'][0]} {text_word(fields['Body'][0])}")
        return seen

    def chats(self):
        return [request.json()["text"] for request in self.of(CHAT)]

    def events(self):
        """The event words of the chat, in the order in which they came."""
        return [line.split()[2].rstrip(":") for line in self.chats()]

    def reads(self):
        """How often each ticket was read."""
        return collections.Counter(found.group(1) for request in self.requests
                                   if (found := re.fullmatch(r"/api/Ticket/(\d+)/details", request.path)))


def note_kind(text):
    return next((kind for kind, mark in NOTES.items() if mark in text), "?")


def text_word(text):
    return next((word for word in TEXT_WORDS if word in text.lower()), "?")


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
