"""What the provider says about its support and how its pages look, and the rules of both."""

import re
from typing import ClassVar
from uuid import UUID

from msgspec import Struct

from clearline.branding.accent import HUE_MAX
from clearline.errors import RuleCode, Violation
from clearline.identity import PROVIDER_ID
from clearline.text import check_text

HOURS_MAX = 200
PHONE_MAX = 40
FOOTER_MAX = 500
"""Characters."""
_PHONE = re.compile(r"\+?[0-9 ()./-]*[0-9][0-9 ()./-]*")


class Branding(Struct, frozen=True):
    """When and how the provider's support is reached, the footer of the pages for customers, and the hue of the accent.

    Each text may be empty; without a hue the accent is the shipped one. ``logo`` and ``dark_logo`` are the names of the
    logos for the light and the dark theme.
    """

    id: ClassVar[UUID] = PROVIDER_ID
    name: ClassVar[str] = "Branding"

    support_hours: str = ""
    support_phone: str = ""
    footer: str = ""
    accent_hue: int | None = None
    logo: str | None = None
    dark_logo: str | None = None

    @property
    def phone_link(self) -> str:
        """Return the URI that calls the phone (RFC 3966), without separators and the (0) after a country code."""
        number = self.support_phone
        if number.startswith("+"):
            number = number.replace("(0)", "")
        return "tel:" + re.sub(r"[^0-9+]", "", number)


def check_branding(branding: Branding) -> list[Violation]:
    """Return the rules that the values break."""
    violations = [
        *check_text("support_hours", branding.support_hours, least=0, most=HOURS_MAX),
        *check_text("support_phone", branding.support_phone, least=0, most=PHONE_MAX),
        *check_text("footer", branding.footer, least=0, most=FOOTER_MAX),
    ]
    if branding.support_phone and not _PHONE.fullmatch(branding.support_phone):
        violations.append(Violation("support_phone", "must be a phone number, such as +1-555-0100", RuleCode.FORMAT))
    if branding.accent_hue is not None and not 0 <= branding.accent_hue <= HUE_MAX:
        violations.append(Violation("accent_hue", f"must be 0 to {HUE_MAX} degrees", RuleCode.RANGE))
    return violations
