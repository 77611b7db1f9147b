"""Webhooks as a process sends them, and what a test sees of them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from clearline.app import webhook_body
from clearline.clock import now
from clearline.identity import OPERATOR, PROVIDER_ID, Actor, Company
from clearline.platform.database.transactions import Database, Tx
from clearline.platform.work.runner import PeriodicJob, Runner
from clearline.settings import Settings
from clearline.tickets import usecases as tickets
from clearline.webhooks import delivery_store, subscription_store
from clearline.webhooks import subscription_usecases as subscriptions
from clearline.webhooks import worker as webhooks
from clearline.webhooks.delivery_domain import Delivery, DeliveryState
from clearline.webhooks.subscription_domain import Subscription
from tests.builders.tickets import a_new_ticket
from tests.builders.webhooks.receiver import LOOPBACK, Receiver
from tests.patience import patient

PROVIDER = Company(PROVIDER_ID, "Provider", "PROVIDER")


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


async def raised(tx: Tx, actor: Actor) -> int:
    """The number of a ticket raised just now."""
    return (await tickets.create_ticket(tx, actor, a_new_ticket(), now=now())).ticket.number


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


async def listed(database: Database, one: Subscription, state: DeliveryState | None = None) -> list[Delivery]:
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


async def told_of_none(database: Database, one: Subscription, count: int) -> list[UUID]:
    """Deliveries of events that are about no ticket."""
    made = [
        delivery_store.NewDelivery(one.company_id, one.id, uuid4(), number, "user.changed", None, b"{}")
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
    return all(one.state is not DeliveryState.WAITING for one in found)
