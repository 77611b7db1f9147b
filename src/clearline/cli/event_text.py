"""Events in a line of text, for people."""

import json

from clearline.events.event_types import EventType
from clearline.events.store import Event
from clearline.tickets.domain import ticket_number
from clearline.tickets.note_domain import worklog_id

_DETAILS_MAX = 100


def subject(event: Event) -> str:
    """Return what an event is about: the id of a note, the number of a ticket, or the name of something else."""
    if event.note_number is not None:
        return worklog_id(event.note_number)
    return event.data.get("name", "") if event.ticket_number is None else ticket_number(event.ticket_number)


def version(event: Event) -> str:
    """Return the version of the ticket after an event, such as ``v3``; nothing for an event without one."""
    return "" if event.version is None else f"v{event.version}"


def details(event: Event) -> str:
    """Return the values before and after an event, cut to 100 characters."""
    changes = event.data.get("changes")
    if changes is None:
        text = ", ".join(f"{name}: {value}" for name, value in event.data.items())
    else:
        text = ", ".join(
            f"{change['field']}: {_value(change['before'])} -> {_value(change['after'])}" for change in changes
        )
    return text if len(text) <= _DETAILS_MAX else text[: _DETAILS_MAX - 3] + "..."


def summary(event: Event) -> str:  # noqa: PLR0911 - a table
    """Return what happened to a ticket in words, with the values before and after."""
    match event.type:
        case EventType.STATUS_CHANGED:
            reason = f": {event.data['reason']}" if event.data["reason"] else ""
            waiting = event.data.get("waiting") or {}
            more = [event.data.get("sub_status"), waiting.get("reason"), waiting.get("case")]
            shown = f" ({', '.join(filter(None, more))})" if any(more) else ""
            return f"{event.data['before']} -> {event.data['after']}{shown}{reason}"
        case EventType.TICKET_CHANGED:
            return "changed " + ", ".join(
                f"{change['field']}: {change['before']} -> {change['after']}" for change in event.data["changes"]
            )
        case EventType.CASE_ADDED | EventType.CASE_CHANGED | EventType.CASE_REMOVED:
            return f"{event.type} {event.data['party']} {event.data['number']}".strip()
        case EventType.TICKET_REMINDED:
            return f"reminder: {event.data['reason']}" if event.data["reason"] else "reminder"
        case EventType.TICKET_ROUTED:
            return f"routed by {event.data['rule'] or 'hand'}"
        case EventType.TICKET_ASSIGNED:
            return f"{'assigned' if event.data['after'] else 'unassigned'} ({event.data['by']})"
    what = event.type if event.note_number is None else f"{event.type} {worklog_id(event.note_number)}"
    return f"{what} {event.data['email'] or event.data['name']}" if "email" in event.data else what


def _value(value: object) -> str:
    return "-" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
