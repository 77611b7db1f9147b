"""Users of companies."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec.structs import astuple, replace

from clearline.identity import PROVIDER_ID, Actor, Role, User
from clearline.platform.database.errors import UniqueViolation
from clearline.platform.database.transactions import Record, Tx

USER = (
    "u.company_id, u.id, u.name, u.email, u.phone, u.role, u.is_active, u.is_available, u.is_confirmed, u.language, "
    "u.only_queues, u.only_companies"
)
USER_WIDTH = 12
"""The number of columns in ``USER``."""
_ROLE = {str(member): member for member in Role}


def user_of(row: Record) -> User:
    """Return the user in a row that begins with ``USER``."""
    company_id, user_id, name, email, phone, role, *states, queues, companies = row[:USER_WIDTH]
    user = User(company_id, user_id, name, email, phone, _ROLE[role], *states)
    if queues is None and companies is None:
        return user
    return replace(user, only_queues=_tuple(queues), only_companies=_tuple(companies))


def _tuple(ids: list[UUID] | None) -> tuple[UUID, ...] | None:
    return None if ids is None else tuple(ids)


async def insert(tx: Tx, user: User, *, now: datetime) -> bool:
    """Store a new user; False when the company has a user with that e-mail address."""
    row = await tx.write(
        """insert into app_user (company_id, id, name, email, phone, role, is_active, is_available, is_confirmed,
                                 language, only_queues, only_companies, created_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict do nothing returning id""",
        *astuple(user),
        now,
    )
    return row is not None


async def page(tx: Tx, company_id: UUID, *, after: str = "", limit: int | None = None) -> list[User]:
    """Return a company's users after an e-mail address, by address. Served by ``app_user_email``."""
    rows = await tx.fetch(
        f"""select {USER} from app_user u where u.company_id = $1 and lower(u.email) > lower($2)
             order by lower(u.email) limit $3""",
        company_id,
        after,
        limit,
    )
    return [user_of(row) for row in rows]


async def count(tx: Tx, company_id: UUID) -> int:
    """Return how many users a company has, inactive ones too."""
    count: int = await tx.fetchval("select count(*) from app_user where company_id = $1", company_id)
    return count


async def count_each(tx: Tx, company_ids: Sequence[UUID], *, limit: int) -> list[int]:
    """Return how many users each of these companies has, up to a limit. Served by the primary key."""
    rows = await tx.fetch(
        """select (select count(*) from (select from app_user u where u.company_id = c.id limit $2) users)
             from unnest($1::uuid[]) with ordinality c (id, place) order by c.place""",
        company_ids,
        limit,
    )
    return [row[0] for row in rows]


async def unconfirmed(tx: Tx, company_id: UUID) -> list[User]:
    """Return the users of a company whose address is not confirmed, by address. Served by ``app_user_unconfirmed``."""
    rows = await tx.fetch(
        f"""select {USER} from app_user u where u.company_id = $1 and not u.is_confirmed order by lower(u.email)""",
        company_id,
    )
    return [user_of(row) for row in rows]


async def first(tx: Tx, company_id: UUID) -> User | None:
    """Return the oldest active user of a company, or the oldest when none is active; None when it has no user."""
    row = await tx.fetchrow(
        f"""select {USER} from app_user u where u.company_id = $1
             order by u.is_active desc, u.created_at, u.id limit 1""",
        company_id,
    )
    return None if row is None else user_of(row)


async def find(tx: Tx, company_id: UUID, email: str) -> User | None:
    """Return the user of a company with an e-mail address, in any case, or None."""
    row = await tx.fetchrow(
        f"select {USER} from app_user u where u.company_id = $1 and lower(u.email) = lower($2)", company_id, email
    )
    return None if row is None else user_of(row)


_WITHIN = f"({{only}}::uuid[] is null or company_id = any({{only}}) or company_id = '{PROVIDER_ID}')"
"""Which users somebody sees who is limited to some companies: theirs, and the provider's."""


async def with_address(tx: Tx, email: str, *, only: Sequence[UUID] | None = None, limit: int) -> list[User]:
    """Return the users with an e-mail address, in any case, of all companies, or with ``only`` of these.

    Those of the provider are never left out. Served by ``app_user_by_address``.
    """
    rows = await tx.fetch(
        f"""select {USER} from app_user u where lower(u.email) = lower($1) and {_WITHIN.format(only="$3")}
             order by u.company_id limit $2""",
        email,
        limit,
        only,
    )
    return [user_of(row) for row in rows]


_CANDIDATES = 200


async def with_words(
    tx: Tx, text: str, *, is_begun: bool, only: Sequence[UUID] | None = None, limit: int
) -> list[User]:
    """Return the users of all companies with every word of a text in their name or address, by name and address.

    With ``only`` those of these companies and of the provider. With ``is_begun`` the last word is the beginning of one.
    Served by ``app_user_by_words``: of more than 200 matches the first that it has are sorted.
    """
    rows = await tx.fetch(
        f"""select {USER} from (
                   select * from app_user
                    where array_to_tsvector(name_words(name || ' ' || email)) @@ name_query($1, $2)
                      and {_WITHIN.format(only="$4")}
                    limit {_CANDIDATES}) u
             order by lower(u.name), lower(u.email), u.id limit $3""",
        text,
        is_begun,
        limit,
        only,
    )
    return [user_of(row) for row in rows]


async def get(tx: Tx, company_id: UUID, user_id: UUID) -> User | None:
    """Return a user of a company, or None."""
    row = await tx.fetchrow(f"select {USER} from app_user u where u.company_id = $1 and u.id = $2", company_id, user_id)
    return None if row is None else user_of(row)


async def time_zone(tx: Tx, actor: Actor) -> str | None:
    """Return the time zone of an actor: its own, else its company's; None when neither is set.

    Served by the primary keys.
    """
    company_id = PROVIDER_ID if actor.company is None else actor.company.id
    zone: str | None = await tx.fetchval(
        """select coalesce((select n.time_zone from notification_settings n
                             where n.company_id = c.id and n.user_id = $2), c.time_zone)
             from company c where c.id = $1""",
        company_id,
        None if actor.user is None else actor.user.id,
    )
    return zone


async def lock(tx: Tx, company_id: UUID, user_id: UUID) -> User | None:
    """Lock a user of a company until the transaction ends; return it, or None."""
    row = await tx.fetchrow(
        f"select {USER} from app_user u where u.company_id = $1 and u.id = $2 for no key update", company_id, user_id
    )
    return None if row is None else user_of(row)


async def save(tx: Tx, user: User) -> bool:
    """Store the values of a locked user, and increment its version. Another role or state ends its sessions.

    Return False when the company has another with that e-mail address: the transaction must then be rolled back.
    """
    try:
        await tx.write(
            """
            update app_user set name = $3, email = $4, phone = $5, role = $6, is_active = $7, is_available = $8,
                   is_confirmed = $9, language = $10, only_queues = $11, only_companies = $12, version = version + 1,
                   session_epoch = session_epoch + case when role = $6 and is_active = $7 then 0 else 1 end
             where company_id = $1 and id = $2
            """,
            *astuple(user),
        )
    except UniqueViolation:
        return False
    return True


async def has_other_admin(tx: Tx, admin: User) -> bool:
    """Return whether the company of an admin has another active one."""
    has_other: bool = await tx.fetchval(
        """select exists (select from app_user
                           where company_id = $1 and id <> $2 and role = $3 and is_active)""",
        admin.company_id,
        admin.id,
        admin.role,
    )
    return has_other
