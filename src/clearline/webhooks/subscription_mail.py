"""The mail about a subscription that the server disabled."""

from collections.abc import Callable
from datetime import datetime

from clearline.accounts import user_store
from clearline.identity import User
from clearline.mail.outbound import opt_out_usecases as opt_outs
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import MailSettings, NewMail, RenderedMail
from clearline.mail.outbound.opt_out_domain import WEBHOOKS, OptOut, unsubscribe_link
from clearline.platform.database.transactions import Tx
from clearline.webhooks.subscription_domain import Subscription

_USERS_READ = 1_000
_RECIPIENTS_MAX = 5

Render = Callable[..., RenderedMail]
"""Fills in the templates of a name."""


async def send_disabled_mail(
    tx: Tx, subscription: Subscription, render: Render, *, settings: MailSettings, kept_days: int, now: datetime
) -> None:
    """Send the reason to the creator of the subscription, or to its company's admins when that user is not active.

    ``kept_days`` is how long its dead letters can be replayed.
    """
    rendered = render(
        "webhook_disabled",
        origin=subscription.name,
        reason=subscription.disabled_reason,
        id=str(subscription.id),
        days=kept_days,
    )
    for user in await _recipients(tx, subscription):
        if await opt_outs.is_stopped(tx, OptOut(subscription.company_id, user.email, WEBHOOKS)):
            continue
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


async def _recipients(tx: Tx, subscription: Subscription) -> list[User]:
    company_id, creator_id = subscription.company_id, subscription.created_by
    creator = None if creator_id is None else await user_store.get(tx, company_id, creator_id)
    if creator is not None and creator.is_active and creator.is_confirmed:
        return [creator]
    users = await user_store.page(tx, company_id, limit=_USERS_READ)
    admins = [user for user in users if user.role.is_company_admin]
    return [user for user in admins if user.is_active and user.is_confirmed][:_RECIPIENTS_MAX]
