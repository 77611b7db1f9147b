"""Bring tickets back whose reminders are due."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec.structs import replace

from clearline.accounts import user_store
from clearline.events.domain import TicketAssigned, TicketFact, TicketReminded
from clearline.identity import PROVIDER_ID
from clearline.platform.database.transactions import Tx
from clearline.platform.work.timer_store import Timer
from clearline.tickets import store as ticket_store
from clearline.tickets.change_usecases import AUTOMATIC
from clearline.tickets.domain import Status, Ticket, can_be_assigned, values_of
from clearline.tickets.reminders import store as reminder_store
from clearline.tickets.status_domain import change_status

BY_REMINDER = "reminder"
"""``by`` of a ``ticket.assigned``: the reminder was due, and its assignee works no tickets any more."""
BUSY = timedelta(seconds=1)
"""When a reminder is tried again whose ticket another transaction has locked."""
_WAITING = (Status.PENDING, Status.HELD)


async def fire(tx: Tx, timers: Sequence[Timer], now: datetime) -> Mapping[Timer, datetime]:
    """Bring back the tickets of due reminders; return the timers that are due again, and when.

    A ticket that waits is in progress again. One whose assignee works no tickets any more loses it, and so waits in its
    queue. The reminder ends. The timer of a reminder that ended before, or was set to a later moment, does nothing.
    """
    locked = await reminder_store.lock_free(tx, [(timer.company_id, timer.subject) for timer in timers])
    tickets = {ticket.number: ticket for ticket in locked}
    works: dict[UUID, bool] = {}
    again: dict[Timer, datetime] = {}
    for timer in timers:
        ticket = tickets.get(timer.subject)
        if ticket is None:
            again[timer] = now + BUSY
        elif ticket.reminder is not None and ticket.reminder.at > now:
            again[timer] = ticket.reminder.at
        elif ticket.reminder is not None:
            if ticket.assignee_id is not None and ticket.assignee_id not in works:
                user = await user_store.get(tx, PROVIDER_ID, ticket.assignee_id)
                works[ticket.assignee_id] = user is not None and can_be_assigned(user)
            is_returned = ticket.assignee_id is not None and not works[ticket.assignee_id]
            await _remind(tx, ticket, is_returned=is_returned, now=now)
    return again


async def _remind(tx: Tx, ticket: Ticket, *, is_returned: bool, now: datetime) -> None:
    """Bring back a locked ticket; ``is_returned`` is whether it loses its assignee."""
    reminder = ticket.reminder
    if reminder is None:
        return
    facts: list[TicketFact] = [TicketReminded(reminder.at, reminder.reason, reminder.set_by)]
    values = replace(values_of(ticket), reminder=None)
    if is_returned:
        facts.append(TicketAssigned(str(ticket.assignee_id), None, BY_REMINDER))
        values = replace(values, assignee_id=None)
    await ticket_store.save_values(tx, ticket.company_id, ticket.number, values, is_visible=False, now=now)
    await ticket_store.append_facts(tx, AUTOMATIC, ticket.company_id, ticket.number, facts, now=now)
    if ticket.status in _WAITING:  # customers see this event, so that the reason of the reminder stays out of it
        moved, fact = change_status(ticket, Status.IN_PROGRESS, reason="", now=now)
        await ticket_store.save_status(tx, AUTOMATIC, moved, fact, opened=0)
