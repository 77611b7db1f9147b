"""Delete what is older than its setting allows: in small batches, one process at a time for each kind."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import uuid4

from clearline.audit import usecases as audit
from clearline.bulk import usecases as jobs
from clearline.drafts import usecases as drafts
from clearline.logs import Logger
from clearline.mail.inbound import usecases as inbound_mail
from clearline.mail.outbound import usecases as outbound_mail
from clearline.platform.database.transactions import Database, Tx
from clearline.platform.idempotency import usecases as idempotency
from clearline.platform.work.runner import PeriodicJob
from clearline.retention import store as retention_store
from clearline.retention.domain import Claim, Kind, Run, deleted_before
from clearline.settings.settings import Settings
from clearline.tickets.attachments.blob_backend import BlobsUnavailable
from clearline.tickets.attachments.blobs import Blobs
from clearline.tickets.attachments.worker import delete_orphaned_files
from clearline.webhooks import delivery_usecases as deliveries

POLL_SECONDS = 60
_log = Logger("clearline.retention")

Purge = Callable[..., Awaitable[int]]
"""Deletes a batch of what is from before ``before``, in a transaction; returns how many rows, 0 when none are left."""

PURGES: dict[Kind, Purge] = {
    Kind.IDEMPOTENCY_KEYS: idempotency.purge,
    Kind.DRAFTS: drafts.purge,
    Kind.JOBS: jobs.purge,
    Kind.DELIVERIES: deliveries.purge,
    Kind.OUTBOUND_MAIL: outbound_mail.purge,
    Kind.INBOUND_MAIL: inbound_mail.purge,
    Kind.AUDIT: audit.purge,
}
WORKED = tuple(kind for kind in Kind if kind.is_deleted_by_runs)
"""The kinds that this worker deletes."""


class _ClaimLost(Exception):
    """Another process took the run over, since this one was silent for long."""


class Retention:
    """Deletes what is older than its setting allows.

    Each batch is a transaction, which also notes what it deleted: a process that dies in the middle of one has deleted
    nothing of it, and another goes on.
    """

    def __init__(self, database: Database, blobs: Blobs, settings: Settings, now: Callable[[], datetime]) -> None:
        self._database, self._blobs, self._settings, self._now = database, blobs, settings, now
        self._claim: Claim | None = None

    def job(self) -> PeriodicJob:
        """Return the job, each run of which deletes one batch: requests go first."""
        return PeriodicJob("delete what is kept no longer", POLL_SECONDS, self.turn, batch=1, runs_at_stop=False)

    async def turn(self) -> int:
        """Delete a batch of a kind that is due; return 1 if there may be more to do, else 0."""
        claim, self._claim = self._claim or await self._next(), None
        if claim is None:
            return 0
        try:
            if await self._batch(claim):
                self._claim = claim
            elif removed := await self._finish(claim):
                _log.info("deleted what is kept no longer", kind=claim.kind.value, removed=removed)
        except _ClaimLost:
            _log.warning("another process went on with a deletion", kind=claim.kind.value)
        except BlobsUnavailable as error:
            _log.warning("orphaned files not deleted", error=str(error))
            await self._finish(claim)
        return 1

    async def run(self, kind: Kind) -> int | None:
        """Delete all of a kind that is older than its setting allows, due or not; return how many rows or files.

        None if another process is about it.

        Raises:
            BlobsUnavailable: the store of attachments cannot be listed.
        """
        async with self._database.statement() as tx:
            run = (await retention_store.runs(tx)).get(kind)
        if run is not None and run.is_claimed(self._now()):
            return None
        claim = await self._claimed(kind, run)
        if claim is None:
            return None
        try:
            while await self._batch(claim):
                pass
        except _ClaimLost:
            return None
        return await self._finish(claim)

    async def _next(self) -> Claim | None:
        """Claim the first run that is due."""
        async with self._database.statement() as tx:
            runs = await retention_store.runs(tx)
        now = self._now()
        for kind in WORKED:
            run = runs.get(kind)
            if deleted_before(self._settings, kind, now) is not None and (run is None or run.is_due(now)):
                claim = await self._claimed(kind, run)
                if claim is not None:
                    return claim
        return None

    async def _claimed(self, kind: Kind, seen: Run | None) -> Claim | None:
        claim = Claim(kind, uuid4())
        async with self._database.transaction() as tx:
            is_claimed = await retention_store.claim(tx, claim, seen, now=self._now())
        return claim if is_claimed else None

    async def _batch(self, claim: Claim) -> bool:
        """Delete a batch of a claimed kind; return whether there may be more."""
        before = deleted_before(self._settings, claim.kind, self._now())
        if before is None:
            return False
        if claim.kind is Kind.ORPHANED_ATTACHMENTS:
            async for count in delete_orphaned_files(self._database, self._blobs, before=before):
                async with self._database.transaction() as tx:
                    await self._add(tx, claim, count)
            return False
        async with self._database.transaction() as tx:
            removed = await PURGES[claim.kind](tx, before=before)
            await self._add(tx, claim, removed)
        return removed > 0

    async def _add(self, tx: Tx, claim: Claim, removed: int) -> None:
        if not await retention_store.add_removed(tx, claim, removed, now=self._now()):
            raise _ClaimLost

    async def _finish(self, claim: Claim) -> int:
        """Note that the run is over; return what it removed, all processes together."""
        async with self._database.statement() as tx:
            return await retention_store.finish(tx, claim, now=self._now())
