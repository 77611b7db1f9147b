"""Ticket templates of the provider's people: what a ticket begins with."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from clearline.catalogue.assessment import Priority
from clearline.identity import Scope
from clearline.platform.database.transactions import Tx
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.console.people import all_queues
from clearline.web.fields import id_in, optional_member_in, tags_in
from clearline.web.looks import PRIORITIES
from clearline.web.records.form import Choice, Field, Kind, Line, Values
from clearline.web.tickets.type_names import entry_name
from clearline.web.visit import Form, Visit
from clearline.web.words import gettext
from clearline.workspace.templates import usecases as templates
from clearline.workspace.templates.domain import TicketTemplate


class TicketTemplates(AdminSection[TicketTemplate]):
    """The section of ticket templates."""

    noun = "ticketTemplate"
    path = f"{ADMIN}/ticket-templates"
    scope = Scope.DESK_WRITE

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Ticket templates"),
            "new": gettext("New ticket template"),
            "about": gettext("A new ticket in the console can begin with one of these. Customers have their own."),
            "about delete": gettext("Tickets that were begun with it stay."),
            "done create": gettext("Added."),
            "done change": gettext("Saved."),
            "done delete": gettext("Deleted."),
        }

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:
        """Return the templates by name."""
        listed = await templates.list_templates(tx, visit.actor, after=after[0] if after else None, limit=limit)
        return [Line(str(each.id), each.name, [each.name], each.title) for each in listed]

    async def fields(self, visit: Visit, tx: Tx, record: TicketTemplate | None) -> list[Field]:
        """Return the fields of a template."""
        kept = None if record is None else record.issue_type
        issues = [each for each in visit.catalogue.issue_types.values() if each.is_active or each.key == kept]
        nothing = Choice("", gettext("None"))
        return [
            Field("name", gettext("Name"), is_required=True),
            Field("title", gettext("Title")),
            Field("description", gettext("Description"), Kind.AREA),
            Field(
                "issue_type", gettext("Issue type"), Kind.SELECT,
                [nothing, *(Choice(each.key, entry_name(each)) for each in issues)],
            ),
            Field(
                "priority", gettext("Priority as asked"), Kind.SELECT,
                [nothing, *(Choice(value, gettext(look.label)) for value, look in PRIORITIES.items())],
            ),
            Field(
                "queue_id", gettext("Queue"), Kind.SELECT,
                [
                    Choice("", gettext("As the routing rules say")),
                    *(Choice(str(queue.id), queue.name) for queue in await all_queues(tx, visit.actor)),
                ],
            ),
            Field("tags", gettext("Tags"), hint=gettext("Between spaces.")),
        ]  # fmt: skip

    def values(self, record: TicketTemplate) -> Values:
        """Return what the fields of a template have."""
        return {
            "name": [record.name], "title": [record.title], "description": [record.description],
            "issue_type": [record.issue_type or ""], "priority": [record.priority or ""],
            "queue_id": [str(record.queue_id or "")], "tags": [" ".join(record.tags)],
        }  # fmt: skip

    def title(self, record: TicketTemplate) -> str:
        """Return the name of a template."""
        return record.name

    async def get(self, visit: Visit, tx: Tx, record_id: UUID) -> TicketTemplate:
        """Return a template."""
        return await templates.get_template(tx, visit.actor, record_id)

    async def lock(self, visit: Visit, tx: Tx, record_id: UUID) -> TicketTemplate:
        """Lock a template."""
        return await templates.lock_template(tx, visit.actor, record_id)

    async def create(self, visit: Visit, tx: Tx) -> UUID:
        """Add a template."""
        return (await templates.add_template(tx, visit.actor, _values(visit.form), now=visit.now)).id

    async def change(self, visit: Visit, tx: Tx, record: TicketTemplate) -> None:
        """Change a template."""
        await templates.change_template(tx, visit.actor, record.id, _values(visit.form), now=visit.now)

    async def delete(self, visit: Visit, tx: Tx, record: TicketTemplate) -> None:
        """Delete a template."""
        await templates.delete_template(tx, visit.actor, record.id, now=visit.now)


def _values(form: Form) -> dict[str, Any]:
    return {
        "name": form.get("name").strip(), "title": form.get("title").strip(),
        "description": form.get("description").rstrip(), "issue_type": form.get("issue_type") or None,
        "priority": optional_member_in(Priority, form, "priority"), "queue_id": id_in(form, "queue_id"),
        "tags": tags_in(form, "tags"),
    }  # fmt: skip


TICKET_TEMPLATES = TicketTemplates()
