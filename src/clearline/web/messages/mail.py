"""The HTML of a message in a mail: without CSS of its own, since some mail programs ignore it."""

import re
from collections.abc import Callable, Sequence
from functools import cache

import nh3
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup, escape

from clearline.branding.accent import SHIPPED_MAIL
from clearline.web.messages.rendering import SCHEMES, TAGS, PageRenderer, Rendering

_SPACES = re.compile(r" {2,}")
_INDENT = re.compile(r"^ +| {2,}")
_MONO = "font: 13px/1.5 ui-monospace, Consolas, Menlo, monospace;"
_STYLES = {
    "blockquote": "margin: 0 0 12px; padding-left: 12px; border-left: 2px solid #9aa5b1;",
    "code": _MONO,
    "li": "margin: 0;",
    "ol": "margin: 0 0 12px; padding-left: 28px;",
    "p": "margin: 0 0 8px;",
    "table": "margin: 0 0 12px; border-collapse: collapse;",
    "td": "padding: 4px 8px; border: 1px solid #d5dbe1;",
    "th": "padding: 4px 8px; border: 1px solid #d5dbe1; text-align: left;",
    "ul": "margin: 0 0 12px; padding-left: 20px;",
}


def _spaced(text: str, spaces: re.Pattern[str] = _INDENT) -> str:
    return spaces.sub(lambda match: "\N{NO-BREAK SPACE}" * len(match[0]), text)


class _MailRenderer(PageRenderer):
    """Keeps line breaks and columns with elements and characters that every mail program shows."""

    def preformatted(self, text: str, write: Callable[[str], Markup] = escape) -> str:
        """Return lines that are shown as they are."""
        lines = (_spaced(write(line.expandtabs(8))) for line in text.split("\n"))
        return f"<p><code>{'<br>'.join(lines)}</code></p>"

    def text(self, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType) -> str:
        """Return text in which runs of spaces are kept."""
        is_first = index == 0 or tokens[index - 1].type == "softbreak"
        return _spaced(escape(tokens[index].content), _INDENT if is_first else _SPACES)


@cache
def _mail(accent: str) -> Rendering:
    """Return how messages are rendered whose links have a colour."""
    styles = {"a": f"color: {accent};", **_STYLES}
    cleaner = nh3.Cleaner(
        tags=TAGS,
        attributes={"a": {"href"}, "li": {"value"}},
        set_tag_attribute_values={tag: {"style": style} for tag, style in styles.items()},
        url_schemes=SCHEMES,
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
    )
    return Rendering(_MailRenderer, cleaner)


def message_in_mail(text: str, channel: str, accent: str = SHIPPED_MAIL.light) -> Markup:
    """Return the text of a message as HTML for a mail, read as ``message`` reads it; ``accent`` colours its links."""
    return Markup(_mail(accent).html(text, channel))  # noqa: S704 - cleaned
