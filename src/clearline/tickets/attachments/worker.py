"""Delete orphaned content: its upload failed, or its attachment was removed."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from clearline.clock import monotonic
from clearline.platform.database.transactions import Database
from clearline.platform.work.runner import PeriodicJob
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.blob_backend import BlobsUnavailable, Key
from clearline.tickets.attachments.blobs import Blobs

EVERY_SECONDS = 6 * 3600
_log = structlog.get_logger("clearline.worker")


async def sweep(database: Database, blobs: Blobs, *, before: datetime) -> int:
    """Delete orphaned content and unfinished uploads from before a time; return how many.

    Safe to interrupt anywhere, and to run in several processes at once. Content of companies that are not in the
    database stays.

    Raises:
        BlobsUnavailable: the store of attachments cannot be listed.
    """
    swept = await blobs.drop_unfinished(before)
    async for page in blobs.older_than(before):
        async with database.statement() as tx:
            orphans = await attachments.orphans(tx, page)
        for company_id, content_id in orphans:
            await blobs.delete(Key(company_id, content_id))
        swept += len(orphans)
    return swept


def sweep_job(database: Database, blobs: Blobs, keep: timedelta, now: Callable[[], datetime]) -> PeriodicJob:
    """Return the job that sweeps; ``keep`` is the minimum age of orphaned content: it is stored before its row."""
    due = monotonic() + EVERY_SECONDS

    async def turn() -> int:
        nonlocal due
        if monotonic() < due:
            return 0  # a stopping server runs every job once more, and must not list the whole store then
        due = monotonic() + EVERY_SECONDS
        try:
            return await sweep(database, blobs, before=now() - keep)
        except BlobsUnavailable as error:
            _log.warning("attachments not swept", error=str(error))
            return 0

    return PeriodicJob("purge files without an attachment", 600, turn)
