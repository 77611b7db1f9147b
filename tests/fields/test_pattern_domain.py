import re
import time

import pytest

from clearline.fields.domain import TEXT_MAX
from clearline.fields.pattern_domain import PATTERN_MAX, check_pattern


@pytest.mark.parametrize(
    "pattern",
    [
        "[A-Z]{2}-[0-9]{6}", r"BIR\.\d+", "(CKT|LEG)-[0-9]+", "[0-9]+(-[0-9]+)?", r"AS\d{1,10}", r"[^\]]+", "(?:ab)+",
        "a{", "[]a]", "x.*y",
    ],
)  # fmt: skip
def test_a_plain_pattern_is_accepted_and_quick(pattern: str) -> None:
    assert check_pattern("pattern", pattern, most=PATTERN_MAX) == []
    begun = time.perf_counter()
    for text in ("a" * TEXT_MAX, "1-" * (TEXT_MAX // 2), "ab" * (TEXT_MAX // 2) + "!"):
        re.fullmatch(pattern, text)
    assert time.perf_counter() - begun < 1


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+", "(a|a)*", "(a*)*b", "((a+)b)+", "(a?){20}", ".*.*.*.*x", "a?a?a?a?a?a?a?", r"(a)\1", "(?=a)b",
        "(?i)a", "(?P<n>a)", "a**", "a++", "a+?", "[a", "(", r"\q", "a{1000}", "a{,5}", r"\Aa", "a" * (PATTERN_MAX + 1),
        "",
    ],
)  # fmt: skip
def test_a_pattern_that_could_take_long_or_is_read_differently_is_refused(pattern: str) -> None:
    [violation] = check_pattern("pattern", pattern, most=PATTERN_MAX)
    assert violation.field == "pattern"
