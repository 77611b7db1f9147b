"""Write the mail about addresses of users: one invitation to an unconfirmed address, and notices to replaced ones."""

from datetime import datetime

from clearline.accounts import account_mail_store, company_store
from clearline.accounts import address_usecases as addresses
from clearline.accounts.account_mail_store import AccountMail, AccountMailKind
from clearline.branding import usecases as branding
from clearline.identity import Company
from clearline.language.reader import Reader, first_language
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import INVITATION, NewMail
from clearline.notifications.compose import MailContext
from clearline.platform.database.transactions import Tx

ADDRESS_CHANGED = "address_changed"
CONFIRMATION_PATH = "/confirm/"
"""The start of the path of the page that confirms an address; the id of the invitation follows."""


async def write_address_mail(tx: Tx, *, context: MailContext, limit: int, now: datetime) -> int:
    """Write the mails that are not sent yet, at most ``limit``, in one transaction; return how many were looked at.

    An invitation is left out when the address was confirmed, or is no user's any more. The mails contain no text of the
    customer who gave the address, since they may go to anybody.
    """
    mails = await account_mail_store.lock_unsent(tx, limit=limit)
    for mail in mails:
        company = await company_store.get(tx, mail.company_id)
        if company is not None and await _is_due(tx, mail):
            async with branding.mail_for(tx, await _reader(tx, mail)):
                composed = _mail(mail, company, context)
            await outbound_mail.enqueue(tx, composed, now=now, settings=context.settings)
        await account_mail_store.mark_sent(tx, mail, now=now)
    return len(mails)


async def _is_due(tx: Tx, mail: AccountMail) -> bool:
    if mail.kind is AccountMailKind.ADDRESS_CHANGED:
        return True
    invited = await addresses.user_with_address(tx, mail.company_id, mail.address)
    return invited is not None and not invited[1].is_confirmed


async def _reader(tx: Tx, mail: AccountMail) -> Reader:
    """Return how the recipient reads: as the user who has the address, if there is one."""
    invited = await addresses.user_with_address(tx, mail.company_id, mail.address)
    own = None if invited is None else invited[1].language
    return Reader(first_language(own, await company_store.language_of_mail(tx, mail.company_id)))


def _mail(mail: AccountMail, company: Company, context: MailContext) -> NewMail:
    kind = INVITATION if mail.kind is AccountMailKind.INVITATION else ADDRESS_CHANGED
    rendered = context.render(
        kind,
        company=company.name,
        address=mail.address,
        url=context.settings.link(f"{CONFIRMATION_PATH}{mail.id.hex}"),
        accepts_replies=context.accepts_replies,
    )
    return NewMail(
        recipient=mail.address,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        kind=kind,
        company_id=company.id,
    )
