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
    all_deliveries,
    are_finished,
    insert_deliveries,
    insert_without_ticket,
    stored,
    subscribe,
    until,
    wait_for,
    workers,
)
from tests.patience import stretched

pytestmark = pytest.mark.usefixtures("no_other_subscriptions")


async def test_a_subscription_has_four_attempts_at_a_time_and_one_while_it_fails(
    database: Database, tenant: Tenant, receiver: Receiver, clock: Clock
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    for ticket in range(1, 9):
        await insert_deliveries(database, subscription, ticket=ticket)
    running, most = 0, []
    status = 503

    async def respond(_request: ReceivedRequest) -> bytes:
        nonlocal running
        running += 1
        most.append(running)
        await asyncio.sleep(0.1)
        running -= 1
        return answer(status)

    receiver.respond = respond
    async with workers(database, clock), workers(database, clock):
        await wait_for(
            database, subscription, lambda deliveries: sum(delivery.attempts for delivery in deliveries) == 4
        )
        await asyncio.sleep(0.4)
        assert (len(receiver.requests), max(most)) == (4, 4)
        failing = await stored(database, subscription)
        assert failing.failures == 1, "four attempts that failed together count as one failure"
        assert failing.resume_at is not None
        assert failing.failing_since is not None
        most.clear()
        clock.ahead += timedelta(seconds=6)
        await wait_for(
            database, subscription, lambda deliveries: sum(delivery.attempts for delivery in deliveries) == 5
        )
        await asyncio.sleep(0.4)
        assert (len(receiver.requests), max(most)) == (5, 1), "a single attempt tests whether the receiver recovered"
        assert (await stored(database, subscription)).failures == 2
        status = 200
        clock.ahead += timedelta(seconds=331)
        await wait_for(database, subscription, are_finished)
    assert len({request.id for request in receiver.requests}) == 8
    recovered = await stored(database, subscription)
    assert (recovered.failures, recovered.failing_since, recovered.resume_at) == (0, None, None)


async def test_deliveries_of_a_process_that_died_are_claimed_by_others_after_the_lease(
    database: Database, tenant: Tenant, receiver: Receiver, clock: Clock
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    [delivery_id] = await insert_deliveries(database, subscription)
    async with database.transaction() as tx:
        [claim] = await attempt_store.claim(tx, now=now(), until=now() + timedelta(seconds=60), each=4, limit=10)
    async with workers(database, clock):
        await asyncio.sleep(0.5)
        assert receiver.requests == []
        clock.ahead = timedelta(seconds=61)
        await wait_for(database, subscription, are_finished)
    assert [request.id for request in receiver.requests] == [str(claim.id)] == [str(delivery_id)]


async def test_a_claim_is_renewed_for_as_long_as_it_takes(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    await insert_deliveries(database, subscription)
    at = now()
    async with database.transaction() as tx:
        claim = await attempt_store.claim(tx, now=at, until=at + timedelta(seconds=60), each=4, limit=10)
        await attempt_store.renew(tx, claim, until=at + timedelta(seconds=120))
        assert await attempt_store.claim(tx, now=at + timedelta(seconds=61), until=at, each=4, limit=10) == []
        assert len(await attempt_store.claim(tx, now=at + timedelta(seconds=121), until=at, each=4, limit=10)) == 1


async def test_a_stopping_process_finishes_its_attempts(database: Database, tenant: Tenant, receiver: Receiver) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    for ticket in range(1, 9):
        await insert_deliveries(database, subscription, ticket=ticket)

    async def respond(_request: ReceivedRequest) -> bytes:
        await asyncio.sleep(0.3)
        return answer()

    receiver.respond = respond
    async with workers(database) as runner:
        await until(lambda: len(receiver.requests) == 4)
        runner.stop()
    states = [delivery.state for delivery in await all_deliveries(database, subscription)]
    assert sorted(states) == [DeliveryState.DELIVERED] * 4 + [DeliveryState.WAITING] * 4
    assert len(receiver.requests) == 4


async def test_interrupted_deliveries_of_a_stopping_process_are_due_at_once(
    database: Database, tenant: Tenant, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "GRACE_SECONDS", 0.1)
    subscription, _ = await subscribe(database, tenant.company, receiver)
    [delivery_id] = await insert_deliveries(database, subscription)
    is_slow = True

    async def respond(_request: ReceivedRequest) -> bytes:
        await asyncio.sleep(5 if is_slow else 0)
        return answer()

    receiver.respond = respond
    async with workers(database, seconds=10) as runner:
        await until(lambda: len(receiver.requests) == 1)
        runner.stop()
    is_slow = False
    async with workers(database):
        await wait_for(database, subscription, are_finished)
    assert [request.id for request in receiver.requests] == [str(delivery_id)] * 2


async def test_a_slow_receiver_and_a_dead_one_delay_no_other(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    async def slowly(_request: ReceivedRequest) -> bytes:
        await asyncio.sleep(stretched(1.5))
        return answer()

    async with receiving() as slow, receiving() as dead:
        slow.respond = slowly
        dead.usual = b""
        other = await new_tenant(database)
        for place, of in ((slow, tenant), (dead, tenant), (receiver, tenant), (receiver, other)):
            subscription, _ = await subscribe(database, of.company, place)
            for ticket in range(1, 21):
                await insert_deliveries(database, subscription, ticket=ticket)
        began = time.monotonic()
        async with workers(database):
            await until(lambda: len(receiver.requests) == 40)
            assert time.monotonic() - began < stretched(1.4)
        assert time.monotonic() - began < stretched(5)
    assert len({request.id for request in receiver.requests}) == 40


async def test_a_hundred_waiting_deliveries_do_not_wait_for_polls(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    for ticket in range(1, 101):
        await insert_deliveries(database, subscription, ticket=ticket)
    began = time.monotonic()
    async with workers(database):
        await wait_for(database, subscription, are_finished)
    assert time.monotonic() - began < stretched(3), "four every quarter of a second would take six seconds"
    assert len(receiver.requests) == len({request.id for request in receiver.requests}) == 100


async def test_a_refused_delivery_delays_neither_pings_nor_deliveries_about_no_ticket(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    refused, *accepted = await insert_without_ticket(database, subscription, 3)

    async def respond(request: ReceivedRequest) -> bytes:
        return answer(400 if request.id == str(refused) else 200)

    receiver.respond = respond
    async with workers(database):
        await wait_for(
            database,
            subscription,
            lambda deliveries: sum(delivery.state is DeliveryState.DELIVERED for delivery in deliveries) == 2,
        )
        accepted += await insert_deliveries(database, subscription)
        deliveries = await wait_for(
            database,
            subscription,
            lambda deliveries: sum(delivery.state is DeliveryState.DELIVERED for delivery in deliveries) == 3,
        )
    assert {delivery.id for delivery in deliveries if delivery.state is DeliveryState.DELIVERED} == {*accepted}


async def test_a_ping_is_claimed_before_older_deliveries(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    await insert_without_ticket(database, subscription, 3)
    [ping] = await insert_deliveries(database, subscription)
    async with database.transaction() as tx:
        [claim] = await attempt_store.claim(tx, now=now(), until=now() + timedelta(seconds=60), each=1, limit=10)
    assert claim.id == ping
