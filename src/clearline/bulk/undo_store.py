"""What undoes the latest changes of many tickets."""

from datetime import datetime
from uuid import UUID

import msgspec

from clearline.bulk.undo_domain import Inverse, TicketChange, UndoableChange
from clearline.identity import User
from clearline.platform.database.transactions import Record, Tx

_COLUMNS = "ticket_number, version, inverse, changed_at, tried_at, refusal"
_inverse = msgspec.json.Decoder(Inverse).decode


def _change(row: Record) -> TicketChange:
    number, version, inverse, *times = row
    return TicketChange(number, version, None if inverse is None else _inverse(inverse), *times)


async def save(
    tx: Tx, user: User, change_id: UUID, number: int, inverse: Inverse | None, refusal: str, *, now: datetime
) -> None:
    """Store what undoes the change of a ticket that this transaction changed, or why nothing does.

    Served by ``ticket_by_number``.
    """
    await tx.write(
        """insert into bulk_change (company_id, user_id, id, ticket_number, version, inverse, changed_at, refusal)
           select $1, $2, $3, t.number, t.version, $5, $6, $7 from ticket t where t.number = $4
           on conflict (company_id, user_id, id, ticket_number) do update
              set version = excluded.version, inverse = excluded.inverse, changed_at = excluded.changed_at,
                  refusal = excluded.refusal, tried_at = null""",
        user.company_id,
        user.id,
        change_id,
        number,
        None if inverse is None else msgspec.json.encode(inverse).decode(),
        now,
        refusal,
    )


async def of_change(tx: Tx, user: User, change_id: UUID) -> list[TicketChange]:
    """Return the tickets that a change of a user changed, by number. Served by the primary key."""
    rows = await tx.fetch(
        f"""select {_COLUMNS} from bulk_change
             where company_id = $1 and user_id = $2 and id = $3 order by ticket_number""",
        user.company_id,
        user.id,
        change_id,
    )
    return [_change(row) for row in rows]


async def lock(tx: Tx, user: User, change_id: UUID, number: int) -> TicketChange | None:
    """Lock what undoes the change of a ticket until the transaction ends; return it, or None."""
    row = await tx.fetchrow(
        f"""select {_COLUMNS} from bulk_change
             where company_id = $1 and user_id = $2 and id = $3 and ticket_number = $4 for update""",
        user.company_id,
        user.id,
        change_id,
        number,
    )
    return None if row is None else _change(row)


async def newest(tx: Tx, user: User, *, since: datetime) -> UndoableChange | None:
    """Return a user's newest change that can be undone and was made since a time, or None.

    Served by ``bulk_change_untried``.
    """
    row = await tx.fetchrow(
        """select id, count(*) from bulk_change
            where company_id = $1 and user_id = $2 and changed_at > $3 and inverse is not null and tried_at is null
            group by id order by max(changed_at) desc limit 1""",
        user.company_id,
        user.id,
        since,
    )
    return None if row is None else UndoableChange(*row)


async def finish(tx: Tx, user: User, change_id: UUID, number: int, refusal: str, *, now: datetime) -> None:
    """Store that the undoing of a change was tried, and why it was refused; empty if it was not."""
    await tx.write(
        """update bulk_change set tried_at = $5, refusal = $6
            where company_id = $1 and user_id = $2 and id = $3 and ticket_number = $4 and tried_at is null""",
        user.company_id,
        user.id,
        change_id,
        number,
        now,
        refusal,
    )


async def purge(tx: Tx, *, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` of the oldest rows from before a time; return how many.

    Served by ``bulk_change_by_time``.
    """
    row = await tx.write(
        """
        with old as (
            select company_id, user_id, id, ticket_number from bulk_change
             where changed_at < $1 order by changed_at limit $2
        ), deleted as (
            delete from bulk_change c using old
             where (c.company_id, c.user_id, c.id, c.ticket_number)
                 = (old.company_id, old.user_id, old.id, old.ticket_number) returning 1
        )
        select count(*) from deleted
        """,
        before,
        limit,
    )
    return 0 if row is None else int(row[0])
