"""Runs periodic jobs, beside the server or in a process of their own."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter, process_time

from msgspec import Struct

from clearline.logs import Logger
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.database.outage import OUTAGE

BUSY = 0.3
"""A process is busy when it computes for more than this share of the time between two runs of a job."""

BUSY_SHARE = 0.05
"""The largest share of the time that a job takes in a busy process: requests go first.

A run that takes longer than a twentieth of ``BUSY_PAUSE_MAX`` has a larger share.
"""

BUSY_PAUSE_MAX = 2.0
"""Seconds that a job pauses at most for the requests of a busy process.

A run also lasts while it waits for the database or another server. After 3 seconds of that, its share would be a pause
of a minute: routing and notifications would be late, and requests would gain nothing.
"""

MIN_PAUSE = 0.02
"""Seconds between two runs of a job that has more to do, in a process that is not busy."""

_log = Logger("clearline.worker")


class PeriodicJob(Struct, frozen=True):
    """Work to run every ``every`` seconds.

    ``run`` returns how many items it processed, and may be interrupted anywhere. When it processed ``batch`` or more
    there is more to do, and the next run follows soon, as it does when ``alarm`` is set. With ``runs_at_stop`` the job
    runs again when the process stops, so that nothing it keeps in memory is lost; ``finish`` is called after that.
    """

    name: str
    every: float
    run: Callable[[], Awaitable[int]]
    batch: int = 0
    finish: Callable[[], Awaitable[object]] | None = None
    alarm: asyncio.Event | None = None
    runs_at_stop: bool = True


class Runner:
    """Runs each job periodically until it is stopped. A failure is logged, and the job runs again at its next time.

    With ``yields_to_requests`` the jobs of a busy process take at most ``BUSY_SHARE`` of its time each, but pause at
    most ``BUSY_PAUSE_MAX``.
    """

    def __init__(self, jobs: Sequence[PeriodicJob], *, yields_to_requests: bool = True) -> None:
        self._jobs = jobs
        self._yields_to_requests = yields_to_requests
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Run until ``stop``, and return when every job has finished."""
        async with asyncio.TaskGroup() as group:
            for job in self._jobs:
                group.create_task(self._repeat(job), name=job.name)

    def stop(self) -> None:
        """Let ``run`` return soon."""
        self._stopping.set()
        for job in self._jobs:
            if job.alarm is not None:
                job.alarm.set()

    async def _repeat(self, job: PeriodicJob) -> None:
        pause, heeds_alarm = job.every, True
        while not self._stopping.is_set():
            is_busy = await self._wait(pause, job.alarm if heeds_alarm else None) and self._yields_to_requests
            if self._stopping.is_set() and not job.runs_at_stop:
                break
            began = perf_counter()
            count = await self._run_once(job.name, job.run)
            took = perf_counter() - began
            pause, heeds_alarm = job.every, not is_busy
            if is_busy:
                pause = max(pause, min(took * (1 / BUSY_SHARE - 1), BUSY_PAUSE_MAX))
            elif job.batch and count >= job.batch:
                pause = max(MIN_PAUSE, took)
        if job.finish is not None:
            await self._run_once(job.name, job.finish)

    async def _wait(self, seconds: float, alarm: asyncio.Event | None) -> bool:
        """Wait for so many seconds, the alarm or the stop; return whether the process was busy during it."""
        began, computed = perf_counter(), process_time()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                if alarm is not None:
                    await asyncio.sleep(MIN_PAUSE)  # alarms come in groups: one run serves them all
                await (alarm or self._stopping).wait()
        return process_time() - computed > BUSY * (perf_counter() - began)

    @staticmethod
    async def _run_once(name: str, run: Callable[[], Awaitable[object]]) -> int:
        try:
            result = await run()
        except DatabaseUnavailable as error:
            OUTAGE.log("job postponed: the database is unavailable", error, job=name)
        except Exception:  # noqa: BLE001 - a job's fault must not end the others
            _log.exception("job failed", job=name)
        else:
            count = result if isinstance(result, int) else 0
            if count:
                _log.debug("job done", job=name, count=count)
            return count
        return 0
