"""Labels of a ticket: its tags, and its external ids: the numbers that other systems have for it, by their names."""

import re

from clearline.errors import RuleCode, Violation
from clearline.text import check_text

TAG_MAX = 50
EXTERNAL_IDS_MAX = 20
SYSTEM_MAX = 50
EXTERNAL_ID_MAX = 255
TAGS_MAX = 50
TAG = r"^[0-9A-Za-z\u00c0-\u024f][0-9A-Za-z\u00c0-\u024f._:\/\-]*$"
_TAG = re.compile(TAG)


def check_tags(tags: tuple[str, ...]) -> list[Violation]:
    """Return the rules that tags break.

    At most 50, each of up to 50 letters, digits and ``. _ : / -``, beginning with a letter or digit.
    """
    violations = []
    if len(tags) > TAGS_MAX:
        violations.append(Violation("tags", f"must be at most {TAGS_MAX}", RuleCode.COUNT))
    if any(len(tag) > TAG_MAX or not _TAG.fullmatch(tag) for tag in tags):
        violations.append(
            Violation(
                "tags",
                f"must each be 1 to {TAG_MAX} letters, digits and . _ : / -, with no sign in front",
                RuleCode.FORMAT,
            )
        )
    return violations


def normalize_tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Return tags in lower case, sorted, each once."""
    return tuple(sorted({tag.lower() for tag in tags}))


def check_external_ids(ids: dict[str, str]) -> list[Violation]:
    """Return the rules that external ids break: at most 20, names up to 50 characters, numbers up to 255."""
    violations = []
    if len(ids) > EXTERNAL_IDS_MAX:
        violations.append(Violation("external_ids", f"must be at most {EXTERNAL_IDS_MAX}", RuleCode.COUNT))
    for system, number in ids.items():
        violations += check_text("external_ids", system, most=SYSTEM_MAX)
        violations += check_text(f"external_ids.{system[:SYSTEM_MAX]}", number, most=EXTERNAL_ID_MAX)
    return violations
