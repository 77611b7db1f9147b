"""The log for those who follow it: what came after a place in it, and where a place is to be found again.

Each function is one statement. Only events behind the horizon are read (see ``events.read``).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from clearline.events.store import START, Cursor, Event, event_of
from clearline.platform.database.transactions import Record, Tx


class Place(NamedTuple):
    """A place in the log as those outside keep it: behind an event, which its time tells from any other."""

    cursor: Cursor
    at: datetime


BEGINNING = Place(START, datetime(1970, 1, 1, tzinfo=UTC))

MARGIN = timedelta(hours=1)
"""How far before its time a lost place is looked for: longer than any transaction lasts, and than clocks differ."""


class Wanted(NamedTuple):
    """Which events. ``types`` are exact, or end with a dot and are beginnings; none at all means every type."""

    company_id: UUID | None = None
    ticket_number: int | None = None
    types: tuple[str, ...] = ()


class Walked(NamedTuple):
    """A piece of the log: the events that were wanted, the last place that was looked at, and whether more may follow.

    ``last`` is None when there was nothing.
    """

    events: list[Event]
    last: Place | None
    is_full: bool


_BEHIND = "xid < pg_snapshot_xmin(pg_current_snapshot())"

# What is not wanted comes without its data: so a rare type costs no long walk in one statement, and the place moves on.
_WALK = f"""
    select e.xid::text::bigint, e.id, e.company_id, e.at, e.type, e.ticket_number, e.note_number, e.actor_id,
           e.actor_name,
           case when $4::text[] is null or exists (
               select from unnest($4) t where e.type = t or (right(t, 1) = '.' and starts_with(e.type, t))
           ) then e.data end
      from {{source}} e
     where {{after}} and e.{_BEHIND}
     order by e.xid, e.id limit $3"""

_AFTER = "(e.xid, e.id) > ($1::text::xid8, $2)"
EVERYTHING = _WALK.format(source="event", after=_AFTER)
# The company twice: the newest events are too new for the statistics, and by place alone there seem to be next to none,
# so that a walk through those of all companies would look as good.
OF_COMPANY = _WALK.format(
    source="event", after="e.company_id = $5 and (e.company_id, e.xid, e.id) > ($5, $1::text::xid8, $2)"
)
# Materialised: a ticket has few events, and a walk along its company's whole log for them would be long.
OF_TICKET = (
    "with of_ticket as materialized (select * from event where company_id = $5 and ticket_number = $6)"
    + _WALK.format(source="of_ticket", after=_AFTER)
)

# Orders name the table: a bare xid would be the number that is answered, which no index knows.
_TAIL = f"""select e.xid::text::bigint, e.id, e.at from event e where e.{_BEHIND} {{only}}
             order by e.xid desc, e.id desc limit 1"""
TAIL = _TAIL.format(only="")
TAIL_OF_COMPANY = _TAIL.format(only="and e.company_id = $1")

NEWS = f"""select e.xid::text::bigint, e.id, e.company_id from event e
            where (e.xid, e.id) > ($1::text::xid8, $2) and e.{_BEHIND} order by e.xid, e.id limit $3"""

FIND = f"""
    select xid::text::bigint, id from (
        (select 1 as rank, xid, id from event where xid = $1::text::xid8 and id = $2 and at = $3)
        union all
        (select 2, xid, id - 1 from event where at >= $4 and {_BEHIND} order by at, id limit 1)
        union all
        (select 3, xid, id from event where {_BEHIND} order by xid desc, id desc limit 1)
    ) found order by rank limit 1"""


def values(wanted: Wanted, after: Cursor, limit: int) -> tuple[object, ...]:
    """What the walks bind."""
    bound = (str(after.xid), after.id, limit, [*wanted.types] or None)
    return (*bound, *(one for one in (wanted.company_id, wanted.ticket_number) if one is not None))


def _walked(rows: Sequence[Record], limit: int) -> Walked:
    last = Place(Cursor(rows[-1][0], rows[-1][1]), rows[-1][3]) if rows else None
    return Walked([event_of(row) for row in rows if row[9] is not None], last, len(rows) == limit)


async def walk(tx: Tx, wanted: Wanted, after: Cursor, *, limit: int) -> Walked:
    """The next ``limit`` events after a cursor in the log's order, those that are wanted with their data.

    Of all companies served by ``event_cursor``, of one by the primary key, of a ticket by ``event_by_ticket`` (its
    company has to be named, too); that one is sorted.
    """
    bound = values(wanted, after, limit)
    if wanted.ticket_number is not None:
        return _walked(await tx.fetch(OF_TICKET, *bound), limit)
    if wanted.company_id is not None:
        return _walked(await tx.fetch(OF_COMPANY, *bound), limit)
    return _walked(await tx.fetch(EVERYTHING, *bound), limit)


async def tail(tx: Tx, company_id: UUID | None = None) -> Place:
    """The place behind the last event there is, of all companies or of one.

    Served by ``event_cursor``, or the primary key.
    """
    row = await (tx.fetchrow(TAIL) if company_id is None else tx.fetchrow(TAIL_OF_COMPANY, company_id))
    return BEGINNING if row is None else Place(Cursor(row[0], row[1]), row[2])


async def news(tx: Tx, after: Cursor, *, limit: int) -> list[tuple[Cursor, UUID]]:
    """The next places after a cursor, and whose events they are. Served by ``event_cursor``."""
    rows = await tx.fetch(NEWS, str(after.xid), after.id, limit)
    return [(Cursor(row[0], row[1]), row[2]) for row in rows]


async def find(tx: Tx, place: Place) -> Cursor:
    """Where a reader goes on that was told everything up to a place, however long ago.

    The place may be gone: after a restore into another PostgreSQL events have other transactions (``events.rebase``),
    and a restored copy may be older than what the reader was told, and other events may have taken the numbers since.
    No number tells these apart, but time does: whatever the reader may have missed happened after the event it was
    told last, give or take what a transaction lasts. So it goes on before the first event of the hour before, and is
    told again what happened in that hour. Served by ``event_cursor`` and ``event_by_time``.
    """
    if place.cursor == START:
        return START
    row = await tx.fetchrow(FIND, str(place.cursor.xid), place.cursor.id, place.at, place.at - MARGIN)
    return START if row is None else Cursor(row[0], row[1])
