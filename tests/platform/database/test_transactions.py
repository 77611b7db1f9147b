"""What a caller's block raises is passed on unchanged; only errors of the driver's calls are translated."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress

import pytest
from asyncpg import exceptions as pg

from clearline.platform.database.errors import DatabaseUnavailable, StatementFailed, UniqueViolation
from clearline.platform.database.transactions import Database, Tx
from tests.builders.databases import administer
from tests.patience import patient, stretched

INSERT = "insert into company values (gen_random_uuid(), $1, $2, now()) returning id"
PID = "select pg_backend_pid()"
ERRORS = [
    OSError("no such file"),
    FileNotFoundError(2, "No such file or directory"),
    ConnectionError("a web server closed the connection"),
    ConnectionResetError(104, "Connection reset by peer"),
    BrokenPipeError(32, "Broken pipe"),
    TimeoutError("a web server is slow"),
    asyncio.CancelledError(),
    KeyboardInterrupt(),
    SystemExit(3),
    GeneratorExit(),
    ExceptionGroup("several", [OSError("one"), ValueError("two")]),
    BaseExceptionGroup("several", [KeyboardInterrupt(), ValueError("two")]),
    pg.ConnectionDoesNotExistError("another server is unavailable"),
    pg.InterfaceError("another server is unavailable"),
    pg.UniqueViolationError("by hand"),
    DatabaseUnavailable("another database is unavailable"),
    StatementFailed(pg.DeadlockDetectedError("by hand")),
    ValueError("a fault"),
]
each_error = pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)


@pytest.fixture
async def single(database_url: str) -> AsyncIterator[Database]:
    """Yield a database with one connection: a connection that is not returned is missed at once."""
    opened = await Database.open(database_url, size=1)
    yield opened
    await opened.close()


async def backend(database: Database) -> int:
    async with asyncio.timeout(patient(5)), database.statement() as tx:
        return int(await tx.fetchval(PID))


async def is_stored(database: Database, code: str) -> bool:
    async with database.statement() as tx:
        return bool(await tx.fetchval("select exists (select from company where code = $1)", code))


async def forget(database: Database, code: str) -> None:
    async with database.statement() as tx:
        await tx.write("delete from company where code = $1", code)


async def run(block: AbstractAsyncContextManager[Tx], work: Callable[[Tx], Awaitable[object]]) -> None:
    async with block as tx:
        await work(tx)


def throwing(error: BaseException) -> Callable[[Tx], Awaitable[None]]:
    """Return work that reads, writes, and raises an error."""

    async def work(tx: Tx) -> None:
        await tx.fetchval("select 1")
        await tx.write(INSERT, "Rolled Back", "UNDONE")
        raise error

    return work


@each_error
async def test_what_the_block_of_a_statement_raises_passes_and_the_connection_is_used_again(
    single: Database, error: BaseException
) -> None:
    before = await backend(single)
    with pytest.raises(type(error)) as caught:
        await run(single.statement(), throwing(error))
    assert caught.value is error
    assert await backend(single) == before
    await forget(single, "UNDONE")


@each_error
async def test_what_the_block_of_a_transaction_raises_passes_after_a_rollback_and_the_connection_is_used_again(
    single: Database, error: BaseException
) -> None:
    before = await backend(single)
    with pytest.raises(type(error)) as caught:
        await run(single.transaction(), throwing(error))
    assert caught.value is error
    assert await backend(single) == before
    assert not await is_stored(single, "UNDONE")


@each_error
async def test_what_a_block_under_a_lock_raises_passes_and_the_lock_is_free_again(
    single: Database, error: BaseException
) -> None:
    async def work() -> None:
        async with single.alone("a lock") as session:
            await run(session.transaction(), throwing(error))

    with pytest.raises(type(error)) as caught:
        await work()
    assert caught.value is error
    async with asyncio.timeout(patient(5)), single.alone("a lock"):
        assert not await is_stored(single, "UNDONE")


@pytest.mark.parametrize("kind", ["statement", "transaction"])
async def test_a_task_cancelled_while_it_waits_for_something_else_returns_a_usable_connection(
    single: Database, kind: str
) -> None:
    before = await backend(single)

    async def wait() -> None:
        async with getattr(single, kind)() as tx:
            await tx.write(INSERT, "Cancelled", "CANCELLED")
            await asyncio.sleep(30)

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(stretched(0.05))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await backend(single) == before
    assert await is_stored(single, "CANCELLED") is (kind == "statement")
    await forget(single, "CANCELLED")


@pytest.mark.parametrize("kind", ["statement", "transaction"])
async def test_a_time_limit_of_the_caller_raises_a_timeout_and_discards_the_interrupted_connection(
    single: Database, kind: str
) -> None:
    before = await backend(single)
    with pytest.raises(TimeoutError):
        async with getattr(single, kind)() as tx, asyncio.timeout(stretched(0.05)):
            await tx.fetchval("select pg_sleep(30)")
    assert await backend(single) != before


@pytest.mark.parametrize("kind", ["statement", "transaction"])
async def test_an_async_generator_that_is_closed_early_returns_a_usable_connection(single: Database, kind: str) -> None:
    before = await backend(single)

    async def rows() -> AsyncIterator[int]:
        async with getattr(single, kind)() as tx:
            await tx.fetchval("select 1")
            yield 1
            yield 2

    generator = rows()
    assert await anext(generator) == 1
    await generator.aclose()  # type: ignore[attr-defined]
    assert await backend(single) == before


async def test_a_coroutine_that_is_closed_instead_of_finished_returns_a_usable_connection(single: Database) -> None:
    before = await backend(single)

    async def wait() -> None:
        async with single.transaction() as tx:
            await tx.write(INSERT, "Rolled Back", "CLOSED")
            await asyncio.sleep(0)
            await asyncio.Event().wait()

    coroutine = wait()
    task = asyncio.create_task(coroutine)
    await asyncio.sleep(stretched(0.1))
    coroutine.close()
    assert await backend(single) == before
    assert not await is_stored(single, "CLOSED")
    task.cancel()
    with suppress(asyncio.CancelledError, RuntimeError):
        await task


class Killer:
    """Work that terminates the backend of its own transaction, and then runs more statements."""

    def __init__(self, url: str, *then: str) -> None:
        self.url, self.then, self.backend = url, then, 0

    async def __call__(self, tx: Tx) -> None:
        self.backend = int(await tx.fetchval(PID))
        await tx.write(INSERT, "Rolled Back", "UNDONE")
        await administer(self.url, f"select pg_terminate_backend({self.backend}, 5000)")
        await asyncio.sleep(stretched(0.05))
        for statement in self.then:
            await tx.fetchval(statement)


@pytest.mark.parametrize("kind", ["statement", "transaction"])
async def test_a_broken_connection_is_reported_by_the_next_call_and_discarded(
    single: Database, database_url: str, kind: str
) -> None:
    work = Killer(database_url, "select 1")
    with pytest.raises(DatabaseUnavailable):
        await run(getattr(single, kind)(), work)
    assert await backend(single) != work.backend
    await forget(single, "UNDONE")


async def test_an_error_of_the_block_passes_though_the_connection_breaks_before_the_rollback(
    single: Database, database_url: str
) -> None:
    kill = Killer(database_url)

    async def work(tx: Tx) -> None:
        await kill(tx)
        raise FileNotFoundError(2, "No such file or directory")

    with pytest.raises(FileNotFoundError):
        await run(single.transaction(), work)
    assert await backend(single) != kill.backend


async def test_a_connection_that_breaks_before_the_commit_is_reported(single: Database, database_url: str) -> None:
    work = Killer(database_url)
    with pytest.raises(DatabaseUnavailable):
        await run(single.transaction(), work)
    assert await backend(single) != work.backend
    assert not await is_stored(single, "UNDONE")


async def test_a_transaction_whose_statement_failed_is_never_reported_as_committed(single: Database) -> None:
    before = await backend(single)

    async def work(tx: Tx) -> None:
        await tx.write(INSERT, "Rolled Back", "UNDONE")
        with suppress(StatementFailed):
            await tx.fetchval("select 1 / 0")

    with pytest.raises(StatementFailed, match="22012"):
        await run(single.transaction(), work)
    assert await backend(single) == before
    assert not await is_stored(single, "UNDONE")


async def test_a_transaction_whose_statement_was_interrupted_is_never_reported_as_committed(single: Database) -> None:
    async def work(tx: Tx) -> None:
        await tx.write(INSERT, "Interrupted", "INTERRUPTED")
        with suppress(TimeoutError):
            async with asyncio.timeout(stretched(0.05)):
                await tx.fetchval("select pg_sleep(30)")

    with pytest.raises(DatabaseUnavailable, match="interrupted"):
        await run(single.transaction(), work)
    assert not await is_stored(single, "INTERRUPTED")


async def test_a_commit_that_postgresql_refuses_is_reported_and_keeps_the_connection(single: Database) -> None:
    before = await backend(single)
    with pytest.raises(UniqueViolation, match="23505"):
        async with single.transaction() as tx:
            await tx.write_script(
                "create temporary table deferred (value int unique deferrable initially deferred) on commit drop; "
                "insert into deferred values (1), (1)"
            )
    assert await backend(single) == before


async def test_after_its_connection_broke_a_session_under_a_lock_begins_no_more_transactions(
    single: Database, database_url: str
) -> None:
    async with single.alone("a lock") as session:
        with pytest.raises(DatabaseUnavailable):
            await run(session.transaction(), Killer(database_url, "select 1"))
        with pytest.raises(DatabaseUnavailable):
            async with session.transaction():
                pytest.fail("the session no longer holds the lock")


async def test_a_listener_receives_notifications_and_the_end_of_its_connection(
    single: Database, database_url: str
) -> None:
    notified, lost = asyncio.Event(), asyncio.Event()
    listener = await single.listen({"a_channel": lambda _payload: notified.set()}, lost.set)
    await administer(database_url, "notify a_channel")
    async with asyncio.timeout(patient(5)):
        await notified.wait()
    await listener.close()
    async with asyncio.timeout(patient(5)):
        await lost.wait()
    await listener.close()


async def test_listeners_and_locks_need_a_reachable_database() -> None:
    unreachable = Database("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(DatabaseUnavailable):
        await unreachable.listen({"a_channel": lambda _payload: None}, lambda: None)
    with pytest.raises(DatabaseUnavailable):
        async with unreachable.alone("a lock"):
            pytest.fail("there is no connection")


CALLS: dict[str, Callable[[Tx], Awaitable[object]]] = {
    "fetch": lambda tx: tx.fetch("select 1"),
    "fetchrow": lambda tx: tx.fetchrow("select 1"),
    "fetchval": lambda tx: tx.fetchval("select 1"),
    "write": lambda tx: tx.write("update company set name = name where false"),
    "write_many": lambda tx: tx.write_many(INSERT, [("Company", "TERMINATED")]),
}


@pytest.mark.parametrize("kind", ["statement", "transaction"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_connection_that_is_terminated_inside_the_driver_is_an_unavailable_database(
    single: Database, kind: str, call: Callable[[Tx], Awaitable[object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A silent server is left while the driver is between two steps: it fails with an error about its attributes."""
    connection = await single._pool.borrow()  # noqa: SLF001
    single._pool.give_back(connection, broken=False)  # noqa: SLF001
    get_statement = type(connection)._get_statement  # noqa: SLF001

    async def get_and_terminate(self: object, *values: object, **options: object) -> object:
        statement = await get_statement(self, *values, **options)
        assert single._pool.terminate(None) == 1  # noqa: SLF001
        return statement

    async def use() -> None:
        async with getattr(single, kind)() as tx:
            monkeypatch.setattr(type(connection), "_get_statement", get_and_terminate)
            await call(tx)

    with pytest.raises(DatabaseUnavailable, match="terminated"):
        await use()
    monkeypatch.undo()
    assert await backend(single) > 0, "another connection is made"
