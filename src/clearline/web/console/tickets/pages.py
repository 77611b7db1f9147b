"""Pages about a ticket that stand in the frame of the console."""

from clearline.tickets import access
from clearline.tickets import usecases as tickets
from clearline.web import once
from clearline.web.console.changes import address
from clearline.web.console.views import sidebar, with_counts
from clearline.web.visit import Visit
from clearline.wires.http.call import Answer


async def page_about(visit: Visit, template: str, status: int = 200, **values: object) -> Answer:
    """Return a page about the ticket in the path, with a way back to the page of the ticket."""
    number = access.parse_number(visit.path["number"])
    async with visit.services.database.transaction() as tx:
        view = await tickets.get_ticket(tx, visit.actor, number)
        side = await sidebar(tx, visit.actor)
    side = await with_counts(visit, side)
    return visit.page(
        template, status, side=side, here="", view=view, back=address(visit, number), once_key=once.new_key(), **values
    )
