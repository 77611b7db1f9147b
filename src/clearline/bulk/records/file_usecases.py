"""Import the files of another desk: store what a list names, then attach it to tickets."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import uuid4

import msgspec

from clearline.accounts import permissions
from clearline.bulk import import_store
from clearline.bulk.domain import ItemOutcome, ItemResult, NewItem
from clearline.bulk.import_file import Format, refusal_text
from clearline.bulk.records.domain import ImportedFile, ListedFile
from clearline.bulk.records.file_sources import FileSource, chunks_of, digest_of
from clearline.errors import AttachmentTooLarge, DeskError, NotFound
from clearline.identity import Actor
from clearline.platform.database.transactions import Transactions, Tx
from clearline.tickets.attachments import import_usecases as attachments
from clearline.tickets.attachments.blobs import Blobs
from clearline.tickets.attachments.domain import Content, Limits, NewAttachment, guess_type, new_attachment
from clearline.tickets.domain import parse_ticket_number

_read_listed = msgspec.json.Decoder(ListedFile).decode
_read_imported = msgspec.json.Decoder(ImportedFile).decode


class Staging(msgspec.Struct, frozen=True):
    """Where the files of an import come from, and where they are stored; in a dry run they are only read."""

    source: FileSource
    blobs: Blobs
    limits: Limits
    dry_run: bool


async def stage_files(
    database: Transactions,
    actor: Actor,
    items: Sequence[NewItem],
    kind: Format,
    staging: Staging,
    on_item: Callable[[], None] = lambda: None,
) -> list[NewItem]:
    """Return the items of a job that attaches listed files, after their content is stored; ``on_item`` follows each.

    A line whose ticket or file is not there is refused. Content that the job does not attach is orphaned.

    Raises:
        BlobsUnavailable: content cannot be stored.
    """
    staged: list[NewItem] = []
    for item in items:
        try:
            staged.append(item if item.refusal is not None else await _stage(database, actor, item, staging))
        except DeskError as error:
            staged.append(NewItem(refusal=refusal_text(error, kind)))
        on_item()
    return staged


async def _stage(database: Transactions, actor: Actor, item: NewItem, staging: Staging) -> NewItem:
    listed = _read_listed(item.input)
    file = staging.source.find(listed.path)
    name = listed.name or file.name
    new = new_attachment(name, guess_type(name), listed.visibility, staging.limits)
    if file.size > staging.limits.size:
        raise AttachmentTooLarge(staging.limits.size)
    digest = await digest_of(file, listed.path)
    async with database.statement() as tx:
        number = await _ticket(tx, actor, listed)
        company_id = await attachments.require_importable(tx, actor, number)
        is_there = await attachments.has_attachment(tx, actor, number, new.name, digest)
    content = Content(uuid4(), file.size, digest)
    if not staging.dry_run and not is_there:
        chunks = chunks_of(file, listed.path)
        content = await staging.blobs.stage(company_id, chunks, most=staging.limits.size)
    imported = ImportedFile(
        number, new.name, new.media_type, new.visibility, listed.author, content.size, content.sha256.hex(),
        None if is_there else content.id,
    )  # fmt: skip
    return NewItem(msgspec.json.encode(imported).decode(), number)


async def _ticket(tx: Tx, actor: Actor, listed: ListedFile) -> int:
    if listed.ticket is not None and (number := parse_ticket_number(listed.ticket)) is not None:
        return number
    if listed.company is None or listed.external is None:
        raise NotFound("ticket", "of the line")
    company = await permissions.company_named(tx, actor, listed.company)
    number = await import_store.find(tx, company.id, listed.external)
    if number is None:
        raise NotFound("ticket", f"{listed.external.system}:{listed.external.id}")
    return number


async def import_file(tx: Tx, actor: Actor, line: str, *, now: datetime) -> ItemResult:
    """Attach the file of a line, whose content is stored, unless its ticket has it, by name and content.

    Raises:
        DeskError: as ``attachments.import_usecases.import_attachment``.
    """
    file = _read_imported(line)
    if file.content is None:
        return ItemResult(ItemOutcome.UNCHANGED, file.ticket)
    new = NewAttachment(file.name, file.media_type, file.visibility)
    content = Content(file.content, file.size, bytes.fromhex(file.sha256))
    is_added = await attachments.import_attachment(tx, actor, file.ticket, new, content, file.author, now=now)
    return ItemResult(ItemOutcome.DONE if is_added else ItemOutcome.UNCHANGED, file.ticket)
