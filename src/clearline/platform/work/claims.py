"""Work that waits for somebody else: many pieces at once, each claimed for a while, in any number of processes."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import structlog

from clearline.clock import now
from clearline.platform.database.transactions import DatabaseUnavailable
from clearline.platform.work.runner import Job

T = TypeVar("T")

EVERY = 0.25
"""Seconds between two looks for what is due."""

LEASE_SECONDS = 60
"""For so long a piece is this process's alone; one that dies leaves it to others when that is over."""

GRACE_SECONDS = 5
"""How long a stopping process waits for what it is at; what is cut off is done again, by whoever claims it next."""

_log = structlog.get_logger("clearline.worker")


class ClaimWorker(Generic[T]):
    """Claims due pieces as long as it has free slots, and does each in a task of its own.

    ``claim`` answers up to so many pieces, which it marked as taken for ``LEASE_SECONDS``. ``do`` does one and notes
    what became of it. ``renew`` takes the pieces under way for another while: the heartbeat. ``release`` gives pieces
    back that were cut off when the process stops; without it others have them when the lease is over. ``close`` lets go
    of what the pieces were done with.
    """

    def __init__(
        self,
        name: str,
        *,
        slots: int,
        claim: Callable[[int], Awaitable[Sequence[T]]],
        do: Callable[[T], Awaitable[None]],
        renew: Callable[[Sequence[T]], Awaitable[None]],
        release: Callable[[Sequence[T]], Awaitable[None]] | None = None,
        close: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._name, self._slots = name, slots
        self._claim, self._do, self._renew = claim, do, renew
        self._release, self._close = release, close
        self._under_way: dict[asyncio.Task[None], T] = {}
        self._alarm = asyncio.Event()
        self._renewed = now()

    def job(self) -> Job:
        """The pump as work of a runner."""
        return Job(
            self._name, EVERY, self._turn, full=self._slots // 2, finish=self._finish, alarm=self._alarm, last=False
        )

    def wake(self) -> None:
        """Look at once: something is due."""
        self._alarm.set()

    async def _turn(self) -> int:
        self._alarm.clear()
        await self._beat()
        free = self._slots - len(self._under_way)
        claimed = await self._claim(free) if free > 0 else []
        for piece in claimed:
            task = asyncio.create_task(self._one(piece), name=self._name)
            self._under_way[task] = piece
            task.add_done_callback(self._ended)
        return len(claimed)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A slot is free, and what waited for this piece may go: look at once."""
        del self._under_way[task]
        self.wake()

    async def _beat(self) -> None:
        if (now() - self._renewed).total_seconds() > LEASE_SECONDS / 3:
            self._renewed = now()
            if self._under_way:
                await self._renew([*self._under_way.values()])

    async def _one(self, piece: T) -> None:
        try:
            await self._do(piece)
        except DatabaseUnavailable:
            _log.warning("work put off: the database is away", job=self._name)
        except Exception:  # noqa: BLE001 - it is tried again when its lease is over
            _log.exception("work failed", job=self._name)

    async def _finish(self) -> None:
        try:
            under_way = dict(self._under_way)
            if under_way:
                _done, cut_off = await asyncio.wait(under_way, timeout=GRACE_SECONDS)
                for task in cut_off:
                    task.cancel()
                await asyncio.gather(*cut_off, return_exceptions=True)
                if self._release is not None and cut_off:
                    await self._release([under_way[task] for task in cut_off])
        finally:
            if self._close is not None:
                await self._close()
