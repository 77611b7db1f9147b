"""What the database says of itself."""

from datetime import datetime

from clearline.platform.database.transactions import Tx


async def version_and_time(tx: Tx) -> tuple[str, datetime]:
    """The server's version and its clock."""
    row = await tx.fetchrow("select current_setting('server_version'), clock_timestamp()")
    if row is None:
        raise RuntimeError("a select without a table answered no row")
    return row[0], row[1]


async def secret(tx: Tx, name: str, proposed: bytes) -> bytes:
    """The secret of this name that every server on this database shares: the first that was proposed."""
    await tx.write("insert into server_secret (name, value) values ($1, $2) on conflict do nothing", name, proposed)
    found: bytes = await tx.fetchval("select value from server_secret where name = $1", name)
    return found
