"""Find the signature below a letter (RFC 3676, section 4.3), and the lines that phones add."""

import re
from collections.abc import Sequence

from clearline.mail.format.mail_words import CLOSINGS, DEVICES, POSTSCRIPTS, SENT_FROM

_SEPARATORS = {"--", "-- "}
_PUNCTUATION = ",.!;\uff0c\u3002\uff01 "
_TAIL = 40
"""Lines at the end in which a closing is looked for."""

_LINES_MAX, _LINE_MAX, _NAME_WORDS, _SENT_FROM_WORDS = 12, 80, 4, 9
_POSTSCRIPT = re.compile(
    r"\s*(?:(?:p\.?\s?p?\.?\s?s|n\.?b|edit|update)\b\.?\s*[:.,-]?|"
    rf"(?:{'|'.join(map(re.escape, sorted(POSTSCRIPTS)))})\.?\s*[:\uff1a])\s*\S",
    re.IGNORECASE,
)
_CONTACT = re.compile(
    r"[^\s@]{1,99}@\S{1,99}|https?://\S{1,500}|\bwww\.\S{1,200}|[+(]?\d[\d\s()./-]{6,30}\d", re.IGNORECASE
)
_LABEL_WORDS, _TITLE_WORDS, _CONNECTOR_MAX = 2, 6, 3
_LINK = re.compile(r"[<(\[]?https?://\S+")


def trimmed_lines(lines: Sequence[str], sender_names: frozenset[str], *, is_below_quote: bool) -> set[int]:
    """Return the indices of the lines that are a signature, or that a phone added.

    ``sender_names`` are the words of the sender's name in lower case; empty if it is unknown.
    """
    start = _signature_start(lines, sender_names, is_below_quote=is_below_quote)
    return set(range(start, len(lines))) | {index for index, line in enumerate(lines[:start]) if is_sent_from(line)}


def is_sent_from(line: str) -> bool:
    """Return whether a line is ``Sent from my phone``, in any language."""
    text = _LINK.sub("", line).casefold().strip("*_<> \t")
    if not text or len(text) > _LINE_MAX or len(text.split()) > _SENT_FROM_WORDS:
        return False
    text = text.rstrip(".!")
    if any(mark in text for mark in ",;:?!") or not any(device in text for device in DEVICES):
        return False
    return any(words in text for words in SENT_FROM)


def _signature_start(lines: Sequence[str], sender_names: frozenset[str], *, is_below_quote: bool) -> int:
    after_postscript = next((index for index in range(len(lines), 0, -1) if _POSTSCRIPT.match(lines[index - 1])), 0)
    tail = max(after_postscript, len(lines) - _TAIL)
    for index in range(after_postscript, len(lines)):
        line = lines[index]
        is_bare = index >= tail and line == "--"
        if line == "-- " or (is_bare and (is_below_quote or _is_below_dashes(lines[index + 1 :]))):
            return index
        is_closing = index >= tail and line.strip().casefold().strip(_PUNCTUATION) in CLOSINGS
        is_list = next((above.endswith((":", "\uff1a")) for above in reversed(lines[:index]) if above), False)
        if is_closing and not is_list and _is_name_and_contact(lines[index + 1 :], sender_names):
            return index
    return len(lines)


def _is_below_dashes(below: Sequence[str]) -> bool:
    """Return whether lines are a signature although the dashes lack a blank: a name or contact is first."""
    texts = [text for text in (line.strip() for line in below) if any(map(str.isalnum, text))]
    is_closing = bool(texts) and texts[0].casefold().strip(_PUNCTUATION) in CLOSINGS
    if not texts or is_closing:
        return len(texts) <= _LINES_MAX
    return len(texts) <= _LINES_MAX and (_is_name(texts[0]) or _CONTACT.search(texts[0]) is not None)


def _is_name_and_contact(below: Sequence[str], sender_names: frozenset[str]) -> bool:
    """Return whether the lines below a closing are nothing but a name and contact data.

    Without a way to contact somebody, there is only the sender's name. A title and a company stand between the two.
    """
    texts = [text for text in (line.strip() for line in below) if text and not is_sent_from(text)]
    if texts and texts[0] in _SEPARATORS:
        texts = texts[1:]
    if not texts or len(texts) > _LINES_MAX or any(len(text) > _LINE_MAX for text in texts):
        return False
    contacts = [index for index, text in enumerate(texts) if _is_contact(text)]
    is_sender = _is_name(texts[0]) and bool(sender_names & set(_name_words(texts[0])))
    if not contacts:
        return is_sender and len(texts) == 1
    if sender_names and not is_sender:
        return False
    others = [index for index in range(1, len(texts)) if index not in contacts]
    return _is_name(texts[0]) and all(index < contacts[-1] and _is_title(texts[index]) for index in others)


def _is_contact(text: str) -> bool:
    """Return whether a line is a number, an address or a link, with a label at most."""
    others = _CONTACT.sub(" ", text)
    return others != text and len(re.findall(r"[^\W\d_]{2,}", others)) <= _LABEL_WORDS


def _is_name(text: str) -> bool:
    return len(text.split()) <= _NAME_WORDS and not any(char.isdigit() or char in ":?!" for char in text)


def _is_title(text: str) -> bool:
    """Return whether a line is a title, a department or a company: some words in capitals."""
    words = [word for word in re.split(r"[\W\d_]+", text) if len(word) > _CONNECTOR_MAX]
    return len(text.split()) <= _TITLE_WORDS and not any(word[0].islower() for word in words)


def _name_words(text: str) -> list[str]:
    return [word for word in re.split(r"[\W_]+", text.casefold()) if word]
