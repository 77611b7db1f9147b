"""House API v1: events as they travel."""

from datetime import datetime
from typing import Any

from clearline.event_stream.usecases import cursor_of, format_cursor
from clearline.events.event_types import Audience
from clearline.events.store import Event, seen_by
from clearline.tickets.domain import ticket_number
from clearline.tickets.note_domain import worklog_id
from clearline.wires.house.event_stream import wire

_Members = tuple[str, str, datetime, str, str | None, str | None, wire.EventActor, int | None, dict[str, Any]]
"""The members of an ``EventOut``, in their order."""


def event_out(event: Event, audience: Audience) -> wire.EventOut | None:
    """Return an event as an audience of its company may see it, or None when it may not see it at all."""
    visible = seen_by(audience, event)
    return None if visible is None else wire.EventOut(*_members(visible))


def streamed_event_out(event: Event) -> wire.StreamedEvent:
    """Return an event that is already reduced to what its reader may see, with the cursor behind it."""
    return wire.StreamedEvent(*_members(event), format_cursor(cursor_of(event)))


def _members(event: Event) -> _Members:
    return (
        str(event.offset.id),
        event.type,
        event.at,
        str(event.company_id),
        None if event.ticket_number is None else ticket_number(event.ticket_number),
        None if event.note_number is None else worklog_id(event.note_number),
        wire.EventActor(None if event.actor_id is None else str(event.actor_id), event.actor_name),
        event.version,
        event.data,
    )
