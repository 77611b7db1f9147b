"""Webhooks against a real receiver: what is sent, in which order, again and again, and when it is given up."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from clearline.app import webhook_body
from clearline.clock import now
from clearline.errors import InvalidInput
from clearline.identity import OPERATOR, PROVIDER_ID, Actor, Company
from clearline.platform.database.transactions import Database, Tx
from clearline.platform.work.runner import PeriodicJob, Runner
from clearline.settings import Settings
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Channel, ticket_number
from clearline.tickets.note_domain import Visibility
from clearline.tickets.note_usecases import append_note
from clearline.webhooks import delivery_store
from clearline.webhooks import delivery_usecases as deliveries
from clearline.webhooks import store as subscription_store
from clearline.webhooks import usecases as subscriptions
from clearline.webhooks import worker as webhooks
from clearline.webhooks.domain import Subscription
from clearline.webhooks.http_client import HttpOut
from clearline.webhooks.protocol import SCHEDULE, Delivery, State
from tests.builders.jobs import purge_job
from tests.builders.people import Tenant, new_tenant
from tests.builders.receiver import LOOPBACK, Got, Receiver, answer, receiving, signed_by
from tests.builders.tickets import a_new_ticket
from tests.patience import patient, stretched

PROVIDER = Company(PROVIDER_ID, "Provider", "PROVIDER")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as one:
        yield one


@pytest.fixture(autouse=True)
async def alone(database: Database) -> AsyncIterator[None]:
    """No subscription of another test is left."""
    yield
    async with database.transaction() as tx:
        await tx.write("delete from subscription")


async def raised(tx: Tx, actor: Actor) -> int:
    """The number of a ticket raised just now."""
    return (await tickets.create_ticket(tx, actor, a_new_ticket(), now=now())).ticket.number


class Clock:
    """Time that a test sets forward."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return now() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


def jobs(database: Database, clock: Callable[[], datetime] = now, **more: Any) -> list[PeriodicJob]:
    settings = Settings(webhook_networks=LOOPBACK, webhook_seconds=more.pop("seconds", round(patient(2))))
    return webhooks.jobs(database, settings, clock, webhook_body, **more)


@asynccontextmanager
async def working(database: Database, clock: Callable[[], datetime] = now, **more: Any) -> AsyncIterator[Runner]:
    """The workers of webhooks, as a process of its own runs them."""
    runner = Runner(jobs(database, clock, **more), yields_to_requests=False)
    running = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        runner.stop()
        await running


async def until(true: Callable[[], object], seconds: float = 5) -> None:
    async with asyncio.timeout(patient(seconds)):
        while not true():  # noqa: ASYNC110 - what it waits for tells nobody
            await asyncio.sleep(0.01)


async def subscribed(database: Database, of: Company, receiver: Receiver, *types: str) -> tuple[Subscription, str]:
    """A subscription, by default for events that no test here makes."""
    async with database.transaction() as tx:
        return await subscriptions.add_subscription(
            tx, OPERATOR, {"url": receiver.url, "types": types or ("attachment.",)}, of=of, networks=LOOPBACK, now=now()
        )


async def seen(database: Database, one: Subscription) -> Subscription:
    async with database.statement() as tx:
        found = await subscription_store.get(tx, one.company_id, one.id)
    assert found is not None
    return found


async def listed(database: Database, one: Subscription, state: State | None = None) -> list[Delivery]:
    """The deliveries of a subscription, oldest first."""
    async with database.statement() as tx:
        found = await delivery_store.page(tx, one.company_id, one.id, state=state, after=None, limit=1000)
    return found[::-1]


async def pinged(database: Database, one: Subscription, *, ticket: int | None = None, count: int = 1) -> list[UUID]:
    """Deliveries that wait, of events of a ticket, or pings."""
    made = [
        delivery_store.NewDelivery(
            one.company_id, one.id, uuid4(), None if ticket is None else number, "ping", ticket, b'{"n": %d}' % number
        )
        for number in range(count)
    ]
    async with database.statement() as tx:
        await delivery_store.insert(tx, made, now=now())
    return [delivery.id for delivery in made]


async def waited(database: Database, one: Subscription, true: Callable[[list[Delivery]], object]) -> list[Delivery]:
    async with asyncio.timeout(patient(8)):
        while not true(found := await listed(database, one)):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.02)
    return found


def all_done(found: list[Delivery]) -> bool:
    return all(one.state is not State.WAITING for one in found)


async def test_an_event_arrives_signed_in_the_form_of_the_standard(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    one, secret = await subscribed(database, tenant.company, receiver, "ticket.")
    async with working(database):
        async with database.transaction() as tx:
            number = await raised(tx, tenant.actor)
        await until(lambda: receiver.got)
    [got] = receiver.got
    assert signed_by(secret, got)
    assert not signed_by("whsec_" + "A" * 44, got)
    assert got.headers["content-type"] == "application/json"
    assert got.headers["user-agent"] == "Clearline"
    body = got.json
    assert set(body) == {"type", "timestamp", "data"}
    assert body["type"] == "ticket.created"
    assert datetime.fromisoformat(body["timestamp"]).tzinfo is not None
    assert body["data"]["ticket"] == ticket_number(number)
    assert body["data"]["company"] == str(tenant.company.id)
    assert set(body["data"]) == {"id", "company", "ticket", "note", "actor", "data"}
    [delivery] = await listed(database, one)
    assert (str(delivery.id), delivery.state, delivery.attempts) == (got.id, State.DELIVERED, 1)
    assert delivery.event_id == int(body["data"]["id"])


async def test_a_company_hears_of_its_own_what_it_may_and_the_provider_of_everything(
    database: Database, tenant: Tenant, other_tenant: Tenant, receiver: Receiver
) -> None:
    async with receiving() as others, receiving() as providers:
        await subscribed(database, tenant.company, receiver, "ticket.", "note.")
        await subscribed(database, other_tenant.company, others, "ticket.", "note.")
        await subscribed(database, PROVIDER, providers, "ticket.", "note.")
        async with working(database):
            async with database.transaction() as tx:
                number = await raised(tx, tenant.actor)
                await append_note(tx, OPERATOR, number, "inside", channel=Channel.API,
                                  visibility=Visibility.INTERNAL, now=now())  # fmt: skip
                await append_note(tx, OPERATOR, number, "outside", channel=Channel.API, now=now())
            await until(lambda: len(providers.got) >= 3 and len(receiver.got) >= 2)
    types = [got.json["type"] for got in receiver.got]
    assert types == ["ticket.created", "note.added"]
    assert [got.json["data"]["data"].get("visibility") for got in receiver.got] == [None, "public"]
    assert [got.json["type"] for got in providers.got] == ["ticket.created", "note.added", "note.added"]
    assert others.got == []


async def test_an_event_that_is_read_again_is_not_sent_again(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    one, _ = await subscribed(database, tenant.company, receiver, "ticket.")
    async with database.transaction() as tx:
        await raised(tx, tenant.actor)
    [follow, *_] = jobs(database)
    while await follow.run():
        pass
    before = await listed(database, one)
    assert before
    async with database.transaction() as tx:
        await tx.write("delete from consumer where name = 'webhooks'")
    while await follow.run():
        pass
    after = await listed(database, one)
    assert [delivery.id for delivery in after[: len(before)]] == [delivery.id for delivery in before]
    assert len({delivery.event_id for delivery in after}) == len(after)


async def test_what_happened_before_a_subscription_was_made_is_not_for_it(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    async with database.transaction() as tx:
        await raised(tx, tenant.actor)
    one, _ = await subscribed(database, tenant.company, receiver, "ticket.")
    async with database.transaction() as tx:
        number = await raised(tx, tenant.actor)
    [follow, *_] = jobs(database)
    while await follow.run():
        pass
    assert [delivery.ticket_number for delivery in await listed(database, one)] == [number]


async def test_without_a_subscription_nothing_is_kept(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        await raised(tx, tenant.actor)
    [follow, *_] = jobs(database)
    while await follow.run():
        pass
    async with database.statement() as tx:
        assert await tx.fetchval("select count(*) from delivery") == 0


async def test_a_retry_has_the_same_id_and_body_and_a_new_signature(
    database: Database, tenant: Tenant, receiver: Receiver, clock: Clock
) -> None:
    one, secret = await subscribed(database, tenant.company, receiver)
    receiver.script = [answer(500, b"oops"), answer(503), answer(200)]
    [key] = await pinged(database, one)
    async with working(database, clock):
        await until(lambda: len(receiver.got) >= 1)
        await waited(database, one, lambda found: found[0].attempts == 1)
        clock.ahead += timedelta(seconds=6)
        await until(lambda: len(receiver.got) >= 2)
        await waited(database, one, lambda found: found[0].attempts == 2)
        clock.ahead += timedelta(seconds=6)
        found = await waited(database, one, all_done)
    assert [got.id for got in receiver.got] == [str(key)] * 3
    assert len({got.body for got in receiver.got}) == 1
    stamps = [int(got.headers["webhook-timestamp"]) for got in receiver.got]
    assert stamps[0] < stamps[1] < stamps[2]
    assert len({got.headers["webhook-signature"] for got in receiver.got}) == 3
    assert all(signed_by(secret, got) for got in receiver.got)
    assert [delivery.state for delivery in found] == [State.DELIVERED]
    async with database.transaction() as tx:
        told = await deliveries.get_delivery(tx, OPERATOR, one.id, key, of=tenant.company)
    assert [(tried.number, tried.status, tried.answer) for tried in told.attempts] == [
        (1, 500, "oops"),
        (2, 503, ""),
        (3, 200, ""),
    ]
    assert (await seen(database, one)).failures == 0


async def test_events_of_a_ticket_come_in_order_however_often_one_is_refused(
    database: Database, tenant: Tenant, receiver: Receiver, clock: Clock
) -> None:
    one, _ = await subscribed(database, tenant.company, receiver)
    first = await pinged(database, one, ticket=1, count=5)
    second = await pinged(database, one, ticket=2, count=5)
    nobodys = await pinged(database, one, count=5)
    turns = 0

    async def respond(got: Got) -> bytes:
        nonlocal turns
        turns += 1
        await asyncio.sleep(0.005 * (turns % 3))
        is_first = [other.id for other in receiver.got].count(got.id) == 1
        return answer(500 if is_first and turns % 2 else 200)

    receiver.respond = respond
    async with working(database, clock):
        async with asyncio.timeout(patient(10)):
            while not all_done(await listed(database, one)):
                clock.ahead += timedelta(seconds=6)
                await asyncio.sleep(0.05)
    assert all_done(await listed(database, one))
    assert {UUID(got.id) for got in receiver.got} > {*nobodys}
    for line in (first, second):
        went = [UUID(got.id) for got in receiver.got if UUID(got.id) in line]
        assert list(dict.fromkeys(went)) == line
        assert went == sorted(went, key=line.index)


async def test_of_one_subscription_four_are_under_way_and_one_while_it_fails(
    database: Database, tenant: Tenant, receiver: Receiver, clock: Clock
) -> None:
    one, _ = await subscribed(database, tenant.company, receiver)
    for ticket in range(1, 9):
        await pinged(database, one, ticket=ticket)
    under_way, most = 0, []
    status = 503

    async def respond(_got: Got) -> bytes:
        nonlocal under_way
        under_way += 1
        most.append(under_way)
        await asyncio.sleep(0.1)
        under_way -= 1
        return answer(status)

    receiver.respond = respond
    async with working(database, clock), working(database, clock):
        await waited(database, one, lambda found: sum(delivery.attempts for delivery in found) == 4)
        await asyncio.sleep(0.4)
        assert (len(receiver.got), max(most)) == (4, 4)
        failing = await seen(database, one)
        assert failing.failures == 1, "four that failed together are one failure"
        assert failing.resume_at is not None
        assert failing.failing_since is not None
        most.clear()
        clock.ahead += timedelta(seconds=6)
        await waited(database, one, lambda found: sum(delivery.attempts for delivery in found) == 5)
        await asyncio.sleep(0.4)
        assert (len(receiver.got), max(most)) == (5, 1), "one tries whether it is well again"
        assert (await seen(database, one)).failures == 2
        status = 200
        clock.ahead += timedelta(seconds=331)
        await waited(database, one, all_done)
    assert len({got.id for got in receiver.got}) == 8
    well = await seen(database, one)
    assert (well.failures, well.failing_since, well.resume_at) == (0, None, None)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [(answer(429, Retry_After="90"), 90), (answer(503, Retry_After="0"), 1), (answer(502), 5), (b"", 5)],
)
async def test_a_receiver_that_cannot_is_left_alone_for_as_long_as_it_asks(
    database: Database, tenant: Tenant, receiver: Receiver, said: bytes, seconds: int
) -> None:
    one, _ = await subscribed(database, tenant.company, receiver)
    receiver.script = [said]
    at = now()
    await pinged(database, one)
    async with working(database):
        await waited(database, one, lambda found: found[0].attempts == 1)
    failing = await seen(database, one)
    assert failing.resume_at is not None
    assert seconds * 0.89 <= (failing.resume_at - at).total_seconds() <= seconds * 1.11 + 2


@pytest.mark.parametrize("status", [301, 400, 404, 500])
async def test_what_is_refused_waits_by_itself_and_is_dead_in_the_end(
    database: Database, tenant: Tenant, receiver: Receiver, clock: Clock, status: int
) -> None:
    one, _ = await subscribed(database, tenant.company, receiver)
    [bad] = await pinged(database, one, ticket=1)

    async def respond(got: Got) -> bytes:
        return answer(status if got.id == str(bad) else 200, Location=receiver.url)

    receiver.respond = respond
    async with working(database, clock):
        for tries in range(1, len(SCHEDULE) + 1):
            found = await waited(database, one, lambda found: found[0].attempts == tries)  # noqa: B023
            if tries < len(SCHEDULE):
                due = found[0].due_at
                assert due is not None
                pause = (due - clock()).total_seconds()
                wanted = SCHEDULE[tries].total_seconds()
                assert wanted * 0.9 - 8 <= pause <= wanted * 1.1
                clock.ahead += timedelta(seconds=wanted * 1.1)
        [good] = await pinged(database, one, ticket=2)
        await waited(database, one, all_done)
    assert {delivery.id: delivery.state for delivery in await listed(database, one)} == {
        bad: State.DEAD, good: State.DELIVERED
    }  # fmt: skip
    well = await seen(database, one)
    assert (well.is_active, well.failures) == (True, 0)


async def test_a_receiver_that_is_gone_gets_nothing_more(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    one, _ = await subscribed(database, tenant.company, receiver)
    receiver.script = [answer(410)]
    await pinged(database, one, ticket=1, count=3)
    told: list[Subscription] = []

    async def on_disabled(_tx: Tx, disabled: Subscription) -> None:
        told.append(disabled)

    async with working(database, on_disabled=on_disabled):
        found = await waited(database, one, all_done)
        await asyncio.sleep(0.3)
    assert [delivery.state for delivery in found] == [State.DEAD] * 3
    assert len(receiver.got) == 1
    disabled = await seen(database, one)
    assert (disabled.is_active, disabled.disabled_reason) == (
        False, "the receiver answered 410: it wants nothing more"
    )  # fmt: skip
    assert told == [disabled]
    async with database.statement() as tx:
        event = await tx.fetchrow(
            """select actor_name, data from event where company_id = $1 and type = 'subscription.changed'
                order by id desc limit 1""",
            tenant.company.id,
        )
    assert event is not None
    assert event[0] == "webhooks"
    assert "token" not in event[1]


async def test_a_receiver_that_used_up_the_schedule_is_disabled_and_activated_begins_afresh(
    database: Database, tenant: Tenant, receiver: Receiver, clock: Clock
) -> None:
    one, _ = await subscribed(database, tenant.company, receiver)
    receiver.usual = answer(503)
    [key, *_] = await pinged(database, one, ticket=1, count=2)
    async with working(database, clock):
        for failures in range(1, len(SCHEDULE)):
            async with asyncio.timeout(patient(5)):
                while (await seen(database, one)).failures != failures:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            clock.ahead += SCHEDULE[failures] * 1.1
        found = await waited(database, one, all_done)
        disabled = await seen(database, one)
        assert [delivery.state for delivery in found] == [State.DEAD] * 2
        assert not disabled.is_active
        assert disabled.disabled_reason == "the receiver could not be reached 10 times in a row: 503"
        assert len(receiver.got) == 10
        receiver.usual = answer(200)
        async with database.transaction() as tx:
            again = await subscriptions.change_subscription(
                tx, OPERATOR, one.id, {"is_active": True}, of=tenant.company, networks=LOOPBACK, now=clock()
            )
            assert (again.failures, again.disabled_reason, again.resume_at) == (0, None, None)
            count = await deliveries.replay_range(
                tx, OPERATOR, one.id, since=now() - timedelta(hours=1), until=clock(), of=tenant.company, now=clock()
            )
        assert count == 2
        found = await waited(database, one, all_done)
    assert [(delivery.state, delivery.attempts) for delivery in found] == [(State.DELIVERED, 11), (State.DELIVERED, 1)]
    assert [got.id for got in receiver.got].count(str(key)) == 11


async def test_during_a_rotation_both_secrets_sign_and_then_the_new_one(
    database: Database, tenant: Tenant, receiver: Receiver, clock: Clock
) -> None:
    one, old = await subscribed(database, tenant.company, receiver)
    async with database.transaction() as tx:
        _, new = await subscriptions.rotate_secret(tx, OPERATOR, one.id, of=tenant.company, now=now())
    async with working(database, clock):
        await pinged(database, one)
        await until(lambda: len(receiver.got) == 1)
        clock.ahead = timedelta(hours=24, seconds=1)
        await pinged(database, one)
        await until(lambda: len(receiver.got) == 2)
    first, second = receiver.got
    a_day = 100_000
    assert [signed_by(secret, first) for secret in (old, new)] == [True, True]
    assert [signed_by(secret, second, within=a_day) for secret in (old, new)] == [False, True]


async def test_a_process_that_dies_leaves_its_deliveries_to_others_when_the_lease_is_over(
    database: Database, tenant: Tenant, receiver: Receiver, clock: Clock
) -> None:
    one, _ = await subscribed(database, tenant.company, receiver)
    [key] = await pinged(database, one)
    async with database.transaction() as tx:
        [taken] = await delivery_store.claim(tx, now=now(), until=now() + timedelta(seconds=60), each=4, limit=10)
    async with working(database, clock):
        await asyncio.sleep(0.5)
        assert receiver.got == []
        clock.ahead = timedelta(seconds=61)
        await waited(database, one, all_done)
    assert [got.id for got in receiver.got] == [str(taken.id)] == [str(key)]


async def test_what_is_under_way_is_kept_for_as_long_as_it_takes(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    one, _ = await subscribed(database, tenant.company, receiver)
    await pinged(database, one)
    at = now()
    async with database.transaction() as tx:
        taken = await delivery_store.claim(tx, now=at, until=at + timedelta(seconds=60), each=4, limit=10)
        await delivery_store.renew(tx, taken, until=at + timedelta(seconds=120))
        assert await delivery_store.claim(tx, now=at + timedelta(seconds=61), until=at, each=4, limit=10) == []
        assert len(await delivery_store.claim(tx, now=at + timedelta(seconds=121), until=at, each=4, limit=10)) == 1


async def test_a_process_that_is_told_to_stop_ends_what_it_is_at(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    one, _ = await subscribed(database, tenant.company, receiver)
    for ticket in range(1, 9):
        await pinged(database, one, ticket=ticket)

    async def respond(_got: Got) -> bytes:
        await asyncio.sleep(0.3)
        return answer()

    receiver.respond = respond
    async with working(database) as runner:
        await until(lambda: len(receiver.got) == 4)
        runner.stop()
    states = [delivery.state for delivery in await listed(database, one)]
    assert sorted(states) == [State.DELIVERED] * 4 + [State.WAITING] * 4
    assert len(receiver.got) == 4


async def test_what_a_stopping_process_cuts_off_is_free_for_others_at_once(
    database: Database, tenant: Tenant, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clearline.platform.work.claims.GRACE_SECONDS", 0.1)
    one, _ = await subscribed(database, tenant.company, receiver)
    [key] = await pinged(database, one)
    is_slow = True

    async def respond(_got: Got) -> bytes:
        await asyncio.sleep(5 if is_slow else 0)
        return answer()

    receiver.respond = respond
    async with working(database, seconds=10) as runner:
        await until(lambda: len(receiver.got) == 1)
        runner.stop()
    is_slow = False
    async with working(database):
        await waited(database, one, all_done)
    assert [got.id for got in receiver.got] == [str(key)] * 2


async def test_a_slow_receiver_and_a_dead_one_keep_no_other_waiting(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    async def slowly(_got: Got) -> bytes:
        await asyncio.sleep(stretched(1.5))
        return answer()

    async with receiving() as slow, receiving() as dead:
        slow.respond = slowly
        dead.usual = b""
        other = await new_tenant(database)
        for place, of in ((slow, tenant), (dead, tenant), (receiver, tenant), (receiver, other)):
            one, _ = await subscribed(database, of.company, place)
            for ticket in range(1, 21):
                await pinged(database, one, ticket=ticket)
        began = time.monotonic()
        async with working(database):
            await until(lambda: len(receiver.got) == 40)
            assert time.monotonic() - began < stretched(1.4)
        assert time.monotonic() - began < stretched(5)
    assert len({got.id for got in receiver.got}) == 40


async def test_finished_deliveries_are_forgotten_after_thirty_days(
    database: Database, tenant: Tenant, receiver: Receiver, clock: Clock
) -> None:
    one, _ = await subscribed(database, tenant.company, receiver)
    await pinged(database, one, ticket=1, count=2)
    async with working(database):
        await waited(database, one, all_done)
    [waiting] = await pinged(database, one)
    purge = purge_job(database, "deliveries", clock)
    clock.ahead = timedelta(days=29, hours=23)
    assert await purge.run() == 0
    clock.ahead = timedelta(days=30, minutes=1)
    assert await purge.run() == 2
    assert [delivery.id for delivery in await listed(database, one)] == [waiting]
    async with database.statement() as tx:
        assert await tx.fetchval("select count(*) from delivery_attempt") == 0


async def test_a_subscription_that_is_not_active_is_sent_nothing_and_then_what_waited(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    one, _ = await subscribed(database, tenant.company, receiver)
    await pinged(database, one)

    async def switch(*, on: bool) -> None:
        async with database.transaction() as tx:
            await subscriptions.change_subscription(
                tx, OPERATOR, one.id, {"is_active": on}, of=tenant.company, networks=LOOPBACK, now=now()
            )

    await switch(on=False)
    async with working(database):
        await asyncio.sleep(0.5)
        assert receiver.got == []
        await switch(on=True)
        await until(lambda: receiver.got)


async def test_a_hundred_waiting_deliveries_do_not_wait_for_turns(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    one, _ = await subscribed(database, tenant.company, receiver)
    for ticket in range(1, 101):
        await pinged(database, one, ticket=ticket)
    began = time.monotonic()
    async with working(database):
        await waited(database, one, all_done)
    assert time.monotonic() - began < stretched(3), "four each quarter of a second would take six"
    assert len(receiver.got) == len({got.id for got in receiver.got}) == 100


async def told_of_none(database: Database, one: Subscription, count: int) -> list[UUID]:
    """Deliveries of events that are about no ticket."""
    made = [
        delivery_store.NewDelivery(one.company_id, one.id, uuid4(), number, "user.changed", None, b"{}")
        for number in range(count)
    ]
    async with database.statement() as tx:
        await delivery_store.insert(tx, made, now=now())
    return [delivery.id for delivery in made]


async def test_what_is_refused_keeps_neither_pings_nor_what_is_about_no_ticket_waiting(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    one, _ = await subscribed(database, tenant.company, receiver)
    bad, *good = await told_of_none(database, one, 3)

    async def respond(got: Got) -> bytes:
        return answer(400 if got.id == str(bad) else 200)

    receiver.respond = respond
    async with working(database):
        await waited(database, one, lambda found: sum(delivery.state is State.DELIVERED for delivery in found) == 2)
        good += await pinged(database, one)
        found = await waited(
            database, one, lambda found: sum(delivery.state is State.DELIVERED for delivery in found) == 3
        )
    assert {delivery.id for delivery in found if delivery.state is State.DELIVERED} == {*good}


async def test_a_ping_is_claimed_before_what_waited_longer(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    one, _ = await subscribed(database, tenant.company, receiver)
    await told_of_none(database, one, 3)
    [ping] = await pinged(database, one)
    async with database.transaction() as tx:
        [taken] = await delivery_store.claim(tx, now=now(), until=now() + timedelta(seconds=60), each=1, limit=10)
    assert taken.id == ping


async def test_pings_in_between_do_not_use_the_schedule_up(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    one, _ = await subscribed(database, tenant.company, receiver)
    receiver.usual = answer(503)
    await told_of_none(database, one, 1)
    async with working(database):
        for count in range(1, 13):
            await until(lambda: len(receiver.got) == count)  # noqa: B023
            async with asyncio.timeout(patient(5)):
                while (await seen(database, one)).resume_at is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            async with database.transaction() as tx:
                await subscriptions.ping(tx, OPERATOR, one.id, of=tenant.company, now=now())
    failing = await seen(database, one)
    assert failing.is_active
    assert failing.failures <= 2


async def test_a_refusal_ends_a_run_of_failures(
    database: Database, tenant: Tenant, receiver: Receiver, clock: Clock
) -> None:
    one, _ = await subscribed(database, tenant.company, receiver)
    receiver.script = [answer(503), answer(400)]
    await told_of_none(database, one, 1)
    async with working(database, clock):
        await waited(database, one, lambda found: found[0].attempts == 1)
        assert (await seen(database, one)).failures == 1
        clock.ahead += timedelta(seconds=6)
        await waited(database, one, lambda found: found[0].attempts == 2)
    well = await seen(database, one)
    assert (well.failures, well.failing_since, well.resume_at) == (0, None, None)


async def test_what_cannot_be_sent_by_a_fault_of_the_desk_follows_the_schedule(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    one, _ = await subscribed(database, tenant.company, receiver)
    async with database.statement() as tx:
        await tx.write("update subscription set url = 'http://hooks.example.com/' where id = $1", one.id)
    [key] = await told_of_none(database, one, 1)

    async def resolve(_host: str, _port: int) -> list[str]:
        raise LookupError

    async with working(database, http=HttpOut(seconds=patient(2), networks=LOOPBACK, resolve=resolve)):
        await waited(database, one, lambda found: found[0].attempts == 1)
    async with database.transaction() as tx:
        told = await deliveries.get_delivery(tx, OPERATOR, one.id, key, of=tenant.company)
    assert [tried.error for tried in told.attempts] == ["a fault of the desk"]
    assert (await seen(database, one)).resume_at is not None


async def test_a_subscription_whose_network_is_not_allowed_any_more_can_be_switched_off(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    one, _ = await subscribed(database, tenant.company, receiver)

    async def change(**values: object) -> Subscription:
        async with database.transaction() as tx:
            return await subscriptions.change_subscription(
                tx, OPERATOR, one.id, values, of=tenant.company, networks=(), now=now()
            )

    assert not (await change(is_active=False)).is_active
    assert (await change(description="old")).description == "old"
    with pytest.raises(InvalidInput):
        await change(is_active=True)


async def test_more_delivered_ones_than_a_replay_sends_are_refused(
    database: Database, tenant: Tenant, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "REPLAY_MOST", 2)
    one, _ = await subscribed(database, tenant.company, receiver)
    await told_of_none(database, one, 3)
    begin, end = now() - timedelta(hours=1), now() + timedelta(hours=1)
    for state in (State.DELIVERED, State.DEAD):
        async with database.statement() as tx:
            await tx.write(
                "update delivery set state = $2, due_at = null, finished_at = created_at where subscription_id = $1",
                one.id,
                state,
            )
        async with database.transaction() as tx:
            again = deliveries.replay_range(
                tx, OPERATOR, one.id, since=begin, until=end, state=state, of=tenant.company, now=now()
            )
            if state is State.DELIVERED:
                with pytest.raises(InvalidInput, match="until"):
                    await again
            else:
                assert await again == 2
