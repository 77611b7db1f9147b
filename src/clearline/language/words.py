"""Words in the language of whoever reads them.

The English words are the keys of the catalogues in ``locale``, which hold the translations as gettext's PO files.
"""

from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO

from clearline.language.languages import ENGLISH
from clearline.language.reader import reader

DOMAIN = "clearline"


@cache
def _translations(language: str) -> NullTranslations:
    """Return the catalogue of a language. It is read when the first reader needs it, which takes 0.1 to 0.2 seconds."""
    from babel.messages.mofile import write_mo  # noqa: PLC0415 - most commands never need it, and have to start fast
    from babel.messages.pofile import read_po  # noqa: PLC0415

    compiled = BytesIO()
    with files("clearline.language").joinpath("locale", language, "LC_MESSAGES", f"{DOMAIN}.po").open("rb") as source:
        write_mo(compiled, read_po(source, locale=language, domain=DOMAIN))
    compiled.seek(0)
    return GNUTranslations(compiled)


def gettext(text: str) -> str:
    """Return a text in the reader's language."""
    language = reader().language
    if language == ENGLISH or not text:  # the empty text is the header of a catalogue
        return text
    return _translations(language).gettext(text)


def ngettext(text: str, texts: str, count: int) -> str:
    """Return a text about one thing, or about several, in the reader's language."""
    language = reader().language
    if language == ENGLISH:
        return text if count == 1 else texts
    return _translations(language).ngettext(text, texts, count)


def first_upper(text: str) -> str:
    """Return a text with its first letter in upper case, and the others as they are."""
    return text[:1].upper() + text[1:]
