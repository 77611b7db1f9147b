"""House API v1: own fields as they travel."""

from typing import Any

from clearline.fields.domain import Field, Option
from clearline.wires.house.fields import wire
from clearline.wires.house.wire import set_fields


def field_out(field: Field) -> wire.FieldOut:
    """Return a field."""
    return wire.FieldOut(
        str(field.id), field.record, field.key, field.label, field.type, field.label_de, field.help, field.help_de,
        field.refers_to, field.required, field.visible_to, field.edited_by, field.default, field.minimum,
        field.maximum, field.pattern,
        [wire.OptionOut(option.key, option.label, option.label_de, option.active) for option in field.options],
        field.place, field.active, field.deleted_at,
    )  # fmt: skip


def field_values(body: wire.FieldIn | wire.FieldPatch) -> dict[str, Any]:
    """Return the values that a body sets, by the names of ``Field``."""
    values = set_fields(body)
    if "options" in values:
        values["options"] = tuple(
            Option(option.key, option.label, option.label_de, option.active) for option in values["options"]
        )
    for name in ("minimum", "maximum"):
        limit = values.get(name)
        if isinstance(limit, float) and limit.is_integer():
            values[name] = int(limit)
    return values
