"""The offsets of consumers: how far each has read the events."""

from datetime import datetime

from clearline.events.store import START, Offset
from clearline.platform.database.transactions import Tx


async def lock(tx: Tx, name: str) -> Offset | None:
    """Return the offset of a consumer, locked until the transaction ends; None while another process has the lock."""
    if not await tx.fetchval("select pg_try_advisory_xact_lock(hashtextextended($1, 0))", f"consumer {name}"):
        return None
    row = await tx.fetchrow("select xid::text::bigint, id from consumer where name = $1", name)
    return START if row is None else Offset(row[0], row[1])


async def advance(tx: Tx, name: str, offset: Offset) -> None:
    """Note that a consumer has handled every event up to the offset."""
    await tx.write(
        """insert into consumer (name, xid, id) values ($1, $2::text::xid8, $3)
           on conflict (name) do update set xid = excluded.xid, id = excluded.id""",
        name,
        str(offset.xid),
        offset.id,
    )


async def lag(tx: Tx, name: str, *, limit: int) -> tuple[int, datetime | None]:
    """Return how many events a consumer has not handled, counted up to ``limit``, and the time of the oldest.

    Served by ``event_cursor``.
    """
    row = await tx.fetchrow(
        """
        with reached as (select coalesce((select xid from consumer where name = $1), '0'::xid8) as xid,
                                coalesce((select id from consumer where name = $1), 0) as id),
             behind as (select e.at from event e, reached where (e.xid, e.id) > (reached.xid, reached.id)
                         order by e.xid, e.id limit $2)
        select count(*), min(at) from behind
        """,
        name,
        limit,
    )
    return (0, None) if row is None else (row[0], row[1])
