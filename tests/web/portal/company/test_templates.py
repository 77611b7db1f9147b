"""The ticket templates of a company in the portal: its admins manage them, without scripts, in both languages."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from clearline.catalogue import entry_usecases as entries
from clearline.catalogue.entry_usecases import SERVICE_TYPES
from clearline.companies import usecases as companies
from clearline.fields import usecases as own_fields
from clearline.fields.domain import FieldAudience, FieldType, Option, RecordKind
from clearline.identity import OPERATOR
from clearline.inventory import usecases as inventory
from clearline.platform.database.transactions import Database
from clearline.web.once import new_key
from clearline.workspace.templates import usecases as templates
from clearline.workspace.templates.domain import TicketTemplate
from tests.builders.house import no_fields
from tests.builders.people import NOW
from tests.builders.web.companies import COMPANY, PortalCompany, new_portal_company
from tests.builders.web.pages import Page, led_to, session_of

TEMPLATES = f"{COMPANY}/ticket-templates"
FORM = {
    "name": "Port down", "title": "Link down", "description": "No light", "issue_type": "Circuit Down",
    "service_type": "Port", "service_id": "SVC-1", "priority": "high",
}  # fmt: skip


@pytest.fixture(autouse=True)
async def without_fields(database: Database) -> AsyncIterator[None]:
    """Leave no field behind."""
    await no_fields(database)
    yield
    await no_fields(database)


def hidden(page: Page, name: str) -> str:
    return next(field["value"] or "" for field in page.all("input") if field.get("name") == name)


async def send(company: PortalCompany, path: str, version: str = "", **fields: Any) -> httpx.Response:
    """Send the form of a template of the present version, or of another."""
    now = version or hidden(await company.admin.page(path), "version")
    return await company.admin.post(path, **{**FORM, "version": now, **fields})


async def added(company: PortalCompany, **fields: Any) -> str:
    """Add a template; return the address of its form."""
    answer = await company.admin.post(TEMPLATES, **{**FORM, "once": new_key(), **fields})
    assert answer.status_code == 303, answer.text
    return led_to(answer).partition("?")[0]


async def stored(company: PortalCompany, path: str) -> TicketTemplate:
    async with company.database.statement() as tx:
        return await templates.get_template(tx, OPERATOR, UUID(path.rpartition("/")[2]))


async def add_field(database: Database, key: str, kind: FieldType, audience: FieldAudience, **values: Any) -> None:
    async with database.transaction() as tx:
        usual = {
            "record": RecordKind.TICKET, "key": key, "label": key.title(), "type": kind, "visible_to": audience,
            "edited_by": audience,
        }  # fmt: skip
        await own_fields.add_field(tx, OPERATOR, {**usual, **values}, now=NOW)


async def test_an_admin_adds_changes_and_deletes_a_template_that_all_people_begin_with(
    client: httpx.AsyncClient, company: PortalCompany, database: Database
) -> None:
    page = await company.admin.page(COMPANY)
    assert f"{TEMPLATES}/new" in page.links(TEMPLATES)
    path = await added(company)
    template = await stored(company, path)
    assert template.company_id == company.tenant.company.id
    assert {name: getattr(template, name) for name in FORM} == FORM
    assert path in (await company.admin.page(COMPANY)).links(TEMPLATES)
    customer = await session_of(client, database, company.tenant.user)
    [link] = (await customer.page("/portal/tickets/new")).links("/portal/tickets/new?template=")
    begun = await customer.page(link)
    assert "No light" in begun.text
    answer = await send(company, path, title="Port is dark", priority="", service_id="", service_type="")
    assert led_to(answer) == f"{path}?done=change"
    template = await stored(company, path)
    assert (template.title, template.priority, template.service_id) == ("Port is dark", None, None)
    answer = await company.admin.post(f"{path}/delete")
    assert led_to(answer) == f"{TEMPLATES}?done=delete"
    assert (await company.admin.get(path)).status_code == 404
    assert (await customer.page("/portal/tickets/new")).links("/portal/tickets/new?template=") == []


async def test_two_admins_cannot_overwrite_each_other(company: PortalCompany) -> None:
    path = await added(company)
    old = hidden(await company.admin.page(path), "version")
    assert (await send(company, path, title="The first")).status_code == 303
    refused = await send(company, path, old, title="The second")
    assert refused.status_code == 409
    page = Page(refused.text)
    assert "Now stored: The first" in page.text
    assert hidden(page, "title") == "The second"
    assert (await stored(company, path)).title == "The first"
    assert (await send(company, path, hidden(page, "version"), title="The second")).status_code == 303
    assert (await stored(company, path)).title == "The second"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"name": ""}, "name"), ({"service_id": "SVC-9"}, "service_id"), ({"service_id": "SVC-2"}, "service_id"),
        ({"service_type": "Fax"}, "service_type"), ({"issue_type": "Nothing"}, "issue_type"),
        ({"priority": "urgent"}, "priority"), ({"title": "x" * 300}, "title"),
    ],
    ids=["name", "service", "service of another type", "service type", "issue type", "priority", "title"],
)  # fmt: skip
async def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_is_kept(
    company: PortalCompany, fields: dict[str, str], named: str
) -> None:
    refused = await company.admin.post(TEMPLATES, **{**FORM, "once": new_key(), "description": "Kept words", **fields})
    assert refused.status_code == 422, refused.text
    page = Page(refused.text)
    assert page.links("#field-") == [f"#field-{named}"]
    assert "Kept words" in page.text
    async with company.database.statement() as tx:
        assert await templates.list_templates(tx, OPERATOR, company=company.tenant.company.code, limit=9) == []


async def test_a_name_that_another_template_has_is_refused(company: PortalCompany) -> None:
    await added(company)
    refused = await company.admin.post(TEMPLATES, **{**FORM, "once": new_key(), "name": "PORT DOWN"})
    assert (refused.status_code, "exists already" in refused.text) == (409, True)


async def test_customers_see_and_set_their_own_fields_only(company: PortalCompany, database: Database) -> None:
    options = (Option("emea", "Europe"), Option("apac", "Asia"))
    await add_field(database, "region", FieldType.CHOICE, FieldAudience.CUSTOMER, options=options)
    await add_field(database, "since", FieldType.DATE, FieldAudience.CUSTOMER, required="to_raise")
    await add_field(database, "legs", FieldType.CHOICES, FieldAudience.CUSTOMER, options=options)
    await add_field(database, "margin", FieldType.TEXT, FieldAudience.STAFF)
    page = await company.admin.page(f"{TEMPLATES}/new")
    kinds = {each.get("name"): each.get("type") for each in page.all("input")}
    assert kinds["fields.since"] == "date"
    assert kinds["fields.legs"] == "checkbox"
    assert "fields.region" in {each.get("name") for each in page.all("select")}
    assert "Margin" not in page.text
    shown = {f"fields.{key}.shown": "1" for key in ("region", "since", "legs", "margin")}
    path = await added(company, **shown, **{"fields.region": "emea", "fields.legs": ["emea", "apac"]})
    assert (await stored(company, path)).fields == {"region": "emea", "legs": ["emea", "apac"]}
    refused = await send(company, path, **shown, **{"fields.region": "emea", "fields.since": "yesterday"})
    assert (refused.status_code, Page(refused.text).links("#field-")) == (422, ["#field-fields.since"])
    answer = await send(company, path, **shown, **{"fields.since": "2026-03-01", "fields.margin": "low"})
    assert answer.status_code == 303, answer.text
    assert (await stored(company, path)).fields == {"since": "2026-03-01"}


async def test_a_retired_service_type_is_said_and_the_template_kept(company: PortalCompany, database: Database) -> None:
    name = f"Wavelength {uuid4().hex}"
    async with database.transaction() as tx:
        kind = (await entries.add_entry(tx, OPERATOR, SERVICE_TYPES, {"name": name}, now=NOW)).id
    path = await added(company, service_type=name, service_id="")
    assert name in (await company.admin.page("/portal/tickets/new")).text
    async with database.transaction() as tx:
        await entries.change_entry(tx, OPERATOR, SERVICE_TYPES, kind, {"is_active": False}, now=NOW)
    assert "Service type retired" in (await company.admin.page(TEMPLATES)).text
    page = await company.admin.page(path)
    assert "This type is retired" in page.text
    assert (await send(company, path, service_type=name, service_id="", title="Kept")).status_code == 303
    assert ((await stored(company, path)).service_type, (await stored(company, path)).title) == (name, "Kept")
    assert (await company.admin.page("/portal/tickets/new")).links("/portal/tickets/new?template=") == []


async def test_a_company_with_very_many_services_types_the_id(company: PortalCompany, database: Database) -> None:
    async with database.transaction() as tx:
        for number in range(201):
            await inventory.add_service(
                tx, OPERATOR, company.tenant.company.id, f"P-{number}", "Port", f"Port {number}", now=NOW
            )
    page = await company.admin.page(f"{TEMPLATES}/new")
    assert "service_id" in {each.get("name") for each in page.all("input")}
    path = await added(company, service_id="P-200")
    assert (await stored(company, path)).service_id == "P-200"


async def test_the_pages_are_german_for_those_who_read_german(company: PortalCompany) -> None:
    path = await added(company)
    async with company.database.transaction() as tx:
        await companies.change_company(tx, OPERATOR, company.tenant.company.id, {"language": "de"}, now=NOW)
    for where, words in (
        (COMPANY, ("Ticketvorlagen", "Neue Ticketvorlage")),
        (path, ("Nur für Dienste des Typs", "Was ist gestört?", "Was sehen Sie?", "Alle Typen")),
    ):
        text = (await company.admin.page(where)).text
        assert [word for word in words if word not in text] == []
    refused = Page((await send(company, path, service_id="SVC-2")).text)
    assert "muss vom Typ Port sein" in refused.text


async def test_a_parent_manages_its_own_templates_and_none_of_its_children(
    client: httpx.AsyncClient, company: PortalCompany, database: Database
) -> None:
    parent = await new_portal_company(client, database)
    values = {"parent_id": parent.tenant.company.id, "shares_with_parent": True}
    async with database.transaction() as tx:
        await companies.change_company(tx, OPERATOR, company.tenant.company.id, values, now=NOW)
    path, own = await added(company), await added(parent, name="Of the parent", service_id="")
    listed = (await parent.admin.page(TEMPLATES)).links(f"{TEMPLATES}/")
    assert own in listed
    assert path not in listed
    for answer in (
        await parent.admin.get(path), await parent.admin.post(path, **FORM), await parent.admin.post(f"{path}/delete"),
    ):  # fmt: skip
        assert answer.status_code == 404
    code = company.tenant.company.code
    page = await parent.admin.page(f"/portal/tickets/new?company={code}&step=service")
    [link] = page.links("/portal/tickets/new?template=")
    begun = await parent.admin.page(link)
    assert hidden(begun, "title") == "Link down"
    [chosen] = [each["value"] for each in begun.all("option") if "selected" in each]
    assert chosen == code, "the ticket is still raised for the child"
