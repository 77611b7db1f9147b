"""Suppressed addresses, in lower case."""

from collections.abc import Sequence

from clearline.mail.outbound.domain import Suppression, SuppressionReason
from clearline.platform.database.transactions import Record, Tx

_COLUMNS = "address, reason, detail, created_at"


def _suppression(row: Record) -> Suppression:
    return Suppression(row[0], SuppressionReason(row[1]), row[2], row[3])


async def page(tx: Tx, *, after: str | None, limit: int) -> list[Suppression]:
    """Return suppressed addresses in order, after ``after``. Served by the primary key."""
    rows = await tx.fetch(
        f"select {_COLUMNS} from mail_suppression where address > $1 order by address limit $2", after or "", limit
    )
    return [_suppression(row) for row in rows]


async def get(tx: Tx, address: str) -> Suppression | None:
    """Return the suppression of an address, in any case, or None. Served by the primary key."""
    row = await tx.fetchrow(f"select {_COLUMNS} from mail_suppression where address = lower($1)", address)
    return None if row is None else _suppression(row)


async def suppressed(tx: Tx, addresses: Sequence[str]) -> set[str]:
    """Return those of some addresses, in lower case, that are suppressed. Served by the primary key."""
    rows = await tx.fetch("select address from mail_suppression where address = any($1::text[])", addresses)
    return {row[0] for row in rows}


async def add(tx: Tx, suppression: Suppression) -> bool:
    """Suppress an address; False when it already is, which changes nothing."""
    row = await tx.write(
        """insert into mail_suppression (address, reason, detail, created_at) values (lower($1), $2, $3, $4)
           on conflict do nothing returning true""",
        suppression.address,
        suppression.reason,
        suppression.detail,
        suppression.created_at,
    )
    return row is not None


async def delete(tx: Tx, address: str) -> bool:
    """Delete the suppression of an address, in any case; False when there is none."""
    row = await tx.write("delete from mail_suppression where address = lower($1) returning true", address)
    return row is not None
