"""Notes: text added to a ticket. Append-only, in the order of their numbers."""

import re
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from clearline.errors import RuleCode, Violation, require_valid
from clearline.settings.defaults import TICKET_NOTES_MAX
from clearline.text import check_text, is_blank

TEXT_MAX = 4000
NOTES_MAX = 2 * TICKET_NOTES_MAX
"""The most notes of a ticket, whatever is set: some answers have all of them."""
_WORKLOG_ID = re.compile("WLG[0-9]{12}")


class Visibility(StrEnum):
    """Who may read a note."""

    PUBLIC = "public"
    INTERNAL = "internal"


class Source(StrEnum):
    """Which side a note comes from (MEF 124, ``source``), or the desk itself."""

    BUYER = "buyer"
    SELLER = "seller"
    SYSTEM = "system"


class Note(Struct, frozen=True, array_like=True):
    """A note. ``channel`` is how it was submitted (API, Phone, ...); ``author`` the name at the time of writing.

    In JSON it is an array of its fields, as the store reads it; wires have bodies of their own.
    """

    number: int
    text: str
    visibility: Visibility
    source: Source
    channel: str
    author: str
    created_at: datetime


class NoteMail(Struct, frozen=True):
    """The mail that a note was made from.

    ``trimmed_text`` is what was removed from its text, such as a quote and a signature; empty when nothing was.
    """

    mail_id: UUID
    trimmed_text: str


def worklog_id(number: int) -> str:
    """Return a note's number as wires show it: ``WLG`` and twelve digits (Console Connect API v2, ``worklogId``)."""
    return f"WLG{number:012d}"


def parse_worklog_id(text: str) -> int | None:
    """Return the number in ``WLG`` and twelve ASCII digits, or None for any other text."""
    return int(text[3:]) if _WORKLOG_ID.fullmatch(text) else None


def check_note_text(text: str) -> str:
    """Check the text of a note, and return it unchanged.

    Raises:
        InvalidInput: it is blank, has more than 4000 characters, or cannot be stored.
    """
    violations = check_text("text", text, most=TEXT_MAX)
    if text and is_blank(text):
        violations.append(Violation("text", "must not be blank", RuleCode.BLANK))
    require_valid(violations)
    return text
