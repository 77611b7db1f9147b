"""Keep the files of a message that is being written, or waits to be sent, until they are attached with it.

Only people of the provider have such files. Their contents are stored already, and belong to nobody once a file is
dropped or the purge deletes it: the sweep of orphaned files deletes them.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from clearline.accounts import permissions
from clearline.errors import Forbidden, InvalidInput, NotFound, RuleCode, TicketFinished, Violation
from clearline.identity import Actor, Scope, User
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets.attachments import held_store
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.domain import MESSAGE_FILES_MAX, Content, HeldFile, NewAttachment
from clearline.tickets.note_domain import Visibility
from clearline.tickets.status_domain import ACCEPTS_NOTES


async def hold_file(
    tx: Tx, actor: Actor, number: int, new: NewAttachment, content: Content, *, now: datetime
) -> HeldFile:
    """Put a file into the actor's composer of a ticket; its content is stored already.

    Raises:
        TicketFinished: the ticket takes no more messages.
        InvalidInput: there are ``MESSAGE_FILES_MAX`` files in the composer.
    """
    user = _writer(actor)
    await access.require_ticket(tx, actor, number)
    ticket = await access.lock_ticket(tx, actor, number)
    if ticket.status not in ACCEPTS_NOTES:
        raise TicketFinished(ticket.status)
    if len(await in_composer(tx, actor, number)) >= MESSAGE_FILES_MAX:
        raise InvalidInput([Violation("files", f"must be at most {MESSAGE_FILES_MAX}", RuleCode.COUNT)])
    file = HeldFile(
        ticket.company_id, number, content.id, user.id, None, new.name, new.media_type, content.size, content.sha256,
        now,
    )  # fmt: skip
    await held_store.insert(tx, file)
    return file


async def list_held(tx: Tx, actor: Actor, number: int) -> list[HeldFile]:
    """Return the files that wait on a ticket: with messages, and in the actor's own composer. Oldest first."""
    permissions.require_staff(actor, Scope.TICKETS_READ)
    company_id = await access.require_ticket(tx, actor, number)
    files = await held_store.of_ticket(tx, company_id, number)
    mine = None if actor.user is None else actor.user.id
    return [file for file in files if file.message_id is not None or file.user_id == mine]


async def in_composer(tx: Tx, actor: Actor, number: int) -> list[HeldFile]:
    """Return the files in the actor's composer of a ticket, oldest first."""
    return [file for file in await list_held(tx, actor, number) if file.message_id is None]


async def drop_file(tx: Tx, actor: Actor, number: int, file_id: UUID) -> HeldFile:
    """Take a file out of the actor's composer. The caller deletes the content after the commit."""
    _writer(actor)
    for file in await in_composer(tx, actor, number):
        if file.id == file_id:
            await held_store.delete(tx, file.company_id, number, [file_id])
            return file
    raise NotFound("file", str(file_id))


async def put_into_message(tx: Tx, actor: Actor, number: int, ids: Sequence[UUID], message_id: UUID) -> None:
    """Let files of the actor's composer wait with a message; ids of none are ignored."""
    user = _writer(actor)
    if chosen := await _chosen(tx, actor, number, ids):
        await held_store.give(
            tx, chosen[0].company_id, number, [file.id for file in chosen], user_id=user.id, message_id=message_id
        )


async def put_into_composer(tx: Tx, actor: Actor, number: int, message_id: UUID) -> None:
    """Put the files of a message that is not sent into the actor's composer."""
    user = _writer(actor)
    if files := [file for file in await list_held(tx, actor, number) if file.message_id == message_id]:
        ids = [file.id for file in files]
        await held_store.give(tx, files[0].company_id, number, ids, user_id=user.id, message_id=None)


async def attach_chosen(
    tx: Tx, actor: Actor, number: int, ids: Sequence[UUID], visibility: Visibility, *, now: datetime
) -> None:
    """Attach files of the actor's composer; ids of none are ignored.

    Raises:
        As ``usecases.add_attachment``.
    """
    await _attach(tx, actor, await _chosen(tx, actor, number, ids), visibility, now=now)


async def attach_of_message(
    tx: Tx, actor: Actor, number: int, message_id: UUID, visibility: Visibility, *, now: datetime
) -> None:
    """Attach the files of a message that is sent.

    Raises:
        As ``usecases.add_attachment``.
    """
    files = [file for file in await list_held(tx, actor, number) if file.message_id == message_id]
    await _attach(tx, actor, files, visibility, now=now)


async def _chosen(tx: Tx, actor: Actor, number: int, ids: Sequence[UUID]) -> list[HeldFile]:
    return [file for file in await in_composer(tx, actor, number) if file.id in ids] if ids else []


async def _attach(tx: Tx, actor: Actor, files: Sequence[HeldFile], visibility: Visibility, *, now: datetime) -> None:
    for at, file in enumerate(files):  # lists order them by their times
        new = NewAttachment(file.name, file.media_type, visibility)
        content = Content(file.id, file.size, file.sha256)
        attached_at = now + timedelta(microseconds=at)
        await attachments.add_attachment(tx, actor, file.ticket_number, new, content, now=attached_at)
    if files:
        await held_store.delete(tx, files[0].company_id, files[0].ticket_number, [file.id for file in files])


def _writer(actor: Actor) -> User:
    permissions.require_staff(actor, Scope.TICKETS_WRITE)
    if actor.user is None:
        raise Forbidden("only people have files that wait")
    return actor.user
