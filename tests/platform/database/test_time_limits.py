"""A statement that nobody waits for any more ends in PostgreSQL too."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from clearline.platform.database import session as session_settings
from clearline.platform.database import transactions
from clearline.platform.database.errors import QUERY_CANCELED, DatabaseUnavailable
from clearline.platform.database.transactions import Database
from tests.builders.databases import session
from tests.patience import patient

SIZE = 3
RUNNING = """select count(*) from pg_stat_activity
              where datname = current_database() and state <> 'idle' and query like '%given up%'
                and pid <> pg_backend_pid()"""
BACKENDS = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"


@pytest.fixture
async def small(database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_url, size=SIZE)
    yield opened
    await opened.close()


async def until_none_runs(database_url: str) -> None:
    async with session(database_url) as beside, asyncio.timeout(patient(6)):
        while await beside.fetchval(RUNNING):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)


async def test_a_statement_whose_request_is_gone_is_cancelled(small: Database, database_url: str) -> None:
    async def wait() -> None:
        async with small.statement() as tx:
            await tx.fetchval('select pg_sleep(60) as "given up"')

    waiting = asyncio.create_task(wait())
    async with session(database_url) as beside, asyncio.timeout(patient(5)):
        while not await beside.fetchval(RUNNING):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
    await until_none_runs(database_url)


async def test_statements_that_time_out_at_a_lock_leave_no_backends_behind(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "STATEMENT_SECONDS", 0.3)
    small = await Database.open(database_url, size=SIZE)

    async def read() -> None:
        with contextlib.suppress(DatabaseUnavailable):
            async with small.statement() as tx:
                await tx.fetchval('select count(*) as "given up" from ticket')

    async with session(database_url) as beside, beside.transaction():
        before = await beside.fetchval(BACKENDS)
        await beside.execute("lock table ticket")
        for _ in range(3):
            await asyncio.gather(*(read() for _ in range(12)))
            assert await beside.fetchval(BACKENDS) - before <= SIZE
    await until_none_runs(database_url)
    await small.close()


async def test_postgresql_gives_up_before_we_do_and_the_connection_stays(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(session_settings.TIME_LIMITS, "statement_timeout", "200ms")
    small = await Database.open(database_url, size=1)
    async with small.statement() as tx:
        before = await tx.fetchval("select pg_backend_pid()")
    with pytest.raises(DatabaseUnavailable) as failed:
        async with small.statement() as tx:
            await tx.fetchval("select pg_sleep(60)")
    assert failed.value.sqlstate == QUERY_CANCELED
    with pytest.raises(DatabaseUnavailable):
        async with small.transaction() as tx:
            await tx.fetchval("select pg_sleep(60)")
    async with small.statement() as tx:
        assert await tx.fetchval("select pg_backend_pid()") == before
    await small.close()


def test_the_limit_of_postgresql_is_below_ours() -> None:
    limit = session_settings.TIME_LIMITS["statement_timeout"]
    assert int(limit.removesuffix("s")) < transactions.STATEMENT_SECONDS


async def test_a_migration_has_no_limit(small: Database) -> None:
    async with small.alone("a lock") as alone, alone.statement() as tx:
        assert await tx.fetchval("select current_setting('statement_timeout')") == "0"


async def test_a_statement_of_a_killed_client_ends(small: Database, database_url: str) -> None:
    connection = await small._pool.borrow()  # noqa: SLF001
    running = asyncio.create_task(connection.fetchval('select pg_sleep(60) as "given up"'))
    await asyncio.sleep(0.2)
    connection._transport.abort()  # noqa: SLF001 - as the kernel does for a killed process
    with contextlib.suppress(Exception):
        await running
    small._pool.give_back(connection, broken=True)  # noqa: SLF001
    await until_none_runs(database_url)
