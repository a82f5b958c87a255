# SPDX-License-Identifier: MIT
"""Both dispatch monitors in a bmad of their own, and dispatches for them to find."""
import datetime

import pytest

from vendor import CHAT, SMS, Vendor, cts_row, description, lit_row, requested

START = datetime.datetime(2024, 7, 9, 15, 0, 0, tzinfo=datetime.timezone.utc)
CLIENT, TECH = "17205550111", "17205550161"
CTS_CLIENT, CTS_TECH = "17205550112", "17205550162"
SMS_NOTES = ("confirmed_sms_client", "confirmed_sms_tech")
TWELVE = ("reminder_12h_client", "reminder_12h_tech")
TWO = ("reminder_2h_client", "reminder_2h_tech")
ALL_NOTES = SMS_NOTES + TWELVE + TWO


def before(**ahead):
    """The instant so long before the start, as --at takes it."""
    return (START - datetime.timedelta(**ahead)).strftime("%Y-%m-%dT%H:%M:%SZ")


FAR = before(days=2)


@pytest.fixture
def vendor():
    with Vendor() as server:
        yield server


def apis(vendor, auth="soap", **salesforce):
    base = vendor.url().rstrip("/")
    return {
        "salesforce": {"type": "salesforce", "login_base": base, "auth": auth, "username": "us", "password": "pa<ss&word",
                       "security_token": "TOKEN7", "client_id": "app", "client_secret": "app-secret", "login_wait": "20ms",
                       "retry_wait": "20ms", "request_timeout": "5s", **salesforce},
        "bruin": {"type": "bruin", "base_url": base, "login_url": base, "client_id": "us", "client_secret": "bruin-secret",
                  "retry_wait": "20ms", "request_timeout": "3s"},
    }


def channels(vendor, **sms):
    return {
        "notes": {"type": "bruin_note", "api": "bruin", "in_flight": 1, "timeout": "1s"},
        "texts": {"type": "sms", "url": vendor.url(SMS), "account_sid": "AC1", "auth_token": "sms-secret", "from": "+12025550100",
                  "to_format": "digits", "rate": "100/s", "timeout": "1s", "retry": {"initial": "20ms", "max": "50ms"}, **sms},
        "ops": {"type": "slack", "url": vendor.url(CHAT), "rate": "1000/s"},
    }


OPTIONS = {"vendor": "salesforce", "notes": "notes", "sms": "texts", "chat": ["ops"], "operator": "Example Operations"}


@pytest.fixture
def monitors(make_bmad, vendor):
    """A bmad with both monitors, that run by hand."""

    def make(auth="soap", sms=None, options=None, salesforce=None, **sections):
        jobs = {name: {"module": f"dispatch_{name}", "schedule": "0 0 1 1 *", "run_at_start": False,
                       "options": {**OPTIONS, **(options or {})}} for name in ("lit", "cts")}
        return make_bmad(apis=apis(vendor, auth, **(salesforce or {})), channels=channels(vendor, **(sms or {})), jobs=jobs, **sections)

    return make


def cycle(bmad, job="lit", at=FAR, status=0, *args):
    return bmad.once(job, "--at", at, *args, status=status)


def lit(vendor, *notes, number="DIS1", ticket="600001", **fields):
    """One dispatch of LIT that was asked for, with these notes besides."""
    vendor.lit.append(lit_row(number, ticket, **fields))
    vendor.ticket(ticket, requested(number), *notes)


def cts(vendor, *notes, number="S-1", ticket="700001", reference="IGZ_01", **fields):
    vendor.cts.append(cts_row(number, ticket, **{"Description__c": description(reference), **fields}))
    vendor.ticket(ticket, requested(reference), *notes)
