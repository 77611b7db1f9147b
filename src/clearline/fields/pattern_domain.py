"""Regular expressions that admins write: only those that any text is matched with in a short time.

A subset that Python, browsers (``pattern`` of an input) and JSON Schema read alike. Repetitions within repetitions,
and choices within repetitions, would let the time grow exponentially with the text; each repetition of variable length
multiplies it by the length, so that they are few. A text has at most 255 characters.
"""

import re

from clearline.errors import RuleCode, Violation
from clearline.text import check_text

PATTERN_MAX = 200
_REPETITIONS_MAX = 3
_OPTIONAL_MAX = 6
_ESCAPES = frozenset("dDwWsS")
_COUNT = re.compile(r"\{(\d*)(,\d*)?\}")


class _Refused(Exception):
    """A pattern that is not of the subset."""


class _Scanner:
    """Reads a pattern once from left to right, and refuses what is not of the subset."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._repetitions = 0
        self._optional = 0
        self._groups = [False]
        """Whether each open group has a repetition or a choice; the first is the whole pattern."""

    def scan(self) -> None:
        """Read all.

        Raises:
            _Refused: with the reason.
        """
        while self._at < len(self._pattern):
            is_simple = self._atom()
            self._quantifier(is_simple=is_simple)

    def _next(self) -> str:
        if self._at >= len(self._pattern):
            raise _Refused("ends too early")
        self._at += 1
        return self._pattern[self._at - 1]

    def _atom(self) -> bool:
        """Read a character, a class, or the begin or end of a group; return whether it may be repeated."""
        char = self._next()
        if char == "\\":
            self._escape()
        elif char == "[":
            self._class()
        elif char == "(":
            if self._pattern.startswith("?", self._at) and not self._pattern.startswith("?:", self._at):
                raise _Refused("must not have groups that begin with (?, other than (?:")
            self._at += 2 * self._pattern.startswith("?:", self._at)
            self._groups.append(False)
        elif char == "|":
            self._groups[-1] = True
        elif char == ")" and len(self._groups) > 1:
            is_variable = self._groups.pop()
            self._groups[-1] = self._groups[-1] or is_variable
            return not is_variable
        return True

    def _escape(self) -> None:
        char = self._next()
        if char.isalnum() and char not in _ESCAPES:
            raise _Refused(f"must not have \\{char}: of the escapes, \\d, \\w, \\s and those of signs")

    def _class(self) -> None:
        if self._pattern.startswith("^", self._at):
            self._at += 1
        first = True
        while (char := self._next()) != "]" or first:
            if char == "\\":
                self._escape()
            first = False

    def _quantifier(self, *, is_simple: bool) -> None:
        rest = self._pattern[self._at : self._at + 1]
        if rest == "?":
            self._at += 1
            self._optional += 1
            self._groups[-1] = True
        elif rest in {"*", "+"}:
            self._at += 1
            self._repeat(is_simple=is_simple)
        elif rest == "{" and (count := _COUNT.match(self._pattern, self._at)):
            self._at = count.end()
            if not re.fullmatch(r"\{\d{1,3}(,\d{0,3})?\}", count[0]):
                raise _Refused(f"must not have {count[0]}: write {{n}}, {{m,}} or {{m,n}} with at most 3 digits")
            if count[2] is not None:
                self._repeat(is_simple=is_simple)
            elif not is_simple:
                raise _Refused("must not repeat a group that has a repetition or a choice")
        else:
            return
        if self._pattern[self._at : self._at + 1] in {"*", "+", "?", "{"}:
            raise _Refused("must not have two repetitions in a row")
        if self._repetitions > _REPETITIONS_MAX:
            raise _Refused(f"must have at most {_REPETITIONS_MAX} of *, + and {{m,n}}")
        if self._optional > _OPTIONAL_MAX:
            raise _Refused(f"must have at most {_OPTIONAL_MAX} of ?")

    def _repeat(self, *, is_simple: bool) -> None:
        if not is_simple:
            raise _Refused("must not repeat a group that has a repetition or a choice")
        self._repetitions += 1
        self._groups[-1] = True


def check_pattern(field: str, pattern: str, *, most: int) -> list[Violation]:
    """Return the rules that a pattern breaks: it is a regular expression of the subset."""
    violations = check_text(field, pattern, most=most)
    if violations:
        return violations
    try:
        re.compile(pattern)
        _Scanner(pattern).scan()
    except _Refused as refused:
        return [Violation(field, str(refused), RuleCode.FORMAT)]
    except (re.error, RecursionError, OverflowError) as error:
        return [Violation(field, f"is no regular expression: {error}", RuleCode.FORMAT)]
    return []
