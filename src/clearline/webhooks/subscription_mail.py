"""The mail about a subscription that the server disabled."""

import re
from collections.abc import Mapping
from datetime import datetime

from clearline.accounts import company_store, user_store
from clearline.identity import PROVIDER_ID, User
from clearline.language.reader import Reader, first_language, read_by
from clearline.language.words import gettext
from clearline.mail.outbound import opt_out_usecases as opt_outs
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import MailSettings, NewMail
from clearline.mail.outbound.opt_out_domain import WEBHOOKS, OptOut, unsubscribe_link
from clearline.mail.templates import usecases as mail_templates
from clearline.mail.templates.blocks import Commands, Value
from clearline.mail.templates.kinds import REASONS, MailKind
from clearline.mail.templates.rendering import Footer, Render
from clearline.platform.database.transactions import Tx
from clearline.webhooks.subscription_domain import Subscription

_USERS_READ = 1_000
_RECIPIENTS_MAX = 5
_NOT_REACHED = re.compile(r"the receiver could not be reached (?P<count>\d+) times in a row: (?P<error>.*)", re.DOTALL)


async def send_disabled_mail(
    tx: Tx, subscription: Subscription, render: Render, *, settings: MailSettings, kept_days: int, now: datetime
) -> None:
    """Send the reason to the creator of the subscription, or to its company's admins when that user is not active.

    ``kept_days`` is how long its dead letters can be replayed.
    """
    language = await company_store.language_of_mail(tx, subscription.company_id)
    for user in await _recipients(tx, subscription):
        if await opt_outs.is_stopped(tx, OptOut(subscription.company_id, user.email, WEBHOOKS)):
            continue
        with read_by(Reader(first_language(user.language, language))):
            rendered = await mail_templates.render_mail(
                tx,
                MailKind.WEBHOOK_DISABLED,
                _values(subscription, kept_days),
                footer=Footer(gettext(REASONS[MailKind.WEBHOOK_DISABLED])),
                is_customer=subscription.company_id != PROVIDER_ID,
                render=render,
                link=settings.link,
            )
        mail = NewMail(
            recipient=user.email,
            subject=rendered.subject,
            text=rendered.text,
            html=rendered.html,
            kind="webhook",
            company_id=subscription.company_id,
            user_id=user.id,
            recipient_name=user.name,
            unsubscribe=unsubscribe_link(settings, subscription.company_id, user.email, WEBHOOKS),
        )
        await outbound_mail.enqueue(tx, mail, now=now, settings=settings)


def _values(subscription: Subscription, kept_days: int) -> Mapping[str, Value]:
    path = f"/api/v1/subscriptions/{subscription.id}"
    return {
        "webhook.origin": subscription.name,
        "reason": _reason(subscription.disabled_reason or ""),
        "days_kept": str(kept_days),
        "commands": Commands([f'PATCH {path}  {{"is_active": true}}', f"POST  {path}/replay"]),
    }


def _reason(text: str) -> str:
    """Return why the subscription was disabled; what the receiver or the network said is in English."""
    match = _NOT_REACHED.fullmatch(text)
    if match is None:
        return gettext(text)
    words = gettext("the receiver could not be reached %(count)s times in a row: %(error)s")
    return words % match.groupdict()


async def _recipients(tx: Tx, subscription: Subscription) -> list[User]:
    company_id, creator_id = subscription.company_id, subscription.created_by
    creator = None if creator_id is None else await user_store.get(tx, company_id, creator_id)
    if creator is not None and creator.is_active and creator.is_confirmed:
        return [creator]
    users = await user_store.page(tx, company_id, limit=_USERS_READ)
    admins = [user for user in users if user.role.is_company_admin]
    return [user for user in admins if user.is_active and user.is_confirmed][:_RECIPIENTS_MAX]
