"""Transactions, and the database that makes them. Nothing outside this folder knows asyncpg."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Hashable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from clearline.platform.database.connection import Connector
from clearline.platform.database.errors import QUERY_CANCELED, DatabaseUnavailable, StatementFailed, call, translate
from clearline.platform.database.memory import Memory
from clearline.platform.database.pool import Pool, close_or_cut
from clearline.platform.database.pooler import refuse_transaction_pooling
from clearline.platform.database.shares import Shares

T = TypeVar("T")

Record = Any
"""A row: values by position and by name."""

STATEMENT_SECONDS = 30
"""After so many seconds a statement is cancelled."""

SILENT_SECONDS = 3
"""A statement that runs for longer may be on a server that does not answer any more."""

_EMPTY = Memory()
"""Keeps nothing."""


class Tx:
    """One connection inside a transaction. Statements bind ``$1``...; results are rows by position and name.

    ``fetch``, ``fetchrow`` and ``fetchval`` read. Whatever changes data goes through ``write`` (first row or None)
    or ``write_many``, so that a single-statement transaction can insist on being one.

    Only these calls translate the driver's errors: what else a caller's block raises stays what it is. ``failure`` is
    the last error of a call; ``is_broken`` says that the connection cannot be used any more: it is closed, or a call
    was interrupted. ``constants`` are values that a use case read and that never change, so that others do not read
    them again. ``memory`` has those that the process keeps; a use case that changes what they are read from sets
    ``changes_memory``.
    """

    __slots__ = ("_connection", "_writes_left", "changes_memory", "constants", "failure", "is_broken", "memory")

    def __init__(self, connection: Any, writes_left: int | None = None, memory: Memory = _EMPTY) -> None:
        self._connection = connection
        self._writes_left = writes_left
        self.memory, self.changes_memory = memory, False
        self.constants: dict[Hashable, Any] = {}
        self.failure: Exception | None = None
        self.is_broken = False

    async def fetch(self, statement: str, *values: object) -> list[Record]:
        """Read rows."""
        try:
            rows: list[Record] = await self._connection.fetch(statement, *values)
        except BaseException as error:
            self._fail(error)
            raise
        return rows

    async def fetchrow(self, statement: str, *values: object) -> Record | None:
        """Read the first row, or None."""
        try:
            return await self._connection.fetchrow(statement, *values)
        except BaseException as error:
            self._fail(error)
            raise

    async def fetchval(self, statement: str, *values: object) -> Any:
        """Read the first value of the first row, or None."""
        try:
            return await self._connection.fetchval(statement, *values)
        except BaseException as error:
            self._fail(error)
            raise

    def write(self, statement: str, *values: object) -> Awaitable[Record | None]:
        """Run a statement that changes data; return its first row, or None."""
        self._spend()
        return self.fetchrow(statement, *values)

    async def write_many(self, statement: str, rows: list[tuple[object, ...]]) -> None:
        """Run a statement once for each row of values, in one round trip."""
        self._spend()
        await self.call(self._connection.executemany, statement, rows)

    async def write_script(self, statements: str) -> None:
        """Run statements without values, one after another."""
        self._spend()
        await self.call(self._connection.execute, statements)

    async def call(self, method: Callable[..., Awaitable[object]], *values: object) -> None:
        """Call another of the driver's methods."""
        try:
            await method(*values)
        except BaseException as error:
            self._fail(error)
            raise

    def _spend(self) -> None:
        if self._writes_left is None:
            return
        if self._writes_left == 0:
            raise RuntimeError("a second write in a single-statement transaction; use transaction()")
        self._writes_left -= 1

    def _fail(self, error: BaseException) -> None:
        """Store how a call of the driver failed, and raise our own error in the place of the driver's."""
        if not isinstance(error, Exception):
            self.is_broken, self.failure = True, DatabaseUnavailable("a statement was interrupted")
            return
        try:
            self._translate(error)
        except (DatabaseUnavailable, StatementFailed) as ours:
            is_lost = isinstance(ours, DatabaseUnavailable) and ours.sqlstate != QUERY_CANCELED
            self.is_broken, self.failure = self.is_broken or is_lost, ours
            raise

    def _translate(self, error: Exception) -> None:
        translate(error)
        if self._connection.is_closed():  # terminated during the call, where the driver fails with any error
            raise DatabaseUnavailable("the connection was terminated") from error


async def set_lock_timeout(tx: Tx, milliseconds: int = 2000) -> None:
    """Let the rest of the transaction wait so long for a lock at most; then the statement fails with 55P03."""
    await tx.fetchval("select set_config('lock_timeout', $1, true)", f"{milliseconds}ms")


async def set_statement_timeout(tx: Tx, seconds: int) -> None:
    """Let each statement of the rest of the transaction take so long at most; then it fails with 57014."""
    await tx.fetchval("select set_config('statement_timeout', $1, true)", f"{seconds}s")


class _Lender(Protocol):
    """What lends connections: the pool, or a single connection."""

    def borrow(self) -> Coroutine[Any, Any, Any]: ...

    def give_back(self, connection: Any, *, broken: bool) -> None: ...


class _Single:
    """A single connection, which is lent again and again until it breaks."""

    def __init__(self, connection: Any) -> None:
        self._connection, self._is_broken = connection, False

    async def borrow(self) -> Any:
        if self._is_broken:
            raise DatabaseUnavailable("the connection is broken")
        return self._connection

    def give_back(self, connection: Any, *, broken: bool) -> None:  # noqa: ARG002 - there is only one
        self._is_broken = self._is_broken or broken


class _Statement:
    """See ``Transactions.statement``. A class, not a generator: every request passes here."""

    __slots__ = ("_connection", "_lender", "_memory", "_tx")

    def __init__(self, lender: _Lender, memory: Memory) -> None:
        self._lender, self._memory = lender, memory

    async def __aenter__(self) -> Tx:
        try:
            self._connection = await self._lender.borrow()
        except Exception as error:
            translate(error)
            raise
        self._tx = Tx(self._connection, 1, self._memory)
        return self._tx

    async def __aexit__(self, *_raised: object) -> None:
        self._lender.give_back(self._connection, broken=self._tx.is_broken)


class _Transaction:
    """See ``Transactions.transaction``."""

    __slots__ = ("_connection", "_lender", "_memory", "_transaction", "_tx")

    def __init__(self, lender: _Lender, memory: Memory) -> None:
        self._lender, self._memory = lender, memory

    async def __aenter__(self) -> Tx:
        self._connection = await call(self._lender.borrow())
        self._tx = Tx(self._connection, None, self._memory)
        try:
            await self._tx.call(self._begin)
        except BaseException:
            self._lender.give_back(self._connection, broken=True)
            raise
        return self._tx

    async def _begin(self) -> None:
        self._transaction = self._connection.transaction()
        await self._transaction.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, GeneratorExit):  # a closed coroutine must not await: the rollback is a task of its own
            task = asyncio.get_running_loop().create_task(self._roll_back())
            _ROLLBACKS.add(task)
            task.add_done_callback(_ROLLBACKS.discard)
        elif error is not None:
            await self._roll_back()
        elif self._tx.failure is not None:  # PostgreSQL would answer COMMIT with a rollback, and without an error
            await self._roll_back()
            raise self._tx.failure
        else:
            await self._end(self._transaction.commit)
            if self._tx.changes_memory:  # the notification of the change comes a little later
                self._memory.forget()

    async def _roll_back(self) -> None:
        with suppress(DatabaseUnavailable, StatementFailed):  # then the connection is terminated, which also rolls back
            await self._end(self._transaction.rollback)

    async def _end(self, end: Callable[[], Awaitable[object]]) -> None:
        try:
            if not self._tx.is_broken:
                await self._tx.call(end)
        finally:
            self._lender.give_back(self._connection, broken=self._tx.is_broken)


_ROLLBACKS: set[asyncio.Task[None]] = set()
"""Rollbacks in tasks of their own."""


class Transactions:
    """Makes transactions on connections that a lender has. ``memory`` is what they read without a statement."""

    def __init__(self, lender: _Lender, memory: Memory) -> None:
        self._lender = lender
        self.memory = memory

    def transaction(self) -> AbstractAsyncContextManager[Tx]:
        """Return a transaction that commits when the block ends and rolls back when it raises.

        What the block raises passes unchanged. A block that ends although one of its statements failed raises that
        failure again: it cannot be committed.

        Raises:
            DatabaseUnavailable: the connection broke; an unfinished commit may or may not have happened.
            StatementFailed: PostgreSQL refused a statement or the commit.
        """
        return _Transaction(self._lender, self.memory)

    def statement(self) -> AbstractAsyncContextManager[Tx]:
        """Return a transaction of one statement, without the round trips of BEGIN and COMMIT.

        For reads, and for a use case whose whole effect is one statement: that statement is its own transaction.
        A second ``write`` raises RuntimeError.

        Raises:
            DatabaseUnavailable, StatementFailed: as for ``transaction``.
        """
        return _Statement(self._lender, self.memory)

    async def remembered(self, name: str, read: Callable[[Tx], Awaitable[T]]) -> T:
        """Return what ``Memory.get`` does, where there is no transaction; without a connection, if it is known."""
        known: T | None = self.memory.peek(name)
        if known is not None:
            return known
        async with self.statement() as tx:
            return await self.memory.get(tx, name, read)


class Database(Transactions):
    """A pool of connections to one PostgreSQL. Nothing may leave session state behind: no connection is reset."""

    def __init__(self, url: str, *, size: int = 10) -> None:
        """Prepare at most ``size`` connections at a time. Before ``connect`` every transaction is refused."""
        self._pool = Pool(self._new_connection, size)
        super().__init__(self._pool, Memory())
        self.shares = Shares(self._pool, size)
        self._connector = Connector(url)
        self.is_open = False
        self._silences = 0

    @classmethod
    async def open(cls, url: str, *, size: int = 10) -> Self:
        """Return a database that is connected.

        Raises:
            DatabaseUnavailable, DatabaseMisconfigured: as for ``connect``.
        """
        database = cls(url, size=size)
        await database.connect()
        return database

    async def connect(self) -> None:
        """Connect; from then on there are transactions.

        Raises:
            DatabaseUnavailable: there is no answer, or the database is starting.
            DatabaseMisconfigured: the address, role, password or database is wrong, the server is too old, or a pooler
                in between uses transaction pooling.
        """
        self.is_open = True
        try:
            connection = await call(self._pool.borrow())
            try:
                await call(refuse_transaction_pooling(connection, lambda: self._connector.log_in(STATEMENT_SECONDS)))
            except BaseException:
                self._pool.give_back(connection, broken=True)
                raise
            self._pool.give_back(connection, broken=False)
        except BaseException:
            self.is_open = False
            raise

    def share(self, owner: Hashable) -> Transactions:
        """Return the same database with a limited number of connections, which all uses with this owner share."""
        return Transactions(self.shares.of(owner), self.memory)

    async def _new_connection(self) -> Any:
        if not self.is_open:
            raise DatabaseUnavailable("the database is not connected yet")
        return await self._connector.connect(seconds=STATEMENT_SECONDS)

    async def leave_silent_server(self) -> int:
        """Terminate the connections to a server that has stopped to answer; return how many.

        A frozen machine refuses nothing, and each statement on it would wait for its whole time. So when one runs for
        longer than usual a new connection is tried: when another server answers as the primary, or none answers
        twice in a row, the old connections are of no use.
        """
        if self._pool.longest_loan() < SILENT_SECONDS:
            self._silences = 0
            return 0
        try:
            instance = await self._connector.instance()
        except DatabaseUnavailable as error:
            self._silences = 0 if error.sqlstate is not None else self._silences + 1
            return self._pool.terminate(None) if self._silences > 1 else 0
        self._silences = 0
        return self._pool.terminate(instance) if instance is not None else 0

    async def close(self) -> None:
        """Close every connection that is not borrowed; those that do not close within 5 seconds are terminated."""
        await self._pool.close()

    @asynccontextmanager
    async def alone(self, lock: str) -> AsyncIterator[Transactions]:
        """Transactions on a connection of their own that has the advisory lock ``lock``; wait for it.

        Statements have no time limit. The lock lasts until the block ends or the connection breaks; after
        that every transaction raises DatabaseUnavailable.

        Raises:
            DatabaseUnavailable: the connection fails.
        """
        connection = await self._connector.connect(seconds=None)
        try:
            session = Transactions(_Single(connection), Memory())
            async with session.statement() as tx:
                await tx.fetchval("select pg_advisory_lock(hashtextextended($1, 0))", lock)
            yield session
        finally:
            await close_or_cut(connection)

    async def listen(self, channels: Mapping[str, Callable[[str], None]], on_lost: Callable[[], None]) -> "Listener":
        """Call what stands at a channel with the payload of each of its notifications, on a connection of its own.

        ``on_lost`` is called once when that connection ends, however it ends.

        Raises:
            DatabaseUnavailable: the connection fails.
        """
        connection = await self._connector.connect(seconds=None)
        try:
            for channel, on_notify in channels.items():
                await call(connection.add_listener(channel, _payload_to(on_notify)))
        except BaseException:
            connection.terminate()
            raise
        connection.add_termination_listener(lambda _connection: on_lost())
        return Listener(connection)


def _payload_to(on_notify: Callable[[str], None]) -> Callable[..., None]:
    return lambda _connection, _pid, _channel, payload: on_notify(payload)


class Listener:
    """A connection that listens: see ``Database.listen``."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def close(self) -> None:
        """Listen no more."""
        await close_or_cut(self._connection)
