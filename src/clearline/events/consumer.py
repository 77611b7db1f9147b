"""Consumers: each reads the events in order, from its offset on, and handles every event exactly once."""

from collections.abc import Awaitable, Callable

from clearline.events import offset_store
from clearline.events import store as event_store
from clearline.events.store import Event
from clearline.platform.database.transactions import Database, Tx
from clearline.platform.work.runner import PeriodicJob

POLL_SECONDS = 0.5
"""Time between two polls for new events."""

BATCH_SIZE = 200
"""The most events of one run: requests go first (see ``runner.BUSY_SHARE``)."""

CONSUMERS = ("routing", "chronic", "search", "webhooks", "notifications")
"""The names of all consumers, each of which a worker has."""

Handle = Callable[[Tx, list[Event]], Awaitable[None]]


def consumer(
    database: Database,
    name: str,
    handle: Handle,
    *,
    leaves_to_others: Callable[[Tx], Awaitable[bool]] | None = None,
) -> PeriodicJob:
    """Return a job that passes new events to ``handle``, in the transaction that also advances the consumer's offset.

    Of several processes one works at a time. When a process dies in the middle of a batch, nothing of the batch is
    done, and it is read again. ``leaves_to_others`` says whether only processes of a newer version may handle events.
    """

    async def run() -> int:
        async with database.transaction() as tx:
            offset = await offset_store.lock(tx, name)
            if offset is None:
                return 0
            events = await event_store.read(tx, offset, limit=BATCH_SIZE)
            if not events or (leaves_to_others is not None and await leaves_to_others(tx)):
                return 0
            await handle(tx, events)
            await offset_store.advance(tx, name, events[-1].offset)
            return len(events)

    return PeriodicJob(name, POLL_SECONDS, run, BATCH_SIZE)
