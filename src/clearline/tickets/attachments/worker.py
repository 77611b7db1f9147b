"""Delete the bytes of attachments that never came to be, or are no more."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from clearline.platform.database.transactions import Database
from clearline.platform.work.runner import PeriodicJob
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.blob_backend import BlobsUnavailable, Key
from clearline.tickets.attachments.blobs import Blobs

EVERY = timedelta(hours=6)
_log = structlog.get_logger("clearline.worker")


async def sweep(database: Database, blobs: Blobs, *, before: datetime) -> int:
    """Delete bytes stored before a time that no attachment names, and uploads as old that never ended; how many.

    Safe to cut off anywhere, and to run in several processes at once. Bytes of companies that the database does not
    know stay.

    Raises:
        BlobsUnavailable: the store of attachments cannot be listed.
    """
    swept = await blobs.drop_unfinished(before)
    async for page in blobs.older_than(before):
        async with database.statement() as tx:
            orphans = await attachments.orphans(tx, page)
        for company_id, one in orphans:
            await blobs.delete(Key(company_id, one))
        swept += len(orphans)
    return swept


def sweep_job(database: Database, blobs: Blobs, keep: timedelta, now: Callable[[], datetime]) -> PeriodicJob:
    """Return the job that sweeps; ``keep`` is how long bytes may have no attachment: they are stored before it."""
    due = now() + EVERY

    async def turn() -> int:
        nonlocal due
        if now() < due:
            return 0  # a stopping server gives every job a last turn, and should not list a whole store then
        due = now() + EVERY
        try:
            return await sweep(database, blobs, before=now() - keep)
        except BlobsUnavailable as error:
            _log.warning("attachments not swept", error=str(error))
            return 0

    return PeriodicJob("purge files without an attachment", 600, turn)
