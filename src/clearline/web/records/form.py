"""What a page of the administration shows: the lines of its list, the fields of its form, and what became of a form."""

import hashlib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from clearline.errors import Conflict
from clearline.web.visit import Form

VERSION = "version"
"""The field with the version of the record that the form was made from."""
Values = Mapping[str, Sequence[str]]
"""The values of the fields by their names, as a form sends them: an unchecked box has none."""


class Line(Struct, frozen=True):
    """A record in a list. ``keys`` are its sort key, as JSON; ``chip`` is a state that needs attention."""

    id: str
    title: str
    keys: list[Any]
    note: str = ""
    chip: str = ""


class Kind(StrEnum):
    """What a field looks like."""

    TEXT = "text"
    EMAIL = "email"
    TEL = "tel"
    URL = "url"
    NUMBER = "number"
    TIME = "time"
    DATE = "date"
    MOMENT = "datetime-local"
    PASSWORD = "password"  # noqa: S105 - the name of a kind
    AREA = "area"
    SELECT = "select"
    CHECK = "check"
    CHECKS = "checks"


class Choice(Struct, frozen=True):
    """A value that can be chosen, and its words."""

    value: str
    label: str
    hint: str = ""


class Field(Struct, frozen=True):
    """A field of a form. ``name`` is that of the value in the use case, so that its rules are shown beside it.

    That of an own field (``is_own``) is followed by ``.shown``, by which a form without it changes nothing.
    """

    name: str
    label: str
    kind: Kind = Kind.TEXT
    choices: Sequence[Choice] = ()
    hint: str = ""
    is_required: bool = False
    is_own: bool = False

    def shown(self, values: Values) -> str:
        """Return what the field has, in words."""
        chosen = values.get(self.name, ())
        labels = {choice.value: choice.label for choice in self.choices}
        return ", ".join(labels.get(value, value) for value in chosen)


class Outcome(Struct, frozen=True):
    """What became of a form: why it was refused, at the top and by field, or what was done.

    ``typed`` is the form that is shown again; ``is_stale`` when somebody else changed the record meanwhile;
    ``asks_password`` when the person has to prove who it is before the form takes effect.
    """

    status: int = 200
    problem: str = ""
    problems: Mapping[str, str] = {}
    typed: Form | None = None
    is_stale: bool = False
    asks_password: bool = False
    done: str = ""
    secret: str = ""


class ChangedMeanwhile(Conflict):
    """The record is not what the form was made from."""

    code = "changed_meanwhile"

    def __init__(self) -> None:
        super().__init__("somebody changed this meanwhile")


def version_of(values: Values) -> str:
    """Return the version of a record: a digest of what its form shows."""
    return hashlib.sha256(msgspec.json.encode(values, order="sorted")).hexdigest()[:24]


def check_version(form: Form, values: Values) -> None:
    """Refuse a form that was made from other values than the present ones.

    Raises:
        ChangedMeanwhile: the record was changed.
    """
    if form.get(VERSION) != version_of(values):
        raise ChangedMeanwhile


def typed_values(form: Form) -> dict[str, list[str]]:
    """Return what was typed into the fields of a form."""
    values: dict[str, list[str]] = {}
    for name, value in form.pairs:
        values.setdefault(name, []).append(value)
    return values
