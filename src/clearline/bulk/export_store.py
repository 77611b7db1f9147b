"""Tickets in the order of their numbers, batch by batch."""

from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from clearline.platform.database.transactions import Record, Tx
from clearline.tickets.columns import NAMES, NOTES, PARTS, VIEWS, notes_of, whole_view_of
from clearline.tickets.domain import TicketView
from clearline.tickets.list_store import Filter, bound_values, given_conditions
from clearline.tickets.lists.store import CHECKS
from clearline.tickets.note_domain import Note
from clearline.tickets.status_domain import FINISHED


class Batch(NamedTuple):
    """Tickets with their notes, and the number after which the next batch begins: None after the last.

    The last value of a ticket is whether another was merged into it.
    """

    tickets: list[tuple[TicketView, list[Note], bool]]
    after: int | None


_EVERY = "true"
_OPEN = "is_open"
_OF_COMPANY = "company_id = $4"
_OF_COMPANY_BY_STATE = "company_id = $4 and is_open = $5"
_VALUES = {_EVERY: 3, _OPEN: 3, _OF_COMPANY: 4, _OF_COMPANY_BY_STATE: 5}


@lru_cache(maxsize=512)
def _statement(walk: str, names: tuple[str, ...], *, since: bool, for_staff: bool) -> str:
    """Return the statement that reads the next $2 tickets after the number $1 on which ``walk`` holds.

    It then leaves out those that do not match the filters, whose values come last, and with ``since`` those created
    before a time, which comes before these. So a batch may be empty, but it never reads more tickets, however rare
    those of the filters are.
    """
    place = _VALUES[walk] + 1
    conditions = [f"t.created_at >= ${place}"] if since else []
    place += since
    for name in names:
        check = CHECKS[for_staff][name].replace("walked.", "t.")
        count = check.count("{}")
        conditions.append(check.format(*(f"${place + offset}" for offset in range(count))))
        place += count
    return f"""
    with walked as materialized (
        select company_id, number from ticket where number > $1 and {walk} order by number limit $2
    )
    select {VIEWS[for_staff]}, {PARTS[for_staff]}, {NOTES.format(visibilities="$3")}, t.has_merged, walk.last
      from (select max(number) as last from walked) walk
      left join (walked w join ticket t on t.company_id = w.company_id and t.number = w.number {NAMES})
        on {" and ".join(conditions) or "true"}
     order by t.number
    """


async def batch(
    tx: Tx,
    company_id: UUID | None,
    *,
    is_open: bool | None,
    created_since: datetime | None,
    visibilities: list[str],
    for_staff: bool,
    after: int,
    limit: int,
    selected: Filter | None = None,
) -> Batch:
    """Return the next tickets of one company or of all. At most ``limit`` are read, and then some left out.

    With ``selected`` those are left out that do not match its filters; its company and state are not asked.

    Served by the primary key or ``ticket_page`` of one company, by ``ticket_by_number`` or ``ticket_open`` of all. No
    index has the finished tickets of all companies: open ones are read, and left out.
    """
    values: list[object] = [after, limit, visibilities]
    if company_id is None:
        walk = _OPEN if is_open else _EVERY
    elif is_open is None:
        walk = _OF_COMPANY
        values += [company_id]
    else:
        walk = _OF_COMPANY_BY_STATE
        values += [company_id, is_open]
    if created_since is not None:
        values.append(created_since)
    given = {} if selected is None else given_conditions(selected._replace(company_id=None))
    values += bound_values(given)
    since = created_since is not None
    rows = await tx.fetch(_statement(walk, tuple(given), since=since, for_staff=for_staff), *values)
    tickets = [_with_notes(row) for row in rows if row["number"] is not None]
    if company_id is None and is_open is False:
        tickets = [each for each in tickets if each[0].ticket.status in FINISHED]
    return Batch(tickets, rows[0]["last"])


def _with_notes(row: Record) -> tuple[TicketView, list[Note], bool]:
    return whole_view_of(row), notes_of(row["notes"]), row["has_merged"]
