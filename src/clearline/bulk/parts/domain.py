"""What an imported ticket has beside its own values: people, and cases at third parties."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID, uuid4

from msgspec import Meta, Struct

from clearline.accounts.domain import NAME_MAX
from clearline.clock import CLOCK_SECONDS
from clearline.errors import RuleCode, Violation
from clearline.text import check_text
from clearline.tickets.contact import ContactRole
from clearline.tickets.third_parties.domain import (
    CASES_MAX,
    FIRST_OPENED,
    Case,
    CaseKind,
    CaseRef,
    CaseState,
    check_case,
)

When = Annotated[datetime, Meta(tz=True)]
"""A time with its zone (RFC 3339)."""


class ImportedTicketContact(Struct, frozen=True, forbid_unknown_fields=True):
    """A contact besides that, with its roles; the address or the phone may be unknown."""

    name: str
    roles: tuple[ContactRole, ...]
    email: str = ""
    phone: str = ""


class ImportedCopy(Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody who gets copies of the mail about the ticket."""

    email: str
    name: str = ""


class ImportedCaseContact(Struct, frozen=True, forbid_unknown_fields=True):
    """The contact at the third party."""

    name: str = ""
    phone: str = ""
    email: str = ""


class ImportedCase(Struct, frozen=True, forbid_unknown_fields=True):
    """A case at a third party. With an ``id`` the reason to wait can name it; without one it gets another.

    It was opened when the ticket was created, unless it says otherwise, and set by who imports it.
    """

    party: str
    number: str = ""
    kind: CaseKind = CaseKind.CARRIER
    state: CaseState = CaseState.OPEN
    opened_at: When | None = None
    expected_at: When | None = None
    contact: ImportedCaseContact = ImportedCaseContact()
    notes: str = ""
    id: UUID | None = None
    created_at: When | None = None
    created_by: str = ""
    updated_at: When | None = None
    updated_by: str = ""


class ImportedCaseRef(Struct, frozen=True, forbid_unknown_fields=True):
    """The case that the ticket waits for: one of the line by its id, or one that was removed."""

    party: str
    number: str = ""
    id: UUID | None = None

    @property
    def ref(self) -> CaseRef:
        """It, as a ticket names it."""
        return CaseRef(self.id or uuid4(), self.party, self.number)


def imported_cases(cases: Sequence[ImportedCase], opened_at: datetime, *, by: str, now: datetime) -> list[Case]:
    """Return the cases of an imported ticket that was created at ``opened_at``, by who imports it."""
    return [
        Case(
            case.id or uuid4(), case.party.strip(), case.number.strip(), case.kind, case.state,
            case.opened_at or opened_at, case.expected_at, case.contact.name, case.contact.phone, case.contact.email,
            case.notes, case.created_at or now, case.created_by or by, case.updated_at or case.created_at or now,
            case.updated_by or case.created_by or by,
        )
        for case in cases
    ]  # fmt: skip


def check_imported_cases(cases: Sequence[ImportedCase], opened_at: datetime, *, now: datetime) -> list[Violation]:
    """Return the rules that the cases of an imported ticket break."""
    if len(cases) > CASES_MAX:
        return [Violation("cases", f"must be at most {CASES_MAX}", RuleCode.COUNT)]
    violations: list[Violation] = []
    known: set[object] = set()
    for index, (given, case) in enumerate(zip(cases, imported_cases(cases, opened_at, by="", now=now), strict=True)):
        for name in ("created_by", "updated_by"):
            violations += check_text(f"cases.{index}.{name}", getattr(given, name), least=0, most=NAME_MAX)
        for name in ("created_at", "updated_at"):
            if not FIRST_OPENED <= getattr(case, name) <= now + timedelta(seconds=CLOCK_SECONDS):
                rule = "must be from the year 2000 on, and not in the future"
                violations.append(Violation(f"cases.{index}.{name}", rule, RuleCode.ORDER))
        for violation in check_case(case, now=now):
            violations.append(Violation(f"cases.{index}.{violation.field}", violation.rule, violation.code))
        if known & {case.id, case.key} - {None}:
            violations.append(Violation(f"cases.{index}", "must not stand twice", RuleCode.DUPLICATE))
        known |= {case.id, case.key}
    return violations


def check_awaited(awaited: ImportedCaseRef | None) -> list[Violation]:
    """Return the rules that the case breaks that an imported ticket waits for."""
    return (
        []
        if awaited is None
        else [
            *check_text("waiting.case.party", awaited.party, most=NAME_MAX),
            *check_text("waiting.case.number", awaited.number, least=0, most=NAME_MAX),
        ]
    )
