"""How text is split into words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearline.search.document import facet
from clearline.search.words import WORD_MAX, phone_words, units
from clearline.text import fold


def lexemes(text: str) -> set[str]:
    return {lexeme for unit in units(text) for lexeme in (*unit.parts, *(variant for _, variant in unit.variants))}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Port is SLOW", {"port", "is", "slow"}),
        ("NET-AMS-0012", {"net-ams-0012", "ams-0012", "net", "ams", "0012", "12"}),
        ("INC000000001234", {"inc000000001234", "1234"}),
        ("203.0.113.7, 198.51.100.0/28.", {"203.0.113.7", "198.51.100.0", "198.51.100.0/28"}),
        ("203.0.113.7:443", {"203.0.113.7"}),
        ("at 2001:DB8:0:0::1: down", {"at", "2001:db8::1", "down"}),
        ("2001:db8::/32", {"2001:db8::", "2001:db8::/32"}),
        ("00:1B:21:ab:cd:EF", {"001b21abcdef", "00:1b:21:ab:cd:ef"}),
        ("001b.21ab.cdef", {"001b21abcdef", "001b.21ab.cdef"}),
        ("AS64496 and VLAN 100", {"as64496", "64496", "and", "vlan", "100", "vlan100"}),
        ("ASN 64496", {"asn", "64496", "as64496"}),
        ("xe-0/0/1", {"xe-0/0/1", "0/0/1", "0/1", "xe", "0", "1"}),
        ("Gi0/1", {"gi0/1", "gi0", "1"}),
        (
            "ada.okoro@example.com",
            {
                "ada.okoro@example.com",
                "ada.okoro",
                "okoro@example.com",
                "example.com",
                "ada",
                "okoro",
                "example",
                "com",
            },
        ),
        (
            "+1-555-0199",
            {"1-555-0199", "555-0199", "1", "555", "0199", "199", "15550199", "5550199"},
        ),
        ("MÜNCHEN Straße \uff46\uff55\uff4c\uff4c", {"munchen", "strasse", "full"}),
        ("東京都", {"東京", "京都", "都"}),
        ("VLAN設定9", {"vlan", "設定", "定", "9"}),
        ("हिन्दी ไทย", {"हिन्दी", "ไท", "ทย", "ย"}),
        ("เส้น", {"เส", "ส\u0e49", "\u0e49น", "น"}),
        ("ສາຍ", {"ສາ", "າຍ", "ຍ"}),
        ("ភ្នំ", {"ភ\u17d2", "\u17d2ន", "ន\u17c6", "\u17c6"}),
        ("ខ្សែ\u200bកាប", {"ខ\u17d2", "\u17d2ស", "ស\u17c2", "\u17c2ក", "កា", "\u17b6ប", "ប"}),
        ("ကြိုး", {"က\u103c", "\u103c\u102d", "\u102d\u102f", "\u102f\u1038", "\u1038"}),
        ("VLAN100สาย", {"vlan100", "100", "สา", "าย", "ย"}),
        ("https://example.com/a--b", {"https", "example.com/a", "com/a", "example", "com", "a", "b"}),
        ("=company: !& | * '\\", {"company"}),
        ("", set()),
    ],
)
def test_a_text_is_split_into_whole_words_and_their_parts(text: str, expected: set[str]) -> None:
    assert lexemes(text) == expected


@given(st.text(max_size=300))
@settings(max_examples=300)
def test_no_text_makes_a_facet_or_a_word_that_is_too_long(text: str) -> None:
    for lexeme in lexemes(text):
        assert 0 < len(lexeme) <= WORD_MAX
        assert lexeme[0] != facet("is")[0]
        assert not set(lexeme) & set(" '\\=\0")


@given(st.text(max_size=40))
@settings(max_examples=300)
def test_a_query_for_a_whole_text_looks_up_words_of_the_text(text: str) -> None:
    text_lexemes = lexemes(text)
    for unit in units(text):
        assert (
            unit.is_chain
            or unit.lookup in text_lexemes
            or any(lexeme.startswith(unit.lookup) for lexeme in text_lexemes)
        )


def test_a_telephone_number_is_found_from_each_group_of_digits() -> None:
    assert phone_words("+1 (555) 0199") == ["15550199", "5550199", "0199"]
    assert phone_words("") == []


def test_all_unicode_forms_of_a_text_are_folded_alike() -> None:
    assert fold("É") == fold("e\u0301") == fold("e") == "e"
    assert fold("が") == fold("か\u3099") != fold("か")
