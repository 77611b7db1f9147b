"""How far each reader of the events has come."""

from clearline.store.db import Tx
from clearline.store.events import START, Cursor


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
