"""Values of own fields: what a field takes, and what the fields of a record have together."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from msgspec.structs import replace

from clearline.errors import RuleCode, Violation
from clearline.fields.domain import (
    LENGTHS,
    NUMERIC,
    OPTIONS_MAX,
    RANGED,
    Definitions,
    Field,
    FieldType,
    RecordKind,
    Required,
)
from clearline.fields.type_domain import WrongValue, canonical


def read_value(field: Field, value: Any) -> Any:
    """Return a value that a field takes, in its canonical form.

    Whether a reference exists is not known here.

    Raises:
        WrongValue: the type or the field refuses it.
    """
    read = canonical(field, value)
    _require_limits(field, read)
    return read


def _require_limits(field: Field, value: Any) -> None:
    low, high = field.minimum, field.maximum
    if low is None and high is None:
        return
    measured, unit = value, ""
    if field.type in LENGTHS or field.type is FieldType.CHOICES:
        measured, unit = len(value), " characters" if field.type in LENGTHS else " options"
    if (low is not None and measured < low) or (high is not None and measured > high):
        if low is None:
            rule = f"must {'have' if unit else 'be'} at most {high}{unit}"
        elif high is None:
            rule = f"must {'have' if unit else 'be'} at least {low}{unit}"
        else:
            rule = f"must {'have' if unit else 'be'} {low} to {high}{unit}"
        raise WrongValue(rule, RuleCode.LENGTH if unit == " characters" else RuleCode.RANGE)


def check_limits(field: Field) -> list[Violation]:
    """Return the rules that the limits and the default of a definition break."""
    violations = []
    for name, limit in (("minimum", field.minimum), ("maximum", field.maximum)):
        if limit is not None and (rule := _limit_rule(field, limit)):
            violations.append(Violation(name, rule, RuleCode.TYPE))
    if not violations and field.minimum is not None and field.maximum is not None and field.minimum > field.maximum:
        violations.append(Violation("maximum", "must not be less than minimum", RuleCode.ORDER))
    if not violations and field.default is not None:
        try:
            read_value(field, field.default)
        except WrongValue as wrong:
            violations.append(Violation("default", wrong.rule, wrong.code))
    return violations


def _limit_rule(field: Field, limit: Any) -> str:
    if field.type in RANGED:
        try:
            is_canonical = canonical(field, limit) == limit
        except WrongValue as wrong:
            return wrong.rule
        return "" if is_canonical else "must be a number" if field.type in NUMERIC else "must be in UTC, with a Z"
    if field.type not in LENGTHS and field.type is not FieldType.CHOICES:
        return f"is not for the type {field.type}"
    most = LENGTHS.get(field.type, OPTIONS_MAX)
    is_count = isinstance(limit, int) and not isinstance(limit, bool) and 1 <= limit <= most
    return "" if is_count else f"must be a whole number from 1 to {most}"


def read_values(
    definitions: Definitions,
    kind: RecordKind,
    given: Mapping[str, Any],
    *,
    for_staff: bool,
    takes_retired: bool = False,
    member: str = "fields",
) -> tuple[dict[str, Any], list[Violation]]:
    """Return the values that somebody sets, in canonical form, and the rules that they break. None clears a value.

    A customer learns nothing of fields that it does not see: they are unknown to it. A retired field can be cleared,
    and keep a value that it has, but gets no new one, nor does a retired option; with ``takes_retired`` they do.
    ``member`` is the member of the body that has the values.
    """
    known = definitions.of(kind)
    values: dict[str, Any] = {}
    violations: list[Violation] = []
    for key, value in given.items():
        field, name = known.get(key), f"{member}.{key[:80]}"
        if field is None or not field.is_visible(for_staff=for_staff):
            violations.append(Violation(name, "is no field", RuleCode.UNKNOWN))
        elif not field.is_editable(for_staff=for_staff):
            violations.append(Violation(name, "can only be set by the provider's people", RuleCode.INVALID))
        elif value is None or value in ("", []):
            values[key] = None
        elif not field.active and not takes_retired:
            violations.append(Violation(name, "is retired, and takes no new values", RuleCode.INVALID))
        else:
            try:
                values[key] = read_value(_unretired(field) if takes_retired else field, value)
            except WrongValue as wrong:
                violations.append(Violation(name, wrong.rule, wrong.code))
    return values, violations


def _unretired(field: Field) -> Field:
    return replace(field, options=tuple(replace(option, active=True) for option in field.options))


def missing_values(
    definitions: Definitions,
    kind: RecordKind,
    values: Mapping[str, Any],
    stage: Required,
    *,
    for_staff: bool,
    is_shown: Callable[[Field], bool] = lambda _field: True,
    member: str = "fields",
) -> list[Violation]:
    """Return a violation for each field without a value that is required at a stage.

    Only fields that the audience may edit are required of it. ``is_shown`` says which of them are asked for at all: a
    form with conditions leaves some out.
    """
    return [
        Violation(f"{member}.{field.key}", f"is required {_STAGES[stage]}: {field.label}", RuleCode.REQUIRED)
        for field in definitions.active(kind, for_staff=for_staff)
        if field.required is stage
        and field.is_editable(for_staff=for_staff)
        and values.get(field.key) is None
        and is_shown(field)
    ]


_STAGES = {Required.TO_RAISE: "to raise a ticket", Required.TO_RESOLVE: "to resolve a ticket"}


def with_defaults(
    definitions: Definitions, kind: RecordKind, values: Mapping[str, Any], *, without: Collection[str] = ()
) -> dict[str, Any]:
    """Return the values of a new record: those that are given, and the defaults of active fields without one.

    The fields ``without`` a default are named by their keys.
    """
    defaults = {
        field.key: field.default
        for field in definitions.of(kind).values()
        if field.active
        and field.deleted_at is None
        and field.default is not None
        and field.key not in values
        and field.key not in without
    }
    return {key: value for key, value in (defaults | {**values}).items() if value is not None}


def without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that are there."""
    return {key: value for key, value in values.items() if value is not None}


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that differ, with None for those that are not there any more."""
    return {key: after.get(key) for key in {**before, **after} if before.get(key) != after.get(key)}
