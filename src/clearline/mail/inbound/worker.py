"""Takes mail in: a listener and a poll of IMAP mailboxes that only keep it, and the work on what is kept."""

import asyncio
import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from email.message import Message
from uuid import UUID

import structlog
from msgspec import Struct
from msgspec.structs import replace

from clearline.errors import DeskError
from clearline.mail.format.parts import MailUnreadable, ParsedMail, message_of, read_message
from clearline.mail.inbound import mailbox_store
from clearline.mail.inbound import store as inbound_mail_store
from clearline.mail.inbound import usecases as inbound_mail
from clearline.mail.inbound.classify import classify, known_companies
from clearline.mail.inbound.domain import CLAIM_DURATION, MAX_ATTEMPTS, REASON_MAX, InboundMail, InboundState
from clearline.mail.inbound.file import InboundMailContext
from clearline.mail.inbound.imap import ImapFailed, OpenMailbox, open_mailbox
from clearline.mail.inbound.listener import CONNECTIONS_MAX, Delivery, MailListener, Unavailable
from clearline.mail.inbound.mailbox_domain import Mailbox
from clearline.mail.inbound.mailbox_usecases import imap_access, secret_box
from clearline.mail.inbound.secret_box import SecretBox, UndecryptableSecret
from clearline.mail.inbound.store import InboundMailOutcome
from clearline.mail.inbound.usecases import MailFingerprint
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import MailSettings
from clearline.platform.database import transactions
from clearline.platform.database.transactions import Database, DatabaseUnavailable, StatementFailed, Tx
from clearline.platform.work.runner import PeriodicJob
from clearline.settings import Settings
from clearline.tickets.attachments.blobs import Blobs, BlobsUnavailable
from clearline.tickets.attachments.domain import Limits

INTERVAL_SECONDS = 1.0
"""Seconds between two looks for mail that waits."""

POLL_INTERVAL = timedelta(seconds=30)
"""Between two polls of the IMAP mailboxes."""

POLL_TIMEOUT_SECONDS = 60
"""For one mailbox; then its connection is closed."""

BATCH_SIZE = 50
"""The most mails of one batch, of one mailbox or of all that wait."""

LOCK_TIMEOUT_MILLISECONDS = 2000
"""How long a mail waits for a lock, such as that of its ticket, before it counts as failed."""

_RETRYABLE_SQLSTATES = {"40001", "40P01", "55P03", "57014"}
"""What PostgreSQL says of changes that got in each other's way: another time the mail may do."""

_UNREADABLE = (MailUnreadable, RecursionError, MemoryError)
_log = structlog.get_logger("clearline.mail")
Clock = Callable[[], datetime]


def listener(
    database: Database, settings: Settings, now: Clock, *, connections_max: int = CONNECTIONS_MAX
) -> MailListener | None:
    """The port on which mail is taken, if the settings name one. It is not open yet."""
    if settings.mail_listen is None:
        return None

    async def has_mailbox(address: str) -> bool:
        try:
            async with database.statement() as tx:
                return bool(await inbound_mail.mailboxes_of_recipients(tx, [address]))
        except DatabaseUnavailable as error:
            raise Unavailable from error

    async def receive(delivery: Delivery) -> None:
        read = await asyncio.to_thread(MailFingerprint.of, delivery.raw)
        try:
            async with database.transaction() as tx:
                await store_delivery(tx, delivery, now=now(), read=read)
        except DatabaseUnavailable as error:
            raise Unavailable from error

    return MailListener(
        settings.mail_listen,
        size_max=settings.mail_max,
        has_mailbox=has_mailbox,
        receive=receive,
        hostname=socket.gethostname(),
        connections_max=connections_max,
    )


async def store_delivery(
    tx: Tx, delivery: Delivery, *, now: datetime, read: MailFingerprint | None = None
) -> list[UUID]:
    """Keep a mail for each mailbox that it was handed over for, once; the ids of those that are new."""
    found = await inbound_mail.mailboxes_of_recipients(tx, delivery.recipients)
    if not found:
        raise Unavailable  # it was there when its recipient was taken
    kept = [
        await inbound_mail.receive(
            tx, mailbox, delivery.raw, envelope_from=delivery.sender, envelope_to=recipients, now=now, read=read
        )
        for mailbox, recipients in found
    ]
    return [one for one in kept if one is not None]


def jobs(database: Database, blobs: Blobs, settings: Settings, now: Clock) -> list[PeriodicJob]:
    """The work on mail that is kept, the poll, and forgetting."""
    limits = Limits(settings.attachment_max, settings.attachment_types)
    known: list[MailSettings] = []

    async def context() -> InboundMailContext:
        if not known:
            async with database.transaction() as tx:
                known.append(await outbound_mail.mail_settings(tx, settings))
        return InboundMailContext(known[0].secret, known[0].address, blobs, limits, [])

    async def work() -> int:
        return await process_batch(database, await context(), now)

    due = now()

    async def fetch() -> int:
        nonlocal due
        if now() < due:
            return 0  # a stopping server gives every job a last process_batch, and should not ask others then
        due = now() + POLL_INTERVAL
        return await poll(database, settings, now)

    return [
        PeriodicJob("mail that came in", INTERVAL_SECONDS, work, BATCH_SIZE),
        PeriodicJob("mailboxes that are polled", 5, fetch),
    ]


async def process_batch(
    database: Database, context: InboundMailContext, now: Clock, *, lock_timeout: int = LOCK_TIMEOUT_MILLISECONDS
) -> int:
    """Deal with mails that wait, each in a transaction of its own and tried once; how many were dealt with.

    A mail that fails is tried in later turns, five times in all, and then put aside with the reason; it holds up
    no other. Several processes may do this at once.
    """
    done, after = 0, None
    while done < BATCH_SIZE:
        async with database.statement() as tx:
            mail = await inbound_mail_store.claim_next(tx, after, until=now() + CLAIM_DURATION, now=now())
        if mail is None:
            return done
        after = mail.received_at, mail.id
        if mail.attempts >= MAX_ATTEMPTS:
            await _quarantine(database, mail.id, f"it was tried {MAX_ATTEMPTS} times in vain")
        else:
            is_last = mail.attempts + 1 >= MAX_ATTEMPTS
            await _process(database, mail, replace(context, staged=[]), now, is_last=is_last, lock_timeout=lock_timeout)
        done += 1
    return done


async def _process(
    database: Database, mail: InboundMail, context: InboundMailContext, now: Clock, *, is_last: bool, lock_timeout: int
) -> None:
    """Deal with one mail, or note why that did not go."""
    try:
        await _classify(database, mail, context, now, lock_timeout)
    except DatabaseUnavailable:
        raise  # what was stored stays: the commit may have happened
    except BlobsUnavailable as error:
        await context.discard()
        async with database.statement() as tx:
            await inbound_mail_store.release(tx, mail.id, failed=False)
        _log.warning("mail put off: attachments cannot be stored", mail=str(mail.id), error=str(error))
    except DeskError as error:
        await context.discard()
        await _quarantine(database, mail.id, str(error) or "the desk refused it")
    except _UNREADABLE as error:
        await _quarantine(database, mail.id, f"it cannot be read: {error}")
    except Exception as error:  # noqa: BLE001 - a mail's fault must not hold up the others
        await context.discard()
        if isinstance(error, StatementFailed) and error.sqlstate in _RETRYABLE_SQLSTATES and not is_last:
            async with database.statement() as tx:
                await inbound_mail_store.release(tx, mail.id, failed=True)
            return
        _log.exception("mail not dealt with", mail=str(mail.id))
        await _quarantine(
            database, mail.id, f"a fault of the desk ({type(error).__name__}); its log says more", failures=1
        )


async def _classify(
    database: Database, mail: InboundMail, context: InboundMailContext, now: Clock, lock_timeout: int
) -> None:
    async with database.statement() as tx:
        raw = await inbound_mail_store.raw(tx, mail.id)
    # In a thread: a large mail takes its time, and others wait for an answer.
    message, parsed = await asyncio.to_thread(_read, raw or b"")
    async with database.transaction() as tx:
        known = await known_companies(tx, parsed.headers.sender)
    async with database.transaction() as tx:
        await transactions.set_lock_timeout(tx, lock_timeout)
        if await inbound_mail_store.lock_waiting(tx, mail.id) is None:
            return  # another process has it, or had
        outcome = await classify(tx, mail, parsed, message, known, context=context, now=now())
        await inbound_mail_store.decide(tx, mail.id, _shortened(outcome), now=_decided_at(outcome, now))
    _log.info("mail dealt with", mail=str(mail.id), state=outcome.state, reason=outcome.reason)


def _read(raw: bytes) -> tuple[Message, ParsedMail]:
    message = message_of(raw)
    return message, read_message(message)


def _shortened(outcome: InboundMailOutcome) -> InboundMailOutcome:
    return outcome._replace(reason=None if outcome.reason is None else outcome.reason[:REASON_MAX])


def _decided_at(outcome: InboundMailOutcome, now: Clock) -> datetime | None:
    return None if outcome.state is InboundState.QUARANTINED else now()


async def _quarantine(database: Database, mail_id: UUID, reason: str, *, failures: int = 0) -> None:
    async with database.transaction() as tx:
        if await inbound_mail_store.lock_waiting(tx, mail_id) is not None:
            aside = _shortened(InboundMailOutcome(InboundState.QUARANTINED, reason))
            await inbound_mail_store.decide(tx, mail_id, aside, now=None, failures=failures)


class PollResult(Struct, frozen=True):
    """What a poll of one mailbox brought: how many mails were kept, and what is wrong with others."""

    kept: int
    error: str | None


async def poll(database: Database, settings: Settings, now: Clock) -> int:
    """Fetch the new mail of every polled mailbox; how many mails were kept. Of several processes one polls at a time.

    A mail is marked on its server once it is kept here: a process that dies in between fetches it again, and keeps it
    once.
    """
    async with database.transaction() as alone:
        if not await mailbox_store.lock_polling(alone):
            return 0
        async with database.transaction() as tx:
            found, key = await mailbox_store.polled(tx), await secret_box(tx, settings.secret_key)
        total = 0
        for mailbox in found:
            fetched = await _poll_one(database, mailbox, key, settings.mail_max, now)
            total += fetched.kept
            async with database.statement() as tx:
                await mailbox_store.note_poll(tx, mailbox.id, fetched.error, now=now())
        return total


async def _poll_one(database: Database, mailbox: Mailbox, key: SecretBox, size_max: int, now: Clock) -> PollResult:
    """Poll one mailbox. Whatever is wrong with it is noted, and the others go on."""
    opened: OpenMailbox | None = None
    try:
        async with asyncio.timeout(POLL_TIMEOUT_SECONDS):
            opened = await asyncio.to_thread(open_mailbox, imap_access(mailbox, key))
            return await fetch(database, mailbox, opened, size_max, now)
    except DatabaseUnavailable:
        raise
    except TimeoutError:
        told = f"the server took longer than {POLL_TIMEOUT_SECONDS} seconds"
    except (ImapFailed, UndecryptableSecret) as error:
        told = str(error)
    except Exception as error:  # noqa: BLE001 - a mailbox's fault must not hold up the others
        _log.exception("mailbox not polled", mailbox=mailbox.address)
        told = f"a fault of the desk ({type(error).__name__}); its log says more"
    finally:
        if opened is not None:
            opened.abort()
    _log.warning("mailbox not polled", mailbox=mailbox.address, error=told)
    return PollResult(0, told)


async def fetch(database: Database, mailbox: Mailbox, opened: OpenMailbox, size_max: int, now: Clock) -> PollResult:
    """Keep the new mails of one mailbox, at most 50 in a batch.

    Raises:
        ImapFailed: the server went away; what is kept is kept.
    """
    kept, error = 0, None
    for uid, size in (await asyncio.to_thread(opened.unseen, BATCH_SIZE)).items():
        try:
            raw = None if size > size_max else await asyncio.to_thread(opened.fetch, uid, size_max + 1)
            if size > size_max or (raw is not None and len(raw) > size_max):
                error = f"a mail of {size} bytes is larger than CLEARLINE_MAIL_MAX; it is flagged in the mailbox"
                head = await asyncio.to_thread(opened.head, uid)
                async with database.transaction() as tx:
                    await inbound_mail.quarantine_too_large(tx, mailbox, head, size, uid=str(uid), now=now())
                await asyncio.to_thread(opened.mark, uid, too_large=True)
            elif raw is not None:
                kept += await _store_fetched(database, mailbox, raw, now)
                await asyncio.to_thread(opened.mark, uid)
        except (ImapFailed, DatabaseUnavailable):
            raise
        except Exception as fault:  # noqa: BLE001 - a mail's fault must not hold up the others
            _log.exception("mail not kept", mailbox=mailbox.address)
            error = f"a mail could not be kept ({type(fault).__name__}); it is flagged in the mailbox"
            await asyncio.to_thread(opened.mark, uid, too_large=True)
    await asyncio.to_thread(opened.close)
    return PollResult(kept, error)


async def _store_fetched(database: Database, mailbox: Mailbox, raw: bytes, now: Clock) -> bool:
    read = await asyncio.to_thread(MailFingerprint.of, raw)
    sender = inbound_mail.sender_of(read.headers)
    async with database.transaction() as tx:
        new = await inbound_mail.receive(
            tx, mailbox, raw, envelope_from=sender, envelope_to=[mailbox.address], now=now(), read=read
        )
    return new is not None
