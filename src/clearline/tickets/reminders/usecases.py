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
from clearline.reminders.domain import Reminder
from clearline.tickets import store as ticket_store
from clearline.tickets.change_usecases import AUTOMATIC
from clearline.tickets.domain import Status, Ticket, TicketValues, can_be_assigned, values_of
from clearline.tickets.progress import store as progress_store
from clearline.tickets.reminders import store as reminder_store
from clearline.tickets.reminders.store import Rows
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
    values: Rows = []
    facts: Rows = []
    moves: Rows = []
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
            after, happened = _reminded(ticket, ticket.reminder, is_returned=is_returned)
            key = ticket.company_id, ticket.number
            values.append(ticket_store.values_row(key, after, is_visible=False, now=now))
            facts += [ticket_store.fact_row(AUTOMATIC, *key, fact, now=now) for fact in happened]
            if ticket.status in _WAITING:  # customers see this event: the reason of the reminder stays out of it
                moved, fact = change_status(ticket, Status.IN_PROGRESS, reason="", now=now)
                moves.append(progress_store.status_row(AUTOMATIC, moved, fact, opened=0))
    await reminder_store.save(tx, values, facts, moves)
    return again


def _reminded(ticket: Ticket, reminder: Reminder, *, is_returned: bool) -> tuple[TicketValues, list[TicketFact]]:
    """Return the values of a ticket that comes back, and its events; ``is_returned``: it loses its assignee."""
    facts: list[TicketFact] = [TicketReminded(reminder.at, reminder.reason, reminder.set_by)]
    values = replace(values_of(ticket), reminder=None)
    if is_returned:
        facts.append(TicketAssigned(str(ticket.assignee_id), None, BY_REMINDER))
        values = replace(values, assignee_id=None)
    return values, facts
