"""The row of the branding."""

from clearline.branding.domain import Branding
from clearline.platform.database.transactions import Tx


async def get(tx: Tx) -> Branding:
    """Return the branding."""
    row = await tx.fetchrow("select support_hours, support_phone, footer from branding")
    return Branding() if row is None else Branding(*row)


async def lock(tx: Tx) -> Branding:
    """Lock the branding until the transaction ends, and return it."""
    row = await tx.fetchrow("select support_hours, support_phone, footer from branding for update")
    return Branding() if row is None else Branding(*row)


async def save(tx: Tx, branding: Branding) -> None:
    """Store the branding."""
    await tx.write(
        """insert into branding (support_hours, support_phone, footer) values ($1, $2, $3)
           on conflict (only_row) do update
              set (support_hours, support_phone, footer)
                = (excluded.support_hours, excluded.support_phone, excluded.footer)""",
        branding.support_hours,
        branding.support_phone,
        branding.footer,
    )
