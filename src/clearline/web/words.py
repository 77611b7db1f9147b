"""Words, numbers and times of pages, in the reader's language and time zone."""

from datetime import datetime
from functools import lru_cache

from babel import Locale
from babel.dates import DateTimePattern, parse_pattern
from babel.numbers import format_decimal

from clearline.language.languages import ENGLISH
from clearline.language.reader import Reader, reader
from clearline.language.times import zone_name
from clearline.language.words import gettext, ngettext

__all__ = ["brief_time", "full_time", "gettext", "local_input", "ngettext", "number", "short_time"]


def _parsed(*patterns: str) -> tuple[DateTimePattern, ...]:
    return tuple(map(parse_pattern, patterns))


_FULL, _CLOCK, _THIS_YEAR, _DATE, _DAY = range(5)
_FORMS = {
    ENGLISH: _parsed("d MMM y, HH:mm", "HH:mm", "d MMM HH:mm", "d MMM y", "d MMM"),
    "de": _parsed("d. MMM y, HH:mm", "HH:mm", "d. MMM HH:mm", "d. MMM y", "d. MMM"),
}
"""The forms of times, parsed once: a page has a hundred of them. Those of the locales have 12 hours in English."""
_LOCALES = {language: Locale.parse(language) for language in _FORMS}
_TIMES_KEPT = 8192


def number(value: float) -> str:
    """Return a number as people read it: ``1,000.5``, in German ``1.000,5``."""
    return format_decimal(value, locale=_LOCALES[reader().language])


def full_time(at: datetime) -> str:
    """Return a time to the minute with its zone."""
    return _full_time(at, reader())


@lru_cache(_TIMES_KEPT)
def _full_time(at: datetime, own: Reader) -> str:
    local = at.astimezone(own.zone)
    return f"{_formatted(local, _FULL, own.language)} {zone_name(local)}"


def local_input(at: datetime) -> str:
    """Return a time in the reader's zone as a field for times has it."""
    return f"{at.astimezone(reader().zone):%Y-%m-%dT%H:%M}"


def short_time(at: datetime, now: datetime) -> str:
    """Return a time as short as it is clear: the time of today, the day of this year, or the whole date."""
    return _shortened(at, now, _THIS_YEAR)


def brief_time(at: datetime, now: datetime) -> str:
    """Return the time of today, or else only the day."""
    return _shortened(at, now, _DAY)


def _shortened(at: datetime, now: datetime, this_year: int) -> str:
    own = reader()
    at, now = at.astimezone(own.zone), now.astimezone(own.zone)
    form = _CLOCK if at.date() == now.date() else this_year if at.year == now.year else _DATE
    return _formatted(at, form, own.language)


def _formatted(at: datetime, form: int, language: str) -> str:
    return _FORMS[language][form].apply(at, _LOCALES[language])
