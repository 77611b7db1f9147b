"""Who else is on the page of a ticket: what a page reports of its own person, and what it shows of the others."""

from clearline.presence import usecases as presence
from clearline.presence.domain import Activity
from clearline.tickets import access
from clearline.web.fields import member_in
from clearline.web.visit import Visit
from clearline.wires.http.call import Answer


async def report_presence(visit: Visit) -> Answer:
    """Report what the person does, and return who else is there, unless it has left."""
    number = access.parse_number(visit.path["number"])
    activity = member_in(Activity, visit.form, "activity")
    async with visit.services.database.transaction() as tx:
        await presence.report(tx, visit.actor, number, visit.form.get("tab"), activity)
    if activity is Activity.GONE:
        return Answer(204, b"", [(b"cache-control", b"no-store")])
    return await show_presence(visit)


async def show_presence(visit: Visit) -> Answer:
    """Return who else is there."""
    number = access.parse_number(visit.path["number"])
    async with visit.services.database.transaction() as tx:
        others = await presence.others(tx, visit.actor, visit.services.presence, number)
    return visit.page("console/live/presence.html", others=others)
