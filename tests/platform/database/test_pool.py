import asyncio
from collections.abc import AsyncIterator

import pytest

from clearline.platform.database import pool as pools
from clearline.platform.database import transactions
from clearline.platform.database.errors import DatabaseMisconfigured, DatabaseUnavailable, StatementFailed
from clearline.platform.database.transactions import Database
from tests.builders.databases import Undone, administer, undo
from tests.patience import patient, stretched

SIZE = 3
BACKENDS = """select count(*) from pg_stat_activity
               where datname = current_database() and application_name = 'clearline'"""
INSERT = "insert into company values (gen_random_uuid(), $1, $2, now()) returning id"


@pytest.fixture
async def small(database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_url, size=SIZE)
    yield opened
    await opened.close()


async def assert_whole(database: Database) -> None:
    """Assert that every connection can be borrowed at once: none was lost."""
    together = asyncio.Barrier(SIZE)

    async def hold() -> int:
        async with asyncio.timeout(patient(5)), database.transaction() as tx:
            await together.wait()
            return int(await tx.fetchval("select pg_backend_pid()"))

    assert len(set(await asyncio.gather(*(hold() for _ in range(SIZE))))) == SIZE


async def test_many_borrowers_share_no_more_connections_than_the_size(small: Database) -> None:
    most = 0

    async def use() -> int:
        nonlocal most
        async with small.statement() as tx:
            most = max(most, await tx.fetchval(BACKENDS))
            return int(await tx.fetchval("select pg_backend_pid()"))

    backends = await asyncio.gather(*(use() for _ in range(100)))
    assert len(backends) == 100
    assert len(set(backends)) <= SIZE
    assert most <= SIZE
    await assert_whole(small)


async def test_waiters_get_their_turns_in_order(small: Database) -> None:
    served: list[int] = []
    pool = small._pool  # noqa: SLF001 - a turn is when a connection is lent, and not when PostgreSQL first answers there
    await assert_whole(small)

    async def use(turn: int) -> None:
        connection = await pool.borrow()
        served.append(turn)
        await connection.fetchval("select pg_sleep(0.002)")
        pool.give_back(connection, broken=False)

    async with asyncio.TaskGroup() as group:
        for turn in range(20):
            group.create_task(use(turn))
    assert sorted(served) == list(range(20))
    assert all(abs(place - turn) <= SIZE for place, turn in enumerate(served))


async def test_a_borrower_cancelled_in_the_middle_of_a_statement_loses_no_connection(small: Database) -> None:
    async def sleep() -> None:
        async with small.statement() as tx:
            await tx.fetchval("select pg_sleep(30)")

    sleepers = [asyncio.create_task(sleep()) for _ in range(SIZE)]
    await asyncio.sleep(0.2)
    for sleeper in sleepers:
        sleeper.cancel()
    outcomes = await asyncio.gather(*sleepers, return_exceptions=True)
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
    await assert_whole(small)


async def test_a_waiter_cancelled_at_any_moment_leaves_the_turns_of_others(small: Database) -> None:
    async def use() -> None:
        async with small.transaction() as tx:
            await tx.fetchval("select 1")

    users = [asyncio.create_task(use()) for _ in range(60)]
    for number, user in enumerate(users):
        if number % 2:
            await asyncio.sleep(0.0005)
            user.cancel()
    async with asyncio.timeout(patient(10)):
        outcomes = await asyncio.gather(*users, return_exceptions=True)
    assert [outcome for number, outcome in enumerate(outcomes) if number % 2 == 0] == [None] * 30
    await assert_whole(small)


async def test_a_killed_idle_connection_is_replaced(small: Database, database_url: str) -> None:
    async with small.statement() as tx:
        backend = int(await tx.fetchval("select pg_backend_pid()"))
    await administer(database_url, f"select pg_terminate_backend({backend}, 5000)")
    await asyncio.sleep(stretched(0.1))
    async with small.statement() as tx:
        assert await tx.fetchval("select pg_backend_pid()") != backend
    await assert_whole(small)


async def test_a_connection_killed_in_a_transaction_is_reported_and_replaced(
    small: Database, database_url: str
) -> None:
    async def be_killed() -> None:
        async with small.transaction() as tx:
            backend = int(await tx.fetchval("select pg_backend_pid()"))
            await tx.write(INSERT, "Never Stored", "NEVER")
            await administer(database_url, f"select pg_terminate_backend({backend}, 5000)")
            await tx.fetchval("select 1")

    with pytest.raises(DatabaseUnavailable):
        await be_killed()
    async with small.statement() as tx:
        assert await tx.fetchval("select count(*) from company where code = 'NEVER'") == 0
    await assert_whole(small)


async def test_a_single_statement_transaction_refuses_a_second_write(small: Database) -> None:
    async with small.statement() as tx:
        await tx.write(INSERT, "Once", "ONCE")
        with pytest.raises(RuntimeError, match="second write"):
            await tx.write(INSERT, "Twice", "TWICE")
        with pytest.raises(RuntimeError, match="second write"):
            await tx.write_many(INSERT, [("Thrice", "THRICE")])
    async with small.statement() as tx:
        rows = await tx.fetch("select code from company where code in ('ONCE', 'TWICE', 'THRICE')")
    assert [row[0] for row in rows] == ["ONCE"]


async def test_a_statement_that_takes_too_long_means_the_database_is_unavailable(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "STATEMENT_SECONDS", 0.2)
    small = await Database.open(database_url, size=SIZE)
    with pytest.raises(DatabaseUnavailable):
        async with small.statement() as tx:
            await tx.fetchval("select pg_sleep(30)")
    await assert_whole(small)
    await small.close()


async def test_no_free_connection_in_time_means_the_database_is_unavailable(
    small: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "WAIT_SECONDS", 0.05)
    async with small.transaction(), small.transaction(), small.transaction():
        with pytest.raises(DatabaseUnavailable):
            async with small.statement():
                pytest.fail("a fourth connection was lent")
        with pytest.raises(DatabaseUnavailable):
            async with small.transaction():
                pytest.fail("a fourth connection was lent")
    await assert_whole(small)


@pytest.mark.parametrize("single", [True, False])
async def test_a_refused_statement_does_not_repeat_what_people_wrote(small: Database, *, single: bool) -> None:
    secret = "the customer's words"
    with pytest.raises(StatementFailed) as failed:
        async with small.statement() if single else small.transaction() as tx:
            await tx.write(INSERT, "Long Code", secret * 10)
    assert "company_code_check" in str(failed.value)
    assert secret not in repr(failed.value)
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__
    await assert_whole(small)


async def test_a_wrong_argument_is_a_failed_statement_and_not_an_unavailable_database(small: Database) -> None:
    with pytest.raises(StatementFailed):
        async with small.statement() as tx:
            await tx.fetchval("select $1::integer", "no number")
    await assert_whole(small)


async def test_an_error_in_the_block_rolls_back_and_passes_unchanged(small: Database) -> None:
    async def fail() -> None:
        async with small.transaction() as tx:
            await tx.write(INSERT, "Rolled Back", "ROLLED")
            undo()

    with pytest.raises(Undone):
        await fail()
    async with small.statement() as tx:
        assert await tx.fetchval("select count(*) from company where code = 'ROLLED'") == 0


async def test_an_address_without_a_server_means_unavailable() -> None:
    with pytest.raises(DatabaseUnavailable):
        await Database.open("postgresql://nobody@127.0.0.1:1/nothing")


async def test_a_database_that_does_not_exist_means_misconfigured(database_url: str) -> None:
    with pytest.raises(DatabaseMisconfigured, match="does not exist"):
        await Database.open(database_url.replace("test_", "missing_"))
