"""Files that wait to be attached together with a message."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from clearline.platform.database.transactions import Record, Tx
from clearline.tickets.attachments.domain import HeldFile

_COLUMNS = "company_id, ticket_number, id, user_id, message_id, name, media_type, size, sha256, created_at"


def _file(row: Record) -> HeldFile:
    return HeldFile(*row)


async def insert(tx: Tx, file: HeldFile) -> None:
    """Store a file."""
    await tx.write(
        f"insert into held_file ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        file.company_id,
        file.ticket_number,
        file.id,
        file.user_id,
        file.message_id,
        file.name,
        file.media_type,
        file.size,
        file.sha256,
        file.created_at,
    )


async def of_ticket(tx: Tx, company_id: UUID, number: int) -> list[HeldFile]:
    """Return the files that wait on a ticket, of everybody, oldest first. Served by the primary key."""
    rows = await tx.fetch(
        f"select {_COLUMNS} from held_file where company_id = $1 and ticket_number = $2 order by created_at, id",
        company_id,
        number,
    )
    return [_file(row) for row in rows]


async def delete(tx: Tx, company_id: UUID, number: int, ids: Sequence[UUID]) -> None:
    """Delete files; ids of none are ignored. Served by the primary key."""
    await tx.write(
        "delete from held_file where company_id = $1 and ticket_number = $2 and id = any($3::uuid[])",
        company_id,
        number,
        ids,
    )


async def give(
    tx: Tx, company_id: UUID, number: int, ids: Sequence[UUID], *, user_id: UUID, message_id: UUID | None
) -> None:
    """Put files into a message of a user, or with None into the composer. Served by the primary key."""
    await tx.write(
        """update held_file set user_id = $4, message_id = $5
            where company_id = $1 and ticket_number = $2 and id = any($3::uuid[])""",
        company_id,
        number,
        ids,
        user_id,
        message_id,
    )


async def purge(tx: Tx, *, before: datetime, limit: int) -> int:
    """Delete at most ``limit`` files that stand in a composer since before a time; return how many.

    Their contents are orphans then. Served by ``held_file_age``.
    """
    row = await tx.write(
        """with deleted as (
               delete from held_file where ctid = any(array(
                   select ctid from held_file where message_id is null and created_at < $1 limit $2
                      for update skip locked))
               returning 1)
           select count(*) from deleted""",
        before,
        limit,
    )
    return 0 if row is None else int(row[0])
