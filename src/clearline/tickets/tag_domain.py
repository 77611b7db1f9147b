"""Tags: words that the provider's people put on tickets, in lower case and each once."""

import re

from clearline.errors import RuleCode, Violation

TAG_MAX = 50
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
