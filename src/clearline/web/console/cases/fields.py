"""The fields of the form of a case at a third party, and its words."""

from typing import Any

from msgspec import Struct

from clearline.errors import Conflict, InvalidInput, require_valid
from clearline.tickets.third_parties.domain import EDITABLE, Case, CaseKind, CaseState
from clearline.web.language.refusals import rule_text
from clearline.web.tickets.faults import time_in, typed_time
from clearline.web.tickets.new_ticket import Violations
from clearline.web.visit import Form

LABELS = {
    "party": "Third party",
    "number": "Their number",
    "kind": "Kind",
    "state": "State",
    "opened_at": "Opened",
    "expected_at": "Expected",
    "contact_name": "Contact",
    "contact_phone": "Phone",
    "contact_email": "E-mail",
    "notes": "Notes",
}
SHOWN = "shown"
"""The field with the time of the change that the form shows."""
_TEXTS = ("party", "number", "contact_name", "contact_phone", "contact_email")


class CaseForm(Struct, frozen=True):
    """What the form of a case shows: what was typed, and the case that it changes, if any."""

    typed: Form
    case: Case | None = None


def form_of(case: Case) -> Form:
    """Return the form with the values of a case."""
    values = {name: str(getattr(case, name) or "") for name in EDITABLE}
    values |= {"opened_at": typed_time(case.opened_at), "expected_at": typed_time(case.expected_at)}
    return Form([*values.items(), (SHOWN, case.updated_at.isoformat())])


def values_in(form: Form, case: Case | None = None) -> dict[str, Any]:
    """Return the values that a form gives to a case, a new one or ``case``.

    Raises:
        InvalidInput: a time cannot be read, or a choice is none of those that are offered.
    """
    violations = Violations()
    values: dict[str, Any] = {name: form.get(name).strip() for name in _TEXTS}
    values |= {
        "notes": form.get("notes").strip(),
        "kind": violations.choice(CaseKind, form, "kind", default=CaseKind.CARRIER),
        "state": violations.choice(CaseState, form, "state", default=CaseState.OPEN),
        "expected_at": time_in(form, "expected_at", violations, None if case is None else case.expected_at),
    }
    if opened := time_in(form, "opened_at", violations, None if case is None else case.opened_at):
        values["opened_at"] = opened
    require_valid(violations.all)
    return values


def require_same(form: Form, case: Case) -> None:
    """Refuse to change a case that the form does not show.

    Raises:
        Conflict: somebody changed it meanwhile.
    """
    if form.has(SHOWN) and form.get(SHOWN) != case.updated_at.isoformat():
        raise Conflict(f"not saved: {case.updated_by} changed this case meanwhile")


def problems(error: InvalidInput) -> dict[str, str]:
    """Return what is wrong, by the field of the form."""
    by_field: dict[str, str] = {}
    for violation in error.violations:
        by_field.setdefault(violation.field.replace(".", "_"), rule_text(violation))
    return by_field
