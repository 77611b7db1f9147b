"""Subscriptions and deliveries, and the workers that send them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from clearline.clock import now
from clearline.identity import OPERATOR, PROVIDER_ID, Actor, Company
from clearline.platform.database.transactions import Database, Tx
from clearline.platform.work.runner import PeriodicJob, Runner
from clearline.settings.settings import Settings
from clearline.tickets import usecases as tickets
from clearline.webhooks import delivery_store, subscription_store
from clearline.webhooks import subscription_usecases as subscriptions
from clearline.webhooks import worker as webhooks
from clearline.webhooks.delivery_actions import store as action_store
from clearline.webhooks.delivery_actions.domain import DeliveryAction
from clearline.webhooks.delivery_actions.store import Key
from clearline.webhooks.delivery_domain import Delivery, DeliveryState
from clearline.webhooks.subscription_domain import Subscription
from clearline.wires.house.event_stream.webhook_body import webhook_body
from tests.builders.tickets import a_new_ticket
from tests.builders.webhooks.receiver import LOOPBACK, Receiver
from tests.patience import patient

PROVIDER = Company(PROVIDER_ID, "Provider", "PROVIDER")


def jobs(database: Database, clock: Callable[[], datetime] = now, **options: Any) -> list[PeriodicJob]:
    settings = Settings(webhook_networks=LOOPBACK, webhook_seconds=options.pop("seconds", round(patient(2))))
    return webhooks.jobs(database, settings, clock, webhook_body, **options)


@asynccontextmanager
async def workers(database: Database, clock: Callable[[], datetime] = now, **options: Any) -> AsyncIterator[Runner]:
    """Run the jobs of webhooks until the block ends, as a worker process does."""
    runner = Runner(jobs(database, clock, **options), yields_to_requests=False)
    running = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        runner.stop()
        await running


async def until(condition: Callable[[], object], seconds: float = 5) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(patient(seconds)):
        while not condition():  # noqa: ASYNC110 - nothing signals it
            await asyncio.sleep(0.01)


async def raise_ticket(tx: Tx, actor: Actor) -> int:
    """Raise a ticket and return its number."""
    return (await tickets.create_ticket(tx, actor, a_new_ticket(), now=now())).ticket.number


async def subscribe(database: Database, of: Company, receiver: Receiver, *types: str) -> tuple[Subscription, str]:
    """Add a subscription, by default to events that no test creates; return it with its secret."""
    async with database.transaction() as tx:
        return await subscriptions.add_subscription(
            tx, OPERATOR, {"url": receiver.url, "types": types or ("attachment.",)}, of=of, networks=LOOPBACK, now=now()
        )


async def stored(database: Database, subscription: Subscription) -> Subscription:
    """Return the current state of a subscription."""
    async with database.statement() as tx:
        current = await subscription_store.get(tx, subscription.company_id, subscription.id)
    assert current is not None
    return current


async def all_deliveries(
    database: Database, subscription: Subscription, state: DeliveryState | None = None
) -> list[Delivery]:
    """Return the deliveries of a subscription, oldest first."""
    async with database.statement() as tx:
        rows = await delivery_store.page(
            tx, subscription.company_id, subscription.id, state=state, after=None, limit=1000
        )
    return rows[::-1]


async def insert_deliveries(
    database: Database, subscription: Subscription, *, ticket: int | None = None, count: int = 1
) -> list[UUID]:
    """Insert waiting deliveries of events of a ticket, or pings; return their ids."""
    new = [
        delivery_store.NewDelivery(
            subscription.company_id,
            subscription.id,
            uuid4(),
            None if ticket is None else number,
            "ping",
            ticket,
            b'{"n": %d}' % number,
        )
        for number in range(count)
    ]
    async with database.statement() as tx:
        await delivery_store.insert(tx, new, now=now())
    return [delivery.id for delivery in new]


async def insert_without_ticket(database: Database, subscription: Subscription, count: int) -> list[UUID]:
    """Insert waiting deliveries of events that are about no ticket; return their ids."""
    new = [
        delivery_store.NewDelivery(
            subscription.company_id, subscription.id, uuid4(), number, "user.changed", None, b"{}"
        )
        for number in range(count)
    ]
    async with database.statement() as tx:
        await delivery_store.insert(tx, new, now=now())
    return [delivery.id for delivery in new]


async def insert_many(database: Database, subscription: Subscription, count: int, *, refused: bool = False) -> None:
    """Insert waiting deliveries about 100 tickets; ``refused`` ones are due in an hour."""
    async with database.transaction() as tx:
        await tx.write(
            """insert into delivery (company_id, subscription_id, id, event_id, type, ticket_number, body, state,
                                     due_at, created_at)
               select $1, $2, gen_random_uuid(), n, 'note.added', n % 100, '{}', 'waiting',
                      now() + case when $4 then interval '1 hour' else interval '0' end, now()
                 from generate_series(1, $3::integer) n order by n""",
            subscription.company_id,
            subscription.id,
            count,
            refused,
        )


@asynccontextmanager
async def in_progress(database: Database, subscription: Subscription, action: DeliveryAction) -> AsyncIterator[None]:
    """Let an action be in progress during the block; the lock of the subscription keeps workers from it."""
    key = Key(subscription.company_id, subscription.id)
    async with database.transaction() as tx:
        await subscription_store.lock(tx, *key)
        async with database.statement() as other:
            await action_store.save(other, key, action)
        yield
        await action_store.end(tx, key)


async def states(database: Database, subscription: Subscription) -> dict[str, int]:
    """Return how many deliveries are in each state; those that wait for a retry are ``later``."""
    async with database.statement() as tx:
        rows = await tx.fetch(
            """select case when state = 'waiting' and due_at > now() then 'later' else state end, count(*)
                 from delivery where subscription_id = $1 group by 1""",
            subscription.id,
        )
    return {row[0]: row[1] for row in rows}


async def wait_for(
    database: Database, subscription: Subscription, condition: Callable[[list[Delivery]], object]
) -> list[Delivery]:
    """Wait until a condition on a subscription's deliveries holds, and return them."""
    async with asyncio.timeout(patient(8)):
        while not condition(rows := await all_deliveries(database, subscription)):  # noqa: ASYNC110 - nothing signals it
            await asyncio.sleep(0.02)
    return rows


def are_finished(rows: list[Delivery]) -> bool:
    return all(row.state is not DeliveryState.WAITING for row in rows)
