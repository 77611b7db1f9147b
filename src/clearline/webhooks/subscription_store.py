"""The table of subscriptions."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec.structs import astuple

from clearline.platform.database.transactions import Record, Tx
from clearline.webhooks.subscription_domain import Subscription

_COLUMNS = """s.company_id, s.id, s.url, s.description, s.types, s.is_active, s.disabled_reason, s.generation,
    s.previous_until, s.failures, s.failing_since, s.resume_at, s.created_by, s.created_at, s.updated_at,
    s.paused_at"""

_BEFORE_ALL = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))
"""The key before the oldest subscription."""


def _subscription(row: Record) -> Subscription:
    values = list(row)
    values[4] = tuple(values[4])
    return Subscription(*values)


async def page(tx: Tx, company_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int) -> list[Subscription]:
    """Return subscriptions of a company, oldest first, after the one of this time and id.

    Served by ``subscription_by_age``.
    """
    rows = await tx.fetch(
        f"""select {_COLUMNS} from subscription s where s.company_id = $1 and (s.created_at, s.id) > ($2, $3)
             order by s.created_at, s.id limit $4""",
        company_id,
        *(after or _BEFORE_ALL),
        limit,
    )
    return [_subscription(row) for row in rows]


async def get(tx: Tx, company_id: UUID, subscription_id: UUID) -> Subscription | None:
    """Return a subscription of a company, or None. Served by the primary key."""
    row = await tx.fetchrow(
        f"select {_COLUMNS} from subscription s where s.company_id = $1 and s.id = $2", company_id, subscription_id
    )
    return None if row is None else _subscription(row)


async def lock(tx: Tx, company_id: UUID, subscription_id: UUID) -> Subscription | None:
    """Return a subscription of a company, locked until the transaction ends, or None.

    Inserting deliveries does not wait for the lock.
    """
    row = await tx.fetchrow(
        f"select {_COLUMNS} from subscription s where s.company_id = $1 and s.id = $2 for no key update",
        company_id,
        subscription_id,
    )
    return None if row is None else _subscription(row)


async def count(tx: Tx, company_id: UUID) -> int:
    """Return how many subscriptions a company has. Served by ``subscription_by_age``."""
    return int(await tx.fetchval("select count(*) from subscription where company_id = $1", company_id))


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
        *astuple(subscription),
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


async def delete(tx: Tx, company_id: UUID, subscription_id: UUID) -> None:
    """Delete a subscription with its deliveries."""
    await tx.write("delete from subscription where company_id = $1 and id = $2", company_id, subscription_id)
