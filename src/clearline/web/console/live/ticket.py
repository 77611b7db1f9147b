"""Fragments of the page of a ticket: what others changed while it is open."""

from urllib.parse import urlencode

from clearline.tickets import access
from clearline.tickets.links.domain import MANUAL_LINK_TYPES
from clearline.web import once
from clearline.web.console.people import all_queues
from clearline.web.console.ticket import read_ticket
from clearline.web.console.views import carried
from clearline.web.fields import whole_number
from clearline.web.tickets.timeline import Entry
from clearline.web.visit import Visit
from clearline.wires.http.call import Answer

_DIGITS = 18


async def show_changes(visit: Visit) -> Answer:
    """Return the header, the timeline and the details of the ticket in the path as they are now.

    A page says the number of the newest message that its person had ``seen`` when it was opened, and of the ``last``
    one that it shows. The ``details``, with all their pickers the larger part, are left out when their state is the
    same, or while they are edited. What stands in the composer is never touched.
    """
    number = access.parse_number(visit.path["number"])
    seen = whole_number(visit.query.get("seen", ""), digits=_DIGITS) or 0
    last = whole_number(visit.query.get("last", ""), digits=_DIGITS) or 0
    async with visit.services.database.transaction() as tx:
        page = await read_ticket(visit, tx, number, await all_queues(tx, visit.actor))
    added = [item for item in page.timeline.items if isinstance(item, Entry) and item.number > last]
    return visit.page(
        "console/live/ticket.html", page=page, seen=seen, added=added, suffix=urlencode(carried(visit)),
        has_details=visit.query.get("details") not in {"editing", page.details_state}, link_types=MANUAL_LINK_TYPES,
        once_key=once.new_key(),
    )  # fmt: skip
