"""Lists of tickets, each one statement along one index."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import inf
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from msgspec import json

from clearline.catalogue.assessment import Priority, Severity
from clearline.clock import Span
from clearline.platform.database.transactions import Record, Tx
from clearline.tickets.columns import AFTER_TICKET, LIMITED_NOTES, NAMES, TICKET, VIEWS, notes_of, ticket_of
from clearline.tickets.domain import Status, Ticket
from clearline.tickets.lists.order import RANKS, AnyOrder, Key, Order, OwnKind, OwnOrder, key_of
from clearline.tickets.lists.store import (
    NUMBERED,
    Shape,
    count_driver,
    count_statement,
    few_of,
    matching_statement,
    ordered_statement,
)
from clearline.tickets.note_domain import Note
from clearline.tickets.status_domain import State

T = TypeVar("T")
BOUNDS = (51, 1001)
"""The most rows that a statement can return: a page as most clients ask for it, and the longest of the command line,
each with one more. A list that asks for more than the last gets no more."""

_END = 10**12
"""Greater than every ticket number."""


class Filter(NamedTuple):
    """Which tickets: every given condition must hold. ``unassigned`` selects those without an assignee.

    Of several statuses, priorities, severities, issue or service types, sub-statuses or reasons to wait a ticket has
    one, and of several tags all.
    ``contact`` is the address of a contact, in any case, and ``cc`` one that gets copies. ``external_id`` is the name
    of a system and its number. ``has_file`` and ``watcher_id`` are about the files and watchers that the reader can
    see. ``concerned`` is the address and the id of a user who is a contact, gets copies, or watches.
    ``occurred`` is about tickets that say when the fault began, ``reminder`` is when the reminder is due.
    ``within_queues`` and ``within_companies`` are the limits of the reader.
    """

    state: State = "open"
    company_id: UUID | None = None
    queue_id: UUID | None = None
    assignee_id: UUID | None = None
    unassigned: bool = False
    status: Status | None = None
    service_id: str | None = None
    created: Span | None = None
    updated: Span | None = None
    statuses: tuple[Status, ...] = ()
    priorities: tuple[Priority, ...] = ()
    severities: tuple[Severity, ...] = ()
    issue_types: tuple[str, ...] = ()
    service_types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    contact: str | None = None
    external_id: tuple[str, str] | None = None
    case_number: str | None = None
    """The number of a case at a third party, in any case."""
    has_file: bool | None = None
    team_id: UUID | None = None
    watcher_id: UUID | None = None
    concerned: tuple[str, UUID] | None = None
    own_field: tuple[UUID, str] | None = None
    """The id of an own field, and a value of it."""
    own_number: tuple[UUID, float, float] | None = None
    """The id of an own field, the least value, and the value that it is below."""
    has_own: UUID | None = None
    """The id of an own field of which there is a value."""
    occurred: Span | None = None
    is_chronic: bool | None = None
    within_queues: tuple[UUID, ...] = ()
    within_companies: tuple[UUID, ...] = ()
    cc: str | None = None
    sub_statuses: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    """The keys of tiers of companies."""
    waiting_reasons: tuple[str, ...] = ()
    has_reminder: bool | None = None
    reminder: Span | None = None


Position = int | tuple[Key, int]
"""Where a list continues: after a number, or after a sort key and a number.

The key of a list by time, and of one with ``created``, is the time; that of a list by priority its rank; that of a list
by an own field the value.
"""
_LAST_TEXT = "\U0010ffff"

_CONDITIONS = {
    "company_id": "company_id = {}",
    "service_id": "service_id = {}",
    "assignee_id": "assignee_id = {}",
    "queue_id": "queue_id = {}",
    "unassigned": "assignee_id is null",
    "status": "status = {}",
}
"""The condition of each filter, with room for its value."""

_STATES: dict[State, tuple[str, ...]] = {"open": ("is_open",), "finished": ("not is_open",), "all": ()}
_WALKED = (("company_id", "service_id"), ("company_id",), ("assignee_id",), ("queue_id",))
"""The filters that an index serves together with the order; a list goes by the first of these that it has."""


def _filters() -> Iterator[tuple[tuple[str, ...], State]]:
    """Yield the filters that a list can have together, with the states that its index holds.

    The indexes of queues and assignees hold open tickets alone, and a service's id means something within its company
    alone: for anything else there is the search.
    """
    states: tuple[State, ...] = ("open", "finished", "all")
    for is_given in product((True, False), repeat=len(_CONDITIONS)):
        names = tuple(name for name, is_used in zip(_CONDITIONS, is_given, strict=True) if is_used)
        if {"assignee_id", "unassigned"} <= set(names):
            continue
        if "company_id" in names:
            yield from ((names, state) for state in states)
        elif "service_id" not in names:
            by_people = {"queue_id", "assignee_id"} & set(names)
            yield from ((names, state) for state in states if state == "open" or not by_people)


def _statement(names: Sequence[str], state: State, bound: int, *, newest_first: bool, for_staff: bool) -> str:
    """Return the statement of a list with these filters, which binds limit, last number and the filters' values.

    It has the conditions that are asked for and no others: one for all of them, with ``$1 is null or ...``, took
    three times as long to plan as to run, and PostgreSQL's plan for any values sorted all open tickets. The conditions
    that no index serves together with the order stand behind ``offset 0``: whatever the statistics say, the index is
    walked in order and they are checked on the way. The constant ``bound`` says how few rows follow, which
    ``limit $1`` does not: a plan for any values takes that for a tenth of the table.
    """
    past, order = ("<", "desc") if newest_first else (">", "asc")
    places = {name: f"${place}" for place, name in enumerate((name for name in names if name != "unassigned"), 3)}
    conditions = {name: _CONDITIONS[name].format(places.get(name)) for name in names}
    driver = next((walked for walked in _WALKED if set(walked) <= set(names)), ())
    walked = " and ".join([f"number {past} $2", *_STATES[state], *(conditions.pop(name) for name in driver)])
    tickets = f"select * from ticket where {walked} order by number {order}"
    if conditions:
        tickets = f"select * from ({tickets} offset 0) walked where {' and '.join(conditions.values())}"
    return f"""
    select {VIEWS[for_staff]}
      from (select * from ({tickets} limit {bound}) bounded limit $1) t {NAMES}
     order by t.number {order}
    """


_OF_CUSTOMERS = {"company_id", "service_id", "status"}
"""The filters of customers, of which the first is always there."""

LISTS = {
    (names, state, bound, newest_first, for_staff): _statement(
        names, state, bound, newest_first=newest_first, for_staff=for_staff
    )
    for (names, state), bound, newest_first, for_staff in product(_filters(), BOUNDS, (True, False), (True, False))
    if for_staff or ("company_id" in names and _OF_CUSTOMERS.issuperset(names))
}
"""The statements, by the names of the filters, the state, the bound, whether the newest comes first, and whose version
and time the tickets have: of the provider's people, or of the customer.

Each walks one index: ``ticket_page``, ``ticket_by_service`` or the primary key for a company,
``ticket_open_by_assignee`` or ``ticket_open_by_queue`` for open ones of all, otherwise ``ticket_open`` or
``ticket_by_number``.
"""


_FILTERS = (*_CONDITIONS, *(name for name in Filter._fields if name not in {"state", *_CONDITIONS}))
_SPANS = {
    Order.CREATED: "created",
    Order.UPDATED: "updated",
    Order.OCCURRED: "occurred",
    Order.REMINDER: "reminder",
}
"""The filters on the time that a list is sorted by: they are ends of its walk."""
_INDEXED = {"company_id", "assignee_id", "queue_id", "team_id", "within_queues", "within_companies"}
_NEGATED = {"has_file": "has_no_file", "has_reminder": "has_no_reminder", "is_chronic": "is_not_chronic"}
"""What the conditions of filters are called that are given as false."""


def checked(ticket_filter: Filter, order: AnyOrder) -> list[str]:
    """Return the filters by which a list may walk very many tickets for the few that match.

    Those of ``LISTS`` and of the lists by time are not among them, unless the list is in another order.
    """
    given = given_conditions(ticket_filter, order)
    if isinstance(order, OwnOrder):
        shape = Shape(tuple(given), "open", order.kind, BOUNDS[0], newest_first=True, for_staff=True)
        return [name for name in given if name not in shape.driver]
    if few_of(given) is not None:
        return []
    indexed = {*_INDEXED, *_CONDITIONS, "created", "updated"} if order is Order.NUMBER else _INDEXED
    if ticket_filter.state != "open":
        indexed = indexed - {"within_queues"}
    return [name for name in given if name not in indexed]


def given_conditions(ticket_filter: Filter, order: AnyOrder = Order.NUMBER) -> dict[str, Any]:
    """Return the values of the conditions of a list, by their names in ``CHECKS``; its state is not among them."""
    values = ((name, getattr(ticket_filter, name)) for name in _FILTERS if name != _span_of(order))
    given = {name: value for name, value in values if value is not None and value is not False and value != ()}
    given |= {negated: True for name, negated in _NEGATED.items() if getattr(ticket_filter, name) is False}
    return given


def bound_values(given: dict[str, Any]) -> list[object]:
    """Return the values of conditions as a statement binds them."""
    values: list[object] = []
    for name, value in given.items():
        if name == "external_id":
            values.append(json.encode(dict([value])).decode())
        elif isinstance(value, Span) or name in {"concerned", "own_field", "own_number"}:
            values += value
        elif value is not True:
            values.append([*value] if isinstance(value, tuple) else value)
    return values


def _span_of(order: AnyOrder) -> str | None:
    return None if isinstance(order, OwnOrder) else _SPANS.get(order)


def _edges(order: AnyOrder, span: Span | None, after: Position | None, *, newest_first: bool) -> list[object]:
    """Return where a list begins: a sort key and a number, or the number alone; and where its span ends."""
    if order is Order.NUMBER:
        return [after if after is not None else _END if newest_first else 0]
    if isinstance(after, tuple):
        begin: tuple[object, ...] = after
    elif isinstance(order, OwnOrder):
        ends_of = {OwnKind.NUMBER: (-inf, inf), OwnKind.TEXT: ("", _LAST_TEXT)}
        begin = (ends_of[order.kind][newest_first], 0)
    elif order is Order.PRIORITY:
        begin = (max(RANKS.values()) + 1 if newest_first else 0, 0)
    else:
        ends = span or Span()
        begin = (ends.until if newest_first else ends.since, 0)
    return [*begin, *(() if span is None else (span.since if newest_first else span.until,))]


async def tickets_as(
    make: Callable[[Record], T],
    tx: Tx,
    ticket_filter: Filter,
    *,
    for_staff: bool,
    after: Position | None,
    limit: int,
    newest_first: bool = True,
    order: AnyOrder = Order.NUMBER,
) -> list[T]:
    """Return what ``make`` makes of the rows (``VIEW``) of at most ``limit`` tickets past ``after``.

    By queue, team or assignee, without a company, only open ones; by ``OF_OPEN`` too, unless an external id or a
    watcher is given. A list by number with a time of creation is in the order of that time. See ``LISTS`` and
    ``ordered_statement`` for the indexes.
    """
    if ticket_filter.unassigned and ticket_filter.assignee_id is not None:
        return []
    if order is Order.NUMBER and ticket_filter.created is not None:
        order = Order.CREATED
    if isinstance(order, OwnOrder):
        ticket_filter = ticket_filter._replace(has_own=order.field.id)
    span_name = _span_of(order)
    span: Span | None = None if span_name is None else getattr(ticket_filter, span_name)
    given = given_conditions(ticket_filter, order)
    names, state, bound = tuple(given), ticket_filter.state, BOUNDS[limit > BOUNDS[0]]
    values = [limit, *_edges(order, span, after, newest_first=newest_first), *bound_values(given)]
    listed = (names, state, bound, newest_first, for_staff)
    if order is Order.NUMBER and listed in LISTS:
        rows = await tx.fetch(LISTS[listed], *values)
    else:
        kind = order.kind if isinstance(order, OwnOrder) else order
        shape = Shape(names, state, kind, bound, newest_first, for_staff, span is not None)
        rows = await tx.fetch(ordered_statement(shape), *values)
    return [make(row) for row in rows]


def position_of(ticket: Ticket, ticket_filter: Filter, order: AnyOrder) -> Position:
    """Return the position of a ticket in a list of the provider's people."""
    if order is Order.NUMBER and ticket_filter.created is None:
        return ticket.number
    return key_of(ticket, Order.CREATED if order is Order.NUMBER else order), ticket.number


async def count(
    tx: Tx, filters: Sequence[Filter], *, for_staff: bool, walked: int, most: int | None = None
) -> list[tuple[int, bool]]:
    """Return how many tickets match each filter among the first ``walked`` of its index, and whether these were all.

    Filters with the same index are counted together, in one walk; of a list that has every ticket of its index,
    ``most`` are enough. Without a team, an external id or a watcher. Served by the indexes of the same lists by number,
    and those of open tickets of one priority by the indexes of the lists by priority.
    """
    walks: dict[tuple[State, tuple[tuple[str, object], ...]], list[int]] = defaultdict(list)
    every = [given_conditions(ticket_filter) for ticket_filter in filters]
    for place, (ticket_filter, given) in enumerate(zip(filters, every, strict=True)):
        names = count_driver(given, ticket_filter.state, for_staff=for_staff)
        walks[ticket_filter.state, tuple((name, given[name]) for name in names)].append(place)
    counts = [(0, True)] * len(filters)
    for (state, walk), places in walks.items():
        driver = dict(walk)
        values = bound_values(driver)
        for place in places:
            values += bound_values({name: value for name, value in every[place].items() if name not in driver})
        lists = tuple(tuple(every[place]) for place in places)
        is_whole = all(len(every[place]) == len(driver) for place in places)
        reach = walked if most is None or not is_whole else min(walked, most)
        [row] = await tx.fetch(count_statement(lists, tuple(driver), state, reach + 1, for_staff=for_staff), *values)
        for place, matches in zip(places, row[1:], strict=True):
            counts[place] = matches, row[0] <= reach
    return counts


async def numbered_as(
    make: Callable[[Record], T], tx: Tx, numbers: Sequence[int], company_id: UUID | None, *, for_staff: bool
) -> list[T]:
    """Return what ``make`` makes of the rows (``VIEW``) of tickets by their numbers, of one company or of all (None).

    Served by ``ticket_by_number``.
    """
    return [make(row) for row in await tx.fetch(NUMBERED[for_staff], numbers, company_id)]


async def matching(tx: Tx, ticket_filter: Filter, numbers: Sequence[int], *, for_staff: bool) -> set[int]:
    """Return which of these tickets match a filter. Served by ``ticket_by_number``."""
    if ticket_filter.unassigned and ticket_filter.assignee_id is not None:
        return set()
    given = given_conditions(ticket_filter)
    values = [numbers, *bound_values(given)]
    rows = await tx.fetch(matching_statement(tuple(given), ticket_filter.state, for_staff=for_staff), *values)
    return {row[0] for row in rows}


class TicketPage(NamedTuple):
    """One page of a list, and how many tickets the whole list has."""

    total: int
    tickets: list[tuple[Ticket, list[Note], bool]]
    """Each with its notes, and whether a ticket was merged into it."""


PAGE = f"""
    with chosen as (
        select number from ticket where company_id = $1 and is_open = $2
         order by number desc limit $3 offset $4
    ), page as (
        select {TICKET}, {LIMITED_NOTES.format(visibilities="$5", most="$6")}, t.has_merged
          from chosen join ticket t on t.company_id = $1 and t.number = chosen.number
    )
    select page.*, total.n as total
      from (select coalesce(sum(case when $2 then open else finished end), 0)::bigint as n
              from ticket_count where company_id = $1) total
      left join page on true
     order by page.number desc
    """


async def page(
    tx: Tx, company_id: UUID, *, is_open: bool, offset: int, limit: int, visibilities: Sequence[str], notes_max: int
) -> TicketPage:
    """Return tickets of one company, newest first, with the length of the whole list.

    Each has at most ``notes_max`` of its notes, the oldest.

    The wire numbers its pages, so this is an offset; it is walked in ``ticket_page`` alone, without touching a
    ticket before the page. The total comes from ``ticket_count``, at most 32 rows a company, however many tickets.
    """
    rows = await tx.fetch(PAGE, company_id, is_open, limit, offset, visibilities, notes_max)
    is_empty = rows[0]["number"] is None
    tickets = [] if is_empty else [(ticket_of(row), notes_of(row[AFTER_TICKET]), row[AFTER_TICKET + 1]) for row in rows]
    return TicketPage(rows[0]["total"], tickets)
