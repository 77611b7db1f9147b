"""How a process that is meant to run for long waits for its database."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from clearline.errors import OperationalError
from clearline.logs import Logger
from clearline.platform.database.errors import DatabaseMisconfigured, DatabaseUnavailable
from clearline.platform.database.outage import OUTAGE

T = TypeVar("T")

RETRY_SECONDS = 1
"""Between two attempts."""

_log = Logger("clearline.database")


async def when_available(attempt: Callable[[], Awaitable[T]], *also: type[OperationalError]) -> T:
    """Return what ``attempt`` returns, tried once a second for as long as the database is unavailable.

    ``also`` are other errors that somebody else is about to repair.

    Raises:
        DatabaseMisconfigured: trying again will not help.
    """
    passing: tuple[type[OperationalError], ...] = (DatabaseUnavailable, *also)
    while True:
        try:
            return await attempt()
        except DatabaseMisconfigured:
            raise
        except passing as error:
            if isinstance(error, DatabaseUnavailable):
                OUTAGE.log("waiting for the database", error)
            else:
                _log.warning("waiting for the database", error=str(error))
        await asyncio.sleep(RETRY_SECONDS)
