"""Trouble tickets: their values, the first state of a new ticket, and what may be changed."""

import re
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from clearline.catalogue.assessment import NOTHING_STATED, Assessment, Impact, Priority, Severity, Stated
from clearline.catalogue.published import ServiceType
from clearline.errors import Forbidden, Violation, require_valid
from clearline.identity import PROVIDER_ID, Company, User
from clearline.inventory.domain import ID_MAX
from clearline.reminders.domain import Reminder
from clearline.text import check_text
from clearline.tickets.contact import NOBODY, Contact, People, check_contact
from clearline.tickets.faults.domain import NO_FAULT, Fault, check_fault
from clearline.tickets.label_domain import TAGS_MAX, check_external_ids, check_tags
from clearline.tickets.third_parties.domain import Case, CaseRef

TITLE_MAX = 255
DESCRIPTION_MAX = 32_000
UNKNOWN_SERVICE = "not named"
"""The service id of a ticket that came by mail and names no service."""
MERGE_DEPTH_MAX = 20
"""The longest chain of merges, in merges."""
TICKET_NUMBER = re.compile("INC[0-9]{12}")


class Status(StrEnum):
    """The status of a ticket. Each wire shows these in its own words."""

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


FIRST_STATUS = Status.ACKNOWLEDGED
"""The status of every new ticket; an imported one comes with its own."""


class Channel(StrEnum):
    """The way a ticket or note came in."""

    API = "API"
    PHONE = "Phone"
    EMAIL = "Email"
    PORTAL = "Portal"
    CONSOLE = "Console"
    SYSTEM = "System"
    """Clearline itself: its own notes, and tickets that were imported."""


TICKET_CHANNELS = tuple(channel for channel in Channel if channel is not Channel.SYSTEM)
"""The channels that a new ticket can name."""


class FaultSymptom(Struct, frozen=True):
    """The reported symptom in three words, from coarse to fine."""

    category: str
    type: str
    item: str


class Waiting(Struct, frozen=True, omit_defaults=True):
    """Why a pending or held ticket waits: the key of a reason, a text for the provider's people, who said so, when.

    ``case`` is the case at a third party that it waits for.
    """

    reason: str
    text: str = ""
    by: str = ""
    at: datetime | None = None
    case: CaseRef | None = None


class Closure(Struct, frozen=True, omit_defaults=True):
    """What was found and done: keys of the provider's lists, and texts. Customers see ``resolution`` alone."""

    cause: str | None = None
    action: str | None = None
    responsibility: str | None = None
    fault_found: bool | None = None
    root_cause: str = ""
    resolution: str = ""


class NewTicket(Struct, frozen=True):
    """The values of a new ticket. ``stated`` is the assessment as far as somebody of the provider states it."""

    title: str
    description: str
    issue_type: str
    service_type: str
    service_id: str
    contact: Contact
    channel: Channel
    asked_severity: Severity | None = None
    asked_priority: Priority | None = None
    tags: tuple[str, ...] = ()
    external_ids: dict[str, str] = {}
    occurred_at: datetime | None = None
    fault: Fault = NO_FAULT
    fields: dict[str, Any] = {}
    stated: Stated = NOTHING_STATED


class Ticket(Struct, frozen=True, gc=False):
    """The current state of a ticket. Times are UTC.

    ``severity``, ``impact`` and ``priority`` are the provider's assessment; ``asked_severity`` and ``asked_priority``
    are what the customer requested, from which it may differ (MEF 124 keeps both). ``external_ids`` maps another
    system's name to its number for this ticket. ``fields`` has the values of own fields by their keys, for a customer
    of those that it sees. ``version`` counts the changes from 1 and ``updated_at`` is the time of the last: for a
    customer, of the changes that it can see. ``number`` is 0 until the ticket is stored. ``occurred_at`` is when the
    fault began, ``is_chronic`` whether its service had many tickets in a short time.
    Customers see of ``sub_status``, ``waiting`` and ``closure`` no more than the provider worded for them.
    """

    company_id: UUID
    number: int
    title: str
    description: str
    issue_type: str
    service_type: str
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
    asked_severity: Severity | None = None
    asked_priority: Priority | None = None
    queue_id: UUID | None = None
    assignee_id: UUID | None = None
    tags: tuple[str, ...] = ()
    external_ids: dict[str, str] = {}
    reminder: Reminder | None = None
    occurred_at: datetime | None = None
    fault: Fault = NO_FAULT
    is_chronic: bool = False
    sub_status: str | None = None
    waiting: Waiting | None = None
    closure: Closure | None = None
    fields: dict[str, Any] = {}

    @property
    def reminder_at(self) -> datetime | None:
        """When its reminder is due."""
        return None if self.reminder is None else self.reminder.at


class TicketView(Struct, frozen=True, gc=False):
    """A ticket with the names of what it refers to; ``merged_into`` is a ticket's number.

    ``people`` are those besides its contact; nobody in a list, which does not read them. ``cases`` are those at third
    parties; none in a list, nor for a customer.
    """

    ticket: Ticket
    company: Company
    queue_name: str | None = None
    assignee_name: str | None = None
    merged_into: int | None = None
    people: People = NOBODY
    cases: tuple[Case, ...] = ()


class TicketValues(Struct, frozen=True):
    """The values of a ticket that can be changed, besides its status. Each is a field of ``Ticket``."""

    title: str
    issue_type: str
    severity: Severity
    impact: Impact
    priority: Priority
    contact: Contact
    asked_severity: Severity | None
    asked_priority: Priority | None
    queue_id: UUID | None
    assignee_id: UUID | None
    tags: Annotated[tuple[str, ...], Meta(max_length=TAGS_MAX)]
    external_ids: dict[str, str]
    reminder: Reminder | None
    occurred_at: datetime | None
    fault: Fault
    fields: dict[str, Any]


_values_of = attrgetter(*TicketValues.__struct_fields__)

CUSTOMER_EDITABLE_FIELDS = frozenset(
    {"contact", "asked_severity", "asked_priority", "external_ids", "occurred_at", "fault", "fields"}
)
"""The fields of ``TicketValues`` that customers may change."""


def ticket_number(number: int) -> str:
    """Return a ticket's number as it is written everywhere: ``INC`` and twelve digits."""
    return f"INC{str(number).zfill(12)}"  # a third of the time of a format specification


def parse_ticket_number(text: str) -> int | None:
    """Return the number in ``INC`` and twelve ASCII digits, or None for any other text."""
    return int(text[3:]) if TICKET_NUMBER.fullmatch(text) else None


def fault_symptom(issue_type: str, service_type: str) -> FaultSymptom:
    """Return the symptom of an issue type on a type of service."""
    category = "Non-Console" if service_type == ServiceType.NON_CONSOLE else "Console Connect"
    return FaultSymptom(category, service_type, issue_type)


def check_new_ticket(new: NewTicket) -> NewTicket:
    """Check the values of a new ticket, and return them unchanged.

    Raises:
        InvalidInput: naming every value that is too short, too long or cannot be stored.
    """
    violations: list[Violation] = [
        *check_text("title", new.title, most=TITLE_MAX),
        *check_text("description", new.description, most=DESCRIPTION_MAX),
        *check_text("service.id", new.service_id, most=ID_MAX),
        *check_contact("contact", new.contact),
        *check_fault(new.fault),
    ]
    require_valid(violations)
    return new


def first_state(company_id: UUID, new: NewTicket, assessment: Assessment, *, now: datetime) -> Ticket:
    """Return the first state of a company's new ticket: acknowledged, with the assessment of its issue type.

    Its number and the label of its service are not known before it is stored.
    """
    return Ticket(
        company_id=company_id,
        number=0,
        title=new.title,
        description=new.description,
        issue_type=new.issue_type,
        service_type=new.service_type,
        service_id=new.service_id,
        service_label=None,
        severity=assessment.severity,
        impact=assessment.impact,
        priority=assessment.priority,
        status=FIRST_STATUS,
        contact=new.contact,
        channel=new.channel,
        created_at=now,
        updated_at=now,
        status_changed_at=now,
        resolved_at=None,
        version=1,
        asked_severity=new.asked_severity,
        asked_priority=new.asked_priority,
        tags=new.tags,
        external_ids=new.external_ids,
        occurred_at=new.occurred_at,
        fault=new.fault,
        fields=new.fields,
    )


def values_of(ticket: Ticket) -> TicketValues:
    """Return the values that a change of the ticket starts from."""
    return TicketValues(*_values_of(ticket))


def check_customer_fields(names: Iterable[str]) -> None:
    """Refuse fields that customers may not change.

    Raises:
        Forbidden: naming them.
    """
    if others := sorted(set(names) - CUSTOMER_EDITABLE_FIELDS):
        raise Forbidden("only the provider's people may set " + ", ".join(others))


def can_be_assigned(user: User) -> bool:
    """Return whether a ticket can be assigned to the user: an active agent or admin of the provider."""
    return user.company_id == PROVIDER_ID and user.is_active and user.role.works_tickets


def check_values(values: TicketValues) -> list[Violation]:
    """Return the rules that changed values break."""
    return [
        *check_text("title", values.title, most=TITLE_MAX),
        *check_contact("contact", values.contact),
        *check_tags(values.tags),
        *check_external_ids(values.external_ids),
        *check_fault(values.fault),
    ]
