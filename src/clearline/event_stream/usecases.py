"""What happens, in the order of the log: for those who follow it."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from clearline.accounts import permissions
from clearline.accounts import usecases as accounts
from clearline.errors import NotFound
from clearline.event_stream import store as event_stream_store
from clearline.event_stream.store import BEGINNING, Place, Wanted
from clearline.events.event_types import Audience, visible_data
from clearline.events.store import Cursor, Event
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets.domain import ticket_number

_TEXT = re.compile("([0-9a-f]{1,16})-([0-9a-f]{1,16})-([0-9a-f]{1,16})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST = 2**63
_LATEST = 10**6 * 253_000_000_000
"""Microseconds since 1970, some time in the year 9987."""
_AT_ONCE = 500
"""The most events that a page looks at when some of them are left out."""


class Reader(Struct, frozen=True):
    """Who reads which events: what was asked for, within what may be known.

    ``records`` lets it know what happened to things that are no tickets; a customer then still knows only its own
    people, keys and services.
    """

    company_id: UUID | None
    ticket: int | None
    types: tuple[str, ...]
    is_staff: bool
    records: bool

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out of what is read for it."""
        return self.is_staff and self.records and not self.types


class Read(NamedTuple):
    """Events with the places behind them, the place that reading came to, and whether there is more to read."""

    events: list[Event]
    place: Place
    has_more: bool


def place_text(place: Place) -> str:
    """A place as those outside keep it.

    It is not signed and bound to nothing, so that it is good for weeks, with other filters and after a change of keys;
    what may be read from there is decided anew each time.
    """
    return f"{place.cursor.xid:x}-{place.cursor.id:x}-{(place.at - _EPOCH) // timedelta(microseconds=1):x}"


def read_place(text: str) -> Place | None:
    """The place in a text, or None when it is none of ours."""
    found = _TEXT.fullmatch(text)
    if found is None:
        return None
    xid, event_id, at = (int(one, 16) for one in found.groups())
    if xid >= _MOST or event_id >= _MOST or at > _LATEST:
        return None
    return Place(Cursor(xid, event_id), _EPOCH + timedelta(microseconds=at))


def place_of(event: Event) -> Place:
    """The place behind an event."""
    return Place(event.cursor, event.at)


async def open_reader(
    tx: Tx,
    actor: Actor,
    *,
    company: UUID | str | None = None,
    ticket: int | None = None,
    types: Sequence[str] = (),
) -> Reader:
    """What an actor may follow of what it asks for: events of all companies for the staff, of its own for a customer.

    Each of ``types`` is an event's type, or with a dot at its end a beginning of it, such as ``note.``; none at all
    means every type. Who may read the audit is also told what happens to things that are no tickets.

    Raises:
        NotFound: no such company or ticket for this actor, or the ticket is not the company's.
        ScopeMissing: its key may not read tickets.
    """
    permissions.require_scope(actor, Scope.TICKETS_READ)
    company_id = permissions.company_filter(actor)
    if company is not None:
        company_id = (await accounts.company_of(tx, actor, company)).id
    if ticket is not None:
        of = await access.ticket_to_read(tx, actor, ticket)
        if company_id not in {None, of}:
            raise NotFound("ticket", ticket_number(ticket))
        company_id = of
    return Reader(company_id, ticket, tuple(sorted(set(types))), actor.is_staff, Scope.AUDIT_READ in actor.scopes)


async def now_place(tx: Tx, reader: Reader) -> Place:
    """The place from which only what is still to come is read. Served as ``event_feed.tail``."""
    return await event_stream_store.tail(tx, reader.company_id)


async def resume(tx: Tx, place: Place) -> Cursor:
    """Where to go on that a place from outside names, even if it is from before a restore: see ``event_feed.find``."""
    return await event_stream_store.find(tx, place)


async def read(tx: Tx, reader: Reader, after: Place, *, limit: int = _AT_ONCE) -> Read:
    """The next events after a place that the reader may know of, reduced to what it may know; ``limit`` are looked at.

    The place moves on even when all that was looked at is not for this reader. Served as ``event_feed.walk``.
    """
    wanted = Wanted(reader.company_id, reader.ticket, reader.types)
    walked = await event_stream_store.walk(tx, wanted, after.cursor, limit=limit)
    events = [seen for event in walked.events if (seen := _seen(reader, event)) is not None]
    return Read(events, walked.last or after, walked.is_full)


async def page(tx: Tx, reader: Reader, after: Place, *, limit: int) -> Read:
    """At most ``limit`` of the next events after a place. There may be fewer, or none, and more behind them.

    Served as ``event_feed.walk``.
    """
    found = await read(tx, reader, after, limit=limit + 1 if reader.is_whole else _AT_ONCE)
    if len(found.events) <= limit:
        return found
    events = found.events[:limit]
    return Read(events, place_of(events[-1]), has_more=True)


async def start(tx: Tx, place: Place | None, reader: Reader, *, from_now: bool) -> Place:
    """Where a reader begins: behind its place, and without one at the beginning of the log, or at its end."""
    if place is not None:
        return Place(await resume(tx, place), place.at)
    return await now_place(tx, reader) if from_now else BEGINNING


def _seen(reader: Reader, event: Event) -> Event | None:
    if reader.is_staff:
        return event if reader.records or event.ticket_number is not None else None
    audience = Audience.COMPANY_ADMIN if reader.records else Audience.CUSTOMER
    data = visible_data(event.type, event.data, audience)
    return None if data is None else event._replace(data=data)
