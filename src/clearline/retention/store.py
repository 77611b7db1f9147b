"""The runs of retention, and how much there is of each kind: estimates, never a count of a whole table."""

from datetime import datetime
from typing import NamedTuple

from clearline.platform.database.transactions import Record, Tx
from clearline.retention.domain import Claim, Kind, Run

_RUN = "kind, started_at, batch_at, finished_at, removed, removed_total"


class Measured(NamedTuple):
    """The tables of a kind, the first of which has the rows that count.

    With ``partial`` only the rows of that partial index count, and a share of the tables by their number.
    """

    tables: tuple[str, ...]
    partial: str | None = None


MEASURED = {
    Kind.IDEMPOTENCY_KEYS: Measured(("idempotency_key",)),
    Kind.DRAFTS: Measured(("draft", "held_file", "undone_assignment")),
    Kind.JOBS: Measured(("job", "job_item")),
    Kind.DELIVERIES: Measured(("delivery", "delivery_attempt")),
    Kind.OUTBOUND_MAIL: Measured(("outbound_mail",)),
    Kind.INBOUND_MAIL: Measured(("inbound_mail",)),
    Kind.NOTIFICATIONS: Measured(("notification",)),
    Kind.AUDIT: Measured(("event",), partial="event_of_records"),
}
"""The kinds that are in the database."""

OLDEST = {
    Kind.IDEMPOTENCY_KEYS: "select min(created_at) from idempotency_key",
    Kind.DRAFTS: "select min(saved_at) from draft",
    Kind.JOBS: "select created_at from job where finished_at is not null order by created_at, id limit 1",
    Kind.DELIVERIES: "select min(finished_at) from delivery where state <> 'waiting'",
    Kind.OUTBOUND_MAIL: "select min(finished_at) from outbound_mail where state <> 'waiting'",
    Kind.INBOUND_MAIL: """select min(coalesce(decided_at, received_at)) from inbound_mail
                           where raw is not null and state <> 'waiting'""",
    Kind.NOTIFICATIONS: "select at from notification order by due_at, recipient, id limit 1",
    Kind.AUDIT: "select at from event where ticket_number is null order by at, id limit 1",
}
"""The time by which the age of the oldest is counted: one end of an index."""

DUE = {
    Kind.IDEMPOTENCY_KEYS: "select from idempotency_key where created_at < $1",
    Kind.DRAFTS: "select from draft where saved_at < $1",
    Kind.JOBS: "select from job where created_at < $1 and finished_at < $1",
    Kind.DELIVERIES: "select from delivery where finished_at < $1 and state <> 'waiting'",
    Kind.OUTBOUND_MAIL: "select from outbound_mail where finished_at < $1 and state <> 'waiting'",
    Kind.INBOUND_MAIL: """select from inbound_mail
                           where raw is not null and state <> 'waiting' and coalesce(decided_at, received_at) < $1""",
    Kind.AUDIT: "select from event where ticket_number is null and at < $1",
}
"""What a run deletes, by the indexes that it uses itself."""


async def claim(tx: Tx, claim: Claim, seen: Run | None, *, now: datetime) -> bool:
    """Start a run, or go on with one that a process left; return False if another process did so since ``seen``.

    Served by the primary key.
    """
    await tx.write("insert into retention_run (kind) values ($1) on conflict do nothing", claim.kind)
    row = await tx.write(
        """update retention_run
              set claimed_by = $2, batch_at = $3, finished_at = null,
                  started_at = case when finished_at is null then coalesce(started_at, $3) else $3 end,
                  removed = case when finished_at is null then removed else 0 end
            where kind = $1 and batch_at is not distinct from $4 and finished_at is not distinct from $5
           returning 1""",
        claim.kind,
        claim.by,
        now,
        None if seen is None else seen.batch_at,
        None if seen is None else seen.finished_at,
    )
    return row is not None


async def add_removed(tx: Tx, claim: Claim, removed: int, *, now: datetime) -> bool:
    """Add what a batch removed to its run; return False if another process claimed it. Served by the primary key."""
    row = await tx.write(
        """update retention_run set removed = removed + $3, removed_total = removed_total + $3, batch_at = $4
            where kind = $1 and claimed_by = $2 returning 1""",
        claim.kind,
        claim.by,
        removed,
        now,
    )
    return row is not None


async def finish(tx: Tx, claim: Claim, *, now: datetime) -> int:
    """Note that a run has nothing left to remove; return what it removed. Served by the primary key."""
    row = await tx.write(
        """update retention_run set finished_at = $3, claimed_by = null
            where kind = $1 and claimed_by = $2 returning removed""",
        claim.kind,
        claim.by,
        now,
    )
    return 0 if row is None else int(row[0])


async def runs(tx: Tx) -> dict[Kind, Run]:
    """Return the last run of each kind that ever had one."""
    rows = await tx.fetch(f"select {_RUN} from retention_run where started_at is not null")
    known = {kind.value for kind in Kind}
    return {Kind(row[0]): _run(row) for row in rows if row[0] in known}


def _run(row: Record) -> Run:
    return Run(Kind(row[0]), *row[1:])


async def sizes(tx: Tx) -> dict[str, tuple[int, int]]:
    """Return the estimated rows and the bytes, with indexes, of the tables, and the rows of the partial indexes.

    The statistics of a table that was never analyzed are those of its inserts and deletions. A partitioned table is
    the sum of its partitions.
    """
    names = {name for measured in MEASURED.values() for name in (*measured.tables, measured.partial) if name}
    rows = await tx.fetch(
        """
        select n.name, coalesce(sum(greatest(0, case when c.relkind = 'i' or pg_stat_get_live_tuples(c.oid) = 0
                                                     then c.reltuples else pg_stat_get_live_tuples(c.oid) end)), 0),
               coalesce(sum(case when c.relkind = 'r' then pg_total_relation_size(c.oid) else 0 end), 0)
          from unnest($1::text[]) n (name)
          join pg_class c on c.oid = n.name::regclass
            or c.oid in (select relid from pg_partition_tree(n.name::regclass))
         group by n.name
        """,
        sorted({*names, "ticket"}),
    )
    return {row[0]: (int(row[1]), int(row[2])) for row in rows}


async def oldest(tx: Tx, kind: Kind) -> datetime | None:
    """Return the time by which the age of the oldest of a kind is counted."""
    at: datetime | None = await tx.fetchval(OLDEST[kind])
    return at


async def due(tx: Tx, kind: Kind, *, before: datetime, limit: int) -> int:
    """Return how much of a kind is from before a time, counted up to ``limit``."""
    count: int = await tx.fetchval(f"select count(*) from ({DUE[kind]} limit $2) due", before, limit)
    return count
