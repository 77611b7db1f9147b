"""Values in the fields of forms."""

import base64
import binascii
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from clearline.errors import InvalidInput, NotFound, RuleCode, Violation
from clearline.text import storable
from clearline.tickets.domain import parse_ticket_number
from clearline.tickets.label_domain import normalize_tags
from clearline.web.visit import Form

E = TypeVar("E", bound=StrEnum)


def member_in(kind: type[E], form: Form, field: str) -> E:
    """Return a member of an enumeration by its value in a field.

    Raises:
        InvalidInput: it is none of them.
    """
    try:
        return kind(form.get(field))
    except ValueError:
        raise InvalidInput([Violation(field, "must be one of " + ", ".join(kind), RuleCode.CHOICE)]) from None


def id_in(form: Form, field: str) -> UUID | None:
    """Return the id in a field; None for an empty one, which means nobody or nothing.

    Raises:
        InvalidInput: it is no id.
    """
    text = form.get(field)
    try:
        return UUID(text) if text else None
    except ValueError:
        raise InvalidInput([Violation(field, "must be an id", RuleCode.FORMAT)]) from None


def tags_in(form: Form, field: str) -> tuple[str, ...]:
    """Return the tags in a field, which stand between spaces or commas, as tickets have them."""
    return normalize_tags(tuple(form.get(field).replace(",", " ").split()))


def optional_member_in(kind: type[E], form: Form, field: str) -> E | None:
    """Return a member of an enumeration by its value in a field; None for an empty one.

    Raises:
        InvalidInput: it is none of them.
    """
    return member_in(kind, form, field) if form.get(field) else None


def known_id(kind: str, text: str) -> UUID:
    """Return the id in the address or form of something that was shown.

    Raises:
        NotFound: it is no id.
    """
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(kind, text) from None


def to_segment(text: str) -> str:
    """Return a text of any characters, also slashes, as one segment of a path: base64url (RFC 4648, section 5)."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def from_segment(kind: str, segment: str) -> str:
    """Return the text of a segment that ``to_segment`` made.

    Raises:
        NotFound: it made no such segment, or the text has characters that no record has.
    """
    try:
        text = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)).decode()
    except (binascii.Error, ValueError):
        raise NotFound(kind, segment) from None
    if to_segment(text) != segment or not storable(text):
        raise NotFound(kind, segment)
    return text


def whole_number(text: str, *, digits: int) -> int | None:
    """Return a number in ASCII digits, at most so many of them; None for any other text."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= digits else None


def ids_in(form: Form, field: str) -> list[UUID]:
    """Return the ids in the boxes of a field that are checked.

    Raises:
        InvalidInput: one is no id.
    """
    try:
        return [UUID(text) for text in form.all(field)]
    except ValueError:
        raise InvalidInput([Violation(field, "must be ids", RuleCode.FORMAT)]) from None


def lines_in(form: Form, field: str) -> list[str]:
    """Return the lines of a field that have something."""
    return [line.strip() for line in form.get(field).split("\n") if line.strip()]


def pairs_in(form: Form, field: str) -> dict[str, str | None]:
    """Return the keys and values of the lines of a field, ``key=value``; None for a value that is empty.

    Raises:
        InvalidInput: a line has no equals sign.
    """
    values: dict[str, str | None] = {}
    for line in lines_in(form, field):
        key, equals, value = (part.strip() for part in line.partition("="))
        if not equals:
            raise InvalidInput([Violation(field, f"must have a = on each line, not {line[:80]}", RuleCode.FORMAT)])
        values[key] = value or None
    return values


def members_in(kind: type[E], form: Form, field: str) -> tuple[E, ...]:
    """Return the members of an enumeration whose boxes are checked.

    Raises:
        InvalidInput: one is none of them.
    """
    try:
        return tuple(kind(text) for text in form.all(field))
    except ValueError:
        raise InvalidInput([Violation(field, "must be some of " + ", ".join(kind), RuleCode.CHOICE)]) from None


def ticket_number_in(text: str, field: str) -> int:
    """Return the number of a ticket as people type it: with or without INC and zeros.

    Raises:
        InvalidInput: it is none.
    """
    text = text.strip().upper()
    number = whole_number(text, digits=12)
    number = parse_ticket_number(text) if number is None else number
    if number is None:
        raise InvalidInput([Violation(field, "must be a ticket's number, like INC000000000042", RuleCode.FORMAT)])
    return number
