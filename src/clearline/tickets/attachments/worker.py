"""Delete the bytes of attachments that never came to be, or are no more."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from clearline.platform.database.transactions import Database
from clearline.platform.work.runner import PeriodicJob
from clearline.tickets.attachments import usecases as attachments
from clearline.tickets.attachments.blobs import Blobs, BlobsUnavailable, Key

EVERY = timedelta(hours=6)
GRACE = timedelta(days=1)
"""How long bytes may be without an attachment: they are stored before it, and an upload may take its time."""

_log = structlog.get_logger("clearline.worker")


async def sweep(database: Database, blobs: Blobs, *, now: datetime) -> int:
    """Delete bytes older than a day that no attachment names, and uploads as old that never ended; how many.

    Safe to cut off anywhere, and to run in several processes at once. Bytes of companies that the database does not
    know stay.

    Raises:
        BlobsUnavailable: the store of attachments cannot be listed.
    """
    before = now - GRACE
    swept = await blobs.drop_unfinished(before)
    async for page in blobs.older_than(before):
        async with database.statement() as tx:
            orphans = await attachments.orphans(tx, page)
        for company_id, one in orphans:
            await blobs.delete(Key(company_id, one))
        swept += len(orphans)
    return swept


def sweeping(database: Database, blobs: Blobs, now: Callable[[], datetime]) -> list[PeriodicJob]:
    """The sweep as a job."""
    due = now() + EVERY

    async def turn() -> int:
        nonlocal due
        if now() < due:
            return 0  # a stopping server gives every job a last turn, and should not list a whole store then
        due = now() + EVERY
        try:
            return await sweep(database, blobs, now=now())
        except BlobsUnavailable as error:
            _log.warning("attachments not swept", error=str(error))
            return 0

    return [PeriodicJob("bytes without an attachment", 600, turn)]
