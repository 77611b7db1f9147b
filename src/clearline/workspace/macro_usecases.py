"""Macros: list, read, add, change and delete them, and use them on tickets."""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from msgspec.structs import replace

from clearline.accounts import permissions, user_store
from clearline.catalogue.term_usecases import current_terms
from clearline.errors import require_found, require_free, require_valid
from clearline.events.record_changes import append_record_event, change_record
from clearline.fields import value_usecases as own_values
from clearline.identity import Actor, Scope
from clearline.platform.database.transactions import Tx
from clearline.queues.usecases import check_queue_id, lock_setup
from clearline.reminders.domain import day_time_of
from clearline.settings.defaults import TICKET_NOTES_MAX
from clearline.tickets import store as ticket_store
from clearline.tickets.change_usecases import change_facts, change_ticket, lock_ticket, move_ticket
from clearline.tickets.domain import Channel, Status, Ticket, TicketView, ticket_number
from clearline.tickets.label_domain import normalize_tags
from clearline.tickets.note_usecases import append_note
from clearline.tickets.progress.facts import NO_FACTS, StatusFacts, check_facts, values_of
from clearline.tickets.usecases import get_ticket
from clearline.workspace import macro_store
from clearline.workspace.domain import (
    Macro,
    MacroReminder,
    MacroUse,
    check_macro,
    placeholder_values,
    reminder_at,
    render,
)

KIND = "macro"


async def list_macros(tx: Tx, actor: Actor, *, after: str | None, limit: int) -> list[Macro]:
    """Return the macros after the name ``after``, by name. Served by ``macro_name``."""
    permissions.require_staff(actor, Scope.DESK_READ)
    return await macro_store.page(tx, after=after, limit=limit)


async def get_macro(tx: Tx, actor: Actor, macro_id: UUID) -> Macro:
    """Return a macro."""
    permissions.require_staff(actor, Scope.DESK_READ)
    return require_found(await macro_store.get(tx, macro_id), KIND, macro_id)


async def macro_named(tx: Tx, actor: Actor, name: str) -> Macro:
    """Return the macro of this name, in any case."""
    permissions.require_staff(actor, Scope.DESK_READ)
    return require_found(await macro_store.find(tx, name), KIND, name)


async def lock_macro(tx: Tx, actor: Actor, macro_id: UUID) -> Macro:
    """Lock a macro that the actor is about to change, until the transaction ends."""
    await lock_setup(tx, actor)
    return require_found(await macro_store.get(tx, macro_id), KIND, macro_id)


async def add_macro(tx: Tx, actor: Actor, values: Mapping[str, Any], *, now: datetime) -> Macro:
    """Add a macro; ``values`` are fields of ``Macro``, its name at least. Its ``facts`` have those that are given.

    Raises:
        AlreadyExists: another macro has the name.
    """
    await lock_setup(tx, actor)
    macro = _with_tidy_tags(_with_values(Macro(uuid4(), ""), await _with_fields(tx, values, {})))
    await _save(tx, macro, now=now)
    await append_record_event(tx, actor, KIND, "created", macro, now=now)
    return macro


async def change_macro(tx: Tx, actor: Actor, macro_id: UUID, values: Mapping[str, Any], *, now: datetime) -> Macro:
    """Set some fields of a macro.

    Raises:
        AlreadyExists: another macro has the name.
    """
    before = await lock_macro(tx, actor, macro_id)
    after = _with_tidy_tags(_with_values(before, await _with_fields(tx, values, before.fields)))
    return await change_record(tx, actor, KIND, before, after, partial(_save, now=now), now=now)


async def delete_macro(tx: Tx, actor: Actor, macro_id: UUID, *, now: datetime) -> None:
    """Delete a macro; the notes and changes that it made stay."""
    macro = await lock_macro(tx, actor, macro_id)
    await macro_store.delete(tx, macro_id)
    await append_record_event(tx, actor, KIND, "deleted", macro, now=now)


async def _with_fields(tx: Tx, values: Mapping[str, Any], before: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return values with those of own fields in canonical form; those that stay may be of fields that are retired."""
    if not values.get("fields"):
        return values
    same = {key: value for key, value in values["fields"].items() if key in before and before[key] == value}
    given = {key: value for key, value in values["fields"].items() if key not in same}
    return {**values, "fields": {**same, **await own_values.read_given(tx, given)}}


def _with_values(macro: Macro, values: Mapping[str, Any]) -> Macro:
    if "facts" in values:
        values = {**values, "facts": replace(macro.facts, **values["facts"])}
    return replace(macro, **values)


def _with_tidy_tags(macro: Macro) -> Macro:
    return replace(macro, add_tags=normalize_tags(macro.add_tags))


async def _save(tx: Tx, macro: Macro, *, now: datetime) -> None:
    violations = [*check_macro(macro), *await check_queue_id(tx, macro.queue_id)]
    if macro.facts != NO_FACTS and macro.status is not None:
        violations += check_facts(await current_terms(tx), macro.status, macro.facts)
    require_valid(violations)
    require_free(not await macro_store.is_name_taken(tx, macro), KIND, macro.name)
    await macro_store.save(tx, macro, now=now)


async def preview(tx: Tx, actor: Actor, number: int, macro_id: UUID) -> MacroUse:
    """Return what a macro would write to a ticket, without doing it."""
    macro = await get_macro(tx, actor, macro_id)
    ticket = await get_ticket(tx, actor, number)
    return MacroUse(macro, render(macro.text, placeholder_values(ticket, actor.name)), ticket)


async def apply_macro(
    tx: Tx,
    actor: Actor,
    number: int,
    macro_id: UUID,
    *,
    channel: Channel = Channel.CONSOLE,
    notes_max: int = TICKET_NOTES_MAX,
    now: datetime,
) -> MacroUse:
    """Use a macro on a ticket: write its note, set its values, then move the ticket unless it has the status already.

    The caller rolls the transaction back after any error: no part of a refused macro may stay. ``notes_max`` is as for
    ``note_usecases.add_note``.

    Raises:
        InvalidInput: the filled-in text is too long or blank, or there would be too many tags.
        TicketFinished: the ticket accepts no more notes or changes.
        IllegalTransition: its status does not allow the move.
    """
    macro = await get_macro(tx, actor, macro_id)
    before = await lock_ticket(tx, actor, number)
    text = render(macro.text, placeholder_values(before, actor.name))
    note_number = None
    if text:
        note = await append_note(
            tx, actor, number, text, channel=channel, visibility=macro.visibility, notes_max=notes_max, now=now
        )
        note_number = note.number
    if values := await values_set(tx, actor, macro, before, now=now):
        await change_ticket(tx, actor, number, values, now=now)
    await set_status(tx, actor, before.ticket, macro.status, macro.facts, now=now)
    stored = await ticket_store.get_view(tx, before.ticket.company_id, number, for_staff=actor.is_staff)
    after = require_found(stored, "ticket", ticket_number(number))
    return MacroUse(macro, text, after, note_number)


async def set_status(
    tx: Tx, actor: Actor, ticket: Ticket, to: Status | None, facts: StatusFacts = NO_FACTS, *, now: datetime
) -> None:
    """Move a locked ticket to a status with what goes with it; one that has the status gets the rest alone.

    Raises:
        As ``change_usecases.move_ticket``.
    """
    if to is not None and to is not ticket.status:
        await move_ticket(tx, actor, ticket.number, to, reason="", facts=facts, now=now)
    elif to is not None and facts != NO_FACTS:
        await change_facts(tx, actor, ticket.number, values_of(facts), now=now)


async def values_set(tx: Tx, actor: Actor, macro: Macro, ticket: TicketView, *, now: datetime) -> dict[str, Any]:
    """Return the values of a ticket that a macro sets that is used now, besides its status.

    The time of day of its reminder is that of the actor: in its own time zone, else the provider's, else UTC.
    """
    values: dict[str, Any] = {}
    if macro.queue_id is not None:
        values["queue_id"] = macro.queue_id
    if macro.priority is not None:
        values["priority"] = macro.priority
    if macro.add_tags:
        values["tags"] = (*ticket.ticket.tags, *macro.add_tags)
    if macro.fields:
        values["fields"] = macro.fields
    if macro.reminder is not None:
        values["reminder"] = reminder_at(macro.reminder, now, await _zone(tx, actor, macro.reminder))
    return values


async def _zone(tx: Tx, actor: Actor, reminder: MacroReminder) -> tzinfo:
    """Return the time zone of the reminder of a macro that an actor uses; UTC for one without a time of day."""
    if day_time_of(reminder.wait) is None:
        return UTC
    from clearline.language.reader import zone_of  # noqa: PLC0415 - commands have to start fast

    return zone_of(await user_store.time_zone(tx, actor) or "UTC")
