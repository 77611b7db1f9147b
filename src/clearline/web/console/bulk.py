"""Change the tickets that are selected in a list: one action on each, with what was refused."""

from msgspec import Struct

from clearline.bulk.action_usecases import apply_action
from clearline.bulk.domain import Assign, BulkRequest, ChangeStatus, ChangeValues, ItemOutcome
from clearline.errors import DeskError, InvalidInput, NotFound, RuleCode, Violation
from clearline.tickets import access
from clearline.tickets.domain import Channel, Priority, Status
from clearline.web.console.queue import SIZE, list_page
from clearline.web.fields import id_in, member_in
from clearline.web.visit import Visit
from clearline.wires.http.call import Answer

_MOST = 4 * SIZE


class Outcome(Struct, frozen=True):
    """How many tickets an action changed, and the number and reason of each that it did not."""

    changed: int
    refusals: list[tuple[str, str]]


async def change_selected(visit: Visit) -> Answer:
    """Do what the form of a list asks for with each selected ticket, and show the list again."""
    numbers = list(dict.fromkeys(visit.form.all("ticket")))
    if not 1 <= len(numbers) <= _MOST:
        raise InvalidInput([Violation("selection", f"must have 1 to {_MOST} tickets", RuleCode.COUNT)])
    request = _request(visit)
    changed, refusals = 0, []
    for text in numbers:
        try:
            number = access.parse_number(text)
            async with visit.services.database.transaction() as tx:
                outcome = await apply_action(tx, visit.actor, number, request, now=visit.now)
            changed += outcome is ItemOutcome.DONE
        except DeskError as error:
            refusals.append((text, str(error)))
    path = f"/console/{visit.query.get('list') or 'open'}"
    return await list_page(visit, path, outcome=Outcome(changed, refusals))


def _request(visit: Visit) -> BulkRequest:
    form = visit.form
    if form.has("status"):
        action: ChangeStatus | Assign | ChangeValues = ChangeStatus(member_in(Status, form, "status"))
    elif form.has("priority"):
        action = ChangeValues(priority=member_in(Priority, form, "priority"))
    elif form.has("queue"):
        action = ChangeValues(queue_id=id_in(form, "queue"))
    elif form.has("assignee"):
        action = Assign(id_in(form, "assignee"))
    else:
        raise NotFound("action", "of the form")
    return BulkRequest(action, Channel.CONSOLE)
