"""Ticket templates before a ticket is raised, in portal and console: who is offered which, what they fill in."""

from uuid import uuid4

import httpx

from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.workspace.templates import usecases as templates
from tests.builders.people import NOW, new_staff, new_tenant
from tests.builders.web.pages import Page, session_of

PORTAL, CONSOLE = "/portal/tickets/new", "/console/tickets/new"
VALUES = {"title": "Link down", "description": "No light", "issue_type": "Circuit Down"}


def carried(page: Page) -> dict[str | None, str | None]:
    return {each.get("name"): each.get("value") for each in page.all("input") if each.get("type") == "hidden"}


async def test_a_customer_begins_with_a_template_of_its_company(client: httpx.AsyncClient, database: Database) -> None:
    tenant, other = await new_tenant(database), await new_tenant(database)
    async with database.transaction() as tx:
        ours, about, theirs = [
            await templates.add_template(tx, OPERATOR, {"name": name, **VALUES, **more}, company=code, now=NOW)
            for name, more, code in (
                ("Port down", {}, tenant.company.code),
                ("Our first port", {"service_id": "SVC-1"}, tenant.company.code),
                ("Not ours", {}, other.company.code),
            )
        ]
    person = await session_of(client, database, tenant.user)
    page = await person.page(PORTAL)
    assert page.links(f"{PORTAL}?template=") == [f"{PORTAL}?template={each.id}" for each in (about, ours)]
    begun = await person.page(f"{PORTAL}?template={ours.id}")
    assert VALUES.items() <= carried(begun).items(), "the service is still to be chosen"
    form = await person.page(f"{PORTAL}?template={about.id}")
    assert carried(form)["service"] == "SVC-1"
    assert "No light" in form.text
    assert [each["value"] for each in form.all("input") if "checked" in each] == ["Circuit Down"]
    assert (await person.get(f"{PORTAL}?template={theirs.id}")).status_code == 404
    assert (await person.get(f"{PORTAL}?template=nonsense")).status_code == 404


async def test_an_agent_begins_with_a_template_of_the_provider_or_the_company(
    client: httpx.AsyncClient, database: Database
) -> None:
    tenant, name = await new_tenant(database), f"Cut {uuid4().hex}"
    async with database.transaction() as tx:
        desk = await templates.add_template(tx, OPERATOR, {"name": name, **VALUES, "tags": ("fibre",)}, now=NOW)
        values = {"name": "Theirs", **VALUES}
        theirs = await templates.add_template(tx, OPERATOR, values, company=tenant.company.code, now=NOW)
    agent = await session_of(client, database, (await new_staff(database, Role.AGENT)).user)
    assert f"{CONSOLE}?template={desk.id}" in (await agent.page(CONSOLE)).links(f"{CONSOLE}?template=")
    offered = (await agent.page(f"{CONSOLE}?company={tenant.company.id}")).links(f"{CONSOLE}?template=")
    company = f"&company={tenant.company.id}"
    assert {f"{CONSOLE}?template={each.id}{company}" for each in (desk, theirs)} <= set(offered)
    begun = await agent.page(f"{CONSOLE}?template={desk.id}")
    assert {**VALUES, "tags": "fibre"}.items() <= carried(begun).items(), "the company is still to be chosen"
    form = await agent.page(f"{CONSOLE}?template={theirs.id}&service=SVC-1")
    assert tenant.company.name in form.text
    assert "No light" in form.text


async def test_a_template_of_a_service_type_offers_the_services_of_it(
    client: httpx.AsyncClient, database: Database
) -> None:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        code, values = tenant.company.code, {"name": "Router down", "service_type": "CloudRouter", **VALUES}
        router = await templates.add_template(tx, OPERATOR, values, company=code, now=NOW)
        values = {"name": "Something else", "service_type": "Non-Console Service"}
        other = await templates.add_template(tx, OPERATOR, values, company=code, now=NOW)
    person = await session_of(client, database, tenant.user)
    begun = await person.page(f"{PORTAL}?template={router.id}")
    assert services(begun) == ["SVC-2"], "and none that is not in the list"
    carries = {str(name): value or "" for name, value in carried(begun).items()}
    found = Page((await person.post(PORTAL, **carries, step="service", find="Service")).text)
    assert services(found) == ["SVC-2"]
    form = Page((await person.post(PORTAL, **carries, step="form", service="SVC-2")).text)
    assert "No light" in form.text
    wrong = Page((await person.post(PORTAL, **carries, step="form", service="SVC-1")).text)
    assert services(wrong) == ["SVC-2"]
    assert "Must be one of the type CloudRouter" in wrong.text
    assert services(await person.page(f"{PORTAL}?template={router.id}&service=SVC-1")) == ["SVC-2"]
    assert services(await person.page(f"{PORTAL}?template={other.id}")) == [""], "only what is not in the list"


async def test_an_agent_chooses_among_the_services_of_the_type(client: httpx.AsyncClient, database: Database) -> None:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        values = {"name": f"Router {uuid4().hex}", "service_type": "CloudRouter", **VALUES}
        desk = await templates.add_template(tx, OPERATOR, values, now=NOW)
    agent = await session_of(client, database, (await new_staff(database, Role.AGENT)).user)
    begun = await agent.page(f"{CONSOLE}?template={desk.id}&company={tenant.company.id}")
    assert [each.get("value") for each in begun.all("button") if each.get("name") == "service"] == ["SVC-2"]
    assert "Not in the list" not in begun.text
    at = f"{CONSOLE}?template={desk.id}&company={tenant.company.id}&service="
    assert "No light" in (await agent.page(f"{at}SVC-2")).text
    assert "must be one of the type CloudRouter" in (await agent.page(f"{at}SVC-1")).text.replace("Must", "must")


def services(page: Page) -> list[str | None]:
    """Return the services that can be chosen; an empty one is one that is not in the list."""
    return [each.get("value") for each in page.all("input") if each.get("name") == "service"]
