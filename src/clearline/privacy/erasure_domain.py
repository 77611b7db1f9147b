"""Erasures of people: what is asked for, the steps of the work, and the certificate of what was done."""

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from msgspec import Struct

from clearline.errors import RuleCode, Violation
from clearline.privacy.data_map import TABLES
from clearline.privacy.person_redactor import Pseudonym, Words
from clearline.text import check_text, is_blank

ERASURE = "erasure"
REASON_MAX = 500
ALSO_MAX, ALSO_LEAST, ALSO_LONGEST = 20, 5, 255
"""The most further words of a person, and how long each is."""
STEPS = tuple(table.name for table in TABLES if table.is_rewritten)
"""The tables in the order of the work."""
ROUNDS = 2
SETTLE = timedelta(seconds=90)
"""The time between the rounds, as for redactions: what read the words before has stored them by then, or never does."""
NOT_REACHED = (
    "Backups, the write-ahead log and snapshots from before the erasure, until they are deleted.",
    "A database that is restored from such a backup: erase the person again.",
    "The contents of files: those that the person attached, or that hold the words, are listed in files.",
    "What has left Clearline: mails in mailboxes, webhooks at their receivers, exports, log files.",
    "Names that are written in another way: first names alone, initials, misspellings.",
)
"""What an erasure does not reach, for whoever reads its certificate."""


class Secret(Struct, frozen=True):
    """What the work needs to know, and forgets when it is done: the words, and in whose records names are replaced.

    ``companies`` is None for one of the provider's people, whose name is replaced in those of all.
    """

    words: Words
    companies: tuple[UUID, ...] | None = None


class File(Struct, frozen=True):
    """A file that a human has to look at. ``holds_words`` is None when its content was not searched."""

    ticket: str
    id: UUID
    size: int
    is_own: bool
    holds_words: bool | None


class Erasure(Struct, frozen=True):
    """An erasure. ``rows`` counts the rows of each table that were rewritten or deleted, or would be, so far."""

    id: UUID
    code: str
    accounts: tuple[UUID, ...]
    hints: tuple[str, ...]
    is_dry_run: bool
    reason: str
    user_id: UUID | None
    user_name: str
    created_at: datetime
    round: int
    step: str
    rows: dict[str, int]
    files: tuple[File, ...]
    finished_at: datetime | None = None

    @property
    def pseudonym(self) -> Pseudonym:
        """What stands in the place of the person."""
        return Pseudonym(self.code)

    @property
    def progress(self) -> float:
        """How much of the work is done, from 0 to 1, by tables."""
        if self.finished_at is not None:
            return 1.0
        rounds = 1 if self.is_dry_run else ROUNDS
        return (STEPS.index(self.step) / len(STEPS) + self.round - 1) / rounds


class Work(Struct, frozen=True):
    """What is left to do of an erasure that this transaction has locked."""

    erasure: Erasure
    sealed: bytes
    after: list[str] | None


encode_secret = msgspec.json.Encoder().encode
decode_secret = msgspec.json.Decoder(Secret).decode


def check_reason(reason: str) -> list[Violation]:
    """Return the rules that a reason breaks."""
    violations = check_text("reason", reason, most=REASON_MAX)
    if not violations and is_blank(reason):
        violations.append(Violation("reason", "must not be blank", RuleCode.BLANK))
    return violations


def check_others(others: tuple[str, ...]) -> list[Violation]:
    """Return the rules that further words of a person break: short ones would stand in much else."""
    if len(others) > ALSO_MAX:
        return [Violation("also", f"must have at most {ALSO_MAX} items", RuleCode.LENGTH)]
    return [
        violation
        for place, word in enumerate(others)
        for violation in check_text(f"also.{place}", word.strip(), least=ALSO_LEAST, most=ALSO_LONGEST)
    ]


def next_step(erasure: Erasure) -> tuple[int, str] | None:
    """Return the round and the step after those of an erasure, or None when it is done."""
    at = STEPS.index(erasure.step) + 1
    if at < len(STEPS):
        return erasure.round, STEPS[at]
    return None if erasure.is_dry_run or erasure.round >= ROUNDS else (erasure.round + 1, STEPS[0])


class Certificate(Struct, frozen=True):
    """What was done, without the words. ``asked_by`` is the id of a user, or None for the operator."""

    erasure: UUID
    pseudonym: str
    pseudonym_address: str
    accounts: tuple[UUID, ...]
    reason: str
    asked_by: UUID | None
    asked_at: datetime
    finished_at: datetime
    rows: dict[str, int]
    files: tuple[File, ...]
    hints: tuple[str, ...]
    not_reached: tuple[str, ...]


class SealedCertificate(Struct, frozen=True):
    """A certificate with the SHA-256 of its JSON, whose members are sorted and have no space between them."""

    certificate: msgspec.Raw
    sha256: str


def certificate_of(erasure: Erasure, finished_at: datetime) -> str:
    """Return the JSON of the certificate of an erasure that is done, with its checksum."""
    certificate = Certificate(
        erasure.id, erasure.pseudonym.name, erasure.pseudonym.address, erasure.accounts, erasure.reason,
        erasure.user_id, erasure.created_at, finished_at, dict(sorted(erasure.rows.items())), erasure.files,
        erasure.hints, NOT_REACHED,
    )  # fmt: skip
    document = msgspec.json.encode(certificate, order="sorted")
    sealed = SealedCertificate(msgspec.Raw(document), hashlib.sha256(document).hexdigest())
    return msgspec.json.encode(sealed).decode()
