"""Whatever the text of a message is, a reader sees all of it, in its order, but for the marks of Markdown."""

import re
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st

from clearline.tickets.domain import Channel
from clearline.web.messages.mail import message_in_mail
from clearline.web.messages.rendering import message

PARTS = (
    "a", "b1", "xe-0/0/1", "et_1_2", "é", "漢", " ", "  ", "   ", "\n", "\n\n", "\n ", "\n  ", "\n\t", " \n", "\t",
    "*", "**", "_", "__", "`", "```", "```\n", "- ", "* ", "1. ", "7. ", "0. ", "1) ", "+ ", "> ", ">", "|", "|---|",
    "---", "#", "## ", "[", "](", ")", "(", "https://example.com/x_y", "\\", "&amp;", "<b>", ":", "*>", "~~~", "===",
    "\u2500", "!",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PARTS), min_size=1, max_size=25).map("".join).filter(lambda text: "](http" not in text)
"""Texts of marks and of what devices print. A link with words hides its address, as it should."""
MARKS = re.compile(r"[\s*_`>|#\[\]()-]")


class Reader(HTMLParser):
    """What a reader sees of HTML, with the numbers of lists."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.feed(str(html))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        number = dict(attrs).get("value") if tag == "li" else None
        self.text += f"{number}. " if number else ""

    def handle_data(self, data: str) -> None:
        self.text += data


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_markdown_loses_nothing_but_marks(text: str) -> None:
    for render in (message, message_in_mail):
        shown = Reader(render(text, Channel.CONSOLE)).text
        assert MARKS.sub("", shown) == MARKS.sub("", text)


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_plain_text_loses_nothing(text: str) -> None:
    for render in (message, message_in_mail):
        shown = Reader(render(text, Channel.EMAIL)).text
        assert re.sub(r"\s", "", shown) == re.sub(r"\s", "", text)
