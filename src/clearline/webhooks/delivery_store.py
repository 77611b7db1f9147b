"""The table of deliveries: inserting, reading, replaying and deleting them."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from clearline.clock import Span
from clearline.platform.database.transactions import Record, Tx
from clearline.webhooks.attempt_domain import Attempt
from clearline.webhooks.delivery_domain import Delivery, DeliveryState
from clearline.webhooks.subscription_domain import Subscription
from clearline.webhooks.subscription_store import READY, WAITING

_COLUMNS = """d.company_id, d.subscription_id, d.number, d.id, d.event_id, d.type, d.ticket_number, d.state,
    d.attempts, d.refusals, d.due_at, d.created_at, d.finished_at"""

_PAGE = f"""select {_COLUMNS} from delivery d where d.company_id = $1 and d.subscription_id = $2 and d.number < $3
    {{only}} order by d.number desc limit $4"""
_DATED_PAGE = f"""select * from (
        select {_COLUMNS} from delivery d
         where d.company_id = $1 and d.subscription_id = $2 and (d.created_at, d.number) < ($5, $3)
           and d.created_at >= $6
         order by d.created_at desc, d.number desc offset 0) d
     where true {{only}} order by d.created_at desc, d.number desc limit $4"""
_STATES: dict[DeliveryState | None, str] = {None: "", **{state: f"and d.state = '{state}'" for state in DeliveryState}}
_PAGES = {state: _PAGE.format(only=only) for state, only in _STATES.items()}
_DATED_PAGES = {state: _DATED_PAGE.format(only=only) for state, only in _STATES.items()}

_AFTER_ALL = 2**63 - 1


class NewDelivery(NamedTuple):
    """A delivery to insert."""

    company_id: UUID
    subscription_id: UUID
    id: UUID
    event_id: int | None
    type: str
    ticket_number: int | None
    body: bytes


def _delivery(row: Record) -> Delivery:
    values = list(row)[:13]
    values[7] = DeliveryState(values[7])
    return Delivery(*values)


async def insert(tx: Tx, deliveries: Sequence[NewDelivery], *, now: datetime) -> None:
    """Insert deliveries in one statement; those whose id exists already stay unchanged."""
    await tx.write(
        """
        insert into delivery (company_id, subscription_id, id, event_id, type, ticket_number, body, state, due_at,
                              created_at)
        select n.company, n.subscription, n.id, n.event, n.type, n.ticket, n.body, 'waiting', $8, $8
          from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::bigint[], $7::bytea[])
               with ordinality n (company, subscription, id, event, type, ticket, body, position)
         order by n.position
            on conflict (company_id, id) do nothing
        """,
        *map(list, zip(*deliveries, strict=True)),
        now,
    )


async def page(
    tx: Tx, company_id: UUID, subscription_id: UUID, *, state: DeliveryState | None, after: int | None, limit: int
) -> list[Delivery]:
    """Return deliveries of a subscription, newest first, after the one of this number.

    Served by the primary key, those that wait or are dead by ``delivery_open``.
    """
    rows = await tx.fetch(_PAGES[state], company_id, subscription_id, _AFTER_ALL if after is None else after, limit)
    return [_delivery(row) for row in rows]


async def dated_page(
    tx: Tx,
    company_id: UUID,
    subscription_id: UUID,
    *,
    state: DeliveryState | None,
    created: Span,
    after: tuple[datetime, int] | None,
    limit: int,
) -> list[Delivery]:
    """Return deliveries of a time, newest first, after the one of this time and number. Served by ``delivery_by_age``.

    The state is checked on the way.
    """
    at, number = after or (created.until, 0)
    rows = await tx.fetch(_DATED_PAGES[state], company_id, subscription_id, number, limit, at, created.since)
    return [_delivery(row) for row in rows]


async def get(tx: Tx, company_id: UUID, subscription_id: UUID, delivery_id: UUID) -> Delivery | None:
    """Return a delivery of a subscription, or None. Served by ``delivery_by_id``."""
    row = await tx.fetchrow(
        f"""select {_COLUMNS} from delivery d
             where d.company_id = $1 and d.id = $3 and d.subscription_id = $2""",
        company_id,
        subscription_id,
        delivery_id,
    )
    return None if row is None else _delivery(row)


async def ids_between(
    tx: Tx, company_id: UUID, subscription_id: UUID, low: UUID, high: UUID, *, limit: int
) -> list[UUID]:
    """Return the ids of deliveries of a subscription between two, both included. Served by ``delivery_by_id``."""
    rows = await tx.fetch(
        """select d.id from delivery d
            where d.company_id = $1 and d.id between $3 and $4 and d.subscription_id = $2 order by d.id limit $5""",
        company_id,
        subscription_id,
        low,
        high,
        limit,
    )
    return [row[0] for row in rows]


async def get_with_attempts(
    tx: Tx, company_id: UUID, subscription_id: UUID, delivery_id: UUID
) -> tuple[Delivery, bytes, list[Attempt]] | None:
    """Return a delivery with its body and its attempts, oldest first, or None.

    Served by ``delivery_by_id`` and the attempts' primary key.
    """
    row = await tx.fetchrow(
        f"""select {_COLUMNS}, d.body, (
                   select array_agg(attempt order by attempt.number) from (
                       select a.at, a.milliseconds, a.status, a.error, a.answer, a.number from delivery_attempt a
                        where a.company_id = $1 and a.subscription_id = $2
                          and a.delivery_number = d.number) attempt)
              from delivery d where d.company_id = $1 and d.id = $3 and d.subscription_id = $2""",
        company_id,
        subscription_id,
        delivery_id,
    )
    return None if row is None else (_delivery(row), row[13], [Attempt(*values) for values in row[14] or ()])


async def replay(tx: Tx, delivery: Delivery, *, now: datetime) -> bool:
    """Make a finished delivery due again; return whether it was finished."""
    row = await tx.write(
        """update delivery set state = 'waiting', refusals = 0, due_at = $4, claimed_until = null, finished_at = null
            where company_id = $1 and subscription_id = $2 and number = $3 and state <> 'waiting' returning 1""",
        delivery.company_id,
        delivery.subscription_id,
        delivery.number,
        now,
    )
    return row is not None


async def replay_range(
    tx: Tx,
    subscription: Subscription,
    *,
    since: datetime,
    until: datetime,
    state: DeliveryState,
    limit: int,
    now: datetime,
) -> int:
    """Make up to ``limit`` finished deliveries of a time due again, oldest first; return how many.

    Served by the primary key, dead ones by ``delivery_open``.
    """
    row = await tx.write(
        """
        with next as (
            select number from delivery
             where company_id = $1 and subscription_id = $2 and state = $5 and created_at >= $3 and created_at < $4
             order by number limit $7
        ), replayed as (
            update delivery set state = 'waiting', refusals = 0, due_at = $6, claimed_until = null, finished_at = null
             where company_id = $1 and subscription_id = $2 and state = $5 and created_at >= $3 and created_at < $4
               and number <= (select max(number) from next)
            returning 1
        )
        select count(*) from replayed
        """,
        subscription.company_id,
        subscription.id,
        since,
        until,
        state,
        now,
        limit,
    )
    return 0 if row is None else int(row[0])


DUE = f"""
    with recursive {WAITING}
    select least(coalesce(sum(d.count), 0), $2)::bigint, min(d.first)
      from waiting w join subscription s on s.company_id = w.company_id and s.id = w.subscription_id,
           lateral (select count(*) as count, min(due_at) as first from (
               select d.due_at from delivery d
                where d.company_id = s.company_id and d.subscription_id = s.id and d.state = 'waiting'
                  and d.due_at <= $1
                order by d.due_at limit $2) d) d
     where {READY}
    """


async def due(tx: Tx, *, now: datetime, limit: int) -> tuple[int, datetime | None]:
    """Return how many deliveries to receivers that are not paused are due, counted up to a limit, and since when.

    What is being given up or deleted is not due. One look at each subscription that has waiting deliveries, served by
    ``delivery_due``.
    """
    row = await tx.fetchrow(DUE, now, limit)
    return (0, None) if row is None else (row[0], row[1])


async def purge(tx: Tx, *, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` deliveries that were finished before a time; return how many.

    Served by ``delivery_finished``.
    """
    row = await tx.write(
        """
        with deleted as (
            delete from delivery where (company_id, subscription_id, number) in (
                select company_id, subscription_id, number from delivery
                 where finished_at < $1 and state <> 'waiting' order by finished_at limit $2)
            returning 1
        )
        select count(*) from deleted
        """,
        before,
        limit,
    )
    return 0 if row is None else int(row[0])
