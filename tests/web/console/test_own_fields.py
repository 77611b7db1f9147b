"""Own fields in the pages: an admin adds one, an agent and a customer set it, without scripts."""

from collections.abc import AsyncIterator

import httpx
import pytest

from clearline.companies import usecases as companies
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets.domain import Status, ticket_number
from clearline.tickets.list_store import Filter
from clearline.tickets.progress.facts import StatusFacts
from tests.builders.house import no_fields
from tests.builders.people import NOW, Tenant, new_tenant
from tests.builders.tickets import raised
from tests.builders.web.pages import Page, Person, person, session_of

FIELD = {
    "record": "ticket", "key": "circuit_ref", "label": "Circuit reference", "label_de": "Leitungsnummer", "help": "",
    "help_de": "", "type": "text", "options": "", "refers_to": "", "required": "to_raise", "visible_to": "customer",
    "edited_by": "customer", "default": "", "minimum": "", "maximum": "12", "pattern": "[A-Z]{3}-[0-9]+", "place": "",
    "active": "on",
}  # fmt: skip
REGION = {
    **FIELD, "key": "region", "label": "Region", "label_de": "", "type": "choice", "required": "never", "pattern": "",
    "maximum": "", "options": "emea = Europe | Europa\napac = Asia", "visible_to": "staff", "edited_by": "staff",
}  # fmt: skip
TYPED = {
    "once": "a key of this form", "service": "SVC-1", "title": "Port is down", "description": "No light",
    "issue_type": "Circuit Down",
}  # fmt: skip


@pytest.fixture(autouse=True)
async def without_others(database: Database) -> AsyncIterator[None]:
    """Leave no field behind."""
    await no_fields(database)
    yield
    await no_fields(database)


@pytest.fixture
async def tenant(database: Database) -> Tenant:
    return await new_tenant(database)


@pytest.fixture
async def customer(client: httpx.AsyncClient, database: Database, tenant: Tenant) -> Person:
    return await session_of(client, database, tenant.user)


@pytest.fixture
async def admin(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.ADMIN)


async def added(admin: Person, field: dict[str, str]) -> str:
    """Add a field in the administration; return its address."""
    answer = await admin.post("/console/admin/fields", **field, once=f"once {field['key']}")
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].partition("?")[0]


async def test_a_customer_is_asked_for_the_field_and_changes_it(
    database: Database, admin: Person, customer: Person, tenant: Tenant
) -> None:
    await added(admin, FIELD)
    await added(admin, REGION)
    page = await customer.page("/portal/tickets/new?service=SVC-1")
    names = {each.get("name") for each in page.all("input")}
    assert "fields.circuit_ref" in names
    assert "Region" not in page.text
    shown = {f"fields.{key}.shown": "1" for key in ("circuit_ref", "region")}
    refused = await customer.post("/portal/tickets/new", **TYPED, **shown)
    assert refused.status_code == 422
    assert "Circuit reference" in Page(refused.text).text
    wrong = await customer.post("/portal/tickets/new", **TYPED, **shown, **{"fields.circuit_ref": "bir"})
    assert wrong.status_code == 422
    typed = {**TYPED, **shown, "fields.circuit_ref": "BIR-1", "fields.region": "emea"}
    assert (await customer.post("/portal/tickets/new", **typed)).status_code == 303
    async with database.statement() as tx:
        [view] = await ticket_lists.list_tickets(
            tx, OPERATOR, Filter(company_id=tenant.company.id), after=None, limit=2
        )
    assert view.ticket.fields == {"circuit_ref": "BIR-1"}
    address = f"/portal/tickets/{ticket_number(view.ticket.number)}"
    refused = await customer.post(f"{address}/fields", **shown, **{"fields.circuit_ref": "nothing"})
    assert refused.status_code == 422
    assert "nothing" in refused.text
    changed = await customer.post(f"{address}/fields", **shown, **{"fields.circuit_ref": "BIR-2"})
    assert changed.status_code == 303
    assert "BIR-2" in (await customer.page(address)).text


async def test_an_agent_sees_and_sets_the_fields_of_a_ticket(
    client: httpx.AsyncClient, database: Database, admin: Person, tenant: Tenant
) -> None:
    await added(admin, FIELD)
    await added(admin, REGION)
    agent = await person(client, database, Role.AGENT)
    async with database.transaction() as tx:
        number = ticket_number(await raised(tx, tenant))
    address = f"/console/tickets/{number}"
    assert "Own fields" in (await agent.page(address)).text
    shown = {f"fields.{key}.shown": "1" for key in ("circuit_ref", "region")}
    refused = await agent.post(f"{address}/fields", **shown, **{"fields.circuit_ref": "BIR", "fields.region": "emea"})
    assert refused.status_code == 422
    page = Page(refused.text)
    assert "must match the pattern [A-Z]{3}-[0-9]+" in page.text
    saved = await agent.post(f"{address}/fields", **shown, **{"fields.circuit_ref": "BIR-1", "fields.region": "emea"})
    assert saved.status_code == 303
    text = (await agent.page(address)).text
    assert "BIR-1" in text
    assert "Europe" in text


async def test_an_admin_deletes_a_field_with_the_count_and_restores_it(
    client: httpx.AsyncClient, database: Database, admin: Person, tenant: Tenant
) -> None:
    address = await added(admin, FIELD)
    agent = await person(client, database, Role.AGENT)
    async with database.transaction() as tx:
        number = ticket_number(await raised(tx, tenant))
    ticket = f"/console/tickets/{number}"
    await agent.post(f"{ticket}/fields", **{"fields.circuit_ref.shown": "1", "fields.circuit_ref": "BIR-1"})
    assert "1 records have a value" in (await admin.page(address)).text
    assert (await admin.post(f"{address}/delete", confirm="0")).status_code == 409
    assert (await admin.post(f"{address}/delete", confirm="1")).status_code == 303
    assert "BIR-1" not in (await agent.page(ticket)).text
    assert (await admin.post(f"{address}/restore")).status_code == 303
    assert "BIR-1" in (await agent.page(ticket)).text


async def test_a_list_of_the_console_is_in_the_order_of_a_field(
    database: Database, admin: Person, tenant: Tenant
) -> None:
    await added(admin, {**REGION, "required": "never"})
    async with database.transaction() as tx:
        numbers = [await raised(tx, tenant, f"Sorted {region}") for region in ("emea", "apac")]
        for number, region in zip(numbers, ("emea", "apac"), strict=True):
            await ticket_changes.change_ticket(tx, OPERATOR, number, {"fields": {"region": region}}, now=NOW)
    page = await admin.page("/console/open?sort=field.region")
    assert "field.region" in {each.get("value") for each in page.all("option")}
    assert "Region: A to Z" in page.text
    for sort, places in (("field.region", [1, 0]), ("-field.region", [0, 1])):
        text = (await admin.page(f"/console/open?sort={sort}")).text
        found = [text.index(f"Sorted {region}") for region in ("emea", "apac")]
        assert sorted(found) == [found[place] for place in places]
        assert "Port is slow" not in text
    saved = await admin.post("/console/views?list=open", name="By region", query="status:open", sort="-field.region")
    assert saved.status_code == 303, saved.text
    view = await admin.page(saved.headers["location"])
    assert view.text.index("Sorted emea") < view.text.index("Sorted apac")


async def test_an_admin_edits_what_a_rule_does_with_fields(admin: Person) -> None:
    await added(admin, REGION)
    tried = {"issue_type": "Others", "service_type": "Port", "title": "", "description": "", "company": ""}
    result = await admin.post("/console/admin/routing/try", **tried, fields="region=atlantis")
    assert result.status_code == 422
    assert (await admin.post("/console/admin/routing/try", **tried, fields="region=emea")).status_code == 200


async def test_a_list_and_a_view_have_columns_of_own_fields_the_tier_and_the_sub_status(
    database: Database, admin: Person, tenant: Tenant
) -> None:
    await added(admin, REGION)
    async with database.transaction() as tx:
        number = await raised(tx, tenant, "With columns")
        await ticket_changes.change_ticket(tx, OPERATOR, number, {"fields": {"region": "apac"}}, now=NOW)
        await companies.change_company(tx, OPERATOR, tenant.company.id, {"tier": "gold"}, now=NOW)
        facts = StatusFacts("dispatched")
        await ticket_changes.move_ticket(tx, OPERATOR, number, Status.IN_PROGRESS, reason="", facts=facts, now=NOW)
    chosen = ["number", "tier", "sub_status", "field.region", "field.gone"]
    data = {"csrf": admin.token_of_form(), "column": chosen}
    answer = await admin.client.post("/console/columns?list=open&sort=-number", headers=admin.headers, data=data)
    assert answer.status_code == 303, answer.text
    page = await admin.page("/console/open?sort=-number")
    boxes = [box["value"] for box in page.all("input") if box.get("name") == "column" and "checked" in box]
    assert boxes == ["number", "tier", "sub_status", "field.region"]
    row = page.text[page.text.index(ticket_number(number)) :]
    assert row.startswith(f"{ticket_number(number)} With columns Gold Dispatched Asia"), row[:200]
    [live] = [tag["data-list"] for tag in page.all("div") if tag.get("data-list")]
    fragment = await admin.page(f"/console/live/rows?{live}&shown={ticket_number(number)}")
    assert "Gold Dispatched Asia" in fragment.text
    saved = await admin.post(
        "/console/views?list=open", name="With region", query="status:open", columns="number,field.region"
    )
    view = await admin.page(saved.headers["location"])
    assert "Region" in view.text
