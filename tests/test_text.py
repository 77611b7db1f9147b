import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearline.errors import InvalidInput
from clearline.text import check_email, check_text, is_mailable, storable
from clearline.tickets.note_domain import TEXT_MAX, check_note_text


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=20))
def test_any_encodable_text_without_nul_is_storable(text: str) -> None:
    assert storable(text)
    assert check_text("title", text, most=20) == []


@given(st.text(max_size=5), st.sampled_from(["\x00", "\ud800", "\udfff"]), st.text(max_size=5))
def test_a_nul_or_a_lone_surrogate_anywhere_is_refused(head: str, bad: str, tail: str) -> None:
    assert not storable(head + bad + tail)
    assert [violation.field for violation in check_text("title", head + bad + tail, most=99)] == ["title"]


@pytest.mark.parametrize(("length", "broken"), [(0, 1), (1, 0), (5, 0), (6, 1)])
def test_both_limits_are_allowed_lengths(length: int, broken: int) -> None:
    assert len(check_text("title", "x" * length, most=5)) == broken


def test_length_is_counted_in_code_points() -> None:
    assert check_text("title", "\U0001f680" * 5, most=5) == []


def test_a_text_that_breaks_two_rules_names_both() -> None:
    assert len(check_text("title", "\x00" * 6, most=5)) == 2


def test_an_optional_text_may_be_empty() -> None:
    assert check_text("phone", "", least=0, most=5) == []


@pytest.mark.parametrize(
    "email", ["a@b", "ines.okafor+noc@alderbay.example.com", "\u00fc@\u00f6.example", "a" * 252 + "@b"]
)
def test_a_valid_address_is_accepted(email: str) -> None:
    assert check_email("email", email) == []


@pytest.mark.parametrize(
    "email", ["", "a", "@", "a@", "@b", "a@b@c", "a b@c", "a@b c", "a@b\n", "a\x00@b", "a@\ud800", "a" * 253 + "@b"]
)
def test_an_invalid_address_is_refused(email: str) -> None:
    assert [violation.field for violation in check_email("email", email)] == ["email"]


@pytest.mark.parametrize("text", ["x", " padded ", "line\nline", "x" * TEXT_MAX])
def test_a_note_is_stored_verbatim(text: str) -> None:
    assert check_note_text(text) == text


@pytest.mark.parametrize("text", ["", " ", "\n\t ", "x" * (TEXT_MAX + 1), "nul \x00"])
def test_a_note_that_is_blank_too_long_or_not_storable_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        check_note_text(text)


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.com",
        "a+b.c_d'e@mail-1.example.com",
        "jürgen@example.com",
        "ada@exämple.com",
        "ada@localhost",
        "ada@[192.0.2.1]",
        "ada@[IPv6:2001:db8::1]",
        "x" * 64 + "@example.com",
    ],
)
def test_mailable_addresses(address: str) -> None:
    assert is_mailable(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "@example.com",
        "ada@",
        "a,b@example.com",
        "a<b@example.com",
        "a@b>SIZE=1",
        'a"b@example.com',
        ".ada@example.com",
        "ada.@example.com",
        "a..b@example.com",
        "ada@-example.com",
        "ada@example..com",
        "ada@example.com.",
        "ada@exam ple.com",
        "ada@example.com\nBcc: eve@example.org",
        "ad\x00a@example.com",
        "ada\ud800@example.com",
        "x" * 65 + "@example.com",
        "ü" * 33 + "@example.com",
        "ada@" + ".".join(["x" * 60] * 5),
    ],
)
def test_addresses_that_are_not_mailable(address: str) -> None:
    assert not is_mailable(address)
