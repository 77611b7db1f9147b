"""Files of tickets. The command line reads and writes the same store as the server."""

import asyncio
import hashlib
import mimetypes
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import IO
from uuid import UUID

import click
from rich.console import Console

from clearline.cli.context import REFUSED, as_json, emit, run, settings, table, within
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets import access
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.blobs import BLOCK, Blobs, BlobsUnavailable, Key, open_blobs
from clearline.tickets.attachments.domain import Attachment, Limits, new_attachment
from clearline.tickets.attachments.worker import sweep
from clearline.tickets.domain import ticket_number
from clearline.tickets.note_domain import Visibility

_TYPES = {
    ".log": "text/plain",
    ".cfg": "text/plain",
    ".conf": "text/plain",
    ".md": "text/markdown",
    ".pcap": "application/vnd.tcpdump.pcap",
    ".pcapng": "application/x-pcapng",
    ".eml": "message/rfc822",
    ".msg": "application/vnd.ms-outlook",
}
"""What Python's own table lacks, or takes from the machine's."""

_ENCODINGS = {"gzip": "application/gzip"}


@click.group()
def attachment() -> None:
    """Files of tickets."""


@attachment.command("add")
@click.argument("number")
@click.argument("file", type=click.Path(allow_dash=True))
@click.option("--name", help="What to call it; the file's own name unless given.")
@click.option("--type", "media_type", metavar="TYPE", help="Its media type; guessed from the name unless given.")
@click.option("--internal", is_flag=True, help="Only the provider's people may see it.")
@as_json
def attachment_add(
    number: str, file: str, name: str | None, media_type: str | None, *, internal: bool, as_json: bool
) -> None:
    """Attach a file (- for standard input, with --name)."""
    if name is None and file == "-":
        raise click.UsageError("Standard input has no name: give --name.")
    called = name or Path(file).name
    found = settings()
    limits = Limits(found.attachment_max, found.attachment_types)
    visibility = Visibility.INTERNAL if internal else Visibility.PUBLIC
    new = new_attachment(called, media_type or guessed(called), visibility, limits)
    blobs = open_blobs(found)

    async def work(database: Database) -> Attachment:
        known = access.check_number(number)
        async with database.statement() as tx:
            company_id = await attachments.attachable(tx, OPERATOR, known, visibility)
        content = await blobs.stage(company_id, _chunks(source), most=limits.size)
        is_kept = False
        try:
            async with database.transaction() as tx:
                added = await attachments.add_attachment(tx, OPERATOR, known, new, content, now=now())
                is_kept = True
        finally:
            if not is_kept:
                await blobs.delete(Key(company_id, content.id))
        return added

    try:
        source = click.open_file(file, "rb")
    except OSError as error:
        raise click.UsageError(f"{file} cannot be read: {error.strerror}.") from None
    with source:
        added = run(work)
    emit(_described(added)) if as_json else click.echo(f"{added.name} ({added.size} bytes) attached as {added.id}.")


def guessed(name: str) -> str | None:
    """The media type that a file's name speaks for, or None."""
    kind, encoding = mimetypes.guess_type(name)
    return _ENCODINGS.get(encoding) if encoding else _TYPES.get(Path(name).suffix.lower(), kind)


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := file.read(BLOCK):
        yield chunk


@attachment.command("list")
@click.argument("number")
@as_json
def attachment_list(number: str, *, as_json: bool) -> None:
    """The files of a ticket, oldest first."""

    async def work(tx: Tx) -> list[Attachment]:
        return await attachments.list_attachments(tx, OPERATOR, access.check_number(number))

    found = within(work)
    if as_json:
        emit([_described(one) for one in found])
        return
    table(
        ("ID", "SIZE", "TYPE", "VISIBILITY", "BY", "ADDED", "NAME"),
        [(one.id, one.size, one.media_type, one.visibility, one.author, one.created_at, one.name) for one in found],
    )


@attachment.command("get")
@click.argument("number")
@click.argument("attachment_id", metavar="ID", type=click.UUID)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Where to write it: a file, a directory, or - for standard output. Its own name, here, unless given.",
)
@as_json
def attachment_get(number: str, attachment_id: UUID, output: Path | None, *, as_json: bool) -> None:
    """Download a file, and make sure that it is what was attached."""

    async def work(tx: Tx) -> Attachment:
        return await attachments.get_attachment(tx, OPERATOR, access.check_number(number), attachment_id)

    one = within(work)
    blobs = open_blobs(settings())
    if output == Path("-"):
        asyncio.run(_fetch(blobs, one, click.open_file("-", "wb")))
        return
    target = _target(one, output)
    handle, part = tempfile.mkstemp(dir=target.parent, prefix=".clearline-")
    try:
        with os.fdopen(handle, "wb") as file, Console(stderr=True).status(f"Downloading {one.name} ..."):
            asyncio.run(_fetch(blobs, one, file))
        Path(part).replace(target)
    finally:
        with suppress(FileNotFoundError):
            Path(part).unlink()
    emit({**_described(one), "file": str(target)}) if as_json else click.echo(f"{one.size} bytes written to {target}.")


def _target(one: Attachment, output: Path | None) -> Path:
    """Where a download goes. A name that somebody else chose neither hides the file nor replaces another."""
    if output is not None and not output.is_dir():
        if not output.absolute().parent.is_dir():
            raise click.UsageError(f"There is no directory {output.parent}.")
        return output
    name = "_" + one.name[1:] if one.name.startswith(".") else one.name
    target = (output or Path()) / name
    if target.exists():
        click.echo(f"refused: {target} exists already; give another name with -o", err=True)
        click.get_current_context().exit(REFUSED)
    return target


async def _fetch(blobs: Blobs, one: Attachment, file: IO[bytes]) -> None:
    digest = hashlib.sha256()
    async for block in blobs.read(Key(one.company_id, one.id), length=one.size):
        digest.update(block)
        file.write(block)
    if digest.digest() != one.sha256:
        raise BlobsUnavailable(f"the content of attachment {one.id} is not what was attached: its SHA-256 differs")


@attachment.command("delete")
@click.argument("number")
@click.argument("attachment_id", metavar="ID", type=click.UUID)
@as_json
def attachment_delete(number: str, attachment_id: UUID, *, as_json: bool) -> None:
    """Delete a file. That it was there stays in the ticket's history."""
    blobs = open_blobs(settings())

    async def work(database: Database) -> Attachment:
        async with database.transaction() as tx:
            known = access.check_number(number)
            gone = await attachments.remove_attachment(tx, OPERATOR, known, attachment_id, now=now())
        await blobs.delete(Key(gone.company_id, gone.id))
        return gone

    gone = run(work)
    emit(_described(gone)) if as_json else click.echo(f"{gone.name} deleted from {number}.")


@attachment.command("sweep")
@as_json
def attachment_sweep(*, as_json: bool) -> None:
    """Delete contents that no ticket has had for a day (CLEARLINE_KEEP_ORPHANED_ATTACHMENTS_DAYS).

    The server does so every six hours.
    """
    blobs, keep = open_blobs(settings()), timedelta(days=settings().keep_orphaned_attachments_days)
    swept = run(lambda database: sweep(database, blobs, before=now() - keep))
    emit({"swept": swept}) if as_json else click.echo(f"{swept} contents without a ticket deleted.")


def _described(one: Attachment) -> dict[str, object]:
    return {
        "id": one.id,
        "ticket": ticket_number(one.ticket_number),
        "name": one.name,
        "mediaType": one.media_type,
        "size": one.size,
        "sha256": one.sha256.hex(),
        "visibility": one.visibility,
        "source": one.source,
        "author": one.author,
        "createdAt": one.created_at,
    }
