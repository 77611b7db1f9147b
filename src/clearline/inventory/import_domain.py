"""Imports of services: what a row has, and what an import did."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import astuple

from clearline.errors import InvalidInput, RuleCode, Violation
from clearline.inventory.domain import ENDS, Service
from clearline.inventory.facts_domain import RATE_RULE, End, ServiceState, parse_date, parse_rate

REQUIRED = ("id", "type", "label")
END_COLUMNS = tuple(f"{side}_{part}" for side in "az" for part in End.__struct_fields__)
OPTIONAL = (
    "state", "rate", "tier", "is_protected", "installed_on", "customer_label", "carrier", "carrier_circuit_id",
    *END_COLUMNS,
)  # fmt: skip
"""The columns of a table that may be missing: what they would set stays as it is."""
COLUMNS = (*REQUIRED, *OPTIONAL)
OWN_FIELD = "fields_"
"""Begins the columns of own fields; the key of the field follows."""
_YES, _NO = frozenset({"yes", "true", "1", "y"}), frozenset({"no", "false", "0", "n"})
IMPORT_MAX = 1000
"""The most services of one list. A file may have any number."""


class LineError(Struct, frozen=True):
    """What is wrong with one line of an import. Lines count from 1, the heading included."""

    line: int
    message: str


class ImportReport(Struct, frozen=True):
    """What an import did, or would do in a dry run. With any error it does nothing."""

    created: int
    updated: int
    unchanged: int
    errors: list[LineError]


class RowResult(StrEnum):
    """What an import did with a service, or would do in a dry run."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


class ImportedService(Struct, frozen=True):
    """A service of an import, and what the import did with it."""

    service: Service
    result: RowResult


class Row(Struct, frozen=True):
    """A line of a file, and the values that it gives a service, or the rules that it breaks."""

    line: int
    values: Mapping[str, Any]
    rules: list[str] = []


class EndRow(End, frozen=True, forbid_unknown_fields=True):
    """An end of a service in a file of JSON."""


class JsonRow(Struct, frozen=True, forbid_unknown_fields=True):
    """A service of a file of JSON; a member that is missing leaves what it would set as it is."""

    id: str
    type: str
    label: str
    state: ServiceState | UnsetType = UNSET
    rate: int | str | UnsetType | None = UNSET
    tier: str | UnsetType | None = UNSET
    is_protected: bool | UnsetType | None = UNSET
    installed_on: date | UnsetType | None = UNSET
    customer_label: str | UnsetType | None = UNSET
    carrier: str | UnsetType | None = UNSET
    carrier_circuit_id: str | UnsetType | None = UNSET
    a_end: EndRow | UnsetType | None = UNSET
    z_end: EndRow | UnsetType | None = UNSET
    fields: dict[str, Any] | UnsetType | None = UNSET
    company_id: str | UnsetType = UNSET
    rate_text: str | UnsetType | None = UNSET


_READ_ONLY = frozenset({"company_id", "rate_text"})
"""The members that the house API writes and an import ignores."""


def json_values(value: Any) -> dict[str, Any]:
    """Return the values that an object of JSON gives a service.

    Raises:
        InvalidInput: a member is missing, unknown or of another type.
    """
    try:
        row = msgspec.convert(value, JsonRow)
    except msgspec.ValidationError as error:
        raise InvalidInput([Violation("line", f"is no service: {error}", RuleCode.FORMAT)]) from None
    values = {name: given for name in JsonRow.__struct_fields__ if (given := getattr(row, name)) is not UNSET}
    values = {name: given for name, given in values.items() if name not in _READ_ONLY}
    for name in REQUIRED:
        values[name] = values[name].strip()
    for name in ENDS:
        if isinstance(end := values.get(name), EndRow):
            values[name] = End(*astuple(end))
    if isinstance(rate := values.get("rate"), str):
        values["rate"] = _rate(rate)
    return values


def cell_values(cells: Mapping[str, str]) -> dict[str, Any]:
    """Return the values that the cells of a table give a service, by column; an empty one clears what it would set.

    Raises:
        InvalidInput: naming the columns with a value that is none.
    """
    values: dict[str, Any] = {}
    violations: list[Violation] = []
    for name, text in cells.items():
        try:
            if name.startswith(OWN_FIELD):
                values.setdefault("fields", {})[name.removeprefix(OWN_FIELD)] = text or None
            elif name in END_COLUMNS:
                values.setdefault(f"{name[0]}_end", {})[name[2:]] = text or None
            elif name in REQUIRED:
                values[name] = text
            else:
                values[name] = _CELLS.get(name, _text)(text)
        except InvalidInput as error:
            violations += error.violations
    if violations:
        raise InvalidInput(violations)
    return values


def _text(text: str) -> str | None:
    return text or None


def _rate(text: str) -> int | None:
    if not text:
        return None
    if (rate := parse_rate(text)) is None:
        raise InvalidInput([Violation("rate", RATE_RULE, RuleCode.FORMAT)])
    return rate


def _state(text: str) -> ServiceState:
    if not text:
        return ServiceState.ACTIVE
    if text not in list(ServiceState):
        raise InvalidInput([Violation("state", "must be one of " + ", ".join(ServiceState), RuleCode.CHOICE)])
    return ServiceState(text)


def _yes_or_no(text: str) -> bool | None:
    if text and text.lower() not in _YES | _NO:
        raise InvalidInput([Violation("is_protected", "must be yes or no", RuleCode.CHOICE)])
    return text.lower() in _YES if text else None


def _day(text: str) -> date | None:
    day = parse_date(text) if text else None
    if text and day is None:
        raise InvalidInput([Violation("installed_on", "must be a day, such as 2026-03-01", RuleCode.FORMAT)])
    return day


_CELLS = {"state": _state, "rate": _rate, "is_protected": _yes_or_no, "installed_on": _day}
