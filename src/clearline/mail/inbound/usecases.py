"""Keep mail that comes in, and have people decide about what the desk would not."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID, uuid4

from msgspec import Struct
from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.errors import Conflict, NotFound
from clearline.events import store as event_store
from clearline.events.domain import Change, RecordChanged
from clearline.events.store import actor_id
from clearline.identity import PROVIDER_ID, Actor, Scope
from clearline.mail.format.headers import MailHeaders, read_headers
from clearline.mail.format.parts import MailUnreadable, ParsedMail, parse
from clearline.mail.inbound import mailbox_store
from clearline.mail.inbound import store as inbound_mail_store
from clearline.mail.inbound.domain import (
    DUPLICATE_WINDOW,
    REVIEWABLE,
    TOO_LARGE,
    InboundMail,
    InboundState,
)
from clearline.mail.inbound.file import InboundMailContext, file_as_note, file_as_ticket
from clearline.mail.inbound.mailbox_domain import Mailbox, base_address
from clearline.mail.inbound.store import Hashes, InboundMailOutcome
from clearline.platform.database.transactions import Tx
from clearline.tickets.domain import ticket_number

KIND = "inbound mail"
RECORD = "inbound_mail"
_LONGEST_ENVELOPE = 2000
_PURGED_AT_ONCE = 200
_SIZE_MAX = 2**31 - 1


class MailFingerprint(Struct, frozen=True):
    """What has to be known of a mail to keep it. A large one takes its time: have it read in a thread."""

    headers: MailHeaders
    digest: bytes
    body_digest: bytes

    @classmethod
    def of(cls, raw: bytes) -> "MailFingerprint":
        """Read a mail. How lines end, and blanks at the end, do not make it another."""
        lines = raw.replace(b"\r\n", b"\n")
        body = lines.partition(b"\n\n")[2].rstrip()
        return cls(read_headers(raw), sha256(raw).digest(), sha256(body).digest())


class MailDetails(Struct, frozen=True):
    """A mail with what it says; ``parsed`` is None when it is kept no more, or cannot be read."""

    mail: InboundMail
    parsed: ParsedMail | None


async def mailboxes_of_recipients(tx: Tx, recipients: Sequence[str]) -> list[tuple[Mailbox, list[str]]]:
    """The active mailboxes that some recipients reach, each with these; what follows a plus is not looked at."""
    wanted: dict[str, list[str]] = {}
    for one in recipients:
        wanted.setdefault(base_address(one), []).append(one)
    found = await mailbox_store.find(tx, list(wanted))
    return [(mailbox, wanted[mailbox.address.lower()]) for mailbox in found if mailbox.is_active]


async def receive(
    tx: Tx,
    mailbox: Mailbox,
    raw: bytes,
    *,
    envelope_from: str,
    envelope_to: Sequence[str],
    now: datetime,
    read: MailFingerprint | None = None,
) -> UUID | None:
    """Keep a mail for a mailbox; None when it was kept before. Nothing else is done with it here.

    It was kept before when the same bytes came to the mailbox, or in the last 7 days a mail of the same Message-ID,
    sender and body. ``read`` is what was read of the mail already, outside the transaction.
    """
    known = await asyncio.to_thread(MailFingerprint.of, raw) if read is None else read
    mail = _new(mailbox, known.headers, envelope_from, envelope_to, len(raw), now=now)
    hashes = Hashes(sha256(mailbox.id.bytes + known.digest).digest(), known.body_digest)
    kept = await inbound_mail_store.insert(tx, mail, hashes, raw, same_since=now - DUPLICATE_WINDOW)
    return mail.id if kept else None


async def quarantine_too_large(
    tx: Tx, mailbox: Mailbox, head: bytes, size: int, *, uid: str, now: datetime
) -> UUID | None:
    """Put a mail aside that is larger than what is kept, by its headers alone; None when that was done before.

    ``uid`` tells it from others of the mailbox. The mail itself stays where it is.
    """
    known = await asyncio.to_thread(MailFingerprint.of, head)
    waiting = _new(mailbox, known.headers, sender_of(known.headers), [mailbox.address], min(size, _SIZE_MAX), now=now)
    mail = replace(waiting, has_raw=False, state=InboundState.QUARANTINED, reason=TOO_LARGE)
    hashes = Hashes(
        sha256(mailbox.id.bytes + known.digest + f"too large {uid} {size}".encode()).digest(),
        sha256(uid.encode() + known.digest).digest(),
    )
    kept = await inbound_mail_store.insert(tx, mail, hashes, None, same_since=now - DUPLICATE_WINDOW)
    return mail.id if kept else None


def _new(
    mailbox: Mailbox, headers: MailHeaders, envelope_from: str, envelope_to: Sequence[str], size: int, *, now: datetime
) -> InboundMail:
    sender = headers.sender
    return InboundMail(
        uuid4(),
        mailbox.id,
        now,
        envelope_from[:_LONGEST_ENVELOPE],
        " ".join(envelope_to)[:_LONGEST_ENVELOPE],
        sender.address if sender is not None else "",
        headers.subject,
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
    """Who a mail without an envelope is from: what Return-Path says, else From. Empty when nobody may answer it."""
    return sender_of(read_headers(raw))


def sender_of(headers: MailHeaders) -> str:
    """As ``envelope_sender``, of headers that are read already."""
    said = headers.values("return-path")
    if said:
        return said[0].strip().strip("<>").strip()
    return headers.sender.address if headers.sender is not None else "unknown"


async def list_mails(
    tx: Tx, actor: Actor, *, state: InboundState | None = None, before: tuple[datetime, UUID] | None = None, limit: int
) -> list[InboundMail]:
    """Mails, newest first, before the time and id of another. Served by ``inbound_mail_newest``, or ``_by_state``.

    Raises:
        Forbidden: the actor is a customer, or its key may not read what is the desk's.
    """
    permissions.require_staff(actor, Scope.DESK_READ)
    return await inbound_mail_store.page(tx, state=state, before=before, limit=limit)


async def get_mail(tx: Tx, actor: Actor, mail_id: UUID) -> MailDetails:
    """One mail, and what it says.

    Raises:
        NotFound: there is no such mail.
        Forbidden: as for ``list_mails``.
    """
    permissions.require_staff(actor, Scope.DESK_READ)
    mail = await inbound_mail_store.get(tx, mail_id)
    if mail is None:
        raise NotFound(KIND, str(mail_id))
    raw = await inbound_mail_store.raw(tx, mail_id)
    return MailDetails(mail, None if raw is None else await _parsed(raw))


async def _parsed(raw: bytes) -> ParsedMail | None:
    try:
        return await asyncio.to_thread(parse, raw)
    except (MailUnreadable, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


async def get_raw(tx: Tx, actor: Actor, mail_id: UUID) -> bytes:
    """A mail as it came.

    Raises:
        NotFound: there is no such mail, or it is kept no more.
        Forbidden: as for ``list_mails``.
    """
    permissions.require_staff(actor, Scope.DESK_READ)
    found = await inbound_mail_store.raw(tx, mail_id)
    if found is None:
        raise NotFound(KIND, str(mail_id))
    return found


async def release_to_ticket(
    tx: Tx, actor: Actor, mail_id: UUID, number: int, *, context: InboundMailContext, now: datetime
) -> InboundMail:
    """Have a mail that was put aside become a note of a ticket, in the name of its sender.

    Whatever is stored on the way is named by ``desk.staged``: when the transaction fails, the caller deletes it.

    Raises:
        NotFound: there is no such mail or ticket.
        Conflict: the mail is not one to decide about, is kept no more, or cannot be read.
        TicketFinished: the ticket takes no more notes.
        Forbidden: the actor is a customer, or its key may not write tickets.
    """
    mail, parsed = await _to_release(tx, actor, mail_id)
    filed = await file_as_note(tx, parsed, number, context=context, now=now)
    return await _decided(tx, actor, mail, filed, now=now)


async def release_as_ticket(
    tx: Tx, actor: Actor, mail_id: UUID, company: str, *, context: InboundMailContext, now: datetime
) -> InboundMail:
    """Have a mail that was put aside become a new ticket of a company, with its sender as the contact.

    Raises:
        NotFound: there is no such mail, or no such company.
        Conflict, Forbidden: as for ``release_to_ticket``.
        InvalidInput: the company is the provider.
    """
    mail, parsed = await _to_release(tx, actor, mail_id)
    customer = await permissions.company_typed(tx, actor, company)
    filed = await file_as_ticket(tx, parsed, customer, mail.mailbox_id, context=context, now=now)
    return await _decided(tx, actor, mail, filed, now=now)


async def discard(tx: Tx, actor: Actor, mail_id: UUID, *, now: datetime) -> InboundMail:
    """Say that nothing becomes of a mail.

    Raises:
        NotFound: there is no such mail.
        Conflict: it is not one to decide about.
        Forbidden: the actor is a customer, or its key may not write tickets.
    """
    mail, _ = await _to_decide(tx, actor, mail_id)
    return await _decided(tx, actor, mail, InboundMailOutcome(InboundState.DISCARDED, mail.reason), now=now)


async def _to_decide(tx: Tx, actor: Actor, mail_id: UUID) -> tuple[InboundMail, bytes | None]:
    permissions.require_staff(actor, Scope.TICKETS_WRITE)
    found = await inbound_mail_store.lock(tx, mail_id)
    if found is None:
        raise NotFound(KIND, str(mail_id))
    if found[0].state not in REVIEWABLE:
        raise Conflict(f"the mail is {found[0].state}: there is nothing to decide")
    return found


async def _to_release(tx: Tx, actor: Actor, mail_id: UUID) -> tuple[InboundMail, ParsedMail]:
    mail, raw = await _to_decide(tx, actor, mail_id)
    parsed = None if raw is None else await _parsed(raw)
    if parsed is None:
        raise Conflict("the mail is kept no more, or cannot be read")
    if parsed.headers.sender is None:
        raise Conflict("the mail does not say plainly whom it is from: discard it, and write a note by hand")
    return mail, parsed


async def _decided(
    tx: Tx, actor: Actor, mail: InboundMail, outcome: InboundMailOutcome, *, now: datetime
) -> InboundMail:
    await inbound_mail_store.decide(tx, mail.id, outcome._replace(by=actor_id(actor)), now=now)
    ticket = None if outcome.ticket_number is None else ticket_number(outcome.ticket_number)
    action = "discarded" if outcome.state is InboundState.DISCARDED else "released"
    changes = [Change("state", mail.state, outcome.state), *([Change("ticket", None, ticket)] if ticket else [])]
    fact = RecordChanged(RECORD, action, str(mail.id), mail.sender or "unknown", changes)
    await event_store.append(tx, actor, PROVIDER_ID, fact, now=now)
    decided = await inbound_mail_store.get(tx, mail.id)
    if decided is None:
        raise NotFound(KIND, str(mail.id))
    return decided


async def purge(tx: Tx, *, before: datetime) -> int:
    """Delete the content of some mails that were decided before a time, or received then and put in quarantine.

    Return how many. Their senders, subjects and results stay.
    """
    return await inbound_mail_store.purge_raw(tx, before=before, limit=_PURGED_AT_ONCE)
