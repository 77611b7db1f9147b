"""Which mail a ticket was raised with."""

from uuid import UUID

from clearline.identity import Actor
from clearline.mail.inbound import usecases as inbound_mail
from clearline.mail.inbound.domain import InboundState
from clearline.platform.database.transactions import Tx

_MAILS_MAX = 200


async def mail_of_description(tx: Tx, actor: Actor, number: int) -> UUID | None:
    """Return the mail that a ticket was raised with, or None."""
    mails = await inbound_mail.list_mails(
        tx, actor, state=InboundState.ACCEPTED, ticket_number=number, limit=_MAILS_MAX
    )
    return next((mail.id for mail in reversed(mails) if mail.note_number is None), None)
