"""Read the events in the order of the log, from a cursor on."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from clearline.accounts import permissions
from clearline.accounts import usecases as accounts
from clearline.errors import NotFound, require_valid
from clearline.event_stream import store as event_stream_store
from clearline.event_stream.store import BEGINNING, EventCursor, EventFilter
from clearline.events.event_types import Audience
from clearline.events.store import Event, Offset, seen_by
from clearline.events.type_names import check_types
from clearline.identity import Actor, Scope, User
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets.domain import ticket_number

_CURSOR = re.compile("([0-9a-f]{1,16})-([0-9a-f]{1,16})-([0-9a-f]{1,16})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER_LIMIT = 2**63
_TIME_MAX = 10**6 * 253_000_000_000
"""Microseconds since 1970, some time in the year 9987."""
_BATCH_SIZE = 500
"""The most events that are read for a page when some of them are left out."""


class Reader(Struct, frozen=True):
    """Who reads which events: what was asked for, within what the actor may see.

    ``records`` includes events about other records than tickets; a customer still sees only its own people, keys,
    services and subscriptions. ``limits`` is one of the provider's people who is limited to some queues or customers.
    """

    company_id: UUID | None
    ticket: int | None
    types: tuple[str, ...]
    is_staff: bool
    records: bool
    limits: User | None = None

    @property
    def is_unfiltered(self) -> bool:
        """Whether the reader sees every event that is read for it."""
        return self.is_staff and self.records and not self.types and self.limits is None


class EventPage(NamedTuple):
    """Events, the cursor that reading came to, and whether there is more to read."""

    events: list[Event]
    cursor: EventCursor
    has_more: bool


def format_cursor(cursor: EventCursor) -> str:
    """Return a cursor as clients keep it.

    It is not signed and bound to nothing, so that it is good for weeks, with other filters and after a change of keys.
    What may be read after it is decided again each time.
    """
    return f"{cursor.offset.xid:x}-{cursor.offset.id:x}-{(cursor.at - _EPOCH) // timedelta(microseconds=1):x}"


def parse_cursor(text: str) -> EventCursor | None:
    """Return the cursor in a text, or None when it is malformed."""
    match = _CURSOR.fullmatch(text)
    if match is None:
        return None
    xid, event_id, at = (int(number, 16) for number in match.groups())
    if xid >= _NUMBER_LIMIT or event_id >= _NUMBER_LIMIT or at > _TIME_MAX:
        return None
    return EventCursor(Offset(xid, event_id), _EPOCH + timedelta(microseconds=at))


def cursor_of(event: Event) -> EventCursor:
    """Return the cursor after an event."""
    return EventCursor(event.offset, event.at)


async def open_reader(
    tx: Tx,
    actor: Actor,
    *,
    company: UUID | str | None = None,
    ticket: int | None = None,
    types: Sequence[str] = (),
) -> Reader:
    """Return a reader of the events that an actor asks for: of all companies for the staff, of its own for a customer.

    Those of a ticket of a child are read by naming the ticket.

    Each of ``types`` is an event type, or a prefix of types that ends with a dot, such as ``note.``; none at all means
    every type. Who may read the audit also reads the events about other records than tickets.

    Raises:
        NotFound: no such company or ticket for this actor, or the ticket is not the company's.
        InvalidInput: one of ``types`` is neither a type nor a prefix.
        ScopeMissing: its key may not read tickets.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    require_valid(check_types("type", types))
    named = None if company is None else (await accounts.find_company(tx, actor, company)).id
    company_id = named or permissions.company_filter(actor)
    if ticket is not None:
        company_id = await access.require_ticket(tx, actor, ticket)
        if named not in {None, company_id}:
            raise NotFound("ticket", ticket_number(ticket))
    reads_records = Scope.AUDIT_READ in actor.scopes
    return Reader(company_id, ticket, tuple(sorted(set(types))), actor.is_staff, reads_records, actor.limits)


async def latest_cursor(tx: Tx, reader: Reader) -> EventCursor:
    """Return the cursor after which only future events are read. Served as ``store.latest_cursor``."""
    return await event_stream_store.latest_cursor(tx, reader.company_id)


async def recover_offset(tx: Tx, cursor: EventCursor) -> Offset:
    """Return the offset to go on after for a client's cursor, even if it is from before a restore.

    See ``store.recover_offset``.
    """
    return await event_stream_store.recover_offset(tx, cursor)


async def read(tx: Tx, reader: Reader, after: EventCursor, *, limit: int = _BATCH_SIZE) -> EventPage:
    """Read ``limit`` events after a cursor, and return those that the reader sees, reduced to what it may see.

    The cursor advances even when none of the events is for this reader. Served as ``store.read``.
    """
    event_filter = EventFilter(reader.company_id, reader.ticket, reader.types)
    batch = await event_stream_store.read(tx, event_filter, after.offset, limit=limit)
    events = [visible for event in batch.events if (visible := _visible(reader, event)) is not None]
    if reader.limits is not None:
        events = await access.events_within(tx, reader.limits, events)
    return EventPage(events, batch.last or after, batch.is_full)


async def read_page(tx: Tx, reader: Reader, after: EventCursor, *, limit: int) -> EventPage:
    """Return at most ``limit`` of the next events after a cursor. There may be fewer, or none, and more after them.

    Served as ``store.read``.
    """
    page = await read(tx, reader, after, limit=limit + 1 if reader.is_unfiltered else _BATCH_SIZE)
    if len(page.events) <= limit:
        return page
    events = page.events[:limit]
    return EventPage(events, cursor_of(events[-1]), has_more=True)


async def starting_cursor(tx: Tx, cursor: EventCursor | None, reader: Reader, *, from_now: bool) -> EventCursor:
    """Return where a reader begins: after its cursor, or without one at the beginning of the log or at its end."""
    if cursor is not None:
        return EventCursor(await recover_offset(tx, cursor), cursor.at)
    return await latest_cursor(tx, reader) if from_now else BEGINNING


def _visible(reader: Reader, event: Event) -> Event | None:
    if reader.is_staff:
        return event if reader.records or event.ticket_number is not None else None
    audience = Audience.COMPANY_ADMIN if reader.records else Audience.CUSTOMER
    return seen_by(audience, event)
