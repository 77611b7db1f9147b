"""The event stream as Server-Sent Events (WHATWG HTML, 9.2), as the house API and the console send it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import NamedTuple

from clearline.clock import monotonic
from clearline.event_stream import usecases as stream
from clearline.event_stream.event_signal import EventSignal, Listener
from clearline.event_stream.store import EventCursor
from clearline.event_stream.usecases import Reader, format_cursor
from clearline.events.store import Event
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.database.transactions import Transactions
from clearline.wires.http.call import Headers

SSE = "text/event-stream"
HEARTBEAT_SECONDS = 15
"""The longest silence of a stream; then it sends a heartbeat."""
RECHECK_SECONDS = 3
"""How often a silent stream checks that its reader may still read."""
PATIENCE_SECONDS = 60
"""How long a client may read nothing before the stream ends."""
RETRY_MILLISECONDS = 2000
"""How long a client waits before it reconnects."""


class Feed(NamedTuple):
    """What differs between streams.

    Streams with the same ``kind``, reader and cursor send the same bytes, which ``encode`` makes once for all of them.
    ``heartbeat`` gets the cursor, and whether it has advanced since the client received one. ``notices`` returns what
    else is to be sent besides events; whatever there is sets the listener that ``attach`` is given.
    """

    kind: str
    reader: Reader
    encode: Callable[[Sequence[Event]], bytes]
    is_admitted: Callable[[], Awaitable[bool]]
    heartbeat: Callable[[EventCursor, bool], bytes]
    attach: Callable[[Listener], AbstractContextManager[None]] | None = None
    notices: Callable[[], bytes] = bytes


class _Chunk(NamedTuple):
    """A part of a stream, shared by all who read the same events: its bytes, and the cursor after them."""

    body: bytes
    cursor: EventCursor
    is_full: bool


def headers(kind: str, varies: bytes) -> Headers:
    """Return the headers of a stream: nothing on the way may keep it, or hold its events back."""
    return [
        (b"content-type", kind.encode()),
        (b"cache-control", b"no-store"),
        (b"vary", varies),
        (b"x-accel-buffering", b"no"),  # nginx would hold events back
    ]


def id_block(cursor: EventCursor) -> bytes:
    """Return a block with only an id: the client keeps it, and dispatches no event."""
    return b"id: %b\n\n" % format_cursor(cursor).encode()


def quiet_heartbeat(cursor: EventCursor, has_advanced: bool) -> bytes:  # noqa: FBT001 - see Feed
    """Return a heartbeat that dispatches no event: the cursor when it has advanced, or else a comment."""
    return id_block(cursor) if has_advanced else b":\n\n"


async def live(
    signal: EventSignal,
    database: Transactions,
    feed: Feed,
    begin: EventCursor,
    counted: AbstractContextManager[None],
) -> AsyncIterator[bytes]:
    """Yield events as they happen, for as long as the reader is admitted and the server runs.

    ``counted`` counts the stream while it is open. While the database is unavailable the stream waits: a browser that
    is refused once does not reconnect.
    """
    with ExitStack() as stack:
        stack.enter_context(counted)
        listener = stack.enter_context(signal.listen(feed.reader.company_id))
        if feed.attach is not None:
            stack.enter_context(feed.attach(listener))
        cursor = sent_cursor = begin
        sent_at, must_read, is_lost, failures = monotonic(), True, False, signal.failures
        yield b"retry: %d\n" % RETRY_MILLISECONDS + id_block(begin)
        while not signal.is_stopping:
            chunk = None
            if must_read:
                listener.clear()
            try:
                if not await feed.is_admitted():
                    return
                if is_lost or failures != signal.failures:  # the database that came back may be a restored copy
                    failures = signal.failures
                    cursor, is_lost, must_read = await _recovered(database, cursor), False, True
                if must_read:
                    chunk = await _next_chunk(signal, database, feed, cursor)
                    cursor = chunk.cursor
            except DatabaseUnavailable:
                is_lost = True
            body = (b"" if chunk is None else chunk.body) + feed.notices()
            if not body and monotonic() - sent_at >= HEARTBEAT_SECONDS:
                body = feed.heartbeat(cursor, cursor != sent_cursor)
            if body:
                yield body
                sent_at, sent_cursor = monotonic(), cursor
            must_read = (chunk is not None and chunk.is_full) or await listener.wait(RECHECK_SECONDS)


async def _recovered(database: Transactions, cursor: EventCursor) -> EventCursor:
    async with database.statement() as tx:
        return EventCursor(await stream.recover_offset(tx, cursor), cursor.at)


async def _next_chunk(signal: EventSignal, database: Transactions, feed: Feed, cursor: EventCursor) -> _Chunk:
    """Return the next events after a cursor, read and encoded once for all readers that are there."""

    async def load() -> _Chunk:
        async with database.statement() as tx:
            page = await stream.read(tx, feed.reader, cursor)
        return _Chunk(feed.encode(page.events), page.cursor, page.has_more)

    return await signal.share((feed.kind, feed.reader, cursor), load)
