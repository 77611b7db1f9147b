"""How somebody reads a page or a mail: the language and the time zone."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from clearline.language.languages import ENGLISH, LANGUAGES

_ACCEPTED_MAX = 20
_ACCEPTED = re.compile(r"\s*([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9-]*)?\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?")


@lru_cache(maxsize=512)
def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name; UTC when this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


class Reader(Struct, frozen=True):
    """How somebody reads: in which language and time zone, and whether the browser's preference decided on it."""

    language: str = ENGLISH
    zone: ZoneInfo = zone_of("UTC")
    is_by_browser: bool = False


_ENGLISH_READER = Reader()
_READER = ContextVar("reader", default=_ENGLISH_READER)


def reader() -> Reader:
    """Return how the reader of the present page or mail reads."""
    return _READER.get()


def set_reader(reader: Reader) -> None:
    """Set how the reader reads, until the end of the enclosing ``read_by``."""
    _READER.set(reader)


@contextmanager
def read_by(reader: Reader) -> Iterator[None]:
    """Write words and times for a reader."""
    token = _READER.set(reader)
    try:
        yield
    finally:
        _READER.reset(token)


def first_language(*languages: str | None) -> str:
    """Return the first language that is set and known; English when none is."""
    return next((language for language in languages if language in LANGUAGES), ENGLISH)


def preferred_language(accepted: str) -> str | None:
    """Return the language that an Accept-Language prefers of those that there are; None when it names none of them.

    RFC 9110, 12.5.4: of equal weights the first counts, and a weight of 0 refuses a language.
    """
    weights: dict[str, float] = {}
    for part in accepted.split(",")[:_ACCEPTED_MAX]:
        match = _ACCEPTED.fullmatch(part)
        if match is not None and (code := match[1].lower()) in LANGUAGES:
            weights.setdefault(code, float(match[2] or 1))
    known = [code for code, weight in weights.items() if weight > 0]
    return max(known, key=weights.__getitem__, default=None)
