from uuid import uuid4

import httpx
import pytest

from clearline.accounts import usecases as accounts
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import ticket_number
from tests.builders.house import UNKNOWN_ID
from tests.builders.people import NOW, Tenant, staff_key
from tests.builders.tickets import raised


@pytest.fixture
async def path(database: Database, tenant: Tenant) -> str:
    async with database.transaction() as tx:
        return f"/api/v1/tickets/{ticket_number(await raised(tx, tenant))}/watchers"


async def test_a_watcher_is_added_listed_and_removed(client: httpx.AsyncClient, tenant: Tenant, path: str) -> None:
    created = await client.post(path, json={"user": "me"}, headers=tenant.headers)
    assert created.status_code == 201, created.text
    user = tenant.user
    body = created.json()
    assert body == {
        "user": {"id": str(user.id), "name": user.name},
        "email": user.email,
        "is_staff": False,
        "since": body["since"],
    }
    address = created.headers["location"]
    assert address == f"{path}/{user.id}"
    again = await client.post(path, json={"user": str(user.id)}, headers=tenant.headers)
    assert (again.status_code, again.json()) == (201, body)
    read = await client.get(address, headers=tenant.headers)
    assert (read.json(), read.headers["etag"]) == (body, created.headers["etag"])
    listed = await client.get(path, headers=tenant.headers)
    assert listed.json() == {"data": [body], "has_more": False, "next_cursor": None}
    for match, status in ((None, 428), ('"other"', 412), (read.headers["etag"], 204), ("*", 404)):
        headers = tenant.headers if match is None else {**tenant.headers, "If-Match": match}
        assert (await client.delete(address, headers=headers)).status_code == status
    assert (await client.get(path, headers=tenant.headers)).json()["data"] == []


async def test_customers_do_not_see_watchers_of_the_staff(
    client: httpx.AsyncClient, tenant: Tenant, agent: dict[str, str], path: str
) -> None:
    created = await client.post(path, json={"user": "me"}, headers=agent)
    assert (created.status_code, created.json()["is_staff"]) == (201, True)
    assert (await client.get(path, headers=tenant.headers)).json()["data"] == []
    hidden = created.headers["location"]
    assert (await client.get(hidden, headers=tenant.headers)).status_code == 404
    assert (await client.delete(hidden, headers={**tenant.headers, "If-Match": "*"})).status_code == 404
    assert len((await client.get(path, headers=agent)).json()["data"]) == 1


async def test_watchers_are_listed_page_by_page(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, path: str
) -> None:
    user_ids = set()
    for _ in range(3):
        email = f"{uuid4().hex[:8]}@example.com"
        async with database.transaction() as tx:
            user = await accounts.add_user(tx, OPERATOR, tenant.company.code, name="Bo", email=email, phone="", now=NOW)
        assert (await client.post(path, json={"user": str(user.id)}, headers=tenant.headers)).status_code == 201
        user_ids.add(str(user.id))
    first = await client.get(path, params={"limit": 2}, headers=tenant.headers)
    second = await client.get(first.links["next"]["url"], headers=tenant.headers)
    assert [len(page.json()["data"]) for page in (first, second)] == [2, 1]
    assert {watcher["user"]["id"] for answer in (first, second) for watcher in answer.json()["data"]} == user_ids
    wrong = await client.get(path, params={"cursor": "made-up"}, headers=tenant.headers)
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid-cursor")
    unknown = await client.get(path, params={"page": "2"}, headers=tenant.headers)
    assert (unknown.status_code, unknown.json()["code"]) == (400, "invalid-parameter")


@pytest.mark.parametrize("user", ["nobody", UNKNOWN_ID, ""])
async def test_an_invalid_watcher_is_named_by_its_pointer(
    client: httpx.AsyncClient, tenant: Tenant, path: str, user: str
) -> None:
    refused = await client.post(path, json={"user": user}, headers=tenant.headers)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/user")


async def test_another_companys_user_cannot_watch(
    client: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant, agent: dict[str, str], path: str
) -> None:
    for headers in (tenant.headers, agent):
        refused = await client.post(path, json={"user": str(other_tenant.user.id)}, headers=headers)
        assert refused.status_code == 422


async def test_another_companys_ticket_is_not_found(client: httpx.AsyncClient, other_tenant: Tenant, path: str) -> None:
    headers = {**other_tenant.headers, "If-Match": "*"}
    address = f"{path}/{other_tenant.user.id}"
    answers = [
        await client.get(path, headers=headers),
        await client.post(path, json={"user": "me"}, headers=headers),
        await client.get(address, headers=headers),
        await client.delete(address, headers=headers),
        await client.get(f"{path}/seven", headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [404] * 5


async def test_a_viewer_cannot_add_watchers(client: httpx.AsyncClient, database: Database, path: str) -> None:
    viewer = await staff_key(database, Role.VIEWER)
    assert (await client.get(path, headers=viewer)).status_code == 200
    assert (await client.post(path, json={"user": "me"}, headers=viewer)).status_code == 403
    assert (await client.delete(f"{path}/{uuid4()}", headers={**viewer, "If-Match": "*"})).status_code == 403
    assert (await client.get(path)).status_code == 401


async def test_a_retry_gets_the_first_response(client: httpx.AsyncClient, tenant: Tenant, path: str) -> None:
    headers = {**tenant.headers, "Idempotency-Key": uuid4().hex}
    first = await client.post(path, json={"user": "me"}, headers=headers)
    again = await client.post(path, json={"user": "me"}, headers=headers)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["idempotent-replayed"] == "true"
