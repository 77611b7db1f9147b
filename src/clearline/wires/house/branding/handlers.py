"""House API v1: what customers read about the provider's support."""

from clearline.branding import usecases as branding
from clearline.branding.domain import Branding
from clearline.identity import Scope
from clearline.wires.house.branding import wire
from clearline.wires.house.records import change_record, get_record
from clearline.wires.house.wire import set_fields
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

_BRANDING = "/api/v1/branding"


def branding_out(stored: Branding) -> wire.BrandingOut:
    """Return the branding as a body."""
    return wire.BrandingOut(stored.support_hours, stored.support_phone, stored.footer, stored.accent_hue)


async def get_branding(call: Call) -> wire.BrandingOut:
    """Return the branding."""
    return await get_record(call, (), branding.get_branding, branding_out)


async def change_branding(call: Call) -> wire.BrandingOut:
    """Change the branding."""
    values = set_fields(call.body(wire.BrandingPatch))
    return await change_record(call, (), values, branding.lock_branding, branding.change_branding, branding_out)


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
)  # fmt: skip
