"""Attach files to tickets, list, read and remove them. Content is stored before its row, and deleted after it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from clearline.accounts import company_store, permissions
from clearline.errors import Forbidden, NotFound, TicketFinished
from clearline.events.store import actor_id
from clearline.identity import Actor, Scope
from clearline.limit_errors import AttachmentsFull, TooManyAttachments
from clearline.platform.database.transactions import Tx
from clearline.reminders import store as reminder_store
from clearline.settings.defaults import COMPANY_ATTACHMENTS_MAX
from clearline.tickets import access
from clearline.tickets.attachments import store as attachment_store
from clearline.tickets.attachments.domain import PER_TICKET_MAX, Attachment, Content, NewAttachment
from clearline.tickets.change_usecases import save_move
from clearline.tickets.domain import Status
from clearline.tickets.links import merge_store
from clearline.tickets.links.merge_usecases import lock_with_targets
from clearline.tickets.lists.many_store import Key
from clearline.tickets.note_domain import Source, Visibility
from clearline.tickets.status_domain import ACCEPTS_NOTES, change_status, move_by_answer


async def require_attachable(tx: Tx, actor: Actor, number: int, visibility: Visibility) -> UUID:
    """Check that the actor may attach files to a ticket, and return its company. Call this before reading any content.

    Does not check what can differ on a retry: whether the ticket is finished, or has the maximum number.

    Raises:
        NotFound: no such ticket for this actor.
        Forbidden: a customer may not add internal attachments, or the key may not write.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    if visibility not in access.visible_visibilities(actor):
        raise Forbidden("only the provider adds internal attachments")
    return await access.require_ticket(tx, actor, number)


async def require_room(tx: Tx, actor: Actor, company_id: UUID, size: int, *, most: int) -> None:
    """Refuse a file of ``size`` bytes with which a customer's files would have more than ``most`` bytes.

    Raises:
        AttachmentsFull: they would.
    """
    if not actor.is_staff and await attachment_store.size_of_company(tx, company_id) + size > most:
        raise AttachmentsFull(most)


async def add_attachment(
    tx: Tx,
    actor: Actor,
    number: int,
    new: NewAttachment,
    content: Content,
    *,
    company_size: int = COMPANY_ATTACHMENTS_MAX,
    reopens: bool = True,
    now: datetime,
) -> Attachment:
    """Attach content that is stored already, under the company of the ticket (see ``require_attachable``).

    A customer's file is an answer, as a customer's note is; ``reopens`` is as for ``note_usecases.add_note``.

    Raises:
        NotFound: no such ticket for this actor.
        Forbidden: a customer may not add internal attachments, or the key may not write.
        TicketFinished: the ticket is closed, cancelled or rejected.
        TooManyAttachments: the ticket has 100.
        AttachmentsFull: the actor is a customer, whose files would have more than ``company_size`` bytes.
    """
    await require_attachable(tx, actor, number, new.visibility)
    ticket = await access.lock_ticket(tx, actor, number)
    if ticket.status not in ACCEPTS_NOTES:
        raise TicketFinished(ticket.status)
    if await attachment_store.count(tx, ticket.company_id, number) >= PER_TICKET_MAX:
        raise TooManyAttachments(PER_TICKET_MAX)
    if not actor.is_staff:
        await company_store.lock(tx, ticket.company_id)
    await require_room(tx, actor, ticket.company_id, content.size, most=company_size)
    added = Attachment(
        ticket.company_id,
        number,
        content.id,
        new.name,
        new.media_type,
        content.size,
        content.sha256,
        new.visibility,
        access.note_source(actor),
        actor.name,
        actor_id(actor),
        now,
    )
    await attachment_store.insert(tx, added)
    if (move := move_by_answer(ticket, added.source, reopens=reopens)) is not None:
        moved, fact = change_status(ticket, Status(move.after), reason=move.reason, now=now)
        await save_move(tx, actor, ticket, moved, fact)
    if added.source is Source.BUYER and ticket.reminder is not None and ticket.reminder.cancelled_by_answer:
        await reminder_store.end(tx, actor, ticket.company_id, number, ticket.reminder, now=now)
    return added


async def list_attachments(
    tx: Tx, actor: Actor, number: int, *, after: tuple[datetime, UUID] | None = None, limit: int = PER_TICKET_MAX
) -> list[Attachment]:
    """Return the attachments of a ticket and of what was merged into it that the actor may read, oldest first.

    ``after`` is the time and id of another.

    Raises:
        NotFound: no such ticket for this actor.
        ScopeMissing: the key may not read.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    company_id = await access.require_ticket(tx, actor, number)
    return await attachment_store.page(
        tx, company_id, number, access.visible_visibilities(actor), after=after, limit=limit
    )


async def first_attachments(tx: Tx, actor: Actor, keys: Sequence[Key], *, limit: int) -> dict[int, list[Attachment]]:
    """Return the first attachments of each ticket of a list, by the tickets' numbers: see ``list_attachments``."""
    access.require_listed(actor, keys)
    return await attachment_store.first_pages(tx, keys, access.visible_visibilities(actor), limit=limit)


async def get_attachment(tx: Tx, actor: Actor, number: int, attachment_id: UUID) -> Attachment:
    """Return an attachment of a ticket, or of one merged into it; its company and id are the key of its content.

    Raises:
        NotFound: no such ticket or attachment for this actor.
        ScopeMissing: the key may not read.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    company_id = await access.ticket_company(tx, actor, number)
    attachment = None if company_id is None else await attachment_store.get(tx, company_id, number, attachment_id)
    return _readable(actor, attachment, attachment_id)


async def remove_attachment(tx: Tx, actor: Actor, number: int, attachment_id: UUID, *, now: datetime) -> Attachment:
    """Remove an attachment from a ticket in any status, or from one that was merged into it.

    What the ticket was merged into gets a new version too. The caller deletes the content after the commit.

    Raises:
        NotFound: no such ticket or attachment for this actor.
        Forbidden: somebody else attached it, or the key may not write.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    company_id = await access.require_ticket(tx, actor, number)
    stored = await attachment_store.get(tx, company_id, number, attachment_id)
    owner = _readable(actor, stored, attachment_id).ticket_number
    await lock_with_targets(tx, actor, owner)
    attachment = _readable(actor, await attachment_store.get(tx, company_id, owner, attachment_id), attachment_id)
    if not actor.is_staff and (attachment.created_by is None or attachment.created_by != actor_id(actor)):
        raise Forbidden("only the provider, or who attached it, may remove an attachment")
    await attachment_store.delete(tx, actor, attachment, now=now)
    is_public = attachment.visibility is Visibility.PUBLIC
    await merge_store.touch_targets(tx, [(company_id, owner)], is_visible=is_public, now=now)
    return attachment


async def orphans(tx: Tx, stored: Sequence[tuple[UUID, UUID]]) -> list[tuple[UUID, UUID]]:
    """Return the stored contents, each by company and id, that belong to no attachment of a known company."""
    return await attachment_store.orphans(tx, stored)


def _readable(actor: Actor, attachment: Attachment | None, attachment_id: UUID) -> Attachment:
    if attachment is None or attachment.visibility not in access.visible_visibilities(actor):
        raise NotFound("attachment", str(attachment_id))
    return attachment
