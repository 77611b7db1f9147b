"""The search of the console: what it finds of each kind, what it refuses, and more of a long list."""

import httpx
import pytest

from clearline.accounts import usecases as accounts
from clearline.identity import OPERATOR
from clearline.inventory import usecases as inventory
from clearline.platform.database.transactions import Database
from clearline.search import index_usecases
from clearline.tickets.domain import ticket_number
from tests.builders.people import NOW, Tenant, new_tenant
from tests.builders.tickets import raised
from tests.builders.web.pages import Page, Person, person

PATH = "/console/search"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'"


@pytest.fixture(scope="module")
async def agent(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database)


@pytest.fixture(scope="module")
async def customer(database: Database) -> Tenant:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        numbers = [await raised(tx, tenant, "zz7searchable port") for _ticket in range(52)]
        await index_usecases.index_tickets(tx, [(tenant.company.id, number) for number in numbers])
    return tenant


async def test_tickets_companies_and_people_are_found_in_groups(agent: Person, customer: Tenant) -> None:
    code = customer.company.code
    company = f"/console/companies/{customer.company.id}"
    assert company in (await agent.page(f"{PATH}?q={code.lower()}")).links(company)
    assert "Ada Okoro" in (await agent.page(f"{PATH}?q={customer.user.email.upper()}")).text
    first = await agent.page(f"{PATH}?q=zz7searchable")
    assert len(first.links("/console/tickets/INC")) == 50
    [following] = [link for link in first.links(PATH) if "after=" in link]
    later = await agent.page(following)
    shown = first.links("/console/tickets/INC") + later.links("/console/tickets/INC")
    assert (len(set(shown)), [link for link in later.links(PATH) if "after=" in link]) == (52, [])
    assert all(link.startswith(f"/console/tickets/{ticket_number(1)[:3]}") for link in shown)


async def test_services_and_people_are_found_on_the_page_and_in_the_palette(
    agent: Person, database: Database, customer: Tenant
) -> None:
    company = f"/console/companies/{customer.company.id}"
    async with database.transaction() as tx:
        await inventory.add_service(tx, OPERATOR, customer.company.code, "xe-0/0/1", "Port", "qq7label", now=NOW)
        await accounts.add_user(
            tx, OPERATOR, customer.company.code, name="Qq7name Berg", email="qq@example.com", phone="", now=NOW
        )
    for path in (PATH, "/console/find"):
        assert f"{company}/service?id=xe-0%2F0%2F1" in (await agent.page(f"{path}?q=xe-0/0/1+qq7l")).links(company)
        assert (await agent.page(f"{path}?q=qq7name")).links(company) == [company]
        assert (await agent.page(f"{path}?q=no7thing")).links("/console/companies/") == []
    colleague = await agent.page(f"{PATH}?q={agent.user.email}")
    assert agent.user.email in colleague.text
    assert colleague.links("/console/companies/") == []
    assert (await agent.page(f"/console/find?q={customer.company.code.lower()}")).links(company)[0] == company
    [ticket, *_others] = (await agent.page("/console/find?q=zz7searchable")).links("/console/tickets/")
    assert ticket.startswith("/console/tickets/INC")
    assert (await agent.page("/console/find?q=status:gone")).links("/console/") == []


async def test_without_a_text_only_the_help_is_shown(agent: Person) -> None:
    page = await agent.page(PATH)
    assert "How to search" in page.text
    assert page.links("/console/tickets/INC") == []
    assert "No ticket matches." in (await agent.page(f"{PATH}?q=nothinglikethis")).text


@pytest.mark.parametrize(
    ("q", "shown"), [("prio:high", "prio"), ("status:gone", "must be"), ("created:yesterday", "created")]
)
async def test_a_query_that_is_wrong_is_named_and_kept(agent: Person, q: str, shown: str) -> None:
    answer = await agent.get(f"{PATH}?q={q}")
    page = Page(answer.text)
    assert answer.status_code == 422
    assert shown in page.text
    assert q in [attributes.get("value") for attributes in page.all("input")]


@pytest.mark.parametrize("path", [PATH, "/console/find"])
@pytest.mark.parametrize("q", [HOSTILE, "%00", "\x00", "\ufeff", '"', "a" * 600, "'", "\\", ":*", "a & !b | c"])
async def test_nothing_that_is_typed_becomes_markup_or_an_error_of_the_server(agent: Person, q: str, path: str) -> None:
    answer = await agent.client.get(path, params={"q": q}, headers=agent.headers)
    assert answer.status_code in {200, 422}
    assert "<script>alert" not in answer.text
    assert not any("onerror" in attributes for _tag, attributes in Page(answer.text).tags)
