"""API keys, and the actors that they identify."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from clearline.accounts.company_store import CHILDREN, children_of
from clearline.accounts.domain import ApiKey
from clearline.accounts.user_store import USER, USER_WIDTH, user_of
from clearline.identity import ROLE_SCOPES, Actor, Company
from clearline.platform.database.transactions import Record, Tx

_KEY = "company_id, id, user_id, name, prefix, scopes, created_at, expires_at, revoked_at, last_used_at"
_BEFORE_ALL = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))


def _key(row: Record) -> ApiKey:
    return ApiKey(row[0], row[1], row[2], row[3], row[4], frozenset(row[5]), *row[6:])


async def insert(tx: Tx, key: ApiKey, secret_hash: bytes) -> None:
    """Store a new key and the SHA-256 of its secret."""
    await tx.write(
        """insert into api_key (company_id, id, user_id, name, prefix, secret_hash, scopes, created_at, expires_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        key.company_id,
        key.id,
        key.user_id,
        key.name,
        key.prefix,
        secret_hash,
        sorted(key.scopes),
        key.created_at,
        key.expires_at,
    )


async def count(tx: Tx, company_id: UUID, *, now: datetime) -> int:
    """Return how many keys of a company are in force. Served by the primary key."""
    total: int = await tx.fetchval(
        """select count(*) from api_key
            where company_id = $1 and revoked_at is null and (expires_at is null or expires_at > $2)""",
        company_id,
        now,
    )
    return total


async def count_issued(tx: Tx, company_id: UUID, *, since: datetime, until: datetime) -> int:
    """Return how many keys a company got within a time, revoked ones too. Served by ``api_key_by_age``."""
    total: int = await tx.fetchval(
        "select count(*) from api_key where company_id = $1 and created_at > $2 and created_at <= $3",
        company_id,
        since,
        until,
    )
    return total


async def page(
    tx: Tx,
    company_id: UUID,
    *,
    user_id: UUID | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int | None = None,
) -> list[ApiKey]:
    """Return a company's keys, or those of one user, revoked ones too, oldest first, after a time and id.

    Served by ``api_key_by_age``.
    """
    values = (company_id, *(after or _BEFORE_ALL), limit)
    # Two statements: a condition that may be left out would have the planner expect one row, and sort.
    if user_id is None:
        rows = await tx.fetch(
            f"""select {_KEY} from api_key where company_id = $1 and (created_at, id) > ($2, $3)
                 order by created_at, id limit $4""",
            *values,
        )
    else:
        rows = await tx.fetch(
            f"""select {_KEY} from api_key where company_id = $1 and (created_at, id) > ($2, $3) and user_id = $5
                 order by created_at, id limit $4""",
            *values,
            user_id,
        )
    return [_key(row) for row in rows]


async def get(tx: Tx, company_id: UUID, key_id: UUID) -> ApiKey | None:
    """Return a key of a company, or None."""
    row = await tx.fetchrow(f"select {_KEY} from api_key where company_id = $1 and id = $2", company_id, key_id)
    return None if row is None else _key(row)


async def lock(tx: Tx, company_id: UUID, key_id: UUID) -> ApiKey | None:
    """Lock a key of a company until the transaction ends; return it, or None."""
    row = await tx.fetchrow(
        f"select {_KEY} from api_key where company_id = $1 and id = $2 for no key update", company_id, key_id
    )
    return None if row is None else _key(row)


async def revoke(tx: Tx, company_id: UUID, key_id: UUID, *, now: datetime) -> None:
    """Revoke a locked key."""
    await tx.write("update api_key set revoked_at = $3 where company_id = $1 and id = $2", company_id, key_id, now)


_ACTOR = f"""select {USER}, c.id, c.name, c.code, {CHILDREN}
      from app_user u join company c on c.id = u.company_id where u.company_id = $1 and u.id = $2 and u.is_active"""


def _actor(
    row: Record, company: Sequence[Any], scopes: frozenset[str], key_id: UUID | None, ends: datetime | None
) -> Actor:
    user, (company_id, name, code, children) = user_of(row), company
    own = Company(company_id, name, code)
    return Actor(user.role, user.name, own, user, key_id, ends, scopes & ROLE_SCOPES[user.role], children_of(children))


async def actor_of(tx: Tx, secret_hash: bytes, *, now: datetime) -> Actor | None:
    """Return the actor of a key; None when the key is unknown, revoked or expired, or its user is not active.

    Served by ``api_key_by_secret``.
    """
    row = await tx.fetchrow(
        f"""
        select {USER}, c.id, c.name, c.code, {CHILDREN}, k.scopes, k.id, k.expires_at
          from api_key k
          join app_user u on u.company_id = k.company_id and u.id = k.user_id
          join company c on c.id = k.company_id
         where k.secret_hash = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > $2)
           and u.is_active
        """,
        secret_hash,
        now,
    )
    if row is None:
        return None
    *company, scopes, key_id, ends = row[USER_WIDTH:]
    return _actor(row, company, frozenset(scopes), key_id, ends)


async def actor_for(tx: Tx, company_id: UUID, user_id: UUID, scopes: frozenset[str]) -> Actor | None:
    """Return a user as an actor with its present role, for work that it requested; None when it is not active."""
    row = await tx.fetchrow(_ACTOR, company_id, user_id)
    return None if row is None else _actor(row, row[USER_WIDTH:], scopes, None, None)


async def save_last_uses(tx: Tx, uses: list[tuple[UUID, UUID, datetime]]) -> None:
    """Store when keys (company, key, time) were last used; a stored time never gets earlier."""
    rows: list[tuple[object, ...]] = sorted(uses)  # in one order, so that two processes cannot deadlock
    await tx.write_many(
        """update api_key set last_used_at = greatest(last_used_at, $3) where company_id = $1 and id = $2""", rows
    )
