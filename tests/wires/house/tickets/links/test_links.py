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


async def test_a_link_is_made_read_listed_and_taken_away(
    client: httpx.AsyncClient, database: Database, tenant: Tenant
) -> None:
    here, there = await numbers(database, tenant)
    path = f"{TICKETS}/{here}/links"
    made = await client.post(path, json={"type": "related", "ticket": there}, headers=tenant.headers)
    assert made.status_code == 201, made.text
    body = made.json()
    assert body == {
        "id": body["id"],
        "type": "related",
        "ticket": {"number": there, "title": "Ticket 1", "status": "acknowledged"},
        "created_at": body["created_at"],
    }
    address = made.headers["location"]
    assert address == f"{path}/{body['id']}"
    read = await client.get(address, headers=tenant.headers)
    assert (read.json(), read.headers["etag"]) == (body, made.headers["etag"])
    listed = await client.get(path, headers=tenant.headers)
    assert listed.json() == {"data": [body], "has_more": False, "next_cursor": None}
    from_there = await client.get(f"{TICKETS}/{there}/links/{body['id']}", headers=tenant.headers)
    assert from_there.json()["ticket"]["number"] == here
    for match, status in ((None, 428), ('"other"', 412), (read.headers["etag"], 204), ("*", 404)):
        headers = tenant.headers if match is None else {**tenant.headers, "If-Match": match}
        assert (await client.delete(address, headers=headers)).status_code == status
    assert (await client.get(f"{TICKETS}/{there}/links", headers=tenant.headers)).json()["data"] == []


@pytest.mark.parametrize(
    ("kind", "seen"),
    [
        ("duplicates", "duplicated_by"),
        ("caused_by", "causes"),
        ("parent_of", "child_of"),
        ("related", "related"),
    ],
)
async def test_the_staff_links_tickets_of_two_companies_unseen_by_them(
    client: httpx.AsyncClient,
    database: Database,
    tenant: Tenant,
    other_tenant: Tenant,
    agent: dict[str, str],
    kind: str,
    seen: str,
) -> None:
    [here], [there] = await numbers(database, tenant, 1), await numbers(database, other_tenant, 1)
    made = await client.post(f"{TICKETS}/{here}/links", json={"type": kind, "ticket": there}, headers=agent)
    assert made.status_code == 201
    [from_there] = (await client.get(f"{TICKETS}/{there}/links", headers=agent)).json()["data"]
    assert (from_there["type"], from_there["ticket"]["number"]) == (seen, here)
    for number, who in ((here, tenant), (there, other_tenant)):
        path = f"{TICKETS}/{number}/links"
        assert (await client.get(path, headers=who.headers)).json()["data"] == []
        one = f"{path}/{made.json()['id']}"
        assert (await client.get(one, headers=who.headers)).status_code == 404
        assert (await client.delete(one, headers={**who.headers, "If-Match": "*"})).status_code == 404


def pointers(answer: httpx.Response) -> list[str]:
    return [one["pointer"] for one in answer.json().get("errors", [])]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"type": "split_into", "ticket": "INC000000000001"}, ["/type"]),
        ({"type": "akin", "ticket": "7"}, ["/type", "/ticket"]),
        ({}, ["/type", "/ticket"]),
        ({"type": "related", "ticket": "INC000000000001", "why": "x"}, ["/why"]),
    ],
)
async def test_what_is_wrong_with_a_link_is_named_by_pointer(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, body: dict[str, Any], wrong: list[str]
) -> None:
    [here] = await numbers(database, tenant, 1)
    refused = await client.post(f"{TICKETS}/{here}/links", json=body, headers=tenant.headers)
    assert (refused.status_code, pointers(refused)) == (422, wrong)


async def test_refusals_have_a_code_each(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, other_tenant: Tenant, agent: dict[str, str]
) -> None:
    here, there = await numbers(database, tenant)
    [foreign] = await numbers(database, other_tenant, 1)

    async def post(number: str, kind: str, other: str, headers: dict[str, str]) -> tuple[int, str]:
        body = {"type": kind, "ticket": other}
        answer = await client.post(f"{TICKETS}/{number}/links", json=body, headers=headers)
        return answer.status_code, answer.json().get("code", "")

    assert (await post(here, "parent_of", there, agent))[0] == 201
    assert await post(here, "parent_of", there, agent) == (409, "already-exists")
    assert await post(there, "child_of", here, agent) == (409, "already-exists")
    [lower] = await numbers(database, tenant, 1)
    assert (await post(there, "parent_of", lower, agent))[0] == 201
    assert await post(lower, "parent_of", here, agent) == (409, "link-cycle")
    assert await post(here, "related", here, agent) == (422, "invalid-input")
    assert await post(here, "causes", there, tenant.headers) == (403, "forbidden")
    for number, other in ((here, foreign), (foreign, here), (here, "INC000999999999")):
        assert await post(number, "related", other, tenant.headers) == (404, "not-found")
    viewer = await staff_key(database, Role.VIEWER)
    assert await post(here, "related", there, viewer) == (403, "scope-missing")
    assert await post(here, "related", there, {}) == (401, "unauthenticated")


async def test_links_are_listed_page_by_page(client: httpx.AsyncClient, database: Database, tenant: Tenant) -> None:
    here, *others = await numbers(database, tenant, 4)
    path = f"{TICKETS}/{here}/links"
    for other in others:
        body = {"type": "related", "ticket": other}
        assert (await client.post(path, json=body, headers=tenant.headers)).status_code == 201
    first = await client.get(path, params={"limit": 2}, headers=tenant.headers)
    rest = await client.get(first.links["next"]["url"], headers=tenant.headers)
    found = [one["ticket"]["number"] for answer in (first, rest) for one in answer.json()["data"]]
    assert (len(first.json()["data"]), sorted(found)) == (2, others)
    unknown = await client.get(path, params={"type": "related"}, headers=tenant.headers)
    assert (unknown.status_code, unknown.json()["code"]) == (400, "invalid-parameter")


async def test_a_retry_makes_no_second_link(client: httpx.AsyncClient, database: Database, tenant: Tenant) -> None:
    here, there = await numbers(database, tenant)
    headers = {**tenant.headers, "Idempotency-Key": uuid4().hex}
    body = {"type": "related", "ticket": there}
    first = await client.post(f"{TICKETS}/{here}/links", json=body, headers=headers)
    again = await client.post(f"{TICKETS}/{here}/links", json=body, headers=headers)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert len((await client.get(f"{TICKETS}/{here}/links", headers=headers)).json()["data"]) == 1


async def test_an_id_that_is_none_does_not_exist(client: httpx.AsyncClient, database: Database, tenant: Tenant) -> None:
    [here] = await numbers(database, tenant, 1)
    for name in ("seven", str(uuid4())):
        address = f"{TICKETS}/{here}/links/{name}"
        assert (await client.get(address, headers=tenant.headers)).status_code == 404
