"""Trouble tickets: their values, how they are assessed, and the moves that a status allows."""

import re
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from clearline.errors import IllegalTransition, InvalidInput, Violation
from clearline.events.domain import StatusChanged
from clearline.inventory.domain import ID_MAX, ServiceType
from clearline.text import check_text
from clearline.tickets.contact import Contact, check_contact

TITLE_MAX = 255
DESCRIPTION_MAX = 32_000
REASON_MAX = 1000
MERGES_DEEP = 20
"""How many merges may follow one another from a ticket to the last one."""
TICKET_NUMBER = re.compile("INC[0-9]{12}")


class Status(StrEnum):
    """Where a ticket stands. Each wire shows these in its own words (docs/reference/wires.md)."""

    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in_progress"
    PENDING = "pending"
    """Waits for the customer."""
    HELD = "held"
    """Waits for the provider or a third party."""
    RESOLVED = "resolved"
    REOPENED = "reopened"
    CANCELLATION_REQUESTED = "cancellation_requested"
    CANCELLED = "cancelled"
    CLOSED = "closed"
    REJECTED = "rejected"


ALLOWED: dict[Status, frozenset[Status]] = {
    Status.ACKNOWLEDGED: frozenset(
        {
            Status.IN_PROGRESS,
            Status.PENDING,
            Status.HELD,
            Status.REJECTED,
            Status.CANCELLED,
            Status.CANCELLATION_REQUESTED,
        }
    ),
    Status.IN_PROGRESS: frozenset(
        {Status.PENDING, Status.HELD, Status.RESOLVED, Status.CANCELLED, Status.CANCELLATION_REQUESTED}
    ),
    Status.PENDING: frozenset({Status.IN_PROGRESS, Status.HELD, Status.CANCELLED, Status.CANCELLATION_REQUESTED}),
    Status.HELD: frozenset({Status.IN_PROGRESS, Status.PENDING, Status.CANCELLED, Status.CANCELLATION_REQUESTED}),
    Status.RESOLVED: frozenset({Status.CLOSED, Status.REOPENED}),
    Status.REOPENED: frozenset({Status.IN_PROGRESS}),
    Status.CANCELLATION_REQUESTED: frozenset({Status.CANCELLED}),
    Status.CANCELLED: frozenset(),
    Status.CLOSED: frozenset(),
    Status.REJECTED: frozenset(),
}
"""The moves. TM Forum gives an example and no table (TMF621 v4, 4.1); this one also keeps MEF 124's (table 10)."""

FINISHED = frozenset(status for status, moves in ALLOWED.items() if not moves)
OPEN = frozenset(Status) - FINISHED
TAKES_NOTES = OPEN
"""A note on a ticket that has ended would be read by nobody."""


FOR_CUSTOMERS: dict[Status, frozenset[Status]] = {
    Status.ACKNOWLEDGED: frozenset({Status.CANCELLATION_REQUESTED}),
    Status.IN_PROGRESS: frozenset({Status.CANCELLATION_REQUESTED}),
    Status.PENDING: frozenset({Status.CANCELLATION_REQUESTED}),
    Status.HELD: frozenset({Status.CANCELLATION_REQUESTED}),
    Status.RESOLVED: frozenset({Status.CLOSED, Status.REOPENED}),
}
"""The moves that are the customer's to make: ask for the end, accept the repair, or say that it is none."""


class IssueType(StrEnum):
    """What the customer says is wrong, spelt as the Console Connect API v2 spells it (``issueType``)."""

    APPLICATION = "Application"
    CIRCUIT_DOWN = "Circuit Down"
    CIRCUIT_FLAPPING = "Circuit Flapping"
    CIRCUIT_TAKING_ERRORS = "Circuit taking errors"
    HIGH_LATENCY = "High Latency"
    OPERATIONAL_REQUEST = "Operational Request"
    OTHERS = "Others"
    PACKET_LOSS = "Packet Loss/Drops"
    REQUEST_REASON_OF_OUTAGE = "Request Reason of Outage"
    SLOW_RESPONSE = "Slow Response"
    UNSTABLE = "Unstable"


class Severity(StrEnum):
    """How bad it is for the customer (MEF 124, ``severity``)."""

    MINOR = "minor"
    MODERATE = "moderate"
    SIGNIFICANT = "significant"
    EXTENSIVE = "extensive"


class Priority(StrEnum):
    """How soon the provider works on it."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Impact(StrEnum):
    """What the customer observes (MEF 124, ``observedImpact``)."""

    DEGRADED = "degraded"
    INTERMITTENT = "intermittent"
    DOWN = "down"


class Channel(StrEnum):
    """The way a ticket or note came in."""

    API = "API"
    PHONE = "Phone"
    EMAIL = "Email"
    PORTAL = "Portal"
    CONSOLE = "Console"
    SYSTEM = "System"


class Assessment(Struct, frozen=True):
    """How a new ticket is rated before anybody has looked at it."""

    severity: Severity
    impact: Impact
    priority: Priority


_DOWN = Assessment(Severity.EXTENSIVE, Impact.DOWN, Priority.CRITICAL)
_UNSTEADY = Assessment(Severity.SIGNIFICANT, Impact.INTERMITTENT, Priority.HIGH)
_DEGRADED = Assessment(Severity.MODERATE, Impact.DEGRADED, Priority.MEDIUM)
_QUESTION = Assessment(Severity.MINOR, Impact.DEGRADED, Priority.LOW)

ASSESSMENT: dict[IssueType, Assessment] = {
    IssueType.CIRCUIT_DOWN: _DOWN,
    IssueType.CIRCUIT_FLAPPING: _UNSTEADY,
    IssueType.UNSTABLE: _UNSTEADY,
    IssueType.CIRCUIT_TAKING_ERRORS: _DEGRADED,
    IssueType.HIGH_LATENCY: _DEGRADED,
    IssueType.PACKET_LOSS: _DEGRADED,
    IssueType.SLOW_RESPONSE: _DEGRADED,
    IssueType.APPLICATION: _QUESTION,
    IssueType.OTHERS: _QUESTION,
    IssueType.OPERATIONAL_REQUEST: _QUESTION,
    IssueType.REQUEST_REASON_OF_OUTAGE: _QUESTION,
}


class FaultSymptom(Struct, frozen=True):
    """The reported symptom in three words, from coarse to fine."""

    category: str
    type: str
    item: str


class NewTicket(Struct, frozen=True):
    """What a customer asks for."""

    title: str
    description: str
    issue_type: IssueType
    service_type: ServiceType
    service_id: str
    contact: Contact
    channel: Channel
    asked_severity: Severity | None = None
    asked_priority: Priority | None = None
    tags: tuple[str, ...] = ()
    external_ids: dict[str, str] = {}


class Ticket(Struct, frozen=True):
    """A ticket as it stands. ``version`` counts its changes from 1; times are UTC."""

    company_id: UUID
    number: int
    title: str
    description: str
    issue_type: IssueType
    service_type: ServiceType
    service_id: str
    service_label: str | None
    severity: Severity
    impact: Impact
    priority: Priority
    status: Status
    contact: Contact
    channel: Channel
    created_at: datetime
    updated_at: datetime
    status_changed_at: datetime
    resolved_at: datetime | None
    version: int


def ticket_number(number: int) -> str:
    """How everybody writes a ticket's number: ``INC`` and twelve digits."""
    return f"INC{number:012d}"


def parse_ticket_number(text: str) -> int | None:
    """The number in ``INC`` and twelve ASCII digits, or None for any other text."""
    return int(text[3:]) if TICKET_NUMBER.fullmatch(text) else None


def fault_symptom(issue_type: IssueType, service_type: ServiceType) -> FaultSymptom:
    """The symptom that an issue type means on a kind of service."""
    category = "Non-Console" if service_type is ServiceType.NON_CONSOLE else "Console Connect"
    return FaultSymptom(category, service_type, issue_type)


def check_new_ticket(new: NewTicket) -> NewTicket:
    """The ticket asked for, unchanged, when it breaks no rule.

    Raises:
        InvalidInput: naming every value that is too short, too long or cannot be stored.
    """
    violations: list[Violation] = [
        *check_text("title", new.title, most=TITLE_MAX),
        *check_text("description", new.description, most=DESCRIPTION_MAX),
        *check_text("service.id", new.service_id, most=ID_MAX),
        *check_contact("contact", new.contact),
    ]
    if violations:
        raise InvalidInput(violations)
    return new


def change_status(ticket: Ticket, to: Status, *, reason: str, now: datetime) -> tuple[Ticket, StatusChanged]:
    """The ticket moved to another status, and the event that says so.

    Raises:
        IllegalTransition: the ticket's status does not allow the move.
        InvalidInput: ``reason`` is longer than 1000 characters or cannot be stored.
    """
    if to not in ALLOWED[ticket.status]:
        raise IllegalTransition(ticket.status, to)
    if violations := check_text("reason", reason, least=0, most=REASON_MAX):
        raise InvalidInput(violations)
    resolved_at = ticket.resolved_at
    if to is Status.RESOLVED:
        resolved_at = now
    elif to is Status.REOPENED:
        resolved_at = None
    moved = replace(
        ticket,
        status=to,
        status_changed_at=now,
        updated_at=now,
        resolved_at=resolved_at,
        version=ticket.version + 1,
    )
    return moved, StatusChanged(before=ticket.status, after=to, reason=reason)
