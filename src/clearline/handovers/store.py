"""Handovers of shifts."""

from datetime import datetime
from uuid import UUID

import msgspec

from clearline.clock import Span
from clearline.handovers.domain import Handover, HandoverDetails, Work
from clearline.platform.database.transactions import Tx

_COLUMNS = "id, signed_at, user_id, user_name, note, open_count, open_is_exact"
_NEWEST = (Span().until, UUID(int=0))
"""The time and the id before which every handover is."""
_read_work = msgspec.json.Decoder(Work).decode


async def insert(tx: Tx, handover: HandoverDetails) -> None:
    """Store a handover."""
    await tx.write(
        f"insert into handover ({_COLUMNS}, work) values ($1, $2, $3, $4, $5, $6, $7, $8::text::jsonb)",
        handover.id,
        handover.at,
        handover.user_id,
        handover.user_name,
        handover.note,
        handover.open_count,
        handover.open_is_exact,
        msgspec.json.encode(handover.work).decode(),
    )


async def page(tx: Tx, *, after: tuple[datetime, UUID] | None, limit: int) -> list[Handover]:
    """Return the handovers before a time and an id, newest first. Served by ``handover_by_time``."""
    rows = await tx.fetch(
        f"""select {_COLUMNS} from handover where (signed_at, id) < ($2, $3)
             order by signed_at desc, id desc limit $1""",
        limit,
        *(after or _NEWEST),
    )
    return [Handover(*row) for row in rows]


async def get(tx: Tx, handover_id: UUID) -> HandoverDetails | None:
    """Return a handover, or None. Served by the primary key."""
    row = await tx.fetchrow(f"select {_COLUMNS}, work::text from handover where id = $1", handover_id)
    return None if row is None else HandoverDetails(*row[:-1], work=_read_work(row[-1]))
