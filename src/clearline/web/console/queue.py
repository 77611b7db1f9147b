"""The page of a list: a view's tickets, 50 at a time."""

from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from clearline.bulk import undo_usecases as undo
from clearline.errors import InvalidInput, NotFound
from clearline.fields.domain import RecordKind
from clearline.fields.usecases import definitions
from clearline.identity import Scope
from clearline.platform.database.transactions import Tx
from clearline.search import usecases as search
from clearline.search.filters import suggestions
from clearline.search.list_usecases import SortedCursor, find_sorted
from clearline.search.usecases import SearchCursor
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets.columns import view_of
from clearline.tickets.domain import Status, TicketView
from clearline.tickets.status_domain import REACHABLE, TRANSITIONS
from clearline.web import once
from clearline.web.console.lists.bulk_ask import Ask
from clearline.web.console.lists.bulk_fields import OwnAsk
from clearline.web.console.lists.columns import columns_parameter, for_rows, known_columns, offered, shown_columns
from clearline.web.console.lists.orders import all_sorts, sorts_with
from clearline.web.console.people import assignable
from clearline.web.console.views import View, columns_of, form_values, sidebar, view_at, with_counts
from clearline.web.language.refusals import refusal_text
from clearline.web.lists.sorting import DEFAULT, Sort, sort_named
from clearline.web.records.form import version_of
from clearline.web.tickets.new_ticket import Refusal
from clearline.web.visit import Visit, redirect
from clearline.wires.http.call import Answer
from clearline.wires.http.cursors import InvalidCursor, list_id
from clearline.workspace import macro_usecases as macros
from clearline.workspace.column_domain import DEFAULT_COLUMNS, Columns

SIZE = 50
QUERY_MAX = 300
_MACROS_MAX = 200
_REACHABLE = {
    status: [before for before, targets in TRANSITIONS.items() if status in targets]
    for status in Status
    if status in REACHABLE
}
"""Every status that a ticket can get, each with those that it can come from."""


class Listing(Struct, frozen=True):
    """A page of a view. ``next`` is the address of the next one, ``problem`` why there is none at all.

    ``chosen`` is the name of the order if the person chose it; without it the matches of a filter come best first.
    """

    view: View
    tickets: list[TicketView]
    next: str | None = None
    q: str = ""
    sort: Sort = DEFAULT
    chosen: str = ""
    problem: str = ""
    columns: Columns = DEFAULT_COLUMNS

    @property
    def address(self) -> str:
        """Where the list is, as the person filtered and ordered it."""
        parameters = {"q": self.q, "sort": self.chosen}
        query = urlencode({name: value for name, value in parameters.items() if value})
        return f"{self.view.path}?{query}" if query else self.view.path

    @property
    def size(self) -> str:
        """How many tickets the list has, as far as that is known without counting them."""
        if self.view.count is not None and not self.q:
            return self.view.count
        return f"{len(self.tickets)}{'+' if self.next else ''}"

    @property
    def suffix(self) -> str:
        """What the address of a ticket carries, so that its page knows the list."""
        parameters = {"list": self.view.path.removeprefix("/console/"), "q": self.q, "sort": self.chosen}
        return urlencode({name: value for name, value in parameters.items() if value})

    @property
    def live(self) -> str:
        """The query for what a page refreshes of the list: it has the columns that the page shows."""
        parameters = urlencode(columns_parameter(self.columns))
        return f"{self.suffix}&{parameters}" if parameters else self.suffix


async def home(visit: Visit) -> Answer:
    """Lead to the tickets of the person."""
    return redirect(visit.browser, "/console/mine")


async def show_list(visit: Visit) -> Answer:
    """Show a view."""
    return await list_page(visit, visit.browser.scope["path"])


async def list_page(
    visit: Visit,
    path: str,
    *,
    outcome: object = None,
    preview: object = None,
    ask: Ask | None = None,
    own_ask: OwnAsk | None = None,
    problem: str = "",
    selected: Sequence[str] = (),
) -> Answer:
    """Return the page of the view at a path, with the ``outcome`` of what was done to tickets of it.

    ``preview`` is what would be done to tickets of it, ``ask`` what is asked before, ``own_ask`` which value of an own
    field. ``problem`` is why something was not done to those that are ``selected``, or to the view itself.
    """
    async with visit.services.database.transaction() as tx:
        side = await sidebar(tx, visit.actor)
        view = await view_at(tx, visit.actor, side, path)
        if view is None:
            raise NotFound("view", path)
        columns = await shown_columns(visit, tx, view)
        listing = await read_list(visit, tx, view, visit.query, columns)
        extra = await for_rows(tx, visit.actor, columns, listing.tickets)
        listing = replace(listing, columns=known_columns(columns, extra))
        agents = await assignable(tx, visit.actor)
        may_write = Scope.TICKETS_WRITE in visit.actor.scopes
        usable = await macros.list_macros(tx, visit.actor, after=None, limit=_MACROS_MAX) if may_write else []
        undoable = await undo.newest_change(tx, visit.actor, now=visit.now)
        shown = (await definitions(tx)).active(RecordKind.TICKET, for_staff=True)
    side = await with_counts(visit, side.showing(view))
    listing = replace(listing, view=side.find(path) or view)
    if any(each is not None for each in (outcome, preview, ask, own_ask)) or problem:
        visit.headers.append((b"hx-push-url", listing.address.encode("latin-1")))
    refusal = next((each.refusal for each in (ask, own_ask) if each is not None), Refusal(status=200))
    status = 422 if problem else refusal.status
    return visit.page(
        "console/queue.html", status, side=side, problem=problem, listing=listing, here=view.path,
        agents=agents, desk_queues=side.all_queues, reachable=_REACHABLE, outcome=outcome, sorts=sorts_with(shown),
        view_version="" if view.saved is None else version_of(form_values(view.saved)),
        columns_version="" if view.saved is None else version_of(columns_of(view.saved)),
        own_fields=shown, own_columns=offered(shown), extra=extra,
        filters=suggestions(visit.catalogue, shown, staff=True),
        chosen_columns=columns_parameter(listing.columns), undoable=undoable,
        once_key=once.new_key(), preview=preview, ask=ask, own_ask=own_ask, selected=frozenset(selected), macros=usable,
    )  # fmt: skip


async def read_list(
    visit: Visit, tx: Tx, view: View, query: dict[str, str], columns: Columns = DEFAULT_COLUMNS
) -> Listing:
    """Return a page of a view: along an index, or through the search when the view or the person filters by more."""
    q = query.get("q", "").strip()[:QUERY_MAX]
    sort = sort_named(query.get("sort", ""), view.stored_sort, await all_sorts(tx))
    chosen = sort.name if query.get("sort") == sort.name else ""
    made_for = list_id(view.path, {"q": q, "sort": sort.name, "chosen": chosen})
    keys = visit.services.cursors.read(query["after"], made_for) if query.get("after") else None
    after: list[object] | None
    try:
        if not q and view.filter is not None:
            listed, after = await _listed(visit, tx, view, sort, keys)
        elif q and not chosen:
            listed, after = await _searched(visit, tx, f"{view.query} {q}", keys)
        else:
            listed, after = await _sorted(visit, tx, f"{view.query} {q}", sort, keys)
    except InvalidInput as error:
        return Listing(view, [], None, q, sort, chosen, refusal_text(error).removeprefix("q "), columns)
    following = None
    if after is not None:
        cursor = visit.services.cursors.make(msgspec.to_builtins(after), made_for)
        parameters = {"q": q, "sort": chosen, **columns_parameter(columns), "after": cursor}
        following = f"{view.path}?{urlencode({name: value for name, value in parameters.items() if value})}"
    return Listing(view, listed, following, q, sort, chosen, columns=columns)


async def _listed(
    visit: Visit, tx: Tx, view: View, sort: Sort, keys: list[object] | None
) -> tuple[list[TicketView], list[object] | None]:
    assert view.filter is not None  # noqa: S101 - for the type checker: the caller asked
    found = await ticket_lists.list_tickets_as(
        view_of,
        tx,
        visit.actor,
        view.filter,
        after=None if keys is None else sort.position(keys),
        limit=SIZE + 1,
        newest_first=sort.newest_first,
        order=sort.order,
        seconds=visit.services.settings.search_seconds,
    )
    page = found[:SIZE]
    return page, [*sort.keys(page[-1])] if len(found) > SIZE else None


async def _searched(
    visit: Visit, tx: Tx, text: str, keys: list[object] | None
) -> tuple[list[TicketView], list[object] | None]:
    try:
        after = None if keys is None else msgspec.convert(keys, SearchCursor)
    except msgspec.ValidationError:
        raise InvalidCursor from None
    seconds = visit.services.settings.search_seconds
    found = await search.find_tickets(tx, visit.actor, text, after=after, limit=SIZE, seconds=seconds)
    return found.tickets, None if found.next is None else msgspec.to_builtins(found.next)


async def _sorted(
    visit: Visit, tx: Tx, text: str, sort: Sort, keys: list[object] | None
) -> tuple[list[TicketView], list[object] | None]:
    try:
        after = None if keys is None else msgspec.convert(keys, SortedCursor)
    except msgspec.ValidationError:
        raise InvalidCursor from None
    seconds = visit.services.settings.search_seconds
    found = await find_sorted(
        tx, visit.actor, text, sort.order, newest_first=sort.newest_first, after=after, limit=SIZE, seconds=seconds
    )
    return found.tickets, None if found.next is None else msgspec.to_builtins(found.next)
