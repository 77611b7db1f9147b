"""Imported tickets: which of them a company has already."""

from uuid import UUID

import msgspec

from clearline.bulk.import_domain import External
from clearline.platform.database.transactions import Tx


async def lock(tx: Tx, company_id: UUID, external: External) -> None:
    """Lock a ticket of another system until the transaction ends, so that nobody else imports it."""
    name = f"import {company_id} {external.system} {external.id}"
    await tx.fetchval("select pg_advisory_xact_lock(hashtextextended($1, 0))", name)


async def find(tx: Tx, company_id: UUID, external: External) -> int | None:
    """Return the number of the company's ticket that has this external id, the lowest if several, or None.

    Served by ``ticket_external`` and by no other index: a company has many more tickets than those with the id.
    """
    number: int | None = await tx.fetchval(
        """
        with called as materialized (
            select company_id, number from ticket where external_ids @> $2::jsonb and external_ids <> '{}'
        )
        select min(number) from called where company_id = $1
        """,
        company_id,
        msgspec.json.encode({external.system: external.id}).decode(),
    )
    return number
