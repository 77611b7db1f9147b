"""What undoes an action on many tickets."""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import UNSET, Struct
from msgspec.structs import asdict

from clearline.bulk.domain import Action, Assign, ChangeStatus, ChangeTags, ChangeValues
from clearline.tickets.domain import Ticket
from clearline.tickets.status_domain import TRANSITIONS

UNDO_FOR = timedelta(minutes=10)
"""How long a change can be undone."""


class TicketChange(Struct, frozen=True):
    """A ticket that a change of many changed, to ``version``.

    ``inverse`` is the action that undoes it, None if there is none. ``refusal`` is why the undoing, tried at
    ``tried_at``, was refused; empty if it was not.
    """

    number: int
    version: int
    inverse: Action | None
    changed_at: datetime
    tried_at: datetime | None = None
    refusal: str = ""


class UndoableChange(Struct, frozen=True):
    """A change of many tickets that can be undone for ``tickets`` of them."""

    id: UUID
    tickets: int


def inverse_of(action: Action, before: Ticket) -> Action | None:
    """Return the action that gives a ticket the values that it had ``before``; None if there is none.

    A status that has no transition back to the one before, and a note, cannot be undone.
    """
    match action:
        case ChangeStatus(to):
            return ChangeStatus(before.status) if before.status in TRANSITIONS[to] else None
        case Assign():
            return Assign(before.assignee_id)
        case ChangeValues():
            names = [name for name, value in asdict(action).items() if value is not UNSET]
            return ChangeValues(**{name: getattr(before, name) for name in names})
        case ChangeTags(add, remove):
            had = set(before.tags)
            lacked = tuple(tag for tag in add if tag.lower() not in had)
            return ChangeTags(tuple(tag for tag in remove if tag.lower() in had), lacked)
    return None
