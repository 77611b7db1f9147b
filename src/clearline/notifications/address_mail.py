"""Write the mail about addresses of users: one invitation to an unconfirmed address, and notices to replaced ones."""

from datetime import datetime

from clearline.accounts import account_mail_store, company_store
from clearline.accounts import address_usecases as addresses
from clearline.accounts.account_mail_store import AccountMail, AccountMailKind
from clearline.identity import PROVIDER_ID, Company
from clearline.language.reader import Reader, first_language, read_by
from clearline.language.words import gettext
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import INVITATION, NewMail
from clearline.mail.templates import usecases as mail_templates
from clearline.mail.templates.blocks import Button, Remark, Value
from clearline.mail.templates.kinds import REASONS, MailKind
from clearline.mail.templates.rendering import Footer
from clearline.notifications.contents import MailContext
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
            with read_by(await _reader(tx, mail)):
                composed = await _mail(tx, mail, company, context)
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


async def _mail(tx: Tx, mail: AccountMail, company: Company, context: MailContext) -> NewMail:
    is_invitation = mail.kind is AccountMailKind.INVITATION
    kind = MailKind.ADDRESS_CONFIRMATION if is_invitation else MailKind.ADDRESS_CHANGED
    values: dict[str, Value] = {"company.name": company.name, "address": mail.address}
    if is_invitation:
        hint = gettext("Or answer this mail from that address.")
        url = context.settings.link(f"{CONFIRMATION_PATH}{mail.id.hex}")
        values["link"] = Button(url, gettext("Confirm the address"))
        values["reply_hint"] = Remark(hint) if context.accepts_replies else None
    rendered = await mail_templates.render_mail(
        tx,
        kind,
        values,
        footer=Footer(gettext(REASONS[kind])),
        is_customer=company.id != PROVIDER_ID,
        render=context.render,
        link=context.settings.link,
    )
    return NewMail(
        recipient=mail.address,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        kind=INVITATION if is_invitation else ADDRESS_CHANGED,
        company_id=company.id,
    )
