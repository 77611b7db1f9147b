"""The Console Connect wire: bodies to send, bodies to expect, and tickets raised and moved through it."""

from datetime import UTC, datetime
from typing import Any

import httpx

from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import Status, parse_ticket_number
from tests.builders.people import Tenant

Json = dict[str, Any]
PREFIXES = ("/v2", "/api/v2")
TICKETS = "/v2/support-tickets"
JSON = {"Content-Type": "application/json"}


def order(**members: object) -> Json:
    """Return a body that raises a ticket; ``members`` replace the defaults."""
    usual: Json = {
        "name": "Port down",
        "description": "No light since 08:00 UTC",
        "issueType": "Circuit Down",
        "service": {"id": "SVC-1", "type": "Port"},
    }
    return usual | members


def ticket_body(tenant: Tenant, number: str, created: str, **members: object) -> Json:
    """Return the complete ticket that ``order()`` raises; ``members`` replace the defaults."""
    usual: Json = {
        "id": number,
        "name": "Port down",
        "description": "No light since 08:00 UTC",
        "priority": ["Critical"],
        "status": "Acknowledged",
        "ticketType": "Incident",
        "creationDate": created,
        "notes": symptoms("Circuit Down", "Port"),
        "relatedParty": [{"name": tenant.user.name, "phone": tenant.user.phone, "email": tenant.user.email}],
        "relatedEntity": [
            {"name": tenant.company.code, "role": "customerId", "@type": "RelatedEntity", "@referredType": "Profile"}
        ],
        "channel": {"name": "API", "@type": "Customer"},
        "@type": "troubleTicket",
    }
    return usual | members


def symptoms(item: str, kind: str, category: str = "Console Connect") -> list[Json]:
    """Return the fault symptoms, which come first in the notes of a ticket."""
    return [
        {"id": "category", "text": category, "@type": "faultsymptom"},
        {"id": "item", "text": item, "@type": "faultsymptom"},
        {"id": "type", "text": kind, "@type": "faultsymptom"},
    ]


def worklog(number: int, text: str, writer: str = "API-Customer Note") -> Json:
    """Return a note in the format of a ticket."""
    return {"id": writer, "text": text, "@type": "worklog", "worklogId": f"WLG{number:012d}"}


def fault(status: int, message: str) -> Json:
    """Return the body of an error."""
    return {"error": {"statusCode": status, "name": "Error", "message": message}}


def assert_fault(answer: httpx.Response, status: int) -> str:
    """Return the message of an error after a check that the error has its members and no others."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    message = body["error"]["message"]
    assert isinstance(message, str)
    assert body == fault(status, message)
    assert type(body["error"]["statusCode"]) is int
    return message


async def raise_ticket(client: httpx.AsyncClient, tenant: Tenant, **members: object) -> Json:
    """Raise a ticket; return the response body."""
    answer = await client.post(TICKETS, headers=tenant.headers, json=order(**members))
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


def latin(headers: dict[str, str]) -> httpx.Headers:
    """Return headers as bytes, encoded in Latin-1."""
    return httpx.Headers([(name.encode(), value.encode("latin-1")) for name, value in headers.items()])


async def list_all(client: httpx.AsyncClient, tenant: Tenant, status: str = "open") -> list[Json]:
    """Return the first 200 tickets of a company."""
    answer = await client.get(TICKETS, headers=tenant.headers, params={"status": status, "pageSize": 200})
    assert answer.status_code == 200, answer.text
    body: list[Json] = answer.json()
    return body


async def total(client: httpx.AsyncClient, tenant: Tenant) -> int:
    """Return how many open tickets a company has."""
    answer = await client.get(TICKETS, headers=tenant.headers, params={"status": "open", "pageSize": 1})
    return int(answer.headers["x-total-count"])


async def move(database: Database, number: str, *path: Status) -> None:
    """Change the status of a ticket through the given statuses, as the operator."""
    parsed = parse_ticket_number(number)
    assert parsed is not None
    for status in path:
        async with database.transaction() as tx:
            await ticket_changes.move_ticket(tx, OPERATOR, parsed, status, reason="test", now=datetime.now(UTC))


async def close_ticket(database: Database, number: str) -> None:
    """Close an acknowledged ticket through every status in between."""
    await move(database, number, Status.IN_PROGRESS, Status.RESOLVED, Status.CLOSED)
