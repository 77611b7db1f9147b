"""What has to be done now and then: write down uses of keys, drop answers kept for retries, hear of changed keys."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from clearline.store.db import Database
from clearline.usecases import idempotency
from clearline.usecases.accounts import KeyRing
from clearline.workers.runner import Job

_CHANNEL = "clearline_actors"


def jobs(database: Database, keys: KeyRing, line: "ActorsLine", now: Callable[[], datetime]) -> list[Job]:
    """The jobs of every process that serves requests."""
    return [
        Job("line of changes to keys", 1, line.keep_up),
        Job("last uses of keys", 30, keys.save_last_uses),
        *cleaning(database, now),
    ]


def cleaning(database: Database, now: Callable[[], datetime]) -> list[Job]:
    """The jobs that are the same whichever process does them."""

    async def purge() -> int:
        total = 0
        while True:
            async with database.transaction() as tx:
                gone = await idempotency.purge(tx, now=now())
            total += gone
            if not gone:
                return total

    return [Job("old answers for retries", 600, purge)]


class ActorsLine:
    """Keeps the connection up on which the database tells that a key, user or company changed."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self._keys = keys
        self._connection: Any = None

    async def keep_up(self) -> int:
        """Open the line when it is down; 1 when it was."""
        if self._keys.is_line_up:
            return 0
        self._connection = await self._database.listen(_CHANNEL, self._keys.forget, self._keys.line_down)
        self._keys.line_up()
        return 1

    async def close(self) -> None:
        """Give the line up."""
        if self._connection is not None:
            await self._connection.close()
