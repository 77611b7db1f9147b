"""The command that attaches the files of another desk."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import click
import msgspec

from clearline.accounts import permissions
from clearline.bulk import import_store
from clearline.bulk.import_file import Format, read_file
from clearline.bulk.records.domain import FILES, ListedFile
from clearline.cli.bulk.execution import dry_run_option
from clearline.cli.context import current_settings, run
from clearline.cli.exit_status import REFUSED
from clearline.cli.output import json_option, show
from clearline.cli.progress import progress_bar
from clearline.cli.terminal.text import echo
from clearline.cli.tickets.blobs import writable_blobs
from clearline.cli.tickets.transfer import FILE, format_option
from clearline.clock import now
from clearline.errors import DeskError, NotFound, RuleCode, Violation
from clearline.errors import InvalidInput as Invalid
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets.attachments import import_usecases as imports
from clearline.tickets.attachments.blob_backend import BLOCK, Key
from clearline.tickets.attachments.blobs import Blobs
from clearline.tickets.attachments.domain import Limits, attachment_limits, guess_type, new_attachment
from clearline.tickets.domain import parse_ticket_number

_read = msgspec.json.Decoder(ListedFile).decode


class FileCounts(msgspec.Struct, frozen=True):
    """What an import of files did, or in a dry run would do."""

    dry_run: bool
    done: int
    unchanged: int
    refused: int


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
    kind = kind or ("csv" if file.suffix.lower() == ".csv" else "ndjson")
    with click.open_file(str(file), "rb") as opened:
        items = read_file(opened.read(), kind, now=now(), subject=FILES)
    settings = current_settings()
    blobs, limits = writable_blobs(settings), attachment_limits(settings)
    counts = {"done": 0, "unchanged": 0, "refused": 0}

    async def work(database: Database) -> None:
        with progress_bar("Checking" if dry_run else "Attaching", len(items)) as show_progress:
            for place, item in enumerate(items, 1):
                try:
                    if item.refusal is not None:
                        raise Invalid([Violation("line", item.refusal, RuleCode.FORMAT)])
                    listed = _read(item.input)
                    added = await _attach(database, blobs, limits, folder, listed, dry_run=dry_run)
                    counts["done" if added else "unchanged"] += 1
                except (DeskError, OSError) as error:
                    counts["refused"] += 1
                    echo(f"line {place}: {item.refusal or error}", err=True)
                show_progress(place, len(items))

    run(work)
    result = FileCounts(dry_run, **counts)
    would = "would be " if dry_run else ""
    show(
        result, f"{result.done} {would}attached, {result.unchanged} unchanged, {result.refused} refused.",
        as_json=as_json,
    )  # fmt: skip
    if result.refused:
        click.get_current_context().exit(REFUSED)


async def _attach(
    database: Database, blobs: Blobs, limits: Limits, folder: Path, listed: ListedFile, *, dry_run: bool
) -> bool:
    """Attach a file; False when its ticket has it already."""
    path = _path(folder, listed.path)
    name = listed.name or path.name
    new = new_attachment(name, guess_type(name), listed.visibility, limits)
    async with database.statement() as tx:
        number = await _ticket(tx, listed)
        company_id = await imports.require_importable(tx, OPERATOR, number)
        with path.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").digest()
        if await imports.has_attachment(tx, OPERATOR, number, new.name, digest):
            return False
    if dry_run:
        return True
    content = await blobs.stage(company_id, _chunks(path), most=limits.size)
    is_kept = False
    try:
        async with database.transaction() as tx:
            is_kept = await imports.import_attachment(tx, OPERATOR, number, new, content, listed.author, now=now())
    finally:
        if not is_kept:
            await blobs.delete(Key(company_id, content.id))
    return is_kept


def _path(folder: Path, name: str) -> Path:
    """Return the path of a file below the folder; refuse one that leads out of it."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise Invalid([Violation("path", f"{name} is no file below the folder", RuleCode.REFERENCE)])
    return path


async def _ticket(tx: Tx, listed: ListedFile) -> int:
    if listed.ticket is not None and (number := parse_ticket_number(listed.ticket)) is not None:
        return number
    if listed.company is None or listed.external is None:
        raise NotFound("ticket", "of the line")
    company = await permissions.company_named(tx, OPERATOR, listed.company)
    number = await import_store.find(tx, company.id, listed.external)
    if number is None:
        raise NotFound("ticket", f"{listed.external.system}:{listed.external.id}")
    return number


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as opened:
        while chunk := opened.read(BLOCK):
            yield chunk
