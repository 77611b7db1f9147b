"""How numbers of own fields stand in the search index: spans of them are few prefixes."""

from math import inf, nextafter
from uuid import UUID

import pytest

from clearline.fields.domain import Field, FieldType, RecordKind
from clearline.fields.facet_domain import prefixes, sortable, value_facets, value_texts

NUMBERS = [-9e15, -1e15, -20.5, -1, -0.001, -0.0, 0, 1e-12, 0.1, 1, 9, 10, 19.999, 20, 20.000001, 21, 1e9, 2**53, 9e15]


def field(kind: FieldType, place: int = 0) -> Field:
    return Field(UUID(int=place), RecordKind.TICKET, f"k{place}", "K", kind)


def test_the_digits_of_numbers_sort_as_the_numbers_do() -> None:
    assert sorted(NUMBERS, key=sortable) == sorted(NUMBERS)
    assert sortable(-0.0) == sortable(0)
    assert {len(sortable(number)) for number in NUMBERS} == {16}


@pytest.mark.parametrize("least", [-inf, -20.5, 0, 1, 20, nextafter(20, inf)])
@pytest.mark.parametrize("greatest", [inf, 0, 9, 20, 20.000001, nextafter(20, -inf), 2**53])
def test_the_prefixes_of_a_span_are_those_of_each_number_in_it_and_of_no_other(least: float, greatest: float) -> None:
    found = [*prefixes(least, greatest)]
    for number in NUMBERS:
        begins = [prefix for prefix in found if sortable(number).startswith(prefix)]
        assert len(begins) == (least <= number <= greatest), number
    assert len(found) < 480


@pytest.mark.parametrize(("least", "greatest"), [(21, inf), (-inf, 19), (10, 20), (1767225600, inf)])
def test_a_span_of_whole_numbers_has_few_prefixes(least: float, greatest: float) -> None:
    assert len([*prefixes(least, greatest)]) < 130


def test_a_value_has_the_facets_of_its_type() -> None:
    kinds = [FieldType.TEXT, FieldType.CHOICES, FieldType.BOOLEAN, FieldType.DATE, FieldType.LONG_TEXT]
    fields = {f"k{place}": field(kind, place) for place, kind in enumerate(kinds)}
    values = {"k0": "Blå Fibre", "k1": ["a", "b"], "k2": True, "k3": "2026-01-31", "k4": "w " * 3 + "v", "gone": 1}
    assert [facet.removeprefix("=f" + "0" * 31) for facet in value_facets(fields, values)] == [
        "0", "0/bla fibre", "0/bla", "0/fibre", "1", "1:a", "1:b", "2", "2:true",
        "3", f"3#{sortable(1769817600)}", "4", "4/w w w v", "4/w", "4/v",
    ]  # fmt: skip
    assert [*value_texts(fields, values)] == [(fields["k0"], "Blå Fibre"), (fields["k4"], "w w w v")]


def test_of_a_long_text_the_first_words_are_facets() -> None:
    words = " ".join(f"w{number}" for number in range(300))
    assert len([*value_facets({"k0": field(FieldType.LONG_TEXT)}, {"k0": words})]) == 202
