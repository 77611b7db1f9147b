"""Work that waits for another machine: many items at a time, each claimed for a while, by any number of processes."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from clearline.clock import monotonic
from clearline.logs import Logger
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.database.outage import OUTAGE
from clearline.platform.work.runner import PeriodicJob

T = TypeVar("T")

EVERY = 0.25
"""Seconds between two looks for items that are due."""

LEASE_SECONDS = 60
"""How long a claim lasts; the items of a process that died are free for others after that."""

GRACE_SECONDS = 5
"""How long a stopping process waits for its items; an interrupted item is processed again by its next claim."""

_log = Logger("clearline.worker")


class ClaimWorker(Generic[T]):
    """Claims items that are due while it has free slots, and processes each in a task of its own.

    ``claim`` returns at most so many items and marks them as claimed for ``LEASE_SECONDS``. ``do`` processes an item
    and stores the result. ``renew`` extends the claims of the items in progress. ``release`` frees items that were
    interrupted because the process stops; without it they are free when their claims end. ``close`` releases what the
    items were processed with, such as connections.
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
        self._renewed = monotonic()

    def job(self) -> PeriodicJob:
        """Return the job that claims."""
        return PeriodicJob(
            self._name,
            EVERY,
            self._start_due,
            batch=self._slots // 2,
            finish=self._finish,
            alarm=self._alarm,
            runs_at_stop=False,
        )

    def wake(self) -> None:
        """Look for items at once: one is due."""
        self._alarm.set()

    async def _start_due(self) -> int:
        self._alarm.clear()
        await self._renew_claims()
        free = self._slots - len(self._under_way)
        claimed = await self._claim(free) if free > 0 else []
        for item in claimed:
            task = asyncio.create_task(self._process(item), name=self._name)
            self._under_way[task] = item
            task.add_done_callback(self._ended)
        return len(claimed)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Free the slot of a task, and look at once: an item that waited for this one may be due."""
        del self._under_way[task]
        self.wake()

    async def _renew_claims(self) -> None:
        if monotonic() - self._renewed > LEASE_SECONDS / 3:
            self._renewed = monotonic()
            if self._under_way:
                await self._renew([*self._under_way.values()])

    async def _process(self, item: T) -> None:
        try:
            await self._do(item)
        except DatabaseUnavailable as error:
            OUTAGE.log("item postponed: the database is unavailable", error, job=self._name)
        except Exception:  # noqa: BLE001 - it is processed again when its claim ends
            _log.exception("item failed", job=self._name)

    async def _finish(self) -> None:
        try:
            under_way = dict(self._under_way)
            if under_way:
                _done, interrupted = await asyncio.wait(under_way, timeout=GRACE_SECONDS)
                for task in interrupted:
                    task.cancel()
                await asyncio.gather(*interrupted, return_exceptions=True)
                if self._release is not None and interrupted:
                    await self._release([under_way[task] for task in interrupted])
        finally:
            if self._close is not None:
                await self._close()
