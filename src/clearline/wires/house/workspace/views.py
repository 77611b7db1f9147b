"""House API v1: searches kept for use again."""

from uuid import UUID

from clearline.identity import Scope
from clearline.wires.house import paging
from clearline.wires.house.tickets.handlers import EXAMPLE_ID, id_in_path, uuid_of
from clearline.wires.house.wire import Page, PageQuery, set_fields
from clearline.wires.house.workspace import view_wire as wire
from clearline.wires.house.workspace.mapping import view_out
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation
from clearline.workspace import view_usecases as views

_VIEWS = "/api/v1/views"
_ID = id_in_path("id", "The view's id.", example=EXAMPLE_ID)


async def list_views(call: Call) -> Page[wire.ViewOut]:
    """One's own views and the shared ones."""
    after = paging.read_cursor(call, lambda name, view_id: (name, UUID(view_id)))
    async with call.statement() as tx:
        found = await views.list_views(tx, call.actor, after=after, limit=call.query.limit + 1)
    return paging.page(call, found, lambda one: [one.name, str(one.id)], view_out)


async def add_view(call: Call) -> wire.ViewOut:
    """Keep a new view."""
    body = call.body(wire.ViewIn)
    async with call.transaction() as tx:
        made = await views.add_view(tx, call.actor, body.name, body.query, is_shared=body.is_shared, now=call.now)
    call.location = f"{_VIEWS}/{made.id}"
    return view_out(made)


async def get_view(call: Call) -> wire.ViewOut:
    """One view."""
    view_id = uuid_of(call.path["id"], views.KIND)
    async with call.statement() as tx:
        return view_out(await views.get_view(tx, call.actor, view_id))


async def change_view(call: Call) -> wire.ViewOut:
    """Change a view."""
    view_id = uuid_of(call.path["id"], views.KIND)
    body = call.body(wire.ViewPatch)
    async with call.transaction() as tx:
        call.check_if_match(view_out(await views.lock_view(tx, call.actor, view_id)))
        return view_out(await views.change_view(tx, call.actor, view_id, set_fields(body), now=call.now))


async def delete_view(call: Call) -> None:
    """Forget a view."""
    view_id = uuid_of(call.path["id"], views.KIND)
    async with call.transaction() as tx:
        call.check_if_match(view_out(await views.lock_view(tx, call.actor, view_id)))
        await views.delete_view(tx, call.actor, view_id, now=call.now)


OPERATIONS = (
    Operation(
        "listViews", "GET", _VIEWS, list_views,
        "List saved views", "Your own and those that your company shares, by name.",
        Scope.TICKETS_READ, Page[wire.ViewOut], query=PageQuery, errors=(400,),
    ),
    Operation(
        "addView", "POST", _VIEWS, add_view,
        "Save a view", "The query is kept as it is, and read when you search with it.",
        Scope.TICKETS_WRITE, wire.ViewOut, body=wire.ViewIn, status=201,
    ),
    Operation(
        "getView", "GET", _VIEWS + "/{id}", get_view,
        "Read a saved view", "One of your own, or a shared one of your company.",
        Scope.TICKETS_READ, wire.ViewOut, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "changeView", "PATCH", _VIEWS + "/{id}", change_view,
        "Change a saved view", "Sets the values that the merge-patch names. Its owner may, and admins of the company.",
        Scope.TICKETS_WRITE, wire.ViewOut, body=wire.ViewPatch, path_parameters=_ID, errors=(404,), conditional=True,
    ),
    Operation(
        "deleteView", "DELETE", _VIEWS + "/{id}", delete_view,
        "Delete a saved view", "Its owner may, and admins of the company.",
        Scope.TICKETS_WRITE, None, path_parameters=_ID, errors=(404,), status=204, conditional=True,
    ),
)  # fmt: skip
