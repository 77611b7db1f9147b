"""A company is deactivated with what belongs to it, and activated with what it had."""

import asyncio
from typing import Any

import httpx
import pytest

from clearline.identity import PROVIDER_ID, Role
from clearline.platform.database.transactions import Database
from tests.builders.house import ANY, UNKNOWN_ID, Headers, new_ticket, pointers, problem
from tests.builders.people import Staff, Tenant, customer_admin, new_staff, new_tenant
from tests.patience import patient

COMPANIES = "/api/v1/companies"
Json = dict[str, Any]


@pytest.fixture(scope="module")
async def chief(database: Database) -> Staff:
    return await new_staff(database, Role.ADMIN)


@pytest.fixture
async def boss(database: Database) -> Tenant:
    """Return a company whose user is its admin, with two keys."""
    return await customer_admin(database)


def path_of(tenant: Tenant, below: str = "") -> str:
    return f"{COMPANIES}/{tenant.company.id}{below}"


async def post(client: httpx.AsyncClient, headers: Headers, path: str, **body: object) -> Json:
    answer = await client.post(path, headers=headers, json=body)
    assert answer.is_success, answer.text
    created: Json = answer.json()
    return created


async def get(client: httpx.AsyncClient, headers: Headers, path: str) -> Json:
    answer = await client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


async def until(client: httpx.AsyncClient, headers: Headers, status: int) -> None:
    """Wait until requests with a key get this status: a change of a key takes effect a moment later."""
    async with asyncio.timeout(patient(5)):
        while (await client.get("/api/v1/me", headers=headers)).status_code != status:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def limited(client: httpx.AsyncClient, chief: Staff, *scopes: str) -> Headers:
    """Return the headers of a key of an admin that has these scopes."""
    path = f"{COMPANIES}/{PROVIDER_ID}/keys"
    key = await post(client, chief.headers, path, user_id=str(chief.user.id), name="limited", scopes=[*scopes])
    return {"Authorization": f"Bearer {key['key']}"}


async def test_a_company_is_deactivated_and_activated_with_what_it_had(
    client: httpx.AsyncClient, chief: Staff, boss: Tenant
) -> None:
    admin = chief.headers
    away = await post(client, admin, path_of(boss, "/users"), name="Flo", email="flo@example.com")
    gone = await client.patch(path_of(boss, f"/users/{away['id']}"), headers=admin | ANY, json={"is_active": False})
    assert gone.status_code == 200
    hooks = [
        await post(
            client, boss.headers, "/api/v1/subscriptions", url="https://hooks.example.com/a", is_active=is_active
        )
        for is_active in (True, False)
    ]
    await new_ticket(client, boss)
    ended = await post(client, admin, path_of(boss, "/deactivate"))
    company = await get(client, admin, path_of(boss))
    counts = {"users": 1, "keys": 2, "webhooks": 1, "mails_contacts": True, "open_tickets": 1}
    assert ended == {"company": company, **counts}
    assert (company["is_active"], company["deactivated_at"] is None) == (False, False)
    await until(client, boss.headers, 401)
    users = (await get(client, admin, path_of(boss, "/users")))["data"]
    assert [user["is_active"] for user in users] == [False, False]
    assert (await get(client, admin, path_of(boss, "/notifications")))["mails_contacts"] is False
    again = await post(client, admin, path_of(boss, "/deactivate"))
    assert again == ended | {"users": 0, "keys": 0, "webhooks": 0, "mails_contacts": False}
    refused = await client.patch(path_of(boss, f"/users/{boss.user.id}"), headers=admin | ANY, json={"is_active": True})
    assert refused.status_code == 409, refused.text

    back = await post(client, admin, path_of(boss, "/activate"))
    company = await get(client, admin, path_of(boss))
    assert back == {"company": company, "users": 1, "webhooks": 1, "refused_webhooks": 0, "mails_contacts": True}
    assert (company["is_active"], company["deactivated_at"]) == (True, None)
    await until(client, boss.headers, 200)
    users = (await get(client, admin, path_of(boss, "/users")))["data"]
    assert {user["id"]: user["is_active"] for user in users} == {str(boss.user.id): True, away["id"]: False}
    listed = (await get(client, boss.headers, "/api/v1/subscriptions"))["data"]
    assert {hook["id"]: hook["is_active"] for hook in listed} == {hooks[0]["id"]: True, hooks[1]["id"]: False}
    problem(await client.post(path_of(boss, "/activate"), headers=admin, json={}), "conflict")


async def test_the_audit_names_who_deactivated_a_company(client: httpx.AsyncClient, chief: Staff, boss: Tenant) -> None:
    hook = await post(client, boss.headers, "/api/v1/subscriptions", url="https://hooks.example.com/a")
    for below, is_active in (("/deactivate", False), ("/activate", True)):
        await post(client, chief.headers, path_of(boss, below))
        query = f"/api/v1/audit?company={boss.company.id}&limit=4"
        events = (await get(client, chief.headers, query))["data"]
        about = {event["data"]["id"]: event for event in events if event["data"]["changes"][0]["field"] == "is_active"}
        assert about.keys() == {str(boss.company.id), str(boss.user.id), hook["id"]}
        for event in about.values():
            assert event["data"]["changes"] == [
                {"field": "is_active", "before": not is_active, "after": is_active},
            ]
            assert event["actor_id"] == str(chief.user.id)


async def test_an_event_stream_of_a_deactivated_company_ends(
    client: httpx.AsyncClient, chief: Staff, boss: Tenant
) -> None:
    await post(client, chief.headers, path_of(boss, "/deactivate"))
    await until(client, boss.headers, 401)
    stream = await client.get("/api/v1/events", headers=boss.headers | {"Accept": "text/event-stream"})
    problem(stream, "unauthenticated")


@pytest.mark.parametrize("below", ["/deactivate", "/activate"])
async def test_only_an_admin_of_the_provider_deactivates_and_activates(
    client: httpx.AsyncClient, database: Database, chief: Staff, boss: Tenant, below: str
) -> None:
    if below == "/activate":
        other = await new_tenant(database)
        await post(client, chief.headers, path_of(other, "/deactivate"))
        problem(await client.post(path_of(other, below), headers=boss.headers, json={}), "forbidden")
    before = await get(client, chief.headers, path_of(boss))
    for role in (Role.AGENT, Role.VIEWER):
        staff = await new_staff(database, role)
        answer = await client.post(path_of(boss, below), headers=staff.headers, json={})
        assert answer.status_code == 403, answer.text
    problem(await client.post(path_of(boss, below), headers=boss.headers, json={}), "forbidden")
    reader = await limited(client, chief, "accounts:read")
    problem(await client.post(path_of(boss, below), headers=reader, json={}), "scope-missing")
    assert await get(client, chief.headers, path_of(boss)) == before
    unknown = await client.post(f"{COMPANIES}/{UNKNOWN_ID}{below}", headers=chief.headers, json={})
    problem(unknown, "not-found")
    provider = await client.post(f"{COMPANIES}/{PROVIDER_ID}{below}", headers=chief.headers, json={})
    problem(provider, "conflict")
    wrong = await client.post(path_of(boss, below), headers=chief.headers, json={"force": True})
    assert (wrong.status_code, pointers(wrong)) == (422, ["/force"])


async def test_an_activation_needs_what_the_users_and_webhooks_may(
    client: httpx.AsyncClient, chief: Staff, boss: Tenant
) -> None:
    await post(client, boss.headers, "/api/v1/subscriptions", url="https://hooks.example.com/a")
    writer = await limited(client, chief, "accounts:write")
    problem(await client.post(path_of(boss, "/deactivate"), headers=writer, json={}), "scope-missing")
    accountant = await limited(client, chief, "accounts:read", "accounts:write")
    assert (await post(client, accountant, path_of(boss, "/deactivate")))["webhooks"] == 1
    refused = await client.post(path_of(boss, "/activate"), headers=accountant, json={})
    problem(refused, "scope-missing")
    assert (await get(client, chief.headers, path_of(boss)))["is_active"] is False
    users = (await get(client, chief.headers, path_of(boss, "/users")))["data"]
    assert [user["is_active"] for user in users] == [False]
    assert (await post(client, chief.headers, path_of(boss, "/activate")))["users"] == 1


async def test_a_repeated_deactivation_is_answered_as_the_first(
    client: httpx.AsyncClient, chief: Staff, boss: Tenant
) -> None:
    headers = chief.headers | {"Idempotency-Key": f"end-{boss.company.code}"}
    first = await client.post(path_of(boss, "/deactivate"), headers=headers, json={})
    again = await client.post(path_of(boss, "/deactivate"), headers=headers, json={})
    assert (first.status_code, again.json()) == (200, first.json())
    assert again.headers["idempotent-replayed"] == "true"
