"""The list of a company's services, and the page of one."""

from typing import Any

from clearline.accounts import usecases as accounts
from clearline.errors import NotFound
from clearline.fields.domain import RecordKind
from clearline.inventory import usecases as inventory
from clearline.inventory.domain import ID_MAX, Service
from clearline.text import check_text
from clearline.tickets.list_store import Filter
from clearline.web.lists.parts import MORE, Parts
from clearline.web.lists.sorting import sort_named
from clearline.web.portal.shell import SERVICES, portal_page, read_shell
from clearline.web.tickets.own_fields import shown_values
from clearline.web.visit import Visit
from clearline.wires.http.call import Answer

SERVICE = "/portal/service"
"""The id of the service is in the query: it may have any character, also a slash."""
_MATCHES, _QUERY_MAX, _FEW = 100, 200, 20


async def show_services(visit: Visit) -> Answer:
    """Show the services, or those with a text in their id or label."""
    q, actor = visit.query.get("q", "").strip()[:_QUERY_MAX], visit.actor
    _user, company = accounts.user_and_company(actor)
    parts = Parts(visit, SERVICES)

    async def load(keys: list[Any] | None, limit: int) -> list[Service]:
        after = None if keys is None else (keys[0], keys[1], keys[2])
        return await inventory.services_of(tx, actor, company.id, after=after, limit=limit)

    async with visit.database.transaction() as tx:
        shell = await read_shell(tx)
        if q:
            part, matches = None, await inventory.services_matching(tx, actor, company.id, q, limit=_MATCHES)
        else:
            part = await parts.read("services", MORE, load, lambda each: [each.type, each.label, each.id])
            matches = part.items if part else []
    return portal_page(
        visit, shell, "services.html", SERVICES, q=q, services=matches, next=part.next if part else None,
        is_cut=bool(q) and len(matches) == _MATCHES,
    )  # fmt: skip


async def show_service(visit: Visit) -> Answer:
    """Show a service and its tickets: one of the inventory, or one that only tickets name."""
    service_id, actor = visit.query.get("id", ""), visit.actor
    _user, company = accounts.user_and_company(actor)
    if check_text("id", service_id, most=ID_MAX):
        raise NotFound("service", service_id)
    parts, newest = Parts(visit, SERVICE, {"id": service_id}), sort_named("-number")
    async with visit.database.transaction() as tx:
        shell = await read_shell(tx)
        is_open = Filter(company_id=company.id, service_id=service_id)
        is_finished = Filter("finished", company_id=company.id, service_id=service_id)
        open_tickets = await parts.read_tickets(tx, "open", MORE, is_open, newest)
        finished = await parts.read_tickets(tx, "finished", _FEW, is_finished, newest)
        service = None
        try:
            service = await inventory.get_service(tx, actor, company.id, service_id)
        except NotFound:
            if not any(part and part.items for part in (open_tickets, finished)):
                raise
        [fields] = await shown_values(
            tx, actor, company.id, (RecordKind.SERVICE, {} if service is None else service.fields)
        )
    latest = next((part.items[0].ticket for part in (open_tickets, finished) if part and part.items), None)
    return portal_page(
        visit, shell, "service.html", SERVICES, service=service, service_id=service_id, latest=latest, fields=fields,
        open=open_tickets, finished=finished,
    )  # fmt: skip
