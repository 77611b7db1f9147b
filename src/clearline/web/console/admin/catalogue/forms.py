"""The forms of the issue types: what a new ticket is asked for, a row for each field."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from msgspec import Struct

from clearline.catalogue import entry_usecases as entries
from clearline.catalogue.domain import IssueEntry
from clearline.catalogue.entry_usecases import ISSUE_TYPES
from clearline.errors import InvalidInput, Violation
from clearline.fields.domain import Definitions, FieldAudience
from clearline.fields.usecases import definitions
from clearline.identity import Scope
from clearline.platform.database.transactions import Tx
from clearline.tickets.forms import usecases as forms
from clearline.tickets.forms.domain import NO_ID, Form
from clearline.web.console.admin.catalogue.form_rows import (
    STEP,
    at_rows,
    fields_in,
    label_of,
    part_of,
    unseen,
    values_of,
)
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.records.form import Field, Line, Outcome, Values, typed_values
from clearline.web.visit import Visit
from clearline.web.words import gettext
from clearline.wires.http.call import Answer


class FormsOfType(Struct, frozen=True):
    """The forms of an issue type, with the own fields that there are."""

    entry: IssueEntry
    by_audience: Mapping[FieldAudience, Form]
    known: Definitions


class FormSection(AdminSection[FormsOfType]):
    """The section of forms: each issue type has one for customers and one for staff."""

    noun = "form"
    path = f"{ADMIN}/forms"
    scope = Scope.DESK_WRITE
    template = "console/admin/forms.html"
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
                    for form, _place in defined
                    if form.issue_type == entry.key
                ) or gettext("Every field is asked for"),
                "" if entry.is_active else gettext("retired"),
            )
            for entry in listed
        ]  # fmt: skip

    async def handle_change(self, visit: Visit) -> Answer:
        """Store the forms; or do a step, and show the rows with everything that was chosen."""
        if not visit.form.has(STEP):
            return await super().handle_change(visit)
        return await self.page(visit, self.record_id(visit), Outcome(typed=visit.form))

    async def fields(self, visit: Visit, tx: Tx, record: FormsOfType | None) -> list[Field]:  # noqa: ARG002
        """Return the rows that refusals can name."""
        if record is None:
            return []
        values = self._shown(visit, record)
        return [
            field
            for audience, word in _audiences().items()
            for field in (
                Field(audience, word),
                *(
                    Field(f"{audience}.{row.name}", f"{word}, {label_of(row.name, record.known)}")
                    for row in fields_in(values, audience, record.known)
                ),
            )
        ]

    def field_of(self, name: str) -> str:
        """Return the row that a refusal names."""
        return name

    def values(self, record: FormsOfType) -> Values:
        """Return the rows of both forms."""
        return {
            name: values
            for audience, form in record.by_audience.items()
            for name, values in values_of(audience, () if form.id == NO_ID else form.fields).items()
        }

    def title(self, record: FormsOfType) -> str:
        """Return the name of the issue type."""
        return record.entry.name

    async def get(self, visit: Visit, tx: Tx, record_id: UUID) -> FormsOfType:
        """Return the forms of an issue type."""
        entry = await entries.get_entry(tx, visit.actor, ISSUE_TYPES, record_id)
        stored = {audience: await forms.get_form(tx, visit.actor, entry.key, audience) for audience in FieldAudience}
        return FormsOfType(entry, stored, await definitions(tx))

    async def lock(self, visit: Visit, tx: Tx, record_id: UUID) -> FormsOfType:
        """Lock the forms."""
        entry = await entries.get_entry(tx, visit.actor, ISSUE_TYPES, record_id)
        known = await definitions(tx)
        locked = {audience: await forms.lock_form(tx, visit.actor, entry.key, audience) for audience in FieldAudience}
        return FormsOfType(entry, locked, known)

    async def more(self, visit: Visit, tx: Tx, record: FormsOfType) -> dict[str, object]:  # noqa: ARG002
        """Return both forms with their headings."""
        values, step = self._shown(visit, record), visit.form.get(STEP)
        return {
            "parts": [
                (word, part_of(record.by_audience[audience], values, record.known, step))
                for audience, word in _audiences().items()
            ]
        }

    def _shown(self, visit: Visit, record: FormsOfType) -> Values:
        """Return the rows that the page sent, or else the stored ones."""
        return typed_values(visit.form) if visit.form.pairs else self.values(record)

    async def change(self, visit: Visit, tx: Tx, record: FormsOfType) -> None:
        """Define the forms as their rows say; without rows the default form counts."""
        violations: list[Violation] = []
        values = typed_values(visit.form)
        for audience, form in record.by_audience.items():
            fields = fields_in(values, audience, record.known)
            named = (record.entry.key, audience)
            violations += unseen(values, audience, fields, record.known)
            if not fields and form.id != NO_ID:
                await forms.delete_form(tx, visit.actor, *named, now=visit.now)
            if not fields:
                continue
            try:
                await forms.set_form(tx, visit.actor, *named, fields, now=visit.now)
            except InvalidInput as error:
                violations += at_rows(audience, fields, error.violations)
        if violations:
            raise InvalidInput(violations)


def _audiences() -> dict[FieldAudience, str]:
    return {FieldAudience.CUSTOMER: gettext("For customers"), FieldAudience.STAFF: gettext("For your people")}


FORMS = FormSection()
