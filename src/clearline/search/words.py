"""Words: how text is cut for the search. Tickets and queries are cut by one rule, which is ours and no dictionary's.

Letters are compared without case, width or accents. A word is a run of letters and digits. Words that single marks
join (``NET-AMS-0012``, ``xe-0/0/1``, ``ada@example.com``) are kept whole, from each of their parts on, and in parts.
Addresses (IPv4, IPv6, MAC) are kept in one spelling. Scripts without spaces are kept as pairs of characters.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import NamedTuple

WORD_MAX = 100
"""Characters of a word that count; the rest is cut off, in tickets and in queries."""

_TAILS = 8
"""From so many parts of a joined word on, its tail is kept whole too."""

_MARKED = (*range(0x300, 0x1E00), *range(0xA660, 0xAC00))
"""Where the marks are that words of many scripts are written with, and that ``\\w`` leaves out."""

_MARKS = "".join(c for c in map(chr, _MARKED) if unicodedata.category(c).startswith("M"))
_JOINTS = r"\-_./:@+"
_CHUNK = re.compile(rf"[\w{_MARKS}{_JOINTS}]+")
_JOINT = re.compile(rf"[{_JOINTS}]")
_GAP = re.compile(rf"[{_JOINTS}]{{2,}}")
_ACCENTS = re.compile("[\u0300-\u036f]")
_PAIRED = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_SCRIPTS = re.compile(f"[{_PAIRED}]+|[^{_PAIRED}]+")
_IS_PAIRED = re.compile(f"[{_PAIRED}]")
_NUMBERED = re.compile(r"([^\W\d_]*)([0-9]+)")
_IPV4 = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3}){3})(/[0-9]{1,2})?(:[0-9]{1,5})?")
_MAC = re.compile(r"[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}")
_TICKET = re.compile(r"inc[0-9]{12}")
_PHONE = re.compile(r"\+[0-9][0-9./-]+")
_ADDRESS_MAX = 50
_REMEMBERED_MAX = 40
_BEFORE_NUMBERS = {"vlan": "vlan", "as": "as", "asn": "as"}


class Unit(NamedTuple):
    """A word as it was written.

    ``parts`` take one place each; ``more`` are other spellings, with the place of the part they begin at. ``asked`` is
    what a query for it looks for: as a beginning unless ``exact``, or as the chain of its parts when ``chained``.
    """

    parts: tuple[str, ...]
    more: tuple[tuple[int, str], ...]
    asked: str
    exact: bool = False
    chained: bool = False


def fold(text: str) -> str:
    """Text without the differences of case, width (NFKC) and accents."""
    if text.isascii():
        return text.lower()
    spread = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    return unicodedata.normalize("NFC", _ACCENTS.sub("", spread))


def units(text: str) -> Iterator[Unit]:
    """The words of a text, in order."""
    before = ""
    for chunk in _CHUNK.findall(fold(text)[: 2 * len(text) + WORD_MAX]):  # one character can stand for eighteen
        for unit in _cut(chunk) if len(chunk) <= _REMEMBERED_MAX else _cut.__wrapped__(chunk):
            name = _BEFORE_NUMBERS.get(before)
            joined = name is not None and unit.asked.isdigit()
            yield unit._replace(more=(*unit.more, (0, f"{name}{unit.asked}"[:WORD_MAX]))) if joined else unit
            before = unit.asked


def phone_words(phone: str) -> list[str]:
    """The digits of a telephone number without what stands between them, from each group of them on."""
    groups = re.findall("[0-9]+", phone)
    return ["".join(groups[at:])[:WORD_MAX] for at in range(min(len(groups), _TAILS))]


def address(text: str) -> Unit | None:
    """The IPv4, IPv6 or MAC address that a folded text is, as one word; None when it is none. Never with a port."""
    bare = text.strip("-_./@+")
    if len(bare) > _ADDRESS_MAX:
        return None
    if bare.endswith(":") and not bare.endswith("::"):
        bare = bare[:-1]
    if _MAC.fullmatch(bare):
        plain = re.sub("[^0-9a-f]", "", bare)
        return Unit((plain,), ((0, bare),), plain, exact=True)
    if found := _IPV4.fullmatch(bare):
        return _ipv4(found[1], found[2])
    return _ipv6(bare) if bare.count(":") >= 2 else None


def _ipv4(spelling: str, mask: str | None) -> Unit | None:
    try:
        IPv4Address(spelling)
    except AddressValueError:
        return None
    if mask is None:
        return Unit((spelling,), (), spelling, exact=True)
    return Unit((spelling,), ((0, spelling + mask),), spelling + mask, exact=True)


def _ipv6(spelling: str) -> Unit | None:
    host, slash, mask = spelling.partition("/")
    try:
        plain = str(IPv6Address(host))
    except AddressValueError:
        return None
    if slash and mask.isdigit():
        return Unit((plain,), ((0, f"{plain}/{mask}"),), f"{plain}/{mask}", exact=True)
    return Unit((plain,), (), plain, exact=not plain.endswith("::"))


@lru_cache(maxsize=4096)
def _cut(chunk: str) -> tuple[Unit, ...]:
    """The words in a run of letters and joints. Remembered: most words of a text were in another one just before."""
    if chunk.isascii():
        return tuple(_joined(chunk))
    found: list[Unit] = []
    for piece in _SCRIPTS.findall(chunk):
        if _IS_PAIRED.match(piece):
            found.append(_chain(piece))
        else:
            found += _joined(piece)
    return tuple(found)


def _chain(piece: str) -> Unit:
    """Characters of a script without spaces: each with the next one, and the last by itself."""
    pairs = tuple(piece[at : at + 2] for at in range(len(piece)))
    return Unit(pairs, (), piece, chained=len(piece) > 1)


def _joined(chunk: str) -> Iterator[Unit]:
    if chunk.isalnum():
        yield _plain(chunk)
        return
    if (found := address(chunk)) is not None:
        yield found
        return
    is_phone = _PHONE.fullmatch(chunk) is not None
    for run in _GAP.split(chunk):
        bare = run.strip("-_./:@+")
        if bare:
            yield _compound(bare, is_phone=is_phone)


def _plain(word: str) -> Unit:
    short = word[:WORD_MAX]
    number = _number(short)
    return Unit((short,), () if number is None else ((0, number),), short, exact=_TICKET.fullmatch(word) is not None)


def _number(word: str) -> str | None:
    """The number in ``AS64496`` or ``0012``, without leading zeros; None when it adds nothing."""
    if word.isalpha() or (found := _NUMBERED.fullmatch(word)) is None:
        return None
    letters, digits = found[1], found[2]
    if len(digits) == 1 or not (letters or digits.startswith("0")):
        return None
    return digits.lstrip("0") or "0"


def _compound(run: str, *, is_phone: bool) -> Unit:
    parts = _JOINT.split(run)
    if len(parts) == 1:
        return _plain(run)
    more = [(0, run[:WORD_MAX])]
    start = 0
    for place, part in enumerate(parts):
        if 0 < place < min(len(parts) - 1, _TAILS):
            more.append((place, run[start : start + WORD_MAX]))
        if (number := _number(part[:WORD_MAX])) is not None:
            more.append((place, number))
        start += len(part) + 1
    local, at, domain = run.partition("@")
    if at and "@" not in domain:
        more.append((0, local[:WORD_MAX]))
    asked = run[:WORD_MAX]
    if is_phone:
        digits = phone_words(run)
        more += enumerate(digits)
        asked = digits[0]
    return Unit(tuple(part[:WORD_MAX] for part in parts), tuple(more), asked)
