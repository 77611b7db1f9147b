"""Write the mail that tells an agent why a mail was not sent to the customer."""

from datetime import datetime

from clearline.accounts import company_store
from clearline.branding import usecases as branding
from clearline.identity import Actor
from clearline.language.reader import Reader, first_language
from clearline.mail.format.public_mark import MARK
from clearline.mail.inbound.domain import InboundState
from clearline.mail.inbound.staff_replies.domain import Notices
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import NewMail
from clearline.platform.database.transactions import Tx
from clearline.tickets.domain import Ticket, ticket_number

REPLY_NOT_SENT = "reply_not_sent"
"""The kind of the mail, and the name of its templates."""


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
    async with branding.mail_for(tx, Reader(language)):
        rendered = notices.render(
            REPLY_NOT_SENT,
            number=ticket_number(ticket.number),
            title=ticket.title,
            mark=MARK,
            reason=reason,
            is_note=state is InboundState.ACCEPTED,
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
    )
    await outbound_mail.enqueue(tx, mail, now=now, settings=notices.settings)
