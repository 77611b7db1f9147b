"""Who gets a ticket by beginning a reply: who turned that off, and who undid it."""

from datetime import datetime
from uuid import UUID

from clearline.identity import User
from clearline.platform.database.transactions import Tx


async def can_assign(tx: Tx, user: User, company_id: UUID, number: int) -> bool:
    """Return whether a reply that the user begins assigns the ticket of a company to it.

    The ticket is open and has no assignee, and the user has no draft of a reply yet, did not undo it before, and did
    not turn it off. Served by the primary keys.
    """
    answer: bool = await tx.fetchval(
        """select exists (select from ticket where company_id = $3 and number = $4 and assignee_id is null and is_open)
              and not exists (select from draft where company_id = $1 and user_id = $2 and ticket_number = $4
                                 and visibility = 'public')
              and not exists (select from undone_assignment where company_id = $1 and user_id = $2
                                 and ticket_number = $4)
              and not exists (select from assign_by_typing_off where company_id = $1 and user_id = $2)""",
        user.company_id,
        user.id,
        company_id,
        number,
    )
    return answer


async def insert_undone(tx: Tx, user: User, number: int, *, now: datetime) -> None:
    """Store that a user undid the assignment of a ticket."""
    await tx.write(
        """insert into undone_assignment (company_id, user_id, ticket_number, undone_at) values ($1, $2, $3, $4)
           on conflict (company_id, user_id, ticket_number) do update set undone_at = excluded.undone_at""",
        user.company_id,
        user.id,
        number,
        now,
    )


async def is_off(tx: Tx, user: User) -> bool:
    """Return whether a user turned it off. Served by the primary key."""
    answer: bool = await tx.fetchval(
        "select exists (select from assign_by_typing_off where company_id = $1 and user_id = $2)",
        user.company_id,
        user.id,
    )
    return answer


async def turn_off(tx: Tx, user: User) -> None:
    """Store that a user turned it off."""
    await tx.write(
        "insert into assign_by_typing_off (company_id, user_id) values ($1, $2) on conflict do nothing",
        user.company_id,
        user.id,
    )


async def turn_on(tx: Tx, user: User) -> None:
    """Store that a user turned it on again."""
    await tx.write("delete from assign_by_typing_off where company_id = $1 and user_id = $2", user.company_id, user.id)


async def purge(tx: Tx, *, before: datetime, limit: int) -> int:
    """Delete at most ``limit`` undone assignments before a time; return how many. Served by their index on the time."""
    row = await tx.write(
        """with deleted as (
               delete from undone_assignment where ctid = any(array(
                   select ctid from undone_assignment where undone_at < $1 limit $2 for update skip locked))
               returning 1)
           select count(*) from deleted""",
        before,
        limit,
    )
    return 0 if row is None else int(row[0])
