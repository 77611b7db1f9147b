"""The page on which agents say why a ticket waits, or what was found and done: with a new status, or later."""

from clearline.catalogue.term_usecases import current_terms
from clearline.drafts import pending_usecases as pending
from clearline.errors import Conflict, InvalidInput, NotFound
from clearline.fields.domain import RecordKind
from clearline.fields.usecases import definitions
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Status, Ticket
from clearline.tickets.status_domain import OPEN, TRANSITIONS
from clearline.web.console.changes import address, require_shown
from clearline.web.console.progress.fields import (
    asked_for,
    facts_in,
    facts_now,
    facts_stored,
    form_of,
    problems,
    require_reason,
    shown_status,
    status_words,
    values_in,
)
from clearline.web.console.tickets.pages import page_about
from clearline.web.console.views import list_in
from clearline.web.fields import member_in
from clearline.web.language.refusals import refusal_text
from clearline.web.records.form import ChangedMeanwhile
from clearline.web.tickets.new_ticket import Refusal
from clearline.web.tickets.own_fields import labels
from clearline.web.tickets.stale import form_version, require_shown_values, stale_refusal
from clearline.web.tickets.terms import CLOSURE_LABELS
from clearline.web.visit import Form, Visit, redirect, refused_status
from clearline.web.words import gettext
from clearline.wires.http.call import Answer


async def show_status(visit: Visit) -> Answer:
    """Show the form with what the ticket has; the query names the status that it is about to get."""
    number = access.parse_number(visit.path["number"])
    async with visit.services.database.statement() as tx:
        ticket = (await tickets.get_ticket(tx, visit.actor, number)).ticket
    to = _status_asked(visit, ticket)
    if to not in OPEN:
        return redirect(visit.browser, address(visit, number))
    typed = form_of(ticket, to, visit.query.get("sub_status", ""))
    return await _page(visit, to, typed, Refusal(status=200))


def _status_asked(visit: Visit, ticket: Ticket) -> Status:
    """Return the status that the query names, by default the present one."""
    text = visit.query.get("status") or str(ticket.status)
    if text != ticket.status and text not in TRANSITIONS[ticket.status]:
        raise NotFound("status", text)
    return Status(text)


async def change_status(visit: Visit) -> Answer:
    """Set the status with what goes with it, or that alone of a ticket that has the status; lead back to the ticket."""
    number, to = access.parse_number(visit.path["number"]), member_in(Status, visit.form, "status")
    try:
        async with visit.services.database.transaction() as tx:
            await _change(visit, tx, number, to)
    except InvalidInput as error:
        return await _page(visit, to, visit.form, Refusal(problems(error)))
    except ChangedMeanwhile:
        return await _page(visit, to, visit.form, None)
    except Conflict as error:
        return await _page(visit, to, visit.form, Refusal({}, refusal_text(error), "", refused_status(error)))
    return redirect(visit.browser, address(visit, number))


async def _change(visit: Visit, tx: Tx, number: int, to: Status) -> None:
    form, now = visit.form, visit.now
    waiting = await pending.lock_waiting(tx, visit.actor, number)
    ticket = (await ticket_changes.lock_ticket(tx, visit.actor, number)).ticket
    require_shown(visit, shown_status(ticket), gettext("status"), status_words(ticket))
    require_shown_values(form, facts_stored(ticket, to))
    require_reason(asked_for(await current_terms(tx), visit.catalogue, to, [ticket.issue_type], ticket), form)
    if ticket.status is to:
        await ticket_changes.change_facts(tx, visit.actor, number, values_in(form, to), now=now)
        return
    facts = facts_in(form, to)
    await pending.send_early(tx, waiting, notes_max=visit.services.settings.ticket_notes_max, now=now)
    await ticket_changes.move_ticket(tx, visit.actor, number, to, reason="", facts=facts, now=now)


async def _page(visit: Visit, to: Status, typed: Form, refusal: Refusal | None) -> Answer:
    """Return the page of the form; without a refusal somebody changed meanwhile what it shows."""
    async with visit.services.database.statement() as tx:
        number = access.parse_number(visit.path["number"])
        view = await tickets.get_ticket(tx, visit.actor, number)
        terms, known = await current_terms(tx), await definitions(tx)
    if refusal is None:
        refusal = stale_refusal(facts_now(view.ticket, to, typed))
    names = {f"closure_{name}": gettext(label) for name, label in CLOSURE_LABELS.items()}
    names |= {"waiting_reason": gettext("Why it waits"), "waiting_case": gettext("Case")}
    own = labels(known, RecordKind.TICKET, for_staff=True)
    return await page_about(
        visit, "console/status.html", refusal.status, typed=typed, refusal=refusal,
        asked=asked_for(terms, visit.catalogue, to, [view.ticket.issue_type], view.ticket, view.cases),
        version=form_version(facts_stored(view.ticket, to), typed, refusal),
        shown=typed.get("shown") or shown_status(view.ticket), end=list_in(visit),
        labels={**own, **names, "sub_status": gettext("Sub-status")},
        own_labels=own,
    )  # fmt: skip
