"""Rules for text that people write. It is kept verbatim: never trimmed, folded or normalised."""

import re

from clearline.domain.errors import Violation

EMAIL_MAX = 254
EMAIL = re.compile(r"[^@\s\x00]+@[^@\s\x00]+")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> bool:
    """Whether PostgreSQL can keep the text: no NUL, and no half of a surrogate pair (Unicode 16, section 3.9)."""
    return _UNSTORABLE.search(text) is None


def check_text(field: str, text: str, *, least: int = 1, most: int) -> list[Violation]:
    """The rules that ``text`` breaks; lengths are in Unicode code points, both ends included."""
    violations = []
    if not least <= len(text) <= most:
        violations.append(Violation(field, f"must have {least} to {most} characters"))
    if not storable(text):
        violations.append(Violation(field, "must not contain the NUL character or lone surrogates"))
    return violations


def check_email(field: str, email: str) -> list[Violation]:
    """The rules that an address breaks: one ``@`` between two parts without blanks, at most 254 characters."""
    if len(email) > EMAIL_MAX or not EMAIL.fullmatch(email) or not storable(email):
        return [Violation(field, f"must be an e-mail address of at most {EMAIL_MAX} characters")]
    return []
