"""How the values of own fields stand in the search index: as facets, and numbers and times so that spans are prefixes.

A number is written as the 16 hexadecimal digits of its bits, which sort as the numbers do. All numbers of a span begin
with one of a few prefixes, so that the index finds a span like a word.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from math import inf
from struct import pack, unpack
from typing import Any

from clearline.fields.comparison_domain import number_of
from clearline.fields.domain import LENGTHS, RANGED, Field, FieldType
from clearline.fields.type_domain import WrongValue, file_text
from clearline.text import fold

WORDS_MAX = 200
"""The most words of a value by which a ticket is found."""
_VALUE_MAX = 100
_READ = frozenset({*LENGTHS, FieldType.URL, FieldType.EMAIL, FieldType.IP, FieldType.PHONE})
"""Types whose values are texts that people read, and search for by their words."""
_SIGN, _ALL = 1 << 63, (1 << 64) - 1
_DIGITS = 16


def has_value(field: Field) -> str:
    """Return the facet of tickets that have a value of a field. A field is named by its id: its key may be reused."""
    return f"=f{field.id.hex}"


def value_facet(field: Field, text: str) -> str:
    """Return the facet of a value, or of a word of a text; those of texts differ, as lists compare whole texts."""
    return f"{has_value(field)}{'/' if field.type in LENGTHS else ':'}{fold(text)[:_VALUE_MAX]}"


def number_facet(field: Field, digits: str) -> str:
    """Return the facet of a number by its sortable digits, or its beginning."""
    return f"{has_value(field)}#{digits}"


def _bits(number: float) -> int:
    bits: int = unpack(">Q", pack(">d", number + 0.0))[0]  # minus zero plus zero is zero
    return bits ^ (_ALL if bits & _SIGN else _SIGN)


def sortable(number: float) -> str:
    """Return the digits of a number, which sort as the numbers do."""
    return f"{_bits(number):0{_DIGITS}x}"


def prefixes(least: float, greatest: float) -> Iterator[str]:
    """Return the fewest prefixes with which the digits of all numbers of a span begin, both ends included."""
    low = 0 if least == -inf else _bits(least)
    high = _ALL if greatest == inf else _bits(greatest)
    while low <= high:
        size, digits = 1, _DIGITS
        while digits > 1 and not low % (size * 16) and low + size * 16 - 1 <= high:
            size, digits = size * 16, digits - 1
        yield f"{low:0{_DIGITS}x}"[:digits]
        low += size


def value_facets(fields: Mapping[str, Field], values: Mapping[str, Any]) -> Iterator[str]:
    """Return the facets of the values of a ticket, by the keys of the fields."""
    for field, value in _known(fields, values):
        yield has_value(field)
        if field.type in RANGED:
            with suppress(WrongValue):  # one ticket must not keep others from being found
                yield number_facet(field, sortable(number_of(field, value, 0)))
        elif field.type is FieldType.CHOICES:
            yield from (value_facet(field, key) for key in value)
        else:
            text = file_text(value)
            yield value_facet(field, text)
            if field.type in LENGTHS:
                words = dict.fromkeys(text.split())
                yield from (value_facet(field, word) for word in [*words][:WORDS_MAX])


def is_read(field: Field) -> bool:
    """Return whether tickets are found by the words of the values of a field."""
    return field.type in _READ


def value_texts(fields: Mapping[str, Field], values: Mapping[str, Any]) -> Iterator[tuple[Field, str]]:
    """Return the values of a ticket that are found by their words, each with its field."""
    return ((field, file_text(value)) for field, value in _known(fields, values) if is_read(field))


def _known(fields: Mapping[str, Field], values: Mapping[str, Any]) -> Iterator[tuple[Field, Any]]:
    return ((fields[key], value) for key, value in values.items() if key in fields)
