"""What changed, for the pages of a browser: as a stream without end, or once.

It says which tickets changed and nothing of what they say. A page asks for its fragments with the rights that its
person has then.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from clearline.clock import monotonic
from clearline.event_stream import usecases as stream
from clearline.event_stream.store import EventCursor
from clearline.event_stream.usecases import Reader, format_cursor
from clearline.events.store import Event
from clearline.identity import Actor
from clearline.platform.database.transactions import Tx
from clearline.presence.presence_board import Subscription
from clearline.sign_in import usecases as sign_in
from clearline.sign_in.domain import session_limits
from clearline.tickets.domain import ticket_number
from clearline.web.visit import Visit
from clearline.wires.http import event_stream
from clearline.wires.http.call import Answer, Stream, encode
from clearline.wires.http.cursors import InvalidCursor
from clearline.wires.http.edge import header

PATH = "/console/live"
TYPES = ("attachment.", "note.", "ticket.")
"""What changes a page of the console: every event about a ticket."""
MISSED_FROM = 500
"""After so many events without a stream a page asks for everything that it shows instead of for each change."""
CHANGES_VARY = b"Cookie, Accept"
"""What the answers about changes depend on."""


async def newest_cursor(tx: Tx, actor: Actor) -> str:
    """Return the cursor of a page that is read from now on: what changes later comes after it."""
    return format_cursor(await stream.latest_cursor(tx, await console_reader(tx, actor)))


async def follow(visit: Visit) -> Answer | Stream:
    """Return the changes after the cursor of a page: as a stream if that is accepted, or those up to now."""
    accepts = header(visit.browser.scope, b"accept") or b""
    is_stream = event_stream.SSE.encode() in accepts
    last = header(visit.browser.scope, b"last-event-id") if is_stream else None
    text = last.decode("latin-1") if last else visit.query.get("after", "")
    cursor = stream.parse_cursor(text) if text else None
    if text and cursor is None:
        raise InvalidCursor
    async with visit.services.database.transaction() as tx:
        reader = await console_reader(tx, visit.actor)
        if not is_stream:
            return await _changes(tx, reader, cursor)
        begin = await stream.starting_cursor(tx, cursor, reader, from_now=True)
    headers = event_stream.headers(event_stream.SSE, CHANGES_VARY)
    if visit.browser.scope["method"] == "HEAD":
        return Answer(200, b"", headers)
    return Stream(200, _live(visit, reader, begin), headers, is_long=True, patience=event_stream.PATIENCE_SECONDS)


async def console_reader(tx: Tx, actor: Actor) -> Reader:
    """Return the reader of what changes pages of the console."""
    return await stream.open_reader(tx, actor, types=TYPES)


async def _changes(tx: Tx, reader: Reader, cursor: EventCursor | None) -> Answer:
    """Return what changed after a cursor as JSON, with the cursor to go on from.

    ``missed`` says that it is too much: the page has to ask for everything that it shows.
    """
    latest, is_missed = await stream.latest_cursor(tx, reader), False
    events: list[Event] = []
    if cursor is not None:
        begin = EventCursor(await stream.recover_offset(tx, cursor), cursor.at)
        page = await stream.read(tx, reader, begin, limit=MISSED_FROM)
        is_missed = page.has_more
        events, latest = ([], latest) if is_missed else (page.events, page.cursor)
    body = {"cursor": format_cursor(latest), "changes": _changed(events), "missed": is_missed}
    return Answer(200, encode(body), event_stream.headers("application/json", CHANGES_VARY))


def _changed(events: Sequence[Event]) -> list[dict[str, object]]:
    """Return each ticket of some events once, with its last version."""
    versions = {event.ticket_number: event.version for event in events if event.ticket_number is not None}
    return [{"kind": "ticket", "id": ticket_number(number), "version": at} for number, at in versions.items()]


def _encoded(events: Sequence[Event]) -> bytes:
    """Return the blocks of a stream. The last one has the cursor after all of them."""
    if not events:
        return b""
    *others, last = (b"data: %b\n\n" % encode(change) for change in _changed(events))
    return b"%bid: %b\n%b" % (b"".join(others), format_cursor(stream.cursor_of(events[-1])).encode(), last)


def _heartbeat(cursor: EventCursor, _has_advanced: bool) -> bytes:  # noqa: FBT001 - see Feed
    """Return a heartbeat that a page notices: it opens another stream when it has heard none for long."""
    return b"id: %b\ndata: {}\n\n" % format_cursor(cursor).encode()


def _notices(subscription: Subscription) -> bytes:
    """Return the blocks that name the tickets of the person where somebody else came, left or began to write."""
    changes = ({"kind": "presence", "id": ticket_number(number), "version": None} for number in subscription.take())
    return b"".join(b"data: %b\n\n" % encode(change) for change in changes)


def _live(visit: Visit, reader: Reader, begin: EventCursor) -> AsyncIterator[bytes]:
    user_id = visit.session.session.user_id
    services = visit.services
    subscription = Subscription(user_id)
    feed = event_stream.Feed(
        "console", reader, _encoded, _admission(visit), _heartbeat,
        lambda listener: services.presence.subscribe(subscription, listener), lambda: _notices(subscription),
    )  # fmt: skip
    return event_stream.live(
        services.event_signal, services.database, feed, begin, services.streams.count_person(user_id)
    )


def _admission(visit: Visit) -> Callable[[], Awaitable[bool]]:
    """Return the check whether the session is still in force, with the rights that it had when the stream began.

    It asks the database every few seconds, however often there is something to send.
    """
    limits = session_limits(visit.services.settings)
    checked_at = monotonic()

    async def is_admitted() -> bool:
        nonlocal checked_at
        if monotonic() - checked_at < event_stream.RECHECK_SECONDS:
            return True
        current = await sign_in.session_actor(
            visit.services.database, visit.secret, address="", limits=limits, is_use=False, now=visit.services.now()
        )
        checked_at = monotonic()
        return current is not None and _rights(current.actor) == _rights(visit.actor)

    return is_admitted


def _rights(actor: Actor) -> tuple[object, ...]:
    return actor.scopes, actor.limits
