"""The event log as the stream reads it: the events after a cursor, and where a cursor is after a restore.

Each function is one statement. Only events of finished transactions are read (see ``events.store.read``).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from clearline.events.store import START, Event, Offset, event_of
from clearline.platform.database.horizon import HORIZON
from clearline.platform.database.transactions import Record, Tx


class EventCursor(NamedTuple):
    """A position in the log as clients keep it: after the event at this offset, identified by its time as well."""

    offset: Offset
    at: datetime


BEGINNING = EventCursor(START, datetime(1970, 1, 1, tzinfo=UTC))
"""Before the first event."""

RECOVERY_MARGIN = timedelta(hours=1)
"""How far before its time a lost cursor is resumed: longer than a transaction lasts, and more than clocks differ."""


class EventFilter(NamedTuple):
    """Which events. A type is exact, or a prefix when it ends with a dot; no type at all means every type."""

    company_id: UUID | None = None
    ticket_number: int | None = None
    types: tuple[str, ...] = ()


class EventBatch(NamedTuple):
    """A part of the log: the events that match, and whether there may be more.

    ``last`` is the cursor after the last event that was read, whether it matches or not; None when nothing was read.
    """

    events: list[Event]
    last: EventCursor | None
    is_full: bool


_FINISHED = f"xid < {HORIZON}"

# An event that does not match is read without its data: a rare type then costs no long scan in one statement, and the
# cursor advances.
_READ = f"""
    select e.xid::text::bigint, e.id, e.company_id, e.at, e.type, e.ticket_number, e.note_number, e.actor_id,
           e.actor_name,
           case when $4::text[] is null or exists (
               select from unnest($4) t where e.type = t or (right(t, 1) = '.' and starts_with(e.type, t))
           ) then e.data end,
           e.ticket_version, e.customer_version
      from {{source}} e
     where {{after}} and e.{_FINISHED}
     order by e.xid, e.id limit $3"""

_AFTER = "(e.xid, e.id) > ($1::text::xid8, $2)"
EVERYTHING = _READ.format(source="event", after=_AFTER)
# The company twice: the newest events are too new for the statistics. By the offset only there seem to be almost none,
# so that a scan through the events of all companies would look as good.
OF_COMPANY = _READ.format(
    source="event", after="e.company_id = $5 and (e.company_id, e.xid, e.id) > ($5, $1::text::xid8, $2)"
)
# Materialized: a ticket has few events, and a scan through its company's whole log for them would be long.
OF_TICKET = (
    "with of_ticket as materialized (select * from event where company_id = $5 and ticket_number = $6)"
    + _READ.format(source="of_ticket", after=_AFTER)
)

# Orders name the table: a bare xid would be the number that is returned, which no index contains.
_LATEST = f"""select e.xid::text::bigint, e.id, e.at from event e where e.{_FINISHED} {{only}}
               order by e.xid desc, e.id desc limit 1"""
LATEST = _LATEST.format(only="")
LATEST_OF_COMPANY = _LATEST.format(only="and e.company_id = $1")

NEW_OFFSETS = f"""select e.xid::text::bigint, e.id, e.company_id from event e
            where (e.xid, e.id) > ($1::text::xid8, $2) and e.{_FINISHED} order by e.xid, e.id limit $3"""

RECOVER_OFFSET = f"""
    select xid::text::bigint, id from (
        (select 1 as rank, xid, id from event where xid = $1::text::xid8 and id = $2 and at = $3)
        union all
        (select 2, xid, id - 1 from event where at >= $4 and {_FINISHED} order by at, id limit 1)
        union all
        (select 3, xid, id from event where {_FINISHED} order by xid desc, id desc limit 1)
    ) candidate order by rank limit 1"""


def values(event_filter: EventFilter, after: Offset, limit: int) -> tuple[object, ...]:
    """Return the values that the reading statements bind."""
    bound = (str(after.xid), after.id, limit, [*event_filter.types] or None)
    return (*bound, *(value for value in (event_filter.company_id, event_filter.ticket_number) if value is not None))


def _batch(rows: Sequence[Record], limit: int) -> EventBatch:
    last = EventCursor(Offset(rows[-1][0], rows[-1][1]), rows[-1][3]) if rows else None
    return EventBatch([event_of(row) for row in rows if row[9] is not None], last, len(rows) == limit)


async def read(tx: Tx, event_filter: EventFilter, after: Offset, *, limit: int) -> EventBatch:
    """Read the next ``limit`` events after an offset in the log's order, and return those that match.

    For all companies served by ``event_cursor``, for one by the primary key, for a ticket by ``event_by_ticket`` (its
    company must be in the filter too); that one is sorted.
    """
    bound = values(event_filter, after, limit)
    if event_filter.ticket_number is not None:
        return _batch(await tx.fetch(OF_TICKET, *bound), limit)
    if event_filter.company_id is not None:
        return _batch(await tx.fetch(OF_COMPANY, *bound), limit)
    return _batch(await tx.fetch(EVERYTHING, *bound), limit)


async def latest_cursor(tx: Tx, company_id: UUID | None = None) -> EventCursor:
    """Return the cursor after the latest event of all companies, or of one.

    Served by ``event_cursor``, or the primary key.
    """
    row = await (tx.fetchrow(LATEST) if company_id is None else tx.fetchrow(LATEST_OF_COMPANY, company_id))
    return BEGINNING if row is None else EventCursor(Offset(row[0], row[1]), row[2])


async def new_offsets(tx: Tx, after: Offset, *, limit: int) -> list[tuple[Offset, UUID]]:
    """Return the next offsets after an offset, and the companies of their events. Served by ``event_cursor``."""
    rows = await tx.fetch(NEW_OFFSETS, str(after.xid), after.id, limit)
    return [(Offset(row[0], row[1]), row[2]) for row in rows]


async def recover_offset(tx: Tx, cursor: EventCursor) -> Offset:
    """Return the offset after which a reader continues that has everything up to a cursor of any age.

    The cursor's event may no longer exist. After a restore into another PostgreSQL events have other transactions
    (``events.store.renumber``), and a restored copy may be older than what the reader has, and other events may have
    taken the numbers since. Numbers cannot distinguish these, but time can: what the reader may have missed happened
    after its last event, give or take the length of a transaction. So it continues before the first event of the hour
    before, and reads that hour again. Served by ``event_cursor`` and ``event_by_time``.
    """
    if cursor.offset == START:
        return START
    row = await tx.fetchrow(
        RECOVER_OFFSET, str(cursor.offset.xid), cursor.offset.id, cursor.at, cursor.at - RECOVERY_MARGIN
    )
    return START if row is None else Offset(row[0], row[1])
