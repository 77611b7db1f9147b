"""House API v1: audit events as they travel."""

from clearline.events.store import Event
from clearline.tickets.domain import ticket_number
from clearline.tickets.note_domain import worklog_id
from clearline.wires.house.audit import wire


def event_out(event: Event) -> wire.AuditEventOut:
    """Return an event as the audit shows it."""
    return wire.AuditEventOut(
        str(event.offset.id),
        event.at,
        event.type,
        str(event.company_id),
        None if event.ticket_number is None else ticket_number(event.ticket_number),
        None if event.note_number is None else worklog_id(event.note_number),
        None if event.actor_id is None else str(event.actor_id),
        event.actor_name,
        event.version,
        event.data,
    )
