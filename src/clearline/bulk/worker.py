"""Does the items of jobs, each in a transaction of its own together with what became of it.

Whatever happens to this process, an item was done once and says so, or was not done and still waits. Several
processes may work on the same job: none takes an item that another holds.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from itertools import count
from uuid import UUID

import structlog

from clearline.bulk import store as job_store
from clearline.bulk.domain import FAULT, ItemOutcome, ItemResult, Job
from clearline.bulk.usecases import process_item, refusal
from clearline.errors import DeskError
from clearline.platform.database import transactions
from clearline.platform.database.transactions import Database, DatabaseUnavailable, StatementFailed
from clearline.platform.work.runner import PeriodicJob

NAME = "jobs"
EVERY = 0.5
"""Seconds between two looks for jobs."""
AT_ONCE = 500
"""The most items of one turn: jobs must not take the machine from those who ask, nor hold up the end of a process."""
BATCH = 25
"""The most items of a job before the next one has its turn, so that a short job does not wait for a long one."""
TRIES = 5
"""How often a process tries an item that meets locks of others before it is refused."""
_PASSING = {"40001", "40P01", "55P03", "57014"}
"""What PostgreSQL says of changes that got in each other's way, a deadlock, a lock held too long, and a statement that
somebody cancelled: another time the item may do."""

_log = structlog.get_logger("clearline.jobs")
_put_off: Counter[UUID] = Counter()  # how often this process tried a job's next item in vain, since it got on
Clock = Callable[[], datetime]


class _Undone(Exception):
    """Rolls the transaction of an item back, and keeps what would have become of it."""

    def __init__(self, result: ItemResult) -> None:
        super().__init__(result.outcome)
        self.result = result


class _PutOff(Exception):
    """An item met what somebody else holds, and still waits."""


def worker(database: Database, now: Clock) -> PeriodicJob:
    """The work that every process with jobs does again and again. Companies take turns, and so do a company's jobs."""
    turns = count()

    async def turn() -> int:
        total = 0
        while total < AT_ONCE:
            async with database.statement() as tx:
                found = await job_store.unfinished(tx, next(turns))
            most = min(BATCH, max(1, AT_ONCE // max(1, len(found))))
            done = sum([await work(database, job, now, most=most) for job in found])
            if not done:
                break
            total += done
        return total

    return PeriodicJob(NAME, EVERY, turn)


async def work(database: Database, job: Job, now: Clock, *, most: int, told: Callable[[], None] = lambda: None) -> int:
    """Do up to ``most`` items of a job, and say so after each; a job of which nothing waits is done.

    An item that meets what somebody else holds ends the job's turn, and is tried again in the next ones.

    Raises:
        DatabaseUnavailable: the database went away; what was not done still waits.
    """
    async with database.statement() as tx:
        await job_store.begin(tx, job)
    for done in range(most):
        try:
            found = await _next(database, job, now)
        except _PutOff:
            return done
        _put_off.pop(job.id, None)
        if not found:
            async with database.statement() as tx:
                await job_store.finish(tx, job, now=now())
            return done
        told()
    return most


async def _next(database: Database, job: Job, now: Clock) -> bool:
    """Do the next item that nobody has; False when there is none.

    What is refused and what is only tried is rolled back first and noted after: whoever takes the item in between
    does it again from where it was, and what is noted first stands.

    Raises:
        _PutOff: it met what somebody else holds.
    """
    item = None
    try:
        async with database.transaction() as tx:
            item = await job_store.take(tx, job)
            if item is None:
                return False
            await transactions.set_lock_timeout(tx)
            result = await process_item(tx, job, item, now=now())
            if job.dry_run:
                raise _Undone(result)  # noqa: TRY301 - only an exception rolls back
            await job_store.record(tx, job, item.position, result)
            return True
    except _Undone as undone:
        result = undone.result
        if result.outcome is ItemOutcome.DONE:
            result = ItemResult(ItemOutcome.DONE)  # the ticket that it would have made is gone
    except DeskError as error:
        result = refusal(job, error)
    except DatabaseUnavailable:
        raise
    except Exception as error:
        if item is None:
            raise
        result = _failed(job, item.position, error)
    if item is not None:
        async with database.statement() as tx:
            await job_store.record(tx, job, item.position, result)
    return True


def _failed(job: Job, position: int, error: Exception) -> ItemResult:
    """What becomes of the next item of a job, which failed.

    Raises:
        _PutOff: nothing yet, it is to be tried again.
    """
    if isinstance(error, StatementFailed) and error.sqlstate in _PASSING:
        _put_off[job.id] += 1
        if _put_off[job.id] < TRIES:
            raise _PutOff
    _log.error("item failed", job=str(job.id), position=position, exc_info=error)
    return ItemResult(ItemOutcome.REFUSED, None, FAULT, "a fault of the desk; its log says more")
