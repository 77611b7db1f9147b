"""The page of a customer: its tickets, people and services."""

from typing import Any

from clearline.accounts import usecases as accounts
from clearline.companies import usecases as companies
from clearline.errors import NotFound
from clearline.fields.domain import RecordKind
from clearline.identity import PROVIDER_ID, User
from clearline.inventory import usecases as inventory
from clearline.inventory.domain import Service
from clearline.language.languages import LANGUAGES
from clearline.notifications import preference_usecases as preferences
from clearline.tickets.list_store import Filter
from clearline.web.console.companies.facts import contact_mail_of, local_time, notices_of
from clearline.web.console.views import company_view, sidebar, with_counts
from clearline.web.fields import known_id
from clearline.web.lists.parts import MORE, Parts
from clearline.web.lists.sorting import DEFAULT, sort_named
from clearline.web.tickets.own_fields import shown_values
from clearline.web.visit import Visit
from clearline.wires.http.call import Answer

PATH = "/console/companies/{id}"
_FEW = 10


async def show_company(visit: Visit) -> Answer:
    """Show a customer."""
    company_id, actor = known_id("company", visit.path["id"]), visit.actor
    async with visit.services.database.transaction() as tx:
        side = await sidebar(tx, actor)
        company = await companies.get_company_details(tx, actor, company_id)
        if company.id == PROVIDER_ID:
            raise NotFound("company", str(company_id))
        view = company_view(company)
        parts = Parts(visit, view.path)

        async def services(keys: list[Any] | None, limit: int) -> list[Service]:
            after = None if keys is None else (keys[0], keys[1], keys[2])
            return await inventory.services_of(tx, actor, company_id, after=after, limit=limit)

        async def people(keys: list[Any] | None, limit: int) -> list[User]:
            return await accounts.list_users(
                tx, actor, company_id, after=None if keys is None else keys[0], limit=limit
            )

        finished = Filter(state="finished", company_id=company_id)
        values: dict[str, Any] = {
            "open": await parts.read_tickets(tx, "open", MORE, Filter(company_id=company_id), DEFAULT),
            "finished": await parts.read_tickets(tx, "finished", _FEW, finished, sort_named("-number")),
            "services": await parts.read("services", _FEW, services, lambda each: [each.type, each.label, each.id]),
            "relatives": await companies.relatives(tx, actor, company_id),
            "local_time": local_time(company, visit.now),
            "language_name": LANGUAGES.get(company.language or ""),
            "notices": notices_of(company),
            "contact_mail": contact_mail_of(await preferences.get_contact_mail(tx, actor, company_id)),
            "people": await parts.read("people", _FEW, people, lambda user: [user.email]),
        }
        [values["fields"]] = await shown_values(tx, actor, company_id, (RecordKind.COMPANY, company.fields))
    side = await with_counts(visit, side)
    return visit.page("console/companies/company.html", side=side, here="", company=company, **values)
