"""Do what follows a redaction: a page of a step in each transaction, so that a process that dies loses none."""

from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec.structs import replace

from clearline.logs import Logger
from clearline.mail.inbound.secret_box import UndecryptableSecret
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.database.transactions import Database, Tx
from clearline.platform.work.runner import PeriodicJob
from clearline.redaction import steps
from clearline.redaction import store as redaction_store
from clearline.redaction import usecases as redactions
from clearline.redaction.domain import SETTLE, Step, Work, decode_secret, next_step
from clearline.redactor import Redactor
from clearline.tickets.attachments.blob_backend import BlobsUnavailable, Key
from clearline.tickets.attachments.blobs import Blobs
from clearline.tickets.redaction import store as ticket_store
from clearline.tickets.redaction.store import RedactedTexts

POLL_SECONDS = 1
AT_ONCE = 200
"""The most pages of one run."""
_RETRY = timedelta(minutes=5)

_log = Logger("clearline.redaction")
Clock = Callable[[], datetime]


def redaction_job(
    database: Database, blobs: Blobs, now: Clock, *, secret_key: str | None, settle: timedelta = SETTLE
) -> PeriodicJob:
    """Return the job that does the work of redactions in every process; ``settle`` is the time between the rounds."""

    async def run() -> int:
        for count in range(AT_ONCE):
            if not await work_on(database, blobs, now, secret_key=secret_key, settle=settle):
                return count
        return AT_ONCE

    return PeriodicJob("redact", POLL_SECONDS, run, AT_ONCE)


async def work_on(
    database: Database, blobs: Blobs, now: Clock, *, secret_key: str | None, settle: timedelta = SETTLE
) -> bool:
    """Do the next page of work that is due; return False when there is none. Work that fails is tried again later."""
    work: Work | None = None
    try:
        async with database.transaction() as tx:
            work = await redaction_store.lock_due(tx, now=now())
            if work is None:
                return False
            await _work(tx, blobs, work, secret_key=secret_key, settle=settle, now=now())
    except DatabaseUnavailable:
        raise
    except Exception as error:
        if work is None:
            raise
        # The error may hold the words, such as a value that the database refused: only its kind is logged.
        kind = str(error) if isinstance(error, (BlobsUnavailable, UndecryptableSecret)) else type(error).__name__
        _log.error("redaction postponed", id=str(work.redaction.id), step=work.step, error=kind)
        async with database.statement() as tx:
            await redaction_store.postpone(tx, work.redaction, until=now() + _RETRY)
    return True


async def _work(tx: Tx, blobs: Blobs, work: Work, *, secret_key: str | None, settle: timedelta, now: datetime) -> None:
    redaction = work.redaction
    box = await redactions.secret_box(tx, secret_key)
    secret = decode_secret(box.decrypt(work.sealed))
    redactor = await redactions.redactor_for(tx, secret.words)
    company_id = redaction.company_id
    numbers = await redactions.tickets_of(tx, company_id, redaction.ticket_number, redaction.tickets)
    count, after = 0, None
    if work.step is Step.TICKET:
        if not secret.files:
            count = await _again(tx, work, numbers, redactor)
    elif work.step is Step.CONTENTS:
        for content_id in work.content_ids:
            await blobs.erase(Key(company_id, content_id))
    else:
        scope = await steps.scope_of(tx, company_id, numbers, secret)
        page = await steps.PAGES[work.step](tx, steps.Look(scope, redactor, work.after, saves=True))
        count, after = page.places, page.after
    await _advance(tx, work, count, after, settle=settle, now=now)


async def _again(tx: Tx, work: Work, numbers: list[int], redactor: Redactor) -> int:
    """Rewrite what was stored in the tickets while the first round ran, such as a note of a mail that was parsed."""
    company_id, texts = work.redaction.company_id, RedactedTexts()
    await ticket_store.lock(tx, company_id, numbers)
    await redactions.redact_texts(tx, company_id, numbers, redactor, texts, saves=True)
    count = texts.total + await redactions.redact_beside(tx, company_id, numbers, redactor, saves=True)
    await redactions.reindex(tx, company_id, numbers)
    return count


async def _advance(
    tx: Tx, work: Work, count: int, after: list[str] | None, *, settle: timedelta, now: datetime
) -> None:
    if after is not None:
        await redaction_store.advance(tx, replace(work, after=after), places=count, due_at=now)
    elif (following := next_step(work)) is None:
        await redaction_store.finish(tx, work.redaction, places=count, now=now)
    else:
        turn, step = following
        due_at = now if turn == work.round else now + settle
        await redaction_store.advance(tx, replace(work, round=turn, step=step, after=None), places=count, due_at=due_at)
