"""House API v1: what happens, as pages, as a file, and as it happens (Server-Sent Events, WHATWG HTML 9.2)."""

from collections.abc import AsyncIterator, Iterable
from contextlib import ExitStack
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from clearline.errors import Unauthenticated
from clearline.event_stream import usecases as stream
from clearline.event_stream.store import Place
from clearline.event_stream.usecases import Reader, place_text
from clearline.events.store import Event
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import DatabaseUnavailable
from clearline.tickets import access
from clearline.wires.house.event_stream import wire
from clearline.wires.house.event_stream.mapping import streamed_event_out
from clearline.wires.house.paging import next_link
from clearline.wires.http.call import Call, CutShort, Headers, Stream, encode
from clearline.wires.http.cursors import InvalidCursor
from clearline.wires.http.edge import header
from clearline.wires.http.resource import key_in
from clearline.wires.http.table import Operation

JSON, NDJSON, SSE = "application/json", "application/x-ndjson", "text/event-stream"

HEARTBEAT_SECONDS = 15
"""How long a stream is silent at most."""
RECHECK_SECONDS = 3
"""How often a silent stream looks whether its key still holds."""
PATIENCE_SECONDS = 60
"""How long a client may take nothing of what is sent to it before it is given up."""
RETRY_MILLISECONDS = 2000
"""After how long a client that was cut off is to come again."""


def preferred(accept: str) -> str:
    """Which of our three media types a client likes best (RFC 9110, 12.5.1); JSON when it does not care, or has none.

    One that is named wins over one that a wildcard includes.
    """
    likes = dict(map(_quality, accept.split(",")))
    wildcard = likes.get("application/*", likes.get("*/*", 0.0))
    first = max((JSON, NDJSON, SSE), key=lambda kind: (likes.get(kind, wildcard), kind in likes))
    return first if likes.get(first, wildcard) else JSON


def _quality(part: str) -> tuple[str, float]:
    kind, *parameters = (one.strip().lower() for one in part.split(";"))
    for one in parameters:
        name, _, value = one.partition("=")
        if name.strip() == "q":
            try:
                return kind, float(value)
            except ValueError:
                return kind, 0.0
    return kind, 1.0


async def follow_events(call: Call) -> wire.EventPage | Stream:
    """Events after a cursor: a page, everything up to now, or without end."""
    query: wire.EventsQuery = call.query
    kind = preferred((header(call.scope, b"accept") or b"").decode("latin-1"))
    resumed = header(call.scope, b"last-event-id") if kind == SSE else None
    after = _place(resumed.decode("latin-1") if resumed else query.after)
    async with call.transaction() as tx:
        reader = await stream.open_reader(
            tx,
            call.actor,
            company=_company(query.company),
            ticket=None if query.ticket is None else access.check_number(query.ticket),
            types=query.type.split(",") if query.type else (),
        )
        begin = await stream.start(tx, after, reader, from_now=kind == SSE)
        if kind == JSON:
            return _page(call, await stream.page(tx, reader, begin, limit=query.limit))
        end = await stream.now_place(tx, reader)
    headers: Headers = [
        (b"content-type", kind.encode()),
        (b"cache-control", b"no-store"),
        (b"vary", b"Authorization, Accept"),
        (b"x-accel-buffering", b"no"),  # nginx would hold events back
    ]
    if call.scope["method"] == "HEAD":
        parts = _nothing()
    else:
        parts = _live(call, reader, begin) if kind == SSE else _until(call, reader, begin, end)
    return Stream(200, parts, headers, is_long=kind == SSE, patience=PATIENCE_SECONDS)


def _place(text: str | None) -> Place | None:
    """The place in a cursor, or None without one.

    Raises:
        InvalidCursor: it is none of ours.
    """
    if text is None:
        return None
    place = stream.read_place(text)
    if place is None:
        raise InvalidCursor
    return place


def _company(text: str | None) -> UUID | str | None:
    try:
        return None if text is None else UUID(text)
    except ValueError:
        return text


def _page(call: Call, found: stream.Read) -> wire.EventPage:
    cursor = place_text(found.place)
    call.headers.append((b"vary", b"Accept"))
    if found.has_more:
        call.headers.append((b"link", next_link(call, cursor, name="after")))
    return wire.EventPage([streamed_event_out(event) for event in found.events], found.has_more, cursor)


async def _nothing() -> AsyncIterator[bytes]:
    yield b""


class _Piece(NamedTuple):
    """A piece of a stream, for all who read the same: what is sent, and what they go on with."""

    sent: bytes
    place: Place
    is_full: bool


async def _until(call: Call, reader: Reader, begin: Place, end: Place) -> AsyncIterator[bytes]:
    """One event a line, up to the place that was the last when it began, or a little further; then that place.

    Raises:
        CutShort: the server stops, or the key no longer holds, and there is more to read.
    """
    with call.services.streams.one(call.actor.key_id):
        place, is_full = begin, True
        is_first = True
        while is_full and place.cursor < end.cursor:
            if not is_first and (call.services.hub.is_stopping or not await _is_admitted(call)):
                raise CutShort
            is_first = False
            async with call.statement() as tx:
                found = await stream.read(tx, reader, place)
            place, is_full = found.place, found.has_more
            yield b"".join(encode(streamed_event_out(event)) + b"\n" for event in found.events)
        last = max(place, end, key=lambda one: one.cursor)  # a filter looks at everything up to the end
        yield encode({"cursor": place_text(last)}) + b"\n"


async def _live(call: Call, reader: Reader, begin: Place) -> AsyncIterator[bytes]:
    """What happens, as it happens, for as long as the key holds and the server runs.

    While the database is away it waits: a browser that is refused once does not come again.
    """
    hub = call.services.hub
    with ExitStack() as held:
        held.enter_context(call.services.streams.one(call.actor.key_id))
        listener = held.enter_context(hub.listen(reader.company_id))
        place = told = begin
        spoke, has_news, is_lost, faults = call.services.now(), True, False, hub.faults
        yield b"retry: %d\n" % RETRY_MILLISECONDS + _id(begin)
        while not hub.is_stopping:
            piece = None
            if has_news:
                listener.note()
            try:
                if not await _is_admitted(call):
                    return
                if is_lost or faults != hub.faults:  # whatever came back may be a restored copy
                    faults = hub.faults
                    place, is_lost, has_news = await _found_again(call, place), False, True
                if has_news:
                    piece = await _piece(call, reader, place)
                    place = piece.place
            except DatabaseUnavailable:
                is_lost = True
            if sent := _sent(piece, call.services.now() - spoke, place, told):
                yield sent
                spoke, told = call.services.now(), place
            has_news = (piece is not None and piece.is_full) or await listener.news(RECHECK_SECONDS)


def _sent(piece: _Piece | None, silent: timedelta, place: Place, told: Place) -> bytes:
    """What to send now: events, or a sign of life, that also says how far the stream looked, or nothing."""
    if piece is not None and piece.sent:
        return piece.sent
    if silent.total_seconds() < HEARTBEAT_SECONDS:
        return b""
    return _id(place) if place != told else b":\n\n"


async def _is_admitted(call: Call) -> bool:
    """Whether the key still holds, and lets its user do what it let it do when the stream began."""
    try:
        now = await call.services.keys.actor(key_in(call.scope), call.services.now())
    except Unauthenticated:
        return False
    return _rights(now) == _rights(call.actor)


def _rights(actor: Actor) -> tuple[object, ...]:
    return actor.role, actor.scopes, actor.company and actor.company.id


async def _found_again(call: Call, place: Place) -> Place:
    async with call.statement() as tx:
        return Place(await stream.resume(tx, place), place.at)


async def _piece(call: Call, reader: Reader, place: Place) -> _Piece:
    """The next events behind a place, read and written once for everybody who stands there."""

    async def ask() -> _Piece:
        async with call.services.database.statement() as tx:
            found = await stream.read(tx, reader, place)
        return _Piece(_written(found.events), found.place, found.has_more)

    return await call.services.hub.once((reader, place), ask)


def _id(place: Place) -> bytes:
    """Only a place: a client keeps it, and is told nothing."""
    return b"id: %b\n\n" % place_text(place).encode()


def _written(events: Iterable[Event]) -> bytes:
    return b"".join(
        b"id: %b\nevent: %b\ndata: %b\n\n" % (one.cursor.encode(), one.type.encode(), encode(one))
        for one in map(streamed_event_out, events)
    )


_ABOUT = f"""What happens, in the order in which it happened. The header `Accept` chooses how:

- `{JSON}`: a page. `next_cursor` is always there; when `has_more` is false it is where a later request goes on.
- `{NDJSON}`: everything after `after` that there is, one event a line. The last line holds `cursor` alone, where a
  later request goes on; without it the answer is not whole.
- `{SSE}`: Server-Sent Events without end. `id` is the cursor, `event` the type, `data` the event. A client that was
  cut off goes on with the header `Last-Event-ID`, which goes before `after`. A comment keeps a silent stream open. A
  key may have 20 streams open at a time.

No event is left out, and one may come again: know it by its `cursor`, or by `id` and `at`. Customers are told what
their own company may know; those who may read the audit are also told what happens to people, keys, services and the
desk's own things."""

OPERATIONS = (
    Operation(
        "followEvents", "GET", "/api/v1/events", follow_events,
        "Follow events", _ABOUT,
        Scope.TICKETS_READ, wire.EventPage, query=wire.EventsQuery, media=(NDJSON, SSE), errors=(400, 404),
    ),
)  # fmt: skip
