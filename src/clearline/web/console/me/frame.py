"""The console as the frame of the pages that people have about themselves."""

from clearline.web.account.notifications import Notifications
from clearline.web.account.profile import Profile
from clearline.web.area import CONSOLE
from clearline.web.console.views import sidebar, with_counts
from clearline.web.visit import Visit


async def console_frame(visit: Visit) -> dict[str, object]:
    """Return the frame of the console with the side bar."""
    async with visit.database.transaction() as tx:
        side = await sidebar(tx, visit.actor)
    return {"layout": "console/page.html", "side": await with_counts(visit, side)}


ACCOUNT_PAGES = (*Profile(CONSOLE, console_frame).pages(), *Notifications(CONSOLE, console_frame).pages())
