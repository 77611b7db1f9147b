"""Export all that is stored about a person into a ZIP file, in bounded memory."""

import asyncio
import tempfile
import zipfile
from collections.abc import AsyncIterator
from datetime import datetime
from typing import IO
from uuid import UUID, uuid4

import msgspec

from clearline.errors import NotFound
from clearline.events.domain import Change
from clearline.events.record_changes import append_record_event
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Transactions, Tx
from clearline.privacy import person_usecases as people
from clearline.privacy import store as page_store
from clearline.privacy.data_map import TABLES, Form, Table
from clearline.privacy.domain import KIND, NOT_EXPORTED, Contents, Person, PersonExport, Subject
from clearline.tickets.attachments.blob_backend import BlobMissing, BlobsUnavailable, Key
from clearline.tickets.attachments.blobs import Blobs
from clearline.tickets.domain import ticket_number

_BLOCK = 256 * 1024
_format = msgspec.json.format


async def prepare_export(tx: Tx, actor: Actor, address: str, *, now: datetime) -> PersonExport:
    """Return the export of the person with an address, and store the event of it: who exported, and whose accounts.

    Raises:
        Forbidden: the actor is no admin of the provider.
    """
    person = await people.find_person(tx, actor, address, Scope.PEOPLE_EXPORT)
    accounts = [str(user_id) for user_id in person.user_ids]
    subject, changes = Subject(uuid4()), [Change("accounts", None, accounts)]
    await append_record_event(tx, actor, KIND, "exported", subject, changes, now=now)
    return PersonExport(person, now)


async def read(database: Transactions, blobs: Blobs, export: PersonExport) -> AsyncIterator[bytes]:
    """Make the file of an export, and yield its parts.

    Raises:
        NotFound: nothing is stored about the person.
    """
    with tempfile.TemporaryFile() as file:
        contents = await write(database, blobs, export, file)
        if not (contents.records or contents.mails or contents.files):
            raise NotFound(KIND, export.person.address)
        file.seek(0)
        while block := await asyncio.to_thread(file.read, _BLOCK):
            yield block


async def write(database: Transactions, blobs: Blobs, export: PersonExport, target: IO[bytes]) -> Contents:
    """Write the file of an export; return what it has.

    Each table is read in pages of its primary key, so that no statement takes long and no page needs much memory.
    """
    counts: dict[str, int] = {}
    mails, files, missing = 0, 0, list[str]()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for table in TABLES:
            if table.is_exported:
                count, attached = await _write_table(database, archive, table, export.person)
                counts |= {table.name: count} if count else {}
                for row in attached:
                    if await _write_file(archive, blobs, row):
                        files += 1
                    else:
                        missing.append(row["id"])
            if any(column.form is Form.MAIL for column in table.columns):
                mails += await _write_mails(database, archive, table, export.person)
        contents = Contents(counts, mails, files, tuple(missing))
        archive.writestr("person.json", _summary(export, contents))
    return contents


async def _write_table(
    database: Transactions, archive: zipfile.ZipFile, table: Table, person: Person
) -> tuple[int, list[dict[str, str]]]:
    """Write the records of a table as a JSON array, if there are any; return how many, and which have a file."""
    count, attached = 0, list[dict[str, str]]()
    after: list[str] | None = None
    target: IO[bytes] | None = None
    try:
        while True:
            async with database.transaction() as tx:
                page = await page_store.next_page(tx, table, after)
                documents = await page_store.documents(tx, table, page, person.user_ids, [person.address])
            for document in documents:
                target = target or archive.open(f"records/{table.name}.json", "w")
                target.write((b",\n" if count else b"[\n") + _format(document.encode(), indent=2))
                count += 1
                if table.name == "attachment":
                    attached.append(msgspec.json.decode(document))
            if (after := page.upto) is None:
                return count, attached
    finally:
        if target is not None:
            target.write(b"\n]\n")
            target.close()


async def _write_mails(database: Transactions, archive: zipfile.ZipFile, table: Table, person: Person) -> int:
    """Write the mails of a person as they were received or sent; return how many."""
    count = 0
    after: list[str] | None = None
    while True:
        async with database.transaction() as tx:
            page = await page_store.next_page(tx, table, after)
            mails = await page_store.mails(tx, table, page, person.user_ids, [person.address])
        for mail_id, content in mails:
            await asyncio.to_thread(archive.writestr, f"mail/{table.name}/{mail_id}.eml", content)
            count += 1
        if (after := page.upto) is None:
            return count


async def _write_file(archive: zipfile.ZipFile, blobs: Blobs, row: dict[str, str]) -> bool:
    """Write a file that the person attached; return False when its content cannot be read."""
    name = "".join("_" if char in '/\\:*?"<>|' or not char.isprintable() else char for char in row["name"])
    path = f"files/{ticket_number(int(row['ticket_number']))}/{row['id']}-{name}"
    key = Key(UUID(row["company_id"]), UUID(row["id"]))
    try:
        with archive.open(path, "w", force_zip64=True) as target:
            async for part in blobs.read(key, length=int(row["size"])):
                await asyncio.to_thread(target.write, part)
    except (BlobMissing, BlobsUnavailable):
        return False
    return True


def _summary(export: PersonExport, contents: Contents) -> bytes:
    return _format(
        msgspec.json.encode(
            {
                "address": export.person.address,
                "accounts": [
                    {"company": str(user.company_id), "id": str(user.id), "name": user.name, "phone": user.phone}
                    for user in export.person.users
                ],
                "exported_at": export.at,
                "records": contents.records,
                "mails": contents.mails,
                "files": contents.files,
                "missing_files": contents.missing_files,
                "not_exported": NOT_EXPORTED,
            }
        ),
        indent=2,
    )
