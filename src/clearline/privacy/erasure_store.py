"""Erasures, and how far the work of each is."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec

from clearline.platform.database.transactions import Record, Tx
from clearline.privacy.erasure_domain import Erasure, File, Work

_COLUMNS = """e.id, e.code, e.accounts, e.hints, e.is_dry_run, e.reason, e.user_id, e.user_name, e.created_at, e.round,
    e.step, e.rows::text, e.files::text, e.finished_at"""
_COUNT = 14
_FILES = msgspec.json.Decoder(tuple[File, ...])
_ROWS = msgspec.json.Decoder(dict[str, int])
_AFTER_ALL = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))


def _erasure(row: Record) -> Erasure:
    values = [*row][:_COUNT]
    values[2], values[3] = tuple(values[2]), tuple(values[3])
    values[11], values[12] = _ROWS.decode(values[11]), _FILES.decode(values[12])
    return Erasure(*values)


async def insert(tx: Tx, erasure: Erasure, sealed: bytes) -> None:
    """Store an erasure whose work begins."""
    await tx.write(
        """insert into erasure (id, code, accounts, hints, is_dry_run, reason, user_id, user_name, created_at, step,
                                rows, sealed, due_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text::jsonb, $12, $9)""",
        erasure.id,
        erasure.code,
        erasure.accounts,
        erasure.hints,
        erasure.is_dry_run,
        erasure.reason,
        erasure.user_id,
        erasure.user_name,
        erasure.created_at,
        erasure.step,
        msgspec.json.encode(erasure.rows).decode(),
        sealed,
    )


async def page(tx: Tx, *, after: tuple[datetime, UUID] | None, limit: int) -> list[Erasure]:
    """Return erasures before a time and an id, newest first. Served by ``erasure_newest``."""
    rows = await tx.fetch(
        f"""select {_COLUMNS} from erasure e where (e.created_at, e.id) < ($1, $2)
             order by e.created_at desc, e.id desc limit $3""",
        *(after or _AFTER_ALL),
        limit,
    )
    return [_erasure(row) for row in rows]


async def get(tx: Tx, erasure_id: UUID) -> Erasure | None:
    """Return an erasure, or None. Served by the primary key."""
    row = await tx.fetchrow(f"select {_COLUMNS} from erasure e where e.id = $1", erasure_id)
    return None if row is None else _erasure(row)


async def certificate(tx: Tx, erasure_id: UUID) -> str | None:
    """Return the certificate of an erasure that is done, or None. Served by the primary key."""
    text: str | None = await tx.fetchval("select certificate from erasure where id = $1", erasure_id)
    return text


async def lock_due(tx: Tx, *, only: UUID | None, now: datetime) -> Work | None:
    """Lock the erasure whose work is due first and that no other has locked, or only one; return the work.

    Served by ``erasure_due``.
    """
    row = await tx.fetchrow(
        f"""select {_COLUMNS}, e.sealed, e.after::text from erasure e
             where e.finished_at is null and e.due_at <= $1 and ($2::uuid is null or e.id = $2)
             order by e.due_at, e.id limit 1 for update skip locked""",
        now,
        only,
    )
    if row is None:
        return None
    sealed, after = [*row][_COUNT:]
    return Work(_erasure(row), sealed, None if after is None else msgspec.json.decode(after, type=list[str]))


async def advance(tx: Tx, erasure: Erasure, after: list[str] | None, *, due_at: datetime) -> None:
    """Store how far the work of a locked erasure is, what it counted, and the files that it came across."""
    await tx.write(
        """update erasure set round = $2, step = $3, after = $4::text::jsonb, rows = $5::text::jsonb,
                  files = $6::text::jsonb, due_at = $7 where id = $1""",
        erasure.id,
        erasure.round,
        erasure.step,
        None if after is None else msgspec.json.encode(after).decode(),
        msgspec.json.encode(erasure.rows).decode(),
        msgspec.json.encode(erasure.files).decode(),
        due_at,
    )


async def finish(tx: Tx, erasure: Erasure, certificate: str | None, *, now: datetime) -> None:
    """Store that an erasure is done, with its certificate, and forget the words."""
    await tx.write(
        """update erasure set sealed = null, after = null, finished_at = $2, certificate = $3, rows = $4::text::jsonb,
                  files = $5::text::jsonb where id = $1""",
        erasure.id,
        now,
        certificate,
        msgspec.json.encode(erasure.rows).decode(),
        msgspec.json.encode(erasure.files).decode(),
    )


async def postpone(tx: Tx, erasure_id: UUID, *, until: datetime) -> None:
    """Store that the work of an erasure is tried again later."""
    await tx.write("update erasure set due_at = $2 where id = $1", erasure_id, until)


async def shorten_waits(tx: Tx, *, longest: datetime, now: datetime) -> int:
    """Make the work due that would wait beyond ``longest``; return how much. Served by ``erasure_due``."""
    row = await tx.write(
        """with shortened as (
               update erasure set due_at = $2 where finished_at is null and due_at > $1 returning 1)
           select count(*) from shortened""",
        longest,
        now,
    )
    return 0 if row is None else int(row[0])
