"""When a service is chronic, and the tickets that make it so."""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from clearline.tickets.domain import UNKNOWN_SERVICE, Status, Ticket, ticket_number

READ_MAX = 200
"""The most tickets of a service that are looked at, the newest."""
UNCOUNTED = (Status.CANCELLED, Status.REJECTED)
"""The statuses of tickets that were no faults. One that was merged is not counted either: its target is; nor is one
whose type of issue is no fault."""


class ChronicRule(Struct, frozen=True):
    """A service with this many tickets within these days is chronic; with 0 tickets none ever is."""

    tickets: int
    days: int

    def since(self, until: datetime) -> datetime:
        """Return where the days begin that end at a time."""
        return until - timedelta(days=self.days)


class ServiceTicket(Struct, frozen=True):
    """A ticket of a service, as far as it counts."""

    number: int
    title: str
    status: Status
    created_at: datetime
    is_open: bool
    is_chronic: bool
    queue_id: UUID | None


class CountedTickets(Struct, frozen=True):
    """How many tickets make a service chronic, and those of them that an actor may see, oldest first."""

    count: int = 0
    visible: list[ServiceTicket] = []


class ChronicService(Struct, frozen=True):
    """What the event says about a service that became chronic. Its ``id`` is unique within its company only."""

    company_id: UUID
    id: str
    name: str
    tickets: tuple[str, ...]
    days: int


def can_be_chronic(service_id: str) -> bool:
    """Return whether tickets with this id are about one service: not those that name none."""
    return service_id != UNKNOWN_SERVICE


def chronic_service(ticket: Ticket, counted: list[ServiceTicket], rule: ChronicRule) -> ChronicService:
    """Return the service of a ticket that became chronic by it, and the tickets that were counted, oldest first."""
    numbers = tuple(ticket_number(each.number) for each in counted)
    name = ticket.service_label or ticket.service_id
    return ChronicService(ticket.company_id, ticket.service_id, name, numbers, rule.days)
