"""Many tickets at once: change them, bring them in, take them out; and the jobs that do it."""

import asyncio
import re
import sys
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import click
from msgspec import UNSET
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn

from clearline.accounts import usecases as accounts
from clearline.bulk import export_usecases as exports
from clearline.bulk import import_usecases as imports
from clearline.bulk import usecases as jobs
from clearline.bulk.domain import (
    Action,
    AddNote,
    Assign,
    BulkRequest,
    ChangeStatus,
    ChangeTags,
    ChangeValues,
    Counts,
    ItemOutcome,
    Job,
    JobItem,
    JobKind,
)
from clearline.bulk.export_usecases import State
from clearline.bulk.import_usecases import Format
from clearline.bulk.worker import work
from clearline.cli.context import REFUSED, as_json, emit, run, table, within
from clearline.clock import now
from clearline.identity import OPERATOR, PROVIDER_ID
from clearline.platform.database.transactions import Database, Tx
from clearline.queues import usecases as queues
from clearline.tickets.domain import Channel, Priority, Severity, Status, ticket_number
from clearline.tickets.note_domain import Visibility

NOBODY = "nobody"
NONE = "none"
_PAGE = 1000
_WAIT = 0.2
"""Seconds between two looks at a job whose last items another process does."""

Made = Callable[[Tx], Coroutine[Any, Any, Job]]

_tickets = click.argument("tickets", nargs=-1, metavar="[NUMBER]...")
_from = click.option("--from", "file", type=click.File(), help="A file (- for standard input) with a number a line.")
_dry_run = click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
_file = click.Path(dir_okay=False, allow_dash=True, path_type=Path)


@click.group()
def bulk() -> None:
    """Change many tickets at once, each by itself.

    Every ticket that takes the change has it; those that refuse are named with the reason, and make the exit status 1.
    """


@bulk.command("status")
@click.argument("status", type=click.Choice([one.value for one in Status]))
@_tickets
@_from
@click.option("--reason", default="", help="Why, for the history.")
@_dry_run
@as_json
def bulk_status(status: str, reason: str, **asked: Any) -> None:
    """Move tickets to another status."""
    _bulk(lambda _tx: _ready(ChangeStatus(Status(status), reason)), **asked)


@bulk.command("assign")
@click.argument("to", metavar="EMAIL|nobody")
@_tickets
@_from
@_dry_run
@as_json
def bulk_assign(to: str, **asked: Any) -> None:
    """Give tickets to an agent, or to nobody."""

    async def action(tx: Tx) -> Action:
        return Assign(None if to == NOBODY else (await accounts.get_user(tx, OPERATOR, PROVIDER_ID, to)).id)

    _bulk(action, **asked)


@bulk.command("change")
@_tickets
@_from
@click.option("--priority", type=click.Choice([one.value for one in Priority]), help="How soon it is worked on.")
@click.option("--severity", type=click.Choice([one.value for one in Severity]), help="How bad it is.")
@click.option("--queue", help="Where it waits; none takes it out of its queue.")
@_dry_run
@as_json
def bulk_change(priority: str | None, severity: str | None, queue: str | None, **asked: Any) -> None:
    """Set values of tickets; those that are not named stay."""

    async def action(tx: Tx) -> Action:
        queue_id = None if queue in {None, NONE} else (await queues.queue_named(tx, OPERATOR, str(queue))).id
        return ChangeValues(
            UNSET if priority is None else Priority(priority),
            UNSET if severity is None else Severity(severity),
            UNSET if queue is None else queue_id,
        )

    _bulk(action, **asked)


@bulk.command("tag")
@_tickets
@_from
@click.option("--add", multiple=True, metavar="TAG", help="A tag to put on; may be given again.")
@click.option("--remove", multiple=True, metavar="TAG", help="A tag to take off; may be given again.")
@_dry_run
@as_json
def bulk_tag(add: tuple[str, ...], remove: tuple[str, ...], **asked: Any) -> None:
    """Put tags on tickets, and take tags off."""
    _bulk(lambda _tx: _ready(ChangeTags(add, remove)), **asked)


@bulk.command("note")
@click.argument("text")
@_tickets
@_from
@click.option("--internal", is_flag=True, help="Only the provider's people may read it.")
@_dry_run
@as_json
def bulk_note(text: str, *, internal: bool, **asked: Any) -> None:
    """Add the same note of the provider's to tickets."""
    visibility = Visibility.INTERNAL if internal else Visibility.PUBLIC
    _bulk(lambda _tx: _ready(AddNote(text, visibility)), **asked)


async def _ready(action: Action) -> Action:
    return action


def _bulk(
    action: Callable[[Tx], Coroutine[Any, Any, Action]],
    *,
    tickets: Sequence[str],
    file: IO[str] | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    named = [*tickets, *_numbers(file)]
    if not named:
        raise click.UsageError("Name tickets, or a file of them with --from.")

    async def make(tx: Tx) -> Job:
        return await jobs.create_bulk_job(
            tx, OPERATOR, named, await action(tx), channel=Channel.CONSOLE, dry_run=dry_run, now=now()
        )

    _do(make, as_json=as_json)


def _numbers(file: IO[str] | None) -> list[str]:
    """The first word of each line."""
    lines = [] if file is None else [line.strip() for line in file]
    return [re.split(r"[\s,;]", line, maxsplit=1)[0] for line in lines if line]


def _do(make: Made, *, as_json: bool) -> None:
    """Make a job, do it here and now, and tell what became of it."""

    async def whole(database: Database) -> tuple[Job, list[JobItem]]:
        async with database.transaction() as tx:
            job = await make(tx)
        with Progress(
            SpinnerColumn(),
            *Progress.get_default_columns(),
            MofNCompleteColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        ) as progress:
            task = progress.add_task("Trying ..." if job.dry_run else "Working ...", total=_counts(job).waiting)
            await _finish(database, job, lambda: progress.advance(task))
        async with database.statement() as tx:
            return await jobs.get_job(tx, OPERATOR, job.id), await _items(tx, job.id, ItemOutcome.REFUSED)

    job, refused = run(whole)
    if as_json:
        emit({**_described(job), "refused": [_item(job, one) for one in refused]})
    else:
        _tell(job, refused)
    if refused:
        click.get_current_context().exit(REFUSED)


async def _finish(database: Database, job: Job, told: Callable[[], None]) -> None:
    """Do what waits of a job; a server that runs meanwhile may do some of it."""
    found = job
    while found.finished_at is None:
        await work(database, job, now, most=job.total + 1, told=told)
        async with database.statement() as tx:
            found = await jobs.get_job(tx, OPERATOR, job.id)
        if found.finished_at is None:
            await asyncio.sleep(_WAIT)


async def _items(tx: Tx, job_id: UUID, outcome: str | None) -> list[JobItem]:
    found: list[JobItem] = []
    after: int | None = None
    while page := await jobs.list_items(tx, OPERATOR, job_id, outcome=outcome, after=after, limit=_PAGE):
        found += page
        after = page[-1].position
    return found


def _counts(job: Job) -> Counts:
    return job.counts or Counts(0, 0, 0, job.total)


def _tell(job: Job, refused: list[JobItem]) -> None:
    for one in refused:
        click.echo(f"{_name(job, one)}: {one.detail}", err=True)
    counts = _counts(job)
    would = "would be " if job.dry_run else ""
    click.echo(f"{counts.done} {would}done, {counts.unchanged} unchanged, {counts.refused} refused (job {job.id}).")


def _name(job: Job, item: JobItem) -> str:
    """What people call an item: the number of its line (a table's rows count after the heading), or of its ticket."""
    if job.kind is JobKind.IMPORT:
        return f"line {item.position + 1}"
    return ticket_number(item.ticket_number or 0)


@click.command("import")
@click.argument("file", type=_file)
@click.option("--format", "kind", type=click.Choice(["ndjson", "csv"]), help="What the file is; its name says so too.")
@_dry_run
@as_json
def ticket_import(file: Path, kind: Format | None, *, dry_run: bool, as_json: bool) -> None:
    """Bring tickets of another desk in, with their history, from a file (- for standard input) of up to 10,000 lines.

    Each line is stored by itself; those that are wrong are named with the reason, and make the exit status 1. A ticket
    whose number in the other system the company has already stays as it is, so that a file may be imported again.
    """
    kind = kind or ("csv" if file.suffix.lower() == ".csv" else "ndjson")
    try:
        with click.open_file(str(file), "rb") as opened:
            body = opened.read()
    except OSError as error:
        raise click.FileError(str(file), error.strerror) from None
    items = imports.read_file(body, kind, now=now())

    async def make(tx: Tx) -> Job:
        return await jobs.create_import_job(tx, OPERATOR, items, kind, dry_run=dry_run, now=now())

    _do(make, as_json=as_json)


@click.command("export")
@click.option("--format", "kind", type=click.Choice(["ndjson", "csv"]), default="ndjson", show_default=True,
              help="A JSON object a line with the notes, or a table without them.")  # fmt: skip
@click.option("--state", type=click.Choice(["open", "finished", "all"]), default="all", show_default=True,
              help="Those still worked on, those that ended, or both.")  # fmt: skip
@click.option("--company", metavar="NAME", help="Only this company's.")
@click.option("--since", type=click.DateTime(), help="Only those raised at this time (UTC) or later.")
@click.option("--output", type=click.File("wb", lazy=True, atomic=True), default="-", show_default=True,
              help="Where to; a file appears when it is whole.")  # fmt: skip
def ticket_export(kind: Format, state: State, company: str | None, since: datetime | None, output: IO[bytes]) -> None:
    """Write tickets with everything that the provider knows of them, in the order of their numbers."""

    async def whole(database: Database) -> None:
        created_since = None if since is None else since.replace(tzinfo=UTC)
        async with database.statement() as tx:
            export = await exports.prepare(tx, OPERATOR, state=state, company=company, created_since=created_since)
        async for part in exports.read(database, export, kind):
            output.write(part)

    run(whole)


@click.group()
def job() -> None:
    """Work on many tickets that somebody asked for."""


@job.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many.")
@as_json
def job_list(limit: int, *, as_json: bool) -> None:
    """The newest jobs."""
    found = within(lambda tx: jobs.list_jobs(tx, OPERATOR, after=None, limit=limit))
    if as_json:
        emit([_described(one) for one in found])
        return
    table(
        ("ID", "KIND", "WHAT", "STATE", "ITEMS", "ASKED BY", "CREATED"),
        [(one.id, one.kind, _what(one), one.state, one.total, one.actor_name, one.created_at) for one in found],
    )


@job.command("show")
@click.argument("job_id", type=click.UUID)
@click.option(
    "--outcome",
    type=click.Choice(["waiting", *(outcome.value for outcome in ItemOutcome), "all"]),
    default="refused",
    show_default=True,
    help="Which items to show.",
)
@as_json
def job_show(job_id: UUID, outcome: str, *, as_json: bool) -> None:
    """A job with its counts and items."""

    async def read(tx: Tx) -> tuple[Job, list[JobItem]]:
        found = await jobs.get_job(tx, OPERATOR, job_id)
        return found, await _items(tx, job_id, None if outcome == "all" else outcome)

    found, items = within(read)
    if as_json:
        emit({**_described(found), "items": [_item(found, one) for one in items]})
        return
    counts = _counts(found)
    table(
        ("KIND", "WHAT", "STATE", "DONE", "UNCHANGED", "REFUSED", "WAITING"),
        [(found.kind, _what(found), found.state, counts.done, counts.unchanged, counts.refused, counts.waiting)],
    )
    table(("ITEM", "OUTCOME", "WHY"), [(_name(found, one), one.outcome or "waiting", one.detail) for one in items])


@job.command("cancel")
@click.argument("job_id", type=click.UUID)
@as_json
def job_cancel(job_id: UUID, *, as_json: bool) -> None:
    """Have what waits of a job not be done; what is done stays done."""
    found = within(lambda tx: jobs.cancel_job(tx, OPERATOR, job_id, now=now()))
    emit(_described(found)) if as_json else click.echo(f"Job {found.id} is cancelled.")


def _what(one: Job) -> str:
    what = str(one.request.action.__struct_config__.tag) if isinstance(one.request, BulkRequest) else one.request.format
    return f"{what} (dry run)" if one.dry_run else what


def _described(one: Job) -> dict[str, object]:
    return {
        "id": one.id,
        "kind": one.kind,
        "state": one.state,
        "request": one.request,
        "dryRun": one.dry_run,
        "total": one.total,
        "counts": one.counts,
        "askedBy": one.actor_name,
        "createdAt": one.created_at,
        "finishedAt": one.finished_at,
    }


def _item(job: Job, one: JobItem) -> dict[str, object]:
    return {
        "item": _name(job, one),
        "ticket": None if one.ticket_number is None else ticket_number(one.ticket_number),
        "outcome": one.outcome or "waiting",
        "code": one.code,
        "detail": one.detail,
    }
