"""Values of own fields: how each type is read, its canonical form, and the rules of its field.

A value is stored and shown in its canonical form: text, numbers and yes or no as JSON has them; a date as
``2026-11-29``; a moment in UTC as ``2026-11-29T10:00:00Z``; options by their keys; a reference as an id.
"""

import ipaddress
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from msgspec.structs import replace

from clearline.errors import RuleCode, Violation
from clearline.fields.domain import (
    LENGTHS,
    NUMERIC,
    OPTIONS_MAX,
    RANGED,
    TEXT_MAX,
    TIMES,
    URL_MAX,
    WITH_OPTIONS,
    Definitions,
    Field,
    FieldType,
    RecordKind,
    RefersTo,
    Required,
)
from clearline.text import check_email, check_text, is_blank, is_mailable

SPAN = ".."
"""Stands between the ends of a span."""
INTEGER_MAX = 2**53 - 1
"""The greatest whole number that every reader of JSON keeps exactly (RFC 8259, section 6)."""
DECIMAL_MAX = 1e15
_PHONE = re.compile(r"\+?[0-9][0-9 ().\-/]{1,38}[0-9]")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_INTEGER = re.compile(r"[+-]?\d{1,16}")
_DECIMAL = re.compile(r"[+-]?\d{1,16}(\.\d{1,12})?")
_YES, _NO = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})


class WrongValue(Exception):
    """A value that its type or its field refuses."""

    def __init__(self, rule: str, code: RuleCode) -> None:
        super().__init__(rule)
        self.rule, self.code = rule, code


def read_value(field: Field, value: Any) -> Any:
    """Return a value of a field in its canonical form. Text is read as the type writes it, as files and forms have it.

    Whether a reference exists is not known here.

    Raises:
        WrongValue: the type or the field refuses it.
    """
    canonical = _READERS[field.type](field, value)
    _require_limits(field, canonical)
    return canonical


def _text(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise WrongValue("must be a text", RuleCode.TYPE)
    most = LENGTHS.get(field.type, URL_MAX)
    for violation in check_text("", value, most=most):
        raise WrongValue(violation.rule, violation.code)
    if is_blank(value):
        raise WrongValue("must not be blank", RuleCode.BLANK)
    return value


def _short_text(field: Field, value: Any) -> str:
    text = _text(field, value)
    if "\n" in text or "\r" in text:
        raise WrongValue("must be a single line", RuleCode.FORMAT)
    if field.pattern is not None and not re.fullmatch(field.pattern, text):
        raise WrongValue(f"must match the pattern {field.pattern}", RuleCode.FORMAT)
    return text


def _integer(_field: Field, value: Any) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise WrongValue("must be a whole number", RuleCode.TYPE)
    if abs(value) > INTEGER_MAX:
        raise WrongValue(f"must be between -{INTEGER_MAX} and {INTEGER_MAX}", RuleCode.RANGE)
    return value


def _decimal(_field: Field, value: Any) -> float | int:
    if isinstance(value, str) and _DECIMAL.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise WrongValue("must be a number", RuleCode.TYPE)
    if abs(value) > DECIMAL_MAX:
        raise WrongValue("must be between -1e15 and 1e15", RuleCode.RANGE)
    return int(value) if float(value).is_integer() else float(value)


def _boolean(_field: Field, value: Any) -> bool:
    word = value.strip().lower() if isinstance(value, str) else None
    if word in _YES or word in _NO:
        return word in _YES
    if not isinstance(value, bool):
        raise WrongValue("must be true or false", RuleCode.TYPE)
    return value


def _date(_field: Field, value: Any) -> str:
    if isinstance(value, str) and _DATE.fullmatch(value.strip()):
        try:
            return date.fromisoformat(value.strip()).isoformat()
        except ValueError:
            pass
    raise WrongValue("must be a date such as 2026-11-29", RuleCode.FORMAT)


def _datetime(_field: Field, value: Any) -> str:
    try:
        moment = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is not None and "T" in value.upper():
            text = moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
            return f"{text}Z"
    except (ValueError, OverflowError):
        pass
    raise WrongValue("must be a moment with its zone, such as 2026-11-29T10:00:00Z", RuleCode.FORMAT)


def _choice(field: Field, value: Any) -> str:
    option = field.option(value) if isinstance(value, str) else None
    if option is None or not option.active:
        keys = [option.key for option in field.options if option.active]
        raise WrongValue("must be one of " + ", ".join(keys), RuleCode.CHOICE)
    return option.key


def _choices(field: Field, value: Any) -> list[str]:
    if isinstance(value, str):
        value = value.replace(",", " ").split()
    if not isinstance(value, (list, tuple)) or not value:
        raise WrongValue("must be a list of options, or null", RuleCode.TYPE)
    if len(value) > OPTIONS_MAX:
        raise WrongValue(f"must be at most {OPTIONS_MAX}", RuleCode.COUNT)
    chosen = {_choice(field, key) for key in value}
    return [option.key for option in field.options if option.key in chosen]


def _url(field: Field, value: Any) -> str:
    text = _text(field, value).strip()
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r"[\s<>\"]", text)
    except ValueError:
        is_url = False
    if not is_url:
        raise WrongValue("must be an address that begins with http:// or https://", RuleCode.FORMAT)
    return text


def _email(field: Field, value: Any) -> str:
    text = _text(field, value).strip()
    if check_email("", text) or not is_mailable(text):
        raise WrongValue("must be an e-mail address", RuleCode.FORMAT)
    return text


def _ip(_field: Field, value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    try:
        if "%" not in text and text:
            return str(ipaddress.ip_network(text)) if "/" in text else str(ipaddress.ip_address(text))
    except ValueError as error:
        if "host bits" in str(error):
            raise WrongValue("must be a prefix without host bits, such as 192.0.2.0/24", RuleCode.FORMAT) from None
    raise WrongValue("must be an IP address or prefix, such as 192.0.2.1 or 2001:db8::/32", RuleCode.FORMAT)


def _phone(_field: Field, value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not _PHONE.fullmatch(text):
        raise WrongValue("must be a phone number such as +1-555-0100", RuleCode.FORMAT)
    return text


def _reference(field: Field, value: Any) -> str:
    text = _text(field, value).strip()
    if len(text) > TEXT_MAX:
        raise WrongValue(f"must have 1 to {TEXT_MAX} characters", RuleCode.LENGTH)
    if field.refers_to is RefersTo.SERVICE:
        return text
    try:
        return str(UUID(text))
    except ValueError:
        rule = f"must be the id of a {field.refers_to}"
        raise WrongValue(rule, RuleCode.REFERENCE) from None


_READERS: dict[FieldType, Callable[[Field, Any], Any]] = {
    FieldType.TEXT: _short_text,
    FieldType.LONG_TEXT: _text,
    FieldType.INTEGER: _integer,
    FieldType.DECIMAL: _decimal,
    FieldType.BOOLEAN: _boolean,
    FieldType.DATE: _date,
    FieldType.DATETIME: _datetime,
    FieldType.CHOICE: _choice,
    FieldType.CHOICES: _choices,
    FieldType.URL: _url,
    FieldType.EMAIL: _email,
    FieldType.IP: _ip,
    FieldType.PHONE: _phone,
    FieldType.REFERENCE: _reference,
}


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
            is_canonical = _READERS[field.type](field, limit) == limit
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


def with_defaults(definitions: Definitions, kind: RecordKind, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a new record: those that are given, and the defaults of active fields without one."""
    defaults = {
        field.key: field.default
        for field in definitions.of(kind).values()
        if field.active and field.deleted_at is None and field.default is not None and field.key not in values
    }
    return {key: value for key, value in (defaults | {**values}).items() if value is not None}


def file_text(value: Any) -> str:
    """Return a value as a cell of a table has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return " ".join(map(str, value))
    return "" if value is None else str(value)


def without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that are there."""
    return {key: value for key, value in values.items() if value is not None}


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that differ, with None for those that are not there any more."""
    return {key: after.get(key) for key in {**before, **after} if before.get(key) != after.get(key)}


def number_of(field: Field, text: str, default: float) -> float:
    """Return the number by which lists compare a value of a type with spans; ``default`` for an empty text.

    Raises:
        WrongValue: the text is no value of the type.
    """
    if not text:
        return default
    value = _READERS[field.type](field, text)
    if field.type not in TIMES:
        return float(value)
    at = datetime.fromisoformat(value)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def text_of(field: Field, text: str) -> str:
    """Return a value as lists compare it; a retired option, and a part of several, is one.

    Raises:
        WrongValue: the text is no value of the type.
    """
    if field.type in WITH_OPTIONS:
        if field.option(text) is None:
            raise WrongValue("must be the key of an option", RuleCode.CHOICE)
        return text
    return text if field.type in LENGTHS else file_text(_READERS[field.type](field, text))
