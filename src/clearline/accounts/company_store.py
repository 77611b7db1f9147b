"""Companies: customers, and the provider."""

from datetime import datetime
from uuid import UUID

from msgspec.structs import astuple

from clearline.identity import Company
from clearline.platform.database.errors import UniqueViolation
from clearline.platform.database.transactions import Tx


async def insert(tx: Tx, company: Company, *, now: datetime) -> bool:
    """Store a new company; False when its name or code is another's name or code, in any case."""
    row = await tx.write(
        """insert into company (id, name, code, created_at) select $1, $2, $3, $4
            where not exists (select from company where lower(name) = lower($3) or lower(code) = lower($2))
           on conflict do nothing returning id""",
        *astuple(company),
        now,
    )
    return row is not None


async def page(tx: Tx, *, after: str = "", limit: int | None = None) -> list[Company]:
    """Return the customers after a name, by name; not the provider. Served by ``company_name``."""
    rows = await tx.fetch(
        """select id, name, code from company where lower(name) > lower($1) and not is_provider
            order by lower(name) limit $2""",
        after,
        limit,
    )
    return [Company(*row) for row in rows]


async def get(tx: Tx, company_id: UUID) -> Company | None:
    """Return a company, or None."""
    row = await tx.fetchrow("select id, name, code from company where id = $1", company_id)
    return None if row is None else Company(*row)


async def lock(tx: Tx, company_id: UUID) -> Company | None:
    """Lock a company until the transaction ends; return it, or None."""
    row = await tx.fetchrow("select id, name, code from company where id = $1 for no key update", company_id)
    return None if row is None else Company(*row)


async def save(tx: Tx, company: Company) -> bool:
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


async def find(tx: Tx, name: str) -> Company | None:
    """Return the company of this code or, if none, of this name, in any case; None when there is neither."""
    row = await tx.fetchrow(
        """select id, name, code from company where lower(name) = lower($1) or lower(code) = lower($1)
            order by lower(code) = lower($1) desc limit 1""",
        name,
    )
    return None if row is None else Company(*row)
