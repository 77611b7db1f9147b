"""House API v1: structs that several resources use."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType

from clearline.accounts.domain import NAME_MAX, PHONE_MAX
from clearline.catalogue.domain import KEY_MAX
from clearline.errors import Forbidden, InvalidInput, RuleCode, Violation
from clearline.fields.domain import FIELDS_MAX, LONG_TEXT_MAX, OPTIONS_MAX
from clearline.fields.domain import KEY_MAX as FIELD_KEY_MAX
from clearline.identity import Company
from clearline.tickets import domain as ticket
from clearline.tickets.contact import Contact
from clearline.wires.http.fields import NOT_NUL, Email, characters

LIMIT_MAX = 200
UUID_MAX = 36
"""Characters of an id."""
CURSOR_MAX = 4000
"""Characters. A cursor may contain the longest possible name."""
T = TypeVar("T")
_WORD = re.compile(r"\w+")

Moment = Annotated[datetime, Meta(tz=True)]
"""RFC 3339; in answers always UTC."""

Id = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
"""The id of a resource in an answer, a UUID in canonical form."""

NoteId = Annotated[
    str, Meta(pattern="^WLG[0-9]{12}$", extra={"rule": "must be the id of a note, such as WLG000000000107"})
]
Number = Annotated[
    str,
    Meta(
        pattern=f"^{ticket.TICKET_NUMBER.pattern}$",
        extra={"rule": "must be the number of a ticket, such as INC000000000042"},
    ),
]
Name = Annotated[str, characters(1, NAME_MAX)]
_KEYS = "The provider adds its own and retires others, so that this is no fixed list"
IssueTypeKey = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=KEY_MAX,
        description=f"The key of an issue type of `listIssueTypes`. {_KEYS}.",
        extra_json_schema={"pattern": NOT_NUL, "examples": ["Circuit Down"]},
    ),
]
ServiceTypeKey = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=KEY_MAX,
        description=f"The key of a service type of `listServiceTypes`. {_KEYS}.",
        extra_json_schema={"pattern": NOT_NUL, "examples": ["Port"]},
    ),
]
Phone = Annotated[str, characters(0, PHONE_MAX)]

FieldText = Annotated[str, characters(0, LONG_TEXT_MAX)]
FieldValue = FieldText | bool | int | float | Annotated[list[FieldText], Meta(max_length=OPTIONS_MAX)]
"""The value of an own field: its type says which of these it is."""
FieldValues = Annotated[
    dict[Annotated[str, characters(1, FIELD_KEY_MAX)], FieldValue | None],
    Meta(
        max_length=FIELDS_MAX,
        description="Values of own fields by their keys: see `listFields` for these and their types. Null clears one.",
    ),
]


class NoQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """The query of an operation without parameters."""


Limit = Annotated[int, Meta(ge=1, le=LIMIT_MAX, description="The maximum number of items in the page.")]
Cursor = Annotated[
    str, Meta(max_length=CURSOR_MAX, description="The `next_cursor` of the previous page. Keep the filters.")
]


class PageQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """The page of a list."""

    limit: Limit = 50
    cursor: Cursor | None = None


class DatedPageQuery(PageQuery, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The page of a list from the newest to the oldest, and the time that it is about."""

    since: Annotated[Moment, Meta(description="Not before this time.")] | None = None
    until: Annotated[Moment, Meta(description="Before this time.")] | None = None


class Page(Struct, Generic[T], frozen=True):
    """A page of a list. ``next_cursor`` is null on the last page."""

    data: list[T]
    has_more: bool
    next_cursor: str | None


class ProblemError(Struct, frozen=True):
    """An invalid value. ``pointer`` is a JSON Pointer (RFC 6901) into the body, or the name of a parameter."""

    pointer: str
    code: RuleCode
    detail: str


class Problem(Struct, frozen=True, omit_defaults=True):
    """A problem (RFC 9457)."""

    type: Annotated[str, Meta(extra_json_schema={"format": "uri-reference"})]
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[ProblemError] = []


class ContactOut(Contact, frozen=True):
    """The person to contact about a ticket."""


class ContactIn(Struct, forbid_unknown_fields=True):
    """The person to contact about a ticket."""

    name: Name
    phone: Phone
    email: Email


class ContactPatch(Struct, forbid_unknown_fields=True):
    """The new contact of a ticket. Members that are absent do not change."""

    name: Name | UnsetType = UNSET
    phone: Phone | UnsetType = UNSET
    email: Email | UnsetType = UNSET


class CompanyRef(Company, frozen=True):
    """A reference to a company."""


class Ref(Struct, frozen=True):
    """A reference to a resource that has a name."""

    id: Id
    name: str


def set_fields(body: Struct) -> dict[str, Any]:
    """Return the members that a merge patch (RFC 7396) sets, with their values; null is None."""
    pairs = ((name, getattr(body, name)) for name in body.__struct_fields__)
    return {name: value for name, value in pairs if not isinstance(value, UnsetType)}


def new_facts(body: Struct, *required: str) -> dict[str, Any]:
    """Return what a body says beyond its required members: those that are set, with nested objects as dicts."""
    facts = {name: value for name, value in set_fields(body).items() if name not in required}
    return {name: set_fields(value) if isinstance(value, Struct) else value for name, value in facts.items()}


@contextmanager
def wire_names(names: dict[str, str]) -> Iterator[None]:
    """Translate the names of members in errors; ``names`` maps names of the wire to names of the domain."""
    domain = {ours: theirs for theirs, ours in names.items()}
    try:
        yield
    except InvalidInput as refused:
        raise InvalidInput(
            [
                Violation(domain.get(broken.field, broken.field), broken.rule, broken.code)
                for broken in refused.violations
            ]
        ) from None
    except Forbidden as refused:
        if type(refused) is not Forbidden:
            raise
        renamed = _WORD.sub(lambda word: domain.get(word[0], word[0]), str(refused))
        raise Forbidden(renamed) from None
