"""The pool and the transactions. The only place where asyncpg's own types and errors are known."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

import asyncpg
from asyncpg import exceptions as pg

from clearline.platform.database.pool import Pool

Record = Any
"""A row: values by position and by name."""

STATEMENT_SECONDS = 30
"""After this long a statement is given up."""

OLDEST_SERVER = 15
"""The oldest major version of PostgreSQL that the schema and the statements need."""

_GONE = (
    OSError,  # a refused or broken socket; a TimeoutError is one too
    pg.InterfaceError,
    pg.InternalClientError,
    pg.PostgresConnectionError,
    pg.InsufficientResourcesError,
    pg.AdminShutdownError,
    pg.CrashShutdownError,
    pg.CannotConnectNowError,
    pg.ReadOnlySQLTransactionError,
)


class DatabaseUnavailable(Exception):
    """The database cannot be reached, is starting, refuses writes, or has no room left.

    Nothing was committed, or it is not known whether the last commit was: nobody may report success.
    """


class DatabaseMisconfigured(Exception):
    """The address, the credentials or the version of the database is wrong; trying again will not help."""


class StatementFailed(Exception):
    """PostgreSQL refused a statement, which is a fault of ours.

    It stands in for the driver's own error, whose text may repeat what people wrote. ``sqlstate`` is PostgreSQL's code.
    """

    def __init__(self, error: BaseException) -> None:
        self.sqlstate: str | None = getattr(error, "sqlstate", None)
        constraint = getattr(error, "constraint_name", None)
        super().__init__(" ".join(filter(None, [type(error).__name__, self.sqlstate, constraint])))


def _is_gone(error: BaseException) -> bool:
    """Whether the database is away. asyncpg's wrong-argument errors share a base with its broken connections."""
    return isinstance(error, _GONE) and not isinstance(error, ValueError)


def _translate(error: BaseException) -> None:
    """Raise one of our own errors in the place of the driver's; other errors pass."""
    if _is_gone(error):
        raise DatabaseUnavailable(str(error) or type(error).__name__) from error
    if isinstance(error, (pg.PostgresError, pg.InterfaceError)):
        raise StatementFailed(error) from None


def _breaks(error: BaseException) -> bool:
    """Whether a connection is of no use after the error: it is gone, or was left in the middle of a statement."""
    return _is_gone(error) or isinstance(error, DatabaseUnavailable) or not isinstance(error, Exception)


async def _connect(url: str, *, seconds: float | None = STATEMENT_SECONDS) -> Any:
    settings = {"application_name": "clearline", "timezone": "UTC", "synchronous_commit": "on"}
    return await asyncpg.connect(url, command_timeout=seconds, server_settings=settings)


class Tx:
    """One connection inside a transaction. Statements bind ``$1``...; results are rows by position and name.

    ``fetch``, ``fetchrow`` and ``fetchval`` read. Whatever changes data goes through ``write`` (first row or None)
    or ``write_many``, so that a single-statement transaction can insist on being one.
    """

    __slots__ = ("_connection", "_writes_left", "fetch", "fetchrow", "fetchval")

    def __init__(self, connection: Any, writes_left: int | None = None) -> None:
        self._connection = connection
        self._writes_left = writes_left
        self.fetch: Callable[..., Awaitable[list[Record]]] = connection.fetch
        self.fetchrow: Callable[..., Awaitable[Record | None]] = connection.fetchrow
        self.fetchval: Callable[..., Awaitable[Any]] = connection.fetchval

    def write(self, statement: str, *values: object) -> Awaitable[Record | None]:
        """Run a statement that changes data; answers its first row, or None."""
        self._spend()
        row: Awaitable[Record | None] = self._connection.fetchrow(statement, *values)
        return row

    def write_many(self, statement: str, rows: list[tuple[object, ...]]) -> Awaitable[None]:
        """Run a statement once for each row of values, in one round trip."""
        self._spend()
        done: Awaitable[None] = self._connection.executemany(statement, rows)
        return done

    def _spend(self) -> None:
        if self._writes_left is None:
            return
        if self._writes_left == 0:
            raise RuntimeError("a second write in a single-statement transaction; use transaction()")
        self._writes_left -= 1


async def hurry(tx: Tx) -> None:
    """Have the rest of the transaction wait for a lock 2 s at most; then the statement fails with 55P03."""
    await tx.fetchval("set local lock_timeout = '2s'")


class _Statement:
    """See ``Database.statement``. A class, not a generator: every request passes here."""

    __slots__ = ("_connection", "_pool")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def __aenter__(self) -> Tx:
        try:
            self._connection = await self._pool.borrow()
        except Exception as error:
            _translate(error)
            raise
        return Tx(self._connection, writes_left=1)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.give_back(self._connection, broken=error is not None and _breaks(error))
        if error is not None:
            _translate(error)


class Database:
    """A pool of connections to one PostgreSQL. Nothing may leave session state behind: no connection is reset."""

    def __init__(self, pool: Pool, url: str) -> None:
        self._pool = pool
        self._url = url

    @classmethod
    async def open(cls, url: str, *, size: int = 10) -> Self:
        """Connect, with at most ``size`` connections at a time.

        Raises:
            DatabaseUnavailable: nobody answers, or not yet.
            DatabaseMisconfigured: the address, role, password or database is wrong, or the server is too old.
        """
        pool = Pool(lambda: _connect(url), size)
        try:
            pool.give_back(await pool.borrow(), broken=False)
        except (pg.PostgresError, ValueError, *_GONE) as error:
            if _is_gone(error):
                raise DatabaseUnavailable(str(error) or type(error).__name__) from error
            raise DatabaseMisconfigured(str(error)) from error
        database = cls(pool, url)
        async with database.statement() as tx:
            version = int(await tx.fetchval("select current_setting('server_version_num')::int"))
        if version // 10_000 < OLDEST_SERVER:
            await database.close()
            raise DatabaseMisconfigured(
                f"PostgreSQL {version // 10_000} is too old; Clearline needs {OLDEST_SERVER} or newer"
            )
        return database

    async def close(self) -> None:
        """Close every connection that is not borrowed; those that do not end within 5 seconds are cut."""
        await self._pool.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """A transaction that commits when the block ends and rolls back when it raises.

        Raises:
            DatabaseUnavailable: the database went away; an unfinished commit may or may not have happened.
        """
        try:
            connection = await self._pool.borrow()
        except Exception as error:
            _translate(error)
            raise
        broken = False
        try:
            async with connection.transaction():
                yield Tx(connection)
        except BaseException as error:
            broken = _breaks(error)
            _translate(error)
            raise
        finally:
            self._pool.give_back(connection, broken=broken)

    def statement(self) -> _Statement:
        """A transaction of one statement, without the round trips of BEGIN and COMMIT.

        For reads, and for a use case whose whole effect is one statement: that statement is its own transaction.
        A second ``write`` raises RuntimeError.

        Raises:
            DatabaseUnavailable: as for ``transaction``.
        """
        return _Statement(self._pool)

    @asynccontextmanager
    async def alone(self, lock: str) -> AsyncIterator[Any]:
        """A connection of its own that holds the advisory lock ``lock``; waits for whoever holds it.

        Raises:
            DatabaseUnavailable: the database went away.
        """
        try:
            connection = await _connect(self._url, seconds=None)
            try:
                await connection.execute("select pg_advisory_lock(hashtextextended($1, 0))", lock)
                yield connection
            finally:
                await connection.close(timeout=5)
        except Exception as error:
            _translate(error)
            raise

    async def listen(self, channel: str, heard: Callable[[], None], lost: Callable[[], None]) -> Any:
        """Call ``heard`` for each notification on ``channel``, on a connection of its own.

        ``lost`` is called once when that connection ends, however it ends. Answers an object with ``close()``.

        Raises:
            DatabaseUnavailable: the connection cannot be made.
        """
        try:
            connection = await asyncpg.connect(self._url)
            await connection.add_listener(channel, lambda *_: heard())
            connection.add_termination_listener(lambda _connection: lost())
        except (pg.PostgresError, *_GONE) as error:
            raise DatabaseUnavailable(str(error)) from error
        return connection
