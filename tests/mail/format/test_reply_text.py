from collections import Counter
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.mail.format.body_text import clean_text, join_flowed
from clearline.mail.format.charset import decode
from clearline.mail.format.headers import decode_words, read_headers
from clearline.mail.format.html_text import text_from_html
from clearline.mail.format.parts import parse
from clearline.mail.format.reply_text import LINES_SEEN, SplitReply, split_reply
from clearline.mail.inbound.domain import description_of, note_text
from clearline.mail.inbound.mailbox_domain import base_address
from clearline.text import storable
from clearline.tickets.domain import DESCRIPTION_MAX
from clearline.tickets.note_domain import TEXT_MAX
from tests.patience import stretched

LONG = 40_000
BODY_MAX = 400_000
HOSTILE = {
    "On, that never ends": "\n".join("On " + "a " * 2000 for _ in range(50)),
    "Le, that never ends": "Le " + "x" * LONG,
    "many short On": "\n".join("On " + "a " * 70 for _ in range(600)),
    "From without end": "From:" + "\n   " * LONG,
    "many From": "From: a\n" * LONG,
    "From and To apart": "From: x\n\n\n\nTo: " * 10_000,
    "quotes in quotes": ("> " * 80 + "\n") * 600,
    "lines of stars": ("*" * 150 + "\n") * 600,
    "spaces": " " * BODY_MAX,
    "empty lines": "\n" * BODY_MAX,
    "a rule": "_" * BODY_MAX,
    "a million lines": "a b c\n" * 1_000_000,
    "a million quoted lines": "> a\n" * 1_000_000,
    "a long line": "x" * 6_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_finding_a_quote_is_fast(name: str) -> None:
    began = perf_counter()
    split_reply(HOSTILE[name])
    assert perf_counter() - began < stretched(2)


@pytest.mark.parametrize("html", ["<div>" * 50_000, "<" * BODY_MAX, "<table><tr><td>" * 10_000, "<style>" * 20_000])
def test_converting_html_is_fast(html: str) -> None:
    began = perf_counter()
    text_from_html(html)
    assert perf_counter() - began < stretched(2)


@given(st.binary(max_size=400))
def test_any_bytes_parse_to_text_that_can_be_stored(raw: bytes) -> None:
    parsed = parse(raw)
    assert storable(parsed.text)
    assert storable(parsed.headers.subject)
    assert all(storable(value) for pair in parsed.headers.all for value in pair)
    assert all(storable(file.name) and file.name for file in parsed.files)


@given(st.binary(max_size=200), st.sampled_from(["utf-8", "utf-7", "zlib", "punycode", "", "x", "utf-16", "gb2312"]))
def test_any_bytes_are_text_in_any_charset(content: bytes, charset: str) -> None:
    assert storable(clean_text(decode(content, charset)))


@given(st.text(alphabet="abc ,.!?\n", max_size=300))
def test_written_text_is_never_removed_completely(text: str) -> None:
    assert bool(split_reply(text).text) == bool(text.strip())


@given(st.text(alphabet="abcO:>-@ \n1", max_size=300) | st.sampled_from(list(HOSTILE.values())))
def test_every_character_is_in_the_reply_or_in_the_trimmed_text(text: str) -> None:
    reply = split_reply(text)
    assert Counter("".join((reply.text + reply.trimmed).split())) == Counter("".join(text.split()))


WROTE = "On Sun, 1 Mar 2026 at 11:00, Support <support@example.net> wrote:"
FIELDS = "From: Support <support@example.net>\nSent: Sunday, 1 March 2026 11:00\nTo: Ada\nSubject: Port"


@given(st.text(max_size=300))
def test_a_quote_alone_is_kept_whole(text: str) -> None:
    quoted = "\n".join(f"> {line}" for line in text.split("\n"))
    for mail in (quoted, f"{WROTE}\n{quoted}", f"\n\n{WROTE}\n\n{quoted}\n-- \nAda"):
        whole = "\n".join(line.rstrip() for line in mail.split("\n")).strip()
        assert split_reply(mail) == SplitReply(whole, "")


ONLY_QUOTES = [
    "-- \nAda",
    f"-- \nAda\n\n{WROTE}\n> Secret",
    "> Secret\n\n-- \nAda",
    f"Sent from my phone\n\n{FIELDS}\n\nSecret",
    f"{FIELDS}\n\nSecret\n> more\nSecret, too",
    f"-----Original Message-----\n{FIELDS}\n\nSecret\n> more\nSecret, too",
    f"{WROTE}\n> Up?\n-- \nAda\n> Light?",
]


@pytest.mark.parametrize(
    ("mail", "reply", "trimmed"),
    [
        *((mail, mail.replace("-- \n", "--\n"), "") for mail in ONLY_QUOTES),
        (f"{FIELDS}\n\n> Up?\nYes.", "Yes.", f"{FIELDS}\n\n> Up?"),
        (f"{WROTE}\n\n> Up?\nYes.\n> Light?\nNo.", "> Up?\nYes.\n> Light?\nNo.", WROTE),
        (f"Up.\n-- \nAda\n\n{WROTE}\n> Up?", "Up.", f"--\nAda\n\n{WROTE}\n> Up?"),
        ("", "", ""),
    ],
)
def test_what_is_trimmed_is_kept(mail: str, reply: str, trimmed: str) -> None:
    assert split_reply(mail) == SplitReply(reply, trimmed)


@pytest.mark.parametrize(
    ("above", "below", "reply"),
    [
        (f"Up.\n\n{WROTE}", "> more\n" * LINES_SEEN + "Yes.", "Up.\n\nYes."),
        (f"Up.\n\n{FIELDS}\n", "more\n" * LINES_SEEN + "Yes.", "Up."),
        ("Up.", "more\n" * LINES_SEEN + "Yes.", "Up.\n" + "more\n" * LINES_SEEN + "Yes."),
    ],
)
def test_lines_that_are_not_looked_at_belong_to_what_is_above_them(above: str, below: str, reply: str) -> None:
    text = f"{above}\n{below}"
    split = split_reply(text)
    assert split.text == reply
    assert Counter("".join((split.text + split.trimmed).split())) == Counter("".join(text.split()))


@given(st.text(max_size=200))
def test_a_header_without_encoded_words_is_unchanged(text: str) -> None:
    if "=?" not in text:
        assert decode_words(text) == clean_text(text).replace("\n", " ")


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("Ada <ada@example.com>", "ada@example.com"),
        ("ada@example.com (Ada)", "ada@example.com"),
        ('"Okoro, Ada" <ADA@Example.com>', "ada@example.com"),
        ("alice@example.org)bob@example.com", None),
        ("<ada@example.com> bob@example.org", None),
        ("ada@example.com, bob@example.org", None),
        ("Ada <ada@example.com>, ", "ada@example.com"),
        ("Ada <ada@example.com>;", "ada@example.com"),
        ("ada@example.com,,", "ada@example.com"),
        ("NOC: ada@example.com;", None),
        ("NOC: ada@example.com, bob@example.org;", None),
        ("ada@example.com@example.org", None),
        ("=?utf-8?q?ada=40example.com?= <bob@example.org>", "bob@example.org"),
        ("", None),
        ("undisclosed:;", None),
        ("Ada < ada@example.com >", "ada@example.com"),
        ("Ada <ada@example.com >", "ada@example.com"),
        ("<\t ada@example.com>", "ada@example.com"),
        ('"Okoro, Ada" < ADA@example.com >', "ada@example.com"),
        ("=?utf-8?q?Ad=C3=A4?= < ada@example.com >", "ada@example.com"),
        ("ada@example.com <ada@example.com>", "ada@example.com"),
        ("Ada@Example.com < ada@example.com >", "ada@example.com"),
        ("'ada@example.com' <ada@example.com>", "ada@example.com"),
        ('"ada@example.com" <ada@example.com>', "ada@example.com"),
        ("Ada [NOC] <ada@example.com>", "ada@example.com"),
        ("Ada @ NOC <ada@example.com>", "ada@example.com"),
        ("Ada Okoro. NOC <ada@example.com>", "ada@example.com"),
        ("bob@example.org <ada@example.com>", None),
        ("'bob@example.org' <ada@example.com>", None),
        ("ada@example.com bob@example.org <ada@example.com>", None),
        ("Ada <ada @example.com>", None),
        ("Ada <ada@example.com bob@example.org>", None),
        ("Ada <ada@example.com> <bob@example.org>", None),
        ("Ada <ada@example.com>, <bob@example.org>", None),
        ("<<ada@example.com>>", None),
        ("Ada <@example.net:ada@example.com>", None),
    ],
)
def test_only_an_unambiguous_sender_is_accepted(header: str, address: str | None) -> None:
    sender = read_headers(f"From: {header}\r\n\r\n".encode()).sender
    assert (None if sender is None else sender.address) == address


@pytest.mark.parametrize(
    ("flowed", "text"),
    [
        ("one \ntwo\nthree", "one two\nthree"),
        ("> one \n> two\nmine", "> one two\nmine"),
        (" >no quote", ">no quote"),
        ("-- \nAda", "-- \nAda"),
        ("a \n> b", "a \n> b"),
    ],
)
def test_flowed_text_is_joined(flowed: str, text: str) -> None:
    assert join_flowed(flowed, deletes_space=False) == text


@pytest.mark.parametrize("length", [0, 10, TEXT_MAX - 1, TEXT_MAX, TEXT_MAX + 1, DESCRIPTION_MAX * 2])
@pytest.mark.parametrize("refused", [[], ["a.exe (too large)"], ["x" * 300] * 40])
def test_text_is_cut_to_its_limit(length: int, refused: list[str]) -> None:
    for has_room in (True, False):
        note = note_text("x" * length, refused, has_room=has_room)
        for fitted, most in ((note, TEXT_MAX), (description_of("x" * length, refused, subject="y"), DESCRIPTION_MAX)):
            assert 0 < len(fitted.text) <= most
            assert (fitted.full is not None) == (" The whole " in fitted.text)
            assert (length > most) <= ("[Shortened." in fitted.text)
            assert not refused or fitted.text.endswith("]")


def test_a_subaddress_is_not_part_of_the_base_address() -> None:
    assert base_address("Support+INC000000000042-ab@Example.net") == "support@example.net"


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Ada Okoro < ada@example.com >", "Ada Okoro"),
        ('"Okoro, Ada" < ada@example.com >', "Okoro, Ada"),
        ("ada@example.com <ada@example.com>", ""),
        ("Ada [NOC] <ada@example.com>", "Ada [NOC]"),
        ("Ada \\o/ <ada@example.com>", "Ada \\o/"),
        ("=?utf-8?q?Ad=C3=A4?= < ada@example.com >", "Adä"),
    ],
)
def test_the_name_of_a_sender_is_kept(header: str, name: str) -> None:
    sender = read_headers(f"From: {header}\r\n\r\n".encode()).sender
    assert sender is not None
    assert sender.name == name
