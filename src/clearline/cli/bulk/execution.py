"""Run a job in this process, and print its result."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

import click

from clearline.bulk import usecases as jobs
from clearline.bulk.domain import Counts, ItemOutcome, Job, JobItem, JobKind
from clearline.bulk.worker import work
from clearline.cli.context import run
from clearline.cli.exit_status import REFUSED
from clearline.cli.output import show
from clearline.cli.progress import progress_bar
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets.domain import ticket_number
from clearline.wires.house.bulk.mapping import job_out

_PAGE = 1000
_POLL_SECONDS = 0.2
"""Seconds between two looks at a job whose last items another process works on."""

Create = Callable[[Tx], Coroutine[Any, Any, Job]]

dry_run_option = click.option("--dry-run", is_flag=True, help="Print what would be done, and do nothing.")


def execute(create: Create, *, as_json: bool) -> None:
    """Create a job, work on it until it is finished, and print its result.

    Refused items are named on standard error; with any the exit status is ``REFUSED``.
    """

    async def create_and_finish(database: Database) -> tuple[Job, list[JobItem]]:
        async with database.transaction() as tx:
            job = await create(tx)
        with progress_bar() as progress:
            task = progress.add_task("Checking" if job.dry_run else "Working", total=counts_of(job).waiting)
            await _finish(database, job, lambda: progress.advance(task))
        async with database.statement() as tx:
            return await jobs.get_job(tx, OPERATOR, job.id), await list_items(tx, job.id, ItemOutcome.REFUSED)

    job, refused = run(create_and_finish)
    for item in refused:
        click.echo(f"{item_name(job, item)}: {item.detail}", err=True)
    counts = counts_of(job)
    would = "would be " if job.dry_run else ""
    text = f"{counts.done} {would}done, {counts.unchanged} unchanged, {counts.refused} refused (job {job.id})."
    show(job_out(job), text, as_json=as_json)
    if refused:
        click.get_current_context().exit(REFUSED)


async def _finish(database: Database, job: Job, advance: Callable[[], None]) -> None:
    """Work on the waiting items of a job; a server that runs meanwhile may take some of them."""
    current = job
    while current.finished_at is None:
        await work(database, job, now, most=job.total + 1, on_item=advance)
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
