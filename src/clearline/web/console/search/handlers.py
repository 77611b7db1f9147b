"""Search: tickets by the language of the search, companies by name and code, people by address."""

from clearline.accounts import usecases as accounts
from clearline.text import storable
from clearline.web.console.queue import Listing, read_list
from clearline.web.console.views import View, sidebar, with_counts
from clearline.web.visit import Visit
from clearline.web.words import gettext
from clearline.wires.http.call import Answer

PATH = "/console/search"
_SHOWN = 5


async def show_search(visit: Visit) -> Answer:
    """Show what matches the text in the address, by kind; without a text, only how to search."""
    q = visit.query.get("q", "").strip()
    view = View(PATH, gettext("Search"), "search", "")
    async with visit.services.database.transaction() as tx:
        side = await sidebar(tx, visit.actor)
        listing, companies, people = Listing(view, []), [], []
        if q:
            if storable(q) and "after" not in visit.query:
                companies = await accounts.companies_matching(tx, visit.actor, q, limit=_SHOWN)
                people = await accounts.find_users(tx, visit.actor, q, limit=_SHOWN)
            listing = await read_list(visit, tx, view, {"q": q, "after": visit.query.get("after", "")})
    side = await with_counts(visit, side)
    return visit.page(
        "console/search.html", 422 if listing.problem else 200, side=side, here=PATH, q=q, listing=listing,
        companies=companies, people=people,
    )  # fmt: skip
