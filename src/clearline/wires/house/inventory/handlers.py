"""House API v1: the inventory of services."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

from clearline.accounts import permissions
from clearline.identity import Scope
from clearline.inventory import import_usecases as imports
from clearline.inventory import store as service_store
from clearline.inventory import usecases as inventory
from clearline.inventory.domain import ServiceType
from clearline.wires.house import paging
from clearline.wires.house.accounts.companies import COMPANIES, COMPANY
from clearline.wires.house.inventory import wire
from clearline.wires.house.inventory.mapping import service_out
from clearline.wires.house.tickets.handlers import uuid_of
from clearline.wires.house.wire import Page, PageQuery, set_fields
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


async def _list(call: Call, company_id: UUID) -> Page[wire.InventoryOut]:
    after = paging.read_cursor(call, lambda *keys: keys) or service_store.FIRST
    async with call.transaction() as tx:
        found = await inventory.services_of(tx, call.actor, company_id, after=after, limit=call.query.limit + 1)
    return paging.page(call, found, lambda one: [one.type, one.label, one.id], service_out)


async def list_services(call: Call) -> Page[wire.InventoryOut]:
    """Services of a company by type and label."""
    return await _list(call, uuid_of(call.path["id"], "company"))


async def list_own_services(call: Call) -> Page[wire.InventoryOut]:
    """Services of the actor's own company by type and label."""
    return await _list(call, permissions.own_company(call.actor).id)


async def create_service(call: Call) -> wire.InventoryOut:
    """Put a service into a company's inventory."""
    company_id = uuid_of(call.path["id"], "company")
    body = call.body(wire.InventoryIn)
    async with call.transaction() as tx:
        made = await inventory.add_service(tx, call.actor, company_id, body.id, body.type, body.label, now=call.now)
    call.location = f"{COMPANIES}/{company_id}/services/{quote(made.id, safe='')}"
    return service_out(made)


async def get_service(call: Call) -> wire.InventoryOut:
    """One service."""
    company_id = uuid_of(call.path["id"], "company")
    async with call.transaction() as tx:
        return service_out(await inventory.get_service(tx, call.actor, company_id, call.path["service_id"]))


async def change_service(call: Call) -> wire.InventoryOut:
    """Change a service."""
    company_id, service_id = uuid_of(call.path["id"], "company"), call.path["service_id"]
    values = set_fields(call.body(wire.InventoryPatch))
    if "type" in values:
        values["type"] = ServiceType(values["type"])
    async with call.transaction() as tx:
        call.check_if_match(service_out(await inventory.lock_service(tx, call.actor, company_id, service_id)))
        changed = await inventory.change_service(tx, call.actor, company_id, service_id, values, now=call.now)
    return service_out(changed)


async def delete_service(call: Call) -> None:
    """Take a service out of the inventory."""
    company_id, service_id = uuid_of(call.path["id"], "company"), call.path["service_id"]
    async with call.transaction() as tx:
        call.check_if_match(service_out(await inventory.lock_service(tx, call.actor, company_id, service_id)))
        await inventory.delete_service(tx, call.actor, company_id, service_id, now=call.now)


async def import_services(call: Call) -> wire.InventoryImportOut:
    """Bring an inventory up to a list."""
    company_id = uuid_of(call.path["id"], "company")
    body = call.body(wire.InventoryImportIn)
    rows = [(one.id, one.type, one.label) for one in body.services]
    async with call.transaction() as tx:
        done = await imports.import_list(tx, call.actor, company_id, rows, dry_run=body.dry_run, now=call.now)
    return wire.InventoryImportOut(body.dry_run, done.created, done.updated, done.unchanged)


_READING = "Customers read their own company's with `tickets:read`, the provider's people any with `accounts:read`."

OPERATIONS = (
    Operation(
        "listOwnServices", "GET", "/api/v1/services", list_own_services,
        "List your services", "What your company's tickets can be about, by type and label. For customers.",
        Scope.TICKETS_READ, Page[wire.InventoryOut], query=PageQuery, errors=(400,),
    ),
    Operation(
        "listServices", "GET", SERVICES, list_services,
        "List the services of a company", f"By type and label. {_READING}",
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
        "Read a service", _READING,
        None, wire.InventoryOut, path_parameters=_SERVICE, errors=(404,),
    ),
    Operation(
        "changeService", "PATCH", SERVICE, change_service,
        "Change a service", "For the provider's admins. Tickets keep what they were raised with.",
        Scope.ACCOUNTS_WRITE, wire.InventoryOut, body=wire.InventoryPatch, path_parameters=_SERVICE, errors=(404,),
        conditional=True,
    ),
    Operation(
        "deleteService", "DELETE", SERVICE, delete_service,
        "Delete a service", "For the provider's admins. Tickets keep the id and label that they were raised with.",
        Scope.ACCOUNTS_WRITE, None, path_parameters=_SERVICE, errors=(404,), status=204, conditional=True,
    ),
    Operation(
        "importServices", "POST", COMPANIES + "/{id}/service-imports", import_services,
        "Import services", "Adds and brings up to date up to 1000 services at once, or stores nothing when any of them "
        "is wrong. For the provider's admins.",
        Scope.ACCOUNTS_WRITE, wire.InventoryImportOut, body=wire.InventoryImportIn, path_parameters=COMPANY,
        errors=(404,),
    ),
)  # fmt: skip
