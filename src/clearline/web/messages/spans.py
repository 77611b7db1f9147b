"""The rules of Markdown inside a line: emphasis, code, links. A pair of marks never spans two lines."""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter
from markdown_it.token import Token

from clearline.web.messages.links import ADDRESS, SCHEME, without_end

_MARKS = re.compile(r"[*_`\[\]:]")
_TITLE = re.compile(r"#{1,6} +\S")
_OPENER = {
    "*": re.compile(r"[\w\"'\u2018\u201c\u00ab(\[{`*]"),
    "_": re.compile(r"[^\W\d_]|[\"'\u2018\u201c\u00ab(\[{`*]"),
}
"""What follows an opening mark: ``*>`` and ``*.log`` are no emphasis, nor is the AS path ``_65001_``."""
_BEFORE_OPENER = re.compile(r"[\s\"'\u2018\u201c\u00ab(\[{*_\u2013\u2014]")
_BEFORE_CLOSER = re.compile(r"[\w.,;:!?%)\]}\"'\u2019\u201d\u00bb`*/+-]")
_AFTER_CLOSER = re.compile(r"[\s*_\"'\u2019\u201d\u00bb)\]}\u2013\u2014]|[.,;:!?](?!\w)|$")
_LINK = re.compile(
    r"\[([^\[\]]{1,500})\]\(((?:https?://|mailto:)[^\s()<>]+(?:\([^\s()<>]*\)[^\s()<>]*)*)\)", re.IGNORECASE
)


def _emphasis(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the shape of a rule
    """Note a run of ``*`` or ``_`` that may open or close emphasis; the library pairs them."""
    source, start = state.src, state.pos
    mark = source[start]
    if silent or mark not in _OPENER:
        return False
    end = start + 1
    while end < state.posMax and source[end] == mark:
        end += 1
    is_run = end - start <= 3
    opens = is_run and _OPENER[mark].match(source, end) and (start == 0 or _BEFORE_OPENER.match(source, start - 1))
    closes = is_run and start > 0 and _BEFORE_CLOSER.match(source, start - 1) and _AFTER_CLOSER.match(source, end)
    for _ in range(end - start):
        state.push("text", "", 0).content = mark
        token = len(state.tokens) - 1
        state.delimiters.append(Delimiter(ord(mark), end - start, token, -1, bool(opens), bool(closes)))
    state.pos = end
    return True


def _push_link(state: StateInline, address: str) -> None:
    state.push("link_open", "a", 1).attrs = {"href": state.md.normalizeLink(address)}


def _link(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the shape of a rule
    """Take ``[words](address)``. Without a scheme that is allowed, or with anything else inside, it is text."""
    if silent or state.linkLevel or state.src[state.pos] != "[":
        return False
    match = _LINK.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    most = state.posMax
    _push_link(state, match[2])
    state.pos, state.posMax = match.span(1)
    state.linkLevel += 1
    state.md.inline.tokenize(state)
    state.linkLevel -= 1
    state.push("link_close", "a", -1)
    state.pos, state.posMax = match.end(), most
    return True


def _address(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - the shape of a rule
    """Take an address that stands in the text, without the punctuation that follows it."""
    if silent or state.linkLevel or state.src[state.pos] != ":":
        return False
    scheme = SCHEME.search(state.pending[-8:])
    if scheme is None:
        return False
    start = state.pos - len(scheme[0])
    match = ADDRESS.match(state.src, start, state.posMax)
    address = without_end(match[0]) if match else ""
    if not address:
        return False
    state.pending = state.pending[: -len(scheme[0])]
    _push_link(state, address)
    state.push("text", "", 0).content = address
    state.push("link_close", "a", -1)
    state.pos = start + len(address)
    return True


def _children(state: StateCore, line: str) -> list[Token]:
    if not _MARKS.search(line):
        return [Token("text", "", 0, content=line)]
    return state.md.inline.parse(line, state.md, state.env, [])


def _lines(state: StateCore) -> None:
    """Parse each line by itself. A title is its line in bold, with its marks: it may be a prompt or a comment."""
    has_titles = "emphasis" in state.md.inline.ruler.get_active_rules()
    for token in state.tokens:
        token.hidden = False  # a paragraph of a list, which the library leaves out if no line is empty
        if token.type == "inline":
            token.children = []
            for number, line in enumerate(token.content.split("\n")):
                if number:
                    token.children.append(Token("softbreak", "br", 0))
                children = _children(state, line)
                if has_titles and _TITLE.match(line):
                    children = [Token("strong_open", "strong", 1), *children, Token("strong_close", "strong", -1)]
                token.children += children


def use_spans(markdown: MarkdownIt) -> None:
    """Replace the rules of a parser for the inside of lines by these."""
    inline = markdown.inline
    inline.terminator_re = _MARKS
    inline.ruler.at("emphasis", _emphasis)
    inline.ruler.at("link", _link)
    inline.ruler.at("linkify", _address)
    inline.ruler.enableOnly(["text", "linkify", "backticks", "emphasis", "link"])
    inline.ruler2.enableOnly(["balance_pairs", "emphasis", "fragments_join"])
    markdown.core.ruler.at("inline", _lines)
