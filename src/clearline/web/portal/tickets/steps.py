"""How far a ticket is, as four steps that a customer understands."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from clearline.events.event_types import EventType
from clearline.events.store import Event
from clearline.tickets.domain import Status, Ticket
from clearline.tickets.links.domain import TicketNote
from clearline.tickets.note_domain import Source
from clearline.tickets.status_domain import FINISHED
from clearline.web import looks
from clearline.web.words import gettext

_SOLVED = {Status.RESOLVED, Status.CLOSED}


class Step(Struct, frozen=True):
    """A step with the time at which it was reached, if it was. ``state`` is done, current or ahead."""

    label: str
    state: str
    at: datetime | None = None


def steps_of(ticket: Ticket, notes: Sequence[TicketNote], events: Sequence[Event]) -> list[Step]:
    """Return the steps of a ticket from its public notes and the events that its customer sees."""
    answers = (entry.note.created_at for entry in notes if entry.note.source == Source.SELLER)
    began_at = next((event.at for event in events if _began(event)), None)
    # Work that begins is an answer, too: the steps are reached in their order.
    answered_at = min((at for at in (next(answers, None), began_at) if at is not None), default=None)
    is_over = ticket.status in _SOLVED | FINISHED
    is_new = ticket.status is Status.ACKNOWLEDGED
    return [
        Step(gettext("Received"), "current" if is_new and answered_at is None else "done", ticket.created_at),
        _step(gettext("Answered"), answered_at, is_current=is_new and answered_at is not None),
        _step(gettext("Being fixed"), began_at, is_current=not (is_new or is_over)),
        _last(ticket, is_over=is_over),
    ]


def _began(event: Event) -> bool:
    return event.type == EventType.STATUS_CHANGED and event.data["after"] == Status.IN_PROGRESS


def _step(label: str, at: datetime | None, *, is_current: bool) -> Step:
    return Step(label, "current" if is_current else "ahead" if at is None else "done", at)


def _last(ticket: Ticket, *, is_over: bool) -> Step:
    if not is_over:
        return Step(gettext("Resolved"), "ahead")
    if ticket.status in _SOLVED:
        return Step(gettext("Resolved"), "done", ticket.resolved_at or ticket.status_changed_at)
    return Step(gettext(looks.CUSTOMER_STATUSES[ticket.status].label), "done", ticket.status_changed_at)
