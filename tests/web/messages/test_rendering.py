"""The text of messages as HTML: what is rendered, what is kept, and what it costs."""

import time
from html.parser import HTMLParser

import pytest

from clearline.tickets.domain import DESCRIPTION_MAX, Channel
from clearline.web.messages.rendering import message
from tests.web.messages.texts import HOSTILE, LINKED, MARKED, REPEATED, SHOWN_AS_WRITTEN, link_to

ALLOWED = {
    "a", "blockquote", "br", "code", "div", "em", "li", "ol", "p", "pre", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip


class Reader(HTMLParser):
    """What a reader sees of HTML, and its tags with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.tags = "", list[tuple[str, dict[str, str | None]]]()
        self.feed(str(html))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.text += "\n" if tag == "br" else ""

    def handle_data(self, data: str) -> None:
        self.text += data


def html_of(text: str, channel: str = Channel.CONSOLE) -> str:
    """Return the HTML without the ends of lines between its blocks."""
    parts = message(text, channel).split("<pre")
    return (
        "<pre".join([parts[0].replace("\n", ""), *parts[1:]]).rstrip("\n") if parts[1:] else parts[0].replace("\n", "")
    )


@pytest.mark.parametrize("channel", [Channel.CONSOLE, Channel.PORTAL, Channel.API, Channel.EMAIL, Channel.SYSTEM])
@pytest.mark.parametrize("case", SHOWN_AS_WRITTEN)
def test_what_devices_print_is_shown_as_written(case: str, channel: Channel) -> None:
    text = SHOWN_AS_WRITTEN[case]
    assert Reader(str(message(text, channel)).strip("\n")).text == text


@pytest.mark.parametrize(
    "case", ["a BGP table", "tabs", "a configuration", "a diagram", "a small diagram", "boxes", "a difference"]
)
def test_what_has_its_own_layout_has_a_fixed_width(case: str) -> None:
    for channel in (Channel.CONSOLE, Channel.EMAIL):
        assert [tag for tag, _ in Reader(message(SHOWN_AS_WRITTEN[case], channel)).tags] == ["pre"]


@pytest.mark.parametrize("case", MARKED)
def test_marks_are_rendered(case: str) -> None:
    text, html = MARKED[case]
    assert html_of(text) == html


@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.SYSTEM])
@pytest.mark.parametrize("case", MARKED)
def test_the_text_of_a_mail_has_no_marks(case: str, channel: Channel) -> None:
    text = MARKED[case][0]
    html = message(text, channel)
    assert {tag for tag, _ in Reader(html).tags} <= {"p", "br", "pre"}
    assert Reader(html).text.split() == text.split()


@pytest.mark.parametrize("text", LINKED)
def test_addresses_are_links(text: str) -> None:
    assert html_of(text) == f"<p>{LINKED[text]}</p>"


def test_addresses_in_a_layout_and_in_mail_are_links() -> None:
    link = link_to("https://example.com/a_b")
    assert html_of("  see   https://example.com/a_b.") == f'<pre tabindex="0">  see   {link}.</pre>'
    assert html_of("**see** https://example.com/a_b.", Channel.EMAIL) == f"<p>**see** {link}.</p>"


@pytest.mark.parametrize("channel", [Channel.CONSOLE, Channel.EMAIL])
@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_a_text_becomes_markup_of_its_own(text: str, channel: Channel) -> None:
    reader = Reader(message(text, channel))
    allowed = {"a": {"href", "rel", "hx-boost"}, "li": {"value"}, "pre": {"tabindex"}, "div": {"class", "tabindex"}}
    for tag, attributes in reader.tags:
        assert tag in ALLOWED
        assert set(attributes) <= allowed.get(tag, set())
        assert tag != "a" or (attributes["href"] or "").startswith(("https://", "http://", "mailto:"))


@pytest.mark.parametrize("depth", [1, 9, 30])
def test_deep_lists_and_quotations_lose_nothing(depth: int) -> None:
    assert "deepest" in Reader(message("> " * depth + "deepest", Channel.CONSOLE)).text
    nested = "\n".join("  " * level + f"- item{level}" for level in range(depth))
    assert Reader(message(nested, Channel.CONSOLE)).text.count("item") == depth


def test_a_text_of_very_many_marks_is_shown_as_it_is() -> None:
    assert "<em>" in message("*a* " * 1_200, Channel.CONSOLE)
    many = "*a* " * 2_000
    assert html_of(many) == f'<pre tabindex="0">{many}</pre>'


@pytest.mark.parametrize("part", REPEATED)
def test_no_text_takes_long(part: str) -> None:
    """A text of the greatest length costs less than a quarter of a second, and 40 ms on a quiet machine."""
    for text in (part * (DESCRIPTION_MAX // len(part)), part * (1_200 // len(part)) + "\n" + part * 300):
        for channel in (Channel.CONSOLE, Channel.EMAIL):
            start = time.process_time()
            message(text, channel)
            assert time.process_time() - start < 0.25
