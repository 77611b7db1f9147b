"""Do what is due at a moment, once: each timer's effect is one transaction with the end of the timer.

If the process dies, the effect was committed and the timer is gone, or nothing happened and the timer is still due.
Any number of processes do this at the same time: each locks the timers of its transaction, and leaves out those that
another has locked.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from clearline.clock import CLOCK_SECONDS, Span
from clearline.logs import Logger
from clearline.platform.database.errors import TRANSIENT, DatabaseUnavailable, StatementFailed
from clearline.platform.database.transactions import Database, Tx
from clearline.platform.work import timer_store
from clearline.platform.work.runner import PeriodicJob
from clearline.platform.work.timer_store import Timer

NAME = "timers"
POLL = timedelta(seconds=1)
"""How long a process sleeps at most: so late it knows of a timer that another one, or a request, put."""
GATHER_SECONDS = 0.2
"""The seconds between two runs in which timers become due one after another: each run has a commit."""
BATCH = 500
"""The most timers of a transaction."""
RETRY = timedelta(seconds=2)
"""The pause after a conflict with another transaction, and after the first failure."""
RETRY_MAX = timedelta(hours=1)
"""The longest pause after a failure."""

Fire = Callable[[Tx, Sequence[Timer], datetime], Awaitable[Mapping[Timer, datetime]]]
"""Does what locked timers of a kind are for, at the time it is; returns those that are due again, and when.

All others end with the transaction. A timer may be for something that is over: then it does nothing. It must not wait
for locks that a transaction may have that puts timers.
"""

_log = Logger("clearline.timers")
Clock = Callable[[], datetime]


class Timers:
    """Fires the timers of some kinds when they are due."""

    def __init__(self, database: Database, kinds: Mapping[str, Fire], now: Clock) -> None:
        self._database, self._kinds, self._now = database, kinds, now
        self._alarm = asyncio.Event()
        self._wake: asyncio.TimerHandle | None = None

    def job(self) -> PeriodicJob:
        """Return the job that fires them. It sleeps until the first is due, and not longer than ``POLL``."""
        return PeriodicJob(NAME, POLL.total_seconds(), self._run, batch=BATCH, alarm=self._alarm, runs_at_stop=False)

    async def _run(self) -> int:
        self._alarm.clear()
        count, now = 0, self._now()
        async with self._database.statement() as tx:
            due_at = await timer_store.next_due(tx, Span(until=now + POLL))
        if due_at is not None and due_at <= now:
            count, now = await self._fire_due(), self._now()
            async with self._database.statement() as tx:  # what is due before is locked by another process
                due_at = await timer_store.next_due(tx, Span(now, now + POLL))
        if due_at is not None and count < BATCH:
            self._wake_in((due_at - now).total_seconds())
        return count

    def _wake_in(self, seconds: float) -> None:
        if self._wake is not None:
            self._wake.cancel()
        self._wake = asyncio.get_running_loop().call_later(max(seconds, GATHER_SECONDS), self._alarm.set)

    async def _fire_due(self) -> int:
        """Fire a batch in one transaction, or each of its timers in its own if that fails; return how many they are."""
        timers: list[Timer] = []
        try:
            async with self._database.transaction() as tx:
                timers = await timer_store.lock_due(tx, [*self._kinds], now=self._now(), limit=BATCH)
                await self._fire(tx, timers)
        except DatabaseUnavailable:
            raise
        except Exception:
            if not timers:
                raise
            for timer in timers:
                await self._fire_alone(timer)
        return len(timers)

    async def _fire(self, tx: Tx, timers: Sequence[Timer]) -> None:
        """Fire locked timers, and delete those that are not due again."""
        again: dict[Timer, datetime] = {}
        by_kind = sorted(timers, key=lambda timer: timer.kind)
        for kind, group in groupby(by_kind, key=lambda timer: timer.kind):
            again |= await self._kinds[kind](tx, [*group], self._now())
        for timer, due_at in again.items():
            await timer_store.advance(tx, timer, due_at=due_at, attempts=0)
        if done := [timer for timer in timers if timer not in again]:
            await timer_store.delete_all(tx, done)

    async def _fire_alone(self, timer: Timer) -> None:
        """Fire a timer in a transaction of its own. One that fails is tried again later, and later each time."""
        try:
            async with self._database.transaction() as tx:
                if await timer_store.lock(tx, timer, now=self._now()):
                    await self._fire(tx, [timer])
        except DatabaseUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - one that fails must not keep the others from firing
            is_transient = isinstance(error, StatementFailed) and error.sqlstate in TRANSIENT
            if not is_transient:
                _log.exception("timer failed", kind=timer.kind, subject=timer.subject, attempts=timer.attempts + 1)
            pause = RETRY if is_transient else min(RETRY * 2 ** min(timer.attempts, 16), RETRY_MAX)
            async with self._database.statement() as tx:
                await timer_store.advance(tx, timer, due_at=self._now() + pause, attempts=timer.attempts + 1)


async def shorten_waits(tx: Tx, *, now: datetime) -> int:
    """Try failed timers at once that would wait for as long as a clock was ahead; return how many.

    What nothing failed of stays due at its moment, whatever the clock showed.
    """
    longest = now + RETRY_MAX + timedelta(seconds=CLOCK_SECONDS)
    return await timer_store.shorten_waits(tx, longest=longest, now=now)
