"""House API v1: a form as a JSON Schema (draft 2020-12) of the body that raises a ticket.

Each field has its place in ``x-order``. A field with a condition is asked for by an ``if``: where it does not hold, the
field has no value; where it holds and the field is required, it has one.
"""

from typing import Any

from msgspec import UNSET

from clearline.fields.domain import FieldAudience, Required
from clearline.language.reader import reader
from clearline.tickets.forms.domain import ALWAYS, Condition, Form, FormField, settable
from clearline.tickets.forms.usecases import AskedForm
from clearline.wires.house.forms import wire
from clearline.wires.house.forms.members import Schema, built_in, common, empty, filled, own_field

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_HOURS = FormField("testing_hours", is_required=True, when=Condition("testing_consent", ("within_hours",)))


def form_schema(asked: AskedForm) -> wire.FormSchema:
    """Return a form in the reader's language."""
    form, entry, language = asked.form, asked.entry, reader().language
    for_staff = form.audience is FieldAudience.STAFF
    services = {
        service.key: service.name if for_staff else service.name_for_customers(language)
        for service in asked.catalogue.services()
        if entry.applies_to(service.key)
    }
    builder = _Builder(asked, common(issue_type=entry.key, service_types=services, for_staff=for_staff))
    builder.add_fields()
    return wire.FormSchema(
        DIALECT,
        entry.name if for_staff else entry.name_for_customers(language),
        entry.help_in(language),
        "object",
        builder.properties,
        [*(["company"] if for_staff else []), "issue_type", "service", *builder.required],
        False,
        form.audience,
        builder.conditions or UNSET,
    )


def with_hours(form: Form) -> list[FormField]:
    """Return the fields of a form, with the hours of tests after the consent that they limit."""
    fields: list[FormField] = []
    for field in form.fields:
        fields.append(field)
        if field.name == "testing_consent":
            fields.append(_HOURS)
    return fields


class _Builder:
    """Adds the fields of a form to the members that every ticket has."""

    def __init__(self, asked: AskedForm, members: dict[str, Schema]) -> None:
        self.properties = members
        self.required: list[str] = []
        self.conditions: list[Schema] = []
        self._own = settable(asked.known, asked.form.audience)
        self._fields = {field.name: field for field in with_hours(asked.form)}

    def add_fields(self) -> None:
        """Add all, in their order."""
        for place, field in enumerate(self._fields.values(), 1):
            own = self._own.get(field.name)
            schema = {**(built_in(field.name) if own is None else own_field(own)), "x-order": place}
            is_required = field.is_required or (own is not None and own.required is Required.TO_RAISE)
            has_default = own is not None and own.default is not None
            if is_required and field.when is None:
                if field.name not in ALWAYS:
                    schema = {"allOf": [filled(field.name)], **schema}
                if not has_default:
                    self._require(field.name)
            self._put(field.name, schema)
            if field.when is not None:
                then = _at(field.name, filled(field.name), must_be=not has_default) if is_required else True
                hidden = _at(field.name, empty(field.name), must_be=False)
                self.conditions.append({"if": self._met(field.when), "then": then, "else": hidden})

    def _put(self, name: str, schema: Schema) -> None:
        container, _, member = name.rpartition(".")
        if not container:
            self.properties[name] = schema
            return
        usual = {"type": ["object", "null"], "properties": {}, "additionalProperties": False}
        self.properties.setdefault(container, usual)["properties"][member] = schema

    def _require(self, name: str) -> None:
        container, _, member = name.rpartition(".")
        if not container:
            self.required.append(name)
            return
        if container not in self.required:
            self.required.append(container)
        usual = {"type": "object", "properties": {}, "additionalProperties": False}
        within = self.properties.setdefault(container, usual)
        within["type"] = "object"
        within.setdefault("required", []).append(member)

    def _met(self, when: Condition) -> Schema:
        """Return the schema of the bodies that meet a condition; without a value the other field has its default."""
        name, own = when.field, self._own.get(when.field)
        value = filled(name)
        if when.values:
            one_of: Schema = {"enum": list(when.values)}
            value = {"anyOf": [one_of, {"type": "array", "contains": one_of}]} if own is not None else one_of
        present = _at(name, value, must_be=True)
        if own is None or own.default is None or not when.is_met(own.default):
            return present
        other = self._fields[name]
        absent: list[Any] = [{"not": _at(name, {}, must_be=True)}]
        if other.when is not None:
            absent.append(self._met(other.when))
        return {"anyOf": [present, {"allOf": absent}]}


def _at(name: str, schema: Schema, *, must_be: bool) -> Schema:
    """Return the schema of a body whose member has a schema, and which has the member if it ``must_be``."""
    container, _, member = name.rpartition(".")
    within: Schema = {"properties": {member: schema}, **({"required": [member]} if must_be else {})}
    if not container:
        return within
    return _at(container, {**({"type": "object"} if must_be else {}), **within}, must_be=must_be)
