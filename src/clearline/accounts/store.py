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
    """The user in a row that begins with ``USER``."""
    company_id, user_id, name, email, phone, role, is_active, is_available = row[:8]
    return User(company_id, user_id, name, email, phone, _ROLE[role], is_active, is_available)


def _key(row: Record) -> ApiKey:
    return ApiKey(row[0], row[1], row[2], row[3], row[4], frozenset(row[5]), *row[6:])


async def insert_company(tx: Tx, company: Company, *, now: datetime) -> bool:
    """Store a company; False when its name or code is another's name or code, whatever the case of its letters."""
    row = await tx.write(
        """insert into company (id, name, code, created_at) select $1, $2, $3, $4
            where not exists (select from company where lower(name) = lower($3) or lower(code) = lower($2))
           on conflict do nothing returning id""",
        *astuple(company),
        now,
    )
    return row is not None


async def companies(tx: Tx, *, after: str = "", limit: int | None = None) -> list[Company]:
    """Customers by name, after a name; not the provider. Served by ``company_name``."""
    rows = await tx.fetch(
        """select id, name, code from company where lower(name) > lower($1) and not is_provider
            order by lower(name) limit $2""",
        after,
        limit,
    )
    return [Company(*row) for row in rows]


async def company(tx: Tx, company_id: UUID) -> Company | None:
    """One company, or None."""
    row = await tx.fetchrow("select id, name, code from company where id = $1", company_id)
    return None if row is None else Company(*row)


async def lock_company(tx: Tx, company_id: UUID) -> Company | None:
    """One company, held against changes by others until the transaction ends, or None."""
    row = await tx.fetchrow("select id, name, code from company where id = $1 for no key update", company_id)
    return None if row is None else Company(*row)


async def save_company(tx: Tx, company: Company) -> bool:
    """Store the values of a locked company.

    False when its name or code is another's name or code: then the transaction is of no more use.
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
    """The company of this name or code, in any case; the code goes first, as desks that are older may have both."""
    row = await tx.fetchrow(
        """select id, name, code from company where lower(name) = lower($1) or lower(code) = lower($1)
            order by lower(code) = lower($1) desc limit 1""",
        name,
    )
    return None if row is None else Company(*row)


async def insert_user(tx: Tx, user: User, *, now: datetime) -> bool:
    """Store a user; False when the company has one of that address."""
    row = await tx.write(
        """insert into app_user (company_id, id, name, email, phone, role, is_active, is_available, created_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing returning id""",
        *astuple(user),
        now,
    )
    return row is not None


async def users(tx: Tx, company_id: UUID, *, after: str = "", limit: int | None = None) -> list[User]:
    """The users of a company by address, after an address. Served by ``app_user_email``."""
    rows = await tx.fetch(
        f"""select {USER} from app_user u where u.company_id = $1 and lower(u.email) > lower($2)
             order by lower(u.email) limit $3""",
        company_id,
        after,
        limit,
    )
    return [user_of(row) for row in rows]


async def first_user(tx: Tx, company_id: UUID) -> User | None:
    """The user that a company has had for the longest time, of those still active, or None."""
    row = await tx.fetchrow(
        f"""select {USER} from app_user u where u.company_id = $1
             order by u.is_active desc, u.created_at, u.id limit 1""",
        company_id,
    )
    return None if row is None else user_of(row)


async def user_with_email(tx: Tx, company_id: UUID, email: str) -> User | None:
    """The user of a company with an address, whatever the case of its letters, or None."""
    row = await tx.fetchrow(
        f"select {USER} from app_user u where u.company_id = $1 and lower(u.email) = lower($2)", company_id, email
    )
    return None if row is None else user_of(row)


async def user(tx: Tx, company_id: UUID, user_id: UUID) -> User | None:
    """One user of a company, or None."""
    row = await tx.fetchrow(f"select {USER} from app_user u where u.company_id = $1 and u.id = $2", company_id, user_id)
    return None if row is None else user_of(row)


async def lock_user(tx: Tx, company_id: UUID, user_id: UUID) -> User | None:
    """One user of a company, held against changes by others until the transaction ends, or None."""
    row = await tx.fetchrow(
        f"select {USER} from app_user u where u.company_id = $1 and u.id = $2 for no key update", company_id, user_id
    )
    return None if row is None else user_of(row)


async def save_user(tx: Tx, user: User) -> bool:
    """Store the values of a locked user, and count its version up.

    False when the company has another of that address: then the transaction is of no more use.
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
    """Whether a company has an active admin besides this one."""
    found = await tx.fetchval(
        "select true from app_user where company_id = $1 and id <> $2 and role = 'admin' and is_active limit 1",
        company_id,
        user_id,
    )
    return found is True


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


async def keys(
    tx: Tx, company_id: UUID, *, after: tuple[datetime, UUID] | None = None, limit: int | None = None
) -> list[ApiKey]:
    """The keys of a company, oldest first, revoked ones too, after a time and id. Served by ``api_key_by_age``."""
    rows = await tx.fetch(
        f"""select {_KEY} from api_key where company_id = $1 and (created_at, id) > ($2, $3)
             order by created_at, id limit $4""",
        company_id,
        *(after or _BEFORE_ALL),
        limit,
    )
    return [_key(row) for row in rows]


async def key(tx: Tx, company_id: UUID, key_id: UUID) -> ApiKey | None:
    """One key of a company, or None."""
    row = await tx.fetchrow(f"select {_KEY} from api_key where company_id = $1 and id = $2", company_id, key_id)
    return None if row is None else _key(row)


async def lock_key(tx: Tx, company_id: UUID, key_id: UUID) -> ApiKey | None:
    """One key of a company, held against changes by others until the transaction ends, or None."""
    row = await tx.fetchrow(
        f"select {_KEY} from api_key where company_id = $1 and id = $2 for no key update", company_id, key_id
    )
    return None if row is None else _key(row)


async def revoke_key(tx: Tx, company_id: UUID, key_id: UUID, *, now: datetime) -> None:
    """End a locked key."""
    await tx.write("update api_key set revoked_at = $3 where company_id = $1 and id = $2", company_id, key_id, now)


_ACTOR = f"""select {USER}, c.id, c.name, c.code
      from app_user u join company c on c.id = u.company_id where u.company_id = $1 and u.id = $2 and u.is_active"""


def _actor(user: User, company: Company, scopes: frozenset[str], key_id: UUID | None, ends: datetime | None) -> Actor:
    held = scopes & ROLE_SCOPES[user.role]
    return Actor(user.role, user.name, company, user, key_id, ends, held)


async def actor_of(tx: Tx, secret_hash: bytes, *, now: datetime) -> Actor | None:
    """Who a key speaks for, or None when it is unknown, revoked or expired, or its user is not active.

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
    """A user as an actor, for work that it asked for earlier, with its role of now; None when it is not active."""
    row = await tx.fetchrow(_ACTOR, company_id, user_id)
    return None if row is None else _actor(user_of(row), Company(row[8], row[9], row[10]), scopes, None, None)


async def save_last_uses(tx: Tx, uses: list[tuple[UUID, UUID, datetime]]) -> None:
    """Note when keys (company, key, time) were last used; a time never goes back."""
    rows: list[tuple[object, ...]] = sorted(uses)  # one order for everybody: two savers cannot deadlock
    await tx.write_many(
        """update api_key set last_used_at = greatest(last_used_at, $3) where company_id = $1 and id = $2""", rows
    )
