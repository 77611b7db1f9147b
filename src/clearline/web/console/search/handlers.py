"""Search: tickets by the language of the search; companies, services and people by words."""

from contextlib import suppress

from msgspec import Struct

from clearline.accounts import usecases as accounts
from clearline.companies import usecases as companies
from clearline.errors import InvalidInput
from clearline.fields.domain import RecordKind
from clearline.fields.usecases import definitions
from clearline.identity import Company, User
from clearline.inventory import usecases as inventory
from clearline.inventory.domain import Service
from clearline.platform.database.transactions import Tx
from clearline.search import usecases as search
from clearline.search.filters import suggestions
from clearline.text import storable
from clearline.tickets.domain import TicketView
from clearline.web.console.queue import QUERY_MAX, Listing, read_list
from clearline.web.console.views import View, sidebar, with_counts
from clearline.web.visit import Visit
from clearline.web.words import gettext
from clearline.wires.http.call import Answer

PATH = "/console/search"
_SHOWN, _IN_PALETTE, _TICKETS_IN_PALETTE = 5, 3, 8


class Records(Struct, frozen=True):
    """The companies, services and people that match a text."""

    companies: list[Company] = []
    services: list[tuple[Company, Service]] = []
    people: list[tuple[Company, User]] = []


async def _find_records(visit: Visit, tx: Tx, q: str, limit: int) -> Records:
    if not q or not storable(q):
        return Records()
    return Records(
        [*await companies.companies_matching(tx, visit.actor, q, limit=limit)],
        await inventory.find_services(tx, visit.actor, q, limit=limit),
        await accounts.users_matching(tx, visit.actor, q, limit=limit),
    )


async def show_search(visit: Visit) -> Answer:
    """Show what matches the text in the address, by kind; without a text, only how to search."""
    q = visit.query.get("q", "").strip()
    view = View(PATH, gettext("Search"), "search", "")
    async with visit.services.database.transaction() as tx:
        side = await sidebar(tx, visit.actor)
        shown = (await definitions(tx)).shown(RecordKind.TICKET, for_staff=True)
        listing, records = Listing(view, []), Records()
        if q:
            if "after" not in visit.query:
                records = await _find_records(visit, tx, q[:QUERY_MAX], _SHOWN)
            listing = await read_list(visit, tx, view, {"q": q, "after": visit.query.get("after", "")})
    side = await with_counts(visit, side)
    return visit.page(
        "console/search.html", 422 if listing.problem else 200, side=side, here=PATH, q=q, listing=listing,
        records=records, filters=suggestions(visit.catalogue, shown, staff=True), agents=[],
    )  # fmt: skip


async def find(visit: Visit) -> Answer:
    """Return what matches a text for the command palette: options of its list."""
    q = visit.query.get("q", "").strip()[:QUERY_MAX]
    listed: list[TicketView] = []
    async with visit.services.database.transaction() as tx:
        records = await _find_records(visit, tx, q, _IN_PALETTE)
        if q:
            seconds = visit.services.settings.search_seconds
            with suppress(InvalidInput):
                result = await search.find_tickets(tx, visit.actor, q, limit=_TICKETS_IN_PALETTE, seconds=seconds)
                listed = result.tickets
    return visit.page("console/find.html", listed=listed, records=records)
