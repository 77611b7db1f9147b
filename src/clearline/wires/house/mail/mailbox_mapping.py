"""House API v1: mailboxes as they travel."""

from typing import Any

from clearline.mail.inbound.mailbox_domain import IMAP_PORTS, Mailbox
from clearline.wires.house.mail import mailbox_wire as wire


def _members(mailbox: Mailbox) -> dict[str, Any]:
    imap = None
    if mailbox.imap_host is not None:
        port = mailbox.imap_port or IMAP_PORTS[mailbox.imap_tls]
        imap = wire.ImapOut(mailbox.imap_host, port, mailbox.imap_tls, mailbox.imap_user or "", mailbox.imap_folder)
    return {
        "id": str(mailbox.id),
        "address": mailbox.address,
        "name": mailbox.name,
        "queue_id": None if mailbox.queue_id is None else str(mailbox.queue_id),
        "is_active": mailbox.is_active,
        "imap": imap,
        "form_addresses": list(mailbox.form_addresses),
        "created_at": mailbox.created_at,
    }


def mailbox_out(mailbox: Mailbox) -> wire.MailboxOut:
    """Return a mailbox without the result of its last poll: its ETag would change every half minute."""
    return wire.MailboxOut(**_members(mailbox))


def mailbox_summary_out(mailbox: Mailbox) -> wire.MailboxSummary:
    """Return a mailbox in a list."""
    return wire.MailboxSummary(**_members(mailbox), polled_at=mailbox.polled_at, last_error=mailbox.last_error)
