"""House API v1: sample values of cases at third parties, for the examples in its OpenAPI document."""

from typing import Any

_CASE: dict[str, Any] = {
    "party": "Fernhill Access", "number": "FH-2026-00731", "kind": "carrier", "state": "open",
    "opened_at": "2026-03-01T08:40:00Z", "expected_at": "2026-03-01T14:00:00Z", "notes": "Splicing team on its way.",
    "created_by": "Mara Lind", "updated_by": "Mara Lind",
}  # fmt: skip
_CONTACT = {"name": "Fernhill NOC", "phone": "+1-555-0171", "email": "noc@example.org"}

CASE_SAMPLES = {
    **{f"{name}.{key}": value for name in ("CaseIn", "CaseOut", "CasePatch") for key, value in _CASE.items()},
    **{f"{name}.contact": _CONTACT for name in ("CaseIn", "CaseOut", "CasePatch")},
    **{
        f"{name}.{key}": value
        for name in ("CaseContactIn", "CaseContactOut", "CaseContactPatch")
        for key, value in _CONTACT.items()
    },
    **{
        f"{event}.{name}": _CASE[name]
        for event in ("CaseAdded", "CaseChanged", "CaseRemoved")
        for name in ("party", "number")
    },
    **{f"CaseRefOut.{name}": _CASE[name] for name in ("party", "number")},
}
