"""The HTML of a message."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup, escape

from clearline.tickets.domain import Channel
from clearline.web.messages.blocks import LAID_OUT, use_blocks
from clearline.web.messages.links import linked
from clearline.web.messages.spans import use_spans

_PLAIN = frozenset({Channel.EMAIL, Channel.SYSTEM})
"""The channels whose text nobody wrote as Markdown: mail, imports, and what Clearline itself writes."""
_SHORT = 4_000
"""The HTML of 1,024 texts of at most so many characters is kept, and of 128 longer ones: some 40 MB at most."""
_MARKS = "\n*_`[]:"
_MARKS_MAX = 2_500
"""The most characters of a text that cost time: each takes 15 µs at most. One with more is shown as it is."""
_LANGUAGE = re.compile(
    r"(?:arista|bash|bird|c|cisco|cli|conf|console|cpp|css|csv|diff|eos|frr|go|html|http|ini|ios|iosxr|java|javascript|js"
    r"|json|juniper|junos|log|markdown|md|nxos|patch|plain|py|python|routeros|rust|sh|shell|sql|text|toml|ts|txt|vyos"
    r"|xml|yaml|yml|zsh)?",
    re.IGNORECASE,
)
"""What stands behind the mark of a fence and is not shown. Anything else is the first line of the code."""
TAGS = {
    "a", "blockquote", "br", "code", "div", "em", "li", "ol", "p", "pre", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
SCHEMES = {"http", "https", "mailto"}
_CLEANER = nh3.Cleaner(
    tags=TAGS,
    attributes={"a": {"href"}, "li": {"value"}, "pre": {"tabindex"}, "div": {"tabindex"}},
    allowed_classes={"div": {"columns"}},
    set_tag_attribute_values={"a": {"hx-boost": "false"}},
    url_schemes=SCHEMES,
    url_relative="deny",
    link_rel="noopener noreferrer nofollow",
)


class PageRenderer(RendererHTML):
    """Writes the blocks that differ from the library's. What can be wider than the page scrolls, also by keyboard."""

    def preformatted(self, text: str, write: Callable[[str], Markup] = escape) -> str:
        """Return lines that are shown as they are; ``write`` returns the HTML of one or more of them."""
        return f'<pre tabindex="0">{write(text)}</pre>'

    def softbreak(self, _tokens: Sequence[Token], _index: int, _options: OptionsDict, _env: EnvType) -> str:
        """Return the end of a line."""
        return "<br>"

    def laid_out(self, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType) -> str:
        """Return lines as they are, in which addresses are links."""
        return self.preformatted(tokens[index].content, linked)

    def code_block(self, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType) -> str:
        """Return an indented block of code."""
        return self.preformatted(tokens[index].content.rstrip("\n"))

    def fence(self, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType) -> str:
        """Return a block of code."""
        first, text = tokens[index].info.strip(), tokens[index].content.rstrip("\n")
        return self.preformatted(text if _LANGUAGE.fullmatch(first) else f"{first}\n{text}")

    def list_item_open(self, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType) -> str:
        """Return the start of an item, with the number that it has in the text."""
        number = tokens[index].info
        return f'<li value="{number}">' if number else "<li>"

    def table_open(self, _tokens: Sequence[Token], _index: int, _options: OptionsDict, _env: EnvType) -> str:
        """Return the start of a table."""
        return '<div class="columns" tabindex="0"><table>'

    def table_close(self, _tokens: Sequence[Token], _index: int, _options: OptionsDict, _env: EnvType) -> str:
        """Return the end of a table."""
        return "</table></div>"


class Rendering:
    """A way to render messages: how blocks are written, and what may be in the HTML."""

    def __init__(self, renderer: type[PageRenderer], cleaner: nh3.Cleaner) -> None:
        self._renderer, self._cleaner = renderer(), cleaner
        self._parsers = {is_plain: _parser(renderer, is_plain=is_plain) for is_plain in (False, True)}

    def html(self, text: str, channel: str) -> str:
        """Return the HTML of a text."""
        text = text.strip("\r\n")
        if sum(map(text.count, _MARKS)) > _MARKS_MAX:
            return self._cleaner.clean(self._renderer.preformatted(text, linked))
        rendered: str = self._parsers[channel in _PLAIN].render(text)
        return self._cleaner.clean(rendered)


def _parser(renderer: type[PageRenderer], *, is_plain: bool) -> MarkdownIt:
    markdown = MarkdownIt("zero", renderer_cls=renderer)
    use_blocks(markdown)
    use_spans(markdown)
    if is_plain:
        markdown.block.ruler.enableOnly([LAID_OUT, "paragraph"])
        markdown.inline.ruler.enableOnly(["text", "linkify"])
    return markdown


_PAGE = Rendering(PageRenderer, _CLEANER)
_html_of_short = lru_cache(maxsize=1_024)(_PAGE.html)
_html_of_long = lru_cache(maxsize=128)(_PAGE.html)


def message(text: str, channel: str) -> Markup:
    """Return the text of a message as HTML for a page.

    What came in by mail, and what Clearline itself wrote, is plain: only addresses are links. The text of every other
    channel is Markdown: emphasis, code, lists, quotations, tables and links. In both, lines that have a layout of their
    own, such as the output of a device, are shown as they are. Nothing of a text is left out but its marks.
    """
    render = _html_of_short if len(text) <= _SHORT else _html_of_long
    return Markup(render(text, channel))  # noqa: S704 - cleaned
