"""Keep the index of the search up to date: consume events, and index the tickets that they are about."""

from uuid import UUID

from clearline.events.consumer import POLL_SECONDS, consumer
from clearline.events.event_types import EventType
from clearline.events.store import Event
from clearline.platform.database.transactions import Database, Tx
from clearline.platform.work.runner import PeriodicJob
from clearline.search import usecases as search
from clearline.tickets.links import merge_store

AT_ONCE = 50
"""The most tickets of a renamed company that are indexed in one batch."""

_NAMES = {"name", "code"}


def jobs(database: Database) -> list[PeriodicJob]:
    """Return the jobs that keep the index up to date. One process at a time runs each."""

    async def index_backlog() -> int:
        async with database.transaction() as tx:
            return await search.reindex_backlog(tx, limit=AT_ONCE)

    return [consumer(database, search.CONSUMER, handle), PeriodicJob("search backlog", POLL_SECONDS, index_backlog)]


async def handle(tx: Tx, events: list[Event]) -> None:
    """Index the tickets of a batch of events, and what they were merged into; put renamed companies in the backlog."""
    keys = {(event.company_id, event.ticket_number) for event in events if event.ticket_number is not None}
    if keys:
        await search.index_tickets(tx, sorted({*keys, *await merge_store.targets(tx, sorted(keys))}))
    for event in events:
        if event.type == EventType.COMPANY_CHANGED and any(
            change["field"] in _NAMES for change in event.data["changes"]
        ):
            await search.reindex_company(tx, UUID(event.data["id"]))
