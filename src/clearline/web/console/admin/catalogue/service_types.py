"""The types of services that tickets are about."""

from collections.abc import Mapping
from typing import Any

from clearline.catalogue.domain import ServiceEntry
from clearline.catalogue.entry_usecases import SERVICE_TYPES
from clearline.catalogue.published import ServiceType
from clearline.platform.database.transactions import Tx
from clearline.web.console.admin.catalogue.section import EntrySection
from clearline.web.console.admin.section import ADMIN
from clearline.web.fields import member_in
from clearline.web.records.form import Field, Values
from clearline.web.visit import Form, Visit
from clearline.web.words import gettext


class ServiceTypes(EntrySection[ServiceEntry]):
    """The section of service types."""

    noun = "serviceType"
    path = f"{ADMIN}/service-types"
    kind = SERVICE_TYPES

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Service types"),
            "new": gettext("New service type"),
            "about": gettext("The kinds of services that you sell, and tickets are about."),
            "about delete": gettext(
                "Only one that no ticket, template, service, rule or issue type has. Otherwise retire it."
            ),
            "done create": gettext("Added."),
            "done change": gettext("Saved."),
            "done delete": gettext("Deleted."),
        }

    async def fields(self, visit: Visit, tx: Tx, record: ServiceEntry | None) -> list[Field]:  # noqa: ARG002
        """Return the fields of a service type."""
        return [*self.shared_fields(record), self.words_field([*ServiceType])]

    def values(self, record: ServiceEntry) -> Values:
        """Return what the fields of a service type have."""
        return {**super().values(record), "console_connect": [record.console_connect]}

    def defaults(self, visit: Visit) -> Values:  # noqa: ARG002
        """Return what a new service type has."""
        return {"is_active": ["on"], "console_connect": [ServiceType.NON_CONSOLE]}

    def typed(self, form: Form) -> dict[str, Any]:
        """Return the values of a service type from its form."""
        return {**super().typed(form), "console_connect": member_in(ServiceType, form, "console_connect")}


SERVICE_TYPE_SECTION = ServiceTypes()
