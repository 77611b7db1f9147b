"""One connection to PostgreSQL: how it is made, and what it has to be."""

from typing import Any

import asyncpg
from asyncpg import exceptions as pg

from clearline.platform.database.errors import DatabaseMisconfigured, is_unavailable, translate
from clearline.platform.database.session import SESSION_SETTINGS

OLDEST_SERVER = 15
"""The oldest major version of PostgreSQL that the schema and the statements need."""


async def connect(url: str, *, seconds: float | None) -> Any:
    """Return a new connection, whose statements are given up after so many seconds.

    Raises:
        DatabaseUnavailable: there is no answer, or the database is starting.
        DatabaseMisconfigured: the address, role, password or database is wrong, or the server is too old.
    """
    try:
        connection = await asyncpg.connect(url, command_timeout=seconds, server_settings=SESSION_SETTINGS)
    except Exception as error:
        if isinstance(error, (pg.PostgresError, ValueError)) and not is_unavailable(error):
            raise DatabaseMisconfigured(str(error), getattr(error, "sqlstate", None)) from error
        translate(error)
        raise
    version = connection.get_server_version().major
    if version < OLDEST_SERVER:
        connection.terminate()
        raise DatabaseMisconfigured(f"PostgreSQL {version} is too old; Clearline needs {OLDEST_SERVER} or newer")
    return connection
