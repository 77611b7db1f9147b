"""Every job there is: what follows from events, what people asked for, and what has to be done now and then."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from clearline.accounts.key_ring import KeyRing
from clearline.bulk import worker as jobs
from clearline.notifications import worker as notifications
from clearline.platform.database.transactions import Database, Listener, Tx
from clearline.platform.idempotency import usecases as idempotency
from clearline.platform.work.runner import PeriodicJob
from clearline.routing import worker as routing
from clearline.search import usecases as search
from clearline.search import worker as indexing
from clearline.settings import Settings
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.attachments.blobs import Blobs
from clearline.tickets.attachments.worker import sweeping
from clearline.webhooks import worker as webhooks

_CHANNEL = "clearline_actors"


_CLOSE_AT_ONCE = 100
CONSUMERS = (routing.NAME, search.CONSUMER, webhooks.NAME, notifications.NAME)
"""The readers of the events, by the names of their places."""


def own(keys: KeyRing, line: "ActorsLine") -> list[PeriodicJob]:
    """The jobs that only a process that serves requests has, about what it remembers."""
    return [
        PeriodicJob("line of changes to keys", 1, line.keep_up),
        PeriodicJob("last uses of keys", 30, keys.save_last_uses),
    ]


def shared(database: Database, blobs: Blobs, settings: Settings, now: Callable[[], datetime]) -> list[PeriodicJob]:
    """The jobs that are the same whichever process does them, and that several may do at once."""
    found = [
        PeriodicJob("old answers for retries", 600, _repeated(database, lambda tx: idempotency.purge(tx, now=now()))),
        routing.routing_job(database, now),
        *indexing.jobs(database),
        jobs.worker(database, now),
        jobs.cleaner(database, now),
        *sweeping(database, blobs, now),
    ]
    if settings.close_resolved_hours:
        after = timedelta(hours=settings.close_resolved_hours)

        async def close(tx: Tx) -> int:
            return await ticket_changes.close_resolved(tx, after=after, limit=_CLOSE_AT_ONCE, now=now())

        found.append(PeriodicJob("resolved tickets that close", 60, _repeated(database, close)))
    return found


def _repeated(database: Database, work: Callable[[Tx], Awaitable[int]]) -> Callable[[], Awaitable[int]]:
    """Work in transactions of its own, again and again until it finds nothing more to do."""

    async def run() -> int:
        total = 0
        while True:
            async with database.transaction() as tx:
                done = await work(tx)
            total += done
            if not done:
                return total

    return run


class ActorsLine:
    """Keeps the connection up on which the database tells that a key, user or company changed."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self._keys = keys
        self._listener: Listener | None = None

    async def keep_up(self) -> int:
        """Open the line when it is down; 1 when it was."""
        if self._keys.is_line_up:
            return 0
        self._listener = await self._database.listen(_CHANNEL, self._keys.forget, self._keys.line_down)
        self._keys.line_up()
        return 1

    async def close(self) -> None:
        """Give the line up."""
        if self._listener is not None:
            await self._listener.close()
