"""The facts of a fault in forms of the console and the portal: what was typed, and what a ticket has."""

from datetime import UTC, datetime
from typing import Any

from clearline.catalogue.assessment import Impact
from clearline.errors import RuleCode, Violation
from clearline.language.reader import reader
from clearline.tickets.domain import Ticket
from clearline.tickets.faults.domain import (
    NO_FAULT,
    DetectedBy,
    Fault,
    PathState,
    ServiceEnd,
    SiteAccess,
    TestingConsent,
    change_fault,
    check_fault,
    check_occurred_at,
)
from clearline.tickets.faults.words import ANSWERS, LABELS, WORDS
from clearline.web.records.form import Values
from clearline.web.tickets.new_ticket import Violations
from clearline.web.visit import Form
from clearline.web.words import full_time, gettext

_TYPED = "%Y-%m-%dT%H:%M"


def form_of(ticket: Ticket) -> Form:
    """Return the form with the facts that a ticket has."""
    fault, access = ticket.fault, ticket.fault.site_access or SiteAccess()
    values: dict[str, object] = {name: getattr(fault, name) for name in WORDS if name != "dispatch_allowed"}
    values |= {"intermittent": fault.intermittent, "testing_hours": fault.testing_hours}
    values |= {f"site_access_{name}": getattr(access, name) for name in SiteAccess.__struct_fields__}
    if fault.dispatch_allowed is not None:
        values["dispatch_allowed"] = "yes" if fault.dispatch_allowed else "no"
    pairs = [(name, str(value)) for name, value in values.items() if value is not None]
    return Form([("occurred_at", typed_time(ticket.occurred_at)), *pairs])


def fault_stored(ticket: Ticket) -> Values:
    """Return what the form of the facts has, of the fields that have anything."""
    return {name: [value] for name, value in form_of(ticket).pairs if value}


def fault_now(ticket: Ticket, typed: Form) -> dict[str, str]:
    """Return the stored facts, in words, of the fields that a form fills in otherwise."""
    stored = form_of(ticket)
    words = {name: {value: gettext(word) for value, word in known.items()} for name, known in WORDS.items()}
    if ticket.occurred_at is not None:
        words["occurred_at"] = {typed_time(ticket.occurred_at): full_time(ticket.occurred_at)}
    return {
        name: words.get(name, {}).get(stored.get(name), stored.get(name))
        for name in dict.fromkeys([*LABELS, *(name for name, _value in stored.pairs)])
        if typed.has(name) and typed.get(name).strip() != stored.get(name)
    }


def typed_time(at: datetime | None) -> str:
    """Return a time as the field of a form has it: of the reader's zone, to the minute."""
    return "" if at is None else at.astimezone(reader().zone).strftime(_TYPED)


def occurred_at_in(form: Form, violations: Violations, current: datetime | None = None) -> datetime | None:
    """Return when the fault began: see ``time_in``."""
    return time_in(form, "occurred_at", violations, current)


def time_in(form: Form, field: str, violations: Violations, current: datetime | None = None) -> datetime | None:
    """Return the time in a field; the ``current`` one as it is if the form shows it, which has no seconds."""
    text = form.get(field).strip()
    if not text or text == typed_time(current):
        return current if text else None
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=reader().zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        rule = "must be a day and a time, such as 2026-01-31 14:30"
        violations.all.append(Violation(field, rule, RuleCode.FORMAT))
        return None


def fault_in(form: Form, violations: Violations) -> Fault:
    """Return the facts in a form. Hours of testing are for the consent within hours: without it none are taken."""
    values: dict[str, Any] = {
        "detected_by": violations.choice(DetectedBy, form, "detected_by"),
        "observed_impact": violations.choice(Impact, form, "observed_impact"),
        "service_end": violations.choice(ServiceEnd, form, "service_end"),
        "path_state": violations.choice(PathState, form, "path_state"),
        "testing_consent": violations.choice(TestingConsent, form, "testing_consent"),
        "intermittent": _text(form, "intermittent"),
        "testing_hours": _text(form, "testing_hours"),
        "site_access": SiteAccess(*(_text(form, f"site_access_{name}") for name in SiteAccess.__struct_fields__)),
    }
    if answer := form.get("dispatch_allowed"):
        values["dispatch_allowed"] = answer == "yes"
        if answer not in ANSWERS:
            violations.all.append(Violation("dispatch_allowed", "must be one of yes, no", RuleCode.CHOICE))
    return change_fault(NO_FAULT, values)


def _text(form: Form, field: str) -> str | None:
    return form.get(field).strip() or None


def fault_values(form: Form, current: Ticket, now: datetime) -> tuple[dict[str, Any], list[Violation]]:
    """Return the values of ``TicketValues`` that a form sets, and every rule that they break."""
    violations = Violations()
    occurred_at, fault = occurred_at_in(form, violations, current.occurred_at), fault_in(form, violations)
    broken = [*violations.all, *check_occurred_at(occurred_at, now), *check_fault(fault)]
    return {"occurred_at": occurred_at, "fault": fault}, broken
