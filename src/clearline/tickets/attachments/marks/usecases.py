"""Mark the store of attachments of a desk, recognize it, and take another one for it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from clearline.platform.database.transactions import Database, Transactions
from clearline.tickets.attachments.blob_backend import BlobsUnavailable
from clearline.tickets.attachments.blobs import Blobs
from clearline.tickets.attachments.marks import store as mark_store
from clearline.tickets.attachments.marks.domain import KnownStore, StoreState, mark_text, problem_of, read_mark
from clearline.tickets.attachments.marks.store import Attached

_LOCK = "clearline store of attachments"
_SAMPLE = 20
"""Attachments of which one has to be in a store that is marked."""
_AT_ONCE = 10


class WrongStore(BlobsUnavailable):
    """The store of attachments is not that of this desk. The text says why, and what to do."""


async def mark(database: Database, blobs: Blobs, *, now: datetime) -> StoreState:
    """Return what the store is to the desk, and mark it when neither knows the other.

    Of several servers that start at once, one marks its store, and the others compare theirs with that mark. A store
    that has a mark already, and attachments of the database, is that of the database: the mark was written before a
    backup was restored, or before a server was killed.

    Raises:
        BlobsUnavailable: the store cannot be read or written.
    """
    async with database.statement() as tx:
        known = await mark_store.get(tx)
    if known is not None and known.marked_at is not None:
        return (await _judge(database, known, blobs))[0]
    async with database.alone(_LOCK) as session:
        return await _mark(session, blobs, now)


async def _mark(session: Transactions, blobs: Blobs, now: datetime) -> StoreState:
    async with session.statement() as tx:
        await mark_store.propose(tx, uuid4())
    async with session.statement() as tx:
        known = await mark_store.get(tx)
    state, found = await _judge(session, known, blobs)
    if known is None or state is not StoreState.NEW:
        return state
    if found is None:
        await blobs.write_mark(mark_text(known.id), replaces=False)
        found = known.id
        if await _id_in(blobs) != found:  # another desk was faster
            return StoreState.FOREIGN
    async with session.statement() as tx:
        await mark_store.save(tx, found, now=now)
    return StoreState.OWN


async def recognize(database: Database, blobs: Blobs) -> StoreState:
    """Return what the store is to the desk, without a change of either.

    Raises:
        BlobsUnavailable: the store cannot be read.
    """
    async with database.statement() as tx:
        known = await mark_store.get(tx)
    return (await _judge(database, known, blobs))[0]


async def require_own(database: Database, blobs: Blobs) -> None:
    """Refuse a store that is certainly not that of the desk: the marks of both say so.

    Raises:
        WrongStore: it is not.
        BlobsUnavailable: it cannot be read.
    """
    state = await recognize(database, blobs)
    problem = problem_of(state, blobs.location)
    if problem is not None and state is not StoreState.EMPTY:
        raise WrongStore(problem)


async def adopt(database: Database, blobs: Blobs, *, now: datetime) -> UUID:
    """Take the store for that of the desk, whatever its mark says; return its new id.

    The id is a new one, so that servers with another store notice. The mark is written first: if this is interrupted
    between the two, the store is not that of the desk, and can be adopted again.

    Raises:
        BlobsUnavailable: the store cannot be written.
    """
    store_id = uuid4()
    async with database.alone(_LOCK) as session:
        await blobs.write_mark(mark_text(store_id), replaces=True)
        if await _id_in(blobs) != store_id:
            raise BlobsUnavailable(f"{blobs.location} does not keep what is written to it")
        async with session.statement() as tx:
            await mark_store.save(tx, store_id, now=now)
    return store_id


async def mark_restored(database: Database, blobs: Blobs, *, now: datetime) -> None:
    """Give a store into which the attachments of a backup were brought the mark that the restored database knows.

    Raises:
        BlobsUnavailable: the store cannot be written.
    """
    async with database.statement() as tx:
        known = await mark_store.get(tx)
    if known is None or known.marked_at is None:
        await mark(database, blobs, now=now)
    else:
        await blobs.write_mark(mark_text(known.id), replaces=False)


async def missing(blobs: Blobs, attached: Sequence[Attached]) -> list[Attached]:
    """Return the attachments whose content is missing in the store, or incomplete, in their order.

    Raises:
        BlobsUnavailable: the store cannot be asked.
    """
    limit = asyncio.Semaphore(_AT_ONCE)

    async def is_there(each: Attached) -> bool:
        async with limit:
            return await blobs.holds(each.key, each.size)

    there = await asyncio.gather(*map(is_there, attached))
    return [each for each, is_here in zip(attached, there, strict=True) if not is_here]


async def _judge(database: Transactions, known: KnownStore | None, blobs: Blobs) -> tuple[StoreState, UUID | None]:
    """Return what the store is to the desk, and the id in its mark."""
    found = await _id_in(blobs)
    if known is not None and known.marked_at is not None:
        if found is None:
            return StoreState.UNMARKED, found
        return (StoreState.OWN if found == known.id else StoreState.FOREIGN), found
    async with database.statement() as tx:
        some = await mark_store.some_attachments(tx, limit=_SAMPLE)
    if some:
        return (StoreState.EMPTY if len(await missing(blobs, some)) == len(some) else StoreState.NEW), found
    is_new = found is None or (known is not None and found == known.id)
    return (StoreState.NEW if is_new else StoreState.FOREIGN), found


async def _id_in(blobs: Blobs) -> UUID | None:
    text = await blobs.read_mark()
    return None if text is None else read_mark(text)
