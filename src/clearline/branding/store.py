"""The row of the branding."""

from clearline.branding.domain import Branding
from clearline.platform.database.transactions import Tx

_COLUMNS = "support_hours, support_phone, footer, accent_hue"
_ALL = f"""{_COLUMNS}, (select name from logo where theme = 'light') as logo,
    (select name from logo where theme = 'dark') as dark_logo"""


async def get(tx: Tx) -> Branding:
    """Return the branding."""
    row = await tx.fetchrow(f"select {_ALL} from branding")
    return Branding() if row is None else Branding(*row)


async def lock(tx: Tx) -> Branding:
    """Lock the branding until the transaction ends, and return it."""
    row = await tx.fetchrow(f"select {_ALL} from branding for update")
    return Branding() if row is None else Branding(*row)


async def save(tx: Tx, branding: Branding) -> None:
    """Store the branding without the logos, which have a table of their own."""
    await tx.write(
        f"""insert into branding ({_COLUMNS}) values ($1, $2, $3, $4)
            on conflict (only_row) do update
               set ({_COLUMNS})
                 = (excluded.support_hours, excluded.support_phone, excluded.footer, excluded.accent_hue)""",
        branding.support_hours,
        branding.support_phone,
        branding.footer,
        branding.accent_hue,
    )
