"""Keeps tickets findable: reads the events, and renews what the touched tickets are found by."""

from uuid import UUID

from clearline.events.consumer import POLL_SECONDS, consumer
from clearline.events.event_types import EventType
from clearline.events.store import Event
from clearline.platform.database.transactions import Database, Tx
from clearline.platform.work.runner import PeriodicJob
from clearline.search import usecases as search

AT_ONCE = 50
"""The most tickets of a renamed company that are renewed in one turn."""

_NAMES = {"name", "code"}


def jobs(database: Database) -> list[PeriodicJob]:
    """The jobs that keep tickets findable; of several processes one does them at a time."""

    async def work_backlog() -> int:
        async with database.transaction() as tx:
            return await search.reindex_backlog(tx, limit=AT_ONCE)

    return [consumer(database, search.CONSUMER, handle), PeriodicJob("search backlog", POLL_SECONDS, work_backlog)]


async def handle(tx: Tx, found: list[Event]) -> None:
    """Make the tickets of some events findable as they are now; a renamed company's tickets follow later."""
    keys = {(event.company_id, event.ticket_number) for event in found if event.ticket_number is not None}
    if keys:
        await search.index_tickets(tx, sorted(keys))
    for event in found:
        if event.type == EventType.COMPANY_CHANGED and any(one["field"] in _NAMES for one in event.data["changes"]):
            await search.reindex_company(tx, UUID(event.data["id"]))
