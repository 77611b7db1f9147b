"""Events: one row a fact, and the cursor that reads them without ever skipping one."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from clearline.domain.events import Fact
from clearline.domain.party import Actor
from clearline.store.db import Record, Tx


class Cursor(NamedTuple):
    """A place in the log: the transaction that wrote the event, and the event's id."""

    xid: int
    id: int


START = Cursor(0, 0)


class Event(NamedTuple):
    """A stored fact. ``data`` holds the members of the domain's event."""

    cursor: Cursor
    company_id: UUID
    at: datetime
    type: str
    ticket_number: int
    note_number: int | None
    actor_name: str
    data: dict[str, str]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, str]).decode


def encode(fact: Fact) -> tuple[str, str]:
    """A fact as the ``type`` and ``data`` columns keep it."""
    members = msgspec.to_builtins(fact)
    return members.pop("type"), _encode(members).decode()


def actor_id(actor: Actor) -> UUID | None:
    """What the ``actor_id`` and ``created_by`` columns keep: the user, or nothing for the operator."""
    return None if actor.user is None else actor.user.id


def _event(row: Record) -> Event:
    return Event(Cursor(row[0], row[1]), row[2], row[3], row[4], row[5], row[6], row[7], _decode(row[8]))


async def read(tx: Tx, after: Cursor, *, limit: int) -> list[Event]:
    """The next events of all companies after a cursor, in the log's order.

    Events of a transaction become visible when it commits, and a slow one may commit after a quick one that began
    later: by id alone a reader that has passed the quick one would never see the slow one. So the order is
    ``(xid, id)``, and only transactions older than the oldest one still running are read. Served by ``event_cursor``.
    """
    rows = await tx.fetch(
        """
        select xid::text::bigint, id, company_id, at, type, ticket_number, note_number, actor_name, data
          from event
         where (xid, id) > ($1::text::xid8, $2) and xid < pg_snapshot_xmin(pg_current_snapshot())
         order by xid, id limit $3
        """,
        str(after.xid),
        after.id,
        limit,
    )
    return [_event(row) for row in rows]


async def of_ticket(tx: Tx, company_id: UUID, ticket_number: int) -> list[Event]:
    """What happened to one ticket, oldest first. Served by ``event_by_ticket``."""
    rows = await tx.fetch(
        """
        select xid::text::bigint, id, company_id, at, type, ticket_number, note_number, actor_name, data
          from event where company_id = $1 and ticket_number = $2 order by id
        """,
        company_id,
        ticket_number,
    )
    return [_event(row) for row in rows]
