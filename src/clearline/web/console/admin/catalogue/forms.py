"""The forms of the issue types: what a new ticket is asked for, line by line."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from msgspec import Struct

from clearline.catalogue import entry_usecases as entries
from clearline.catalogue.domain import IssueEntry
from clearline.catalogue.entry_usecases import ISSUE_TYPES
from clearline.errors import InvalidInput, Violation
from clearline.fields.domain import FieldAudience
from clearline.fields.usecases import definitions
from clearline.identity import Scope
from clearline.platform.database.transactions import Tx
from clearline.tickets.forms import usecases as forms
from clearline.tickets.forms.domain import MEMBERS, NO_ID, Form, choices_of, settable
from clearline.tickets.forms.wording import field_of, line_of
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.records.form import Field, Kind, Line, Values
from clearline.web.visit import Visit
from clearline.web.words import gettext


class FormsOfType(Struct, frozen=True):
    """The forms of an issue type."""

    entry: IssueEntry
    by_audience: Mapping[FieldAudience, Form]


class FormSection(AdminSection[FormsOfType]):
    """The section of forms: each issue type has one for customers and one for staff."""

    noun = "form"
    path = f"{ADMIN}/forms"
    scope = Scope.DESK_WRITE
    can_create = False
    can_delete = False

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Forms"),
            "about": gettext("What a new ticket of each issue type is asked for, in which order, and when."),
            "done change": gettext("Saved. The next ticket is asked for it."),
        }

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:
        """Return the issue types in their order."""
        place = (int(after[0]), str(after[1])) if after else None
        defined = await forms.list_forms(tx, visit.actor)
        listed = await entries.list_entries(tx, visit.actor, ISSUE_TYPES, after=place, limit=limit)
        words = _audiences()
        return [
            Line(
                str(entry.id), entry.name, [*entries.place_of(entry)],
                " · ".join(
                    gettext("%s: %s fields") % (words[form.audience], len(form.fields))
                    for form in defined
                    if form.issue_type == entry.key
                ) or gettext("Every field is asked for"),
                "" if entry.is_active else gettext("retired"),
            )
            for entry in listed
        ]  # fmt: skip

    async def fields(self, visit: Visit, tx: Tx, record: FormsOfType | None) -> list[Field]:  # noqa: ARG002
        """Return a text for each audience, whose lines are the fields."""
        known = await definitions(tx)
        return [
            Field(
                audience, word, Kind.AREA,
                hint=gettext(
                    "A field a line, in order. field! needs a value; field ? other = a | b is asked for when the other "
                    "has one of the values, field ? other when it has any. Empty: every field is asked for. Fields: %s"
                ) % ", ".join(_named(name, choices_of(name, own)) for name in (*MEMBERS, *own)),
            )
            for audience, word in _audiences().items()
            for own in [settable(known, audience)]
        ]  # fmt: skip

    def values(self, record: FormsOfType) -> Values:
        """Return the lines of both forms."""
        return {
            audience: [] if form.id == NO_ID else ["\n".join(map(line_of, form.fields))]
            for audience, form in record.by_audience.items()
        }

    def title(self, record: FormsOfType) -> str:
        """Return the name of the issue type."""
        return record.entry.name

    async def get(self, visit: Visit, tx: Tx, record_id: UUID) -> FormsOfType:
        """Return the forms of an issue type."""
        entry = await entries.get_entry(tx, visit.actor, ISSUE_TYPES, record_id)
        stored = {audience: await forms.get_form(tx, visit.actor, entry.key, audience) for audience in FieldAudience}
        return FormsOfType(entry, stored)

    async def lock(self, visit: Visit, tx: Tx, record_id: UUID) -> FormsOfType:
        """Lock the forms."""
        entry = await entries.get_entry(tx, visit.actor, ISSUE_TYPES, record_id)
        locked = {audience: await forms.lock_form(tx, visit.actor, entry.key, audience) for audience in FieldAudience}
        return FormsOfType(entry, locked)

    async def change(self, visit: Visit, tx: Tx, record: FormsOfType) -> None:
        """Define the forms as their lines say; without lines the default form counts."""
        violations: list[Violation] = []
        for audience, form in record.by_audience.items():
            lines = [line for line in visit.form.get(audience).splitlines() if line.strip()]
            named = (record.entry.key, audience)
            if not lines:
                if form.id != NO_ID:
                    await forms.delete_form(tx, visit.actor, *named, now=visit.now)
                continue
            try:
                await forms.set_form(tx, visit.actor, *named, [field_of(line) for line in lines], now=visit.now)
            except InvalidInput as error:
                violations += [_at_line(audience, violation, lines) for violation in error.violations]
        if violations:
            raise InvalidInput(violations)


def _audiences() -> dict[FieldAudience, str]:
    return {FieldAudience.CUSTOMER: gettext("For customers"), FieldAudience.STAFF: gettext("For your people")}


def _named(name: str, choices: tuple[str | bool, ...]) -> str:
    """Return a field with the values that it can have."""
    words = [str(value).lower() if isinstance(value, bool) else value for value in choices]
    return f"{name} ({' | '.join(words)})" if words else name


def _at_line(audience: FieldAudience, violation: Violation, lines: list[str]) -> Violation:
    """Return a violation of the text of a form, with the line that breaks the rule."""
    _fields, _, at = violation.field.partition(".")
    place = at.partition(".")[0]
    rule = f"in the line {lines[int(place)].strip()}: {violation.rule}" if place else violation.rule
    return Violation(audience, rule, violation.code)


FORMS = FormSection()
