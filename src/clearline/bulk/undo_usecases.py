"""Change many tickets, one by one, so that the change can be undone for ``UNDO_FOR``."""

from datetime import datetime
from uuid import UUID

from clearline.accounts import permissions
from clearline.bulk import undo_store
from clearline.bulk.action_usecases import act_on, apply_action, begin_action
from clearline.bulk.domain import Action, AddNote, BulkRequest, ItemOutcome, UseMacro
from clearline.bulk.undo_domain import UNDO_FOR, Inverse, TicketChange, UndoableChange, inverse_of
from clearline.errors import Forbidden, NotFound
from clearline.identity import Actor, Scope, User
from clearline.platform.database.transactions import Tx
from clearline.settings.defaults import TICKET_NOTES_MAX
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import Channel
from clearline.workspace import macro_usecases as macros

KIND = "bulk change"
CHANGED_SINCE = "it was changed since, and stays as it is"
NO_WAY_BACK = "its status has no way back, and stays as it is"
ONLY_A_MESSAGE = "a message that was added stays"
TOO_LATE = f"a change can be undone for {UNDO_FOR.seconds // 60} minutes"
_PURGED_AT_ONCE = 1000


async def change_ticket(
    tx: Tx,
    actor: Actor,
    change_id: UUID,
    number: int,
    request: BulkRequest,
    *,
    notes_max: int = TICKET_NOTES_MAX,
    now: datetime,
) -> bool:
    """Apply an action to a ticket as a part of a change of many; return whether that changed the ticket.

    The same change, sent again, changed what it changed the first time, and does nothing more unless it was undone.
    ``notes_max`` is as for ``note_usecases.add_note``.

    Raises:
        DeskError: as the use case of the action.
    """
    user = _user(actor)
    before = await begin_action(tx, actor, number, request.action, notes_max=notes_max, now=now)
    stored = await undo_store.lock(tx, user, change_id, number)
    if stored is not None and stored.tried_at is None:
        return True
    if await act_on(tx, actor, before, request, notes_max=notes_max, now=now) is not ItemOutcome.DONE:
        return False
    after = (await ticket_changes.lock_ticket(tx, actor, number)).ticket
    actions = inverse_of(before, after)
    refusal = NO_WAY_BACK if actions is None else "" if actions else ONLY_A_MESSAGE
    inverse = Inverse(actions, await adds_message(tx, actor, request.action)) if actions else None
    await undo_store.save(tx, user, change_id, number, inverse, refusal, now=now)
    return True


async def adds_message(tx: Tx, actor: Actor, action: Action) -> bool:
    """Return whether an action adds a message to each ticket, which stays when it is undone."""
    if isinstance(action, UseMacro):
        return bool((await macros.get_macro(tx, actor, action.macro)).text)
    return isinstance(action, AddNote)


async def list_changes(tx: Tx, actor: Actor, change_id: UUID) -> list[TicketChange]:
    """Return the tickets that a change of the acting user changed, by number."""
    return await undo_store.of_change(tx, _user(actor), change_id)


async def newest_change(tx: Tx, actor: Actor, *, now: datetime) -> UndoableChange | None:
    """Return the newest change of the acting user that can still be undone, or None."""
    if actor.user is None or Scope.TICKETS_WRITE not in actor.scopes:
        return None
    return await undo_store.newest(tx, actor.user, since=now - UNDO_FOR)


async def undo_change(tx: Tx, actor: Actor, change_id: UUID, number: int, *, now: datetime) -> str:
    """Undo what a change did to a ticket, unless that was tried before; return why it was refused, or an empty text.

    A ticket that was changed since is left alone.

    Raises:
        DeskError: as the use case of the inverse action. The caller stores that with ``refuse_undo``.
    """
    user = _user(actor)
    change = await undo_store.lock(tx, user, change_id, number)
    if change is None:
        raise NotFound(KIND, str(change_id))
    if change.tried_at is not None:
        return change.refusal
    ticket = (await ticket_changes.lock_ticket(tx, actor, number)).ticket
    refusal = _refusal(change, ticket.version, now)
    if not refusal and change.inverse is not None:
        for action in change.inverse.actions:
            await apply_action(tx, actor, number, BulkRequest(action, Channel.CONSOLE), now=now)
    await undo_store.finish(tx, user, change_id, number, refusal, now=now)
    return refusal


async def refuse_undo(tx: Tx, actor: Actor, change_id: UUID, number: int, refusal: str, *, now: datetime) -> None:
    """Store why the change of a ticket was not undone."""
    await undo_store.finish(tx, _user(actor), change_id, number, refusal, now=now)


async def purge(tx: Tx, *, before: datetime) -> int:
    """Delete a batch of what was changed before a time, so that it cannot be undone any more; return how many."""
    return await undo_store.purge(tx, before=before, limit=_PURGED_AT_ONCE)


def _refusal(change: TicketChange, version: int, now: datetime) -> str:
    if change.inverse is None:
        return change.refusal
    if now - change.changed_at > UNDO_FOR:
        return TOO_LATE
    return "" if version == change.version else CHANGED_SINCE


def _user(actor: Actor) -> User:
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    if actor.user is None:
        raise Forbidden("only people undo changes")
    return actor.user
