"""The page on which agents give and change the facts of a fault."""

from clearline.errors import Conflict, InvalidInput, require_valid
from clearline.tickets import access
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Ticket
from clearline.web.console.changes import address
from clearline.web.console.tickets.pages import page_about
from clearline.web.language.refusals import refusal_text
from clearline.web.records.form import ChangedMeanwhile
from clearline.web.tickets.faults import fault_now, fault_stored, fault_values, form_of
from clearline.web.tickets.new_ticket import Refusal, problems
from clearline.web.tickets.stale import form_version, require_shown_values, stale_refusal
from clearline.web.visit import Form, Visit, redirect, refused_status
from clearline.wires.http.call import Answer


async def show_fault(visit: Visit) -> Answer:
    """Show the form with what the ticket has."""
    async with visit.services.database.statement() as tx:
        view = await tickets.get_ticket(tx, visit.actor, access.parse_number(visit.path["number"]))
    return await _page(visit, view.ticket, form_of(view.ticket), Refusal(status=200))


async def change_fault(visit: Visit) -> Answer:
    """Store the facts, and lead back to the ticket."""
    number = access.parse_number(visit.path["number"])
    try:
        async with visit.services.database.transaction() as tx:
            ticket = (await ticket_changes.lock_ticket(tx, visit.actor, number)).ticket
            require_shown_values(visit.form, fault_stored(ticket))
            values, violations = fault_values(visit.form, ticket, visit.now)
            require_valid(violations)
            await ticket_changes.change_ticket(tx, visit.actor, number, values, now=visit.now)
    except InvalidInput as error:
        return await _page(visit, ticket, visit.form, Refusal(problems(error, "")))
    except ChangedMeanwhile:
        return await _page(visit, ticket, visit.form, stale_refusal(fault_now(ticket, visit.form)))
    except Conflict as error:
        refusal = Refusal({}, refusal_text(error), "", refused_status(error))
        return await _page(visit, ticket, visit.form, refusal)
    return redirect(visit.browser, address(visit, number))


async def _page(visit: Visit, ticket: Ticket, typed: Form, refusal: Refusal) -> Answer:
    version = form_version(fault_stored(ticket), typed, refusal)
    return await page_about(visit, "console/fault.html", refusal.status, typed=typed, refusal=refusal, version=version)
