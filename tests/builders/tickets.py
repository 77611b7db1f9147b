"""Tickets that are created and changed through the use cases, and their events."""

import json
from typing import Any

from clearline.catalogue.published import IssueType, ServiceType
from clearline.events import store as event_store
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Tx
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from clearline.tickets.contact import Contact
from clearline.tickets.domain import Channel, NewTicket, Status
from tests.builders.people import NOW, Tenant

CONTACT = Contact("Ada Okoro", "+1-555-0199", "ada@example.com")
STEPS = {
    Status.ACKNOWLEDGED: (),
    Status.IN_PROGRESS: (Status.IN_PROGRESS,),
    Status.PENDING: (Status.PENDING,),
    Status.HELD: (Status.HELD,),
    Status.RESOLVED: (Status.IN_PROGRESS, Status.RESOLVED),
    Status.REOPENED: (Status.IN_PROGRESS, Status.RESOLVED, Status.REOPENED),
    Status.CANCELLATION_REQUESTED: (Status.CANCELLATION_REQUESTED,),
    Status.CANCELLED: (Status.CANCELLED,),
    Status.CLOSED: (Status.IN_PROGRESS, Status.RESOLVED, Status.CLOSED),
    Status.REJECTED: (Status.REJECTED,),
}
"""The moves that bring a new ticket to each status."""


def a_new_ticket(title: str = "Port is slow") -> NewTicket:
    """Return the values of a new ticket."""
    return NewTicket(
        title, "Slow since 08:00 UTC", IssueType.SLOW_RESPONSE, ServiceType.PORT, "SVC-1", CONTACT, Channel.API
    )


async def raised(tx: Tx, tenant: Tenant, title: str = "Port is slow", *, status: Status = Status.ACKNOWLEDGED) -> int:
    """Raise a ticket, set its status, and return its number."""
    number = (await tickets.create_ticket(tx, tenant.actor, a_new_ticket(title), now=NOW)).ticket.number
    for step in STEPS[status]:
        await ticket_changes.move_ticket(tx, OPERATOR, number, step, reason="test", now=NOW)
    return number


async def later_events(tx: Tx, number: int) -> list[tuple[str, dict[str, Any]]]:
    """Return the type and the data of each event of a ticket after the one that raised it, oldest first."""
    company_id = await tx.fetchval("select company_id from ticket where number = $1", number)
    events = await event_store.of_ticket(tx, company_id, number, after=0, limit=1000)
    return [(event.type, event.data) for event in events[1:]]


def imported(code: str, /, **changes: Any) -> dict[str, Any]:
    """Return the members of a ticket in a file for an import."""
    return {
        "company": code,
        "title": "Port down",
        "description": "No light",
        "issue_type": "Circuit Down",
        "service": {"id": "SVC-1", "type": "Port"},
        "contact": {"name": "Ada", "email": "ada@example.com"},
        "created_at": "2025-01-31T10:00:00Z",
        **changes,
    }


def import_line(tenant: Tenant, **changes: Any) -> str:
    """Return a line of a file for ``ticket import``."""
    return json.dumps(imported(tenant.company.code, **changes)) + "\n"
