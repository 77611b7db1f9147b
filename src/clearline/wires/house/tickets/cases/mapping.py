"""House API v1: bodies of cases at third parties."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from clearline.tickets.third_parties.domain import Case, CaseRef
from clearline.wires.house.tickets.cases import wire
from clearline.wires.house.wire import set_fields

_NOBODY = {"name": "", "phone": "", "email": ""}


def case_values(body: wire.CaseIn | wire.CasePatch) -> dict[str, Any]:
    """Return the values that a body sets, by the names of ``Case``."""
    values = set_fields(body)
    if isinstance(body, wire.CaseIn):
        values = {name: value for name, value in values.items() if value is not None}
    if "contact" in values:
        given = values.pop("contact")
        contact = _NOBODY if given is None else set_fields(given)
        values |= {f"contact_{name}": value for name, value in contact.items()}
    return {name: value.astimezone(UTC) if isinstance(value, datetime) else value for name, value in values.items()}


def case_out(case: Case) -> wire.CaseOut:
    """Return a case."""
    return wire.CaseOut(
        str(case.id),
        case.party,
        case.number,
        case.kind,
        case.state,
        case.opened_at,
        case.expected_at,
        wire.CaseContactOut(case.contact_name, case.contact_phone, case.contact_email),
        case.notes,
        case.created_at,
        case.created_by,
        case.updated_at,
        case.updated_by,
    )


def cases_out(cases: Iterable[Case]) -> list[wire.CaseOut]:
    """Return the cases of a ticket."""
    return [case_out(case) for case in cases]


def case_ref_out(ref: CaseRef) -> wire.CaseRefOut:
    """Return the case that a ticket waits for."""
    return wire.CaseRefOut(str(ref.id), ref.party, ref.number)
