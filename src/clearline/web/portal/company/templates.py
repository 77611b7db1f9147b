"""The ticket templates of a company in the portal: its admins manage them, its people raise tickets with them."""

from collections.abc import Mapping
from typing import Any

from clearline.fields.reference_usecases import CHOICES_MAX
from clearline.inventory import usecases as inventory
from clearline.platform.database.transactions import Tx
from clearline.web.portal.company.section import OWN_COMPANY, PortalSection
from clearline.web.records.form import Choice, Field, Kind, Values
from clearline.web.records.ticket_templates import TemplateSection
from clearline.web.visit import Visit
from clearline.web.words import gettext
from clearline.workspace.templates import usecases as templates
from clearline.workspace.templates.domain import ShownTemplate


class CompanyTemplates(PortalSection[ShownTemplate], TemplateSection):
    """The ticket templates of a company. A parent has its own, and none of its children."""

    noun = "ticketTemplate"
    part = "ticket-templates"
    parameter = "template"
    kind = templates.KIND

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            **super().words,
            "back": gettext("Back to the company"),
            "about": gettext("What your people can begin a ticket with. Whoever raises one sees them as links."),
        }

    @property
    def labels(self) -> Mapping[str, str]:
        """What the form of a new ticket calls its fields."""
        return {
            "title": gettext("Summary"),
            "description": gettext("What do you see?"),
            "issue_type": gettext("What is wrong?"),
            "priority": gettext("How urgent is it for you?"),
        }

    async def more_fields(self, visit: Visit, tx: Tx, record: ShownTemplate | None) -> list[Field]:
        """Return the field of the service, which is typed if the company has very many."""
        services = await inventory.services_of(tx, visit.actor, self.company_id, limit=CHOICES_MAX + 1)
        if len(services) > CHOICES_MAX:
            return [Field("service_id", gettext("Service"), hint=gettext("The id of one of your services."))]
        kept = None if record is None else record.service_id
        choices = [
            Choice("", gettext("Not said")),
            *(Choice(each.id, f"{each.label} ({each.id})") for each in services),
        ]
        if kept is not None and kept not in {each.id for each in services}:
            choices.append(Choice(kept, kept))
        return [Field("service_id", gettext("Service"), Kind.SELECT, choices)]

    def values(self, record: ShownTemplate) -> Values:
        """Return what the fields of a template have."""
        return {**super().values(record), "service_id": [record.service_id or ""]}

    async def typed(self, visit: Visit, tx: Tx, own: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the form sets."""
        service = visit.form.get("service_id").strip()
        return {**await super().typed(visit, tx, own), "service_id": service or None}


TEMPLATE_PAGES = OWN_COMPANY.of(CompanyTemplates, "TicketTemplates")
