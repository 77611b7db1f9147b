"""How the pages look, and what those for customers say about the provider's support."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct

from clearline.branding import usecases as branding
from clearline.branding.accent import HUE_MAX, SHIPPED_HUE, contrasts
from clearline.branding.domain import Branding
from clearline.errors import InvalidInput, NotFound, RuleCode, Violation
from clearline.identity import Scope
from clearline.platform.database.transactions import Tx
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.fields import whole_number
from clearline.web.records.form import Field, Kind, Line, Values
from clearline.web.visit import Visit
from clearline.web.words import gettext

HUE = "accent_hue"


class PartName(StrEnum):
    """The parts of the branding, each with a form of its own."""

    SUPPORT = "support"
    ACCENT = "accent"


class Part(Struct, frozen=True):
    """A part of the branding, with all of it."""

    name: PartName
    stored: Branding


class BrandingSection(AdminSection[Part]):
    """The section of the branding. The id of a record is the name of a part of it."""

    noun = "branding"
    path = f"{ADMIN}/branding"
    scope = Scope.DESK_WRITE
    template = "console/admin/branding.html"
    can_create = False
    can_delete = False

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Branding"),
            "about": gettext("How the pages look, and what customers read about your support in the portal."),
            "done change": gettext("Saved. The pages have it at once."),
        }

    def record_id(self, visit: Visit) -> PartName:
        """Return the part of the branding in the address."""
        try:
            return PartName(visit.path["id"])
        except ValueError:
            raise NotFound("branding", visit.path["id"]) from None

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:  # noqa: ARG002
        """Return the parts of the branding."""
        stored = await branding.get_branding(tx, visit.actor)
        hue = gettext("standard blue") if stored.accent_hue is None else f"{stored.accent_hue}°"
        notes = {
            PartName.SUPPORT: stored.support_phone or stored.support_hours or gettext("not set"),
            PartName.ACCENT: hue,
        }
        return [Line(name, _titles()[name], [name], notes[name]) for name in PartName]

    async def fields(self, visit: Visit, tx: Tx, record: Part | None) -> list[Field]:  # noqa: ARG002
        """Return the fields of a part."""
        if record is None or record.name is PartName.ACCENT:
            about = gettext("0 to 359 degrees: 25 is red, 145 green, 300 violet. Empty is the standard blue, 254.")
            return [Field(HUE, gettext("Hue"), Kind.NUMBER, hint=about)]
        hours = gettext("With the time zone, such as Monday to Friday, 08:00 to 18:00 UTC.")
        return [
            Field("support_hours", gettext("Support hours"), hint=hours),
            Field("support_phone", gettext("Support phone"), Kind.TEL, hint=gettext("Customers call it by a tap.")),
            Field("footer", gettext("Footer"), Kind.AREA, hint=gettext("At the end of each page for customers.")),
        ]

    def values(self, record: Part) -> Values:
        """Return what the fields have."""
        stored = record.stored
        if record.name is PartName.ACCENT:
            return {HUE: ["" if stored.accent_hue is None else str(stored.accent_hue)]}
        return {
            "support_hours": [stored.support_hours],
            "support_phone": [stored.support_phone],
            "footer": [stored.footer],
        }

    def title(self, record: Part) -> str:
        """Return the name of a part."""
        return _titles()[record.name]

    async def get(self, visit: Visit, tx: Tx, record_id: PartName) -> Part:
        """Return a part of the branding."""
        return Part(record_id, await branding.get_branding(tx, visit.actor))

    async def lock(self, visit: Visit, tx: Tx, record_id: PartName) -> Part:
        """Lock the branding."""
        return Part(record_id, await branding.lock_branding(tx, visit.actor))

    async def more(self, visit: Visit, tx: Tx, record: Part) -> dict[str, object]:  # noqa: ARG002
        """Return the accent that is previewed: the one that is typed, or the stored one."""
        typed = visit.form.get(HUE) or visit.query.get(HUE)
        hue = record.stored.accent_hue if typed is None else whole_number(typed, digits=3)
        hue = None if hue is not None and hue > HUE_MAX else hue
        return {
            "preview": SHIPPED_HUE if hue is None else hue,
            "contrasts": [(_contrast_words()[pair.name], pair) for pair in contrasts(hue)],
            "hue_max": HUE_MAX,
        }

    async def change(self, visit: Visit, tx: Tx, record: Part) -> None:
        """Change a part of the branding."""
        texts = {name: visit.form.get(name).strip() for name in self.values(record)}
        values: dict[str, Any] = {**texts}
        if record.name is PartName.ACCENT:
            values[HUE] = _hue(texts[HUE])
        await branding.change_branding(tx, visit.actor, values, now=visit.now)


def _hue(text: str) -> int | None:
    """Return the hue in a field; None for an empty one.

    Raises:
        InvalidInput: it is no whole number.
    """
    hue = whole_number(text, digits=3)
    if text and hue is None:
        raise InvalidInput([Violation(HUE, f"must be a whole number from 0 to {HUE_MAX}", RuleCode.FORMAT)])
    return hue


def _titles() -> dict[PartName, str]:
    return {PartName.SUPPORT: gettext("Support"), PartName.ACCENT: gettext("Accent")}


def _contrast_words() -> dict[str, str]:
    """Return what each pair of an accent is."""
    return {
        "button": gettext("White text on buttons"),
        "link": gettext("Links, also in rows under the pointer"),
        "ring": gettext("Focus ring on the page"),
    }


BRANDING = BrandingSection()
