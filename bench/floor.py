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

from clearline.tickets import desk_store, list_store, note_store
from clearline.tickets import store as ticket_store

decode, encode = msgspec.json.decode, msgspec.json.encode
PUBLIC = ["public"]
OPEN = ["acknowledged", "in_progress", "pending", "held", "resolved", "reopened", "cancellation_requested"]
HEADERS = [(b"content-type", b"application/json")]
pool: Any = None


def ticket_body(row: Any, found: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": f"INC{row[1]:012d}",
        "name": row[2],
        "description": row[3],
        "priority": [row[10].title()],
        "status": row[11].replace("_", " ").title(),
        "ticketType": "Incident",
        "creationDate": row[16].isoformat(timespec="milliseconds")[:23] + "+0000",
        "notes": [
            {"id": "category", "text": "Console Connect", "@type": "faultsymptom"},
            {"id": "item", "text": row[4], "@type": "faultsymptom"},
            {"id": "type", "text": row[5], "@type": "faultsymptom"},
            *(
                {
                    "id": f"{n['channel']}-Support Note",
                    "text": n["text"],
                    "@type": "worklog",
                    "worklogId": f"WLG{n['number']:012d}",
                }
                for n in found
            ),
        ],
        "relatedParty": [{"name": row[12], "phone": row[13], "email": row[14]}],
        "relatedEntity": [
            {"name": "BEN001", "role": "customerId", "@type": "RelatedEntity", "@referredType": "Profile"}
        ],
        "channel": {"name": row[15], "@type": "Customer"},
        "@type": "troubleTicket",
    }


async def list_tickets(company: UUID, query: bytes) -> bytes:
    size = int(query.rpartition(b"=")[2])
    rows = await pool.fetch(ticket_store.PAGE, company, True, size, 0, PUBLIC)
    return encode([ticket_body(row, decode(row[21]) if row[21] else []) for row in rows])


async def read_ticket(company: UUID, number: int) -> bytes:
    row = await pool.fetchrow(ticket_store.GET, company, number, PUBLIC)
    return encode(ticket_body(row, decode(row[21]) if row[21] else []))


async def create_ticket(company: UUID, body: Any) -> bytes:
    now = datetime.now(UTC)
    service, contact = body["service"], body["customerContact"]
    row = await pool.fetchrow(
        ticket_store.INSERT, company, now, body["name"], body["description"], body["issueType"], service["type"],
        service["id"], "moderate", "degraded", "medium", "acknowledged", contact["name"], contact["phone"],
        contact["email"], "API", False, None, "ticket.created", "Bo Bench",
        '{"status":"acknowledged","priority":"medium","channel":"API"}', None, None, [], "{}",
    )  # fmt: skip
    stored = [
        company, row[0], body["name"], body["description"], body["issueType"], service["type"], service["id"], row[1],
        "moderate", "degraded", "medium", "acknowledged", contact["name"], contact["phone"], contact["email"], "API",
        now,
    ]  # fmt: skip
    return encode(ticket_body(stored, []))


async def add_note(company: UUID, number: int, body: Any) -> bytes:
    row = await pool.fetchrow(
        note_store.INSERT, company, number, datetime.now(UTC), OPEN, body["noteText"], "public", "buyer", "API",
        "Bo Bench", None, "note.added", '{"visibility":"public","source":"buyer"}', True, "ticket.status_changed",
        '{"before":"pending","after":"in_progress","reason":"the customer answered"}',
        PUBLIC,
    )  # fmt: skip
    added = {"channel": "API", "text": body["noteText"], "number": row[23]}
    return encode(ticket_body(row, [*(decode(row[22]) if row[22] else []), added]))


def house_body(row: Any) -> dict[str, Any]:
    return {
        "number": f"INC{row[1]:012d}",
        "company": {"id": str(row[0]), "name": row[27], "code": row[28]},
        "title": row[2],
        "status": row[11],
        "issue_type": row[4],
        "service": {"id": row[6], "type": row[5], "label": row[7]},
        "severity": row[8],
        "impact": row[9],
        "priority": row[10],
        "asked": {"severity": row[21], "priority": row[22]},
        "contact": {"name": row[12], "phone": row[13], "email": row[14]},
        "channel": row[15],
        "external_ids": decode(row[26]),
        "merged_into": None,
        "created_at": row[16],
        "updated_at": row[17],
        "status_changed_at": row[18],
        "resolved_at": row[19],
        "version": row[20],
    }


async def read_house(company: UUID, number: int) -> bytes:
    row = await pool.fetchrow(desk_store.GET, company, number)
    return encode({**house_body(row), "description": row[3]})


async def list_house(company: UUID, query: bytes) -> bytes:
    size = int(query.rpartition(b"=")[2])
    rows = await pool.fetch(
        list_store.LISTS["company", "open", True], company, None, None, list_store.END, False, None, None, size + 1
    )
    return encode({"data": [house_body(row) for row in rows[:size]], "has_more": True, "next_cursor": "next"})


async def app(scope: Any, receive: Any, send: Any) -> None:
    global pool  # noqa: PLW0603
    if scope["type"] == "lifespan":
        await receive()
        pool = await asyncpg.create_pool(os.environ["FLOOR_DATABASE_URL"], min_size=1, max_size=10, reset=keep)
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
