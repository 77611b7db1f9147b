"""House API v1: sample values of own fields, for the examples in its OpenAPI document."""

from typing import Any

_FIELD: dict[str, Any] = {
    "record": "ticket", "key": "circuit_ref", "label": "Circuit reference", "type": "text",
    "label_de": "Leitungsnummer", "help": "As on the invoice.", "help_de": "Wie auf der Rechnung.", "refers_to": None,
    "default": None, "minimum": 4, "maximum": 12, "pattern": "[A-Z]{3}-[0-9]+", "options": [], "deleted_at": None,
    "place": 10, "required": "to_raise", "visible_to": "customer", "edited_by": "customer",
}  # fmt: skip
_WRITTEN = (
    "TicketIn", "TicketPatch", "CompanyIn", "CompanyPatch", "InventoryIn", "InventoryPatch", "ChangeAction", "MacroIn",
    "MacroPatch",
)  # fmt: skip
"""Bodies that are examples for a new desk, which has no own fields yet."""
_OPTION = {"key": "emea", "label": "Europe", "label_de": "Europa"}

FIELD_SAMPLES = {
    "fields": {"circuit_ref": "BIR-104"},
    **{f"{name}.fields": {} for name in _WRITTEN},
    **{f"{name}.{key}": value for name in ("FieldIn", "FieldOut", "FieldPatch") for key, value in _FIELD.items()},
    **{f"{name}.{key}": value for name in ("OptionIn", "OptionOut") for key, value in _OPTION.items()},
}
