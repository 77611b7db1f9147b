"""Split text into words for the search. The same rules, without a dictionary, apply to tickets and to queries.

Letters are compared without case, width or accents. A word is a run of letters and digits. Words joined by single
punctuation marks (``NET-AMS-0012``, ``xe-0/0/1``, ``ada@example.com``) are kept whole, from each part to the end, and
in parts. Addresses (IPv4, IPv6, MAC) are kept in one normal form. Scripts without spaces are kept as character pairs.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import NamedTuple

from clearline.text import PAIRED, fold

WORD_MAX = 100
"""The characters of a word that are compared; longer words are cut, in tickets and in queries."""

_TAILS = 8
"""The number of first parts of a joined word from which its tail is kept whole too."""

_MARKED = (*range(0x300, 0x1E00), *range(0xA660, 0xAC00))
"""The code points with the combining marks of many scripts, which ``\\w`` does not match."""

_MARKS = "".join(c for c in map(chr, _MARKED) if unicodedata.category(c).startswith("M"))
_JOINTS = r"\-_./:@+"
_CHUNK = re.compile(rf"[\w{_MARKS}{_JOINTS}]+")
_JOINT = re.compile(rf"[{_JOINTS}]")
_GAP = re.compile(rf"[{_JOINTS}]{{2,}}")
_SCRIPTS = re.compile(f"[{PAIRED}]+|[^{PAIRED}]+")
_BREAK = re.compile(f"(?<=[{PAIRED}])\u200b+(?=[{PAIRED}])")
"""Where a line may break inside a script without spaces: some write it between words, some do not."""
_IS_PAIRED = re.compile(f"[{PAIRED}]")
_NUMBERED = re.compile(r"([^\W\d_]*)([0-9]+)")
_IPV4 = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3}){3})(/[0-9]{1,2})?(:[0-9]{1,5})?")
_MAC = re.compile(r"[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}")
_TICKET = re.compile(r"inc[0-9]{12}")
_PHONE = re.compile(r"\+[0-9][0-9./-]+")
_ADDRESS_MAX = 50
_REMEMBERED_MAX = 40
_BEFORE_NUMBERS = {"vlan": "vlan", "as": "as", "asn": "as"}


class Unit(NamedTuple):
    """A word of a text.

    ``parts`` have one position each. ``variants`` are other forms, each with the index of the part that it begins at.
    A query for the word looks ``lookup`` up: as a prefix unless ``is_exact``, or as the parts in their order when
    ``is_chain``.
    """

    parts: tuple[str, ...]
    variants: tuple[tuple[int, str], ...]
    lookup: str
    is_exact: bool = False
    is_chain: bool = False


def units(text: str) -> Iterator[Unit]:
    """Return the words of a text, in order."""
    before = ""
    folded = fold(text)[: 2 * len(text) + WORD_MAX]  # one character can expand to eighteen
    for chunk in _CHUNK.findall(folded if folded.isascii() else _BREAK.sub("", folded)):
        for unit in _cut(chunk) if len(chunk) <= _REMEMBERED_MAX else _cut.__wrapped__(chunk):
            name = _BEFORE_NUMBERS.get(before)
            joined = name is not None and unit.lookup.isdigit()
            yield unit._replace(variants=(*unit.variants, (0, f"{name}{unit.lookup}"[:WORD_MAX]))) if joined else unit
            before = unit.lookup


def phone_words(phone: str) -> list[str]:
    """Return the digits of a telephone number without punctuation, from each group of digits to the end."""
    groups = re.findall("[0-9]+", phone)
    return ["".join(groups[at:])[:WORD_MAX] for at in range(min(len(groups), _TAILS))]


def address(text: str) -> Unit | None:
    """Return the IPv4, IPv6 or MAC address that a folded text is, as one word without its port; None for other text."""
    bare = text.strip("-_./@+")
    if len(bare) > _ADDRESS_MAX:
        return None
    if bare.endswith(":") and not bare.endswith("::"):
        bare = bare[:-1]
    if _MAC.fullmatch(bare):
        plain = re.sub("[^0-9a-f]", "", bare)
        return Unit((plain,), ((0, bare),), plain, is_exact=True)
    if match := _IPV4.fullmatch(bare):
        return _ipv4(match[1], match[2])
    return _ipv6(bare) if bare.count(":") >= 2 else None


def _ipv4(text: str, mask: str | None) -> Unit | None:
    try:
        IPv4Address(text)
    except AddressValueError:
        return None
    if mask is None:
        return Unit((text,), (), text, is_exact=True)
    return Unit((text,), ((0, text + mask),), text + mask, is_exact=True)


def _ipv6(text: str) -> Unit | None:
    host, slash, mask = text.partition("/")
    try:
        plain = str(IPv6Address(host))
    except AddressValueError:
        return None
    if slash and mask.isdigit():
        return Unit((plain,), ((0, f"{plain}/{mask}"),), f"{plain}/{mask}", is_exact=True)
    return Unit((plain,), (), plain, is_exact=not plain.endswith("::"))


@lru_cache(maxsize=4096)
def _cut(chunk: str) -> tuple[Unit, ...]:
    """Return the words in a run of letters and joints. Cached: most words recur within a short time."""
    if chunk.isascii():
        return tuple(_joined(chunk))
    words: list[Unit] = []
    for piece in _SCRIPTS.findall(chunk):
        if _IS_PAIRED.match(piece):
            words.append(_chain(piece))
        else:
            words += _joined(piece)
    return tuple(words)


def _chain(piece: str) -> Unit:
    """Return the characters of a script without spaces: each with the next one, and the last by itself."""
    pairs = tuple(piece[at : at + 2] for at in range(len(piece)))
    return Unit(pairs, (), piece, is_chain=len(piece) > 1)


def _joined(chunk: str) -> Iterator[Unit]:
    if chunk.isalnum():
        yield _plain(chunk)
        return
    if (unit := address(chunk)) is not None:
        yield unit
        return
    is_phone = _PHONE.fullmatch(chunk) is not None
    for run in _GAP.split(chunk):
        bare = run.strip("-_./:@+")
        if bare:
            yield _compound(bare, is_phone=is_phone)


def _plain(word: str) -> Unit:
    short = word[:WORD_MAX]
    number = _number(short)
    return Unit((short,), () if number is None else ((0, number),), short, is_exact=_TICKET.fullmatch(word) is not None)


def _number(word: str) -> str | None:
    """Return the number in ``AS64496`` or ``0012`` without leading zeros; None when the word has none or is one."""
    if word.isalpha() or (match := _NUMBERED.fullmatch(word)) is None:
        return None
    letters, digits = match[1], match[2]
    if len(digits) == 1 or not (letters or digits.startswith("0")):
        return None
    return digits.lstrip("0") or "0"


def _compound(run: str, *, is_phone: bool) -> Unit:
    parts = _JOINT.split(run)
    if len(parts) == 1:
        return _plain(run)
    variants = [(0, run[:WORD_MAX])]
    start = 0
    for index, part in enumerate(parts):
        if 0 < index < min(len(parts) - 1, _TAILS):
            variants.append((index, run[start : start + WORD_MAX]))
        if (number := _number(part[:WORD_MAX])) is not None:
            variants.append((index, number))
        start += len(part) + 1
    local, at, domain = run.partition("@")
    if at and "@" not in domain:
        variants.append((0, local[:WORD_MAX]))
    lookup = run[:WORD_MAX]
    if is_phone:
        digits = phone_words(run)
        variants += enumerate(digits)
        lookup = digits[0]
    return Unit(tuple(part[:WORD_MAX] for part in parts), tuple(variants), lookup)
