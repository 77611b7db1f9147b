"""House API v1: the inventory of services."""

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote
from uuid import UUID

from clearline.accounts import permissions
from clearline.identity import Scope
from clearline.inventory import import_usecases as imports
from clearline.inventory import usecases as inventory
from clearline.inventory.domain import Service
from clearline.wires.house.accounts.companies import COMPANIES, COMPANY
from clearline.wires.house.inventory import wire
from clearline.wires.house.inventory.mapping import import_out, service_out
from clearline.wires.house.parameters import uuid_of
from clearline.wires.house.records import change_record, delete_record, get_record, list_records
from clearline.wires.house.wire import Page, PageQuery, new_facts
from clearline.wires.http.call import Call
from clearline.wires.http.table import Operation

SERVICES = COMPANIES + "/{id}/services"
SERVICE = SERVICES + "/{service_id:path}"
_SERVICE: dict[str, dict[str, Any]] = COMPANY | {
    "service_id": {
        "description": "The service's id, percent-encoded.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 64},
    }
}


def _ids(call: Call) -> tuple[UUID, str]:
    return uuid_of(call.path["id"], "company"), call.path["service_id"]


def _key_of(kind: str, label: str, service_id: str) -> tuple[str, str, str]:
    return kind, label, service_id


def _out(call: Call) -> Callable[[Service], wire.InventoryOut]:
    return partial(service_out, for_staff=call.actor.is_staff)


async def _list(call: Call, company_id: UUID) -> Page[wire.InventoryOut]:
    return await list_records(
        call,
        (company_id,),
        inventory.services_of,
        _key_of,
        lambda service: [service.type, service.label, service.id],
        _out(call),
    )


async def list_services(call: Call) -> Page[wire.InventoryOut]:
    """List a company's services by type and label."""
    return await _list(call, uuid_of(call.path["id"], "company"))


async def list_own_services(call: Call) -> Page[wire.InventoryOut]:
    """List the services of the actor's own company by type and label."""
    return await _list(call, permissions.own_company(call.actor).id)


async def create_service(call: Call) -> wire.InventoryOut:
    """Add a service to a company's inventory."""
    company_id = uuid_of(call.path["id"], "company")
    body = call.body(wire.InventoryIn)
    async with call.transaction() as tx:
        service = await inventory.add_service(
            tx, call.actor, company_id, body.id, body.type, body.label,
            facts=new_facts(body, "id", "type", "label"), now=call.now,
        )  # fmt: skip
    call.location = f"{COMPANIES}/{company_id}/services/{quote(service.id, safe='')}"
    return service_out(service)


async def get_service(call: Call) -> wire.InventoryOut:
    """Return a service."""
    return await get_record(call, _ids(call), inventory.get_service, _out(call))


async def change_service(call: Call) -> wire.InventoryOut:
    """Change a service."""
    ids, values = _ids(call), new_facts(call.body(wire.InventoryPatch))
    return await change_record(call, ids, values, inventory.lock_service, inventory.change_service, service_out)


async def delete_service(call: Call) -> None:
    """Delete a service from the inventory."""
    await delete_record(call, _ids(call), inventory.lock_service, inventory.delete_service, service_out)


async def import_services(call: Call) -> wire.InventoryImportOut:
    """Import a list of services."""
    company_id = uuid_of(call.path["id"], "company")
    body = call.body(wire.InventoryImportIn)
    rows = [new_facts(service) for service in body.services]
    async with call.transaction() as tx:
        done = await imports.import_list(tx, call.actor, company_id, rows, dry_run=body.dry_run, now=call.now)
    return import_out(done, dry_run=body.dry_run)


_READING = (
    "Customers read their own company's, and those of companies that share their tickets with it, with `tickets:read`, "
    "the provider's people any with `accounts:read`."
)

OPERATIONS = (
    Operation(
        "listOwnServices", "GET", "/api/v1/services", list_own_services,
        "List your services", "Returns the services that your company's tickets can be about, by type and label. For "
        "customers.",
        Scope.TICKETS_READ, Page[wire.InventoryOut], query=PageQuery, errors=(400,),
    ),
    Operation(
        "listServices", "GET", SERVICES, list_services,
        "List the services of a company", f"Returns services by type and label. {_READING}",
        None, Page[wire.InventoryOut], query=PageQuery, path_parameters=COMPANY, errors=(400, 404),
    ),
    Operation(
        "createService", "POST", SERVICES, create_service,
        "Add a service", "For the provider's admins.",
        Scope.ACCOUNTS_WRITE, wire.InventoryOut, body=wire.InventoryIn, path_parameters=COMPANY, errors=(404,),
        status=201,
    ),
    Operation(
        "getService", "GET", SERVICE, get_service,
        "Get a service", _READING,
        None, wire.InventoryOut, path_parameters=_SERVICE, errors=(404,),
    ),
    Operation(
        "changeService", "PATCH", SERVICE, change_service,
        "Change a service", "Sets the values in the merge-patch. Tickets keep the type and label that they were "
        "raised with. For the provider's admins.",
        Scope.ACCOUNTS_WRITE, wire.InventoryOut, body=wire.InventoryPatch, path_parameters=_SERVICE, errors=(404,),
        conditional=True,
    ),
    Operation(
        "deleteService", "DELETE", SERVICE, delete_service,
        "Delete a service", "Tickets keep the id and label that they were raised with. For the provider's admins.",
        Scope.ACCOUNTS_WRITE, None, path_parameters=_SERVICE, errors=(404,), status=204, conditional=True,
    ),
    Operation(
        "importServices", "POST", COMPANIES + "/{id}/service-imports", import_services,
        "Import services", "Adds or updates up to 1000 services at once. Stores nothing when any of them is invalid. "
        "For the provider's admins.",
        Scope.ACCOUNTS_WRITE, wire.InventoryImportOut, body=wire.InventoryImportIn, path_parameters=COMPANY,
        errors=(404,),
    ),
)  # fmt: skip
