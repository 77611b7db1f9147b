"""Find a person in text by its full name, its address and its phone numbers, and put pseudonyms in their place."""

import re
from collections.abc import Collection, Sequence

from msgspec import Struct

from clearline.redactor import Pattern, Redactor, pattern_of

PHONE_LEAST = 7
"""Fewer digits are no number of a person: they stand in text for much else."""

_BEFORE = r"(?:(?<!\w)|(?<=%[0-9a-f]{2})|(?<=\\[nrt]))"
"""What may stand before a name: no letter or digit, unless it ends the code of a character."""
_BEFORE_ADDRESS = r"(?:(?<![\w.+-])|(?<=%[0-9a-f]{2})|(?<=\\[nrt]))"
_AFTER = r"(?![\w@])"
"""What may stand after a name: it is no part of another address, which would be none any more."""
_AFTER_ADDRESS = r"(?![\w-]|\.\w)"
_RUN_LEAST = 3
"""The fewest letters and digits in a row by which the database looks for a word."""
_IN_BETWEEN = ".{1,48}"
"""What PostgreSQL finds between the letters and digits of an address, however the other characters are spelled."""
_JOINED = r"[._-]"
"""What joins the parts of a name in names of files, tags and other addresses."""
_BETWEEN_DIGITS = r"(?:[\s().\-/\u2010-\u2015]|&nbsp;|%20|<[^<>]{0,200}>){0,6}"
_CODES = re.compile(r"1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d{3}")
"""The country code of a number (ITU-T E.164, list of assigned codes)."""


class Pseudonym(Struct, frozen=True):
    """What stands in the place of a person: always the same for one, and with no way back."""

    code: str

    @property
    def name(self) -> str:
        """The name."""
        return f"Former user {self.code}"

    @property
    def address(self) -> str:
        """The address, which no mail is sent to (RFC 2606)."""
        return f"erased-{self.code.lower()}@erased.invalid"

    @property
    def phone(self) -> str:
        """What stands in the place of a phone number."""
        return f"erased-{self.code.lower()}"


class Words(Struct, frozen=True):
    """The words by which a person is found. ``others`` are further words that whoever asked gave."""

    address: str
    names: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


class PersonRedactor(Redactor):
    """Finds a person, and puts its pseudonym in its place.

    A name of one word is replaced only where it stands alone.
    """

    def __init__(
        self, words: Words, pseudonym: Pseudonym, kept: Collection[str] = (), kept_fields: Collection[str] = ()
    ) -> None:
        """Find the words of a person; ``kept`` and ``kept_fields`` are as for ``Redactor``."""
        full = [name for name in words.names if is_full_name(name)]
        super().__init__([words.address, *full, *words.phones, *words.others], kept, kept_fields)
        patterns = [_address(words.address, pseudonym.address)]
        patterns += [_whole(name, pseudonym.name, _JOINED) for name in _longest_first(_orders(full))]
        patterns += [
            _address(word, pseudonym.address) if "@" in word else _whole(word, pseudonym.name)
            for word in _longest_first(words.others)
        ]
        patterns += [_alone(name, pseudonym.name) for name in words.names if name not in full]
        patterns += [_phone(digits, pseudonym.phone) for digits in _digits(words.phones)]
        self._find(patterns)

    def holds(self, text: str) -> bool:
        """Return whether a text holds the words, written as text or as HTML."""
        return self._text.search(text) is not None or self._html.search(text) is not None


def is_full_name(name: str) -> bool:
    """Return whether a name has several words, so that it can be told from other words in text."""
    return len(name.split()) > 1


def is_phone(phone: str) -> bool:
    """Return whether a phone number has enough digits to be found in text."""
    return len(re.sub(r"\D", "", phone)) >= PHONE_LEAST


def _longest_first(words: Collection[str]) -> list[str]:
    return sorted(words, key=len, reverse=True)


def _orders(names: Sequence[str]) -> list[str]:
    """Return names in both orders: ``Ada Okoro``, and ``Okoro, Ada``."""
    return [*names, *(f"{name.split()[-1]}, {' '.join(name.split()[:-1])}" for name in names)]


def _whole(words: str, mark: str, gap: str | None = None) -> Pattern:
    text, html = (pattern_of(words, is_html=is_html, gap=gap) for is_html in (False, True))
    return Pattern(f"{_BEFORE}{text}{_AFTER}", f"{_BEFORE}{html}{_AFTER}", mark)


def _address(address: str, mark: str) -> Pattern:
    text, html = (pattern_of(address, is_html=is_html) for is_html in (False, True))
    return Pattern(f"{_BEFORE_ADDRESS}{text}{_AFTER_ADDRESS}", f"{_BEFORE_ADDRESS}{html}{_AFTER_ADDRESS}", mark)


def _alone(name: str, mark: str) -> Pattern:
    pattern = rf"\A\s*{pattern_of(name)}\s*\Z"
    return Pattern(pattern, pattern, mark)


def _digits(phones: Collection[str]) -> list[str]:
    """Return regular expressions of the digits of numbers: with and without their country code, longest first."""
    forms: dict[str, None] = {}
    for phone in phones:
        digits = re.sub(r"\D", "", phone)
        if phone.strip().startswith(("+", "00")):
            digits = digits.removeprefix("00")
            code = _CODES.match(digits)
            forms[rf"(?:\+|00)?{_BETWEEN_DIGITS}{_BETWEEN_DIGITS.join(digits)}"] = None
            national = digits[code.end() :] if code is not None else ""
            if len(national) >= PHONE_LEAST:
                forms[rf"0?{_BETWEEN_DIGITS}{_BETWEEN_DIGITS.join(national)}"] = None
        else:
            forms[_BETWEEN_DIGITS.join(digits)] = None
    return sorted(forms, key=len, reverse=True)


def _phone(digits: str, mark: str) -> Pattern:
    pattern = rf"(?<![\d+]){digits}(?!\d)"
    return Pattern(pattern, pattern, mark)


def prefilter(words: Words) -> str:
    """Return a regular expression of PostgreSQL that every text with the words matches; empty when there is none.

    A text holds a word only with its longest letters and digits in a row. Digits of a phone number may stand apart.
    """
    parts = []
    for word in (words.address, *words.others, *words.names):
        runs = re.findall(r"[A-Za-z0-9]+", word)
        longest = max(runs, key=len, default="")
        if len(longest) < _RUN_LEAST:  # other letters, which text may spell in several ways
            return ""
        parts.append(longest if word.split() != [word] else _IN_BETWEEN.join(runs))
    for phone in words.phones:
        digits = re.sub(r"\D", "", phone)[-PHONE_LEAST:]
        parts.append(r"[^0-9]{0,40}".join(digits))
    return "|".join(parts)
