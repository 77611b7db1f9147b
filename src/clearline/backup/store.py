"""What a backup reads of the database."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from clearline.platform.database.transactions import Tx

_TABLES = """
    select quote_ident(relname), relname from pg_class
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition order by 2"""

_COUNT = "select count(*) from public.{}"
"""With a name that PostgreSQL has quoted."""


class LastBackup(NamedTuple):
    """The newest backup that was made of this database."""

    made_at: datetime
    seconds: float
    size: int


class Attachment(NamedTuple):
    """The content of an attachment, as its row says."""

    company_id: UUID
    id: UUID
    size: int


async def export_snapshot(tx: Tx) -> str:
    """Fix what this transaction reads, and return the name by which pg_dump reads the same. It lasts with ``tx``."""
    await tx.write_script(
        "set transaction isolation level repeatable read, read only; "
        "set local idle_in_transaction_session_timeout = 0; set local statement_timeout = 0"
    )
    return str(await tx.fetchval("select pg_export_snapshot()"))


async def counts(tx: Tx) -> dict[str, int]:
    """Return the number of rows of each table. Reads every table."""
    await tx.fetchval("select set_config('statement_timeout', '0', true)")
    return {name: int(await tx.fetchval(_COUNT.format(quoted))) for quoted, name in await tx.fetch(_TABLES)}


async def attachments(tx: Tx) -> list[Attachment]:
    """Return the content that attachments refer to."""
    rows = await tx.fetch("select company_id, id, size from attachment")
    return [Attachment(row[0], row[1], row[2]) for row in rows]


async def attachment_store(tx: Tx) -> UUID | None:
    """Return the id of the marked store of attachments; None when there is none, or the database lacks its table."""
    if await tx.fetchval("select to_regclass('public.attachment_store')") is None:
        return None
    marked: UUID | None = await tx.fetchval("select id from attachment_store where marked_at is not null")
    return marked


async def tables(tx: Tx) -> int:
    """Return how many tables the database has."""
    return len(await tx.fetch(_TABLES))


async def other_sessions(tx: Tx) -> int:
    """Return how many other clients are connected to this database."""
    return int(
        await tx.fetchval(
            """select count(*) from pg_stat_activity where datname = current_database()
                  and backend_type = 'client backend' and pid <> pg_backend_pid()"""
        )
    )


async def note_backup(tx: Tx, backup: LastBackup) -> None:
    """Store that a backup was made, unless a newer one was."""
    await tx.write(
        """insert into last_backup (made_at, seconds, bytes) values ($1, $2, $3)
           on conflict (only_one) do update set made_at = $1, seconds = $2, bytes = $3
            where last_backup.made_at < $1""",
        *backup,
    )


async def last_backup(tx: Tx) -> LastBackup | None:
    """Return the newest backup that was made of this database, or None."""
    row = await tx.fetchrow("select made_at, seconds, bytes from last_backup")
    return None if row is None else LastBackup(*row)
