"""Counters of attempts to sign in. All functions lock them in the order of their keys."""

from collections.abc import Sequence
from datetime import datetime

from clearline.platform.database.transactions import Tx
from clearline.sign_in.attempt_domain import Counter


async def count(tx: Tx, counters: Sequence[Counter], *, until: datetime, now: datetime) -> datetime | None:
    """Count an attempt; return until when it is refused, or None when no counter is above its limit.

    A counter whose time is over begins again, and lasts ``until`` then. None lasts longer: one that would was begun
    while the clock was ahead. Served by the primary key.
    """
    row = await tx.write(
        """with counted as (
               insert into sign_in_attempt as a (key, attempts, ends_at)
               select key, 1, $3 from unnest($1::bytea[]) as k (key) order by key
               on conflict (key) do update set
                   attempts = case when a.ends_at <= $4 then 1 else a.attempts + 1 end,
                   ends_at = case when a.ends_at <= $4 then $3 else least(a.ends_at, $3) end
               returning key, attempts, ends_at)
           select max(ends_at) from counted join unnest($1::bytea[], $2::integer[]) as l (key, most) using (key)
            where attempts > most""",
        [counter.key for counter in counters],
        [counter.most for counter in counters],
        until,
        now,
    )
    return None if row is None else row[0]


async def forgive(tx: Tx, counters: Sequence[Counter]) -> None:
    """Take back an attempt that succeeded."""
    await tx.write(
        """with locked as (
               select key from sign_in_attempt where key = any($1::bytea[]) order by key for update)
           update sign_in_attempt a set attempts = greatest(attempts - 1, 0) from locked where a.key = locked.key""",
        [counter.key for counter in counters],
    )


async def purge(tx: Tx, *, before: datetime, limit: int) -> int:
    """Delete at most ``limit`` counters whose time was over before a time; return how many.

    Served by ``sign_in_attempt_ended``.
    """
    row = await tx.write(
        """with deleted as (delete from sign_in_attempt where key in (
                     select key from sign_in_attempt where ends_at < $1 order by ends_at limit $2
                        for update skip locked) returning key)
           select count(*) from deleted""",
        before,
        limit,
    )
    return 0 if row is None else int(row[0])
