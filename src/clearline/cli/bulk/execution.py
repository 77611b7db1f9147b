"""Run a job in this process, and print its result."""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, NamedTuple
from uuid import UUID

import click

from clearline.bulk import usecases as jobs
from clearline.bulk.domain import CANCELLED, Counts, ItemOutcome, Job, JobItem, JobKind
from clearline.bulk.worker import work
from clearline.cli.context import run
from clearline.cli.exit_status import INTERRUPTED, REFUSED
from clearline.cli.output import show
from clearline.cli.progress import progress_bar
from clearline.cli.terminal.text import counted, echo
from clearline.clock import now
from clearline.errors import Conflict, NotFound
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets.domain import ticket_number
from clearline.wires.house.bulk.mapping import job_out

_PAGE = 1000
_POLL_SECONDS = 0.2
"""Seconds between two looks at a job whose last items another process works on."""

Create = Callable[[Tx], Coroutine[Any, Any, Job]]
Prepare = Callable[[Database], Coroutine[Any, Any, None]]

dry_run_option = click.option("--dry-run", is_flag=True, help="Print what would be done, and do nothing.")


class _Execution(NamedTuple):
    """A job as it ended, its refused items, and whether Ctrl-C ended it."""

    job: Job
    refused: list[JobItem]
    is_interrupted: bool


async def _nothing(_database: Database) -> None:
    """Prepare nothing."""


def execute(create: Create, *, prepare: Prepare = _nothing, as_json: bool) -> None:
    """Create a job, work on it until it is finished, and print its result. What it needs is prepared before that.

    The id of the job is printed first, on standard error. Refused items are named there, too; with any the exit status
    is ``REFUSED``. Ctrl-C and SIGTERM cancel the items that wait; the exit status is ``INTERRUPTED``.
    """
    job, refused, is_interrupted = run(lambda database: _create_and_finish(database, prepare, create))
    cancelled = [item for item in refused if item.code == CANCELLED]
    for item in refused:
        if item.code != CANCELLED:
            echo(f"{item_name(job, item)}: {item.detail}", err=True)
    counts = counts_of(job)
    would = "would be " if job.dry_run else ""
    ended = f", {len(cancelled)} cancelled" if cancelled else ""
    text = (
        f"{counts.done} {would}done, {counts.unchanged} unchanged, {counts.refused - len(cancelled)} refused{ended} "
        f"(job {job.id})."
    )
    show(job_out(job), text, as_json=as_json)
    if is_interrupted:
        click.get_current_context().exit(INTERRUPTED)
    if refused:
        click.get_current_context().exit(REFUSED)


async def _create_and_finish(database: Database, prepare: Prepare, create: Create) -> _Execution:
    job: Job | None = None
    is_interrupted = False
    try:
        with _cancelled_by_sigterm():
            await prepare(database)
            async with database.transaction() as tx:
                job = await create(tx)
            echo(f"Job {job.id}: {counted(job.total, 'item')}. Ctrl-C cancels what waits.", err=True)
            with progress_bar("Checking" if job.dry_run else "Working", counts_of(job).waiting) as show_progress:
                await _finish(database, job, show_progress)
    except asyncio.CancelledError:
        if job is None or not await _cancel(database, job):
            raise
        is_interrupted = True
    async with database.statement() as tx:
        ended = await jobs.get_job(tx, OPERATOR, job.id)
        return _Execution(ended, await list_items(tx, job.id, ItemOutcome.REFUSED), is_interrupted)


@contextmanager
def _cancelled_by_sigterm() -> Iterator[None]:
    """Cancel the current task on SIGTERM, as asyncio does on SIGINT, until the block ends."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    if task is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


async def _cancel(database: Database, job: Job) -> bool:
    """Cancel the items of a job that wait; return False when the job was not even created."""
    command = f"clearline job cancel {job.id}"
    try:
        async with database.transaction() as tx:
            await jobs.cancel_job(tx, OPERATOR, job.id, now=now())
    except NotFound:
        return False
    except Conflict:
        echo("The job was done before it could be cancelled.", err=True)
    except BaseException:
        echo(f"The job may go on: cancel it with {command}", err=True)
        raise
    return True


async def _finish(database: Database, job: Job, show_progress: Callable[[int, int], None]) -> None:
    """Work on the waiting items of a job; a running server may process some of them."""
    current, waiting, completed = job, counts_of(job).waiting, count(1)
    while current.finished_at is None:
        await work(database, job, now, most=job.total + 1, on_item=lambda: show_progress(next(completed), waiting))
        async with database.statement() as tx:
            current = await jobs.get_job(tx, OPERATOR, job.id)
        if current.finished_at is None:
            await asyncio.sleep(_POLL_SECONDS)


async def list_items(tx: Tx, job_id: UUID, outcome: str | None) -> list[JobItem]:
    """Return the items of a job with this outcome, or all."""
    items: list[JobItem] = []
    after: int | None = None
    while page := await jobs.list_items(tx, OPERATOR, job_id, outcome=outcome, after=after, limit=_PAGE):
        items += page
        after = page[-1].position
    return items


def counts_of(job: Job) -> Counts:
    """Return the counts of a job; a job that was just created only has waiting items."""
    return job.counts or Counts(0, 0, 0, job.total)


def item_name(job: Job, item: JobItem) -> str:
    """Return the number of an item's line (in a table the first line after the headings is 1), or of its ticket."""
    if job.kind is JobKind.IMPORT:
        return f"line {item.position + 1}"
    return ticket_number(item.ticket_number or 0)
