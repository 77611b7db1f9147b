"""Merge tickets, undo merges, list the notes of merged tickets, and split a ticket in two."""

from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.errors import InvalidInput, NotFound, NotMergeable, RuleCode, TicketFinished, Violation
from clearline.events.domain import Change, TicketChanged, TicketFact, TicketMerged, TicketUnmerged
from clearline.events.store import actor_id
from clearline.identity import Actor, Scope
from clearline.limit_errors import TooManyLinks
from clearline.platform.database.transactions import Tx
from clearline.tickets import access, note_store
from clearline.tickets import store as ticket_store
from clearline.tickets.cases.usecases import copy_cases
from clearline.tickets.change_usecases import lock_ticket, save_move
from clearline.tickets.contact import PEOPLE_MAX
from clearline.tickets.contacts import store as people_store
from clearline.tickets.domain import MERGE_DEPTH_MAX, Channel, Status, Ticket, TicketView, ticket_number
from clearline.tickets.links import merge_store, merged_note_store, watcher_store
from clearline.tickets.links import store as link_store
from clearline.tickets.links.domain import (
    COPIES_MAX,
    LINKS_MAX,
    Link,
    LinkType,
    Merge,
    NoteDraft,
    TicketNote,
    TrimmedText,
    check_merge,
    split_off,
    system_note,
)
from clearline.tickets.lists.many_store import Key
from clearline.tickets.note_domain import worklog_id
from clearline.tickets.status_domain import ACCEPTS_NOTES, force_status
from clearline.tickets.usecases import create_ticket, get_ticket

MERGED = "merged_tickets"
"""The field that names the source of a merge in the event of its target."""


async def lock_with_targets(tx: Tx, actor: Actor, *numbers: int) -> dict[int, Ticket]:
    """Lock tickets, and what they were merged into, until the transaction ends; return all by number.

    In the order of their numbers, which prevents deadlocks.

    Raises:
        NotFound: there is no such ticket for this actor.
    """
    companies = [(await access.ticket_company(tx, actor, number), number) for number in numbers]
    keys = [(company_id, number) for company_id, number in companies if company_id is not None]
    targets = [number for _company_id, number in await merge_store.targets(tx, keys)]
    return {number: await access.lock_ticket(tx, actor, number) for number in sorted({*numbers, *targets})}


async def merge_ticket(tx: Tx, actor: Actor, number: int, into: int, *, reason: str = "", now: datetime) -> TicketView:
    """Merge a ticket into another of the same company, and return it, closed.

    Its notes and attachments stay where they are. Its watchers also become watchers of the target, and its contacts
    with roles and copies people of the target. The target gets copies of its cases at third parties.

    Raises:
        NotFound: there is no such ticket.
        Forbidden: the actor is a customer.
        NotMergeable: one of the tickets does not allow it, or the chain of merges would be longer than 20.
        InvalidInput: the reason is too long.
    """
    permissions.require_staff(actor, Scope.TICKETS_WRITE)
    locked = {ticket_no: await lock_ticket(tx, actor, ticket_no) for ticket_no in sorted({number, into})}
    await _require_mergeable(tx, locked[number], locked[into])
    source, target = locked[number].ticket, locked[into].ticket
    moved, fact = force_status(source, Status.CLOSED, reason=reason, now=now)
    await save_move(tx, actor, source, moved, fact)
    merge = Merge(source.company_id, number, into, source.status, now, source.sub_status, source.waiting)
    await merge_store.insert(tx, merge)
    await watcher_store.copy(tx, actor, source.company_id, number, into, now=now)
    if await people_store.copy(tx, actor, source.company_id, number, into, most=PEOPLE_MAX, now=now):
        await people_store.touch(tx, source.company_id, into, now=now)
    await copy_cases(tx, actor, source, target, now=now)
    source_name, target_name = ticket_number(number), ticket_number(into)
    await _add_system_note(
        tx,
        actor,
        source,
        f"Merged into {target_name}: further replies belong there",
        TicketMerged(target_name),
        now=now,
    )
    changed = TicketChanged([Change(MERGED, None, source_name)])
    await _add_system_note(
        tx, actor, target, f"{source_name} ({source.title}) was merged into this ticket", changed, now=now
    )
    return await _view(tx, actor, source)


async def preview_merge(tx: Tx, actor: Actor, number: int, into: int) -> tuple[TicketView, TicketView]:
    """Return a ticket and the one that it would be merged into, without doing it.

    Raises:
        As ``merge_ticket``.
    """
    permissions.require_staff(actor, Scope.TICKETS_WRITE)
    source, target = await get_ticket(tx, actor, number), await get_ticket(tx, actor, into)
    await _require_mergeable(tx, source, target)
    return source, target


async def _require_mergeable(tx: Tx, source: TicketView, target: TicketView) -> None:
    number = source.ticket.number
    if number == target.ticket.number:
        raise NotMergeable("a ticket cannot be merged into itself")
    check_merge(source, target)
    if await merge_store.depth_below(tx, source.ticket.company_id, number) >= MERGE_DEPTH_MAX:
        raise NotMergeable(f"at most {MERGE_DEPTH_MAX} merges may follow one another")


async def unmerge_ticket(tx: Tx, actor: Actor, number: int, *, reason: str = "", now: datetime) -> TicketView:
    """Undo a merge, and return the ticket with its previous status and sub-status, and why it waited.

    The status of the target does not matter, and the watchers of the target stay.

    Raises:
        NotFound: there is no such ticket.
        Forbidden: the actor is a customer.
        NotMergeable: the ticket is not merged.
        InvalidInput: the reason is too long.
    """
    permissions.require_staff(actor, Scope.TICKETS_WRITE)
    merge = await merge_store.get(tx, await access.require_ticket(tx, actor, number), number)
    if merge is None:
        raise NotMergeable(f"{ticket_number(number)} is not merged")
    locked = await lock_with_targets(tx, actor, number)
    if not await merge_store.delete(tx, merge, now=now):
        raise NotMergeable(f"{ticket_number(number)} is not merged any more")
    source, target = locked[number], locked[merge.into]
    moved, fact = force_status(source, merge.status_before, reason=reason, now=now)
    waiting = merge.waiting_before
    moved = replace(moved, sub_status=merge.sub_status_before, waiting=waiting)
    said = None if waiting is None else {"reason": waiting.reason, "text": waiting.text}
    fact = replace(fact, sub_status=merge.sub_status_before, waiting=said)
    await save_move(tx, actor, source, moved, fact)
    source_name, target_name = ticket_number(number), ticket_number(merge.into)
    await _add_system_note(
        tx, actor, source, f"No longer merged into {target_name}", TicketUnmerged(target_name), now=now
    )
    changed = TicketChanged([Change(MERGED, source_name, None)])
    await _add_system_note(
        tx, actor, target, f"{source_name} ({source.title}) is no longer merged into this ticket", changed, now=now
    )
    await merge_store.touch_targets(tx, [(target.company_id, target.number)], is_visible=True, now=now)
    return await _view(tx, actor, source)


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
    reader = merged_note_store.NoteReader(access.visible_visibilities(actor), actor.is_staff, actor_id(actor))
    return await merged_note_store.notes(tx, company_id, number, reader=reader, after=after or 0, limit=limit)


async def others_wrote(tx: Tx, actor: Actor, number: int, *, after: int, limit: int) -> bool:
    """Return whether one of the first ``limit`` notes after the note ``after`` is not by the acting user.

    Of a ticket and of everything merged into it: see ``notes_with_merged``.
    """
    company_id = await access.require_ticket(tx, actor, number)
    added = await notes_with_merged(tx, actor, number, after=after, limit=limit)
    keys = [(entry.ticket_number, entry.note.number) for entry in added]
    return bool(keys) and await note_store.has_note_by_others(tx, company_id, keys, actor_id(actor))


async def first_notes(tx: Tx, actor: Actor, keys: Sequence[Key], *, limit: int) -> dict[int, list[TicketNote]]:
    """Return the first notes of each ticket of a list, by the tickets' numbers: see ``notes_with_merged``."""
    access.require_listed(actor, keys)
    reader = merged_note_store.NoteReader(access.visible_visibilities(actor), actor.is_staff, actor_id(actor))
    return await merged_note_store.first_notes(tx, keys, reader=reader, limit=limit)


async def note_with_merged(tx: Tx, actor: Actor, number: int, note_number: int) -> TicketNote | None:
    """Return a note of a ticket or of a ticket merged into it, or None.

    Raises:
        NotFound: no such ticket for this actor.
    """
    ticket_notes = await notes_with_merged(tx, actor, number, after=note_number - 1, limit=1)
    return next((entry for entry in ticket_notes if entry.note.number == note_number), None)


async def trimmed_text(tx: Tx, actor: Actor, number: int, note_number: int) -> TrimmedText:
    """Return the text that was trimmed from the mail of a note.

    The provider's people may read it, and the user who wrote the mail: it may quote what other readers of the note
    must not see.

    Raises:
        NotFound: there is no such ticket or note for this actor, or no trimmed text that the actor may read.
    """
    company_id = await access.require_ticket(tx, actor, number)
    entry = await note_with_merged(tx, actor, number, note_number)
    if entry is None:
        raise NotFound("note", worklog_id(note_number))
    text = None
    if entry.has_trimmed_text:
        text = await note_store.trimmed_text(tx, company_id, entry.ticket_number, note_number)
    if text is None or entry.mail_id is None:
        raise NotFound("trimmed text", worklog_id(note_number))
    return TrimmedText(note_number, entry.mail_id, text)


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
    """Split a ticket: create a new one with copies of the notes chosen by number, and return it.

    The new ticket has the company, service, contact and issue type of the original, whose notes stay. Both are linked.

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
    created = (await create_ticket(tx, actor, new, company_id=original.company_id, chooses_types=False, now=now)).ticket
    company_id = original.company_id
    link = Link(uuid4(), LinkType.SPLIT_INTO, company_id, number, company_id, created.number, now)
    if (await link_store.link_counts(tx, link)).own >= LINKS_MAX:
        raise TooManyLinks(ticket_number(number), LINKS_MAX)
    await link_store.insert(tx, actor, link, now=now)
    original_name, new_name = ticket_number(number), ticket_number(created.number)
    first = system_note(f"Split off from {original_name} ({original.title})")
    await link_store.add_notes(tx, actor, company_id, created.number, [*copies, first], now=now)
    note = system_note(f"{new_name} ({title}) was split off from this ticket")
    await link_store.add_notes(tx, actor, company_id, number, [note], now=now)
    return await _view(tx, actor, created)


async def _copies(tx: Tx, original: Ticket, notes: tuple[int, ...]) -> list[NoteDraft]:
    if len(notes) > COPIES_MAX:
        raise InvalidInput([Violation("notes", f"must be at most {COPIES_MAX}", RuleCode.COUNT)])
    copies = await link_store.drafts_of(tx, original.company_id, original.number, notes)
    if len(copies) != len(set(notes)):
        raise InvalidInput([Violation("notes", "must be numbers of notes of this ticket", RuleCode.REFERENCE)])
    return copies


async def _add_system_note(tx: Tx, actor: Actor, ticket: Ticket, text: str, fact: TicketFact, *, now: datetime) -> None:
    """Add a system note and an event to a locked ticket, whatever its status."""
    await ticket_store.append_facts(tx, actor, ticket.company_id, ticket.number, [fact], now=now)
    await link_store.add_notes(tx, actor, ticket.company_id, ticket.number, [system_note(text)], now=now)


async def _view(tx: Tx, actor: Actor, ticket: Ticket) -> TicketView:
    view = await ticket_store.get_view(tx, ticket.company_id, ticket.number, for_staff=actor.is_staff)
    if view is None:
        raise NotFound("ticket", ticket_number(ticket.number))
    return view
