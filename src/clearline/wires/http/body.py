"""Bodies and parameters: strict JSON in, structs out, and every wrong member named."""

import json
import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, NoReturn, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct, inspect

from clearline.errors import RuleCode, Violation
from clearline.text import repeated, storable

BODY_MAX = 1024 * 1024
"""Bytes of a request's body."""

DEPTH_MAX = 64
"""Objects and arrays within each other."""

NAME_SHOWN = 50
"""Characters of an unknown name that a refusal repeats."""

VIOLATIONS_MAX = 100
"""Faults that one refusal names: a body can have a hundred thousand."""

DOT = "\x1f"
"""Represents a dot inside a name in the field of a violation; the other dots separate names."""

_END = re.compile(r"\$\Z")
T = TypeVar("T", bound=Struct)


class BadRequest(Exception):
    """The request cannot be read at all."""


class InvalidMembers(BadRequest):
    """Members or parameters are missing or wrong, each named as the wire spells it."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__("; ".join(f"{v.field} {v.rule}" for v in violations).replace(DOT, "."))
        self.violations = violations


class InvalidQuery(InvalidMembers):
    """Parameters of the query are missing, wrong, repeated or, where unknown parameters are refused, unknown."""


class BodyTooLarge(Exception):
    """The body is longer than ``BODY_MAX``."""


class NotJson(Exception):
    """The Content-Type of the body is not JSON in UTF-8."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        twice = ", ".join(repeated(name for name, _ in pairs))
        shown = twice[:100].encode(errors="backslashreplace").decode()  # a name may contain lone surrogates
        raise BadRequest(f"the body names {shown} more than once")
    return members


def _no_constant(name: str) -> NoReturn:
    raise BadRequest(f"the body holds {name}, which is no JSON")


_decode = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant).decode


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object (RFC 8259) in a body.

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
    """Return the members as a struct; members that it does not know are ignored.

    ``text`` says that the values are text, as in a query, and numbers are to be read from it.

    Raises:
        InvalidMembers: naming every member that is missing or wrong.
        BadRequest: nothing is wrong but the name of a member that is not known.
    """
    try:
        members = msgspec.convert(value, kind, strict=not text)
    except (msgspec.ValidationError, UnicodeEncodeError):  # the latter where text holds half of a surrogate pair
        if not (wrong := violations(value, kind, text=text)):
            raise BadRequest("the name of a member must not contain lone surrogates") from None
        raise InvalidMembers(wrong[:VIOLATIONS_MAX]) from None
    if not _all_sound(members) and (wrong := violations(value, kind, text=text)):
        raise InvalidMembers(wrong[:VIOLATIONS_MAX])
    return members


def _all_sound(value: Struct) -> bool:
    return all(_is_sound(getattr(value, name)) for name in value.__struct_fields__)


def _is_in_utc(moment: datetime) -> bool:
    """Whether a time has a year from 1 to 9999 in UTC too."""
    try:
        moment.astimezone(UTC)
    except OverflowError:
        return False
    return True


def _is_sound(member: Any) -> bool:
    """Return whether a converted value breaks no rule that the conversion does not check.

    False also for a text that ends with a line feed: there Python's ``$`` matches before it, and that of ECMA-262, in
    which the schemas are written, does not.
    """
    match member:
        case str():
            return storable(member) and not member.endswith("\n")
        case Struct():
            return _all_sound(member)
        case list() | tuple():
            return all(map(_is_sound, member))
        case datetime():
            return _is_in_utc(member)
        case dict():
            return all(_is_sound(name) and _is_sound(value) for name, value in member.items())
    return True


def violations(value: Any, kind: type[Struct], *, text: bool = False) -> list[Violation]:
    """Return everything that is wrong with members that do not make the struct, in the order of its fields."""
    return _of_type(value, inspect.type_info(kind), "", text=text)


def _of_type(value: Any, kind: inspect.Type, path: str, *, text: bool) -> list[Violation]:
    own: dict[str, Any] = {}
    while isinstance(kind, (inspect.Metadata, inspect.UnionType)):
        if isinstance(kind, inspect.Metadata):
            own = {**(kind.extra or {}), **own}
            kind = kind.type
        elif value is None and kind.includes_none:
            return []
        else:
            kind = _member_of(kind, value)
    match kind:
        case inspect.StructType():
            return _of_struct(value, kind, path, text=text)
        case inspect.ListType() | inspect.VarTupleType():
            return _of_list(value, kind, path)
        case inspect.DictType():
            return _of_dict(value, kind, path)
    broken = _broken_rule(value, kind, text=text)
    if broken is None:
        return []
    rule, code = broken
    return [Violation(path, own.get("rule") or rule, own.get("code", code))]


def _member_of(union: inspect.UnionType, value: Any) -> inspect.Type:
    """Return the type in a union that a value is meant to be.

    The struct that its tag names, or else the type of its kind in JSON, or else the first.
    """
    kinds = [kind for kind in union.types if not isinstance(kind, inspect.NoneType)]
    for kind in kinds:
        if isinstance(kind, inspect.StructType) and isinstance(value, dict) and value.get(kind.tag_field) == kind.tag:
            return kind
    if len(kinds) > 1 and all(isinstance(kind, inspect.StructType) for kind in kinds):
        tags = tuple(kind.tag for kind in kinds if isinstance(kind, inspect.StructType))
        return _Tagged(kinds[0].tag_field, tags)  # type: ignore[attr-defined]
    return next((kind for kind in kinds if _is_of_kind(value, kind)), kinds[0])


_KINDS: dict[type, tuple[type[inspect.Type], ...]] = {
    bool: (inspect.BoolType,),
    int: (inspect.IntType, inspect.FloatType),
    float: (inspect.FloatType,),
    list: (inspect.ListType, inspect.VarTupleType),
    dict: (inspect.DictType, inspect.StructType),
}
"""The types that are written as a kind of value in JSON. All others are written as strings."""
_NO_STRINGS = tuple(kind for kinds in _KINDS.values() for kind in kinds)


def _is_of_kind(value: Any, kind: inspect.Type) -> bool:
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    return (
        not isinstance(kind, _NO_STRINGS) if isinstance(value, str) else isinstance(kind, _KINDS.get(type(value), ()))
    )


class _Tagged(inspect.Type):
    """One of several structs, distinguished by a member: what to answer when the member names none of them."""

    field: str
    tags: tuple[Any, ...]


def _of_list(value: Any, kind: inspect.ListType | inspect.VarTupleType, path: str) -> list[Violation]:
    if not isinstance(value, list):
        return [Violation(path, "must be an array", RuleCode.TYPE)]
    least, most = kind.min_length or 0, kind.max_length
    if len(value) < least or (most is not None and len(value) > most):
        return [
            Violation(
                path,
                f"must have {least} to {most} items" if most else f"must have at least {least} items",
                RuleCode.COUNT,
            )
        ]
    return [
        wrong
        for index, item in enumerate(value)
        for wrong in _of_type(item, kind.item_type, f"{path}.{index}", text=False)
    ]


def _of_dict(value: Any, kind: inspect.DictType, path: str) -> list[Violation]:
    if not isinstance(value, dict):
        return [Violation(path, "must be an object", RuleCode.TYPE)]
    if kind.max_length is not None and len(value) > kind.max_length:
        return [Violation(path, f"must have at most {kind.max_length} members", RuleCode.COUNT)]
    wrong = []
    for name, item in value.items():
        shown = f"{path}.{_shown(name)}"
        if wrong_name := _of_type(name, kind.key_type, shown, text=False):
            wrong += [Violation(shown, f"has a name that {violation.rule}", violation.code) for violation in wrong_name]
        wrong += _of_type(item, kind.value_type, shown, text=False)
    return wrong


def _of_struct(value: Any, kind: inspect.StructType, path: str, *, text: bool) -> list[Violation]:
    if not isinstance(value, dict):
        return [Violation(path, "must be an object", RuleCode.TYPE)]
    wrong = []
    for field in kind.fields:
        name = f"{path}.{field.encode_name}" if path else field.encode_name
        if field.encode_name in value:
            wrong += _of_type(value[field.encode_name], field.type, name, text=text)
        elif field.required:
            wrong.append(Violation(name, "is required", RuleCode.REQUIRED))
    if kind.forbid_unknown_fields:
        known = [field.encode_name for field in kind.fields] + ([kind.tag_field] if kind.tag_field else [])
        rule = f"is not known here; there {'are ' + ', '.join(known) if known else 'is none'}"
        unknown = (_shown(name) for name in value if name not in known)
        wrong += [Violation(f"{path}.{name}" if path else name, rule, RuleCode.UNKNOWN) for name in unknown]
    return wrong


def _shown(name: str) -> str:
    """Return a name of the client's as a part of a field."""
    return name[:NAME_SHOWN].replace(".", DOT)


def _broken_rule(  # noqa: C901, PLR0911, PLR0912 - a table
    value: Any, kind: inspect.Type, *, text: bool
) -> tuple[str, RuleCode] | None:
    """Return what a single value should be when it is not that. For the types that wires use."""
    match kind:
        case inspect.StrType(min_length=least, max_length=most, pattern=pattern):
            if not isinstance(value, str):
                return "must be a string", RuleCode.TYPE
            if len(value) < (least or 0) or (most is not None and len(value) > most):
                return f"must have {least or 0} to {most} characters", RuleCode.LENGTH
            if not storable(value):
                return "must not contain the NUL character or lone surrogates", RuleCode.CHARACTERS
            if pattern is None or re.search(_END.sub(r"\\Z", pattern), value):
                return None
            return f"must match {pattern}", RuleCode.FORMAT
        case inspect.IntType(ge=int(low), le=int(high)):
            whole = re.fullmatch("0|[1-9][0-9]{0,17}", value) if text else type(value) is int
            if whole and low <= int(value) <= high:
                return None
            return f"must be a whole number from {low} to {high}", RuleCode.RANGE if whole else RuleCode.TYPE
        case inspect.IntType() | inspect.FloatType():
            right = isinstance(value, int | float) and not isinstance(value, bool)
            return None if right else ("must be a number", RuleCode.TYPE)
        case inspect.BoolType():
            right = value in {"true", "false"} if text and isinstance(value, str) else isinstance(value, bool)
            return None if right else ("must be true or false", RuleCode.TYPE)
        case inspect.UUIDType():
            return None if _converts(value, UUID) else ("must be a UUID", _format_or_type(value))
        case inspect.DateTimeType():
            right = _converts(value, _Moment) and _is_in_utc(msgspec.convert(value, _Moment))
            rule = "must be a time with a zone, such as 2026-03-01T12:00:00Z"
            return None if right else (rule, _format_or_type(value))
        case inspect.DateType():
            right = isinstance(value, str) and _converts(value, date)
            return None if right else ("must be a day, such as 2026-03-01", _format_or_type(value))
        case inspect.EnumType(choices):
            members = [str(choice.value) for choice in choices]
        case inspect.LiteralType(values):
            members = [str(choice) for choice in values]
        case _Tagged():
            rule = f"must be an object whose {kind.field} is one of {', '.join(map(str, kind.tags))}"
            return rule, RuleCode.CHOICE if isinstance(value, dict) else RuleCode.TYPE
        case _:
            raise TypeError(f"no rule is known for {kind}")
    if value in members:
        return None
    return "must be one of " + ", ".join(members), RuleCode.CHOICE if isinstance(value, str) else RuleCode.TYPE


def _format_or_type(value: Any) -> RuleCode:
    return RuleCode.FORMAT if isinstance(value, str) else RuleCode.TYPE


_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


def _converts(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except (msgspec.ValidationError, UnicodeEncodeError):
        return False
    return True
