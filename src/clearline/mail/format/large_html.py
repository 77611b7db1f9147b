"""Convert HTML that is too large, or nested too deep, to be parsed: tags are replaced, and nothing else is interpreted.

Every function takes time in proportion to the length: no pattern looks beyond the next ``<`` without consuming what it
read.
"""

import html
import re
from collections.abc import Iterator

from clearline.mail.format.html_text import LINK

_ATTRIBUTES = r"""(?:(?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+>|[^<>]*+>)"""
_BLANKS = re.compile(r"[ \t\n\r\f]+")
_BREAKS = re.compile(r"\n[ \t\n]*+")
_MANY_BREAKS = re.compile(r"\n{3,}+")
_CELL = re.compile(rf"<t[dh]\b{_ATTRIBUTES}", re.IGNORECASE)
_BLOCK = re.compile(
    r"</?(?:address|article|aside|blockquote|body|br|caption|center|d[dlt]|div|dl|dt|fieldset|fig(?:caption|ure)|footer|"
    rf"form|h[1-6r]|head(?:er)?|legend|li|main|nav|[ou]l|option|p|pre|section|t(?:able|body|foot|head|r))\b{_ATTRIBUTES}",
    re.IGNORECASE,
)
_NAMED = re.compile(rf"<(?:a|img|area|input)\s{_ATTRIBUTES}", re.IGNORECASE)
_OTHER = re.compile(rf"<[a-z/!?]{_ATTRIBUTES}", re.IGNORECASE)
_VALUE = re.compile(r"""\b(href|alt|title)\s{0,9}=\s{0,9}(?:"([^"]*)"?|'([^']*)'?|([^\s"'<>]+))""", re.IGNORECASE)
_OPENING, _CLOSING = "\x01", "\x02"
"""Stand for the angle brackets around an address, until the tags are gone."""

_PIECE = 1024**2
"""Characters whose tags are replaced at once."""

_TAG_NAME = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_CLOSED_BY_OTHERS = frozenset({
    "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "option", "p",
    "source", "td", "th", "tr", "wbr",
})  # fmt: skip


def text_of_large_html(source: str) -> str:
    """Return the text of HTML: a line for each block, and tabs before cells.

    Addresses of links stand before their text. Quotes, lists and blank lines are not marked. With preformatted text the
    lines of the source are kept, all of them.
    """
    text = _without(source, "<!--", "-->")
    for name in ("script", "style", "title", "template"):
        text = _without(text, rf"<{name}\b", rf"</{name}\b[^<>]*>?")
    keeps_lines = "<pre" in text or "<PRE" in text
    out: list[str] = []
    for piece in _pieces(text):
        shown = _text_of(piece, keeps_lines=keeps_lines)
        is_new_line = bool(out) and out[-1].endswith("\n") and not keeps_lines
        out.append(shown.removeprefix("\n") if is_new_line else shown)
    return "".join(out).strip("\n")


def _pieces(source: str) -> Iterator[str]:
    """Cut HTML before tags: to replace the tags of all of it at once would take twenty times its memory."""
    start = 0
    while start < len(source):
        end = start + _PIECE
        if end < len(source):
            end = next((at for mark in "< &" if (at := source.rfind(mark, start + 1, end)) > 0), end)
        yield source[start:end]
        start = end


def _text_of(piece: str, *, keeps_lines: bool) -> str:
    text = piece if keeps_lines else _BLANKS.sub(" ", piece)
    text = _CELL.sub("\t", _BLOCK.sub("\n", text))
    text = html.unescape(_OTHER.sub("", _NAMED.sub(_shown, text)))
    text = text.replace("\u00a0", " ").replace(_OPENING, "<").replace(_CLOSING, ">")
    return _MANY_BREAKS.sub("\n\n", text) if keeps_lines else _BREAKS.sub("\n", text)


def closing_cost(source: str) -> int:
    """Return how many open elements a parser looks at for all end tags: it looks at each of them for every one."""
    open_count: dict[str, int] = {}
    depth = cost = 0
    for match in _TAG_NAME.finditer(source):
        is_end, name = match[1], match[2].lower()
        if is_end:
            cost += depth
        if name in _CLOSED_BY_OTHERS:
            continue
        if not is_end:
            open_count[name] = open_count.get(name, 0) + 1
            depth += 1
        elif open_count.get(name):
            open_count[name] -= 1
            depth -= 1
    return cost


def _without(source: str, opening: str, closing: str) -> str:
    """Return HTML without what stands between two patterns, in any case; what is not closed stays."""
    end = max((match.end() for match in re.finditer(closing, source, re.IGNORECASE)), default=0)
    between = re.compile(f"{opening}.*?{closing}", re.IGNORECASE | re.DOTALL)
    return between.sub("", source[:end]) + source[end:]


def _shown(match: re.Match[str]) -> str:
    """Return what is shown of a tag: the address of a link, or the text of an image."""
    values = {name.lower(): quoted or single or bare for name, quoted, single, bare in _VALUE.findall(match[0])}
    address = values.get("href", "").strip()
    if LINK.match(address):
        return f" {_OPENING}{address.removeprefix('mailto:').removeprefix('tel:')}{_CLOSING} "
    text = values.get("alt") or values.get("title") or ""
    return f"[{text}]" if text else ""
