"""House API v1: saved views."""

from uuid import UUID

from msgspec.structs import replace

from clearline.errors import RuleCode, Violation
from clearline.identity import Scope
from clearline.search.list_usecases import count_queries
from clearline.wires.house.parameters import EXAMPLE_ID, id_in_path, uuid_of
from clearline.wires.house.records import change_record, delete_record, get_record, list_records
from clearline.wires.house.wire import Page, set_fields
from clearline.wires.house.workspace import view_wire as wire
from clearline.wires.house.workspace.mapping import view_out
from clearline.wires.http.body import InvalidQuery
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation
from clearline.workspace import view_usecases as views
from clearline.workspace.column_domain import in_order
from clearline.workspace.domain import SavedView

_VIEWS = "/api/v1/views"
_ID = id_in_path("id", "The view's id.", example=EXAMPLE_ID)


def _view_id(call: Call) -> tuple[UUID]:
    return (uuid_of(call.path["id"], views.KIND),)


def _key_of(name: str, view_id: str) -> tuple[str, UUID]:
    return name, UUID(view_id)


async def list_views(call: Call) -> Page[wire.ViewOut]:
    """List the user's own views and the shared ones by name."""
    query: wire.ViewListQuery = call.query
    if not query.counts:
        return await list_records(call, (), views.list_views, _key_of, _keys, view_out)
    if query.limit > wire.COUNTED_MAX:
        rule = f"must be at most {wire.COUNTED_MAX} with counts"
        raise InvalidQuery([Violation("limit", rule, RuleCode.RANGE)])
    page = await list_records(call, (), views.list_views, _key_of, _keys, lambda view: view)
    with call.services.searches.count(call.customer):
        counts = await count_queries(
            call.database,
            call.actor,
            [view.query for view in page.data],
            seconds=call.services.settings.search_seconds,
        )
    counted = [
        replace(view_out(view), count=None if count is None else wire.CountOut(count.count, count.is_exact))
        for view, count in zip(page.data, counts, strict=True)
    ]
    return Page(counted, page.has_more, page.next_cursor)


def _keys(view: SavedView) -> list[str]:
    return [view.name, str(view.id)]


async def add_view(call: Call) -> wire.ViewOut:
    """Add a view."""
    body = call.body(wire.ViewIn)
    async with call.transaction() as tx:
        view = await views.add_view(
            tx,
            call.actor,
            body.name,
            body.query,
            sort=body.sort,
            columns=None if body.columns is None else in_order(body.columns),
            is_shared=body.is_shared,
            now=call.now,
        )
    call.location = f"{_VIEWS}/{view.id}"
    return view_out(view)


async def get_view(call: Call) -> wire.ViewOut:
    """Return a view."""
    return await get_record(call, _view_id(call), views.get_view, view_out)


async def change_view(call: Call) -> wire.ViewOut:
    """Change a view."""
    ids, values = _view_id(call), set_fields(call.body(wire.ViewPatch))
    if values.get("columns") is not None:
        values["columns"] = in_order(values["columns"])
    return await change_record(call, ids, values, views.lock_view, views.change_view, view_out)


async def delete_view(call: Call) -> None:
    """Delete a view."""
    await delete_record(call, _view_id(call), views.lock_view, views.delete_view, view_out)


OPERATIONS = (
    Operation(
        "listViews", "GET", _VIEWS, list_views,
        "List saved views", "Returns your own views and the shared ones of your company, by name. With `counts` each "
        "has the number of its tickets, for a badge: exact up to 1,000, and `exact` is false above. Open tickets by "
        "filters alone are counted at once; words, negations and filters that few tickets match by the search index, "
        "which knows of a change about a second later.",
        Scope.TICKETS_READ, Page[wire.ViewOut], query=wire.ViewListQuery, errors=(400,),
    ),
    Operation(
        "addView", "POST", _VIEWS, add_view,
        "Save a view", "The query is stored as it is, and parsed when you search with it.",
        Scope.TICKETS_WRITE, wire.ViewOut, body=wire.ViewIn, status=201,
    ),
    Operation(
        "getView", "GET", _VIEWS + "/{id}", get_view,
        "Get a saved view", "Returns a view of your own, or a shared one of your company.",
        Scope.TICKETS_READ, wire.ViewOut, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "changeView", "PATCH", _VIEWS + "/{id}", change_view,
        "Change a saved view", "Sets the values in the merge-patch. For its owner and the admins of the company.",
        Scope.TICKETS_WRITE, wire.ViewOut, body=wire.ViewPatch, path_parameters=_ID, errors=(404,), conditional=True,
    ),
    Operation(
        "deleteView", "DELETE", _VIEWS + "/{id}", delete_view,
        "Delete a saved view", "For its owner and the admins of the company.",
        Scope.TICKETS_WRITE, None, path_parameters=_ID, errors=(404,), status=204, conditional=True,
    ),
)  # fmt: skip
