"""Whether a value is what a text asks for, as routing rules ask."""

from typing import Any
from uuid import UUID

import pytest

from clearline.fields.domain import Field, FieldType, Option, RecordKind
from clearline.fields.query_domain import holds
from clearline.fields.type_domain import WrongValue


def field(kind: FieldType) -> Field:
    options = (Option("emea", "Europe"), Option("apac", "Asia")) if kind in {"choice", "choices"} else ()
    return Field(UUID(int=1), RecordKind.TICKET, "k", "K", kind, options=options)


@pytest.mark.parametrize(
    ("kind", "text", "matching", "other"),
    [
        (FieldType.CHOICE, "emea", "emea", "apac"),
        (FieldType.CHOICE, "emea,apac", "apac", None),
        (FieldType.CHOICES, "apac", ["emea", "apac"], ["emea"]),
        (FieldType.INTEGER, ">20", 21, 20),
        (FieldType.INTEGER, "10..20", 20, 21),
        (FieldType.DECIMAL, "<0.5", 0.25, 0.5),
        (FieldType.BOOLEAN, "yes", True, False),
        (FieldType.DATE, ">=2026-01-01", "2026-01-01", "2025-12-31"),
        (FieldType.DATETIME, "2026-01-01", "2026-01-01T23:59:59Z", "2026-01-02T00:00:00Z"),
        (FieldType.TEXT, "fibre", "The FIBRE is cut", "The fibres are cut"),
        (FieldType.TEXT, "any", "x", None),
        (FieldType.TEXT, "none", None, "x"),
    ],
)
def test_a_value_is_what_a_text_asks_for(kind: FieldType, text: str, matching: Any, other: Any) -> None:
    assert holds(field(kind), text, matching)
    assert not holds(field(kind), text, other)


@pytest.mark.parametrize(
    ("kind", "text"), [(FieldType.CHOICE, "latam"), (FieldType.INTEGER, ">fast"), (FieldType.TEXT, "")]
)
def test_what_is_no_value_is_refused(kind: FieldType, text: str) -> None:
    with pytest.raises(WrongValue):
        holds(field(kind), text, None)
