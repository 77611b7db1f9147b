"""Tell those whose webhooks were given up."""

from collections.abc import Callable
from datetime import datetime

from clearline.accounts import store as account_store
from clearline.identity import User
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import MailSettings, NewMail, RenderedMail
from clearline.platform.database.transactions import Tx
from clearline.webhooks.domain import Subscription

_LOOKED_AT = 1_000
_TOLD = 5

Render = Callable[..., RenderedMail]
"""Fills in the templates of a name."""


async def tell_of_end(
    tx: Tx, one: Subscription, render: Render, *, settings: MailSettings, kept_days: int, now: datetime
) -> None:
    """Write to who made a subscription that it was given up, and why; to the admins when that person left."""
    rendered = render("webhook_disabled", origin=one.name, reason=one.disabled_reason, id=str(one.id), days=kept_days)
    for user in await _concerned(tx, one):
        mail = NewMail(
            recipient=user.email,
            subject=rendered.subject,
            text=rendered.text,
            html=rendered.html,
            kind="webhook",
            company_id=one.company_id,
            user_id=user.id,
        )
        await outbound_mail.enqueue(tx, mail, now=now, settings=settings)


async def _concerned(tx: Tx, one: Subscription) -> list[User]:
    maker = None if one.created_by is None else await account_store.user(tx, one.company_id, one.created_by)
    if maker is not None and maker.is_active:
        return [maker]
    users = await account_store.users(tx, one.company_id, limit=_LOOKED_AT)
    return [user for user in users if user.is_active and user.role.is_company_admin][:_TOLD]
