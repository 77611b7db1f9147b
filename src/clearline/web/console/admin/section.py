"""Sections of the administration: records in the frame of the console, with the side bar of admins."""

from typing import TypeVar

from clearline.platform.database.transactions import Tx
from clearline.web.console.admin.sidebar import admin_sidebar
from clearline.web.console.views import Sidebar
from clearline.web.records.section import Section
from clearline.web.visit import Visit

ADMIN = "/console/admin"
R = TypeVar("R")


class AdminSection(Section[R]):
    """A kind of records that the provider's admins manage in the console."""

    back: str = ADMIN

    async def frame(self, visit: Visit, tx: Tx) -> dict[str, object]:
        """Return the frame of the console with the side bar."""
        return {"layout": "console/records.html", "side": await self.side(visit, tx), "has_lead": False}

    async def side(self, visit: Visit, tx: Tx) -> Sidebar:
        """Return the side bar of the page."""
        return await admin_sidebar(tx, visit.actor)
