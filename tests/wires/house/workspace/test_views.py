from typing import Any
from uuid import uuid4

import httpx
import pytest

from clearline.accounts import key_usecases as keys
from clearline.accounts import usecases as accounts
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.workspace.column_domain import OWN_MAX, Column
from tests.builders.house import problem
from tests.builders.people import NOW, Tenant, staff_key
from tests.builders.tickets import raised

VIEWS = "/api/v1/views"
Headers = dict[str, str]


@pytest.fixture(scope="module")
async def admin(database: Database, tenant: Tenant) -> Headers:
    """Return the headers of an admin of the customer."""
    code = tenant.company.code
    async with database.transaction() as tx:
        user = await accounts.add_user(
            tx, OPERATOR, code, name="Ines", email="ines@example.com", phone="", role=Role.CUSTOMER_ADMIN, now=NOW
        )
        _key, secret = await keys.create_key(tx, OPERATOR, code, user_id=user.id, name="test", now=NOW)
    return {"Authorization": f"Bearer {secret}"}


async def add_view(client: httpx.AsyncClient, headers: Headers, **members: Any) -> httpx.Response:
    body = {"name": f"View {uuid4().hex[:8]}", "query": "status:open fibre", **members}
    return await client.post(VIEWS, json=body, headers=headers)


async def test_a_view_is_saved_read_changed_and_deleted(client: httpx.AsyncClient, tenant: Tenant) -> None:
    created = await client.post(VIEWS, json={"name": "Mine", "query": "fibre"}, headers=tenant.headers)
    assert created.status_code == 201, created.text
    body = created.json()
    assert body == {
        "id": body["id"],
        "name": "Mine",
        "query": "fibre",
        "is_shared": False,
        "owner_id": str(tenant.user.id),
        "created_at": body["created_at"],
        "sort": None,
        "columns": None,
    }
    address = created.headers["location"]
    assert address == f"{VIEWS}/{body['id']}"
    read = await client.get(address, headers=tenant.headers)
    assert (read.json(), read.headers["etag"]) == (body, created.headers["etag"])
    tag = read.headers["etag"]
    for match, status in ((None, 428), ('"other"', 412), (tag, 200), (tag, 412)):
        headers = tenant.headers if match is None else {**tenant.headers, "If-Match": match}
        changed = await client.patch(address, json={"query": "copper"}, headers=headers)
        assert changed.status_code == status
        if status == 200:
            assert changed.json() == {**body, "query": "copper"}
    for match, status in ((None, 428), ('"other"', 412), ("*", 204), ("*", 404)):
        headers = tenant.headers if match is None else {**tenant.headers, "If-Match": match}
        assert (await client.delete(address, headers=headers)).status_code == status


async def test_a_view_keeps_the_order_of_its_tickets(client: httpx.AsyncClient, tenant: Tenant) -> None:
    created = await add_view(client, tenant.headers, sort="-updated_at")
    assert (created.status_code, created.json()["sort"]) == (201, "-updated_at")
    address, headers = created.headers["location"], {**tenant.headers, "If-Match": "*"}
    for sort in ("priority", "created_at", None, "-number"):
        assert (await client.patch(address, json={"sort": sort}, headers=headers)).json()["sort"] == sort
    assert (await client.patch(address, json={"query": ""}, headers=headers)).json()["sort"] == "-number"
    listed = (await client.get(VIEWS, headers=tenant.headers)).json()["data"]
    assert [view["sort"] for view in listed if view["id"] == created.json()["id"]] == ["-number"]
    unknown: list[object] = ["age", "updated", "+number", 1]
    for wrong in unknown:
        for answer in (
            await client.patch(address, json={"sort": wrong}, headers=headers),
            await add_view(client, tenant.headers, sort=wrong),
        ):
            assert (answer.status_code, [each["pointer"] for each in answer.json()["errors"]]) == (422, ["/sort"]), (
                answer.text
            )


async def test_a_view_keeps_the_columns_of_its_list(client: httpx.AsyncClient, tenant: Tenant) -> None:
    created = await add_view(client, tenant.headers, columns=["updated_at", "number", "number", "queue"])
    assert (created.status_code, created.json()["columns"]) == (201, ["number", "queue", "updated_at"])
    address, headers = created.headers["location"], {**tenant.headers, "If-Match": "*"}
    every = [column.value for column in Column]
    for columns in ([], None, every[::-1], ["external_ids"]):
        after = (await client.patch(address, json={"columns": columns}, headers=headers)).json()["columns"]
        assert after == (columns if columns is None else [name for name in every if name in columns])
    assert (await client.patch(address, json={"query": ""}, headers=headers)).json()["columns"] == ["external_ids"]
    assert (await client.get(address, headers=tenant.headers)).json()["columns"] == ["external_ids"]
    unknown: list[tuple[object, str]] = [
        (["number", "title"], "/columns/1"), ([1], "/columns/0"), ("number", "/columns"),
        (["tags"] * (len(Column) + OWN_MAX + 1), "/columns"),
    ]  # fmt: skip
    for wrong, pointer in unknown:
        for answer in (
            await client.patch(address, json={"columns": wrong}, headers=headers),
            await add_view(client, tenant.headers, columns=wrong),
        ):
            assert (answer.status_code, [each["pointer"] for each in answer.json()["errors"]]) == (422, [pointer])


async def test_an_admin_shares_a_view_only_with_its_company(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, other_tenant: Tenant, admin: Headers
) -> None:
    shared = await add_view(client, admin, is_shared=True)
    own = await add_view(client, admin)
    address, match = shared.headers["location"], {"If-Match": "*"}
    assert (await client.get(address, headers=tenant.headers)).json() == shared.json()
    assert (await client.get(own.headers["location"], headers=tenant.headers)).status_code == 404
    refusals = [
        await client.patch(address, json={"name": "x"}, headers={**tenant.headers, **match}),
        await client.delete(address, headers={**tenant.headers, **match}),
        await add_view(client, tenant.headers, is_shared=True),
    ]
    assert [answer.status_code for answer in refusals] == [403] * 3
    desk = await staff_key(database, Role.ADMIN)
    for stranger in (other_tenant.headers, desk):
        answers = [
            await client.get(address, headers=stranger),
            await client.patch(address, json={"name": "x"}, headers={**stranger, **match}),
            await client.delete(address, headers={**stranger, **match}),
        ]
        assert [answer.status_code for answer in answers] == [404] * 3
        listed = await client.get(VIEWS, headers=stranger)
        assert shared.json()["id"] not in [view["id"] for view in listed.json()["data"]]


async def test_staff_shares_its_own_views(client: httpx.AsyncClient, database: Database) -> None:
    admin, agent = await staff_key(database, Role.ADMIN), await staff_key(database, Role.AGENT)
    shared = await add_view(client, admin, is_shared=True)
    assert (await client.get(shared.headers["location"], headers=agent)).status_code == 200
    assert (await add_view(client, agent, is_shared=True)).status_code == 403
    own = await add_view(client, agent)
    headers = {**agent, "If-Match": "*"}
    refused = await client.patch(own.headers["location"], json={"is_shared": True}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"name": ""}, ["/name"]),
        ({"name": "x" * 256, "query": "x" * 501}, ["/name", "/query"]),
        ({"query": "x" * 501}, ["/query"]),
        ({"query": None}, ["/query"]),
        ({"is_shared": "yes"}, ["/is_shared"]),
        ({"colour": "red"}, ["/colour"]),
    ],
)
async def test_invalid_members_of_a_view_are_named_by_their_pointers(
    client: httpx.AsyncClient, tenant: Tenant, body: dict[str, Any], wrong: list[str]
) -> None:
    refused = await add_view(client, tenant.headers, **body)
    assert (refused.status_code, [error["pointer"] for error in refused.json()["errors"]]) == (422, wrong)


async def test_the_views_of_a_user_have_unique_names(client: httpx.AsyncClient, tenant: Tenant, admin: Headers) -> None:
    created = await add_view(client, tenant.headers)
    name = created.json()["name"].upper()
    refused = await add_view(client, tenant.headers, name=name)
    assert (refused.status_code, refused.json()["code"]) == (409, "already-exists")
    assert (await add_view(client, admin, name=name)).status_code == 201


async def test_views_are_listed_by_name_page_by_page(client: httpx.AsyncClient, other_tenant: Tenant) -> None:
    expected = ["alpha", "Beta", "gamma"]
    for name in reversed(expected):
        await add_view(client, other_tenant.headers, name=name)
    first = await client.get(VIEWS, params={"limit": 2}, headers=other_tenant.headers)
    second = await client.get(first.links["next"]["url"], headers=other_tenant.headers)
    assert [[view["name"] for view in answer.json()["data"]] for answer in (first, second)] == [
        expected[:2],
        expected[2:],
    ]
    assert (second.json()["has_more"], second.json()["next_cursor"]) == (False, None)
    unknown = await client.get(VIEWS, params={"shared": "true"}, headers=other_tenant.headers)
    assert (unknown.status_code, unknown.json()["code"]) == (400, "invalid-parameter")


async def test_a_retry_saves_no_second_view(client: httpx.AsyncClient, tenant: Tenant) -> None:
    headers = {**tenant.headers, "Idempotency-Key": uuid4().hex}
    body = {"name": f"View {uuid4().hex[:8]}", "query": ""}
    first, again = [await client.post(VIEWS, json=body, headers=headers) for _ in range(2)]
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_read_only_key_saves_no_views(client: httpx.AsyncClient, database: Database) -> None:
    viewer = await staff_key(database, Role.VIEWER)
    assert (await client.get(VIEWS, headers=viewer)).status_code == 200
    assert (await add_view(client, viewer)).status_code == 403
    assert (await add_view(client, {})).status_code == 401
    for name in ("seven", str(uuid4())):
        assert (await client.get(f"{VIEWS}/{name}", headers=viewer)).status_code == 404


async def test_the_tickets_of_views_are_counted(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    async with database.transaction() as tx:
        for _ in range(3):
            await raised(tx, tenant)
        await raised(tx, other_tenant)
    agent = await staff_key(database, Role.AGENT)
    views = {
        "all": ("status:open", 4),
        "ours": (f"company:{tenant.company.code} status:open", 3),
        "mine": ("assignee:me", 0),
        "invalid": ("nothing:here", None),
    }
    for name, (query, _count) in views.items():
        assert (await add_view(client, agent, name=name, query=query)).status_code == 201
    page = (await client.get(f"{VIEWS}?counts=true", headers=agent)).json()
    counts = {view["name"]: view["count"] for view in page["data"]}
    assert {name: counts[name] for name in views} == {
        name: None if count is None else {"count": count, "exact": True} for name, (_query, count) in views.items()
    }
    plain = (await client.get(VIEWS, headers=agent)).json()["data"]
    assert [{**view, "count": counts[view["name"]]} for view in plain] == page["data"]
    await add_view(client, tenant.headers, name="own open", query="status:open")
    own = (await client.get(f"{VIEWS}?counts=true", headers=tenant.headers)).json()["data"]
    assert {view["name"]: view["count"] for view in own}["own open"] == {"count": 3, "exact": True}
    refused = problem(await client.get(f"{VIEWS}?counts=true&limit=51", headers=agent), "invalid-parameter")
    assert [error["pointer"] for error in refused["errors"]] == ["limit"]
