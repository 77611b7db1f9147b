"""Commands that import and export tickets. Part of ``clearline ticket``."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import IO, Any, get_args

import click

from clearline.bulk import export_usecases as exports
from clearline.bulk import import_file
from clearline.bulk import import_usecases as imports
from clearline.bulk import usecases as jobs
from clearline.bulk.domain import ImportSubject, Job, NewItem
from clearline.bulk.import_file import Format
from clearline.cli.bulk.execution import dry_run_option, execute
from clearline.cli.context import current_settings, run
from clearline.cli.output import json_option
from clearline.cli.terminal.text import write
from clearline.cli.tickets.filters import filter_of, filter_options
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets.status_domain import State

Stage = Callable[[Database, Sequence[NewItem], Format], Awaitable[list[NewItem]]]
FILE = click.Path(dir_okay=False, allow_dash=True, path_type=Path)


_TABLES = {".csv", ".tsv", ".tab"}
"""How the names of tables end."""


format_option = click.option(
    "--format", "kind", type=click.Choice(get_args(Format)), help="Format; by default by the file's name."
)


@click.command("import")
@click.argument("file", type=FILE)
@format_option
@dry_run_option
@json_option
def ticket_import(file: Path, kind: Format | None, *, dry_run: bool, as_json: bool) -> None:
    """Import tickets with their history from a file (- for standard input) of up to 10,000 lines.

    Each line is stored by itself. Wrong lines are named with the reason, and make the exit status 1. A ticket
    whose number in the other system the company already has is not stored again.
    """
    import_lines(ImportSubject.TICKETS, file, kind, dry_run=dry_run, as_json=as_json)


def import_lines(
    subject: ImportSubject,
    file: Path,
    kind: Format | None,
    *,
    stage: Stage | None = None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Import the lines of a file as a job, and print its result; the format is that of the file's name by default.

    ``stage`` makes the items of the job of those of the file, before it is created.
    """
    kind = kind or ("csv" if file.suffix.lower() in _TABLES else "ndjson")
    try:
        with click.open_file(str(file), "rb") as opened:
            body = opened.read()
    except OSError as error:
        raise click.FileError(str(file), error.strerror) from None
    items = import_file.read_file(body, kind, now=now(), subject=imports.lines_of(subject))

    async def prepare(database: Database) -> None:
        if stage is not None:
            items[:] = await stage(database, items, kind)

    async def create(tx: Tx) -> Job:
        most = current_settings().company_jobs_max
        return await jobs.create_import_job(
            tx, OPERATOR, items, kind, subject=subject, dry_run=dry_run, most=most, now=now()
        )

    execute(create, prepare=prepare, as_json=as_json)


@click.command("export")
@click.option("--format", "kind", type=click.Choice(get_args(Format)), default="ndjson", show_default=True,
              help="A JSON object per line, with notes, or a table without notes.")  # fmt: skip
@click.option("--state", type=click.Choice(get_args(State)), default="all", show_default=True,
              help="Only open or finished tickets.")  # fmt: skip
@filter_options()
@click.option("--output", type=click.File("wb", lazy=True, atomic=True), default="-", show_default=True,
              help="File to write; it appears once it is complete.")  # fmt: skip
@click.option("--bom", is_flag=True, help="Begin a table with a byte order mark, by which Excel takes it for UTF-8.")
def ticket_export(kind: Format, state: State, output: IO[bytes], *, bom: bool, **options: Any) -> None:
    """Export tickets in the order of their numbers."""
    if bom and kind != "csv":
        raise click.UsageError("--bom goes with --format csv only.")

    async def work(database: Database) -> None:
        async with database.statement() as tx:
            selected = await filter_of(tx, state, options)
            export = await exports.prepare(tx, OPERATOR, state=state, company=options["company"], selected=selected)
        async for part in exports.read(database, export, kind, bom=bom):
            write(part, output)

    run(work)
