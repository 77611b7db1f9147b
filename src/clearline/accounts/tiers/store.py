"""The table of tiers."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from msgspec.structs import astuple

from clearline.accounts.tiers.domain import Tier
from clearline.platform.database.errors import UniqueViolation
from clearline.platform.database.transactions import Tx

_COLUMNS = "key, label, help, position, is_active"


async def all_tiers(tx: Tx) -> list[Tier]:
    """Return the tiers in their order, with those that are not active. There are at most 50."""
    rows = await tx.fetch(f"select {_COLUMNS} from tier order by position, key")
    return [Tier(*row) for row in rows]


async def find(tx: Tx, key: str) -> Tier | None:
    """Return the tier of a key, or None."""
    row = await tx.fetchrow(f"select {_COLUMNS} from tier where key = $1", key)
    return None if row is None else Tier(*row)


async def of_company(tx: Tx, company_id: UUID) -> str | None:
    """Return the key of a company's tier, or None. Served by the primary key."""
    tier: str | None = await tx.fetchval("select tier from company where id = $1", company_id)
    return tier


async def labels_of(tx: Tx, company_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the labels of the tiers of companies that have one. Served by the primary keys."""
    rows = await tx.fetch(
        "select c.id, t.label from company c join tier t on t.key = c.tier where c.id = any($1::uuid[])", [*company_ids]
    )
    return {row[0]: row[1] for row in rows}


async def lock(tx: Tx, key: str) -> Tier | None:
    """Lock a tier until the transaction ends; return it, or None."""
    row = await tx.fetchrow(f"select {_COLUMNS} from tier where key = $1 for no key update", key)
    return None if row is None else Tier(*row)


async def lock_all(tx: Tx) -> None:
    """Keep others from adding a tier until the transaction ends."""
    await tx.fetchval("select pg_advisory_xact_lock(hashtextextended('tiers', 0))")


async def insert(tx: Tx, tier: Tier, *, now: datetime) -> bool:
    """Store a new tier; False when another has its key or its label, in any case."""
    row = await tx.write(
        f"""insert into tier ({_COLUMNS}, created_at) values ($1, $2, $3, $4, $5, $6)
            on conflict do nothing returning key""",
        *astuple(tier),
        now,
    )
    return row is not None


async def save(tx: Tx, tier: Tier) -> bool:
    """Store a locked tier; False when another has its label: the transaction must then be rolled back."""
    try:
        await tx.write(
            "update tier set label = $2, help = $3, position = $4, is_active = $5 where key = $1", *astuple(tier)
        )
    except UniqueViolation:
        return False
    return True
