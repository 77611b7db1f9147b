"""Commands for own fields of tickets, services and companies."""

from collections.abc import Callable
from typing import Any

import click
import msgspec

from clearline.cli.context import transact
from clearline.cli.output import json_option, show, show_done, show_list
from clearline.cli.terminal.changes import change_text
from clearline.cli.terminal.questions import confirm, yes_option
from clearline.clock import now
from clearline.fields import usecases as fields
from clearline.fields.domain import Field, FieldAudience, FieldType, Option, RecordKind, RefersTo, Required
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Tx
from clearline.wires.house.fields.mapping import field_out

_NONE = "none"


def _choice(kind: Any) -> click.Choice[str]:
    return click.Choice([member.value for member in kind])


_RECORD = click.argument("record", type=_choice(RecordKind))
_KEY = click.argument("key")


def _value_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that set values of a field."""
    for option in (
        click.option("--place", type=int, help="Where it is shown among the others: the lowest first."),
        click.option(
            "--option",
            "options",
            multiple=True,
            metavar="KEY=LABEL[|GERMAN]",
            help="Option of a choice; repeat for several. When changing, it replaces the one of its key, or is added.",
        ),
        click.option("--retire-option", "retired", multiple=True, metavar="KEY", help="Option to retire."),
        click.option("--pattern", help="Regular expression that a text must match; none removes it."),
        click.option("--max", "maximum", help="Greatest value, or most characters or options; none removes it."),
        click.option("--min", "minimum", help="Least value, or fewest characters or options; none removes it."),
        click.option("--default", help="Value of a new ticket without one; none removes it."),
        click.option("--edited-by", type=_choice(FieldAudience), help="Who may set it."),
        click.option("--visible-to", type=_choice(FieldAudience), help="Who sees it."),
        click.option("--required", type=_choice(Required), help="When a ticket must have a value."),
        click.option("--refers-to", type=_choice(RefersTo), help="What a reference is to."),
        click.option("--help-de", help="Help in German."),
        click.option("--help-text", "help", help="Help under the field."),
        click.option("--label-de", help="Label in German."),
    ):
        command = option(command)
    return command


def _json_value(text: str) -> Any:
    """Return a number, list or text that an option gives; none is no value."""
    if text == _NONE:
        return None
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
    return text if isinstance(value, dict) else value


def _values(options: dict[str, Any], before: Field | None = None) -> dict[str, Any]:
    """Return the values of a field that the options set."""
    values = {name: options[name] for name in ("label_de", "help", "help_de", "place") if options[name] is not None}
    kinds = {"required": Required, "visible_to": FieldAudience, "edited_by": FieldAudience, "refers_to": RefersTo}
    values |= {name: kind(options[name]) for name, kind in kinds.items() if options[name] is not None}
    for name in ("default", "minimum", "maximum"):
        if options[name] is not None:
            values[name] = _json_value(options[name])
    if options["pattern"] is not None:
        values["pattern"] = None if options["pattern"] == _NONE else options["pattern"]
    if options["options"] or options["retired"]:
        values["options"] = _options(() if before is None else before.options, options)
    return values


def _options(before: tuple[Option, ...], options: dict[str, Any]) -> tuple[Option, ...]:
    by_key = {option.key: option for option in before}
    for text in options["options"]:
        key, _, label = text.partition("=")
        english, _, german = label.partition("|")
        by_key[key] = Option(key, english or key, german)
    for key in options["retired"]:
        if key not in by_key:
            raise click.BadParameter(f"{key} is no option", param_hint="--retire-option")
        option = by_key[key]
        by_key[key] = Option(option.key, option.label, option.label_de, active=False)
    return tuple(by_key.values())


@click.group()
def field() -> None:
    """Manage own fields of tickets, services and companies."""


@field.command("add")
@_RECORD
@_KEY
@click.option("--label", required=True, help="What people read.")
@click.option("--type", "kind", type=_choice(FieldType), default="text", show_default=True, help="Type of its values.")
@_value_options
@json_option
def field_add(record: str, key: str, label: str, kind: str, *, as_json: bool, **options: Any) -> None:
    """Add a field KEY of a RECORD."""
    values = {"record": RecordKind(record), "key": key, "label": label, "type": FieldType(kind), **_values(options)}
    added = transact(lambda tx: fields.add_field(tx, OPERATOR, values, now=now()))
    show(field_out(added), f"Field {added.name} added.", as_json=as_json)


@field.command("list")
@click.option("--record", type=_choice(RecordKind), help="Only fields of this kind of record.")
@json_option
def field_list(record: str | None, *, as_json: bool) -> None:
    """List fields in the order in which they are shown."""
    kind = None if record is None else RecordKind(record)
    show_list(
        transact(lambda tx: fields.list_fields(tx, OPERATOR, kind=kind)),
        field_out,
        ("RECORD", "KEY", "LABEL", "TYPE", "REQUIRED", "SEEN BY", "SET BY", "STATE"),
        lambda field: (
            field.record,
            field.key,
            field.label,
            field.type,
            field.required,
            field.visible_to,
            field.edited_by,
            "deleted" if field.deleted_at else "active" if field.active else "retired",
        ),
        noun="fields",
        as_json=as_json,
    )


@field.command("change")
@_RECORD
@_KEY
@click.option("--label", help="What people read.")
@click.option("--type", "kind", type=_choice(FieldType), help="Type of its values; while there are none.")
@click.option("--active/--retired", default=None, help="Whether it takes new values.")
@_value_options
@json_option
def field_change(
    record: str, key: str, label: str | None, kind: str | None, *, active: bool | None, as_json: bool, **options: Any
) -> None:
    """Change the field KEY of a RECORD. Options that are not given change nothing."""

    async def work(tx: Tx) -> tuple[Field, Field]:
        before = await fields.field_named(tx, OPERATOR, RecordKind(record), key)
        values = _values(options, before)
        values |= {} if label is None else {"label": label}
        values |= {} if kind is None else {"type": FieldType(kind)}
        values |= {} if active is None else {"active": active}
        return before, await fields.change_field(tx, OPERATOR, before.id, values, now=now())

    before, after = map(field_out, transact(work))
    show(after, change_text(f"Field {record} {key}", before, after), as_json=as_json)


@field.command("delete")
@_RECORD
@_KEY
@click.option("--confirm", "count", type=int, help="How many values are deleted with it; else you are asked.")
@yes_option
@json_option
def field_delete(record: str, key: str, count: int | None, *, yes: bool, as_json: bool) -> None:
    """Delete the field KEY of a RECORD with its values. For a day field restore brings it back."""

    async def find(tx: Tx) -> tuple[Field, int]:
        field = await fields.field_named(tx, OPERATOR, RecordKind(record), key)
        return field, await fields.count_values(tx, OPERATOR, field)

    field, values = transact(find)
    if count is None:
        confirm(f"Delete field {record} {key} with {values} values?", yes=yes)
        count = values
    transact(lambda tx: fields.delete_field(tx, OPERATOR, field.id, confirmed=count, now=now()))
    show_done(f"Field {record} {key} deleted with {values} values.", as_json=as_json)


@field.command("restore")
@_RECORD
@_KEY
@json_option
def field_restore(record: str, key: str, *, as_json: bool) -> None:
    """Undo the deletion of the field KEY of a RECORD, within a day."""

    async def work(tx: Tx) -> Field:
        field = await fields.field_named(tx, OPERATOR, RecordKind(record), key)
        return await fields.restore_field(tx, OPERATOR, field.id, now=now())

    restored = transact(work)
    show(field_out(restored), f"Field {record} {key} restored.", as_json=as_json)
