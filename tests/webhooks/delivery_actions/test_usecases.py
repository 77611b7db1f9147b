"""What is done with all deliveries of a subscription is done in batches, to the end, and to those alone that it had."""

import asyncio

import pytest

from clearline.clock import now
from clearline.errors import Conflict, NotFound
from clearline.identity import OPERATOR, Company
from clearline.limit_errors import TooManySubscriptions
from clearline.platform.database.transactions import Database
from clearline.webhooks import attempt_store
from clearline.webhooks import delivery_usecases as deliveries
from clearline.webhooks import subscription_usecases as subscriptions
from clearline.webhooks.attempt_domain import Attempt
from clearline.webhooks.delivery_actions import usecases as actions
from clearline.webhooks.delivery_actions.domain import Action
from clearline.webhooks.delivery_actions.usecases import BATCH
from clearline.webhooks.delivery_actions.worker import action_job
from clearline.webhooks.delivery_domain import DeliveryState
from clearline.webhooks.subscription_domain import Subscription
from tests.builders.databases import Undone, undo
from tests.builders.people import Tenant
from tests.builders.webhooks.receiver import LOOPBACK, Receiver
from tests.builders.webhooks.sending import insert_deliveries, insert_many, states, stored, subscribe, until, workers

pytestmark = pytest.mark.usefixtures("no_other_subscriptions")

MORE = BATCH * 2 + 100
"""Deliveries for three batches."""


async def fill(database: Database, subscription: Subscription, count: int = MORE, *, refused: bool = False) -> None:
    await insert_many(database, subscription, count, refused=refused)


async def disable(database: Database, subscription: Subscription) -> Subscription:
    async with database.transaction() as tx:
        locked = await subscriptions.lock_subscription(tx, OPERATOR, subscription.id, of=owner(subscription))
        return await subscriptions.disable(tx, OPERATOR, locked, "the receiver is gone", now=now())


def owner(subscription: Subscription) -> Company:
    return Company(subscription.company_id, "", "")


async def change(database: Database, subscription: Subscription, **values: object) -> Subscription:
    async with database.transaction() as tx:
        return await subscriptions.change_subscription(
            tx, OPERATOR, subscription.id, values, of=owner(subscription), networks=LOOPBACK, now=now()
        )


async def go_on(database: Database) -> int:
    return await action_job(database, now).run()


def progress(subscription: Subscription) -> tuple[Action, int, int | None] | None:
    action = subscription.in_progress
    return None if action is None else (action.action, action.done, action.total)


async def test_what_waits_is_given_up_in_batches_and_the_subscription_says_how_far(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    await fill(database, subscription)
    disabled = await disable(database, subscription)
    assert (disabled.is_active, disabled.disabled_reason) == (False, "the receiver is gone")
    assert progress(disabled) == progress(await stored(database, subscription)) == (Action.GIVE_UP, BATCH, None)
    assert await states(database, subscription) == {"dead": BATCH, "waiting": BATCH + 100}
    assert await go_on(database) == BATCH
    assert progress(await stored(database, subscription)) == (Action.GIVE_UP, 2 * BATCH, MORE)
    assert await go_on(database) == 100
    assert progress(await stored(database, subscription)) is None
    assert await states(database, subscription) == {"dead": MORE}
    assert await go_on(database) == 0


async def test_few_deliveries_are_given_up_at_once(database: Database, tenant: Tenant, receiver: Receiver) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    await fill(database, subscription, BATCH - 1)
    assert progress(await disable(database, subscription)) is None
    assert await states(database, subscription) == {"dead": BATCH - 1}


async def test_a_batch_that_is_cut_off_is_done_again_and_only_once(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    await fill(database, subscription)
    await disable(database, subscription)

    async def cut_off() -> None:
        async with database.transaction() as tx:
            assert await actions.go_on(tx, now=now()) == BATCH
            undo()

    with pytest.raises(Undone):
        await cut_off()
    assert progress(await stored(database, subscription)) == (Action.GIVE_UP, BATCH, None)
    assert [await go_on(database) for _ in range(3)] == [BATCH, 100, 0]
    assert await states(database, subscription) == {"dead": MORE}


async def test_processes_that_go_on_at_the_same_time_take_different_batches(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    others = [(await subscribe(database, tenant.company, receiver))[0] for _ in range(2)]
    for subscription in others:
        await fill(database, subscription)
        await disable(database, subscription)
    async with database.transaction() as tx:
        assert await actions.go_on(tx, now=now()) == BATCH
        others_at_once = await asyncio.gather(go_on(database), go_on(database))
        assert sorted(others_at_once) in ([0, BATCH], [BATCH, BATCH])
    while await go_on(database):
        pass
    assert [await states(database, subscription) for subscription in others] == [{"dead": MORE}] * 2


async def test_what_is_given_up_is_not_sent_after_an_activation_and_what_is_new_is(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    await fill(database, subscription)
    await disable(database, subscription)
    assert progress(await change(database, subscription, is_active=True)) == (Action.GIVE_UP, BATCH, None)
    [new] = await insert_deliveries(database, subscription, ticket=7)
    async with workers(database):
        await until(lambda: receiver.requests)
    assert [request.id for request in receiver.requests] == [str(new)]
    assert await states(database, subscription) == {"dead": MORE, "delivered": 1}


async def test_nothing_is_replayed_while_deliveries_are_given_up(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    await fill(database, subscription)
    await disable(database, subscription)
    await change(database, subscription, is_active=True)
    async with database.transaction() as tx:
        [dead] = await deliveries.list_deliveries(
            tx, OPERATOR, subscription.id, of=tenant.company, state=DeliveryState.DEAD, after=None, limit=1
        )

    async def replay_one() -> None:
        async with database.transaction() as tx:
            await deliveries.replay(tx, OPERATOR, subscription.id, dead.id, of=tenant.company, now=now())

    async def replay_all() -> int:
        since = subscription.created_at
        async with database.transaction() as tx:
            return await deliveries.replay_range(
                tx, OPERATOR, subscription.id, since=since, until=now(), of=tenant.company, now=now()
            )

    for replay in (replay_one, replay_all):
        with pytest.raises(Conflict, match="still being given up"):
            await replay()
    while await go_on(database):
        pass
    await replay_one()
    assert await replay_all() == MORE - 1


@pytest.mark.parametrize("values", [{"url": True}, {"is_active": True}])
async def test_what_was_refused_is_due_in_batches_after_a_restart(
    database: Database, tenant: Tenant, receiver: Receiver, values: dict[str, object]
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    await fill(database, subscription, refused=True)
    if "url" in values:
        restarted = await change(database, subscription, url=receiver.url + "&other")
    else:
        await change(database, subscription, is_active=False)
        restarted = await change(database, subscription, is_active=True)
    assert progress(restarted) == (Action.RESUME, BATCH, None)
    assert await states(database, subscription) == {"waiting": BATCH, "later": BATCH + 100}
    async with database.transaction() as tx:
        claims = await attempt_store.claim(tx, now=now(), until=now(), each=4, limit=200)
        assert len(claims) == 4, "what is due is sent while the rest is resumed"
        await attempt_store.release(tx, claims, now=now())
    while await go_on(database):
        pass
    assert await states(database, subscription) == {"waiting": MORE}
    assert progress(await stored(database, subscription)) is None


async def test_a_subscription_that_is_disabled_while_it_is_resumed_gives_all_up(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    await fill(database, subscription, refused=True)
    await change(database, subscription, url=receiver.url + "&other")
    assert progress(await disable(database, subscription)) == (Action.GIVE_UP, BATCH, None)
    while await go_on(database):
        pass
    assert await states(database, subscription) == {"dead": MORE}


async def test_a_deleted_subscription_is_gone_at_once_and_its_deliveries_in_batches(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    other, _ = await subscribe(database, tenant.company, receiver)
    await fill(database, subscription)
    await fill(database, other, 10)
    async with database.transaction() as tx:
        [newest] = await deliveries.list_deliveries(
            tx, OPERATOR, subscription.id, of=tenant.company, after=None, limit=1
        )
        await subscriptions.delete_subscription(tx, OPERATOR, subscription.id, of=tenant.company, now=now())
    assert await states(database, subscription) == {"waiting": BATCH + 100}
    async with database.transaction() as tx:
        listed = await subscriptions.list_subscriptions(tx, OPERATOR, of=tenant.company, after=None, limit=10)
        assert [found.id for found in listed] == [other.id]
        for read in (
            subscriptions.get_subscription(tx, OPERATOR, subscription.id, of=tenant.company),
            deliveries.list_deliveries(tx, OPERATOR, subscription.id, of=tenant.company, after=None, limit=1),
            deliveries.get_delivery(tx, OPERATOR, subscription.id, newest.id, of=tenant.company),
            deliveries.replay(tx, OPERATOR, subscription.id, newest.id, of=tenant.company, now=now()),
            subscriptions.ping(tx, OPERATOR, subscription.id, of=tenant.company, now=now()),
            subscriptions.delete_subscription(tx, OPERATOR, subscription.id, of=tenant.company, now=now()),
        ):
            with pytest.raises(NotFound):
                await read
        claims = await attempt_store.claim(tx, now=now(), until=now(), each=100, limit=200)
        assert {claim.subscription_id for claim in claims} == {other.id}
        await attempt_store.release(tx, claims, now=now())
    assert [await go_on(database) for _ in range(3)] == [BATCH, 100, 0]
    assert await states(database, subscription) == {}
    assert await states(database, other) == {"waiting": 10}
    async with database.statement() as tx:
        assert await tx.fetchval("select count(*) from subscription where id = $1", subscription.id) == 0


async def test_a_company_can_add_a_subscription_while_another_is_being_deleted(
    database: Database, fresh: Tenant, receiver: Receiver
) -> None:
    subscription, _ = await subscribe(database, fresh.company, receiver)
    await fill(database, subscription)

    async def add() -> None:
        async with database.transaction() as tx:
            await subscriptions.add_subscription(
                tx, OPERATOR, {"url": receiver.url}, of=fresh.company, networks=LOOPBACK, most=1, now=now()
            )

    with pytest.raises(TooManySubscriptions):
        await add()
    async with database.transaction() as tx:
        await subscriptions.delete_subscription(tx, OPERATOR, subscription.id, of=fresh.company, now=now())
    await add()


async def test_a_delivery_that_arrives_while_it_is_given_up_stays_delivered(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    await fill(database, subscription)
    async with database.transaction() as tx:
        claims = await attempt_store.claim(tx, now=now(), until=now(), each=4, limit=4)
    await disable(database, subscription)
    attempt = Attempt(now(), 5, 200)
    async with database.transaction() as tx:
        await attempt_store.store_successes(tx, [(claim, attempt) for claim in claims], now=now())
    while await go_on(database):
        pass
    assert await states(database, subscription) == {"dead": MORE - 4, "delivered": 4}
