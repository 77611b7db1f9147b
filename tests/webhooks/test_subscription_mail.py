"""The mail to the creator of a subscription that was disabled."""

from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from clearline.accounts import usecases as accounts
from clearline.identity import OPERATOR, Role
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import MailSettings
from clearline.platform.database.transactions import Database
from clearline.web import mail
from clearline.webhooks.subscription_domain import Subscription
from clearline.webhooks.subscription_mail import send_disabled_mail
from tests.builders.people import NOW, Tenant

SETTINGS = MailSettings("Support <support@example.net>", b"secret", "https://desk.example.net", enabled=True)
REASON = "the receiver said that it is gone (410)"


def disabled_subscription(company_id: UUID, created_by: UUID | None) -> Subscription:
    return Subscription(
        company_id, uuid4(), "https://hooks.example.com/in?token=hush", "", (), False, REASON, 1, None, 0, None, None,
        created_by, NOW, NOW,
    )  # fmt: skip


async def person(database: Database, company_id: UUID, name: str, role: Role) -> Any:
    async with database.transaction() as tx:
        return await accounts.add_user(
            tx, OPERATOR, company_id, name=name, email=f"{name.lower()}@example.com", phone="", role=role, now=NOW
        )


@pytest.mark.parametrize(("is_active", "recipients"), [(True, ["maker@example.com"]), (False, ["boss@example.com"])])
async def test_the_creator_gets_the_mail_or_the_admins_when_the_creator_left(
    database: Database, tenant: Tenant, *, is_active: bool, recipients: list[str]
) -> None:
    company_id = tenant.company.id
    async with database.transaction() as tx:
        known = {user.email: user for user in await accounts.list_users(tx, OPERATOR, company_id, after="", limit=50)}
    creator = known.get("maker@example.com") or await person(database, company_id, "Maker", Role.CUSTOMER)
    if "boss@example.com" not in known:
        await person(database, company_id, "Boss", Role.CUSTOMER_ADMIN)
    subscription = disabled_subscription(company_id, creator.id if is_active else uuid4())
    async with database.transaction() as tx:
        before = {row.id for row in await outbound_mail.list_mails(tx, OPERATOR, limit=100)}
        await send_disabled_mail(tx, subscription, mail.render, settings=SETTINGS, kept_days=30, now=NOW)
        mails = [row for row in await outbound_mail.list_mails(tx, OPERATOR, limit=100) if row.id not in before]
        assert [row.recipient for row in mails] == recipients
        _mail, message = await outbound_mail.get_mail(tx, OPERATOR, mails[0].id)
    assert mails[0].subject == "Webhooks to https://hooks.example.com are disabled"
    assert b"410" in message
    assert str(subscription.id).encode() in message
    assert b"hush" not in message


async def test_without_a_mail_server_there_is_no_mail(database: Database, tenant: Tenant) -> None:
    off = msgspec.structs.replace(SETTINGS, enabled=False)
    async with database.transaction() as tx:
        before = await outbound_mail.list_mails(tx, OPERATOR, limit=100)
        await send_disabled_mail(
            tx, disabled_subscription(tenant.company.id, None), mail.render, settings=off, kept_days=30, now=NOW
        )
        assert await outbound_mail.list_mails(tx, OPERATOR, limit=100) == before
