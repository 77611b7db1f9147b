"""Whoever made a subscription is told when its receiver is given up."""

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
ENDED = "the receiver said that it is gone (410)"


def given_up(company_id: UUID, made_by: UUID | None) -> Subscription:
    return Subscription(
        company_id, uuid4(), "https://hooks.example.com/in?token=hush", "", (), False, ENDED, 1, None, 0, None, None,
        made_by, NOW, NOW,
    )  # fmt: skip


async def person(database: Database, company_id: UUID, name: str, role: Role) -> Any:
    async with database.transaction() as tx:
        return await accounts.add_user(
            tx, OPERATOR, company_id, name=name, email=f"{name.lower()}@example.com", phone="", role=role, now=NOW
        )


@pytest.mark.parametrize(("is_there", "told"), [(True, ["maker@example.com"]), (False, ["boss@example.com"])])
async def test_who_made_it_is_told_or_the_admins_when_that_person_left(
    database: Database, tenant: Tenant, *, is_there: bool, told: list[str]
) -> None:
    company_id = tenant.company.id
    async with database.transaction() as tx:
        known = {user.email: user for user in await accounts.list_users(tx, OPERATOR, company_id, after="", limit=50)}
    maker = known.get("maker@example.com") or await person(database, company_id, "Maker", Role.CUSTOMER)
    if "boss@example.com" not in known:
        await person(database, company_id, "Boss", Role.CUSTOMER_ADMIN)
    one = given_up(company_id, maker.id if is_there else uuid4())
    async with database.transaction() as tx:
        before = {found.id for found in await outbound_mail.list_mails(tx, OPERATOR, limit=100)}
        await send_disabled_mail(tx, one, mail.render, settings=SETTINGS, kept_days=30, now=NOW)
        written = [found for found in await outbound_mail.list_mails(tx, OPERATOR, limit=100) if found.id not in before]
        assert [found.recipient for found in written] == told
        _mail, message = await outbound_mail.get_mail(tx, OPERATOR, written[0].id)
    assert written[0].subject == "Webhooks to https://hooks.example.com are disabled"
    assert b"410" in message
    assert str(one.id).encode() in message
    assert b"hush" not in message


async def test_without_a_mail_server_nobody_is_told(database: Database, tenant: Tenant) -> None:
    off = msgspec.structs.replace(SETTINGS, enabled=False)
    async with database.transaction() as tx:
        before = await outbound_mail.list_mails(tx, OPERATOR, limit=100)
        await send_disabled_mail(
            tx, given_up(tenant.company.id, None), mail.render, settings=off, kept_days=30, now=NOW
        )
        assert await outbound_mail.list_mails(tx, OPERATOR, limit=100) == before
