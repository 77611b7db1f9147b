"""Own fields in pages of the console and the portal: their inputs, what was typed, and what a record has."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from msgspec import Struct

from clearline.events.event_types import EventType
from clearline.events.store import Event
from clearline.fields import usecases as own_fields
from clearline.fields.domain import LENGTHS, Definitions, Field, FieldType, RecordKind, RefersTo, Required
from clearline.fields.reference_usecases import CHOICES_MAX, Choices, Names, NamesInList, reference_names
from clearline.identity import Actor
from clearline.language.reader import reader
from clearline.platform.database.transactions import Tx
from clearline.web.visit import Form
from clearline.web.words import full_time, gettext

NO_CHOICES: Choices = {}
PREFIX = "fields."
"""Begins the names of inputs of own fields, as that of the values in the rules that they break."""
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


class OwnValue(Struct, frozen=True):
    """The value of a field in words; ``address`` is the page of what a reference names, if the viewer may open it."""

    label: str
    text: str
    address: str = ""


class OwnWords(Struct, frozen=True):
    """The words of own fields in a history: what they are called, and their values with the names of references."""

    fields: Mapping[str, Field] = {}
    names: Names = {}

    def of(self, name: str) -> Field | None:
        """Return the field that a change is about, or None; ``fields.KEY`` names one."""
        return self.fields.get(name.removeprefix(PREFIX)) if name.startswith(PREFIX) else None

    def text(self, field: Field, value: Any) -> str:
        """Return a value that a field had or has, which may be of a type that it had then, or redacted."""
        if value is None:
            return ""
        if field.refers_to is not None:
            return self.names.get((field.refers_to, str(value))) or str(value)
        try:
            return value_text(field, value, reader().language)
        except ValueError:
            return str(value)


NO_WORDS = OwnWords()


def input_name(key: str) -> str:
    """Return the name of the input of a field."""
    return PREFIX + key


def inputs(
    definitions: Definitions,
    kind: RecordKind,
    values: Mapping[str, Any],
    typed: Form | None,
    *,
    for_staff: bool,
    choices: Choices = NO_CHOICES,
) -> list[OwnInput]:
    """Return the inputs of the fields that an audience may set: with what was typed, or else with values.

    ``choices`` are what references can be.
    """
    return [
        _input(field, values.get(field.key), typed, choices)
        for field in definitions.active(kind, for_staff=for_staff)
        if field.is_editable(for_staff=for_staff)
    ]


def _input(field: Field, value: Any, typed: Form | None, references: Choices) -> OwnInput:
    language, name = reader().language, input_name(field.key)
    if typed is not None and typed.has(f"{name}.shown"):
        values: Sequence[str] = typed.all(name)
    else:
        values = _typed_values(field, value)
    look, choices = _INPUTS.get(field.type, "text"), _choices(field, values, language)
    if field.refers_to is not None and field.refers_to in references:
        choices = _named(references[field.refers_to][:CHOICES_MAX])
        look = "select" if len(references[field.refers_to]) <= CHOICES_MAX else "search"
        if look == "select":
            choices += [(each, each) for each in values if each and each not in dict(choices)]
    return OwnInput(
        name,
        field.label_in(language),
        field.help_in(language),
        look,
        values,
        choices,
        field.required is Required.TO_RAISE,
        (field.maximum or LENGTHS[field.type]) if field.type in LENGTHS else None,
        "any" if field.type is FieldType.DECIMAL else "",
    )


def _choices(field: Field, values: Sequence[str], language: str) -> list[tuple[str, str]]:
    choices: list[tuple[str, str]] = []
    if field.type is FieldType.BOOLEAN:
        choices = [("true", gettext("Yes")), ("false", gettext("No"))]
    return choices + [
        (option.key, (option.label_de if language == "de" else "") or option.label)
        for option in field.options
        if option.active or option.key in values
    ]


def _named(references: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return ids with words: those of services are known to people, and stand beside the label."""
    counts = Counter(name for _id, name in references)
    return [(each, name if counts[name] == 1 else f"{name} ({each})") for each, name in references]


def _typed_values(field: Field, value: Any) -> Sequence[str]:
    if value is None:
        return ()
    if isinstance(value, list):
        return value
    if field.type is FieldType.DATETIME:
        with suppress(ValueError, OverflowError):  # of a template that was made for another type
            return (datetime.fromisoformat(value).astimezone(reader().zone).strftime(_TYPED),)
    return (str(value).lower() if isinstance(value, bool) else str(value),)


def typed_pairs(
    definitions: Definitions, kind: RecordKind, values: Mapping[str, Any], *, for_staff: bool
) -> list[tuple[str, str]]:
    """Return values as the fields of a form, of those that an audience may set."""
    return [
        pair
        for field in definitions.active(kind, for_staff=for_staff)
        if field.is_editable(for_staff=for_staff) and field.key in values
        for name in [input_name(field.key)]
        for pair in [(f"{name}.shown", "1"), *((name, each) for each in _typed_values(field, values[field.key]))]
    ]


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


def field_words(
    definitions: Definitions, given: Mapping[str, Any], names: NamesInList, company_id: UUID
) -> list[tuple[str, str]]:
    """Return the labels and the values, in words, of what tickets of a company would get."""
    language, known = reader().language, definitions.of(RecordKind.TICKET)
    return [
        (known[key].label_in(language), _words(known[key], value, names, company_id))
        for key, value in given.items()
        if key in known
    ]


def _words(field: Field, value: Any, names: NamesInList, company_id: UUID) -> str:
    if value is None:
        return gettext("None")
    name = None if field.refers_to is None else names.of(company_id, field.refers_to, str(value))
    return name or value_text(field, value, reader().language)


async def shown_values(
    tx: Tx, actor: Actor, company_id: UUID, *records: tuple[RecordKind, Mapping[str, Any]]
) -> list[list[OwnValue]]:
    """Return the values, in words, of each of these records of a company, with those of retired fields.

    What has no name for the viewer is shown by its id.
    """
    shown, _words = await shown_with_changes(tx, actor, company_id, records, ())
    return shown


async def shown_with_changes(
    tx: Tx,
    actor: Actor,
    company_id: UUID,
    records: Sequence[tuple[RecordKind, Mapping[str, Any]]],
    events: Sequence[Event],
) -> tuple[list[list[OwnValue]], OwnWords]:
    """Return what ``shown_values`` does, and the words for what events of a ticket changed.

    All names are read with one statement.
    """
    known = await own_fields.definitions(tx)
    sides = [
        (RecordKind.TICKET, {change["field"].removeprefix(PREFIX): change[side]})
        for event in events
        if event.type == EventType.TICKET_CHANGED
        for change in event.data["changes"]
        if change["field"].startswith(PREFIX)
        for side in ("before", "after")
    ]
    names = await reference_names(tx, actor, company_id, [*records, *sides])
    shown = [
        [
            _shown(field, value, names, actor, company_id)
            for field in known.shown(kind, for_staff=actor.is_staff)
            if (value := values.get(field.key)) is not None
        ]
        for kind, values in records
    ]
    fields = {field.key: field for field in known.shown(RecordKind.TICKET, for_staff=actor.is_staff)}
    return shown, OwnWords(fields, names)


def _shown(field: Field, value: Any, names: Names, actor: Actor, company_id: UUID) -> OwnValue:
    language = reader().language
    label = field.label_in(language)
    if field.refers_to is None:
        return OwnValue(label, value_text(field, value, language))
    name = names.get((field.refers_to, value))
    return OwnValue(label, name or str(value), _page_of(field.refers_to, value, actor, company_id) if name else "")


def _page_of(refers_to: RefersTo, value: str, actor: Actor, company_id: UUID) -> str:
    """Return the page of what a reference names; the portal has pages of the services of the viewer's company."""
    query = urlencode({"id": value})
    match refers_to:
        case RefersTo.SERVICE if actor.is_staff:
            return f"/console/companies/{company_id}/service?{query}"
        case RefersTo.SERVICE if actor.company is not None and actor.company.id == company_id:
            return f"/portal/service?{query}"
        case RefersTo.COMPANY if actor.is_staff:
            return f"/console/companies/{value}"
    return ""


def value_text(field: Field, value: Any, language: str) -> str:
    """Return a value in words, but for the names of references."""
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    if isinstance(value, list):
        return ", ".join(value_text(field, each, language) for each in value)
    if option := field.option(value):
        return (option.label_de if language == "de" else "") or option.label
    if field.type is FieldType.DATETIME:
        with suppress(ValueError, OverflowError):
            return full_time(datetime.fromisoformat(value))
    return str(value)
