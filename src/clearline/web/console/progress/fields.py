"""The fields of forms with which agents say what goes with a status, and what a ticket has of it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from clearline.catalogue.domain import Catalogue
from clearline.catalogue.term_domain import Term, TermKind, Terms
from clearline.errors import InvalidInput, RuleCode, Violation, require_valid
from clearline.tickets.domain import Closure, Status, Ticket, Waiting
from clearline.tickets.progress.facts import CLOSURE_KINDS, CLOSURE_TEXTS, NO_FACTS, WAITS, StatusFacts, merged_closure
from clearline.tickets.third_parties.domain import UNFINISHED, Case, CaseRef, ref_of
from clearline.web import looks
from clearline.web.fields import id_in
from clearline.web.language.refusals import rule_text
from clearline.web.records.form import Values
from clearline.web.tickets.terms import CLOSURE_LABELS, fact_value, term_name
from clearline.web.visit import Form
from clearline.web.words import gettext

ASKING = WAITS | {Status.RESOLVED}
"""The statuses that agents are asked about: why the ticket waits, or what was found and done."""
_ANSWERS = {"yes": True, "no": False}
_CLOSURE = tuple(Closure.__struct_fields__)
FIELDS = ("sub_status", "waiting_reason", "waiting_case", "waiting_text", *(f"closure_{name}" for name in _CLOSURE))
"""The names of the fields."""


class Asked(Struct, frozen=True):
    """What a form asks for with a status: the terms of each list, and the facts of a closure that are required."""

    status: Status
    reasons: list[Term] = []
    sub_statuses: list[Term] = []
    closure: Mapping[str, list[Term]] = {}
    required: frozenset[str] = frozenset()
    cases: Sequence[CaseRef] = ()
    """The cases at third parties that the ticket can wait for."""


def asked_for(
    terms: Terms,
    catalogue: Catalogue,
    status: Status,
    issue_types: Iterable[str],
    ticket: Ticket | None = None,
    cases: Sequence[Case] = (),
) -> Asked:
    """Return what is asked for with a status of tickets of these types; a ticket keeps the terms that it has."""
    has = ticket if ticket is not None and ticket.status is status else None
    closure = Closure() if ticket is None else ticket.closure or Closure()

    def offered(kind: TermKind, key: str | None, of: Status | None = None) -> list[Term]:
        known = terms.get(kind, key)
        listed = terms.offered(kind, of)
        return listed if known is None or known in listed else [*listed, known]

    entries = [entry for key in set(issue_types) if (entry := catalogue.issue_types.get(key)) is not None]
    is_resolved = status is Status.RESOLVED
    waiting = None if has is None or has.waiting is None else has.waiting.reason
    return Asked(
        status,
        offered(TermKind.WAITING_REASON, waiting, status) if status in WAITS else [],
        offered(TermKind.SUB_STATUS, None if has is None else has.sub_status, status),
        {name: offered(kind, getattr(closure, name)) for name, kind in CLOSURE_KINDS.items()} if is_resolved else {},
        frozenset(name for entry in entries for name in entry.closure_required) if is_resolved else frozenset(),
        _awaitable(cases, None if has is None or has.waiting is None else has.waiting.case) if status in WAITS else (),
    )


def _awaitable(cases: Sequence[Case], awaited: CaseRef | None) -> list[CaseRef]:
    """Return the unfinished cases, and the one that the ticket waits for, whatever became of it."""
    refs = [ref_of(case) for case in cases if case.state in UNFINISHED]
    return refs if awaited is None or any(ref.id == awaited.id for ref in refs) else [*refs, awaited]


def form_of(ticket: Ticket, status: Status, sub_status: str = "") -> Form:
    """Return the form with what a ticket has of what goes with a status."""
    values: dict[str, str] = {"sub_status": sub_status}
    if ticket.status is status:
        waiting = ticket.waiting or Waiting("")
        values |= {"waiting_reason": waiting.reason, "waiting_text": waiting.text}
        values["waiting_case"] = "" if waiting.case is None else str(waiting.case.id)
        values["sub_status"] = sub_status or ticket.sub_status or ""
    closure = ticket.closure or Closure()
    for name in _CLOSURE:
        values[f"closure_{name}"] = getattr(closure, name) or ""
    if closure.fault_found is not None:
        values["closure_fault_found"] = "yes" if closure.fault_found else "no"
    return Form([*values.items()])


def facts_stored(ticket: Ticket, status: Status) -> Values:
    """Return what the form of a status has, of the fields that have anything; the sub-status is not among them."""
    return {name: [value] for name, value in form_of(ticket, status).pairs if value and name != "sub_status"}


def facts_now(ticket: Ticket, status: Status, typed: Form) -> dict[str, str]:
    """Return what a ticket has, in words, of the fields that a form fills in otherwise."""
    stored = form_of(ticket, status)
    return {
        name: _words(ticket, name, value)
        for name, value in stored.pairs
        if name != "sub_status" and typed.has(name) and typed.get(name).strip() != value
    }


def _words(ticket: Ticket, name: str, value: str) -> str:
    waiting = ticket.waiting
    if name == "waiting_case" and waiting is not None and waiting.case is not None:
        return waiting.case.name
    if name == "closure_fault_found" and value:
        return gettext("Yes") if _ANSWERS[value] else gettext("No")
    part, _underscore, fact = name.partition("_")
    return fact_value(f"{part}.{fact}", value)


def facts_in(form: Form, status: Status, suffix: str = "") -> StatusFacts:
    """Return what a form gives with a status. ``suffix`` ends the names of its fields about waiting.

    Raises:
        InvalidInput: an answer is neither yes nor no.
    """
    waiting = closure = None
    if status in WAITS:
        reason, text = form.get(f"waiting_reason{suffix}"), form.get(f"waiting_text{suffix}").strip()
        case_id = id_in(form, f"waiting_case{suffix}")
        case = None if case_id is None else CaseRef(case_id, "")
        waiting = Waiting(reason, text, case=case) if reason or text or case else None
    elif status is Status.RESOLVED:
        closure = _closure_in(form)
    return StatusFacts(form.get(f"sub_status{suffix}") or None, waiting, None if closure == Closure() else closure)


def message_facts_in(form: Form, then: Status | None) -> StatusFacts:
    """Return what the composer gives with the status after a message.

    Raises:
        InvalidInput: as ``facts_in``.
    """
    return NO_FACTS if then is None else facts_in(form, then, f"_{then}")


def form_of_message(ticket: Ticket, then: Status | None, facts: StatusFacts) -> Form:
    """Return the fields of the composer: of a closure what the ticket has of it, unless the draft says otherwise."""
    closure = merged_closure(ticket.closure, facts.closure) or Closure()
    values = dict(form_of(replace(ticket, closure=closure), Status.RESOLVED).pairs)
    if then is not None:
        waiting = facts.waiting or Waiting("")
        values |= {
            f"sub_status_{then}": facts.sub_status or "",
            f"waiting_reason_{then}": waiting.reason,
            f"waiting_text_{then}": waiting.text,
        }
    return Form([*values.items()])


def labelled(problems: Mapping[str, str]) -> str:
    """Return what is wrong with the fields in one text."""
    names = {"waiting_reason": gettext("Reason to wait"), "sub_status": gettext("Sub-status")}
    names |= {f"closure_{name}": gettext(label) for name, label in CLOSURE_LABELS.items()}
    return "; ".join(f"{names.get(name, name)} {rule}" for name, rule in problems.items())


def values_in(form: Form, status: Status) -> dict[str, Any]:
    """Return what a form sets of a ticket that has the status already, as ``change_facts`` takes it.

    Raises:
        InvalidInput: as ``facts_in``.
    """
    values: dict[str, Any] = {}
    if form.has("sub_status"):
        values["sub_status"] = form.get("sub_status") or None
    if status in WAITS:
        waiting = facts_in(form, status).waiting
        values["waiting"] = None
        if waiting is not None:
            values["waiting"] = {"reason": waiting.reason, "text": waiting.text}
            values["waiting"] |= {"case": waiting.case} if form.has("waiting_case") else {}
    elif status is Status.RESOLVED:
        closure = _closure_in(form)
        values["closure"] = {name: getattr(closure, name) for name in _CLOSURE}
    return values


def _closure_in(form: Form) -> Closure:
    values: dict[str, Any] = {name: form.get(f"closure_{name}") or None for name in CLOSURE_KINDS}
    values |= {name: form.get(f"closure_{name}").strip() for name in CLOSURE_TEXTS}
    if answer := form.get("closure_fault_found"):
        if answer not in _ANSWERS:
            raise InvalidInput([Violation("closure.fault_found", "must be one of yes, no", RuleCode.CHOICE)])
        values["fault_found"] = _ANSWERS[answer]
    return Closure(**values)


def require_reason(asked: Asked, form: Form, suffix: str = "") -> None:
    """Refuse a status in which a ticket waits without a reason, unless the list has none for it.

    Raises:
        InvalidInput: the form has no reason.
    """
    is_missing = bool(asked.reasons) and not form.get(f"waiting_reason{suffix}")
    require_valid([Violation("waiting.reason", "must be chosen", RuleCode.REQUIRED)] if is_missing else [])


def problems(error: InvalidInput) -> dict[str, str]:
    """Return what is wrong, by the field of the form."""
    by_field: dict[str, str] = {}
    for violation in error.violations:
        is_fact = violation.field.startswith(("waiting.", "closure."))
        field = violation.field.replace(".", "_") if is_fact else violation.field
        by_field.setdefault(field, rule_text(violation))
    return by_field


def shown_status(ticket: Ticket) -> str:
    """Return the status of a ticket as pickers have it: with the sub-status, after a point."""
    return f"{ticket.status}.{ticket.sub_status}" if ticket.sub_status else str(ticket.status)


def status_words(ticket: Ticket) -> str:
    """Return the status of a ticket in words, with the sub-status."""
    label = gettext(looks.STATUSES[ticket.status].label)
    return f"{label}, {term_name(TermKind.SUB_STATUS, ticket.sub_status)}" if ticket.sub_status else label
