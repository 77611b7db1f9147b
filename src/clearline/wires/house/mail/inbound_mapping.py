"""House API v1: inbound mail as it travels."""

from typing import Any

from clearline.mail.inbound.domain import InboundMail
from clearline.mail.inbound.usecases import MailDetails
from clearline.tickets.domain import ticket_number
from clearline.tickets.note_domain import worklog_id
from clearline.wires.house.mail import inbound_wire as wire

_SHOWN_MAX = 100_000
"""Characters of a text that are shown; the raw mail has the rest."""


def _members(mail: InboundMail) -> dict[str, Any]:
    return {
        "id": str(mail.id),
        "mailbox_id": None if mail.mailbox_id is None else str(mail.mailbox_id),
        "received_at": mail.received_at,
        "envelope_from": mail.envelope_from,
        "envelope_to": mail.envelope_to.split(),
        "sender": mail.sender,
        "subject": mail.subject,
        "message_id": mail.message_id,
        "size": mail.size,
        "state": mail.state,
        "reason": mail.reason,
        "ticket": None if mail.ticket_number is None else ticket_number(mail.ticket_number),
        "note": None if mail.note_number is None else worklog_id(mail.note_number),
        "decided_by": None if mail.decided_by is None else str(mail.decided_by),
        "decided_at": mail.decided_at,
    }


def inbound_mail_out(mail: InboundMail) -> wire.InboundMailOut:
    """Return a mail without its content."""
    return wire.InboundMailOut(**_members(mail))


def inbound_mail_details_out(details: MailDetails) -> wire.InboundMailDetails:
    """Return a mail with what it says; headers, text and files are empty once the mail itself is deleted."""
    parsed = details.parsed
    if parsed is None:
        return wire.InboundMailDetails(
            **_members(details.mail), headers=[], text="", is_text_shortened=False, files=[], omitted_files=[]
        )
    return wire.InboundMailDetails(
        **_members(details.mail),
        headers=[wire.InboundMailHeader(name, value) for name, value in parsed.headers.all],
        text=parsed.text[:_SHOWN_MAX],
        is_text_shortened=len(parsed.text) > _SHOWN_MAX,
        files=[wire.InboundMailFile(file.name, file.media_type, len(file.content)) for file in parsed.files],
        omitted_files=list(parsed.omitted_files),
    )
