"""Text of HTML: nothing that a person sees is lost, at any depth, and quotes have an end."""

from time import perf_counter, process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.mail.format.html_text import COST_SEEN, LINK_MAX, PARSED_MAX, text_from_html
from clearline.mail.format.large_html import text_of_large_html
from clearline.mail.format.parts import parse
from clearline.mail.format.reply_text import SplitReply, split_reply
from tests.patience import stretched

WROTE = "On 1 Mar 2026, at 11:00, Support <support@example.net> wrote:"
ESCAPED = WROTE.replace("<", "&lt;").replace(">", "&gt;")


@pytest.mark.parametrize("depth", [1, 90, 300, 5000])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<table><tr><td>", "</td></tr></table>"),
        ("<div>", "</div>"),
        ("<span>", "</span>"),
        ("<ul><li>", "</li></ul>"),
        ("<b><i>", "</i></b>"),
    ],
)
def test_no_depth_loses_text(before: str, after: str, depth: int) -> None:
    text = text_from_html(f"<p>First</p>{before * depth}Inner{after * depth}<p>Last</p>")
    assert [line.lstrip("- ") for line in text.split("\n") if line.strip("- ")] == ["First", "Inner", "Last"]


@pytest.mark.parametrize("depth", [1, 3, 90])
def test_nesting_does_not_indent(depth: int) -> None:
    assert text_from_html(f"{'<table><tr><td><div>' * depth}a<br>b{'</div></td></tr></table>' * depth}") == "a\nb"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ('<a href="https://example.com/x?y=1&amp;z=2">the log</a>', "the log <https://example.com/x?y=1&z=2>"),
        ('<a href="https://example.com/">example.com</a>', "example.com"),
        ('<a href="https://www.example.com/x">https://www.example.com/x</a>', "https://www.example.com/x"),
        ('<a href="mailto:ada@example.com">ada@example.com</a>', "ada@example.com"),
        ('<a href="mailto:ada@example.com">Ada</a>', "Ada <ada@example.com>"),
        ('<a href="tel:+1-555-0142">call</a>', "call <+1-555-0142>"),
        ('<a href="https://example.com/x"></a>', "<https://example.com/x>"),
        ('<a href="https://example.com/x"><img src="x.png" alt="Graph"></a>', "[Graph] <https://example.com/x>"),
        ('<a href="https://example.com/x"><b>bold</b> <i>text</i></a>.', "bold text <https://example.com/x>."),
        ('<a href="#top">top</a> <a href="javascript:x()">run</a> <a name="x">here</a>', "top run here"),
        (
            f'<a href="https://example.com/{"x" * LINK_MAX}">long</a>',
            f"long <https://example.com/{'x' * (LINK_MAX - len('https://example.com/'))}...>",
        ),
        (
            '<map><area href="https://example.com/7" alt="Port 7"><area alt="rest"></map>',
            "[Port 7] <https://example.com/7>[rest]",
        ),
        ('<img title="Port 7" src="x"> <input type="image" alt="Send">', "[Port 7] [Send]"),
        (
            "<object data=x>no plugin</object> <svg><text>7 down</text></svg> <math><mi>x</mi></math>",
            "no plugin 7 down x",
        ),
        ('a<img src="data:image/png;base64,AAAA" alt="Port 7 is red">b', "a[Port 7 is red]b"),
        ('fine <img alt="\U0001f600" src="x">', "fine \U0001f600"),
        ('a<img src="pixel.gif" alt="">b', "ab"),
        (
            '<a href="ssh://r7.example.com">r7</a> <a href="file://nas/a.log">log</a>',
            "r7 <ssh://r7.example.com> log <file://nas/a.log>",
        ),
        (
            '<a href="//example.com/7">7</a> <a href="\\\\\\\\nas\\\\a.log">log</a>',
            "7 <//example.com/7> log <\\\\\\\\nas\\\\a.log>",
        ),
        ('<a href="javascript:x">a</a> <a href="#b">b</a> <a href="x-apple-data-detectors://0">c</a>', "a b c"),
        ("<ul><li>one<li>two<ul><li>in</ul></ul><ol><li>x<li>y</ol>", "- one\n- two\n  - in\n1. x\n2. y"),
        ("<table><tr><th>Port<th>State<tr><td>7<td>down</table>", "Port\tState\n7\tdown"),
        ("<table><tr><td>7</td><td></td><td>down</td></tr></table>", "7\t\tdown"),
        ("<pre>a\n  b\n\n c</pre>d", "a\n  b\n\n c\n\nd"),
        ("a&nbsp;&nbsp;b  \n c", "a  b c"),
        ("<style>p { x }</style><script>y</script><title>z</title>a<!-- no -->b", "ab"),
        ("a<hr>b", "a\n--------------------------------\nb"),
        ("<p class=MsoNormal>a</p><p class=MsoNormal>b</p><p>c</p>", "a\nb\n\nc"),
        ('<p style="margin:0">a</p><p style="margin:0.5em">b</p>', "a\n\nb"),
        ("<h1>a</h1>b<div>c</div><div><br></div><div>d</div>", "a\n\nb\nc\n\nd"),
        ("1 < 2 &amp; 3 &lt; 4", "1 < 2 & 3 < 4"),
        ("<b>open <i>and", "open and"),
        ("", ""),
        ("just text", "just text"),
    ],
)
def test_html_is_read_as_a_person_sees_it(source: str, text: str) -> None:
    assert text_from_html(source) == text


@pytest.mark.parametrize("start", ["<!-- ", "<style>", "<STYLE type=x>", "<script>", "<title>", "<template>"])
def test_what_is_begun_and_not_ended_hides_no_text(start: str) -> None:
    source = f"<style>p {{ x }}</style><script>y</script><!-- no --><p>Port 7</p>{start}<p>is down</p>"
    assert text_from_html(source).split() == ["Port", "7", "is", "down"]


@pytest.mark.parametrize(
    ("source", "reply"),
    [
        (f"Up.<div>{ESCAPED}</div><blockquote>Is it up?<p>Or down?</p></blockquote>", "Up."),
        (f"<div>{ESCAPED}</div><blockquote>Is it up?</blockquote><div>Yes.</div>", "Yes."),
        (f"Up.<br>{ESCAPED}<blockquote>Is it up?<blockquote>Yes</blockquote></blockquote>And B, too.", None),
        (
            f'Up.<div class="gmail_quote">{ESCAPED}<br><blockquote type="cite"><div>Is it?</div></blockquote></div>',
            "Up.",
        ),
    ],
)
def test_a_quote_has_an_end(source: str, reply: str | None) -> None:
    split = split_reply(text_from_html(source))
    assert split.text == reply if reply is not None else (split.text.split() == ["Up.", "And", "B,", "too."])
    assert "Is it" in split.trimmed


def test_indented_text_is_no_quote() -> None:
    source = '<blockquote style="margin:0 0 0 40px;border:none;padding:0">Port 7</blockquote>'
    assert text_from_html(source) == "Port 7"


def test_a_quote_between_answers_keeps_the_questions() -> None:
    source = f"{ESCAPED}<blockquote>Is it up?</blockquote>Yes.<blockquote>And the light?</blockquote>No."
    assert split_reply(text_from_html(source)) == SplitReply("> Is it up?\nYes.\n> And the light?\nNo.", WROTE)


@given(st.text(alphabet="ab<>/&;= \n\"'dipv", max_size=300))
def test_any_html_is_text(source: str) -> None:
    text_from_html(source)


HOSTILE = {
    "cells": "<table>" + ("<tr>" + "<td>x</td>" * 12_000 + "</tr>") * 2 + "</table>",
    "quotes": "<blockquote>x" * 20_000,
    "links": '<p><a href="https://example.com">x' * 20_000,
    "open links": '<a href="https://example.com">' * 20_000 + "x",
    "paragraphs": "<p>" * 40_000,
    "lists": "<ul><li>x" * 20_000,
    "less than": "<" * 400_000,
    "comments": "a<!-- " * 40_000,
    "attributes": "<a " + "x=y " * 100_000,
    "entities": "&lt" * 100_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_html_is_read_in_a_fifth_of_a_second(name: str) -> None:
    began = perf_counter()
    text_from_html(HOSTILE[name])
    assert perf_counter() - began < stretched(0.2 if name == "cells" else 1)


LARGE = {
    "paragraphs": "<p>The circuit is down since this morning, please call us back.</p>\r\n",
    "words": "<p>x\n",
    "rows": "<tr><td>Port 1</td><td class='x'>up</td></tr>\r\n",
    "tags": "<b></b><i></i><br>\r\n",
    "open": "<div>",
    "mixed": "<div>x</p>",
    "bold": "<b><p>x</b>",
    "links": "<a href='https://example.com/'>x</a> ",
    "images": "<img alt='x'>",
    "entities": "&auml;&#65; ",
    "less than": "<",
    "quotation marks": "<a '\"",
    "values": '<a href="',
    "comments": "<!--",
    "styles": "<style>",
    "blanks": "\t \n",
    "one tag": "href='",
}


@pytest.mark.parametrize("name", LARGE)
def test_large_html_takes_a_second_for_each_few_million_characters(name: str) -> None:
    unit = LARGE[name]
    began = process_time()
    text = text_from_html(f"<body>{unit * (PARSED_MAX // len(unit) + 1)}<p>last</p>")
    assert process_time() - began < stretched(3)
    assert text.endswith("last")


@pytest.mark.parametrize("name", LARGE)
def test_html_below_that_size_takes_no_longer(name: str) -> None:
    unit = LARGE[name]
    began = process_time()
    text_from_html(f"<body>{unit * (PARSED_MAX // 8 // len(unit))}<p>last</p>")
    assert process_time() - began < stretched(2)


def test_nested_html_is_parsed_unless_that_takes_too_long() -> None:
    ordinary = "<div><blockquote>" * 20 + "<p>Port 7 is <b>down</b></p>" * (COST_SEEN // 20)
    assert text_from_html(ordinary).startswith(">>>>>>>> Port 7 is down")
    assert text_from_html("<blockquote>x</p>" * 60_000).startswith("x\nx\n")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>Port&nbsp;7 is\r\n <b>down</b></p>\r\n\r\n<p>Call us</p>", "Port 7 is down\nCall us"),
        ("<table><tr><td>7</td>\n<td>down</td></tr><tr><th>8<th>up</table>", "7 \tdown\n8\tup"),
        ("a<br>b<hr/>c", "a\nb\nc"),
        ('<a class="x" href="https://example.com/?a=1&amp;b=2">log</a>.', " <https://example.com/?a=1&b=2> log."),
        ("<a href='mailto:ada@example.com'>Ada</a><a href='#x'>up</a>", " <ada@example.com> Adaup"),
        ('<img src="data:image/png;base64,AAAA" alt="7 > 3"><img src=x>', "[7 > 3]"),
        ("<STYLE>p { x }</STYLE><script>y</script><title>z</title>a<!-- <p>no --><!--[if mso]>b<![endif]-->c", "ac"),
        ("a<!-- not closed <b>b</b>", "a<!-- not closed b"),
        ("1 < 2 &amp;lt; 3 <a <b>c</b>", "1 < 2 &lt; 3 <a c"),
        ("<pre>a\n  b</pre><p>c", "a\n  b\n\nc"),
        ("plain", "plain"),
    ],
)
def test_of_large_html_the_tags_are_replaced(source: str, text: str) -> None:
    assert text_of_large_html(source) == text


def test_no_text_of_large_html_is_lost_where_it_is_cut() -> None:
    words = [f"w{number}" for number in range(400_000)]
    assert text_from_html("<p>" + " ".join(words) * 2).split() == [*words[:-1], words[-1] + words[0], *words[1:]]
    assert text_from_html("".join(f"<p title='{word}'>&lt;{word}" for word in words)).split() == [
        f"<{word}" for word in words
    ]


def test_text_beyond_any_limit_is_read_whole() -> None:
    style = "<style>" + "p { x } " * 100_000 + "</style>"
    image = '<img src="data:image/png;base64,' + "A" * 1_000_000 + '">'
    words = "word " * 200_000
    raw = f"Content-Type: text/html\n\n{style}{image}<p>{words}</p><p>last</p>".encode()
    assert parse(raw).text.split() == [*words.split(), "last"]
    assert parse(f"Content-Type: text/plain\n\n{words}\nlast".encode()).text.split() == [*words.split(), "last"]


MIXED = """Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; name="body.txt"
Content-Disposition: inline; filename="body.txt"

Hello
--b
Content-Type: text/plain; name="log.txt"

1 2 3
--b--
"""
ALTERNATIVE = """Content-Type: multipart/alternative; boundary=b

--b
Content-Type: text/plain; name="a.txt"


--b
Content-Type: text/html; name="a.html"

<p>Hello</p>
--b--
"""


@pytest.mark.parametrize(
    ("raw", "text", "files"),
    [
        ('Content-Type: text/plain; name="body.txt"\n\nHello', "Hello", []),
        ('Content-Type: text/html; name="body.html"\nContent-Disposition: inline\n\n<p>Hello</p>', "Hello", []),
        ('Content-Type: text/plain\nContent-Disposition: inline; filename="a.txt"\n\nHello', "Hello", []),
        ('Content-Type: text/plain\nContent-Disposition: attachment; filename="a.txt"\n\nHello', "", ["a.txt"]),
        (MIXED, "Hello", ["log.txt"]),
        (ALTERNATIVE, "Hello", []),
    ],
)
def test_the_first_text_is_the_text_whatever_its_name(raw: str, text: str, files: list[str]) -> None:
    mail = parse(raw.encode())
    assert (mail.text, [file.name for file in mail.files]) == (text, files)
