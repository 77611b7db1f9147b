"""Keep the index of the search up to date: consume events, and index the tickets that they are about."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from clearline.events.consumer import POLL_SECONDS, consumer
from clearline.events.event_types import EventType
from clearline.events.store import Event
from clearline.logs import Logger
from clearline.platform.database.transactions import Database, Tx
from clearline.platform.work.runner import PeriodicJob
from clearline.search import index_usecases
from clearline.search.document import FORMAT
from clearline.tickets.links import merge_store

AT_ONCE = 50
"""The most tickets of a renamed company, or of an index of an older format, that are indexed in one batch."""

_WORDS_OF_COMPANY = {"name", "code", "tier"}
"""The values of a company by which its tickets are found."""
_SERVICE_EVENTS = {
    EventType.SERVICE_CREATED, EventType.SERVICE_CHANGED, EventType.SERVICE_CARRIER_CHANGED, EventType.SERVICE_DELETED,
}  # fmt: skip
_WORDS_OF_SERVICE = {"customer_label", "carrier", "carrier_circuit_id", "a_end", "z_end", "fields"}
"""The facts of a service by which its tickets are found."""
_OLD_INDEX = (
    "the search index is older than this version: it is rebuilt in the background, newest tickets first, and not every "
    "ticket is found until then; clearline search rebuild does it at once"
)
_log = Logger("clearline.search")


def jobs(database: Database) -> list[PeriodicJob]:
    """Return the jobs that keep the index up to date. One process at a time runs each."""

    async def index_backlog() -> int:
        async with database.transaction() as tx:
            return await index_usecases.reindex_backlog(tx, limit=AT_ONCE)

    return [
        consumer(database, index_usecases.CONSUMER, handle, leaves_to_others=index_usecases.is_newer),
        PeriodicJob("search backlog", POLL_SECONDS, index_backlog),
        PeriodicJob("rebuild the search index", POLL_SECONDS, _rebuild(database), AT_ONCE),
    ]


def _rebuild(database: Database) -> Callable[[], Awaitable[int]]:
    """Return the run that rebuilds an index of an older format in batches, and logs its beginning and end."""
    is_current = is_logged = False

    async def rebuild() -> int:
        nonlocal is_current, is_logged
        if is_current:
            return 0
        async with database.transaction() as tx:
            old = await index_usecases.outdated_format(tx)
            count = 0 if old is None else await index_usecases.rebuild_outdated(tx, limit=AT_ONCE)
        is_current = old is None
        if count and not is_logged:
            is_logged = True
            _log.warning(_OLD_INDEX, format=old, needed=FORMAT)
        if is_current and is_logged:
            _log.info("the search index is rebuilt", format=FORMAT)
        return count

    return rebuild


async def handle(tx: Tx, events: list[Event]) -> None:
    """Index the tickets of a batch of events, and what they were merged into.

    The tickets of companies and services of which they are found by another value go into a backlog.
    """
    keys = {(event.company_id, event.ticket_number) for event in events if event.ticket_number is not None}
    if keys:
        await index_usecases.index_tickets(tx, sorted({*keys, *await merge_store.targets(tx, sorted(keys))}))
    services: dict[UUID, set[str]] = {}
    for event in events:
        if event.type == EventType.COMPANY_CHANGED and _has_change(event, _WORDS_OF_COMPANY):
            await index_usecases.reindex_company(tx, UUID(event.data["id"]))
        elif event.type in _SERVICE_EVENTS and _has_change(event, _WORDS_OF_SERVICE):
            services.setdefault(event.company_id, set()).add(event.data["id"])
        elif event.type == EventType.SERVICE_IMPORTED:
            await index_usecases.reindex_import(tx, event.company_id, event.at)
    for company_id, ids in services.items():
        await index_usecases.reindex_services(tx, company_id, sorted(ids))


def _has_change(event: Event, fields: set[str]) -> bool:
    return any(change["field"].partition(".")[0] in fields for change in event.data["changes"])
