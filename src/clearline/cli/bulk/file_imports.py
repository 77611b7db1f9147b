"""The command that attaches the files of another desk."""

from collections.abc import Sequence
from itertools import count
from pathlib import Path

import click

from clearline.bulk.domain import ImportSubject, NewItem
from clearline.bulk.import_file import Format
from clearline.bulk.records import file_usecases as file_imports
from clearline.bulk.records.file_sources import Folder
from clearline.cli.bulk.execution import dry_run_option
from clearline.cli.context import current_settings
from clearline.cli.output import json_option
from clearline.cli.progress import progress_bar
from clearline.cli.tickets.blobs import writable_blobs
from clearline.cli.tickets.transfer import FILE, format_option, import_lines
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.tickets.attachments.domain import attachment_limits


@click.command("files")
@click.argument("file", type=FILE)
@click.option(
    "--folder", type=click.Path(file_okay=False, path_type=Path), required=True,
    help="Where the files are; paths in the list are below it.",
)  # fmt: skip
@format_option
@dry_run_option
@json_option
def import_files(file: Path, folder: Path, kind: Format | None, *, dry_run: bool, as_json: bool) -> None:
    """Attach files to tickets, as a list of them says: CSV or NDJSON (- for standard input), up to 10,000 lines.

    A line has the path of a file, and its ticket: the number, or the company with the external system and id. It may
    have a name, a visibility (public or internal) and an author. A file that its ticket has, by name and content, is
    not attached again. Nobody is notified.
    """
    settings = current_settings()
    staging = file_imports.Staging(Folder(folder), writable_blobs(settings), attachment_limits(settings), dry_run)

    async def stage(database: Database, items: Sequence[NewItem], kind: Format) -> list[NewItem]:
        done = count(1)
        with progress_bar("Reading", len(items)) as show_progress:
            return await file_imports.stage_files(
                database, OPERATOR, items, kind, staging, lambda: show_progress(next(done), len(items))
            )

    import_lines(ImportSubject.FILES, file, kind, stage=stage, dry_run=dry_run, as_json=as_json)
