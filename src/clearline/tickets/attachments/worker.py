"""Delete orphaned files: the upload failed, or the attachment was removed."""

from collections.abc import Callable
from datetime import datetime, timedelta

from clearline.clock import monotonic
from clearline.logs import Logger
from clearline.platform.database.transactions import Database
from clearline.platform.work.runner import PeriodicJob
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.blob_backend import BlobsUnavailable, Key
from clearline.tickets.attachments.blobs import Blobs

EVERY_SECONDS = 6 * 3600
_log = Logger("clearline.worker")


async def delete_orphaned_files(database: Database, blobs: Blobs, *, before: datetime) -> int:
    """Delete orphaned files and unfinished uploads from before a time; return how many.

    Safe to interrupt anywhere, and to run in several processes at once. Files of companies that are not in the
    database stays.

    Raises:
        BlobsUnavailable: the store of attachments cannot be listed.
    """
    deleted = await blobs.drop_unfinished(before)
    async for page in blobs.older_than(before):
        async with database.statement() as tx:
            orphans = await attachments.orphans(tx, page)
        for company_id, content_id in orphans:
            await blobs.delete(Key(company_id, content_id))
        deleted += len(orphans)
    return deleted


def orphaned_files_job(database: Database, blobs: Blobs, keep: timedelta, now: Callable[[], datetime]) -> PeriodicJob:
    """Return the job that deletes orphaned files; ``keep`` is their minimum age: a file is stored before its row."""
    due = monotonic() + EVERY_SECONDS

    async def turn() -> int:
        nonlocal due
        if monotonic() < due:
            return 0  # a stopping server runs every job again, and must not list the whole store then
        due = monotonic() + EVERY_SECONDS
        try:
            return await delete_orphaned_files(database, blobs, before=now() - keep)
        except BlobsUnavailable as error:
            _log.warning("orphaned files not deleted", error=str(error))
            return 0

    return PeriodicJob("delete orphaned files", 600, turn)
