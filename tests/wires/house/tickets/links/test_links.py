from typing import Any
from uuid import uuid4

import httpx
import pytest

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import ticket_number
from tests.builders.people import Tenant, staff_key
from tests.builders.tickets import raised

TICKETS = "/api/v1/tickets"


async def numbers(database: Database, tenant: Tenant, count: int = 2) -> list[str]:
    async with database.transaction() as tx:
        return [ticket_number(await raised(tx, tenant, f"Ticket {index}")) for index in range(count)]


async def test_a_link_is_created_read_listed_and_deleted(
    client: httpx.AsyncClient, database: Database, tenant: Tenant
) -> None:
    source, target = await numbers(database, tenant)
    path = f"{TICKETS}/{source}/links"
    created = await client.post(path, json={"type": "related", "ticket": target}, headers=tenant.headers)
    assert created.status_code == 201, created.text
    body = created.json()
    assert body == {
        "id": body["id"],
        "type": "related",
        "ticket": {"number": target, "title": "Ticket 1", "status": "acknowledged"},
        "merged_from": None,
        "created_at": body["created_at"],
    }
    address = created.headers["location"]
    assert address == f"{path}/{body['id']}"
    read = await client.get(address, headers=tenant.headers)
    assert (read.json(), read.headers["etag"]) == (body, created.headers["etag"])
    listed = await client.get(path, headers=tenant.headers)
    assert listed.json() == {"data": [body], "has_more": False, "next_cursor": None}
    from_there = await client.get(f"{TICKETS}/{target}/links/{body['id']}", headers=tenant.headers)
    assert from_there.json()["ticket"]["number"] == source
    for match, status in ((None, 428), ('"other"', 412), (read.headers["etag"], 204), ("*", 404)):
        headers = tenant.headers if match is None else {**tenant.headers, "If-Match": match}
        assert (await client.delete(address, headers=headers)).status_code == status
    assert (await client.get(f"{TICKETS}/{target}/links", headers=tenant.headers)).json()["data"] == []


@pytest.mark.parametrize(
    ("kind", "inverse"),
    [
        ("duplicates", "duplicated_by"),
        ("caused_by", "causes"),
        ("parent_of", "child_of"),
        ("related", "related"),
    ],
)
async def test_staff_links_between_two_companies_are_hidden_from_both(
    client: httpx.AsyncClient,
    database: Database,
    tenant: Tenant,
    other_tenant: Tenant,
    agent: dict[str, str],
    kind: str,
    inverse: str,
) -> None:
    [source], [target] = await numbers(database, tenant, 1), await numbers(database, other_tenant, 1)
    created = await client.post(f"{TICKETS}/{source}/links", json={"type": kind, "ticket": target}, headers=agent)
    assert created.status_code == 201
    [from_there] = (await client.get(f"{TICKETS}/{target}/links", headers=agent)).json()["data"]
    assert (from_there["type"], from_there["ticket"]["number"]) == (inverse, source)
    for number, customer in ((source, tenant), (target, other_tenant)):
        path = f"{TICKETS}/{number}/links"
        assert (await client.get(path, headers=customer.headers)).json()["data"] == []
        address = f"{path}/{created.json()['id']}"
        assert (await client.get(address, headers=customer.headers)).status_code == 404
        assert (await client.delete(address, headers={**customer.headers, "If-Match": "*"})).status_code == 404


def pointers(answer: httpx.Response) -> list[str]:
    return [error["pointer"] for error in answer.json().get("errors", [])]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"type": "split_into", "ticket": "INC000000000001"}, ["/type"]),
        ({"type": "akin", "ticket": "7"}, ["/type", "/ticket"]),
        ({}, ["/type", "/ticket"]),
        ({"type": "related", "ticket": "INC000000000001", "why": "x"}, ["/why"]),
    ],
)
async def test_invalid_members_of_a_link_are_named_by_their_pointers(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, body: dict[str, Any], wrong: list[str]
) -> None:
    [number] = await numbers(database, tenant, 1)
    refused = await client.post(f"{TICKETS}/{number}/links", json=body, headers=tenant.headers)
    assert (refused.status_code, pointers(refused)) == (422, wrong)


async def test_each_refusal_has_its_code(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, other_tenant: Tenant, agent: dict[str, str]
) -> None:
    source, target = await numbers(database, tenant)
    [foreign] = await numbers(database, other_tenant, 1)

    async def post(number: str, kind: str, other: str, headers: dict[str, str]) -> tuple[int, str]:
        body = {"type": kind, "ticket": other}
        answer = await client.post(f"{TICKETS}/{number}/links", json=body, headers=headers)
        return answer.status_code, answer.json().get("code", "")

    assert (await post(source, "parent_of", target, agent))[0] == 201
    assert await post(source, "parent_of", target, agent) == (409, "already-exists")
    assert await post(target, "child_of", source, agent) == (409, "already-exists")
    [lower] = await numbers(database, tenant, 1)
    assert (await post(target, "parent_of", lower, agent))[0] == 201
    assert await post(lower, "parent_of", source, agent) == (409, "link-cycle")
    assert await post(source, "related", source, agent) == (422, "invalid-input")
    assert await post(source, "causes", target, tenant.headers) == (403, "forbidden")
    for number, other in ((source, foreign), (foreign, source), (source, "INC000999999999")):
        assert await post(number, "related", other, tenant.headers) == (404, "not-found")
    viewer = await staff_key(database, Role.VIEWER)
    assert await post(source, "related", target, viewer) == (403, "scope-missing")
    assert await post(source, "related", target, {}) == (401, "unauthenticated")


async def test_links_are_listed_page_by_page(client: httpx.AsyncClient, database: Database, tenant: Tenant) -> None:
    source, *others = await numbers(database, tenant, 4)
    path = f"{TICKETS}/{source}/links"
    for other in others:
        body = {"type": "related", "ticket": other}
        assert (await client.post(path, json=body, headers=tenant.headers)).status_code == 201
    first = await client.get(path, params={"limit": 2}, headers=tenant.headers)
    second = await client.get(first.links["next"]["url"], headers=tenant.headers)
    linked = [link["ticket"]["number"] for answer in (first, second) for link in answer.json()["data"]]
    assert (len(first.json()["data"]), sorted(linked)) == (2, others)
    unknown = await client.get(path, params={"type": "related"}, headers=tenant.headers)
    assert (unknown.status_code, unknown.json()["code"]) == (400, "invalid-parameter")


async def test_a_retry_creates_no_second_link(client: httpx.AsyncClient, database: Database, tenant: Tenant) -> None:
    source, target = await numbers(database, tenant)
    headers = {**tenant.headers, "Idempotency-Key": uuid4().hex}
    body = {"type": "related", "ticket": target}
    first = await client.post(f"{TICKETS}/{source}/links", json=body, headers=headers)
    again = await client.post(f"{TICKETS}/{source}/links", json=body, headers=headers)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert len((await client.get(f"{TICKETS}/{source}/links", headers=headers)).json()["data"]) == 1


async def test_an_unknown_or_malformed_link_id_is_not_found(
    client: httpx.AsyncClient, database: Database, tenant: Tenant
) -> None:
    [number] = await numbers(database, tenant, 1)
    for name in ("seven", str(uuid4())):
        address = f"{TICKETS}/{number}/links/{name}"
        assert (await client.get(address, headers=tenant.headers)).status_code == 404
