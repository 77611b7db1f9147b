"""Own fields: their definitions, and the rules for these."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct

from clearline.errors import RuleCode, Violation
from clearline.fields.pattern_domain import PATTERN_MAX, check_pattern
from clearline.text import check_text, is_blank

LABEL_MAX = 80
HELP_MAX = 500
FIELDS_MAX = 200
"""The most fields of each kind of record, with the retired and the deleted ones."""
OPTIONS_MAX = 200
TEXT_MAX = 255
LONG_TEXT_MAX = 8000
URL_MAX = 2000
PLACE_MAX = 1_000_000
UNDO_FOR = timedelta(days=1)
"""How long a deletion can be undone; after that the values are purged."""
KEY_MAX = 40
KEY = re.compile("[a-z][a-z0-9_]{0,39}")
KEY_RULE = "must be 1 to 40 of a-z, 0-9 and _, beginning with a letter"


class RecordKind(StrEnum):
    """What a field belongs to."""

    TICKET = "ticket"
    SERVICE = "service"
    COMPANY = "company"


class FieldType(StrEnum):
    """What values of a field are."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    CHOICE = "choice"
    CHOICES = "choices"
    URL = "url"
    EMAIL = "email"
    IP = "ip"
    PHONE = "phone"
    REFERENCE = "reference"


NUMERIC = frozenset({FieldType.INTEGER, FieldType.DECIMAL})
TIMES = frozenset({FieldType.DATE, FieldType.DATETIME})
RANGED = NUMERIC | TIMES
"""Types whose values are compared as greater and less; ``minimum`` and ``maximum`` are such values."""
LENGTHS = {FieldType.TEXT: TEXT_MAX, FieldType.LONG_TEXT: LONG_TEXT_MAX}
"""Types whose ``minimum`` and ``maximum`` are numbers of characters, and the most that either can be."""
WITH_OPTIONS = frozenset({FieldType.CHOICE, FieldType.CHOICES})


class RefersTo(StrEnum):
    """What the values of a reference are: ids of services of the record's company, of companies, or of users."""

    SERVICE = "service"
    COMPANY = "company"
    USER = "user"


class Required(StrEnum):
    """When a ticket must have a value. Services and companies never need one."""

    NEVER = "never"
    TO_RAISE = "to_raise"
    TO_RESOLVE = "to_resolve"


class FieldAudience(StrEnum):
    """Who sees or edits a field: the provider's people, or the customer too."""

    STAFF = "staff"
    CUSTOMER = "customer"


class Option(Struct, frozen=True):
    """A value of a choice. A retired one (not active) is readable, but cannot be chosen any more."""

    key: str
    label: str
    label_de: str = ""
    active: bool = True


class Field(Struct, frozen=True):
    """The definition of a field. ``key`` is its name in the API and never changes; ``label`` is what people read.

    ``minimum`` and ``maximum`` bound the value of a number, date or moment, the characters of a text, and how many of
    several options are chosen. ``default`` is what a new ticket gets that has no value. Fields are shown by ``place``.
    A retired field (not active) takes no new values. A deleted one is hidden with its values, until it is restored or
    purged.
    """

    id: UUID
    record: RecordKind
    key: str
    label: str
    type: FieldType
    label_de: str = ""
    help: str = ""
    help_de: str = ""
    refers_to: RefersTo | None = None
    required: Required = Required.NEVER
    visible_to: FieldAudience = FieldAudience.STAFF
    edited_by: FieldAudience = FieldAudience.STAFF
    default: Any = None
    minimum: Any = None
    maximum: Any = None
    pattern: str | None = None
    options: tuple[Option, ...] = ()
    place: int = 0
    active: bool = True
    deleted_at: datetime | None = None

    @property
    def name(self) -> str:
        """What events call the field."""
        return f"{self.record} {self.key}"

    def is_visible(self, *, for_staff: bool) -> bool:
        """Return whether the provider's people, or its customers, see the field."""
        return self.deleted_at is None and (for_staff or self.visible_to is FieldAudience.CUSTOMER)

    def is_editable(self, *, for_staff: bool) -> bool:
        """Return whether the provider's people, or its customers, may set the field."""
        return self.is_visible(for_staff=for_staff) and (for_staff or self.edited_by is FieldAudience.CUSTOMER)

    def label_in(self, language: str) -> str:
        """Return the label in a language."""
        return (self.label_de if language == "de" else "") or self.label

    def help_in(self, language: str) -> str:
        """Return the help in a language."""
        return (self.help_de if language == "de" else "") or self.help

    def option(self, key: object) -> Option | None:
        """Return the option of a key, active or not."""
        return next((option for option in self.options if option.key == key), None)


class Definitions:
    """All fields, as a process remembers them."""

    __slots__ = ("_by_key", "all")

    def __init__(self, fields: Iterable[Field]) -> None:
        self.all = tuple(sorted(fields, key=lambda field: (field.record.value, field.place, field.key)))
        self._by_key = {kind: {field.key: field for field in self.all if field.record is kind} for kind in RecordKind}

    def of(self, kind: RecordKind) -> Mapping[str, Field]:
        """Return the fields of a kind of record by their keys, in the order in which they are shown; all of them."""
        return self._by_key[kind]

    def shown(self, kind: RecordKind, *, for_staff: bool) -> list[Field]:
        """Return the fields that an audience sees, with the retired ones."""
        return [field for field in self._by_key[kind].values() if field.is_visible(for_staff=for_staff)]

    def active(self, kind: RecordKind, *, for_staff: bool) -> list[Field]:
        """Return the fields that an audience sees, without the retired ones."""
        return [field for field in self.shown(kind, for_staff=for_staff) if field.active]


def check_field(field: Field) -> list[Violation]:
    """Return the rules that a definition breaks, but for those of its default and its limits."""
    violations = [
        *check_text("label", field.label, most=LABEL_MAX),
        *check_text("label_de", field.label_de, least=0, most=LABEL_MAX),
        *check_text("help", field.help, least=0, most=HELP_MAX),
        *check_text("help_de", field.help_de, least=0, most=HELP_MAX),
        *_check_audiences(field),
        *_check_options(field),
    ]
    if is_blank(field.label):
        violations.append(Violation("label", "must not be blank", RuleCode.BLANK))
    if not KEY.fullmatch(field.key):
        violations.append(Violation("key", KEY_RULE, RuleCode.FORMAT))
    if (field.refers_to is not None) is not (field.type is FieldType.REFERENCE):
        rule = "must be service, company or user for a reference, and null for other types"
        violations.append(Violation("refers_to", rule, RuleCode.CHOICE))
    if field.pattern is not None:
        if field.type is not FieldType.TEXT:
            violations.append(Violation("pattern", "is for the type text", RuleCode.CHOICE))
        violations += check_pattern("pattern", field.pattern, most=PATTERN_MAX)
    if field.record is not RecordKind.TICKET:
        if field.required is not Required.NEVER:
            violations.append(Violation("required", "must be never, but for tickets", RuleCode.CHOICE))
        if field.default is not None:
            violations.append(Violation("default", "must be null, but for tickets", RuleCode.CHOICE))
    return violations


def _check_audiences(field: Field) -> list[Violation]:
    if field.visible_to is FieldAudience.STAFF and field.edited_by is FieldAudience.CUSTOMER:
        return [Violation("edited_by", "must be staff: customers do not see the field", RuleCode.CHOICE)]
    if field.edited_by is FieldAudience.CUSTOMER and field.record is RecordKind.SERVICE:
        return [Violation("edited_by", "must be staff: customers do not edit services", RuleCode.CHOICE)]
    return []


def _check_options(field: Field) -> list[Violation]:
    if field.type not in WITH_OPTIONS:
        return [Violation("options", "are for choice and choices", RuleCode.CHOICE)] if field.options else []
    if not field.options:
        return [Violation("options", "must be 1 or more", RuleCode.COUNT)]
    if len(field.options) > OPTIONS_MAX:
        return [Violation("options", f"must be at most {OPTIONS_MAX}", RuleCode.COUNT)]
    violations: list[Violation] = []
    keys: set[str] = set()
    for index, option in enumerate(field.options):
        if not KEY.fullmatch(option.key):
            violations.append(Violation(f"options.{index}.key", KEY_RULE, RuleCode.FORMAT))
        if option.key in keys:
            violations.append(Violation(f"options.{index}.key", "must differ from the others", RuleCode.DUPLICATE))
        keys.add(option.key)
        violations += check_text(f"options.{index}.label", option.label, most=LABEL_MAX)
        violations += check_text(f"options.{index}.label_de", option.label_de, least=0, most=LABEL_MAX)
    return violations


def missing_options(before: Sequence[Option], after: Sequence[Option]) -> list[str]:
    """Return the keys of options that a change leaves out."""
    kept = {option.key for option in after}
    return [option.key for option in before if option.key not in kept]
