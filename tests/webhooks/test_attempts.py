"""The effects of failed attempts: retries, pauses, dead letters, and disabled subscriptions."""

import asyncio
from datetime import timedelta

import pytest

from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database, Tx
from clearline.webhooks import delivery_usecases as deliveries
from clearline.webhooks import subscription_usecases as subscriptions
from clearline.webhooks.attempt_domain import SCHEDULE
from clearline.webhooks.delivery_domain import DeliveryState
from clearline.webhooks.http.client import WebhookClient
from clearline.webhooks.subscription_domain import Subscription
from tests.builders.jobs import Clock
from tests.builders.people import Tenant
from tests.builders.webhooks.receiver import LOOPBACK, ReceivedRequest, Receiver, answer, is_signed_with
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
from tests.patience import patient

pytestmark = pytest.mark.usefixtures("no_other_subscriptions")


async def test_a_retry_has_the_same_id_and_body_and_a_new_signature(
    database: Database, tenant: Tenant, receiver: Receiver, clock: Clock
) -> None:
    subscription, secret = await subscribe(database, tenant.company, receiver)
    receiver.script = [answer(500, b"oops"), answer(503), answer(200)]
    [delivery_id] = await insert_deliveries(database, subscription)
    async with workers(database, clock):
        await until(lambda: len(receiver.requests) >= 1)
        await wait_for(database, subscription, lambda rows: rows[0].attempts == 1)
        clock.ahead += timedelta(seconds=6)
        await until(lambda: len(receiver.requests) >= 2)
        await wait_for(database, subscription, lambda rows: rows[0].attempts == 2)
        clock.ahead += timedelta(seconds=6)
        rows = await wait_for(database, subscription, are_finished)
    assert [request.id for request in receiver.requests] == [str(delivery_id)] * 3
    assert len({request.body for request in receiver.requests}) == 1
    stamps = [int(request.headers["webhook-timestamp"]) for request in receiver.requests]
    assert stamps[0] < stamps[1] < stamps[2]
    assert len({request.headers["webhook-signature"] for request in receiver.requests}) == 3
    assert all(is_signed_with(secret, request) for request in receiver.requests)
    assert [delivery.state for delivery in rows] == [DeliveryState.DELIVERED]
    async with database.transaction() as tx:
        details = await deliveries.get_delivery(tx, OPERATOR, subscription.id, delivery_id, of=tenant.company)
    assert [(attempt.number, attempt.status, attempt.answer) for attempt in details.attempts] == [
        (1, 500, "oops"),
        (2, 503, ""),
        (3, 200, ""),
    ]
    assert (await stored(database, subscription)).failures == 0


@pytest.mark.parametrize(
    ("response", "seconds"),
    [(answer(429, Retry_After="90"), 90), (answer(503, Retry_After="0"), 1), (answer(502), 5), (b"", 5)],
)
async def test_an_unreachable_receiver_is_paused_for_as_long_as_it_asks(
    database: Database, tenant: Tenant, receiver: Receiver, response: bytes, seconds: int
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    receiver.script = [response]
    at = now()
    await insert_deliveries(database, subscription)
    async with workers(database):
        await wait_for(database, subscription, lambda rows: rows[0].attempts == 1)
    failing = await stored(database, subscription)
    assert failing.resume_at is not None
    assert seconds * 0.89 <= (failing.resume_at - at).total_seconds() <= seconds * 1.11 + 2


@pytest.mark.parametrize("status", [301, 400, 404, 500])
async def test_a_refused_delivery_is_retried_alone_and_is_a_dead_letter_in_the_end(
    database: Database, tenant: Tenant, receiver: Receiver, clock: Clock, status: int
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    [refused] = await insert_deliveries(database, subscription, ticket=1)

    async def respond(request: ReceivedRequest) -> bytes:
        return answer(status if request.id == str(refused) else 200, Location=receiver.url)

    receiver.respond = respond
    async with workers(database, clock):
        for tries in range(1, len(SCHEDULE) + 1):
            rows = await wait_for(database, subscription, lambda rows: rows[0].attempts == tries)  # noqa: B023
            if tries < len(SCHEDULE):
                due = rows[0].due_at
                assert due is not None
                pause = (due - clock()).total_seconds()
                delay = SCHEDULE[tries].total_seconds()
                assert delay * 0.9 - 8 <= pause <= delay * 1.1
                clock.ahead += timedelta(seconds=delay * 1.1)
        [accepted] = await insert_deliveries(database, subscription, ticket=2)
        await wait_for(database, subscription, are_finished)
    assert {delivery.id: delivery.state for delivery in await all_deliveries(database, subscription)} == {
        refused: DeliveryState.DEAD, accepted: DeliveryState.DELIVERED
    }  # fmt: skip
    recovered = await stored(database, subscription)
    assert (recovered.is_active, recovered.failures) == (True, 0)


async def test_the_status_410_gone_disables_the_subscription(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    receiver.script = [answer(410)]
    await insert_deliveries(database, subscription, ticket=1, count=3)
    notified: list[Subscription] = []

    async def on_disabled(_tx: Tx, disabled: Subscription) -> None:
        notified.append(disabled)

    async with workers(database, on_disabled=on_disabled):
        rows = await wait_for(database, subscription, are_finished)
        await asyncio.sleep(0.3)
    assert [delivery.state for delivery in rows] == [DeliveryState.DEAD] * 3
    assert len(receiver.requests) == 1
    disabled = await stored(database, subscription)
    assert (disabled.is_active, disabled.disabled_reason) == (
        False, "the receiver answered 410: it wants nothing more"
    )  # fmt: skip
    assert notified == [disabled]
    async with database.statement() as tx:
        event = await tx.fetchrow(
            """select actor_name, data from event where company_id = $1 and type = 'subscription.changed'
                order by id desc limit 1""",
            tenant.company.id,
        )
    assert event is not None
    assert event[0] == "webhooks"
    assert "token" not in event[1]


async def test_a_subscription_is_disabled_at_the_end_of_the_schedule_and_has_no_failures_when_activated(
    database: Database, tenant: Tenant, receiver: Receiver, clock: Clock
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    receiver.usual = answer(503)
    [delivery_id, *_] = await insert_deliveries(database, subscription, ticket=1, count=2)
    async with workers(database, clock):
        for failures in range(1, len(SCHEDULE)):
            async with asyncio.timeout(patient(5)):
                while (await stored(database, subscription)).failures != failures:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            clock.ahead += SCHEDULE[failures] * 1.1
        rows = await wait_for(database, subscription, are_finished)
        disabled = await stored(database, subscription)
        assert [delivery.state for delivery in rows] == [DeliveryState.DEAD] * 2
        assert not disabled.is_active
        assert disabled.disabled_reason == "the receiver could not be reached 10 times in a row: 503"
        assert len(receiver.requests) == 10
        receiver.usual = answer(200)
        async with database.transaction() as tx:
            again = await subscriptions.change_subscription(
                tx, OPERATOR, subscription.id, {"is_active": True}, of=tenant.company, networks=LOOPBACK, now=clock()
            )
            assert (again.failures, again.disabled_reason, again.resume_at) == (0, None, None)
            count = await deliveries.replay_range(
                tx,
                OPERATOR,
                subscription.id,
                since=now() - timedelta(hours=1),
                until=clock(),
                of=tenant.company,
                now=clock(),
            )
        assert count == 2
        rows = await wait_for(database, subscription, are_finished)
    assert [(delivery.state, delivery.attempts) for delivery in rows] == [
        (DeliveryState.DELIVERED, 11),
        (DeliveryState.DELIVERED, 1),
    ]
    assert [request.id for request in receiver.requests].count(str(delivery_id)) == 11


async def test_pings_do_not_use_up_the_schedule(database: Database, tenant: Tenant, receiver: Receiver) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    receiver.usual = answer(503)
    await insert_without_ticket(database, subscription, 1)
    async with workers(database):
        for count in range(1, 13):
            await until(lambda: len(receiver.requests) == count)  # noqa: B023
            async with asyncio.timeout(patient(5)):
                while (await stored(database, subscription)).resume_at is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            async with database.transaction() as tx:
                await subscriptions.ping(tx, OPERATOR, subscription.id, of=tenant.company, now=now())
    failing = await stored(database, subscription)
    assert failing.is_active
    assert failing.failures <= 2


async def test_a_refusal_ends_a_series_of_failures(
    database: Database, tenant: Tenant, receiver: Receiver, clock: Clock
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    receiver.script = [answer(503), answer(400)]
    await insert_without_ticket(database, subscription, 1)
    async with workers(database, clock):
        await wait_for(database, subscription, lambda rows: rows[0].attempts == 1)
        assert (await stored(database, subscription)).failures == 1
        clock.ahead += timedelta(seconds=6)
        await wait_for(database, subscription, lambda rows: rows[0].attempts == 2)
    well = await stored(database, subscription)
    assert (well.failures, well.failing_since, well.resume_at) == (0, None, None)


async def test_an_internal_error_is_retried_by_the_schedule(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    async with database.statement() as tx:
        await tx.write("update subscription set url = 'http://hooks.example.com/' where id = $1", subscription.id)
    [delivery_id] = await insert_without_ticket(database, subscription, 1)

    async def resolve(_host: str, _port: int) -> list[str]:
        raise LookupError

    async with workers(database, client=WebhookClient(seconds=patient(2), networks=LOOPBACK, resolve=resolve)):
        await wait_for(database, subscription, lambda rows: rows[0].attempts == 1)
    async with database.transaction() as tx:
        details = await deliveries.get_delivery(tx, OPERATOR, subscription.id, delivery_id, of=tenant.company)
    assert [attempt.error for attempt in details.attempts] == ["a fault of the desk"]
    assert (await stored(database, subscription)).resume_at is not None
