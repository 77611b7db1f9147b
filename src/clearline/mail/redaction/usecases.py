"""Rewrite the mails of tickets without words: those received, those sent, and those that quote them."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec import Struct

from clearline.mail.format.content import content_of
from clearline.mail.format.parts import MailUnreadable, message_of
from clearline.mail.redaction import store as mail_store
from clearline.mail.redaction.raw_mail import redact_mail
from clearline.mail.redaction.store import RawMail
from clearline.platform.database.transactions import Tx
from clearline.redactor import RedactedPage, Redactor
from clearline.tickets.domain import ticket_number

MAILS_AT_ONCE = 5
"""The most mails that one transaction rewrites: one may have 25 MB."""
KEYS_AT_ONCE = 100
"""The most mails without a ticket that one transaction looks at."""


class MailScope(Struct, frozen=True):
    """Which mails are looked at, and without what they are written: ``files`` are the SHA-256 of removed files."""

    company_id: UUID
    numbers: Sequence[int]
    since: datetime
    files: Collection[bytes] = ()

    @property
    def names(self) -> list[str]:
        """The numbers of the tickets as they are written."""
        return [ticket_number(number) for number in self.numbers]

    @property
    def earliest(self) -> tuple[datetime, UUID]:
        """The key before the first mail without a ticket that is looked at."""
        return self.since - _EARLIER, UUID(int=0)


_EARLIER = timedelta(days=30)
"""How long before its ticket a mail may have been received that belongs to none: it may have been in quarantine."""
_BEFORE_ALL = (datetime.min.replace(tzinfo=UTC), UUID(int=0))


def _key(after: list[str] | None, first: tuple[datetime, UUID] = _BEFORE_ALL) -> tuple[datetime, UUID]:
    return first if after is None else (datetime.fromisoformat(after[0]), UUID(after[1]))


def _after(at: datetime, mail_id: UUID) -> list[str]:
    return [at.isoformat(), str(mail_id)]


async def redact_inbound(
    tx: Tx, scope: MailScope, redactor: Redactor, *, after: list[str] | None, saves: bool
) -> RedactedPage:
    """Look at the next mails that the tickets and their notes came from; with ``saves`` rewrite them."""
    mails = await mail_store.inbound_of(tx, scope.company_id, scope.numbers, after=_key(after), limit=MAILS_AT_ONCE)
    count = await _rewrite_inbound(tx, mails, scope, redactor, saves=saves)
    return RedactedPage(count, _after(mails[-1].at, mails[-1].id) if len(mails) == MAILS_AT_ONCE else None)


async def redact_unassigned(
    tx: Tx, scope: MailScope, redactor: Redactor, *, after: list[str] | None, saves: bool
) -> RedactedPage:
    """Look at the next mails that belong to no ticket: in quarantine, ignored, waiting. With ``saves`` rewrite them.

    Only one that names a ticket's number or one of its Message-IDs is rewritten.
    """
    keys = await mail_store.inbound_without_ticket(tx, after=_key(after, scope.earliest), limit=KEYS_AT_ONCE)
    known = await mail_store.references(tx, scope.company_id, scope.numbers)
    names = [name.encode() for name in (*scope.names, *known)]
    count = 0
    for start in range(0, len(keys), MAILS_AT_ONCE):
        ids = [mail_id for _at, mail_id in keys[start : start + MAILS_AT_ONCE]]
        mails = await mail_store.inbound_naming(tx, ids, names)
        count += await _rewrite_inbound(tx, mails, scope, redactor, saves=saves)
    return RedactedPage(count, _after(*keys[-1]) if len(keys) == KEYS_AT_ONCE else None)


async def _rewrite_inbound(
    tx: Tx, mails: Sequence[RawMail], scope: MailScope, redactor: Redactor, *, saves: bool
) -> int:
    count = 0
    for mail in mails:
        raw = None if mail.raw is None else await asyncio.to_thread(redact_mail, mail.raw, redactor, scope.files)
        texts = _texts(mail, redactor)
        if raw is None and texts == list(mail.texts):
            continue
        count += 1
        if saves:
            await mail_store.save_inbound(tx, mail, texts, mail.raw if raw is None else raw)
    return count


def _texts(mail: RawMail, redactor: Redactor) -> list[str | None]:
    return [None if text is None else redactor.text(text) for text in mail.texts]


async def redact_outbound(
    tx: Tx, scope: MailScope, redactor: Redactor, *, after: list[str] | None, saves: bool
) -> RedactedPage:
    """Look at the next mails about the tickets, sent or waiting; with ``saves`` rewrite them."""
    mails = await mail_store.outbound_of(tx, scope.company_id, scope.numbers, after=_key(after), limit=MAILS_AT_ONCE)
    count = await _rewrite_outbound(tx, mails, scope, redactor, saves=saves)
    return RedactedPage(count, _after(mails[-1].at, mails[-1].id) if len(mails) == MAILS_AT_ONCE else None)


async def redact_digests(
    tx: Tx, scope: MailScope, redactor: Redactor, *, after: list[str] | None, saves: bool
) -> RedactedPage:
    """Look at the next mails about several tickets; with ``saves`` rewrite those that name one of the tickets."""
    mails = await mail_store.outbound_without_ticket(tx, after=_key(after, scope.earliest), limit=KEYS_AT_ONCE)
    naming = [mail for mail in mails if mail.raw is not None and _names(mail.raw, scope.names)]
    count = await _rewrite_outbound(tx, naming, scope, redactor, saves=saves)
    return RedactedPage(count, _after(mails[-1].at, mails[-1].id) if len(mails) == KEYS_AT_ONCE else None)


def _names(message: bytes, names: Sequence[str]) -> bool:
    """Return whether a message names one of the tickets, in its bytes or in its text."""
    try:
        texts = [content_of(part) for part in message_of(message).walk() if not part.is_multipart()]
    except MailUnreadable:
        texts = []
    return any(name.encode() in text for name in names for text in (message, *texts))


async def _rewrite_outbound(
    tx: Tx, mails: Sequence[RawMail], scope: MailScope, redactor: Redactor, *, saves: bool
) -> int:
    count = 0
    for mail in mails:
        content = mail.raw or b""
        message = await asyncio.to_thread(redact_mail, content, redactor, scope.files)
        texts = _texts(mail, redactor)
        if message is None and texts == list(mail.texts):
            continue
        count += 1
        if saves:
            await mail_store.save_outbound(tx, mail, texts, content if message is None else message)
    return count


async def mail_holds(
    tx: Tx, company_id: UUID, numbers: Sequence[int], mail_id: UUID, redactor: Redactor
) -> bool | None:
    """Return whether a mail of the tickets, received or sent, holds the words; None if there is no such mail."""
    raw = await mail_store.inbound_raw(tx, company_id, numbers, mail_id)
    if raw is None:
        raw = await mail_store.outbound_raw(tx, company_id, numbers, mail_id)
    if raw is None:
        return None
    return await asyncio.to_thread(redact_mail, raw, redactor) is not None
