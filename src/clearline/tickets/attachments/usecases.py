"""Attach files to tickets, list, read and remove them. Bytes are stored before a row says so, and deleted after."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from clearline.accounts import permissions
from clearline.errors import Forbidden, NotFound, TicketFinished, TooManyAttachments
from clearline.events.store import actor_id
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets.attachments import store as attachment_store
from clearline.tickets.attachments.domain import PER_TICKET_MAX, Attachment, Content, NewAttachment
from clearline.tickets.note_domain import Visibility
from clearline.tickets.status_domain import ACCEPTS_NOTES


async def require_attachable(tx: Tx, actor: Actor, number: int, visibility: Visibility) -> UUID:
    """Return the company of a ticket that the actor may attach files to; call it before any bytes are received.

    What may differ for a retry is not checked here: whether the ticket has ended, or has too many attachments.

    Raises:
        NotFound: no such ticket for this actor.
        Forbidden: a customer's attachment is to be internal, or the key may not write.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    if visibility not in access.visible_visibilities(actor):
        raise Forbidden("only the provider adds internal attachments")
    return await access.require_ticket(tx, actor, number)


async def add_attachment(
    tx: Tx, actor: Actor, number: int, new: NewAttachment, content: Content, *, now: datetime
) -> Attachment:
    """Attach bytes that are stored already, under the company of the ticket (see ``require_attachable``).

    Raises:
        NotFound: no such ticket for this actor.
        Forbidden: a customer's attachment is to be internal, or the key may not write.
        TicketFinished: the ticket is closed, cancelled or rejected.
        TooManyAttachments: the ticket has 100.
    """
    await require_attachable(tx, actor, number, new.visibility)
    ticket = await access.lock_ticket(tx, actor, number)
    if ticket.status not in ACCEPTS_NOTES:
        raise TicketFinished(ticket.status)
    if await attachment_store.count(tx, ticket.company_id, number) >= PER_TICKET_MAX:
        raise TooManyAttachments(PER_TICKET_MAX)
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
    return added


async def list_attachments(
    tx: Tx, actor: Actor, number: int, *, after: tuple[datetime, UUID] | None = None, limit: int = PER_TICKET_MAX
) -> list[Attachment]:
    """Attachments of a ticket that the actor may read, oldest first, after the time and id of another.

    Raises:
        NotFound: no such ticket for this actor.
        ScopeMissing: the key may not read.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    company_id = await access.require_ticket(tx, actor, number)
    return await attachment_store.page(
        tx, company_id, number, access.visible_visibilities(actor), after=after, limit=limit
    )


async def get_attachment(tx: Tx, actor: Actor, number: int, attachment_id: UUID) -> Attachment:
    """One attachment; its company and id find its bytes.

    Raises:
        NotFound: no such ticket or attachment for this actor.
        ScopeMissing: the key may not read.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    company_id = await access.ticket_company(tx, actor, number)
    found = None if company_id is None else await attachment_store.get(tx, company_id, number, attachment_id)
    return _readable(actor, found, attachment_id)


async def remove_attachment(tx: Tx, actor: Actor, number: int, attachment_id: UUID, *, now: datetime) -> Attachment:
    """Take an attachment off a ticket, ended or not. Its bytes are the caller's to delete, after the commit.

    Raises:
        NotFound: no such ticket or attachment for this actor.
        Forbidden: somebody else attached it, or the key may not write.
    """
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    ticket = await access.lock_ticket(tx, actor, number)
    found = await attachment_store.get(tx, ticket.company_id, number, attachment_id)
    gone = _readable(actor, found, attachment_id)
    if not actor.is_staff and (gone.created_by is None or gone.created_by != actor_id(actor)):
        raise Forbidden("only the provider, or who attached it, may remove an attachment")
    await attachment_store.delete(tx, actor, gone, now=now)
    return gone


async def orphans(tx: Tx, stored: Sequence[tuple[UUID, UUID]]) -> list[tuple[UUID, UUID]]:
    """Which stored bytes, each by company and id, belong to no attachment of a company that this desk knows."""
    return await attachment_store.orphans(tx, stored)


def _readable(actor: Actor, found: Attachment | None, attachment_id: UUID) -> Attachment:
    if found is None or found.visibility not in access.visible_visibilities(actor):
        raise NotFound("attachment", str(attachment_id))
    return found
