"""The services of a customer: what its tickets can be about."""

from collections.abc import Mapping
from typing import Any

from clearline.fields.domain import RecordKind
from clearline.inventory import usecases as inventory
from clearline.inventory.domain import Service
from clearline.inventory.facts_domain import ServiceState
from clearline.platform.database.transactions import Tx
from clearline.web.console.admin.customers.section import CUSTOMER_PAGES, CustomerSection
from clearline.web.console.admin.customers.service_facts import fact_fields, fact_values, facts_in
from clearline.web.fields import from_segment, to_segment
from clearline.web.records.form import Choice, Field, Kind, Line, Values
from clearline.web.records.own_fields import own_field_of, own_form_fields, own_form_values, own_values_in
from clearline.web.tickets.type_names import service_name
from clearline.web.visit import Visit
from clearline.web.words import gettext


class Services(CustomerSection[Service]):
    """The services of one customer. The id of a record is that of the service."""

    noun = "service"
    part = "services"
    parameter = "service"
    template = "console/admin/customers/services.html"

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Services"),
            "back": gettext("Back to the company"),
            "new": gettext("New service"),
            "about": gettext("What the tickets of %(company)s can be about.") % {"company": self.company_name},
            "about delete": gettext("No new ticket can be about it. Tickets keep the id and label that they have."),
            "done create": gettext("Added."),
            "done change": gettext("Saved."),
            "done delete": gettext("Deleted."),
        }

    def address(self, record_id: str) -> str:
        """Return the address of a service: its id may have any character, also a slash."""
        return f"{self.path}/{to_segment(record_id)}"

    def record_id(self, visit: Visit) -> str:
        """Return the id of the service in the address."""
        return from_segment(inventory.KIND, visit.path["service"])

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:
        """Return the services by type and label."""
        await self.load_company(visit, tx)
        position = (after[0], after[1], after[2]) if after else None
        services = await inventory.services_of(tx, visit.actor, self.company_id, after=position, limit=limit)
        return [
            Line(
                to_segment(service.id), service.label, [service.type, service.label, service.id],
                f"{service.id} · {service_name(service.type)}",
            )
            for service in services
        ]  # fmt: skip

    async def fields(self, visit: Visit, tx: Tx, record: Service | None) -> list[Field]:
        """Return the fields of a service. Its id stays: tickets name it."""
        types = [Choice(entry.key, entry.name) for entry in visit.catalogue.inventory_types()]
        if record is not None and record.type not in {choice.value for choice in types}:  # it is retired
            types.append(Choice(record.type, service_name(record.type)))
        new = [Field("id", gettext("Id"), is_required=True, hint=gettext("As the company knows it; it stays."))]
        return [
            *(new if record is None else []),
            Field(
                "label", gettext("Label"), is_required=True, hint=gettext("Tickets keep the one they were raised with.")
            ),
            Field("type", gettext("Type"), Kind.SELECT, types),
            *await fact_fields(visit, tx, None if record is None else record.tier),
            *await own_form_fields(
                tx, visit.actor, RecordKind.SERVICE, self.company_id, {} if record is None else record.fields
            ),
        ]

    def values(self, record: Service) -> Values:
        """Return what the fields of a service have."""
        return {"label": [record.label], "type": [record.type], **fact_values(record)}

    async def stored(self, tx: Tx, record: Service) -> Values:
        """Return what the fields of a service have, with its own fields."""
        own = await own_form_values(tx, RecordKind.SERVICE, record.fields, for_staff=True)
        return {**self.values(record), **own}

    def defaults(self, visit: Visit) -> Values:  # noqa: ARG002 - the same for all
        """Return what a new service has: it is active."""
        return {"state": [ServiceState.ACTIVE]}

    def field_of(self, name: str) -> str:
        """Return the field of the form for a value: ``a_port`` for ``a_end.port``."""
        return own_field_of(name) or name.replace("_end.", "_")

    def title(self, record: Service) -> str:
        """Return the id of a service."""
        return record.id

    async def get(self, visit: Visit, tx: Tx, record_id: str) -> Service:
        """Return a service."""
        return await inventory.get_service(tx, visit.actor, self.company_id, record_id)

    async def lock(self, visit: Visit, tx: Tx, record_id: str) -> Service:
        """Lock a service."""
        return await inventory.lock_service(tx, visit.actor, self.company_id, record_id)

    async def create(self, visit: Visit, tx: Tx) -> str:
        """Add a service."""
        form, service_id = visit.form, visit.form.get("id").strip()
        own = await own_values_in(tx, RecordKind.SERVICE, form, {}, for_staff=True)
        await inventory.add_service(
            tx, visit.actor, self.company_id, service_id, form.get("type"), form.get("label").strip(),
            facts={**facts_in(form), "fields": own}, now=visit.now,
        )  # fmt: skip
        return service_id

    async def change(self, visit: Visit, tx: Tx, record: Service) -> None:
        """Change a service."""
        form = visit.form
        own = await own_values_in(tx, RecordKind.SERVICE, form, record.fields, for_staff=True)
        values = {"type": form.get("type"), "label": form.get("label").strip(), **facts_in(form), "fields": own}
        await inventory.change_service(tx, visit.actor, self.company_id, record.id, values, now=visit.now)

    async def delete(self, visit: Visit, tx: Tx, record: Service) -> None:
        """Delete a service."""
        await inventory.delete_service(tx, visit.actor, self.company_id, record.id, now=visit.now)


SERVICE_PAGES = CUSTOMER_PAGES.of(Services, "Services")
