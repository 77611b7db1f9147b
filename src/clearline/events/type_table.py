"""The table of all event types, and what a reader may see of an event by its row."""

from typing import Any

from clearline.events.event_types import Audience, EventType, EventTypeRow, Visibility
from clearline.events.record_rows import RECORD_ROWS
from clearline.events.ticket_rows import TICKET_ROWS

EVENT_TYPES: dict[str, EventTypeRow] = {row.type: row for row in (*TICKET_ROWS, *RECORD_ROWS)}
"""Every event type with its row. Where several events share a headline, that of the type that comes first is used."""


def visible_data(
    kind: str, data: dict[str, Any], audience: Audience, *, keeps_marks: bool = False
) -> dict[str, Any] | None:
    """Return what a reader may see of an event of its own company: its data, a part of it, or None for nothing.

    A type that is not in the table is visible to the staff only. Data that is kept to be read later ``keeps_marks``:
    without them the same reader would not see the changes of own fields in it any more.
    """
    if audience is Audience.STAFF:
        return data
    if (row := EVENT_TYPES.get(kind)) is None:
        return None
    if row.visibility is Visibility.SOME_FIELDS:
        changes = [
            {name: value for name, value in change.items() if keeps_marks or name != "is_public"}
            for change in data["changes"]
            if change["field"] in row.visible_fields or change.get("is_public")
        ]
        return {"changes": changes} if changes else None
    is_visible = (
        row.visibility is Visibility.ALWAYS
        or (row.visibility is Visibility.WHEN_PUBLIC and data["visibility"] == "public")
        or (row.visibility is Visibility.COMPANY_ADMINS and audience is Audience.COMPANY_ADMIN)
    )
    if not is_visible:
        return None
    hidden = row.internal_members
    return {name: value for name, value in data.items() if name not in hidden} if hidden & data.keys() else data


def types_with(visibility: Visibility) -> list[EventType]:
    """Return the types of a visibility, in the table's order."""
    return [row.type for row in EVENT_TYPES.values() if row.visibility is visibility]
