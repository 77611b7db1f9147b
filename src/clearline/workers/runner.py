"""Runs the periodic work beside the server, or by itself."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter, process_time

import structlog
from msgspec import Struct

from clearline.store.db import DatabaseUnavailable

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
    do, and the next turn comes soon.
    """

    name: str
    every: float
    run: Callable[[], Awaitable[int]]
    full: int = 0


class Runner:
    """Runs each job again and again until told to stop. A job that fails is logged and tried at its next turn."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Run until ``stop``; every job has a last turn then, so that nothing it holds is lost."""
        async with asyncio.TaskGroup() as group:
            for job in self._jobs:
                group.create_task(self._repeat(job), name=job.name)

    def stop(self) -> None:
        """Have ``run`` end soon."""
        self._stopping.set()

    async def _repeat(self, job: Job) -> None:
        pause = job.every
        while not self._stopping.is_set():
            is_busy = await self._wait(pause)
            began = perf_counter()
            done = await self._turn(job)
            took = perf_counter() - began
            pause = job.every
            if is_busy:
                pause = max(pause, took * (1 / SHARE - 1))
            elif job.full and done >= job.full:
                pause = max(BREATH, took)

    async def _wait(self, seconds: float) -> bool:
        """Wait so long, or until told to stop; whether the process was busy meanwhile."""
        began, computed = perf_counter(), process_time()
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass
        return process_time() - computed > BUSY * (perf_counter() - began)

    @staticmethod
    async def _turn(job: Job) -> int:
        try:
            done = await job.run()
        except DatabaseUnavailable:
            _log.warning("job put off: the database is away", job=job.name)
        except Exception:  # noqa: BLE001 - a job's fault must not end the others
            _log.exception("job failed", job=job.name)
        else:
            if done:
                _log.debug("job done", job=job.name, count=done)
            return done
        return 0
