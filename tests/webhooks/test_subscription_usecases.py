"""Changing subscriptions while events are sent."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from clearline.clock import now
from clearline.errors import Forbidden, InvalidInput, NotFound
from clearline.identity import OPERATOR, ROLE_SCOPES, Actor, Role
from clearline.platform.database.transactions import Database
from clearline.webhooks import subscription_usecases as subscriptions
from clearline.webhooks.subscription_domain import Subscription
from tests.builders.jobs import Clock
from tests.builders.people import Tenant, new_tenant
from tests.builders.webhooks.receiver import LOOPBACK, Receiver, is_signed_with
from tests.builders.webhooks.sending import (
    PROVIDER,
    insert_deliveries,
    subscribe,
    until,
    workers,
)

pytestmark = pytest.mark.usefixtures("no_other_subscriptions")


async def test_during_a_rotation_both_secrets_sign_and_then_the_new_one(
    database: Database, tenant: Tenant, receiver: Receiver, clock: Clock
) -> None:
    subscription, old = await subscribe(database, tenant.company, receiver)
    async with database.transaction() as tx:
        _, new = await subscriptions.rotate_secret(tx, OPERATOR, subscription.id, of=tenant.company, now=now())
    async with workers(database, clock):
        await insert_deliveries(database, subscription)
        await until(lambda: len(receiver.requests) == 1)
        clock.ahead = timedelta(hours=24, seconds=1)
        await insert_deliveries(database, subscription)
        await until(lambda: len(receiver.requests) == 2)
    first, second = receiver.requests
    a_day = 100_000
    assert [is_signed_with(secret, first) for secret in (old, new)] == [True, True]
    assert [is_signed_with(secret, second, within=a_day) for secret in (old, new)] == [False, True]


async def test_a_second_rotation_ends_the_secret_before_the_previous_one(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    subscription, first = await subscribe(database, tenant.company, receiver)
    secrets = [first]
    for _ in range(2):
        async with database.transaction() as tx:
            rotated, secret = await subscriptions.rotate_secret(
                tx, OPERATOR, subscription.id, of=tenant.company, now=now()
            )
        secrets.append(secret)
    assert rotated.previous_until == rotated.updated_at + timedelta(hours=24)
    async with workers(database):
        await insert_deliveries(database, subscription)
        await until(lambda: len(receiver.requests) == 1)
    assert [is_signed_with(secret, receiver.requests[0]) for secret in secrets] == [False, True, True]


async def test_waiting_deliveries_are_sent_when_a_subscription_is_activated(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    await insert_deliveries(database, subscription)

    async def switch(*, on: bool) -> None:
        async with database.transaction() as tx:
            await subscriptions.change_subscription(
                tx, OPERATOR, subscription.id, {"is_active": on}, of=tenant.company, networks=LOOPBACK, now=now()
            )

    await switch(on=False)
    async with workers(database):
        await asyncio.sleep(0.5)
        assert receiver.requests == []
        await switch(on=True)
        await until(lambda: receiver.requests)


async def test_a_subscription_whose_network_is_no_longer_allowed_can_be_deactivated(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)

    async def change(**values: object) -> Subscription:
        async with database.transaction() as tx:
            return await subscriptions.change_subscription(
                tx, OPERATOR, subscription.id, values, of=tenant.company, networks=(), now=now()
            )

    assert not (await change(is_active=False)).is_active
    assert (await change(description="old")).description == "old"
    with pytest.raises(InvalidInput):
        await change(is_active=True)


async def test_an_admin_of_the_provider_names_whose_subscriptions_are_meant_and_nobody_else(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    admin, agent = (Actor(role, "Ben Ito", PROVIDER, scopes=ROLE_SCOPES[role]) for role in (Role.ADMIN, Role.AGENT))
    other = await new_tenant(database)
    async with database.statement() as tx:
        named = await subscriptions.get_subscription(tx, admin, subscription.id, of=tenant.company)
        assert named == subscription
        customer_admin = replace(other.actor, role=Role.CUSTOMER_ADMIN, scopes=ROLE_SCOPES[Role.CUSTOMER_ADMIN])
        for actor, of in ((agent, tenant.company), (customer_admin, tenant.company), (OPERATOR, None)):
            with pytest.raises(Forbidden):
                await subscriptions.get_subscription(tx, actor, subscription.id, of=of)
        with pytest.raises(NotFound):
            await subscriptions.get_subscription(tx, admin, subscription.id)
