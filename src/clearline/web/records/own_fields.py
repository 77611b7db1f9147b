"""Own fields in the forms of records that admins manage."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from clearline.fields.domain import RecordKind
from clearline.fields.reference_usecases import reference_choices
from clearline.fields.usecases import definitions
from clearline.identity import Actor
from clearline.platform.database.transactions import Tx
from clearline.web.records.form import Choice, Field, Kind, Values
from clearline.web.tickets.own_fields import PREFIX, OwnInput, given_in, inputs
from clearline.web.visit import Form
from clearline.web.words import gettext


async def own_form_fields(
    tx: Tx, actor: Actor, kind: RecordKind, company_id: UUID, values: Mapping[str, Any]
) -> list[Field]:
    """Return the fields of a form for the own fields that the actor sets; ``values`` are those of the record."""
    choices_of = await reference_choices(tx, actor, kind, company_id)
    shown = inputs(await definitions(tx), kind, values, None, for_staff=actor.is_staff, choices=choices_of)
    return form_fields(shown, gettext("Not said"))


def form_fields(shown: Sequence[OwnInput], none: str) -> list[Field]:
    """Return the fields of a form for inputs of own fields; ``none`` is the word of an empty choice."""
    fields = []
    for own in shown:
        choices = [Choice(value, word) for value, word in own.choices]
        if own.kind == "select":
            choices.insert(0, Choice("", none))
        is_text = own.kind == "search" or (own.kind == "number" and own.step)  # an input of a number takes whole ones
        look = Kind.TEXT if is_text else Kind(own.kind)
        fields.append(Field(own.name, own.label, look, choices, own.hint, is_own=True))
    return fields


async def own_form_values(tx: Tx, kind: RecordKind, values: Mapping[str, Any], *, for_staff: bool) -> Values:
    """Return what these fields have."""
    shown = inputs(await definitions(tx), kind, values, None, for_staff=for_staff)
    return {own.name: list(own.values) for own in shown}


async def own_values_in(
    tx: Tx, kind: RecordKind, form: Form, current: Mapping[str, Any], *, for_staff: bool
) -> dict[str, Any]:
    """Return the values that a form sets, where a record has the ``current`` ones; None clears one."""
    return given_in(await definitions(tx), kind, form, current, for_staff=for_staff)


def own_field_of(name: str) -> str:
    """Return the field of a form for a value that a use case refuses, if it is one of an own field."""
    return name if name.startswith(PREFIX) else ""
