"""Ticket templates of the provider's people."""

from collections.abc import Mapping
from typing import Any

from clearline.identity import PROVIDER_ID, Scope
from clearline.platform.database.transactions import Tx
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.console.people import all_queues
from clearline.web.fields import id_in, tags_in
from clearline.web.records.form import Choice, Field, Kind, Values
from clearline.web.records.ticket_templates import TemplateSection
from clearline.web.visit import Visit
from clearline.web.words import gettext
from clearline.workspace.templates.domain import ShownTemplate


class TicketTemplates(AdminSection[ShownTemplate], TemplateSection):
    """The section of ticket templates."""

    noun = "ticketTemplate"
    path = f"{ADMIN}/ticket-templates"
    scope = Scope.DESK_WRITE
    company_id = PROVIDER_ID

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        about = gettext("A new ticket in the console can begin with one of these. Customers have their own.")
        return {**super().words, "about": about}

    @property
    def labels(self) -> Mapping[str, str]:
        """What the form of a new ticket calls its fields."""
        return {
            "title": gettext("Title"),
            "description": gettext("Description"),
            "issue_type": gettext("Issue type"),
            "priority": gettext("Priority as asked"),
        }

    async def more_fields(self, visit: Visit, tx: Tx, record: ShownTemplate | None) -> list[Field]:  # noqa: ARG002
        """Return the fields of what only the provider's people see."""
        return [
            Field(
                "queue_id", gettext("Queue"), Kind.SELECT,
                [
                    Choice("", gettext("As the routing rules say")),
                    *(Choice(str(queue.id), queue.name) for queue in await all_queues(tx, visit.actor)),
                ],
            ),
            Field("tags", gettext("Tags"), hint=gettext("Between spaces.")),
        ]  # fmt: skip

    def values(self, record: ShownTemplate) -> Values:
        """Return what the fields of a template have."""
        own = {"queue_id": [str(record.queue_id or "")], "tags": [" ".join(record.tags)]}
        return {**super().values(record), **own}

    async def typed(self, visit: Visit, tx: Tx, own: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the form sets."""
        form = visit.form
        values = await super().typed(visit, tx, own)
        return {**values, "queue_id": id_in(form, "queue_id"), "tags": tags_in(form, "tags")}


TICKET_TEMPLATES = TicketTemplates()
