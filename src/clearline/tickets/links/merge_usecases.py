"""Merge tickets, undo it, read merged tickets as one, and split a ticket in two."""

from datetime import datetime
from uuid import uuid4

from clearline.accounts import permissions
from clearline.errors import InvalidInput, NotFound, NotMergeable, TicketFinished, TooManyLinks, Violation
from clearline.events.domain import Change, TicketChanged, TicketFact, TicketMerged, TicketUnmerged
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets import store as ticket_store
from clearline.tickets.change_usecases import lock_ticket
from clearline.tickets.domain import MERGE_DEPTH_MAX, Channel, Status, Ticket, TicketView, ticket_number
from clearline.tickets.links import store as link_store
from clearline.tickets.links import watcher_store
from clearline.tickets.links.domain import (
    COPIES_MAX,
    LINKS_MAX,
    Link,
    LinkType,
    Merge,
    NoteDraft,
    TicketNote,
    check_merge,
    split_off,
    system_note,
)
from clearline.tickets.status_domain import ACCEPTS_NOTES, force_status
from clearline.tickets.usecases import create_ticket

MERGED = "merged_tickets"
"""The field under which the event of a target names the ticket that was merged into it."""


async def merge_ticket(tx: Tx, actor: Actor, number: int, into: int, *, reason: str = "", now: datetime) -> TicketView:
    """Merge a ticket into another of the same company, and answer it, closed.

    Its notes and attachments stay where they are; those who follow it follow the other one too.

    Raises:
        NotFound: there is no such ticket.
        Forbidden: the actor is a customer.
        NotMergeable: one of the tickets does not allow it, or 20 merges would follow one another.
        InvalidInput: the reason is too long.
    """
    permissions.require_staff(actor, Scope.TICKETS_WRITE)
    if number == into:
        raise NotMergeable("a ticket cannot be merged into itself")
    locked = {one: await lock_ticket(tx, actor, one) for one in sorted((number, into))}
    check_merge(locked[number], locked[into])
    source, target = locked[number].ticket, locked[into].ticket
    if await link_store.merges_below(tx, source.company_id, number) >= MERGE_DEPTH_MAX:
        raise NotMergeable(f"at most {MERGE_DEPTH_MAX} merges may follow one another")
    moved, fact = force_status(source, Status.CLOSED, reason=reason, now=now)
    await ticket_store.save_status(tx, actor, moved, fact, opened=-1)
    await link_store.insert_merge(tx, Merge(source.company_id, number, into, source.status, now))
    await watcher_store.copy(tx, actor, source.company_id, number, into, now=now)
    here, there = ticket_number(number), ticket_number(into)
    await _tell(tx, actor, source, f"Merged into {there}: further replies belong there", TicketMerged(there), now=now)
    changed = TicketChanged([Change(MERGED, None, here)])
    await _tell(tx, actor, target, f"{here} ({source.title}) was merged into this ticket", changed, now=now)
    return await _now(tx, source)


async def unmerge_ticket(tx: Tx, actor: Actor, number: int, *, reason: str = "", now: datetime) -> TicketView:
    """Undo a merge, whatever became of the other ticket, and answer the ticket with the status it had before.

    Those who began to follow the other ticket go on following it.

    Raises:
        NotFound: there is no such ticket.
        Forbidden: the actor is a customer.
        NotMergeable: the ticket is not merged.
        InvalidInput: the reason is too long.
    """
    permissions.require_staff(actor, Scope.TICKETS_WRITE)
    merge = await link_store.merge_of(tx, await access.require_ticket(tx, actor, number), number)
    if merge is None:
        raise NotMergeable(f"{ticket_number(number)} is not merged")
    locked = {one: await access.lock_ticket(tx, actor, one) for one in sorted((number, merge.into))}
    if not await link_store.delete_merge(tx, merge):
        raise NotMergeable(f"{ticket_number(number)} is not merged any more")
    source, target = locked[number], locked[merge.into]
    moved, fact = force_status(source, merge.status_before, reason=reason, now=now)
    await ticket_store.save_status(tx, actor, moved, fact, opened=1)
    here, there = ticket_number(number), ticket_number(merge.into)
    await _tell(tx, actor, source, f"No longer merged into {there}", TicketUnmerged(there), now=now)
    changed = TicketChanged([Change(MERGED, here, None)])
    await _tell(tx, actor, target, f"{here} ({source.title}) is no longer merged into this ticket", changed, now=now)
    return await _now(tx, source)


async def notes_with_merged(
    tx: Tx, actor: Actor, number: int, *, after: int | None = None, limit: int
) -> list[TicketNote]:
    """Return the notes of a ticket and of everything merged into it, by number, after the note ``after``.

    Served by ``ticket_merge_into`` and the primary key of note.

    Raises:
        NotFound: no such ticket for this actor.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    company_id = await access.require_ticket(tx, actor, number)
    return await link_store.notes(
        tx, company_id, number, visibilities=access.visible_visibilities(actor), after=after or 0, limit=limit
    )


async def split_ticket(
    tx: Tx,
    actor: Actor,
    number: int,
    *,
    title: str,
    description: str,
    notes: tuple[int, ...] = (),
    channel: Channel,
    now: datetime,
) -> TicketView:
    """Make a new ticket of a part of another, with copies of the notes chosen by number, and answer it.

    Company, service, contact and issue type are the other's; its notes stay. Both are linked.

    Raises:
        NotFound: there is no such ticket.
        Forbidden: the actor is a customer.
        TicketFinished: the ticket is closed, cancelled or rejected.
        InvalidInput: a value breaks a rule, or the ticket has no such note.
        TooManyLinks: the ticket has 200 links.
    """
    permissions.require_staff(actor, Scope.TICKETS_WRITE)
    original = await access.lock_ticket(tx, actor, number)
    if original.status not in ACCEPTS_NOTES:
        raise TicketFinished(original.status)
    copies = await _copies(tx, original, notes)
    new = split_off(original, title, description, channel)
    made = (await create_ticket(tx, actor, new, company_id=original.company_id, now=now)).ticket
    company_id = original.company_id
    link = Link(uuid4(), LinkType.SPLIT_INTO, company_id, number, company_id, made.number, now)
    if (await link_store.room(tx, link)).here >= LINKS_MAX:
        raise TooManyLinks(ticket_number(number), LINKS_MAX)
    await link_store.insert(tx, actor, link, now=now)
    here, there = ticket_number(number), ticket_number(made.number)
    first = system_note(f"Split off from {here} ({original.title})")
    await link_store.add_notes(tx, actor, company_id, made.number, [*copies, first], now=now)
    told = system_note(f"{there} ({title}) was split off from this ticket")
    await link_store.add_notes(tx, actor, company_id, number, [told], now=now)
    return await _now(tx, made)


async def _copies(tx: Tx, original: Ticket, notes: tuple[int, ...]) -> list[NoteDraft]:
    if len(notes) > COPIES_MAX:
        raise InvalidInput([Violation("notes", f"must be at most {COPIES_MAX}")])
    copies = await link_store.drafts_of(tx, original.company_id, original.number, notes)
    if len(copies) != len(set(notes)):
        raise InvalidInput([Violation("notes", "must be numbers of notes of this ticket")])
    return copies


async def _tell(tx: Tx, actor: Actor, ticket: Ticket, text: str, fact: TicketFact, *, now: datetime) -> None:
    """Write a system note and an event to a locked ticket, whatever its status."""
    await ticket_store.append_facts(tx, actor, ticket.company_id, ticket.number, [fact], now=now)
    await link_store.add_notes(tx, actor, ticket.company_id, ticket.number, [system_note(text)], now=now)


async def _now(tx: Tx, ticket: Ticket) -> TicketView:
    found = await ticket_store.get_view(tx, ticket.company_id, ticket.number)
    if found is None:
        raise NotFound("ticket", ticket_number(ticket.number))
    return found
