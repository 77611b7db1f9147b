"""The sub-status of a ticket, why it waits, what was found and done."""

from datetime import datetime

from clearline.platform.database.transactions import Tx
from clearline.tickets.columns import binder, next_version, only
from clearline.tickets.domain import Ticket

_bind = binder(only({"sub_status", "waiting", "closure"}))
_bind_closure = binder(only({"company_id", "number", "closure"}))
_SAVE = f"""
    update ticket set sub_status = $5, waiting = $6::jsonb, closure = $7::jsonb, {next_version("$3", visible="$4")}
     where company_id = $1 and number = $2"""


async def save(tx: Tx, ticket: Ticket, *, is_visible: bool, now: datetime) -> None:
    """Store what goes with the status of a locked ticket, and increment its version; see ``store.save_values``."""
    await tx.write(_SAVE, ticket.company_id, ticket.number, now, is_visible, *_bind(ticket))


async def save_closure(tx: Tx, ticket: Ticket) -> None:
    """Store what was found and done on a locked ticket whose version the new status increments."""
    await tx.write(
        "update ticket set closure = $3::jsonb where company_id = $1 and number = $2",
        *_bind_closure(ticket),
    )
