"""Raise, read, list and move tickets."""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.errors import Forbidden, InvalidInput, NotFound, Violation
from clearline.events import store as event_store
from clearline.events.domain import StatusChanged
from clearline.events.event_types import Audience, visible_data
from clearline.events.store import Event
from clearline.identity import ALL_SCOPES, PROVIDER_ID, Actor, Role, Scope
from clearline.inventory import store as service_store
from clearline.inventory.domain import ServiceType
from clearline.platform.database.transactions import Tx
from clearline.text import is_blank
from clearline.tickets import access
from clearline.tickets import store as ticket_store
from clearline.tickets.domain import (
    ASSESSMENT,
    FOR_CUSTOMERS,
    OPEN,
    NewTicket,
    Status,
    Ticket,
    change_status,
    check_new_ticket,
    ticket_number,
)
from clearline.tickets.handling import check_external_ids, check_tags, tidy_tags
from clearline.tickets.note import Note

CLOSER = Actor(Role.OPERATOR, "Clearline", scopes=ALL_SCOPES)
"""In whose name the desk itself acts."""
_READ_AT_ONCE = 200


class TicketDetails(Struct, frozen=True):
    """A ticket with the notes that its reader may see, oldest first."""

    ticket: Ticket
    notes: list[Note]


class TicketList(Struct, frozen=True):
    """One page of tickets, and how many there are in all."""

    total: int
    tickets: list[TicketDetails]


async def create_ticket(
    tx: Tx, actor: Actor, new: NewTicket, *, company_id: UUID | None = None, now: datetime
) -> TicketDetails:
    """Raise a ticket for the actor's company; the provider's people name the company on whose behalf they do.

    One write, so ``tx`` may be a single-statement transaction.

    Raises:
        InvalidInput: values break a rule, the company is the provider, or has no such service.
        Forbidden: the actor belongs to no company and names none, a customer sets tags, or its key may not write.
        NotFound: a customer names another company.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    if company_id is None or not actor.is_staff:
        own = permissions.own_company(actor).id
        if company_id not in {None, own}:
            raise NotFound("company", str(company_id))
        company_id = own
    if company_id == PROVIDER_ID:
        raise InvalidInput([Violation("company", "must be a customer")])
    check_new_ticket(new)
    if new.tags or new.external_ids:
        new = _marked(actor, new)
    ticket = await ticket_store.insert(tx, actor, company_id, new, ASSESSMENT[new.issue_type], now=now)
    if ticket is None:
        raise InvalidInput(await check_service(tx, company_id, new.service_id, new.service_type))
    return TicketDetails(ticket, [])


def _marked(actor: Actor, new: NewTicket) -> NewTicket:
    """A new ticket that comes with tags or numbers of other systems, its tags tidied."""
    if new.tags and not actor.is_staff:
        raise Forbidden("only the provider's people may set tags")
    new = replace(new, tags=tidy_tags(new.tags))
    if violations := [*check_tags(new.tags), *check_external_ids(new.external_ids)]:
        raise InvalidInput(violations)
    return new


async def check_service(tx: Tx, company_id: UUID, service_id: str, kind: ServiceType) -> list[Violation]:
    """What is wrong with the service that a ticket names: it is not in the inventory, or of another type."""
    if kind is ServiceType.NON_CONSOLE:
        return []
    service = await service_store.find(tx, company_id, service_id)
    if service is None:
        return [Violation("service.id", "must be one of your company's services, or service.type Non-Console Service")]
    if service.type is not kind:
        return [Violation("service.type", f"must be {service.type}, the type of service {service_id}")]
    return []


async def get_ticket(tx: Tx, actor: Actor, number: int) -> TicketDetails:
    """A ticket with its notes.

    Raises:
        NotFound: no such ticket for this actor.
        Forbidden: the actor's key may not read.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    company_id = await access.ticket_company(tx, actor, number)
    found = None if company_id is None else await ticket_store.get(tx, company_id, number, access.readable(actor))
    if found is None:
        raise NotFound("ticket", ticket_number(number))
    return TicketDetails(*found)


async def list_tickets(tx: Tx, actor: Actor, *, is_open: bool, page: int, page_size: int) -> TicketList:
    """One page of the company's open or finished tickets, newest first; a page past the end is empty.

    Raises:
        Forbidden: the actor belongs to no company, or its key may not read.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    found = await ticket_store.page(
        tx,
        permissions.own_company(actor).id,
        is_open=is_open,
        offset=(page - 1) * page_size,
        limit=page_size,
        visibilities=access.readable(actor),
    )
    return TicketList(found.total, [TicketDetails(ticket, notes) for ticket, notes in found.tickets])


async def move_ticket(
    tx: Tx, actor: Actor, number: int, to: Status, *, reason: str, now: datetime
) -> tuple[Ticket, StatusChanged]:
    """Change a ticket's status. Customers ask for cancellation, close what is resolved, or reopen it, with a reason.

    Raises:
        NotFound: no such ticket for this actor.
        Forbidden: the move is not the customer's to make.
        IllegalTransition: its status does not allow the move.
        InvalidInput: the reason is too long, or a customer gives none for reopening.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    ticket = await access.ticket_to_change(tx, actor, number)
    moved, fact = change_status(ticket, to, reason=reason, now=now)
    if not actor.is_staff:
        if to not in FOR_CUSTOMERS.get(ticket.status, frozenset()):
            raise Forbidden("only the provider's people may make this move")
        if to is Status.REOPENED and is_blank(reason):
            raise InvalidInput([Violation("reason", "must say why the repair is none")])
    opened = (to in OPEN) - (ticket.status in OPEN)
    await ticket_store.save_status(tx, actor, moved, fact, opened=opened)
    return moved, fact


async def close_resolved(tx: Tx, *, after: timedelta, limit: int, now: datetime) -> int:
    """Close tickets that stayed resolved for so long, the oldest first; how many."""
    found = await ticket_store.lock_resolved(tx, before=now - after, limit=limit)
    for ticket in sorted(found, key=lambda one: (one.company_id, one.number)):  # others count in this order too
        moved, fact = change_status(ticket, Status.CLOSED, reason=f"nobody objected for {_days(after)}", now=now)
        await ticket_store.save_status(tx, CLOSER, moved, fact, opened=-1)
    return len(found)


def _days(span: timedelta) -> str:
    hours = int(span.total_seconds() // 3600)
    count, unit = (hours // 24, "day") if hours % 24 == 0 else (hours, "hour")
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


async def history(tx: Tx, actor: Actor, number: int, *, after: int = 0, limit: int = 1000) -> list[Event]:
    """What happened to a ticket after the event of this id, oldest first; to customers what they may know of it.

    Raises:
        NotFound: no such ticket for this actor.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    company_id = await access.ticket_to_read(tx, actor, number)
    found: list[Event] = []
    at_once = limit if actor.is_staff else max(limit, _READ_AT_ONCE)  # much may be no customer's to know
    while len(found) < limit:
        read = await event_store.of_ticket(tx, company_id, number, after=after, limit=at_once)
        found += read if actor.is_staff else filter(None, map(_for_customer, read))
        if len(read) < at_once:
            break
        after = read[-1].offset.id
    return found[:limit]


def _for_customer(event: Event) -> Event | None:
    data = visible_data(event.type, event.data, Audience.CUSTOMER)
    return None if data is None else event._replace(data=data)
