"""Whether a ticket without an assignee is assigned to the person who begins a reply in it."""

from clearline.drafts import assignment_usecases as assignments
from clearline.web.area import CONSOLE
from clearline.web.done import with_done
from clearline.web.visit import Visit, redirect
from clearline.wires.http.call import Answer


async def change_assignment(visit: Visit) -> Answer:
    """Turn it on or off."""
    async with visit.services.database.transaction() as tx:
        await assignments.set_on(tx, visit.actor, is_on=visit.form.has("by_typing"))
    return redirect(visit.browser, with_done(visit, CONSOLE.account, "assignment"), visit.headers)
