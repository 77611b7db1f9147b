"""Find the mark with which an agent sends a mail to the customer, and the text that follows it."""

import re
import unicodedata
from collections.abc import Sequence
from enum import StrEnum

from clearline.mail.format.own_quote import KnownMails, quoted_lines
from clearline.mail.format.quote_start import (
    attribution_start,
    fields_end,
    is_forward_line,
    is_original_message,
    is_quoted,
    quote_start,
)
from clearline.mail.format.reply_text import SplitReply, is_forward

MARK = "#public"
"""The whole first line of a mail that is to go to the customer, in any case."""

_LIKE_MARK = re.compile(rf"[\W_]*{MARK}\b", re.IGNORECASE)
_LINE_SEEN = 200


class Unfit(StrEnum):
    """Why a mail with the mark must not go to the customer."""

    NOT_ALONE = f"{MARK} must stand alone on the first line of the mail"
    QUOTE_LEFT = "a quoted or forwarded mail is part of the text"
    NO_ANSWER = "it answers no mail of the desk to its sender that is still kept"
    NO_TEXT = f"there is no text below {MARK}"
    TOO_LONG = "the text is too long"


def may_have_mark(text: str) -> bool:
    """Return whether the mark, or something like it, is in the first line of a mail, or is a line of its own."""
    lines = text.split("\n")
    return _is_like_mark(_first(lines)) or any(map(_is_mark, lines))


def marked_reply(
    text: str, reply: SplitReply, known: KnownMails, *, subject: str, most: int
) -> SplitReply | Unfit | None:
    """Return what goes to the customer of a mail with this text; why it must not; None for a mail without the mark.

    ``reply`` is the split text, ``known`` the mails of ours that it may quote. The mark must be the first line of the
    mail and of the reply: a mark that is quoted, or part of a signature, has no effect. Where a quote may be left in
    the reply, nothing goes to the customer, since it may be of an internal note; neither does a text of more than
    ``most`` characters.
    """
    first, first_of_reply = _first(text.split("\n")), _first(reply.text.split("\n"))
    if not (_is_mark(first) and _is_mark(first_of_reply)):
        return Unfit.NOT_ALONE if _is_like_mark(first) or _is_like_mark(first_of_reply) else None
    below = reply.text.lstrip().partition("\n")[2].strip()
    if not below:
        return Unfit.NO_TEXT
    if len(below) > most:
        return Unfit.TOO_LONG
    has_quote = is_forward(subject) or _has_quote(below.split("\n"), known)
    return Unfit.QUOTE_LEFT if has_quote else SplitReply(below, reply.trimmed)


def _first(lines: Sequence[str]) -> str:
    return next((line[:_LINE_SEEN] for line in lines if line.strip()), "")


def _is_mark(line: str) -> bool:
    return line.strip().lower() == MARK


def _is_like_mark(line: str) -> bool:
    """Return whether a person may have meant the mark: with signs or words around it, or characters that look alike."""
    shown = "".join(char for char in unicodedata.normalize("NFKC", line) if unicodedata.category(char) != "Cf")
    return _LIKE_MARK.match(shown) is not None and not is_quoted(line)


def _has_quote(lines: Sequence[str], known: KnownMails) -> bool:
    """Return whether any line may belong to another mail. Of what is trimmed, in doubt a line stays; not here."""
    if quoted_lines(lines, known) or quote_start(lines, ours=known.names) < len(lines):
        return True
    return any(
        is_quoted(line)
        or is_original_message(line)
        or fields_end(lines, index)
        or is_forward_line(lines, index)
        or attribution_start(lines, index + 1, known.names) is not None
        for index, line in enumerate(lines)
    )
