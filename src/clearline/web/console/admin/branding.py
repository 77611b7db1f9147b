"""What the pages for customers say about the provider's support."""

from collections.abc import Mapping
from typing import Any

from clearline.branding import usecases as branding
from clearline.branding.domain import Branding
from clearline.errors import NotFound
from clearline.identity import Scope
from clearline.platform.database.transactions import Tx
from clearline.web.console.admin.section import ADMIN, AdminSection
from clearline.web.records.form import Field, Kind, Line, Values
from clearline.web.visit import Visit
from clearline.web.words import gettext

SUPPORT = "support"


class BrandingSection(AdminSection[Branding]):
    """The section of the branding. The id of a record is the name of a part of it."""

    noun = "branding"
    path = f"{ADMIN}/branding"
    scope = Scope.DESK_WRITE
    can_create = False
    can_delete = False

    @property
    def words(self) -> Mapping[str, str]:
        """The words of the page."""
        return {
            "title": gettext("Branding"),
            "about": gettext("What customers read about your support, on the start page and in the portal."),
            "done change": gettext("Saved."),
        }

    def record_id(self, visit: Visit) -> str:
        """Return the part of the branding in the address."""
        if visit.path["id"] != SUPPORT:
            raise NotFound("branding", visit.path["id"])
        return SUPPORT

    async def lines(self, visit: Visit, tx: Tx, after: list[Any] | None, limit: int) -> list[Line]:  # noqa: ARG002
        """Return the parts of the branding."""
        stored = await branding.get_branding(tx, visit.actor)
        note = stored.support_phone or stored.support_hours or gettext("not set")
        return [Line(SUPPORT, gettext("Support"), [SUPPORT], note)]

    async def fields(self, visit: Visit, tx: Tx, record: Branding | None) -> list[Field]:  # noqa: ARG002
        """Return the fields of a part."""
        hours = gettext("With the time zone, such as Monday to Friday, 08:00 to 18:00 UTC.")
        return [
            Field("support_hours", gettext("Support hours"), hint=hours),
            Field("support_phone", gettext("Support phone"), Kind.TEL, hint=gettext("Customers call it by a tap.")),
            Field("footer", gettext("Footer"), Kind.AREA, hint=gettext("At the end of each page for customers.")),
        ]

    def values(self, record: Branding) -> Values:
        """Return what the fields have."""
        return {
            "support_hours": [record.support_hours],
            "support_phone": [record.support_phone],
            "footer": [record.footer],
        }

    def title(self, record: Branding) -> str:  # noqa: ARG002
        """Return the name of a part."""
        return gettext("Support")

    async def get(self, visit: Visit, tx: Tx, record_id: str) -> Branding:  # noqa: ARG002
        """Return the branding."""
        return await branding.get_branding(tx, visit.actor)

    async def lock(self, visit: Visit, tx: Tx, record_id: str) -> Branding:  # noqa: ARG002
        """Lock the branding."""
        return await branding.lock_branding(tx, visit.actor)

    async def change(self, visit: Visit, tx: Tx, record: Branding) -> None:  # noqa: ARG002
        """Change the branding."""
        values = {name: visit.form.get(name).strip() for name in branding.CHANGEABLE}
        await branding.change_branding(tx, visit.actor, values, now=visit.now)


BRANDING = BrandingSection()
