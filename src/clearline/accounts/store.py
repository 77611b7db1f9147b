"""Companies, users and API keys."""

from datetime import UTC, datetime
from uuid import UUID

from msgspec.structs import astuple

from clearline.accounts.domain import ApiKey
from clearline.identity import ROLE_SCOPES, Actor, Company, Role, User
from clearline.platform.database.transactions import Record, Tx, UniqueViolation

_KEY = "company_id, id, user_id, name, prefix, scopes, created_at, expires_at, revoked_at, last_used_at"

USER = "u.company_id, u.id, u.name, u.email, u.phone, u.role, u.is_active, u.is_available"
_BEFORE_ALL = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))
_ROLE = {str(member): member for member in Role}


def user_of(row: Record) -> User:
    """Return the user in a row that begins with ``USER``."""
    company_id, user_id, name, email, phone, role, is_active, is_available = row[:8]
    return User(company_id, user_id, name, email, phone, _ROLE[role], is_active, is_available)


def _key(row: Record) -> ApiKey:
    return ApiKey(row[0], row[1], row[2], row[3], row[4], frozenset(row[5]), *row[6:])


async def insert_company(tx: Tx, company: Company, *, now: datetime) -> bool:
    """Store a new company; False when its name or code is another's name or code, in any case."""
    row = await tx.write(
        """insert into company (id, name, code, created_at) select $1, $2, $3, $4
            where not exists (select from company where lower(name) = lower($3) or lower(code) = lower($2))
           on conflict do nothing returning id""",
        *astuple(company),
        now,
    )
    return row is not None


async def companies(tx: Tx, *, after: str = "", limit: int | None = None) -> list[Company]:
    """Return the customers after a name, by name; not the provider. Served by ``company_name``."""
    rows = await tx.fetch(
        """select id, name, code from company where lower(name) > lower($1) and not is_provider
            order by lower(name) limit $2""",
        after,
        limit,
    )
    return [Company(*row) for row in rows]


async def company(tx: Tx, company_id: UUID) -> Company | None:
    """Return a company, or None."""
    row = await tx.fetchrow("select id, name, code from company where id = $1", company_id)
    return None if row is None else Company(*row)


async def lock_company(tx: Tx, company_id: UUID) -> Company | None:
    """Lock a company until the transaction ends; return it, or None."""
    row = await tx.fetchrow("select id, name, code from company where id = $1 for no key update", company_id)
    return None if row is None else Company(*row)


async def save_company(tx: Tx, company: Company) -> bool:
    """Store the values of a locked company.

    Return False when its name or code is another's name or code: the transaction must then be rolled back.
    """
    try:
        row = await tx.write(
            """update company set name = $2, code = $3 where id = $1 and not exists (
                      select from company where id <> $1 and (lower(name) = lower($3) or lower(code) = lower($2)))
               returning id""",
            *astuple(company),
        )
    except UniqueViolation:
        return False
    return row is not None


async def find_company(tx: Tx, name: str) -> Company | None:
    """Return the company of this code or, if none, of this name, in any case; None when there is neither."""
    row = await tx.fetchrow(
        """select id, name, code from company where lower(name) = lower($1) or lower(code) = lower($1)
            order by lower(code) = lower($1) desc limit 1""",
        name,
    )
    return None if row is None else Company(*row)


async def insert_user(tx: Tx, user: User, *, now: datetime) -> bool:
    """Store a new user; False when the company has a user with that e-mail address."""
    row = await tx.write(
        """insert into app_user (company_id, id, name, email, phone, role, is_active, is_available, created_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing returning id""",
        *astuple(user),
        now,
    )
    return row is not None


async def users(tx: Tx, company_id: UUID, *, after: str = "", limit: int | None = None) -> list[User]:
    """Return a company's users after an e-mail address, by address. Served by ``app_user_email``."""
    rows = await tx.fetch(
        f"""select {USER} from app_user u where u.company_id = $1 and lower(u.email) > lower($2)
             order by lower(u.email) limit $3""",
        company_id,
        after,
        limit,
    )
    return [user_of(row) for row in rows]


async def first_user(tx: Tx, company_id: UUID) -> User | None:
    """Return the oldest active user of a company, or the oldest when none is active; None when it has no user."""
    row = await tx.fetchrow(
        f"""select {USER} from app_user u where u.company_id = $1
             order by u.is_active desc, u.created_at, u.id limit 1""",
        company_id,
    )
    return None if row is None else user_of(row)


async def user_with_email(tx: Tx, company_id: UUID, email: str) -> User | None:
    """Return the user of a company with an e-mail address, in any case, or None."""
    row = await tx.fetchrow(
        f"select {USER} from app_user u where u.company_id = $1 and lower(u.email) = lower($2)", company_id, email
    )
    return None if row is None else user_of(row)


async def user(tx: Tx, company_id: UUID, user_id: UUID) -> User | None:
    """Return a user of a company, or None."""
    row = await tx.fetchrow(f"select {USER} from app_user u where u.company_id = $1 and u.id = $2", company_id, user_id)
    return None if row is None else user_of(row)


async def lock_user(tx: Tx, company_id: UUID, user_id: UUID) -> User | None:
    """Lock a user of a company until the transaction ends; return it, or None."""
    row = await tx.fetchrow(
        f"select {USER} from app_user u where u.company_id = $1 and u.id = $2 for no key update", company_id, user_id
    )
    return None if row is None else user_of(row)


async def save_user(tx: Tx, user: User) -> bool:
    """Store the values of a locked user, and increment its version.

    Return False when the company has another with that e-mail address: the transaction must then be rolled back.
    """
    try:
        await tx.write(
            """
            update app_user set name = $3, email = $4, phone = $5, role = $6, is_active = $7, is_available = $8,
                   version = version + 1
             where company_id = $1 and id = $2
            """,
            *astuple(user),
        )
    except UniqueViolation:
        return False
    return True


async def has_other_admin(tx: Tx, company_id: UUID, user_id: UUID) -> bool:
    """Return whether a company has an active admin other than this user."""
    has_other: bool = await tx.fetchval(
        """select exists (select from app_user
                           where company_id = $1 and id <> $2 and role = 'admin' and is_active)""",
        company_id,
        user_id,
    )
    return has_other


async def insert_key(tx: Tx, key: ApiKey, secret_hash: bytes) -> None:
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


async def keys(
    tx: Tx, company_id: UUID, *, after: tuple[datetime, UUID] | None = None, limit: int | None = None
) -> list[ApiKey]:
    """Return a company's keys, revoked ones too, oldest first, after a time and id. Served by ``api_key_by_age``."""
    rows = await tx.fetch(
        f"""select {_KEY} from api_key where company_id = $1 and (created_at, id) > ($2, $3)
             order by created_at, id limit $4""",
        company_id,
        *(after or _BEFORE_ALL),
        limit,
    )
    return [_key(row) for row in rows]


async def key(tx: Tx, company_id: UUID, key_id: UUID) -> ApiKey | None:
    """Return a key of a company, or None."""
    row = await tx.fetchrow(f"select {_KEY} from api_key where company_id = $1 and id = $2", company_id, key_id)
    return None if row is None else _key(row)


async def lock_key(tx: Tx, company_id: UUID, key_id: UUID) -> ApiKey | None:
    """Lock a key of a company until the transaction ends; return it, or None."""
    row = await tx.fetchrow(
        f"select {_KEY} from api_key where company_id = $1 and id = $2 for no key update", company_id, key_id
    )
    return None if row is None else _key(row)


async def revoke_key(tx: Tx, company_id: UUID, key_id: UUID, *, now: datetime) -> None:
    """Revoke a locked key."""
    await tx.write("update api_key set revoked_at = $3 where company_id = $1 and id = $2", company_id, key_id, now)


_ACTOR = f"""select {USER}, c.id, c.name, c.code
      from app_user u join company c on c.id = u.company_id where u.company_id = $1 and u.id = $2 and u.is_active"""


def _actor(user: User, company: Company, scopes: frozenset[str], key_id: UUID | None, ends: datetime | None) -> Actor:
    return Actor(user.role, user.name, company, user, key_id, ends, scopes & ROLE_SCOPES[user.role])


async def actor_of(tx: Tx, secret_hash: bytes, *, now: datetime) -> Actor | None:
    """Return the actor of a key; None when the key is unknown, revoked or expired, or its user is not active.

    Served by ``api_key_by_secret``.
    """
    row = await tx.fetchrow(
        f"""
        select {USER}, c.id, c.name, c.code, k.scopes, k.id, k.expires_at
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
    return _actor(user_of(row), Company(row[8], row[9], row[10]), frozenset(row[11]), row[12], row[13])


async def actor_for(tx: Tx, company_id: UUID, user_id: UUID, scopes: frozenset[str]) -> Actor | None:
    """Return a user as an actor with its present role, for work that it requested; None when it is not active."""
    row = await tx.fetchrow(_ACTOR, company_id, user_id)
    return None if row is None else _actor(user_of(row), Company(row[8], row[9], row[10]), scopes, None, None)


async def save_last_uses(tx: Tx, uses: list[tuple[UUID, UUID, datetime]]) -> None:
    """Store when keys (company, key, time) were last used; a stored time never gets earlier."""
    rows: list[tuple[object, ...]] = sorted(uses)  # in one order, so that two processes cannot deadlock
    await tx.write_many(
        """update api_key set last_used_at = greatest(last_used_at, $3) where company_id = $1 and id = $2""", rows
    )
