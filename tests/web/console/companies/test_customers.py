"""The list of customers."""

import httpx
import pytest

from clearline.accounts import usecases as accounts
from clearline.companies import usecases as companies
from clearline.deactivation import usecases as deactivation
from clearline.identity import OPERATOR, Role
from clearline.inventory import usecases as inventory
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import Status
from tests.builders.people import NOW, Tenant, new_tenant
from tests.builders.tickets import raised
from tests.builders.web.opened import HOSTILE
from tests.builders.web.pages import Page, Person, person

PATH = "/console/companies"


@pytest.fixture(scope="module")
async def agent(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database)


@pytest.fixture(scope="module")
async def tenant(database: Database) -> Tenant:
    """Add a customer with tickets, services and people, and 60 others whose names begin with Q."""
    tenant = await new_tenant(database, f"Orchard {HOSTILE}")
    async with database.transaction() as tx:
        for status in (Status.IN_PROGRESS, Status.HELD, Status.CLOSED):
            await raised(tx, tenant, status=status)
        for at in range(3):
            await inventory.add_service(tx, OPERATOR, tenant.company.code, f"xe-{at}", "Port", f"Port {at}", now=NOW)
        await accounts.add_user(
            tx, OPERATOR, tenant.company.code, name="Ines", email="ines@example.com", phone="", role=Role.CUSTOMER,
            now=NOW,
        )  # fmt: skip
        for at in range(60):
            await companies.add_company(tx, OPERATOR, f"Quay {at:02}", f"QUAY{at:02}", now=NOW)
        await deactivation.deactivate_company(tx, OPERATOR, "QUAY07", now=NOW)
    return tenant


def listed(page: Page) -> list[str]:
    return [link["href"] or "" for link in page.all("a") if "data-row" in link]


async def test_a_customer_has_its_numbers_and_leads_to_its_page(
    agent: Person, tenant: Tenant, database: Database
) -> None:
    page = await agent.page(f"{PATH}?q={tenant.company.code.lower()}")
    assert listed(page) == [f"{PATH}/{tenant.company.id}"]
    async with database.transaction() as tx:
        services = await inventory.services_of(tx, OPERATOR, tenant.company.id)
        people = await accounts.list_users(tx, OPERATOR, tenant.company.id)
    assert f"Orchard {HOSTILE} {tenant.company.code} 2 {len(people)} {len(services)}" in page.text
    assert (len(people), len(services)) >= (2, 3)


@pytest.mark.usefixtures("tenant")
async def test_customers_are_listed_by_name_50_at_a_time(agent: Person) -> None:
    first = await agent.page(PATH)
    assert len(listed(first)) == 50
    [following] = [href for href in first.links(PATH) if "after=" in href]
    everything = listed(first)
    while following:
        page = await agent.page(following)
        everything += listed(page)
        following = next((href for href in page.links(PATH) if "after=" in href), "")
    assert len(everything) == len(set(everything)) >= 61
    assert "Provider" not in first.text


@pytest.mark.usefixtures("tenant")
async def test_customers_are_found_by_a_part_of_their_name_or_code(agent: Person) -> None:
    first = await agent.page(f"{PATH}?q=uay")
    assert [field["value"] for field in first.all("input") if field.get("name") == "q"] == ["uay"]
    [following] = [href for href in first.links(PATH) if "after=" in href]
    second = await agent.page(following)
    assert (len(listed(first)), len(listed(second))) == (50, 10)
    assert set(listed(first)).isdisjoint(listed(second))
    assert "Quay 07 deactivated QUAY07" in first.text
    for path in (f"{PATH}?after=x&part=customers", following.replace("q=uay", "q=ua")):
        assert (await agent.get(path)).status_code == 400
    for text in ("nothinglikethis", "%00", "%25", "_", "o' or '1"):
        empty = await agent.page(f"{PATH}?q={text}")
        assert (listed(empty), "No customer has this in its name or code" in empty.text) == ([], True)


async def test_the_list_has_a_key_and_stands_in_the_side_bar(agent: Person) -> None:
    page = await agent.page("/console/mine")
    [link] = [link for link in page.all("a") if link.get("href") == PATH]
    assert (link["data-key"], link["data-go"]) == ("g c", "Customers")
    keys = [attributes["data-key"] for _tag, attributes in page.tags if "data-key" in attributes]
    assert keys.count("g c") == 1
    here = await agent.page(PATH)
    assert [link["href"] for link in here.all("a") if link.get("aria-current")][:1] == [PATH]
