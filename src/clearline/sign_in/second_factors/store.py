"""Second factors of users, their recovery codes, and the roles that need one."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from clearline.identity import Role
from clearline.platform.database.transactions import Tx


class SecondFactor(Struct, frozen=True):
    """The encrypted secret of a user, whether a code has confirmed it, and the newest step that was used."""

    secret: bytes
    is_confirmed: bool
    last_step: int


async def get(tx: Tx, company_id: UUID, user_id: UUID) -> SecondFactor | None:
    """Return the second factor of a user, or None."""
    row = await tx.fetchrow(
        "select secret, confirmed_at is not null, last_step from second_factor where company_id = $1 and user_id = $2",
        company_id,
        user_id,
    )
    return None if row is None else SecondFactor(*row)


async def save(tx: Tx, company_id: UUID, user_id: UUID, secret: bytes, *, now: datetime) -> None:
    """Store the unconfirmed second factor of a user in the place of an earlier one."""
    await tx.write(
        """insert into second_factor (company_id, user_id, secret, created_at) values ($1, $2, $3, $4)
           on conflict (company_id, user_id) do update set secret = $3, created_at = $4, confirmed_at = null,
                                                           last_step = 0""",
        company_id,
        user_id,
        secret,
        now,
    )


async def save_step(tx: Tx, company_id: UUID, user_id: UUID, step: int, *, now: datetime) -> bool:
    """Store the newest step that was used, which confirms a second factor; False when a later one was used."""
    row = await tx.write(
        """update second_factor set last_step = $3, confirmed_at = coalesce(confirmed_at, $4)
            where company_id = $1 and user_id = $2 and last_step < $3 returning user_id""",
        company_id,
        user_id,
        step,
        now,
    )
    return row is not None


async def delete(tx: Tx, company_id: UUID, user_id: UUID) -> bool:
    """Delete the second factor of a user with its recovery codes; return whether it was confirmed."""
    row = await tx.write(
        """with codes as (delete from recovery_code where company_id = $1 and user_id = $2)
           delete from second_factor where company_id = $1 and user_id = $2 returning confirmed_at is not null""",
        company_id,
        user_id,
    )
    return row is not None and bool(row[0])


async def replace_codes(tx: Tx, company_id: UUID, user_id: UUID, hashes: Sequence[bytes]) -> None:
    """Store new recovery codes in the place of the earlier ones."""
    await tx.write("delete from recovery_code where company_id = $1 and user_id = $2", company_id, user_id)
    await tx.write_many(
        "insert into recovery_code (company_id, user_id, code_hash) values ($1, $2, $3)",
        [(company_id, user_id, code_hash) for code_hash in hashes],
    )


async def use_code(tx: Tx, company_id: UUID, user_id: UUID, code_hash: bytes) -> bool:
    """Delete a recovery code, which can be used once; False when there is none."""
    row = await tx.write(
        "delete from recovery_code where company_id = $1 and user_id = $2 and code_hash = $3 returning user_id",
        company_id,
        user_id,
        code_hash,
    )
    return row is not None


async def count_codes(tx: Tx, company_id: UUID, user_id: UUID) -> int:
    """Return how many recovery codes a user has left."""
    count: int = await tx.fetchval(
        "select count(*) from recovery_code where company_id = $1 and user_id = $2", company_id, user_id
    )
    return count


async def required_roles(tx: Tx) -> list[Role]:
    """Return the roles that need a second factor, in order."""
    return [Role(row[0]) for row in await tx.fetch("select role from second_factor_role order by role")]


async def set_required_roles(tx: Tx, roles: Sequence[Role]) -> None:
    """Store the roles that need a second factor."""
    await tx.write("delete from second_factor_role")
    await tx.write_many("insert into second_factor_role (role) values ($1)", [(role,) for role in roles])
