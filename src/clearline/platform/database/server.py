"""What every process on one database shares: the server's version and clock, and secrets."""

from datetime import datetime

from clearline.platform.database.session import PLANNER_SETTINGS
from clearline.platform.database.transactions import Tx


async def version_and_time(tx: Tx) -> tuple[str, datetime]:
    """Return the version of PostgreSQL and its clock."""
    row = await tx.fetchrow("select current_setting('server_version'), clock_timestamp()")
    if row is None:
        raise RuntimeError("a select without a table answered no row")
    return row[0], row[1]


async def database_size(tx: Tx) -> int:
    """Return the bytes that this database takes on disk, with its indexes and without its write-ahead log."""
    size: int = await tx.fetchval("select pg_database_size(current_database())")
    return size


async def accepts_writes(tx: Tx) -> bool:
    """Return whether the database accepts changes and has room for them.

    Sorting more than fits into the memory of the sort writes a temporary file of about a megabyte, and nothing else: no
    row, no transaction number, no log. A transaction only: ``tx`` must be one.

    Raises:
        DatabaseUnavailable: there is no room (SQLSTATE 53100).
    """
    await tx.fetchval("select set_config('work_mem', '64kB', true)")
    row = await tx.fetchrow(
        """select current_setting('transaction_read_only'),
                  (select count(*) from (select n from generate_series(1, 40000) n order by md5(n::text) offset 0) s)"""
    )
    return row is not None and row[0] == "off"


async def planner_settings(tx: Tx) -> dict[str, str]:
    """Return the planner's settings as they are for this connection."""
    rows = await tx.fetch("select name, setting from pg_settings where name = any($1)", [*PLANNER_SETTINGS])
    return dict(rows)


async def shared_secret(tx: Tx, name: str, proposed: bytes) -> bytes:
    """Return the secret of this name, the same in every process; store ``proposed`` when there is none yet."""
    await tx.write("insert into server_secret (name, value) values ($1, $2) on conflict do nothing", name, proposed)
    secret: bytes = await tx.fetchval("select value from server_secret where name = $1", name)
    return secret
