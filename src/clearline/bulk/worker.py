"""Process the items of jobs: each in its own transaction, together with its result.

If the process dies, each item either was processed once and has its result, or still waits. Several processes may
work on the same job: each locks the items that it processes.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from itertools import count
from uuid import UUID

from clearline.bulk import store as job_store
from clearline.bulk.domain import FAULT, ItemOutcome, ItemResult, Job
from clearline.bulk.usecases import process_item, refusal
from clearline.errors import DeskError
from clearline.logs import Logger
from clearline.platform.database import transactions
from clearline.platform.database.errors import TRANSIENT, DatabaseUnavailable, StatementFailed
from clearline.platform.database.transactions import Database
from clearline.platform.work.runner import PeriodicJob
from clearline.settings.defaults import TICKET_NOTES_MAX

NAME = "jobs"
POLL_SECONDS = 0.5
"""The seconds between two polls for jobs."""
AT_ONCE = 500
"""The most items of one run: jobs must not slow requests down, nor delay the shutdown."""
BATCH = 25
"""The most items of a job before the next job is processed, so that a short job does not wait for a long one."""
ATTEMPTS = 5
"""How often a process tries an item that conflicts with others before it refuses the item."""

_log = Logger("clearline.jobs")
_failed_attempts: Counter[UUID] = Counter()  # of each job's next item, in this process, since its last success
Clock = Callable[[], datetime]


class _DryRun(Exception):
    """Rolls back the transaction of an item, and carries its result."""

    def __init__(self, result: ItemResult) -> None:
        super().__init__(result.outcome)
        self.result = result


class _RetryLater(Exception):
    """An item conflicted with another transaction, and still waits."""


def worker(
    database: Database,
    now: Clock,
    *,
    reopens: bool = True,
    customer_closes: bool = True,
    notes_max: int = TICKET_NOTES_MAX,
) -> PeriodicJob:
    """Return the job that processes items in every process. Companies take turns, and so do the jobs of a company.

    ``reopens`` and ``notes_max`` are as for ``note_usecases.add_note``, ``customer_closes`` as for ``move_ticket``.
    """
    turns = count()

    async def run() -> int:
        total = 0
        while total < AT_ONCE:
            async with database.statement() as tx:
                unfinished = await job_store.unfinished(tx, next(turns))
            most = min(BATCH, max(1, AT_ONCE // max(1, len(unfinished))))
            done = 0
            for job in unfinished:
                done += await work(
                    database, job, now, most=most, reopens=reopens, customer_closes=customer_closes, notes_max=notes_max
                )
            if not done:
                break
            total += done
        return total

    return PeriodicJob(NAME, POLL_SECONDS, run)


async def work(
    database: Database,
    job: Job,
    now: Clock,
    *,
    most: int,
    on_item: Callable[[], None] = lambda: None,
    reopens: bool = True,
    customer_closes: bool = True,
    notes_max: int = TICKET_NOTES_MAX,
) -> int:
    """Process up to ``most`` items of a job, and call ``on_item`` after each; finish the job when no item waits.

    An item that conflicts with another transaction ends the call, and is tried again in the next one.

    Raises:
        DatabaseUnavailable: the database is unavailable; items without a result still wait.
    """
    async with database.statement() as tx:
        await job_store.begin(tx, job)
    for done in range(most):
        try:
            processed = await _process_next(
                database, job, now, reopens=reopens, customer_closes=customer_closes, notes_max=notes_max
            )
        except _RetryLater:
            return done
        _failed_attempts.pop(job.id, None)
        if not processed:
            async with database.statement() as tx:
                await job_store.finish(tx, job, now=now())
            return done
        on_item()
    return most


async def _process_next(
    database: Database, job: Job, now: Clock, *, reopens: bool, customer_closes: bool, notes_max: int
) -> bool:
    """Process the next item that is not locked; return False when there is none.

    A refused item and an item of a dry run are rolled back first, and their result is stored after that. Another
    process may take the item in between and process it again; the result that is stored first stays.

    Raises:
        _RetryLater: the item conflicted with another transaction.
    """
    item = None
    try:
        async with database.transaction() as tx:
            item = await job_store.take(tx, job)
            if item is None:
                return False
            await transactions.set_lock_timeout(tx)
            result = await process_item(
                tx, job, item, reopens=reopens, customer_closes=customer_closes, notes_max=notes_max, now=now()
            )
            if job.dry_run:
                raise _DryRun(result)  # noqa: TRY301 - only an exception rolls back
            await job_store.record(tx, job, item.position, result)
            return True
    except _DryRun as dry_run:
        result = dry_run.result
        if result.outcome is ItemOutcome.DONE:
            result = ItemResult(ItemOutcome.DONE)  # the ticket that it made was rolled back
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
    """Return the result of a job's next item after a fault.

    Raises:
        _RetryLater: the fault may not recur, and there are attempts left.
    """
    if isinstance(error, StatementFailed) and error.sqlstate in TRANSIENT:
        _failed_attempts[job.id] += 1
        if _failed_attempts[job.id] < ATTEMPTS:
            raise _RetryLater
    _log.error("item failed", job=str(job.id), position=position, exc_info=error)
    return ItemResult(ItemOutcome.REFUSED, None, FAULT, "a fault of the desk; its log says more")
