"""The floor: the least code that does the same SQL with the same durability, and answers the same bodies.

Plain ASGI, asyncpg, dictionaries. No keys, no validation, no limits, no request ids, no log, no ETag. It runs the
statements of the stores themselves, so what Clearline takes longer is what Clearline adds. The company
comes in a header. Started by load.py: ``uvicorn bench.floor:app`` with FLOOR_DATABASE_URL.
"""

import os
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from clearline.tickets import list_store, note_store
from clearline.tickets import store as ticket_store
from clearline.tickets.columns import AFTER_TICKET, COLUMNS

decode, encode = msgspec.json.decode, msgspec.json.encode
PUBLIC = ["public"]
OPEN = ["acknowledged", "in_progress", "pending", "held", "resolved", "reopened", "cancellation_requested"]
HEADERS = [(b"content-type", b"application/json")]
pool: Any = None

NAMES = [column.name for column in COLUMNS]
INSERTED = [column.name for column in ticket_store.INSERTED]
COMPANY_ID = NAMES.index("company_id")
NUMBER = NAMES.index("number")
TITLE = NAMES.index("title")
DESCRIPTION = NAMES.index("description")
ISSUE = NAMES.index("issue_type")
SERVICE_TYPE = NAMES.index("service_type")
SERVICE_ID = NAMES.index("service_id")
LABEL = NAMES.index("service_label")
SEVERITY = NAMES.index("severity")
IMPACT = NAMES.index("impact")
PRIORITY = NAMES.index("priority")
STATUS = NAMES.index("status")
NAME = NAMES.index("contact_name")
PHONE = NAMES.index("contact_phone")
EMAIL = NAMES.index("contact_email")
CHANNEL = NAMES.index("channel")
CREATED = NAMES.index("created_at")
UPDATED = NAMES.index("updated_at")
CHANGED = NAMES.index("status_changed_at")
RESOLVED = NAMES.index("resolved_at")
VERSION = NAMES.index("version")
ASKED_SEVERITY = NAMES.index("asked_severity")
ASKED_PRIORITY = NAMES.index("asked_priority")
EXTERNAL_IDS = NAMES.index("external_ids")


def notes_in(row: Any) -> Any:
    return decode(found) if (found := row[AFTER_TICKET]) else []


def ticket_body(row: Any, found: list[Any]) -> dict[str, Any]:
    return {
        "id": f"INC{row[NUMBER]:012d}",
        "name": row[TITLE],
        "description": row[DESCRIPTION],
        "priority": [row[PRIORITY].title()],
        "status": row[STATUS].replace("_", " ").title(),
        "ticketType": "Incident",
        "creationDate": row[CREATED].isoformat(timespec="milliseconds")[:23] + "+0000",
        "notes": [
            {"id": "category", "text": "Console Connect", "@type": "faultsymptom"},
            {"id": "item", "text": row[ISSUE], "@type": "faultsymptom"},
            {"id": "type", "text": row[SERVICE_TYPE], "@type": "faultsymptom"},
            *(
                {
                    "id": f"{n[4]}-Support Note",
                    "text": n[1],
                    "@type": "worklog",
                    "worklogId": f"WLG{n[0]:012d}",
                }
                for n in found
            ),
        ],
        "relatedParty": [{"name": row[NAME], "phone": row[PHONE], "email": row[EMAIL]}],
        "relatedEntity": [
            {"name": "BEN001", "role": "customerId", "@type": "RelatedEntity", "@referredType": "Profile"}
        ],
        "channel": {"name": row[CHANNEL], "@type": "Customer"},
        "@type": "troubleTicket",
    }


async def list_tickets(company: UUID, query: bytes) -> bytes:
    size = int(query.rpartition(b"=")[2])
    rows = await pool.fetch(list_store.PAGE, company, True, size, 0, PUBLIC, 2000)
    return encode([ticket_body(row, notes_in(row)) for row in rows])


async def read_ticket(company: UUID, number: int) -> bytes:
    row = await pool.fetchrow(ticket_store.GET, company, number, PUBLIC)
    return encode(ticket_body(row, notes_in(row)))


async def create_ticket(company: UUID, body: Any) -> bytes:
    now = datetime.now(UTC)
    service, contact = body["service"], body["customerContact"]
    values = {
        "company_id": company, "title": body["name"], "description": body["description"],
        "issue_type": body["issueType"], "service_type": service["type"], "service_id": service["id"],
        "severity": "moderate", "impact": "degraded", "priority": "medium", "status": "acknowledged",
        "contact_name": contact["name"], "contact_phone": contact["phone"], "contact_email": contact["email"],
        "channel": "API", "created_at": now, "updated_at": now, "status_changed_at": now, "resolved_at": None,
        "asked_severity": None, "asked_priority": None, "queue_id": None, "assignee_id": None, "tags": [],
        "external_ids": "{}", "occurred_at": None, "fault": None,
    }  # fmt: skip
    row = await pool.fetchrow(
        ticket_store.INSERT, *[values.get(name) for name in INSERTED], now, "ticket.created",
        '{"status":"acknowledged","priority":"medium","channel":"API"}', None, "Bo Bench",
    )  # fmt: skip
    values["number"], values["service_label"] = row
    return encode(ticket_body([values.get(name) for name in NAMES], []))


async def add_note(company: UUID, number: int, body: Any) -> bytes:
    row = await pool.fetchrow(
        note_store.INSERT, company, number, datetime.now(UTC), OPEN, body["noteText"], "public", "buyer", "API",
        "Bo Bench", None, "note.added", '{"visibility":"public","source":"buyer"}', ["pending", "resolved"],
        ["in_progress", "reopened"], "ticket.status_changed",
        ['{"before":"pending","after":"in_progress","reason":"the customer answered"}',
         '{"before":"resolved","after":"reopened","reason":"the customer answered"}'],
        None, None, 1000, PUBLIC,
    )  # fmt: skip
    added = [row["added"], body["noteText"], None, None, "API"]
    return encode(ticket_body(row, [*(notes_in(row)), added]))


def house_body(row: Any) -> dict[str, Any]:
    return {
        "number": f"INC{row[NUMBER]:012d}",
        "company": {"id": str(row[COMPANY_ID]), "name": row[AFTER_TICKET], "code": row[AFTER_TICKET + 1]},
        "title": row[TITLE],
        "status": row[STATUS],
        "issue_type": row[ISSUE],
        "service": {"id": row[SERVICE_ID], "type": row[SERVICE_TYPE], "label": row[LABEL]},
        "severity": row[SEVERITY],
        "impact": row[IMPACT],
        "priority": row[PRIORITY],
        "asked": {"severity": row[ASKED_SEVERITY], "priority": row[ASKED_PRIORITY]},
        "contact": {"name": row[NAME], "phone": row[PHONE], "email": row[EMAIL]},
        "channel": row[CHANNEL],
        "external_ids": decode(row[EXTERNAL_IDS]) if row[EXTERNAL_IDS] else {},
        "merged_into": None,
        "created_at": row[CREATED],
        "updated_at": row[UPDATED],
        "status_changed_at": row[CHANGED],
        "resolved_at": row[RESOLVED],
        "version": row[VERSION],
    }


async def read_house(company: UUID, number: int) -> bytes:
    row = await pool.fetchrow(ticket_store.GET_VIEW[False], company, number)
    return encode({**house_body(row), "description": row[DESCRIPTION]})


async def list_house(company: UUID, query: bytes) -> bytes:
    size = int(query.rpartition(b"=")[2])
    rows = await pool.fetch(
        list_store.LISTS[("company_id",), "open", list_store.BOUNDS[size > 50], True, False], size + 1, 10**12, company
    )
    return encode({"data": [house_body(row) for row in rows[:size]], "has_more": True, "next_cursor": "next"})


async def app(scope: Any, receive: Any, send: Any) -> None:
    global pool  # noqa: PLW0603
    if scope["type"] == "lifespan":
        await receive()
        pool = await asyncpg.create_pool(os.environ["FLOOR_DATABASE_URL"], min_size=1, max_size=20, reset=keep)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await pool.close()
        await send({"type": "lifespan.shutdown.complete"})
        return
    company = next(UUID(value.decode()) for name, value in scope["headers"] if name == b"x-company")
    path = scope["path"]
    if path.startswith("/api/v1/"):
        tail = path[len("/api/v1/tickets") :]
        answer = await (read_house(company, int(tail[4:])) if tail else list_house(company, scope["query_string"]))
    elif scope["method"] == "GET":
        tail = path[len("/v2/support-tickets") :]
        answer = await (read_ticket(company, int(tail[4:])) if tail else list_tickets(company, scope["query_string"]))
    else:
        body = decode((await receive())["body"])
        if path.endswith("/addNote"):
            answer = await add_note(company, int(path[-20:-8]), body)
        else:
            answer = await create_ticket(company, body)
    await send({"type": "http.response.start", "status": 200, "headers": [*HEADERS, length(answer)]})
    await send({"type": "http.response.body", "body": answer})


def length(body: bytes) -> tuple[bytes, bytes]:
    return b"content-length", b"%d" % len(body)


async def keep(_connection: Any) -> None:
    """Skip the reset of a returned connection, as Clearline does."""
