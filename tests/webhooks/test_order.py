"""Deliveries of a ticket that wait for an earlier one stand in nobody's way, and are due when it is finished."""

from datetime import timedelta

import pytest

from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.webhooks import attempt_store, order_store
from clearline.webhooks import subscription_usecases as subscriptions
from clearline.webhooks.attempt_domain import SCHEDULE, Attempt
from clearline.webhooks.attempt_store import LOOKED_AT, Claim
from clearline.webhooks.attempt_usecases import record_failure
from clearline.webhooks.delivery_domain import DeliveryState
from clearline.webhooks.subscription_domain import Subscription
from clearline.webhooks.worker import order_jobs
from tests.builders.jobs import Clock
from tests.builders.people import Tenant
from tests.builders.webhooks.receiver import ReceivedRequest, Receiver, answer
from tests.builders.webhooks.sending import (
    all_deliveries,
    insert_deliveries,
    subscribe,
    until,
    wait_for,
    workers,
)

pytestmark = pytest.mark.usefixtures("no_other_subscriptions")


async def claim(database: Database, limit: int = 200) -> list[Claim]:
    at = now()
    async with database.transaction() as tx:
        return await attempt_store.claim(tx, now=at, until=at + timedelta(seconds=60), each=4, limit=limit)


async def put_behind(database: Database, *, least: int = 1) -> int:
    async with database.transaction() as tx:
        return await order_store.put_behind(tx, now=now(), limit=2_000, least=least)


async def refuse(database: Database, claims: list[Claim], times: int = 1) -> None:
    """Let the receiver refuse deliveries."""
    async with database.transaction() as tx:
        for refused in claims:
            for _ in range(times):
                await record_failure(tx, refused, Attempt(now(), 5, 500), chance=0.5, now=now())


async def succeed(database: Database, claims: list[Claim]) -> None:
    async with database.transaction() as tx:
        await attempt_store.store_successes(tx, [(done, Attempt(now(), 5, 200)) for done in claims], now=now())
        await order_store.make_next_due(tx, claims, now=now())


async def due(database: Database, subscription: Subscription) -> list[bool]:
    """Return whether each delivery has a time at which it is tried, oldest first."""
    return [delivery.due_at is not None for delivery in await all_deliveries(database, subscription)]


async def test_claims_reach_a_ticket_behind_more_deliveries_than_they_look_at(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    ids = await insert_deliveries(database, subscription, ticket=1, count=LOOKED_AT + 50)
    [other] = await insert_deliveries(database, subscription, ticket=2)
    refused = await claim(database)
    assert [found.id for found in refused] == [ids[0]], "a claim looks at so many, and no further"
    await refuse(database, refused)
    assert await claim(database) == []
    assert await put_behind(database) == LOOKED_AT + 49
    assert [found.id for found in await claim(database)] == [other]


async def test_few_deliveries_that_wait_for_others_stay_where_they_are(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    await insert_deliveries(database, subscription, ticket=1, count=50)
    assert await put_behind(database, least=50) == 0
    assert await due(database, subscription) == [True] * 50
    assert await put_behind(database, least=49) == 49


@pytest.mark.parametrize("end", ["delivered", "dead"])
async def test_the_next_delivery_is_due_when_the_one_before_it_is_finished(
    database: Database, tenant: Tenant, receiver: Receiver, end: str
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    ids = await insert_deliveries(database, subscription, ticket=1, count=3)
    await insert_deliveries(database, subscription, ticket=2, count=2)
    first = [found for found in await claim(database) if found.id == ids[0]]
    assert await put_behind(database) == 3
    assert await due(database, subscription) == [True, False, False, True, False]
    if end == "delivered":
        await succeed(database, first)
    else:
        await refuse(database, first, len(SCHEDULE))
    assert [delivery.state for delivery in await all_deliveries(database, subscription)][:2] == [end, "waiting"]
    assert await due(database, subscription) == [end == "waiting", True, False, True, False]
    assert ids[1] in {found.id for found in await claim(database)}


async def test_a_delivery_whose_first_is_being_finished_is_not_put_behind_it(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    await insert_deliveries(database, subscription, ticket=1, count=3)
    first = await claim(database)
    async with database.transaction() as tx:
        await attempt_store.store_successes(tx, [(first[0], Attempt(now(), 5, 200))], now=now())
        assert await put_behind(database) == 0
        await order_store.make_next_due(tx, first, now=now())
    assert await due(database, subscription) == [False, True, True]


async def test_deliveries_arrive_in_order_around_a_refused_one_and_behind_it(
    database: Database, tenant: Tenant, receiver: Receiver, clock: Clock
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    held = list(map(str, await insert_deliveries(database, subscription, ticket=1, count=110)))
    others = list(map(str, await insert_deliveries(database, subscription, ticket=2, count=5)))
    refused = {held[0]}

    async def respond(request: ReceivedRequest) -> bytes:
        return answer(500 if request.id in refused else 200)

    def arrived(ids: list[str]) -> list[str]:
        return [request.id for request in receiver.requests if request.id in ids]

    receiver.respond = respond
    async with workers(database, clock):
        await until(lambda: len(arrived(others)) == 5, 20)
        await wait_for(database, subscription, lambda rows: sum(row.due_at is None for row in rows[:110]) == 109)
        assert arrived(held) == held[:1]
        refused.clear()
        clock.ahead += timedelta(seconds=6)
        await until(lambda: len(arrived(held)) > 10, 20)
    assert arrived(others) == others
    assert arrived(held) == [held[0], *held[: len(arrived(held)) - 1]]


async def test_a_delivery_that_an_older_version_left_behind_is_found(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    for ticket in range(1, 5):
        await insert_deliveries(database, subscription, ticket=ticket, count=2)
    claims = await claim(database)
    assert await put_behind(database) == 4
    async with database.transaction() as tx:
        await attempt_store.store_successes(tx, [(claims[0], Attempt(now(), 5, 200))], now=now())
    assert (await due(database, subscription)).count(True) == 3
    position = order_store.START
    for _ in range(3):
        async with database.transaction() as tx:
            position = await order_store.make_first_due(tx, position, limit=2, now=now())
    assert position == order_store.START, "the walk begins anew at its end"
    assert (await due(database, subscription)).count(True) == 4
    assert claims[0].number + 1 in {found.number for found in await claim(database)}


async def test_the_jobs_of_a_worker_put_deliveries_behind(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    await insert_deliveries(database, subscription, ticket=1, count=LOOKED_AT)
    assert await order_jobs(database, now)[0].run() == LOOKED_AT - 1


async def test_what_waits_behind_given_up_deliveries_is_due_after_them(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    await insert_deliveries(database, subscription, ticket=1, count=2)
    await put_behind(database)
    async with database.transaction() as tx:
        locked = await subscriptions.lock_subscription(tx, OPERATOR, subscription.id, of=tenant.company)
        await subscriptions.disable(tx, OPERATOR, locked, "gone", now=now())
    states = [delivery.state for delivery in await all_deliveries(database, subscription)]
    assert states == [DeliveryState.DEAD, DeliveryState.DEAD]
