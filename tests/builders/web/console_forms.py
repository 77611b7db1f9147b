"""The pages and forms of the console, with the fields of each form.

A new form needs an entry in ``FORMS``, or a test fails.
"""

from typing import NamedTuple

import httpx

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import ticket_number
from clearline.web.console.pages import PAGES as CONSOLE_PAGES
from clearline.web.sign_in.session_pages import SESSION_PAGES
from clearline.web.visit import Page as Entry
from tests.builders.people import Tenant, new_tenant
from tests.builders.tickets import raised
from tests.builders.web.pages import Person, person

TITLE = "zq8onlyofa port is slow"
PAGES = (*CONSOLE_PAGES, *SESSION_PAGES)
NO_ID = "5f0c9a56-2c1e-4d59-9d0e-0f5a3c1b7e42"
FORMS: dict[str, dict[str, str]] = {
    "addFile": {},
    "dropFile": {"drop": NO_ID, "text": "From the console", "visibility": "public", "once": "a key of this form"},
    "changeCopies": {"cc": "noc@example.org", "text": "Hi", "visibility": "public", "once": "a key of this form"},
    "applyMacro": {"once": "a key of this form"},
    "addLink": {"type": "related", "ticket": "{other}"},
    "beginSecondFactor": {},
    "chooseColumns": {"column": "number"},
    "changeSelected": {"ticket": "{number}", "priority": "critical"},
    "changeAssignment": {},
    "changeNotifications": {"digest": "daily"},
    "createOwnKey": {"name": "From the console", "scopes": "tickets:read", "once": "a key of this form"},
    "revokeOwnKey": {},
    "changePassword": {"current": "wrong", "password": "wrong"},
    "confirmIdentity": {"password": "wrong"},
    "confirmSecondFactor": {"code": "000000"},
    "changeView": {"name": "From the console", "query": "status:open"},
    "saveView": {"name": "From the console", "query": "status:open"},
    "takeBack": {"once": "a key of this form"},
    "saveDraft": {"text": "From the console", "visibility": "public", "once": "a key of this form"},
    "discardDraft": {"visibility": "public", "writer": "a key of this form"},
    "createTicket": {
        "once": "of-the-doors", "company": "{company}", "service": "SVC-1", "title": "From the console",
        "description": "From the console", "issue_type": "Others", "name": "Ada Okoro", "email": "ada@example.com",
    },
    "endOtherSessions": {},
    "endSession": {"session": NO_ID},
    "addCase": {"party": "Fernhill", "number": "FH-1", "once": "a key of this form"},
    "changeCase": {"party": "Fernhill", "number": "FH-2"},
    "closeCase": {},
    "removeCase": {},
    "addPerson": {"role": "cc", "email": "noc@example.org", "name": "", "phone": ""},
    "removePerson": {"person": "1"},
    "addWatcher": {"watcher": NO_ID},
    "removeWatcher": {"watcher": NO_ID},
    "merge": {"into": "{other}", "once": "a key of this form"},
    "undoAssignment": {},
    "undoSelected": {"change": NO_ID},
    "unmerge": {},
    "changeFields": {"fields.circuit_ref.shown": "1", "fields.circuit_ref": "BIR-1"},
    "changeFault": {"occurred_at": "2026-03-01T02:00", "testing_consent": "yes"},
    "split": {"title": "Another", "description": "Slow, too", "once": "a key of this form"},
    "redact": {"text": "slow", "reason": "A key", "confirm": "yes", "once": "a key of this form"},
    "removeLink": {"link": NO_ID},
    "removeSecondFactor": {},
    "reportPresence": {"activity": "viewing", "tab": "a1"},
    "renewRecoveryCodes": {},
    "sendMessage": {"text": "From the console", "visibility": "public", "once": "a key of this form"},
    "changeSelf": {"name": "Ada Okoro", "phone": "+1-555-0142"},
    "setLanguage": {"language": "de"},
    "applyTicketMatrix": {},
    "setAssignee": {"assignee": ""},
    "setIssue": {"issue": "Unstable"},
    "setPriority": {"priority": "critical"},
    "setQueue": {"queue": ""},
    "setReminder": {"reminder": "tomorrow 08:00", "reminder_reason": "Call"},
    "changeStatus": {"status": "held", "waiting_reason": "third_party", "waiting_text": "The carrier splices"},
    "setStatus": {"status": "in_progress"},
    "setTags": {"tags": "optics"},
    "setTheme": {"theme": "dark"},
    "signOff": {"note": "From the console", "once": "a key of this form"},
    "signOut": {},
}  # fmt: skip
OWN = {
    "createOwnKey", "revokeOwnKey",
    "beginSecondFactor", "changePassword", "changeSelf", "chooseColumns", "confirmIdentity",
    "confirmSecondFactor",
    "endOtherSessions", "endSession", "removeSecondFactor", "renewRecoveryCodes", "reportPresence", "setLanguage",
    "setTheme", "signOut",
}  # fmt: skip
"""Forms that change only the browser, the sessions, the password, the second factor, the presence, the language or the
lists of the person."""


class Desk(NamedTuple):
    """A ticket of a company, another one, and an agent."""

    tenant: Tenant
    number: str
    other: str
    agent: Person

    def path(self, entry: Entry) -> str:
        """Return the path of a page with ids of this desk."""
        values = {
            "number": self.number,
            "id": NO_ID,
            "file": NO_ID,
            "macro": NO_ID,
            "message": NO_ID,
            "note": "1",
            "view": "open",
        }
        return entry.path.format(**values)

    def form(self, entry: Entry) -> dict[str, str]:
        """Return the fields of a form that is accepted."""
        known = {"other": self.other, "number": self.number, "company": self.tenant.company.id}
        return {name: value.format(**known) for name, value in FORMS[entry.name].items()}


async def new_desk(client: httpx.AsyncClient, database: Database) -> Desk:
    """Add a company with two tickets, and an admin."""
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        number, other = await raised(tx, tenant, TITLE), await raised(tx, tenant, TITLE)
    return Desk(tenant, ticket_number(number), ticket_number(other), await person(client, database, Role.ADMIN))


def named(entry: Entry) -> str:
    return entry.name


READS = [entry for entry in PAGES if entry.method == "GET"]
WRITES = [entry for entry in PAGES if entry.method == "POST"]


async def ask(desk: Desk, who: Person, entry: Entry) -> httpx.Response:
    if entry.method == "GET":
        return await who.get(desk.path(entry))
    if entry.is_upload:
        return await who.upload(desk.path(entry), "a.txt", b"From the console")
    return await who.post(desk.path(entry), **desk.form(entry))
