"""What decides about the Cc of a mail: the setting of the company, and whose the addresses are."""

from collections.abc import Sequence
from uuid import UUID

from clearline.identity import PROVIDER_ID
from clearline.platform.database.transactions import Tx


async def inbound_cc(tx: Tx, company_id: UUID) -> str:
    """Return what becomes of the Cc of a mail of a company's people. Served by the primary key."""
    setting: str = await tx.fetchval("select inbound_cc from company where id = $1", company_id)
    return setting


async def excluded(tx: Tx, addresses: Sequence[str]) -> set[str]:
    """Return those of some addresses that never become people of a ticket by mail.

    These are suppressed, or the provider's people. Served by the primary key of ``mail_suppression`` and by
    ``app_user_email``.
    """
    rows = await tx.fetch(
        """select address from mail_suppression where address = any($1::text[])
           union
           select lower(email) from app_user where company_id = $2 and lower(email) = any($1::text[])""",
        addresses,
        PROVIDER_ID,
    )
    return {row[0] for row in rows}
