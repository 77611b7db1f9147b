"""Which passwords are accepted."""

from clearline.errors import RuleCode, Violation
from clearline.identity import User
from clearline.text import normalized_address

PASSWORD_MIN, PASSWORD_MAX = 12, 1024
"""Characters."""
_SCORE_MIN = 3
"""Fewer than 10^8 guesses are too few: https://github.com/dwolfhub/zxcvbn-python (MIT), which ships 30,000 common
passwords, the words of Wikipedia and of films, and names, and knows how people vary them."""
_SCORED_MAX = 72
"""The characters that are scored, which takes longer for long texts."""


def is_possible(password: str) -> bool:
    """Return whether a text can be a password at all: a very long one is not hashed."""
    return 0 < len(password) <= PASSWORD_MAX


def check_password(user: User, password: str) -> list[Violation]:
    """Return the rules that a new password of a user breaks. It takes up to 50 ms, so call it in a thread."""
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        rule = f"must have {PASSWORD_MIN} to {PASSWORD_MAX} characters"
        return [Violation("password", rule, RuleCode.LENGTH)]
    if normalized_address(password) == normalized_address(user.email):
        return [Violation("password", "must not be your e-mail address", RuleCode.CHOICE)]
    if _score(user, password) < _SCORE_MIN:
        rule = "must not be a common password or easy to guess: use several words, or a password manager"
        return [Violation("password", rule, RuleCode.CHOICE)]
    return []


def _score(user: User, password: str) -> int:
    from zxcvbn import zxcvbn  # noqa: PLC0415 - its lists take 5 MB, and few processes ever set a password

    known = [user.email, *user.email.split("@"), user.name, *user.name.split(), "clearline"]
    score: int = zxcvbn(password[:_SCORED_MAX], user_inputs=known)["score"]
    return score
