"""House API v1: the event stream, as pages, as lines of JSON, and as Server-Sent Events (WHATWG HTML, 9.2)."""

from collections.abc import AsyncIterator, Iterable
from uuid import UUID

from clearline.errors import Unauthenticated
from clearline.event_stream import usecases as stream
from clearline.event_stream.store import EventCursor
from clearline.event_stream.usecases import Reader, format_cursor
from clearline.events.store import Event
from clearline.identity import Actor, Scope
from clearline.tickets import access
from clearline.wires.house.event_stream import wire
from clearline.wires.house.event_stream.mapping import streamed_event_out
from clearline.wires.house.paging import next_link
from clearline.wires.house.parameters import query_refusals
from clearline.wires.http import event_stream
from clearline.wires.http.call import Call, CutShort, Stream, encode
from clearline.wires.http.cursors import InvalidCursor
from clearline.wires.http.edge import header
from clearline.wires.http.event_stream import SSE
from clearline.wires.http.resource import key_in
from clearline.wires.http.table import Header, Operation

JSON, NDJSON = "application/json", "application/x-ndjson"


def preferred(accept: str) -> str:
    """Return which of the three media types a client prefers (RFC 9110, 12.5.1); JSON when it has no preference.

    A type that is named wins over one that a wildcard includes.
    """
    qualities = dict(map(_quality, accept.split(",")))
    wildcard = qualities.get("application/*", qualities.get("*/*", 0.0))
    best = max((JSON, NDJSON, SSE), key=lambda kind: (qualities.get(kind, wildcard), kind in qualities))
    return best if qualities.get(best, wildcard) else JSON


def _quality(part: str) -> tuple[str, float]:
    kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return kind, float(value)
            except ValueError:
                return kind, 0.0
    return kind, 1.0


async def follow_events(call: Call) -> wire.EventPage | Stream:
    """Return the events after a cursor: as a page, as all lines up to now, or as a stream without end."""
    query: wire.EventsQuery = call.query
    kind = preferred((header(call.scope, b"accept") or b"").decode("latin-1"))
    last_event_id = header(call.scope, b"last-event-id") if kind == SSE else None
    after = _cursor(last_event_id.decode("latin-1") if last_event_id else query.after)
    async with call.transaction() as tx:
        with query_refusals():
            reader = await stream.open_reader(
                tx,
                call.actor,
                company=_company(query.company),
                ticket=None if query.ticket is None else access.parse_number(query.ticket),
                types=query.type.split(",") if query.type else (),
            )
        begin = await stream.starting_cursor(tx, after, reader, from_now=kind == SSE)
        if kind == JSON:
            return _page(call, await stream.read_page(tx, reader, begin, limit=query.limit))
        end = await stream.latest_cursor(tx, reader)
    headers = event_stream.headers(kind, b"Authorization, Accept")
    if call.scope["method"] == "HEAD":
        parts = _nothing()
    else:
        parts = _live(call, reader, begin) if kind == SSE else _lines(call, reader, begin, end)
    return Stream(200, parts, headers, is_long=kind == SSE, patience=event_stream.PATIENCE_SECONDS)


def _cursor(text: str | None) -> EventCursor | None:
    """Return the cursor in a text, or None without one.

    Raises:
        InvalidCursor: it is malformed.
    """
    if text is None:
        return None
    cursor = stream.parse_cursor(text)
    if cursor is None:
        raise InvalidCursor
    return cursor


def _company(text: str | None) -> UUID | str | None:
    try:
        return None if text is None else UUID(text)
    except ValueError:
        return text


def _page(call: Call, page: stream.EventPage) -> wire.EventPage:
    cursor = format_cursor(page.cursor)
    call.headers.append((b"vary", b"Accept"))
    if page.has_more:
        call.headers.append((b"link", next_link(call, cursor, name="after")))
    return wire.EventPage([streamed_event_out(event) for event in page.events], page.has_more, cursor)


async def _nothing() -> AsyncIterator[bytes]:
    yield b""


async def _lines(call: Call, reader: Reader, begin: EventCursor, end: EventCursor) -> AsyncIterator[bytes]:
    """Yield one event a line, up to the end of the log as it was at first, or a little further; then the cursor.

    Raises:
        CutShort: the server stops, or the key no longer holds, and there is more to read.
    """
    with call.services.streams.count(call.actor.key_id, call.customer):
        cursor, is_full = begin, True
        is_first = True
        while is_full and cursor.offset < end.offset:
            if not is_first and (call.services.event_signal.is_stopping or not await _is_admitted(call)):
                raise CutShort
            is_first = False
            async with call.statement() as tx:
                page = await stream.read(tx, reader, cursor)
            cursor, is_full = page.cursor, page.has_more
            yield b"".join(encode(streamed_event_out(event)) + b"\n" for event in page.events)
        last = max(cursor, end, key=lambda position: position.offset)  # a filter reads everything up to the end
        yield encode({"cursor": format_cursor(last)}) + b"\n"


def _live(call: Call, reader: Reader, begin: EventCursor) -> AsyncIterator[bytes]:
    """Return the stream of events as they happen, for as long as the key holds and the server runs."""

    async def is_admitted() -> bool:
        return await _is_admitted(call)

    feed = event_stream.Feed("house", reader, _encoded, is_admitted, event_stream.quiet_heartbeat)
    counted = call.services.streams.count(call.actor.key_id, call.customer)
    return event_stream.live(call.services.event_signal, call.database, feed, begin, counted)


async def _is_admitted(call: Call) -> bool:
    """Return whether the key still holds, with the rights that it had when the stream began."""
    try:
        now = await call.services.keys.actor(key_in(call.scope), call.services.now())
    except Unauthenticated:
        return False
    return _rights(now) == _rights(call.actor)


def _rights(actor: Actor) -> tuple[object, ...]:
    children = [child.id for child in actor.children]
    return actor.role, actor.scopes, actor.limits, actor.company and actor.company.id, children


def _encoded(events: Iterable[Event]) -> bytes:
    return b"".join(
        b"id: %b\nevent: %b\ndata: %b\n\n" % (event.cursor.encode(), event.type.encode(), encode(event))
        for event in map(streamed_event_out, events)
    )


_ABOUT = f"""Returns events in the order of the log. The header `Accept` chooses the form:

- `{JSON}`: a page. `next_cursor` is always set; when `has_more` is false, use it for a later request.
- `{NDJSON}`: every event after `after`, one a line. The last line has only `cursor`, for a later request. An answer
  without that line is incomplete.
- `{SSE}`: Server-Sent Events without end. `id` is the cursor, `event` the type, `data` the event. After a
  disconnect, continue with the header `Last-Event-ID`, which takes precedence over `after`. Comments keep a silent
  stream open. A key can have 20 streams open at a time, and a company
  `CLEARLINE_COMPANY_STREAMS` (100 by default).

No event is left out, and an event may be repeated: identify it by `cursor`, or by `id` and `at`. Customers receive what
their company may see. Events about other records than tickets need the scope `audit:read`."""

_LAST_EVENT = Header(
    "Last-Event-ID",
    "With `text/event-stream`, the `id` of the last event that you received; it takes precedence over `after`.",
    {"type": "string"},
)
OPERATIONS = (
    Operation(
        "followEvents", "GET", "/api/v1/events", follow_events,
        "Follow events", _ABOUT,
        Scope.TICKETS_READ, wire.EventPage, query=wire.EventsQuery, media=(NDJSON, SSE), errors=(400,),
        request_headers=(_LAST_EVENT,),
    ),
)  # fmt: skip
