"""Split the text of a mail into what a person wrote, and the quoted mail and signature.

All functions accept any input, and take time in proportion to it.
"""

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from clearline.mail.format.own_quote import NO_MAILS, KnownMails, quoted_lines
from clearline.mail.format.quote_start import attribution_start, fields_end, is_quoted, quote_start, restored_lines
from clearline.mail.format.signature import trimmed_lines

_FORWARDED_SUBJECT = re.compile(
    r"\s*(?:fwd?|wg|tr|rv|i|enc|doorst|vs|vb|vl|pd|továbbítás|转发|轉寄|転送|전달|ilt|itl)\s?[:\uff1a]",
    re.IGNORECASE,
)


_MARKED_LINES = re.compile(r"(?:[ ]{0,3}>[^\n]*(?:\n|\Z)|\n)*")
LINES_SEEN = 5000
"""Lines that are looked at. What follows them belongs to the quote that reaches them, or else to the reply."""


class SplitReply(Struct, frozen=True):
    """The text of a mail in two parts: what its author wrote, and the quote and signature that were trimmed."""

    text: str
    trimmed: str


def is_forward(subject: str) -> bool:
    """Return whether the subject of a mail says that the mail is forwarded."""
    return _FORWARDED_SUBJECT.match(subject) is not None


def split_reply(
    text: str, *, subject: str = "", sender_names: Iterable[str] = (), known: KnownMails = NO_MAILS
) -> SplitReply:
    """Split the text of a mail into the reply, and the quoted mail and signature. No line is lost.

    Quotes of known mails are found by their lines, others by the structure that mail programs give them. Replies
    between quoted lines keep the question. If there is only a quote and a signature, nothing is trimmed.
    ``sender_names`` are how the author is called.
    """
    *first, rest = text.split("\n", LINES_SEEN) if text.count("\n") >= LINES_SEEN else [*text.split("\n"), ""]
    lines = restored_lines([line if line == "-- " else line.rstrip() for line in first])
    names = frozenset(word for name in sender_names for word in re.split(r"[\W_]+", name.casefold()) if word)
    quoted = quoted_lines(lines, known) or _guessed_quote(
        lines, forwarded=is_forward(subject), names=names, ours=known.names
    )
    trimmed = quoted | (set[int]() if rest else _signatures(lines, quoted, names))
    more_quoted, more = _divided(rest, lines[-1], is_quote=len(lines) - 1 in quoted)
    reply = [*(line for index, line in enumerate(lines) if index not in trimmed), more]
    if not any(line and not is_quoted(line) for line in reply):
        return SplitReply(_joined(text.split("\n")), "")
    return SplitReply(_joined(reply), _joined([*(lines[index] for index in sorted(trimmed)), more_quoted]))


def _divided(rest: str, last_line: str, *, is_quote: bool) -> tuple[str, str]:
    """Return what of the lines that are not looked at belongs to the quote above them, and what does not."""
    if not is_quote:
        return "", rest
    marked = _MARKED_LINES.match(rest) if is_quoted(last_line) else None
    end = len(rest) if marked is None else marked.end()
    return rest[:end], rest[end:]


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(line.rstrip() for line in lines).strip()


def _signatures(lines: Sequence[str], quoted: set[int], sender_names: frozenset[str]) -> set[int]:
    """Return the indices of the lines of signatures in each part that is not quoted."""
    found: set[int] = set()
    part: list[int] = []
    for index in range(len(lines) + 1):
        if index < len(lines) and index not in quoted:
            part.append(index)
        elif part:
            texts = [lines[number] for number in part]
            is_below_quote = part[0] > 0
            found |= {part[at] for at in trimmed_lines(texts, sender_names, is_below_quote=is_below_quote)}
            part = []
    return found


def _guessed_quote(lines: Sequence[str], *, forwarded: bool, names: frozenset[str], ours: Sequence[str]) -> set[int]:
    """Return the indices of the lines of a quote that is found by its structure.

    A quote that is cited above the reply stays, if the mail has another one, with its own attribution, at its end.
    """
    start = quote_start(lines, is_forward=forwarded, names=names, ours=ours)
    below = lines[start:]
    first = _first_mark(below)
    reply = next((index for index in range(first, len(below)) if below[index] and not is_quoted(below[index])), None)
    if reply is None:
        return set(range(start, len(lines)))
    keeps_quote = any(map(is_quoted, below[reply:]))
    last = _last_quote(lines) if keeps_quote else None
    if last is not None and last > start + reply:
        return set(range(last, len(lines)))
    return set(range(start, start + (first if keeps_quote else reply)))


def _last_quote(lines: Sequence[str]) -> int | None:
    """Return the index of the attribution of the marked lines that end a mail; None if they have none."""
    first = len(lines)
    while first and (not lines[first - 1] or is_quoted(lines[first - 1])):
        first -= 1
    mark = next((index for index in range(first, len(lines)) if is_quoted(lines[index])), None)
    return None if mark is None else attribution_start(lines, mark)


def _first_mark(below: Sequence[str]) -> int:
    """Return the index of the first marked line of a quote; the number of lines when the quote has no marks.

    Marks after unmarked text belong to a quote in the quoted mail, which then has no marks of its own.
    """
    first = next((index for index, line in enumerate(below) if is_quoted(line)), len(below))
    introduction = "\n".join(below[:first]).strip().split("\n")
    is_introduced = "" not in introduction and (len(introduction) <= 6 or fields_end(introduction, 0) > 0)
    return first if is_introduced else len(below)
