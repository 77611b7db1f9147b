"""House API v1: search for tickets."""

import msgspec

from clearline.errors import InvalidInput
from clearline.identity import Scope
from clearline.search import usecases as search
from clearline.search.language import CUSTOMER_FILTERS, STAFF_FILTERS
from clearline.search.usecases import SearchCursor, SearchResult
from clearline.wires.house import paging
from clearline.wires.house.search import wire
from clearline.wires.house.tickets.mapping import summary_mapper
from clearline.wires.http.body import InvalidQuery
from clearline.wires.http.call import Call
from clearline.wires.http.cursors import InvalidCursor
from clearline.wires.http.table import Operation

_STAFF_ONLY = [name for name in STAFF_FILTERS if name not in CUSTOMER_FILTERS]


async def search_tickets(call: Call) -> wire.SearchPage:
    """Search for tickets."""
    query: wire.SearchQuery = call.query
    after = _search_cursor(paging.cursor_keys(call))
    try:
        with call.services.searches.count(call.customer):
            async with call.transaction() as tx:
                result = await search.find_tickets(
                    tx,
                    call.actor,
                    query.q,
                    after=after,
                    limit=query.limit,
                    count=query.count is not None,
                    seconds=call.services.settings.search_seconds,
                )
    except InvalidInput as error:
        raise InvalidQuery(list(error.violations)) from None
    return _page(call, result)


def _search_cursor(keys: list[object] | None) -> SearchCursor | None:
    try:
        return None if keys is None else msgspec.convert(keys, SearchCursor)
    except msgspec.ValidationError:
        raise InvalidCursor from None


def _page(call: Call, result: SearchResult) -> wire.SearchPage:
    # The use case says whether there is a next page: the page may be short when a ticket was deleted since.
    cursor = None if result.next is None else paging.next_cursor(call, msgspec.to_builtins(result.next))
    return wire.SearchPage(
        list(map(summary_mapper(call.actor), result.tickets)),
        cursor is not None,
        cursor,
        wire.SearchTotal(result.count, result.is_exact),
        "best" if result.is_ranked else "newest",
    )


OPERATIONS = (
    Operation(
        "searchTickets", "GET", "/api/v1/search", search_tickets,
        "Search tickets", "Returns the tickets that match all words and filters. Words match numbers, services, "
        "titles, contacts, descriptions, notes and names of attachments by their beginning. Words in quotation marks "
        "match exactly and in their order. A minus excludes tickets with exactly that word. Filters: "
        f"{', '.join(f'`{name}:`' for name in CUSTOMER_FILTERS)}; for the "
        f"provider's people also {', '.join(f'`{name}:`' for name in _STAFF_ONLY)}. Up to 100 matches are "
        "ordered best first, more of them newest first. A change is found about a second later. Customers find their "
        "own company's tickets, by the text that they may read. A search that takes longer than "
        "`CLEARLINE_SEARCH_SECONDS` (5 by default) is refused. A company can have `CLEARLINE_COMPANY_SEARCHES` (4 by "
        "default) running at a time.",
        Scope.TICKETS_READ, wire.SearchPage, query=wire.SearchQuery, errors=(400,),
    ),
)  # fmt: skip
