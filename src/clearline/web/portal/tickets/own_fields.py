"""What a customer sets of the own fields of its ticket."""

from clearline.errors import Conflict, InvalidInput
from clearline.fields.domain import RecordKind
from clearline.fields.reference_usecases import reference_choices
from clearline.fields.usecases import definitions
from clearline.tickets import access
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import ticket_number
from clearline.web.done import signed
from clearline.web.language.refusals import refusal_text
from clearline.web.portal.tickets.ticket import PATH, Typed, ticket_page
from clearline.web.records.form import ChangedMeanwhile
from clearline.web.tickets.new_ticket import Refusal, problems
from clearline.web.tickets.own_fields import given_in, inputs
from clearline.web.tickets.stale import own_now, own_stored, require_shown_values, stale_refusal
from clearline.web.visit import Visit, redirect, refused_status
from clearline.web.words import gettext
from clearline.wires.http.call import Answer


async def change_fields(visit: Visit) -> Answer:
    """Store the values. A refusal is shown on the page of the ticket, with what was typed."""
    number = access.parse_number(visit.path["number"])
    try:
        async with visit.database.transaction() as tx:
            ticket = (await ticket_changes.lock_ticket(tx, visit.actor, number)).ticket
            known = await definitions(tx)
            choices = await reference_choices(tx, visit.actor, RecordKind.TICKET, ticket.company_id)
            stored = inputs(known, RecordKind.TICKET, ticket.fields, None, for_staff=False, choices=choices)
            require_shown_values(visit.form, own_stored(stored))
            given = given_in(known, RecordKind.TICKET, visit.form, ticket.fields, for_staff=False)
            await ticket_changes.change_ticket(tx, visit.actor, number, {"fields": given}, now=visit.now)
    except InvalidInput as error:
        refusal = Refusal(problems(error, ""))
        problem = gettext("What you changed is not saved yet")
        return await ticket_page(visit, 422, Typed("fields", "", problem, visit.form, refusal))
    except ChangedMeanwhile:
        refusal = stale_refusal(own_now(stored, visit.form))
        return await ticket_page(visit, refusal.status, Typed("fields", "", refusal.text, visit.form, refusal))
    except Conflict as error:
        return await ticket_page(visit, refused_status(error), Typed("fields", "", refusal_text(error), visit.form))
    return redirect(visit.browser, signed(visit, PATH.format(number=ticket_number(number)) + "?done=fields"))
