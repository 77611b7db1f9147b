"""Tickets whose reminders are due."""

from collections.abc import Sequence
from uuid import UUID

from clearline.platform.database.transactions import Tx
from clearline.tickets import store as ticket_store
from clearline.tickets.columns import TICKET, ticket_of
from clearline.tickets.domain import Ticket
from clearline.tickets.progress import store as progress_store

Rows = list[tuple[object, ...]]


async def save(tx: Tx, values: Rows, facts: Rows, moves: Rows) -> None:
    """Store the values, the events and then the statuses of many tickets, each kind in one round trip.

    The rows are those of ``ticket_store.values_row`` and ``fact_row`` and ``progress_store.status_row``.
    """
    for statement, rows in (
        (ticket_store.SAVE_VALUES, values),
        (ticket_store.APPEND_FACT, facts),
        (progress_store.CHANGE_STATUS, moves),
    ):
        if rows:
            await tx.write_many(statement, rows)


LOCK_FREE = f"""
    select {TICKET} from unnest($1::uuid[], $2::bigint[]) due (company_id, number)
      join ticket t on t.company_id = due.company_id and t.number = due.number
     order by t.company_id, t.number for update of t skip locked"""


async def lock_free(tx: Tx, keys: Sequence[tuple[UUID, int]]) -> list[Ticket]:
    """Lock tickets, by company and number, until the transaction ends, and return them.

    Those that another transaction has locked are left out. Served by the primary key.
    """
    rows = await tx.fetch(LOCK_FREE, [company_id for company_id, _ in keys], [number for _, number in keys])
    return [ticket_of(row) for row in rows]
