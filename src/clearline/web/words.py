"""The words of the pages: gettext catalogues, and times in the form of the reader's language."""

from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from importlib.resources import as_file, files

from babel import Locale
from babel.dates import parse_pattern
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations

DOMAIN = "clearline"
LANGUAGE = "en"
"""The language of the pages. The templates have the English words; a catalogue replaces them."""


def _load() -> NullTranslations:
    with as_file(files("clearline.web").joinpath("locale")) as folder:
        return Translations.load(folder, [LANGUAGE], DOMAIN)


TRANSLATIONS = _load()


def gettext(text: str) -> str:
    """Return a text in the language of the pages."""
    translated: str = TRANSLATIONS.ugettext(text)
    return translated


def ngettext(text: str, texts: str, count: int) -> str:
    """Return a text about one thing, or about several, in the language of the pages."""
    translated: str = TRANSLATIONS.ungettext(text, texts, count)
    return translated


_LOCALE = Locale.parse(LANGUAGE)
_FULL, _CLOCK, _THIS_YEAR, _DATE, _DAY = map(
    parse_pattern, ("d MMM y, HH:mm", "HH:mm", "d MMM HH:mm", "d MMM y", "d MMM")
)
"""The forms of times, parsed once: a page has a hundred of them."""
_TIMES_KEPT = 8192


def number(value: int) -> str:
    """Return a number as people read it: ``1,000``."""
    return format_decimal(value, locale=LANGUAGE)


@lru_cache(_TIMES_KEPT)
def full_time(at: datetime, zone: tzinfo = UTC) -> str:
    """Return a time to the minute with its zone: agents read UTC, customers their own."""
    local = at.astimezone(zone)
    return f"{_FULL.apply(local, _LOCALE)} {zone_name(local)}"


def zone_name(local: datetime) -> str:
    """Return the short name of the zone of a time, such as ``CET``, or its distance from UTC where it has none."""
    name = local.tzname() or "UTC"
    return name if name[0].isalpha() else f"UTC{name}"


def short_time(at: datetime, now: datetime, zone: tzinfo = UTC) -> str:
    """Return a time as short as it is clear: the time of today, the day of this year, or the whole date."""
    at, now = at.astimezone(zone), now.astimezone(zone)
    if at.date() == now.date():
        return _CLOCK.apply(at, _LOCALE)
    return (_THIS_YEAR if at.year == now.year else _DATE).apply(at, _LOCALE)


def brief_time(at: datetime, now: datetime, zone: tzinfo = UTC) -> str:
    """Return the time of today, or else only the day."""
    at, now = at.astimezone(zone), now.astimezone(zone)
    form = _CLOCK if at.date() == now.date() else _DAY if at.year == now.year else _DATE
    return form.apply(at, _LOCALE)
