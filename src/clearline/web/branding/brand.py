"""How the present page looks: the provider's name and logo, and the hue of the accent."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from msgspec import Struct

from clearline.branding.logo_domain import Logo

PRODUCT = "Clearline"
"""What a page is called that does not know the provider's name, or is not for customers."""


class Brand(Struct, frozen=True):
    """What a page has of the branding. Without a hue the accent is the shipped one."""

    name: str = PRODUCT
    accent_hue: int | None = None
    logo: Logo | None = None
    dark_logo: Logo | None = None


_SHIPPED = Brand()
_BRAND = ContextVar("brand", default=_SHIPPED)


def brand() -> Brand:
    """Return how the present page looks."""
    return _BRAND.get()


def set_brand(brand: Brand) -> None:
    """Set how the page looks, until the end of the enclosing ``branded``."""
    _BRAND.set(brand)


@contextmanager
def branded(brand: Brand) -> Iterator[None]:
    """Render pages that look so."""
    token = _BRAND.set(brand)
    try:
        yield
    finally:
        _BRAND.reset(token)
