"""Change the tickets that are selected in a list: one action on each, with what was refused; and undo that."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from clearline.bulk import undo_usecases as undo
from clearline.bulk.domain import (
    Action,
    Assign,
    BulkRequest,
    ChangeStatus,
    ChangeTags,
    ChangeValues,
    UseMacro,
    check_action,
)
from clearline.catalogue.assessment import Priority
from clearline.errors import DeskError, InvalidInput, NotFound, RuleCode, Violation, require_valid
from clearline.tickets import access
from clearline.tickets.domain import Channel, Status, ticket_number
from clearline.web import once
from clearline.web.console.lists.bulk_ask import ANSWERED, asked_status, read_ask
from clearline.web.console.lists.bulk_fields import KEY, SETS, OwnAsk, own_action
from clearline.web.console.lists.bulk_preview import read_preview
from clearline.web.console.progress.fields import facts_in, problems, require_reason
from clearline.web.console.queue import SIZE, list_page
from clearline.web.console.tickets.reminders import reminder_in
from clearline.web.fields import id_in, known_id, member_in, tags_in
from clearline.web.language.refusals import refusal_text
from clearline.web.tickets.new_ticket import Refusal
from clearline.web.visit import Form, Visit
from clearline.web.words import ngettext
from clearline.wires.http.call import Answer, encode
from clearline.workspace import macro_usecases as macros

MOST_SELECTED = 4 * SIZE
"""Tickets of one change."""
_NAMES = {"action": "the change", "action.add": "the tags to add", "action.remove": "the tags to remove"}
"""What people call the values of an action."""


class Outcome(Struct, frozen=True):
    """How many tickets an action changed or was undone for, and the number and reason of each that it was not.

    ``undoable`` is the id of a change that can be undone, and ``stays`` says what that would leave as it is.
    ``is_status`` is whether customers may have been notified of a status, ``has_message`` whether a message was added.
    """

    changed: int
    refusals: list[tuple[str, str]]
    undoable: UUID | None = None
    stays: Sequence[str] = ()
    is_status: bool = False
    has_message: bool = False
    is_undo: bool = False


class _DryRun(Exception):
    """Rolls back what a dry run did to a ticket."""


async def change_selected(visit: Visit) -> Answer:
    """Do what the form of a list asks for with each selected ticket, and show the list again.

    A dry run, and a macro at first, only shows what would be done. A status in which tickets wait, or are resolved, is
    asked about first, if the form says so.
    """
    _press_button(visit.form)
    numbers = list(dict.fromkeys(visit.form.all("ticket")))
    if not 1 <= len(numbers) <= MOST_SELECTED:
        raise InvalidInput([Violation("selection", f"must have 1 to {MOST_SELECTED} tickets", RuleCode.COUNT)])
    if (to := asked_status(visit.form)) is not None:
        ask = await read_ask(visit, to, numbers)
        if not visit.form.has(ANSWERED):
            return await list_page(visit, _path(visit), ask=ask)
        try:
            require_reason(ask.asked, visit.form)
        except InvalidInput as error:
            ask = await read_ask(visit, to, numbers, Refusal(problems(error)))
            return await list_page(visit, _path(visit), ask=ask)
    own: Action | OwnAsk | None = await own_action(visit, numbers) if visit.form.has(SETS) else None
    if isinstance(own, OwnAsk):
        return await list_page(visit, _path(visit), own_ask=own)
    try:
        request = BulkRequest(own or _action(visit.form, now=visit.now), Channel.CONSOLE)
    except InvalidInput as error:
        named = [Violation(_NAMES.get(each.field, each.field), each.rule, each.code) for each in error.violations]
        problem = refusal_text(InvalidInput(named))
        return await list_page(visit, _path(visit), problem=problem, selected=numbers)
    if visit.form.has("sure") or not (visit.form.has("dry") or isinstance(request.action, UseMacro)):
        return await list_page(visit, _path(visit), outcome=await change_each(visit, numbers, request))
    changed, refusals = await _try_each(visit, numbers, request, is_sure=False)
    preview = await read_preview(visit, request.action, changed, refusals, len(numbers))
    return await list_page(visit, _path(visit), preview=preview)


def _press_button(form: Form) -> None:
    """Have Enter in a field of a picker do what the button below the field does."""
    if form.has("entered"):
        is_own = form.get(KEY) and not (form.get("add_tags") or form.get("remove_tags"))
        form.pairs.append((SETS, "set") if is_own else ("tags", "1"))


async def change_each(visit: Visit, numbers: Sequence[str], request: BulkRequest) -> Outcome:
    """Do what is asked with each ticket, in a transaction of its own, so that it can be undone."""
    changed, refusals = await _try_each(visit, numbers, request, is_sure=True)
    change_id = _change_id(visit, request)
    async with visit.services.database.transaction() as tx:
        changes = await undo.list_changes(tx, visit.actor, change_id)
        has_message = bool(changed) and await undo.adds_message(tx, visit.actor, request.action)
    stays = Counter(change.refusal for change in changes if change.inverse is None)
    undoable = change_id if stays.total() < len(changes) else None
    said = [_stays(reason, count) for reason, count in stays.items()]
    return Outcome(len(changed), refusals, undoable, said, has_message=has_message)


async def _try_each(
    visit: Visit, numbers: Sequence[str], request: BulkRequest, *, is_sure: bool
) -> tuple[list[str], list[tuple[str, str]]]:
    """Change each ticket, or try it; return which changed, and which were refused, with the reason."""
    change_id, changed, refusals = _change_id(visit, request), [], []
    for text in numbers:
        try:
            if await _change(visit, change_id, access.parse_number(text), request, is_sure=is_sure):
                changed.append(text)
        except DeskError as error:
            refusals.append((text, refusal_text(error)))
    return changed, refusals


async def _change(visit: Visit, change_id: UUID, number: int, request: BulkRequest, *, is_sure: bool) -> bool:
    """Change a ticket, or try it; return whether that changes the ticket."""
    changed = False
    with suppress(_DryRun):
        async with visit.services.database.transaction() as tx:
            changed = await undo.change_ticket(
                tx, visit.actor, change_id, number, request,
                notes_max=visit.services.settings.ticket_notes_max, now=visit.now,
            )  # fmt: skip
            if not is_sure:
                raise _DryRun
    return changed


def _stays(reason: str, count: int) -> str:
    """Return what cannot be undone for so many tickets."""
    if reason == undo.ONLY_A_MESSAGE:
        text = ngettext(
            "This cannot be undone for %(num)s ticket: it only got a message.",
            "This cannot be undone for %(num)s tickets: they only got a message.",
            count,
        )
    else:
        text = ngettext(
            "This cannot be undone for %(num)s ticket: its status has no way back.",
            "This cannot be undone for %(num)s tickets: their status has no way back.",
            count,
        )
    return text % {"num": count}


async def undo_selected(visit: Visit) -> Answer:
    """Undo a change of many tickets, and show the list again with the result of each."""
    return await list_page(visit, _path(visit), outcome=await undo_each(visit))


async def undo_each(visit: Visit) -> Outcome:
    """Undo the change of many tickets that a form names, each in a transaction of its own."""
    change_id = known_id(undo.KIND, visit.form.get("change"))
    async with visit.services.database.transaction() as tx:
        changes = await undo.list_changes(tx, visit.actor, change_id)
    if not changes:
        raise NotFound(undo.KIND, str(change_id))
    results = [(ticket_number(change.number), await _undone(visit, change_id, change.number)) for change in changes]
    refusals = [(number, refusal) for number, refusal in results if refusal]
    inverses = [change.inverse for change in changes if change.inverse is not None]
    is_status = any(isinstance(action, ChangeStatus) for inverse in inverses for action in inverse.actions)
    has_message = any(inverse.keeps_message for inverse in inverses)
    undone = len(changes) - len(refusals)
    return Outcome(undone, refusals, is_status=is_status, has_message=has_message, is_undo=True)


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


def _action(form: Form, *, now: datetime) -> Action:  # noqa: PLR0911 - a table
    """Return the action that a form asks for.

    Raises:
        InvalidInput: a value of it breaks a rule.
    """
    if form.has("status"):
        to = member_in(Status, form, "status")
        return ChangeStatus(to, facts=facts_in(form, to))
    if form.has("priority"):
        return ChangeValues(priority=member_in(Priority, form, "priority"))
    if form.has("queue"):
        return ChangeValues(queue_id=id_in(form, "queue"))
    if form.has("assignee"):
        return Assign(id_in(form, "assignee"))
    if form.has("reminder"):
        return ChangeValues(reminder=reminder_in(form, now=now))
    if form.has("macro"):
        return UseMacro(known_id(macros.KIND, form.get("macro")))
    if form.has("tags"):
        action = ChangeTags(tags_in(form, "add_tags"), tags_in(form, "remove_tags"))
        require_valid(check_action(action))
        return action
    raise NotFound("action", "of the form")
