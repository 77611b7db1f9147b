"""Examples of the schemas of an OpenAPI document, made from the schemas and from sample values."""

import re
from collections.abc import Mapping
from typing import Any

_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_REF = "#/components/schemas/"
_FORMATS = {
    "date-time": "2026-03-01T12:00:00Z",
    "uuid": "0f8fad5b-d9cb-469f-a165-70867728950e",
    "uri": "https://hooks.example.com/desk",
}


class Examples:
    """Makes examples.

    ``samples`` has values by ``Schema.member``, by ``member`` for every schema, or by ``Schema`` for a whole example.
    One of a member counts only where its type fits.
    """

    def __init__(self, schemas: Mapping[str, Any], samples: Mapping[str, Any]) -> None:
        self._schemas = schemas
        self._samples = samples

    def of(self, name: str) -> Any:
        """Return the example of a named schema."""
        return self._samples[name] if name in self._samples else self._value(self._schemas[name], name, "")

    def _value(self, schema: Mapping[str, Any], owner: str, member: str) -> Any:  # noqa: C901, PLR0911 - a table
        for key in (f"{owner}.{member}", member):
            if key in self._samples and self._fits(self._samples[key], schema):
                return self._samples[key]
        match schema:
            case {"examples": [first, *_]}:
                return first
            case {"$ref": str(ref)}:
                return self.of(ref.removeprefix(_REF))
            case {"anyOf": [*choices]} | {"oneOf": [*choices]}:
                return self._value(next(choice for choice in choices if choice != {"type": "null"}), owner, member)
            case {"const": value} | {"enum": [value, *_]}:
                return value
            case {"type": "object", "properties": members}:
                return {name: self._value(inner, owner, name) for name, inner in members.items()}
            case {"type": "object"}:
                return {}
            case {"type": "array", "items": items}:
                return [self._value(items, owner, member)]
            case {"type": "integer"}:
                return schema.get("minimum", 1)
            case {"type": "boolean"}:
                return schema.get("default", True)
        return _FORMATS.get(schema.get("format", ""), member.replace("_", " ") or "text")

    def _fits(self, value: Any, schema: Mapping[str, Any]) -> bool:  # noqa: PLR0911 - a table
        """Return whether a sample can be a value of a schema, as far as types and choices tell."""
        match schema:
            case {"$ref": str(ref)}:
                return self._fits(value, self._schemas[ref.removeprefix(_REF)])
            case {"anyOf": [*choices]} | {"oneOf": [*choices]}:
                return any(self._fits(value, choice) for choice in choices)
            case {"enum": [*values]}:
                return value in values
            case {"const": _}:
                return False
            case {"type": "array", "items": items}:
                return isinstance(value, list) and all(self._fits(item, items) for item in value)
            case {"type": "object"}:
                return isinstance(value, dict) and set(value) <= set(schema.get("properties", value))
            case {"type": "string", "format": "uuid"}:
                return isinstance(value, str) and _UUID.fullmatch(value) is not None
        if isinstance(kind := schema.get("type", ""), list):
            return any(self._fits(value, {"type": each}) for each in kind)
        types = {"string": str, "integer": int, "number": float, "boolean": bool, "null": type(None)}
        return type(value) is types.get(kind)
