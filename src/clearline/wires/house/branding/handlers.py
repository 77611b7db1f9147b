"""House API v1: what customers read about the provider's support."""

import hashlib
from collections.abc import AsyncIterator
from functools import partial

from clearline.branding import usecases as branding
from clearline.branding.domain import Branding
from clearline.branding.logo_domain import (
    HEIGHT_MAX,
    SIDE_MAX,
    UPLOAD_MAX,
    WIDTH_MAX,
    DrawnLogo,
    Logo,
    LogoTheme,
    logo_path,
)
from clearline.branding.logo_drawing import draw_logo
from clearline.errors import require_found
from clearline.identity import Scope
from clearline.wires.house.branding import wire
from clearline.wires.house.records import change_record, get_record
from clearline.wires.house.wire import set_fields
from clearline.wires.http.body import BodyTooLarge
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

_BRANDING = "/api/v1/branding"


class _Drawn:
    """A logo that is drawn, and not stored yet."""

    __slots__ = ("drawn", "fingerprint")

    def __init__(self, drawn: DrawnLogo, file: bytes) -> None:
        self.drawn, self.fingerprint = drawn, hashlib.sha256(file).digest()

    async def discard(self) -> None:
        """Do nothing: it is in memory only."""


def branding_out(call: Call, stored: Branding) -> wire.BrandingOut:
    """Return the branding as a body."""
    return wire.BrandingOut(
        stored.support_hours,
        stored.support_phone,
        stored.footer,
        stored.accent_hue,
        _logo_out(call, stored.logo),
        _logo_out(call, stored.dark_logo),
    )


def _logo_out(call: Call, name: str | None) -> wire.LogoOut | None:
    if name is None:
        return None
    return wire.LogoOut(call.services.settings.page_url(logo_path(name)), *Logo(name).size)


async def get_branding(call: Call) -> wire.BrandingOut:
    """Return the branding."""
    return await get_record(call, (), branding.get_branding, partial(branding_out, call))


async def change_branding(call: Call) -> wire.BrandingOut:
    """Change the branding."""
    values = set_fields(call.body(wire.BrandingPatch))
    out = partial(branding_out, call)
    return await change_record(call, (), values, branding.lock_branding, branding.change_branding, out)


async def receive_logo(call: Call, chunks: AsyncIterator[bytes]) -> _Drawn:
    """Draw the uploaded logo, if the actor may set it."""
    branding.require_admin(call.actor)
    file = bytearray()
    async for chunk in chunks:
        file += chunk
        if len(file) > UPLOAD_MAX:
            raise BodyTooLarge(f"a logo has at most {UPLOAD_MAX // 1024} KB")
    return _Drawn(await draw_logo(bytes(file)), bytes(file))


async def set_logo(call: Call) -> wire.LogoOut:
    """Set a logo."""
    received: _Drawn = call.staged
    async with call.transaction() as tx:
        return _logo_of(
            call, await branding.set_logo(tx, call.actor, LogoTheme(call.query.theme), received.drawn, now=call.now)
        )


async def get_logo(call: Call) -> wire.LogoOut:
    """Return a logo."""
    async with call.statement() as tx:
        return _logo_of(call, await branding.get_branding(tx, call.actor))


async def remove_logo(call: Call) -> None:
    """Remove a logo."""
    async with call.transaction() as tx:
        call.check_if_match(_logo_of(call, await branding.lock_branding(tx, call.actor)))
        await branding.remove_logo(tx, call.actor, LogoTheme(call.query.theme), now=call.now)


def _logo_of(call: Call, stored: Branding) -> wire.LogoOut:
    theme = LogoTheme(call.query.theme)
    return require_found(_logo_out(call, stored.logo if theme is LogoTheme.LIGHT else stored.dark_logo), "logo", theme)


OPERATIONS = (
    Operation(
        "getBranding", "GET", _BRANDING, get_branding,
        "Get the branding",
        "What the start page and the portal say about your support, and how they look. For the provider's people.",
        Scope.DESK_READ, wire.BrandingOut,
    ),
    Operation(
        "changeBranding", "PATCH", _BRANDING, change_branding,
        "Change the branding", "Sets the values in the merge-patch. The pages show them at once. For admins.",
        Scope.DESK_WRITE, wire.BrandingOut, body=wire.BrandingPatch, conditional=True,
    ),
    Operation(
        "getLogo", "GET", _BRANDING + "/logo", get_logo,
        "Get a logo", "Where its picture is, and the size at which it is shown. For the provider's people.",
        Scope.DESK_READ, wire.LogoOut, query=wire.LogoQuery, errors=(404,),
    ),
    Operation(
        "setLogo", "PUT", _BRANDING + "/logo", set_logo,
        "Set a logo",
        f"The body is the file itself: PNG, JPEG, WebP or SVG, of at most {UPLOAD_MAX // 1024} KB and {SIDE_MAX} "
        "pixels on each side. Its content tells what it is, whatever `Content-Type` says. It is drawn anew as a PNG of "
        f"at most {WIDTH_MAX} x {HEIGHT_MAX} pixels. An SVG with scripts, text, pictures or references to other files "
        "is refused, and so is a logo for the dark theme without one for the light theme. Pages and mail show it "
        "at once. For admins.",
        Scope.DESK_WRITE, wire.LogoOut, query=wire.LogoQuery, errors=(413, 422), stage=receive_logo,
        media=("image/png", "image/jpeg", "image/webp", "image/svg+xml"),
    ),
    Operation(
        "removeLogo", "DELETE", _BRANDING + "/logo", remove_logo,
        "Remove a logo", "Without the logo for the light theme pages and mail show the provider's name again: the one "
        "for the dark theme is removed with it. For admins.",
        Scope.DESK_WRITE, None, query=wire.LogoQuery, errors=(404,), status=204, conditional=True,
    ),
)  # fmt: skip
