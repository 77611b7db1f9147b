"""The page on which agents set the own fields of a ticket."""

from clearline.errors import Conflict, InvalidInput
from clearline.fields.domain import RecordKind
from clearline.fields.reference_usecases import reference_choices
from clearline.fields.usecases import definitions
from clearline.tickets import access
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from clearline.web.console.changes import address
from clearline.web.console.tickets.pages import page_about
from clearline.web.language.refusals import refusal_text
from clearline.web.records.form import ChangedMeanwhile
from clearline.web.tickets.new_ticket import Refusal, problems
from clearline.web.tickets.own_fields import given_in, inputs, labels
from clearline.web.tickets.stale import form_version, own_now, own_stored, require_shown_values, stale_refusal
from clearline.web.visit import Form, Visit, redirect, refused_status
from clearline.wires.http.call import Answer


async def show_fields(visit: Visit) -> Answer:
    """Show the form with what the ticket has."""
    return await _page(visit, None, Refusal(status=200))


async def change_fields(visit: Visit) -> Answer:
    """Store the values, and lead back to the ticket."""
    number = access.parse_number(visit.path["number"])
    try:
        async with visit.services.database.transaction() as tx:
            ticket = (await ticket_changes.lock_ticket(tx, visit.actor, number)).ticket
            known = await definitions(tx)
            stored = inputs(known, RecordKind.TICKET, ticket.fields, None, for_staff=True)
            require_shown_values(visit.form, own_stored(stored))
            given = given_in(known, RecordKind.TICKET, visit.form, ticket.fields, for_staff=True)
            await ticket_changes.change_ticket(tx, visit.actor, number, {"fields": given}, now=visit.now)
    except InvalidInput as error:
        return await _page(visit, visit.form, Refusal(problems(error, "")))
    except ChangedMeanwhile:
        return await _page(visit, visit.form, Refusal(status=409), is_stale=True)
    except Conflict as error:
        return await _page(visit, visit.form, Refusal({}, refusal_text(error), "", refused_status(error)))
    return redirect(visit.browser, address(visit, number))


async def _page(visit: Visit, typed: Form | None, refusal: Refusal, *, is_stale: bool = False) -> Answer:
    async with visit.services.database.statement() as tx:
        ticket = (await tickets.get_ticket(tx, visit.actor, access.parse_number(visit.path["number"]))).ticket
        known = await definitions(tx)
        choices = await reference_choices(tx, visit.actor, RecordKind.TICKET, ticket.company_id)
    stored, shown = (
        inputs(known, RecordKind.TICKET, ticket.fields, form, for_staff=True, choices=choices) for form in (None, typed)
    )
    if typed is not None and is_stale:
        refusal = stale_refusal(own_now(stored, typed))
    own_labels = labels(known, RecordKind.TICKET, for_staff=True)
    return await page_about(
        visit, "console/fields.html", refusal.status, inputs=shown, own_labels=own_labels, refusal=refusal,
        version=form_version(own_stored(stored), typed, refusal),
    )  # fmt: skip
