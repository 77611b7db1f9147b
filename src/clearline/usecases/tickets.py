"""Raise, read, list and move tickets."""

from datetime import datetime

from msgspec import Struct

from clearline.domain.errors import InvalidInput, NotFound, Violation
from clearline.domain.events import StatusChanged
from clearline.domain.note import Note
from clearline.domain.party import Actor, Scope
from clearline.domain.service import ServiceType
from clearline.domain.ticket import (
    ASSESSMENT,
    OPEN,
    NewTicket,
    Status,
    Ticket,
    change_status,
    check_new_ticket,
    ticket_number,
)
from clearline.store import events, services, tickets
from clearline.store.db import Tx
from clearline.store.events import Event
from clearline.usecases import access


class TicketDetails(Struct, frozen=True):
    """A ticket with the notes that its reader may see, oldest first."""

    ticket: Ticket
    notes: list[Note]


class TicketList(Struct, frozen=True):
    """One page of tickets, and how many there are in all."""

    total: int
    tickets: list[TicketDetails]


async def create_ticket(tx: Tx, actor: Actor, new: NewTicket, *, now: datetime) -> TicketDetails:
    """Raise a ticket for the actor's company. One write, so ``tx`` may be a single-statement transaction.

    Raises:
        InvalidInput: values break a rule, or the company has no such service.
        Forbidden: the actor belongs to no company, or its key may not write.
    """
    access.allow(actor, Scope.TICKETS_WRITE)
    company = access.own_company(actor)
    check_new_ticket(new)
    ticket = await tickets.insert(tx, actor, company.id, new, ASSESSMENT[new.issue_type], now=now)
    if ticket is None:
        raise InvalidInput(await check_service(tx, actor, new.service_id, new.service_type))
    return TicketDetails(ticket, [])


async def check_service(tx: Tx, actor: Actor, service_id: str, kind: ServiceType) -> list[Violation]:
    """What is wrong with the service that a ticket names: it is not in the inventory, or of another type."""
    if kind is ServiceType.NON_CONSOLE:
        return []
    service = await services.find(tx, access.own_company(actor).id, service_id)
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
    access.allow(actor, Scope.TICKETS_READ)
    company_id = await access.ticket_company(tx, actor, number)
    found = None if company_id is None else await tickets.get(tx, company_id, number, access.readable(actor))
    if found is None:
        raise NotFound("ticket", ticket_number(number))
    return TicketDetails(*found)


async def list_tickets(tx: Tx, actor: Actor, *, is_open: bool, page: int, page_size: int) -> TicketList:
    """One page of the company's open or finished tickets, newest first; a page past the end is empty.

    Raises:
        Forbidden: the actor belongs to no company, or its key may not read.
    """
    access.allow(actor, Scope.TICKETS_READ)
    found = await tickets.page(
        tx,
        access.own_company(actor).id,
        is_open=is_open,
        offset=(page - 1) * page_size,
        limit=page_size,
        visibilities=access.readable(actor),
    )
    return TicketList(found.total, [TicketDetails(ticket, notes) for ticket, notes in found.tickets])


async def move_ticket(
    tx: Tx, actor: Actor, number: int, to: Status, *, reason: str, now: datetime
) -> tuple[Ticket, StatusChanged]:
    """Change a ticket's status.

    Raises:
        NotFound: no such ticket for this actor.
        IllegalTransition: its status does not allow the move.
        InvalidInput: the reason is too long.
    """
    access.allow(actor, Scope.TICKETS_WRITE)
    company_id = await access.ticket_company(tx, actor, number)
    ticket = None if company_id is None else await tickets.lock(tx, company_id, number)
    if ticket is None:
        raise NotFound("ticket", ticket_number(number))
    moved, fact = change_status(ticket, to, reason=reason, now=now)
    opened = (to in OPEN) - (ticket.status in OPEN)
    await tickets.save_status(tx, actor, moved, fact, opened=opened)
    return moved, fact


async def recent_tickets(tx: Tx, actor: Actor, company_name: str | None, *, is_open: bool, limit: int) -> list[Ticket]:
    """The newest tickets of one company or of all, without notes, for the operator.

    Raises:
        Forbidden: the actor is not the operator.
        NotFound: no such company.
    """
    access.operate(actor)
    company = None if company_name is None else await access.company_named(tx, actor, company_name)
    return await tickets.recent(tx, company_id=None if company is None else company.id, is_open=is_open, limit=limit)


async def history(tx: Tx, actor: Actor, number: int) -> list[Event]:
    """What happened to a ticket, oldest first, for the operator.

    Raises:
        Forbidden: the actor is not the operator.
        NotFound: no such ticket.
    """
    access.operate(actor)
    company_id = await access.ticket_company(tx, actor, number)
    if company_id is None:
        raise NotFound("ticket", ticket_number(number))
    return await events.of_ticket(tx, company_id, number)
