"""Look at the mark of the store of attachments when a server starts, and now and then."""

from collections.abc import Callable
from datetime import datetime

from clearline.clock import monotonic
from clearline.logs import Logger
from clearline.platform.database.transactions import Database
from clearline.platform.work.runner import PeriodicJob
from clearline.tickets.attachments.blob_backend import BlobsUnavailable
from clearline.tickets.attachments.blobs import Blobs
from clearline.tickets.attachments.marks import usecases as marks
from clearline.tickets.attachments.marks.domain import problem_of

_EVERY_SECONDS = 60
_LOG_AGAIN_SECONDS = 3600
_log = Logger("clearline.blobs")


class StoreMonitor:
    """Marks a new store of attachments, and says when the store is not that of the desk."""

    def __init__(self, database: Database, blobs: Blobs, now: Callable[[], datetime]) -> None:
        self._database, self._blobs, self._now = database, blobs, now
        self._due = self._log_at = monotonic()
        self.problem: str | None = None
        """What is wrong, for people; None while nothing is."""

    def job(self) -> PeriodicJob:
        """Return the job that looks: soon after the start, then once a minute."""
        return PeriodicJob("check the store of attachments", 1, self._turn, runs_at_stop=False)

    async def _turn(self) -> int:
        if monotonic() < self._due:
            return 0
        self._due = monotonic() + _EVERY_SECONDS
        await self.check()
        return 0

    async def check(self) -> None:
        """Look once, and log what is wrong, each problem once an hour."""
        try:
            problem = problem_of(await marks.mark(self._database, self._blobs, now=self._now()), self._blobs.location)
        except BlobsUnavailable as error:
            problem = str(error)
        if problem is None and self.problem is not None:
            _log.info("the store of attachments is in order again", store=self._blobs.location)
        if problem is not None and (problem != self.problem or monotonic() >= self._log_at):
            self._log_at = monotonic() + _LOG_AGAIN_SECONDS
            _log.warning("attachments are not in order", detail=problem)
        self.problem = problem
