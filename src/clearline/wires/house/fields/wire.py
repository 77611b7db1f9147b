"""House API v1: own fields, exactly as they travel."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, field

from clearline.fields import domain
from clearline.fields.domain import FieldAudience, FieldType, RecordKind, RefersTo, Required
from clearline.fields.pattern_domain import PATTERN_MAX
from clearline.wires.house.wire import FieldValue, Id, Moment, PageQuery
from clearline.wires.http.fields import characters

Key = Annotated[str, Meta(pattern=f"^{domain.KEY.pattern}$", extra={"rule": domain.KEY_RULE})]
Label = Annotated[str, characters(1, domain.LABEL_MAX)]
Translation = Annotated[str, characters(0, domain.LABEL_MAX)]
Help = Annotated[str, characters(0, domain.HELP_MAX)]
Pattern = Annotated[str, characters(1, PATTERN_MAX)]
Place = Annotated[int, Meta(ge=0, le=domain.PLACE_MAX)]
Limit = Annotated[
    int | float | Annotated[str, characters(1, 40)],
    Meta(description="A number; for a date or a moment such a value; for texts and `choices` a count."),
]


class OptionIn(Struct, forbid_unknown_fields=True):
    """An option of a choice. Retire one with ``active: false``: values that have it stay, and nobody chooses it."""

    key: Key
    label: Label
    label_de: Translation = ""
    active: bool = True


class OptionOut(Struct, frozen=True):
    """An option of a choice. Its label is also there in German."""

    key: str
    label: str
    label_de: str
    active: bool


Options = Annotated[list[OptionIn], Meta(max_length=domain.OPTIONS_MAX)]


class FieldIn(Struct, forbid_unknown_fields=True):
    """A field to add. ``record``, ``key`` and, while there are values, ``type`` never change.

    ``minimum`` and ``maximum`` bound the value of an integer, decimal, date or datetime, the characters of a text or
    long_text, and the number of choices. ``pattern`` is a regular expression that the whole of a text must match.
    Without ``place`` the field is shown last.
    """

    record: RecordKind
    key: Key
    label: Label
    type: FieldType
    label_de: Translation = ""
    help: Help = ""
    help_de: Help = ""
    refers_to: RefersTo | None = None
    required: Required = Required.NEVER
    visible_to: FieldAudience = FieldAudience.STAFF
    edited_by: FieldAudience = FieldAudience.STAFF
    default: FieldValue | None = None
    minimum: Limit | None = None
    maximum: Limit | None = None
    pattern: Pattern | None = None
    options: Options = field(default_factory=list)
    place: Place | UnsetType = UNSET
    active: bool = True


class FieldPatch(Struct, forbid_unknown_fields=True):
    """What to change (RFC 7396). ``options`` replaces the whole list."""

    label: Label | UnsetType = UNSET
    type: FieldType | UnsetType = UNSET
    label_de: Translation | UnsetType = UNSET
    help: Help | UnsetType = UNSET
    help_de: Help | UnsetType = UNSET
    refers_to: RefersTo | UnsetType | None = UNSET
    required: Required | UnsetType = UNSET
    visible_to: FieldAudience | UnsetType = UNSET
    edited_by: FieldAudience | UnsetType = UNSET
    default: FieldValue | UnsetType | None = UNSET
    minimum: Limit | UnsetType | None = UNSET
    maximum: Limit | UnsetType | None = UNSET
    pattern: Pattern | UnsetType | None = UNSET
    options: Options | UnsetType = UNSET
    place: Place | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class RestoreFieldIn(Struct, forbid_unknown_fields=True):
    """The field to restore is named in the path."""


class FieldOut(Struct, frozen=True):
    """An own field. ``deleted_at`` is there while the deletion can be undone."""

    id: Id
    record: RecordKind
    key: str
    label: str
    type: FieldType
    label_de: str
    help: str
    help_de: str
    refers_to: RefersTo | None
    required: Required
    visible_to: FieldAudience
    edited_by: FieldAudience
    default: FieldValue | None
    minimum: int | float | str | None
    maximum: int | float | str | None
    pattern: str | None
    options: list[OptionOut]
    place: int
    active: bool
    deleted_at: Moment | None


class FieldQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fields to list."""

    record: Annotated[RecordKind, Meta(description="Only fields of this kind of record.")] | None = None


class DeleteFieldQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """The confirmation of a deletion."""

    confirm: (
        Annotated[int, Meta(ge=0, le=2**53 - 1, description="How many records have a value, which are deleted too.")]
        | None
    ) = None
