"""The page of a service of a customer: what it is, and its tickets."""

from clearline.accounts import usecases as accounts
from clearline.errors import NotFound
from clearline.fields.domain import RecordKind
from clearline.inventory import usecases as inventory
from clearline.inventory.domain import ID_MAX
from clearline.text import check_text
from clearline.tickets.list_store import Filter
from clearline.web.console.admin.companies import COMPANIES
from clearline.web.console.views import sidebar, with_counts
from clearline.web.fields import known_id, to_segment
from clearline.web.lists.parts import MORE, Parts
from clearline.web.lists.sorting import sort_named
from clearline.web.tickets.own_fields import shown_values
from clearline.web.visit import Visit
from clearline.wires.http.call import Answer

PATH = "/console/companies/{id}/service"
"""The id of the service is in the query: it may have any character, also a slash."""
_FEW = 20


async def show_service(visit: Visit) -> Answer:
    """Show a service of a customer: one of the inventory, or one that only tickets name."""
    company_id, service_id = known_id("company", visit.path["id"]), visit.query.get("id", "")
    if check_text("id", service_id, most=ID_MAX):
        raise NotFound("service", service_id)
    async with visit.services.database.transaction() as tx:
        side = await sidebar(tx, visit.actor)
        company = await accounts.get_company(tx, visit.actor, company_id)
        parts = Parts(visit, PATH.format(id=company_id), {"id": service_id})
        is_open = Filter(company_id=company_id, service_id=service_id)
        is_finished = Filter("finished", company_id=company_id, service_id=service_id)
        newest = sort_named("-number")
        open_tickets = await parts.read_tickets(tx, "open", MORE, is_open, newest)
        finished = await parts.read_tickets(tx, "finished", _FEW, is_finished, newest)
        try:
            service = await inventory.get_service(tx, visit.actor, company_id, service_id)
        except NotFound:
            if not any(part and part.items for part in (open_tickets, finished)):
                raise
            service = None
        [fields] = await shown_values(
            tx, visit.actor, company_id, (RecordKind.SERVICE, {} if service is None else service.fields)
        )
    side = await with_counts(visit, side)
    latest = next((part.items[0].ticket for part in (open_tickets, finished) if part and part.items), None)
    change_path = f"{COMPANIES.path}/{company_id}/services/{to_segment(service_id)}"
    return visit.page(
        "console/companies/service.html", side=side, here="", company=company, service=service, service_id=service_id,
        latest=latest, fields=fields, change_path=change_path, open=open_tickets, finished=finished,
    )  # fmt: skip
