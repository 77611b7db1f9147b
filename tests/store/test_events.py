import asyncio
import contextlib
import random

from clearline.domain.ticket import Status
from clearline.store import events
from clearline.store.db import Database
from clearline.store.events import START, Cursor, Event
from clearline.usecases import tickets
from tests.conftest import NOW, Tenant
from tests.store.samples import Undone, raised, undo

WRITERS, TICKETS_EACH = 6, 15


async def read_on(database: Database, after: Cursor, *, limit: int = 1000) -> list[Event]:
    async with database.statement() as tx:
        return await events.read(tx, after, limit=limit)


async def the_end(database: Database) -> Cursor:
    """The cursor behind all that can be read now."""
    cursor = START
    while found := await read_on(database, cursor):
        cursor = found[-1].cursor
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
            assert [one.ticket_number for one in await events.of_ticket(tx, tenant.company.id, second)] == [second]
    found = await read_on(database, cursor)
    assert [event.ticket_number for event in found] == [first, second]
    assert await read_on(database, found[-1].cursor) == []


async def test_an_event_with_a_smaller_id_that_commits_later_is_still_read(database: Database, tenant: Tenant) -> None:
    cursor = await the_end(database)
    async with database.transaction() as quick:
        await quick.fetchval("select pg_current_xact_id()")  # the older transaction writes the event with the larger id
        async with database.transaction() as slow:
            smaller = await raised(slow, tenant, "smaller id, younger transaction")
        larger = await raised(quick, tenant, "larger id, older transaction")
        assert await read_on(database, cursor) == []
    found = await read_on(database, cursor)
    assert [event.ticket_number for event in found] == [larger, smaller]
    assert found[0].cursor.id > found[1].cursor.id


async def test_a_rolled_back_event_is_never_read_and_holds_nobody_up(database: Database, tenant: Tenant) -> None:
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
    found: list[int] = []
    while page := await read_on(database, cursor, limit=3):
        assert len(page) <= 3
        found += [event.ticket_number for event in page]
        cursor = page[-1].cursor
    assert found == numbers


async def test_a_stored_fact_tells_who_did_what(database: Database, tenant: Tenant) -> None:
    cursor = await the_end(database)
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        await tickets.move_ticket(tx, tenant.actor, number, Status.CANCELLED, reason="mine", now=NOW)
    created, moved = await read_on(database, cursor)
    assert (created.type, created.data) == (
        "ticket.created",
        {"status": "acknowledged", "priority": "medium", "channel": "API"},
    )
    assert (moved.type, moved.data) == (
        "ticket.status_changed",
        {"before": "acknowledged", "after": "cancelled", "reason": "mine"},
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
    found: list[int] = []
    last_round = False
    while True:
        page = await read_on(database, cursor, limit=5)
        found += [event.ticket_number for event in page]
        cursor = page[-1].cursor if page else cursor
        if last_round and not page:
            break
        last_round = all(writer.done() for writer in writers)
        await asyncio.sleep(0 if page else 0.001)
    written = [number for writer in writers for number in await writer]
    assert len(found) == len(set(found))
    assert sorted(found) == sorted(written)
