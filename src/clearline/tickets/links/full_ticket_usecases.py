"""Tickets with all their notes, and those of the tickets merged into them: for a wire that has no lists of notes."""

from collections.abc import Sequence

from msgspec import Struct

from clearline.errors import InvalidInput, RuleCode, Violation
from clearline.identity import Actor
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets import usecases as tickets
from clearline.tickets.links import merged_note_store
from clearline.tickets.links.domain import TicketNote
from clearline.tickets.note_domain import NOTES_MAX
from clearline.tickets.usecases import TicketDetails, TicketList

MERGED_NOTES_MAX = NOTES_MAX
"""The most notes of merged tickets that a ticket is shown with, the newest."""

PAGE_TEXT_MAX = 64 * 1024 * 1024
"""The most bytes of the text of all notes of a page. A page of one ticket never has more."""

_UNMEASURED = 4000
"""With this number of notes at most, all notes of a page have less than ``PAGE_TEXT_MAX`` bytes."""


class FullTicket(Struct, frozen=True):
    """A ticket with its notes, and the newest notes of what was merged into it, each oldest first."""

    details: TicketDetails
    merged_notes: list[TicketNote] = []


class FullTicketList(Struct, frozen=True):
    """A page of tickets, and the total number of tickets."""

    total: int
    tickets: list[FullTicket]


async def get_full_ticket(tx: Tx, actor: Actor, number: int) -> FullTicket:
    """Return a ticket with all notes that the actor may read: see ``full``.

    Raises:
        As ``tickets.get_ticket_with_notes``.
    """
    return await full(tx, actor, await tickets.get_ticket_with_notes(tx, actor, number))


async def full(tx: Tx, actor: Actor, details: TicketDetails) -> FullTicket:
    """Return a ticket with the notes of what was merged into it. Without a merge this needs no statement."""
    return (await _full(tx, actor, [details], limit=MERGED_NOTES_MAX))[0]


async def _full(tx: Tx, actor: Actor, page: Sequence[TicketDetails], *, limit: int) -> list[FullTicket]:
    numbers = [details.ticket.number for details in page if details.has_merged]
    if not numbers:
        return [FullTicket(details) for details in page]
    merged = await merged_note_store.merged_notes(
        tx, page[0].ticket.company_id, numbers, access.visible_visibilities(actor), limit=limit
    )
    return [FullTicket(details, merged.get(details.ticket.number, [])) for details in page]


async def list_full_tickets(tx: Tx, actor: Actor, *, is_open: bool, page: int, page_size: int) -> FullTicketList:
    """Return a page of the company's open or finished tickets with all their notes, newest first.

    First with as many notes of each ticket as a page has without being measured. Only when a ticket has more are the
    notes of the page measured and read whole.

    Raises:
        InvalidInput: the notes of the page have more than ``PAGE_TEXT_MAX`` bytes.
        Forbidden: the actor belongs to no company, or its key may not read.
    """
    most = _UNMEASURED // page_size
    some = await _page(tx, actor, is_open=is_open, page=page, page_size=page_size, notes_max=min(most + 1, NOTES_MAX))
    full_page = await _full(tx, actor, some.tickets, limit=min(most + 1, MERGED_NOTES_MAX))
    if all(len(ticket.details.notes) <= most and len(ticket.merged_notes) <= most for ticket in full_page):
        return FullTicketList(some.total, full_page)
    size = await merged_note_store.notes_size(
        tx,
        some.tickets[0].ticket.company_id,
        [details.ticket.number for details in some.tickets],
        access.visible_visibilities(actor),
        limit=NOTES_MAX,
    )
    if size > PAGE_TEXT_MAX:
        raise InvalidInput(
            [
                Violation(
                    "page_size",
                    f"must be smaller here: the notes of these tickets have {size} bytes, and those of a page at most "
                    f"{PAGE_TEXT_MAX}",
                    RuleCode.RANGE,
                )
            ]
        )
    whole = await _page(tx, actor, is_open=is_open, page=page, page_size=page_size, notes_max=NOTES_MAX)
    return FullTicketList(whole.total, await _full(tx, actor, whole.tickets, limit=MERGED_NOTES_MAX))


async def _page(tx: Tx, actor: Actor, *, is_open: bool, page: int, page_size: int, notes_max: int) -> TicketList:
    return await tickets.list_tickets_with_notes(
        tx, actor, is_open=is_open, page=page, page_size=page_size, notes_max=notes_max
    )
