"""The areas of the pages: the console of the provider's people, and the portal of the customers' people."""

from uuid import UUID

from msgspec import Struct

from clearline.identity import PROVIDER_ID, Actor
from clearline.metrics.domain import PAGES


class Area(Struct, frozen=True):
    """Pages under the path ``home`` for one kind of people. ``for_staff`` is None for pages that everybody has.

    ``name`` is what metrics call it. ``account`` and ``second_factor`` are the paths of pages that people have about
    themselves.
    """

    home: str
    for_staff: bool | None
    name: str = PAGES

    @property
    def account(self) -> str:
        """The path of the page of the person who is signed in."""
        return f"{self.home}/me"

    @property
    def notifications(self) -> str:
        """The path of the page of what the person is notified of."""
        return f"{self.account}/notifications"

    @property
    def second_factor(self) -> str:
        """The path of the page of the second factor."""
        return f"{self.home}/second-factor"

    def admits(self, actor: Actor) -> bool:
        """Return whether the pages are for an actor."""
        return self.for_staff in {None, actor.is_staff}

    def has(self, path: str) -> bool:
        """Return whether a path is one of its pages."""
        return path == self.home or path.startswith((f"{self.home}/", f"{self.home}?"))


CONSOLE = Area("/console", for_staff=True, name="console")
PORTAL = Area("/portal", for_staff=False, name="portal")
EVERYBODY = Area("/", for_staff=None)
"""Those that need no area of their own: sign-in, sign-out, the theme."""


def area_of(company_id: UUID) -> Area:
    """Return the area of the people of a company."""
    return CONSOLE if company_id == PROVIDER_ID else PORTAL


def page_after_sign_in(company_id: UUID, path: str) -> str:
    """Return the page that a person of a company gets who wanted to open a path: never one for the other kind."""
    own = area_of(company_id)
    other = PORTAL if own is CONSOLE else CONSOLE
    return own.home if path in {"", EVERYBODY.home} or other.has(path) else path
