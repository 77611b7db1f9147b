"""Attach files of another desk: to tickets in any status, once, and without a notice to anybody."""

from datetime import datetime
from uuid import UUID

from clearline.accounts import permissions
from clearline.identity import Actor, Scope
from clearline.limit_errors import TooManyAttachments
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets.attachments import store as attachment_store
from clearline.tickets.attachments.domain import PER_TICKET_MAX, Attachment, Content, NewAttachment
from clearline.tickets.note_domain import Source


async def require_importable(tx: Tx, actor: Actor, number: int) -> UUID:
    """Return the company of a ticket to which the actor may bring files of another desk."""
    permissions.require_desk_admin(actor)
    permissions.require_scope(actor, Scope.TICKETS_WRITE)
    return await access.require_ticket(tx, actor, number)


async def has_attachment(tx: Tx, actor: Actor, number: int, name: str, sha256: bytes) -> bool:
    """Return whether a ticket has a file of this name and content."""
    company_id = await require_importable(tx, actor, number)
    return await attachment_store.has_same(tx, company_id, number, name, sha256)


async def import_attachment(
    tx: Tx, actor: Actor, number: int, new: NewAttachment, content: Content, author: str, *, now: datetime
) -> bool:
    """Attach stored content to a ticket in any status; False when the ticket has the file, by name and content.

    Its source is the system, so that nobody is notified; ``author`` is who attached it in the other desk.

    Raises:
        TooManyAttachments: the ticket has 100.
    """
    await require_importable(tx, actor, number)
    ticket = await access.lock_ticket(tx, actor, number)
    if await attachment_store.has_same(tx, ticket.company_id, number, new.name, content.sha256):
        return False
    if await attachment_store.count(tx, ticket.company_id, number) >= PER_TICKET_MAX:
        raise TooManyAttachments(PER_TICKET_MAX)
    added = Attachment(
        ticket.company_id, number, content.id, new.name, new.media_type, content.size, content.sha256, new.visibility,
        Source.SYSTEM, author, None, now,
    )  # fmt: skip
    await attachment_store.insert(tx, added)
    return True
