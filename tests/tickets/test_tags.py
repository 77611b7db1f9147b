import re

import pytest

from clearline.tickets.label_domain import TAG, TAG_MAX, TAGS_MAX, check_tags, normalize_tags


@pytest.mark.parametrize("tag", ["a", "1", "bgp", "site:ams-01", "a.b_c/d", "z\u00fcrich", "x" * TAG_MAX])
def test_a_tag_is_letters_digits_and_some_signs(tag: str) -> None:
    assert check_tags((tag,)) == []
    assert re.search(TAG, tag)


@pytest.mark.parametrize("tag", ["", "-a", ".a", "a b", "a,b", "a\n", "a\x00", "#a", "x" * (TAG_MAX + 1), "\u4e2d"])
def test_an_invalid_tag_is_refused(tag: str) -> None:
    assert [violation.field for violation in check_tags((tag,))] == ["tags"]


def test_a_ticket_has_at_most_50_tags() -> None:
    tags = tuple(f"t{index}" for index in range(TAGS_MAX + 1))
    assert check_tags(tags[:-1]) == []
    assert [violation.rule for violation in check_tags(tags)] == ["must be at most 50"]


def test_tags_are_stored_once_each_in_lower_case_and_order() -> None:
    assert normalize_tags(("b", "A", "a", "\u00c9", "B")) == ("a", "b", "\u00e9")
    assert normalize_tags(()) == ()
