"""The first page of the administration: its sections, and what each is for."""

from clearline.web.console.admin.section import ADMIN
from clearline.web.console.admin.sidebar import admin_sidebar, entries
from clearline.web.visit import Visit
from clearline.wires.http.call import Answer


async def show_overview(visit: Visit) -> Answer:
    """Show the sections."""
    async with visit.services.database.transaction() as tx:
        side = await admin_sidebar(tx, visit.actor)
    return visit.page("console/admin/overview.html", side=side, here=ADMIN, entries=entries())
