"""How far each reader of the events has come."""

from datetime import datetime

from clearline.events.store import START, Cursor
from clearline.platform.database.transactions import Tx


async def hold(tx: Tx, name: str) -> Cursor | None:
    """Where a reader goes on, held for it until the transaction ends; None while another process holds it."""
    if not await tx.fetchval("select pg_try_advisory_xact_lock(hashtextextended($1, 0))", f"consumer {name}"):
        return None
    row = await tx.fetchrow("select xid::text::bigint, id from consumer where name = $1", name)
    return START if row is None else Cursor(row[0], row[1])


async def advance(tx: Tx, name: str, cursor: Cursor) -> None:
    """Note that a reader has dealt with everything up to the cursor."""
    await tx.write(
        """insert into consumer (name, xid, id) values ($1, $2::text::xid8, $3)
           on conflict (name) do update set xid = excluded.xid, id = excluded.id""",
        name,
        str(cursor.xid),
        cursor.id,
    )


async def waiting(tx: Tx, name: str, *, most: int) -> tuple[int, datetime | None]:
    """How many events a reader has not dealt with, up to ``most``, and when the oldest happened.

    Served by ``event_cursor``.
    """
    row = await tx.fetchrow(
        """
        with place as (select coalesce((select xid from consumer where name = $1), '0'::xid8) as xid,
                              coalesce((select id from consumer where name = $1), 0) as id),
             behind as (select e.at from event e, place where (e.xid, e.id) > (place.xid, place.id)
                         order by e.xid, e.id limit $2)
        select count(*), min(at) from behind
        """,
        name,
        most,
    )
    return (0, None) if row is None else (row[0], row[1])
