"""Find the lines of known mails in a reply, whatever its author's mail program made of them."""

import html
import re
import unicodedata
from collections.abc import Sequence

from msgspec import Struct

from clearline.mail.format.quote_start import (
    above_rules,
    attribution_start,
    fields_end,
    is_original_message,
    is_quoted,
)

KNOWN_MAX = 200_000
"""Characters of known mails in which lines are looked for."""

_LINES_SEEN, _LINE_MAX = 3000, 5000
_MARKS = re.compile(r"^(?:\s{0,3}[>|])+")
_LINK = re.compile(r"<?(?:https?://|mailto:)[^\s<>\"]+>?", re.IGNORECASE)
_IGNORED = re.compile(r"[\s*_\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]+")
_RUN_LEAST, _LINE_LEAST = 40, 10
_FIELD = re.compile(r"[*_>\s]{0,6}[^\s:\uff1a][^:\uff1a\n]{0,30}[:\uff1a]")
_FIELD_LINES_MAX, _FIELDS_LEAST = 12, 3
_CONTEXT_MAX = 5
_ADDRESS_LINE = re.compile(r"([^<>@]*)<([^<>@\s]+@[^<>@\s]+)>\W{0,3}|()([^<>@\s]+@[^<>@\s]+)")
_BANNER_LINES_MAX = 5
_BANNER_BEGIN = re.compile(
    r"\W{0,9}(?:caution|warning|attention|external|ext\b|this (?:e-?mail|message)|you don.t often|some people who|"
    r"achtung|vorsicht|extern|diese (?:e-?mail|nachricht)|sie erhalten nicht|avertissement|"
    r"ce (?:mail|message|courriel)|vous ne? |precauci|externo|este (?:correo|mensaje|e-?mail)|esterno|let op)",
    re.IGNORECASE,
)
_BANNER_MAIL = re.compile(
    r"mail|message|nachricht|sender|absender|courriel|correo|mensaje|messaggio|bericht", re.IGNORECASE
)
_BANNER_OUTSIDE = re.compile(
    r"external|outside|don.t often|extern|au(?:ß|ss)erhalb|nicht (?:oft|häufig)|extérieur|pas souvent|fuera|fora|"
    r"esterno|buiten",
    re.IGNORECASE,
)
"""What a mail gateway writes above mail that comes from outside."""


class KnownMails(Struct, frozen=True):
    """The texts of mails that a reply may quote, and how their sender is called in it, in lower case."""

    texts: tuple[str, ...]
    names: tuple[str, ...]


NO_MAILS = KnownMails((), ())


def quoted_lines(lines: Sequence[str], known: KnownMails) -> set[int]:
    """Return the indices of the lines that quote known mails, with what introduces them.

    Of a quote between whose lines somebody wrote, the question above each answer is left out.
    """
    sources = [_plain(text) for text in known.texts]
    exact = {_plain(line) for text in known.texts for line in text.split("\n")} - {""}
    is_known = _known_lines(lines[:_LINES_SEEN], sources, exact)
    runs = _runs(lines, is_known)
    start = next((first for first, last in runs if _is_quote(lines, first, last, known.names)), None)
    if start is None:
        return set()
    quoted: set[int] = set()
    for first, last in runs:
        if first >= start:
            top, bottom = first, last
            while top and is_quoted(lines[top - 1]):
                top -= 1
            top = _above_banner(lines, top)
            while bottom + 1 < len(lines) and is_quoted(lines[bottom + 1]):
                bottom += 1
            quoted |= set(range(_introduction(lines, top, known.names), bottom + 1))
    return quoted - _questions(lines, quoted, start)


def _plain(text: str) -> str:
    """Return text without what mail programs change: marks, blanks, links, emphasis, entities, and case."""
    unmarked = "\n".join(_MARKS.sub("", line) for line in text.split("\n"))
    folded = unicodedata.normalize("NFKC", html.unescape(_LINK.sub("", unmarked)))
    return _IGNORED.sub("", folded).casefold()[:KNOWN_MAX]


def _known_lines(lines: Sequence[str], sources: Sequence[str], exact: set[str]) -> list[bool | None]:
    """Return for each line whether it is of a known mail; None if it has no words, or nothing but a link."""
    results: list[bool | None] = []
    cursors = [0] * len(sources)
    for line in lines:
        plain = _plain(line) if len(line) <= _LINE_MAX else ""
        if not any(map(str.isalnum, plain)):
            results.append(None)
            continue
        is_known = plain in exact
        for index, source in enumerate(sources):
            at = cursors[index] if source.startswith(plain, cursors[index]) else source.find(plain)
            if at >= 0 and (at == cursors[index] or is_known or len(plain) >= _LINE_LEAST or is_quoted(line)):
                cursors[index] = at + len(plain)
                is_known = True
        results.append(is_known)
    return results


def _runs(lines: Sequence[str], is_known: Sequence[bool | None]) -> list[tuple[int, int]]:
    """Return the first and last index of each run of known lines; blank lines and marked lines do not end it."""
    runs: list[tuple[int, int]] = []
    for index, known in enumerate(is_known):
        if not known:
            continue
        continues = runs and all(
            is_known[between] is not False or is_quoted(lines[between]) for between in range(runs[-1][1] + 1, index)
        )
        if continues:
            runs[-1] = runs[-1][0], index
        else:
            runs.append((index, index))
    return runs


def _is_quote(lines: Sequence[str], first: int, last: int, names: Sequence[str]) -> bool:
    """Return whether a run of known lines is a quote, rather than something that a person wrote again."""
    if is_quoted(lines[first]) or is_quoted(lines[last]):
        return True
    texts = [line for line in lines[first : last + 1] if line.strip()]
    size = sum(len(_plain(line)) for line in texts)
    return (size >= _RUN_LEAST and len(texts) > 1) or _introduced_at(lines, first, names) is not None


def _above_banner(lines: Sequence[str], start: int) -> int:
    """Return the index of the first line of the warning of a mail gateway directly above a quote, or else ``start``."""
    last = _last_line_above(lines, start)
    if last is None:
        return start
    first = last
    while first and lines[first - 1] and last - first < _BANNER_LINES_MAX:
        first -= 1
    for index in range(first, last + 1):  # the attribution may stand in the same paragraph
        text = " ".join(lines[index : last + 1])
        if _BANNER_BEGIN.match(_MARKS.sub("", text)) and _BANNER_MAIL.search(text) and _BANNER_OUTSIDE.search(text):
            return index
    return start


def _introduction(lines: Sequence[str], start: int, names: Sequence[str]) -> int:
    """Return the index of the first line of what introduces the quote at ``start``; ``start`` if nothing does."""
    first = _introduced_at(lines, start, names)
    if first is None:
        return above_rules(lines, start)
    first = above_rules(lines, first)
    above = _last_line_above(lines, first)
    return above if above is not None and is_original_message(lines[above]) else first


def _introduced_at(lines: Sequence[str], start: int, names: Sequence[str]) -> int | None:
    """Return the index of the attribution, the fields or the dashes directly above a quote, or None.

    The fields of a known mail may have labels in any language: one of the names stands in the first of them.
    """
    above = _last_line_above(lines, start)
    if above is None:
        return None
    paragraph = above
    while paragraph and above - paragraph < _FIELD_LINES_MAX and lines[paragraph - 1]:
        paragraph -= 1
    by_label = next((index for index in range(paragraph, above) if fields_end(lines, index) > above), None)
    if by_label is not None:
        return by_label
    fields = [index for index in range(paragraph, above + 1) if _FIELD.match(lines[index])]
    if len(fields) >= _FIELDS_LEAST and any(name in lines[fields[0]].casefold() for name in names):
        return fields[0]
    if is_original_message(lines[above]) or _is_address_line(lines[above], names):
        return above
    return attribution_start(lines, start, names)


def _is_address_line(line: str, names: Sequence[str]) -> bool:
    """Return whether a line is nothing but the address of the known mail's sender, with its name at most."""
    match = _ADDRESS_LINE.fullmatch(line[:_LINE_MAX].strip())
    if match is None:
        return False
    name, address = (match[1] or "").strip(" \"'*_").casefold(), (match[2] or match[4]).casefold()
    is_ours = any(address.startswith(known) for known in names if "@" in known or known.endswith("+"))
    return is_ours and (not name or name in names)


def _last_line_above(lines: Sequence[str], start: int) -> int | None:
    """Return the index of the last line with text above a line, at most three lines away; None if there is none."""
    return next((index for index in range(start - 1, max(-1, start - 4), -1) if lines[index]), None)


def _questions(lines: Sequence[str], quoted: set[int], start: int) -> set[int]:
    """Return the indices of the quoted lines directly above each answer that has more of the quote below."""
    last = max(quoted)
    answers = [index for index in range(start, last) if index not in quoted and lines[index]]
    kept: set[int] = set()
    for answer in answers:
        index = answer - 1
        while index > start and not lines[index]:
            index -= 1
        count = 0
        while index >= start and index in quoted and _MARKS.sub("", lines[index]).strip() and count < _CONTEXT_MAX:
            kept.add(index)
            index, count = index - 1, count + 1
    return kept
