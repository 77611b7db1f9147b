"""The page on which agents give and change the facts of a fault."""

from clearline.errors import Conflict, InvalidInput, require_valid
from clearline.tickets import access
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from clearline.web.console.changes import address
from clearline.web.console.tickets.pages import page_about
from clearline.web.language.refusals import refusal_text
from clearline.web.tickets.faults import fault_values, form_of
from clearline.web.tickets.new_ticket import Refusal, problems
from clearline.web.visit import Form, Visit, redirect, refused_status
from clearline.wires.http.call import Answer


async def show_fault(visit: Visit) -> Answer:
    """Show the form with what the ticket has."""
    async with visit.services.database.statement() as tx:
        view = await tickets.get_ticket(tx, visit.actor, access.parse_number(visit.path["number"]))
    return await _page(visit, form_of(view.ticket), Refusal(status=200))


async def change_fault(visit: Visit) -> Answer:
    """Store the facts, and lead back to the ticket."""
    number = access.parse_number(visit.path["number"])
    try:
        async with visit.services.database.transaction() as tx:
            locked = await ticket_changes.lock_ticket(tx, visit.actor, number)
            values, violations = fault_values(visit.form, locked.ticket, visit.now)
            require_valid(violations)
            await ticket_changes.change_ticket(tx, visit.actor, number, values, now=visit.now)
    except InvalidInput as error:
        return await _page(visit, visit.form, Refusal(problems(error, "")))
    except Conflict as error:
        return await _page(visit, visit.form, Refusal({}, refusal_text(error), "", refused_status(error)))
    return redirect(visit.browser, address(visit, number))


async def _page(visit: Visit, typed: Form, refusal: Refusal) -> Answer:
    return await page_about(visit, "console/fault.html", refusal.status, typed=typed, refusal=refusal)
