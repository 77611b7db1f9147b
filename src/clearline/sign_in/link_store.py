"""Links with which people choose a password."""

from datetime import datetime
from uuid import UUID

from msgspec.structs import astuple

from clearline.platform.database.transactions import Record, Tx
from clearline.sign_in.link_domain import Link, LinkKind

_LINK = "company_id, id, user_id, kind, created_at, expires_at"


def _link(row: Record | None) -> Link | None:
    return None if row is None else Link(row[0], row[1], row[2], LinkKind(row[3]), row[4], row[5])


async def replace(tx: Tx, link: Link, token_hash: bytes) -> None:
    """Store a link and the SHA-256 of its token, in the place of the earlier ones of the user.

    Served by ``sign_in_link_of_user``.
    """
    await tx.write(
        """with replaced as (delete from sign_in_link where company_id = $1 and user_id is not distinct from $3)
           insert into sign_in_link (company_id, id, user_id, kind, created_at, expires_at, token_hash)
           values ($1, $2, $3, $4, $5, $6, $7)""",
        *astuple(link),
        token_hash,
    )


async def find(tx: Tx, token_hash: bytes, *, now: datetime) -> Link | None:
    """Return the link of a token that has not expired, or None. Served by ``sign_in_link_by_token``."""
    return _link(
        await tx.fetchrow(
            f"select {_LINK} from sign_in_link where token_hash = $1 and expires_at > $2", token_hash, now
        )
    )


async def of_user(tx: Tx, company_id: UUID, user_id: UUID) -> Link | None:
    """Return the newest link of a user, or None. Served by ``sign_in_link_of_user``."""
    return _link(
        await tx.fetchrow(
            f"""select {_LINK} from sign_in_link where company_id = $1 and user_id = $2
                 order by created_at desc limit 1""",
            company_id,
            user_id,
        )
    )


async def use(tx: Tx, token_hash: bytes, *, now: datetime) -> Link | None:
    """Delete the link of a token, which can be used once; return it, or None when there is none or it has expired.

    Served by ``sign_in_link_by_token``.
    """
    return _link(
        await tx.write(
            f"delete from sign_in_link where token_hash = $1 and expires_at > $2 returning {_LINK}", token_hash, now
        )
    )


async def delete_of(tx: Tx, company_id: UUID, user_id: UUID) -> None:
    """Delete the links of a user. Served by ``sign_in_link_of_user``."""
    await tx.write("delete from sign_in_link where company_id = $1 and user_id = $2", company_id, user_id)


async def purge(tx: Tx, *, before: datetime, limit: int) -> int:
    """Delete at most ``limit`` links that expired before a time; return how many.

    Served by ``sign_in_link_expired``.
    """
    row = await tx.write(
        """with deleted as (delete from sign_in_link where (company_id, id) in (
                     select company_id, id from sign_in_link where expires_at < $1 order by expires_at limit $2
                        for update skip locked) returning id)
           select count(*) from deleted""",
        before,
        limit,
    )
    return 0 if row is None else int(row[0])
