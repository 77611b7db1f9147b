"""How deliveries are claimed and sent by several processes, and what happens when one stops or dies."""

import asyncio
import time
from datetime import timedelta

import pytest

from clearline.clock import now
from clearline.platform.database.transactions import Database
from clearline.platform.work import claims
from clearline.webhooks import attempt_store
from clearline.webhooks.delivery_domain import DeliveryState
from tests.builders.jobs import Clock
from tests.builders.people import Tenant, new_tenant
from tests.builders.webhooks.receiver import ReceivedRequest, Receiver, answer, receiving
from tests.builders.webhooks.sending import (
    all_done,
    listed,
    pinged,
    seen,
    subscribed,
    told_of_none,
    until,
    waited,
    working,
)
from tests.patience import stretched

pytestmark = pytest.mark.usefixtures("no_other_subscriptions")


async def test_of_one_subscription_four_are_under_way_and_one_while_it_fails(
    database: Database, tenant: Tenant, receiver: Receiver, clock: Clock
) -> None:
    one, _ = await subscribed(database, tenant.company, receiver)
    for ticket in range(1, 9):
        await pinged(database, one, ticket=ticket)
    under_way, most = 0, []
    status = 503

    async def respond(_got: ReceivedRequest) -> bytes:
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
        assert (len(receiver.requests), max(most)) == (4, 4)
        failing = await seen(database, one)
        assert failing.failures == 1, "four that failed together are one failure"
        assert failing.resume_at is not None
        assert failing.failing_since is not None
        most.clear()
        clock.ahead += timedelta(seconds=6)
        await waited(database, one, lambda found: sum(delivery.attempts for delivery in found) == 5)
        await asyncio.sleep(0.4)
        assert (len(receiver.requests), max(most)) == (5, 1), "one tries whether it is well again"
        assert (await seen(database, one)).failures == 2
        status = 200
        clock.ahead += timedelta(seconds=331)
        await waited(database, one, all_done)
    assert len({got.id for got in receiver.requests}) == 8
    well = await seen(database, one)
    assert (well.failures, well.failing_since, well.resume_at) == (0, None, None)


async def test_a_process_that_dies_leaves_its_deliveries_to_others_when_the_lease_is_over(
    database: Database, tenant: Tenant, receiver: Receiver, clock: Clock
) -> None:
    one, _ = await subscribed(database, tenant.company, receiver)
    [key] = await pinged(database, one)
    async with database.transaction() as tx:
        [taken] = await attempt_store.claim(tx, now=now(), until=now() + timedelta(seconds=60), each=4, limit=10)
    async with working(database, clock):
        await asyncio.sleep(0.5)
        assert receiver.requests == []
        clock.ahead = timedelta(seconds=61)
        await waited(database, one, all_done)
    assert [got.id for got in receiver.requests] == [str(taken.id)] == [str(key)]


async def test_what_is_under_way_is_kept_for_as_long_as_it_takes(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    one, _ = await subscribed(database, tenant.company, receiver)
    await pinged(database, one)
    at = now()
    async with database.transaction() as tx:
        taken = await attempt_store.claim(tx, now=at, until=at + timedelta(seconds=60), each=4, limit=10)
        await attempt_store.renew(tx, taken, until=at + timedelta(seconds=120))
        assert await attempt_store.claim(tx, now=at + timedelta(seconds=61), until=at, each=4, limit=10) == []
        assert len(await attempt_store.claim(tx, now=at + timedelta(seconds=121), until=at, each=4, limit=10)) == 1


async def test_a_process_that_is_told_to_stop_ends_what_it_is_at(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    one, _ = await subscribed(database, tenant.company, receiver)
    for ticket in range(1, 9):
        await pinged(database, one, ticket=ticket)

    async def respond(_got: ReceivedRequest) -> bytes:
        await asyncio.sleep(0.3)
        return answer()

    receiver.respond = respond
    async with working(database) as runner:
        await until(lambda: len(receiver.requests) == 4)
        runner.stop()
    states = [delivery.state for delivery in await listed(database, one)]
    assert sorted(states) == [DeliveryState.DELIVERED] * 4 + [DeliveryState.WAITING] * 4
    assert len(receiver.requests) == 4


async def test_what_a_stopping_process_cuts_off_is_free_for_others_at_once(
    database: Database, tenant: Tenant, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "GRACE_SECONDS", 0.1)
    one, _ = await subscribed(database, tenant.company, receiver)
    [key] = await pinged(database, one)
    is_slow = True

    async def respond(_got: ReceivedRequest) -> bytes:
        await asyncio.sleep(5 if is_slow else 0)
        return answer()

    receiver.respond = respond
    async with working(database, seconds=10) as runner:
        await until(lambda: len(receiver.requests) == 1)
        runner.stop()
    is_slow = False
    async with working(database):
        await waited(database, one, all_done)
    assert [got.id for got in receiver.requests] == [str(key)] * 2


async def test_a_slow_receiver_and_a_dead_one_keep_no_other_waiting(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    async def slowly(_got: ReceivedRequest) -> bytes:
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
            await until(lambda: len(receiver.requests) == 40)
            assert time.monotonic() - began < stretched(1.4)
        assert time.monotonic() - began < stretched(5)
    assert len({got.id for got in receiver.requests}) == 40


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
    assert len(receiver.requests) == len({got.id for got in receiver.requests}) == 100


async def test_what_is_refused_keeps_neither_pings_nor_what_is_about_no_ticket_waiting(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    one, _ = await subscribed(database, tenant.company, receiver)
    bad, *good = await told_of_none(database, one, 3)

    async def respond(got: ReceivedRequest) -> bytes:
        return answer(400 if got.id == str(bad) else 200)

    receiver.respond = respond
    async with working(database):
        await waited(
            database, one, lambda found: sum(delivery.state is DeliveryState.DELIVERED for delivery in found) == 2
        )
        good += await pinged(database, one)
        found = await waited(
            database, one, lambda found: sum(delivery.state is DeliveryState.DELIVERED for delivery in found) == 3
        )
    assert {delivery.id for delivery in found if delivery.state is DeliveryState.DELIVERED} == {*good}


async def test_a_ping_is_claimed_before_what_waited_longer(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    one, _ = await subscribed(database, tenant.company, receiver)
    await told_of_none(database, one, 3)
    [ping] = await pinged(database, one)
    async with database.transaction() as tx:
        [taken] = await attempt_store.claim(tx, now=now(), until=now() + timedelta(seconds=60), each=1, limit=10)
    assert taken.id == ping
