"""Does the items of jobs, each in a transaction of its own together with what became of it.

Whatever happens to this process, an item was done once and says so, or was not done and still waits. Several
processes may work on the same job: none takes an item that another holds.
"""

from collections.abc import Callable
from datetime import datetime

import structlog

from clearline.domain.errors import DeskError
from clearline.domain.job import FAULT, Job, Outcome, Result
from clearline.store import jobs
from clearline.store.db import Database, DatabaseUnavailable
from clearline.usecases.jobs import carry_out, forget_old, refusal
from clearline.workers import runner

EVERY = 0.5
"""Seconds between two looks for jobs."""
AT_ONCE = 500
"""The most items of one turn: jobs must not take the machine from those who ask, nor hold up the end of a process."""
BATCH = 25
"""The most items of a job before the next one has its turn, so that a short job does not wait for a long one."""
SIDE_BY_SIDE = 20
"""The most jobs that take turns; those asked for first."""

_log = structlog.get_logger("clearline.jobs")
Clock = Callable[[], datetime]


class _Undone(Exception):
    """Rolls the transaction of an item back, and keeps what would have become of it."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.outcome)
        self.result = result


def worker(database: Database, now: Clock) -> runner.Job:
    """The work that every process with jobs does again and again."""

    async def turn() -> int:
        total = 0
        while total < AT_ONCE:
            async with database.statement() as tx:
                found = await jobs.unfinished(tx, SIDE_BY_SIDE)
            done = sum([await work(database, job, now, most=BATCH) for job in found])
            if not done:
                break
            total += done
        return total

    return runner.Job("jobs", EVERY, turn)


def cleaner(database: Database, now: Clock) -> runner.Job:
    """Forgets jobs that were finished long ago."""

    async def turn() -> int:
        total = 0
        while True:
            async with database.statement() as tx:
                gone = await forget_old(tx, now=now())
            total += gone
            if not gone:
                return total

    return runner.Job("old jobs", 3600, turn)


async def work(database: Database, job: Job, now: Clock, *, most: int, told: Callable[[], None] = lambda: None) -> int:
    """Do up to ``most`` items of a job, and say so after each; a job of which nothing waits is done.

    Raises:
        DatabaseUnavailable: the database went away; what was not done still waits.
    """
    async with database.statement() as tx:
        await jobs.begin(tx, job)
    for count in range(most):
        if not await _next(database, job, now):
            async with database.statement() as tx:
                await jobs.finish(tx, job, now=now())
            return count
        told()
    return most


async def _next(database: Database, job: Job, now: Clock) -> bool:
    """Do the next item that nobody has; False when there is none.

    What is refused and what is only tried is rolled back first and noted after: whoever takes the item in between
    does it again from where it was, and what is noted first stands.
    """
    item = None
    try:
        async with database.transaction() as tx:
            item = await jobs.take(tx, job)
            if item is None:
                return False
            result = await carry_out(tx, job, item, now=now())
            if job.dry_run:
                raise _Undone(result)  # noqa: TRY301 - only an exception rolls back
            await jobs.record(tx, job, item.position, result)
            return True
    except _Undone as undone:
        result = undone.result
        if result.outcome is Outcome.DONE:
            result = Result(Outcome.DONE)  # the ticket that it would have made is gone
    except DeskError as error:
        result = refusal(job, error)
    except DatabaseUnavailable:
        raise
    except Exception:
        if item is None:
            raise
        _log.exception("item failed", job=str(job.id), position=item.position)
        result = Result(Outcome.REFUSED, None, FAULT, "a fault of the desk; its log says more")
    if item is not None:
        async with database.statement() as tx:
            await jobs.record(tx, job, item.position, result)
    return True
