"""Facts: what happened. They are stored by the transaction that makes them true, and never changed.

Text that people wrote is not repeated in an event: the ticket and its notes hold it once.
"""

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct


class Change(Struct, frozen=True):
    """One value before and after."""

    field: str
    before: Any
    after: Any


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


class TicketChanged(Struct, frozen=True, tag="ticket.changed", tag_field="type"):
    """Values of a ticket were changed, other than those that have an event of their own."""

    changes: list[Change]


class TicketAssigned(Struct, frozen=True, tag="ticket.assigned", tag_field="type"):
    """Another person works on a ticket, or nobody. ``by`` is manual, round_robin or least_loaded."""

    before: str | None
    after: str | None
    by: str


class TicketRouted(Struct, frozen=True, tag="ticket.routed", tag_field="type"):
    """A ticket went to another queue. ``rule`` is the routing rule that said so, None when a person did."""

    before: str | None
    after: str | None
    rule: str | None


class WatcherChanged(Struct, frozen=True, tag="ticket.watched", tag_field="type"):
    """Somebody began to follow a ticket, or stopped."""

    user_id: str
    watches: bool


class TicketLinked(Struct, frozen=True, tag="ticket.linked", tag_field="type"):
    """A ticket was linked to another."""

    link: str
    other: str


class TicketUnlinked(Struct, frozen=True, tag="ticket.unlinked", tag_field="type"):
    """A link between tickets was taken away."""

    link: str
    other: str


class TicketMerged(Struct, frozen=True, tag="ticket.merged", tag_field="type"):
    """A ticket was merged into another, its number ``into``."""

    into: str


class TicketUnmerged(Struct, frozen=True, tag="ticket.unmerged", tag_field="type"):
    """A merge was undone."""

    into: str


class AttachmentAdded(Struct, frozen=True, tag="attachment.added", tag_field="type"):
    """A file was attached."""

    id: str
    size: int
    visibility: str


class AttachmentRemoved(Struct, frozen=True, tag="attachment.removed", tag_field="type"):
    """An attached file was deleted."""

    id: str
    visibility: str


class RecordChanged(Struct, frozen=True):
    """Something that is no ticket was made, changed or deleted: a user, a key, a queue. Its type is ``kind.action``."""

    kind: str
    action: str
    id: str
    name: str
    changes: list[Change] = []


TicketFact = (
    TicketCreated
    | NoteAdded
    | StatusChanged
    | TicketChanged
    | TicketAssigned
    | TicketRouted
    | WatcherChanged
    | TicketLinked
    | TicketUnlinked
    | TicketMerged
    | TicketUnmerged
    | AttachmentAdded
    | AttachmentRemoved
)
Fact = TicketFact | RecordChanged

FOR_CUSTOMERS = {"ticket.created", "ticket.status_changed", "ticket.merged", "ticket.unmerged"}
BY_VISIBILITY = {"note.added", "attachment.added", "attachment.removed"}
"""Events that customers see when what they are about is public."""
FIELDS_FOR_CUSTOMERS = {
    "title",
    "issue_type",
    "contact",
    "severity",
    "priority",
    "impact",
    "asked_severity",
    "asked_priority",
    "external_ids",
}

RECORDS_FOR_CUSTOMERS = {"company", "user", "api_key", "service", "subscription"}
"""Kinds of things that are no tickets whose changes the admins of their company may know."""


class Named(Protocol):
    """Something that has an id and a name."""

    @property
    def id(self) -> UUID:
        """Its id."""

    @property
    def name(self) -> str:
        """Its name."""


def record(kind: str, action: str, one: Named, changes: Sequence[Change] = ()) -> RecordChanged:
    """The fact that something was made, changed or deleted."""
    return RecordChanged(kind, action, str(one.id), one.name, list(changes))


def first_values(made: Struct, fields: frozenset[str]) -> list[Change]:
    """The values that something new begins with, of these fields."""
    return [Change(name, None, getattr(made, name)) for name in made.__struct_fields__ if name in fields]


def changes_between(before: Struct, after: Struct) -> list[Change]:
    """What differs between two values of one kind, field by field."""
    pairs = ((name, getattr(before, name), getattr(after, name)) for name in before.__struct_fields__)
    return [Change(name, was, now) for name, was, now in pairs if was != now]


def for_customer(kind: str, data: dict[str, Any]) -> dict[str, Any] | None:
    """What a customer may know of an event: its data, some of it, or None when it is the provider's alone."""
    if kind in FOR_CUSTOMERS:
        return data
    if kind in BY_VISIBILITY:
        return data if data["visibility"] == "public" else None
    if kind == "ticket.changed":
        shown = [change for change in data["changes"] if change["field"] in FIELDS_FOR_CUSTOMERS]
        return {"changes": shown} if shown else None
    return None
