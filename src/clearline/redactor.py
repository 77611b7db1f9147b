"""Redact words: find them in text, JSON and HTML, however these spell them, and put a mark in their place."""

import re
import unicodedata
from base64 import b64encode
from collections.abc import Collection, Iterable, Sequence
from html.entities import codepoint2name
from typing import Any, NamedTuple

import msgspec

MARK = "[redacted]"
"""What stands in the place of the words: always the same, so that it does not tell their length."""

SHORT_MARK = "***"
"""The mark in a text that would be too long with the other. No longer than the shortest words."""

_TAG = r"<[^<>]{0,1000}>"
_TAGS = re.compile(_TAG)
_GAP = r"\s[\s>]*"
"""White space between two words, as a mail breaks and quotes it."""
_HTML_GAP = rf"(?:\s|&nbsp;|&\#0*160;?|&\#[xX]0*[aA]0;?|{_TAG}|&gt;|>)+"
_CODE = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)|(INC|WLG)\d{12}"
)
"""An id, a time, the number of a ticket or of a note."""
_READ = frozenset(
    {"action", "cause", "channel", "detected_by", "field", "issueType", "issue_type", "issue_types", "kind"}
    | {"responsibility", "roles", "serviceType", "service_type", "service_types", "source", "status", "sub_status"}
    | {"sub_statuses", "tier", "tiers", "type", "visibility", "waiting_reason", "waiting_reasons"}
)
"""The members of JSON whose texts a program reads: words of the program, and keys of the provider's catalogue."""
_WAITING = "waiting"
"""The member of JSON with why a ticket waits; its ``reason`` is a key. Other reasons are somebody's words."""
_NAMED = frozenset({"external_ids", "externalIds"})
"""The members of JSON whose members people named."""
_OWN = "fields"
"""The member of JSON with the values of own fields, by keys; ``fields.KEY`` is the field of a change of one."""
_SIDES = frozenset({"before", "after"})
"""The values of a change in an event."""
_CUT_LEAST = 3
"""Characters of the beginning of the words from which on the cut end of a text is redacted, too."""


class RedactedPage(NamedTuple):
    """Rows that were looked at: how many of them hold the words, and the key to continue after, None at the end."""

    places: int
    after: list[str] | None


class Pattern(NamedTuple):
    """A regular expression of words in text, the same in HTML, and what stands in their place. Neither has groups."""

    text: str
    html: str
    mark: str = MARK


class Redactor:
    """Finds words, whatever their case and white space, and replaces them; ``count`` is how often it did.

    Text may spell a character with a backslash before it (Markdown, JSON) or as bytes of a URL, and HTML as a reference
    or with tags in between.
    """

    def __init__(self, words: Iterable[str], kept: Collection[str] = (), kept_fields: Collection[str] = ()) -> None:
        """Redact each of ``words``; those without a visible character are ignored.

        In JSON the texts ``kept`` stay: they are values of the program, such as a status, and nobody's words. So do the
        values of own fields whose keys are ``kept_fields``: they are keys of options, or ids of records.
        """
        self._kept, self._kept_fields = kept, kept_fields
        self.words = tuple(word for word in (text.strip() for text in words) if word)
        longest_first = sorted(self.words, key=len, reverse=True)
        self._find([Pattern(pattern_of(word), pattern_of(word, is_html=True)) for word in longest_first])
        self.count = 0

    def _find(self, patterns: Sequence[Pattern]) -> None:
        """Find these patterns from now on; of two that match at a place the first counts."""
        self._marks = [pattern.mark for pattern in patterns]
        never = r"(?!)"
        self._text = re.compile("|".join(f"({pattern.text})" for pattern in patterns) or never, re.IGNORECASE)
        self._html = re.compile("|".join(f"({pattern.html})" for pattern in patterns) or never, re.IGNORECASE)

    def _mark(self, match: re.Match[str]) -> str:
        return self._marks[(match.lastindex or 1) - 1]

    def holds(self, text: str) -> bool:
        """Return whether a text holds the words, written as text or as HTML."""
        rest = text.replace(MARK, "\x00")
        return self._text.search(rest) is not None or self._html.search(rest) is not None

    def text(self, text: str, most: int | None = None) -> str:
        """Return a text without the words. It has at most ``most`` characters if it had before."""
        redacted, count = self._text.subn(self._mark, text)
        self.count += count
        if most is not None and count and len(redacted) > most:
            return self._text.sub(SHORT_MARK, text)
        return redacted

    def cut_text(self, text: str, most: int) -> str:
        """Return a text without the words that was cut to ``most`` characters, and may end within them."""
        redacted = self.text(text)
        if len(text.encode(errors="replace")) + _CUT_LEAST >= most:
            for word in self.words:
                for length in range(min(len(word) - 1, len(redacted)), _CUT_LEAST - 1, -1):
                    if redacted.lower().endswith(word[:length].lower()):
                        self.count += 1
                        redacted = redacted[:-length] + MARK
                        break
        return redacted[:most]

    def html(self, html: str) -> str:
        """Return HTML without the words; tags between their characters stay."""
        for _pass in range(3):
            redacted, count = self._html.subn(lambda match: self._mark(match) + "".join(_TAGS.findall(match[0])), html)
            self.count += count
            if not count or redacted == html:
                return redacted
            html = redacted
        return html

    def json(self, value: Any, *, within: str = "") -> Any:
        """Return a decoded JSON value without the words; ``within`` is the name of the member that it is.

        Ids, times, numbers of tickets and notes, and what a program reads, stay, but not in values of own fields.
        """
        match value:
            case str():
                return value if value in self._kept or _CODE.fullmatch(value) else self.text(value)
            case list():
                return [self.json(item, within=within) for item in value]
            case dict():
                redacted: dict[str, Any] = {}
                change_of = value.get("field")
                for name, member in value.items():
                    key = self.text(name) if within in _NAMED else name
                    while key in redacted:
                        key += "*"
                    if isinstance(change_of, str) and name in _SIDES:
                        redacted[key] = self._side(change_of, member)
                    else:
                        redacted[key] = self._member(within, name, member)
                return redacted
            case _:
                return value

    def _member(self, within: str, name: str, member: Any) -> Any:
        if (name in _READ or (within, name) == (_WAITING, "reason")) and _is_text(member):
            return member
        if name == _OWN and isinstance(member, dict):
            return {key: self._own(key, value) for key, value in member.items()}
        return self.json(member, within=name)

    def _side(self, field: str, value: Any) -> Any:
        """Return the value of a field before or after a change."""
        within, _, name = field.rpartition(".")
        return self._own(name, value) if within == _OWN else self._member(within, name, value)

    def _own(self, key: str, value: Any) -> Any:
        return value if key in self._kept_fields else self.own_value(value)

    def own_value(self, value: Any) -> Any:
        """Return the value of an own field without the words: of a number that holds them nothing but the mark."""
        if isinstance(value, list):
            return [self.own_value(item) for item in value]
        if value is None or isinstance(value, bool):
            return value
        redacted = self.text(str(value))
        return value if redacted == str(value) else redacted if isinstance(value, str) else MARK

    def json_text(self, text: str, *, within: str = "") -> str:
        """Return JSON without the words; the same text when it has none. ``within`` is as for ``json``."""
        before = self.count
        redacted = self.json(msgspec.json.decode(text), within=within)
        return text if self.count == before else msgspec.json.encode(redacted).decode()

    def json_bytes(self, content: bytes) -> bytes:
        """Return JSON, or what is none, without the words; the same bytes when they have none."""
        before = self.count
        try:
            redacted = self.json(msgspec.json.decode(content))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self.utf_8(content)
        return content if self.count == before else msgspec.json.encode(redacted)

    def utf_8(self, content: bytes) -> bytes:
        """Return text in UTF-8, or nearly so, without the words; the same bytes when they have none."""
        text = content.decode("utf-8", "surrogateescape")
        redacted = self.text(text)
        return content if redacted == text else redacted.encode("utf-8", "surrogateescape")

    def is_in_bytes(self, content: bytes) -> bool:
        """Return whether bytes hold the words: in UTF-8 or UTF-16, or in base64 in whatever lines."""
        if self.holds(content.decode("utf-8", "replace")):
            return True
        joined = b"".join(content.split())
        return any(form in content for word in self.words for form in _utf_16(word)) or any(
            form in joined for word in self.words for form in _base64(word)
        )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value))


def _utf_16(word: str) -> Sequence[bytes]:
    return word.encode("utf-16-le"), word.encode("utf-16-be")


def _base64(word: str) -> list[bytes]:
    """Return what base64 of any text with the word has for sure, at each of the three positions it may begin at."""
    content = word.encode()
    forms = []
    for offset in range(3):
        first = (offset * 8 + 5) // 6
        last = (offset + len(content)) * 8 // 6
        forms.append(b64encode(bytes(offset) + content)[first:last])
    return [form for form in forms if len(form) >= _CUT_LEAST]


def pattern_of(word: str, *, is_html: bool = False, gap: str | None = None) -> str:
    """Return the regular expression of words, without groups. ``gap`` is what also may stand between two of them."""
    parts = re.split(r"(\s+)", unicodedata.normalize("NFC", word))
    between = f"(?:{_TAG})*" if is_html else ""
    patterns = []
    for part in parts:
        if not part.strip():
            space = _HTML_GAP if is_html else _GAP
            patterns.append(space if gap is None else f"(?:{space}|{gap})")
        else:
            patterns.append(between.join(_character(char, is_html=is_html) for char in part))
    return "".join(patterns)


def _character(char: str, *, is_html: bool) -> str:
    """Return the regular expression of a character."""
    if not is_html and char.isascii() and char.isalnum():
        return char
    forms = [re.escape(char)]
    if not char.isalnum():
        forms[0] = r"\\?" + forms[0]
    if not (char.isascii() and char.isalnum()):
        forms.append("(?i:" + "".join(f"%{byte:02x}" for byte in char.encode()) + ")")
    if not char.isascii():
        units = char.encode("utf-16-be").hex()
        forms.append("(?i:" + "".join(rf"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)) + ")")
        if (spread := unicodedata.normalize("NFD", char)) != char:
            forms.append(re.escape(spread))
    if is_html:
        code = ord(char)
        forms += [rf"&\#0*{code};?", rf"&\#[xX]0*(?i:{code:x});?"]
        if code in codepoint2name:
            forms.append(f"&{codepoint2name[code]};?")
        elif char == "'":
            forms.append("&apos;")
    return "(?:" + "|".join(forms) + ")"
