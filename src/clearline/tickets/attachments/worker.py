"""Delete orphaned files: the upload failed, or the attachment was removed."""

from collections.abc import AsyncIterator
from datetime import datetime

from clearline.platform.database.transactions import Database
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.blob_backend import Key
from clearline.tickets.attachments.blobs import Blobs
from clearline.tickets.attachments.marks import usecases as marks


async def delete_orphaned_files(database: Database, blobs: Blobs, *, before: datetime) -> AsyncIterator[int]:
    """Delete orphaned files and unfinished uploads from before a time; yield how many after each page of the store.

    Safe to interrupt anywhere, and to run in several processes at once. Files of companies that are not in the
    database stay.

    Raises:
        WrongStore: the store is not that of this desk, and may be that of another one with the same companies.
        BlobsUnavailable: the store of attachments cannot be listed.
    """
    await marks.require_own(database, blobs)
    yield await blobs.drop_unfinished(before)
    async for page in blobs.older_than(before):
        async with database.statement() as tx:
            orphans = await attachments.orphans(tx, page)
        for company_id, content_id in orphans:
            await blobs.delete(Key(company_id, content_id))
        yield len(orphans)
