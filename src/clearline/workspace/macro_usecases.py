"""Keep replies for use again, and use them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import permissions
from clearline.errors import AlreadyExists, InvalidInput, NotFound, Violation
from clearline.events import store as event_store
from clearline.events.domain import Change, changes_between, record
from clearline.identity import PROVIDER_ID, Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.queues import store as queue_store
from clearline.queues.usecases import lock_setup
from clearline.tickets import desk_store
from clearline.tickets.desk_usecases import change_ticket, get_ticket, lock_ticket
from clearline.tickets.domain import Channel, ticket_number
from clearline.tickets.handling import DeskTicket, tidy_tags
from clearline.tickets.note_usecases import append_note
from clearline.tickets.usecases import move_ticket
from clearline.workspace import macro_store
from clearline.workspace.domain import Macro, MacroUse, check_macro, render, values_of

KIND = "macro"


async def list_macros(tx: Tx, actor: Actor, *, after: str | None, limit: int) -> list[Macro]:
    """Macros by name, behind the name ``after``. Served by ``macro_name``.

    Raises:
        Forbidden: the actor is a customer, or its key may not read the desk's setup.
    """
    permissions.require_staff(actor, Scope.DESK_READ)
    return await macro_store.page(tx, after=after, limit=limit)


async def get_macro(tx: Tx, actor: Actor, macro_id: UUID) -> Macro:
    """One macro.

    Raises:
        NotFound: there is no such macro.
        Forbidden: as for ``list_macros``.
    """
    permissions.require_staff(actor, Scope.DESK_READ)
    found = await macro_store.get(tx, macro_id)
    if found is None:
        raise NotFound(KIND, str(macro_id))
    return found


async def macro_named(tx: Tx, actor: Actor, name: str) -> Macro:
    """The macro of this name, in any case.

    Raises:
        NotFound: there is none.
        Forbidden: as for ``list_macros``.
    """
    permissions.require_staff(actor, Scope.DESK_READ)
    found = await macro_store.find(tx, name)
    if found is None:
        raise NotFound(KIND, name)
    return found


async def add_macro(tx: Tx, actor: Actor, values: Mapping[str, Any], *, now: datetime) -> Macro:
    """Keep a new macro; ``values`` are fields of ``Macro``, its name at least.

    Raises:
        Forbidden: the actor does not run the desk.
        InvalidInput: a value breaks a rule, there is no such queue, or a placeholder is not known.
        AlreadyExists: another macro has the name.
    """
    await lock_setup(tx, actor)
    macro = Macro(uuid4(), **values)
    macro = replace(macro, add_tags=tidy_tags(macro.add_tags))
    await _save(tx, actor, macro, "created", [], now=now)
    return macro


async def change_macro(tx: Tx, actor: Actor, macro_id: UUID, values: Mapping[str, Any], *, now: datetime) -> Macro:
    """Set some fields of a macro; those that are as they were are no change.

    Raises:
        NotFound: there is no such macro.
        Forbidden, InvalidInput, AlreadyExists: as for ``add_macro``.
    """
    before = await lock_macro(tx, actor, macro_id)
    after = replace(before, **values)
    after = replace(after, add_tags=tidy_tags(after.add_tags))
    if changes := changes_between(before, after):
        await _save(tx, actor, after, "changed", changes, now=now)
    return after


async def lock_macro(tx: Tx, actor: Actor, macro_id: UUID) -> Macro:
    """A macro that the actor is about to change, held against changes by others until the transaction ends.

    Raises:
        NotFound: there is no such macro.
        Forbidden: the actor does not run the desk.
    """
    await lock_setup(tx, actor)
    found = await macro_store.get(tx, macro_id)
    if found is None:
        raise NotFound(KIND, str(macro_id))
    return found


async def delete_macro(tx: Tx, actor: Actor, macro_id: UUID, *, now: datetime) -> None:
    """Forget a macro; what it did stays.

    Raises:
        NotFound: there is no such macro.
        Forbidden: the actor does not run the desk.
    """
    macro = await lock_macro(tx, actor, macro_id)
    await macro_store.delete(tx, macro_id)
    await event_store.append(tx, actor, PROVIDER_ID, record(KIND, "deleted", macro), now=now)


async def preview(tx: Tx, actor: Actor, number: int, macro_id: UUID) -> MacroUse:
    """What a macro would write to a ticket, without doing it.

    Raises:
        NotFound: there is no such ticket, or no such macro.
        Forbidden: the actor is a customer, or its key may not read macros or tickets.
    """
    macro = await get_macro(tx, actor, macro_id)
    found = await get_ticket(tx, actor, number)
    return MacroUse(macro, render(macro.text, values_of(found, actor.name)), found)


async def apply_macro(
    tx: Tx, actor: Actor, number: int, macro_id: UUID, *, channel: Channel = Channel.CONSOLE, now: datetime
) -> MacroUse:
    """Do what a macro says: write its note, set its values, then move the ticket, if it is not in the status yet.

    The caller's transaction has to end with any error: nothing may stay of a macro that was refused in the middle.

    Raises:
        NotFound: there is no such ticket, or no such macro.
        Forbidden: the actor is a customer, or its key may not read macros or write tickets.
        InvalidInput: the text is too long or blank with its placeholders filled in, or there would be too many tags.
        TicketFinished: the ticket takes no more notes or changes.
        IllegalTransition: its status does not allow the move.
    """
    macro = await get_macro(tx, actor, macro_id)
    found = await lock_ticket(tx, actor, number)
    text = render(macro.text, values_of(found, actor.name))
    note_number = None
    if text:
        added = await append_note(tx, actor, number, text, channel=channel, visibility=macro.visibility, now=now)
        note_number = added.number
    if values := _values(macro, found):
        await change_ticket(tx, actor, number, values, now=now)
    if macro.status is not None and macro.status is not found.ticket.status:
        await move_ticket(tx, actor, number, macro.status, reason="", now=now)
    done = await desk_store.get(tx, found.ticket.company_id, number)
    if done is None:
        raise NotFound("ticket", ticket_number(number))
    return MacroUse(macro, text, done, note_number)


def _values(macro: Macro, found: DeskTicket) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if macro.queue_id is not None:
        values["queue_id"] = macro.queue_id
    if macro.priority is not None:
        values["priority"] = macro.priority
    if macro.add_tags:
        values["tags"] = (*found.handling.tags, *macro.add_tags)
    return values


async def _save(tx: Tx, actor: Actor, macro: Macro, action: str, changes: list[Change], *, now: datetime) -> None:
    violations = check_macro(macro)
    if macro.queue_id is not None and await queue_store.get(tx, macro.queue_id) is None:
        violations.append(Violation("queue_id", "must be the id of a queue"))
    if violations:
        raise InvalidInput(violations)
    if await macro_store.is_named(tx, macro.name, but=macro.id):
        raise AlreadyExists(KIND, macro.name)
    await macro_store.save(tx, macro, now=now)
    await event_store.append(tx, actor, PROVIDER_ID, record(KIND, action, macro, changes), now=now)
