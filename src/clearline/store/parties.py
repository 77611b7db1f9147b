"""Companies, users and API keys."""

from datetime import datetime
from uuid import UUID

from clearline.domain.party import Actor, ApiKey, Company, Role, User
from clearline.store.db import Record, Tx

_KEY = "company_id, id, user_id, name, prefix, scopes, created_at, expires_at, revoked_at, last_used_at"


def _key(row: Record) -> ApiKey:
    return ApiKey(row[0], row[1], row[2], row[3], row[4], frozenset(row[5]), *row[6:])


async def insert_company(tx: Tx, company: Company, *, now: datetime) -> bool:
    """Store a company; False when its name or code is taken, whatever the case of its letters."""
    row = await tx.write(
        "insert into company values ($1, $2, $3, $4) on conflict do nothing returning id",
        company.id,
        company.name,
        company.code,
        now,
    )
    return row is not None


async def companies(tx: Tx) -> list[Company]:
    """Every company, by name."""
    return [Company(*row) for row in await tx.fetch("select id, name, code from company order by lower(name)")]


async def find_company(tx: Tx, name: str) -> Company | None:
    """The company of this name or code, in any case; the name goes first."""
    row = await tx.fetchrow(
        """select id, name, code from company where lower(name) = lower($1) or lower(code) = lower($1)
            order by lower(name) = lower($1) desc limit 1""",
        name,
    )
    return None if row is None else Company(*row)


async def insert_user(tx: Tx, user: User, *, now: datetime) -> bool:
    """Store a user; False when the company has one of that address."""
    row = await tx.write(
        """insert into app_user (company_id, id, name, email, phone, created_at) values ($1, $2, $3, $4, $5, $6)
           on conflict do nothing returning id""",
        user.company_id,
        user.id,
        user.name,
        user.email,
        user.phone,
        now,
    )
    return row is not None


async def users(tx: Tx, company_id: UUID) -> list[User]:
    """The users of a company, the first one first."""
    rows = await tx.fetch(
        "select company_id, id, name, email, phone from app_user where company_id = $1 order by created_at, id",
        company_id,
    )
    return [User(*row) for row in rows]


async def insert_key(tx: Tx, key: ApiKey, secret_hash: bytes) -> None:
    """Store a key and the SHA-256 of its secret."""
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


async def keys(tx: Tx, company_id: UUID) -> list[ApiKey]:
    """The keys of a company, oldest first, revoked ones too."""
    rows = await tx.fetch(f"select {_KEY} from api_key where company_id = $1 order by created_at, id", company_id)
    return [_key(row) for row in rows]


async def revoke_key(tx: Tx, company_id: UUID, key_id: UUID, *, now: datetime) -> ApiKey | None:
    """End a key; one already revoked keeps its time. None when the company has no such key."""
    row = await tx.write(
        f"""update api_key set revoked_at = coalesce(revoked_at, $3) where company_id = $1 and id = $2
            returning {_KEY}""",
        company_id,
        key_id,
        now,
    )
    return None if row is None else _key(row)


async def actor_of(tx: Tx, secret_hash: bytes, *, now: datetime) -> Actor | None:
    """Who a key speaks for, or None when it is unknown, revoked or expired. Served by ``api_key_by_secret``."""
    row = await tx.fetchrow(
        """
        select k.id, k.expires_at, k.scopes, c.id, c.name, c.code, u.id, u.name, u.email, u.phone
          from api_key k
          join app_user u on u.company_id = k.company_id and u.id = k.user_id
          join company c on c.id = k.company_id
         where k.secret_hash = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > $2)
        """,
        secret_hash,
        now,
    )
    if row is None:
        return None
    return Actor(
        Role.CUSTOMER,
        row[7],
        company=Company(row[3], row[4], row[5]),
        user=User(row[3], row[6], row[7], row[8], row[9]),
        key_id=row[0],
        key_expires_at=row[1],
        scopes=frozenset(row[2]),
    )


async def save_last_uses(tx: Tx, uses: list[tuple[UUID, UUID, datetime]]) -> None:
    """Note when keys (company, key, time) were last used; a time never goes back."""
    rows: list[tuple[object, ...]] = sorted(uses)  # one order for everybody: two savers cannot deadlock
    await tx.write_many(
        """update api_key set last_used_at = greatest(last_used_at, $3) where company_id = $1 and id = $2""", rows
    )
