"""The pages of a customer and of a service: what they list, how their lists go on, and what leads to them."""

from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest

from clearline.accounts import usecases as accounts
from clearline.deactivation import usecases as deactivation
from clearline.identity import OPERATOR, PROVIDER_ID, Role
from clearline.inventory import usecases as inventory
from clearline.platform.database.transactions import Database
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Status, ticket_number
from tests.builders.people import NOW, Tenant, new_tenant
from tests.builders.tickets import a_new_ticket, raised
from tests.builders.web.opened import HOSTILE
from tests.builders.web.pages import Page, Person, person

TICKETS = "/console/tickets/INC"


@pytest.fixture(scope="module")
async def agent(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database)


@pytest.fixture(scope="module")
async def customer(database: Database) -> Tenant:
    """Add a customer with 52 open and 13 finished tickets, 13 services and 12 people."""
    tenant = await new_tenant(database)
    code = tenant.company.code
    async with database.transaction() as tx:
        for _ticket in range(52):
            await raised(tx, tenant)
        for _ticket in range(13):
            await raised(tx, tenant, "Is finished", status=Status.CLOSED)
        for at in range(9):
            await inventory.add_service(tx, OPERATOR, code, f"xe-0/0/{at}", "Port", f"Port {at}", now=NOW)
        for at in range(11):
            email = f"user{at:02}@{code.lower()}.example.com"
            await accounts.add_user(tx, OPERATOR, code, name=f"User {at:02}", email=email, phone="", now=NOW)
    return tenant


def path_of(tenant: Tenant) -> str:
    return f"/console/companies/{tenant.company.id}"


def service_of(tenant: Tenant, service: str) -> str:
    return f"{path_of(tenant)}/service?id={quote(service, safe='')}"


def next_of(page: Page, part: str) -> str:
    [address] = {link for link in page.links("/console/companies/") if f"part={part}&after=" in link}
    return address


async def test_a_company_shows_its_tickets_people_and_services(agent: Person, customer: Tenant) -> None:
    page = await agent.page(path_of(customer))
    assert customer.company.code in page.text
    assert len(page.links(TICKETS)) == 50 + 10
    assert len(page.links("mailto:")) == 10
    assert len(set(page.links(f"{path_of(customer)}/service?id=")) - {service_of(customer, "SVC-1")}) == 10
    assert service_of(customer, "xe-0/0/3") in page.links(path_of(customer))
    assert all(link.endswith(f"?list=companies/{customer.company.id}") for link in page.links(TICKETS))


@pytest.mark.parametrize(
    ("part", "links", "count"),
    [("open", TICKETS, 52), ("finished", TICKETS, 13), ("people", "mailto:", 12), ("services", "/service?id=", 13)],
)
async def test_each_list_of_a_company_goes_on_by_itself(
    agent: Person, customer: Tenant, part: str, links: str, count: int
) -> None:
    def shown(page: Page) -> list[str]:
        of_part = page.links(f"{path_of(customer)}{links}") if links.startswith("/service") else page.links(links)
        return [link.partition("?list")[0] for link in of_part]

    first = await agent.page(path_of(customer))
    later = await agent.page(next_of(first, part))
    after = shown(later)
    assert not [link for link in later.links("/console/companies/") if "after=" in link]
    together = {*shown(first), *after}
    if part in {"open", "finished"}:
        assert not set(after) & set(shown(first))
        assert len(after) == count - (50 if part == "open" else 10)
    else:
        assert len(together) == count
    other = next_of(first, "people" if part == "open" else "open").replace(
        f"part={'people' if part == 'open' else 'open'}", f"part={part}"
    )
    assert (await agent.get(other)).status_code == 400


async def test_a_ticket_of_a_company_has_the_list_of_the_company_beside_it(agent: Person, customer: Tenant) -> None:
    first = (await agent.page(path_of(customer))).links(TICKETS)[0]
    ticket = await agent.page(first)
    assert ticket.links(path_of(customer)).count(path_of(customer)) >= 2  # the way back, and the card of the customer
    assert len([link for link in ticket.links(TICKETS) if link.endswith(str(customer.company.id))]) >= 50


async def test_a_service_shows_what_it_is_and_its_tickets(agent: Person, customer: Tenant) -> None:
    page = await agent.page(service_of(customer, "SVC-1"))
    assert "Service 1" in page.text
    assert customer.company.name in page.text
    assert len(page.links(TICKETS)) == 50 + 13
    assert len((await agent.page(next_of(page, "open"))).links(TICKETS)) == 2
    slashed = await agent.page(service_of(customer, "xe-0/0/3"))
    assert "Port 3" in slashed.text
    assert "No ticket is open." in slashed.text


async def test_a_service_that_only_tickets_name_has_a_page(agent: Person, database: Database) -> None:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        number = await raised(tx, tenant)
        await inventory.delete_service(tx, OPERATOR, tenant.company.code, "SVC-1", now=NOW)
    page = await agent.page(service_of(tenant, "SVC-1"))
    assert "not in the inventory" in page.text
    assert [link.partition("?")[0] for link in page.links(TICKETS)] == [f"/console/tickets/{ticket_number(number)}"]
    for nothing in ("SVC-9", "", "x" * 65, "\x00", "SVC-1\ud800"):
        path = f"{path_of(tenant)}/service?id={quote(nothing, errors='surrogatepass')}"
        assert (await agent.get(path)).status_code == 404


async def test_lists_the_ticket_and_the_search_lead_to_both_pages(
    agent: Person, database: Database, customer: Tenant
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, customer)
    for path in (f"/console/tickets/{ticket_number(number)}", "/console/open?sort=-number"):
        links = (await agent.page(path)).links("/console/companies/")
        assert {path_of(customer), service_of(customer, "SVC-1")} <= set(links)
    found = await agent.page(f"/console/search?q={customer.company.code}")
    assert path_of(customer) in found.links(path_of(customer))


async def test_the_provider_and_companies_that_do_not_exist_have_no_page(agent: Person) -> None:
    for company in (PROVIDER_ID, uuid4(), "nothing"):
        assert (await agent.get(f"/console/companies/{company}")).status_code == 404
    assert (await agent.get(f"/console/companies/{uuid4()}/service?id=SVC-1")).status_code == 404
    assert (await agent.get(f"/console/tickets?list=companies/{uuid4()}")).status_code == 404


async def test_a_deactivated_company_says_so_and_gets_no_new_ticket(
    client: httpx.AsyncClient, agent: Person, database: Database
) -> None:
    tenant = await new_tenant(database)
    new_ticket = f"/console/tickets/new?company={tenant.company.id}"
    assert new_ticket in (await agent.page(path_of(tenant))).links(new_ticket)
    viewer = await person(client, database, Role.VIEWER)
    assert (await viewer.page(path_of(tenant))).links(new_ticket) == []
    async with database.transaction() as tx:
        await deactivation.deactivate_company(tx, OPERATOR, tenant.company.id, now=NOW)
    page = await agent.page(path_of(tenant))
    assert "Deactivated on 1 Mar 2026, 12:00 UTC." in page.text
    assert page.links(new_ticket) == []


async def test_nothing_that_a_customer_wrote_becomes_markup(agent: Person, database: Database) -> None:
    tenant = await new_tenant(database, HOSTILE + uuid4().hex[:6])
    async with database.transaction() as tx:
        await inventory.add_service(tx, OPERATOR, tenant.company.code, HOSTILE[:60], "Port", HOSTILE, now=NOW)
        await accounts.add_user(
            tx, OPERATOR, tenant.company.code, name=HOSTILE, email="eve@example.com", phone=HOSTILE[:60], now=NOW
        )
        await tickets.create_ticket(tx, tenant.actor, a_new_ticket(HOSTILE), now=NOW)
    for path in (path_of(tenant), service_of(tenant, "SVC-1"), service_of(tenant, HOSTILE[:60])):
        answer = await agent.get(path)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert not any("onerror" in attributes for _tag, attributes in Page(answer.text).tags)
