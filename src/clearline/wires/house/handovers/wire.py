"""House API v1: handovers of shifts, exactly as they travel."""

from typing import Annotated

from msgspec import Struct

from clearline.catalogue.assessment import Priority
from clearline.handovers.domain import NOTE_MAX
from clearline.tickets.domain import Status
from clearline.wires.house.wire import Id, Moment, Number, Ref
from clearline.wires.http.fields import characters


class HandoverIn(Struct, forbid_unknown_fields=True):
    """A shift to sign off. What is open now is kept with the note."""

    note: Annotated[str, characters(0, NOTE_MAX)] = ""


class HandedOverTicket(Struct, frozen=True):
    """A ticket as it was when a shift was signed off. ``assignee`` is a name."""

    number: Number
    title: str
    company: str
    status: Status
    priority: Priority
    assignee: str | None
    updated_at: Moment


class HandedOverTickets(Struct, frozen=True):
    """Tickets of a kind. ``has_more``: there were others."""

    tickets: list[HandedOverTicket]
    has_more: bool


class HandoverOut(Struct, frozen=True):
    """A shift that was signed off. ``open_count`` is the number of open tickets, or at least that when not exact."""

    id: Id
    signed_at: Moment
    signed_by: Ref
    note: str
    open_count: int
    open_is_exact: bool


class HandoverDetailsOut(HandoverOut, frozen=True):
    """A handover with what was open then: critical tickets, those on hold, and those longest without a change."""

    critical: HandedOverTickets
    held: HandedOverTickets
    longest: HandedOverTickets
