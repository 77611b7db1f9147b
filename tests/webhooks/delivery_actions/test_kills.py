"""A worker that is killed while it changes all deliveries of a subscription loses none and changes none twice."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.webhooks import subscription_usecases as subscriptions
from clearline.webhooks.delivery_actions.domain import DeliveryAction
from clearline.webhooks.delivery_actions.usecases import BATCH
from clearline.webhooks.subscription_domain import Subscription
from tests.builders.people import Tenant
from tests.builders.processes import started
from tests.builders.webhooks.receiver import Receiver
from tests.builders.webhooks.sending import insert_many, states, stored, subscribe
from tests.patience import patient

KILLS = 3


@asynccontextmanager
async def worker(database_url: str) -> AsyncIterator[None]:
    """Run a worker process, and kill it at the end of the block."""
    environment = {**os.environ, "CLEARLINE_DATABASE_URL": database_url, "CLEARLINE_LOG_LEVEL": "warning"}
    with started([sys.executable, "-m", "clearline", "work"], env=environment):
        yield


async def progress(database: Database, subscription: Subscription) -> DeliveryAction | None:
    return (await stored(database, subscription)).in_progress


@pytest.mark.usefixtures("no_other_subscriptions")
async def test_all_deliveries_are_given_up_although_the_worker_is_killed_again_and_again(
    database: Database, database_url: str, tenant: Tenant, receiver: Receiver
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    other, _ = await subscribe(database, tenant.company, receiver)
    count = BATCH * 20
    await insert_many(database, subscription, count)
    async with database.transaction() as tx:
        locked = await subscriptions.lock_subscription(tx, OPERATOR, subscription.id, of=tenant.company)
        await subscriptions.disable(tx, OPERATOR, locked, "gone", now=now())
    before = BATCH
    async with asyncio.timeout(patient(120)):
        for _ in range(KILLS):
            async with worker(database_url):
                while (  # noqa: ASYNC110 - nothing signals it
                    action := await progress(database, subscription)
                ) is not None and action.done == before:
                    await asyncio.sleep(0.005)
            assert action is not None, "it was killed in the middle"
            before = action.done
            async with database.statement() as tx:
                last = await tx.fetchval(
                    "select after from delivery_action where subscription_id = $1", subscription.id
                )
                waiting = await tx.fetchval(
                    "select count(*) from delivery where subscription_id = $1 and number <= $2 and state = 'waiting'",
                    subscription.id,
                    last,
                )
            assert waiting == 0, "what is behind the action is done"
        async with worker(database_url):
            while await progress(database, subscription) is not None:  # noqa: ASYNC110 - nothing signals it
                await asyncio.sleep(0.05)
    assert await states(database, subscription) == {"dead": count}
    assert await states(database, other) == {}
