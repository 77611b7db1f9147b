"""Which events become deliveries, in which order they arrive, and how they are replayed."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from clearline.clock import now
from clearline.errors import InvalidInput
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
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
    all_done,
    jobs,
    listed,
    pinged,
    raised,
    subscribed,
    told_of_none,
    until,
    waited,
    working,
)
from tests.patience import patient

pytestmark = pytest.mark.usefixtures("no_other_subscriptions")


async def test_an_event_arrives_signed_in_the_form_of_the_standard(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    one, secret = await subscribed(database, tenant.company, receiver, "ticket.")
    async with working(database):
        async with database.transaction() as tx:
            number = await raised(tx, tenant.actor)
        await until(lambda: receiver.requests)
    [got] = receiver.requests
    assert is_signed_with(secret, got)
    assert not is_signed_with("whsec_" + "A" * 44, got)
    assert got.headers["content-type"] == "application/json"
    assert got.headers["user-agent"] == "Clearline"
    body = got.json
    assert set(body) == {"type", "timestamp", "data"}
    assert body["type"] == "ticket.created"
    assert datetime.fromisoformat(body["timestamp"]).tzinfo is not None
    assert body["data"]["ticket"] == ticket_number(number)
    assert body["data"]["company"] == str(tenant.company.id)
    assert set(body["data"]) == {"id", "company", "ticket", "note", "actor", "data"}
    [delivery] = await listed(database, one)
    assert (str(delivery.id), delivery.state, delivery.attempts) == (got.id, DeliveryState.DELIVERED, 1)
    assert delivery.event_id == int(body["data"]["id"])


async def test_a_company_hears_of_its_own_what_it_may_and_the_provider_of_everything(
    database: Database, tenant: Tenant, other_tenant: Tenant, receiver: Receiver
) -> None:
    async with receiving() as others, receiving() as providers:
        await subscribed(database, tenant.company, receiver, "ticket.", "note.")
        await subscribed(database, other_tenant.company, others, "ticket.", "note.")
        await subscribed(database, PROVIDER, providers, "ticket.", "note.")
        async with working(database):
            async with database.transaction() as tx:
                number = await raised(tx, tenant.actor)
                await append_note(tx, OPERATOR, number, "inside", channel=Channel.API,
                                  visibility=Visibility.INTERNAL, now=now())  # fmt: skip
                await append_note(tx, OPERATOR, number, "outside", channel=Channel.API, now=now())
            await until(lambda: len(providers.requests) >= 3 and len(receiver.requests) >= 2)
    types = [got.json["type"] for got in receiver.requests]
    assert types == ["ticket.created", "note.added"]
    assert [got.json["data"]["data"].get("visibility") for got in receiver.requests] == [None, "public"]
    assert [got.json["type"] for got in providers.requests] == ["ticket.created", "note.added", "note.added"]
    assert others.requests == []


async def test_an_event_that_is_read_again_is_not_sent_again(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    one, _ = await subscribed(database, tenant.company, receiver, "ticket.")
    async with database.transaction() as tx:
        await raised(tx, tenant.actor)
    [follow, *_] = jobs(database)
    while await follow.run():
        pass
    before = await listed(database, one)
    assert before
    async with database.transaction() as tx:
        await tx.write("delete from consumer where name = 'webhooks'")
    while await follow.run():
        pass
    after = await listed(database, one)
    assert [delivery.id for delivery in after[: len(before)]] == [delivery.id for delivery in before]
    assert len({delivery.event_id for delivery in after}) == len(after)


async def test_what_happened_before_a_subscription_was_made_is_not_for_it(
    database: Database, tenant: Tenant, receiver: Receiver
) -> None:
    async with database.transaction() as tx:
        await raised(tx, tenant.actor)
    one, _ = await subscribed(database, tenant.company, receiver, "ticket.")
    async with database.transaction() as tx:
        number = await raised(tx, tenant.actor)
    [follow, *_] = jobs(database)
    while await follow.run():
        pass
    assert [delivery.ticket_number for delivery in await listed(database, one)] == [number]


async def test_without_a_subscription_nothing_is_kept(database: Database, tenant: Tenant) -> None:
    async with database.transaction() as tx:
        await raised(tx, tenant.actor)
    [follow, *_] = jobs(database)
    while await follow.run():
        pass
    async with database.statement() as tx:
        assert await tx.fetchval("select count(*) from delivery") == 0


async def test_events_of_a_ticket_come_in_order_however_often_one_is_refused(
    database: Database, tenant: Tenant, receiver: Receiver, clock: Clock
) -> None:
    one, _ = await subscribed(database, tenant.company, receiver)
    first = await pinged(database, one, ticket=1, count=5)
    second = await pinged(database, one, ticket=2, count=5)
    nobodys = await pinged(database, one, count=5)
    turns = 0

    async def respond(got: ReceivedRequest) -> bytes:
        nonlocal turns
        turns += 1
        await asyncio.sleep(0.005 * (turns % 3))
        is_first = [other.id for other in receiver.requests].count(got.id) == 1
        return answer(500 if is_first and turns % 2 else 200)

    receiver.respond = respond
    async with working(database, clock):
        async with asyncio.timeout(patient(10)):
            while not all_done(await listed(database, one)):
                clock.ahead += timedelta(seconds=6)
                await asyncio.sleep(0.05)
    assert all_done(await listed(database, one))
    assert {UUID(got.id) for got in receiver.requests} > {*nobodys}
    for line in (first, second):
        went = [UUID(got.id) for got in receiver.requests if UUID(got.id) in line]
        assert list(dict.fromkeys(went)) == line
        assert went == sorted(went, key=line.index)


async def test_finished_deliveries_are_forgotten_after_thirty_days(
    database: Database, tenant: Tenant, receiver: Receiver, clock: Clock
) -> None:
    one, _ = await subscribed(database, tenant.company, receiver)
    await pinged(database, one, ticket=1, count=2)
    async with working(database):
        await waited(database, one, all_done)
    [waiting] = await pinged(database, one)
    purge = purge_job(database, "deliveries", clock)
    clock.ahead = timedelta(days=29, hours=23)
    assert await purge.run() == 0
    clock.ahead = timedelta(days=30, minutes=1)
    assert await purge.run() == 2
    assert [delivery.id for delivery in await listed(database, one)] == [waiting]
    async with database.statement() as tx:
        assert await tx.fetchval("select count(*) from delivery_attempt") == 0


async def test_more_delivered_ones_than_a_replay_sends_are_refused(
    database: Database, tenant: Tenant, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "REPLAY_LIMIT", 2)
    one, _ = await subscribed(database, tenant.company, receiver)
    await told_of_none(database, one, 3)
    begin, end = now() - timedelta(hours=1), now() + timedelta(hours=1)
    for state in (DeliveryState.DELIVERED, DeliveryState.DEAD):
        async with database.statement() as tx:
            await tx.write(
                "update delivery set state = $2, due_at = null, finished_at = created_at where subscription_id = $1",
                one.id,
                state,
            )
        async with database.transaction() as tx:
            again = deliveries.replay_range(
                tx, OPERATOR, one.id, since=begin, until=end, state=state, of=tenant.company, now=now()
            )
            if state is DeliveryState.DELIVERED:
                with pytest.raises(InvalidInput, match="until"):
                    await again
            else:
                assert await again == 2
