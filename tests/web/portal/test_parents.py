"""The portal of a parent, such as a reseller: it lists, reads and raises the tickets of its children."""

from typing import NamedTuple

import httpx
import pytest

from clearline.companies import usecases as companies
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.search import index_usecases
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets.domain import TicketView, ticket_number
from clearline.tickets.list_store import Filter
from tests.builders.people import NOW, Tenant, new_tenant
from tests.builders.tickets import raised
from tests.builders.web.pages import Person, led_to, session_of


class Reseller(NamedTuple):
    person: Person
    parent: Tenant
    child: Tenant
    numbers: dict[str, str]

    async def listed(self, query: str = "") -> set[str]:
        """Return whose tickets a list has, by the names of ``numbers``."""
        page = await self.person.page(f"/portal/tickets{query}")
        shown = {link.rpartition("/")[2] for link in page.links("/portal/tickets/INC")}
        return {name for name, number in self.numbers.items() if number in shown}


async def share(database: Database, child: Tenant, parent: Tenant, *, shares: bool) -> None:
    values = {"parent_id": parent.company.id, "shares_with_parent": shares}
    async with database.transaction() as tx:
        await companies.change_company(tx, OPERATOR, child.company.id, values, now=NOW)


@pytest.fixture
async def reseller(client: httpx.AsyncClient, database: Database) -> Reseller:
    parent, child, private = [await new_tenant(database) for _ in range(3)]
    await share(database, child, parent, shares=True)
    await share(database, private, parent, shares=False)
    numbers = {}
    async with database.transaction() as tx:
        for name, tenant in (("parent", parent), ("child", child), ("private", private)):
            number = await raised(tx, tenant, f"port of {name}")
            numbers[name] = ticket_number(number)
            await index_usecases.index_tickets(tx, [(tenant.company.id, number)])
    return Reseller(await session_of(client, database, parent.user), parent, child, numbers)


async def test_the_list_has_the_companies_and_is_filtered_by_one(reseller: Reseller) -> None:
    assert await reseller.listed() == {"parent", "child"}
    assert await reseller.listed("?show=all") == {"parent", "child"}
    assert await reseller.listed(f"?company={reseller.child.company.code}") == {"child"}
    assert await reseller.listed(f"?company={reseller.parent.company.code}") == {"parent"}
    assert await reseller.listed("?q=port") == {"parent", "child"}
    assert await reseller.listed(f"?q=port&company={reseller.child.company.code}") == {"child"}
    code = reseller.child.company.code
    assert await reseller.listed(f"?q=company:{code.lower()}") == {"child"}
    assert await reseller.listed(f"?q=port+-company:{code}") == {"parent"}
    page = await reseller.person.page("/portal/tickets")
    assert reseller.child.company.name in page.text
    assert [each.get("name") for each in page.all("select")] == ["company", "status"]


async def test_the_table_has_the_tickets_of_the_list(reseller: Reseller) -> None:
    for query, names in (("", {"parent", "child"}), (f"?company={reseller.child.company.code}", {"child"})):
        table = (await reseller.person.get(f"/portal/tickets/export{query}")).text
        assert {name for name, number in reseller.numbers.items() if number in table} == names


async def test_a_ticket_of_a_child_is_answered_but_not_followed(reseller: Reseller) -> None:
    at = f"/portal/tickets/{reseller.numbers['child']}"
    page = await reseller.person.page(at)
    assert reseller.child.company.name in page.text
    assert "Followers" not in page.text
    assert (await reseller.person.post(f"{at}/messages", text="We are on site.", once="a")).status_code == 303
    assert "We are on site." in (await reseller.person.page(at)).text
    assert (await reseller.person.get(f"/portal/tickets/{reseller.numbers['private']}")).status_code == 404


async def tickets_of(database: Database, tenant: Tenant) -> list[TicketView]:
    async with database.statement() as tx:
        return await ticket_lists.list_tickets(
            tx, OPERATOR, Filter(state="all", company_id=tenant.company.id), after=None, limit=10
        )


async def test_a_ticket_is_raised_for_a_child_with_its_files(reseller: Reseller, database: Database) -> None:
    code, person = reseller.child.company.code, reseller.person
    page = await person.page(f"/portal/tickets/new?company={code}")
    assert {option["value"] for option in page.all("option")} == {code, reseller.parent.company.code}
    page = await person.page(f"/portal/tickets/new?company={code}&service=SVC-1&step=form")
    hidden = {each.get("name"): each.get("value") for each in page.all("input") if each.get("type") == "hidden"}
    assert (hidden["company"], hidden["service"]) == (code, "SVC-1")
    form = {
        "company": code, "service": "SVC-1", "title": "Port of a child", "description": "No light",
        "issue_type": "Circuit Down", "once": "raised for a child",
    }  # fmt: skip
    answer = await person.post_files("/portal/tickets/new", {"log.txt": b"no light"}, **form)
    assert answer.status_code == 303, answer.text
    [view, *_] = await tickets_of(database, reseller.child)
    assert led_to(answer) == f"/portal/tickets/{ticket_number(view.ticket.number)}?done=raised"
    assert view.ticket.contact.email == reseller.parent.user.email
    assert "log.txt" in (await person.get(led_to(answer))).text


async def test_a_ticket_is_not_raised_for_a_company_that_does_not_share(reseller: Reseller, database: Database) -> None:
    await share(database, reseller.child, reseller.parent, shares=False)
    form = {
        "company": reseller.child.company.code, "service": "SVC-1", "title": "Port of a child", "description": "Dark",
        "issue_type": "Circuit Down", "once": "for a former child",
    }  # fmt: skip
    before = await tickets_of(database, reseller.child)
    answer = await reseller.person.post("/portal/tickets/new", **form)
    assert answer.status_code == 422
    assert "Port of a child" in answer.text, "what was typed is carried on"
    assert await tickets_of(database, reseller.child) == before
    assert await reseller.listed() == {"parent"}


async def test_who_has_no_children_sees_nothing_of_companies(
    client: httpx.AsyncClient, database: Database, reseller: Reseller
) -> None:
    person = await session_of(client, database, reseller.child.user)
    assert [each.get("name") for each in (await person.page("/portal/tickets")).all("select")] == ["status"]
    assert (await person.page("/portal/tickets/new")).all("select") == []
    answer = await person.post("/portal/tickets/new", company=reseller.parent.company.code, once="x", title="x")
    assert answer.status_code == 422
