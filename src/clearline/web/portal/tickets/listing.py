"""The list of a company's tickets: open, closed or all, only the person's own, by words, status and service."""

from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from clearline.accounts import permissions
from clearline.accounts import usecases as accounts
from clearline.accounts.domain import CODE_MAX
from clearline.errors import InvalidInput, RuleCode, Violation
from clearline.identity import Actor
from clearline.inventory.domain import ID_MAX
from clearline.platform.database.transactions import Tx
from clearline.search import usecases as search
from clearline.search.usecases import SearchCursor
from clearline.text import check_text
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets.columns import view_of
from clearline.tickets.domain import Status, TicketView
from clearline.tickets.list_store import Filter
from clearline.tickets.status_domain import FINISHED, State
from clearline.web.language.refusals import refusal_text
from clearline.web.lists.sorting import Sort, sort_named
from clearline.web.portal.shell import TICKETS, portal_page, read_shell
from clearline.web.visit import Visit
from clearline.web.words import number
from clearline.wires.http.call import Answer
from clearline.wires.http.cursors import InvalidCursor, list_id

SIZE = 25
QUERY_MAX = 300
_ROUNDS = 8
"""How many pages of the search are read for one of the list, when most of what matches is filtered out."""
FOUND_MAX, _READ_AT_ONCE = 1000, 100
"""The most tickets of a table that the search finds, and how many of them are read at once."""
_ROUNDS_OF_ALL = 2 * FOUND_MAX // _READ_AT_ONCE
_STATES: dict[str, State] = {"open": "open", "closed": "finished", "all": "all"}
EXPORT = f"{TICKETS}/export"


class Chosen(Struct, frozen=True):
    """What a person chose of the list; values that mean nothing count as not chosen."""

    show: str = "open"
    mine: bool = False
    status: Status | None = None
    service: str = ""
    company: str = ""
    """The code of one of the companies whose tickets the person sees; empty for all of them."""
    q: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of an address that chooses the same."""
        given = {
            "show": "" if self.show == "open" else self.show, "mine": "1" if self.mine else "",
            "status": self.status or "", "service": self.service, "company": self.company, "q": self.q,
        }  # fmt: skip
        return {name: value for name, value in given.items() if value}

    @property
    def is_filtered(self) -> bool:
        """Whether the list may leave tickets out that are in the same state."""
        return bool(self.mine or self.status or self.service or self.company or self.q)

    @property
    def sort(self) -> Sort:
        """Open tickets that changed last come first, of others the newest."""
        return sort_named("-updated" if self.show == "open" else "-number")

    def address(self, path: str = TICKETS, **changes: str) -> str:
        """Return the address of the list, with some parameters changed."""
        query = urlencode({name: value for name, value in (self.parameters | changes).items() if value})
        return f"{path}?{query}" if query else path

    def filter_for(self, actor: Actor) -> Filter:
        """Return the filter of the list for an actor; the words are not part of it.

        The id of a service is one of the person's own company, unless another is chosen.
        """
        user, own = accounts.user_and_company(actor)
        one = permissions.child_named(actor, self.company) or own
        is_of_one = bool(self.company or self.service or not actor.children)
        return Filter(
            state=_STATES[self.show],
            company_id=one.id if is_of_one else None,
            status=self.status,
            service_id=self.service or None,
            concerned=(user.email, user.id) if self.mine else None,
        )


class Listing(Struct, frozen=True):
    """A page of the list. ``next`` is the address of the next one, ``problem`` why there is none at all."""

    chosen: Chosen
    tickets: list[TicketView]
    next: str | None = None
    problem: str = ""


def chosen_in(query: dict[str, str]) -> Chosen:
    """Return what the parameters of an address choose. A status chooses its state, too."""
    show = query.get("show", "")
    status = Status(query["status"]) if query.get("status") in tuple(Status) else None
    if status is not None and show != "all":
        show = "closed" if status in FINISHED else "open"
    service = query.get("service", "")
    return Chosen(
        show if show in _STATES else "open",
        query.get("mine") == "1",
        status,
        "" if check_text("service", service, most=ID_MAX) else service,
        query.get("company", "")[:CODE_MAX],
        query.get("q", "").strip()[:QUERY_MAX],
    )


async def show_tickets(visit: Visit) -> Answer:
    """Show the list."""
    async with visit.database.transaction() as tx:
        shell = await read_shell(tx)
        listing = await read_listing(visit, tx, chosen_in(visit.query))
    return portal_page(visit, shell, "tickets.html", TICKETS, listing=listing, chosen=listing.chosen, export=EXPORT)


async def read_listing(visit: Visit, tx: Tx, chosen: Chosen, path: str = TICKETS) -> Listing:
    """Return a page of the list: along an index, or the matches of the search.

    Raises:
        InvalidCursor: the cursor in the address is not of this list.
    """
    made_for = list_id(path, chosen.parameters)
    keys = visit.services.cursors.read(visit.query["after"], made_for) if visit.query.get("after") else None
    try:
        if chosen.q:
            with visit.services.searches.count(visit.customer):
                page, after = await _found(visit, tx, chosen, keys)
        else:
            page, after = await _listed(visit, tx, chosen, keys)
    except InvalidInput as error:
        return Listing(chosen, [], problem=refusal_text(error).removeprefix("q "))
    cursor = None if after is None else visit.services.cursors.make(msgspec.to_builtins(after), made_for)
    return Listing(chosen, page, None if cursor is None else chosen.address(path, after=cursor))


async def _listed(
    visit: Visit, tx: Tx, chosen: Chosen, keys: list[Any] | None
) -> tuple[list[TicketView], list[Any] | None]:
    sort = chosen.sort
    listed = await ticket_lists.list_tickets_as(
        view_of, tx, visit.actor, chosen.filter_for(visit.actor),
        after=None if keys is None else sort.position(keys), limit=SIZE + 1, newest_first=sort.newest_first,
        order=sort.order, seconds=visit.services.settings.search_seconds,
    )  # fmt: skip
    page = listed[:SIZE]
    return page, [*sort.keys(page[-1])] if len(listed) > SIZE else None


async def _found(
    visit: Visit, tx: Tx, chosen: Chosen, keys: list[Any] | None
) -> tuple[list[TicketView], list[Any] | None]:
    """Return tickets that the search finds, of which those that the filters leave out are dropped."""
    try:
        after = None if keys is None else msgspec.convert(keys, SearchCursor)
    except msgspec.ValidationError:
        raise InvalidCursor from None
    return await _matches(visit, tx, chosen, after, SIZE, _ROUNDS)


async def find_all(visit: Visit, tx: Tx, chosen: Chosen) -> list[TicketView]:
    """Return every ticket that the search finds and the filters do not leave out.

    Raises:
        InvalidInput: these are more than ``FOUND_MAX``, or the query is invalid.
    """
    with visit.services.searches.count(visit.customer):
        found, following = await _matches(visit, tx, chosen, None, FOUND_MAX, _ROUNDS_OF_ALL)
    if following is not None:
        rule = f"has more than {number(FOUND_MAX)} matches: add a word, or a filter"
        raise InvalidInput([Violation("q", rule, RuleCode.COUNT)])
    return found


async def _matches(
    visit: Visit, tx: Tx, chosen: Chosen, after: SearchCursor | None, size: int, rounds: int
) -> tuple[list[TicketView], list[Any] | None]:
    """Return at most ``size`` tickets after a place in the search, and where they go on, after so many reads."""
    filters, seconds = chosen.filter_for(visit.actor), visit.services.settings.search_seconds
    page: list[TicketView] = []
    for _round in range(rounds):
        limit = min(size - len(page), _READ_AT_ONCE)
        result = await search.find_tickets(tx, visit.actor, chosen.q, after=after, limit=limit, seconds=seconds)
        numbers = [view.ticket.number for view in result.tickets]
        kept = await ticket_lists.matching(tx, visit.actor, filters, numbers)
        page += [view for view in result.tickets if view.ticket.number in kept]
        after = result.next
        if after is None or len(page) == size:
            break
    return page, None if after is None else msgspec.to_builtins(after)
