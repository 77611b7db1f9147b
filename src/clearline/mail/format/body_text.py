"""Clean the text of a mail, and join its flowed lines.

All functions accept any input, and take time in proportion to it.
"""

import re

_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufeff\u200b]")


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
