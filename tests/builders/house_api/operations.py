"""The operations of the house API, with a request of each.

A new operation with a path parameter, a body or a query must have an entry here, or a test fails.
"""

import json
from typing import Any

import httpx

from clearline.wires.house.routes import OPERATIONS
from clearline.wires.http.table import Operation
from tests.builders.house import MARKER, NOBODY, SHARED, Owned

Json = dict[str, Any]
API = "/api/v1"
TICKETS = f"{API}/tickets"
SERVICE = f"{MARKER}-service"
NO_TICKET = "INC999999999999"
TITLE: Json = {"title": "From B", "description": "From B"}
NEW_TICKET: Json = {**TITLE, "issue_type": "Others", "service": {"id": "X", "type": "Non-Console Service"}}
RULE: Json = {"name": "From B", "queue": NOBODY}

# A body for each operation that accepts one. Names in braces are replaced by ids of the company that sends the request.
BODIES: dict[str, Json | bytes] = {
    "activateCompany": {},
    "addAttachment": b"From B",
    "addHandover": {"note": "From B"},
    "addErasure": {"address": "from-b@example.org", "reason": "From B", "dry_run": True},
    "addCase": {"party": "From B"},
    "addLink": {"type": "related", "ticket": "{other}"},
    "addMailSuppression": {"address": "from-b@example.org"},
    "addMailbox": {"address": "from-b@example.org"},
    "addRedaction": {"target": "description", "text": "From B", "reason": "A key"},
    "addTicketTemplate": {"name": "From B", "title": "From B", "service_type": "Port"},
    "changeTicketTemplate": {"title": "From B"},
    "addMacro": {"name": "From B", "text": "Hello"},
    "addNote": {"text": "From B"},
    "addView": {"name": "From B", "query": "status:open"},
    "addWatcher": {"user": "me"},
    "assignTicket": {"to": "me"},
    "bulkTickets": {"tickets": ["{number}"], "action": {"type": "note", "text": "From B"}},
    "cancelJob": {},
    "changeBranding": {"footer": "From B"},
    "setLogo": b"From B",
    "changeCase": {"notes": "From B"},
    "changeCompany": {"name": "From B"},
    "changeCompanyNotifications": {"mails_contacts": False},
    "changeMailTemplate": {"subject": "From B"},
    "changeMailbox": {"name": "From B"},
    "checkMailbox": {},
    "changeIssueType": {"name": "From B"},
    "changeMacro": {"name": "From B"},
    "changeMe": {"language": "de"},
    "changeMyNotifications": {"digest": "hourly"},
    "changeQueue": {"name": "From B"},
    "changeRoutingRule": {"name": "From B"},
    "changeService": {"label": "From B"},
    "changeServiceType": {"name": "From B"},
    "changeSubscription": {"description": "From B"},
    "changeTeam": {"name": "From B"},
    "changeTier": {"label": "From B"},
    "changeTicket": {"external_ids": {"b": "From B"}},
    "changeUser": {"name": "From B"},
    "changeUserNotifications": {"digest": "hourly"},
    "changeView": {"name": "From B, changed"},
    "createCompany": {"name": "From B", "code": "FROMB"},
    "createIssueType": {"name": "From B"},
    "createKey": {"user_id": "{user}", "name": "From B", "scopes": ["tickets:read"]},
    "createMailDomain": {"name": "from-b.example.org"},
    "createQueue": {"name": "From B"},
    "createRoutingRule": RULE,
    "createService": {"id": "From B", "type": "Port", "label": "From B"},
    "createServiceType": {"name": "From B"},
    "createSubscription": {"url": "https://hooks.example.org/b", "is_active": False},
    "createTeam": {"name": "From B"},
    "createTier": {"key": "from_b", "label": "From B"},
    "createTicket": NEW_TICKET,
    "addField": {"record": "ticket", "key": "from_b", "label": "From B", "type": "text"},
    "changeField": {"label": "From B"},
    "setFormDefinition": {"fields": [{"name": "title"}, {"name": "description"}]},
    "createUser": {"name": "From B", "email": "from-b@example.org"},
    "deactivateCompany": {},
    "decideAddressClaim": {"decision": "confirm"},
    "discardInboundMail": {},
    "importServices": {"services": [{"id": "From B", "type": "Port", "label": "From B"}]},
    "importTickets": b"",
    "inviteUser": {},
    "mergeTicket": {"into": "{other}"},
    "moveTicket": {"status": "cancellation_requested"},
    "orderRoutingRules": {"ids": []},
    "previewPriorityMatrix": {},
    "replacePriorityMatrix": {"cells": [{"impact": "down", "priority": "critical"}]},
    "restoreField": {},
    "retryOutboundMail": {},
    "pingSubscription": {},
    "previewMailTemplate": {},
    "previewRedaction": {"target": "description", "text": "From B"},
    "replayDelivery": {},
    "rotateSubscriptionSecret": {},
    "replayDeliveries": {"since": "2026-01-01T00:00:00Z", "until": "2027-01-01T00:00:00Z"},
    "releaseInboundMail": {"company": "From B"},
    "routeTicket": {},
    "setAvailability": {"available": True},
    "splitTicket": TITLE,
    "tagTicket": {"add": ["b"]},
    "addTerm": {"kind": "fault_cause", "key": "from_b", "label": "From B"},
    "changeTerm": {"label": "From B"},
    "testMail": {"recipient": "from-b@example.org"},
    "testMailTemplate": {},
    "testRoutingRules": {"title": "From B"},
    "unmergeTicket": {},
    "useMacro": {"macro": NOBODY},
    "verifyMailDomain": {},
}
DESKS_OWN = (
    "address-conflicts",
    "cases",
    "form-definitions",
    "handovers",
    "macros",
    "mailboxes",
    "inbound-mails",
    "queues",
    "routing-rules",
    "teams",
    "outbound-mails",
    "mail-suppressions",
    "mail-opt-outs",
    "mail-templates",
    "feedback",
    "redactions",
    "erasures",
    "terms",
    "tiers",
)
"""Kinds of things that only the provider's people may read."""
ALL_COMPANIES = ("fields", "forms")
"""Kinds of things that are the same for all companies, as far as customers see them."""


def with_id() -> list[Operation]:
    return [operation for operation in OPERATIONS if operation.path_parameters]


def not_shared() -> list[Operation]:
    """Return the operations with an id, except those that read what every customer may."""
    shared = tuple(f"{API}/{kind}/" for kind in SHARED)
    return [each for each in with_id() if not (each.method == "GET" and each.path.startswith(shared))]


def without_id() -> list[Operation]:
    return [operation for operation in OPERATIONS if not operation.path_parameters]


def nested() -> list[Operation]:
    return [operation for operation in OPERATIONS if len(operation.path_parameters) > 1]


def named(operation: Operation) -> str:
    return operation.name


def filled(value: Any, owner: Owned) -> Any:
    text = json.dumps(value)
    for name, kind in (("{number}", "tickets"), ("{other}", "other"), ("{user}", "users")):
        text = text.replace(name, owner.ids[kind])
    return json.loads(text)


async def ask(
    client: httpx.AsyncClient, operation: Operation, path: str, owner: Owned, body: Any = None
) -> httpx.Response:
    """Send the request of an operation with If-Match: *, and with the given body or the operation's own."""
    headers = {**owner.headers, "X-Request-Id": "same", "If-Match": "*"}
    body = body if body is not None else BODIES.get(operation.name)
    if operation.stage is not None:
        assert isinstance(body, bytes), f"BODIES needs bytes for {operation.name}"
        return await client.request(
            operation.method, path, headers={**headers, "content-type": operation.media[0]}, content=body
        )
    if operation.body is None:
        return await client.request(operation.method, path, headers=headers)
    assert isinstance(body, dict), f"BODIES needs a body for {operation.name}"
    return await client.request(operation.method, path, headers=headers, json=filled(body, owner))


def without(answer: httpx.Response, owner: Owned) -> tuple[int, str, list[str]]:
    """Return a response with the requested ids replaced, so that two can be compared."""
    text = answer.text
    for value in sorted(set(owner.ids.values()), key=len, reverse=True):
        text = text.replace(value, "ID")
    return answer.status_code, text, sorted(answer.headers)


FOREIGN_BODIES: list[tuple[str, Json]] = [
    ("addLink", {"type": "related", "ticket": "{foreign}"}),
    ("mergeTicket", {"into": "{foreign}"}),
    ("addWatcher", {"user": "{person}"}),
    ("createKey", {"user_id": "{person}", "name": "From B", "scopes": ["tickets:read"]}),
    ("createTicket", {**NEW_TICKET, "company": "{company}"}),
    ("createTicket", {**NEW_TICKET, "service": {"id": SERVICE, "type": "Port"}}),
]
