"""Own fields in pages of the console and the portal: their inputs, what was typed, and what a record has."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from clearline.fields.domain import LENGTHS, Definitions, Field, FieldType, RecordKind, Required
from clearline.language.reader import reader
from clearline.web.visit import Form
from clearline.web.words import full_time, gettext

_TYPED = "%Y-%m-%dT%H:%M"
_INPUTS = {
    FieldType.INTEGER: "number", FieldType.DECIMAL: "number", FieldType.DATE: "date",
    FieldType.DATETIME: "datetime-local", FieldType.URL: "url", FieldType.EMAIL: "email", FieldType.PHONE: "tel",
    FieldType.LONG_TEXT: "area", FieldType.BOOLEAN: "select", FieldType.CHOICE: "select", FieldType.CHOICES: "checks",
}  # fmt: skip
"""What an input looks like: a type of HTML's, or one of our own; others are text."""


class OwnInput(Struct, frozen=True):
    """The input of a field in a form. ``name`` is the member of a ticket that its rules name."""

    name: str
    label: str
    hint: str
    kind: str
    values: Sequence[str]
    choices: Sequence[tuple[str, str]] = ()
    is_required: bool = False
    most: int | None = None
    step: str = ""

    @property
    def value(self) -> str:
        """The only value."""
        return self.values[0] if self.values else ""


def input_name(key: str) -> str:
    """Return the name of the input of a field."""
    return f"fields.{key}"


def inputs(
    definitions: Definitions, kind: RecordKind, values: Mapping[str, Any], typed: Form | None, *, for_staff: bool
) -> list[OwnInput]:
    """Return the inputs of the fields that an audience may set: with what was typed, or else with values."""
    return [
        _input(field, values.get(field.key), typed)
        for field in definitions.active(kind, for_staff=for_staff)
        if field.is_editable(for_staff=for_staff)
    ]


def _input(field: Field, value: Any, typed: Form | None) -> OwnInput:
    language, name = reader().language, input_name(field.key)
    if typed is not None and typed.has(f"{name}.shown"):
        values: Sequence[str] = typed.all(name)
    else:
        values = _typed_values(field, value)
    choices: list[tuple[str, str]] = []
    if field.type is FieldType.BOOLEAN:
        choices = [("true", gettext("Yes")), ("false", gettext("No"))]
    choices += [
        (option.key, (option.label_de if language == "de" else "") or option.label)
        for option in field.options
        if option.active or option.key in values
    ]
    return OwnInput(
        name,
        field.label_in(language),
        field.help_in(language),
        _INPUTS.get(field.type, "text"),
        values,
        choices,
        field.required is Required.TO_RAISE,
        (field.maximum or LENGTHS[field.type]) if field.type in LENGTHS else None,
        "any" if field.type is FieldType.DECIMAL else "",
    )


def _typed_values(field: Field, value: Any) -> Sequence[str]:
    if value is None:
        return ()
    if isinstance(value, list):
        return value
    if field.type is FieldType.DATETIME:
        return (datetime.fromisoformat(value).astimezone(reader().zone).strftime(_TYPED),)
    return (str(value).lower() if isinstance(value, bool) else str(value),)


def given_in(
    definitions: Definitions, kind: RecordKind, form: Form, current: Mapping[str, Any], *, for_staff: bool
) -> dict[str, Any]:
    """Return the values that a form sets, of the fields that it had inputs for; None where one was left empty.

    A value that is shown as it was stays as it is: a moment has seconds that its input does not show.
    """
    given: dict[str, Any] = {}
    for field in definitions.active(kind, for_staff=for_staff):
        name = input_name(field.key)
        if not field.is_editable(for_staff=for_staff) or not form.has(f"{name}.shown"):
            continue
        texts = [text for text in form.all(name) if text.strip()]
        value = current.get(field.key)
        if value is not None and texts == [*_typed_values(field, value)]:
            continue
        given[field.key] = _value(field, texts)
    return given


def _value(field: Field, texts: list[str]) -> Any:
    if not texts:
        return None
    if field.type is FieldType.CHOICES:
        return texts
    if field.type is FieldType.LONG_TEXT:
        return texts[0].replace("\r\n", "\n")
    text = texts[0].strip()
    if field.type is FieldType.DATETIME:
        try:
            at = datetime.fromisoformat(text)
            moment = (at if at.tzinfo else at.replace(tzinfo=reader().zone)).astimezone(UTC)
            return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
        except (ValueError, OverflowError):
            return text
    return text


def labels(definitions: Definitions, kind: RecordKind, *, for_staff: bool) -> dict[str, str]:
    """Return the labels of the fields that an audience sees, by the names of their inputs."""
    language = reader().language
    return {input_name(field.key): field.label_in(language) for field in definitions.shown(kind, for_staff=for_staff)}


def shown(
    definitions: Definitions, kind: RecordKind, values: Mapping[str, Any], *, for_staff: bool
) -> list[tuple[str, str]]:
    """Return the label and the value, in words, of each field that has one, with the retired ones."""
    language = reader().language
    return [
        (field.label_in(language), _words(field, values[field.key], language))
        for field in definitions.shown(kind, for_staff=for_staff)
        if field.key in values
    ]


def _words(field: Field, value: Any, language: str) -> str:
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    if isinstance(value, list):
        return ", ".join(_words(field, each, language) for each in value)
    if option := field.option(value):
        return (option.label_de if language == "de" else "") or option.label
    if field.type is FieldType.DATETIME:
        return full_time(datetime.fromisoformat(value))
    return str(value)
