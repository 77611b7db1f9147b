"""A connection pool with very little overhead.

asyncpg's own pool wraps each connection in a proxy and returns it in a task of its own, which is a fifth of what
reading a ticket costs (docs/adr/0002-one-statement-and-our-own-pool.md). This one lends the connections themselves.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

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

    async def borrow(self) -> Any:
        """Return a connection: an idle one, or a new one when the size allows it.

        Raises:
            TimeoutError: all are borrowed, and none came back within 10 seconds.
        """
        while True:
            while self._idle:
                connection = self._idle.pop()
                if not connection.is_closed():
                    return connection
                self._open -= 1
            if self._open < self._size:
                return await self._new()
            await self._wait()

    def give_back(self, connection: Any, *, broken: bool) -> None:
        """Take a connection back. A ``broken`` one is terminated."""
        if broken:
            connection.terminate()
        if connection.is_closed():
            self._open -= 1
        else:
            self._idle.append(connection)
        self._wake()

    async def close(self) -> None:
        """Close the connections that are not borrowed. Errors are of no consequence."""
        while self._idle:
            self._open -= 1
            await close_or_cut(self._idle.pop())

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
