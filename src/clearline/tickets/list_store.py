"""Lists of tickets, each one statement along one index; and statements about one ticket, made into one about many."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from clearline.clock import Span
from clearline.platform.database.transactions import Record, Tx
from clearline.tickets.columns import AFTER_TICKET, LIMITED_NOTES, NAMES, TICKET, VIEWS, notes_of, ticket_of
from clearline.tickets.domain import Status, Ticket
from clearline.tickets.note_domain import Note
from clearline.tickets.status_domain import State

T = TypeVar("T")
BOUNDS = (51, 1001)
"""The most rows that a statement can return: a page as most clients ask for it, and the longest of the command line,
each with one more. A list that asks for more than the last gets no more."""

_END = 10**12
"""Greater than every ticket number."""


class Filter(NamedTuple):
    """Which tickets: every given condition must hold. ``unassigned`` selects those without an assignee."""

    state: State = "open"
    company_id: UUID | None = None
    queue_id: UUID | None = None
    assignee_id: UUID | None = None
    unassigned: bool = False
    status: Status | None = None
    service_id: str | None = None
    created: Span | None = None
    updated: Span | None = None


Position = int | tuple[datetime, int]
"""Where a list continues: after a number, or in a list by ``created`` after a time and a number."""

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


_UPDATED = {
    True: "updated_at >= {} and updated_at < {}",
    False: "coalesce(customer_updated_at, updated_at) >= {} and coalesce(customer_updated_at, updated_at) < {}",
}
"""The condition on the time of the last change: of any, or of the last that a customer sees."""
_IS_OPEN, _IS_FINISHED = "is_open::integer = 1", "is_open::integer = 0"
_BY_STATE = {"open": (_IS_OPEN,), "finished": (_IS_FINISHED,), "all": (_IS_OPEN, _IS_FINISHED)}
"""As the index ``ticket_age`` has the state."""


@lru_cache(maxsize=1024)
def dated_statement(
    names: tuple[str, ...],
    state: State,
    bound: int,
    *,
    newest_first: bool,
    for_staff: bool,
    by_creation: bool,
    is_updated: bool,
) -> str:
    """Return the statement of a list with these filters and a time of creation, of the last change, or both.

    It binds the limit; the last number, or with ``by_creation`` the time and number of the last ticket and the other
    end of the span; the filters' values; the two ends of the time of the last change. A list by creation has its order,
    which is that of the numbers except for imported tickets. It walks ``ticket_by_age`` for a company, and
    ``ticket_age`` for all, where a list of both states merges two walks. Any other walks the index of the list without
    times.
    """
    names_bound = [name for name in names if name != "unassigned"]
    first = 5 if by_creation else 3
    places = {name: f"${place}" for place, name in enumerate(names_bound, first)}
    conditions = {name: _CONDITIONS[name].format(places.get(name)) for name in names}
    if is_updated:
        after = first + len(names_bound)
        conditions["updated"] = _UPDATED[for_staff].format(f"${after}", f"${after + 1}")
    past, direction = ("<", "desc") if newest_first else (">", "asc")
    if not by_creation:
        driver = next((walked for walked in _WALKED if set(walked) <= set(names)), ())
        order = f"number {direction}"
        walks = [[f"number {past} $2", *_STATES[state], *(conditions.pop(name) for name in driver)]]
    else:
        order = f"created_at {direction}, number {direction}"
        span = [f"(created_at, number) {past} ($2, $3)", f"created_at {'>=' if newest_first else '<'} $4"]
        if "company_id" in names:
            walks = [[conditions.pop("company_id"), *span]]
            conditions["state"] = " and ".join(_STATES[state]) or "true"
        else:
            walks = [[condition, *span] for condition in _BY_STATE[state]]
    checks = f"where {' and '.join(conditions.values())}" if conditions else ""
    walked = [
        f"(select * from (select * from ticket where {' and '.join(walk)} order by {order} offset 0) walked {checks}"
        f" order by {order} limit {bound})"
        for walk in walks
    ]
    tickets = walked[0] if len(walked) == 1 else f"({' union all '.join(walked)} order by {order} limit {bound})"
    return f"""
    select {VIEWS[for_staff]}
      from (select * from {tickets} bounded order by {order} limit $1) t {NAMES}
     order by {order.replace("created_at", "t.created_at").replace("number", "t.number")}
    """


async def tickets_as(
    make: Callable[[Record], T],
    tx: Tx,
    ticket_filter: Filter,
    *,
    for_staff: bool,
    after: Position | None,
    limit: int,
    newest_first: bool = True,
) -> list[T]:
    """Return what ``make`` makes of the rows (``VIEW``) of at most ``limit`` tickets past ``after``.

    By queue or assignee, without a company, only open ones. See ``LISTS`` and ``dated_statement`` for the indexes.
    """
    if ticket_filter.unassigned and ticket_filter.assignee_id is not None:
        return []
    conditions = {
        name: value
        for name in _CONDITIONS
        if (value := getattr(ticket_filter, name)) is not None and value is not False
    }
    bound = BOUNDS[limit > BOUNDS[0]]
    values = [value for value in conditions.values() if value is not True]
    names, created, updated = tuple(conditions), ticket_filter.created, ticket_filter.updated
    edges: tuple[object, ...]
    if created is None:
        edges = (_END if newest_first else 0,) if after is None else (after,)
    else:
        near, far = (created.until, created.since) if newest_first else created
        edges = (*((near, 0) if after is None or isinstance(after, int) else after), far)
    if created is None and updated is None:
        rows = await tx.fetch(LISTS[names, ticket_filter.state, bound, newest_first, for_staff], limit, *edges, *values)
    else:
        rows = await tx.fetch(
            dated_statement(
                names,
                ticket_filter.state,
                bound,
                newest_first=newest_first,
                for_staff=for_staff,
                by_creation=created is not None,
                is_updated=updated is not None,
            ),
            limit,
            *edges,
            *values,
            *(updated or ()),
        )
    return [make(row) for row in rows]


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


Key = tuple[UUID, int]
"""The company and the number of a ticket."""

_COMPANY_OR_NUMBER = re.compile(r"\$([12])\b")
_WANTED = {"1": "wanted.company_id", "2": "wanted.number"}


def of_many(statement: str) -> str:
    """Return a statement that binds the company and the number of a ticket first, for arrays of both.

    Its rows are those of the statement for each ticket, with their place in it and the ticket's number at their ends.
    """
    of_ticket = _COMPANY_OR_NUMBER.sub(lambda match: _WANTED[match[1]], statement)
    return f"""
    select part.*, wanted.number
      from unnest($1::uuid[], $2::bigint[]) wanted (company_id, number)
      cross join lateral (select item.*, row_number() over () as place from ({of_ticket}) item) part
     order by wanted.number, part.place
    """


def keys_apart(keys: Sequence[Key]) -> tuple[list[UUID], list[int]]:
    """Return the companies and the numbers of tickets, as a statement of ``of_many`` binds them."""
    return [company_id for company_id, _number in keys], [number for _company_id, number in keys]


def by_ticket(rows: Sequence[Record], make: Callable[[Any], T]) -> dict[int, list[T]]:
    """Return what ``make`` makes of the rows of a statement of ``of_many``, by the numbers of the tickets."""
    parts: dict[int, list[T]] = defaultdict(list)
    for row in rows:
        *values, _place, number = row
        parts[number].append(make(values))
    return parts
