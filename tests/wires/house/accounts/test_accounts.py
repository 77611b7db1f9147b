import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from clearline.identity import PROVIDER_ID, ROLE_SCOPES, Role
from clearline.platform.database.transactions import Database
from tests.builders.house import ANY, Headers, company_path, pointers, read_list
from tests.builders.people import Tenant, customer_admin, new_tenant, staff_key
from tests.patience import patient

COMPANIES = "/api/v1/companies"
ACTIVE: dict[str, object] = {"is_active": True, "deactivated_at": None, "language": None}
ACTIVE |= {
    "tier": None, "time_zone": None, "notice_addresses": {"incidents": [], "maintenance": [], "billing": []},
    "parent_id": None, "shares_with_parent": False, "fields": {},
}  # fmt: skip


@pytest.fixture(scope="module")
async def boss(database: Database) -> Tenant:
    return await customer_admin(database)


def a_user(**members: Any) -> dict[str, Any]:
    return {"name": "Kim Lund", "email": f"{uuid4().hex[:8]}@example.com", **members}


async def until(client: httpx.AsyncClient, headers: Headers, status: int) -> None:
    """Wait until requests with a key get this status: a change of a key takes effect a moment later."""
    async with asyncio.timeout(patient(5)):
        while True:
            if (await client.get("/api/v1/me", headers=headers)).status_code == status:
                return
            await asyncio.sleep(0.01)


async def test_a_key_can_read_its_own_user(client: httpx.AsyncClient, tenant: Tenant, admin: Headers) -> None:
    me = (await client.get("/api/v1/me", headers=tenant.headers)).json()
    assert me == {
        "id": str(tenant.user.id),
        "name": tenant.user.name,
        "email": tenant.user.email,
        "phone": tenant.user.phone,
        "role": "customer",
        "company": {"id": str(tenant.company.id), "name": tenant.company.name, "code": tenant.company.code},
        "scopes": ["tickets:read", "tickets:write"],
        "key_id": str(tenant.actor.key_id),
        "key_expires_at": None,
        "language": None,
        "children": [],
    }
    staff = (await client.get("/api/v1/me", headers=admin)).json()
    assert (staff["role"], staff["company"]["code"]) == ("admin", "PROVIDER")
    assert staff["scopes"] == sorted(ROLE_SCOPES[Role.ADMIN])
    assert (await client.get("/api/v1/me")).status_code == 401


async def test_a_person_changes_its_own_name_phone_and_language(client: httpx.AsyncClient, tenant: Tenant) -> None:
    read = await client.get("/api/v1/me", headers=tenant.headers)
    current = {**tenant.headers, "If-Match": read.headers["etag"]}
    changed = await client.patch("/api/v1/me", headers=current, json={"language": "de"})
    assert (changed.status_code, changed.json()) == (200, {**read.json(), "language": "de"})
    assert (await client.patch("/api/v1/me", headers=current, json={"language": "en"})).status_code == 412
    cleared = await client.patch("/api/v1/me", headers=tenant.headers | ANY, json={"language": None})
    assert cleared.json() == read.json()
    names = {"name": "Ada Okoro-Lindqvist", "phone": "+1-555-0142"}
    renamed = await client.patch("/api/v1/me", headers=tenant.headers | ANY, json=names)
    assert renamed.json() == {**read.json(), **names}
    before = {"name": tenant.user.name, "phone": tenant.user.phone}
    assert (await client.patch("/api/v1/me", headers=tenant.headers | ANY, json=before)).json() == read.json()
    invalid = {"language": "tlh", "role": "admin", "name": "", "phone": "1" * 65, "email": "ada@example.net"}
    refused = await client.patch("/api/v1/me", headers=tenant.headers | ANY, json=invalid)
    assert pointers(refused) == ["/name", "/phone", "/language", "/role", "/email"]


async def test_companies_and_users_have_a_language(client: httpx.AsyncClient, admin: Headers) -> None:
    code = uuid4().hex[:8].upper()
    company = await client.post(COMPANIES, headers=admin, json={"name": code, "code": code, "language": "de"})
    assert company.json()["language"] == "de"
    path = company.headers["location"]
    assert (await client.get(path, headers=admin)).json() == company.json()
    user = await client.post(f"{path}/users", headers=admin, json=a_user(language="en"))
    assert user.json()["language"] == "en"
    for resource in (path, user.headers["location"]):
        cleared = await client.patch(resource, headers=admin | ANY, json={"language": None})
        assert cleared.json()["language"] is None
        refused = await client.patch(resource, headers=admin | ANY, json={"language": "tlh"})
        assert pointers(refused) == ["/language"]


async def test_a_company_is_created_read_and_changed(client: httpx.AsyncClient, admin: Headers) -> None:
    code = uuid4().hex[:8].upper()
    created = await client.post(COMPANIES, headers=admin, json={"name": f"New {code}", "code": code})
    assert created.status_code == 201
    body = created.json()
    assert body == {"id": body["id"], "name": f"New {code}", "code": code, "is_provider": False, **ACTIVE}
    read = await client.get(created.headers["location"], headers=admin)
    assert (read.json(), read.headers["etag"]) == (body, created.headers["etag"])
    current = {**admin, "If-Match": created.headers["etag"]}
    changed = await client.patch(created.headers["location"], headers=current, json={"name": f"Newer {code}"})
    assert (changed.status_code, changed.json()) == (200, {**body, "name": f"Newer {code}"})
    stale = await client.patch(created.headers["location"], headers=current, json={"name": "Lost"})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition-failed")
    blind = await client.patch(created.headers["location"], headers=admin, json={"name": "Lost"})
    assert blind.status_code == 428


async def test_a_retry_creates_no_second_company(client: httpx.AsyncClient, admin: Headers) -> None:
    code = uuid4().hex[:8]
    keyed = {**admin, "Idempotency-Key": uuid4().hex}
    first, again = [
        await client.post(COMPANIES, headers=keyed, json={"name": f"Once {code}", "code": code}) for _ in range(2)
    ]
    assert first.status_code == again.status_code == 201
    assert (first.json(), first.headers["location"]) == (again.json(), again.headers["location"])
    assert again.headers["idempotent-replayed"] == "true"
    refused = await client.post(COMPANIES, headers=admin, json={"name": f"Once {code}", "code": "Other"})
    assert (refused.status_code, refused.json()["code"]) == (409, "already-exists")


async def test_customers_are_listed_by_name_without_the_provider(
    client: httpx.AsyncClient, admin: Headers, tenant: Tenant, boss: Tenant
) -> None:
    listed = await read_list(client, COMPANIES, admin)
    names = [company["name"].lower() for company in listed]
    assert names == sorted(names)
    assert {str(tenant.company.id), str(boss.company.id)} < {company["id"] for company in listed}
    assert not any(company["is_provider"] for company in listed)
    for named in (tenant.company.name.upper(), tenant.company.code.lower()):
        response = await client.get(COMPANIES, headers=admin, params={"named": named})
        assert [company["id"] for company in response.json()["data"]] == [str(tenant.company.id)]
    for named in ("PROVIDER", "Nobody"):
        assert (await client.get(COMPANIES, headers=admin, params={"named": named})).json()["data"] == []


async def test_the_provider_can_be_read_and_renamed_by_its_admins(client: httpx.AsyncClient, admin: Headers) -> None:
    path = f"{COMPANIES}/{PROVIDER_ID}"
    assert (await client.get(path, headers=admin)).json()["is_provider"] is True
    renamed = await client.patch(path, headers=admin | ANY, json={"name": "Example Networks"})
    assert renamed.json() == {
        "id": str(PROVIDER_ID), "name": "Example Networks", "code": "PROVIDER", "is_provider": True, **ACTIVE
    }  # fmt: skip
    await client.patch(path, headers=admin | ANY, json={"name": "Provider"})


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ["/name", "/code"]),
        ({"name": "", "code": "x" * 33}, ["/name", "/code"]),
        ({"name": "a\x00", "code": "C"}, ["/name"]),
        ({"name": "A", "code": "C", "is_provider": True}, ["/is_provider"]),
    ],
)
async def test_every_invalid_value_of_a_company_is_named_by_its_pointer(
    client: httpx.AsyncClient, admin: Headers, body: dict[str, Any], wrong: list[str]
) -> None:
    assert pointers(await client.post(COMPANIES, headers=admin, json=body)) == wrong


async def test_a_customers_admin_manages_its_own_people(client: httpx.AsyncClient, boss: Tenant) -> None:
    body = a_user(phone="+1-555-0111", role="customer_admin")
    created = await client.post(company_path(boss, "users"), headers=boss.headers, json=body)
    assert created.status_code == 201
    user = created.json()
    assert user == {
        "id": user["id"], "company_id": str(boss.company.id), "is_active": True, "is_available": True,
        "is_confirmed": False, "language": None, **body
    }  # fmt: skip
    read = await client.get(created.headers["location"], headers=boss.headers)
    assert (read.json(), read.headers["etag"]) == (user, created.headers["etag"])
    current = {**boss.headers, "If-Match": created.headers["etag"]}
    changed = await client.patch(created.headers["location"], headers=current, json={"role": "customer", "phone": ""})
    assert changed.json() == {**user, "role": "customer", "phone": ""}
    assert (await client.patch(created.headers["location"], headers=current, json={"phone": "1"})).status_code == 412
    assert (await client.patch(created.headers["location"], headers=boss.headers, json={})).status_code == 428
    listed = await read_list(client, company_path(boss, "users"), boss.headers)
    assert [user["email"] for user in listed] == sorted(user["email"] for user in listed)
    assert changed.json() in listed
    assert await read_list(client, "/api/v1/users", boss.headers) == listed


async def test_the_provider_lists_its_own_people_as_colleagues(client: httpx.AsyncClient, database: Database) -> None:
    viewer = await staff_key(database, Role.VIEWER)
    colleagues = await read_list(client, "/api/v1/users", viewer)
    assert {user["company_id"] for user in colleagues} == {str(PROVIDER_ID)}
    assert "viewer" in {user["role"] for user in colleagues}


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ["/name", "/email"]),
        ({"name": "A", "email": "nonsense", "phone": "1" * 65}, ["/email", "/phone"]),
        ({"name": "A", "email": "a@example.com", "role": "operator"}, ["/role"]),
        ({"name": "A", "email": "a@example.com", "role": "admin"}, ["/role"]),
        ({"name": "A", "email": "a@example.com", "version": 7}, ["/version"]),
    ],
)
async def test_every_invalid_value_of_a_user_is_named_by_its_pointer(
    client: httpx.AsyncClient, boss: Tenant, body: dict[str, Any], wrong: list[str]
) -> None:
    assert pointers(await client.post(company_path(boss, "users"), headers=boss.headers, json=body)) == wrong


async def test_a_customers_admin_cannot_take_a_role_of_the_provider(client: httpx.AsyncClient, boss: Tenant) -> None:
    for role in ("viewer", "agent", "admin"):
        answer = await client.patch(
            company_path(boss, "users", boss.user.id), headers=boss.headers | ANY, json={"role": role}
        )
        assert pointers(answer) == ["/role"]


async def test_the_keys_of_a_deactivated_user_stop_working_at_once(
    client: httpx.AsyncClient, database: Database
) -> None:
    boss = await customer_admin(database)
    user = (await client.post(company_path(boss, "users"), headers=boss.headers, json=a_user())).json()
    key = await client.post(company_path(boss, "keys"), headers=boss.headers, json={"user_id": user["id"], "name": "k"})
    theirs = {"Authorization": f"Bearer {key.json()['key']}"}
    assert (await client.get("/api/v1/me", headers=theirs)).status_code == 200
    path = company_path(boss, "users", user["id"])
    assert (await client.patch(path, headers=boss.headers | ANY, json={"is_active": False})).status_code == 200
    await until(client, theirs, 401)
    again = await client.post(
        company_path(boss, "keys"), headers=boss.headers, json={"user_id": user["id"], "name": "k"}
    )
    assert (again.status_code, again.json()["code"]) == (409, "user-inactive")
    assert (await client.patch(path, headers=boss.headers | ANY, json={"is_active": True})).status_code == 200
    await until(client, theirs, 200)


async def test_the_last_admin_cannot_be_deactivated(client: httpx.AsyncClient, database: Database) -> None:
    async with database.transaction() as tx:
        await tx.write("update app_user set role = 'viewer' where company_id = $1", PROVIDER_ID)
    admin = await staff_key(database, Role.ADMIN)
    me = (await client.get("/api/v1/me", headers=admin)).json()
    path = f"{COMPANIES}/{PROVIDER_ID}/users/{me['id']}"
    for values in ({"is_active": False}, {"role": "agent"}):
        answer = await client.patch(path, headers=admin | ANY, json=values)
        assert (answer.status_code, answer.json()["code"]) == (409, "last-admin")


async def test_a_key_is_shown_once_listed_and_revoked(client: httpx.AsyncClient, database: Database) -> None:
    boss = await customer_admin(database)
    body = {
        "user_id": str(boss.user.id), "name": "CI", "scopes": ["tickets:read"],
        "expires_at": "2099-01-01T00:00:00+02:00",
    }  # fmt: skip
    created = await client.post(company_path(boss, "keys"), headers=boss.headers, json=body)
    assert created.status_code == 201
    assert created.headers["cache-control"] == "no-store"
    key = created.json()
    secret = key.pop("key")
    assert secret.startswith(key["prefix"])
    assert (key["scopes"], key["expires_at"]) == (["tickets:read"], "2098-12-31T22:00:00Z")
    read = await client.get(created.headers["location"], headers=boss.headers)
    assert (read.json(), read.headers["etag"]) == (key, created.headers["etag"])
    assert key in await read_list(client, company_path(boss, "keys"), boss.headers)
    theirs = {"Authorization": f"Bearer {secret}"}
    assert (await client.get("/api/v1/me", headers=theirs)).json()["scopes"] == ["tickets:read"]
    assert (await client.delete(created.headers["location"], headers=boss.headers)).status_code == 428
    stale = await client.delete(created.headers["location"], headers={**boss.headers, "If-Match": '"stale"'})
    assert stale.status_code == 412
    for _ in range(2):
        revoked = await client.delete(created.headers["location"], headers=boss.headers | ANY)
        assert (revoked.status_code, revoked.content) == (204, b"")
    await until(client, theirs, 401)
    after = (await client.get(created.headers["location"], headers=boss.headers)).json()
    assert after["revoked_at"] is not None


async def test_a_retry_creates_no_second_key_and_the_secret_is_not_stored(
    client: httpx.AsyncClient, database: Database
) -> None:
    boss = await customer_admin(database)
    keyed = {**boss.headers, "Idempotency-Key": uuid4().hex}
    body = {"user_id": str(boss.user.id), "name": "CI"}
    first, again = [await client.post(company_path(boss, "keys"), headers=keyed, json=body) for _ in range(2)]
    assert first.status_code == again.status_code == 201
    secret = first.json()["key"]
    assert again.json() == {**first.json(), "key": None}
    assert again.headers["location"] == first.headers["location"]
    async with database.statement() as tx:
        stored = await tx.fetchval("select string_agg(convert_from(body, 'utf-8'), ' ') from idempotency_key")
    assert first.json()["id"] in stored
    assert secret[len(first.json()["prefix"]) :] not in stored


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"scopes": ["tickets:burn"]}, ["/scopes/0"]),
        ({"scopes": []}, ["/scopes"]),
        ({"scopes": ["desk:write"]}, ["/scopes"]),
        ({"expires_at": "2020-01-01T00:00:00Z"}, ["/expires_at"]),
        ({"expires_at": "2099-01-01T00:00:00"}, ["/expires_at"]),
        ({"expires_at": "9999-12-31T23:59:59-14:00"}, ["/expires_at"]),
        ({"user_id": str(uuid4())}, ["/user_id"]),
        ({"user_id": "me"}, ["/user_id"]),
        ({"name": ""}, ["/name"]),
    ],
)
async def test_every_invalid_value_of_a_key_is_named_by_its_pointer(
    client: httpx.AsyncClient, boss: Tenant, body: dict[str, Any], wrong: list[str]
) -> None:
    complete = {"user_id": str(boss.user.id), "name": "k", **body}
    assert pointers(await client.post(company_path(boss, "keys"), headers=boss.headers, json=complete)) == wrong


def requests(tenant: Tenant) -> list[tuple[str, str, Any]]:
    """Return a request for every operation on a company's users and keys."""
    user, key = tenant.user.id, tenant.actor.key_id
    return [
        ("GET", company_path(tenant), None),
        ("PATCH", company_path(tenant), {"name": uuid4().hex}),
        ("GET", company_path(tenant, "users"), None),
        ("POST", company_path(tenant, "users"), a_user()),
        ("GET", company_path(tenant, "users", user), None),
        ("PATCH", company_path(tenant, "users", user), {"name": uuid4().hex}),
        ("GET", company_path(tenant, "keys"), None),
        ("POST", company_path(tenant, "keys"), {"user_id": str(user), "name": "k"}),
        ("GET", company_path(tenant, "keys", key), None),
        ("DELETE", company_path(tenant, "keys", uuid4()), None),
    ]


async def send(client: httpx.AsyncClient, request: tuple[str, str, Any], headers: Headers) -> httpx.Response:
    method, path, body = request
    return await client.request(method, path, headers={**headers, **ANY}, json=body)


@pytest.mark.parametrize("index", range(10))
async def test_another_companys_users_and_keys_are_not_found(
    client: httpx.AsyncClient, boss: Tenant, other_tenant: Tenant, index: int
) -> None:
    request = requests(other_tenant)[index]
    answer = await send(client, request, boss.headers)
    assert answer.status_code == 404, answer.text
    method, path, body = request
    nowhere = path.replace(str(other_tenant.company.id), str(uuid4()))
    unknown = await send(client, (method, nowhere, body), boss.headers)
    assert unknown.status_code == 404
    assert other_tenant.company.name not in answer.text


ALLOWED = {
    Role.CUSTOMER: "",
    Role.VIEWER: "GET",
    Role.AGENT: "GET",
    Role.CUSTOMER_ADMIN: "GET POST PATCH DELETE",
    Role.ADMIN: "GET POST PATCH DELETE",
}


@pytest.mark.parametrize("role", ALLOWED)
async def test_each_role_may_use_its_own_operations_only(
    client: httpx.AsyncClient, database: Database, role: Role
) -> None:
    boss = await customer_admin(database)
    plain = await new_tenant(database) if role is Role.CUSTOMER else boss
    headers = plain.headers if role in {Role.CUSTOMER, Role.CUSTOMER_ADMIN} else await staff_key(database, role)
    for request in requests(plain):
        method, path, _body = request
        answer = await send(client, request, headers)
        may = method in ALLOWED[role].split() and not (
            role is Role.CUSTOMER_ADMIN and (method, path) == ("PATCH", company_path(plain))
        )
        missing = method == "DELETE"  # it names a key that does not exist
        assert answer.status_code == (404 if may and missing else 200 if may else 403) or (
            may and method == "POST" and answer.status_code == 201
        ), (request, answer.text)
    listed = await client.get(COMPANIES, headers=headers)
    assert listed.status_code == (200 if role in {Role.VIEWER, Role.AGENT, Role.ADMIN} else 403)
    created = await client.post(COMPANIES, headers=headers, json={"name": uuid4().hex, "code": uuid4().hex[:8]})
    assert created.status_code == (201 if role is Role.ADMIN else 403)


@pytest.mark.parametrize("path", ["", "/{id}", "/{id}/users", "/{id}/users/{id}", "/{id}/keys", "/{id}/keys/{id}"])
async def test_an_unknown_parameter_is_refused_and_a_malformed_id_is_not_found(
    client: httpx.AsyncClient, admin: Headers, boss: Tenant, path: str
) -> None:
    address = (COMPANIES + path).replace("{id}", str(boss.company.id))
    unknown = await client.get(address, headers=admin, params={"color": "red"})
    assert (unknown.status_code, unknown.json()["code"]) == (400, "invalid-parameter")
    if path:
        head, _, tail = (COMPANIES + path).rpartition("{id}")
        wrong = await client.get(f"{head.replace('{id}', str(boss.company.id))}nonsense{tail}", headers=admin)
        assert wrong.status_code == 404


async def test_a_cursor_is_valid_for_its_own_list_only(client: httpx.AsyncClient, admin: Headers, boss: Tenant) -> None:
    await client.post(company_path(boss, "users"), headers=boss.headers, json=a_user())
    cursor = (await client.get(company_path(boss, "users"), headers=admin, params={"limit": 1})).json()["next_cursor"]
    for path in (company_path(boss, "keys"), COMPANIES, "/api/v1/users"):
        answer = await client.get(path, headers=admin, params={"cursor": cursor})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid-cursor")
