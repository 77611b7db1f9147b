"""House API v1: branding, exactly as it travels."""

from typing import Annotated

from msgspec import UNSET, Struct, UnsetType

from clearline.branding.domain import FOOTER_MAX, HOURS_MAX, PHONE_MAX
from clearline.wires.http.fields import characters

Hours = Annotated[str, characters(0, HOURS_MAX)]
SupportPhone = Annotated[str, characters(0, PHONE_MAX)]
Footer = Annotated[str, characters(0, FOOTER_MAX)]


class BrandingPatch(Struct, forbid_unknown_fields=True):
    """What to change of the branding (RFC 7396). An empty text is not shown."""

    support_hours: Hours | UnsetType = UNSET
    support_phone: SupportPhone | UnsetType = UNSET
    footer: Footer | UnsetType = UNSET


class BrandingOut(Struct, frozen=True):
    """When and how the provider's support is reached, and the footer of the pages for customers."""

    support_hours: str
    support_phone: str
    footer: str
