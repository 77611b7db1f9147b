"""Fragments of lists: rows whose tickets changed, how many tickets are new, and the badges of the views."""

from msgspec.structs import replace

from clearline.errors import InvalidInput
from clearline.identity import Scope
from clearline.platform.database.transactions import Tx
from clearline.search.list_usecases import matching_numbers
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets.domain import TicketView, parse_ticket_number
from clearline.tickets.lists.order import OwnOrder
from clearline.web.console.lists.columns import columns_in, for_rows, known_columns
from clearline.web.console.lists.orders import all_sorts
from clearline.web.console.queue import Listing
from clearline.web.console.views import Sidebar, fixed_views, sidebar, view_at, with_counts
from clearline.web.lists.sorting import sort_named
from clearline.web.visit import Visit
from clearline.wires.http.call import Answer
from clearline.workspace.column_domain import DEFAULT_COLUMNS

_MOST = 100
"""The most tickets of each kind that are looked at."""
_LIST = "/console/"


async def show_rows(visit: Visit) -> Answer:
    """Return the rows of tickets that changed, and the number of those that a list would show now and does not.

    A page says which list it shows (``list``, ``q``, ``sort``, ``columns``), the ``shown`` tickets that changed,
    ``others`` that changed, the ``last`` ticket that it shows, and with ``whole`` that there are no more below. With
    ``missed`` it does not know what changed. With ``rail`` the list stands beside the ticket of that number.
    """
    shown, others = _numbers(visit.query.get("shown", "")), _numbers(visit.query.get("others", ""))
    last = _numbers(visit.query.get("last", ""))
    async with visit.services.database.transaction() as tx:
        listing = await _listing(visit, tx)
        views = {
            view.ticket.number: view
            for view in await ticket_lists.list_numbered(tx, visit.actor, shown + others + last)
        }
        matching = await _matching(visit, tx, listing, shown + others)
        extra = await for_rows(tx, visit.actor, listing.columns, [views[number] for number in shown if number in views])
        listing = replace(listing, columns=known_columns(listing.columns, extra))
    end = views.get(last[0]) if last and "whole" not in visit.query else None
    new = [number for number in others if number in views and number in (matching or ())]
    if "whole" not in visit.query:
        new = [number for number in new if end is not None and _is_above(listing, views[number], end)]
    return visit.page(
        "console/live/rows.html", listing=listing, changed=[views[number] for number in shown if number in views],
        extra=extra, left=[] if matching is None else [number for number in shown if number not in matching], new=new,
        is_missed="missed" in visit.query, may_write=Scope.TICKETS_WRITE in visit.actor.scopes,
        current=next(iter(_numbers(visit.query.get("rail", ""))), None),
    )  # fmt: skip


async def show_views(visit: Visit) -> Answer:
    """Return the views with their numbers of tickets; ``here`` is the address of the present one."""
    async with visit.services.database.transaction() as tx:
        side = await sidebar(tx, visit.actor)
    side = await with_counts(visit, side)
    here = visit.query.get("here", "")
    return visit.page("console/live/views.html", side=side, here=here, present=side.find(here))


async def _listing(visit: Visit, tx: Tx) -> Listing:
    """Return the list that a page shows, without its tickets."""
    query = visit.query
    path = f"{_LIST}{query.get('list', '')}"
    view = await view_at(tx, visit.actor, Sidebar(fixed_views(visit.actor), [], []), path)
    if view is None:
        side = await sidebar(tx, visit.actor)
        view = side.find(path) or side.views[0]
    sort = sort_named(query.get("sort", ""), view.stored_sort, await all_sorts(tx))
    chosen = sort.name if query.get("sort") == sort.name else ""
    columns = columns_in(query)
    if columns is None:
        columns = DEFAULT_COLUMNS
    return Listing(view, [], None, query.get("q", "").strip(), sort, chosen, columns=columns)


async def _matching(visit: Visit, tx: Tx, listing: Listing, numbers: list[int]) -> set[int] | None:
    """Return which of the tickets the list has now; None for a list that only the search index knows."""
    text = f"{listing.view.query} {listing.q}"
    if isinstance(listing.sort.order, OwnOrder):
        text = f"{text} {listing.sort.order}:any"
    try:
        return await matching_numbers(tx, visit.actor, text, numbers)
    except InvalidInput:
        return None


def _is_above(listing: Listing, view: TicketView, end: TicketView) -> bool:
    """Return whether a ticket stands above the last one of a page; the best match first is no order of tickets."""
    return bool(listing.chosen or not listing.q) and listing.sort.is_before(view, end)


def _numbers(text: str) -> list[int]:
    numbers = (parse_ticket_number(part) for part in text.split(",")[:_MOST])
    return [number for number in numbers if number is not None]
