"""Timers: a row for each moment at which something is due, until it is done."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from clearline.clock import Span
from clearline.platform.database.transactions import Record, Tx


class Timer(NamedTuple):
    """What is due at a moment: of a kind, about a subject of a company. There is one of each kind and subject.

    ``attempts`` counts how often it failed.
    """

    company_id: UUID
    kind: str
    subject: int
    due_at: datetime
    attempts: int = 0


_COLUMNS = "company_id, kind, subject, due_at, attempts"


def _timers(rows: Sequence[Record]) -> list[Timer]:
    return [Timer(*row) for row in rows]


async def put(tx: Tx, company_id: UUID, kind: str, subject: int, due_at: datetime) -> None:
    """Store a timer, in place of the one of this kind and subject."""
    await tx.write(
        """insert into timer (company_id, kind, subject, due_at) values ($1, $2, $3, $4)
           on conflict (company_id, kind, subject) do update set due_at = $4, attempts = 0""",
        company_id,
        kind,
        subject,
        due_at,
    )


async def delete(tx: Tx, company_id: UUID, kind: str, subject: int) -> None:
    """Delete a timer, if there is one."""
    await tx.write("delete from timer where company_id = $1 and kind = $2 and subject = $3", company_id, kind, subject)


NEXT_DUE = "select min(due_at) from timer where due_at >= $1 and due_at < $2"


async def next_due(tx: Tx, within: Span) -> datetime | None:
    """Return when the first timer of a span of time is due, or None without any. Served by ``timer_due``."""
    due_at: datetime | None = await tx.fetchval(NEXT_DUE, *within)
    return due_at


LOCK_DUE = f"""
    select {_COLUMNS} from timer where due_at <= $1 and kind = any($2)
     order by due_at limit $3 for update skip locked"""


async def lock_due(tx: Tx, kinds: Sequence[str], *, now: datetime, limit: int) -> list[Timer]:
    """Lock timers that are due until the transaction ends, and return them: those that are due first.

    Those that another transaction has locked are left out. Served by ``timer_due``.
    """
    return _timers(await tx.fetch(LOCK_DUE, now, kinds, limit))


async def lock(tx: Tx, timer: Timer, *, now: datetime) -> bool:
    """Lock a timer until the transaction ends; return whether it is still there, due, and locked by nobody else."""
    is_locked = await tx.fetchval(
        """select true from timer where company_id = $1 and kind = $2 and subject = $3 and due_at <= $4
            for update skip locked""",
        timer.company_id,
        timer.kind,
        timer.subject,
        now,
    )
    return is_locked is True


async def delete_all(tx: Tx, timers: Sequence[Timer]) -> None:
    """Delete locked timers: what they were for is done in the same transaction."""
    await tx.write(
        """delete from timer t using unnest($1::uuid[], $2::text[], $3::bigint[]) done (company_id, kind, subject)
            where t.company_id = done.company_id and t.kind = done.kind and t.subject = done.subject""",
        [timer.company_id for timer in timers],
        [timer.kind for timer in timers],
        [timer.subject for timer in timers],
    )


async def advance(tx: Tx, timer: Timer, *, due_at: datetime, attempts: int) -> None:
    """Store when a timer is due next, and how often it failed, unless it was put anew since it was read."""
    await tx.write(
        """update timer set due_at = $5, attempts = $6
            where company_id = $1 and kind = $2 and subject = $3 and due_at = $4""",
        timer.company_id,
        timer.kind,
        timer.subject,
        timer.due_at,
        due_at,
        attempts,
    )


async def shorten_waits(tx: Tx, *, longest: datetime, now: datetime) -> int:
    """Make failed timers due that would wait beyond ``longest``; return how many. Served by ``timer_due``."""
    row = await tx.write(
        """with shortened as (update timer set due_at = $2 where due_at > $1 and attempts > 0 returning 1)
           select count(*) from shortened""",
        longest,
        now,
    )
    return 0 if row is None else int(row[0])


OVERDUE = "select count(*), min(due_at) from (select due_at from timer where due_at <= $1 order by due_at limit $2) due"


async def overdue(tx: Tx, *, now: datetime, limit: int) -> tuple[int, datetime | None]:
    """Return how many timers are due, at most ``limit``, and since when the first. Served by ``timer_due``."""
    row = await tx.fetchrow(OVERDUE, now, limit)
    return (0, None) if row is None else (row[0], row[1])
