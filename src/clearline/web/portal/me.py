"""The portal as the frame of the pages that people have about themselves."""

from clearline.web.account import second_factor
from clearline.web.account.notifications import Notifications
from clearline.web.account.profile import Profile
from clearline.web.area import PORTAL
from clearline.web.portal.shell import read_shell
from clearline.web.visit import Visit


async def portal_frame(visit: Visit) -> dict[str, object]:
    """Return the frame of the portal."""
    async with visit.database.transaction() as tx:
        return {"layout": "portal/page.html", "shell": await read_shell(tx)}


ACCOUNT_PAGES = (
    *Profile(PORTAL, portal_frame).pages(),
    *Notifications(PORTAL, portal_frame).pages(),
    *second_factor.pages(PORTAL),
)
