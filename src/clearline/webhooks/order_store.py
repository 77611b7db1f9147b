"""The order of the deliveries of one ticket: one that waits for an earlier one is not due.

It has no due time, so that no claim walks over it: behind the first delivery of a ticket, which the receiver refuses, a
million may wait. When the last one before it is finished, it is due. Every delivery is due when it is made, and loses
its due time when many such are in the way of claims.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from clearline.platform.database.transactions import Tx
from clearline.webhooks.attempt_store import Claim
from clearline.webhooks.subscription_store import READY, WAITING

PUT_BEHIND = f"""
    with recursive {WAITING}, ready as (
        select s.company_id, s.id
          from waiting w join subscription s on s.company_id = w.company_id and s.id = w.subscription_id
         where {READY}
    ), behind as (
        select r.company_id, r.id, b.* from ready r, lateral (
            select d.number, d.due_at, e.number as first, count(*) over () as found
              from (select d.number, d.due_at, d.ticket_number from delivery d
                     where d.company_id = r.company_id and d.subscription_id = r.id and d.state = 'waiting'
                       and d.event_id is not null and d.due_at <= $1
                     order by d.due_at, d.number limit $2) d,
                   lateral (select e.number from delivery e
                             where e.company_id = r.company_id and e.subscription_id = r.id
                               and e.ticket_number = d.ticket_number and e.state = 'waiting' and e.number < d.number
                             order by e.number limit 1) e) b
         where b.found >= $3
    ), first as (
        select f.* from (select distinct company_id, id, first as number from behind) f, lateral (
            select from delivery d
             where d.company_id = f.company_id and d.subscription_id = f.id and d.number = f.number
               and d.state = 'waiting'
               for share skip locked) d
    ), put_behind as (
        update delivery d set due_at = null
          from behind b join first f on f.company_id = b.company_id and f.id = b.id and f.number = b.first
         where d.company_id = b.company_id and d.subscription_id = b.id and d.number = b.number
           and d.state = 'waiting' and d.claimed_until is null and d.due_at = b.due_at
        returning 1
    )
    select count(*) from put_behind
    """


async def put_behind(tx: Tx, *, now: datetime, limit: int, least: int) -> int:
    """Take the due time from deliveries that wait for an earlier one of their ticket; return how many.

    Of each subscription that is sent to, the first ``limit`` deliveries that are due are looked at. Fewer than
    ``least`` such ones are left where they are. The first delivery of the ticket is locked against its end, so that
    ``make_next_due``, which follows it, sees what was put behind it. Served by ``delivery_due`` and
    ``delivery_of_ticket``.
    """
    row = await tx.write(PUT_BEHIND, now, limit, least)
    return 0 if row is None else int(row[0])


async def make_next_due(tx: Tx, claims: Sequence[Claim], *, now: datetime) -> None:
    """Make the deliveries due that waited for finished ones. Call it after the statement that finished them.

    Served by the primary key and ``delivery_of_ticket``.
    """
    await tx.write(
        """
        update delivery d set due_at = $4
          from (select n.* from unnest($1::uuid[], $2::uuid[], $3::bigint[]) f (company_id, subscription_id, number)
                  join delivery e on e.company_id = f.company_id and e.subscription_id = f.subscription_id
                                 and e.number = f.number,
                       lateral (select w.company_id, w.subscription_id, w.number, w.due_at from delivery w
                                 where w.company_id = e.company_id and w.subscription_id = e.subscription_id
                                   and w.ticket_number = e.ticket_number and w.state = 'waiting'
                                 order by w.number limit 1) n) n
         where d.company_id = n.company_id and d.subscription_id = n.subscription_id and d.number = n.number
           and n.due_at is null and d.due_at is null and d.state = 'waiting'
        """,
        [claim.company_id for claim in claims],
        [claim.subscription_id for claim in claims],
        [claim.number for claim in claims],
        now,
    )


class Position(NamedTuple):
    """A ticket of a subscription, where a walk over the tickets with waiting deliveries stopped."""

    company_id: UUID
    subscription_id: UUID
    ticket_number: int


START = Position(UUID(int=0), UUID(int=0), 0)
"""The position before the first ticket."""

MAKE_FIRST_DUE = """
    with recursive first as (
        (select company_id, subscription_id, ticket_number, number, due_at, 1 as n from delivery
          where state = 'waiting' and ticket_number is not null
            and (company_id, subscription_id, ticket_number) > ($1, $2, $3)
          order by company_id, subscription_id, ticket_number, number limit 1)
        union all
        select d.*, f.n + 1 from first f, lateral (
            select company_id, subscription_id, ticket_number, number, due_at from delivery
             where state = 'waiting' and ticket_number is not null
               and (company_id, subscription_id, ticket_number)
                   > (f.company_id, f.subscription_id, f.ticket_number)
             order by company_id, subscription_id, ticket_number, number limit 1) d
         where f.n < $4
    ), made_due as (
        update delivery d set due_at = $5 from first f
         where f.due_at is null and d.company_id = f.company_id and d.subscription_id = f.subscription_id
           and d.number = f.number and d.state = 'waiting' and d.due_at is null
    )
    select company_id, subscription_id, ticket_number from first where n = $4
    """


async def make_first_due(tx: Tx, after: Position, *, limit: int, now: datetime) -> Position:
    """Make the first waiting delivery of a ticket due that nobody made due; return where the next walk begins.

    A process of an older version finishes deliveries, and leaves those behind them as they are. ``limit`` tickets with
    waiting deliveries are looked at. Served by ``delivery_of_ticket``.
    """
    row = await tx.write(MAKE_FIRST_DUE, *after, limit, now)
    return START if row is None else Position(*row)
