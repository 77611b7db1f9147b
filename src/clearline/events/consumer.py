"""Work that follows from events: each follower reads them in order, from where it stopped, exactly once."""

from collections.abc import Awaitable, Callable

from clearline.events import offset_store
from clearline.events import store as event_store
from clearline.events.store import Event
from clearline.platform.database.transactions import Database, Tx
from clearline.platform.work.runner import PeriodicJob

EVERY = 0.5
"""Seconds between two looks for new events."""

AT_ONCE = 200
"""The most events of one run: requests go first (see ``runner.BUSY_SHARE``)."""

Handle = Callable[[Tx, list[Event]], Awaitable[None]]


def follower(database: Database, name: str, handle: Handle) -> PeriodicJob:
    """A job that hands new events to ``handle``, in the transaction that also notes how far it came.

    Of several processes one works at a time; a process that dies in the middle leaves everything as it was.
    """

    async def turn() -> int:
        async with database.transaction() as tx:
            cursor = await offset_store.hold(tx, name)
            if cursor is None:
                return 0
            found = await event_store.read(tx, cursor, limit=AT_ONCE)
            if not found:
                return 0
            await handle(tx, found)
            await offset_store.advance(tx, name, found[-1].cursor)
            return len(found)

    return PeriodicJob(name, EVERY, turn, AT_ONCE)
