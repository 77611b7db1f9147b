"""Write the mail that tells an agent why a mail was not sent to the customer."""

from collections.abc import Mapping
from datetime import datetime

from clearline.accounts import company_store
from clearline.identity import Actor
from clearline.language.reader import Reader, first_language, read_by
from clearline.language.words import gettext
from clearline.mail.format.public_mark import MARK
from clearline.mail.inbound.domain import InboundState
from clearline.mail.inbound.staff_replies.domain import Notices
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import NewMail
from clearline.mail.templates import usecases as mail_templates
from clearline.mail.templates.blocks import TicketHeading, Value
from clearline.mail.templates.kinds import REASONS, MailKind
from clearline.mail.templates.rendering import Footer
from clearline.platform.database.transactions import Tx
from clearline.tickets.domain import Ticket, ticket_number

REPLY_NOT_SENT = "reply_not_sent"
"""The kind of the mail."""


async def write_notice(
    tx: Tx,
    actor: Actor,
    ticket: Ticket,
    reason: str,
    state: InboundState,
    *,
    notices: Notices | None,
    now: datetime,
) -> None:
    """Write the mail to the agent's own address: whoever forged the mail does not get it.

    It has no text of the mail that was not sent. ``state`` is what became of that mail.
    """
    if notices is None or actor.user is None:
        return
    language = first_language(actor.user.language, await company_store.language_of_mail(tx, actor.user.company_id))
    with read_by(Reader(language)):
        rendered = await mail_templates.render_mail(
            tx,
            MailKind.REPLY_NOT_SENT,
            _values(ticket, reason, state),
            footer=Footer(gettext(REASONS[MailKind.REPLY_NOT_SENT])),
            is_customer=False,
            render=notices.render,
            link=notices.settings.link,
        )
    mail = NewMail(
        recipient=actor.user.email,
        recipient_name=actor.user.name,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        kind=REPLY_NOT_SENT,
        company_id=ticket.company_id,
        ticket_number=ticket.number,
        user_id=actor.user.id,
        topic=ticket.title,
    )
    await outbound_mail.enqueue(tx, mail, now=now, settings=notices.settings)


def _values(ticket: Ticket, reason: str, state: InboundState) -> Mapping[str, Value]:
    number = ticket_number(ticket.number)
    outcome = (
        gettext("It is an internal note of the ticket. To reply to the customer, use the console.")
        if state is InboundState.ACCEPTED
        else gettext("It waits in quarantine until somebody reviews it.")
    )
    return {
        "ticket.number": number,
        "ticket.title": ticket.title,
        "ticket.heading": TicketHeading(number, ticket.title, gettext("Your mail was not sent to the customer")),
        "reason": reason,
        "mark": MARK,
        "outcome": outcome,
    }
