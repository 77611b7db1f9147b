"""Inbound mail: its states, duplicates and limits, and what marks automatic mail (RFC 3834, RFC 2919)."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from clearline.mail.format.headers import MailHeaders
from clearline.mail.format.parts import ParsedMail
from clearline.mail.outbound.domain import without_reply_prefixes
from clearline.tickets.domain import DESCRIPTION_MAX, TITLE_MAX, parse_ticket_number
from clearline.tickets.note_domain import TEXT_MAX

REASON_MAX = 255
SUBJECT_MAX = 500
DUPLICATE_WINDOW = timedelta(days=7)
"""Within this time a mailbox accepts a mail with the same Message-ID, sender and body once."""

MAX_ATTEMPTS = 5
"""How often processing may fail before the mail is quarantined."""

CLAIM_DURATION = timedelta(minutes=2)
"""How long a process may work on a claimed mail; a claim that expires counts as a failed attempt."""

LARGE = 1024**2
"""Bytes above which a mail is large."""

TOO_LARGE = "too large"

BURST_LIMIT, BURST_WINDOW = 20, timedelta(minutes=10)
DAILY_LIMIT, DAILY_WINDOW = 100, timedelta(days=1)
"""The most mails of one sender within a time; further ones are quarantined, so that two automatic repliers stop."""

COMPANY_WINDOW = timedelta(hours=1)
"""The time in which the mails of one company are counted."""

NO_TEXT = "(The mail has no text.)"
NO_SUBJECT = "(no subject)"
ATTACHED, TRIMMED = "attached as mail.txt", "with the trimmed text of this note"
"""Where the whole text is: in a file, or with the note when its ticket has no room for another file."""

_NOT_ATTACHED = "\n\n[Not attached: {}]"
_NAMES_SHARE = 4
"""Names of files have this part of a text that is too long, or what the text leaves."""

_SUBJECT_NUMBER = re.compile(r"\[(INC[0-9]{12})\]")
_BULK_PRECEDENCES = {"bulk", "junk", "list", "auto_reply"}
_AUTOREPLY_PRECEDENCES = {"bulk", "junk", "auto_reply"}
_AUTOREPLY_HEADERS = ("x-autoreply", "x-autorespond")
_BULK_HEADERS = ("list-id", "list-post", "list-unsubscribe", *_AUTOREPLY_HEADERS)
_COMMENT = re.compile(r"\([^()]*\)")
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
    """An inbound mail without its content.

    ``sender`` is the address of From, in lower case; that of Reply-To when a web form of the mailbox sent the mail.
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


class FittedText(Struct, frozen=True):
    """A text that fits into its note or ticket, and the whole text if it had to be shortened."""

    text: str
    full: str | None


def with_stored_sender(parsed: ParsedMail, mail: InboundMail) -> ParsedMail:
    """Return a parsed mail with the sender that it was stored with: its Reply-To, if a web form sent it."""
    sender, reply_to = parsed.headers.sender, parsed.headers.reply_to
    if sender is None or reply_to is None or not reply_to.address == mail.sender != sender.address:
        return parsed
    return replace(parsed, headers=parsed.headers.sent_through({sender.address}))


def automatic(headers: MailHeaders, *, envelope_from: str) -> str | None:
    """Return why a mail was written by a program, or None when a person may have written it.

    Only what programs say of themselves counts (RFC 3834, sections 2 and 5; RFC 6522): a subject proves nothing, and a
    person writes to mailing lists, too.
    """
    submitted = headers.first("auto-submitted").partition(";")[0].strip().lower()
    reasons = (
        (_COMMENT.sub("", submitted).strip() not in {"", "no"}, f"it has the header Auto-Submitted: {submitted[:40]}"),
        (headers.first("content-type").lower().startswith("multipart/report"), "it is a report, such as a receipt"),
        (envelope_from == "", "its envelope sender is empty"),
    )
    return next((reason for holds, reason in reasons if holds), None)


def may_be_automatic(headers: MailHeaders, *, envelope_from: str) -> bool:
    """Return whether a program may have written a mail, also by marks that programs had before RFC 3834.

    Such a mail is kept with its ticket, but is no answer that would reopen it: absence notices would do so each time.
    """
    precedence = headers.first("precedence").strip().lower()
    has_mark = precedence in _AUTOREPLY_PRECEDENCES or any(headers.values(name) for name in _AUTOREPLY_HEADERS)
    return has_mark or automatic(headers, envelope_from=envelope_from) is not None


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


def shortened(text: str, most: int) -> str:
    """Return a text of at most ``most`` characters; one that was cut ends with ``...``."""
    return text if len(text) <= most else text[: most - 3] + "..."


def title_of(subject: str) -> str:
    """Return the title of a ticket that was created from a mail with this subject."""
    return shortened(subject.strip(), TITLE_MAX) or NO_SUBJECT


def follow_up_title(subject: str, title: str) -> str:
    """Return the title of a ticket that follows another and is created from a mail with this subject.

    Numbers of tickets in brackets and ``Re:`` are left out; ``title`` is that of the other ticket, if nothing is left.
    """
    return shortened(without_reply_prefixes(_SUBJECT_NUMBER.sub(" ", subject)), TITLE_MAX) or title


def note_text(text: str, refused: Sequence[str], *, has_room: bool) -> FittedText:
    """Return the text of a note from a mail.

    ``refused`` describes the files that are not attached. ``has_room`` says whether ``mail.txt`` can be attached.
    """
    return _fitted(text, refused, TEXT_MAX, ATTACHED if has_room else TRIMMED)


def description_of(text: str, refused: Sequence[str], *, subject: str) -> FittedText:
    """Return the description of a new ticket: with the subject, if it is too long for a title.

    ``refused`` is as for ``note_text``; a new ticket has room for ``mail.txt``.
    """
    heading = f"Subject: {subject.strip()}\n\n" if len(subject.strip()) > TITLE_MAX else ""
    return _fitted(f"{heading}{text}" if text.strip() else f"{heading}{NO_TEXT}", refused, DESCRIPTION_MAX, ATTACHED)


def _fitted(text: str, refused: Sequence[str], limit: int, place: str) -> FittedText:
    content, names = text if text.strip() else NO_TEXT, _refused_text(refused)
    if len(content) + len(names) <= limit:
        return FittedText(content + names, None)
    notice = f"\n[Shortened. The whole text is {place}.]"
    names_max = max(limit // _NAMES_SHARE, limit - len(content))
    shown = names if len(names) <= names_max else _some_refused(refused, names_max, place)
    if len(content) + len(shown) > limit:
        shown = notice + shown
    return FittedText(content[: limit - len(shown)] + shown, content + names)


def _refused_text(refused: Sequence[str]) -> str:
    return _NOT_ATTACHED.format("; ".join(refused)) if refused else ""


def _some_refused(refused: Sequence[str], most: int, place: str) -> str:
    """Return the first descriptions, and how many more there are, in at most ``most`` characters."""
    more = f"and {len(refused)} more. The whole list is {place}."
    space = most - len(_NOT_ATTACHED.format(more))
    shown: list[str] = []
    for description in refused:
        space -= len(description) + 2
        if space < 0:
            break
        shown.append(description)
    return _NOT_ATTACHED.format("; ".join([*shown, more.replace(str(len(refused)), str(len(refused) - len(shown)), 1)]))
