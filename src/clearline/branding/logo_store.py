"""The rows of the logos."""

from collections.abc import Sequence

from clearline.branding.logo_domain import DrawnLogo, LogoTheme
from clearline.platform.database.transactions import Tx


async def save(tx: Tx, theme: LogoTheme, drawn: DrawnLogo) -> None:
    """Store the logo for a theme."""
    await tx.write(
        """insert into logo (theme, name, content) values ($1, $2, $3)
           on conflict (theme) do update set (name, content) = (excluded.name, excluded.content)""",
        theme,
        drawn.logo.name,
        drawn.content,
    )


async def delete(tx: Tx, themes: Sequence[LogoTheme]) -> None:
    """Delete the logos for themes, as far as there are some."""
    await tx.write("delete from logo where theme = any($1)", list(themes))


async def content(tx: Tx, name: str) -> bytes | None:
    """Return the picture of a name, or None."""
    picture: bytes | None = await tx.fetchval("select content from logo where name = $1 limit 1", name)
    return picture
