"""Find out whether a new ticket makes its service chronic, and mark its open tickets."""

from datetime import datetime
from uuid import UUID

from clearline.accounts import permissions
from clearline.catalogue.usecases import current_catalogue
from clearline.events import store as event_store
from clearline.events.domain import Change, RecordChanged, TicketChanged
from clearline.identity import ALL_SCOPES, Actor, Role, Scope
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets import store as ticket_store
from clearline.tickets.chronic import store as chronic_store
from clearline.tickets.chronic.domain import (
    UNCOUNTED,
    ChronicRule,
    CountedTickets,
    ServiceTicket,
    can_be_chronic,
    chronic_service,
)
from clearline.tickets.domain import Ticket

MARKER = Actor(Role.OPERATOR, "Clearline", scopes=ALL_SCOPES)
"""The actor of these changes."""


async def mark_new_ticket(tx: Tx, company_id: UUID, number: int, rule: ChronicRule, *, now: datetime) -> bool:
    """Mark a new ticket, and the other open tickets that are counted with it, if they make their service chronic.

    Return whether it did. The service became chronic if none of the tickets counted before was chronic: then one event
    of the service says so. Safe to repeat: a marked ticket is not marked again.
    """
    view = await ticket_store.get_view(tx, company_id, number, for_staff=True)
    ticket = None if view is None else view.ticket
    if ticket is None or ticket.is_chronic or ticket.status in UNCOUNTED or not can_be_chronic(ticket.service_id):
        return False
    counted = await _counted(tx, ticket, rule)
    if len(counted) < rule.tickets or number not in {each.number for each in counted}:
        return False
    marked = await chronic_store.mark(tx, company_id, [each.number for each in counted], now=now)
    for each in marked:
        changed = TicketChanged([Change("is_chronic", False, True)])
        await ticket_store.append_facts(tx, MARKER, company_id, each, [changed], now=now)
    if marked and not any(each.is_chronic for each in counted):
        service = chronic_service(ticket, counted, rule)
        changes = [Change("tickets", None, service.tickets), Change("days", None, service.days)]
        fact = RecordChanged("service", "chronic", service.id, service.name, changes)
        await event_store.append(tx, MARKER, company_id, fact, now=now)
    return number in marked


async def _counted(tx: Tx, ticket: Ticket, rule: ChronicRule) -> list[ServiceTicket]:
    catalogue = await current_catalogue(tx)
    return await chronic_store.counted(
        tx,
        ticket.company_id,
        ticket.service_id,
        ticket.service_type,
        up_to=ticket.number,
        since=rule.since(ticket.created_at),
        until=ticket.created_at,
        but=[key for key, entry in catalogue.issue_types.items() if not entry.counts_as_fault],
    )


async def tickets_of_service(tx: Tx, actor: Actor, ticket: Ticket, rule: ChronicRule) -> CountedTickets:
    """Return the tickets that make the service of a chronic ticket chronic, itself the last; for others none.

    For the provider's people: each sees those within its limits.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    if not (ticket.is_chronic and actor.is_staff):
        return CountedTickets()
    counted = await _counted(tx, ticket, rule)
    visible = [each for each in counted if access.reaches(actor, ticket.company_id, each.queue_id)]
    return CountedTickets(len(counted), visible)
