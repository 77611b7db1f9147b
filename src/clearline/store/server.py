"""What the database says of itself."""

from datetime import datetime

from clearline.store.db import Tx


async def version_and_time(tx: Tx) -> tuple[str, datetime]:
    """The server's version and its clock."""
    row = await tx.fetchrow("select current_setting('server_version'), clock_timestamp()")
    if row is None:
        raise RuntimeError("a select without a table answered no row")
    return row[0], row[1]
