"""House API v1: the provider's types of issues."""

from uuid import UUID

from clearline.catalogue import entry_usecases as entries
from clearline.catalogue.domain import IssueEntry
from clearline.catalogue.entry_usecases import ISSUE_TYPES, EntryKind, place_of
from clearline.identity import Scope
from clearline.wires.house.catalogue import wire
from clearline.wires.house.catalogue.mapping import issue_type_out, issue_values
from clearline.wires.house.parameters import id_in_path, uuid_of
from clearline.wires.house.records import change_record, delete_record, get_record, list_records
from clearline.wires.house.wire import Page, PageQuery, set_fields
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

PATH = "/api/v1/issue-types"
_ID = id_in_path("id", "The id of the issue type.")
_Ids = tuple[EntryKind[IssueEntry], UUID]


def _ids(call: Call) -> _Ids:
    return ISSUE_TYPES, uuid_of(call.path["id"], ISSUE_TYPES.kind)


def _place(position: int, name: str) -> tuple[int, str]:
    return position, name


async def list_issue_types(call: Call) -> Page[wire.IssueTypeOut]:
    """List issue types in their order."""
    return await list_records(
        call, (ISSUE_TYPES,), entries.list_entries, _place, lambda entry: [*place_of(entry)], issue_type_out
    )


async def create_issue_type(call: Call) -> wire.IssueTypeOut:
    """Add an issue type."""
    values = issue_values(set_fields(call.body(wire.IssueTypeIn)))
    key = values.pop("key")
    if values["position"] is None:
        del values["position"]
    async with call.transaction() as tx:
        entry = await entries.add_entry(tx, call.actor, ISSUE_TYPES, values, key=key, now=call.now)
    call.location = f"{PATH}/{entry.id}"
    return issue_type_out(entry)


async def get_issue_type(call: Call) -> wire.IssueTypeOut:
    """Return an issue type."""
    return await get_record(call, _ids(call), entries.get_entry, issue_type_out)


async def change_issue_type(call: Call) -> wire.IssueTypeOut:
    """Change an issue type, or retire it."""
    ids, values = _ids(call), issue_values(set_fields(call.body(wire.IssueTypePatch)))
    return await change_record(call, ids, values, entries.lock_entry, entries.change_entry, issue_type_out)


async def delete_issue_type(call: Call) -> None:
    """Delete an issue type that nothing has."""
    await delete_record(call, _ids(call), entries.lock_entry, entries.delete_entry, issue_type_out)


OPERATIONS = (
    Operation(
        "listIssueTypes", "GET", PATH, list_issue_types,
        "List issue types", "Returns the issue types by `position` and name. A ticket has the key of one, which "
        "rates a new ticket. Customers see the active ones.",
        Scope.TICKETS_READ, Page[wire.IssueTypeOut], query=PageQuery, errors=(400,),
    ),
    Operation(
        "createIssueType", "POST", PATH, create_issue_type,
        "Create an issue type", "Keys and names are unique, ignoring case. It can be chosen at once. For admins.",
        Scope.DESK_WRITE, wire.IssueTypeOut, body=wire.IssueTypeIn, status=201,
    ),
    Operation(
        "getIssueType", "GET", PATH + "/{id}", get_issue_type,
        "Get an issue type", "Customers see the active ones.",
        Scope.TICKETS_READ, wire.IssueTypeOut, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "changeIssueType", "PATCH", PATH + "/{id}", change_issue_type,
        "Change an issue type", "Sets the values in the merge-patch. `is_active: false` retires it: tickets keep it, "
        "lists filter by it, and no other gets it, except over the Console Connect API, which goes on accepting its "
        "published words. For admins.",
        Scope.DESK_WRITE, wire.IssueTypeOut, body=wire.IssueTypePatch, path_parameters=_ID, errors=(404,),
        conditional=True,
    ),
    Operation(
        "deleteIssueType", "DELETE", PATH + "/{id}", delete_issue_type,
        "Delete an issue type", "A published one cannot be deleted, nor one that tickets or routing rules have: "
        "retire it. For admins.",
        Scope.DESK_WRITE, None, path_parameters=_ID, errors=(404, 409), status=204, conditional=True,
    ),
)  # fmt: skip
