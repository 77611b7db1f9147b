"""What mail about tickets says of answers, how much of it a company's contacts get, and that nothing is left behind."""

from datetime import timedelta
from uuid import uuid4

import pytest
import structlog

from clearline.events.event_types import NotificationKind
from clearline.identity import OPERATOR, Role
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import Mail, MailSettings, MailState
from clearline.notifications import compose as notification_mail
from clearline.notifications.compose import NOTIFICATION
from clearline.notifications.domain import Way
from clearline.notifications.recipients import WINDOW
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets.note_domain import Visibility
from tests.builders.tickets import raised
from tests.conftest import NOW, Tenant, new_tenant
from tests.notifications import test_worker as test_notifications
from tests.notifications.test_worker import CONTACT, World, a_follower, address, note

world = test_notifications.world
TO_STAFF = "Reply to this mail to add an internal note. The customer does not see it."
TO_CUSTOMERS = "Reply to this mail to add a note to the ticket."
RULES = {NotificationKind.PROVIDER_NOTE: Way.EMAIL}


async def test_a_mail_says_what_an_answer_to_it_becomes(world: World) -> None:
    async def work(tx: Tx) -> tuple[int, dict[str, str]]:
        number = await raised(tx, world.tenant)
        agent = await a_follower(tx, number, Role.AGENT, rules=RULES)
        viewer = await a_follower(tx, number, Role.VIEWER, rules=RULES)
        customer = await a_follower(tx, number, Role.CUSTOMER, world.tenant.company.code, rules=RULES)
        says = {address(agent): TO_STAFF, address(viewer): "", address(customer): TO_CUSTOMERS, CONTACT: TO_CUSTOMERS}
        return number, says

    number, says = await world.do(work)
    await world.do(note(number, "We are looking at it.", OPERATOR))
    made = await world.do(
        lambda tx: tx.fetchval(
            "insert into mailbox (id, address, created_at) values (gen_random_uuid(), $1, $2) returning id",
            f"{uuid4().hex}@example.net",
            NOW,
        )
    )
    try:
        await world.later(WINDOW)
    finally:
        await world.do(lambda tx: tx.write("delete from mailbox where id = $1", made))
    found = await world.sent()
    assert {one.to for one in found} == set(says)
    for mail in found:
        for said in (mail.text, mail.html):
            assert [one for one in (TO_STAFF, TO_CUSTOMERS) if one in said] == (
                [says[mail.to]] if says[mail.to] else []
            )
            assert ("Reply to" in said) is bool(says[mail.to])


async def test_contacts_who_are_no_users_get_so_many_mails_an_hour_of_each_company(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbound_mail, "MOST_TO_CONTACTS", 3)
    other = await new_tenant(world.database)
    numbers = [await world.do(lambda tx: raised(tx, world.tenant)) for _ in range(5)]
    foreign = await world.do(lambda tx: raised(tx, other))
    reader = await world.do(lambda tx: a_follower(tx, numbers[4], Role.AGENT, rules=RULES))
    await world.do(note(numbers[4], "To whom it concerns", OPERATOR))
    with structlog.testing.capture_logs() as noted:
        await world.later(WINDOW)
    assert [entry for entry in noted if entry["log_level"] == "warning"] == [
        {
            "event": "mail to contacts not sent: too much within an hour",
            "log_level": "warning",
            "companies": {str(world.tenant.company.id): 2},
        }
    ]
    assert await world.waiting() == 0
    async with world.database.statement() as tx:
        rows = await tx.fetch("select recipient, ticket_number from outbound_mail")
    assert sorted(tuple(one) for one in rows) == sorted(
        [*((CONTACT, number) for number in numbers[:3]), (CONTACT, foreign), (address(reader), numbers[4])]
    )
    world.now += timedelta(hours=1, seconds=1)
    await world.sent()
    await world.do(note(numbers[4], "An hour later", OPERATOR))
    await world.later(WINDOW)
    assert CONTACT in {one.to for one in await world.sent()}


async def test_the_fuse_of_contacts_counts_notifications_to_those_who_are_no_users(
    database: Database, tenant: Tenant
) -> None:
    other = await new_tenant(database)
    async with database.transaction() as tx:
        for company, user_id, kind, age in (
            (tenant, None, NOTIFICATION, 0),
            (tenant, None, NOTIFICATION, 3600),
            (tenant, None, NOTIFICATION, 3601),
            (tenant, None, notification_mail.DIGEST, 0),
            (tenant, tenant.user.id, NOTIFICATION, 0),
            (other, None, NOTIFICATION, 0),
        ):
            mail = Mail(
                recipient="ada@example.com", subject="Port", text="Text\n", html=None, kind=kind,
                company_id=company.company.id, user_id=user_id,
            )  # fmt: skip
            settings = MailSettings("support@example.net", b"secret", "https://example.net", enabled=True)
            await outbound_mail.send(tx, mail, now=NOW - timedelta(seconds=age), settings=settings)
        assert await outbound_mail.contacts_count(tx, tenant.company.id, now=NOW) == 2


@pytest.mark.parametrize("way", [Way.EMAIL, Way.DIGEST])
async def test_nothing_waits_for_ever_for_an_address_that_is_suppressed(world: World, way: Way) -> None:
    async def work(tx: Tx) -> tuple[int, str]:
        number = await raised(tx, world.tenant)
        reader = await a_follower(tx, number, Role.AGENT, rules={NotificationKind.INTERNAL_NOTE: way})
        for one in (address(reader), CONTACT):
            if await outbound_mail.may_mail(tx, one):
                await outbound_mail.suppress(tx, OPERATOR, one, now=NOW)
        return number, address(reader)

    number, reader = await world.do(work)
    await world.do(note(number, "News", OPERATOR, Visibility.INTERNAL))
    await world.later(timedelta(days=1))
    assert await world.waiting() == 0
    async with world.database.transaction() as tx:
        rows = await tx.fetch("select recipient, kind, state from outbound_mail")
        await outbound_mail.unsuppress(tx, OPERATOR, CONTACT, now=NOW)
    kind = NOTIFICATION if way is Way.EMAIL else notification_mail.DIGEST
    assert {tuple(one) for one in rows} == {
        (reader, kind, MailState.DEAD),
        (CONTACT, NOTIFICATION, MailState.DEAD),
    }
