"""House API v1: replies kept for use again, for the provider's people."""

from typing import Any

from clearline.identity import Scope
from clearline.tickets import access
from clearline.tickets.domain import Channel, Status
from clearline.wires.house import paging
from clearline.wires.house.tickets.handlers import EXAMPLE_ID, NUMBER, TICKETS, id_in_path, uuid_of
from clearline.wires.house.wire import Page, PageQuery, set_fields
from clearline.wires.house.workspace import macro_wire as wire
from clearline.wires.house.workspace.mapping import macro_out, macro_use_out
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation
from clearline.workspace import macro_usecases as macros

_MACROS = "/api/v1/macros"
_ID = id_in_path("id", "The macro's id.", example=EXAMPLE_ID)


def _values(body: wire.MacroIn | wire.MacroPatch) -> dict[str, Any]:
    values = set_fields(body)
    if values.get("status") is not None:
        values["status"] = Status(values["status"])
    if "add_tags" in values:
        values["add_tags"] = tuple(values["add_tags"])
    return values


async def list_macros(call: Call) -> Page[wire.MacroOut]:
    """Macros by name."""
    after = paging.read_cursor(call, str)
    async with call.statement() as tx:
        found = await macros.list_macros(tx, call.actor, after=after, limit=call.query.limit + 1)
    return paging.page(call, found, lambda one: [one.name], macro_out)


async def add_macro(call: Call) -> wire.MacroOut:
    """Keep a new macro."""
    body = call.body(wire.MacroIn)
    async with call.transaction() as tx:
        made = await macros.add_macro(tx, call.actor, _values(body), now=call.now)
    call.location = f"{_MACROS}/{made.id}"
    return macro_out(made)


async def get_macro(call: Call) -> wire.MacroOut:
    """One macro."""
    macro_id = uuid_of(call.path["id"], macros.KIND)
    async with call.statement() as tx:
        return macro_out(await macros.get_macro(tx, call.actor, macro_id))


async def change_macro(call: Call) -> wire.MacroOut:
    """Change a macro."""
    macro_id = uuid_of(call.path["id"], macros.KIND)
    body = call.body(wire.MacroPatch)
    async with call.transaction() as tx:
        call.check_if_match(macro_out(await macros.lock_macro(tx, call.actor, macro_id)))
        return macro_out(await macros.change_macro(tx, call.actor, macro_id, _values(body), now=call.now))


async def delete_macro(call: Call) -> None:
    """Forget a macro."""
    macro_id = uuid_of(call.path["id"], macros.KIND)
    async with call.transaction() as tx:
        call.check_if_match(macro_out(await macros.lock_macro(tx, call.actor, macro_id)))
        await macros.delete_macro(tx, call.actor, macro_id, now=call.now)


async def use_macro(call: Call) -> wire.MacroUseOut:
    """Use a macro on a ticket, or see what it would write."""
    number = access.check_number(call.path["number"])
    body = call.body(wire.MacroUseIn)
    async with call.transaction() as tx:
        if body.preview:
            used = await macros.preview(tx, call.actor, number, body.macro)
        else:
            used = await macros.apply_macro(tx, call.actor, number, body.macro, channel=Channel.API, now=call.now)
    return macro_use_out(used, call.actor)


OPERATIONS = (
    Operation(
        "listMacros", "GET", _MACROS, list_macros,
        "List macros", "Replies kept for use again, by name.",
        Scope.DESK_READ, Page[wire.MacroOut], query=PageQuery, errors=(400,),
    ),
    Operation(
        "addMacro", "POST", _MACROS, add_macro,
        "Keep a macro", "The text may have the placeholders `{{ticket.number}}`, `{{ticket.title}}`, `{{service.id}}`, "
        "`{{service.label}}`, `{{contact.name}}`, `{{company.name}}` and `{{agent.name}}`. For admins.",
        Scope.DESK_WRITE, wire.MacroOut, body=wire.MacroIn, status=201,
    ),
    Operation(
        "getMacro", "GET", _MACROS + "/{id}", get_macro,
        "Read a macro", "One macro.",
        Scope.DESK_READ, wire.MacroOut, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "changeMacro", "PATCH", _MACROS + "/{id}", change_macro,
        "Change a macro", "Sets the values that the merge-patch names. For admins.",
        Scope.DESK_WRITE, wire.MacroOut, body=wire.MacroPatch, path_parameters=_ID, errors=(404,), conditional=True,
    ),
    Operation(
        "deleteMacro", "DELETE", _MACROS + "/{id}", delete_macro,
        "Delete a macro", "What it did stays. For admins.",
        Scope.DESK_WRITE, None, path_parameters=_ID, errors=(404,), status=204, conditional=True,
    ),
    Operation(
        "useMacro", "POST", TICKETS + "/{number}/macro", use_macro,
        "Use a macro", "Writes the note, sets queue, priority and tags, then moves the ticket: all of it or, when any "
        "part is refused, nothing. A preview changes nothing.",
        Scope.TICKETS_WRITE, wire.MacroUseOut, body=wire.MacroUseIn, path_parameters=NUMBER, errors=(404,),
    ),
)  # fmt: skip
