"""Commands for jobs."""

from datetime import datetime
from uuid import UUID

import click

from clearline.bulk import usecases as jobs
from clearline.bulk.domain import OUTCOMES, WAITING, BulkRequest, Job, JobItem
from clearline.cli.bulk.execution import counts_of, item_name, list_items
from clearline.cli.context import transact
from clearline.cli.output import json_option, print_json, print_table, show, show_list
from clearline.cli.parameters.ids import ID, resolve
from clearline.cli.parameters.times import key_before, not_before, span_of, span_options
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Tx
from clearline.wires.house.bulk.mapping import job_item_out, job_out

_outcome_option = click.option(
    "--outcome",
    type=click.Choice([*OUTCOMES, "all"]),
    default="refused",
    show_default=True,
    help="Only items with this outcome.",
)


@click.group()
def job() -> None:
    """Manage the jobs that change or import many tickets."""


@job.command("list")
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="Print at most this many."
)
@span_options("jobs created")
@json_option
def job_list(limit: int, since: datetime | None, until: datetime | None, *, as_json: bool) -> None:
    """List jobs, newest first."""
    span = span_of(since, until)
    listed = transact(lambda tx: jobs.list_jobs(tx, OPERATOR, after=key_before(span), limit=limit + 1))
    show_list(
        not_before(span, listed, lambda job: job.created_at),
        job_out,
        ("ID", "KIND", "ACTION", "STATE", "ITEMS", "REQUESTED BY", "CREATED"),
        lambda job: (job.id, job.kind, _action(job), job.state, job.total, job.actor_name, job.created_at),
        noun="jobs",
        as_json=as_json,
        limit=limit,
    )


@job.command("show")
@click.argument("job_id", type=ID)
@json_option
def job_show(job_id: str, *, as_json: bool) -> None:
    """Show a job with its counts."""

    async def work(tx: Tx) -> Job:
        return await jobs.get_job(tx, OPERATOR, await _id(tx, job_id))

    job = transact(work)
    if as_json:
        print_json(job_out(job))
        return
    counts = counts_of(job)
    print_table(
        ("KIND", "ACTION", "STATE", "DONE", "UNCHANGED", "REFUSED", "WAITING"),
        [(job.kind, _action(job), job.state, counts.done, counts.unchanged, counts.refused, counts.waiting)],
    )


@job.command("items")
@click.argument("job_id", type=ID)
@_outcome_option
@json_option
def job_items(job_id: str, outcome: str, *, as_json: bool) -> None:
    """List the items of a job: the refused ones, unless --outcome asks for others."""

    async def work(tx: Tx) -> tuple[Job, list[JobItem]]:
        job = await jobs.get_job(tx, OPERATOR, await _id(tx, job_id))
        return job, await list_items(tx, job.id, None if outcome == "all" else outcome)

    job, items = transact(work)
    show_list(
        items,
        job_item_out,
        ("ITEM", "OUTCOME", "REASON"),
        lambda item: (item_name(job, item), item.outcome or WAITING, item.detail),
        noun="items",
        as_json=as_json,
    )


@job.command("cancel")
@click.argument("job_id", type=ID)
@json_option
def job_cancel(job_id: str, *, as_json: bool) -> None:
    """Cancel the waiting items of a job. Items that are done stay done."""

    async def work(tx: Tx) -> Job:
        return await jobs.cancel_job(tx, OPERATOR, await _id(tx, job_id), now=now())

    job = transact(work)
    show(job_out(job), f"Job {job.id} cancelled.", as_json=as_json)


async def _id(tx: Tx, text: str) -> UUID:
    return await resolve(text, "job", lambda low, high: jobs.ids_between(tx, OPERATOR, low, high))


def _action(job: Job) -> str:
    request = job.request
    action = str(request.action.__struct_config__.tag) if isinstance(request, BulkRequest) else request.format
    return f"{action} (dry run)" if job.dry_run else action
