"""Tickets in the order of their numbers, some at a time, for whoever wants all of them."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from clearline.platform.database.transactions import Record, Tx
from clearline.tickets.columns import NAMES, NOTES, VIEW, notes_of, view_of
from clearline.tickets.domain import TicketView
from clearline.tickets.note_domain import Note
from clearline.tickets.status_domain import FINISHED

ANY = "select company_id, number from ticket where number > $1"
OPEN = "select company_id, number from ticket where number > $1 and is_open"
OF_COMPANY = "select company_id, number from ticket where company_id = $5 and number > $1"
OF_COMPANY_BY_STATE = "select company_id, number from ticket where company_id = $5 and number > $1 and is_open = $6"


def _batch(walk: str) -> str:
    """Return the statement that reads what ``walk`` finds, without what was created before a time.

    However rare tickets of that time are, the statement walks no further.
    """
    return f"""
    with walked as materialized ({walk} order by number limit $2)
    select {VIEW}, {NOTES.format(visibilities="$4")}, walk.last
      from (select max(number) as last from walked) walk
      left join (walked w join ticket t on t.company_id = w.company_id and t.number = w.number {NAMES})
             on $3::timestamptz is null or t.created_at >= $3
     order by t.number
    """


_ANY = _batch(ANY)
_OPEN = _batch(OPEN)
_OF_COMPANY = _batch(OF_COMPANY)
_OF_COMPANY_BY_STATE = _batch(OF_COMPANY_BY_STATE)


class Batch(NamedTuple):
    """Tickets with their notes, and the number after which the next batch begins: None after the last."""

    tickets: list[tuple[TicketView, list[Note]]]
    after: int | None


async def batch(
    tx: Tx,
    company_id: UUID | None,
    *,
    is_open: bool | None,
    created_since: datetime | None,
    visibilities: list[str],
    after: int,
    limit: int,
) -> Batch:
    """The next tickets of one company or of all; up to ``limit`` are looked at, and those of the wrong kind left out.

    Served by the primary key or ``ticket_page`` of one company, by ``ticket_by_number`` or ``ticket_open`` of all.
    """
    given = (after, limit, created_since, visibilities)
    if company_id is None and is_open is True:
        rows = await tx.fetch(_OPEN, *given)
    elif company_id is None:
        rows = await tx.fetch(_ANY, *given)
    elif is_open is None:
        rows = await tx.fetch(_OF_COMPANY, *given, company_id)
    else:
        rows = await tx.fetch(_OF_COMPANY_BY_STATE, *given, company_id, is_open)
    found = [_found(row) for row in rows if row["number"] is not None]
    if company_id is None and is_open is False:
        found = [one for one in found if one[0].ticket.status in FINISHED]
    return Batch(found, rows[0]["last"])


def _found(row: Record) -> tuple[TicketView, list[Note]]:
    return view_of(row), notes_of(row["notes"])
