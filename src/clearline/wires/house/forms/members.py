"""House API v1: the JSON Schema of each field of a form, with its label and help in the reader's language."""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any

from clearline.accounts.domain import NAME_MAX, PHONE_MAX
from clearline.catalogue.assessment import Impact, Priority, Severity
from clearline.fields.domain import LENGTHS, NUMERIC, TIMES, URL_MAX, WITH_OPTIONS, Field, FieldType, RefersTo
from clearline.fields.type_domain import DECIMAL_MAX, INTEGER_MAX
from clearline.inventory.domain import ID_MAX
from clearline.language.reader import reader
from clearline.language.words import gettext
from clearline.text import EMAIL_MAX
from clearline.tickets.contact import CC_MAX, CONTACTS_MAX
from clearline.tickets.contacts.words import CC, ROLES
from clearline.tickets.domain import DESCRIPTION_MAX, TICKET_CHANNELS, TITLE_MAX
from clearline.tickets.faults.domain import (
    ACCESS_CONTACT_MAX,
    ACCESS_HOURS_MAX,
    HAZARDS_MAX,
    INTERMITTENT_MAX,
    TESTING_HOURS_MAX,
)
from clearline.tickets.forms.domain import OWN
from clearline.tickets.forms.words import HINTS, LABELS, WORDS
from clearline.tickets.label_domain import EXTERNAL_ID_MAX, EXTERNAL_IDS_MAX, SYSTEM_MAX, TAG_MAX, TAGS_MAX

Schema = dict[str, Any]
NULL = {"type": "null"}
_INK = "\\S"
_EMAIL = {"type": "string", "format": "email", "maxLength": EMAIL_MAX}
_ACCESS = {"contact": ACCESS_CONTACT_MAX, "hours": ACCESS_HOURS_MAX, "hazards": HAZARDS_MAX}
_PEOPLE = ("contacts", "cc")
_ASSESSED: dict[str, type[StrEnum]] = {"severity": Severity, "impact": Impact, "priority": Priority}
EMPTY_OWN: Schema = {"enum": [None, "", []]}
"""What clears an own field."""


def empty(name: str) -> Schema:
    """Return the schema of no value: what a hidden field may have."""
    if name.startswith(OWN):
        return EMPTY_OWN
    if name in _PEOPLE:
        return {"enum": [None, []]}
    if name == "site_access":
        return {"type": ["object", "null"], "properties": dict.fromkeys(_ACCESS, NULL)}
    return NULL


def filled(name: str) -> Schema:
    """Return the schema of any value: what a required field must have."""
    if name.startswith(OWN):
        return {"not": EMPTY_OWN}
    if name in _PEOPLE:
        return {"type": "array", "minItems": 1}
    if name == "site_access":
        some = [{"properties": {part: {"type": "string"}}, "required": [part]} for part in _ACCESS]
        return {"type": "object", "anyOf": some}
    return {"not": NULL}


def common(*, issue_type: str, service_types: Mapping[str, str], for_staff: bool) -> dict[str, Schema]:
    """Return the members of every new ticket, which forms neither order nor hide."""
    members: dict[str, Schema] = {
        "issue_type": {"const": issue_type},
        "service": {
            "type": "object",
            "properties": {
                "id": {"type": "string", "minLength": 1, "maxLength": ID_MAX},
                "type": _one_of(service_types.items()),
            },
            "required": ["id", "type"],
            "additionalProperties": False,
        },
        "company": {"type": "string" if for_staff else ["string", "null"], "minLength": 1, "maxLength": NAME_MAX},
        "contact": {
            "type": ["object", "null"],
            "properties": {
                "name": {"type": "string", "minLength": 1, "maxLength": NAME_MAX},
                "email": _EMAIL,
                "phone": {"type": "string", "maxLength": PHONE_MAX},
            },
            "required": ["name", "email", "phone"],
            "additionalProperties": False,
        },
        "external_ids": {
            "type": ["object", "null"],
            "propertyNames": {"minLength": 1, "maxLength": SYSTEM_MAX},
            "additionalProperties": {"type": "string", "minLength": 1, "maxLength": EXTERNAL_ID_MAX},
            "maxProperties": EXTERNAL_IDS_MAX,
        },
        "channel": {"enum": [*TICKET_CHANNELS], "default": "API"},
    }
    if for_staff:
        tag = {"type": "string", "minLength": 1, "maxLength": TAG_MAX}
        members |= {name: {"enum": [*kind, None]} for name, kind in _ASSESSED.items()}
        members["tags"] = {"type": ["array", "null"], "items": tag, "maxItems": TAGS_MAX}
    return members


def built_in(name: str) -> Schema:
    """Return the schema of a built-in field, which may be null unless every ticket has it."""
    hint = {"description": gettext(HINTS[name])} if name in HINTS else {}
    return {"title": gettext(LABELS[name]), **hint, **_built_in(name)}


def _text(most: int) -> Schema:
    return {"type": ["string", "null"], "minLength": 1, "maxLength": most}


_SIMPLE: dict[str, Schema] = {
    "title": {**_text(TITLE_MAX), "type": "string"},
    "description": {**_text(DESCRIPTION_MAX), "type": "string", "x-multiline": True},
    "occurred_at": {"type": ["string", "null"], "format": "date-time"},
    "dispatch_allowed": {"type": ["boolean", "null"]},
    "intermittent": _text(INTERMITTENT_MAX),
    "testing_hours": {**_text(TESTING_HOURS_MAX), "pattern": _INK},
}


def _built_in(name: str) -> Schema:
    if name in _SIMPLE:
        return dict(_SIMPLE[name])
    if name in _WITH_PARTS:
        return _WITH_PARTS[name]()
    return _or_null(_one_of((value, gettext(word)) for value, word in WORDS[name].items()))


def _site_access() -> Schema:
    parts = {part: {"title": gettext(LABELS[f"site_access_{part}"]), **_text(most)} for part, most in _ACCESS.items()}
    return {"type": ["object", "null"], "properties": parts, "additionalProperties": False}


def _contacts() -> Schema:
    return {"type": ["array", "null"], "items": _contact(), "maxItems": CONTACTS_MAX - 1}


def _copies() -> Schema:
    copied = {"email": _EMAIL, "name": {"type": "string", "maxLength": NAME_MAX}}
    items = {"type": "object", "properties": copied, "required": ["email"], "additionalProperties": False}
    return {"type": ["array", "null"], "items": items, "maxItems": CC_MAX}


_WITH_PARTS: dict[str, Callable[[], Schema]] = {
    "site_access": _site_access, "contacts": _contacts, "cc": _copies,
}  # fmt: skip


def _contact() -> Schema:
    roles = _one_of((role, gettext(word)) for role, word in ROLES.items() if role != CC)
    text = {"type": "string", "minLength": 1}
    return {
        "type": "object",
        "properties": {
            "roles": {"type": "array", "items": roles, "minItems": 1, "maxItems": len(ROLES) - 1},
            "name": {"type": "string", "maxLength": NAME_MAX},
            "email": {"type": "string", "maxLength": EMAIL_MAX, "anyOf": [{"const": ""}, {"format": "email"}]},
            "phone": {"type": "string", "maxLength": PHONE_MAX},
            "user_id": {"type": ["string", "null"], "format": "uuid"},
        },
        "required": ["roles"],
        "anyOf": [
            {"properties": {"user_id": {"type": "string"}}, "required": ["user_id"]},
            {"properties": {"name": text, "email": text}, "required": ["name", "email"]},
            {"properties": {"name": text, "phone": text}, "required": ["name", "phone"]},
        ],
        "additionalProperties": False,
    }


def own_field(field: Field) -> Schema:
    """Return the schema of an own field, which may be null.

    It describes the values that the house API answers; the API also reads texts such as ``"12"`` and ``"yes"``.
    """
    language = reader().language
    hint = {"description": text} if (text := field.help_in(language)) else {}
    default = {} if field.default is None else {"default": field.default}
    return {"title": field.label_in(language), **hint, **_own(field), **default, "x-type": field.type}


def _own(field: Field) -> Schema:
    if field.type in WITH_OPTIONS:
        language = reader().language
        options = _one_of(
            (option.key, (option.label_de if language == "de" else "") or option.label)
            for option in field.options
            if option.active
        )
        if field.type is FieldType.CHOICE:
            return _or_null(options)
        counts = _limits(field, "minItems", "maxItems")
        return {"type": ["array", "null"], "items": options, "uniqueItems": True, **counts}
    if field.type in NUMERIC:
        most = INTEGER_MAX if field.type is FieldType.INTEGER else DECIMAL_MAX
        limits = {"minimum": -most, "maximum": most} | _limits(field, "minimum", "maximum")
        return {"type": ["integer" if field.type is FieldType.INTEGER else "number", "null"], **limits}
    if field.type is FieldType.BOOLEAN:
        return {"type": ["boolean", "null"]}
    return {"type": ["string", "null"], **_own_text(field)}


_FORMATS: dict[FieldType, Schema] = {
    FieldType.URL: {"format": "uri", "pattern": "^https?://", "maxLength": URL_MAX},
    FieldType.EMAIL: {"format": "email", "maxLength": EMAIL_MAX},
    FieldType.IP: {"anyOf": [NULL, {"format": "ipv4"}, {"format": "ipv6"}, {"pattern": "^[0-9A-Fa-f.:]+/[0-9]{1,3}$"}]},
    FieldType.PHONE: {"pattern": "^\\+?[0-9][0-9 ().\\-/]{1,38}[0-9]$"},
}


def _own_text(field: Field) -> Schema:
    if field.type in TIMES:
        form = "date" if field.type is FieldType.DATE else "date-time"
        return {"format": form, **_limits(field, "formatMinimum", "formatMaximum")}
    if field.type in LENGTHS:
        limits = {"maxLength": LENGTHS[field.type]} | _limits(field, "minLength", "maxLength")
        if field.type is FieldType.LONG_TEXT:
            return {**limits, "pattern": _INK, "x-multiline": True}
        line = f"^(?:{field.pattern})$" if field.pattern else "^[^\\r\\n]*\\S[^\\r\\n]*$"
        return {**limits, "pattern": line}
    if field.type in _FORMATS:
        return dict(_FORMATS[field.type])
    refers = {"x-refers-to": field.refers_to}
    return refers if field.refers_to is RefersTo.SERVICE else {**refers, "format": "uuid"}


def _limits(field: Field, least: str, most: str) -> Schema:
    limits = ((least, field.minimum), (most, field.maximum))
    return {keyword: limit for keyword, limit in limits if limit is not None}


def _one_of(words: Iterable[tuple[str, str]]) -> Schema:
    return {"oneOf": [{"const": str(value), "title": word} for value, word in words]}


def _or_null(schema: Schema) -> Schema:
    return {"oneOf": [*schema["oneOf"], NULL]}
