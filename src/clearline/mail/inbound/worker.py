"""Receive mail by a listener and by polling IMAP mailboxes, store it, and process it in the background."""

import asyncio
import socket
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from clearline.clock import monotonic
from clearline.errors import DeskError
from clearline.logs import Logger
from clearline.mail.format.parts import MailUnreadable
from clearline.mail.inbound import mailbox_store
from clearline.mail.inbound import review_usecases as inbound_review
from clearline.mail.inbound import store as inbound_mail_store
from clearline.mail.inbound import usecases as inbound_mail
from clearline.mail.inbound.classify import classify, known_companies
from clearline.mail.inbound.domain import (
    CLAIM_DURATION,
    LARGE,
    MAX_ATTEMPTS,
    REASON_MAX,
    InboundMail,
    InboundState,
    shortened,
    with_stored_sender,
)
from clearline.mail.inbound.file import InboundMailContext
from clearline.mail.inbound.imap import ImapAccess, ImapFailed, OpenMailbox, open_mailbox
from clearline.mail.inbound.large_mail import room_for
from clearline.mail.inbound.mailbox_domain import Mailbox
from clearline.mail.inbound.mailbox_usecases import imap_access, secret_box
from clearline.mail.inbound.parsing.parser import PARSER, ParserEnded
from clearline.mail.inbound.reception.listener import Delivery, MailListener, Unavailable
from clearline.mail.inbound.secret_box import SecretBox, UndecryptableSecret
from clearline.mail.inbound.store import InboundMailOutcome
from clearline.mail.inbound.usecases import MailFingerprint
from clearline.mail.templates.rendering import Render
from clearline.platform.database import transactions
from clearline.platform.database.errors import TRANSIENT, DatabaseUnavailable, StatementFailed
from clearline.platform.database.transactions import Database, Tx
from clearline.platform.work.runner import PeriodicJob
from clearline.settings.settings import Settings
from clearline.tickets.attachments.blob_backend import BlobsUnavailable
from clearline.tickets.attachments.blobs import Blobs
from clearline.tickets.attachments.domain import attachment_limits

INTERVAL_SECONDS = 1.0
"""Between two looks for waiting mail."""

POLL_SECONDS = 30
"""Between two polls of the IMAP mailboxes."""

POLL_TIMEOUT_SECONDS = 60
"""The most time for one mailbox; then its connection is closed."""

BATCH_SIZE = 50
"""The most mails of one batch: of one mailbox, or of all waiting mail."""

LOCK_TIMEOUT_MILLISECONDS = 2000
"""How long a mail waits for a lock, such as that of its ticket, before it counts as failed."""

_log = Logger("clearline.mail")
Clock = Callable[[], datetime]
Connect = Callable[[ImapAccess], OpenMailbox]


def listener(database: Database, settings: Settings, address: str, now: Clock) -> MailListener:
    """Return a listener, not started yet. ``address`` says with which protocol it serves."""

    async def has_mailbox(address: str) -> bool:
        try:
            async with database.statement() as tx:
                return bool(await inbound_mail.mailboxes_of_recipients(tx, [address]))
        except DatabaseUnavailable as error:
            raise Unavailable from error

    async def receive(delivery: Delivery) -> None:
        fingerprint = await asyncio.to_thread(MailFingerprint.of, delivery.raw)
        try:
            async with database.transaction() as tx:
                await store_delivery(tx, delivery, now=now(), fingerprint=fingerprint)
        except DatabaseUnavailable as error:
            raise Unavailable from error

    return MailListener(
        address,
        size_max=settings.mail_max,
        has_mailbox=has_mailbox,
        receive=receive,
        hostname=socket.gethostname(),
        connections_max=settings.mail_connections,
        peer_connections_max=settings.mail_peer_connections,
    )


async def store_delivery(
    tx: Tx, delivery: Delivery, *, now: datetime, fingerprint: MailFingerprint | None = None
) -> list[UUID]:
    """Store a mail in each mailbox of its recipients; return the ids of those that are not duplicates."""
    mailboxes = await inbound_mail.mailboxes_of_recipients(tx, delivery.recipients)
    if not mailboxes:
        raise Unavailable  # the mailbox was deleted after its recipient was accepted
    mail_ids = [
        await inbound_mail.receive(
            tx,
            mailbox,
            delivery.raw,
            envelope_from=delivery.sender,
            envelope_to=recipients,
            now=now,
            fingerprint=fingerprint,
        )
        for mailbox, recipients in mailboxes
    ]
    return [mail_id for mail_id in mail_ids if mail_id is not None]


def jobs(
    database: Database,
    blobs: Blobs,
    settings: Settings,
    now: Clock,
    render: Render,
    stopped: asyncio.Event | None = None,
) -> list[PeriodicJob]:
    """Return the jobs that process waiting mail and poll mailboxes, until ``stopped`` is set.

    ``render`` has the templates of the mails to agents whose mail was not sent to a customer.
    """
    cached: list[InboundMailContext] = []

    async def context() -> InboundMailContext:
        if not cached:
            async with database.transaction() as tx:
                limits = attachment_limits(settings)
                cached.append(await inbound_review.processing_context(tx, settings, blobs, limits, render=render))
        return cached[0]

    async def process() -> int:
        return await process_batch(database, await context(), now, stopped=stopped)

    poll_at = monotonic()

    async def poll_when_due() -> int:
        nonlocal poll_at
        if monotonic() < poll_at:
            return 0
        poll_at = monotonic() + POLL_SECONDS
        return await poll(database, settings, now)

    return [
        PeriodicJob("inbound mail", INTERVAL_SECONDS, process, BATCH_SIZE, runs_at_stop=False),
        PeriodicJob("mailbox polling", 5, poll_when_due, runs_at_stop=False),
    ]


async def process_batch(
    database: Database,
    context: InboundMailContext,
    now: Clock,
    *,
    lock_timeout: int = LOCK_TIMEOUT_MILLISECONDS,
    stopped: asyncio.Event | None = None,
) -> int:
    """Process waiting mails, each in its own transaction and once, until ``stopped`` is set; return how many.

    A mail that fails is retried in later batches, five times in all, and then quarantined with the reason; it does not
    block others. Several processes may do this at once.
    """
    done, after = 0, None
    while done < BATCH_SIZE and not (stopped is not None and stopped.is_set()):
        async with database.statement() as tx:
            mail = await inbound_mail_store.claim_next(tx, after, until=now() + CLAIM_DURATION, now=now())
        if mail is None:
            return done
        after = mail.received_at, mail.id
        if mail.attempts >= MAX_ATTEMPTS:
            await _quarantine(database, mail.id, f"processing failed {MAX_ATTEMPTS} times")
        else:
            is_last = mail.attempts + 1 >= MAX_ATTEMPTS
            fresh = replace(context, staged=[])
            async with room_for(mail.size):
                if mail.size > LARGE:  # it may have waited long
                    async with database.statement() as tx:
                        await inbound_mail_store.renew_claim(tx, mail.id, until=now() + CLAIM_DURATION)
                await _process(database, mail, fresh, now, is_last=is_last, lock_timeout=lock_timeout)
        done += 1
    return done


async def _process(
    database: Database, mail: InboundMail, context: InboundMailContext, now: Clock, *, is_last: bool, lock_timeout: int
) -> None:
    """Process one mail, or store why that failed."""
    try:
        await _classify(database, mail, context, now, lock_timeout)
    except DatabaseUnavailable:
        raise  # what was stored stays: the commit may have happened
    except BlobsUnavailable as error:
        await context.discard()
        async with database.statement() as tx:
            await inbound_mail_store.release(tx, mail.id, failed=False)
        _log.warning("inbound mail postponed: attachments cannot be stored", mail=str(mail.id), error=str(error))
    except ParserEnded as error:
        async with database.statement() as tx:
            await inbound_mail_store.release(tx, mail.id, failed=True)
        _log.warning("inbound mail postponed: its parser ended", mail=str(mail.id), error=str(error))
    except DeskError as error:
        await context.discard()
        await _quarantine(database, mail.id, str(error) or "it was refused")
    except MailUnreadable as error:
        _log.warning("inbound mail not parsed", mail=str(mail.id), error=str(error))
        await _quarantine(database, mail.id, f"it cannot be parsed: {error}")
    except Exception as error:  # noqa: BLE001 - one mail's failure must not block the others
        await context.discard()
        if isinstance(error, StatementFailed) and error.sqlstate in TRANSIENT and not is_last:
            async with database.statement() as tx:
                await inbound_mail_store.release(tx, mail.id, failed=True)
            return
        _log.exception("inbound mail not processed", mail=str(mail.id))
        await _quarantine(database, mail.id, f"an internal error ({type(error).__name__}); see the log", failures=1)


async def _classify(
    database: Database, mail: InboundMail, context: InboundMailContext, now: Clock, lock_timeout: int
) -> None:
    async with database.statement() as tx:
        raw = await inbound_mail_store.raw(tx, mail.id)
    contents = await PARSER.read(raw or b"", mail.envelope_from)
    contents = replace(contents, parsed=with_stored_sender(contents.parsed, mail))
    del raw
    async with database.transaction() as tx:
        known = await known_companies(tx, contents.parsed.headers.sender)
    async with database.transaction() as tx:
        await transactions.set_lock_timeout(tx, lock_timeout)
        if not await inbound_mail_store.lock_waiting(tx, mail.id):
            return  # another process has locked or processed it
        outcome = await classify(tx, mail, contents, known, context=context, now=now())
        await inbound_mail_store.decide(tx, mail.id, _shortened(outcome), now=_decided_at(outcome, now))
    _log.info("inbound mail processed", mail=str(mail.id), state=outcome.state, reason=outcome.reason)


def _shortened(outcome: InboundMailOutcome) -> InboundMailOutcome:
    return outcome._replace(reason=None if outcome.reason is None else shortened(outcome.reason, REASON_MAX))


def _decided_at(outcome: InboundMailOutcome, now: Clock) -> datetime | None:
    return None if outcome.state is InboundState.QUARANTINED else now()


async def _quarantine(database: Database, mail_id: UUID, reason: str, *, failures: int = 0) -> None:
    async with database.transaction() as tx:
        if await inbound_mail_store.lock_waiting(tx, mail_id):
            outcome = _shortened(InboundMailOutcome(InboundState.QUARANTINED, reason))
            await inbound_mail_store.decide(tx, mail_id, outcome, now=None, failures=failures)


class PollResult(Struct, frozen=True):
    """The result of polling one mailbox: how many mails were stored, and what was wrong with others."""

    stored: int
    error: str | None


async def poll(database: Database, settings: Settings, now: Clock, connect: Connect = open_mailbox) -> int:
    """Fetch the new mail of all polled mailboxes, and return how many mails were stored. One process polls at a time.

    A mail is marked on its server after it is stored here: a process that dies in between fetches it again, and finds
    the duplicate.
    """
    async with database.transaction() as lock_holder:
        if not await mailbox_store.lock_polling(lock_holder):
            return 0
        async with database.transaction() as tx:
            mailboxes, box = await mailbox_store.polled(tx), await secret_box(tx, settings.secret_key)
        total = 0
        for mailbox in mailboxes:
            result = await _poll_one(database, mailbox, box, settings, now, connect)
            total += result.stored
            async with database.statement() as tx:
                await mailbox_store.note_poll(tx, mailbox.id, result.error, now=now())
        return total


async def _poll_one(
    database: Database, mailbox: Mailbox, box: SecretBox, settings: Settings, now: Clock, connect: Connect
) -> PollResult:
    """Poll one mailbox. Errors are stored with it, and do not stop the others."""
    opened: OpenMailbox | None = None
    try:
        async with asyncio.timeout(POLL_TIMEOUT_SECONDS):
            opened = await asyncio.to_thread(connect, imap_access(mailbox, box, settings.imap_networks))
            return await fetch(database, mailbox, opened, settings.mail_max, now)
    except DatabaseUnavailable:
        raise
    except TimeoutError:
        message = f"the server took longer than {POLL_TIMEOUT_SECONDS} seconds"
    except (ImapFailed, UndecryptableSecret) as error:
        message = str(error)
    except Exception as error:  # noqa: BLE001 - one mailbox's failure must not block the others
        _log.exception("mailbox not polled", mailbox=mailbox.address)
        message = f"an internal error ({type(error).__name__}); see the log"
    finally:
        if opened is not None:
            opened.abort()
    _log.warning("mailbox not polled", mailbox=mailbox.address, error=message)
    return PollResult(0, message)


async def fetch(database: Database, mailbox: Mailbox, opened: OpenMailbox, size_max: int, now: Clock) -> PollResult:
    """Store the new mails of one mailbox, at most ``BATCH_SIZE``.

    Raises:
        ImapFailed: the connection was lost; what is stored stays stored.
    """
    stored, error = 0, None
    for uid, size in (await asyncio.to_thread(opened.unseen, BATCH_SIZE)).items():
        try:
            async with room_for(min(size, size_max)):
                raw = None if size > size_max else await asyncio.to_thread(opened.fetch, uid, size_max + 1)
                is_too_large = size > size_max or (raw is not None and len(raw) > size_max)
                if raw is not None and not is_too_large:
                    stored += await _store_fetched(database, mailbox, raw, now)
                    await asyncio.to_thread(opened.mark, uid)
                del raw
            if is_too_large:
                error = f"a mail of {size} bytes is larger than CLEARLINE_MAIL_MAX; it is flagged in the mailbox"
                head = await asyncio.to_thread(opened.head, uid)
                async with database.transaction() as tx:
                    await inbound_mail.quarantine_too_large(tx, mailbox, head, size, uid=str(uid), now=now())
                await asyncio.to_thread(opened.mark, uid, too_large=True)
        except (ImapFailed, DatabaseUnavailable):
            raise
        except Exception as failure:  # noqa: BLE001 - one mail's failure must not block the others
            _log.exception("inbound mail not stored", mailbox=mailbox.address)
            error = f"a mail could not be kept ({type(failure).__name__}); it is flagged in the mailbox"
            await asyncio.to_thread(opened.mark, uid, too_large=True)
    await asyncio.to_thread(opened.close)
    return PollResult(stored, error)


async def _store_fetched(database: Database, mailbox: Mailbox, raw: bytes, now: Clock) -> bool:
    fingerprint = await asyncio.to_thread(MailFingerprint.of, raw)
    sender = inbound_mail.sender_of(fingerprint.headers)
    async with database.transaction() as tx:
        mail_id = await inbound_mail.receive(
            tx, mailbox, raw, envelope_from=sender, envelope_to=[mailbox.address], now=now(), fingerprint=fingerprint
        )
    return mail_id is not None
