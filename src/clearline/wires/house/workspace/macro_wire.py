"""House API v1: macros, exactly as they travel."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, field

from clearline.catalogue.assessment import Priority
from clearline.reminders import domain as reminder
from clearline.tickets import note_domain as note
from clearline.tickets.domain import Status
from clearline.tickets.note_domain import Visibility
from clearline.tickets.status_domain import REACHABLE
from clearline.wires.house.tickets.progress_wire import ClosureIn, Key, WaitingIn
from clearline.wires.house.tickets.wire import Tags, TicketOut
from clearline.wires.house.wire import FieldValues, Id, Name, NoteId
from clearline.wires.http.fields import characters
from clearline.wires.http.one_of import OneOf

MacroText = Annotated[str, characters(0, note.TEXT_MAX)]
Reached = OneOf[str, REACHABLE]
"""Every status that a ticket can move to."""


Wait = Annotated[
    str,
    Meta(
        max_length=reminder.WAIT_MAX,
        description="Minutes, hours or days after its use: `90m`, `4h`, `2d`; or a time of a later day, in the time "
        "zone of who uses it: `tomorrow 09:00`, `next working day 09:00`, `3d 09:00`.",
    ),
]


class MacroReminder(Struct, frozen=True, forbid_unknown_fields=True):
    """The reminder that a macro sets: when after its use the ticket comes back, and why.

    With ``cancelled_by_answer`` an answer of the customer removes it.
    """

    wait: Wait
    reason: Annotated[str, characters(0, reminder.REASON_MAX)] = ""
    cancelled_by_answer: bool = False


class MacroIn(Struct, forbid_unknown_fields=True):
    """A macro to add: a reply, and what else it does. Without ``text`` it writes no note. It must do something.

    ``sub_status``, ``waiting`` and ``closure`` go with its status. ``fields`` are values of own fields that it sets, or
    clears with null.
    """

    name: Name
    text: MacroText = ""
    visibility: Visibility = Visibility.PUBLIC
    status: Reached | None = None
    queue_id: UUID | None = None
    priority: Priority | None = None
    add_tags: Tags = field(default_factory=list)
    sub_status: Key | None = None
    waiting: WaitingIn | None = None
    closure: ClosureIn | None = None
    fields: FieldValues = field(default_factory=dict)
    reminder: MacroReminder | None = None


class MacroPatch(Struct, forbid_unknown_fields=True):
    """What to change (RFC 7396). ``fields`` replaces all values of own fields, ``reminder`` the whole reminder."""

    name: Name | UnsetType = UNSET
    text: MacroText | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET
    status: Reached | UnsetType | None = UNSET
    queue_id: UUID | UnsetType | None = UNSET
    priority: Priority | UnsetType | None = UNSET
    add_tags: Tags | UnsetType = UNSET
    sub_status: Key | UnsetType | None = UNSET
    waiting: WaitingIn | UnsetType | None = UNSET
    closure: ClosureIn | UnsetType | None = UNSET
    fields: FieldValues | UnsetType = UNSET
    reminder: MacroReminder | UnsetType | None = UNSET


class MacroOut(Struct, frozen=True):
    """A macro, with the placeholders of its text."""

    id: Id
    name: str
    text: str
    visibility: Visibility
    status: Status | None
    queue_id: Id | None
    priority: Priority | None
    add_tags: list[str]
    sub_status: str | None
    waiting: WaitingIn | None
    closure: ClosureIn | None
    fields: FieldValues
    reminder: MacroReminder | None


class MacroUseIn(Struct, forbid_unknown_fields=True):
    """The macro to use; with ``preview`` it changes nothing."""

    macro: UUID
    preview: bool = False


class MacroUseOut(Struct, frozen=True):
    """The text that a macro wrote, or would write, and the ticket as it is now. ``note`` is null when it wrote none."""

    text: str
    visibility: Visibility
    note: NoteId | None
    ticket: TicketOut
