"""Add notes to tickets."""

from datetime import datetime
from uuid import UUID

from clearline.accounts import permissions
from clearline.errors import DeskError, Forbidden, MergedInto, NotFound, TicketFinished
from clearline.identity import Actor, Scope
from clearline.limit_errors import TooManyNotes
from clearline.platform.database.transactions import Tx
from clearline.settings.defaults import TICKET_NOTES_MAX
from clearline.tickets import access, note_store
from clearline.tickets import store as ticket_store
from clearline.tickets.domain import Channel, ticket_number
from clearline.tickets.note_domain import (
    Note,
    NoteMail,
    Visibility,
    check_note_text,
)
from clearline.tickets.status_domain import ACCEPTS_NOTES, moves_by_answer
from clearline.tickets.usecases import TicketDetails

_WHILE = sorted(ACCEPTS_NOTES)


async def add_note(
    tx: Tx,
    actor: Actor,
    number: int,
    text: str,
    *,
    channel: Channel,
    now: datetime,
    visibility: Visibility = Visibility.PUBLIC,
    reopens: bool = True,
    notes_max: int = TICKET_NOTES_MAX,
) -> TicketDetails:
    """Append a note and return the whole ticket. One write, so ``tx`` may be a single-statement transaction.

    A customer's note is an answer: a pending ticket is in progress again and, with ``reopens``, a resolved one is
    reopened. ``notes_max`` is the number of notes from which on a ticket accepts only those of the provider, up to
    twice as many.

    Raises:
        NotFound: no such ticket for this actor.
        Forbidden: a customer may not add internal notes, or the key may not write.
        InvalidInput: the text is blank, too long or cannot be stored.
        TicketFinished: the ticket is closed, cancelled or rejected; MergedInto when it was merged.
        TooManyNotes: the ticket has ``notes_max`` notes and the actor is a customer, or twice as many.
    """
    company_id = await _check_note(tx, actor, number, text, visibility)
    new = _new_note(actor, number, text, visibility, channel, reopens=reopens, notes_max=notes_max)
    added = await note_store.insert(
        tx, actor, company_id, new, while_status=_WHILE, visibilities=access.visible_visibilities(actor), now=now
    )
    if added is None:
        raise await _refusal(tx, company_id, new)
    return TicketDetails(*added)


async def append_note(
    tx: Tx,
    actor: Actor,
    number: int,
    text: str,
    *,
    channel: Channel,
    now: datetime,
    visibility: Visibility = Visibility.PUBLIC,
    mail: NoteMail | None = None,
    reopens: bool = True,
    notes_max: int = TICKET_NOTES_MAX,
) -> Note:
    """Append a note and return only the note, at a cost independent of the number of notes. One write, as ``add_note``.

    ``mail`` is the mail that the note was made from; ``reopens`` and ``notes_max`` are as for ``add_note``.

    Raises:
        As ``add_note``.
    """
    company_id = await _check_note(tx, actor, number, text, visibility)
    new = _new_note(actor, number, text, visibility, channel, reopens=reopens, notes_max=notes_max)
    new = new._replace(mail=mail)
    added = await note_store.insert_alone(tx, actor, company_id, new, while_status=_WHILE, now=now)
    if added is None:
        raise await _refusal(tx, company_id, new)
    return added


async def require_note(tx: Tx, actor: Actor, number: int, text: str, visibility: Visibility) -> None:
    """Refuse a note that ``add_note`` would refuse, as far as that can be known before; lock the ticket until then.

    Raises:
        As ``add_note``, without TooManyNotes.
    """
    company_id = await _check_note(tx, actor, number, text, visibility)
    ticket = await ticket_store.lock(tx, company_id, number)
    if ticket is None or ticket.status not in ACCEPTS_NOTES:
        raise await _refusal(tx, company_id, _new_note(actor, number, text, visibility, Channel.CONSOLE, reopens=False))


def _new_note(
    actor: Actor,
    number: int,
    text: str,
    visibility: Visibility,
    channel: Channel,
    *,
    reopens: bool,
    notes_max: int = TICKET_NOTES_MAX,
) -> note_store.NewNote:
    source = access.note_source(actor)
    most = 2 * notes_max if actor.is_staff else notes_max
    moves = moves_by_answer(source, reopens=reopens)
    return note_store.NewNote(number, text, visibility, source, channel, moves, most=most)


async def _check_note(tx: Tx, actor: Actor, number: int, text: str, visibility: Visibility) -> UUID:
    """Check that the actor may add the note, and return the ticket's company."""
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    if visibility not in access.visible_visibilities(actor):
        raise Forbidden("only the provider writes internal notes")
    check_note_text(text)
    company_id = await access.ticket_company(tx, actor, number)
    if company_id is None:
        raise NotFound("ticket", ticket_number(number))
    return company_id


async def _refusal(tx: Tx, company_id: UUID, new: note_store.NewNote) -> DeskError:
    """Return the error for a note that was not stored."""
    number = new.ticket_number
    ticket_and_notes = await ticket_store.get_with_notes(tx, company_id, number, [])
    if ticket_and_notes is None:
        return NotFound("ticket", ticket_number(number))
    status = ticket_and_notes[0].status
    if status in ACCEPTS_NOTES:
        return TooManyNotes(new.most)
    into = await ticket_store.merge_target(tx, company_id, number)
    return TicketFinished(status) if into == number else MergedInto(status, ticket_number(into))
