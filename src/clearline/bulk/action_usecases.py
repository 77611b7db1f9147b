"""Apply the action of a bulk job to one of its tickets."""

from datetime import datetime

from msgspec import UNSET
from msgspec.structs import asdict

from clearline.bulk.domain import (
    Action,
    AddNote,
    ApplyMatrix,
    Assign,
    BulkRequest,
    ChangeStatus,
    ChangeTags,
    ChangeValues,
    ItemOutcome,
    UseMacro,
)
from clearline.drafts import pending_usecases as pending
from clearline.identity import Actor
from clearline.platform.database.transactions import Tx
from clearline.settings.defaults import TICKET_NOTES_MAX
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets.domain import Ticket
from clearline.tickets.matrix import usecases as matrix
from clearline.tickets.progress.facts import NO_FACTS, values_of
from clearline.workspace import macro_usecases as macros

_SENDS_WAITING = (ChangeStatus, AddNote, UseMacro)
"""The actions before which what the actor has waiting on the ticket is sent."""


async def apply_action(
    tx: Tx,
    actor: Actor,
    number: int,
    request: BulkRequest,
    *,
    reopens: bool = True,
    customer_closes: bool = True,
    notes_max: int = TICKET_NOTES_MAX,
    now: datetime,
) -> ItemOutcome:
    """Apply the action to a ticket; return ``unchanged`` when the ticket was so already.

    What the actor has waiting to be sent on the ticket goes before a note, a macro or another status.
    ``reopens`` and ``notes_max`` are as for ``note_usecases.add_note``, ``customer_closes`` as for ``move_ticket``.

    Raises:
        DeskError: as the use case of the action. The caller rolls back what was done before.
    """
    before = await begin_action(tx, actor, number, request.action, notes_max=notes_max, now=now)
    return await act_on(
        tx, actor, before, request, reopens=reopens, customer_closes=customer_closes, notes_max=notes_max, now=now
    )


async def begin_action(
    tx: Tx, actor: Actor, number: int, action: Action, *, notes_max: int = TICKET_NOTES_MAX, now: datetime
) -> Ticket:
    """Lock a ticket and return it; what the actor has waiting on it is sent first, where the action asks for that."""
    if isinstance(action, _SENDS_WAITING):
        await pending.send_waiting(tx, actor, number, notes_max=notes_max, now=now)
    return (await ticket_changes.lock_ticket(tx, actor, number)).ticket


async def act_on(  # noqa: C901 - a table
    tx: Tx,
    actor: Actor,
    before: Ticket,
    request: BulkRequest,
    *,
    reopens: bool = True,
    customer_closes: bool = True,
    notes_max: int = TICKET_NOTES_MAX,
    now: datetime,
) -> ItemOutcome:
    """Do to a ticket what ``apply_action`` does, after ``begin_action`` returned it."""
    number = before.number
    match request.action:
        case ChangeStatus(to, _reason, facts) if before.status is to:
            if facts == NO_FACTS:
                return ItemOutcome.UNCHANGED
            after = await ticket_changes.change_facts(tx, actor, number, values_of(facts), now=now)
        case ChangeStatus(to, reason, facts):
            await ticket_changes.move_ticket(
                tx, actor, number, to, reason=reason, facts=facts, customer_closes=customer_closes, now=now
            )
            return ItemOutcome.DONE
        case AddNote(text, visibility):
            await notes.append_note(
                tx,
                actor,
                number,
                text,
                channel=request.channel,
                visibility=visibility,
                reopens=reopens,
                notes_max=notes_max,
                now=now,
            )
            return ItemOutcome.DONE
        case Assign(to):
            after = await ticket_changes.assign(tx, actor, number, to, now=now)
        case ChangeValues() as action:
            values = {name: value for name, value in asdict(action).items() if value is not UNSET}
            after = await ticket_changes.change_ticket(tx, actor, number, values, now=now)
        case ChangeTags(add, remove):
            after = await ticket_changes.tag(tx, actor, number, add=add, remove=remove, now=now)
        case ApplyMatrix():
            after = await matrix.apply_matrix(tx, actor, number, now=now)
        case UseMacro(macro_id):
            use = await macros.apply_macro(
                tx, actor, number, macro_id, channel=request.channel, notes_max=notes_max, now=now
            )
            if use.note_number is not None:
                return ItemOutcome.DONE
            after = use.ticket
    return ItemOutcome.UNCHANGED if after.ticket.version == before.version else ItemOutcome.DONE
