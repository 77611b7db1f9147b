"""House API v1: forms, exactly as they travel."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from clearline.catalogue.domain import KEY_MAX
from clearline.fields.domain import FieldAudience
from clearline.tickets.forms import domain
from clearline.wires.http.fields import characters

FieldName = Annotated[
    str,
    characters(1, domain.NAME_MAX),
    Meta(description="The member of a ticket: `occurred_at`, `asked.priority`, or `fields.KEY` for an own field."),
]


class ConditionIn(Struct, forbid_unknown_fields=True):
    """When a field is asked for: ``field``, which stands before it, has one of ``values``; without any, any value.

    Values are keys of options, members of an enumeration, or true and false.
    """

    field: FieldName
    values: Annotated[
        list[Annotated[str, characters(1, KEY_MAX)] | bool], Meta(max_length=domain.VALUES_MAX)
    ] = []  # fmt: skip


class FormFieldIn(Struct, forbid_unknown_fields=True):
    """A field of a form. ``required`` asks for a value wherever the field is shown, ``when`` is null for always."""

    name: FieldName
    required: bool = False
    when: ConditionIn | None = None


class FormIn(Struct, forbid_unknown_fields=True):
    """The fields of a form in their order; `title` and `description` among them."""

    fields: Annotated[list[FormFieldIn], Meta(min_length=1, max_length=domain.FORM_FIELDS_MAX)]


class ConditionOut(Struct, frozen=True):
    """When a field is asked for: another field has one of these values; without any, any value."""

    field: str
    values: list[str | bool]


class FormFieldOut(Struct, frozen=True):
    """A field of a form, by the name of its member in a ticket."""

    name: str
    required: bool
    when: ConditionOut | None


class FormOut(Struct, frozen=True):
    """The definition of a form. ``is_default`` is true where no admin defined one: every field is asked for then."""

    issue_type: str
    audience: FieldAudience
    is_default: bool
    fields: list[FormFieldOut]


class FormSchema(Struct, frozen=True):
    """A form as a JSON Schema (draft 2020-12) of the body of `createTicket`.

    ``title`` and ``description`` are the name and the help of the issue type. Each property has its label in `title`,
    its help in `description`, and its place in `x-order`; the values of a choice are in `oneOf` with their labels.
    `allOf` has the conditions, if there are any: an `if` for each field that is not always asked for.
    """

    dialect: str = field(name="$schema")
    title: str
    description: str
    type: Literal["object"]
    properties: dict[str, Any]
    required: list[str]
    additional_properties: Literal[False] = field(name="additionalProperties")
    audience: FieldAudience = field(name="x-audience")
    all_of: list[dict[str, Any]] | UnsetType = field(default=UNSET, name="allOf")


class AudienceQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose form it is."""

    audience: Annotated[
        FieldAudience, Meta(description="`customer` or `staff`: who raises the ticket.")
    ] = FieldAudience.CUSTOMER  # fmt: skip


class SchemaQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose form is returned."""

    audience: (
        Annotated[
            FieldAudience,
            Meta(description="Whose form: by default your own. Only the provider's people get another than that."),
        ]
        | None
    ) = None
