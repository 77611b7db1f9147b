"""How the house API refuses malformed and invalid bodies, and how long its refusals are."""

import asyncio
import json

import httpx
import pytest

from clearline.wires.http.body import BODY_MAX, VIOLATIONS_MAX
from tests.builders.house import TICKETS, Json, order, pointers, post_bytes, problem
from tests.builders.people import Tenant
from tests.patience import stretched

MALFORMED = {
    "empty": b"",
    "not JSON": b"{title: 1}",
    "two values": b"{} {}",
    "an array": b"[]",
    "null": b"null",
    "undecodable": b'{"title": "\xff"}',
    "a member twice": b'{"title": "a", "title": "b"}',
    "a member twice inside": b'{"service": {"id": "a", "id": "b"}}',
    "a lone surrogate twice": rb'{"\ud800": 1, "\ud800": 2}',
    "too deep": b'{"x": ' + b"[" * 65 + b"]" * 65 + b"}",
    "NaN": b'{"x": NaN}',
    "a huge number": b'{"x": ' + b"9" * 10_000 + b"}",
}


@pytest.mark.parametrize("case", MALFORMED)
async def test_an_unreadable_body_is_malformed(client: httpx.AsyncClient, tenant: Tenant, case: str) -> None:
    problem(await post_bytes(client, tenant.headers, MALFORMED[case]), "malformed")


async def test_a_body_with_very_many_duplicate_members_is_refused_quickly(
    client: httpx.AsyncClient, tenant: Tenant
) -> None:
    members = ",".join(f'"{index}":0' for index in range(50_000))
    body = "{" + members + "," + members + "}"
    assert len(body) <= BODY_MAX
    async with asyncio.timeout(stretched(5)):
        problem(await post_bytes(client, tenant.headers, body.encode()), "malformed")


async def test_a_query_with_very_many_parameters_is_refused_quickly(client: httpx.AsyncClient, tenant: Tenant) -> None:
    query = "&".join(f"{index}" for index in [*range(8_000), 0])
    async with asyncio.timeout(stretched(5)):
        assert (
            len(pointers(await client.get(f"{TICKETS}?{query}", headers=tenant.headers), "invalid-parameter"))
            == VIOLATIONS_MAX
        )


async def test_a_refusal_has_a_limited_length(client: httpx.AsyncClient, tenant: Tenant) -> None:
    unknown: Json = {f"member {index}": 0 for index in range(30_000)}
    answer = await client.post(TICKETS, headers=tenant.headers, json=order(**unknown))
    assert len(pointers(answer)) == VIOLATIONS_MAX
    assert len(answer.content) < 100_000


@pytest.mark.parametrize("name", [r"\ud800", "a/b", "a~b", "a.b", "\u2603", "x" * 60])
async def test_an_unknown_member_with_any_name_is_named_by_its_pointer(
    client: httpx.AsyncClient, tenant: Tenant, name: str
) -> None:
    body = b'{"title":"t","description":"d","issue_type":"Others","service":{"id":"SVC-1","type":"Port"},"%b":1}'
    answer = await post_bytes(client, tenant.headers, body % name.encode())
    assert pointers(answer) == ["/" + name[:50].replace("~", "~0").replace("/", "~1")]


@pytest.mark.parametrize("member", ["title", "issue_type", "channel", "company"])
async def test_a_value_with_a_lone_surrogate_is_named_by_its_pointer(
    client: httpx.AsyncClient, tenant: Tenant, member: str
) -> None:
    body = json.dumps(order(**{member: "\ud800"})).encode()
    assert pointers(await post_bytes(client, tenant.headers, body)) == [f"/{member}"]


@pytest.mark.parametrize(
    "kind", ["", "text/json", "application/xml", "application/json; charset=utf-16", "multipart/form-data"]
)
async def test_a_body_of_another_type_is_refused(client: httpx.AsyncClient, tenant: Tenant, kind: str) -> None:
    answer = await client.post(TICKETS, headers={**tenant.headers, "Content-Type": kind}, content=b"{}")
    problem(answer, "unsupported-media-type")


async def test_a_chunked_body_that_is_too_large_is_refused(client: httpx.AsyncClient, tenant: Tenant) -> None:
    async def chunks() -> object:
        for _ in range(17):
            yield b" " * 65_536

    headers = {**tenant.headers, "Content-Type": "application/json"}
    problem(await client.post(TICKETS, headers=headers, content=chunks()), "too-large")  # type: ignore[arg-type]


@pytest.mark.parametrize("path", [TICKETS, "/v2/support-tickets"])
@pytest.mark.parametrize(
    "body", [rb'{"\ud800": 1}', rb'{"service": {"\ud800": 1}}', rb'{"service": {"type": "\ud800"}}']
)
async def test_a_lone_surrogate_anywhere_is_not_an_internal_error(
    client: httpx.AsyncClient, tenant: Tenant, path: str, body: bytes
) -> None:
    headers = {**tenant.headers, "Content-Type": "application/json"}
    assert (await client.post(path, headers=headers, content=body)).status_code in {400, 422}
