from typing import Any
from uuid import UUID

import pytest

from clearline.errors import RuleCode
from clearline.fields.domain import Field, FieldType, Option, RecordKind, RefersTo
from clearline.fields.type_domain import WrongValue, file_text
from clearline.fields.value_domain import read_value

_OPTIONS = (Option("gold", "Gold"), Option("silver", "Silver"), Option("bronze", "Bronze", active=False))
_ID = "5f0c9a56-2c1e-4d59-9d0e-0f5a3c1b7e42"


def field(kind: FieldType, **members: Any) -> Field:
    options = _OPTIONS if kind in {FieldType.CHOICE, FieldType.CHOICES} else ()
    refers_to = RefersTo.USER if kind is FieldType.REFERENCE else None
    values = {"options": options, "refers_to": refers_to} | members
    return Field(UUID(_ID), RecordKind.TICKET, "k", "K", kind, **values)


@pytest.mark.parametrize(
    ("kind", "given", "canonical"),
    [
        (FieldType.TEXT, " A b ", " A b "),
        (FieldType.LONG_TEXT, "a\nb", "a\nb"),
        (FieldType.INTEGER, 7, 7),
        (FieldType.INTEGER, "-7", -7),
        (FieldType.INTEGER, 7.0, 7),
        (FieldType.DECIMAL, 1.25, 1.25),
        (FieldType.DECIMAL, "2.50", 2.5),
        (FieldType.DECIMAL, 3, 3),
        (FieldType.BOOLEAN, True, True),
        (FieldType.BOOLEAN, "no", False),
        (FieldType.DATE, "2026-11-29", "2026-11-29"),
        (FieldType.DATETIME, "2026-11-29T10:00:00+02:00", "2026-11-29T08:00:00Z"),
        (FieldType.DATETIME, "2026-11-29T10:00Z", "2026-11-29T10:00:00Z"),
        (FieldType.CHOICE, "gold", "gold"),
        (FieldType.CHOICES, ["silver", "gold", "gold"], ["gold", "silver"]),
        (FieldType.CHOICES, "silver gold", ["gold", "silver"]),
        (FieldType.URL, "https://example.com/a?b=c", "https://example.com/a?b=c"),
        (FieldType.EMAIL, "noc@example.com", "noc@example.com"),
        (FieldType.IP, "2001:DB8:0::1", "2001:db8::1"),
        (FieldType.IP, "192.0.2.0/24", "192.0.2.0/24"),
        (FieldType.PHONE, "+1-555-0100", "+1-555-0100"),
        (FieldType.REFERENCE, _ID.upper(), _ID),
    ],
)
def test_a_value_has_one_form(kind: FieldType, given: Any, canonical: Any) -> None:
    value = read_value(field(kind), given)
    assert (value, type(value)) == (canonical, type(canonical))
    assert read_value(field(kind), value) == value
    assert read_value(field(kind), file_text(value)) == value


@pytest.mark.parametrize(
    ("kind", "given", "code"),
    [
        (FieldType.TEXT, 7, RuleCode.TYPE),
        (FieldType.TEXT, " \t", RuleCode.BLANK),
        (FieldType.TEXT, "a\nb", RuleCode.FORMAT),
        (FieldType.TEXT, "a" * 256, RuleCode.LENGTH),
        (FieldType.TEXT, "a\x00", RuleCode.CHARACTERS),
        (FieldType.LONG_TEXT, "a" * 8001, RuleCode.LENGTH),
        (FieldType.INTEGER, 1.5, RuleCode.TYPE),
        (FieldType.INTEGER, True, RuleCode.TYPE),
        (FieldType.INTEGER, 2**53, RuleCode.RANGE),
        (FieldType.DECIMAL, "1,5", RuleCode.TYPE),
        (FieldType.DECIMAL, float("inf"), RuleCode.TYPE),
        (FieldType.DECIMAL, 1e16, RuleCode.RANGE),
        (FieldType.BOOLEAN, 1, RuleCode.TYPE),
        (FieldType.DATE, "2026-02-30", RuleCode.FORMAT),
        (FieldType.DATE, "29.11.2026", RuleCode.FORMAT),
        (FieldType.DATETIME, "2026-11-29T10:00:00", RuleCode.FORMAT),
        (FieldType.DATETIME, "0001-01-01T00:00:00+14:00", RuleCode.FORMAT),
        (FieldType.CHOICE, "tin", RuleCode.CHOICE),
        (FieldType.CHOICE, "bronze", RuleCode.CHOICE),
        (FieldType.CHOICES, ["gold", "tin"], RuleCode.CHOICE),
        (FieldType.CHOICES, {"gold": 1}, RuleCode.TYPE),
        (FieldType.URL, "javascript:alert(1)", RuleCode.FORMAT),
        (FieldType.URL, "https://", RuleCode.FORMAT),
        (FieldType.URL, "http://[::1", RuleCode.FORMAT),
        (FieldType.EMAIL, "noc", RuleCode.FORMAT),
        (FieldType.IP, "192.0.2.1/24", RuleCode.FORMAT),
        (FieldType.IP, "192.0.2.256", RuleCode.FORMAT),
        (FieldType.IP, "fe80::1%eth0", RuleCode.FORMAT),
        (FieldType.PHONE, "call me", RuleCode.FORMAT),
        (FieldType.REFERENCE, "Ada", RuleCode.REFERENCE),
    ],
)
def test_a_wrong_value_is_refused(kind: FieldType, given: Any, code: RuleCode) -> None:
    with pytest.raises(WrongValue) as refused:
        read_value(field(kind), given)
    assert refused.value.code is code


@pytest.mark.parametrize(
    ("kind", "limits", "good", "bad", "rule"),
    [
        (FieldType.TEXT, {"minimum": 2, "maximum": 3}, "abc", "abcd", "must have 2 to 3 characters"),
        (FieldType.TEXT, {"pattern": "[A-Z]{2}-[0-9]+"}, "AB-12", "AB-12x", "must match the pattern [A-Z]{2}-[0-9]+"),
        (FieldType.INTEGER, {"minimum": 1}, 1, 0, "must be at least 1"),
        (FieldType.DECIMAL, {"maximum": 1.5}, 1.5, 1.6, "must be at most 1.5"),
        (FieldType.DATE, {"minimum": "2026-01-01"}, "2026-01-01", "2025-12-31", "must be at least 2026-01-01"),
        (FieldType.CHOICES, {"maximum": 1}, ["gold"], ["gold", "silver"], "must have at most 1 options"),
    ],
)
def test_a_value_keeps_to_the_limits_of_its_field(
    kind: FieldType, limits: dict[str, Any], good: Any, bad: Any, rule: str
) -> None:
    assert read_value(field(kind, **limits), good) == good
    with pytest.raises(WrongValue, match=rule.replace("[", r"\[").replace("+", r"\+").replace("{", r"\{")):
        read_value(field(kind, **limits), bad)
