"""How a mail looks: the colours of its links and buttons, and its logo."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from msgspec import Struct

from clearline.branding.accent import SHIPPED_MAIL, Colours


class MailLogo(Struct, frozen=True):
    """The logo at the top of a mail: its address, its size in pixels, and the provider's name."""

    url: str
    width: int
    height: int
    name: str


class MailLook(Struct, frozen=True):
    """What a mail has of the branding."""

    accent: Colours = SHIPPED_MAIL
    logo: MailLogo | None = None


_SHIPPED = MailLook()
_LOOK = ContextVar("mail_look", default=_SHIPPED)


def mail_look() -> MailLook:
    """Return how the present mail looks."""
    return _LOOK.get()


@contextmanager
def look_as(look: MailLook) -> Iterator[None]:
    """Render mail that looks so."""
    token = _LOOK.set(look)
    try:
        yield
    finally:
        _LOOK.reset(token)
