"""Desktop notices: what a browser shows its person at once, even while another program has the screen."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from clearline.accounts import permissions
from clearline.catalogue.assessment import Priority
from clearline.events.event_types import EventType
from clearline.events.store import Event
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.queues import usecases as queues
from clearline.tickets import list_usecases as ticket_lists
from clearline.tickets.domain import TicketView
from clearline.tickets.status_domain import FINISHED

_QUEUES_MAX = 200


class NoticeReason(StrEnum):
    """Why a person gets a desktop notice of a ticket. The earlier of two reasons is given."""

    ASSIGNED = "assigned"
    """Somebody else, or a rule, assigned the ticket to the person."""
    CRITICAL = "critical"
    """The ticket became critical in a queue of the person's teams, or came into it while critical."""


class DesktopNotice(NamedTuple):
    """A ticket that a person is to look at, as it is now."""

    reason: NoticeReason
    view: TicketView


async def desktop_notices(tx: Tx, actor: Actor, events: Sequence[Event]) -> list[DesktopNotice]:
    """Return the notices that events make for the actor, one for each ticket, in the order of the events.

    The actor's own actions make none, and neither does what is no longer so: the ticket is closed, another person's, or
    less urgent now.
    """
    permissions.require_staff(actor, Scope.TICKETS_READ)
    me = None if actor.user is None else actor.user.id
    others = [event for event in events if event.ticket_number is not None and event.actor_id != me]
    assigned = {event.ticket_number for event in others if _assigns(event, me)}
    critical = {event.ticket_number for event in others if _may_be_critical(event)}
    touched = dict.fromkeys(event.ticket_number for event in others if event.ticket_number is not None)
    numbers = [number for number in touched if number in assigned or number in critical]
    if not numbers:
        return []
    views = {view.ticket.number: view for view in await ticket_lists.list_numbered(tx, actor, numbers)}
    mine = {queue.id for queue, is_mine in await queues.name_queues(tx, actor, limit=_QUEUES_MAX) if is_mine}
    notices = []
    for number in numbers:
        view = views.get(number)
        if view is None or view.ticket.status in FINISHED:
            continue
        if number in assigned and view.ticket.assignee_id == me:
            notices.append(DesktopNotice(NoticeReason.ASSIGNED, view))
        elif number in critical and view.ticket.priority is Priority.CRITICAL and view.ticket.queue_id in mine:
            notices.append(DesktopNotice(NoticeReason.CRITICAL, view))
    return notices


def _assigns(event: Event, user_id: UUID | None) -> bool:
    return event.type == EventType.TICKET_ASSIGNED and user_id is not None and event.data["after"] == str(user_id)


def _may_be_critical(event: Event) -> bool:
    """Return whether an event may bring a critical ticket into a queue."""
    if event.type == EventType.TICKET_CREATED:
        return bool(event.data["priority"] == Priority.CRITICAL)
    if event.type == EventType.TICKET_CHANGED:
        changes = event.data["changes"]
        return any(change["field"] == "priority" and change["after"] == Priority.CRITICAL for change in changes)
    return event.type == EventType.TICKET_ROUTED and event.data["after"] is not None
