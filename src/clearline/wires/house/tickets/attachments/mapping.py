"""House API v1: bodies of attachments."""

from clearline.tickets.attachments.domain import Attachment
from clearline.tickets.domain import ticket_number
from clearline.wires.house.tickets.attachments.wire import AttachmentOut


def attachment_out(attachment: Attachment) -> AttachmentOut:
    """Return an attachment without its content."""
    return AttachmentOut(
        str(attachment.id),
        ticket_number(attachment.ticket_number),
        attachment.name,
        attachment.media_type,
        attachment.size,
        attachment.sha256.hex(),
        attachment.visibility,
        attachment.source,
        attachment.author,
        attachment.created_at,
    )
