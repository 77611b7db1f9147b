"""Bodies whose members may be of several types."""

from typing import Any

import pytest
from msgspec import Struct

from clearline.wires.house.wire import FieldValues
from clearline.wires.http.body import InvalidMembers, read_members

VALUES: dict[str, Any] = {
    "number": 1, "decimal": 1.5, "flag": True, "several": ["a", "b\n"], "text": "x\n", "none": None,
}  # fmt: skip


class Body(Struct, frozen=True, forbid_unknown_fields=True):
    """A body with a text and own fields."""

    text: str
    fields: FieldValues


def test_a_text_that_ends_with_a_line_feed_is_accepted_beside_values_of_any_type() -> None:
    members = read_members({"text": "line 1\nline 2\n", "fields": VALUES}, Body)
    assert (members.text, members.fields) == ("line 1\nline 2\n", VALUES)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"text": 5}, ["text"]),
        ({"other": 1}, ["other"]),
        ({"fields": VALUES | {"number": {"a": 1}}}, ["fields.number"]),
        ({"fields": VALUES | {"several": ["a", 1]}}, ["fields.several.1"]),
        ({"fields": VALUES | {"text": "a\0"}}, ["fields.text"]),
    ],
)
def test_only_the_wrong_members_are_named(wrong: dict[str, Any], named: list[str]) -> None:
    with pytest.raises(InvalidMembers) as refused:
        read_members({"text": "x\n", "fields": VALUES} | wrong, Body)
    assert [violation.field for violation in refused.value.violations] == named
