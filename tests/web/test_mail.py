"""The text and the HTML of mail."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from msgspec.structs import replace

from clearline.branding.accent import SHIPPED_MAIL, mail_accent
from clearline.branding.mail_look import MailLook, look_as
from clearline.language.languages import ENGLISH
from clearline.mail.templates.blocks import Button, Entries, Facts, Piece, Remark, TicketHeading
from clearline.mail.templates.domain import filled_line, pieces
from clearline.mail.templates.kinds import MailKind
from clearline.mail.templates.rendering import Footer, MailContent, RenderedMail
from clearline.mail.templates.samples import sample_footer, sample_values
from clearline.mail.templates.shipped import shipped_text
from clearline.web.mail import WIDTH, render, wrapped
from clearline.web.messages.mail import message_in_mail
from clearline.web.messages.rendering import TAGS
from tests.web.messages.texts import HOSTILE

NOTE = "Hello Ada,\n\nthe port is down & <b>out</b>.\n\n  xe-0/0/1   down   15233\n  xe-0/0/2   up     0\n"


def a_ticket(**values: Any) -> RenderedMail:
    usual: dict[str, Any] = {
        "number": "INC000000000042",
        "title": "Port down",
        "headline": "New note",
        "facts": [("Status", "In progress"), ("Service", "SVC-1 (Port)"), ("Assignee", None)],
        "entries": [("Ben Ito", "2026-03-01 12:00 UTC", NOTE, "Email")],
        "url": "https://desk.example.net/tickets/INC000000000042",
        "reply": "Reply to this mail to add a note to the ticket.",
        "footer": "You receive this mail because you watch the ticket.",
        "settings_url": "",
    }
    given = usual | values
    shown: list[Piece] = [
        TicketHeading(given["number"], given["title"], given["headline"]),
        Entries(given["entries"]),
        Facts(given["facts"]),
        *([Button(given["url"], "Open the ticket")] if given["url"] else []),
        *([Remark(given["reply"])] if given["reply"] else []),
    ]
    return render(MailContent(given["title"], shown, Footer(given["footer"], given["settings_url"])))


def a_sample(kind: MailKind) -> RenderedMail:
    """Return a shipped mail with sample values."""
    text, values = shipped_text(kind, ENGLISH), sample_values(kind)
    footer = replace(sample_footer(kind), support=["Support phone: <+1-555-0100>"])
    return render(MailContent(filled_line(text.subject, values), pieces(text.body, values), footer))


class Page(HTMLParser):
    """The content of an HTML part: its tags with their attributes, and its visible text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._hidden = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        self._hidden += tag in {"style", "title"}

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in {"style", "title"}

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text += data


def test_the_text_of_a_mail_about_a_ticket() -> None:
    assert a_ticket().subject == "Port down"
    assert a_ticket().text == (
        "INC000000000042: Port down\n"
        "New note\n"
        "\n"
        "Ben Ito, 2026-03-01 12:00 UTC:\n"
        "\n"
        "  Hello Ada,\n"
        "\n"
        "  the port is down & <b>out</b>.\n"
        "\n"
        "    xe-0/0/1   down   15233\n"
        "    xe-0/0/2   up     0\n"
        "\n"
        "Status:    In progress\n"
        "Service:   SVC-1 (Port)\n"
        "\n"
        "https://desk.example.net/tickets/INC000000000042\n"
        "\n"
        "Reply to this mail to add a note to the ticket.\n"
        "\n"
        "-- \n"
        "You receive this mail because you watch the ticket.\n"
    )


def test_the_html_has_the_same_content_and_loads_nothing() -> None:
    html = a_ticket(settings_url="https://desk.example.net/settings").html
    assert html is not None
    page = Page(html)
    for word in (
        "INC000000000042",
        "Port down",
        "Ben Ito",
        "the port is down & <b>out</b>.",
        "In progress",
        "Reply to",
    ):
        assert word in page.text
    assert "Assignee" not in page.text
    assert not {name for name, _ in page.tags} & {"img", "script", "link", "iframe", "form", "b"}
    assert [attributes["href"] for name, attributes in page.tags if name == "a"] == [
        "https://desk.example.net/tickets/INC000000000042",
        "https://desk.example.net/settings",
    ]
    assert not [attributes for _, attributes in page.tags if {"src", "background"} & set(attributes)]
    assert "url(" not in html
    assert "@import" not in html
    assert ("meta", {"name": "color-scheme", "content": "light dark"}) in page.tags
    assert ("html", {"lang": "en"}) in page.tags


@pytest.mark.parametrize("kind", list(MailKind))
def test_links_buttons_and_notes_have_the_accent(kind: MailKind) -> None:
    shipped = a_sample(kind).html or ""
    accent = mail_accent(300)
    with look_as(MailLook(accent)):
        turned = a_sample(kind).html or ""
    assert turned == shipped.replace(SHIPPED_MAIL.light, accent.light).replace(SHIPPED_MAIL.dark, accent.dark)
    assert accent.dark in turned
    assert a_sample(kind).html == shipped


@pytest.mark.parametrize("kind", list(MailKind))
def test_the_html_is_one_table_of_600_pixels_with_four_columns(kind: MailKind) -> None:
    page = Page(a_sample(kind).html or "")
    [table] = [attributes for name, attributes in page.tags if name == "table"]
    assert (table["width"], table["role"], table["align"]) == ("600", "presentation", "center")
    assert "max-width: 100%" in (table["style"] or "")
    rows: list[int] = []
    for name, attributes in page.tags:
        if name == "tr":
            rows.append(0)
        elif name == "td":
            rows[-1] += int(attributes.get("colspan") or 1)
    assert set(rows) == {4}


def test_a_ticket_without_a_page_has_no_link() -> None:
    mail = a_ticket(url="")
    assert "http" not in mail.text
    assert "<a " not in (mail.html or "")


def test_a_receipt_has_the_number_and_the_lines_of_the_branding() -> None:
    mail = a_sample(MailKind.TICKET_RECEIVED)
    for content in (mail.text, Page(mail.html or "").text):
        assert "We have received the ticket. Its number is INC000000000042." in content
        assert "the optic was replaced" in content
        assert "Support phone: <+1-555-0100>" in content


@pytest.mark.parametrize("kind", list(MailKind))
def test_both_parts_of_a_mail_have_the_same_links(kind: MailKind) -> None:
    mail = a_sample(kind)
    links = {attributes["href"] for name, attributes in Page(mail.html or "").tags if name == "a"}
    assert {*re.findall(r"https://\S+", mail.text)} - {"https://hooks.example.com"} == links


def test_text_of_people_is_escaped() -> None:
    evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    html = a_ticket(
        title=evil, headline=evil, facts=[(evil, evil)], entries=[(evil, evil, evil, "Console")], url=evil, footer=evil,
        number=evil, settings_url=evil,
    ).html  # fmt: skip
    assert html is not None
    usual = a_ticket(settings_url="x", facts=[("a", "b")], entries=[("a", "b", "c", "Console")]).html
    assert usual is not None
    assert [name for name, _ in Page(html).tags] == [name for name, _ in Page(usual).tags]


@pytest.mark.parametrize("title", ["Two\nlines", "Two\r\n  lines", "  Two   lines "])
def test_the_subject_is_one_line(title: str) -> None:
    assert a_ticket(title=title).subject == "Two lines"


def test_long_lines_are_wrapped_except_columns() -> None:
    words = "word " * 40
    assert max(map(len, wrapped(words).splitlines())) <= WIDTH
    assert wrapped(words).split() == words.split()
    for line in (
        "xe-0/0/1   " + "column " * 30,
        "  " + "indented " * 30,
        "> " + "quoted " * 30,
        "https://example.net/" + "x" * 200,
        "one\ttab " + "x " * 100,
    ):
        assert wrapped(line) == line
    assert wrapped("a\n\nb", 2) == "  a\n\n  b"
    assert max(map(len, wrapped(words, 4).splitlines())) <= WIDTH


@pytest.mark.parametrize("channel", ["Console", "Email"])
def test_lines_and_columns_survive_in_html(channel: str) -> None:
    assert "a &amp; b<br>c" in message_in_mail("a & b\nc", channel)
    columns = message_in_mail("  xe-0/0/1   up", channel)
    assert ">&nbsp;&nbsp;xe-0/0/1&nbsp;&nbsp;&nbsp;up</code>" in columns
    assert columns.startswith("<p")
    assert "<code" in columns
    assert "a" + "&nbsp;" * 7 + "b</code>" in message_in_mail("a\tb", channel)
    assert "a&nbsp;&nbsp;b" in message_in_mail("a  b", channel)


def test_a_message_is_rendered_as_on_the_page_with_styles_of_its_own() -> None:
    text = "**Down**: `x` [graph](https://example.com/g)\n\n- a\n\n```\n*>  b\n```"
    html = message_in_mail(text, "Console")
    assert re.sub(r' (style|rel)="[^"]*"', "", html).replace("\n", "") == (
        '<p><strong>Down</strong>: <code>x</code> <a href="https://example.com/g">graph</a></p>'
        "<ul><li><p>a</p></li></ul><p><code>*&gt;&nbsp;&nbsp;b</code></p>"
    )
    assert 'rel="noopener noreferrer nofollow"' in html
    assert {*re.findall(r"<(\w+) style=", html)} >= {"p", "code", "ul", "li"}
    assert "**Down**: `x` [graph](" in message_in_mail(text, "Email")
    mail = a_ticket(entries=[("Ben Ito", "now", text, "Console")])
    assert html in (mail.html or "")
    assert "**Down**: `x` [graph](https://example.com/g)" in mail.text


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_a_message_becomes_markup_of_its_own_in_a_mail(text: str) -> None:
    for tag, attributes in Page(message_in_mail(text, "Console")).tags:
        assert tag in TAGS
        assert set(attributes) <= {"href", "rel", "style", "value"}


def test_an_entry_without_text_is_a_sentence() -> None:
    mail = a_ticket(entries=[("Ben Ito resolved the ticket", None, "", "System")], reply="")
    assert "Ben Ito resolved the ticket\n\nStatus:" in mail.text
    assert "Reply" not in mail.text
    assert mail.html is not None
    assert "Reply" not in mail.html
