"""Events on their way to subscriptions."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from clearline.platform.database.transactions import Record, Tx
from clearline.webhooks.domain import Subscription
from clearline.webhooks.protocol import Attempt, Delivery, State

_COLUMNS = """d.company_id, d.subscription_id, d.number, d.id, d.event_id, d.type, d.ticket_number, d.state,
    d.attempts, d.refusals, d.due_at, d.created_at, d.finished_at"""

_PAGE = f"""select {_COLUMNS} from delivery d where d.company_id = $1 and d.subscription_id = $2 and d.number < $3
    {{only}} order by d.number desc limit $4"""

_PAGES = {
    None: _PAGE.format(only=""),
    State.WAITING: _PAGE.format(only="and d.state = 'waiting'"),
    State.DELIVERED: _PAGE.format(only="and d.state = 'delivered'"),
    State.DEAD: _PAGE.format(only="and d.state = 'dead'"),
}

AFTER_ALL = 2**63 - 1


class NewDelivery(NamedTuple):
    """An event for a subscription."""

    company_id: UUID
    subscription_id: UUID
    id: UUID
    event_id: int | None
    type: str
    ticket_number: int | None
    body: bytes


class Claimed(NamedTuple):
    """A delivery that is this process's for a while, with what sending it needs.

    ``failures`` is how often in a row its receiver had failed when it was claimed.
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


def _delivery(row: Record) -> Delivery:
    values = list(row)[:13]
    values[7] = State(values[7])
    return Delivery(*values)


async def insert(tx: Tx, made: Sequence[NewDelivery], *, now: datetime) -> None:
    """Store new deliveries, one statement for all; those that are there already, by their id, are left alone."""
    await tx.write(
        """
        insert into delivery (company_id, subscription_id, id, event_id, type, ticket_number, body, state, due_at,
                              created_at)
        select n.company, n.subscription, n.id, n.event, n.type, n.ticket, n.body, 'waiting', $8, $8
          from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::bigint[], $7::bytea[])
               with ordinality n (company, subscription, id, event, type, ticket, body, place)
         order by n.place
            on conflict (company_id, id) do nothing
        """,
        *map(list, zip(*made, strict=True)),
        now,
    )


async def page(
    tx: Tx, company_id: UUID, subscription_id: UUID, *, state: State | None, after: int | None, limit: int
) -> list[Delivery]:
    """Deliveries of a subscription, newest first, behind the one of this number.

    Served by the primary key, those that wait or are dead by ``delivery_open``.
    """
    rows = await tx.fetch(_PAGES[state], company_id, subscription_id, AFTER_ALL if after is None else after, limit)
    return [_delivery(row) for row in rows]


async def get(tx: Tx, company_id: UUID, subscription_id: UUID, delivery_id: UUID) -> tuple[Delivery, bytes] | None:
    """One delivery of a subscription and what it sends, or None. Served by ``delivery_by_id``."""
    row = await tx.fetchrow(
        f"""select {_COLUMNS}, d.body from delivery d
             where d.company_id = $1 and d.id = $3 and d.subscription_id = $2""",
        company_id,
        subscription_id,
        delivery_id,
    )
    return None if row is None else (_delivery(row), row[13])


async def told(
    tx: Tx, company_id: UUID, subscription_id: UUID, delivery_id: UUID
) -> tuple[Delivery, bytes, list[Attempt]] | None:
    """One delivery, what it sends and its attempts, oldest first, at one moment; or None.

    Served by ``delivery_by_id`` and the attempts' primary key.
    """
    row = await tx.fetchrow(
        f"""select {_COLUMNS}, d.body, (
                   select array_agg(tried order by tried.number) from (
                       select a.at, a.milliseconds, a.status, a.error, a.answer, a.number from delivery_attempt a
                        where a.company_id = d.company_id and a.subscription_id = d.subscription_id
                          and a.delivery_number = d.number) tried)
              from delivery d where d.company_id = $1 and d.id = $3 and d.subscription_id = $2""",
        company_id,
        subscription_id,
        delivery_id,
    )
    return None if row is None else (_delivery(row), row[13], [Attempt(*tried) for tried in row[14] or ()])


async def alone(tx: Tx) -> bool:
    """Whether this process alone claims until the transaction ends; counting what is under way needs that."""
    return bool(await tx.fetchval("select pg_try_advisory_xact_lock(hashtextextended('webhooks claim', 0))"))


CLAIM = """
    with recursive line as (
        (select company_id, subscription_id from delivery where state = 'waiting'
          order by company_id, subscription_id limit 1)
        union all
        select n.* from line l, lateral (
            select company_id, subscription_id from delivery
             where state = 'waiting' and (company_id, subscription_id) > (l.company_id, l.subscription_id)
             order by company_id, subscription_id limit 1) n
    ), ready as (
        select s.company_id, s.id, s.url, s.generation, s.previous_until, s.failures,
               case when s.failures > 0 then 1 else $3 end - (
                   select count(*) from delivery c
                    where c.company_id = s.company_id and c.subscription_id = s.id and c.state = 'waiting'
                      and c.due_at > $1 and c.due_at <= $2 and c.claimed_until is not null) as most
          from line l join subscription s on s.company_id = l.company_id and s.id = l.subscription_id
         where s.is_active and (s.resume_at is null or s.resume_at <= $1)
         order by random()
    ), due as (
        select r.*, d.number from ready r, lateral (
            (select 0 as rank, d.due_at, d.number from delivery d
              where d.company_id = r.company_id and d.subscription_id = r.id and d.state = 'waiting'
                and d.event_id is null and d.due_at <= $1
              order by d.due_at, d.number limit greatest(0, r.most))
            union all
            (select 1, d.due_at, d.number from delivery d
              where d.company_id = r.company_id and d.subscription_id = r.id and d.state = 'waiting'
                and d.event_id is not null and d.due_at <= $1
                and not exists (
                    select from delivery e
                     where e.company_id = d.company_id and e.subscription_id = d.subscription_id
                       and e.ticket_number = d.ticket_number and e.state = 'waiting' and e.number < d.number)
              order by d.due_at, d.number limit greatest(0, r.most))
            order by 1, 2, 3 limit greatest(0, r.most)) d
         limit $4
    ), taken as (
        select t.* from due t, lateral (
            select from delivery d
             where d.company_id = t.company_id and d.subscription_id = t.id and d.number = t.number
               and d.state = 'waiting' and d.due_at <= $1
               for update skip locked) d
    ), claimed as (
        update delivery d set claimed_until = $2, due_at = $2 from taken t
         where d.company_id = t.company_id and d.subscription_id = t.id and d.number = t.number
        returning d.company_id, d.subscription_id, d.number, d.id, d.body, t.url, t.generation, t.previous_until,
                  t.failures
    )
    select array_agg(claimed) from claimed
    """


async def claim(tx: Tx, *, now: datetime, until: datetime, each: int, limit: int) -> list[Claimed]:
    """Take due deliveries until then: of one subscription ``each`` at most in all processes together, one if it fails.

    Pings come first. Of one ticket's the first that waits comes; what is about no ticket has no order. Which
    subscriptions go first is chance. Call it ``alone``. Served by ``delivery_ping``, ``delivery_due`` and
    ``delivery_of_ticket``: it looks once at each subscription that anything waits for, and at what is due there.
    """
    row = await tx.write(CLAIM, now, until, each, limit)
    return [] if row is None or row[0] is None else [Claimed(*one) for one in row[0]]


async def renew(tx: Tx, pieces: Sequence[Claimed], *, until: datetime) -> None:
    """Keep deliveries for longer."""
    await tx.write_many(
        """update delivery set claimed_until = $4, due_at = $4
            where company_id = $1 and subscription_id = $2 and number = $3 and state = 'waiting'
              and claimed_until is not null""",
        [(one.company_id, one.subscription_id, one.number, until) for one in pieces],
    )


async def release(tx: Tx, pieces: Sequence[Claimed], *, now: datetime) -> None:
    """Give deliveries back untried."""
    await tx.write_many(
        """update delivery set claimed_until = null, due_at = $4
            where company_id = $1 and subscription_id = $2 and number = $3 and state = 'waiting'
              and claimed_until is not null""",
        [(one.company_id, one.subscription_id, one.number, now) for one in pieces],
    )


async def delivered(tx: Tx, done: Sequence[tuple[Claimed, Attempt]], *, now: datetime) -> None:
    """Note deliveries that were taken, with their attempts; their receivers are well again."""
    rows = [
        (one.company_id, one.subscription_id, one.number, tried.at, tried.milliseconds, tried.status, tried.answer)
        for one, tried in done
    ]
    await tx.write(
        """
        with told as (
            select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::int[], $6::int[],
                                 $7::text[]) t (company_id, subscription_id, number, at, milliseconds, status, answer)
        ), done as (
            update delivery d set state = 'delivered', attempts = attempts + 1, refusals = 0, due_at = null,
                   claimed_until = null, finished_at = $8
              from told t
             where d.company_id = t.company_id and d.subscription_id = t.subscription_id and d.number = t.number
               and d.state in ('waiting', 'dead')
            returning d.company_id, d.subscription_id, d.number, d.attempts, t.at, t.milliseconds, t.status, t.answer
        ), noted as (
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


async def failed(
    tx: Tx, one: Claimed, tried: Attempt, *, state: State, refused: bool, due_at: datetime, now: datetime
) -> int | None:
    """Note an attempt that failed, and when the next is due, or that there is none; how often it was refused now.

    None when the delivery does not wait any more.
    """
    row = await tx.write(
        """
        with failed as (
            update delivery set attempts = attempts + 1, refusals = refusals + $4::int, state = $5,
                   claimed_until = null, due_at = case when $5 = 'waiting' then $6::timestamptz end,
                   finished_at = case when $5 <> 'waiting' then $7::timestamptz end
             where company_id = $1 and subscription_id = $2 and number = $3 and state = 'waiting'
            returning attempts, refusals
        ), noted as (
            insert into delivery_attempt (company_id, subscription_id, delivery_number, number, at, milliseconds,
                                          status, error, answer)
            select $1, $2, $3, attempts, $8, $9, $10, $11, $12 from failed
        )
        select refusals from failed
        """,
        one.company_id,
        one.subscription_id,
        one.number,
        int(refused),
        state,
        due_at,
        now,
        tried.at,
        tried.milliseconds,
        tried.status,
        tried.error,
        tried.answer,
    )
    return None if row is None else int(row[0])


async def refusals(tx: Tx, one: Claimed) -> int:
    """How often in a row the receiver refused a delivery, which is held until the transaction ends."""
    found = await tx.fetchval(
        """select refusals from delivery where company_id = $1 and subscription_id = $2 and number = $3
              for update""",
        one.company_id,
        one.subscription_id,
        one.number,
    )
    return int(found or 0)


async def give_up(tx: Tx, one: Subscription, *, now: datetime) -> None:
    """Let everything that waits for a subscription be dead."""
    await tx.write(
        """update delivery set state = 'dead', due_at = null, claimed_until = null, finished_at = $3
            where company_id = $1 and subscription_id = $2 and state = 'waiting'""",
        one.company_id,
        one.id,
        now,
    )


async def revive(tx: Tx, one: Subscription, *, now: datetime) -> None:
    """Have everything that waits for a subscription be tried now."""
    await tx.write(
        """update delivery set due_at = $3
            where company_id = $1 and subscription_id = $2 and state = 'waiting' and claimed_until is null""",
        one.company_id,
        one.id,
        now,
    )


async def replay(tx: Tx, one: Delivery, *, now: datetime) -> bool:
    """Put a finished delivery up again; whether it was finished."""
    row = await tx.write(
        """update delivery set state = 'waiting', refusals = 0, due_at = $4, claimed_until = null, finished_at = null
            where company_id = $1 and subscription_id = $2 and number = $3 and state <> 'waiting' returning 1""",
        one.company_id,
        one.subscription_id,
        one.number,
        now,
    )
    return row is not None


async def replay_range(
    tx: Tx, one: Subscription, *, since: datetime, until: datetime, state: State, limit: int, now: datetime
) -> int:
    """Put up to ``limit`` finished deliveries of a time up again, oldest first; how many.

    Served by the primary key, dead ones by ``delivery_open``.
    """
    row = await tx.write(
        """
        with again as (
            update delivery d set state = 'waiting', refusals = 0, due_at = $6, claimed_until = null,
                   finished_at = null
             where (d.company_id, d.subscription_id, d.number) in (
                   select company_id, subscription_id, number from delivery
                    where company_id = $1 and subscription_id = $2 and state = $5 and created_at >= $3
                      and created_at < $4
                    order by number limit $7)
            returning 1
        )
        select count(*) from again
        """,
        one.company_id,
        one.id,
        since,
        until,
        state,
        now,
        limit,
    )
    return 0 if row is None else int(row[0])


async def purge(tx: Tx, *, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` deliveries that were finished before a time; how many. Served by ``delivery_finished``."""
    row = await tx.write(
        """
        with gone as (
            delete from delivery where (company_id, subscription_id, number) in (
                select company_id, subscription_id, number from delivery
                 where finished_at < $1 and state <> 'waiting' order by finished_at limit $2)
            returning 1
        )
        select count(*) from gone
        """,
        before,
        limit,
    )
    return 0 if row is None else int(row[0])
