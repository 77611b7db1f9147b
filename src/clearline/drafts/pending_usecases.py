"""Hold a message back for some seconds, in which its author can take it back, and send it when it is due."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from clearline.accounts import key_store, permissions
from clearline.clock import CLOCK_SECONDS
from clearline.drafts import pending_store
from clearline.drafts import store as draft_store
from clearline.drafts.domain import Draft
from clearline.drafts.pending_domain import UNDO_MAX_SECONDS, PendingMessage
from clearline.errors import Conflict, DeskError, Forbidden
from clearline.identity import ALL_SCOPES, PROVIDER_ID, Actor, Scope, User
from clearline.platform.database.transactions import Tx
from clearline.settings.defaults import TICKET_NOTES_MAX
from clearline.tickets import access
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets.attachments import held_usecases as held_files
from clearline.tickets.domain import Channel, Status
from clearline.tickets.note_domain import Visibility
from clearline.tickets.progress.facts import NO_FACTS, StatusFacts
from clearline.workspace import macro_usecases as macros
from clearline.workspace.domain import Macro
from clearline.workspace.macro_usecases import values_set

_LISTED_MAX = 20
_FAILED_MAX = 1000
"""The most messages that could not be sent among which those of a person are looked for."""


async def hold_message(
    tx: Tx,
    actor: Actor,
    number: int,
    text: str,
    *,
    visibility: Visibility,
    then: Status | None,
    facts: StatusFacts = NO_FACTS,
    macro: Macro | None = None,
    files: Sequence[UUID] = (),
    seconds: int,
    now: datetime,
) -> PendingMessage:
    """Store a message that is sent in so many seconds, with the status and the values that the ticket has after it.

    ``facts`` go with the status; those of a ``macro`` are its own.

    ``files`` are those of the actor's composer that are attached with it.

    It is sent after those that the actor sent before it, and not before they are due: with 0 seconds together with the
    last of them. Without a text it only changes the ticket. What can be checked now is refused now.

    Raises:
        As ``note_usecases.append_note``, ``change_usecases.change_ticket`` and ``change_usecases.move_ticket``.
    """
    user = _author(actor)
    view = await ticket_changes.lock_ticket(tx, actor, number)
    if text or macro is None:
        await notes.require_note(tx, actor, number, text, visibility)
    if macro is not None and (values := await values_set(tx, actor, macro, view, now=now)):
        await ticket_changes.require_change(tx, actor, number, values, now=now)
    if then is not None:
        given = facts if macro is None else macro.facts
        await ticket_changes.require_move(tx, actor, view.ticket, then, facts=given, now=now)
    waiting = await waiting_of(tx, actor, number)
    due_at = max([now + timedelta(seconds=seconds), *(message.due_at for message in waiting)])
    message = PendingMessage(
        view.ticket.company_id,
        number,
        uuid4(),
        user.id,
        actor.name,
        text,
        visibility,
        then,
        now,
        due_at,
        macro=macro,
        facts=facts,
    )
    await pending_store.insert(tx, message)
    await held_files.put_into_message(tx, actor, number, files, message.id)
    return message


async def hold_macro(
    tx: Tx, actor: Actor, number: int, macro_id: UUID, *, seconds: int, now: datetime
) -> PendingMessage:
    """Store what a macro does to a ticket, as it is now, to be done in so many seconds; see ``hold_message``."""
    use = await macros.preview(tx, actor, number, macro_id)
    macro = use.macro
    then = None if macro.status is use.ticket.ticket.status else macro.status
    return await hold_message(
        tx, actor, number, use.text, visibility=macro.visibility, then=then, macro=macro, seconds=seconds, now=now
    )


async def waiting_of(tx: Tx, actor: Actor, number: int) -> list[PendingMessage]:
    """Return the actor's messages of a ticket that are not sent yet, in their order."""
    if actor.user is None:
        return []
    user_id = actor.user.id
    return [
        message
        for message in await list_pending(tx, actor, number)
        if message.user_id == user_id and not message.failure
    ]


async def list_pending(tx: Tx, actor: Actor, number: int) -> list[PendingMessage]:
    """Return the messages of a ticket that are not sent yet, or could not be sent, in their order."""
    permissions.require_staff(actor, Scope.TICKETS_READ)
    company_id = await access.require_ticket(tx, actor, number)
    return await pending_store.of_ticket(tx, company_id, number)


async def list_failed(tx: Tx, actor: Actor) -> list[int]:
    """Return the first tickets with a message that could not be sent, of the actor or of people who write no more."""
    permissions.require_staff(actor, Scope.TICKETS_READ)
    if actor.user is None or Scope.TICKETS_WRITE not in actor.scopes:
        return []
    failed = await pending_store.failed(tx, limit=_FAILED_MAX)
    authors = {actor.user.id}
    for user_id in {user_id for user_id, _number in failed} - authors:
        author = await key_store.actor_for(tx, PROVIDER_ID, user_id, ALL_SCOPES)
        if author is None or Scope.TICKETS_WRITE not in author.scopes:
            authors.add(user_id)
    return sorted({number for user_id, number in failed if user_id in authors})[:_LISTED_MAX]


async def take_back(tx: Tx, actor: Actor, number: int, message_id: UUID, *, now: datetime) -> PendingMessage:
    """Make a message a draft of the actor again: its own, or anybody's that could not be sent.

    The values of a macro are not set, and its text and status are those of the draft.

    Raises:
        Conflict: it was sent, or taken back, before.
    """
    user = _author(actor)
    company_id = await access.require_ticket(tx, actor, number)
    message = await pending_store.take(tx, company_id, number, message_id, by=user.id)
    if message is None:
        raise Conflict("the message was sent already, or taken back")
    if message.text:
        draft = Draft(message.visibility, message.draft_writer, message.text, message.then, now, message.facts)
        await draft_store.save(tx, user, number, draft)
    await held_files.put_into_composer(tx, actor, number, message.id)
    return message


async def lock_due(tx: Tx, *, now: datetime) -> PendingMessage | None:
    """Lock the message that is due first, until the transaction ends; return it, or None when none is due."""
    return await pending_store.lock_due(tx, now=now)


async def send(tx: Tx, message: PendingMessage, *, notes_max: int = TICKET_NOTES_MAX, now: datetime) -> None:
    """Send a locked message: add its note and its files and change the ticket, with the present rights of its author.

    The caller rolls back what was done after any error. ``notes_max`` is as for ``note_usecases.add_note``.

    Raises:
        Forbidden: the author is not active any more, or may not write.
        TicketFinished: the ticket accepts no more notes; and what else adding a note or changing a ticket refuses.
    """
    await pending_store.delete(tx, message)
    actor = await key_store.actor_for(tx, PROVIDER_ID, message.user_id, ALL_SCOPES)
    if actor is None:
        raise Forbidden("the person who wrote it is not active any more")
    number = message.ticket_number
    view = await ticket_changes.lock_ticket(tx, actor, number)
    if message.text:
        await notes.append_note(
            tx, actor, number, message.text, channel=Channel.CONSOLE, visibility=message.visibility,
            notes_max=notes_max, now=now,
        )  # fmt: skip
    await held_files.attach_of_message(tx, actor, number, message.id, message.visibility, now=now)
    if message.macro is not None and (values := await values_set(tx, actor, message.macro, view, now=now)):
        await ticket_changes.change_ticket(tx, actor, number, values, now=now)
    facts = message.facts if message.macro is None else message.macro.facts
    await macros.set_status(tx, actor, view.ticket, message.then, facts, now=now)


async def lock_waiting(tx: Tx, actor: Actor, number: int) -> list[PendingMessage]:
    """Lock what the actor has waiting on a ticket, until the transaction ends; return it in its order.

    Call this before the ticket is locked: who sends a message locks the message first.
    """
    if actor.user is None or not actor.is_staff:
        return []
    company_id = await access.require_ticket(tx, actor, number)
    return await pending_store.lock_waiting(tx, company_id, number, actor.user.id)


async def send_early(
    tx: Tx, messages: list[PendingMessage], *, notes_max: int = TICKET_NOTES_MAX, now: datetime
) -> None:
    """Send locked messages before they are due. One that cannot be sent stays with the reason."""
    for message in messages:
        await tx.write_script("savepoint pending_message")
        try:
            await send(tx, message, notes_max=notes_max, now=now)
        except DeskError as error:
            await tx.write_script("rollback to savepoint pending_message")
            await pending_store.fail(tx, message, str(error))
        await tx.write_script("release savepoint pending_message")


async def send_waiting(tx: Tx, actor: Actor, number: int, *, notes_max: int = TICKET_NOTES_MAX, now: datetime) -> None:
    """Send at once what the actor has waiting on a ticket, before it does what must come after that.

    What closes, moves or merges the ticket would otherwise keep the actor's own message from being sent. Call this
    before the ticket is locked.
    """
    await send_early(tx, await lock_waiting(tx, actor, number), notes_max=notes_max, now=now)


async def shorten_waits(tx: Tx, *, now: datetime) -> int:
    """Send at once what would wait for as long as a clock was ahead; return how many messages there are."""
    longest = now + timedelta(seconds=UNDO_MAX_SECONDS + CLOCK_SECONDS)
    return await pending_store.shorten_waits(tx, longest=longest, now=now)


def _author(actor: Actor) -> User:
    permissions.require_staff(actor, Scope.TICKETS_WRITE)
    if actor.user is None:
        raise Forbidden("only people write messages that can be taken back")
    return actor.user
