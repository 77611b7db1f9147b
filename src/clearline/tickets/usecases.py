"""Raise, read and list tickets."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.catalogue.assessment import NOTHING_STATED
from clearline.catalogue.domain import Catalogue, check_issue_type, check_types
from clearline.catalogue.matrix import usecases as matrix
from clearline.catalogue.published import ServiceType
from clearline.catalogue.usecases import current_catalogue, require_types
from clearline.errors import Forbidden, InvalidInput, NotFound, RuleCode, Violation, require_valid
from clearline.events import store as event_store
from clearline.events.event_types import Audience
from clearline.events.store import Event
from clearline.identity import PROVIDER_ID, Actor, Scope
from clearline.inventory import store as service_store
from clearline.platform.database.transactions import Record, Tx
from clearline.tickets import access, list_store
from clearline.tickets import store as ticket_store
from clearline.tickets.columns import whole_view_of
from clearline.tickets.domain import (
    NewTicket,
    Ticket,
    TicketView,
    check_new_ticket,
    first_state,
    ticket_number,
)
from clearline.tickets.faults.domain import check_occurred_at
from clearline.tickets.forms import usecases as forms
from clearline.tickets.label_domain import check_external_ids, check_tags, normalize_tags
from clearline.tickets.note_domain import NOTES_MAX, Note

T = TypeVar("T")
_READ_AT_ONCE = 200


class TicketDetails(Struct, frozen=True):
    """A ticket with the notes that the actor may read, oldest first."""

    ticket: Ticket
    notes: list[Note]
    has_merged: bool = False
    """Whether a ticket was merged into it, maybe only for a while."""


class TicketList(Struct, frozen=True):
    """A page of tickets, and the total number of tickets."""

    total: int
    tickets: list[TicketDetails]


async def create_ticket(
    tx: Tx,
    actor: Actor,
    new: NewTicket,
    *,
    company_id: UUID | None = None,
    sends_receipt: bool = True,
    chooses_types: bool = True,
    requires_fields: bool = False,
    people: Collection[str] = (),
    now: datetime,
) -> TicketDetails:
    """Create a ticket for the actor's company; the provider's people name the company, others may name a child.

    One write, so ``tx`` may be a single-statement transaction. ``sends_receipt`` is whether the contact is notified.
    Somebody who ``chooses_types`` has to choose types of issue and service that are active; another takes them over.
    With ``requires_fields`` it has what its form asks for, and no more; without, as for mail and Console Connect, which
    cannot ask for it, it is created with what it has. ``people`` are the lists that are stored after it, if not empty.

    Raises:
        InvalidInput: values break a rule, the company is the provider, or has no such service.
        Forbidden: the actor belongs to no company and names none, a customer sets tags or states an assessment, or its
            key may not write.
        NotFound: a customer, or an agent with limits, names another company.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    if company_id is None or not actor.is_staff:
        own = permissions.own_company(actor).id
        if company_id is not None and not permissions.may_see_tickets(actor, company_id):
            raise NotFound("company", str(company_id))
        company_id = company_id or own
    if company_id == PROVIDER_ID:
        raise InvalidInput([Violation("company", "must be a customer", RuleCode.REFERENCE)])
    check_new_ticket(new)
    require_valid(check_occurred_at(new.occurred_at, now))
    if new.tags or new.external_ids or new.stated != NOTHING_STATED:
        new = _with_checked(actor, new)
    if chooses_types:
        catalogue = await _require_types(tx, company_id, new)
    else:
        catalogue = await current_catalogue(tx)
    fields = await forms.values_of_new(tx, actor, company_id, new, is_asked=requires_fields, people=people)
    new = replace(new, fields=fields) if fields != new.fields else new
    usual = catalogue.assessment_of(new.issue_type)
    assessment = await matrix.assess(tx, company_id, usual, new.asked_priority, new.stated)
    first = first_state(company_id, new, assessment, now=now)
    first = _within_limits(actor, first)
    ticket = await ticket_store.insert(tx, actor, first, sends_receipt=sends_receipt, now=now)
    if ticket is None:
        raise InvalidInput(await check_service(tx, company_id, new.service_id, new.service_type))
    return TicketDetails(ticket, [])


async def _require_types(tx: Tx, company_id: UUID, new: NewTicket) -> Catalogue:
    """Return the catalogue by which the types of a new ticket are valid.

    The type of the service may be retired if its company has a service of that type and id: that is still in use.

    Raises:
        InvalidInput: they are not.
    """
    try:
        return await require_types(tx, lambda known: check_types(known, new.issue_type, new.service_type))
    except InvalidInput:
        service = await service_store.find(tx, company_id, new.service_id)
        if service is None or service.type != new.service_type:
            raise
    return await require_types(tx, lambda known: check_issue_type(known, new.issue_type, new.service_type))


def _within_limits(actor: Actor, first: Ticket) -> Ticket:
    """Return a new ticket in the first queue that an agent with limits has left: routing would take it out of sight.

    Raises:
        NotFound: the agent has no such company.
    """
    if actor.limits is None:
        return first
    if not actor.limits.reaches_company(first.company_id):
        raise NotFound("company", str(first.company_id))
    return replace(first, queue_id=next(iter(actor.limits.only_queues or ()), None))


def _with_checked(actor: Actor, new: NewTicket) -> NewTicket:
    """Check the tags, external ids and stated values of a new ticket, and return it with normalized tags."""
    if not actor.is_staff:
        if new.tags:
            raise Forbidden("only the provider's people may set tags")
        if new.stated != NOTHING_STATED:
            raise Forbidden("only the provider's people may set severity, impact and priority")
    new = replace(new, tags=normalize_tags(new.tags))
    require_valid([*check_tags(new.tags), *check_external_ids(new.external_ids)])
    return new


async def check_service(tx: Tx, company_id: UUID, service_id: str, kind: str) -> list[Violation]:
    """Return the violations of the service of a new ticket: not in the inventory, or of another type."""
    if kind == ServiceType.NON_CONSOLE:
        return []
    service = await service_store.find(tx, company_id, service_id)
    if service is None:
        return [
            Violation(
                "service.id",
                "must be one of your company's services, or service.type Non-Console Service",
                RuleCode.REFERENCE,
            )
        ]
    if service.type != kind:
        return [
            Violation("service.type", f"must be {service.type}, the type of service {service_id}", RuleCode.REFERENCE)
        ]
    return []


async def get_ticket(tx: Tx, actor: Actor, number: int) -> TicketView:
    """Return a ticket with the names of what it refers to: see ``get_ticket_as``."""
    return await get_ticket_as(whole_view_of, tx, actor, number)


async def get_ticket_as(make: Callable[[Record], T], tx: Tx, actor: Actor, number: int) -> T:
    """Return what ``make`` makes of a ticket's row. A wire has its body made of it at once (``columns.row_reader``).

    Raises:
        NotFound: no such ticket for this actor.
        ScopeMissing: the actor's key may not read.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    company_id = await access.ticket_company(tx, actor, number)
    if company_id is not None:
        ticket = await ticket_store.get_as(make, tx, company_id, number, for_staff=actor.is_staff)
        if ticket is not None:
            return ticket
    raise NotFound("ticket", ticket_number(number))


async def get_ticket_with_notes(tx: Tx, actor: Actor, number: int) -> TicketDetails:
    """Return a ticket with its notes.

    Raises:
        NotFound: no such ticket for this actor.
        Forbidden: the actor's key may not read.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    company_id = await access.ticket_company(tx, actor, number)
    ticket_and_notes = (
        None
        if company_id is None
        else await ticket_store.get_with_notes(tx, company_id, number, access.visible_visibilities(actor))
    )
    if ticket_and_notes is None:
        raise NotFound("ticket", ticket_number(number))
    return TicketDetails(*ticket_and_notes)


async def list_tickets_with_notes(
    tx: Tx, actor: Actor, *, is_open: bool, page: int, page_size: int, notes_max: int = NOTES_MAX
) -> TicketList:
    """Return a page of the company's open or finished tickets, newest first; a page past the end is empty.

    Each has at most ``notes_max`` of its notes, the oldest.

    Raises:
        Forbidden: the actor belongs to no company, or its key may not read.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    listed = await list_store.page(
        tx,
        permissions.own_company(actor).id,
        is_open=is_open,
        offset=(page - 1) * page_size,
        limit=page_size,
        visibilities=access.visible_visibilities(actor),
        notes_max=notes_max,
    )
    return TicketList(listed.total, [TicketDetails(*details) for details in listed.tickets])


async def history(tx: Tx, actor: Actor, number: int, *, after: int = 0, limit: int = 1000) -> list[Event]:
    """Return the events of a ticket after an event id, oldest first.

    Customers get only events visible to them, and agents with limits none that names a ticket beyond these.

    Raises:
        NotFound: no such ticket for this actor.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    company_id = await access.require_ticket(tx, actor, number)
    audience = Audience.STAFF if actor.is_staff else Audience.CUSTOMER
    events: list[Event] = []
    is_all = actor.is_staff and actor.limits is None
    at_once = limit if is_all else max(limit, _READ_AT_ONCE)  # many events may be hidden
    while len(events) < limit:
        read = await event_store.of_ticket(tx, company_id, number, after=after, limit=at_once)
        seen = [visible for event in read if (visible := event_store.seen_by(audience, event)) is not None]
        events += seen if actor.limits is None else await access.events_within(tx, actor.limits, seen)
        if len(read) < at_once:
            break
        after = read[-1].offset.id
    return events[:limit]
