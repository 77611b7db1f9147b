"""The events of one ticket are read in the order of its versions, whichever transaction took its number first."""

import asyncio
from typing import Any

import pytest

from clearline.event_stream import store as event_stream_store
from clearline.event_stream.store import EventFilter
from clearline.events import store as event_store
from clearline.events.consumer import consumer
from clearline.events.store import Event, Offset
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import note_usecases as notes
from clearline.tickets.domain import Channel, Status
from clearline.tickets.links import watcher_usecases as watchers
from clearline.tickets.note_domain import Visibility
from tests.builders.people import NOW, Tenant
from tests.builders.tickets import raised
from tests.patience import patient

MOVES = ["in_progress", "pending", "held"]


async def move(tx: Tx, number: int, status: Status) -> None:
    await ticket_changes.move_ticket(tx, OPERATOR, number, status, reason="test", now=NOW)


async def take_a_number(tx: Tx) -> int:
    """Do other work first, which gives the transaction its number."""
    return int(await tx.fetchval("select pg_current_xact_id()::text::bigint"))


async def race(database: Database, tenant: Tenant) -> tuple[int, Offset]:
    """Change a ticket by a transaction with an early number after one with a late number has changed it."""
    async with database.transaction() as tx:
        number = await raised(tx, tenant, status=Status.IN_PROGRESS)
        begin = await event_store.last_readable(tx)
    async with database.transaction() as early:
        first = await take_a_number(early)
        async with database.transaction() as late:
            assert await take_a_number(late) > first
            await move(late, number, Status.PENDING)
        await move(early, number, Status.HELD)
    return number, begin


def statuses(events: list[Event], number: int) -> list[Any]:
    return [
        event.data["after"]
        for event in events
        if event.ticket_number == number and event.type == "ticket.status_changed"
    ]


def versions(events: list[Event], number: int) -> list[tuple[int | None, int | None]]:
    return [(event.version, event.customer_version) for event in events if event.ticket_number == number]


@pytest.mark.parametrize("reader", ["history", "consumers", "stream", "stream of a company", "stream of a ticket"])
async def test_every_reader_gets_the_moves_of_a_race_in_their_order(
    database: Database, fresh: Tenant, reader: str
) -> None:
    number, begin = await race(database, fresh)
    company = fresh.company.id
    filters = {
        "stream": EventFilter(),
        "stream of a company": EventFilter(company),
        "stream of a ticket": EventFilter(company, number),
    }
    async with database.statement() as tx:
        if reader == "history":
            events = await event_store.of_ticket(tx, company, number, after=0, limit=100)
        elif reader == "consumers":
            events = await event_store.read(tx, begin, limit=1000)
        else:
            events = (await event_stream_store.read(tx, filters[reader], begin, limit=1000)).events
    assert statuses(events, number)[-2:] == ["pending", "held"]
    offsets = [event.offset for event in events if event.ticket_number == number]
    assert offsets == sorted(offsets)
    assert versions(events, number)[-3:] == [(2, 2), (3, 3), (4, 4)]


async def test_a_transaction_that_waited_for_the_ticket_comes_after_the_one_it_waited_for(
    database: Database, fresh: Tenant
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, fresh, status=Status.IN_PROGRESS)
    taken, changed = asyncio.Event(), asyncio.Event()

    async def early() -> None:
        async with database.transaction() as tx:
            await take_a_number(tx)
            taken.set()
            await changed.wait()
            await notes.add_note(
                tx, OPERATOR, number, "Later", visibility=Visibility.INTERNAL, channel=Channel.CONSOLE, now=NOW
            )

    waiting = asyncio.create_task(early())
    async with asyncio.timeout(patient(10)):
        await taken.wait()
        async with database.transaction() as late:
            await move(late, number, Status.PENDING)
            changed.set()
            await asyncio.sleep(0.3)  # the other waits for the lock now
        await waiting
    async with database.statement() as tx:
        events = (
            await event_stream_store.read(tx, EventFilter(fresh.company.id, number), Offset(0, 0), limit=9)
        ).events
    assert [event.type for event in events][-2:] == ["ticket.status_changed", "note.added"]
    assert versions(events, number)[-2:] == [(3, 3), (4, 3)]


@pytest.mark.parametrize("watches", [True, False], ids=["watch", "stop to watch"])
async def test_the_event_of_a_watcher_has_the_version_of_the_change_that_it_waited_for(
    database: Database, fresh: Tenant, *, watches: bool
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, fresh, status=Status.IN_PROGRESS)
        if not watches:
            await watchers.watch(tx, fresh.actor, number, fresh.user.id, now=NOW)

    async def watch() -> None:
        async with database.statement() as tx:
            use = watchers.watch if watches else watchers.unwatch
            await use(tx, fresh.actor, number, fresh.user.id, now=NOW)

    async with asyncio.timeout(patient(10)):
        async with database.transaction() as tx:
            await move(tx, number, Status.PENDING)
            waiting = asyncio.create_task(watch())
            await asyncio.sleep(0.3)  # the other waits for the lock now
        await waiting
    async with database.statement() as tx:
        events = await event_store.of_ticket(tx, fresh.company.id, number, after=0, limit=100)
    assert [event.type for event in events][-2:] == ["ticket.status_changed", "ticket.watched"]
    assert versions(events, number)[-2:] == [(3, 3), (3, 3)]


async def test_no_reader_passes_an_event_that_is_not_committed_yet(database: Database, fresh: Tenant) -> None:
    """The event that got a later number than its transaction is not skipped: nobody reads that number before."""
    async with database.transaction() as tx:
        number = await raised(tx, fresh, status=Status.IN_PROGRESS)
    received: list[Event] = []

    async def receive(_tx: Tx, events: list[Event]) -> None:
        received.extend(events)

    job = consumer(database, f"order {number}", receive)
    while await job.run():
        pass
    async with database.transaction() as early:
        await take_a_number(early)
        async with database.transaction() as late:
            await move(late, number, Status.PENDING)
        await move(early, number, Status.HELD)
        async with database.transaction() as last:
            await take_a_number(last)
        await job.run()
        assert statuses(received, number) == ["in_progress"]
    while await job.run():
        pass
    assert statuses(received, number) == MOVES


async def test_many_changes_at_the_same_time_are_read_in_the_order_of_versions(
    database: Database, fresh: Tenant
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, fresh, status=Status.IN_PROGRESS)

    async def change(worker: int) -> None:
        for turn in range(8):
            async with database.transaction() as tx:
                await take_a_number(tx)
                await asyncio.sleep(0.001 * ((worker * 7 + turn * 3) % 5))
                ticket = await tx.fetchval("select status from ticket where number = $1 for update", number)
                await move(tx, number, Status.HELD if ticket == "in_progress" else Status.IN_PROGRESS)

    await asyncio.gather(*(change(worker) for worker in range(4)))
    async with database.statement() as tx:
        events = (
            await event_stream_store.read(tx, EventFilter(fresh.company.id, number), Offset(0, 0), limit=100)
        ).events
    moves = [event.data for event in events if event.type == "ticket.status_changed"]
    assert len(moves) == 33
    assert versions(events, number) == [(version, version) for version in range(1, 35)]
    assert [move["before"] for move in moves[1:]] == [move["after"] for move in moves[:-1]]
