"""The pages on which agents add, change, close and remove the cases of a ticket at third parties."""

from uuid import UUID

from clearline.errors import AlreadyExists, Conflict, InvalidInput
from clearline.platform.database.transactions import Tx
from clearline.tickets import access
from clearline.tickets.cases import usecases as cases
from clearline.tickets.third_parties.domain import CASE_NOTES_MAX, CaseState
from clearline.web.console.cases.fields import (
    LABELS,
    CaseForm,
    form_of,
    problems,
    require_same,
    values_in,
)
from clearline.web.console.changes import address
from clearline.web.console.tickets.pages import page_about
from clearline.web.console.views import list_in
from clearline.web.fields import known_id
from clearline.web.language.refusals import refusal_text
from clearline.web.once import lead_once
from clearline.web.tickets.new_ticket import Refusal
from clearline.web.visit import Form, Visit, redirect, refused_status
from clearline.wires.http.call import Answer


def _case_id(visit: Visit) -> UUID:
    return known_id(cases.KIND, visit.path["id"])


async def show_new(visit: Visit) -> Answer:
    """Show the form of a new case."""
    return await _page(visit, CaseForm(Form([])), Refusal(status=200))


async def add_case(visit: Visit) -> Answer:
    """Add a case, once, and lead back to the ticket."""
    number = access.parse_number(visit.path["number"])

    async def act(tx: Tx) -> str:
        await cases.add_case(tx, visit.actor, number, values_in(visit.form), now=visit.now)
        return address(visit, number)

    try:
        return redirect(visit.browser, await lead_once(visit, f"case {number}", act))
    except (InvalidInput, Conflict) as error:
        return await _refused(visit, CaseForm(visit.form), error)


async def show_case(visit: Visit) -> Answer:
    """Show the form of a case with its values."""
    async with visit.services.database.statement() as tx:
        case = await cases.get_case(tx, visit.actor, access.parse_number(visit.path["number"]), _case_id(visit))
    return await _page(visit, CaseForm(form_of(case), case), Refusal(status=200))


async def change_case(visit: Visit) -> Answer:
    """Store the values of a case, and lead back to the ticket."""
    number = access.parse_number(visit.path["number"])
    async with visit.services.database.transaction() as tx:
        case = await cases.lock_case(tx, visit.actor, number, _case_id(visit))
        try:
            require_same(visit.form, case)
            await cases.change_case(tx, visit.actor, number, case.id, values_in(visit.form, case), now=visit.now)
        except (InvalidInput, Conflict) as error:
            refused = error
        else:
            return redirect(visit.browser, address(visit, number))
    return await _refused(visit, CaseForm(visit.form, case), refused)


async def close_case(visit: Visit, tx: Tx, number: int) -> None:
    """Close a case."""
    closed = {"state": CaseState.CLOSED}
    await cases.change_case(tx, visit.actor, number, _case_id(visit), closed, now=visit.now)


async def remove_case(visit: Visit, tx: Tx, number: int) -> None:
    """Remove a case."""
    await cases.remove_case(tx, visit.actor, number, _case_id(visit), now=visit.now)


async def _refused(visit: Visit, form: CaseForm, error: InvalidInput | Conflict) -> Answer:
    if isinstance(error, InvalidInput):
        return await _page(visit, form, Refusal(problems(error)))
    if isinstance(error, AlreadyExists):
        return await _page(visit, form, Refusal({"number": "is that of another case of this ticket"}, status=409))
    return await _page(visit, form, Refusal({}, refusal_text(error), "", refused_status(error)))


async def _page(visit: Visit, form: CaseForm, refusal: Refusal) -> Answer:
    async with visit.services.database.statement() as tx:
        parties = await cases.known_parties(tx, visit.actor)
    return await page_about(
        visit, "console/case.html", refusal.status, typed=form.typed, case=form.case, refusal=refusal, labels=LABELS,
        parties=parties, notes_max=CASE_NOTES_MAX, end=list_in(visit),
    )  # fmt: skip
