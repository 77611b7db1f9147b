"""The list of customers."""

from typing import Any

from msgspec import Struct

from clearline.accounts import usecases as accounts
from clearline.accounts.domain import CompanyDetails
from clearline.companies import usecases as companies
from clearline.inventory import usecases as inventory
from clearline.tickets.reports import usecases as reports
from clearline.web.console.queue import QUERY_MAX
from clearline.web.console.views import sidebar, with_counts
from clearline.web.lists.parts import MORE, Parts
from clearline.web.visit import Visit
from clearline.web.words import number
from clearline.wires.http.call import Answer

PATH = "/console/companies"
_MOST = 1000
"""How far people and services are counted."""


class Customer(Struct, frozen=True):
    """A customer with the numbers of its open tickets, people and services, as they are shown."""

    company: CompanyDetails
    open: int
    people: str
    services: str


async def show_customers(visit: Visit) -> Answer:
    """Show the customers by name, all or those with a text in their name or code."""
    q, actor = visit.query.get("q", "").strip()[:QUERY_MAX], visit.actor
    async with visit.services.database.transaction() as tx:
        side = await sidebar(tx, actor)

        async def load(keys: list[Any] | None, limit: int) -> list[CompanyDetails]:
            after = "" if keys is None else str(keys[0])
            if not q:
                return await companies.list_companies(tx, actor, after=after, limit=limit)
            return await companies.companies_matching(tx, actor, q, after=after, limit=limit)

        parts = Parts(visit, PATH, {"q": q} if q else None)
        part = await parts.read("customers", MORE, load, lambda company: [company.name])
        listed = [] if part is None else part.items
        ids = [company.id for company in listed]
        opened = await reports.count_open_of_companies(tx, actor, ids)
        people = await accounts.count_people(tx, actor, ids, most=_MOST)
        services = await inventory.count_services(tx, actor, ids, most=_MOST)
    side = await with_counts(visit, side)
    customers = [
        Customer(company, count, _number(users), _number(of_inventory))
        for company, count, users, of_inventory in zip(listed, opened, people, services, strict=True)
    ]
    return visit.page("console/companies/customers.html", side=side, here=PATH, q=q, part=part, customers=customers)


def _number(counted: int) -> str:
    return number(counted) if counted <= _MOST else f"{number(_MOST)}+"
