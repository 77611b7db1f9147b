"""Assign a ticket to the agent who begins a reply in it, unless it has an assignee."""

from datetime import datetime

from clearline.accounts import permissions
from clearline.drafts import assignment_store
from clearline.errors import Forbidden
from clearline.identity import Actor, Scope, User
from clearline.platform.database.transactions import Tx
from clearline.text import is_blank
from clearline.tickets import access
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import can_be_assigned
from clearline.tickets.note_domain import Visibility


async def begin_draft(tx: Tx, actor: Actor, number: int, text: str, *, visibility: Visibility, now: datetime) -> bool:
    """Assign an open ticket without an assignee to the agent who begins a reply; return whether that was done.

    Call this before the draft is saved: only the first draft of a reply assigns a ticket. Of two agents who begin at
    the same time one gets it. Nothing is done for an internal note, a blank text, somebody who works no tickets or
    turned it off, and an agent who undid it on this ticket.

    Raises:
        NotFound: no such ticket for this actor.
    """
    user = _agent(actor)
    if visibility is not Visibility.PUBLIC or is_blank(text) or not can_be_assigned(user):
        return False
    company_id = await access.require_ticket(tx, actor, number)
    if not await assignment_store.can_assign(tx, user, company_id, number):
        return False
    await ticket_changes.lock_ticket(tx, actor, number)
    if not await assignment_store.can_assign(tx, user, company_id, number):
        return False
    await ticket_changes.assign(tx, actor, number, user.id, now=now)
    return True


async def undo_assignment(tx: Tx, actor: Actor, number: int, *, now: datetime) -> None:
    """Take the ticket from the actor, and do not assign it to the actor again because of a reply.

    A ticket that somebody else was assigned meanwhile stays with that agent.

    Raises:
        TicketFinished: the ticket is closed, cancelled or rejected.
    """
    user = _agent(actor)
    view = await ticket_changes.lock_ticket(tx, actor, number)
    await assignment_store.insert_undone(tx, user, number, now=now)
    if view.ticket.assignee_id == user.id:
        await ticket_changes.assign(tx, actor, number, None, now=now)


async def is_on(tx: Tx, actor: Actor) -> bool:
    """Return whether tickets are assigned to the actor when it begins a reply."""
    permissions.require_staff(actor, Scope.TICKETS_READ)
    user = actor.user
    return user is not None and can_be_assigned(user) and not await assignment_store.is_off(tx, user)


async def set_on(tx: Tx, actor: Actor, *, is_on: bool) -> None:
    """Set whether tickets are assigned to the actor when it begins a reply."""
    user = _agent(actor)
    if is_on:
        await assignment_store.turn_on(tx, user)
    else:
        await assignment_store.turn_off(tx, user)


def _agent(actor: Actor) -> User:
    permissions.require_staff(actor, Scope.TICKETS_WRITE)
    if actor.user is None:
        raise Forbidden("only people are assigned a ticket by writing")
    return actor.user
