"""Extract what a person wrote from a mail: without the quoted mail and the signature.

All functions accept any input, and take time in proportion to it: what is too long is cut first.
"""

import html
import re
from functools import cache

from inscriptis import get_text  # type: ignore[import-untyped]
from inscriptis.model.config import ParserConfig  # type: ignore[import-untyped]
from mailparser_reply.constants import MAIL_LANGUAGES  # type: ignore[import-untyped]
from mailparser_reply.parser import EmailMessage  # type: ignore[import-untyped]
from msgspec import Struct

BODY_MAX = 400_000
"""Characters of a body that are read."""

_LINE_SEEN = 160
"""Characters of a line in which the start of a quote is looked for: the patterns are slow on long lines."""

_LINES_SEEN = 600
_ODD_CODECS = frozenset({"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined"})
"""Codecs of Python that are not charsets of mail; some take time in the square of the text's length."""

_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "us-ascii": "utf-8", "ascii": "utf-8", "iso-8859-1": "cp1252",
          "ks_c_5601-1987": "cp949", "iso-8859-8-i": "iso-8859-8", "unicode-1-1-utf-7": "utf-7"}  # fmt: skip
"""Charsets that senders declare for a wider one (WHATWG Encoding, section 4.2), or that Python does not know."""

_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufeff\u200b]")
_TAG = re.compile(r"<(?:style|script)\b.{0,50000}?</(?:style|script)>|<[^<>]{0,2000}>", re.IGNORECASE | re.DOTALL)
_SENT_FROM = re.compile(
    r"(sent from my|get outlook for|sent from outlook|gesendet von meinem|envoyé de mon|envoyé depuis|enviado desde mi|"
    r"inviato da|verzonden vanaf mijn|wysłano z|skickat från min|odesláno z)\b.{0,60}",
    re.IGNORECASE,
)
_COMMAS = ",.\uff0c\u3002"
_CLOSING_MAX, _NAME_WORDS, _CLOSING_LINE = 8, 4, 60
_WRITTEN = re.compile(r"@|\b(19|20)\d\d\b")
_FIELD = re.compile(r"^[*> ]*[^\s:*>][^:\n]{0,20}:", re.MULTILINE)
_FIELDS_LEAST = 3
_QUOTED = re.compile(r"\s{0,3}>")
_UNQUOTABLE = {"pl"}
"""Languages whose pattern of a quoted header also matches single lines such as ``Data: 42``."""

_BEGINS_WITH_A_QUOTE = re.compile(
    r"-{2,} ?(original message|ursprüngliche nachricht|message d'origine|forwarded message|weitergeleitete nachricht|"
    r"mensaje original|messaggio originale) ?-{2,}",
    re.IGNORECASE,
)
_RULE = re.compile(r"_{20,}")


def decode(content: bytes, charset: str | None) -> str:
    """Return bytes as text: in the declared charset, else in UTF-8, else in Windows-1252. It never fails."""
    declared = (charset or "").strip("\"' ").lower().replace(" ", "")
    for codec in filter(None, (_WIDER.get(declared, declared), "utf-8")):
        if codec.replace("-", "_") in _ODD_CODECS:
            continue
        try:
            return content.decode(codec)
        except (LookupError, ValueError):  # unknown charset, or invalid bytes (UnicodeError)
            continue
    return content.decode("cp1252", "replace")


def clean_text(text: str) -> str:
    """Return text that can be stored: without NULs and other invisible characters, with Unix line ends."""
    return _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def text_from_html(source: str) -> str:
    """Return the text of HTML. HTML that is nested too deep for the parser is returned without its tags."""
    source = clean_text(source[:BODY_MAX])
    try:
        text: str = get_text(source, ParserConfig(display_images=False))
    except (RecursionError, ValueError, AttributeError, TypeError, IndexError, KeyError):  # bugs of the parser
        text = html.unescape(_TAG.sub(" ", source))
    return "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")


def join_flowed(text: str, *, deletes_space: bool) -> str:
    """Return text in ``format=flowed`` with each paragraph in one line (RFC 3676, section 4.2)."""
    lines: list[str] = []
    open_depth: int | None = None
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        content = line[depth:].removeprefix(" ")
        flows = content.endswith(" ") and content != "-- "
        if open_depth == depth and content != "-- ":
            lines[-1] += content
        else:
            lines.append((">" * depth + " " if depth else "") + content)
        if flows and deletes_space:
            lines[-1] = lines[-1][:-1]
        open_depth = depth if flows else None
    return "\n".join(lines)


class SplitReply(Struct, frozen=True):
    """The text of a mail in two parts: what its author wrote, and the quote and signature that were trimmed."""

    text: str
    trimmed: str


def split_reply(text: str) -> SplitReply:
    """Split the text of a mail into the reply, and the quoted mail and signature. No line is lost.

    Replies between quoted lines keep the quote. If there is only a quote and a signature, nothing is trimmed.
    """
    lines = [line.rstrip() for line in text.split("\n")]
    start = _quote_start(lines)
    top, below = lines[:start], lines[start:]
    signature = _signature_start(top)
    inline = _inline_replies(below)
    reply = top[:signature] + below[inline]
    if not _unquoted_lines(reply):
        return SplitReply("\n".join(lines).strip(), "")
    trimmed = top[signature:] + below[: inline.start] + below[inline.stop :]
    return SplitReply("\n".join(reply).strip(), "\n".join(trimmed).strip())


def _unquoted_lines(lines: list[str]) -> list[str]:
    return [line for line in lines if line and not _QUOTED.match(line)]


@cache
def _header() -> re.Pattern[str]:
    """Return the pattern of the line before a quoted mail, in many languages."""
    message = EmailMessage("", languages=[language for language in MAIL_LANGUAGES if language not in _UNQUOTABLE])
    pattern: re.Pattern[str] = message.HEADER_REGEX
    return pattern


@cache
def _closings() -> frozenset[str]:
    """Return the closing phrases of letters, in many languages, in lower case and without a comma."""
    phrases = [phrase for language in MAIL_LANGUAGES.values() for phrase in language.get("signatures", [])]
    plain = {phrase.lower().rstrip(_COMMAS) for phrase in phrases if re.fullmatch(r"[^\\()\[\]|?/]+", phrase)}
    german = {"mit freundlichen grüßen", "freundliche grüße", "viele grüße", "beste grüße", "mfg", "lg"}
    return frozenset(plain | german | {"regards", "thanks", "thank you", "cheers", "br", "rgds", "many thanks"})


def _quote_start(lines: list[str]) -> int:
    """Return the number of the line at which the quoted mail starts, or the number of lines."""
    seen = [line[:_LINE_SEEN].strip() for line in lines[:_LINES_SEEN]]
    first = _header_line(seen)
    first = len(lines) if first is None else first
    for number, line in enumerate(seen[:first]):
        if _BEGINS_WITH_A_QUOTE.fullmatch(line):
            return number
        if line.startswith(">") and (attribution := _attribution(seen, number)) is not None:
            return attribution
    while first and first < len(lines) and _RULE.fullmatch(seen[first - 1]):
        first -= 1
    return first


def _header_line(seen: list[str]) -> int | None:
    """Return the number of the line that introduces a quoted mail, or None."""
    text = "\n".join(seen)
    for match in _header().finditer(text):
        header = match[0]
        # ``From: Amsterdam`` and ``To: London`` may be a person's text: programs write more such lines.
        if header.rstrip().endswith((":", "\uff1a", "-")) or len(_FIELD.findall(header)) >= _FIELDS_LEAST:
            return text[: match.start()].count("\n") + len(header) - len(header.lstrip("\n"))
    return None


def _attribution(seen: list[str], quote: int) -> int | None:
    """Return the number of the line that says who wrote the quote at line ``quote``, in any language, or None."""
    before = [number for number in range(max(0, quote - 3), quote) if seen[number]]
    if before and seen[before[-1]].endswith((":", "\uff1a")) and _WRITTEN.search(seen[before[-1]]):
        return before[-1]
    return None


def _inline_replies(below: list[str]) -> slice:
    """Return where something was written between or after quoted lines; a quote without marks has no end."""
    first = _first_mark(below)
    own = next((index for index in range(first, len(below)) if below[index] and not _QUOTED.match(below[index])), None)
    if own is None:
        return slice(len(below), len(below))
    start = own if not any(map(_QUOTED.match, below[own:])) else first
    return slice(start, start + _signature_start(below[start:]))


def _first_mark(below: list[str]) -> int:
    """Return the index of the first marked line of a quote; the number of lines when the quote has no marks.

    Marks after unmarked text belong to a quote in the quoted mail, which then has no marks of its own.
    """
    first = next((index for index, line in enumerate(below) if _QUOTED.match(line)), len(below))
    head = "\n".join(below[:first]).strip().split("\n")
    says_who = len(head) <= _FIELDS_LEAST and head[-1].endswith((":", "\uff1a"))
    are_fields = all(map(_FIELD.match, head))
    return first if head == [""] or ("" not in head and (says_who or are_fields)) else len(below)


def _signature_start(lines: list[str]) -> int:
    """Return the index of the first line of the signature, or the number of lines."""
    for index, line in enumerate(lines):
        if line in {"--", "-- "} or _SENT_FROM.fullmatch(line.strip()):
            return index
        if index and line.strip().lower().rstrip(_COMMAS + "! ") in _closings() and _is_closing(lines[index + 1 :]):
            return index
    return len(lines)


def _is_closing(after: list[str]) -> bool:
    """Return whether the lines after ``Best regards`` are a name and contact data, rather than more of the letter."""
    texts = [line.strip() for line in after if line.strip()]
    if len(texts) > _CLOSING_MAX or any(len(line) > _CLOSING_LINE or line.endswith(("?", "!")) for line in texts):
        return False
    return not texts or len(texts[0].split()) <= _NAME_WORDS
