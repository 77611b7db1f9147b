"""House API v1: branding, exactly as it travels."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from clearline.branding.accent import HUE_MAX
from clearline.branding.domain import FOOTER_MAX, HOURS_MAX, PHONE_MAX
from clearline.wires.http.fields import characters

Hours = Annotated[str, characters(0, HOURS_MAX)]
SupportPhone = Annotated[str, characters(0, PHONE_MAX)]
Footer = Annotated[str, characters(0, FOOTER_MAX)]
AccentHue = Annotated[
    int, Meta(ge=0, le=HUE_MAX, description="Degrees of OKLCH: 27 is red, 145 green, 254 the blue of no hue.")
]


class BrandingPatch(Struct, forbid_unknown_fields=True):
    """What to change of the branding (RFC 7396). An empty text is not shown; without a hue the accent is blue."""

    support_hours: Hours | UnsetType = UNSET
    support_phone: SupportPhone | UnsetType = UNSET
    footer: Footer | UnsetType = UNSET
    accent_hue: AccentHue | UnsetType | None = UNSET


class LogoQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which logo."""

    theme: Annotated[
        Literal["light", "dark"],
        Meta(description="`light`: the logo, which stands on white in the dark theme; `dark`: one for that theme."),
    ] = "light"


class LogoOut(Struct, frozen=True):
    """A logo, drawn from the uploaded file: a PNG that everybody can get, and the size at which it is shown."""

    url: Annotated[str, Meta(extra_json_schema={"format": "uri"})]
    width: int
    height: int


class BrandingOut(Struct, frozen=True):
    """When and how the provider's support is reached, the footer of the pages for customers, and how the pages look."""

    support_hours: str
    support_phone: str
    footer: str
    accent_hue: AccentHue | None
    logo: LogoOut | None
    dark_logo: LogoOut | None
