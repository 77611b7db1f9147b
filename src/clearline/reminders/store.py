"""The timers of reminders, and reminders that end before they are due."""

from datetime import datetime
from uuid import UUID

from msgspec import json

from clearline.events.domain import Change, TicketChanged
from clearline.events.store import actor_id, encode
from clearline.identity import Actor
from clearline.platform.database.transactions import Tx
from clearline.platform.work import timer_store
from clearline.reminders.domain import KIND, Reminder

ENDED = """jsonb_build_object('changes', jsonb_build_array(
                    jsonb_build_object('field', 'reminder', 'before', {}, 'after', null)))"""
"""The data of the event of a reminder that ended, with room for the reminder; as ``end`` stores it."""

_END = """
    with ended as (
        update ticket set reminder = null, reminder_at = null where company_id = $1 and number = $2
        returning version, version - internal_changes as customer_version
    )
    insert into event (company_id, at, type, ticket_number, actor_id, actor_name, data, ticket_version,
                       customer_version)
    select $1, $3, $4, $2, $5, $6, $7, version, customer_version from ended
    """


async def end(tx: Tx, actor: Actor, company_id: UUID, number: int, reminder: Reminder, *, now: datetime) -> None:
    """Remove the reminder of a locked ticket, by the change that the present version is of; store the event."""
    kind, data = encode(TicketChanged([Change("reminder", reminder, None)]))
    await tx.write(_END, company_id, number, now, kind, actor_id(actor), actor.name, data)
    await save_timer(tx, company_id, number, None)


async def put(tx: Tx, company_id: UUID, number: int, reminder: Reminder) -> None:
    """Give a ticket that is new in this transaction a reminder."""
    await tx.write(
        "update ticket set reminder = $3, reminder_at = $4 where company_id = $1 and number = $2",
        company_id,
        number,
        json.encode(reminder).decode(),
        reminder.at,
    )
    await save_timer(tx, company_id, number, reminder)


async def save_timer(tx: Tx, company_id: UUID, number: int, reminder: Reminder | None) -> None:
    """Store when the reminder of a locked ticket is due; without one nothing is due."""
    if reminder is None:
        await timer_store.delete(tx, company_id, KIND, number)
    else:
        await timer_store.put(tx, company_id, KIND, number, reminder.at)
