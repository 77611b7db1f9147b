"""How the pages look, and what those for customers say about the provider's support."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from clearline.accounts import usecases as accounts
from clearline.accounts.domain import CompanyDetails
from clearline.branding import usecases as branding
from clearline.branding.accent import HUE_MAX, SHIPPED_HUE, contrasts
from clearline.branding.domain import Branding
from clearline.branding.logo_domain import SIDE_MAX, UPLOAD_MAX, Logo, LogoTheme
from clearline.branding.logo_drawing import draw_logo
from clearline.companies import usecases as companies
from clearline.errors import InvalidInput, NotFound, RuleCode, Violation
from clearline.identity import PROVIDER_ID, Scope
from clearline.platform.database.transactions import Tx
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.fields import member_in, whole_number
from clearline.web.multipart import receive_own_files
from clearline.web.records.form import Field, Kind, Line, Values
from clearline.web.records.person import language_field
from clearline.web.visit import Page, Visit
from clearline.web.words import gettext
from clearline.wires.http.call import Answer

HUE = "accent_hue"


class PartName(StrEnum):
    """The parts of the branding, each with a form of its own."""

    DESK = "desk"
    SUPPORT = "support"
    ACCENT = "accent"
    LOGO = "logo"


class Part(Struct, frozen=True):
    """A part of the branding, with all of it and the provider."""

    name: PartName
    stored: Branding
    desk: CompanyDetails


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
            "done logo": gettext("Saved. Pages and mail have it at once."),
            "done remove": gettext("Removed."),
        }

    def pages(self) -> list[Page]:
        """Return the pages of the section: the form of the logos is one with files."""
        address = self.address(PartName.LOGO)
        return [
            Page("changeLogos", "POST", address, self._change_logos, self.scope, has_files=True),
            Page("removeLogo", "POST", f"{address}/remove", self._remove_logo, self.scope),
            *super().pages(),
        ]

    async def _change_logos(self, visit: Visit) -> Answer:
        """Draw the chosen files, and set them."""

        async def work() -> Answer:
            branding.require_admin(visit.actor)
            async with receive_own_files(visit, dict.fromkeys(LogoTheme, UPLOAD_MAX)) as files:
                chosen = {theme: files[theme].read() for theme in LogoTheme if theme in files}
            drawn = {theme: await draw_logo(file, theme) for theme, file in chosen.items() if file}
            if not drawn:
                raise InvalidInput([Violation(LogoTheme.LIGHT, gettext("choose a file"), RuleCode.REQUIRED)])
            async with visit.database.transaction() as tx:
                for theme, logo in drawn.items():
                    await branding.set_logo(tx, visit.actor, theme, logo, now=visit.now)
            return self.led_to(visit, self.address(PartName.LOGO), "logo")

        return await self.perform(visit, work, PartName.LOGO)

    async def _remove_logo(self, visit: Visit) -> Answer:
        """Remove the logo of a theme."""

        async def work() -> Answer:
            theme = member_in(LogoTheme, visit.form, "theme")
            async with visit.database.transaction() as tx:
                await branding.remove_logo(tx, visit.actor, theme, now=visit.now)
            return self.led_to(visit, self.address(PartName.LOGO), "remove")

        return await self.perform(visit, work, PartName.LOGO)

    def led_to(self, visit: Visit, address: str, done: str) -> Answer:
        """Lead to a page of the section, which looks as it was just set: its change is committed."""
        visit.services.forget_desk()
        return super().led_to(visit, address, done)

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
            PartName.DESK: (await accounts.provider(tx)).name,
            PartName.SUPPORT: stored.support_phone or stored.support_hours or gettext("not set"),
            PartName.ACCENT: hue,
            PartName.LOGO: gettext("not set") if stored.logo is None else gettext("set"),
        }
        return [Line(name, _titles()[name], [name], notes[name]) for name in PartName]

    async def fields(self, visit: Visit, tx: Tx, record: Part | None) -> list[Field]:  # noqa: ARG002
        """Return the fields of a part."""
        if record is None or record.name is PartName.ACCENT:
            about = gettext("0 to 359 degrees: 25 is red, 145 green, 300 violet. Empty is the standard blue, 254.")
            return [Field(HUE, gettext("Hue"), Kind.NUMBER, hint=about)]
        if record.name is PartName.DESK:
            called = gettext("What customers call you: in the portal, on the sign-in and in mail.")
            language = gettext("For people who chose none, and whose company and browser name none that there is.")
            return [
                Field("name", gettext("Name"), is_required=True, hint=called),
                replace(language_field(gettext("English")), hint=language),
            ]
        if record.name is PartName.LOGO:
            light = gettext("PNG, JPEG, WebP or SVG, at most %(size)s KB and %(side)s pixels on each side.")
            dark = gettext("Without it the logo stands on white in the dark theme.")
            return [
                Field(LogoTheme.LIGHT, gettext("Logo"), hint=light % {"size": UPLOAD_MAX // 1024, "side": SIDE_MAX}),
                Field(LogoTheme.DARK, gettext("Logo for the dark theme"), hint=dark),
            ]
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
        if record.name is PartName.DESK:
            return {"name": [record.desk.name], "language": [record.desk.language or ""]}
        if record.name is PartName.LOGO:
            return {}
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
        return Part(record_id, await branding.get_branding(tx, visit.actor), await accounts.provider(tx))

    async def lock(self, visit: Visit, tx: Tx, record_id: PartName) -> Part:
        """Lock the branding."""
        stored = await branding.lock_branding(tx, visit.actor)
        if record_id is not PartName.DESK:
            return Part(record_id, stored, await accounts.provider(tx))
        return Part(record_id, stored, await companies.lock_company(tx, visit.actor, PROVIDER_ID))

    async def more(self, visit: Visit, tx: Tx, record: Part) -> dict[str, object]:  # noqa: ARG002
        """Return the logos, and the accent that is previewed: the one that is typed, or the stored one."""
        typed = visit.form.get(HUE) or visit.query.get(HUE)
        hue = record.stored.accent_hue if typed is None else whole_number(typed, digits=3)
        hue = None if hue is not None and hue > HUE_MAX else hue
        return {
            "preview": SHIPPED_HUE if hue is None else hue,
            "contrasts": [(_contrast_words()[pair.name], pair) for pair in contrasts(hue)],
            "hue_max": HUE_MAX,
            "logos": {
                LogoTheme.LIGHT: None if record.stored.logo is None else Logo(record.stored.logo),
                LogoTheme.DARK: None if record.stored.dark_logo is None else Logo(record.stored.dark_logo),
            },
        }

    async def change(self, visit: Visit, tx: Tx, record: Part) -> None:
        """Change a part of the branding."""
        texts = {name: visit.form.get(name).strip() for name in self.values(record)}
        if record.name is PartName.DESK:
            desk = {"name": texts["name"], "language": texts["language"] or None}
            await companies.change_company(tx, visit.actor, PROVIDER_ID, desk, now=visit.now)
            return
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
    return {
        PartName.DESK: gettext("Name and language"),
        PartName.SUPPORT: gettext("Support"),
        PartName.ACCENT: gettext("Accent"),
        PartName.LOGO: gettext("Logo"),
    }


def _contrast_words() -> dict[str, str]:
    """Return what each pair of an accent is."""
    return {
        "button": gettext("White text on buttons"),
        "link": gettext("Links, also in rows under the pointer"),
        "ring": gettext("Focus ring on the page"),
    }


BRANDING = BrandingSection()
