"""The shares of a pool: one customer's requests that wait for a lock must not take the connections of all others."""

import asyncio
from collections import deque
from collections.abc import Hashable
from typing import Any, NamedTuple

from clearline.clock import monotonic
from clearline.platform.database.pool import WAIT_SECONDS, Pool

_CHECK_SECONDS = 0.5
"""How often those who wait are looked at."""
_SHARES_MAX = 10_000
"""How many shares are kept. When there are more, those that are not in use are made again."""


class PoolUsage(NamedTuple):
    """How many connections are lent, how many there are at most, and how many requests or jobs wait for one."""

    in_use: int
    size: int
    waiting: int


class Shares:
    """Limits how many connections of a pool owners borrow: one owner a half, and all of them four fifths.

    Whoever borrows from the pool itself, as the provider's people and the workers do, has the other fifth to itself.
    Owners that have to wait take turns.
    """

    def __init__(self, pool: Pool, size: int) -> None:
        self.pool = pool
        self.most = size - max(1, size // 5)
        self.most_of_owner = max(1, size // 2)
        self.lent = 0
        self.waiting: dict[Share, None] = {}
        """The shares of owners that wait, in the order of their turns."""
        self._by_owner: dict[Hashable, Share] = {}
        self._timer: asyncio.TimerHandle | None = None

    def usage(self) -> "PoolUsage":
        """Return what is lent of the pool, and how many wait for their share or for the pool."""
        waiting = sum(not waiter.done() for share in self.waiting for waiter, _since in share.waiters)
        return PoolUsage(self.pool.in_use, self.pool.size, waiting + self.pool.waiting)

    def of(self, owner: Hashable) -> "Share":
        """Return the share of an owner."""
        share = self._by_owner.get(owner)
        if share is None:
            if len(self._by_owner) >= _SHARES_MAX:
                self._by_owner = {other: kept for other, kept in self._by_owner.items() if kept.is_used()}
            share = self._by_owner[owner] = Share(self)
        return share

    def watch(self) -> None:
        """Fail those who wait too long. One timer for all: under load almost every request waits a moment."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_CHECK_SECONDS, self._expire)

    def _expire(self) -> None:
        self._timer = None
        before = monotonic() - WAIT_SECONDS
        for share in list(self.waiting):
            share.expire(before)
            if not share.waiters:
                del self.waiting[share]
        if self.waiting:
            self.watch()

    def next_waiter(self) -> "asyncio.Future[Any] | None":
        """Take and count the first waiter of the first owner who may borrow, and put that owner last."""
        for share in self.waiting:
            if share.lent < self.most_of_owner and (waiter := share.first_waiter()) is not None:
                break
        else:
            return None
        del self.waiting[share]
        if share.waiters:
            self.waiting[share] = None
        share.lent += 1
        self.lent += 1
        return waiter


class Share:
    """What one owner borrows."""

    __slots__ = ("_shares", "lent", "waiters")

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self.lent = 0
        self.waiters: deque[tuple[asyncio.Future[Any], float]] = deque()
        """Those who wait, and since when."""

    def is_used(self) -> bool:
        """Whether the owner has a connection, or waits for one."""
        return self.lent > 0 or len(self.waiters) > 0

    async def borrow(self) -> Any:
        """Return a connection of the pool.

        Raises:
            TimeoutError: there was none for 10 seconds.
        """
        shares = self._shares
        if shares.lent < shares.most and self.lent < shares.most_of_owner:
            self.lent += 1
            shares.lent += 1
        elif (connection := await self._wait()) is not None:
            return connection
        try:
            return shares.pool.take() or await shares.pool.borrow()
        except BaseException:
            self.release()
            raise

    def give_back(self, connection: Any, *, broken: bool) -> None:
        """Hand a connection to whoever waits for it, or return it to the pool: see ``Pool.give_back``."""
        shares = self._shares
        self.lent -= 1
        shares.lent -= 1
        waiter = shares.next_waiter() if shares.waiting else None
        if waiter is not None and not broken and shares.pool.lend_on(connection):
            waiter.set_result(connection)
            return
        shares.pool.give_back(connection, broken=broken)
        if waiter is not None:
            waiter.set_result(None)

    def release(self) -> None:
        """Count a connection no more that the owner did not get."""
        self.lent -= 1
        self._shares.lent -= 1
        if self._shares.waiting and (waiter := self._shares.next_waiter()) is not None:
            waiter.set_result(None)

    async def _wait(self) -> Any:
        """Wait until whoever has returned a connection has counted this owner; return that connection, or None."""
        waiter = asyncio.get_running_loop().create_future()
        self.waiters.append((waiter, monotonic()))
        self._shares.waiting.setdefault(self)
        self._shares.watch()
        try:
            return await waiter
        except BaseException:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                if (connection := waiter.result()) is None:
                    self.release()
                else:
                    self.give_back(connection, broken=False)
            raise

    def first_waiter(self) -> "asyncio.Future[Any] | None":
        """Take the first who has not given up, if there is one."""
        while self.waiters:
            waiter, _ = self.waiters.popleft()
            if not waiter.done():
                return waiter
        return None

    def expire(self, before: float) -> None:
        """Fail those who have waited since ``before``, and drop those who have given up."""
        while self.waiters and (self.waiters[0][0].done() or self.waiters[0][1] <= before):
            waiter, _ = self.waiters.popleft()
            if not waiter.done():
                waiter.set_exception(TimeoutError())
