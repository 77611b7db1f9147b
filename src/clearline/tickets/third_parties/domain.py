"""A case that the provider has at a carrier or vendor because of a ticket: its values and rules."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct

from clearline.accounts.domain import NAME_MAX, PHONE_MAX
from clearline.clock import CLOCK_SECONDS
from clearline.errors import RuleCode, Violation
from clearline.events.domain import CaseAdded, CaseChanged, CaseRemoved, Change
from clearline.text import check_email, check_text, is_blank

FIRST_OPENED = datetime(2000, 1, 1, tzinfo=UTC)
"""No case has a time before this."""
EXPECTED_WITHIN = timedelta(days=5 * 365)
"""How far ahead the end of a case may lie: a year that is mistyped is refused."""
CASES_MAX = 20
"""The most cases of a ticket."""
PARTY_MAX = 120
CASE_NUMBER_MAX = 100
CASE_NOTES_MAX = 4000


class CaseKind(StrEnum):
    """What the third party is."""

    CARRIER = "carrier"
    """Carries part of the service: an access provider, a cable system, a data centre's cross-connect."""
    VENDOR = "vendor"
    """Makes or maintains equipment."""
    OTHER = "other"


class CaseState(StrEnum):
    """The state of a case at the third party."""

    OPEN = "open"
    """The third party works on it."""
    WAITING = "waiting"
    """The third party waits, for the provider or somebody else."""
    RESOLVED = "resolved"
    """The third party says that it is mended; the provider has not confirmed it."""
    CLOSED = "closed"


UNFINISHED = frozenset({CaseState.OPEN, CaseState.WAITING})
"""The states in which the provider still expects something of the third party."""


class Case(Struct, frozen=True, array_like=True):
    """A case at a third party. In JSON it is an array of its fields, as the store reads it.

    ``number`` is what the third party calls it, and empty until it is known. ``created_by`` and ``updated_by`` are the
    names of who did it.
    """

    id: UUID
    party: str
    number: str
    kind: CaseKind
    state: CaseState
    opened_at: datetime
    expected_at: datetime | None
    contact_name: str
    contact_phone: str
    contact_email: str
    notes: str
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str

    @property
    def name(self) -> str:
        """The third party with its number, as people call the case."""
        return f"{self.party} {self.number}" if self.number else self.party

    @property
    def key(self) -> tuple[str, str] | None:
        """What no two cases of a ticket have in common; None for one whose number is not known."""
        return (self.party.lower(), self.number.lower()) if self.number else None

    def is_overdue(self, now: datetime) -> bool:
        """Return whether the third party should have finished by now, and has not."""
        return self.expected_at is not None and self.expected_at < now and self.state in UNFINISHED


EDITABLE = (
    "party", "number", "kind", "state", "opened_at", "expected_at", "contact_name", "contact_phone", "contact_email",
    "notes",
)  # fmt: skip
"""The fields of a case that people set."""


class CaseRef(Struct, frozen=True):
    """The case that a ticket waits for, as it is kept with the reason: readable when the case itself is removed."""

    id: UUID
    party: str
    number: str = ""

    @property
    def name(self) -> str:
        """The third party with its number."""
        return f"{self.party} {self.number}" if self.number else self.party


def ref_of(case: Case) -> CaseRef:
    """Return what is kept of a case where a ticket waits for it."""
    return CaseRef(case.id, case.party, case.number)


def case_named(cases: Sequence[Case], case_id: UUID) -> Case | None:
    """Return the case with an id, or None."""
    return next((case for case in cases if case.id == case_id), None)


def check_case(case: Case, *, now: datetime) -> list[Violation]:
    """Return the rules that a case breaks. The clock of who gives its time may be ahead by a minute."""
    violations = [
        *check_text("party", case.party, most=PARTY_MAX),
        *check_text("number", case.number, least=0, most=CASE_NUMBER_MAX),
        *check_text("contact.name", case.contact_name, least=0, most=NAME_MAX),
        *check_text("contact.phone", case.contact_phone, least=0, most=PHONE_MAX),
        *(check_email("contact.email", case.contact_email) if case.contact_email else ()),
        *check_text("notes", case.notes, least=0, most=CASE_NOTES_MAX),
    ]
    if case.party and is_blank(case.party):
        violations.append(Violation("party", "must not be blank", RuleCode.BLANK))
    if case.opened_at < FIRST_OPENED:
        violations.append(Violation("opened_at", "must not be before the year 2000", RuleCode.ORDER))
    if case.expected_at is not None and not FIRST_OPENED <= case.expected_at <= now + EXPECTED_WITHIN:
        violations.append(Violation("expected_at", "must be within 5 years from now", RuleCode.ORDER))
    if case.opened_at > now + timedelta(seconds=CLOCK_SECONDS):
        violations.append(Violation("opened_at", "must not lie in the future", RuleCode.ORDER))
    if case.expected_at is not None and case.expected_at < case.opened_at:
        violations.append(Violation("expected_at", "must not be before opened_at", RuleCode.ORDER))
    return violations


def added(case: Case) -> CaseAdded:
    """Return the event of a new case, with the values that it has."""
    return CaseAdded(str(case.id), case.party, case.number, [Change(*each) for each in _changes(None, case)])


def changed(before: Case, after: Case) -> CaseChanged | None:
    """Return the event of a changed case, with its party and number after it; None if nothing changed."""
    changes = [Change(*each) for each in _changes(before, after)]
    return CaseChanged(str(after.id), after.party, after.number, changes) if changes else None


def removed(case: Case) -> CaseRemoved:
    """Return the event of a removed case, with the values that it had."""
    return CaseRemoved(str(case.id), case.party, case.number, [Change(*each) for each in _changes(case, None)])


def _changes(before: Case | None, after: Case | None) -> list[tuple[str, Any, Any]]:
    """Return what differs, by the names of the API; no text is null."""

    def value(case: Case | None, name: str) -> Any:
        return None if case is None else getattr(case, name) or None

    pairs = ((name, value(before, name), value(after, name)) for name in EDITABLE)
    return [(name.replace("contact_", "contact."), was, now) for name, was, now in pairs if was != now]
