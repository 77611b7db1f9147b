"""The own fields that a macro sets, in its form: an input for each that tickets have, and those that it clears."""

from collections.abc import Collection, Mapping
from typing import Any

from msgspec.structs import replace

from clearline.errors import RuleCode, Violation, require_valid
from clearline.fields.domain import RecordKind
from clearline.fields.reference_usecases import reference_choices
from clearline.fields.usecases import definitions
from clearline.identity import Actor
from clearline.platform.database.transactions import Tx
from clearline.web.records.form import Choice, Field, Kind, Values
from clearline.web.records.own_fields import form_fields
from clearline.web.tickets.own_fields import PREFIX, given_in, input_name, inputs, labels
from clearline.web.visit import Form
from clearline.web.words import gettext

CLEARED = "cleared_fields"
"""The field of the form with the keys of the own fields that the macro clears."""
KEPT = "kept_fields"
"""The field of the form with those that take no values any more."""


async def macro_form_fields(tx: Tx, actor: Actor, values: Mapping[str, Any]) -> list[Field]:
    """Return the fields of the form. A macro is used on tickets of any company: the id of a service is typed."""
    known = await definitions(tx)
    choices = await reference_choices(tx, actor, RecordKind.TICKET, None)
    shown = inputs(known, RecordKind.TICKET, values, None, for_staff=True, choices=choices)
    fields = [
        replace(field, label=gettext("Set: %(field)s") % {"field": field.label})
        for field in form_fields(shown, gettext("Unchanged"))
    ]
    if shown:
        cleared = [Choice(own.name.removeprefix(PREFIX), own.label) for own in shown]
        fields.append(Field(CLEARED, gettext("Clear own fields"), Kind.CHECKS, cleared))
    if retired := _without_input(values, [own.name for own in shown]):
        names = labels(known, RecordKind.TICKET, for_staff=True)
        kept = [Choice(key, names.get(input_name(key), key)) for key in retired]
        about = gettext("Tickets take no new values of these: the macro is refused where it sets one.")
        fields.append(Field(KEPT, gettext("Retired fields that it sets"), Kind.CHECKS, kept, about))
    return fields


def _without_input(values: Mapping[str, Any], inputs_shown: Collection[str]) -> list[str]:
    return [key for key in values if input_name(key) not in inputs_shown]


async def macro_form_values(tx: Tx, values: Mapping[str, Any]) -> Values:
    """Return what these fields have."""
    shown = inputs(await definitions(tx), RecordKind.TICKET, values, None, for_staff=True)
    names = [own.name for own in shown]
    cleared = [key for key, value in values.items() if value is None and input_name(key) in names]
    return {**{own.name: [*own.values] for own in shown}, CLEARED: cleared, KEPT: _without_input(values, names)}


async def macro_fields_in(tx: Tx, form: Form, current: Mapping[str, Any]) -> dict[str, Any]:
    """Return the own fields that a macro sets and clears by a form, where it has the ``current`` ones.

    Raises:
        InvalidInput: a field is both set and cleared.
    """
    known = await definitions(tx)
    kept = form.all(KEPT)
    fields = {key: value for key, value in current.items() if value is not None and _is_shown(form, key)}
    fields |= {key: value for key, value in current.items() if key in kept and not _is_shown(form, key)}
    for key, value in given_in(known, RecordKind.TICKET, form, current, for_staff=True).items():
        fields.pop(key, None)
        if value is not None:
            fields[key] = value
    active = {field.key: field for field in known.active(RecordKind.TICKET, for_staff=True)}
    cleared = [key for key in form.all(CLEARED) if key in active]
    require_valid(
        [
            Violation(CLEARED, f"must not have {active[key].label}, which is set above", RuleCode.CHOICE)
            for key in cleared
            if fields.get(key) is not None
        ]
    )
    return {**fields, **dict.fromkeys(cleared)}


def _is_shown(form: Form, key: str) -> bool:
    return form.has(f"{input_name(key)}.shown")
