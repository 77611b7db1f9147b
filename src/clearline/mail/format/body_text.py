"""Clean the text of a mail, join its flowed lines, and compare its alternatives.

All functions accept any input, and take time in proportion to it.
"""

import re

_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufeff\u200b]")

_ADDRESS = re.compile(r"https?://\S+")
_WORD = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\\W_]+")
"""A word, or a character of a script without blanks between words."""

_LACKING_LEAST = 8
"""Words that one alternative has and the other lacks, from which on they are not the same text."""


def clean_text(text: str) -> str:
    """Return text that can be stored: without NULs and other invisible characters, with Unix line ends."""
    return _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def join_flowed(text: str, *, deletes_space: bool) -> str:
    """Return text in ``format=flowed`` with each paragraph in one line (RFC 3676, section 4.2)."""
    lines: list[list[str]] = []
    open_depth: int | None = None
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        content = line[depth:].removeprefix(" ")
        flows = content.endswith(" ") and content != "-- "
        if open_depth == depth and content != "-- ":
            lines[-1].append(content)
        else:
            lines.append([">" * depth + " " if depth else "", content])
        if flows and deletes_space:
            lines[-1][-1] = content[:-1]
        open_depth = depth if flows else None
    return "\n".join(map("".join, lines))


def combined(text: str, other: str) -> str:
    """Return an alternative of a mail with another one, if that has most of its words for itself.

    Some programs write "Your mail program cannot show HTML" instead of plain text, or cut it. If the other text has
    the words of the first, it alone is returned.
    """
    words, others = _words(text), _words(other)
    lacking = len(others - words)
    if lacking < _LACKING_LEAST or 2 * lacking <= len(others):
        return text
    return other if words <= others else f"{text}\n\n{other}"


def _words(text: str) -> set[str]:
    return set(_WORD.findall(_ADDRESS.sub(" ", text.casefold())))
