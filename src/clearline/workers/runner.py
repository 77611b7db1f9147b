"""Runs the periodic work beside the server, or by itself."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog
from msgspec import Struct

from clearline.store.db import DatabaseUnavailable

_log = structlog.get_logger("clearline.worker")


class Job(Struct, frozen=True):
    """Work to do every so many seconds. ``run`` answers how much it did; it must bear being cut off anywhere."""

    name: str
    every: float
    run: Callable[[], Awaitable[int]]


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
        while not self._stopping.is_set():
            try:
                async with asyncio.timeout(job.every):
                    await self._stopping.wait()
            except TimeoutError:
                pass
            await self._turn(job)

    @staticmethod
    async def _turn(job: Job) -> None:
        try:
            done = await job.run()
        except DatabaseUnavailable:
            _log.warning("job put off: the database is away", job=job.name)
        except Exception:  # noqa: BLE001 - a job's fault must not end the others
            _log.exception("job failed", job=job.name)
        else:
            if done:
                _log.debug("job done", job=job.name, count=done)
