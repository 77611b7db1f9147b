"""Which events become deliveries, in which order they arrive, and how they are replayed."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from clearline.clock import now
from clearline.errors import InvalidInput
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.retention.domain import Kind
from clearline.tickets.domain import Channel, ticket_number
from clearline.tickets.note_domain import Visibility
from clearline.tickets.note_usecases import append_note
from clearline.webhooks import delivery_usecases as deliveries
from clearline.webhooks.delivery_domain import DeliveryState
from tests.builders.jobs import Clock, purge_job
from tests.builders.people import Tenant
from tests.builders.webhooks.receiver import ReceivedRequest, Receiver, answer, is_signed_with, receiving
from tests.builders.webhooks.sending import (
    PROVIDER,
    all_deliveries,
    are_finished,
    insert_deliveries,
    insert_without_ticket,
    jobs,
    raise_ticket,
    subscribe,
    until,
    wait_for,
    workers,
)
from tests.patience import patient

pytestmark = pytest.mark.usefixtures("no_other_subscriptions")


async def test_an_event_arrives_signed_in_the_form_of_the_standard(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    subscription, secret = await subscribe(database, tenant.company, receiver, "ticket.")
    async with workers(database):
        async with database.transaction() as tx:
            number = await raise_ticket(tx, tenant.actor)
        await until(lambda: receiver.requests)
    [request] = receiver.requests
    assert is_signed_with(secret, request)
    assert not is_signed_with("whsec_" + "A" * 44, request)
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"] == "Clearline"
    body = request.json
    assert set(body) == {"type", "timestamp", "data"}
    assert body["type"] == "ticket.created"
    assert datetime.fromisoformat(body["timestamp"]).tzinfo is not None
    assert body["data"]["ticket"] == ticket_number(number)
    assert body["data"]["company"] == str(tenant.company.id)
    assert set(body["data"]) == {"id", "company", "ticket", "note", "actor", "version", "data"}
    [delivery] = await all_deliveries(database, subscription)
    assert (str(delivery.id), delivery.state, delivery.attempts) == (request.id, DeliveryState.DELIVERED, 1)
    assert delivery.event_id == int(body["data"]["id"])


async def test_a_company_receives_its_own_visible_events_and_the_provider_all_events(
    database: Database, tenant: Tenant, other_tenant: Tenant, receiver: Receiver
) -> None:
    async with receiving() as other_receiver, receiving() as provider_receiver:
        await subscribe(database, tenant.company, receiver, "ticket.", "note.")
        await subscribe(database, other_tenant.company, other_receiver, "ticket.", "note.")
        await subscribe(database, PROVIDER, provider_receiver, "ticket.", "note.")
        async with workers(database):
            async with database.transaction() as tx:
                number = await raise_ticket(tx, tenant.actor)
                await append_note(tx, OPERATOR, number, "inside", channel=Channel.API,
                                  visibility=Visibility.INTERNAL, now=now())  # fmt: skip
                await append_note(tx, OPERATOR, number, "outside", channel=Channel.API, now=now())
            await until(lambda: len(provider_receiver.requests) >= 3 and len(receiver.requests) >= 2)
    types = [request.json["type"] for request in receiver.requests]
    assert types == ["ticket.created", "note.added"]
    assert [request.json["data"]["data"].get("visibility") for request in receiver.requests] == [None, "public"]
    assert [request.json["type"] for request in provider_receiver.requests] == [
        "ticket.created",
        "note.added",
        "note.added",
    ]
    assert [request.json["data"]["version"] for request in receiver.requests] == [1, 2]
    assert [request.json["data"]["version"] for request in provider_receiver.requests] == [1, 2, 3]
    assert other_receiver.requests == []


async def test_an_event_that_is_read_again_is_not_sent_again(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver, "ticket.")
    async with database.transaction() as tx:
        await raise_ticket(tx, tenant.actor)
    [follow, *_] = jobs(database)
    while await follow.run():
        pass
    before = await all_deliveries(database, subscription)
    assert before
    async with database.transaction() as tx:
        await tx.write("delete from consumer where name = 'webhooks'")
    while await follow.run():
        pass
    after = await all_deliveries(database, subscription)
    assert [delivery.id for delivery in after[: len(before)]] == [delivery.id for delivery in before]
    assert len({delivery.event_id for delivery in after}) == len(after)


async def test_events_from_before_a_subscription_are_not_sent(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    async with database.transaction() as tx:
        await raise_ticket(tx, tenant.actor)
    subscription, _ = await subscribe(database, tenant.company, receiver, "ticket.")
    async with database.transaction() as tx:
        number = await raise_ticket(tx, tenant.actor)
    [follow, *_] = jobs(database)
    while await follow.run():
        pass
    assert [delivery.ticket_number for delivery in await all_deliveries(database, subscription)] == [number]


async def test_without_a_subscription_there_are_no_deliveries(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        await raise_ticket(tx, tenant.actor)
    [follow, *_] = jobs(database)
    while await follow.run():
        pass
    async with database.statement() as tx:
        assert await tx.fetchval("select count(*) from delivery") == 0


async def test_events_of_a_ticket_arrive_in_order_however_often_one_is_refused(
    database: Database, tenant: Tenant, receiver: Receiver, clock: Clock
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    first = await insert_deliveries(database, subscription, ticket=1, count=5)
    second = await insert_deliveries(database, subscription, ticket=2, count=5)
    without_ticket = await insert_deliveries(database, subscription, count=5)
    turns = 0

    async def respond(request: ReceivedRequest) -> bytes:
        nonlocal turns
        turns += 1
        await asyncio.sleep(0.005 * (turns % 3))
        is_first = [other.id for other in receiver.requests].count(request.id) == 1
        return answer(500 if is_first and turns % 2 else 200)

    receiver.respond = respond
    async with workers(database, clock):
        async with asyncio.timeout(patient(10)):
            while not are_finished(await all_deliveries(database, subscription)):
                clock.ahead += timedelta(seconds=6)
                await asyncio.sleep(0.05)
    assert are_finished(await all_deliveries(database, subscription))
    assert {UUID(request.id) for request in receiver.requests} > {*without_ticket}
    for ids in (first, second):
        order = [UUID(request.id) for request in receiver.requests if UUID(request.id) in ids]
        assert list(dict.fromkeys(order)) == ids
        assert order == sorted(order, key=ids.index)


async def test_finished_deliveries_are_deleted_after_thirty_days(
    database: Database, tenant: Tenant, receiver: Receiver, clock: Clock
) -> None:
    subscription, _ = await subscribe(database, tenant.company, receiver)
    await insert_deliveries(database, subscription, ticket=1, count=2)
    async with workers(database):
        await wait_for(database, subscription, are_finished)
    [waiting] = await insert_deliveries(database, subscription)
    purge = purge_job(database, Kind.DELIVERIES, clock)
    clock.ahead = timedelta(days=29, hours=23)
    assert await purge.run() == 0
    clock.ahead = timedelta(days=30, minutes=1)
    assert await purge.run() == 2
    assert [delivery.id for delivery in await all_deliveries(database, subscription)] == [waiting]
    async with database.statement() as tx:
        assert await tx.fetchval("select count(*) from delivery_attempt") == 0


async def test_a_replay_of_more_delivered_deliveries_than_its_limit_is_refused(
    database: Database, tenant: Tenant, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "REPLAY_LIMIT", 2)
    subscription, _ = await subscribe(database, tenant.company, receiver)
    await insert_without_ticket(database, subscription, 3)
    begin, end = now() - timedelta(hours=1), now() + timedelta(hours=1)
    for state in (DeliveryState.DELIVERED, DeliveryState.DEAD):
        async with database.statement() as tx:
            await tx.write(
                "update delivery set state = $2, due_at = null, finished_at = created_at where subscription_id = $1",
                subscription.id,
                state,
            )
        async with database.transaction() as tx:
            again = deliveries.replay_range(
                tx, OPERATOR, subscription.id, since=begin, until=end, state=state, of=tenant.company, now=now()
            )
            if state is DeliveryState.DELIVERED:
                with pytest.raises(InvalidInput, match="until"):
                    await again
            else:
                assert await again == 2
