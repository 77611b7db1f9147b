"""Commands for attachments. They read and write the same store as the server."""

import asyncio
import hashlib
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import IO
from uuid import UUID

import click

from clearline.cli.context import current_settings, run, transact
from clearline.cli.exit_status import FAULT_FOUND, REFUSED
from clearline.cli.output import json_option, show, show_done, show_list
from clearline.cli.parameters.ids import ID, resolve_among
from clearline.cli.parameters.numbers import TICKET
from clearline.cli.progress import spinner
from clearline.cli.terminal.questions import confirm, yes_option
from clearline.cli.terminal.text import echo
from clearline.cli.tickets.blobs import writable_blobs
from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database, Tx
from clearline.tickets import access
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.blob_backend import BLOCK, BlobMissing, Key
from clearline.tickets.attachments.blobs import Blobs, open_blobs
from clearline.tickets.attachments.domain import Attachment, attachment_limits, guess_type, new_attachment
from clearline.tickets.attachments.marks import store as mark_store
from clearline.tickets.attachments.marks import usecases as marks
from clearline.tickets.attachments.marks.domain import StoreState
from clearline.tickets.attachments.worker import delete_orphaned_files
from clearline.tickets.domain import ticket_number
from clearline.tickets.note_domain import Visibility
from clearline.wires.house.tickets.attachments.mapping import attachment_out

_MOST = 10_000
"""How many attachments are listed: more than a ticket with those merged into it has."""
_LOOKED_AT = 100
"""How many of the newest attachments are looked for in a store."""


@click.group()
def attachment() -> None:
    """Manage the files attached to tickets."""


@attachment.command("add")
@click.argument("number", type=TICKET)
@click.argument("file", type=click.Path(allow_dash=True))
@click.option("--name", help="Name of the attachment; by default the name of the file.")
@click.option("--type", "media_type", metavar="TYPE", help="Media type; by default guessed from the name.")
@click.option("--internal", is_flag=True, help="Show the file to the provider's people only.")
@json_option
def attachment_add(
    number: str, file: str, name: str | None, media_type: str | None, *, internal: bool, as_json: bool
) -> None:
    """Attach a file (- for standard input, with --name) to a ticket."""
    if name is None and file == "-":
        raise click.UsageError("Standard input has no name: give one with --name.")
    file_name = name or Path(file).name
    settings = current_settings()
    limits = attachment_limits(settings)
    visibility = Visibility.INTERNAL if internal else Visibility.PUBLIC
    new = new_attachment(file_name, media_type or guess_type(file_name), visibility, limits)
    blobs = writable_blobs(settings)

    async def work(database: Database) -> Attachment:
        known = access.parse_number(number)
        await marks.require_own(database, blobs)
        async with database.statement() as tx:
            company_id = await attachments.require_attachable(tx, OPERATOR, known, visibility)
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
    show(attachment_out(added), f"{added.name} ({added.size} bytes) attached with id {added.id}.", as_json=as_json)


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := file.read(BLOCK):
        yield chunk


@attachment.command("list")
@click.argument("number", type=TICKET)
@json_option
def attachment_list(number: str, *, as_json: bool) -> None:
    """List the attachments of a ticket and of the tickets merged into it, oldest first."""

    async def work(tx: Tx) -> list[Attachment]:
        return await attachments.list_attachments(tx, OPERATOR, access.parse_number(number), limit=_MOST)

    show_list(
        transact(work),
        attachment_out,
        ("ID", "SIZE", "TYPE", "VISIBILITY", "BY", "ADDED", "NAME", "TICKET"),
        lambda file: (
            file.id,
            file.size,
            file.media_type,
            file.visibility,
            file.author,
            file.created_at,
            file.name,
            ticket_number(file.ticket_number),
        ),
        noun="attachments",
        as_json=as_json,
    )


@attachment.command("get")
@click.argument("number", type=TICKET)
@click.argument("attachment_id", metavar="ID", type=ID)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="File, directory, or - for standard output; by default a file with the attachment's name here.",
)
@json_option
def attachment_get(number: str, attachment_id: str, output: Path | None, *, as_json: bool) -> None:
    """Download an attachment and verify its SHA-256.

    The exit status is 3 when its content is missing in the store of attachments, or damaged.
    """

    async def work(tx: Tx) -> Attachment:
        known = access.parse_number(number)
        return await attachments.get_attachment(tx, OPERATOR, known, await _id(tx, known, attachment_id))

    attached = transact(work)
    blobs = open_blobs(current_settings())
    if output == Path("-"):
        if sys.stdout.isatty():
            raise click.UsageError("Standard output is a terminal, which a file may steer: give a file, or use a pipe.")
        _download(blobs, attached, click.open_file("-", "wb"))
        return
    target = _target(attached, output)
    handle, part = tempfile.mkstemp(dir=target.parent, prefix=".clearline-")
    try:
        with os.fdopen(handle, "wb") as file, spinner(f"Downloading {attached.name} ..."):
            _download(blobs, attached, file)
        Path(part).replace(target)
    finally:
        with suppress(FileNotFoundError):
            Path(part).unlink()
    show(attachment_out(attached), f"{attached.size} bytes written to {target}.", as_json=as_json)


def _target(attachment: Attachment, output: Path | None) -> Path:
    """Return where a download goes. A name that somebody else chose neither hides the file nor replaces another."""
    if output is not None and not output.is_dir():
        if not output.absolute().parent.is_dir():
            raise click.UsageError(f"The directory {output.parent} does not exist.")
        return output
    name = "_" + attachment.name[1:] if attachment.name.startswith(".") else attachment.name
    target = (output or Path()) / name
    if target.exists():
        echo(f"refused: {target} already exists; give another name with -o", err=True)
        click.get_current_context().exit(REFUSED)
    return target


def _download(blobs: Blobs, attachment: Attachment, file: IO[bytes]) -> None:
    try:
        asyncio.run(_copy(blobs, attachment, file))
    except BlobMissing as error:
        echo(f"error: {error}; clearline doctor checks the store", err=True)
        click.get_current_context().exit(FAULT_FOUND)


async def _copy(blobs: Blobs, attachment: Attachment, file: IO[bytes]) -> None:
    digest = hashlib.sha256()
    async for block in blobs.read(Key(attachment.company_id, attachment.id), length=attachment.size):
        digest.update(block)
        file.write(block)
    if digest.digest() != attachment.sha256:
        raise BlobMissing(f"the content of attachment {attachment.id} is damaged: its SHA-256 differs")


@attachment.command("delete")
@click.argument("number", type=TICKET)
@click.argument("attachment_id", metavar="ID", type=ID)
@yes_option
@json_option
def attachment_delete(number: str, attachment_id: str, *, yes: bool, as_json: bool) -> None:
    """Delete an attachment. The ticket's history still names it."""
    confirm(f"Delete attachment {attachment_id} of {number} permanently?", yes=yes)
    blobs = open_blobs(current_settings())

    async def work(database: Database) -> Attachment:
        async with database.transaction() as tx:
            known = access.parse_number(number)
            named = await _id(tx, known, attachment_id)
            deleted = await attachments.remove_attachment(tx, OPERATOR, known, named, now=now())
        await blobs.delete(Key(deleted.company_id, deleted.id))
        return deleted

    deleted = run(work)
    show_done(f"{deleted.name} deleted from {number}.", as_json=as_json)


async def _id(tx: Tx, number: int, text: str) -> UUID:
    async def ids() -> list[UUID]:
        return [attached.id for attached in await attachments.list_attachments(tx, OPERATOR, number, limit=_MOST)]

    return await resolve_among(text, "attachment", ids)


@attachment.command("sweep")
@json_option
def attachment_sweep(*, as_json: bool) -> None:
    """Delete orphaned files, which have had no ticket for a day (CLEARLINE_KEEP_ORPHANED_ATTACHMENTS_DAYS).

    The server does so every six hours.
    """
    settings = current_settings()
    before = now() - timedelta(days=settings.keep_orphaned_attachments_days)

    async def work(database: Database) -> int:
        return sum([count async for count in delete_orphaned_files(database, open_blobs(settings), before=before)])

    deleted = run(work)
    show({"swept": deleted}, f"{deleted} orphaned files deleted.", as_json=as_json)


@attachment.command("adopt")
@yes_option
@json_option
def attachment_adopt(*, yes: bool, as_json: bool) -> None:
    """Take the store of attachments of the settings for that of the desk.

    A server marks its store when it first starts, and warns when it finds another one. Adopt a store after you copied
    the attachments to a new place without their mark (clearline-store.txt). Every server must then have that store.
    """
    blobs = writable_blobs(current_settings())

    async def look(database: Database) -> tuple[StoreState, int, int]:
        state = await marks.recognize(database, blobs)
        async with database.statement() as tx:
            newest = await mark_store.newest_attachments(tx, limit=_LOOKED_AT)
        return state, len(newest), len(newest) - len(await marks.missing(blobs, newest))

    state, newest, there = run(look)
    if state is StoreState.OWN:
        show_done(f"{blobs.location} is the store of this desk already.", as_json=as_json)
        return
    found = f"has {there} of the newest {newest} attachments of the desk"
    foreign = ", and the mark of another desk" if state is StoreState.FOREIGN else ""
    confirm(f"{blobs.location} {found}{foreign}. Take it for the store of this desk?", yes=yes)
    run(lambda database: marks.adopt(database, blobs, now=now()))
    show_done(f"{blobs.location} is the store of this desk now. It {found}.", as_json=as_json)
