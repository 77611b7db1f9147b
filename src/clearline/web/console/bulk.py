"""Change the tickets that are selected in a list: one action on each, with what was refused; and undo that."""

import hashlib
from uuid import UUID

from msgspec import Struct

from clearline.bulk import undo_usecases as undo
from clearline.bulk.domain import Assign, BulkRequest, ChangeStatus, ChangeValues
from clearline.errors import DeskError, InvalidInput, NotFound, RuleCode, Violation
from clearline.tickets import access
from clearline.tickets.domain import Channel, Priority, Status, ticket_number
from clearline.web import once
from clearline.web.console.queue import SIZE, list_page
from clearline.web.fields import id_in, known_id, member_in
from clearline.web.language.refusals import refusal_text
from clearline.web.visit import Visit
from clearline.wires.http.call import Answer, encode

_MOST = 4 * SIZE


class Outcome(Struct, frozen=True):
    """How many tickets an action changed or was undone for, and the number and reason of each that it was not.

    ``undoable`` is the id of a change that can be undone, and ``stays`` how many tickets it would leave as they are.
    ``is_status`` is whether customers may have been notified.
    """

    changed: int
    refusals: list[tuple[str, str]]
    undoable: UUID | None = None
    stays: int = 0
    is_status: bool = False
    is_undo: bool = False


async def change_selected(visit: Visit) -> Answer:
    """Do what the form of a list asks for with each selected ticket, and show the list again."""
    numbers = list(dict.fromkeys(visit.form.all("ticket")))
    if not 1 <= len(numbers) <= _MOST:
        raise InvalidInput([Violation("selection", f"must have 1 to {_MOST} tickets", RuleCode.COUNT)])
    request = _request(visit)
    change_id = _change_id(visit, request)
    changed, refusals = 0, []
    for text in numbers:
        try:
            number = access.parse_number(text)
            async with visit.services.database.transaction() as tx:
                changed += await undo.change_ticket(tx, visit.actor, change_id, number, request, now=visit.now)
        except DeskError as error:
            refusals.append((text, refusal_text(error)))
    async with visit.services.database.transaction() as tx:
        changes = await undo.list_changes(tx, visit.actor, change_id)
    stays = sum(change.inverse is None for change in changes)
    undoable = change_id if stays < len(changes) else None
    is_status = isinstance(request.action, ChangeStatus)
    return await list_page(visit, _path(visit), outcome=Outcome(changed, refusals, undoable, stays, is_status))


async def undo_selected(visit: Visit) -> Answer:
    """Undo a change of many tickets, and show the list again with the result of each."""
    change_id = known_id(undo.KIND, visit.form.get("change"))
    async with visit.services.database.transaction() as tx:
        changes = await undo.list_changes(tx, visit.actor, change_id)
    if not changes:
        raise NotFound(undo.KIND, str(change_id))
    results = [(ticket_number(change.number), await _undone(visit, change_id, change.number)) for change in changes]
    refusals = [(number, refusal) for number, refusal in results if refusal]
    is_status = any(isinstance(change.inverse, ChangeStatus) for change in changes)
    outcome = Outcome(len(changes) - len(refusals), refusals, is_status=is_status, is_undo=True)
    return await list_page(visit, _path(visit), outcome=outcome)


async def _undone(visit: Visit, change_id: UUID, number: int) -> str:
    """Undo the change of a ticket; return why that was refused, or an empty text."""
    try:
        async with visit.services.database.transaction() as tx:
            return await undo.undo_change(tx, visit.actor, change_id, number, now=visit.now)
    except DeskError as error:
        reason = refusal_text(error)
        async with visit.services.database.transaction() as tx:
            await undo.refuse_undo(tx, visit.actor, change_id, number, reason, now=visit.now)
        return reason


def _path(visit: Visit) -> str:
    return f"/console/{visit.query.get('list') or 'open'}"


def _change_id(visit: Visit, request: BulkRequest) -> UUID:
    """Return the id of a change: the same for a form that is sent twice."""
    key = visit.form.get(once.FIELD)
    sent = (key if once.is_key(key) else once.new_key()).encode() + b" " + encode(request)
    return UUID(bytes=hashlib.sha256(sent).digest()[:16])


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
