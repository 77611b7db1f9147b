"""What the pages of ticket templates and of parent companies are checked with: a field of each type, long names."""

from typing import Any
from uuid import UUID

from clearline.catalogue import entry_usecases as entries
from clearline.catalogue.entry_usecases import SERVICE_TYPES
from clearline.companies import usecases as companies
from clearline.fields import usecases as own_fields
from clearline.fields.domain import FieldAudience, FieldType, Option, RecordKind, RefersTo
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database, Tx
from clearline.workspace.templates import usecases as templates
from tests.builders.people import NOW, Tenant, new_tenant
from tests.builders.tickets import raised

_OPTIONS = (
    Option("emea", "Europe, the Middle East and Africa", "Europa, Naher Osten und Afrika"),
    Option("apac", "Asia"),
)
_MORE: dict[FieldType, dict[str, Any]] = {
    FieldType.CHOICE: {"options": _OPTIONS},
    FieldType.CHOICES: {"options": _OPTIONS},
    FieldType.REFERENCE: {"refers_to": RefersTo.SERVICE},
    FieldType.LONG_TEXT: {"help": "What your own monitoring says about it, as it is"},
}
VALUES = {
    "text": "BIR-1", "long_text": "rx -14.6\n\nerrors 18422", "integer": 3, "decimal": "0.25", "boolean": True,
    "date": "2026-03-01", "datetime": "2026-03-01T09:12:00Z", "choice": "emea", "choices": ["emea", "apac"],
    "url": "https://status.example.com/ports/edge-routers/fra-1", "email": "noc@example.com", "ip": "192.0.2.0/24",
    "phone": "+1-555-0142",
}  # fmt: skip
RETIRED = "Dark fibre of the former network"


async def add_own_fields(tx: Tx) -> None:
    """Add a field of tickets of each type, which customers set."""
    for kind in FieldType:
        values = {
            "record": RecordKind.TICKET, "key": f"own_{kind}", "label": f"Own {kind.replace('_', ' ')}", "type": kind,
            "visible_to": FieldAudience.CUSTOMER, "edited_by": FieldAudience.CUSTOMER, **_MORE.get(kind, {}),
        }  # fmt: skip
        await own_fields.add_field(tx, OPERATOR, values, now=NOW)


async def add_templates(tx: Tx, company: str | None) -> list[UUID]:
    """Add a template of a company, or of the provider, with everything in it, and one of a retired service type."""
    retired = await entries.add_entry(tx, OPERATOR, SERVICE_TYPES, {"name": f"{RETIRED} {company}"}, now=NOW)
    usual = {
        "title": "Port is down, link lights are off on both sides",
        "issue_type": "Circuit Down",
        "priority": "high",
    }
    fields = {f"own_{name}": value for name, value in VALUES.items()}
    added = []
    for name, more in (
        ("A port that is down", {"service_type": "Port", "description": "No light since\n\n", "fields": fields}),
        ("Everything about the fibres of the former network in the north", {"service_type": retired.key}),
    ):
        values = {"name": name, **usual, **more}
        added.append((await templates.add_template(tx, OPERATOR, values, company=company, now=NOW)).id)
    await entries.change_entry(tx, OPERATOR, SERVICE_TYPES, retired.id, {"is_active": False}, now=NOW)
    return added


class Family:
    """A reseller, a customer of it that shares its tickets, and one that does not; the number of a shared ticket."""

    def __init__(self, parent: Tenant, child: Tenant, private: Tenant, number: int) -> None:
        self.parent, self.child, self.private, self.number = parent, child, private, number


async def new_family(database: Database) -> Family:
    """Add a reseller with two customers, each of which has tickets."""
    parent, child, private = [
        await new_tenant(database, name)
        for name in ("Harbour Networks Resale and Services", "Northwind Hospital Group of the Coast", "Lark Foods")
    ]
    async with database.transaction() as tx:
        for tenant, shares in ((child, True), (private, False)):
            values = {"parent_id": parent.company.id, "shares_with_parent": shares}
            await companies.change_company(tx, OPERATOR, tenant.company.id, values, now=NOW)
        for tenant in (parent, private):
            await raised(tx, tenant, "Loss on the link between both sites of the company")
        number = await raised(tx, child, "Port flapping since 09:12 UTC, LACP member drops every 4 minutes")
    return Family(parent, child, private, number)
