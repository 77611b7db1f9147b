"""The services of a company, with their tickets."""

import httpx
import pytest

from clearline.identity import OPERATOR
from clearline.inventory import usecases as inventory
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import Status
from tests.builders.people import NOW, Tenant, new_tenant
from tests.builders.tickets import raised
from tests.builders.web.pages import Page, Person, session_of


@pytest.fixture(scope="module")
async def company(client: httpx.AsyncClient, database: Database) -> tuple[Person, Tenant]:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        await inventory.add_service(
            tx, OPERATOR, tenant.company.code, "FRA/et 1040&a", "Port", "Port 10G <LR>, Frankfurt", now=NOW
        )
        await raised(tx, tenant, "Open one", status=Status.IN_PROGRESS)
        await raised(tx, tenant, "Closed one", status=Status.CLOSED)
        number = await raised(tx, tenant, "Of no service that is listed")
        await tx.write("update ticket set service_id = 'GONE-1', service_label = null where number = $1", number)
    return await session_of(client, database, tenant.user), tenant


def services_of(page: Page) -> list[str]:
    return page.links("/portal/service?")


async def test_the_list_has_every_service_and_finds_some(company: tuple[Person, Tenant]) -> None:
    person, _tenant = company
    page = await person.page("/portal/services")
    assert len(services_of(page)) == 5
    assert "Port 10G <LR>, Frankfurt" in page.text
    for q in ("frankfurt", "et 1040", "FRA%2Fet"):
        assert len(services_of(await person.page(f"/portal/services?q={q}"))) == 1
    assert "No service matches" in (await person.page("/portal/services?q=nothing")).text


async def test_a_service_has_its_tickets(company: tuple[Person, Tenant]) -> None:
    person, _tenant = company
    page = await person.page("/portal/service?id=SVC-1")
    assert "Service 1" in page.text
    assert "Open one" in page.text.partition("Finished tickets")[0]
    assert "Closed one" in page.text.partition("Finished tickets")[2]
    assert "No ticket is open." in (await person.page("/portal/service?id=FRA/et%201040%26a")).text
    [link] = services_of(await person.page("/portal/services?q=frankfurt"))
    assert "Port 10G <LR>, Frankfurt" in (await person.page(link)).text


async def test_a_service_that_only_tickets_name_has_a_page(company: tuple[Person, Tenant]) -> None:
    person, _tenant = company
    page = await person.page("/portal/service?id=GONE-1")
    assert "Of no service that is listed" in page.text
    assert "This service is not in the list of your services." in page.text


async def test_a_service_of_another_company_is_not_found(
    client: httpx.AsyncClient, database: Database, company: tuple[Person, Tenant]
) -> None:
    assert services_of(await company[0].page("/portal/services?q=frankfurt"))
    stranger = await session_of(client, database, (await new_tenant(database)).user)
    for service_id in ("GONE-1", "FRA/et%201040%26a", "nothing", ""):
        assert (await stranger.get(f"/portal/service?id={service_id}")).status_code == 404
    assert "Frankfurt" not in (await stranger.page("/portal/services?q=frankfurt")).text.replace(
        'value="frankfurt"', ""
    )


async def test_a_long_list_of_services_goes_on(client: httpx.AsyncClient, database: Database) -> None:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        for at in range(60):
            await inventory.add_service(tx, OPERATOR, tenant.company.code, f"X-{at:03}", "Port", f"Port {at}", now=NOW)
    person = await session_of(client, database, tenant.user)
    page = await person.page("/portal/services")
    following = next(link["href"] for link in page.all("a") if "data-more" in link)
    second = await person.page(following or "")
    assert len({*services_of(page), *services_of(second)}) == 64
