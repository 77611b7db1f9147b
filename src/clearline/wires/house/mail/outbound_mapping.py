"""House API v1: outbound mail, suppressed addresses and opt-outs as they travel."""

from typing import Any

from clearline.mail.outbound.compose import decode
from clearline.mail.outbound.domain import OutboundMail, Suppression
from clearline.mail.outbound.opt_out_domain import StoredOptOut
from clearline.tickets.domain import ticket_number
from clearline.wires.house.mail import opt_out_wire
from clearline.wires.house.mail import outbound_wire as wire
from clearline.wires.house.wire import CompanyRef


def _members(mail: OutboundMail) -> dict[str, Any]:
    return {
        "id": str(mail.id),
        "state": mail.state,
        "kind": mail.kind,
        "recipient": mail.recipient,
        "subject": mail.subject,
        "ticket": None if mail.ticket_number is None else ticket_number(mail.ticket_number),
        "message_id": mail.message_id,
        "attempts": mail.attempts,
        "due_at": mail.due_at,
        "last_error": mail.last_error,
        "created_at": mail.created_at,
        "finished_at": mail.finished_at,
    }


def outbound_mail_out(mail: OutboundMail) -> wire.OutboundMailOut:
    """Return a mail without what it says."""
    return wire.OutboundMailOut(**_members(mail))


def suppression_out(suppression: Suppression) -> wire.SuppressionOut:
    """Return a suppressed address."""
    return wire.SuppressionOut(suppression.address, suppression.reason, suppression.detail, suppression.created_at)


def opt_out_out(stored: StoredOptOut) -> opt_out_wire.OptOutOut:
    """Return an opt-out as a body."""
    number = stored.opt_out.ticket_number
    topic = opt_out_wire.OptOutTopic.TICKET if number is not None else opt_out_wire.OptOutTopic(stored.topic)
    company = CompanyRef(stored.company.id, stored.company.name, stored.company.code)
    ticket = None if number is None else ticket_number(number)
    return opt_out_wire.OptOutOut(str(stored.id), stored.recipient, company, topic, ticket, stored.created_at)


def outbound_mail_details_out(mail: OutboundMail, message: bytes) -> wire.OutboundMailWhole:
    """Return a mail with the headers and the text that it is sent with."""
    shown = decode(message)
    headers = [wire.MailHeader(name, value) for name, value in shown.headers]
    return wire.OutboundMailWhole(**_members(mail), headers=headers, text=shown.text, html=shown.html)
