"""Claims and attempts: taking due deliveries, and storing what came of sending them.

A claim marks a delivery as being sent by one process until a time; when the process dies, the delivery is due again
after that time.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from clearline.platform.database.transactions import Tx
from clearline.webhooks.attempt_domain import Attempt
from clearline.webhooks.delivery_domain import DeliveryState
from clearline.webhooks.subscription_store import READY, WAITING


class Claim(NamedTuple):
    """A claimed delivery, with what is needed to send it.

    ``failures`` is how often in a row the receiver had failed when the delivery was claimed.
    """

    company_id: UUID
    subscription_id: UUID
    number: int
    id: UUID
    body: bytes
    url: str
    generation: int
    previous_until: datetime | None
    failures: int


LOOKED_AT = 1_000
"""Due deliveries of a subscription that a claim looks at."""


async def try_claim_lock(tx: Tx) -> bool:
    """Take the lock of ``claim`` until the transaction ends; return False while another process has it."""
    return bool(await tx.fetchval("select pg_try_advisory_xact_lock(hashtextextended('webhooks claim', 0))"))


CLAIM = f"""
    with recursive {WAITING}, ready as (
        select s.company_id, s.id, s.url, s.generation, s.previous_until, s.failures,
               case when s.failures > 0 then 1 else $3 end - (
                   select count(*) from delivery c
                    where c.company_id = s.company_id and c.subscription_id = s.id and c.state = 'waiting'
                      and c.due_at > $1 and c.due_at <= $2 and c.claimed_until is not null) as free
          from waiting w join subscription s on s.company_id = w.company_id and s.id = w.subscription_id
         where {READY}
         order by random()
    ), due as (
        select r.*, d.number from ready r, lateral (
            (select 0 as rank, d.due_at, d.number from delivery d
              where d.company_id = r.company_id and d.subscription_id = r.id and d.state = 'waiting'
                and d.event_id is null and d.due_at <= $1
              order by d.due_at, d.number limit greatest(0, r.free))
            union all
            (select 1, d.due_at, d.number
               from (select d.due_at, d.number, d.ticket_number from delivery d
                      where d.company_id = r.company_id and d.subscription_id = r.id and d.state = 'waiting'
                        and d.event_id is not null and d.due_at <= $1
                      order by d.due_at, d.number limit $5) d
              where not exists (
                    select from delivery e
                     where e.company_id = r.company_id and e.subscription_id = r.id
                       and e.ticket_number = d.ticket_number and e.state = 'waiting' and e.number < d.number)
              order by d.due_at, d.number limit greatest(0, r.free))
            order by 1, 2, 3 limit greatest(0, r.free)) d
         limit $4
    ), locked as (
        select t.* from due t, lateral (
            select from delivery d
             where d.company_id = t.company_id and d.subscription_id = t.id and d.number = t.number
               and d.state = 'waiting' and d.due_at <= $1
               for update skip locked) d
    ), claimed as (
        update delivery d set claimed_until = $2, due_at = $2 from locked t
         where d.company_id = t.company_id and d.subscription_id = t.id and d.number = t.number
        returning d.company_id, d.subscription_id, d.number, d.id, d.body, t.url, t.generation, t.previous_until,
                  t.failures
    )
    select array_agg(claimed) from claimed
    """


async def claim(
    tx: Tx, *, now: datetime, until: datetime, each: int, limit: int, looked_at: int = LOOKED_AT
) -> list[Claim]:
    """Claim due deliveries until a time. Call it under ``try_claim_lock``.

    At most ``each`` deliveries of a subscription are claimed at a time in all processes together, one while its
    receiver fails. Pings come first. Of the deliveries of one ticket only the first that waits is claimed; deliveries
    about no ticket have no order. Subscriptions come in random order. What a subscription that was disabled or deleted
    still has to give up is not claimed.

    Of a subscription, ``looked_at`` due deliveries are looked at; ``order_store.put_behind`` takes those out of the way
    that wait for others.

    Served by ``delivery_ping``, ``delivery_due`` and ``delivery_of_ticket``: one look at each subscription that has
    waiting deliveries, and at what is due there.
    """
    row = await tx.write(CLAIM, now, until, each, limit, looked_at)
    return [] if row is None or row[0] is None else [Claim(*values) for values in row[0]]


async def renew(tx: Tx, claims: Sequence[Claim], *, until: datetime) -> None:
    """Extend claims."""
    await tx.write_many(
        """update delivery set claimed_until = $4, due_at = $4
            where company_id = $1 and subscription_id = $2 and number = $3 and state = 'waiting'
              and claimed_until is not null""",
        [(claim.company_id, claim.subscription_id, claim.number, until) for claim in claims],
    )


async def release(tx: Tx, claims: Sequence[Claim], *, now: datetime) -> None:
    """Give up claims without an attempt: the deliveries are due again."""
    await tx.write_many(
        """update delivery set claimed_until = null, due_at = $4
            where company_id = $1 and subscription_id = $2 and number = $3 and state = 'waiting'
              and claimed_until is not null""",
        [(claim.company_id, claim.subscription_id, claim.number, now) for claim in claims],
    )


async def shorten_waits(
    tx: Tx, *, lease: timedelta, pauses: Sequence[timedelta], tolerance: timedelta, limit: int, now: datetime
) -> int:
    """Bring up to ``limit`` deliveries forward that wait for longer than is possible; return how many.

    A claim lasts at most ``lease``, and a delivery that was refused so many times in a row waits for at most that one
    of ``pauses``. A look at every waiting delivery.
    """
    row = await tx.write(
        """
        with wrong as (
            select company_id, subscription_id, number, claimed_until is not null as is_claimed, latest
              from (select d.*, $4::timestamptz + case when claimed_until is not null then $1::interval
                                                       else ($2::interval[])[refusals + 1] end as latest
                      from delivery d) d
             where state = 'waiting' and due_at > $4::timestamptz + $3::interval and due_at > latest + $3::interval
             limit $5
               for update skip locked
        ), shortened as (
            update delivery d set due_at = w.latest, claimed_until = case when w.is_claimed then w.latest end
              from wrong w
             where d.company_id = w.company_id and d.subscription_id = w.subscription_id and d.number = w.number
            returning 1
        )
        select count(*) from shortened
        """,
        lease,
        list(pauses),
        tolerance,
        now,
        limit,
    )
    return 0 if row is None else int(row[0])


async def store_successes(tx: Tx, attempts: Sequence[tuple[Claim, Attempt]], *, now: datetime) -> None:
    """Store attempts that were delivered; their receivers fail no more. ``order_store.make_next_due`` follows."""
    rows = [
        (
            claim.company_id,
            claim.subscription_id,
            claim.number,
            attempt.at,
            attempt.milliseconds,
            attempt.status,
            attempt.answer,
        )
        for claim, attempt in attempts
    ]
    await tx.write(
        """
        with attempt as (
            select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::int[], $6::int[],
                                 $7::text[]) t (company_id, subscription_id, number, at, milliseconds, status, answer)
        ), done as (
            update delivery d set state = 'delivered', attempts = attempts + 1, refusals = 0, due_at = null,
                   claimed_until = null, finished_at = $8
              from attempt t
             where d.company_id = t.company_id and d.subscription_id = t.subscription_id and d.number = t.number
               and d.state in ('waiting', 'dead')
            returning d.company_id, d.subscription_id, d.number, d.attempts, t.at, t.milliseconds, t.status, t.answer
        ), stored as (
            insert into delivery_attempt (company_id, subscription_id, delivery_number, number, at, milliseconds,
                                          status, answer)
            select * from done
        )
        update subscription s set failures = 0, failing_since = null, resume_at = null
         where s.failures > 0 and (s.company_id, s.id) in (select company_id, subscription_id from done)
        """,
        *map(list, zip(*rows, strict=True)),
        now,
    )


async def store_failure(
    tx: Tx, claim: Claim, attempt: Attempt, *, state: DeliveryState, is_refusal: bool, due_at: datetime, now: datetime
) -> None:
    """Store an attempt that failed, and when the next is due if the delivery still waits in ``state``.

    Nothing is stored when the delivery does not wait any more.
    """
    await tx.write(
        """
        with failed as (
            update delivery set attempts = attempts + 1, refusals = refusals + $4::int, state = $5,
                   claimed_until = null, due_at = case when $5 = 'waiting' then $6::timestamptz end,
                   finished_at = case when $5 <> 'waiting' then $7::timestamptz end
             where company_id = $1 and subscription_id = $2 and number = $3 and state = 'waiting'
            returning attempts
        )
        insert into delivery_attempt (company_id, subscription_id, delivery_number, number, at, milliseconds,
                                      status, error, answer)
        select $1, $2, $3, attempts, $8, $9, $10, $11, $12 from failed
        """,
        claim.company_id,
        claim.subscription_id,
        claim.number,
        int(is_refusal),
        state,
        due_at,
        now,
        attempt.at,
        attempt.milliseconds,
        attempt.status,
        attempt.error,
        attempt.answer,
    )


async def lock_refusals(tx: Tx, claim: Claim) -> int:
    """Return how often in a row the receiver refused a delivery, which is locked until the transaction ends."""
    refusals = await tx.fetchval(
        """select refusals from delivery where company_id = $1 and subscription_id = $2 and number = $3
              for update""",
        claim.company_id,
        claim.subscription_id,
        claim.number,
    )
    return int(refusals or 0)
