"""Turn a part of a mail into text: HTML, and flowed text.

All functions accept any input, and take time in proportion to it: what is too long is cut first.
"""

import html
import re

from inscriptis import get_text  # type: ignore[import-untyped]
from inscriptis.model.config import ParserConfig  # type: ignore[import-untyped]

BODY_MAX = 400_000
"""Characters of a body that are read."""

_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufeff\u200b]")
_TAG = re.compile(r"<(?:style|script)\b.{0,50000}?</(?:style|script)>|<[^<>]{0,2000}>", re.IGNORECASE | re.DOTALL)


def clean_text(text: str) -> str:
    """Return text that can be stored: without NULs and other invisible characters, with Unix line ends."""
    return _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def text_from_html(source: str) -> str:
    """Return the text of HTML. HTML that is nested too deep for the parser is returned without its tags."""
    source = clean_text(source[:BODY_MAX])
    try:
        text: str = get_text(source, ParserConfig(display_images=False))
    except (RecursionError, ValueError, AttributeError, TypeError, IndexError, KeyError):  # bugs of the parser
        text = html.unescape(_TAG.sub(" ", source))
    return "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")


def join_flowed(text: str, *, deletes_space: bool) -> str:
    """Return text in ``format=flowed`` with each paragraph in one line (RFC 3676, section 4.2)."""
    lines: list[str] = []
    open_depth: int | None = None
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        content = line[depth:].removeprefix(" ")
        flows = content.endswith(" ") and content != "-- "
        if open_depth == depth and content != "-- ":
            lines[-1] += content
        else:
            lines.append((">" * depth + " " if depth else "") + content)
        if flows and deletes_space:
            lines[-1] = lines[-1][:-1]
        open_depth = depth if flows else None
    return "\n".join(lines)
