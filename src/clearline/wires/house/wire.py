"""House API v1: what the bodies of its resources share."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType

from clearline import text
from clearline.accounts.domain import NAME_MAX, PHONE_MAX
from clearline.errors import Forbidden, InvalidInput, Violation
from clearline.tickets import domain as ticket

LIMIT_MAX = 200
CURSOR_MAX = 4000
"""Characters; a cursor may hold the longest of names."""
T = TypeVar("T")
_WORD = re.compile(r"\w+")

Moment = Annotated[datetime, Meta(tz=True)]
"""RFC 3339, in UTC when we write it."""

Number = Annotated[str, Meta(pattern=f"^{ticket.TICKET_NUMBER.pattern}$")]
Email = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=text.EMAIL_MAX,
        pattern=f"^{text.EMAIL.pattern}$",
        extra={"rule": f"must be an e-mail address of at most {text.EMAIL_MAX} characters"},
    ),
]


def characters(least: int, most: int) -> Meta:
    """Limit text to a number of characters. The pattern is for readers of the schema; the rule is the domain's."""
    return Meta(min_length=least, max_length=most, extra_json_schema={"pattern": r"^[^\x00]*$"})


Name = Annotated[str, characters(1, NAME_MAX)]
Phone = Annotated[str, characters(0, PHONE_MAX)]


class NoQuery(Struct, forbid_unknown_fields=True):
    """An operation that takes no parameters."""


class PageQuery(Struct, forbid_unknown_fields=True):
    """Which part of a list."""

    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX, description="At most so many.")] = 50
    cursor: (
        Annotated[
            str, Meta(max_length=CURSOR_MAX, description="`next_cursor` of the page before, with the same filters.")
        ]
        | None
    ) = None


class Page(Struct, Generic[T], frozen=True):
    """A part of a list. ``next_cursor`` is null on the last one."""

    data: list[T]
    has_more: bool
    next_cursor: str | None


class ProblemError(Struct, frozen=True):
    """One thing that is wrong: a JSON Pointer (RFC 6901) into the body, or the name of a parameter."""

    pointer: str
    code: str
    detail: str


class Problem(Struct, frozen=True, omit_defaults=True):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[ProblemError] = []


class ContactOut(Struct, frozen=True):
    """Whom to call about a ticket."""

    name: str
    phone: str
    email: str


class ContactIn(Struct, forbid_unknown_fields=True):
    """Whom to call about a ticket."""

    name: Name
    phone: Phone
    email: Email


class ContactPatch(Struct, forbid_unknown_fields=True):
    """Whom to call about a ticket from now on; what is not named stays."""

    name: Name | UnsetType = UNSET
    phone: Phone | UnsetType = UNSET
    email: Email | UnsetType = UNSET


class CompanyRef(Struct, frozen=True):
    """A company, as other resources name it."""

    id: str
    name: str
    code: str


class Ref(Struct, frozen=True):
    """Something that has an id and a name."""

    id: str
    name: str


def set_fields(body: Struct) -> dict[str, Any]:
    """Return the members that a merge-patch (RFC 7396) sets, with their values; null is None."""
    pairs = ((name, getattr(body, name)) for name in body.__struct_fields__)
    return {name: value for name, value in pairs if not isinstance(value, UnsetType)}


@contextmanager
def wire_names(names: dict[str, str]) -> Iterator[None]:
    """Let refusals name members as the wire does; ``names`` maps the wire's names to the domain's."""
    domain = {ours: theirs for theirs, ours in names.items()}
    try:
        yield
    except InvalidInput as refused:
        raise InvalidInput(
            [Violation(domain.get(broken.field, broken.field), broken.rule) for broken in refused.violations]
        ) from None
    except Forbidden as refused:
        if type(refused) is not Forbidden:
            raise
        renamed = _WORD.sub(lambda word: domain.get(word[0], word[0]), str(refused))
        raise Forbidden(renamed) from None
