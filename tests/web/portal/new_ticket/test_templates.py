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
