"""Events: one row for each fact, read by offset without ever skipping one."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from clearline.events.domain import Fact, RecordChanged
from clearline.events.event_types import Audience
from clearline.events.type_table import EVENT_TYPES, visible_data
from clearline.identity import Actor
from clearline.platform.database.horizon import HORIZON
from clearline.platform.database.transactions import Record, Tx


class Offset(NamedTuple):
    """A position in the log of events: the transaction that wrote an event, and the event's id."""

    xid: int
    id: int


START = Offset(0, 0)
"""Before the first event."""

_RENUMBERED = "3"
"""The first number that an ordinary transaction can have."""


class Event(NamedTuple):
    """A stored fact. ``data`` holds the members of the fact.

    ``version`` is that of its ticket after the fact, ``customer_version`` that of the customer's view. Both are None
    for an event that is about no ticket, or was stored before events had versions.
    """

    offset: Offset
    company_id: UUID
    at: datetime
    type: str
    ticket_number: int | None
    note_number: int | None
    actor_id: UUID | None
    actor_name: str
    data: dict[str, Any]
    version: int | None = None
    customer_version: int | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def encode(fact: Fact) -> tuple[str, str]:
    """Return a fact as the ``type`` and ``data`` columns keep it.

    Raises:
        ValueError: the fact's type has no row in the table of event types.
    """
    members = msgspec.to_builtins(fact)
    kind = f"{members.pop('kind')}.{members.pop('action')}" if isinstance(fact, RecordChanged) else members.pop("type")
    if kind not in EVENT_TYPES:
        raise ValueError(f"{kind} is no event type: add it to events/event_types.py")
    return kind, _encode(members).decode()


def actor_id(actor: Actor) -> UUID | None:
    """Return what the ``actor_id`` and ``created_by`` columns keep: the id of the user, or None for the operator."""
    return None if actor.user is None else actor.user.id


async def append(
    tx: Tx, actor: Actor, company_id: UUID, fact: Fact, *, ticket_number: int | None = None, now: datetime
) -> None:
    """Store a fact, in the transaction that makes it true."""
    kind, data = encode(fact)
    await tx.write(
        """insert into event (company_id, at, type, ticket_number, actor_id, actor_name, data)
           values ($1, $2, $3, $4, $5, $6, $7)""",
        company_id,
        now,
        kind,
        ticket_number,
        actor_id(actor),
        actor.name,
        data,
    )


COLUMNS = """xid::text::bigint, id, company_id, at, type, ticket_number, note_number, actor_id, actor_name, data,
    ticket_version, customer_version"""
"""What ``event_of`` reads."""


def event_of(row: Record) -> Event:
    """Return the event in a row of ``COLUMNS``."""
    return Event(
        Offset(row[0], row[1]),
        row[2],
        row[3],
        row[4],
        row[5],
        row[6],
        row[7],
        row[8],
        _decode(row[9]),
        row[10],
        row[11],
    )


def seen_by(audience: Audience, event: Event) -> Event | None:
    """Return an event as an audience of its company may see it, with that audience's version; None if not at all."""
    data = visible_data(event.type, event.data, audience)
    if data is None or audience is Audience.STAFF:
        return event if data is not None else None
    return event._replace(data=data, version=event.customer_version)


async def read(tx: Tx, after: Offset, *, limit: int) -> list[Event]:
    """Return the next events of all companies after an offset, in the log's order.

    The events of a transaction become visible when it commits, and a slow transaction may commit after a quick one
    that began later. In the order of ids, a reader that has passed the quick one would never see the slow one. So the
    order is ``(xid, id)``, and only events of transactions older than the oldest running one are read: below the
    horizon. Served by ``event_cursor``.
    """
    rows = await tx.fetch(
        f"""
        select {COLUMNS} from event
         where (xid, id) > ($1::text::xid8, $2) and xid < {HORIZON}
         order by event.xid, event.id limit $3
        """,
        str(after.xid),
        after.id,
        limit,
    )
    return [event_of(row) for row in rows]


async def of_ticket(tx: Tx, company_id: UUID, ticket_number: int, *, after: int, limit: int) -> list[Event]:
    """Return the events of one ticket after the event of this id, oldest first. Served by ``event_by_ticket``."""
    rows = await tx.fetch(
        f"""
        select {COLUMNS} from event where company_id = $1 and ticket_number = $2 and id > $3 order by id limit $4
        """,
        company_id,
        ticket_number,
        after,
        limit,
    )
    return [event_of(row) for row in rows]


async def last_readable(tx: Tx) -> Offset:
    """Return the offset of the last event before which no other can appear. Served by ``event_cursor``."""
    row = await tx.fetchrow(
        f"""select xid::text::bigint, id from event where xid < {HORIZON}
            order by event.xid desc, event.id desc limit 1"""
    )
    return START if row is None else Offset(row[0], row[1])


async def renumber(tx: Tx) -> bool:
    """Make the log readable again after a restore into another PostgreSQL; return whether that was needed.

    A dump contains the events' transaction numbers, but not the counter that they came from. When they are ahead of the
    new counter, no reader sees them, and later events seem older. All of them are committed, so that one number is
    enough for all, and the ids keep the order. Consumers go on before the first event that they may not have handled:
    an event that a server wrote after the restore and before this call has a small number and a large id.
    """
    ahead = await tx.fetchval(
        "select max(xid)::text::bigint >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint from event"
    )
    if not ahead:
        return False
    await tx.write(
        """with dumped as (select max(id) as last from event
                            where xid::text::bigint >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
           update consumer c set xid = $1::text::xid8,
                  id = coalesce((select min(e.id) - 1 from event e, dumped
                                  where (e.xid, e.id) > (c.xid, c.id) or e.id > dumped.last),
                                (select max(e.id) from event e))""",
        _RENUMBERED,
    )
    await tx.write("update event set xid = $1::text::xid8", _RENUMBERED)
    return True
