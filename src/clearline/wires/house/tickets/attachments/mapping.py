"""House API v1: attachments as they travel."""

from clearline.tickets.attachments.domain import Attachment
from clearline.tickets.domain import ticket_number
from clearline.wires.house.tickets.attachments.wire import AttachmentOut


def attachment_out(one: Attachment) -> AttachmentOut:
    """Return an attachment without its content."""
    return AttachmentOut(
        str(one.id),
        ticket_number(one.ticket_number),
        one.name,
        one.media_type,
        one.size,
        one.sha256.hex(),
        one.visibility,
        one.source,
        one.author,
        one.created_at,
    )
