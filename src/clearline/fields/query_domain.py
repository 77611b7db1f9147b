"""What a query asks of an own field, ``10``, ``>20`` or ``none``, as facets of the search index."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from math import inf, nextafter
from uuid import UUID

from msgspec import Struct

from clearline.errors import RuleCode
from clearline.fields.comparison_domain import SPAN, number_of, text_of
from clearline.fields.domain import LENGTHS, RANGED, WITH_OPTIONS, Field, FieldType
from clearline.fields.facet_domain import has_value, number_facet, prefixes, value_facet, value_facets
from clearline.fields.type_domain import WrongValue

_COMPARED = re.compile(r"(>=|>|<=|<)\s*(.+)")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_DAY_LONG = timedelta(days=1)


class Asked(Struct, frozen=True):
    """The tickets that a query asks for: with any of some facets, or with any facet that begins with a prefix.

    ``is_inverse`` is set for all the others. ``own_number`` is the filter of a list by a single span: the id of the
    field, the least number, and that which it is below.
    """

    any_of: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    is_inverse: bool = False
    own_number: tuple[UUID, float, float] | None = None


def asked(field: Field, text: str) -> Asked:
    """Return what a text asks of a field.

    ``any`` and ``none`` are the tickets with a value and without one. Numbers, dates and moments have spans: ``>20``,
    ``10..20``. A moment is in a day, in UTC. All but texts take several values between commas. A text is found by the
    whole, or by one of its words.

    Raises:
        WrongValue: it is no value of the field.
    """
    is_option = field.type in WITH_OPTIONS and field.option(text) is not None
    if text.lower() in {"any", "none"} and not is_option:
        return Asked((has_value(field),), is_inverse=text.lower() == "none")
    try:
        if field.type in RANGED:
            return _numbers(field, text)
        if field.type in LENGTHS:
            return Asked((value_facet(field, _given(text)),))
        return Asked(tuple(value_facet(field, text_of(field, _given(each.strip()))) for each in text.split(",")))
    except WrongValue as wrong:
        spans = ", or a span such as " + _example(field) if field.type in RANGED else ""
        raise WrongValue(f"{wrong.rule}{spans}, or any or none", wrong.code) from None


def holds(field: Field, text: str, value: object) -> bool:
    """Return whether a value is what a text asks for; None is no value.

    Raises:
        WrongValue: the text asks for no value of the field.
    """
    query = asked(field, text)
    found = [] if value is None else [*value_facets({field.key: field}, {field.key: value})]
    is_found = any(facet in query.any_of or facet.startswith(query.prefixes) for facet in found)
    return is_found is not query.is_inverse


def _given(text: str) -> str:
    if not text:
        raise WrongValue("must have a value", RuleCode.BLANK)
    return text


def _example(field: Field) -> str:
    return ">20 or 10..20" if field.type in {FieldType.INTEGER, FieldType.DECIMAL} else ">=2026-01-01"


def _numbers(field: Field, text: str) -> Asked:
    compared = _COMPARED.fullmatch(text)
    if compared:
        low, high = _ends(field, compared[2])
        spans = {
            ">=": (low, inf),
            ">": (_next(field, high), inf),
            "<=": (-inf, high),
            "<": (-inf, -_next(field, -low)),
        }
        return _range(field, [spans[compared[1]]])
    if SPAN in text:
        first, _, last = text.partition(SPAN)
        return _range(field, [(_ends(field, first)[0] if first else -inf, _ends(field, last)[1] if last else inf)])
    return _range(field, [_ends(field, _given(each.strip())) for each in text.split(",")])


def _next(field: Field, number: float) -> float:
    """Return the next greater number that can be a value: with short digits, where that is possible."""
    return nextafter(number, inf) if field.type is FieldType.DECIMAL else number + 1


def _ends(field: Field, text: str) -> tuple[float, float]:
    """Return the least and the greatest number that a value stands for: a day is many moments."""
    if field.type is FieldType.DATETIME and _DAY.fullmatch(text.strip()):
        try:
            day = datetime.combine(date.fromisoformat(text.strip()), datetime.min.time(), UTC)
            return day.timestamp(), (day + _DAY_LONG).timestamp() - 1  # values have whole seconds
        except (ValueError, OverflowError):
            raise WrongValue("must be a day that there is", RuleCode.FORMAT) from None
    number = number_of(field, _given(text), 0)
    return number, number


def _range(field: Field, spans: Sequence[tuple[float, float]]) -> Asked:
    found = (number_facet(field, prefix) for low, high in spans for prefix in prefixes(low, high))
    [(least, greatest), *others] = spans
    own_number = None if others else (field.id, least, nextafter(greatest, inf))
    return Asked(prefixes=tuple(dict.fromkeys(found)), own_number=own_number)


def offered_values(field: Field) -> Sequence[str]:
    """Return the values that are offered for a query; an empty one when they are not known."""
    if field.type in WITH_OPTIONS:
        return [option.key for option in field.options]
    return ("true", "false") if field.type is FieldType.BOOLEAN else ("",)
