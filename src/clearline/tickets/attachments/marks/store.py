"""The store of attachments that the database knows, and attachments by which a store is recognized."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from clearline.platform.database.transactions import Tx
from clearline.tickets.attachments.blob_backend import Key
from clearline.tickets.attachments.marks.domain import KnownStore


class Attached(NamedTuple):
    """An attachment: where its content is, its size, and what people call it."""

    key: Key
    size: int
    ticket_number: int
    name: str


async def get(tx: Tx) -> KnownStore | None:
    """Return the store that the database knows; None before a server started on it."""
    row = await tx.fetchrow("select id, marked_at from attachment_store")
    return None if row is None else KnownStore(row[0], row[1])


async def propose(tx: Tx, store_id: UUID) -> None:
    """Store the id of the mark that is about to be written, unless there is one already."""
    await tx.write("insert into attachment_store (id) values ($1) on conflict do nothing", store_id)


async def save(tx: Tx, store_id: UUID, *, now: datetime) -> None:
    """Store the id of the mark that is in the store of attachments now."""
    await tx.write(
        """insert into attachment_store (id, marked_at) values ($1, $2)
           on conflict (is_only) do update set id = excluded.id, marked_at = excluded.marked_at""",
        store_id,
        now,
    )


async def some_attachments(tx: Tx, *, limit: int) -> list[Attached]:
    """Return any attachments, without an order: a glance at the table."""
    return _attached(await tx.fetch("select company_id, id, size, ticket_number, name from attachment limit $1", limit))


async def newest_attachments(tx: Tx, *, limit: int) -> list[Attached]:
    """Return the newest attachments, the newest first. Reads the whole table."""
    return _attached(
        await tx.fetch(
            """select company_id, id, size, ticket_number, name from attachment
                order by created_at desc, id desc limit $1""",
            limit,
        )
    )


def _attached(rows: Sequence[Sequence[object]]) -> list[Attached]:
    return [Attached(Key(row[0], row[1]), row[2], row[3], row[4]) for row in rows]  # type: ignore[arg-type]
