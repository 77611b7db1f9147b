"""Jobs and their items."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from clearline.bulk.domain import (
    CANCELLED,
    DETAIL_MAX,
    WAITING,
    Counts,
    ItemOutcome,
    ItemResult,
    Job,
    JobItem,
    JobState,
    NewItem,
    Request,
)
from clearline.errors import InvalidInput
from clearline.events.domain import Change, RecordChanged
from clearline.events.store import actor_id, encode
from clearline.identity import Actor
from clearline.platform.database.transactions import Record, Tx

_COLUMNS = """j.company_id, j.id, j.state, j.request, j.dry_run, j.total, j.user_id, j.actor_name, j.scopes,
    j.created_at, j.finished_at"""
_COUNTS = """count(*) filter (where i.outcome = 'done') as done,
    count(*) filter (where i.outcome = 'unchanged') as unchanged,
    count(*) filter (where i.outcome = 'refused') as refused, count(*) filter (where i.outcome is null) as waiting"""

_request = msgspec.json.Decoder(Request).decode


class Waiting(NamedTuple):
    """An item that a worker has locked until its transaction ends. ``input`` is JSON."""

    position: int
    input: str
    ticket_number: int | None


def _job(row: Record, counts: Counts | None = None) -> Job:
    dry_run, total, user_id, actor_name, scopes, created_at, finished_at = row[4:11]
    return Job(
        row[0],
        row[1],
        JobState(row[2]),
        _request(row[3]),
        dry_run,
        total,
        user_id,
        actor_name,
        frozenset(scopes),
        created_at,
        finished_at,
        counts,
    )


async def insert(tx: Tx, actor: Actor, job: Job, items: Sequence[NewItem]) -> None:
    """Store a job with its items and its event, in one statement: all or nothing."""
    kind, data = encode(RecordChanged("job", "created", str(job.id), job.kind))
    await tx.write(
        """
        with added_job as (
            insert into job (company_id, id, kind, state, request, dry_run, total, user_id, actor_name, scopes,
                             created_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ), added_items as (
            insert into job_item (company_id, job_id, position, input, ticket_number, outcome, code, detail)
            select $1, $2, p.place - 1, p.input::jsonb, p.number, case when p.detail is not null then 'refused' end,
                   case when p.detail is not null then $17 end, p.detail
              from unnest($12::text[], $13::bigint[], $14::text[]) with ordinality as p (input, number, detail, place)
        )
        insert into event (company_id, at, type, actor_id, actor_name, data) values ($1, $11, $15, $8, $9, $16)
        """,
        job.company_id,
        job.id,
        job.kind,
        job.state,
        msgspec.json.encode(job.request).decode(),
        job.dry_run,
        job.total,
        actor_id(actor),
        actor.name,
        sorted(actor.scopes),
        job.created_at,
        [item.input for item in items],
        [item.ticket_number for item in items],
        [None if item.refusal is None else item.refusal[:DETAIL_MAX] for item in items],
        kind,
        data,
        InvalidInput.code,
    )


_GET = f"""
    select {_COLUMNS}, counted.*
      from job j,
           lateral (select {_COUNTS} from job_item i where i.company_id = j.company_id and i.job_id = j.id) counted
     where j.id = $1"""


async def get(tx: Tx, job_id: UUID) -> Job | None:
    """Return a job with its counts, or None. Served by ``job_by_id`` and the items' primary key."""
    row = await tx.fetchrow(_GET, job_id)
    return None if row is None else _job(row, Counts(*row[11:15]))


async def ids_between(tx: Tx, low: UUID, high: UUID, *, limit: int) -> list[UUID]:
    """Return the ids of jobs between two, both included. Served by ``job_by_id``."""
    rows = await tx.fetch("select id from job where id between $1 and $2 order by id limit $3", low, high, limit)
    return [row[0] for row in rows]


async def lock(tx: Tx, job: Job) -> JobState:
    """Lock a job until the transaction ends; return its present state."""
    state = await tx.fetchval(
        "select state from job where company_id = $1 and id = $2 for update", job.company_id, job.id
    )
    return JobState(state)


_BEFORE_ALL = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))
"""The key (time, id) of a list that is newest first, before every job."""


async def newest(tx: Tx, after: tuple[datetime, UUID] | None, limit: int) -> list[Job]:
    """Return everybody's jobs after a key (time, id), newest first, without counts. Served by ``job_newest``."""
    rows = await tx.fetch(
        f"""select {_COLUMNS} from job j where (j.created_at, j.id) < ($1, $2)
             order by j.created_at desc, j.id desc limit $3""",
        *(after or _BEFORE_ALL),
        limit,
    )
    return [_job(row) for row in rows]


async def newest_imports(tx: Tx, after: tuple[datetime, UUID] | None, limit: int) -> list[Job]:
    """Return everybody's imports after a key (time, id), newest first, without counts. Served by ``job_newest``."""
    rows = await tx.fetch(
        f"""select {_COLUMNS} from job j where (j.created_at, j.id) < ($1, $2) and j.kind = 'import'
             order by j.created_at desc, j.id desc limit $3""",
        *(after or _BEFORE_ALL),
        limit,
    )
    return [_job(row) for row in rows]


async def newest_of(
    tx: Tx, company_id: UUID, user_id: UUID, after: tuple[datetime, UUID] | None, limit: int
) -> list[Job]:
    """Return a user's jobs after a key (time, id), newest first, without counts. Served by ``job_of_user``."""
    rows = await tx.fetch(
        f"""select {_COLUMNS} from job j
             where j.company_id = $1 and j.user_id = $2 and (j.created_at, j.id) < ($3, $4)
             order by j.created_at desc, j.id desc limit $5""",
        company_id,
        user_id,
        *(after or _BEFORE_ALL),
        limit,
    )
    return [_job(row) for row in rows]


_ITEMS = """
    select position, ticket_number, outcome, code, detail from job_item
     where company_id = $1 and job_id = $2 and position > $3 and {condition} order by position limit $4"""
_ALL_ITEMS = _ITEMS.format(condition="true")
_WAITING_ITEMS = _ITEMS.format(condition="outcome is null")
_ITEMS_WITH_OUTCOME = _ITEMS.format(condition="outcome = $5")


async def items(tx: Tx, job: Job, outcome: str | None, after: int, limit: int) -> list[JobItem]:
    """Return the items of a job after a position, in order: of one outcome, those that are ``waiting``, or all.

    Served by the primary key, waiting ones also by ``job_item_waiting``. A job has at most 10,000 items.
    """
    key = (job.company_id, job.id, after, limit)
    if outcome is None:
        rows = await tx.fetch(_ALL_ITEMS, *key)
    elif outcome == WAITING:
        rows = await tx.fetch(_WAITING_ITEMS, *key)
    else:
        rows = await tx.fetch(_ITEMS_WITH_OUTCOME, *key, outcome)
    return [JobItem(row[0], row[1], None if row[2] is None else ItemOutcome(row[2]), row[3], row[4]) for row in rows]


async def cancel(tx: Tx, actor: Actor, job: Job, *, now: datetime) -> None:
    """Cancel a locked job: refuse its waiting items. Wait for the items that are being processed."""
    kind, data = encode(
        RecordChanged("job", "cancelled", str(job.id), job.kind, [Change("state", job.state, JobState.CANCELLED)])
    )
    await tx.write(
        """update job_item set outcome = 'refused', code = $3, detail = 'the job was cancelled before its turn',
                  input = '{}'
            where company_id = $1 and job_id = $2 and outcome is null""",
        job.company_id,
        job.id,
        CANCELLED,
    )
    await tx.write(
        """with cancelled_job as (
               update job set state = 'cancelled', finished_at = $3 where company_id = $1 and id = $2
           )
           insert into event (company_id, at, type, actor_id, actor_name, data) values ($1, $3, $4, $5, $6, $7)""",
        job.company_id,
        job.id,
        now,
        kind,
        actor_id(actor),
        actor.name,
        data,
    )


async def unfinished(tx: Tx, turn: int) -> list[Job]:
    """Return an unfinished job of each company that has any: its oldest in turn 0, the next in turn 1, and so on.

    After its newest a company begins again with its oldest. The oldest jobs come first, without counts.
    Served by ``job_unfinished``.
    """
    rows = await tx.fetch(
        f"""select {_COLUMNS}
              from (select *, row_number() over (partition by company_id order by created_at, id) as place,
                           count(*) over (partition by company_id) as places
                      from job where state in ('waiting', 'running')) j
             where j.place - 1 = $1::bigint % j.places
             order by j.created_at, j.id""",
        turn,
    )
    return [_job(row) for row in rows]


async def count_unfinished(tx: Tx, company_id: UUID) -> int:
    """Return the number of unfinished jobs of a company. Served by ``job_unfinished``."""
    count = await tx.fetchval(
        "select count(*) from job where company_id = $1 and state in ('waiting', 'running')", company_id
    )
    return int(count)


async def waiting(tx: Tx, *, limit: int) -> tuple[int, datetime | None]:
    """Return how many jobs are not finished, counted up to a limit, and when the oldest was created.

    Served by ``job_unfinished``.
    """
    row = await tx.fetchrow(
        """select count(*), min(created_at)
             from (select created_at from job where state in ('waiting', 'running')
                    order by created_at, id limit $1) w""",
        limit,
    )
    return (0, None) if row is None else (row[0], row[1])


async def begin(tx: Tx, job: Job) -> None:
    """Set a waiting job to running."""
    await tx.write(
        "update job set state = 'running' where company_id = $1 and id = $2 and state = 'waiting'",
        job.company_id,
        job.id,
    )


async def take(tx: Tx, job: Job) -> Waiting | None:
    """Lock the next item that is not locked, until the transaction ends; return it, or None.

    Served by ``job_item_waiting``.
    """
    row = await tx.fetchrow(
        """select position, input, ticket_number from job_item
            where company_id = $1 and job_id = $2 and outcome is null
            order by position limit 1 for update skip locked""",
        job.company_id,
        job.id,
    )
    return None if row is None else Waiting(row[0], row[1], row[2])


async def record(tx: Tx, job: Job, position: int, result: ItemResult) -> None:
    """Store the result of an item, unless it has one, and delete its input."""
    await tx.write(
        """update job_item set outcome = $4, ticket_number = coalesce($5, ticket_number), code = $6, detail = $7,
                  input = '{}'
            where company_id = $1 and job_id = $2 and position = $3 and outcome is null""",
        job.company_id,
        job.id,
        position,
        result.outcome,
        result.ticket_number,
        result.code,
        None if result.detail is None else result.detail[:DETAIL_MAX],
    )


async def finish(tx: Tx, job: Job, *, now: datetime) -> bool:
    """Set a job to done and store its event, if no item waits; return whether this call did."""
    kind, data = encode(
        RecordChanged("job", "finished", str(job.id), job.kind, [Change("state", JobState.RUNNING, JobState.DONE)])
    )
    row = await tx.write(
        """
        with finished as (
            update job set state = 'done', finished_at = $3
             where company_id = $1 and id = $2 and state in ('waiting', 'running') and not exists (
                   select from job_item i where i.company_id = $1 and i.job_id = $2 and i.outcome is null)
            returning user_id, actor_name
        )
        insert into event (company_id, at, type, actor_id, actor_name, data)
        select $1, $3, $4, finished.user_id, finished.actor_name, $5 from finished returning id
        """,
        job.company_id,
        job.id,
        now,
        kind,
        data,
    )
    return row is not None


async def purge(tx: Tx, *, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` items of the oldest jobs that were finished before a time, and those without any.

    Return how many items and jobs. Served by ``job_newest`` from its old end, where few are not finished, and the
    primary key of ``job_item``.
    """
    row = await tx.write(
        """
        with old as materialized (
            select company_id, id from job where created_at < $1 and finished_at < $1
             order by created_at, id limit 20
        ), emptied as (
            delete from job_item where ctid = any(array(
                select i.ctid from old join job_item i on i.company_id = old.company_id and i.job_id = old.id limit $2))
            returning 1
        ), deleted as (
            delete from job j using old
             where j.company_id = old.company_id and j.id = old.id
               and not exists (select from job_item i where i.company_id = j.company_id and i.job_id = j.id)
            returning 1
        )
        select (select count(*) from emptied) + (select count(*) from deleted)
        """,
        before,
        limit,
    )
    return 0 if row is None else int(row[0])
