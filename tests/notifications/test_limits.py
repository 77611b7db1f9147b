"""What mails say about replies, the rate limits, and suppressed addresses."""

import dataclasses
from datetime import timedelta
from uuid import uuid4

import pytest
import structlog

from clearline.events.event_types import NotificationKind
from clearline.identity import OPERATOR, Role
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import NOTIFICATION, MailSettings, MailState, NewMail, RateLimits
from clearline.notifications import compose, worker
from clearline.notifications import preference_usecases as preferences
from clearline.notifications.domain import DeliveryMode
from clearline.notifications.recipients import GROUPING_WINDOW
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets.note_domain import Visibility
from clearline.web import mail as templates
from tests.builders.mail.notification_rig import CONTACT, SETTINGS, NotificationRig, new_watcher, note
from tests.builders.people import NOW, Tenant, email_of, new_tenant
from tests.builders.tickets import raised

TO_STAFF = "Reply to this mail to add an internal note. The customer does not see it."
MARKED = "Begin your answer with #public on a line of its own to send it to the customer; otherwise it stays internal."
TO_CUSTOMERS = "Reply to this mail to add a note to the ticket."
RULES = {NotificationKind.PROVIDER_NOTE: DeliveryMode.EMAIL}


async def test_a_mail_says_what_a_reply_becomes(rig: NotificationRig) -> None:
    async def work(tx: Tx) -> tuple[int, dict[str, str]]:
        number = await raised(tx, rig.tenant)
        agent = await new_watcher(tx, number, Role.AGENT, rules=RULES)
        viewer = await new_watcher(tx, number, Role.VIEWER, rules=RULES)
        customer = await new_watcher(tx, number, Role.CUSTOMER, rig.tenant.company.code, rules=RULES)
        says = {
            email_of(agent): TO_STAFF,
            email_of(viewer): "",
            email_of(customer): TO_CUSTOMERS,
            CONTACT: TO_CUSTOMERS,
        }
        return number, says

    number, says = await rig.transact(work)
    await rig.transact(note(number, "We are looking at it.", OPERATOR))
    mailbox_id = await rig.transact(
        lambda tx: tx.fetchval(
            "insert into mailbox (id, address, created_at) values (gen_random_uuid(), $1, $2) returning id",
            f"{uuid4().hex}@example.net",
            NOW,
        )
    )
    try:
        await rig.advance(GROUPING_WINDOW)
    finally:
        await rig.transact(lambda tx: tx.write("delete from mailbox where id = $1", mailbox_id))
    mails = await rig.take_sent()
    assert {mail.to for mail in mails} == set(says)
    for mail in mails:
        for body in (mail.text, mail.html):
            assert [text for text in (TO_STAFF, TO_CUSTOMERS) if text in body] == (
                [says[mail.to]] if says[mail.to] else []
            )
            assert ("Reply to" in body) is bool(says[mail.to])


@pytest.mark.parametrize("server", [None, "mx.example.net"])
@pytest.mark.parametrize("is_on", [False, True])
async def test_a_mail_to_an_agent_says_how_to_reply_to_the_customer_if_that_is_on(
    rig: NotificationRig, server: str | None, *, is_on: bool
) -> None:
    settings = dataclasses.replace(SETTINGS, staff_replies_by_mail=server)
    rig.jobs = worker.jobs(rig.database, settings, templates.render, lambda: rig.now)

    async def work(tx: Tx) -> int:
        number = await raised(tx, rig.tenant)
        agent = await new_watcher(tx, number, Role.AGENT, rules=RULES)
        await preferences.change_own(tx, agent, {"replies_by_mail": is_on}, now=NOW)
        await new_watcher(tx, number, Role.CUSTOMER, rig.tenant.company.code, rules=RULES)
        await tx.write(
            "insert into mailbox (id, address, created_at) values (gen_random_uuid(), $1, $2)",
            f"{uuid4().hex}@example.net",
            NOW,
        )
        return number

    number = await rig.transact(work)
    await rig.transact(note(number, "We are looking at it.", OPERATOR))
    try:
        await rig.advance(GROUPING_WINDOW)
    finally:
        await rig.transact(lambda tx: tx.write("delete from mailbox"))
    mails = await rig.take_sent()
    for body in (text for mail in mails for text in (" ".join(mail.text.split()), mail.html)):
        assert not (TO_STAFF in body and MARKED in body)
    assert [MARKED in " ".join(mail.text.split()) for mail in mails].count(True) == int(is_on and server is not None)
    assert [TO_STAFF in mail.text for mail in mails].count(True) == int(not is_on or server is None)


async def test_contacts_who_are_not_users_get_a_limited_number_of_mails_an_hour_for_each_company(
    rig: NotificationRig,
) -> None:
    rig.limit(RateLimits(per_company_contacts=3))
    other = await new_tenant(rig.database)
    numbers = [await rig.transact(lambda tx: raised(tx, rig.tenant)) for _ in range(5)]
    foreign = await rig.transact(lambda tx: raised(tx, other))
    reader = await rig.transact(lambda tx: new_watcher(tx, numbers[4], Role.AGENT, rules=RULES))
    await rig.transact(note(numbers[4], "To whom it concerns", OPERATOR))
    with structlog.testing.capture_logs() as noted:
        await rig.advance(GROUPING_WINDOW)
    assert [entry for entry in noted if entry["log_level"] == "warning"] == [
        {
            "event": "mail to contacts not sent: rate limit of the company",
            "log_level": "warning",
            "companies": {str(rig.tenant.company.id): 2},
        }
    ]
    assert await rig.pending_count() == 0
    async with rig.database.statement() as tx:
        rows = await tx.fetch("select recipient, ticket_number from outbound_mail")
    assert sorted(tuple(row) for row in rows) == sorted(
        [*((CONTACT, number) for number in numbers[:3]), (CONTACT, foreign), (email_of(reader), numbers[4])]
    )
    rig.now += timedelta(hours=1, seconds=1)
    await rig.take_sent()
    await rig.transact(note(numbers[4], "An hour later", OPERATOR))
    await rig.advance(GROUPING_WINDOW)
    assert CONTACT in {mail.to for mail in await rig.take_sent()}


async def test_the_rate_limit_of_contacts_counts_notifications_to_contacts_who_are_not_users(
    database: Database, tenant: Tenant
) -> None:
    other = await new_tenant(database)
    async with database.transaction() as tx:
        for company, user_id, kind, age in (
            (tenant, None, NOTIFICATION, 0),
            (tenant, None, NOTIFICATION, 3600),
            (tenant, None, NOTIFICATION, 3601),
            (tenant, None, compose.DIGEST, 0),
            (tenant, tenant.user.id, NOTIFICATION, 0),
            (other, None, NOTIFICATION, 0),
        ):
            mail = NewMail(
                recipient="ada@example.com", subject="Port", text="Text\n", html=None, kind=kind,
                company_id=company.company.id, user_id=user_id,
            )  # fmt: skip
            settings = MailSettings("support@example.net", b"secret", "https://example.net", enabled=True)
            await outbound_mail.enqueue(tx, mail, now=NOW - timedelta(seconds=age), settings=settings)
        assert await outbound_mail.contacts_count(tx, tenant.company.id, now=NOW) == 2


@pytest.mark.parametrize("way", [DeliveryMode.EMAIL, DeliveryMode.DIGEST])
async def test_notifications_to_a_suppressed_address_do_not_stay_pending(
    rig: NotificationRig, way: DeliveryMode
) -> None:
    async def work(tx: Tx) -> tuple[int, str]:
        number = await raised(tx, rig.tenant)
        reader = await new_watcher(tx, number, Role.AGENT, rules={NotificationKind.INTERNAL_NOTE: way})
        for address in (email_of(reader), CONTACT):
            if await outbound_mail.may_mail(tx, address):
                await outbound_mail.suppress(tx, OPERATOR, address, now=NOW)
        return number, email_of(reader)

    number, reader = await rig.transact(work)
    await rig.transact(note(number, "News", OPERATOR, Visibility.INTERNAL))
    await rig.advance(timedelta(days=1))
    assert await rig.pending_count() == 0
    async with rig.database.transaction() as tx:
        rows = await tx.fetch("select recipient, kind, state from outbound_mail")
        await outbound_mail.unsuppress(tx, OPERATOR, CONTACT, now=NOW)
    kind = NOTIFICATION if way is DeliveryMode.EMAIL else compose.DIGEST
    assert {tuple(row) for row in rows} == {
        (reader, kind, MailState.DEAD),
        (CONTACT, NOTIFICATION, MailState.DEAD),
    }
