"""The terms of the provider's lists: why a ticket waits, what is being done about it, what was found and done."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from clearline.errors import RuleCode, Violation
from clearline.language.languages import ENGLISH
from clearline.text import check_text

KEY_MAX = 40
LABEL_MAX = 64
HELP_MAX = 255
POSITION_MAX = 9999
TERMS_MAX = 500
"""The most terms of all lists together: every process keeps them in memory."""
KEY = re.compile("^[a-z][a-z0-9_]{0,39}$")

WAITING_STATUSES = ("pending", "held")
SUB_STATUS_OF = (
    "acknowledged", "in_progress", "pending", "held", "resolved", "reopened", "cancellation_requested",
)  # fmt: skip
"""The statuses of open tickets."""


class TermKind(StrEnum):
    """The lists that admins edit."""

    WAITING_REASON = "waiting_reason"
    """Why a ticket is pending or held."""
    SUB_STATUS = "sub_status"
    """The provider's own words under a status."""
    FAULT_CAUSE = "fault_cause"
    FAULT_ACTION = "fault_action"
    RESPONSIBILITY = "responsibility"


CUSTOMER_KINDS = frozenset({TermKind.WAITING_REASON, TermKind.SUB_STATUS})
"""The lists whose terms customers see, in a wording of their own."""


class Term(Struct, frozen=True, kw_only=True):
    """A term of a list. Tickets keep its ``key``, which never changes; one that is not active is not offered any more.

    Customers see ``customer_label``, or its German form; nothing if it is empty. ``statuses`` are those that a reason
    to wait is for, or the one that a sub-status belongs to. ``is_customer_time`` is whether the time that a ticket
    waits for this reason counts as the customer's.
    """

    id: UUID
    kind: TermKind
    key: str
    label: str
    customer_label: str = ""
    customer_label_de: str = ""
    help: str = ""
    statuses: tuple[str, ...] = ()
    is_customer_time: bool = False
    is_active: bool = True
    position: int = 0
    created_at: datetime

    @property
    def name(self) -> str:
        """What people call it."""
        return self.label

    def label_for_customers(self, language: str = ENGLISH) -> str:
        """Return what customers read in a language; empty for nothing."""
        return (self.customer_label_de if language == "de" else "") or self.customer_label


class Terms(Struct, frozen=True):
    """The terms of all lists, in their order, by kind and key."""

    by_kind: Mapping[TermKind, Mapping[str, Term]]

    def get(self, kind: TermKind, key: str | None) -> Term | None:
        """Return a term, active or not; None if there is none."""
        return None if key is None else self.by_kind[kind].get(key)

    def label(self, kind: TermKind, key: str | None) -> str:
        """Return what the provider's people read for a key."""
        term = self.get(kind, key)
        return (key or "") if term is None else term.label

    def offered(self, kind: TermKind, status: str | None = None) -> list[Term]:
        """Return the active terms of a list, of those for a status."""
        return [
            term
            for term in self.by_kind[kind].values()
            if term.is_active and (status is None or status in term.statuses)
        ]


def terms_of(terms: Sequence[Term]) -> Terms:
    """Return the lists of these terms, which are in their order."""
    return Terms({kind: {term.key: term for term in terms if term.kind is kind} for kind in TermKind})


def check_term(term: Term) -> list[Violation]:
    """Return the rules that a term breaks."""
    violations = [
        *check_text("label", term.label, most=LABEL_MAX),
        *check_text("customer_label", term.customer_label, least=0, most=LABEL_MAX),
        *check_text("customer_label_de", term.customer_label_de, least=0, most=LABEL_MAX),
        *check_text("help", term.help, least=0, most=HELP_MAX),
    ]
    if not KEY.fullmatch(term.key):
        rule = f"must be a small letter, then small letters, digits and _, at most {KEY_MAX}"
        violations.append(Violation("key", rule, RuleCode.FORMAT))
    if not 0 <= term.position <= POSITION_MAX:
        violations.append(Violation("position", f"must be 0 to {POSITION_MAX}", RuleCode.RANGE))
    if term.customer_label_de and not term.customer_label:
        violations.append(Violation("customer_label", "is required with a German one", RuleCode.REQUIRED))
    return violations + _check_use(term)


def _check_use(term: Term) -> list[Violation]:
    """Return the rules that what a term is for breaks: they differ by the list."""
    violations = []
    if term.kind is TermKind.WAITING_REASON:
        if not term.statuses or not {*term.statuses} <= {*WAITING_STATUSES}:
            violations.append(Violation("statuses", "must be pending, held or both", RuleCode.CHOICE))
    elif term.kind is TermKind.SUB_STATUS:
        if len(term.statuses) != 1 or term.statuses[0] not in SUB_STATUS_OF:
            rule = f"must be one of {', '.join(SUB_STATUS_OF)}"
            violations.append(Violation("statuses", rule, RuleCode.CHOICE))
    elif term.statuses:
        violations.append(Violation("statuses", "must be empty in this list", RuleCode.CHOICE))
    if term.kind not in CUSTOMER_KINDS and term.customer_label:
        violations.append(Violation("customer_label", "must be empty: customers never see it", RuleCode.CHOICE))
    if term.is_customer_time and term.kind is not TermKind.WAITING_REASON:
        violations.append(Violation("is_customer_time", "must be false in this list", RuleCode.CHOICE))
    return violations
