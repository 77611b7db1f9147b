"""House API v1: own fields."""

from uuid import UUID

from clearline.fields import usecases as fields
from clearline.identity import Scope
from clearline.wires.house import paging
from clearline.wires.house.fields import wire
from clearline.wires.house.fields.mapping import field_out, field_values
from clearline.wires.house.parameters import EXAMPLE_ID, id_in_path, uuid_of
from clearline.wires.house.records import change_record, get_record
from clearline.wires.house.wire import Page
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

_FIELDS = "/api/v1/fields"
_ID = id_in_path("id", "The field's id.", example=EXAMPLE_ID)


def _field_id(call: Call) -> tuple[UUID]:
    return (uuid_of(call.path["id"], fields.KIND),)


async def list_fields(call: Call) -> Page[wire.FieldOut]:
    """List fields."""
    query: wire.FieldQuery = call.query
    after = paging.read_cursor(call, fields.place_of_keys)
    async with call.statement() as tx:
        listed = await fields.list_fields(tx, call.actor, kind=query.record, after=after, limit=query.limit + 1)
    return paging.page(call, listed, lambda field: [*fields.place_of(field)], field_out)


async def add_field(call: Call) -> wire.FieldOut:
    """Add a field."""
    values = field_values(call.body(wire.FieldIn))
    async with call.transaction() as tx:
        field = await fields.add_field(tx, call.actor, values, now=call.now)
    call.location = f"{_FIELDS}/{field.id}"
    return field_out(field)


async def get_field(call: Call) -> wire.FieldOut:
    """Return a field."""
    return await get_record(call, _field_id(call), fields.get_field, field_out)


async def change_field(call: Call) -> wire.FieldOut:
    """Change a field."""
    values = field_values(call.body(wire.FieldPatch))
    return await change_record(call, _field_id(call), values, fields.lock_field, fields.change_field, field_out)


async def delete_field(call: Call) -> None:
    """Delete a field."""
    (field_id,) = _field_id(call)
    query: wire.DeleteFieldQuery = call.query
    async with call.transaction() as tx:
        call.check_if_match(field_out(await fields.lock_field(tx, call.actor, field_id)))
        await fields.delete_field(tx, call.actor, field_id, confirmed=query.confirm, now=call.now)


async def restore_field(call: Call) -> wire.FieldOut:
    """Undo the deletion of a field."""
    (field_id,) = _field_id(call)
    call.body(wire.RestoreFieldIn)
    async with call.transaction() as tx:
        return field_out(await fields.restore_field(tx, call.actor, field_id, now=call.now))


OPERATIONS = (
    Operation(
        "listFields", "GET", _FIELDS, list_fields,
        "List own fields", "Returns the fields of tickets, services and companies, each kind in the order in which its "
        "fields are shown. Customers get those that they see, the provider's people also the retired ones, and those "
        "that were deleted less than a day ago.",
        Scope.TICKETS_READ, Page[wire.FieldOut], query=wire.FieldQuery, errors=(400,),
    ),
    Operation(
        "addField", "POST", _FIELDS, add_field,
        "Add an own field", "From then on it is a member of `fields` of its records. For admins.",
        Scope.DESK_WRITE, wire.FieldOut, body=wire.FieldIn, status=201,
    ),
    Operation(
        "getField", "GET", _FIELDS + "/{id}", get_field,
        "Get an own field", "Returns a field.",
        Scope.TICKETS_READ, wire.FieldOut, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "changeField", "PATCH", _FIELDS + "/{id}", change_field,
        "Change an own field", "Sets the values in the merge-patch; values that records have stay as they are. The "
        "type cannot change while there are values, and an option that records have cannot be left out: retire it. For "
        "admins.",
        Scope.DESK_WRITE, wire.FieldOut, body=wire.FieldPatch, path_parameters=_ID, errors=(404,), conditional=True,
    ),
    Operation(
        "deleteField", "DELETE", _FIELDS + "/{id}", delete_field,
        "Delete an own field", "Hides the field and its values. While records have values, `confirm` must say how "
        "many, or the answer is 409 and says it. For a day `restoreField` brings all back; then it is deleted for "
        "good. For admins.",
        Scope.DESK_WRITE, None, query=wire.DeleteFieldQuery, path_parameters=_ID, errors=(400, 404, 409), status=204,
        conditional=True,
    ),
    Operation(
        "restoreField", "POST", _FIELDS + "/{id}/restore", restore_field,
        "Restore an own field", "Undoes a deletion of the last day, with all values. For admins.",
        Scope.DESK_WRITE, wire.FieldOut, body=wire.RestoreFieldIn, path_parameters=_ID, errors=(404,),
    ),
)  # fmt: skip
