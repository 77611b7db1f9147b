"""House API v1: the provider's types of services."""

from uuid import UUID

from clearline.catalogue import entry_usecases as entries
from clearline.catalogue.domain import ServiceEntry
from clearline.catalogue.entry_usecases import SERVICE_TYPES, EntryKind, place_of
from clearline.identity import Scope
from clearline.wires.house.catalogue import wire
from clearline.wires.house.catalogue.mapping import service_type_out, service_values
from clearline.wires.house.parameters import id_in_path, uuid_of
from clearline.wires.house.records import change_record, delete_record, get_record, list_records
from clearline.wires.house.wire import Page, PageQuery, set_fields
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

PATH = "/api/v1/service-types"
_ID = id_in_path("id", "The id of the service type.")
_Ids = tuple[EntryKind[ServiceEntry], UUID]


def _ids(call: Call) -> _Ids:
    return SERVICE_TYPES, uuid_of(call.path["id"], SERVICE_TYPES.kind)


def _place(position: int, name: str) -> tuple[int, str]:
    return position, name


async def list_service_types(call: Call) -> Page[wire.ServiceTypeOut]:
    """List service types in their order."""
    return await list_records(
        call, (SERVICE_TYPES,), entries.list_entries, _place, lambda entry: [*place_of(entry)], service_type_out
    )


async def create_service_type(call: Call) -> wire.ServiceTypeOut:
    """Add a service type."""
    values = service_values(set_fields(call.body(wire.ServiceTypeIn)))
    key = values.pop("key")
    if values["position"] is None:
        del values["position"]
    async with call.transaction() as tx:
        entry = await entries.add_entry(tx, call.actor, SERVICE_TYPES, values, key=key, now=call.now)
    call.location = f"{PATH}/{entry.id}"
    return service_type_out(entry)


async def get_service_type(call: Call) -> wire.ServiceTypeOut:
    """Return a service type."""
    return await get_record(call, _ids(call), entries.get_entry, service_type_out)


async def change_service_type(call: Call) -> wire.ServiceTypeOut:
    """Change a service type, or retire it."""
    ids, values = _ids(call), service_values(set_fields(call.body(wire.ServiceTypePatch)))
    return await change_record(call, ids, values, entries.lock_entry, entries.change_entry, service_type_out)


async def delete_service_type(call: Call) -> None:
    """Delete a service type that nothing has."""
    await delete_record(call, _ids(call), entries.lock_entry, entries.delete_entry, service_type_out)


OPERATIONS = (
    Operation(
        "listServiceTypes", "GET", PATH, list_service_types,
        "List service types", "Returns the service types by `position` and name. Services and tickets have the key "
        "of one. Customers see the active ones.",
        Scope.TICKETS_READ, Page[wire.ServiceTypeOut], query=PageQuery, errors=(400,),
    ),
    Operation(
        "createServiceType", "POST", PATH, create_service_type,
        "Create a service type", "Keys and names are unique, ignoring case. It can be chosen at once. For admins.",
        Scope.DESK_WRITE, wire.ServiceTypeOut, body=wire.ServiceTypeIn, status=201,
    ),
    Operation(
        "getServiceType", "GET", PATH + "/{id}", get_service_type,
        "Get a service type", "Customers see the active ones.",
        Scope.TICKETS_READ, wire.ServiceTypeOut, path_parameters=_ID, errors=(404,),
    ),
    Operation(
        "changeServiceType", "PATCH", PATH + "/{id}", change_service_type,
        "Change a service type", "Sets the values in the merge-patch. `is_active: false` retires it: services and "
        "tickets keep it, lists filter by it, and no other gets it, except over the Console Connect API, which goes "
        "on accepting its published words. For admins.",
        Scope.DESK_WRITE, wire.ServiceTypeOut, body=wire.ServiceTypePatch, path_parameters=_ID, errors=(404,),
        conditional=True,
    ),
    Operation(
        "deleteServiceType", "DELETE", PATH + "/{id}", delete_service_type,
        "Delete a service type", "A published one cannot be deleted, nor one that tickets, services, routing rules "
        "or issue types have: retire it. For admins.",
        Scope.DESK_WRITE, None, path_parameters=_ID, errors=(404, 409), status=204, conditional=True,
    ),
)  # fmt: skip
