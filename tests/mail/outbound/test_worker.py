"""The queue of outbound mail against real servers: what arrives, in which order, and the states of the other mails."""

import asyncio
from datetime import timedelta

import pytest

from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.mail.outbound import store as outbound_mail_store
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound import worker as outbound_worker
from clearline.mail.outbound.domain import RETRY_DELAYS, MailState
from clearline.platform.database.transactions import Database
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from tests.builders.jobs import Clock, set_clock
from tests.builders.mail.outbox import eventually, read, until_received, until_state, working, write
from tests.builders.mail.smtp_server import running
from tests.builders.people import Tenant, email_of, id_of, new_person
from tests.builders.tickets import raised
from tests.patience import patient


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
async def _empty(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.write("delete from outbound_mail")
        await tx.write("delete from mail_suppression")


@pytest.fixture
async def ticket(database: Database, tenant: Tenant) -> int:
    async with database.transaction() as tx:
        return await raised(tx, tenant)


async def test_a_mail_arrives_as_it_is_stored(database: Database, tenant: Tenant, ticket: int) -> None:
    async with running() as server:
        async with working(database, server):
            ids = await write(database, tenant, 5, ticket_number=ticket)
            await until_state(database, MailState.SENT, *ids)
        async with database.statement() as tx:
            stored = [(await outbound_mail.get_mail(tx, OPERATOR, mail_id))[1] for mail_id in ids]
        assert sorted(mail.raw for mail in server.received) == sorted(stored)
        assert {mail.sender for mail in server.received} == {"support@example.net"}
        assert {str(mail.message["To"]) for mail in server.received} == {mail.recipient for mail in server.received}
        mail = await read(database, ids[0])
        assert (mail.attempts, mail.last_error) == (0, None)
        assert mail.finished_at is not None
        assert server.connections <= outbound_worker.MAX_CONNECTIONS


async def test_a_mail_that_is_rejected_temporarily_is_retried_later(
    database: Database, tenant: Tenant, clock: Clock
) -> None:
    async with running() as server, working(database, server, clock):
        server.on_rcpt["*"] = "450 4.2.0 greylisted"
        [mail_id] = await write(database, tenant)
        for attempt, wait in enumerate(RETRY_DELAYS, 1):

            async def failed(attempt: int = attempt) -> bool:
                return (await read(database, mail_id)).attempts == attempt

            await eventually(failed)
            mail = await read(database, mail_id)
            assert (mail.state, mail.last_error) == (MailState.WAITING, "450 4.2.0 greylisted")
            delay = mail.due_at - clock()
            assert wait * 0.8 < delay < wait * 1.11
            clock.ahead += delay + timedelta(seconds=1)
        await until_state(database, MailState.DEAD, mail_id)
        mail = await read(database, mail_id)
        assert (mail.attempts, mail.last_error) == (len(RETRY_DELAYS) + 1, "450 4.2.0 greylisted")
        assert server.received == []
        server.on_rcpt.clear()
        async with database.transaction() as tx:
            assert (await outbound_mail.retry_mail(tx, OPERATOR, mail_id, now=clock())).attempts == 0
        await until_received(server, 1)


async def test_a_mail_that_is_rejected_permanently_is_not_retried(database: Database, tenant: Tenant) -> None:
    async with running() as server, working(database, server):
        server.on_rcpt["person0@example.com"] = "550 5.1.1 no such user"
        server.on_data["person1@example.com"] = "554 5.7.1 spam"
        ids = await write(database, tenant, 3)
        await until_state(database, MailState.DEAD, *ids[:2])
        await until_state(database, MailState.SENT, ids[2])
        mails = [await read(database, mail_id) for mail_id in ids[:2]]
        assert [mail.last_error for mail in mails] == ["550 5.1.1 no such user", "554 5.7.1 spam"]
        assert [mail.attempts for mail in mails] == [1, 1]
        assert [mail.recipient for mail in server.received] == ["person2@example.com"]


@pytest.mark.parametrize(
    ("step", "answer", "is_lost"),
    [
        ("rcpt", "550 5.1.1 no such user", True),
        ("rcpt", "550 no such user", True),
        ("data", "550 5.1.1 no such user", True),
        ("data", "550 spam", False),
        ("data", "554 5.7.1 spam", False),
        ("rcpt", "550 5.7.1 relaying denied", False),
        ("rcpt", "450 4.1.1 try later", False),
    ],
)
async def test_an_agent_whose_address_the_server_refuses_loses_the_tickets(
    database: Database, tenant: Tenant, ticket: int, step: str, answer: str, *, is_lost: bool
) -> None:
    async with database.transaction() as tx:
        agent = await new_person(tx, "Ben Ito")
        await ticket_changes.assign(tx, OPERATOR, ticket, id_of(agent), now=now())
    async with running() as server, working(database, server):
        (server.on_rcpt if step == "rcpt" else server.on_data)["*"] = answer
        ids = [
            *await write(database, tenant, recipient=email_of(agent)),
            *await write(database, tenant, recipient=tenant.user.email),
        ]

        async def tried() -> bool:
            return all([(await read(database, mail_id)).attempts == 1 for mail_id in ids])

        await eventually(tried)
    mail = await read(database, ids[0])
    assert mail.last_error == answer
    assert mail.state is (MailState.WAITING if answer.startswith("4") else MailState.DEAD)
    async with database.transaction() as tx:
        assignee_id = (await tickets.get_ticket(tx, OPERATOR, ticket)).ticket.assignee_id
        assert assignee_id == (None if is_lost else id_of(agent))
        assert await outbound_mail.may_mail(tx, email_of(agent)) is not is_lost
        assert await outbound_mail.may_mail(tx, tenant.user.email)


@pytest.mark.parametrize("answer", ["drop", "hang"])
async def test_a_mail_that_breaks_the_connection_does_not_block_others(
    database: Database, tenant: Tenant, answer: str
) -> None:
    async with running() as server, working(database, server, seconds=0.3):
        server.on_data["person0@example.com"] = answer
        ids = await write(database, tenant, 30)
        await until_state(database, MailState.SENT, *ids[1:])
        mail = await read(database, ids[0])
        assert (mail.state, mail.attempts) == (MailState.WAITING, 1)
        assert mail.last_error


async def test_mails_to_one_address_about_one_ticket_arrive_in_order(
    database: Database, tenant: Tenant, ticket: int, clock: Clock
) -> None:
    ada = {"recipient": "Ada@example.com", "ticket_number": ticket}
    async with running() as server, working(database, server, clock):
        server.on_rcpt["Ada@example.com"] = "451 4.3.0 later"
        ids = await write(database, tenant, 1, **ada)

        async def failed() -> bool:
            return (await read(database, ids[0])).attempts == 1

        await eventually(failed)
        ids += await write(database, tenant, 4, **(ada | {"recipient": "ada@example.com"}))
        others = await write(database, tenant, 2, ticket_number=ticket)
        others += await write(database, tenant, 1, recipient="ada@example.com")
        await until_state(database, MailState.SENT, *others)
        assert [(await read(database, mail_id)).state for mail_id in ids] == [MailState.WAITING] * 5
        server.on_rcpt.clear()
        server.received.clear()
        clock.ahead += timedelta(minutes=2)
        await until_state(database, MailState.SENT, *ids)
    known = [(await read(database, mail_id)).message_id for mail_id in ids]
    assert [str(mail.message["Message-ID"]) for mail in server.received] == known


async def test_a_failure_also_postpones_the_later_mails(database: Database, tenant: Tenant, ticket: int) -> None:
    ids = await write(database, tenant, 3, recipient="ada@example.com", ticket_number=ticket)
    [other] = await write(database, tenant, 1, recipient="ben@example.com", ticket_number=ticket)
    at, later = now(), now() + timedelta(hours=1)
    async with database.transaction() as tx:
        first = await outbound_mail_store.claim(tx, limit=10, until=at + timedelta(seconds=60), now=at)
        assert [mail.id for mail in first] == [ids[0], other]
        assert await outbound_mail_store.claim(tx, limit=10, until=at, now=at) == []
        await outbound_mail_store.schedule_retry(tx, first[0], "451 later", due_at=later)
    assert [(await read(database, mail_id)).due_at for mail_id in ids] == [later] * 3
    assert (await read(database, other)).due_at < later


async def test_a_claim_does_not_wait_for_another_process(database: Database, tenant: Tenant) -> None:
    ids = await write(database, tenant, 3)
    at = now()
    async with database.transaction() as first_tx, database.transaction() as second_tx:
        first = await outbound_mail_store.claim(first_tx, limit=2, until=at + timedelta(seconds=60), now=at)
        async with asyncio.timeout(patient(2)):
            second = await outbound_mail_store.claim(second_tx, limit=2, until=at + timedelta(seconds=60), now=at)
    assert [mail.id for mail in [*first, *second]] == ids


async def test_an_unavailable_server_costs_no_attempts(database: Database, tenant: Tenant, clock: Clock) -> None:
    async with running() as server:
        pass
    async with working(database, server, clock, pauses=[0.3]):
        ids = await write(database, tenant, 30)
        await asyncio.sleep(1)
        mails = [await read(database, mail_id) for mail_id in ids]
        assert {(mail.state, mail.attempts, mail.last_error) for mail in mails} == {(MailState.WAITING, 0, None)}
        async with running(server, port=server.port):
            await until_state(database, MailState.SENT, *ids)
            assert len(server.received) == 30


async def test_a_pause_ends_in_time_after_the_clock_was_set_back(
    database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running() as server:
        pass
    async with working(database, server, pauses=[0.3]):
        await write(database, tenant, 1, recipient="before@example.com")
        await asyncio.sleep(0.5)
        set_clock(monkeypatch, timedelta(hours=-1))
        ids = await write(database, tenant, 3)
        async with running(server, port=server.port):
            await until_state(database, MailState.SENT, *ids)


async def test_a_server_that_refuses_all_mail_is_tried_with_one_mail_at_a_time(
    database: Database, tenant: Tenant
) -> None:
    async with running() as server, working(database, server, pauses=[0.1]):
        server.on_mail["*"] = "550 5.7.1 not your address"
        ids = await write(database, tenant, 20)
        await asyncio.sleep(0.5)
        before = server.connections
        await asyncio.sleep(1)
        assert server.connections - before <= 10
        server.on_mail.clear()
        await until_state(database, MailState.SENT, *ids)


async def test_no_mail_is_sent_to_an_address_that_was_suppressed_meanwhile(database: Database, tenant: Tenant) -> None:
    [mail_id] = await write(database, tenant, 1, recipient="Ada@example.com")
    async with database.transaction() as tx:
        await outbound_mail.suppress(tx, OPERATOR, "ada@example.com", now=now())
    async with running() as server, working(database, server):
        await until_state(database, MailState.DEAD, mail_id)
        mail = await read(database, mail_id)
        assert (mail.last_error, mail.attempts) == ("the address is suppressed: manual", 0)
        assert server.received == []
