"""Inbound mail: its states, duplicates and limits, and what marks automatic mail (RFC 3834, RFC 2919)."""

import re
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from clearline.mail.format.headers import MailHeaders
from clearline.tickets.domain import DESCRIPTION_MAX, TITLE_MAX, parse_ticket_number
from clearline.tickets.note_domain import TEXT_MAX

REASON_MAX = 255
DUPLICATE_WINDOW = timedelta(days=7)
"""Within this time a mailbox accepts a mail with the same Message-ID, sender and body once."""

MAX_ATTEMPTS = 5
"""How often processing may fail before the mail is quarantined."""

CLAIM_DURATION = timedelta(minutes=2)
"""How long a process may work on a claimed mail; a claim that expires counts as a failed attempt."""

TOO_LARGE = "too large"

BURST_LIMIT, BURST_WINDOW = 20, timedelta(minutes=10)
DAILY_LIMIT, DAILY_WINDOW = 100, timedelta(days=1)
"""The most mails of one sender within a time; further ones are quarantined, so that two automatic repliers stop."""

NO_TEXT = "(The mail has no text.)"
NO_SUBJECT = "(no subject)"
TRUNCATION_NOTICE = "\n[Shortened. The whole text is attached as mail.txt.]"
_FILE_NAMES_MAX = 15
_SUBJECT_NUMBER = re.compile(r"\[(INC[0-9]{12})\]")
_BULK_PRECEDENCES = {"bulk", "junk", "list", "auto_reply"}
_BULK_HEADERS = ("list-id", "list-post", "list-unsubscribe", "x-autoreply", "x-autorespond")
_DMARC_FAILED = re.compile(r"\bdmarc\s*=\s*fail\b", re.IGNORECASE)


class InboundState(StrEnum):
    """The state of an inbound mail."""

    WAITING = "waiting"
    """Stored, and not processed yet."""
    ACCEPTED = "accepted"
    """It became a note or a ticket."""
    QUARANTINED = "quarantined"
    """A person has to decide."""
    IGNORED = "ignored"
    """It is automatic mail, or a duplicate."""
    BOUNCE = "bounce"
    """It reports that an outbound mail was not delivered."""
    DISCARDED = "discarded"
    """A person decided that it becomes nothing."""


REVIEWABLE = (InboundState.QUARANTINED, InboundState.IGNORED)
"""The states of mail that a person may release or discard."""


class InboundMail(Struct, frozen=True):
    """An inbound mail without its content. ``sender`` is the address of From, in lower case.

    ``envelope_from`` is empty for mail that must not be replied to; ``envelope_to`` are addresses separated by spaces.
    """

    id: UUID
    mailbox_id: UUID | None
    received_at: datetime
    envelope_from: str
    envelope_to: str
    sender: str
    subject: str
    message_id: str | None
    size: int
    has_raw: bool
    state: InboundState
    reason: str | None
    company_id: UUID | None
    ticket_number: int | None
    note_number: int | None
    attempts: int
    decided_by: UUID | None
    decided_at: datetime | None


def automatic(headers: MailHeaders, *, envelope_from: str) -> str | None:
    """Return why a mail was written by a program, or None when a person may have written it.

    Only what programs say of themselves counts (RFC 3834, sections 2 and 5; RFC 6522): a subject proves nothing, and a
    person writes to mailing lists, too.
    """
    submitted = headers.first("auto-submitted").partition(";")[0].strip().lower()
    reasons = (
        (submitted not in {"", "no"}, f"it has the header Auto-Submitted: {submitted[:40]}"),
        (headers.first("content-type").lower().startswith("multipart/report"), "it is a report, such as a receipt"),
        (envelope_from == "", "its envelope sender is empty"),
    )
    return next((reason for holds, reason in reasons if holds), None)


def deserves_receipt(headers: MailHeaders) -> bool:
    """Return whether a mail may be answered by a program: not one to a list, nor one that may be automatic."""
    is_bulk = headers.first("precedence").strip().lower() in _BULK_PRECEDENCES
    return not (is_bulk or any(headers.values(name) for name in _BULK_HEADERS))


def fails_dmarc(headers: MailHeaders) -> bool:
    """Return whether a server before us found that the sender is forged (RFC 8601, ``dmarc=fail``)."""
    return any(_DMARC_FAILED.search(value) for value in headers.values("authentication-results"))


def number_in_subject(subject: str) -> int | None:
    """Return the ticket number in brackets in a subject, or None."""
    match = _SUBJECT_NUMBER.search(subject)
    return None if match is None else parse_ticket_number(match[1])


def title_of(subject: str) -> str:
    """Return the title of a ticket that was created from a mail with this subject."""
    return subject.strip()[:TITLE_MAX] or NO_SUBJECT


def note_text(text: str, refused: list[str]) -> tuple[str, bool]:
    """Return the text of a note, and whether it had to be cut.

    ``refused`` describes the files that are not attached.
    """
    return _fit(text, refused, TEXT_MAX)


def description_of(text: str, refused: list[str]) -> tuple[str, bool]:
    """Return the description of a new ticket, and whether it had to be cut. ``refused`` is as for ``note_text``."""
    return _fit(text, refused, DESCRIPTION_MAX)


def _fit(text: str, refused: list[str], limit: int) -> tuple[str, bool]:
    tail = _refused_text(refused)
    content = text if text.strip() else NO_TEXT
    if len(content) + len(tail) <= limit:
        return content + tail, False
    return content[: limit - len(tail) - len(TRUNCATION_NOTICE)] + TRUNCATION_NOTICE + tail, True


def _refused_text(refused: list[str]) -> str:
    if not refused:
        return ""
    shown = [description[:120] for description in refused[:_FILE_NAMES_MAX]]
    if len(refused) > _FILE_NAMES_MAX:
        shown.append(f"and {len(refused) - _FILE_NAMES_MAX} more")
    return "\n\n[Not attached: " + "; ".join(shown) + "]"
