"""Passwords of users, as hashes."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from clearline.accounts.user_store import USER, USER_WIDTH, user_of
from clearline.identity import PROVIDER_ID, Company, User
from clearline.platform.database.transactions import Record, Tx

USERS_MAX = 20
"""The most users with one address among which a password decides: each costs a hash."""


class Credential(Struct, frozen=True):
    """A user, the hash of its password if it has one, its session epoch, and whether it has a second factor.

    ``replaced_by`` is the name of the identity provider that the user signs in with, if that replaces passwords.
    """

    company: Company
    user: User
    hash: str | None
    epoch: int
    has_second_factor: bool
    replaced_by: str | None = None


_CREDENTIAL = f"""select {USER}, c.id, c.name, c.code, p.hash, u.session_epoch,
           exists (select from second_factor f where f.company_id = u.company_id and f.user_id = u.id
                                                 and f.confirmed_at is not null),
           (select min(i.name) from user_identity w join identity_provider i on i.issuer = w.issuer
             where w.company_id = u.company_id and w.user_id = u.id and i.is_active and i.replaces_password)
      from app_user u join company c on c.id = u.company_id
      left join user_password p on p.company_id = u.company_id and p.user_id = u.id"""


def _credential(row: Record) -> Credential:
    company_id, name, code, hashed, epoch, has_second_factor, replaced_by = row[USER_WIDTH:]
    return Credential(Company(company_id, name, code), user_of(row), hashed, epoch, has_second_factor, replaced_by)


async def of_address(tx: Tx, email: str) -> list[Credential]:
    """Return the users of all active companies with an e-mail address, in any case, each with its hash.

    Those of the provider come first, then by the names of the companies; at most ``USERS_MAX``. Served by
    ``app_user_by_address``.
    """
    rows = await tx.fetch(
        f"""{_CREDENTIAL} where lower(u.email) = lower($1) and c.deactivated_at is null
             order by c.id <> $2, c.name limit $3""",
        email,
        PROVIDER_ID,
        USERS_MAX,
    )
    return [_credential(row) for row in rows]


async def get(tx: Tx, company_id: UUID, user_id: UUID) -> Credential | None:
    """Return a user of a company with its hash, or None."""
    row = await tx.fetchrow(
        f"{_CREDENTIAL} and p.company_id = $1 where u.company_id = $1 and u.id = $2", company_id, user_id
    )
    return None if row is None else _credential(row)


async def lock(tx: Tx, company_id: UUID, user_id: UUID) -> Credential | None:
    """Lock a user of a company until the transaction ends; return it with its hash, or None.

    Whoever changes the user, its password or its second factor waits. The hash is read by a statement of its own: one
    that waited for the lock would read what the password was before.
    """
    await tx.fetchrow("select from app_user where company_id = $1 and id = $2 for no key update", company_id, user_id)
    return await get(tx, company_id, user_id)


async def save(tx: Tx, company_id: UUID, user_id: UUID, hashed: str, *, now: datetime) -> None:
    """Store the hash of a user's password in the place of an earlier one."""
    await tx.write(
        """insert into user_password (company_id, user_id, hash, changed_at) values ($1, $2, $3, $4)
           on conflict (company_id, user_id) do update set hash = $3, changed_at = $4""",
        company_id,
        user_id,
        hashed,
        now,
    )


async def save_rehashed(tx: Tx, company_id: UUID, user_id: UUID, hashed: str) -> None:
    """Store another hash of the same password of a locked user."""
    await tx.write(
        "update user_password set hash = $3 where company_id = $1 and user_id = $2", company_id, user_id, hashed
    )
