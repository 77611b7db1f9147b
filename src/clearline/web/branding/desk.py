"""What a process keeps of the desk for its pages: their language and how they look."""

from datetime import timedelta

from msgspec import Struct

from clearline.accounts import usecases as accounts
from clearline.branding import usecases as branding
from clearline.branding.logo_domain import Logo
from clearline.clock import monotonic
from clearline.language.languages import ENGLISH
from clearline.language.reader import first_language
from clearline.platform.database.errors import DatabaseUnavailable
from clearline.platform.database.transactions import Database
from clearline.web.branding.brand import Brand

_KEPT = timedelta(seconds=30).total_seconds()


class DeskLook(Struct, frozen=True):
    """The language of the desk, for browsers that ask for none that there is, and how its pages look."""

    language: str = ENGLISH
    brand: Brand = Brand()


class Desk:
    """Reads how the pages look, and keeps it until the database reports a change, at most for 30 seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._look, self._read_at = DeskLook(), float("-inf")
        self._generation = 0

    def forget(self) -> None:
        """Read it anew for the next page."""
        self._generation += 1
        self._read_at = float("-inf")

    async def get(self) -> DeskLook:
        """Return how the pages look, or how they last did while the database is unavailable."""
        if monotonic() - self._read_at > _KEPT:
            generation = self._generation
            try:
                async with self._database.statement() as tx:
                    provider = await accounts.provider(tx)
                    stored = await branding.public_branding(tx)
                    brand = Brand(provider.name, stored.accent_hue, _logo(stored.logo), _logo(stored.dark_logo))
                    self._look = DeskLook(first_language(provider.language), brand)
            except DatabaseUnavailable:
                pass
            if generation == self._generation:
                self._read_at = monotonic()
        return self._look


def _logo(name: str | None) -> Logo | None:
    return None if name is None else Logo(name)
