"""House API v1: find tickets."""

import msgspec

from clearline.errors import InvalidInput
from clearline.identity import Scope
from clearline.search import usecases as search
from clearline.search.language import CUSTOMER_FILTERS, STAFF_FILTERS
from clearline.search.usecases import SearchCursor, SearchResult
from clearline.wires.house import paging
from clearline.wires.house.search import wire
from clearline.wires.house.tickets.mapping import summary_out
from clearline.wires.http.body import InvalidQuery
from clearline.wires.http.call import Call
from clearline.wires.http.cursors import InvalidCursor
from clearline.wires.http.table import Operation

_STAFF_ONLY = [name for name in STAFF_FILTERS if name not in CUSTOMER_FILTERS]


async def search_tickets(call: Call) -> wire.SearchPage:
    """Tickets that match a query."""
    query: wire.SearchQuery = call.query
    after = _place(paging.cursor_keys(call))
    try:
        async with call.transaction() as tx:
            found = await search.find_tickets(
                tx, call.actor, query.q, after=after, limit=query.limit, count=query.count is not None
            )
    except InvalidInput as error:
        raise InvalidQuery(list(error.violations)) from None
    return _page(call, found)


def _place(keys: list[object] | None) -> SearchCursor | None:
    try:
        return None if keys is None else msgspec.convert(keys, SearchCursor)
    except msgspec.ValidationError:
        raise InvalidCursor from None


def _page(call: Call, found: SearchResult) -> wire.SearchPage:
    # The next page is told by the use case: a ticket that is gone by now must not end the list.
    following = [found.next] * (call.query.limit + 1 if found.next else 0)
    page = paging.page(call, following, keys=msgspec.to_builtins, out=lambda _place: None)
    return wire.SearchPage(
        [summary_out(one, call.actor) for one in found.tickets],
        page.has_more,
        page.next_cursor,
        wire.SearchTotal(found.count, found.is_exact),
        "best" if found.is_ranked else "newest",
    )


OPERATIONS = (
    Operation(
        "searchTickets", "GET", "/api/v1/search", search_tickets,
        "Search tickets", "All words and filters must hold. Words are found in numbers, services, titles, contacts, "
        "descriptions, notes and names of attachments, by their beginning; words in quotation marks exactly and in "
        "their order; a minus excludes what has exactly the word. Filters: "
        f"{', '.join(f'`{name}:`' for name in CUSTOMER_FILTERS)}; for the "
        f"provider's people also {', '.join(f'`{name}:`' for name in _STAFF_ONLY)}. Up to 100 matches come best "
        "first, more of them newest first. A change is found about a second later. Customers find their own company's "
        "tickets, by what they may read of them.",
        Scope.TICKETS_READ, wire.SearchPage, query=wire.SearchQuery, errors=(400,),
    ),
)  # fmt: skip
