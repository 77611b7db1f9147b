"""A forgotten transaction of this database is named, since readers of events wait for it; of others they do not."""

import asyncio
import json
import random
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from clearline.clock import monotonic
from clearline.event_stream import store as event_stream_store
from clearline.event_stream.store import RECOVERY_MARGIN, EventCursor, EventFilter
from clearline.events import store as event_store
from clearline.events.store import Offset
from clearline.platform.database import horizon, migrate
from clearline.platform.database.horizon import HorizonMonitor, oldest_transaction
from clearline.platform.database.session import TIME_LIMITS
from clearline.platform.database.transactions import Database
from clearline.platform.postgres import embedded as embedded_postgres
from clearline.settings.settings import Settings
from tests.builders.application import run_command, serving
from tests.builders.databases import administer, administer_server, reachable_dir
from tests.builders.people import new_tenant
from tests.builders.tickets import raised
from tests.patience import patient


@pytest.fixture(scope="module")
def own_server() -> Iterator[str]:
    """A PostgreSQL of its own, where transactions can be prepared: an open one stops every other database."""
    folder = reachable_dir("clearline-horizon-")
    server = embedded_postgres.start(folder / "data")
    asyncio.run(administer_server(server.url, "alter system set max_prepared_transactions = 2"))
    asyncio.run(administer_server(server.url, "create database other"))
    server.stop()
    server = embedded_postgres.start(folder / "data")
    yield server.url
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
async def own_database(own_server: str) -> AsyncIterator[Database]:
    database = await Database.open(own_server)
    await migrate.migrate(database, afterwards=event_store.renumber)
    yield database
    await database.close()


def elsewhere(url: str) -> str:
    """Return the address of another database of the same server, as another role."""
    return url.replace("clearline@/clearline", "postgres@/other")


@asynccontextmanager
async def forgotten(url: str) -> AsyncIterator[Any]:
    """Open a transaction as another role, and leave it open."""
    connection = await asyncpg.connect(url.replace("clearline@", "postgres@"))
    try:
        await connection.execute("begin; select pg_current_xact_id()")
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def forgotten_elsewhere(url: str, kind: str) -> AsyncIterator[None]:
    """Leave a transaction open, or prepared, in another database."""
    if kind == "open":
        async with forgotten(elsewhere(url)):
            yield
        return
    await administer(elsewhere(url), "begin; select pg_current_xact_id(); prepare transaction 'elsewhere'")
    try:
        yield
    finally:
        await administer(elsewhere(url), "rollback prepared 'elsewhere'")


async def test_a_transaction_of_another_role_is_named(own_server: str, own_database: Database) -> None:
    async with own_database.statement() as tx:
        assert await oldest_transaction(tx) is None
    async with forgotten(own_server) as connection, own_database.statement() as tx:
        oldest = await oldest_transaction(tx)
        assert oldest is not None
        assert (oldest.pid, oldest.gid) == (connection.get_server_pid(), None)
        assert (oldest.database, oldest.user) == ("clearline", "postgres")
        assert f"select pg_terminate_backend({oldest.pid})" in oldest.text(7)


async def test_a_prepared_transaction_is_named(own_server: str, own_database: Database) -> None:
    await administer(own_server, "begin; select pg_current_xact_id(); prepare transaction 'left by a manager'")
    async with own_database.statement() as tx:
        oldest = await oldest_transaction(tx)
    await administer(own_server, "rollback prepared 'left by a manager'")
    assert oldest is not None
    assert (oldest.pid, oldest.gid, oldest.database, oldest.user) == (
        None, "left by a manager", "clearline", "clearline",
    )  # fmt: skip
    assert oldest.seconds is not None
    assert "rollback prepared 'left by a manager'" in oldest.text(7)


async def test_the_monitor_names_it_as_long_as_it_lasts(
    own_server: str, own_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(horizon, "PATIENCE_SECONDS", 0.2)
    monitor = HorizonMonitor(own_database)
    async with forgotten(own_server):
        assert (await monitor.check(), monitor.blocker) == (0, None)
        await asyncio.sleep(0.3)
        assert await monitor.check() == 1
        assert monitor.blocker is not None
        assert "database clearline, user postgres" in monitor.blocker
    async with asyncio.timeout(patient(5)):
        while await monitor.check():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)
    assert monitor.blocker is None


@pytest.mark.usefixtures("own_database")
async def test_readyz_and_doctor_name_it_within_ten_seconds(own_server: str) -> None:
    settings = Settings(database_url=own_server, access_log=False)
    async with serving(settings) as client, forgotten(own_server) as connection:
        detail = ""
        async with asyncio.timeout(patient(10)):
            while not detail:
                answer = await client.get("/readyz")
                assert (answer.status_code, answer.json()["status"]) == (200, "ready")
                detail = answer.json().get("detail", "")
                await asyncio.sleep(0.2)
        assert detail.startswith(
            f"the transaction of process {connection.get_server_pid()} (database clearline, user postgres"
        )
    async with forgotten(own_server) as connection:
        report = await asyncio.to_thread(run_command, own_server, "doctor", "--json")
        assert report.exit_code == 3
        failed = {check["name"]: check["detail"] for check in json.loads(report.stdout)["checks"] if not check["ok"]}
        assert f"process {connection.get_server_pid()} (database clearline, user postgres" in failed["transactions"]


async def test_an_idle_transaction_of_ours_ends_by_itself(own_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert TIME_LIMITS["idle_in_transaction_session_timeout"] == "60s"
    monkeypatch.setitem(TIME_LIMITS, "idle_in_transaction_session_timeout", "200ms")
    database = await Database.open(own_server, size=1)
    connection = await database._pool.borrow()  # noqa: SLF001 - a process that hangs in a transaction
    await connection.execute("begin; select pg_current_xact_id()")
    async with asyncio.timeout(patient(5)):
        while not connection.is_closed():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)
    database._pool.give_back(connection, broken=True)  # noqa: SLF001
    async with database.statement() as tx:
        assert await oldest_transaction(tx) is None
    await database.close()


@pytest.mark.parametrize("kind", ["open", "prepared"])
async def test_readers_of_events_do_not_wait_for_transactions_of_other_databases(
    own_server: str, own_database: Database, kind: str
) -> None:
    tenant = await new_tenant(own_database)
    async with own_database.statement() as tx:
        begin = await event_stream_store.latest_cursor(tx)
    async with forgotten_elsewhere(own_server, kind):
        async with own_database.statement() as tx:
            assert await oldest_transaction(tx) is None, "although it has the next number"
        async with own_database.transaction() as tx:
            number = await raised(tx, tenant)
        async with own_database.statement() as tx:
            assert [event.ticket_number for event in await event_store.read(tx, begin.offset, limit=9)] == [number]
            last = await event_store.last_readable(tx)
            assert last > begin.offset
            for filtered in (EventFilter(), EventFilter(tenant.company.id), EventFilter(tenant.company.id, number)):
                batch = await event_stream_store.read(tx, filtered, begin.offset, limit=9)
                assert [event.offset for event in batch.events] == [last]
            assert [offset for offset, _company in await event_stream_store.new_offsets(tx, begin.offset, limit=9)] == [
                last
            ]
            latest = await event_stream_store.latest_cursor(tx)
            assert latest.offset == last
            lost = EventCursor(Offset(2**40, 1), datetime.now(UTC) + 2 * RECOVERY_MARGIN)
            assert await event_stream_store.recover_offset(tx, lost) == last
            assert await oldest_transaction(tx) is None
        monitor = HorizonMonitor(own_database)
        assert (await monitor.check(), monitor.blocker) == (0, None)


@pytest.mark.parametrize("kind", ["open", "prepared"])
async def test_readers_wait_for_a_transaction_of_this_database_behind_one_of_another(
    own_server: str, own_database: Database, kind: str
) -> None:
    tenant = await new_tenant(own_database)
    async with own_database.statement() as tx:
        begin = await event_store.last_readable(tx)
    async with forgotten_elsewhere(own_server, kind), own_database.transaction() as slow:
        await slow.write_script("savepoint inner_one")  # its number is not in a snapshot, that of the whole one is
        first = await raised(slow, tenant)
        async with own_database.transaction() as quick:
            second = await raised(quick, tenant)
            assert await event_store.read(quick, begin, limit=9) == [], "not its own either"
        async with own_database.statement() as tx:
            assert await event_store.read(tx, begin, limit=9) == []
            oldest = await oldest_transaction(tx)
            assert oldest is not None
            assert oldest.database == "clearline"
    async with own_database.statement() as tx:
        events = await event_store.read(tx, begin, limit=9)
    assert [event.ticket_number for event in events] == [first, second]


async def test_a_reader_misses_no_event_among_many_transactions_of_two_databases(
    own_server: str, own_database: Database
) -> None:
    tenant = await new_tenant(own_database)
    chance, until = random.Random(7), monotonic() + 1.5
    await administer(elsewhere(own_server), "create table load (n integer)")
    async with own_database.statement() as tx:
        offset = await event_store.last_readable(tx)

    async def load_elsewhere() -> None:
        connection = await asyncpg.connect(elsewhere(own_server))
        while monotonic() < until:
            await connection.execute("begin; insert into load values (1)")
            await asyncio.sleep(chance.random() * 0.02)
            await connection.execute(chance.choice(["commit", "rollback"]))
            if chance.random() < 0.2:  # the next one may have this one's place in the list of processes
                await connection.close()
                connection = await asyncpg.connect(elsewhere(own_server))
        await connection.close()

    async def write() -> list[int]:
        numbers = []
        while monotonic() < until:
            async with own_database.transaction() as tx:
                await tx.fetchval("select pg_current_xact_id()")
                await asyncio.sleep(chance.random() * 0.01)
                numbers.append(await raised(tx, tenant))
        return numbers

    load = [asyncio.create_task(load_elsewhere()) for _ in range(3)]
    writers = [asyncio.create_task(write()) for _ in range(4)]
    numbers_read: list[int | None] = []
    while True:
        have_ended = all(writer.done() for writer in writers)
        async with own_database.statement() as tx:
            events = await event_store.read(tx, offset, limit=20)
        assert all(event.offset > offset for event in events)
        numbers_read += [event.ticket_number for event in events]
        offset = events[-1].offset if events else offset
        if have_ended and not events:
            break
    numbers_written = [number for numbers in await asyncio.gather(*writers) for number in numbers]
    await asyncio.gather(*load)
    assert sorted(filter(None, numbers_read)) == sorted(numbers_written)
    assert len(numbers_read) == len(numbers_written)
