"""Ticket templates: what a ticket begins with, of the provider's people or of a company."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from clearline.catalogue.assessment import Priority
from clearline.catalogue.domain import Entry
from clearline.fields.domain import RecordKind
from clearline.identity import PROVIDER_ID
from clearline.platform.database.transactions import Tx
from clearline.web.fields import optional_member_in
from clearline.web.looks import PRIORITIES
from clearline.web.records.form import Choice, Field, Kind, Line, Values
from clearline.web.records.own_fields import own_field_of, own_form_fields, own_form_values, own_values_in
from clearline.web.records.section import Section
from clearline.web.tickets.type_names import entry_name, service_name
from clearline.web.visit import Visit
from clearline.web.words import gettext
from clearline.workspace.templates import usecases as templates
from clearline.workspace.templates.domain import ShownTemplate


class TemplateSection(Section[ShownTemplate]):
    """The ticket templates of a company, or of the provider's people."""

    company_id: UUID

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Ticket templates"),
            "new": gettext("New ticket template"),
            "about delete": gettext("Tickets that were begun with it stay."),
            "done create": gettext("Added."),
            "done change": gettext("Saved."),
            "done delete": gettext("Deleted."),
        }

    @property
    @abstractmethod
    def labels(self) -> Mapping[str, str]:
        """What the form of a new ticket calls ``title``, ``description``, ``issue_type`` and ``priority``."""

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:
        """Return the templates by name."""
        listed = await templates.list_templates(tx, visit.actor, after=after[0] if after else None, limit=limit)
        return [Line(str(each.id), each.name, [each.name], _note(each), _retired(each)) for each in listed]

    async def fields(self, visit: Visit, tx: Tx, record: ShownTemplate | None) -> list[Field]:
        """Return the fields of a template."""
        labels, services = self.labels, visit.catalogue.service_types.values()
        own, nothing = {} if record is None else record.fields, Choice("", gettext("Not said"))
        issue, service = (None, None) if record is None else (record.issue_type, record.service_type)
        return [
            Field("name", gettext("Name"), is_required=True),
            Field(
                "service_type", gettext("Only for services of the type"), Kind.SELECT,
                [Choice("", gettext("Any type")), *_types(services, service)], _hint(record, "service_type"),
            ),
            *await self.more_fields(visit, tx, record),
            Field(
                "issue_type", labels["issue_type"], Kind.SELECT,
                [nothing, *_types(visit.catalogue.issue_types.values(), issue)],
                _hint(record, "issue_type"),
            ),
            Field("title", labels["title"]),
            Field("description", labels["description"], Kind.AREA),
            Field(
                "priority", labels["priority"], Kind.SELECT,
                [nothing, *(Choice(each, gettext(look.label)) for each, look in PRIORITIES.items())],
            ),
            *_with_choices(await own_form_fields(tx, visit.actor, RecordKind.TICKET, self.company_id, own)),
        ]  # fmt: skip

    async def more_fields(self, visit: Visit, tx: Tx, record: ShownTemplate | None) -> list[Field]:  # noqa: ARG002
        """Return the fields that only the templates of this section have."""
        return []

    def values(self, record: ShownTemplate) -> Values:
        """Return what the fields of a template have."""
        return {
            "name": [record.name], "title": [record.title], "description": [record.description],
            "issue_type": [record.issue_type or ""], "priority": [record.priority or ""],
            "service_type": [record.service_type or ""],
        }  # fmt: skip

    async def stored(self, tx: Tx, record: ShownTemplate) -> Values:
        """Return what the fields of a template have, with its own fields."""
        for_staff = self.company_id == PROVIDER_ID
        own = await own_form_values(tx, RecordKind.TICKET, record.fields, for_staff=for_staff)
        return {**self.values(record), **own}

    def field_of(self, name: str) -> str:
        """Return the field of the form for a value that is refused."""
        return own_field_of(name) or name.partition(".")[0]

    def title(self, record: ShownTemplate) -> str:
        """Return the name of a template."""
        return record.name

    async def get(self, visit: Visit, tx: Tx, record_id: UUID) -> ShownTemplate:
        """Return a template."""
        return await templates.get_template(tx, visit.actor, record_id)

    async def lock(self, visit: Visit, tx: Tx, record_id: UUID) -> ShownTemplate:
        """Lock a template."""
        return await templates.lock_template(tx, visit.actor, record_id)

    async def create(self, visit: Visit, tx: Tx) -> UUID:
        """Add a template."""
        return (await templates.add_template(tx, visit.actor, await self.typed(visit, tx, {}), now=visit.now)).id

    async def change(self, visit: Visit, tx: Tx, record: ShownTemplate) -> None:
        """Change a template."""
        values = await self.typed(visit, tx, record.fields)
        await templates.change_template(tx, visit.actor, record.id, values, now=visit.now)

    async def delete(self, visit: Visit, tx: Tx, record: ShownTemplate) -> None:
        """Delete a template."""
        await templates.delete_template(tx, visit.actor, record.id, now=visit.now)

    async def typed(self, visit: Visit, tx: Tx, own: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the form sets; ``own`` are the values of own fields that the template has."""
        form = visit.form
        return {
            "name": form.get("name").strip(),
            "title": form.get("title").strip(),
            "description": form.get("description").rstrip(),
            "issue_type": form.get("issue_type") or None,
            "priority": optional_member_in(Priority, form, "priority"),
            "service_type": form.get("service_type") or None,
            "fields": await own_values_in(tx, RecordKind.TICKET, form, own, for_staff=visit.actor.is_staff),
        }


def _types(entries: Iterable[Entry], kept: str | None) -> list[Choice]:
    """Return the types that can be chosen: the active ones, and the one that a template has."""
    return [Choice(each.key, entry_name(each)) for each in entries if each.is_active or each.key == kept]


def _with_choices(fields: Sequence[Field]) -> list[Field]:
    """Return those own fields that can get a value: the provider has no services that one could refer to."""
    return [field for field in fields if field.kind is not Kind.SELECT or len(field.choices) > 1]


def _hint(record: ShownTemplate | None, name: str) -> str:
    if record is None or name not in record.retired:
        return ""
    if name == "service_type":
        return gettext("This type is retired: the template is offered again once it has another one.")
    return gettext("This type is retired: whoever begins with the template chooses another one.")


def _note(template: ShownTemplate) -> str:
    kind = "" if template.service_type is None else service_name(template.service_type)
    return " · ".join(part for part in (kind, template.title) if part)


def _retired(template: ShownTemplate) -> str:
    if not template.retired:
        return ""
    return gettext("Issue type retired") if template.is_offered else gettext("Service type retired")
