"""What a customer says about the fault of its ticket, and changes later."""

from clearline.errors import Conflict, InvalidInput, require_valid
from clearline.tickets import access
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import ticket_number
from clearline.web.done import signed
from clearline.web.language.refusals import refusal_text
from clearline.web.portal.tickets.ticket import PATH, Typed, ticket_page
from clearline.web.records.form import ChangedMeanwhile
from clearline.web.tickets.faults import fault_now, fault_stored, fault_values
from clearline.web.tickets.new_ticket import Refusal, problems
from clearline.web.tickets.stale import require_shown_values, stale_refusal
from clearline.web.visit import Visit, redirect, refused_status
from clearline.web.words import gettext
from clearline.wires.http.call import Answer


async def change_fault(visit: Visit) -> Answer:
    """Store the facts of the fault. A refusal is shown on the page of the ticket, with what was typed."""
    number = access.parse_number(visit.path["number"])
    try:
        async with visit.database.transaction() as tx:
            ticket = (await ticket_changes.lock_ticket(tx, visit.actor, number)).ticket
            require_shown_values(visit.form, fault_stored(ticket))
            values, violations = fault_values(visit.form, ticket, visit.now)
            require_valid(violations)
            await ticket_changes.change_ticket(tx, visit.actor, number, values, now=visit.now)
    except InvalidInput as error:
        refusal = Refusal(problems(error, ""))
        problem = gettext("What you changed about the fault is not saved yet")
        return await ticket_page(visit, 422, Typed("fault", "", problem, visit.form, refusal))
    except ChangedMeanwhile:
        refusal = stale_refusal(fault_now(ticket, visit.form))
        return await ticket_page(visit, refusal.status, Typed("fault", "", refusal.text, visit.form, refusal))
    except Conflict as error:
        return await ticket_page(visit, refused_status(error), Typed("fault", "", refusal_text(error), visit.form))
    return redirect(visit.browser, signed(visit, PATH.format(number=ticket_number(number)) + "?done=fault"))
