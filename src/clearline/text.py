"""Rules for text that people write, and how it is compared.

It is stored verbatim: never trimmed, folded or normalised.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

from clearline.errors import RuleCode, Violation

EMAIL_MAX = 254
LOCAL_PART_MAX = 64
"""The most octets before the ``@`` (RFC 5321, section 4.5.3.1.1)."""

EMAIL = re.compile(r"[^@\x00-\x20\x7f]+@[^@\x00-\x20\x7f]+")
INK = r"[^\x00-\x20\x7f-\xa0\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u3000\ufeff]"
"""A visible character. Explicit, because every dialect of regular expressions has its own white space."""

PAIRED = (
    "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\ua9e0-\ua9ff\uaa60-\uaadf"
    "\U00011700-\U0001174f"
)
"""The characters, for a character class, of the scripts that the search keeps as pairs.

Chinese, Japanese, Korean; and Thai, Lao, Burmese, Khmer and the others without spaces between words (Unicode Standard
Annex 14, class SA).
"""

_INK = re.compile(INK)
_ACCENTS = re.compile("[\u0300-\u036f]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_LOCAL = re.compile(r'[^\x00-\x20\x7f"(),:;<>@\[\\\]]+')
_DOMAIN = re.compile(r"(?!-)[\w-]{1,63}(?<!-)(\.(?!-)[\w-]{1,63}(?<!-))*|\[[0-9A-Fa-f:.]+\]|\[IPv6:[0-9A-Fa-f:.]+\]")


def storable(text: str) -> bool:
    """Whether PostgreSQL can keep the text: no NUL, and no half of a surrogate pair (Unicode 16, section 3.9)."""
    return _UNSTORABLE.search(text) is None


def is_blank(text: str) -> bool:
    """Return whether the text has no visible character."""
    return _INK.search(text) is None


def repeated(names: Iterable[str]) -> list[str]:
    """Return the names that occur more than once, sorted."""
    return sorted(name for name, count in Counter(names).items() if count > 1)


def fold(text: str) -> str:
    """Return the text without differences of case, width (NFKC) and accents, as the search compares it."""
    if text.isascii():
        return text.lower()
    spread = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    return unicodedata.normalize("NFC", _ACCENTS.sub("", spread))


def check_text(field: str, text: str, *, least: int = 1, most: int) -> list[Violation]:
    """Return the rules that ``text`` breaks; lengths are in Unicode code points, both ends included."""
    violations = []
    if not least <= len(text) <= most:
        length = f"{least} to {most}" if least else f"at most {most}"
        violations.append(Violation(field, f"must have {length} characters", RuleCode.LENGTH))
    if not storable(text):
        violations.append(
            Violation(field, "must not contain the NUL character or lone surrogates", RuleCode.CHARACTERS)
        )
    return violations


def normalized_address(address: str) -> str:
    """Return the address in the form in which addresses are compared: trimmed, in lower case."""
    return address.strip().lower()


def check_email(field: str, email: str) -> list[Violation]:
    """Return the rules that an address breaks: one ``@`` between two parts without spaces, at most 254 characters."""
    if len(email) > EMAIL_MAX or not EMAIL.fullmatch(email) or not storable(email):
        return [Violation(field, f"must be an e-mail address of at most {EMAIL_MAX} characters", RuleCode.FORMAT)]
    return []


def is_mailable(address: str) -> bool:
    """Return whether mail servers accept the address as a recipient (RFC 5321, section 4.1.2).

    Stricter than the check of a contact's address: quoted local parts are refused, since few servers accept them, and
    so are addresses in ``invalid``, which no server has (RFC 2606), such as those of erased people.
    """
    local, at, domain = address.rpartition("@")
    fits = len(address.encode(errors="replace")) <= EMAIL_MAX and len(local.encode(errors="replace")) <= LOCAL_PART_MAX
    return bool(at and fits and storable(address) and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain)) and not (
        local.startswith(".") or local.endswith(".") or ".." in local or domain.lower().endswith(".invalid")
    )
