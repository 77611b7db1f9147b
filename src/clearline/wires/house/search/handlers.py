"""House API v1: search for tickets."""

from typing import TypeVar

import msgspec

from clearline.errors import InvalidInput
from clearline.identity import Scope
from clearline.search import usecases as search
from clearline.search.filters import CUSTOMER_FILTERS, STAFF_FILTERS
from clearline.search.list_usecases import SortedCursor, find_sorted
from clearline.search.usecases import SearchCursor, SearchResult
from clearline.tickets.list_usecases import order_named
from clearline.wires.house import paging
from clearline.wires.house.parameters import query_refusals
from clearline.wires.house.search import wire
from clearline.wires.house.tickets.mapping import summary_mapper
from clearline.wires.http.body import InvalidQuery
from clearline.wires.http.call import Call
from clearline.wires.http.cursors import InvalidCursor
from clearline.wires.http.table import Operation

Cursor = TypeVar("Cursor", SearchCursor, SortedCursor)
_STAFF_ONLY = [name for name in STAFF_FILTERS if name not in CUSTOMER_FILTERS]


async def search_tickets(call: Call) -> wire.SearchPage:
    """Search for tickets."""
    query: wire.SearchQuery = call.query
    if query.sort is not None:
        return await _sorted(call, query, query.sort)
    after = _cursor(paging.cursor_keys(call), SearchCursor)
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


async def _sorted(call: Call, query: wire.SearchQuery, sort: str) -> wire.SearchPage:
    """Return a page of matches in the order of ``sort``."""
    after = _cursor(paging.cursor_keys(call), SortedCursor)
    with query_refusals(), call.services.searches.count(call.customer):
        async with call.transaction() as tx:
            order, newest_first = await order_named(tx, call.actor, sort)
            result = await find_sorted(
                tx,
                call.actor,
                query.q,
                order,
                newest_first=newest_first,
                after=after,
                limit=query.limit,
                seconds=call.services.settings.search_seconds,
            )
    cursor = None if result.next is None else paging.next_cursor(call, msgspec.to_builtins(result.next))
    tickets = [*map(summary_mapper(call.actor), result.tickets)]
    return wire.SearchPage(
        tickets, cursor is not None, cursor, wire.SearchTotal(result.count, result.is_exact), "sorted"
    )


def _cursor(keys: list[object] | None, kind: type[Cursor]) -> Cursor | None:
    try:
        return None if keys is None else msgspec.convert(keys, kind)
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
        f"provider's people also {', '.join(f'`{name}:`' for name in _STAFF_ONLY)}. `field.KEY:` is a filter by an own "
        "field that the reader sees. Up to 100 matches are "
        "ordered best first, more of them newest first, or all as `sort` says. A change is found about a second later. "
        "Customers find the tickets that they may read, by the text that they see. A search that takes longer than "
        "`CLEARLINE_SEARCH_SECONDS` (5 by default) is refused. A company can have `CLEARLINE_COMPANY_SEARCHES` (4 by "
        "default) running at a time.",
        Scope.TICKETS_READ, wire.SearchPage, query=wire.SearchQuery, errors=(400,),
    ),
)  # fmt: skip
