"""Facts: what happened. A fact is stored as an event by the transaction that makes it true, and never changes.

An event does not repeat text that people wrote: the ticket and its notes hold it once.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Protocol
from uuid import UUID

from msgspec import Meta, Struct

from clearline.events.event_types import EventType


class Change(Struct, frozen=True, omit_defaults=True):
    """One value before and after. ``is_public`` is whether customers saw it when it changed: so with own fields."""

    field: str
    before: Any
    after: Any
    is_public: bool = False


class TicketCreated(Struct, frozen=True, omit_defaults=True, tag=EventType.TICKET_CREATED.value, tag_field="type"):
    """A ticket was raised. ``sends_receipt`` is there only when it is false: the contact gets no mail about it."""

    status: str
    priority: str
    channel: str
    sends_receipt: bool = True


class NoteAdded(Struct, frozen=True, tag=EventType.NOTE_ADDED.value, tag_field="type"):
    """A note was added. The event itself carries the note's number."""

    visibility: str
    source: str


class StatusChanged(Struct, frozen=True, omit_defaults=True, tag=EventType.STATUS_CHANGED.value, tag_field="type"):
    """A ticket moved from one status to another.

    ``sub_status`` is what it has under the new one, and ``waiting`` the reason to wait, its text and the name of the
    case that it waits for; customers do not see these.
    """

    before: str
    after: str
    reason: str
    sub_status: str | None = None
    waiting: dict[str, str] | None = None


class TicketChanged(Struct, frozen=True, tag=EventType.TICKET_CHANGED.value, tag_field="type"):
    """Values of a ticket were changed, other than those that have an event of their own."""

    changes: list[Change]


class TicketAssigned(Struct, frozen=True, tag=EventType.TICKET_ASSIGNED.value, tag_field="type"):
    """A ticket has another assignee, or none. ``by`` is manual, round_robin, least_loaded, bounce or reminder."""

    before: str | None
    after: str | None
    by: str


class TicketRouted(Struct, frozen=True, tag=EventType.TICKET_ROUTED.value, tag_field="type"):
    """A ticket went to another queue, or to none. ``rule`` is the routing rule, null when a person did it."""

    before: str | None
    after: str | None
    rule: str | None


class WatcherChanged(Struct, frozen=True, tag=EventType.TICKET_WATCHED.value, tag_field="type"):
    """Somebody began to watch a ticket, or stopped."""

    user_id: str
    watches: bool


class ContactAdded(Struct, frozen=True, tag=EventType.CONTACT_ADDED.value, tag_field="type"):
    """A ticket has one more contact, with its roles."""

    name: str
    email: str
    roles: list[str]


class ContactChanged(Struct, frozen=True, tag=EventType.CONTACT_CHANGED.value, tag_field="type"):
    """The name, phone or roles of one of a ticket's contacts changed. ``name`` and ``email`` are those after it."""

    name: str
    email: str
    changes: list[Change]


class ContactRemoved(Struct, frozen=True, tag=EventType.CONTACT_REMOVED.value, tag_field="type"):
    """A ticket has one contact less."""

    name: str
    email: str
    roles: list[str]


class CopyAdded(Struct, frozen=True, tag=EventType.CC_ADDED.value, tag_field="type"):
    """An address gets copies of a ticket's mail."""

    name: str
    email: str


class CopyRemoved(Struct, frozen=True, tag=EventType.CC_REMOVED.value, tag_field="type"):
    """An address gets no more copies of a ticket's mail."""

    name: str
    email: str


class CaseAdded(Struct, frozen=True, tag=EventType.CASE_ADDED.value, tag_field="type"):
    """A ticket has one more case at a third party: its id, the party, its number there, the values that it has."""

    id: str
    party: str
    number: str
    changes: list[Change]


class CaseChanged(Struct, frozen=True, tag=EventType.CASE_CHANGED.value, tag_field="type"):
    """Values of a case at a third party changed. ``party`` and ``number`` are those after it."""

    id: str
    party: str
    number: str
    changes: list[Change]


class CaseRemoved(Struct, frozen=True, tag=EventType.CASE_REMOVED.value, tag_field="type"):
    """A ticket has one case less. ``changes`` are the values that it had."""

    id: str
    party: str
    number: str
    changes: list[Change]


class TicketLinked(Struct, frozen=True, tag=EventType.TICKET_LINKED.value, tag_field="type"):
    """A ticket was linked to another."""

    link: str
    other: str


class TicketUnlinked(Struct, frozen=True, tag=EventType.TICKET_UNLINKED.value, tag_field="type"):
    """A link between tickets was removed."""

    link: str
    other: str


class TicketMerged(Struct, frozen=True, tag=EventType.TICKET_MERGED.value, tag_field="type"):
    """A ticket was merged into another, its number ``into``."""

    into: str


class TicketUnmerged(Struct, frozen=True, tag=EventType.TICKET_UNMERGED.value, tag_field="type"):
    """A merge was undone."""

    into: str


class AttachmentAdded(Struct, frozen=True, tag=EventType.ATTACHMENT_ADDED.value, tag_field="type"):
    """A file was attached."""

    id: str
    size: int
    visibility: str


class AttachmentRemoved(Struct, frozen=True, tag=EventType.ATTACHMENT_REMOVED.value, tag_field="type"):
    """An attached file was deleted."""

    id: str
    visibility: str


class TicketReminded(Struct, frozen=True, tag=EventType.TICKET_REMINDED.value, tag_field="type"):
    """The reminder of a ticket was due. ``set_by`` is the name of who set it."""

    at: Annotated[datetime, Meta(tz=True)]
    reason: str
    set_by: str


class TicketRated(Struct, frozen=True, tag=EventType.TICKET_RATED.value, tag_field="type"):
    """A customer rated how a ticket was resolved. ``before`` is the rating that it replaces."""

    id: str
    before: str | None
    after: str


class TicketRedacted(Struct, frozen=True, tag=EventType.TICKET_REDACTED.value, tag_field="type"):
    """Words of a ticket, or a file, were removed for good. ``target`` is where they were found.

    ``count`` is how many texts or files held them: of those that the customer sees, if ``visibility`` is public.
    """

    id: str
    target: str
    visibility: str
    count: int


class RecordChanged(Struct, frozen=True):
    """Something other than a ticket was created, changed or deleted: a user, a key, a queue.

    Its type is ``kind.action``, which must have a row in the table of event types.
    """

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
    | ContactAdded
    | ContactChanged
    | ContactRemoved
    | CopyAdded
    | CopyRemoved
    | CaseAdded
    | CaseChanged
    | CaseRemoved
    | TicketLinked
    | TicketUnlinked
    | TicketMerged
    | TicketUnmerged
    | AttachmentAdded
    | AttachmentRemoved
    | TicketReminded
    | TicketRated
    | TicketRedacted
)
Fact = TicketFact | RecordChanged


class Named(Protocol):
    """Something that has an id and a name."""

    @property
    def id(self) -> UUID | str:
        """Its id, or the key that it has in a list of the provider."""

    @property
    def name(self) -> str:
        """Its name."""


class Fields(Protocol):
    """A struct, whose fields can be compared."""

    __struct_fields__: ClassVar[tuple[str, ...]]


def record(kind: str, action: str, subject: Named, changes: Sequence[Change] = ()) -> RecordChanged:
    """Return the fact that a record was created, changed or deleted."""
    return RecordChanged(kind, action, str(subject.id), subject.name, list(changes))


def first_values(created: Struct, fields: frozenset[str]) -> list[Change]:
    """Return the values of these fields that something new begins with, as changes from nothing."""
    return [Change(name, None, getattr(created, name)) for name in created.__struct_fields__ if name in fields]


def changes_between(before: Fields, after: Fields) -> list[Change]:
    """Return what differs between two values of one kind, field by field."""
    pairs = ((name, getattr(before, name), getattr(after, name)) for name in before.__struct_fields__)
    return [Change(name, was, now) for name, was, now in pairs if was != now]
