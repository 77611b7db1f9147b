"""Runs the periodic work beside the server, or by itself."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter, process_time

import structlog
from msgspec import Struct

from clearline.platform.database.transactions import DatabaseUnavailable

_log = structlog.get_logger("clearline.worker")


BUSY = 0.3
"""A process is busy when it computed for more than this share of the time that a job waited."""

SHARE = 0.05
"""The most of the time that a job takes in a busy process: those who wait for an answer go first."""

BREATH = 0.02
"""Seconds between two turns of a job that has more to do, in a process that is not busy."""


class Job(Struct, frozen=True):
    """Work to do every so many seconds.

    ``run`` answers how much it did; it must bear being cut off anywhere. When it did ``full`` or more there is more to
    do, and the next turn comes soon, as it does when ``alarm`` is set. A job has a turn more when it is told to stop,
    so that nothing it holds is lost, unless it has no ``last`` one; ``finish`` comes after that.
    """

    name: str
    every: float
    run: Callable[[], Awaitable[int]]
    full: int = 0
    finish: Callable[[], Awaitable[object]] | None = None
    alarm: asyncio.Event | None = None
    last: bool = True


class Runner:
    """Runs each job again and again until told to stop. A job that fails is logged and tried at its next turn.

    With ``yields_to_requests`` the jobs of a busy process take little of its time, for others wait for its answers.
    """

    def __init__(self, jobs: Sequence[Job], *, yields_to_requests: bool = True) -> None:
        self._jobs = jobs
        self._yields_to_requests = yields_to_requests
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Run until ``stop``; every job comes to its end then."""
        async with asyncio.TaskGroup() as group:
            for job in self._jobs:
                group.create_task(self._repeat(job), name=job.name)

    def stop(self) -> None:
        """Have ``run`` end soon."""
        self._stopping.set()
        for job in self._jobs:
            if job.alarm is not None:
                job.alarm.set()

    async def _repeat(self, job: Job) -> None:
        pause, hears = job.every, True
        while not self._stopping.is_set():
            is_busy = await self._wait(pause, job.alarm if hears else None) and self._yields_to_requests
            if self._stopping.is_set() and not job.last:
                break
            began = perf_counter()
            done = await self._turn(job.name, job.run)
            took = perf_counter() - began
            pause, hears = job.every, not is_busy
            if is_busy:
                pause = max(pause, took * (1 / SHARE - 1))
            elif job.full and done >= job.full:
                pause = max(BREATH, took)
        if job.finish is not None:
            await self._turn(job.name, job.finish)

    async def _wait(self, seconds: float, alarm: asyncio.Event | None) -> bool:
        """Wait so long, or until told to stop or woken; whether the process was busy meanwhile."""
        began, computed = perf_counter(), process_time()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                if alarm is not None:
                    await asyncio.sleep(BREATH)  # what wakes it seldom comes alone
                await (alarm or self._stopping).wait()
        return process_time() - computed > BUSY * (perf_counter() - began)

    @staticmethod
    async def _turn(name: str, run: Callable[[], Awaitable[object]]) -> int:
        try:
            answered = await run()
        except DatabaseUnavailable:
            _log.warning("job put off: the database is away", job=name)
        except Exception:  # noqa: BLE001 - a job's fault must not end the others
            _log.exception("job failed", job=name)
        else:
            done = answered if isinstance(answered, int) else 0
            if done:
                _log.debug("job done", job=name, count=done)
            return done
        return 0
