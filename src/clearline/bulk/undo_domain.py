"""What undoes an action on many tickets."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from clearline.bulk.domain import Action, Assign, ChangeStatus, ChangeTags, ChangeValues
from clearline.fields.value_domain import changed_fields
from clearline.reminders.domain import change_to
from clearline.tickets.domain import Ticket
from clearline.tickets.progress.facts import StatusFacts
from clearline.tickets.status_domain import TRANSITIONS

UNDO_FOR = timedelta(minutes=10)
"""How long a change can be undone."""


class Inverse(Struct, frozen=True):
    """The actions that undo a change of a ticket, in their order. A message that the change added may stay."""

    actions: tuple[Action, ...]
    keeps_message: bool = False


class TicketChange(Struct, frozen=True):
    """A ticket that a change of many changed, to ``version``.

    ``inverse`` is what undoes it, None if nothing does. ``refusal`` is why nothing does, or why the undoing, tried at
    ``tried_at``, was refused; empty if it was not.
    """

    number: int
    version: int
    inverse: Inverse | None
    changed_at: datetime
    tried_at: datetime | None = None
    refusal: str = ""


class UndoableChange(Struct, frozen=True):
    """A change of many tickets that can be undone for ``tickets`` of them."""

    id: UUID
    tickets: int


def inverse_of(before: Ticket, after: Ticket) -> tuple[Action, ...] | None:
    """Return the actions that give a ticket the values that it had ``before`` a change.

    None if its status has no transition back.
    """
    actions: list[Action] = []
    if after.status is not before.status:
        if before.status not in TRANSITIONS[after.status]:
            return None
        actions.append(ChangeStatus(before.status, facts=StatusFacts(before.sub_status, before.waiting)))
    names = ("priority", "severity", "queue_id")
    values: dict[str, Any] = {
        name: getattr(before, name) for name in names if getattr(before, name) != getattr(after, name)
    }
    if after.reminder != before.reminder:
        values["reminder"] = None if before.reminder is None else change_to(before.reminder)
    if changed := changed_fields(after.fields, before.fields):
        values["fields"] = changed
    if values:
        actions.append(ChangeValues(**values))
    if after.assignee_id != before.assignee_id:
        actions.append(Assign(before.assignee_id))
    had, has = set(before.tags), set(after.tags)
    if had != has:
        actions.append(ChangeTags(tuple(sorted(had - has)), tuple(sorted(has - had))))
    return tuple(actions)
