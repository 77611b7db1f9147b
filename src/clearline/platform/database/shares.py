"""The shares of a pool: one customer's requests that wait for a lock must not take the connections of all others."""

import asyncio
from collections import deque
from collections.abc import Coroutine, Hashable
from typing import Any

from clearline.platform.database.pool import WAIT_SECONDS, Pool


class Shares:
    """Limits how many connections of a pool owners borrow: one owner a half, and all of them four fifths.

    Whoever borrows from the pool itself, as the provider's people and the workers do, has the other fifth to itself.
    Owners that have to wait take turns.
    """

    def __init__(self, pool: Pool, size: int) -> None:
        self._pool = pool
        self._most = size - max(1, size // 5)
        self._most_of_owner = max(1, size // 2)
        self._lent: dict[Hashable, int] = {}
        self._in_all = 0
        self._waiters: dict[Hashable, deque[asyncio.Future[None]]] = {}

    async def borrow(self, owner: Hashable) -> Any:
        """Return a connection of the pool.

        Raises:
            TimeoutError: there was none for 10 seconds.
        """
        lent = self._lent.get(owner, 0)
        if self._in_all < self._most and lent < self._most_of_owner:
            self._lent[owner] = lent + 1
            self._in_all += 1
        else:
            await self._wait(owner)
        try:
            return await self._pool.borrow()
        except BaseException:
            self._release(owner)
            raise

    def give_back(self, owner: Hashable, connection: Any, *, broken: bool) -> None:
        """Return a connection to the pool: see ``Pool.give_back``."""
        self._pool.give_back(connection, broken=broken)
        self._release(owner)

    def _release(self, owner: Hashable) -> None:
        self._in_all -= 1
        lent = self._lent.pop(owner) - 1
        if lent:
            self._lent[owner] = lent
        if self._waiters:
            self._wake()

    async def _wait(self, owner: Hashable) -> None:
        """Wait until whoever releases a connection has counted this owner."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(owner, deque()).append(waiter)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await waiter
        except BaseException:
            if waiter.done() and not waiter.cancelled():
                self._release(owner)
            raise

    def _wake(self) -> None:
        """Give the turn to the first waiter of the first owner who may borrow, and put that owner last."""
        for owner in list(self._waiters):
            lent = self._lent.get(owner, 0)
            if lent >= self._most_of_owner:
                continue
            waiters = self._waiters.pop(owner)
            while waiters and waiters[0].done():  # given up
                waiters.popleft()
            if not waiters:
                continue
            waiter = waiters.popleft()
            if waiters:
                self._waiters[owner] = waiters
            self._lent[owner] = lent + 1
            self._in_all += 1
            waiter.set_result(None)
            return


class Share:
    """What one owner borrows."""

    __slots__ = ("_owner", "_shares")

    def __init__(self, shares: Shares, owner: Hashable) -> None:
        self._shares, self._owner = shares, owner

    def borrow(self) -> Coroutine[Any, Any, Any]:
        """See ``Shares.borrow``."""
        return self._shares.borrow(self._owner)

    def give_back(self, connection: Any, *, broken: bool) -> None:
        """See ``Shares.give_back``."""
        self._shares.give_back(self._owner, connection, broken=broken)
