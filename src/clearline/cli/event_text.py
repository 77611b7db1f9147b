"""Events in a line of text, for people."""

import json

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


def _value(value: object) -> str:
    return "-" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
