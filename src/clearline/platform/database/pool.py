"""A connection pool with very little overhead.

asyncpg's own pool wraps each connection in a proxy and returns it in a task of its own, which is a fifth of what
reading a ticket costs (docs/adr/0002-one-statement-and-our-own-pool.md). This one lends the connections themselves.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from clearline.clock import monotonic

WAIT_SECONDS = 10
"""How long to wait for a connection when all are borrowed."""


async def close_or_cut(connection: Any) -> None:
    """Close a connection; terminate one that is broken or does not close within 5 seconds."""
    with suppress(Exception):  # then the driver terminates it
        await connection.close(timeout=5)


class Pool:
    """Lends at most ``size`` connections; the one returned last is lent first, so that few stay warm."""

    def __init__(self, connect: Callable[[], Awaitable[Any]], size: int) -> None:
        self._connect = connect
        self._size = size
        self._open = 0
        self._idle: list[Any] = []
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._lent: dict[Any, float] = {}
        self._discarding: set[asyncio.Task[None]] = set()

    @property
    def size(self) -> int:
        """The most connections."""
        return self._size

    @property
    def in_use(self) -> int:
        """How many connections are lent."""
        return len(self._lent)

    @property
    def waiting(self) -> int:
        """How many wait for a connection."""
        return sum(not waiter.done() for waiter in self._waiters)

    async def borrow(self) -> Any:
        """Return a connection: an idle one, or a new one when the size allows it.

        Raises:
            TimeoutError: all are borrowed, and none came back within 10 seconds.
        """
        while True:
            if (connection := self.take()) is not None:
                return connection
            if self._open < self._size:
                return self._lend(await self._new())
            await self._wait()

    def take(self) -> Any | None:
        """Return an idle connection, or None: then wait for ``borrow``."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return self._lend(connection)
            self._open -= 1
        return None

    def _lend(self, connection: Any) -> Any:
        self._lent[connection] = monotonic()
        return connection

    def lend_on(self, connection: Any) -> bool:
        """Let whoever borrowed a connection hand it on; return whether they may: it is open, and nobody waits here."""
        if self._waiters or connection.is_closed():
            return False
        self._lent[connection] = monotonic()
        return True

    def longest_loan(self) -> float:
        """Return for how many seconds the connection is borrowed that was borrowed first; 0 when none is."""
        return monotonic() - min(self._lent.values(), default=monotonic())

    def terminate(self, instance: str | None) -> int:
        """Terminate the connections to any other instance of PostgreSQL than this; return how many.

        Running statements fail at once.
        """
        lost = [one for one in (*self._lent, *self._idle) if one.instance != instance and not one.is_closed()]
        for connection in lost:
            connection.terminate()
        return len(lost)

    def give_back(self, connection: Any, *, broken: bool) -> None:
        """Take a connection back. A ``broken`` one is closed, and counts until it is."""
        del self._lent[connection]
        if connection.is_closed():
            self._open -= 1
        elif broken:
            task = asyncio.get_running_loop().create_task(self._discard(connection))
            self._discarding.add(task)
            task.add_done_callback(self._discarding.discard)
            return
        else:
            self._idle.append(connection)
        self._wake()

    async def _discard(self, connection: Any) -> None:
        """Close a connection whose statement may still run: the driver cancels it first, or it would run on."""
        try:
            await close_or_cut(connection)
        finally:
            self._open -= 1
            self._wake()

    async def close(self) -> None:
        """Close the connections that are not borrowed, and those that are being closed."""
        while self._idle:
            self._open -= 1
            await close_or_cut(self._idle.pop())
        await asyncio.gather(*self._discarding)

    async def _new(self) -> Any:
        self._open += 1
        try:
            return await self._connect()
        except BaseException:
            self._open -= 1
            self._wake()
            raise

    async def _wait(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await waiter
        except BaseException:
            if waiter.done() and not waiter.cancelled():
                self._wake()  # woken and cancelled at the same moment: the next waiter has the turn
            raise

    def _wake(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
