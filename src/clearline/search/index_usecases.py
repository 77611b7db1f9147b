"""Keep the index of the search up to date."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from clearline.accounts import permissions
from clearline.errors import OperationalError
from clearline.events import offset_store
from clearline.events import store as event_store
from clearline.events.store import Offset
from clearline.fields import store as field_store
from clearline.fields.domain import Definitions, Field, RecordKind
from clearline.fields.usecases import definitions
from clearline.identity import Actor
from clearline.inventory import store as service_store
from clearline.platform.database.transactions import Tx
from clearline.search import format_store, index_store
from clearline.search.document import FORMAT, Document, vector
from clearline.search.index_store import BACKLOG_START, Backlog

CONSUMER = "search"
"""Under which name the events are read."""

_SERVICES_AT_ONCE = 100
"""The most services whose tickets are indexed again by themselves; after an import of more, all of the company are."""
_SLICE = 10
"""The number of tickets that a thread splits into words at a time: a long one must not block requests."""


_ABOVE_ALL = 2**63 - 1
"""Above the number of every ticket."""


class IndexTooNew(OperationalError):
    """A newer Clearline makes the entries of the index."""

    def __init__(self) -> None:
        super().__init__("the search index is of a newer version: run clearline search rebuild of the newer Clearline")


async def index_tickets(tx: Tx, keys: Sequence[tuple[UUID, int]]) -> None:
    """Store the index entries of tickets as they are now. The caller locks the consumer: see ``wait_for_consumer``."""
    documents = await index_store.documents(tx, keys)
    fields = await _own_fields(tx, documents)
    indexed, vectors = [], []
    for start in range(0, len(documents), _SLICE):
        batch = documents[start : start + _SLICE]
        indexed += [(document.view.ticket.company_id, document.view.ticket.number) for document in batch]
        vectors += await asyncio.to_thread(_vectors, batch, fields)
    if indexed:
        await index_store.save(tx, indexed, vectors)
    if deleted := sorted(set(keys) - set(indexed)):
        await index_store.delete(tx, deleted)


async def _own_fields(tx: Tx, documents: Sequence[Document]) -> tuple[Mapping[str, Field], Mapping[str, Field]]:
    """Return the own fields of tickets and of services; all of which there are values are among them."""
    known = await definitions(tx)
    if not all(_are_known(known, document) for document in documents):
        known = await field_store.definitions(tx)  # one was added a moment ago
    services = {key: field for key, field in known.of(RecordKind.SERVICE).items() if field.deleted_at is None}
    return known.of(RecordKind.TICKET), services


def _are_known(known: Definitions, document: Document) -> bool:
    return (
        known.of(RecordKind.TICKET).keys() >= document.view.ticket.fields.keys()
        and known.of(RecordKind.SERVICE).keys() >= document.service_fields.keys()
    )


def _vectors(documents: Sequence[Document], fields: tuple[Mapping[str, Field], Mapping[str, Field]]) -> list[str]:
    return [vector(document, *fields) for document in documents]


async def reindex_company(tx: Tx, company_id: UUID) -> None:
    """Have all tickets of a company indexed again, batch by batch: its name is among their words."""
    await offset_store.advance(tx, Backlog(company_id).name, BACKLOG_START)


async def reindex_services(tx: Tx, company_id: UUID, service_ids: Sequence[str]) -> None:
    """Have the tickets about some services indexed again, batch by batch; about many, all of the company.

    What the inventory says of a service is among the words of its tickets.
    """
    if len(service_ids) > _SERVICES_AT_ONCE:
        await reindex_company(tx, company_id)
        return
    for service_id in service_ids:
        await offset_store.advance(tx, Backlog(company_id, service_id).name, BACKLOG_START)


async def reindex_import(tx: Tx, company_id: UUID, at: datetime) -> None:
    """Have the tickets about the services that an import changed at a time indexed again."""
    ids = await service_store.changed_at(tx, company_id, at, limit=_SERVICES_AT_ONCE + 1)
    await reindex_services(tx, company_id, ids)


async def reindex_backlog(tx: Tx, *, limit: int) -> int:
    """Index the next batch of the tickets in a backlog; return their number."""
    if await index_store.next_backlog(tx) is None or await offset_store.lock(tx, CONSUMER) is None:
        return 0
    if await is_newer(tx):
        return 0
    if (first := await index_store.next_backlog(tx)) is None:
        return 0
    backlog, below = first
    keys = await index_store.keys_below(tx, below, backlog=backlog, limit=limit)
    if keys:
        await index_tickets(tx, keys)
        await offset_store.advance(tx, backlog.name, BACKLOG_START._replace(id=keys[-1][1]))
    else:
        await index_store.end_backlog(tx, backlog)
    return len(keys)


async def outdated_format(tx: Tx) -> int | None:
    """Return the format of the index when it is older than the program's, or else None."""
    index = await format_store.get(tx)
    return index.format if index.format < FORMAT else None


async def is_newer(tx: Tx) -> bool:
    """Return whether the index has, or is being rebuilt to, a newer format than the program's.

    Then programs of that version index tickets, while servers of this one go on. The caller locks the consumer.
    """
    index = await format_store.get(tx)
    return max(index.format, index.building or 0) > FORMAT


async def rebuild_outdated(tx: Tx, *, limit: int) -> int:
    """Index the next tickets, newest first, when the format of the index is older than the program's.

    Return how many; 0 while another process does so, and when all have the program's format, which is then stored.
    """
    if await offset_store.lock(tx, CONSUMER) is None:
        return 0
    index = await format_store.get(tx)
    if max(index.format, index.building or 0) > FORMAT or index.format == FORMAT:
        return 0
    below = index.below if index.building == FORMAT else None
    keys = await index_store.keys_below(tx, below, backlog=None, limit=limit)
    if keys:
        await index_tickets(tx, keys)
        await format_store.save_progress(tx, FORMAT, keys[-1][1])
    else:
        await format_store.save(tx, FORMAT)
    return len(keys)


class RebuildStart(Struct, frozen=True):
    """The start of a rebuild: the estimated number of tickets, and the last event before it."""

    tickets: int
    last_event: Offset


async def start_rebuild(tx: Tx, actor: Actor, *, empty: bool) -> RebuildStart:
    """Start to rebuild the index. ``empty`` truncates it first, when no search is running: no ticket is found then.

    Raises:
        IndexTooNew: the index has a newer format.
    """
    permissions.require_desk_admin(actor)
    await index_store.wait_for_consumer(tx)
    if await is_newer(tx):
        raise IndexTooNew
    index = await format_store.get(tx)
    if index.format < FORMAT and index.building != FORMAT:
        await format_store.save_progress(
            tx, FORMAT, _ABOVE_ALL
        )  # processes of older versions index no more from now on
    if empty:
        await index_store.truncate(tx)
    return RebuildStart(await index_store.estimate_tickets(tx), await event_store.last_readable(tx))


async def finish_rebuild(tx: Tx, actor: Actor, start: RebuildStart) -> None:
    """Store the format of the index, and move the consumer past the events before the rebuild.

    The rebuild read every ticket after those events.
    """
    permissions.require_desk_admin(actor)
    await index_store.wait_for_consumer(tx)
    await format_store.save(tx, FORMAT)
    offset = await offset_store.lock(tx, CONSUMER)
    if offset is not None and offset < start.last_event:
        await offset_store.advance(tx, CONSUMER, start.last_event)


async def rebuild_batch(tx: Tx, actor: Actor, *, below: int | None, limit: int) -> tuple[int, int | None]:
    """Index the next tickets below a number; return how many, and the number to continue below, None at the end."""
    permissions.require_desk_admin(actor)
    await index_store.wait_for_consumer(tx)
    keys = await index_store.keys_below(tx, below, backlog=None, limit=limit)
    if keys:
        await index_tickets(tx, keys)
    return len(keys), keys[-1][1] if len(keys) == limit else None


async def remove_orphans(tx: Tx, actor: Actor, *, after: int, limit: int) -> int | None:
    """Delete the entries of deleted tickets among the next; return the number to continue after, None at the end."""
    permissions.require_desk_admin(actor)
    await index_store.wait_for_consumer(tx)
    orphans, next_after = await index_store.orphans(tx, after, limit=limit)
    if orphans:
        await index_store.delete(tx, orphans)
    return next_after
