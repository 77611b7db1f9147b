"""A clock was an hour ahead, or years, and is set back: what was stored meanwhile uses up no limit within a time."""

from datetime import timedelta
from uuid import uuid4

import pytest

from clearline.accounts import account_mail_store, key_store
from clearline.accounts import key_usecases as keys
from clearline.accounts import usecases as accounts
from clearline.accounts.account_mail_store import AccountMail, AccountMailKind
from clearline.errors import Conflict
from clearline.identity import OPERATOR, Role
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import MailSettings, NewMail
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.sign_in import link_usecases as links
from clearline.sign_in.attempt_domain import ACCOUNT_FROM_NETWORK_MAX, WINDOW
from clearline.sign_in.attempt_usecases import limited_attempt
from clearline.sign_in.domain import Device, SignInRefused, TooManyAttempts
from clearline.web.mail import render
from tests.builders.people import NOW, Tenant, new_person
from tests.builders.sign_in.sessions import new_person_with_password

SECOND, HOUR, YEAR = timedelta(seconds=1), timedelta(hours=1), timedelta(days=365)
AHEAD = [pytest.param(HOUR, id="an hour"), pytest.param(YEAR, id="a year")]
SENDING = MailSettings("Support <support@example.net>", b"secret", "https://desk.example.net", enabled=True)
SIGN_IN = Settings(public_url="https://desk.example.net", smtp="smtp://192.0.2.25:25")


@pytest.mark.parametrize("ahead", AHEAD)
async def test_attempts_to_sign_in_are_refused_for_a_quarter_of_an_hour(database: Database, ahead: timedelta) -> None:
    account = uuid4().hex

    async def attempt(after: timedelta, *, fails: bool) -> None:
        async with limited_attempt(database, account, "203.0.113.77", now=NOW + after):
            if fails:
                raise SignInRefused

    for _ in range(ACCOUNT_FROM_NETWORK_MAX):
        with pytest.raises(SignInRefused):
            await attempt(ahead, fails=True)
    with pytest.raises(TooManyAttempts) as refused:
        await attempt(timedelta(0), fails=False)
    assert refused.value.retry_after == WINDOW.total_seconds()
    with pytest.raises(TooManyAttempts):
        await attempt(WINDOW - SECOND, fails=False)
    await attempt(WINDOW, fails=False)


@pytest.mark.parametrize("ahead", AHEAD)
async def test_somebody_can_ask_for_a_new_password(database: Database, ahead: timedelta) -> None:
    user = await new_person_with_password(database)
    for number, after in enumerate((ahead, timedelta(0), SECOND)):
        where = Device("", f"198.51.100.{number}")
        await links.request_reset(database, user.email, where, settings=SIGN_IN, render=render, now=NOW + after)
    async with database.statement() as tx:
        mails = await tx.fetchval("select count(*) from outbound_mail where recipient = $1", user.email)
    assert mails == 2, "one while the clock was ahead, one after it was set back, and none a second later"


@pytest.mark.parametrize("ahead", AHEAD)
async def test_an_invitation_can_be_sent_again(database: Database, tenant: Tenant, ahead: timedelta) -> None:
    async with database.transaction() as tx:
        admin = await new_person(tx, role=Role.CUSTOMER_ADMIN, company=tenant.company.code)
        user = await accounts.add_user(
            tx, admin, tenant.company.id, name="Kim", email=f"{uuid4().hex}@example.com", phone="", now=NOW + ahead
        )
        await accounts.invite_user(tx, admin, tenant.company.id, user.id, now=NOW)
        with pytest.raises(Conflict, match="less than an hour ago"):
            await accounts.invite_user(tx, admin, tenant.company.id, user.id, now=NOW + SECOND)


@pytest.mark.parametrize(
    ("after", "count"), [(timedelta(0), 1), (SECOND, 1), (HOUR, 0), (YEAR, 0)], ids=["now", "soon", "hour", "year"]
)
async def test_mails_keys_and_invitations_of_a_time_that_is_to_come_do_not_count(
    database: Database, tenant: Tenant, after: timedelta, count: int
) -> None:
    recipient, company_id = f"{uuid4().hex}@example.com", tenant.company.id
    day_ago, soon = NOW - timedelta(days=1), NOW + timedelta(minutes=1)
    async with database.transaction() as tx:
        before = (
            await outbound_mail.contacts_count(tx, company_id, now=NOW),
            await account_mail_store.count(tx, company_id, since=day_ago, until=soon),
            await key_store.count_issued(tx, company_id, since=day_ago, until=soon),
        )
        mail = NewMail(
            recipient=recipient, subject="Port", text="x\n", html=None, kind="notification", company_id=company_id
        )
        await outbound_mail.enqueue(tx, mail, now=NOW + after, settings=SENDING)
        invitation = AccountMail(company_id, uuid4(), AccountMailKind.INVITATION, recipient, NOW + after)
        await account_mail_store.insert(tx, invitation)
        await keys.create_key(tx, OPERATOR, company_id, name="another", now=NOW + after)
        assert await outbound_mail.recent_count(tx, recipient, now=NOW) == count
        counts = (
            await outbound_mail.contacts_count(tx, company_id, now=NOW),
            await account_mail_store.count(tx, company_id, since=day_ago, until=soon),
            await key_store.count_issued(tx, company_id, since=day_ago, until=soon),
        )
    assert [now - then for then, now in zip(before, counts, strict=True)] == [count] * 3
