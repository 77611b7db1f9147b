import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

import pytest

from clearline.events import offset_store
from clearline.events import store as event_store
from clearline.events.store import START, Event, Offset
from clearline.platform.database import migrate
from clearline.platform.database.transactions import Database
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import Status
from tests.builders.databases import Undone, move_ahead, new_database, undo
from tests.builders.people import NOW, Tenant, new_tenant
from tests.builders.tickets import raised

WRITERS, TICKETS_EACH = 6, 15


async def read_on(database: Database, after: Offset, *, limit: int = 1000) -> list[Event]:
    async with database.statement() as tx:
        return await event_store.read(tx, after, limit=limit)


async def the_end(database: Database) -> Offset:
    """Return the cursor after all events that can be read now."""
    cursor = START
    while events := await read_on(database, cursor):
        cursor = events[-1].offset
    return cursor


async def test_a_reader_does_not_pass_an_event_while_an_older_transaction_is_open(
    database: Database, tenant: Tenant
) -> None:
    cursor = await the_end(database)
    async with database.transaction() as slow:
        first = await raised(slow, tenant, "slow")
        async with database.transaction() as quick:
            second = await raised(quick, tenant, "quick")
        assert await read_on(database, cursor) == []
        async with database.statement() as tx:
            assert [
                event.ticket_number
                for event in await event_store.of_ticket(tx, tenant.company.id, second, after=0, limit=9)
            ] == [second]
    events = await read_on(database, cursor)
    assert [event.ticket_number for event in events] == [first, second]
    assert await read_on(database, events[-1].offset) == []


async def test_an_event_with_a_smaller_id_that_commits_later_is_still_read(database: Database, tenant: Tenant) -> None:
    cursor = await the_end(database)
    async with database.transaction() as quick:
        await quick.fetchval("select pg_current_xact_id()")  # the older transaction writes the event with the larger id
        async with database.transaction() as slow:
            smaller = await raised(slow, tenant, "smaller id, younger transaction")
        larger = await raised(quick, tenant, "larger id, older transaction")
        assert await read_on(database, cursor) == []
    events = await read_on(database, cursor)
    assert [event.ticket_number for event in events] == [larger, smaller]
    assert events[0].offset.id > events[1].offset.id


async def test_a_rolled_back_event_is_never_read_and_blocks_no_other(database: Database, tenant: Tenant) -> None:
    cursor = await the_end(database)
    with contextlib.suppress(Undone):
        async with database.transaction() as tx:
            await raised(tx, tenant, "undone")
            undo()
    assert await read_on(database, cursor) == []
    async with database.transaction() as tx:
        number = await raised(tx, tenant, "kept")
    assert [event.ticket_number for event in await read_on(database, cursor)] == [number]


async def test_paging_through_one_transaction_reads_each_event_once(database: Database, tenant: Tenant) -> None:
    cursor = await the_end(database)
    async with database.transaction() as tx:
        numbers = [await raised(tx, tenant) for _ in range(7)]
    numbers_read: list[int | None] = []
    while page := await read_on(database, cursor, limit=3):
        assert len(page) <= 3
        numbers_read += [event.ticket_number for event in page]
        cursor = page[-1].offset
    assert numbers_read == numbers


async def test_a_stored_event_has_its_actor_and_its_data(database: Database, tenant: Tenant) -> None:
    cursor = await the_end(database)
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        await ticket_changes.move_ticket(
            tx, tenant.actor, number, Status.CANCELLATION_REQUESTED, reason="mine", now=NOW
        )
    created, moved = await read_on(database, cursor)
    assert (created.type, created.data) == (
        "ticket.created",
        {"status": "acknowledged", "priority": "medium", "channel": "API"},
    )
    assert (moved.type, moved.data) == (
        "ticket.status_changed",
        {"before": "acknowledged", "after": "cancellation_requested", "reason": "mine"},
    )
    assert {event.actor_name for event in (created, moved)} == {"Ada Okoro"}
    assert {event.company_id for event in (created, moved)} == {tenant.company.id}
    assert {event.at for event in (created, moved)} == {NOW}


async def test_concurrent_writers_are_read_exactly_once(database: Database, tenant: Tenant) -> None:
    cursor = await the_end(database)
    chance = random.Random(20260301)

    async def write() -> list[int]:
        numbers = []
        for _ in range(TICKETS_EACH):
            async with database.transaction() as tx:
                numbers.append(await raised(tx, tenant))
                await asyncio.sleep(chance.random() * 0.02)
                if chance.random() < 0.3:
                    numbers.append(await raised(tx, tenant))
        return numbers

    writers = [asyncio.create_task(write()) for _ in range(WRITERS)]
    numbers_read: list[int | None] = []
    last_round = False
    while True:
        page = await read_on(database, cursor, limit=5)
        numbers_read += [event.ticket_number for event in page]
        cursor = page[-1].offset if page else cursor
        if last_round and not page:
            break
        last_round = all(writer.done() for writer in writers)
        await asyncio.sleep(0 if page else 0.001)
    numbers_written = [number for writer in writers for number in await writer]
    assert len(numbers_read) == len(set(numbers_read))
    assert set(numbers_read) == set(numbers_written)


@pytest.fixture
async def restored(postgres: str) -> AsyncIterator[Database]:
    """Yield a new database."""
    async with new_database(postgres) as url:
        database = await Database.open(url)
        yield database
        await database.close()


async def raised_in_order(database: Database, tenant: Tenant, many: int) -> list[int]:
    """Return the numbers of tickets raised in two concurrent transactions, in the order of their events."""
    async with database.transaction() as older:
        await older.fetchval("select pg_current_xact_id()")
        async with database.transaction() as younger:
            late = [await raised(younger, tenant) for _ in range(many)]
        early = [await raised(older, tenant) for _ in range(many)]
    return early + late


async def read_as(database: Database, name: str, *, limit: int) -> list[int | None]:
    """Return the tickets of the next events of a consumer, and advance it."""
    async with database.transaction() as tx:
        cursor = await offset_store.lock(tx, name)
        assert cursor is not None
        events = await event_store.read(tx, cursor, limit=limit)
        if events:
            await offset_store.advance(tx, name, events[-1].offset)
    return [event.ticket_number for event in events if event.ticket_number is not None]


async def test_events_from_another_server_become_readable_and_no_consumer_skips_any(restored: Database) -> None:
    tenant = await new_tenant(restored)
    numbers = await raised_in_order(restored, tenant, 6)
    everything = await the_end(restored)
    async with restored.transaction() as tx:
        await offset_store.advance(tx, "finished", everything)
        await offset_store.advance(tx, "fresh", START)
    begun = {f"after {many}": many for many in (1, 4, 6, 7, 9, 11)}
    records = len(await read_on(restored, START)) - len(numbers)
    for name, many in begun.items():
        assert (await read_as(restored, name, limit=records + many)) == numbers[:many]
    await move_ahead(restored)
    assert await read_on(restored, START) == []
    await migrate.migrate(restored, afterwards=event_store.renumber)
    events = await read_on(restored, START)
    assert [event.offset.id for event in events] == sorted(event.offset.id for event in events)
    assert sorted(event.ticket_number for event in events if event.ticket_number) == sorted(numbers)
    later = await raised_in_order(restored, tenant, 2)
    async with restored.transaction() as tx:
        assert await event_store.renumber(tx) is False
    assert await read_as(restored, "finished", limit=1000) == later
    assert await read_as(restored, "fresh", limit=1000) == sorted(numbers) + later
    for name, many in begun.items():
        unseen = await read_as(restored, name, limit=1000)
        assert set(unseen) >= {*numbers[many:], *later}, "events that were not read before are read now"
        assert unseen[-len(later) :] == later
        assert len(set(unseen)) == len(unseen)


async def test_events_between_a_restore_and_the_start_are_not_skipped(restored: Database) -> None:
    tenant = await new_tenant(restored)
    await raised_in_order(restored, tenant, 3)
    async with restored.transaction() as tx:
        await offset_store.advance(tx, "finished", await the_end(restored))
    await move_ahead(restored)
    early = await raised_in_order(restored, tenant, 2)
    await migrate.migrate(restored, afterwards=event_store.renumber)
    assert await read_as(restored, "finished", limit=1000) == sorted(early)


async def test_events_of_this_server_are_not_renumbered(restored: Database) -> None:
    async with restored.transaction() as tx:
        assert await event_store.renumber(tx) is False, "an empty log needs no new numbers"
    tenant = await new_tenant(restored)
    await raised_in_order(restored, tenant, 3)
    before = await read_on(restored, START)
    async with restored.transaction() as tx:
        await raised(tx, tenant, "of a transaction that still runs")
        async with restored.transaction() as other:
            assert await event_store.renumber(other) is False
    assert (await read_on(restored, START))[: len(before)] == before


async def test_a_second_call_changes_nothing(restored: Database) -> None:
    tenant = await new_tenant(restored)
    await raised_in_order(restored, tenant, 3)
    async with restored.transaction() as tx:
        await offset_store.advance(tx, "reader", await the_end(restored))
    await move_ahead(restored)
    states = []
    for expected in (True, False, False):
        async with restored.transaction() as tx:
            assert await event_store.renumber(tx) is expected
        async with restored.statement() as tx:
            states.append([tuple(row) for row in await tx.fetch("select name, xid::text, id from consumer")])
        states.append([(event.offset, event.data) for event in await read_on(restored, START)])
    assert states[2:4] == states[:2] == states[4:]
