"""Redactions, and how far the work of each is."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from clearline.platform.database.transactions import Record, Tx
from clearline.redaction.domain import Redaction, Step, Target, Work

_COLUMNS = """r.company_id, r.ticket_number, r.id, r.target, r.target_id, r.reason, r.user_id, r.user_name,
    r.created_at, r.tickets, r.places, r.finished_at"""
_COUNT = 12


def _redaction(row: Record) -> Redaction:
    values = [*row][:_COUNT]
    values[3], values[9] = Target(values[3]), tuple(values[9])
    return Redaction(*values)


async def insert(tx: Tx, redaction: Redaction, *, content_ids: Sequence[UUID], sealed: bytes, step: Step) -> None:
    """Store a redaction whose work begins at a step."""
    await tx.write(
        """insert into redaction (company_id, ticket_number, id, target, target_id, reason, user_id, user_name,
                                  created_at, tickets, places, content_ids, sealed, step, due_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $9)""",
        redaction.company_id,
        redaction.ticket_number,
        redaction.id,
        redaction.target,
        redaction.target_id,
        redaction.reason,
        redaction.user_id,
        redaction.user_name,
        redaction.created_at,
        redaction.tickets,
        redaction.places,
        content_ids,
        sealed,
        step,
    )


_AFTER_ALL = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))


async def of_ticket(
    tx: Tx, company_id: UUID, number: int, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[Redaction]:
    """Return the redactions of a ticket before a time and an id, newest first.

    Served by the primary key: a ticket has few.
    """
    rows = await tx.fetch(
        f"""select {_COLUMNS} from redaction r where r.company_id = $1 and r.ticket_number = $2
               and (r.created_at, r.id) < ($3, $4) order by r.created_at desc, r.id desc limit $5""",
        company_id,
        number,
        *(after or _AFTER_ALL),
        limit,
    )
    return [_redaction(row) for row in rows]


async def get(tx: Tx, company_id: UUID, number: int, redaction_id: UUID) -> Redaction | None:
    """Return a redaction of a ticket, or None. Served by the primary key."""
    row = await tx.fetchrow(
        f"select {_COLUMNS} from redaction r where r.company_id = $1 and r.ticket_number = $2 and r.id = $3",
        company_id,
        number,
        redaction_id,
    )
    return None if row is None else _redaction(row)


async def lock_due(tx: Tx, *, now: datetime) -> Work | None:
    """Lock the redaction whose work is due first and that no other has locked; return the work.

    Served by ``redaction_due``.
    """
    row = await tx.fetchrow(
        f"""select {_COLUMNS}, r.content_ids, r.sealed, r.round, r.step, r.after::text
              from redaction r where r.finished_at is null and r.due_at <= $1
             order by r.due_at, r.id limit 1 for update skip locked""",
        now,
    )
    if row is None:
        return None
    content_ids, sealed, turn, step, after = [*row][_COUNT:]
    key = None if after is None else msgspec.json.decode(after, type=list[str])
    return Work(_redaction(row), tuple(content_ids), sealed, turn, Step(step), key)


async def advance(tx: Tx, work: Work, *, places: int, due_at: datetime) -> None:
    """Store how far the work of a locked redaction is, and add the places that held the words."""
    await tx.write(
        """update redaction set round = $4, step = $5, after = $6::text::jsonb, places = places + $7, due_at = $8
            where company_id = $1 and ticket_number = $2 and id = $3""",
        work.redaction.company_id,
        work.redaction.ticket_number,
        work.redaction.id,
        work.round,
        work.step,
        None if work.after is None else msgspec.json.encode(work.after).decode(),
        places,
        due_at,
    )


async def finish(tx: Tx, redaction: Redaction, *, places: int, now: datetime) -> None:
    """Store that a redaction is done, and forget the words."""
    await tx.write(
        """update redaction set sealed = null, after = null, finished_at = $4, places = places + $5
            where company_id = $1 and ticket_number = $2 and id = $3""",
        redaction.company_id,
        redaction.ticket_number,
        redaction.id,
        now,
        places,
    )


async def postpone(tx: Tx, redaction: Redaction, *, until: datetime) -> None:
    """Store that the work of a redaction is tried again later."""
    await tx.write(
        "update redaction set due_at = $4 where company_id = $1 and ticket_number = $2 and id = $3",
        redaction.company_id,
        redaction.ticket_number,
        redaction.id,
        until,
    )


async def shorten_waits(tx: Tx, *, longest: datetime, now: datetime) -> int:
    """Make the work due that would wait beyond ``longest``; return how much. Served by ``redaction_due``."""
    row = await tx.write(
        """with shortened as (
               update redaction set due_at = $2 where finished_at is null and due_at > $1 returning 1)
           select count(*) from shortened""",
        longest,
        now,
    )
    return 0 if row is None else int(row[0])
