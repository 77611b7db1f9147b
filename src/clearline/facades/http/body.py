"""Bodies and parameters: strict JSON in, structs out, and every wrong member named."""

import json
import re
from typing import Any, NoReturn, TypeVar

import msgspec
from msgspec import Struct, inspect

from clearline.domain.errors import Violation
from clearline.domain.text import storable

BODY_MAX = 1024 * 1024
"""Bytes of a request's body."""

DEPTH_MAX = 64
"""Objects and arrays within each other."""

T = TypeVar("T", bound=Struct)


class BadRequest(Exception):
    """The request cannot be read at all."""


class InvalidMembers(BadRequest):
    """Members or parameters are missing or wrong, each named as the wire spells it."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__("; ".join(f"{v.field} {v.rule}" for v in violations))
        self.violations = violations


class BodyTooLarge(Exception):
    """The body is longer than ``BODY_MAX``."""


class NotJson(Exception):
    """The body is not said to be JSON in UTF-8."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        shown = ", ".join(twice)[:100].encode(errors="backslashreplace").decode()  # a name may hold lone surrogates
        raise BadRequest(f"the body names {shown} more than once")
    return members


def _no_constant(name: str) -> NoReturn:
    raise BadRequest(f"the body holds {name}, which is no JSON")


_decode = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant).decode


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object (RFC 8259) in a body.

    Raises:
        BadRequest: it is no JSON, no object, names a member twice, nests deeper than 64, or holds a number of
            thousands of digits.
    """
    try:
        value = _decode(body.decode())
    except UnicodeDecodeError:
        raise BadRequest("the body is not UTF-8") from None
    except RecursionError:
        raise BadRequest(f"the body nests deeper than {DEPTH_MAX}") from None
    except json.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {error.msg} at character {error.pos}") from None
    except ValueError:
        raise BadRequest("the body holds a number that is too long") from None
    if not isinstance(value, dict):
        raise BadRequest("the body must be a JSON object")
    if _deeper_than(value, DEPTH_MAX):
        raise BadRequest(f"the body nests deeper than {DEPTH_MAX}")
    return value


def _deeper_than(value: Any, depth: int) -> bool:
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return False
    return depth == 0 or any(_deeper_than(inner, depth - 1) for inner in value if isinstance(inner, (dict, list)))


def read_members(value: Any, kind: type[T], *, text: bool = False) -> T:
    """The struct that the members make; members that it does not know are ignored.

    ``text`` says that the values are text, as in a query, and numbers are to be read from it.

    Raises:
        InvalidMembers: naming every member that is missing or wrong.
    """
    try:
        found = msgspec.convert(value, kind, strict=not text)
    except msgspec.ValidationError:
        raise InvalidMembers(violations(value, kind, text=text)) from None
    if not _all_storable(found):
        raise InvalidMembers(violations(value, kind, text=text))
    return found


def _all_storable(value: Struct) -> bool:
    for name in value.__struct_fields__:
        member = getattr(value, name)
        if isinstance(member, str):
            if not storable(member):
                return False
        elif isinstance(member, Struct) and not _all_storable(member):
            return False
    return True


def violations(value: Any, kind: type[Struct], *, text: bool = False) -> list[Violation]:
    """Everything that is wrong with members that do not make the struct, in the order of its fields."""
    return _of_type(value, inspect.type_info(kind), "", text=text)


def _of_type(value: Any, kind: inspect.Type, path: str, *, text: bool) -> list[Violation]:
    told = None
    if isinstance(kind, inspect.Metadata):
        told = (kind.extra or {}).get("rule")
        kind = kind.type
    if isinstance(kind, inspect.UnionType):
        kind = next(member for member in kind.types if not isinstance(member, inspect.NoneType))
    if isinstance(kind, inspect.StructType):
        return _of_struct(value, kind, path, text=text)
    rule = _broken_rule(value, kind, text=text)
    return [] if rule is None else [Violation(path, told or rule)]


def _of_struct(value: Any, kind: inspect.StructType, path: str, *, text: bool) -> list[Violation]:
    if not isinstance(value, dict):
        return [Violation(path, "must be an object")]
    found = []
    for field in kind.fields:
        name = f"{path}.{field.encode_name}" if path else field.encode_name
        if field.encode_name in value:
            found += _of_type(value[field.encode_name], field.type, name, text=text)
        elif field.required:
            found.append(Violation(name, "is required"))
    return found


def _broken_rule(value: Any, kind: inspect.Type, *, text: bool) -> str | None:
    """What a single value should be, when it is not that. For the types that wires use."""
    match kind:
        case inspect.StrType(int(least), int(most), pattern):
            if not isinstance(value, str):
                return "must be a string"
            if not least <= len(value) <= most:
                return f"must have {least} to {most} characters"
            if not storable(value):
                return "must not contain the NUL character or lone surrogates"
            return None if pattern is None or re.search(pattern, value) else f"must match {pattern}"
        case inspect.IntType(ge=int(least), le=int(most)):
            whole = re.fullmatch("0|[1-9][0-9]{0,17}", value) if text else type(value) is int
            return None if whole and least <= int(value) <= most else f"must be a whole number from {least} to {most}"
        case inspect.EnumType(choices):
            members = [str(choice) for choice in choices]
        case inspect.LiteralType(values):
            members = [str(choice) for choice in values]
        case _:
            raise TypeError(f"no rule is known for {kind}")
    return None if value in members else "must be one of " + ", ".join(members)
