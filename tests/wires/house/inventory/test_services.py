from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from tests.builders.house import ANY, Headers, company_path, pointers, read_list
from tests.builders.people import Tenant, customer_admin, new_tenant, staff_key

ODD = ["a b", "a/b", "/a//b/", "100%", "%2F", "ä✓", "a?b#c", "a+b&c=d", "a;b,c", "import", "..a", '"']


NO_FACTS: dict[str, Any] = {
    "state": "active", "rate": None, "rate_text": None, "tier": None, "is_protected": None, "installed_on": None,
    "customer_label": None, "a_end": None, "z_end": None, "fields": {},
}  # fmt: skip
NO_CARRIER: dict[str, Any] = {"carrier": None, "carrier_circuit_id": None}


def without_carrier(service: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in service.items() if name not in NO_CARRIER}


def at(tenant: Tenant, service_id: str) -> str:
    return company_path(tenant, "services", quote(service_id, safe=""))


async def test_services_are_listed_by_type_and_label_for_customers_and_staff(
    client: httpx.AsyncClient, fresh: Tenant, admin: Headers
) -> None:
    listed = await read_list(client, company_path(fresh, "services"), admin)
    assert listed == [
        {
            "company_id": str(fresh.company.id),
            "id": f"SVC-{n}",
            "type": kind,
            "label": f"Service {n}",
            **NO_FACTS,
            **NO_CARRIER,
        }
        for kind, n in (("CloudRouter", 2), ("Connection (L2)", 4), ("Internet on Demand", 3), ("Port", 1))
    ]
    own = [without_carrier(service) for service in listed]
    assert await read_list(client, company_path(fresh, "services"), fresh.headers) == own
    assert await read_list(client, "/api/v1/services", fresh.headers) == own
    assert (await client.get("/api/v1/services", headers=admin)).status_code == 403


@pytest.mark.parametrize("service_id", ODD)
async def test_a_service_with_any_id_is_created_read_changed_and_deleted(
    client: httpx.AsyncClient, tenant: Tenant, admin: Headers, service_id: str
) -> None:
    body = {"id": service_id, "type": "Port", "label": "Odd"}
    created = await client.post(company_path(tenant, "services"), headers=admin, json=body)
    assert created.status_code == 201
    assert created.json() == {"company_id": str(tenant.company.id), **body, **NO_FACTS, **NO_CARRIER}
    assert created.headers["location"] == at(tenant, service_id)
    read = await client.get(created.headers["location"], headers=admin)
    assert (read.json(), read.headers["etag"]) == (created.json(), created.headers["etag"])
    current = {**admin, "If-Match": created.headers["etag"]}
    changed = await client.patch(at(tenant, service_id), headers=current, json={"type": "CloudRouter", "label": "Even"})
    assert changed.json() == {**created.json(), "type": "CloudRouter", "label": "Even"}
    for method, json in (("PATCH", {"label": "Lost"}), ("DELETE", None)):
        for headers, status in ((current, 412), (admin, 428)):
            assert (
                await client.request(method, at(tenant, service_id), headers=headers, json=json)
            ).status_code == status
    deleted = await client.delete(at(tenant, service_id), headers={**admin, "If-Match": changed.headers["etag"]})
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await client.get(at(tenant, service_id), headers=admin)).status_code == 404


@pytest.mark.parametrize("service_id", ["%00", "a%0A", "%ED%A0%80", "", "x" * 100])
async def test_a_malformed_id_is_not_found(
    client: httpx.AsyncClient, tenant: Tenant, admin: Headers, service_id: str
) -> None:
    path = company_path(tenant, "services", service_id)
    assert (await client.get(path, headers=tenant.headers)).status_code == 404
    assert (await client.patch(path, headers=admin | ANY, json={"label": "L"})).status_code == 404
    assert (await client.delete(path, headers=admin | ANY)).status_code == 404


async def test_a_ticket_keeps_its_service_when_the_service_changes(
    client: httpx.AsyncClient, fresh: Tenant, admin: Headers
) -> None:
    ticket = {
        "title": "Down", "description": "Since 08:00", "issue_type": "Circuit Down",
        "service": {"id": "SVC-1", "type": "Port"},
    }  # fmt: skip
    created = await client.post("/api/v1/tickets", headers=fresh.headers, json=ticket)
    assert created.status_code == 201, created.text
    await client.patch(at(fresh, "SVC-1"), headers=admin | ANY, json={"label": "Renamed"})
    await client.delete(at(fresh, "SVC-1"), headers=admin | ANY)
    stored = (await client.get(created.headers["location"], headers=fresh.headers)).json()["service"]
    assert stored == {"id": "SVC-1", "type": "Port", "label": "Service 1"}
    assert pointers(await client.post("/api/v1/tickets", headers=fresh.headers, json=ticket)) == ["/service/id"]


async def test_a_retry_creates_no_second_service_and_ids_are_unique(
    client: httpx.AsyncClient, fresh: Tenant, admin: Headers
) -> None:
    body = {"id": "NEW-1", "type": "Port", "label": "New"}
    keyed = {**admin, "Idempotency-Key": uuid4().hex}
    first, again = [await client.post(company_path(fresh, "services"), headers=keyed, json=body) for _ in range(2)]
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert again.headers["idempotent-replayed"] == "true"
    refused = await client.post(company_path(fresh, "services"), headers=admin, json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "already-exists")


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ["/id", "/type", "/label"]),
        ({"id": "x" * 65, "type": "", "label": ""}, ["/id", "/type", "/label"]),
        ({"id": "A", "type": "Teapot", "label": "L"}, ["/type"]),
        ({"id": "A", "type": "Non-Console Service", "label": "L"}, ["/type"]),
        ({"id": "A", "type": "Port", "label": "L", "speed": 10}, ["/speed"]),
        ({"id": "A\x00", "type": "Port", "label": "L"}, ["/id"]),
    ],
)
async def test_every_invalid_value_of_a_service_is_named_by_its_pointer(
    client: httpx.AsyncClient, tenant: Tenant, admin: Headers, body: dict[str, Any], wrong: list[str]
) -> None:
    assert pointers(await client.post(company_path(tenant, "services"), headers=admin, json=body)) == wrong
    services = {"services": [{"id": "OK", "type": "Port", "label": "L"}, body]}
    imported = await client.post(company_path(tenant, "service-imports"), headers=admin, json=services)
    assert pointers(imported) == [f"/services/1{pointer}" for pointer in wrong]


async def test_services_are_imported_all_or_none_after_a_dry_run(
    client: httpx.AsyncClient, fresh: Tenant, admin: Headers
) -> None:
    path = company_path(fresh, "service-imports")
    rows = [
        {"id": "NEW-1", "type": "Port", "label": "New"},
        {"id": "SVC-1", "type": "Port", "label": "Renamed"},
        {"id": "SVC-2", "type": "CloudRouter", "label": "Service 2"},
    ]
    before = await read_list(client, company_path(fresh, "services"), admin)
    counts = {"created": 1, "updated": 1, "unchanged": 1}
    tried = await client.post(path, headers=admin, json={"services": rows, "dry_run": True})
    assert (tried.status_code, tried.json()) == (200, {"dry_run": True, **counts})
    assert pointers(await client.post(path, headers=admin, json={"services": [*rows, rows[0]]})) == ["/services/3/id"]
    assert await read_list(client, company_path(fresh, "services"), admin) == before
    done = await client.post(path, headers=admin, json={"services": rows})
    assert done.json() == {"dry_run": False, **counts}
    after = {
        service["id"]: service["label"] for service in await read_list(client, company_path(fresh, "services"), admin)
    }
    assert after == {
        "NEW-1": "New",
        "SVC-1": "Renamed",
        "SVC-2": "Service 2",
        "SVC-3": "Service 3",
        "SVC-4": "Service 4",
    }
    many = [{"id": f"N-{n}", "type": "Port", "label": "L"} for n in range(1001)]
    assert pointers(await client.post(path, headers=admin, json={"services": many})) == ["/services"]
    assert (await client.post(path, headers=admin, json={"services": many[:1000]})).json()["created"] == 1000


def requests(tenant: Tenant) -> list[tuple[str, str, Any]]:
    """Return a request for every operation on a company's services; the reads come first."""
    return [
        ("GET", company_path(tenant, "services"), None),
        ("GET", at(tenant, "SVC-1"), None),
        ("POST", company_path(tenant, "services"), {"id": uuid4().hex, "type": "Port", "label": "L"}),
        ("PATCH", at(tenant, "SVC-2"), {"label": uuid4().hex}),
        ("DELETE", at(tenant, "SVC-3"), None),
        ("POST", company_path(tenant, "service-imports"), {"services": []}),
    ]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OPERATOR])
async def test_everybody_reads_services_and_admins_of_the_provider_manage_them(
    client: httpx.AsyncClient, database: Database, role: Role, other_tenant: Tenant
) -> None:
    tenant = await customer_admin(database) if role is Role.CUSTOMER_ADMIN else await new_tenant(database)
    customer = role in {Role.CUSTOMER, Role.CUSTOMER_ADMIN}
    headers = tenant.headers if customer else await staff_key(database, role)
    for method, path, body in requests(tenant):
        answer = await client.request(method, path, headers=headers | ANY, json=body)
        may = method == "GET" or role is Role.ADMIN
        assert answer.status_code in ({200, 201, 204} if may else {403}), (method, path, answer.text)
    for method, path, _body in requests(other_tenant)[:2]:
        answer = await client.request(method, path, headers=headers)
        assert answer.status_code == (404 if customer else 200)
        assert not customer or "Service" not in answer.text


async def test_a_key_without_the_scope_reads_no_services(client: httpx.AsyncClient, database: Database) -> None:
    tenant = await new_tenant(database, scopes=frozenset({"tickets:write"}))
    for path in ("/api/v1/services", company_path(tenant, "services"), at(tenant, "SVC-1")):
        answer = await client.get(path, headers=tenant.headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "scope-missing")


async def test_an_unknown_parameter_is_refused(client: httpx.AsyncClient, tenant: Tenant) -> None:
    for path in ("/api/v1/services", company_path(tenant, "services"), at(tenant, "SVC-1")):
        assert (await client.get(path, headers=tenant.headers, params={"type": "Port"})).status_code == 400


async def test_the_document_shows_paths_without_converters(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/api/v1/openapi.json")).json()["paths"]
    assert {"get", "patch", "delete"} <= set(paths["/api/v1/companies/{id}/services/{service_id}"])
    assert not [path for path in paths if ":" in path]


async def test_an_idempotency_key_belongs_to_the_whole_path(
    client: httpx.AsyncClient, fresh: Tenant, admin: Headers, database: Database
) -> None:
    ids = ["\U00020000" * 63 + last for last in ("a", "b")]
    for service_id in ids:
        body = {"id": service_id, "type": "Port", "label": "L"}
        created = await client.post(company_path(fresh, "services"), headers=admin, json=body)
        assert created.status_code == 201, created.text
    headers = admin | ANY | {"Idempotency-Key": "k"}
    for replayed in (None, "true"):
        for service_id in ids:
            answer = await client.patch(at(fresh, service_id), headers=headers, json={"label": "New"})
            assert (answer.status_code, answer.json()["id"]) == (200, service_id)
            assert answer.headers.get("idempotent-replayed") == replayed
    async with database.statement() as tx:
        assert await tx.fetchval("select max(length(route)) from idempotency_key") <= 200
