"""Store inbound mail, and show it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID, uuid4

from msgspec import Struct
from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.clock import CLOCK_SECONDS
from clearline.errors import require_found
from clearline.identity import Actor, Scope
from clearline.mail.format.headers import MailHeaders, read_headers
from clearline.mail.format.parts import MailUnreadable, ParsedMail
from clearline.mail.inbound import mailbox_store
from clearline.mail.inbound import store as inbound_mail_store
from clearline.mail.inbound.domain import (
    CLAIM_DURATION,
    DUPLICATE_WINDOW,
    SUBJECT_MAX,
    TOO_LARGE,
    InboundMail,
    InboundState,
    shortened,
    with_stored_sender,
)
from clearline.mail.inbound.mailbox_domain import Mailbox, base_address
from clearline.mail.inbound.parsing.parser import PARSER, ParserEnded
from clearline.mail.inbound.store import Hashes
from clearline.platform.database.transactions import Tx
from clearline.tickets import access

KIND = "inbound mail"
_PURGED_AT_ONCE = 200
_STRIPPED_AT_ONCE = 64 * 1024
_SIZE_MAX = 2**31 - 1


class MailFingerprint(Struct, frozen=True):
    """What is needed of a mail to store it. Large mail takes long: compute it in a thread."""

    headers: MailHeaders
    digest: bytes
    body_digest: bytes

    @classmethod
    def of(cls, raw: bytes) -> "MailFingerprint":
        """Compute it. Line ends, and blanks at the end, do not change the digest of the body."""
        return cls(read_headers(raw), sha256(raw).digest(), _body_digest(raw.replace(b"\r\n", b"\n")))


def _body_digest(lines: bytes) -> bytes:
    """Return the digest of a body. Nothing of it is copied at once: it may be large."""
    start, end = lines.find(b"\n\n") + 2, len(lines)
    if start < 2:
        return sha256().digest()
    while end > start:
        block = lines[max(start, end - _STRIPPED_AT_ONCE) : end]
        stripped = block.rstrip()
        end -= len(block) - len(stripped)
        if stripped:
            break
    with memoryview(lines) as view:
        return sha256(view[start:end]).digest()


class MailDetails(Struct, frozen=True):
    """A mail with its content; ``parsed`` is None when the content was deleted or cannot be parsed."""

    mail: InboundMail
    parsed: ParsedMail | None


async def mailboxes_of_recipients(tx: Tx, recipients: Sequence[str]) -> list[tuple[Mailbox, list[str]]]:
    """Return the active mailboxes of recipients, each with its recipients. Subaddresses are ignored."""
    by_address: dict[str, list[str]] = {}
    for recipient in recipients:
        by_address.setdefault(base_address(recipient), []).append(recipient)
    mailboxes = await mailbox_store.find(tx, list(by_address))
    return [(mailbox, by_address[mailbox.address.lower()]) for mailbox in mailboxes if mailbox.is_active]


async def receive(
    tx: Tx,
    mailbox: Mailbox,
    raw: bytes,
    *,
    envelope_from: str,
    envelope_to: Sequence[str],
    now: datetime,
    fingerprint: MailFingerprint | None = None,
) -> UUID | None:
    """Store a mail for a mailbox and return its id; None for a duplicate. It is processed later.

    Duplicates have the same bytes or, within ``DUPLICATE_WINDOW``, the same Message-ID, sender and body.
    ``fingerprint`` is that of the mail, when it was computed before the transaction.
    """
    if fingerprint is None:
        fingerprint = await asyncio.to_thread(MailFingerprint.of, raw)
    headers = fingerprint.headers.sent_through(mailbox.form_addresses)
    mail = _new(mailbox, headers, envelope_from, envelope_to, len(raw), now=now)
    hashes = Hashes(sha256(mailbox.id.bytes + fingerprint.digest).digest(), fingerprint.body_digest)
    is_new = await inbound_mail_store.insert(tx, mail, hashes, raw, same_since=now - DUPLICATE_WINDOW)
    return mail.id if is_new else None


async def quarantine_too_large(
    tx: Tx, mailbox: Mailbox, head: bytes, size: int, *, uid: str, now: datetime
) -> UUID | None:
    """Store the headers of a mail that is too large, in quarantine; None for a duplicate.

    ``uid`` distinguishes it from other mails of the mailbox. The mail itself stays on its server.
    """
    fingerprint = await asyncio.to_thread(MailFingerprint.of, head)
    headers = fingerprint.headers.sent_through(mailbox.form_addresses)
    waiting = _new(mailbox, headers, sender_of(fingerprint.headers), [mailbox.address], min(size, _SIZE_MAX), now=now)
    mail = replace(waiting, has_raw=False, state=InboundState.QUARANTINED, reason=TOO_LARGE)
    hashes = Hashes(
        sha256(mailbox.id.bytes + fingerprint.digest + f"too large {uid} {size}".encode()).digest(),
        sha256(uid.encode() + fingerprint.digest).digest(),
    )
    is_new = await inbound_mail_store.insert(tx, mail, hashes, None, same_since=now - DUPLICATE_WINDOW)
    return mail.id if is_new else None


def _new(
    mailbox: Mailbox, headers: MailHeaders, envelope_from: str, envelope_to: Sequence[str], size: int, *, now: datetime
) -> InboundMail:
    sender = headers.sender
    return InboundMail(
        uuid4(),
        mailbox.id,
        now,
        envelope_from,
        " ".join(envelope_to),
        sender.address if sender is not None else "",
        shortened(headers.subject, SUBJECT_MAX),
        headers.message_id,
        size,
        has_raw=True,
        state=InboundState.WAITING,
        reason=None,
        company_id=None,
        ticket_number=None,
        note_number=None,
        attempts=0,
        decided_by=None,
        decided_at=None,
    )


def envelope_sender(raw: bytes) -> str:
    """Return the sender of a mail without an envelope: Return-Path, else From.

    Empty for mail that must not be replied to.
    """
    return sender_of(read_headers(raw))


def sender_of(headers: MailHeaders) -> str:
    """Return the envelope sender, as ``envelope_sender`` does, from parsed headers."""
    return_paths = headers.values("return-path")
    if return_paths:
        return return_paths[0].strip().strip("<>").strip()
    return headers.sender.address if headers.sender is not None else "unknown"


async def list_mails(
    tx: Tx,
    actor: Actor,
    *,
    state: InboundState | None = None,
    ticket_number: int | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[InboundMail]:
    """Return mails, newest first, after the given key; of one state, or about one ticket.

    Served by ``inbound_mail_newest``, ``inbound_mail_by_state`` or ``inbound_mail_of_ticket``.
    """
    if ticket_number is None:
        permissions.require_whole_desk(actor, Scope.DESK_READ)
        return await inbound_mail_store.page(tx, state=state, before=before, limit=limit)
    permissions.require_staff(actor, Scope.DESK_READ)
    company_id = await access.require_ticket(tx, actor, ticket_number)
    return await inbound_mail_store.of_ticket(tx, company_id, ticket_number, state=state, before=before, limit=limit)


async def mail_of_description(tx: Tx, actor: Actor, ticket_number: int) -> UUID | None:
    """Return the mail that a ticket was raised with, or None."""
    permissions.require_staff(actor, Scope.DESK_READ)
    company_id = await access.require_ticket(tx, actor, ticket_number)
    return await inbound_mail_store.id_of_description(tx, company_id, ticket_number)


async def ids_between(tx: Tx, actor: Actor, low: UUID, high: UUID, *, limit: int = 10) -> list[UUID]:
    """Return the ids of mails between two, both included. Served by the primary key."""
    permissions.require_whole_desk(actor, Scope.DESK_READ)
    return await inbound_mail_store.ids_between(tx, low, high, limit=limit)


async def get_mail(tx: Tx, actor: Actor, mail_id: UUID) -> MailDetails:
    """Return a mail with its content, which the actor must be allowed to read as the text of a ticket."""
    permissions.require_staff(actor, Scope.DESK_READ)
    permissions.require_scope(actor, Scope.TICKETS_READ)
    mail = require_found(await inbound_mail_store.get(tx, mail_id), KIND, mail_id)
    await access.require_about(tx, actor, mail.ticket_number, KIND, mail_id)
    raw = await inbound_mail_store.raw(tx, mail_id)
    return MailDetails(mail, None if raw is None else await parsed_mail(mail, raw))


async def parsed_mail(mail: InboundMail, raw: bytes) -> ParsedMail | None:
    """Return the parsed content of a mail, with the sender it was stored with; None when it cannot be parsed."""
    try:
        return with_stored_sender((await PARSER.read(raw)).parsed, mail)
    except (MailUnreadable, ParserEnded):
        return None


async def get_raw(tx: Tx, actor: Actor, mail_id: UUID) -> bytes:
    """Return the content of a mail, byte for byte, as ``get_mail`` does. Deleted content is ``NotFound``."""
    permissions.require_staff(actor, Scope.DESK_READ)
    permissions.require_scope(actor, Scope.TICKETS_READ)
    mail = require_found(await inbound_mail_store.get(tx, mail_id), KIND, mail_id)
    await access.require_about(tx, actor, mail.ticket_number, KIND, mail_id)
    return require_found(await inbound_mail_store.raw(tx, mail_id), KIND, mail_id)


async def shorten_claims(tx: Tx, *, now: datetime) -> int:
    """Shorten the claims of mails that a clock made that was ahead and is set back now; return how many."""
    return await inbound_mail_store.shorten_claims(
        tx, until=now + CLAIM_DURATION, tolerance=timedelta(seconds=CLOCK_SECONDS)
    )


async def purge(tx: Tx, *, before: datetime) -> int:
    """Delete the content of some mails that were decided before a time, or received then and put in quarantine.

    Return how many. Their senders, subjects and results stay.
    """
    return await inbound_mail_store.purge_raw(tx, before=before, limit=_PURGED_AT_ONCE)
