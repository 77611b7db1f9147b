"""The worker that sends outbound mail: at least once, and in order to one address about one ticket."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from email.utils import parseaddr
from random import SystemRandom

import structlog
from msgspec.structs import replace

from clearline.clock import monotonic
from clearline.mail.outbound import store as outbound_mail_store
from clearline.mail.outbound.domain import RETRY_JITTER, MailState, retry_delay, wire_address
from clearline.mail.outbound.smtp import Connections, MailRefused, SmtpServer, SmtpUnavailable
from clearline.mail.outbound.store import ClaimedMail
from clearline.mail.outbound.usecases import record_refusal, suppressed_error
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.database.transactions import Database
from clearline.platform.work.claims import LEASE_SECONDS, ClaimWorker
from clearline.platform.work.runner import PeriodicJob
from clearline.settings.settings import Settings

NAME = "outbound mail"
MAX_CONNECTIONS = 4
"""The most connections of one process to the server."""

BATCH_SIZE = 10
"""The most mails over one connection before the next claim."""

PAUSE_SECONDS = (5, 10, 20, 40, 60)
"""Pauses of the queue while the server is unavailable, longer with each failure in a row."""

_FINISH_ATTEMPTS = 20
_random = SystemRandom()
_log = structlog.get_logger("clearline.worker")


class OutboundMailQueue:
    """The queue of one process, and its connections to the server.

    A mail is sent, then marked as sent. If the process dies in between, the mail is sent again with the same Message-ID
    when its claim expires, so that mail programs and list servers can drop the duplicate.
    """

    def __init__(
        self,
        database: Database,
        connections: Connections,
        now: Callable[[], datetime],
        *,
        pauses: Sequence[float] = PAUSE_SECONDS,
    ) -> None:
        self._database, self._connections, self._now, self._pauses = database, connections, now, pauses
        self._failures_in_a_row, self._resume_at, self._is_trying = 0, monotonic(), False
        self._worker = ClaimWorker(NAME, slots=MAX_CONNECTIONS, claim=self._claim, do=self._send_all, renew=self._renew)

    def job(self) -> PeriodicJob:
        """Return the periodic job of the queue."""
        job = self._worker.job()
        return replace(job, finish=self._finishing(job.finish))

    def _finishing(self, finish: Callable[[], Awaitable[object]] | None) -> Callable[[], Awaitable[None]]:
        async def both() -> None:
            if finish is not None:
                await finish()
            await self._connections.close()

        return both

    async def _claim(self, free: int) -> Sequence[list[ClaimedMail]]:
        """Claim due mails in a batch for each connection.

        While the server is paused, claim none, and then one mail to try it.
        """
        if self._is_trying or monotonic() < self._resume_at:
            return []
        now = self._now()
        limit = 1 if self._failures_in_a_row else free * BATCH_SIZE
        async with self._database.transaction() as tx:
            mails = await outbound_mail_store.claim(
                tx, limit=limit, until=now + timedelta(seconds=LEASE_SECONDS), now=now
            )
        self._is_trying = bool(self._failures_in_a_row and mails)
        return [mails[start::free] for start in range(min(free, len(mails)))]

    async def _renew(self, batches: Sequence[list[ClaimedMail]]) -> None:
        until = self._now() + timedelta(seconds=LEASE_SECONDS)
        async with self._database.statement() as tx:
            await outbound_mail_store.renew(tx, [mail for batch in batches for mail in batch], until=until)

    async def _send_all(self, batch: list[ClaimedMail]) -> None:
        """Send a batch over one connection. Finished mails are removed from it, so that only the others are renewed."""
        try:
            while batch:
                await self._send(batch[0])
                del batch[0]
        except SmtpUnavailable as error:
            self._pause(error)
            async with self._database.statement() as tx:
                await outbound_mail_store.release(tx, batch)
        finally:
            self._is_trying = False

    async def _send(self, mail: ClaimedMail) -> None:
        if mail.suppressed is not None:
            await self._finish(mail, MailState.DEAD, suppressed_error(mail.suppressed), attempts=mail.attempts)
            return
        try:
            await self._connections.deliver(wire_address(mail.recipient), mail.message)
        except MailRefused as error:
            self._resume()
            await self._record_failure(mail, error)
        else:
            self._resume()
            await self._finish(mail, MailState.SENT, None, attempts=mail.attempts)

    async def _record_failure(self, mail: ClaimedMail, error: MailRefused) -> None:
        wait = None if error.is_permanent else retry_delay(mail.attempts + 1)
        if wait is None:
            _log.warning("mail failed permanently", mail=str(mail.id), error=str(error))
            await self._finish(
                mail, MailState.DEAD, str(error), attempts=mail.attempts + 1, is_bad_address=error.is_bad_address
            )
            return
        due_at = self._now() + wait * _random.uniform(1 - RETRY_JITTER, 1 + RETRY_JITTER)
        async with self._database.statement() as tx:
            await outbound_mail_store.schedule_retry(tx, mail, str(error), due_at=due_at)

    async def _finish(
        self, mail: ClaimedMail, state: MailState, error: str | None, *, attempts: int, is_bad_address: bool = False
    ) -> None:
        """Store the result of a mail and, with ``is_bad_address``, that the server knows no such recipient.

        Retry while the database is unavailable, since the mail would be sent again otherwise.
        """
        for tries_left in reversed(range(_FINISH_ATTEMPTS)):
            try:
                async with self._database.transaction() if is_bad_address else self._database.statement() as tx:
                    now = self._now()
                    await outbound_mail_store.finish(tx, mail, state, error, attempts=attempts, now=now)
                    if is_bad_address:
                        await record_refusal(tx, mail.recipient, error or "", now=now)
            except DatabaseUnavailable:
                if not tries_left:
                    raise
                await asyncio.sleep(1)
            else:
                return

    def _pause(self, error: SmtpUnavailable) -> None:
        """Pause the queue. Its mails are not the cause, so none of them counts an attempt."""
        if monotonic() < self._resume_at:
            return  # another connection has already paused it
        seconds = self._pauses[min(self._failures_in_a_row, len(self._pauses) - 1)]
        self._failures_in_a_row += 1
        self._resume_at = monotonic() + seconds
        _log.warning("outbound mail paused: the server is unavailable", error=str(error), seconds=seconds)

    def _resume(self) -> None:
        if self._failures_in_a_row:
            _log.info("outbound mail resumed")
        self._failures_in_a_row, self._resume_at = 0, monotonic()


def jobs(database: Database, settings: Settings, now: Callable[[], datetime]) -> list[PeriodicJob]:
    """Return the jobs of outbound mail; none without a mail server."""
    if settings.smtp is None:
        return []
    connections = Connections(SmtpServer.parse(settings.smtp), wire_address(parseaddr(settings.mail_from)[1]))
    return [OutboundMailQueue(database, connections, now).job()]
