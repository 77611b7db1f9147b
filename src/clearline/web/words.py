"""The words of the pages: gettext catalogues, and times in the form of the reader's language."""

from datetime import UTC, datetime
from importlib.resources import as_file, files

from babel.dates import format_datetime
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


def number(value: int) -> str:
    """Return a number as people read it: ``1,000``."""
    return format_decimal(value, locale=LANGUAGE)


def full_time(at: datetime) -> str:
    """Return a time to the minute with its zone: agents read UTC."""
    return f"{format_datetime(at.astimezone(UTC), 'd MMM y, HH:mm', locale=LANGUAGE)} UTC"


def short_time(at: datetime, now: datetime) -> str:
    """Return a time as short as it is clear: the time of today, the day of this year, or the whole date."""
    at, now = at.astimezone(UTC), now.astimezone(UTC)
    if at.date() == now.date():
        return format_datetime(at, "HH:mm", locale=LANGUAGE)
    return format_datetime(at, "d MMM HH:mm" if at.year == now.year else "d MMM y", locale=LANGUAGE)
