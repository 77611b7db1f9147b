"""Redactions: what is redacted, the rules for it, and the steps of the work."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec
from msgspec import Struct

from clearline.errors import RuleCode, Violation
from clearline.redactor import MARK, Redactor
from clearline.text import check_text, is_blank

WORDS_MIN, WORDS_MAX = 3, 1000
"""The fewest and the most characters of the words."""
REASON_MAX = 500
KIND = "redaction"
SETTLE = timedelta(seconds=90)
"""The time between the two rounds: what read the words before the redaction has stored them by then, or never does.

A statement takes 30 seconds at most, and a mail is parsed within a minute.
"""


class Target(StrEnum):
    """Where the words were found."""

    TICKET = "ticket"
    """Anywhere in the ticket: its contact, its tags, its history."""
    TITLE = "title"
    DESCRIPTION = "description"
    NOTE = "note"
    MAIL = "mail"
    ATTACHMENT = "attachment"
    """A whole file."""


class Step(StrEnum):
    """A step of the work after the first transaction, in this order."""

    TICKET = "ticket"
    """The ticket again, in the second round: with what was on its way during the first."""
    INBOUND_MAIL = "inbound_mail"
    OTHER_INBOUND_MAIL = "other_inbound_mail"
    OUTBOUND_MAIL = "outbound_mail"
    DIGESTS = "digests"
    DELIVERIES = "deliveries"
    KEPT_ANSWERS = "kept_answers"
    HANDOVERS = "handovers"
    JOBS = "jobs"
    CONTENTS = "contents"


STEPS = tuple(Step)
ROUNDS = 2


class Place(Struct, frozen=True):
    """What somebody asks to redact.

    ``text`` holds the words; without it they are ``length`` characters of the target from ``start`` on. A file has
    neither. ``note`` is the number of a note, ``id`` that of a mail or a file.
    """

    target: Target
    note: int | None = None
    id: UUID | None = None
    text: str | None = None
    start: int | None = None
    length: int | None = None

    @property
    def target_id(self) -> str:
        """The id of the target as it is kept; empty for the title and the description."""
        if self.note is not None:
            return str(self.note)
        return "" if self.id is None else str(self.id)


class Secret(Struct, frozen=True):
    """What the work needs to know, and forgets when it is done: the words, and the SHA-256 of files."""

    words: tuple[str, ...] = ()
    files: tuple[bytes, ...] = ()


class Redaction(Struct, frozen=True):
    """A redaction of a ticket. ``places`` counts the texts, mails and other rows that held the words so far."""

    company_id: UUID
    ticket_number: int
    id: UUID
    target: Target
    target_id: str
    reason: str
    user_id: UUID | None
    user_name: str
    created_at: datetime
    tickets: tuple[int, ...]
    places: int
    finished_at: datetime | None = None


class Work(Struct, frozen=True):
    """What is left to do of a redaction that this transaction has locked."""

    redaction: Redaction
    content_ids: tuple[UUID, ...]
    sealed: bytes
    round: int
    step: Step
    after: list[str] | None


class Preview(Struct, frozen=True):
    """What a redaction would rewrite: how many texts of which tickets, mails, and other rows."""

    tickets: tuple[int, ...]
    texts: int
    mails: int
    others: int

    @property
    def places(self) -> int:
        """How many places hold the words."""
        return self.texts + self.mails + self.others


encode_secret = msgspec.json.Encoder().encode
decode_secret = msgspec.json.Decoder(Secret).decode


def redactor_of(words: Iterable[str], kept_fields: Collection[str]) -> Redactor:
    """Return what redacts words, and leaves the values of the program in JSON as they are, such as a status.

    ``kept_fields`` are as for ``Redactor``.
    """
    return Redactor(words, kept_values(), kept_fields)


def kept_values() -> set[str]:
    """Return the values of the program in JSON, such as a status."""
    return {str(member) for kind in StrEnum.__subclasses__() for member in kind}


def check_words(text: str) -> list[Violation]:
    """Return the rules that the words of a redaction break."""
    words = text.strip()
    violations = check_text("text", words, least=WORDS_MIN, most=WORDS_MAX)
    if not violations and sum(not is_blank(char) for char in words) < WORDS_MIN:
        violations.append(Violation("text", f"must have at least {WORDS_MIN} visible characters", RuleCode.BLANK))
    if not violations and words.lower() in MARK:
        violations.append(Violation("text", f"must not be a part of {MARK}", RuleCode.CHOICE))
    return violations


def check_reason(reason: str, redactor: Redactor) -> list[Violation]:
    """Return the rules that a reason breaks: it is kept, so it must not hold the words itself."""
    violations = check_text("reason", reason, most=REASON_MAX)
    if not violations and is_blank(reason):
        violations.append(Violation("reason", "must not be blank", RuleCode.BLANK))
    if redactor.holds(reason):
        violations.append(Violation("reason", "must not hold the words that are redacted", RuleCode.CHOICE))
    return violations


def next_step(work: Work) -> tuple[int, Step] | None:
    """Return the round and the step after one, or None when it was the last."""
    at = STEPS.index(work.step) + 1
    if at < len(STEPS):
        return work.round, STEPS[at]
    return (work.round + 1, STEPS[0]) if work.round < ROUNDS else None
