"""Comparisons of own fields: the values and the spans that lists are asked for."""

from datetime import UTC, datetime
from typing import Any

from clearline.errors import RuleCode
from clearline.fields.domain import LENGTHS, TIMES, WITH_OPTIONS, Field
from clearline.fields.type_domain import WrongValue, canonical, file_text

SPAN = ".."
"""Stands between the ends of a span."""


def number_of(field: Field, given: Any, default: float) -> float:
    """Return the number by which lists compare a value of a type with spans; ``default`` for an empty text.

    Raises:
        WrongValue: it is no value of the type.
    """
    if given in {None, ""}:
        return default
    value = canonical(field, given)
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
    return text if field.type in LENGTHS else file_text(canonical(field, text))
