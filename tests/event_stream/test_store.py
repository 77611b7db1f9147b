"""How the stream reads the log: batches, the latest cursor, and the recovery of cursors after a restore."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from clearline.event_stream import store as event_stream_store
from clearline.event_stream.store import BEGINNING, RECOVERY_MARGIN, EventBatch, EventCursor, EventFilter
from clearline.events import store as event_store
from clearline.events.domain import RecordChanged, StatusChanged
from clearline.events.store import START, Offset
from clearline.identity import OPERATOR
from clearline.platform.database import migrate
from clearline.platform.database.transactions import Database
from tests.builders.databases import move_ahead, new_database, plan_of
from tests.builders.people import Tenant, new_tenant
from tests.builders.tickets import raised

FILL = """
    insert into company select md5('company' || c)::uuid, 'Company ' || c, 'C' || c, now()
      from generate_series(1, 100) c;
    insert into event (xid, company_id, at, type, ticket_number, actor_name, data)
    select (3 + e / 50)::text::xid8, md5('company' || e % 100 + 1)::uuid,
           timestamptz '2026-01-01' + e * interval '1 minute',
           case when e % 7 = 0 then 'user.changed' else 'ticket.changed' end,
           case when e % 7 = 0 then null else e / 100 end, 'User', '{"changes": []}'
      from generate_series(1, 20000) e;
    analyze
"""


@pytest.fixture(scope="module")
async def filled(postgres: str) -> AsyncIterator[Any]:
    async with new_database(postgres) as url:
        connection = await asyncpg.connect(url)
        await connection.execute(FILL)
        yield connection
        await connection.close()


@pytest.fixture
async def empty(postgres: str) -> AsyncIterator[Database]:
    """Yield a new, empty database."""
    async with new_database(postgres) as url:
        database = await Database.open(url)
        yield database
        await database.close()


@pytest.mark.parametrize("types", [(), ("user.", "ticket.created")])
@pytest.mark.parametrize(
    ("statement", "index"),
    [(event_stream_store.EVERYTHING, "event_cursor"), (event_stream_store.OF_COMPANY, "event_pkey")],
)
@pytest.mark.parametrize("after", [START, Offset(200, 7), Offset(2**62, 0)])
async def test_a_batch_of_the_log_uses_its_index_and_sorts_nothing(
    filled: Any, statement: str, index: str, types: tuple[str, ...], after: Offset
) -> None:
    company = await filled.fetchval("select md5('company1')::uuid") if index == "event_pkey" else None
    values = event_stream_store.values(EventFilter(company, None, types), after, 11)
    assert await plan_of(filled, statement, *values) == ({index}, set())
    assert '"Sort"' not in await filled.fetchval(f"explain (format json) {statement}", *values)


async def test_the_events_of_a_ticket_are_found_by_their_index(filled: Any) -> None:
    company = await filled.fetchval("select md5('company1')::uuid")
    values = event_stream_store.values(EventFilter(company, 77), START, 11)
    used, _scanned = await plan_of(filled, event_stream_store.OF_TICKET, *values)
    assert used == {"event_by_ticket"}


@pytest.mark.parametrize(
    ("statement", "indexes", "values"),
    [
        (event_stream_store.LATEST, {"event_cursor"}, ()),
        (event_stream_store.LATEST_OF_COMPANY, {"event_pkey"}, ("df655f97-6f7c-9d32-6381-5bd981225cd9",)),
        (event_stream_store.NEW_OFFSETS, {"event_cursor"}, ("200", 5, 1000)),
        (
            event_stream_store.RECOVER_OFFSET,
            {"event_cursor", "event_by_time"},
            ("200", 5, *[datetime(2026, 1, 3, tzinfo=UTC)] * 2),
        ),
    ],
)
async def test_the_other_statements_use_indexes(
    filled: Any, statement: str, indexes: set[str], values: tuple[object, ...]
) -> None:
    assert await plan_of(filled, statement, *values) == (indexes, set())
    [top] = json.loads(await filled.fetchval(f"explain (analyze, format json) {statement}", *values))
    assert '"Sort Key": ["event' not in json.dumps(top)
    assert '"Sort Key": ["e.' not in json.dumps(top)


async def read(database: Database, event_filter: EventFilter, after: Offset, limit: int = 1000) -> EventBatch:
    async with database.statement() as tx:
        return await event_stream_store.read(tx, event_filter, after, limit=limit)


async def latest(database: Database) -> EventCursor:
    async with database.statement() as tx:
        return await event_stream_store.latest_cursor(tx)


async def recovered(database: Database, cursor: EventCursor) -> Offset:
    async with database.statement() as tx:
        return await event_stream_store.recover_offset(tx, cursor)


async def happen(database: Database, tenant: Tenant, many: int, *, at: datetime | None = None) -> int:
    """Raise a ticket with ``many`` more events, each in its own transaction; return its number."""
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
    for _ in range(many):
        async with database.transaction() as tx:
            fact = StatusChanged("acknowledged", "in_progress", "")
            moment = at or datetime.now(UTC)
            await event_store.append(tx, OPERATOR, tenant.company.id, fact, ticket_number=number, now=moment)
    return number


async def test_events_that_do_not_match_are_left_out_and_advance_the_cursor(database: Database, tenant: Tenant) -> None:
    begin = await latest(database)
    number = await happen(database, tenant, 3)
    for types, count in {(): 4, ("ticket.created",): 1, ("ticket.",): 4, ("note.", "ticket.status_changed"): 3}.items():
        batch = await read(database, EventFilter(None, None, types), begin.offset)
        assert (len(batch.events), batch.last, batch.is_full) == (count, await latest(database), False)
    rare = await read(database, EventFilter(tenant.company.id, None, ("note.",)), begin.offset, limit=2)
    assert (rare.events, rare.is_full) == ([], True)
    assert rare.last is not None
    remaining = await read(database, EventFilter(tenant.company.id), rare.last.offset)
    assert [event.ticket_number for event in remaining.events] == [number, number]
    assert await read(database, EventFilter(), (await latest(database)).offset) == EventBatch([], None, is_full=False)


async def test_a_type_is_not_a_pattern(database: Database, tenant: Tenant) -> None:
    begin = await latest(database)
    await happen(database, tenant, 1)
    for types in (("ticket",), ("ticket.crea",), ("%.",), ("ticket_created",)):
        assert (await read(database, EventFilter(None, None, types), begin.offset)).events == []


async def test_only_the_events_of_a_company_or_a_ticket_are_read(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    begin = await latest(database)
    mine, other, foreign = [await happen(database, owner, 2) for owner in (tenant, tenant, other_tenant)]
    of_company = await read(database, EventFilter(tenant.company.id), begin.offset)
    assert [event.ticket_number for event in of_company.events] == [mine] * 3 + [other] * 3
    of_ticket = await read(database, EventFilter(tenant.company.id, other), begin.offset)
    assert of_ticket.events == of_company.events[3:]
    assert (await read(database, EventFilter(tenant.company.id, foreign), START)).events == []


async def test_events_of_running_transactions_are_not_read_and_not_the_latest(
    database: Database, tenant: Tenant
) -> None:
    begin = await latest(database)
    async with database.transaction() as slow:
        first = await raised(slow, tenant, "slow")
        second = await happen(database, tenant, 0)
        for event_filter in (EventFilter(), EventFilter(tenant.company.id), EventFilter(tenant.company.id, second)):
            assert (await read(database, event_filter, begin.offset)).events == []
        assert await latest(database) == begin
        async with database.statement() as tx:
            assert await event_stream_store.latest_cursor(tx, tenant.company.id) <= begin
            assert await event_stream_store.new_offsets(tx, begin.offset, limit=9) == []
    async with database.statement() as tx:
        news = await event_stream_store.new_offsets(tx, begin.offset, limit=9)
    batch = await read(database, EventFilter(), begin.offset)
    assert [event.ticket_number for event in batch.events] == [first, second]
    assert news == [(event.offset, event.company_id) for event in batch.events]


async def test_the_latest_cursor_of_an_empty_log_is_the_beginning(empty: Database) -> None:
    assert await latest(empty) == BEGINNING
    assert await recovered(empty, EventCursor(Offset(7, 7), datetime.now(UTC))) == START
    assert await recovered(empty, BEGINNING) == START


async def test_a_cursor_is_recovered_at_its_own_offset(database: Database, tenant: Tenant) -> None:
    await happen(database, tenant, 2)
    cursor = await latest(database)
    await happen(database, tenant, 2)
    assert await recovered(database, cursor) == cursor.offset


async def read_again(database: Database, cursor: EventCursor) -> list[int]:
    """Return the ids of the events that a reader gets when it resumes from a cursor."""
    batch = await read(database, EventFilter(), await recovered(database, cursor))
    return [event.offset.id for event in batch.events]


async def test_after_a_restore_a_reader_reads_what_it_missed_and_at_most_an_hour_again(empty: Database) -> None:
    tenant = await new_tenant(empty)
    long_ago = datetime.now(UTC) - timedelta(days=2)
    async with empty.transaction() as tx:
        for _ in range(50):
            fact = RecordChanged("user", "changed", "1", "One")
            await event_store.append(tx, OPERATOR, tenant.company.id, fact, now=long_ago)
        await tx.write("update event set at = $1", long_ago)
    old = await latest(empty)
    await happen(empty, tenant, 3, at=datetime.now(UTC))
    last_read = await latest(empty)
    async with empty.transaction() as older:
        await older.fetchval("select pg_current_xact_id()")
        await happen(empty, tenant, 2)
        await raised(older, tenant)
    everything = await read(empty, EventFilter(), START)
    missed = [event.offset.id for event in everything.events if event.offset > last_read.offset]
    await move_ahead(empty)
    await migrate.migrate(empty, afterwards=event_store.renumber)
    await happen(empty, tenant, 2)
    later = (await read_again(empty, await latest(empty)), (await latest(empty)).offset.id)
    assert later[0] == []
    ids = await read_again(empty, last_read)
    assert set(ids) >= {*missed, later[1]}
    assert old.offset.id not in ids, "events older than the margin are not read again"
    assert len(ids) == len(set(ids))
    ahead = last_read._replace(offset=Offset(last_read.offset.xid + 1_000_000_000, last_read.offset.id))
    assert await read_again(empty, ahead) == ids, "a cursor of the other server that is ahead of this one's counter"


async def test_after_a_restore_of_an_older_copy_new_events_with_the_numbers_of_lost_ones_are_read(
    empty: Database,
) -> None:
    tenant = await new_tenant(empty)
    await happen(empty, tenant, 3)
    now = await latest(empty)
    # The reader's event is lost with the restore, and its numbers are used again.
    for lost in (
        now.offset,
        Offset(now.offset.xid, now.offset.id - 1),
        Offset(now.offset.xid + 50, now.offset.id + 50),
    ):
        cursor = EventCursor(lost, now.at - timedelta(minutes=1))
        assert now.offset.id in await read_again(empty, cursor)
    assert await read_again(empty, EventCursor(Offset(2**60, 2**60), now.at + RECOVERY_MARGIN * 2)) == [], (
        "nothing happened since"
    )
