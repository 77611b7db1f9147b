"""The log for those who follow it: pieces of it, its end, and places in it that are found again after a restore."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from clearline.event_stream import store as event_stream_store
from clearline.event_stream.store import BEGINNING, MARGIN, Place, Walked, Wanted
from clearline.events import store as event_store
from clearline.events.domain import RecordChanged, StatusChanged
from clearline.events.store import START, Cursor
from clearline.identity import OPERATOR
from clearline.platform.database import migrate
from clearline.platform.database.transactions import Database
from tests.builders.databases import move_ahead
from tests.builders.plans import plan_of
from tests.builders.tickets import raised
from tests.conftest import Tenant, new_database, new_tenant

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
    """A database of its own."""
    async with new_database(postgres) as url:
        database = await Database.open(url)
        yield database
        await database.close()


@pytest.mark.parametrize("types", [(), ("user.", "ticket.created")])
@pytest.mark.parametrize(
    ("statement", "index"),
    [(event_stream_store.EVERYTHING, "event_cursor"), (event_stream_store.OF_COMPANY, "event_pkey")],
)
@pytest.mark.parametrize("after", [START, Cursor(200, 7), Cursor(2**62, 0)])
async def test_a_piece_of_the_log_walks_its_index_and_sorts_nothing(
    filled: Any, statement: str, index: str, types: tuple[str, ...], after: Cursor
) -> None:
    company = await filled.fetchval("select md5('company1')::uuid") if index == "event_pkey" else None
    values = event_stream_store.values(Wanted(company, None, types), after, 11)
    assert await plan_of(filled, statement, *values) == ({index}, set())
    assert '"Sort"' not in await filled.fetchval(f"explain (format json) {statement}", *values)


async def test_the_events_of_a_ticket_are_found_by_it(filled: Any) -> None:
    company = await filled.fetchval("select md5('company1')::uuid")
    values = event_stream_store.values(Wanted(company, 77), START, 11)
    used, _whole = await plan_of(filled, event_stream_store.OF_TICKET, *values)
    assert used == {"event_by_ticket"}


@pytest.mark.parametrize(
    ("statement", "indexes", "values"),
    [
        (event_stream_store.TAIL, {"event_cursor"}, ()),
        (event_stream_store.TAIL_OF_COMPANY, {"event_pkey"}, ("df655f97-6f7c-9d32-6381-5bd981225cd9",)),
        (event_stream_store.NEWS, {"event_cursor"}, ("200", 5, 1000)),
        (
            event_stream_store.FIND,
            {"event_cursor", "event_by_time"},
            ("200", 5, *[datetime(2026, 1, 3, tzinfo=UTC)] * 2),
        ),
    ],
)
async def test_ends_news_and_places_are_found_by_indexes(
    filled: Any, statement: str, indexes: set[str], values: tuple[object, ...]
) -> None:
    assert await plan_of(filled, statement, *values) == (indexes, set())
    [top] = json.loads(await filled.fetchval(f"explain (analyze, format json) {statement}", *values))
    assert '"Sort Key": ["event' not in json.dumps(top)
    assert '"Sort Key": ["e.' not in json.dumps(top)


async def walk(database: Database, wanted: Wanted, after: Cursor, limit: int = 1000) -> Walked:
    async with database.statement() as tx:
        return await event_stream_store.walk(tx, wanted, after, limit=limit)


async def tail(database: Database) -> Place:
    async with database.statement() as tx:
        return await event_stream_store.tail(tx)


async def find(database: Database, place: Place) -> Cursor:
    async with database.statement() as tx:
        return await event_stream_store.find(tx, place)


async def happen(database: Database, tenant: Tenant, many: int, *, at: datetime | None = None) -> int:
    """A ticket to which so many things happen, each in a transaction of its own."""
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
    for _ in range(many):
        async with database.transaction() as tx:
            fact = StatusChanged("acknowledged", "in_progress", "")
            moment = at or datetime.now(UTC)
            await event_store.append(tx, OPERATOR, tenant.company.id, fact, ticket_number=number, now=moment)
    return number


async def test_what_is_not_wanted_is_left_out_and_moves_the_place_on(database: Database, tenant: Tenant) -> None:
    begin = await tail(database)
    number = await happen(database, tenant, 3)
    for types, count in {(): 4, ("ticket.created",): 1, ("ticket.",): 4, ("note.", "ticket.status_changed"): 3}.items():
        found = await walk(database, Wanted(None, None, types), begin.cursor)
        assert (len(found.events), found.last, found.is_full) == (count, await tail(database), False)
    rare = await walk(database, Wanted(tenant.company.id, None, ("note.",)), begin.cursor, limit=2)
    assert (rare.events, rare.is_full) == ([], True)
    assert rare.last is not None
    rest = await walk(database, Wanted(tenant.company.id), rare.last.cursor)
    assert [event.ticket_number for event in rest.events] == [number, number]
    assert await walk(database, Wanted(), (await tail(database)).cursor) == Walked([], None, is_full=False)


async def test_a_type_is_no_pattern(database: Database, tenant: Tenant) -> None:
    begin = await tail(database)
    await happen(database, tenant, 1)
    for types in (("ticket",), ("ticket.crea",), ("%.",), ("ticket_created",)):
        assert (await walk(database, Wanted(None, None, types), begin.cursor)).events == []


async def test_a_company_and_a_ticket_are_read_alone(database: Database, tenant: Tenant, other_tenant: Tenant) -> None:
    begin = await tail(database)
    mine, other, theirs = [await happen(database, one, 2) for one in (tenant, tenant, other_tenant)]
    of_company = await walk(database, Wanted(tenant.company.id), begin.cursor)
    assert [event.ticket_number for event in of_company.events] == [mine] * 3 + [other] * 3
    of_ticket = await walk(database, Wanted(tenant.company.id, other), begin.cursor)
    assert of_ticket.events == of_company.events[3:]
    assert (await walk(database, Wanted(tenant.company.id, theirs), START)).events == []


async def test_nothing_beyond_the_horizon_is_told_or_taken_for_the_end(database: Database, tenant: Tenant) -> None:
    begin = await tail(database)
    async with database.transaction() as slow:
        first = await raised(slow, tenant, "slow")
        second = await happen(database, tenant, 0)
        for wanted in (Wanted(), Wanted(tenant.company.id), Wanted(tenant.company.id, second)):
            assert (await walk(database, wanted, begin.cursor)).events == []
        assert await tail(database) == begin
        async with database.statement() as tx:
            assert await event_stream_store.tail(tx, tenant.company.id) <= begin
            assert await event_stream_store.news(tx, begin.cursor, limit=9) == []
    async with database.statement() as tx:
        news = await event_stream_store.news(tx, begin.cursor, limit=9)
    found = await walk(database, Wanted(), begin.cursor)
    assert [event.ticket_number for event in found.events] == [first, second]
    assert news == [(event.cursor, event.company_id) for event in found.events]


async def test_an_empty_log_has_its_beginning_as_its_end(empty: Database) -> None:
    assert await tail(empty) == BEGINNING
    assert await find(empty, Place(Cursor(7, 7), datetime.now(UTC))) == START
    assert await find(empty, BEGINNING) == START


async def test_a_place_is_found_where_it_was(database: Database, tenant: Tenant) -> None:
    await happen(database, tenant, 2)
    place = await tail(database)
    await happen(database, tenant, 2)
    assert await find(database, place) == place.cursor


async def told(database: Database, place: Place) -> list[int]:
    """The ids of what a reader is told that comes back with a place."""
    found = await walk(database, Wanted(), await find(database, place))
    return [event.cursor.id for event in found.events]


async def test_after_a_restore_a_reader_is_told_what_it_missed_and_of_the_rest_at_most_an_hour(empty: Database) -> None:
    tenant = await new_tenant(empty)
    long_ago = datetime.now(UTC) - timedelta(days=2)
    async with empty.transaction() as tx:
        for _ in range(50):
            fact = RecordChanged("user", "changed", "1", "One")
            await event_store.append(tx, OPERATOR, tenant.company.id, fact, now=long_ago)
        await tx.write("update event set at = $1", long_ago)
    old = await tail(empty)
    await happen(empty, tenant, 3, at=datetime.now(UTC))
    seen = await tail(empty)
    async with empty.transaction() as older:
        await older.fetchval("select pg_current_xact_id()")
        await happen(empty, tenant, 2)
        await raised(older, tenant)
    everything = await walk(empty, Wanted(), START)
    missed = [event.cursor.id for event in everything.events if event.cursor > seen.cursor]
    await move_ahead(empty)
    await migrate.migrate(empty, afterwards=event_store.rebase)
    await happen(empty, tenant, 2)
    later = (await told(empty, await tail(empty)), (await tail(empty)).cursor.id)
    assert later[0] == []
    ids = await told(empty, seen)
    assert set(ids) >= {*missed, later[1]}
    assert old.cursor.id not in ids, "what is older than the margin is not told again"
    assert len(ids) == len(set(ids))
    ahead = seen._replace(cursor=Cursor(seen.cursor.xid + 1_000_000_000, seen.cursor.id))
    assert await told(empty, ahead) == ids, "a place of the other server that is ahead of this one's counter"


async def test_after_a_restore_of_an_older_copy_new_events_are_told_though_they_have_the_numbers_of_lost_ones(
    empty: Database,
) -> None:
    tenant = await new_tenant(empty)
    await happen(empty, tenant, 3)
    now = await tail(empty)
    # Lost with the restore; the reader was told of it, and its numbers are given again.
    for lost in (
        now.cursor,
        Cursor(now.cursor.xid, now.cursor.id - 1),
        Cursor(now.cursor.xid + 50, now.cursor.id + 50),
    ):
        place = Place(lost, now.at - timedelta(minutes=1))
        assert now.cursor.id in await told(empty, place)
    assert await told(empty, Place(Cursor(2**60, 2**60), now.at + MARGIN * 2)) == [], "nothing happened since"
