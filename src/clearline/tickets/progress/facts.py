"""What can be given with a new status, and the rules of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from clearline.catalogue.domain import CLOSURE_FACTS, Catalogue
from clearline.catalogue.term_domain import TermKind, Terms
from clearline.errors import RuleCode, Violation
from clearline.events.domain import Change
from clearline.text import check_text, is_blank
from clearline.tickets.domain import Closure, Status, Ticket, Waiting
from clearline.tickets.third_parties.domain import Case, CaseRef, case_named, ref_of

WAITING_TEXT_MAX = 1000
CLOSURE_TEXT_MAX = 4000
WAITS = frozenset({Status.PENDING, Status.HELD})
"""The statuses in which a ticket waits for a reason."""
CLOSURE_KINDS = {
    "cause": TermKind.FAULT_CAUSE,
    "action": TermKind.FAULT_ACTION,
    "responsibility": TermKind.RESPONSIBILITY,
}
"""The members of a closure that are keys, with their lists."""
CLOSURE_TEXTS = ("root_cause", "resolution")


class StatusFacts(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is given with a status. Of ``closure``, what is not given stays as the ticket has it."""

    sub_status: str | None = None
    waiting: Waiting | None = None
    closure: Closure | None = None


NO_FACTS = StatusFacts()


def texts_of(facts: StatusFacts) -> list[str]:
    """Return the keys and texts that are given with a status."""
    waiting, closure = facts.waiting or Waiting(""), facts.closure or Closure()
    texts = (facts.sub_status, waiting.reason, waiting.text, *asdict(closure).values())
    return [text for text in texts if isinstance(text, str) and text]


def merged_closure(before: Closure | None, given: Closure | None) -> Closure | None:
    """Return what a ticket knows of its closure with what is given; what is not given stays."""
    if given is None:
        return before
    values = {name: value for name, value in asdict(given).items() if value is not None and value != ""}
    after = replace(before or Closure(), **values)
    return None if after == Closure() else after


def values_of(facts: StatusFacts) -> dict[str, Any]:
    """Return what is given with a status as ``with_values`` reads it."""
    values: dict[str, Any] = {}
    if facts.sub_status is not None:
        values["sub_status"] = facts.sub_status
    if facts.waiting is not None:
        values["waiting"] = {"reason": facts.waiting.reason, "text": facts.waiting.text}
        if facts.waiting.case is not None:
            values["waiting"]["case"] = facts.waiting.case
    if facts.closure is not None:
        members = asdict(facts.closure).items()
        values["closure"] = {name: value for name, value in members if value is not None and value != ""}
    return values


def check_facts(
    terms: Terms,
    status: Status,
    facts: StatusFacts,
    *,
    before: Ticket | None = None,
    with_retired: bool = False,
) -> list[Violation]:
    """Return the rules that break what is given with a status.

    Retired terms may not be given, unless the ticket had them ``before``, or ``with_retired``.
    """
    had = StatusFacts() if before is None else StatusFacts(before.sub_status, before.waiting, before.closure)
    violations: list[Violation] = []

    def check(field: str, kind: TermKind, key: str | None, known: str | None, *, is_of_status: bool) -> None:
        term = terms.get(kind, key)
        is_for_status = term is not None and (not is_of_status or status in term.statuses)
        if key in {None, known} or (term is not None and is_for_status and (term.is_active or with_retired)):
            return
        offered = ", ".join(each.key for each in terms.offered(kind, status if is_of_status else None))
        violations.append(
            Violation(field, f"must be one of {offered}" if offered else "must be empty", RuleCode.CHOICE)
        )

    if facts.waiting is not None and status not in WAITS:
        violations.append(Violation("waiting", "must stand only with the status pending or held", RuleCode.CHOICE))
    elif facts.waiting is not None:
        known = None if had.waiting is None else had.waiting.reason
        check("waiting.reason", TermKind.WAITING_REASON, facts.waiting.reason, known, is_of_status=True)
        violations += check_text("waiting.text", facts.waiting.text, least=0, most=WAITING_TEXT_MAX)
    check("sub_status", TermKind.SUB_STATUS, facts.sub_status, had.sub_status, is_of_status=True)
    closure = facts.closure or Closure()
    for name, kind in CLOSURE_KINDS.items():
        known = getattr(had.closure or Closure(), name)
        check(f"closure.{name}", kind, getattr(closure, name), known, is_of_status=False)
    for name in CLOSURE_TEXTS:
        violations += check_text(f"closure.{name}", getattr(closure, name), least=0, most=CLOSURE_TEXT_MAX)
    return violations


def named_case(given: CaseRef, before: Waiting | None, cases: Sequence[Case]) -> CaseRef | None:
    """Return the case that a ticket is to wait for, by its id, with its party and number.

    None for one that the ticket does not have, unless it waits for it already: that may have been removed.
    """
    case = case_named(cases, given.id)
    if case is not None:
        return ref_of(case)
    known = None if before is None else before.case
    return known if known is not None and known.id == given.id else None


def with_values(ticket: Ticket, values: Mapping[str, Any], *, by: str, now: datetime) -> Ticket:
    """Return a ticket with its sub-status, why it waits or its closure set; what is not named of a value stays.

    ``by`` is who says why it waits.
    """
    after = ticket
    if "sub_status" in values:
        after = replace(after, sub_status=values["sub_status"])
    if "waiting" in values:
        given = values["waiting"]
        was = ticket.waiting or Waiting("")
        now_waits = None if given is None else replace(was, **given)
        if now_waits is not None and now_waits != was:
            now_waits = replace(now_waits, by=by, at=now)
        after = replace(after, waiting=now_waits)
    if "closure" in values:
        given = values["closure"]
        closure = Closure() if given is None else replace(ticket.closure or Closure(), **given)
        after = replace(after, closure=None if closure == Closure() else closure)
    return after


def fact_changes(terms: Terms, before: Ticket, after: Ticket) -> list[Change]:
    """Return what differs in what goes with the status of a ticket, value by value.

    ``sub_status_for_customers`` is what customers read of a sub-status, in English.
    """
    shown = [_shown_sub_status(terms, ticket.sub_status) for ticket in (before, after)]
    was, now = before.waiting or Waiting(""), after.waiting or Waiting("")
    had, has = before.closure or Closure(), after.closure or Closure()
    pairs: list[tuple[str, Any, Any]] = [
        ("sub_status", before.sub_status, after.sub_status),
        ("sub_status_for_customers", shown[0], shown[1]),
        ("waiting.reason", was.reason or None, now.reason or None),
        ("waiting.text", was.text or None, now.text or None),
        ("waiting.case", was.case and was.case.name, now.case and now.case.name),
        *((f"closure.{name}", getattr(had, name), getattr(has, name)) for name in CLOSURE_FACTS),
    ]
    return [Change(name, old, new) for name, old, new in pairs if old != new]


def _shown_sub_status(terms: Terms, key: str | None) -> str | None:
    term = terms.get(TermKind.SUB_STATUS, key)
    return None if term is None else term.customer_label or None


def missing_facts(catalogue: Catalogue, ticket: Ticket) -> list[Violation]:
    """Return the facts of the closure that a ticket needs before it is resolved, and does not have."""
    entry = catalogue.issue_types.get(ticket.issue_type)
    required: Sequence[str] = () if entry is None else entry.closure_required
    closure = ticket.closure or Closure()
    return [
        Violation(f"closure.{name}", "is required to resolve a ticket of this type", RuleCode.REQUIRED)
        for name in required
        if getattr(closure, name) is None or (name in CLOSURE_TEXTS and is_blank(getattr(closure, name)))
    ]
