"""The terms of the provider's lists."""

from typing import Any
from uuid import UUID

from msgspec.structs import asdict

from clearline.catalogue.term_domain import Term, TermKind
from clearline.platform.database.transactions import Record, Tx

_COLUMNS = """id, kind, key, label, customer_label, customer_label_de, help, statuses, is_customer_time, is_active,
              position, created_at"""


def _term(row: Record) -> Term:
    values: dict[str, Any] = {**row, "kind": TermKind(row["kind"]), "statuses": tuple(row["statuses"])}
    return Term(**values)


async def terms(tx: Tx) -> list[Term]:
    """Return all terms, each list in its order. They are few: all are read."""
    return list(map(_term, await tx.fetch(f"select {_COLUMNS} from term order by kind, position, lower(label), key")))


async def get(tx: Tx, term_id: UUID) -> Term | None:
    """Return a term, or None. Served by the primary key."""
    row = await tx.fetchrow(f"select {_COLUMNS} from term where id = $1", term_id)
    return None if row is None else _term(row)


async def save(tx: Tx, term: Term) -> None:
    """Store a term, new or changed, whose key is free. Its kind, key and time of creation stay."""
    values = asdict(term)
    await tx.write(
        f"""
        insert into term ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        on conflict (id) do update set label = $4, customer_label = $5, customer_label_de = $6, help = $7,
               statuses = $8, is_customer_time = $9, is_active = $10, position = $11
        """,
        *values.values(),
    )


async def lock(tx: Tx) -> None:
    """Lock the lists against changes by others until the transaction ends."""
    await tx.fetchval("select pg_advisory_xact_lock(hashtextextended('terms', 0))")
