"""Lists of tickets, each one statement along one index: from a number on, or by numbered pages with notes."""

from collections.abc import Sequence
from itertools import product
from typing import Literal, NamedTuple
from uuid import UUID

from clearline.platform.database.transactions import Tx
from clearline.tickets.columns import AFTER_TICKET, NAMES, NOTES, TICKET, VIEW, notes_of, ticket_of, view_of
from clearline.tickets.domain import Status, Ticket, TicketView
from clearline.tickets.note_domain import Note

State = Literal["open", "finished", "all"]
END = 10**12
"""Greater than every ticket number."""


class Filter(NamedTuple):
    """Which tickets: all that are given must hold. ``unassigned`` wants those of nobody."""

    state: State = "open"
    company_id: UUID | None = None
    queue_id: UUID | None = None
    assignee_id: UUID | None = None
    unassigned: bool = False
    status: Status | None = None
    service_id: str | None = None


_DRIVEN_BY = {
    "service": "t.company_id = $1 and t.service_id = $7",
    "company": "t.company_id = $1",
    "queue": "t.queue_id = $2 and t.is_open",
    "assignee": "t.assignee_id = $3 and t.is_open",
    "number": "true",
}
_STATE = {"open": "and t.is_open", "finished": "and not t.is_open", "all": ""}
_ORDER = {True: ("<", "desc"), False: (">", "asc")}

LIST = """
    with chosen as materialized (
        select t.company_id, t.number from ticket t
         where {driver} {state} and t.number {past} $4
           and ($1::uuid is null or t.company_id = $1) and ($2::uuid is null or t.queue_id = $2)
           and ($3::uuid is null or t.assignee_id = $3) and (not $5::boolean or t.assignee_id is null)
           and ($6::text is null or t.status = $6) and ($7::text is null or t.service_id = $7)
         order by t.number {order} limit $8
    )
    select {view} from chosen join ticket t on t.company_id = chosen.company_id and t.number = chosen.number {names}
     order by t.number {order}
    """

LISTS = {
    (driver, state, newest_first): LIST.format(
        driver=_DRIVEN_BY[driver],
        state=_STATE[state],
        past=_ORDER[newest_first][0],
        order=_ORDER[newest_first][1],
        view=VIEW,
        names=NAMES,
    )
    for driver, state, newest_first in product(_DRIVEN_BY, _STATE, _ORDER)
    if state == "open" or driver not in {"queue", "assignee"}
}
"""The statements, by the index that drives them, the state, and whether the newest comes first.

The indexes of queues and assignees hold open tickets alone: finished ones are found by the search.
"""


def driver(wanted: Filter) -> str:
    """By which filter a list walks: the others are checked on the way.

    ``ticket_by_service``, ``ticket_page`` or the primary key for a company, ``ticket_open_by_assignee``,
    ``ticket_open_by_queue``; otherwise ``ticket_open`` or ``ticket_by_number``.
    """
    if wanted.company_id is not None:
        return "company" if wanted.service_id is None else "service"
    if wanted.assignee_id is not None:
        return "assignee"
    return "number" if wanted.queue_id is None else "queue"


async def views(
    tx: Tx, wanted: Filter, *, after: int | None, limit: int, newest_first: bool = True
) -> list[TicketView]:
    """At most ``limit`` tickets past the number ``after``.

    By queue or assignee, without a company, only open ones.
    """
    rows = await tx.fetch(
        LISTS[driver(wanted), wanted.state, newest_first],
        wanted.company_id,
        wanted.queue_id,
        wanted.assignee_id,
        after if after is not None else (END if newest_first else 0),
        wanted.unassigned,
        wanted.status,
        wanted.service_id,
        limit,
    )
    return [view_of(row) for row in rows]


class TicketPage(NamedTuple):
    """One page of a list, and how many tickets the whole list has."""

    total: int
    tickets: list[tuple[Ticket, list[Note]]]


PAGE = f"""
    with chosen as (
        select number from ticket where company_id = $1 and is_open = $2
         order by number desc limit $3 offset $4
    ), page as (
        select {TICKET}, {NOTES.format(visibilities="$5")}
          from chosen join ticket t on t.company_id = $1 and t.number = chosen.number
    )
    select page.*, total.n as total
      from (select coalesce(sum(case when $2 then open else finished end), 0)::bigint as n
              from ticket_count where company_id = $1) total
      left join page on true
     order by page.number desc
    """


async def page(
    tx: Tx, company_id: UUID, *, is_open: bool, offset: int, limit: int, visibilities: Sequence[str]
) -> TicketPage:
    """Return tickets of one company, newest first, with their notes and the length of the whole list.

    The wire numbers its pages, so this is an offset; it is walked in ``ticket_page`` alone, without touching a
    ticket before the page. The total comes from ``ticket_count``, at most 32 rows a company, however many tickets.
    """
    rows = await tx.fetch(PAGE, company_id, is_open, limit, offset, visibilities)
    is_empty = rows[0]["number"] is None
    tickets = [] if is_empty else [(ticket_of(row), notes_of(row[AFTER_TICKET])) for row in rows]
    return TicketPage(rows[0]["total"], tickets)
