"""The rules of a text, and the pieces that a mail is made of."""

import re

import pytest

from clearline.language.languages import LANGUAGES
from clearline.language.reader import Reader, read_by
from clearline.mail.templates.blocks import Block, Button, Heading, Paragraph, Value
from clearline.mail.templates.domain import (
    BODY_MAX,
    PLACEHOLDERS_MAX,
    SUBJECT_MAX,
    MailText,
    check_mail_text,
    filled_line,
    pieces,
    plain,
    tidy,
)
from clearline.mail.templates.kinds import KINDS, REASONS, MailKind
from clearline.mail.templates.rendering import MailContent
from clearline.mail.templates.samples import sample_footer, sample_values
from clearline.mail.templates.shipped import shipped_text
from clearline.web.mail import render
from tests.web.messages.texts import HOSTILE

RECEIVED = MailKind.TICKET_RECEIVED
EACH = [(kind, language) for kind in MailKind for language in LANGUAGES]
EVIL = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


def used(text: MailText) -> set[str]:
    return set(re.findall(r"{{ ([^{}]+) }}", f"{text.subject}\n{text.body}"))


@pytest.mark.parametrize(("kind", "language"), EACH)
def test_a_shipped_text_keeps_the_rules_and_has_the_same_placeholders_in_each_language(
    kind: MailKind, language: str
) -> None:
    text = shipped_text(kind, language)
    assert check_mail_text(kind, text) == []
    assert tidy(text) == text
    assert used(text) == used(shipped_text(kind, "en"))


@pytest.mark.parametrize("kind", list(MailKind))
def test_each_placeholder_has_a_sample_of_its_type_and_the_required_ones_exist(kind: MailKind) -> None:
    row, values = KINDS[kind], sample_values(kind)
    assert {one.name for one in row.placeholders} <= set(values)
    for one in row.placeholders:
        assert isinstance(values[one.name], Block) is one.is_block
    assert row.required <= {one.name for one in row.placeholders}
    assert sample_footer(kind).reason or kind in REASONS


@pytest.mark.parametrize(("kind", "language"), EACH)
def test_every_placeholder_can_stand_in_a_mail(kind: MailKind, language: str) -> None:
    row = KINDS[kind]
    words = " ".join(one.shown for one in row.placeholders if not one.is_block)
    body = "\n".join([words, *(one.shown for one in row.placeholders if one.is_block)])
    text = MailText("A subject", body)
    assert check_mail_text(kind, text) == []
    with read_by(Reader(language)):
        values = sample_values(kind)
        mail = render(MailContent("A subject", pieces(text.body, values), sample_footer(kind)))
    assert f'<html lang="{language}">' in (mail.html or "")
    for name, value in values.items():
        if isinstance(value, str) and row.placeholder(name) is not None:
            assert value in " ".join(mail.text.split())
    assert "{{" not in mail.text + (mail.html or "")
    assert "\ue000" not in mail.text + (mail.html or "")


GOOD = "{{ messages }}"


@pytest.mark.parametrize(
    ("subject", "body", "problems"),
    [
        ("Hi", GOOD, []),
        ("Hi", "{{messages}}", []),
        ("Hi", f"Dear {{{{ recipient.name }}}},\n{GOOD}\nBye", []),
        ("Hi", "Bye", ["body must have {{ messages }} on a line of its own"]),
        ("Hi", f"{GOOD}\n\n{GOOD}", ["body must have {{ messages }} only once"]),
        ("Hi", f"See {GOOD}", ["body line 1: {{ messages }} must stand on a line of its own"]),
        (
            "Hi {{ ticket.heading }}",
            GOOD,
            ["subject {{ ticket.heading }} can only be in the body"],
        ),
        (
            "{{ link }}",
            f"{GOOD}\n\n{{{{ tikcet.number }}}}",
            [
                "subject {{ link }} is no placeholder of this mail",
                "body line 3: {{ tikcet.number }} is no placeholder of this mail",
            ],
        ),
        ("Hi", f"{GOOD}\n{{{{ ticket.number", ["body line 2: a placeholder must have {{ before it and }} after it"]),
        ("Hi }}", GOOD, ["subject a placeholder must have {{ before it and }} after it"]),
        ("Hi", f"{GOOD}\n{{{{ }}}}", ["body line 2: {{  }} is no placeholder of this mail"]),
        (
            "Hi",
            f"{GOOD}\n{{{{ ticket.__class__ }}}}",
            ["body line 2: {{ ticket.__class__ }} is no placeholder of this mail"],
        ),
        ("Hi", f"{GOOD}\nA\ue000B", ["body line 2: must not have control characters"]),
        ("Hi", f"{GOOD}\nA\x1bB", ["body line 2: must not have control characters"]),
        ("Hi\nBcc: eve@example.org", GOOD, ["subject must not have control characters"]),
        ("", GOOD, ["subject must have 1 to 200 characters"]),
        (" ", GOOD, ["subject must not be blank"]),
        ("x" * (SUBJECT_MAX + 1), GOOD, ["subject must have 1 to 200 characters"]),
        ("Hi", "x" * (BODY_MAX + 1), ["body must have 1 to 10000 characters"]),
        (
            "Hi",
            GOOD + "\n{{ ticket.title }}" * PLACEHOLDERS_MAX,
            [f"body must have at most {PLACEHOLDERS_MAX} placeholders"],
        ),
    ],
    ids=str,
)
def test_what_is_wrong_is_named_with_its_line(subject: str, body: str, problems: list[str]) -> None:
    found = check_mail_text(RECEIVED, MailText(subject, body))
    assert [f"{violation.field} {violation.rule}" for violation in found] == problems


@pytest.mark.parametrize(
    "kind",
    [MailKind.SIGN_IN_INVITATION, MailKind.PASSWORD_RESET, MailKind.ADDRESS_CONFIRMATION],
)
def test_a_link_that_works_once_has_to_be_in_the_body_and_cannot_be_in_the_subject(kind: MailKind) -> None:
    for text in (MailText("Hi", "{{ company.name }}"), MailText("Hi {{ link }}", "{{ company.name }}\n{{ link }}")):
        assert check_mail_text(kind, text)
    assert check_mail_text(kind, MailText("Hi", "{{ company.name }}\n{{ link }}")) == []


VALUES: dict[str, Value] = {"a": "one", "b": "", "url": Button("https://example.com/x", "Open"), "none": None}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Hello {{ a }},\nhow are you?", ["Hello one,\nhow are you?"]),
        ("# Hello {{ a }}\nText", [Heading("Hello one"), "Text"]),
        ("First\n{{ url }}\nLast", ["First", VALUES["url"], "Last"]),
        ("First\n\n{{ none }}\n\nLast", ["First", "Last"]),
        ("First {{ b }} and {{ a }}\n\n# {{ b }}\n\nLast", ["Last"]),
        ("{{ a }}", ["one"]),
        ("```\na\n\n# b\n```\n\nLast", ["```\na\n\n# b\n```", "Last"]),
    ],
    ids=["paragraph", "heading", "block", "empty block", "empty value", "value alone", "code"],
)
def test_a_body_is_cut_into_its_pieces(body: str, expected: list[object]) -> None:
    assert [plain(piece) if isinstance(piece, Paragraph) else piece for piece in pieces(body, VALUES)] == expected


def test_placeholders_in_a_value_are_text() -> None:
    values: dict[str, Value] = {"a": "{{ b }}\n\ue0000\ue001", "b": "secret"}
    assert filled_line("{{ a }}", values) == "{{ b }} \ue0000\ue001"
    [piece] = pieces("{{ a }}", values)
    mail = render(MailContent("x", [piece], sample_footer(RECEIVED)))
    assert "secret" not in mail.text + (mail.html or "")


@pytest.mark.parametrize("evil", [EVIL, *HOSTILE])
def test_nothing_that_people_wrote_becomes_markup(evil: str) -> None:
    body = "Dear {{ a }},\n\nsee [this]({{ a }}) or https://example.com/{{ a }}\n\n# {{ a }}\n\n**{{ a }}** `{{ a }}`"
    names = []
    for value in (evil, "usual"):
        html = render(MailContent(value, pieces(body, {"a": value}), sample_footer(RECEIVED))).html or ""
        names.append([name for name in re.findall(r"<([a-z0-9]+)", html) if name != "br"])
    assert names[0] == names[1]


def test_a_text_with_markup_of_html_is_shown_as_it_is() -> None:
    html = render(MailContent("x", pieces(EVIL, {}), sample_footer(RECEIVED))).html or ""
    assert "&lt;script&gt;" in html
    assert "<script" not in html
    assert "<img" not in html


def test_markdown_of_a_text_is_markup_and_that_of_a_value_is_not() -> None:
    html = render(MailContent("x", pieces("**Hello** {{ a }}", {"a": "**you**"}), sample_footer(RECEIVED))).html or ""
    assert "<strong>Hello</strong> **you**" in html


def test_a_value_in_the_address_of_a_link_is_encoded() -> None:
    html = render(
        MailContent("x", pieces("https://example.com/?t={{ a }}", {"a": 'x"&y'}), sample_footer(RECEIVED))
    ).html
    assert 'href="https://example.com/?t=x%22%26y"' in (html or "")


def test_line_ends_of_a_form_and_blanks_are_tidied() -> None:
    assert tidy(MailText(" Hi ", "\r\nOne  \r\n\r\nTwo\r\n\r\n")) == MailText("Hi", "One\n\nTwo")
