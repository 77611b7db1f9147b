"""House API v1: sample values of forms, for the examples in its OpenAPI document."""

from typing import Any

_TITLE: dict[str, Any] = {"title": "Summary", "type": "string", "minLength": 1, "maxLength": 255, "x-order": 1}
_END: dict[str, Any] = {
    "title": "Affected end", "oneOf": [{"const": "a", "title": "A end"}, {"type": "null"}], "x-order": 2,
}  # fmt: skip
_SET: dict[str, Any] = {"properties": {"service_end": {"enum": ["a", "both"]}}, "required": ["service_end"]}
_MEMBERS: dict[str, Any] = {
    "name": "site_access", "required": True, "when": {"field": "service_end", "values": ["a", "both"]},
}  # fmt: skip
_FIELDS: list[dict[str, Any]] = [
    {"name": "title", "required": True, "when": None},
    {"name": "description", "required": True, "when": None},
    {"name": "service_end", "required": False, "when": None},
    _MEMBERS,
]
_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Fibre cut",
    "description": "No light on a fibre.",
    "properties": {"title": _TITLE, "service_end": _END},
    "required": ["issue_type", "service", "title", "description"],
    "allOf": [{"if": _SET, "then": {"required": ["site_access"]}, "else": {"properties": {"site_access": False}}}],
    "x-audience": "customer",
}

FORM_SAMPLES: dict[str, Any] = {
    **{f"FormSchema.{name}": value for name, value in _SCHEMA.items()},
    **{f"{kind}.{name}": value for kind in ("FormFieldIn", "FormFieldOut") for name, value in _MEMBERS.items()},
    **{f"{kind}.{name}": value for kind in ("ConditionIn", "ConditionOut") for name, value in _MEMBERS["when"].items()},
    **{f"{kind}.fields": _FIELDS for kind in ("FormIn", "FormOut")},
    "FormOut.issue_type": "Fibre cut",
    "FormOut.is_default": False,
}
