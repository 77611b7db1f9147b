"""Schemas of an OpenAPI document in words: their types, with the schemas that they lead to, and their limits."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

Schema = Mapping[str, Any]
REF = "#/components/schemas/"
_NULL = {"type": "null"}
_SEVERAL = re.compile(r"\^\(([^()]+)\)\(,\(\1\)\)\*\$")
"""The pattern of words of a list that are separated by commas."""
_PATTERN_MAX = 60
"""Characters of the longest pattern that says more than its description."""
_NO_NUL = r"\x00"
"""In the pattern of any text, which says only that it has no such character."""
_FORMATS = {"uuid": "UUID", "date-time": "time (RFC 3339)", "uri": "URL", "binary": "bytes"}


class Words(Struct, frozen=True):
    """A part of the words for a type; ``schema`` is the schema that it names, if any."""

    text: str
    schema: str | None = None


class Field(Struct, frozen=True):
    """A member of a body, or a parameter: its type and what it may be. ``values`` are those of an enumeration."""

    name: str
    type: tuple[Words, ...]
    is_required: bool
    is_nullable: bool
    values: tuple[str, ...]
    limits: tuple[str, ...]
    pattern: str
    default: str
    about: str
    example: str | None


def reference(schema: Schema) -> str | None:
    """Return the name of the schema that a reference leads to."""
    return str(schema["$ref"]).removeprefix(REF) if "$ref" in schema else None


def references(node: object) -> Iterator[str]:
    """Yield the names of all schemas that a part of a document refers to; examples do not count."""
    if isinstance(node, Mapping):
        if isinstance(node.get("$ref"), str) and node["$ref"].startswith(REF):
            yield node["$ref"].removeprefix(REF)
        for name, inner in node.items():
            if name != "examples":
                yield from references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from references(inner)


def shape(schema: Schema) -> str:
    """Return a schema in a few words, such as ``list of TicketOut`` or ``string, 1 to 255 characters``."""
    kind = "".join(words.text for words in type_of(schema))
    if "enum" in (inner := _own(schema)):
        kind = kind.replace("string", "one of " + ", ".join(map(str, inner["enum"])))
    return ", ".join([kind, *limits_of(schema)])


def type_of(schema: Schema) -> tuple[Words, ...]:  # noqa: PLR0911 - a table
    """Return the type of a schema in words. Null does not count: a field says apart that it is nullable."""
    match schema:
        case {"$ref": _}:
            name = str(schema["$ref"]).removeprefix(REF)
            return (Words(name, name),)
        case {"anyOf": [*choices]} | {"oneOf": [*choices]}:
            return _joined([type_of(choice) for choice in choices if choice != _NULL])
        case {"enum": [*values]}:
            return (Words("string" if all(isinstance(value, str) for value in values) else "one of"),)
        case {"const": value}:
            return (Words(f"always {value}"),)
        case {"type": "array", "items": {} as items}:
            return (Words("list of "), *type_of(items)) if items else (Words("list"),)
        case {"type": "object", "additionalProperties": {} as values}:
            return (Words("object of "), *type_of(values)) if values else (Words("object"),)
        case {"type": "string", "format": form}:
            return (Words(_FORMATS.get(str(form), str(form))),)
        case {"type": [*kinds]}:
            return (Words("any JSON value" if "object" in kinds else " or ".join(map(str, kinds))),)
        case {"type": kind}:
            return (Words(str(kind)),)
    return (Words("anything"),)


def _joined(choices: list[tuple[Words, ...]]) -> tuple[Words, ...]:
    joined: tuple[Words, ...] = ()
    for choice in choices:
        joined += (Words(" or "), *choice) if joined else choice
    return joined


def is_nullable(schema: Schema) -> bool:
    """Return whether a value may be null."""
    return _NULL in schema.get("anyOf", ()) or (isinstance(schema.get("type"), list) and "null" in schema["type"])


def _own(schema: Schema) -> Schema:
    """Return the schema of a value that is not null, and of the items of a list."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice != _NULL]
    inner = choices[0] if len(choices) == 1 else schema
    return _own(inner["items"]) if inner.get("type") == "array" and inner.get("items") else inner


def values_of(schema: Schema) -> tuple[str, ...]:
    """Return the values of an enumeration, or of words that a parameter takes separated by commas."""
    inner = _own(schema)
    if "enum" in inner:
        return tuple(str(value) for value in inner["enum"])
    several = _SEVERAL.fullmatch(str(inner.get("pattern", "")))
    return tuple(several[1].replace("\\", "").split("|")) if several else ()


def limits_of(schema: Schema) -> tuple[str, ...]:
    """Return the limits of a value, and of the items of a list: ``1 to 255 characters``, ``at most 50 items``."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice != _NULL]
    outer = choices[0] if len(choices) == 1 else schema
    inner = _own(schema)
    limits = [
        _range(outer.get("minItems"), outer.get("maxItems"), " items"),
        _range(None, outer.get("maxProperties"), " members"),
        _range(inner.get("minLength"), inner.get("maxLength"), " characters"),
        _range(inner.get("minimum"), inner.get("maximum"), ""),
    ]
    return tuple(limit for limit in limits if limit)


def pattern_of(schema: Schema) -> str:
    """Return the pattern of a text, if it says more than the other words about it."""
    pattern = str(_own(schema).get("pattern", ""))
    return pattern if len(pattern) <= _PATTERN_MAX and _NO_NUL not in pattern else ""


def _range(least: int | None, most: int | None, unit: str) -> str:
    if least is not None and most is not None:
        return f"{least:,} to {most:,}{unit}" if least != most else f"{most:,}{unit}"
    if most is not None:
        return f"at most {most:,}{unit}"
    return f"at least {least:,}{unit}" if least else ""


def default_of(schema: Schema) -> str:
    """Return the default of a value, or an empty text when there is none to write down."""
    default = schema.get("default")
    return "" if default is None or isinstance(default, (dict, list)) else _text(default)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def fields_of(schema: Schema) -> list[Field]:
    """Return the members of an object."""
    required = schema.get("required", ())
    return [
        field(name, member, str(member.get("description", "")), is_required=name in required)
        for name, member in schema.get("properties", {}).items()
    ]


def field(name: str, schema: Schema, about: str, *, is_required: bool, example: object = None) -> Field:
    """Return a member or a parameter."""
    if example is None:
        example = next(iter(schema.get("examples", ())), None)
    return Field(
        name, type_of(schema), is_required, is_nullable(schema), values_of(schema), limits_of(schema),
        pattern_of(schema), default_of(schema), about,
        None if example is None or isinstance(example, (dict, list)) else _text(example),
    )  # fmt: skip
