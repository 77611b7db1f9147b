"""Find where a quoted mail starts, by the structure that mail programs give it.

All functions take lines without blanks at their ends, and take time in proportion to them.
"""

import itertools
import re
from collections.abc import Collection, Sequence

from clearline.mail.format.mail_words import (
    ANSWERS,
    ANSWERS_INSIDE,
    CLOSINGS,
    DATE_LABELS,
    FORWARDED,
    FROM_LABELS,
    ORIGINAL_MESSAGE,
    PLACES_INSIDE,
    SALUTATIONS,
    SUBJECT_LABELS,
    TO_LABELS,
    WROTE,
)

LINE_SEEN = 400
"""Characters of a line that are looked at."""

LINES_SEEN = 2000
"""Lines in which the start of a quote is looked for."""

_QUOTED = re.compile(r"\s{0,3}>")
_MARKS = re.compile(r"^(?:\s{0,3}>)+\s?")
_INVISIBLE = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069* \u00a0"
_RULE = re.compile(r"\s*(?:[_=*~─—-]{5,}|[*]?-{5,}[*]?)\s*")
_ADDRESS = re.compile(r"[^\s<>()\"'@:;,]@[^\s<>()\"'@:;,]")
_IN_DOMAIN = re.compile(r"@[^\s<>()\"'@:;,.]+\.[^\s<>()\"'@:;,]")
"""In an address with a domain, rather than ``root@router``."""

_CLOCK = re.compile(r"\d{1,2}\s?[:.h\u066b時时]\s?\d{2}|\b\d{1,2} ?[ap]\.?m\b", re.IGNORECASE)
_DATE = re.compile(
    r"(?<!\d)\d{1,4}[./-]\s?\d{1,2}[./-]\s?\d{2,4}(?!\d)|(?<!\d)(?:19|20|25)\d\d(?!\d)\D{1,12}\d{1,2}(?!\d)|"
    r"(?<!\d)\d{1,2}(?!\d)\D{1,25}(?:19|20|25)\d\d(?!\d)|\d{1,2}\s?[月월]|"  # 25: of the Buddhist calendar
    r"\b(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?,"
)
_ATTRIBUTION_LINES, _ATTRIBUTION_MAX = 4, 500
_BLANKS_MAX = 5
"""Blank lines between an attribution and its quote, at most."""

_WRAPPED_AT = 55
"""Mail programs wrap an attribution that is longer than this."""

_FIELD = re.compile(
    r"[*_>\s]{0,6}([^\s*_:\uff1a>][^:\uff1a<>@\n]{0,28}?)\s?[*_]{0,2}\s?[:\uff1a][*_]{0,2}(?:\s+|(?=\S)|$)(.*)"
)
_NO_PERSON = re.compile(
    r"\W{0,9}(?:\d[\d\s.,:/TZ+-]{0,40}|(?=[0-9a-f]{0,4}:[0-9a-f:.]*:)[0-9a-f:./]{3,50})"
    r"(?:\s?(?:[ap]\.?m\.?|h|uhr|utc|gmt|[a-z]{2,4}t))?\W{0,9}",
    re.IGNORECASE,
)
"""The value of a field that is a time, a date, a number or an IP address."""

_FIELD_LINES_MAX = 20
_BETWEEN_DASHES = re.compile(r"[\s*_]*-{2,}\s*([^-\s][^\n]{2,200}?)\s*-{2,}[\s*_]*")
_INLINE_TAG = re.compile(r"\s{0,8}(?:\[[^\W\d_][\w .'-]{0,20}\]:?\s+\S|(?:-{1,3}>|={1,3}>|\u2192)\s?\S)")
_NAME_TAG = re.compile(r"[\s<(*_]{0,8}([^\W\d_][\w .'-]{0,30}?)[*_)]{0,3}\s?[:>]{1,2}[*_]{0,2}\s{1,3}\S")
_ENDS_WITH_ADDRESS = re.compile(r"[<(\[]\s?[^\s<>@]{1,254}@[^\s<>@]{1,254}\s?[>)\]]\W{0,9}")
_DIGITS = {zero + digit: str(digit) for zero in (0x660, 0x6F0, 0x966, 0xE50) for digit in range(10)}
"""Arabic, Persian, Devanagari and Thai digits."""

_TIME_LINE_MAX, _SALUTATION_WORDS = 80, 6


def is_quoted(line: str) -> bool:
    """Return whether a line has the mark of a quote."""
    return _QUOTED.match(line) is not None


def has_address(text: str) -> bool:
    """Return whether text holds an e-mail address."""
    return _ADDRESS.search(text) is not None


def has_date(text: str) -> bool:
    """Return whether text holds a date, in any order and language."""
    return _DATE.search(text.translate(_DIGITS)) is not None


def restored_lines(lines: Sequence[str]) -> list[str]:
    """Return the lines as a mail program meant them: an attribution begins its line, and no ``>`` of it is a mark.

    Some programs append an attribution to the last line of the reply, and break lines within ``<ada@example.com>``.
    """
    out: list[str] = []
    for index, line in enumerate(lines):
        start = max(line.rfind(" On "), line.rfind("-On "))
        is_shared = start > 0 and line.endswith("wrote:") and has_date(line[start:]) and not is_quoted(line)
        if is_shared and next((is_quoted(below) for below in lines[index + 1 : index + 3] if below), False):
            reply = line[: start + 1].rstrip("- ")
            out += [reply, line[len(reply) :].strip()]
        elif line.startswith(">") and line.endswith(":") and (opened := _open_bracket(out)):
            out[-opened:] = ["".join([*out[-opened:], line])]
            if out[-1].startswith("<") and len(out) > 1 and not out[-2]:
                del out[-2]
        else:
            out.append(line)
    return out


def _open_bracket(lines: Sequence[str]) -> int:
    """Return how many of the last three lines there are from one with an open ``<`` on; 0 if none has one."""
    text = ""
    for count, line in enumerate(reversed(lines[-3:]), 1):
        if not line or is_quoted(line):
            return 0
        text = line + text
        if text.count("<") > text.count(">"):
            return count
    return 0


def quote_start(
    lines: Sequence[str], *, is_forward: bool = False, names: Collection[str] = (), ours: Collection[str] = ()
) -> int:
    """Return the index of the first line of the quoted mail, or the number of lines.

    A quote starts with an attribution above marked lines, with the fields of a mail (From, Sent, To, Subject), or with
    ``-----Original Message-----``. Above lines without marks, an attribution has an address, a date and a time. A
    forwarded mail is content: after its first line no quote is looked for.
    ``is_forward`` says that the whole mail is forwarded, as its subject says. ``names`` are the words of the author's
    name in lower case, who may have written into the quote. ``ours`` are how the sender of the mail that is answered is
    called, if that mail is known: a quote without marks of somebody else's mail is content.
    """
    if is_forward:
        return len(lines)
    seen = [line[:LINE_SEEN] for line in lines[:LINES_SEEN]]
    content_end = 0
    for index, line in enumerate(seen):
        if not line or index < content_end:
            continue
        if is_forward_line(seen, index):
            return len(lines)
        start = _above_marks(seen, index) if is_quoted(line) else _without_marks(seen, index, names)
        if start is not None and (is_quoted(line) or _is_from(seen, start, index, ours)):
            return above_rules(seen, start)
        content_end = 0 if is_quoted(line) else _introduction_end(seen, index)
    return len(lines)


def _introduction_end(lines: Sequence[str], index: int) -> int:
    """Return the index after the fields at a line, or below a line like ``-----Original Message-----``; 0 without."""
    if is_original_message(lines[index]):
        index = next((below for below in range(index + 1, len(lines)) if lines[below]), index)
    return fields_end(lines, index)


def above_rules(lines: Sequence[str], start: int) -> int:
    """Return the index of the first of the blank lines and horizontal rules directly above a line."""
    above = start
    while above and (not lines[above - 1] or _RULE.fullmatch(lines[above - 1])):
        above -= 1
    return next((index for index in range(above, start) if lines[index]), start)


def _above_marks(lines: Sequence[str], index: int) -> int | None:
    """Return the index of the attribution above marked lines, or in the first of them; None if there is none."""
    if index and is_quoted(lines[index - 1]):
        return None
    start = attribution_start(lines, index)
    if start is not None:
        return start
    marked = [_MARKS.sub("", line) for line in itertools.takewhile(is_quoted, lines[index : index + _FIELD_LINES_MAX])]
    return index if len(marked) > 1 and (_is_attribution(marked[0]) or fields_end(marked, 0)) else None


def _without_marks(lines: Sequence[str], index: int, names: Collection[str]) -> int | None:
    """Return the index of the first line of what introduces a quote without marks and ends at a line, or None."""
    if is_original_message(lines[index]) or fields_end(lines, index):
        start: int | None = index
    elif lines[index].endswith((":", "\uff1a")):
        start = attribution_start(lines, index + 1)
        text = " ".join(lines[start : index + 1]) if start is not None else ""
        ends = _has_verb(text) or _ENDS_WITH_ADDRESS.search(text[-300:]) is not None
        is_certain = has_address(text) and has_date(text) and _CLOCK.search(text.translate(_DIGITS)) and ends
        below = next((line for line in lines[index + 1 :] if line), "")
        above = [line for line in lines[:start] if line]
        is_reply_below = bool(above) and all(map(_is_salutation, above))
        start = start if is_certain and below and not is_quoted(below) and not is_reply_below else None
    else:
        start = None
    return None if start is None or _is_content(lines, start, names) else start


def attribution_start(lines: Sequence[str], quote: int, names: Sequence[str] = ()) -> int | None:
    """Return the index of the first line of the attribution directly above the line ``quote``; None if there is none.

    It has an address, or a date and a word like ``wrote``, and may be wrapped. ``names`` are other texts, in lower
    case, of which one is enough.
    """
    last = quote - 1
    while last >= 0 and quote - last <= _BLANKS_MAX and not lines[last]:
        last -= 1
    if last < 0 or not lines[last] or is_quoted(lines[last]):
        return None
    text, best = "", None
    for first in range(last, max(-1, last - _ATTRIBUTION_LINES), -1):
        line = lines[first]
        if not line or is_quoted(line) or len(text) > _ATTRIBUTION_MAX:
            break
        if best is not None and not _is_wrapped(line, lines[first + 1]) and not _is_time_above(lines, first, text):
            break
        text = f"{line} {text}"
        if _is_attribution(text, names):
            best = first
        if has_address(text) and has_date(text):
            break
    return best


def _is_attribution(text: str, names: Sequence[str] = ()) -> bool:
    plain = text.strip(_INVISIBLE)
    signs = has_address(plain) and (_IN_DOMAIN.search(plain) is not None or _has_verb(plain)), has_date(plain)
    if not plain.endswith((":", "\uff1a")):
        return all(signs) and plain.endswith((">", "-", "\uff1e"))
    words = plain.casefold()
    return signs[0] or (signs[1] and _has_verb(plain)) or any(name in words for name in names)


def _has_verb(text: str) -> bool:
    words = text.casefold()
    return any(verb in words for verb in WROTE)


def _is_time_above(lines: Sequence[str], index: int, text: str) -> bool:
    """Return whether a line is the time of an attribution, of which ``text`` is the rest."""
    line = lines[index]
    is_first = index == 0 or not lines[index - 1]
    has_time = has_date(line) and _CLOCK.search(line) is not None and len(line) <= _TIME_LINE_MAX
    return is_first and has_time and not has_date(text)


def _is_wrapped(line: str, below: str) -> bool:
    """Return whether a line is the first part of a longer one."""
    begins = below.lstrip()
    return line.endswith(("<", ",")) or begins.startswith("<") or len(line) + len(begins.split(" ")[0]) > _WRAPPED_AT


def fields_end(lines: Sequence[str], start: int) -> int:
    """Return the index after the fields of a quoted mail that start at a line; 0 if none do.

    A person writes ``From: Amsterdam`` and ``To: London``, too. So there must be three of From, Date, To and Subject,
    the first of them not To, with an address or a time; or two, with both. A time or an IP address is no person: it
    stands in the plan of a maintenance, or in a log.
    """
    first = _label(lines[start])
    if first is None or first[0] not in "fds" or _is_no_person(first):
        return 0
    kinds, values, end = first[0], first[1], start + 1
    while end < min(len(lines), start + _FIELD_LINES_MAX) and lines[end]:
        field = _label(lines[end])
        if field is not None and _is_no_person(field):
            return 0
        if field is not None:
            kinds += field[0]
        elif not _continues(lines, end):
            break
        values += "\n" + (lines[end] if field is None else field[1])
        end += 1
    signs = has_address(values) + (_CLOCK.search(values) is not None or has_date(values))
    count = len(set(kinds) & set("fdts"))
    return end if (count >= 3 and signs) or (count == 2 and signs == 2 and "d" in kinds) else 0


def _is_no_person(field: tuple[str, str]) -> bool:
    """Return whether a field is From or To with a time, a number or an IP address."""
    value = field[1].translate(_DIGITS)
    is_time = _CLOCK.search(value) is not None and not has_address(value)
    return field[0] in {"f", "t"} and (is_time or _NO_PERSON.fullmatch(value) is not None)


def _continues(lines: Sequence[str], index: int) -> bool:
    """Return whether a line without a label belongs to the fields: it is wrapped, or a field follows."""
    line = lines[index]
    follows = index + 1 < len(lines) and _label(lines[index + 1]) is not None
    return follows or line.startswith((" ", "\t")) or lines[index - 1].endswith(("<", ",", ";", "mailto:"))


def _label(line: str) -> tuple[str, str] | None:
    """Return the kind of a field (f, d, t, s, or empty for another) and its value; None if a line is no field."""
    match = _FIELD.match(line)
    if match is None:
        return None
    label = " ".join(match[1].casefold().split())
    kinds = (("f", FROM_LABELS), ("d", DATE_LABELS), ("t", TO_LABELS), ("s", SUBJECT_LABELS))
    return next((kind for kind, labels in kinds if label in labels), ""), match[2]


def is_original_message(line: str) -> bool:
    """Return whether a line is ``-----Original Message-----``, in any language, or ``---- Ada wrote ----``."""
    match = _BETWEEN_DASHES.fullmatch(line)
    if match is None:
        return False
    words = " ".join(match[1].casefold().split())
    return words in ORIGINAL_MESSAGE or words.endswith(" wrote") or (has_date(words) and has_address(words))


def is_forward_line(lines: Sequence[str], index: int) -> bool:
    """Return whether a line introduces a forwarded mail: between dashes, or above the fields of a mail."""
    line = lines[index].casefold()
    if is_quoted(line) or not any(stem in line for stem in FORWARDED):
        return False
    if _BETWEEN_DASHES.fullmatch(line) is not None:
        return True
    below = next((number for number in range(index + 1, min(len(lines), index + 4)) if lines[number]), None)
    return below is not None and line.endswith((":", "\uff1a")) and fields_end(lines, below) > 0


def _is_content(lines: Sequence[str], start: int, names: Collection[str]) -> bool:
    """Return whether a quote without marks is what its author sends, rather than what a mail program added.

    A line that ends with a colon announces it; or somebody wrote into it, as in ``[Ada] ae3``:
    then its lines cannot be told.
    """
    above = [line for line in lines[:start] if line and not _RULE.fullmatch(line)]
    text = " ".join(above).casefold()
    if above and above[-1].endswith((":", "\uff1a")) and above[-1].casefold().strip(" :\uff1a") not in CLOSINGS:
        return True
    if any(words in text for words in ANSWERS_INSIDE):
        return True
    if any(words in text for words in ANSWERS) and any(words in text for words in PLACES_INSIDE):
        return True
    return any(_is_answer(line, names) for line in lines[start:] if not is_quoted(line))


def _is_from(lines: Sequence[str], start: int, index: int, ours: Collection[str]) -> bool:
    """Return whether what introduces a quote, from a line to another or the end of its fields, may name its sender."""
    below = next((number for number in range(index + 1, len(lines)) if lines[number]), index)
    fields = index if fields_end(lines, index) or not is_original_message(lines[index]) else below
    text = "\n".join(lines[start : max(index + 1, fields_end(lines, fields))]).casefold()
    return not ours or not has_address(text) or any(name in text for name in ours)


def _is_salutation(line: str) -> bool:
    """Return whether a line is nothing but ``Hello Ben,``, in any language."""
    text = line.casefold().strip()
    begins = any(re.match(rf"{re.escape(words)}(?!\w)", text) for words in SALUTATIONS if text.startswith(words))
    count = len(text.split())
    return begins and (count <= 2 or (count <= _SALUTATION_WORDS and text.endswith((",", "!", "\uff0c", "\uff01"))))


def _is_answer(line: str, names: Collection[str]) -> bool:
    """Return whether a line begins with a tag, an arrow, or the author's name or initials with a colon."""
    if _INLINE_TAG.match(line):
        return True
    match = _NAME_TAG.match(line)
    words = [] if match is None else [word for word in re.split(r"[\W_]+", match[1].casefold()) if word]
    return bool(words) and (set(words) <= set(names) or _are_initials("".join(words), names))


def _are_initials(text: str, names: Collection[str]) -> bool:
    """Return whether a text is the first letters of two or more names."""
    return len(text) > 1 and sorted(text) == sorted(name[0] for name in names)
