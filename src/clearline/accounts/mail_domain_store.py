"""Mail domains of companies."""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec.structs import astuple

from clearline.accounts.mail_domain import DomainState, MailDomain, Proof
from clearline.platform.database.transactions import Record, Tx

_COLUMNS = """company_id, id, name, includes_subdomains, state, verified_by, reason, token, created_at, verified_at,
    checked_at, waiting_since, due_at"""


def _domain(row: Record) -> MailDomain:
    company_id, domain_id, name, includes_subdomains, state, verified_by, *others = row
    proof = None if verified_by is None else Proof(verified_by)
    return MailDomain(company_id, domain_id, name, includes_subdomains, DomainState(state), proof, *others)


async def insert(tx: Tx, domain: MailDomain) -> bool:
    """Store a new domain; False when the company has it already."""
    row = await tx.write(
        f"""insert into mail_domain ({_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
            on conflict do nothing returning id""",
        *astuple(domain),
    )
    return row is not None


async def save(tx: Tx, domain: MailDomain) -> None:
    """Store the values of a locked domain."""
    await tx.write(
        """update mail_domain set name = $3, includes_subdomains = $4, state = $5, verified_by = $6, reason = $7,
                  token = $8, created_at = $9, verified_at = $10, checked_at = $11, waiting_since = $12, due_at = $13
            where company_id = $1 and id = $2""",
        *astuple(domain),
    )


async def shorten_waits(tx: Tx, *, pending: timedelta, verified: timedelta, tolerance: timedelta, now: datetime) -> int:
    """Make domains due that wait for longer than is possible in their state; return how many. Scans those that wait."""
    row = await tx.write(
        """
        with shortened as (
            update mail_domain set due_at = $4
             where due_at > $4::timestamptz + $3::interval
                            + case when state = 'pending' then $1::interval else $2::interval end
            returning 1
        )
        select count(*) from shortened
        """,
        pending,
        verified,
        tolerance,
        now,
    )
    return 0 if row is None else int(row[0])


async def delete(tx: Tx, domain: MailDomain) -> None:
    """Delete a domain."""
    await tx.write("delete from mail_domain where company_id = $1 and id = $2", domain.company_id, domain.id)


async def count(tx: Tx, company_id: UUID) -> int:
    """Return how many domains a company has, in any state."""
    total: int = await tx.fetchval("select count(*) from mail_domain where company_id = $1", company_id)
    return total


async def page(tx: Tx, company_id: UUID, *, after: str = "", limit: int | None = None) -> list[MailDomain]:
    """Return a company's domains after a name, by name. Served by ``mail_domain_name``."""
    rows = await tx.fetch(
        f"select {_COLUMNS} from mail_domain where company_id = $1 and name > $2 order by name limit $3",
        company_id,
        after,
        limit,
    )
    return [_domain(row) for row in rows]


async def get(tx: Tx, company_id: UUID, domain_id: UUID) -> MailDomain | None:
    """Return a domain of a company, or None."""
    row = await tx.fetchrow(
        f"select {_COLUMNS} from mail_domain where company_id = $1 and id = $2", company_id, domain_id
    )
    return None if row is None else _domain(row)


async def find(tx: Tx, company_id: UUID, name: str) -> MailDomain | None:
    """Return the domain of a company with a name in ASCII and lower case, or None. Served by ``mail_domain_name``."""
    row = await tx.fetchrow(f"select {_COLUMNS} from mail_domain where company_id = $1 and name = $2", company_id, name)
    return None if row is None else _domain(row)


async def lock(tx: Tx, company_id: UUID, domain_id: UUID) -> MailDomain | None:
    """Lock a domain of a company until the transaction ends; return it, or None."""
    row = await tx.fetchrow(
        f"select {_COLUMNS} from mail_domain where company_id = $1 and id = $2 for update", company_id, domain_id
    )
    return None if row is None else _domain(row)


async def has_verified(tx: Tx, company_id: UUID, names: list[str]) -> bool:
    """Return whether a company has the first of some domains, or one of the others with its subdomains.

    The names are a domain and those above it. Served by ``mail_domain_verified``.
    """
    has_domain: bool = await tx.fetchval(
        """select exists (select from mail_domain
                           where company_id = $1 and name = any($2) and state = 'verified'
                             and (includes_subdomains or name = $3))""",
        company_id,
        names,
        names[0],
    )
    return has_domain


async def verified_near(tx: Tx, name: str, names: list[str]) -> list[MailDomain]:
    """Return the verified domains of any company that are among ``names``, or are subdomains of ``name``; at most 100.

    Served by ``mail_domain_verified`` as far as the names go; there are few verified domains.
    """
    rows = await tx.fetch(
        f"""select {_COLUMNS} from mail_domain
             where state = 'verified' and (name = any($1) or right(name, length($2) + 1) = '.' || $2)
             order by name limit 100""",
        names,
        name,
    )
    return [_domain(row) for row in rows]


async def claim_due(tx: Tx, *, limit: int, until: datetime, now: datetime) -> list[MailDomain]:
    """Return domains whose record has to be looked for, the longest due first; they are due again after ``until``.

    Served by ``mail_domain_due``.
    """
    rows = await tx.fetch(
        f"""select {_COLUMNS} from mail_domain where due_at <= $1
             order by due_at, company_id, id limit $2 for update skip locked""",
        now,
        limit,
    )
    domains = [_domain(row) for row in rows]
    await tx.write_many(
        "update mail_domain set due_at = $3 where company_id = $1 and id = $2",
        [(domain.company_id, domain.id, until) for domain in domains],
    )
    return domains
