"""Facts: what happened to a ticket. They are stored by the transaction that makes them true, and never changed.

Text that people wrote is not repeated in an event: the ticket and its notes hold it once.
"""

from msgspec import Struct


class TicketCreated(Struct, frozen=True, tag="ticket.created", tag_field="type"):
    """A ticket was raised."""

    status: str
    priority: str
    channel: str


class NoteAdded(Struct, frozen=True, tag="note.added", tag_field="type"):
    """A note was added; its number goes with the event once the database has given one."""

    visibility: str
    source: str


class StatusChanged(Struct, frozen=True, tag="ticket.status_changed", tag_field="type"):
    """A ticket moved from one status to another."""

    before: str
    after: str
    reason: str


Fact = TicketCreated | NoteAdded | StatusChanged
