"""Convert HTML of mail to text: with the addresses of links and the texts of images, and with marks on quoted lines.

The parser reads elements one after the other, so that no depth of nesting loses text, and the time is in proportion to
the length.
"""

import html
import re
from collections.abc import Mapping

PARSED_MAX = 4 * 1024**2
"""Characters of HTML that are parsed. Of a longer one only the tags are replaced: parsing takes a second for each
million characters."""

COST_SEEN, COST_MAX = 256 * 1024, 300_000_000
"""Characters of HTML from which on the nesting matters, and how many open elements the parser may look at for its end
tags; a second's work."""

LINK_MAX = 4000
"""Characters of a link's address that are shown."""

_QUOTE_DEPTH_MAX, _LIST_DEPTH_MAX = 8, 4
_BLANKS = re.compile(r"[ \t\n\r\f]+")
_TAG = re.compile(r"<(?:style|script)\b.{0,50000}?</(?:style|script)>|<[^<>]{0,2000}>", re.IGNORECASE | re.DOTALL)
_NO_MARGIN = re.compile(r"margin(?:-top|-bottom)?\s*:\s*0(?![.\d]*[1-9])", re.IGNORECASE)
_NO_BORDER = re.compile(r"border(?:-left)?\s*:\s*(?:none|0)", re.IGNORECASE)
_SCHEME = re.compile(r"(?:https?://(?:www\.)?|mailto:|tel:)", re.IGNORECASE)
LINK = re.compile(
    r"(?!(?:javascript|vbscript|data|cid|mid|about|blob|applewebdata|(?:x-apple|outlook)-[a-z-]{1,30}):)"
    r"[a-z][a-z0-9+.-]{1,30}:|//|\\\\",
    re.IGNORECASE,
)
"""What the address of a link begins with if it leads somewhere: a scheme, or the name of a server."""

_CLOSED = ("style", "script", "title", "template")
_SKIPPED = frozenset({"script", "style", "title", "template"})
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "div", "dl", "dt", "fieldset",
    "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "legend", "li",
    "main", "nav", "ol", "option", "p", "pre", "section", "table", "tbody", "tfoot", "thead", "tr", "ul",
})  # fmt: skip
_SPACED = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "dl", "figure"})
_RULE = "-" * 32


def text_from_html(source: str) -> str:
    """Return the text of HTML: one line for each line or block, and the cells of a row with tabs between them.

    HTML that would take too long to parse has simpler text (``text_of_large_html``).
    """
    if len(source) > COST_SEEN:
        # its patterns take as long to compile as a tenth of all other modules take to import
        from clearline.mail.format.large_html import closing_cost, text_of_large_html  # noqa: PLC0415

        if len(source) > PARSED_MAX or closing_cost(source) > COST_MAX:
            return text_of_large_html(source)
    from lxml import etree  # type: ignore[import-untyped]  # noqa: PLC0415 - slow to import, and most commands need none

    source = _with_ends(source)
    target = _Text()
    parser = etree.HTMLParser(target=target, huge_tree=True)
    try:
        parser.feed(source)
        parser.close()
    except (etree.LxmlError, ValueError, AssertionError):
        if source.strip() and not target.has_text:
            return html.unescape(_TAG.sub(" ", source)).strip()
    return target.text()


def _with_ends(source: str) -> str:
    """Return HTML without the start of a comment, a style, a script or a title that has no end.

    It would hide all text after it; a mail was cut there, or a program forgot the end.
    """
    start = source.rfind("<!--")
    if start >= 0 and source.find("-->", start) < 0:
        source = source[:start] + source[start + 4 :]
    for name in _CLOSED:
        starts = list(re.finditer(rf"<{name}\b", source, re.IGNORECASE))
        ends = [match.start() for match in re.finditer(rf"</{name}\b", source, re.IGNORECASE)]
        if starts and (not ends or ends[-1] < starts[-1].start()):
            at = starts[-1].start()
            source = f"{source[:at]}<span{source[starts[-1].end() :]}"
    return source


class _Text:
    """What the parser calls for each element and text; it collects the lines."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line: list[str] = []
        self._skipped = self._pre = 0
        self._quotes: list[bool] = []
        self._depth = 0
        self._lists: list[int | None] = []
        self._links: list[tuple[str, int]] = []
        self._margins: list[tuple[str, bool]] = []
        self._tabs = 0
        self._has_space = True
        self.has_text = False

    def text(self) -> str:
        """Return the lines so far, with at most one blank line between two."""
        self._end_line()
        out: list[str] = []
        for line in self._lines:
            if line.strip("> ") or (out and out[-1].strip("> ")):
                out.append(line)
        return "\n".join(out).strip("\n")

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Begin an element."""
        if tag in _SKIPPED:
            self._skipped += 1
        if self._skipped:
            return
        if tag in _BLOCKS:
            self._start_block(tag, attributes)
        elif tag == "br":
            self._break()
        elif tag in {"td", "th"}:
            self._tabs += 1 if self._line else 0
        elif tag == "a":
            self._links.append((attributes.get("href") or "", len(self._line)))
        elif tag in {"img", "area", "input"}:
            self._write(_alternative(attributes.get("alt") or attributes.get("title") or ""))
            if tag == "area":
                self._end_link(attributes.get("href") or "", len(self._line))

    def _start_block(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._end_line()
        style = attributes.get("style") or ""
        if tag in _SPACED:
            is_tight = (attributes.get("class") or "").startswith("Mso") or _NO_MARGIN.search(style) is not None
            self._margins.append((tag, not is_tight))
            if not is_tight:
                self._lines.append(self._prefix().rstrip())
        if tag == "blockquote":
            self._quotes.append(_NO_BORDER.search(style) is None)
            self._depth += self._quotes[-1]
        elif tag in {"ul", "ol"}:
            self._lists.append(0 if tag == "ol" else None)
        elif tag == "li":
            self._start_item()
        elif tag == "hr":
            self._lines.append(self._prefix() + _RULE)
        if tag == "pre":
            self._pre += 1

    def _start_item(self) -> None:
        number = self._lists[-1] if self._lists else None
        if number is not None:
            self._lists[-1] = number = number + 1
        indent = "  " * min(max(len(self._lists) - 1, 0), _LIST_DEPTH_MAX)
        self._line.append(f"{indent}- " if number is None else f"{indent}{number}. ")
        self._has_space = True

    def end(self, tag: str) -> None:
        """End an element."""
        if tag in _SKIPPED:
            self._skipped = max(0, self._skipped - 1)
            return
        if self._skipped:
            return
        if tag == "a" and self._links:
            self._end_link(*self._links.pop())
        elif tag in _BLOCKS:
            self._end_block(tag)

    def _end_block(self, tag: str) -> None:
        self._end_line()
        if tag == "blockquote" and self._quotes:
            self._depth -= self._quotes.pop()
        elif tag in {"ul", "ol"} and self._lists:
            self._lists.pop()
        elif tag == "pre":
            self._pre = max(0, self._pre - 1)
        if tag in _SPACED and self._margins and self._margins[-1][0] == tag and self._margins.pop()[1]:
            self._lines.append(self._prefix().rstrip())

    def _end_link(self, address: str, start: int) -> None:
        """Add the address of a link whose text begins at an index of the line, unless it is the text."""
        address = address.strip()
        if LINK.match(address) is None:
            return
        shown = "".join(self._line[start:])
        if _bare(shown) != _bare(address):
            address = address.removeprefix("mailto:").removeprefix("tel:")
            address = address if len(address) <= LINK_MAX else f"{address[:LINK_MAX]}..."
            self._write(f"{' ' if self._line and not self._has_space else ''}<{address}>")

    def data(self, data: str) -> None:
        """Add text."""
        if self._skipped:
            return
        if not self._pre:
            self._write(_BLANKS.sub(" ", data))
            return
        first, *others = data.split("\n")
        self._write(first)
        for line in others:
            self._break()
            self._write(line)

    def _write(self, text: str) -> None:
        if not self._pre and self._has_space:
            text = text.removeprefix(" ")
        if not text:
            return
        if self._tabs and text.strip():
            self._line.append("\t" * self._tabs)
            self._tabs = 0
        self._line.append(text.replace("\u00a0", " "))
        self._has_space = text.endswith(" ") and not self._pre
        self.has_text = self.has_text or not text.isspace()

    def _break(self) -> None:
        self._lines.append((self._prefix() + "".join(self._line)).rstrip())
        self._line, self._tabs, self._has_space = [], 0, True

    def _end_line(self) -> None:
        if "".join(self._line).strip():
            self._break()
        self._line, self._tabs, self._has_space = [], 0, True

    def _prefix(self) -> str:
        depth = min(self._depth, _QUOTE_DEPTH_MAX)
        return ">" * depth + (" " if depth else "")

    def comment(self, text: str) -> None:
        """Ignore a comment."""

    def pi(self, target: str, data: str | None = None) -> None:
        """Ignore a processing instruction."""

    def close(self) -> None:
        """End the document."""


def _alternative(text: str) -> str:
    """Return the text of an image in brackets; a symbol, such as an emoji, without them."""
    text = " ".join(text.split())
    return f"[{text}]" if any(map(str.isalnum, text)) else text


def _bare(text: str) -> str:
    """Return an address as a person would write it, to compare a link with its text."""
    return _SCHEME.sub("", " ".join(text.split()).strip("<>[]() "), count=1).rstrip("/").casefold()
