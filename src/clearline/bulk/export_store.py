"""Tickets in the order of their numbers, batch by batch."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from clearline.platform.database.transactions import Record, Tx
from clearline.tickets.columns import NAMES, NOTES, VIEWS, notes_of, view_of
from clearline.tickets.domain import TicketView
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


def _statement(walk: str, *, since: bool, for_staff: bool) -> str:
    """Return the statement that reads the next $2 tickets after the number $1 on which ``walk`` holds.

    With ``since`` it then leaves out the tickets created before its last value. So a batch may be empty, but it never
    reads more tickets, however rare those of the time are.
    """
    is_late = f"t.created_at >= ${_VALUES[walk] + 1}" if since else "true"
    return f"""
    with walked as materialized (
        select company_id, number from ticket where number > $1 and {walk} order by number limit $2
    )
    select {VIEWS[for_staff]}, {NOTES.format(visibilities="$3")}, t.has_merged, walk.last
      from (select max(number) as last from walked) walk
      left join (walked w join ticket t on t.company_id = w.company_id and t.number = w.number {NAMES}) on {is_late}
     order by t.number
    """


BATCH = {
    (walk, since, for_staff): _statement(walk, since=since, for_staff=for_staff)
    for walk in _VALUES
    for since in (False, True)
    for for_staff in (True, False)
}
"""The statements: which tickets they read, whether they leave out those created before a time, and whose version and
time the tickets have."""


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
) -> Batch:
    """Return the next tickets of one company or of all. At most ``limit`` are read, and then some left out.

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
    rows = await tx.fetch(BATCH[walk, created_since is not None, for_staff], *values)
    tickets = [_with_notes(row) for row in rows if row["number"] is not None]
    if company_id is None and is_open is False:
        tickets = [each for each in tickets if each[0].ticket.status in FINISHED]
    return Batch(tickets, rows[0]["last"])


def _with_notes(row: Record) -> tuple[TicketView, list[Note], bool]:
    return view_of(row), notes_of(row["notes"]), row["has_merged"]
