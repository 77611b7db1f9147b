"""House API v1: macros."""

from typing import Any
from uuid import UUID

from msgspec.structs import astuple

from clearline.drafts import pending_usecases as pending
from clearline.identity import Scope
from clearline.tickets import access
from clearline.tickets.domain import Channel, Status
from clearline.wires.house.parameters import EXAMPLE_ID, id_in_path, uuid_of
from clearline.wires.house.records import change_record, delete_record, get_record, list_records
from clearline.wires.house.tickets.handlers import NUMBER, TICKETS
from clearline.wires.house.tickets.progress_wire import facts_in
from clearline.wires.house.wire import Page, PageQuery, set_fields
from clearline.wires.house.workspace import macro_wire as wire
from clearline.wires.house.workspace.mapping import macro_out, macro_use_out
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation
from clearline.workspace import macro_usecases as macros
from clearline.workspace.domain import MacroReminder

_MACROS = "/api/v1/macros"
_ID = id_in_path("id", "The macro's id.", example=EXAMPLE_ID)


def _macro_id(call: Call) -> tuple[UUID]:
    return (uuid_of(call.path["id"], macros.KIND),)


def _values(body: wire.MacroIn | wire.MacroPatch) -> dict[str, Any]:
    values = set_fields(body)
    if values.get("status") is not None:
        values["status"] = Status(values["status"])
    if "add_tags" in values:
        values["add_tags"] = tuple(values["add_tags"])
    if values.get("reminder") is not None:
        values["reminder"] = MacroReminder(*astuple(values["reminder"]))
    given = {name: values.pop(name) for name in ("sub_status", "waiting", "closure") if name in values}
    if given:
        whole = facts_in(given.get("sub_status"), given.get("waiting"), given.get("closure"))
        values["facts"] = {name: getattr(whole, name) for name in given}
    return values


async def list_macros(call: Call) -> Page[wire.MacroOut]:
    """List macros by name."""
    return await list_records(call, (), macros.list_macros, str, lambda macro: [macro.name], macro_out)


async def add_macro(call: Call) -> wire.MacroOut:
    """Add a macro."""
    values = _values(call.body(wire.MacroIn))
    async with call.transaction() as tx:
        macro = await macros.add_macro(tx, call.actor, values, now=call.now)
    call.location = f"{_MACROS}/{macro.id}"
    return macro_out(macro)


async def get_macro(call: Call) -> wire.MacroOut:
    """Return a macro."""
    return await get_record(call, _macro_id(call), macros.get_macro, macro_out)


async def change_macro(call: Call) -> wire.MacroOut:
    """Change a macro."""
    ids, values = _macro_id(call), _values(call.body(wire.MacroPatch))
    return await change_record(call, ids, values, macros.lock_macro, macros.change_macro, macro_out)


async def delete_macro(call: Call) -> None:
    """Delete a macro."""
    await delete_record(call, _macro_id(call), macros.lock_macro, macros.delete_macro, macro_out)


async def use_macro(call: Call) -> wire.MacroUseOut:
    """Use a macro on a ticket, or preview it."""
    number = access.parse_number(call.path["number"])
    body = call.body(wire.MacroUseIn)
    notes_max = call.services.settings.ticket_notes_max
    async with call.transaction() as tx:
        if body.preview:
            use = await macros.preview(tx, call.actor, number, body.macro)
        else:
            await pending.send_waiting(tx, call.actor, number, notes_max=notes_max, now=call.now)
            use = await macros.apply_macro(
                tx, call.actor, number, body.macro, channel=Channel.API, notes_max=notes_max, now=call.now
            )
    return macro_use_out(use, call.actor)


OPERATIONS = (
    Operation(
        "listMacros", "GET", _MACROS, list_macros,
        "List macros", "Returns macros by name. For the provider's people.",
        Scope.DESK_READ, Page[wire.MacroOut], query=PageQuery, errors=(400,),
    ),
    Operation(
        "addMacro", "POST", _MACROS, add_macro,
        "Add a macro", "The text can have the placeholders `{{ticket.number}}`, `{{ticket.title}}`, `{{service.id}}`, "
        "`{{service.label}}`, `{{contact.name}}`, `{{company.name}}` and `{{agent.name}}`. For admins.",
        Scope.DESK_WRITE, wire.MacroOut, body=wire.MacroIn, status=201,
    ),
    Operation(
        "getMacro", "GET", _MACROS + "/{id}", get_macro,
        "Get a macro", "Returns a macro. For the provider's people.",
        Scope.DESK_READ, wire.MacroOut, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "changeMacro", "PATCH", _MACROS + "/{id}", change_macro,
        "Change a macro", "Sets the values in the merge-patch. For admins.",
        Scope.DESK_WRITE, wire.MacroOut, body=wire.MacroPatch, path_parameters=_ID, errors=(404,), conditional=True,
    ),
    Operation(
        "deleteMacro", "DELETE", _MACROS + "/{id}", delete_macro,
        "Delete a macro", "The notes and changes that it made stay. For admins.",
        Scope.DESK_WRITE, None, path_parameters=_ID, errors=(404,), status=204, conditional=True,
    ),
    Operation(
        "useMacro", "POST", TICKETS + "/{number}/macro", use_macro,
        "Use a macro", "Writes the note, sets queue, priority, tags and own fields, then changes the status: all of "
        "it, or nothing when any part is refused. A preview changes nothing. For the provider's people.",
        Scope.TICKETS_WRITE, wire.MacroUseOut, body=wire.MacroUseIn, path_parameters=NUMBER, errors=(404,),
    ),
)  # fmt: skip
