"""The table of subscriptions."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec.structs import astuple

from clearline.platform.database.transactions import Record, Tx
from clearline.webhooks.delivery_actions.store import COLUMNS as ACTION
from clearline.webhooks.delivery_actions.store import delivery_action
from clearline.webhooks.subscription_domain import Subscription

_COLUMNS = f"""s.company_id, s.id, s.url, s.description, s.types, s.is_active, s.disabled_reason, s.generation,
    s.previous_until, s.failures, s.failing_since, s.resume_at, s.created_by, s.created_at, s.updated_at,
    s.paused_at, (select row({ACTION}) from delivery_action a
                   where a.company_id = s.company_id and a.subscription_id = s.id) as in_progress"""
_IS_THERE = """not exists (select from delivery_action a
     where a.company_id = s.company_id and a.subscription_id = s.id and a.action = 'delete')"""

WAITING = """waiting as (
        (select company_id, subscription_id from delivery where state = 'waiting'
          order by company_id, subscription_id limit 1)
        union all
        select n.* from waiting w, lateral (
            select company_id, subscription_id from delivery
             where state = 'waiting' and (company_id, subscription_id) > (w.company_id, w.subscription_id)
             order by company_id, subscription_id limit 1) n
    )"""
"""The subscriptions that have waiting deliveries: one look at each."""

READY = """s.is_active and (s.resume_at is null or s.resume_at <= $1)
    and not exists (select from delivery_action a
                     where a.company_id = s.company_id and a.subscription_id = s.id and a.action <> 'resume')"""
"""Subscriptions that are sent to: not one that is paused, or still has deliveries to give up or to delete."""

_BEFORE_ALL = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))
"""The key before the oldest subscription."""


def _subscription(row: Record) -> Subscription:
    values = list(row)
    values[4] = tuple(values[4])
    values[16] = None if values[16] is None else delivery_action(values[16])
    return Subscription(*values)


async def page(tx: Tx, company_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int) -> list[Subscription]:
    """Return subscriptions of a company, oldest first, after the one of this time and id.

    Served by ``subscription_by_age``.
    """
    rows = await tx.fetch(
        f"""select {_COLUMNS} from subscription s where s.company_id = $1 and (s.created_at, s.id) > ($2, $3)
               and {_IS_THERE}
             order by s.created_at, s.id limit $4""",
        company_id,
        *(after or _BEFORE_ALL),
        limit,
    )
    return [_subscription(row) for row in rows]


async def get(tx: Tx, company_id: UUID, subscription_id: UUID) -> Subscription | None:
    """Return a subscription of a company, or None, also while it is being deleted. Served by the primary key."""
    row = await tx.fetchrow(
        f"select {_COLUMNS} from subscription s where s.company_id = $1 and s.id = $2 and {_IS_THERE}",
        company_id,
        subscription_id,
    )
    return None if row is None else _subscription(row)


async def lock(tx: Tx, company_id: UUID, subscription_id: UUID) -> Subscription | None:
    """Return a subscription of a company, locked until the transaction ends, or None.

    Inserting deliveries does not wait for the lock.
    """
    row = await tx.fetchrow(
        f"""select {_COLUMNS} from subscription s where s.company_id = $1 and s.id = $2 and {_IS_THERE}
               for no key update of s""",
        company_id,
        subscription_id,
    )
    return None if row is None else _subscription(row)


async def count(tx: Tx, company_id: UUID) -> int:
    """Return how many subscriptions a company has. Served by ``subscription_by_age``."""
    return int(
        await tx.fetchval(f"select count(*) from subscription s where s.company_id = $1 and {_IS_THERE}", company_id)
    )


async def active(tx: Tx, company_ids: Sequence[UUID]) -> list[Subscription]:
    """Return the active subscriptions of these companies. Served by ``subscription_active``."""
    rows = await tx.fetch(
        f"select {_COLUMNS} from subscription s where s.company_id = any($1) and s.is_active order by s.id",
        list(company_ids),
    )
    return [_subscription(row) for row in rows]


async def save(tx: Tx, subscription: Subscription) -> None:
    """Store a subscription, new or changed."""
    await tx.write(
        """
        insert into subscription (company_id, id, url, description, types, is_active, disabled_reason, generation,
                                  previous_until, failures, failing_since, resume_at, created_by, created_at,
                                  updated_at, paused_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        on conflict (company_id, id) do update set url = $3, description = $4, types = $5, is_active = $6,
               disabled_reason = $7, generation = $8, previous_until = $9, failures = $10, failing_since = $11,
               resume_at = $12, updated_at = $15, paused_at = $16
        """,
        *astuple(subscription)[:16],
    )


async def end_pause(tx: Tx, subscription: Subscription) -> None:
    """Try the receiver again now, also when it is paused for its failures."""
    await tx.write(
        "update subscription set resume_at = null where company_id = $1 and id = $2 and resume_at is not null",
        subscription.company_id,
        subscription.id,
    )


async def shorten_pauses(tx: Tx, *, longest: timedelta, tolerance: timedelta, now: datetime) -> int:
    """End pauses that began in the future, and shorten those that are longer than possible; return how many.

    A scan of the subscriptions.
    """
    row = await tx.write(
        """
        with wrong as (
            select company_id, id from subscription
             where resume_at > $3::timestamptz + $1::interval + $2::interval
                or (resume_at > $3 and greatest(paused_at, failing_since) > $3::timestamptz + $2::interval)
               for update skip locked
        ), shortened as (
            update subscription s
               set resume_at = case when greatest(s.paused_at, s.failing_since) > $3 then $3
                                    else $3::timestamptz + $1::interval end,
                   failing_since = case when s.failing_since > $3 then $3 else s.failing_since end
              from wrong w where s.company_id = w.company_id and s.id = w.id
            returning 1
        )
        select count(*) from shortened
        """,
        longest,
        tolerance,
        now,
    )
    return 0 if row is None else int(row[0])
