"""Errors of the Console Connect wire: each in its envelope, with its headers, and without internal details."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import NoReturn

import httpx
import pytest

from clearline.accounts import key_usecases as keys
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.tickets import usecases as tickets
from tests.builders.console_connect import (
    JSON,
    PREFIXES,
    TICKETS,
    assert_fault,
    fault,
    latin,
    order,
    raise_ticket,
    total,
)
from tests.builders.people import Tenant, new_tenant
from tests.patience import stretched

UNAUTHORIZED = fault(401, "Unauthorized: a valid API key is required.")
UNKNOWN_KEY = "clk_" + "x" * 43
MIB = 1024 * 1024


async def revoke(database: Database, tenant: Tenant) -> None:
    key = tenant.actor.key_id
    assert key is not None
    async with database.transaction() as tx:
        await keys.revoke_key(tx, OPERATOR, tenant.company.code, key, now=datetime.now(UTC))


def assert_unauthorized(answer: httpx.Response) -> None:
    assert_fault(answer, 401)
    assert answer.json() == UNAUTHORIZED
    assert answer.headers["www-authenticate"] == "Bearer"


async def post(
    client: httpx.AsyncClient, tenant: Tenant, body: bytes, kind: str = "application/json"
) -> httpx.Response:
    return await client.post(TICKETS, headers={**tenant.headers, "Content-Type": kind}, content=body)


@pytest.mark.parametrize("path", [f"{prefix}/support-tickets?status=open" for prefix in PREFIXES] + ["/auth/token"])
async def test_a_request_without_a_key_is_unauthorized(client: httpx.AsyncClient, path: str) -> None:
    assert_unauthorized(await client.get(path))


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Basic YTpi",
        UNKNOWN_KEY,
        f"Bearer {UNKNOWN_KEY}",
        f"Bearer {UNKNOWN_KEY}y",
        "Bearer clk_" + "\u00fc" * 43,
        "Bearer clk_" + "'" * 43,
    ],
)
async def test_a_malformed_or_unknown_key_is_unauthorized(client: httpx.AsyncClient, authorization: str) -> None:
    assert_unauthorized(await client.get("/auth/token", headers=latin({"Authorization": authorization})))


async def test_the_authorization_scheme_is_case_insensitive(client: httpx.AsyncClient, tenant: Tenant) -> None:
    for scheme in ("bearer", "BEARER"):
        answer = await client.get("/auth/token", headers={"Authorization": f"{scheme} {tenant.secret}"})
        assert answer.status_code == 200


async def test_a_key_is_unauthorized_from_the_moment_it_expires(client: httpx.AsyncClient, database: Database) -> None:
    seconds = stretched(2)
    short = await new_tenant(database, lifetime=timedelta(seconds=seconds))
    assert (await client.get("/auth/token", headers=short.headers)).status_code == 200
    await asyncio.sleep(seconds)
    assert_unauthorized(await client.get("/auth/token", headers=short.headers))


async def test_a_key_revoked_before_its_first_use_is_unauthorized(
    client: httpx.AsyncClient, database: Database
) -> None:
    tenant = await new_tenant(database)
    await revoke(database, tenant)
    assert_unauthorized(await client.get("/auth/token", headers=tenant.headers))


async def test_a_revoked_key_is_unauthorized_within_a_second(client: httpx.AsyncClient, database: Database) -> None:
    tenant = await new_tenant(database)
    for _ in range(3):
        assert (await client.get("/auth/token", headers=tenant.headers)).status_code == 200
    await revoke(database, tenant)
    answer = await client.get("/auth/token", headers=tenant.headers)
    async with asyncio.timeout(stretched(1)):
        while answer.status_code == 200:
            await asyncio.sleep(0.01)
            answer = await client.get("/auth/token", headers=tenant.headers)
    assert_unauthorized(answer)


async def test_the_refusal_of_a_key_names_the_missing_scope(client: httpx.AsyncClient, database: Database) -> None:
    reader = await new_tenant(database, scopes=frozenset({"tickets:read"}))
    writer = await new_tenant(database, scopes=frozenset({"tickets:write"}))
    refused = {
        "tickets:write": [
            await client.post(TICKETS, headers=reader.headers, json=order()),
            await client.post(f"{TICKETS}/INC000000000001/addNote", headers=reader.headers, json={"noteText": "x"}),
        ],
        "tickets:read": [
            await client.get(f"{TICKETS}?status=open", headers=writer.headers),
            await client.get(f"{TICKETS}/services", headers=writer.headers),
            await client.get(f"{TICKETS}/INC000000000001", headers=writer.headers),
        ],
    }
    for scope, answers in refused.items():
        for answer in answers:
            assert_fault(answer, 401)
            assert answer.json() == fault(401, f"Unauthorized: the API key lacks the scope {scope}.")
            assert answer.headers["www-authenticate"] == f'Bearer error="insufficient_scope", scope="{scope}"'
    assert await total(client, reader) == 0


@pytest.mark.parametrize(
    "path", ["/v2/", "/v2/nothing", "/v2/support-tickets/", "/api/v2/nothing", "/v2/support-tickets/INC1/notes"]
)
async def test_an_unknown_path_is_not_found(client: httpx.AsyncClient, tenant: Tenant, path: str) -> None:
    for headers in ({}, tenant.headers):
        answer = await client.get(path, headers=headers)
        assert_fault(answer, 404)
        assert answer.json() == fault(404, "There is nothing at this address.")


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [
        ("", "DELETE", "GET, HEAD, POST"),
        ("", "PUT", "GET, HEAD, POST"),
        ("/services", "POST", "GET, HEAD"),
        ("/INC000000000001", "PATCH", "GET, HEAD"),
        ("/INC000000000001/addNote", "GET", "POST"),
    ],
)
async def test_the_refusal_of_a_method_lists_the_allowed_methods(
    client: httpx.AsyncClient, tenant: Tenant, path: str, method: str, allowed: str
) -> None:
    answer = await client.request(method, TICKETS + path, headers=tenant.headers)
    assert_fault(answer, 405)
    assert answer.json() == fault(405, f"Method not allowed: this resource takes {allowed}.")
    assert answer.headers["allow"] == allowed


async def test_a_body_over_a_mebibyte_is_too_large(client: httpx.AsyncClient, tenant: Tenant) -> None:
    answer = await post(client, tenant, b" " * (MIB + 1))
    assert_fault(answer, 413)
    assert answer.json() == fault(413, "The body must not be longer than 1048576 bytes.")
    assert answer.headers["connection"] == "close"


async def test_a_body_over_a_mebibyte_in_chunks_is_too_large(client: httpx.AsyncClient, tenant: Tenant) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b" " * 65_536

    answer = await client.post(TICKETS, headers={**tenant.headers, **JSON}, content=chunks())
    assert_fault(answer, 413)


async def test_a_body_of_a_mebibyte_is_accepted(client: httpx.AsyncClient, tenant: Tenant) -> None:
    answer = await post(client, tenant, b"{}" + b" " * (MIB - 2))
    assert assert_fault(answer, 400).startswith("Support Ticket is invalid: name is required;")


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/json; charset=utf-16", "", "json"])
async def test_a_body_without_a_json_content_type_is_refused(
    client: httpx.AsyncClient, tenant: Tenant, kind: str
) -> None:
    answer = await post(client, tenant, b"{}", kind)
    assert_fault(answer, 415)
    assert answer.json() == fault(415, "The body must be JSON: send Content-Type: application/json.")


@pytest.mark.parametrize(
    "kind", ["Application/JSON", "application/json;charset=UTF-8", 'application/json; charset="utf-8"']
)
async def test_a_json_content_type_may_have_a_charset(client: httpx.AsyncClient, tenant: Tenant, kind: str) -> None:
    assert_fault(await post(client, tenant, b"{}", kind), 400)


MALFORMED = {
    "undecodable UTF-8": (b'{"name": "\xff"}', "the body is not UTF-8"),
    "a surrogate in UTF-8": (b'{"name": "\xed\xa0\x80"}', "the body is not UTF-8"),
    "empty": (b"", "the body is not JSON: Expecting value at character 0"),
    "not JSON": (b"{name: 1}", None),
    "a byte order mark": (b"\xef\xbb\xbf{}", None),
    "half of an object": (b'{"name": "x"', None),
    "two values": (b"{} {}", None),
    "a raw control character": (b'{"name": "\n"}', None),
    "an array": (b"[]", "the body must be a JSON object"),
    "null": (b"null", "the body must be a JSON object"),
    "a duplicate key": (b'{"name": "a", "name": "b"}', "the body names name more than once"),
    "a duplicate key inside": (b'{"service": {"id": "a", "id": "b"}}', "the body names id more than once"),
    "a deep array": (b'{"x": ' + b"[" * 65 + b"]" * 65 + b"}", "the body nests deeper than 64"),
    "a very deep array": (b'{"x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "the body nests deeper than 64"),
    "very deep objects": (b'{"x":' * 100_000 + b"1" + b"}" * 100_000, "the body nests deeper than 64"),
    "a huge integer": (b'{"x": ' + b"9" * 100_000 + b"}", "the body holds a number that is too long"),
    "NaN": (b'{"x": NaN}', "the body holds NaN, which is no JSON"),
    "Infinity": (b'{"x": -Infinity}', "the body holds -Infinity, which is no JSON"),
}


@pytest.mark.parametrize("case", MALFORMED)
async def test_an_unreadable_body_is_a_bad_request(client: httpx.AsyncClient, tenant: Tenant, case: str) -> None:
    body, rule = MALFORMED[case]
    message = assert_fault(await post(client, tenant, body), 400)
    assert message.startswith("Bad request: the body ")
    assert rule is None or message == f"Bad request: {rule}."


@pytest.mark.parametrize("escape", [rb"\ud800", rb"\udfff", rb"x\udc00\ud800"])
@pytest.mark.parametrize("member", ["name", "description"])
async def test_lone_surrogates_are_refused(
    client: httpx.AsyncClient, tenant: Tenant, escape: bytes, member: str
) -> None:
    body = b'{"name": "n", "description": "d", "issueType": "Others", "service": {"id": "SVC-1", "type": "Port"}}'
    wrong = body.replace(
        b'"%b": "%b"' % (member.encode(), member[:1].encode()), b'"%b": "%b"' % (member.encode(), escape)
    )
    assert wrong != body
    answer = await post(client, tenant, wrong)
    rule = f"{member} must not contain the NUL character or lone surrogates"
    assert_fault(answer, 400)
    assert answer.json() == fault(400, f"Support Ticket is invalid: {rule}.")


async def test_a_member_named_by_a_lone_surrogate_is_a_bad_request(client: httpx.AsyncClient, tenant: Tenant) -> None:
    assert_fault(await post(client, tenant, rb'{"\ud800": 1, "\ud800": 2}'), 400)


@pytest.mark.parametrize("service", [rb'"\ud800"', rb'"a\u0000b"'])
async def test_a_service_id_that_cannot_be_stored_is_a_bad_request(
    client: httpx.AsyncClient, tenant: Tenant, service: bytes
) -> None:
    for kind in (b"Port", b"Non-Console Service"):
        body = b'{"service": {"id": %b, "type": "%b"}}' % (service, kind)
        message = assert_fault(await post(client, tenant, body), 400)
        assert "service.id must not contain the NUL character or lone surrogates" in message


async def test_a_response_repeats_the_request_id(client: httpx.AsyncClient) -> None:
    for path in ("/auth/token", "/v2/nothing", "/healthz"):
        answer = await client.get(path, headers={"X-Request-Id": "abc-1:2.3_4"})
        assert answer.headers["x-request-id"] == "abc-1:2.3_4"
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("request_id", [None, "", "a b", "x" * 129, "<script>"])
async def test_a_request_without_a_valid_id_gets_one(client: httpx.AsyncClient, request_id: str | None) -> None:
    headers = {} if request_id is None else {"X-Request-Id": request_id}
    ids = {(await client.get("/auth/token", headers=headers)).headers["x-request-id"] for _ in range(5)}
    assert len(ids) == 5
    assert all(len(value) == 24 and value.isalnum() for value in ids)


async def test_an_internal_error_contains_the_request_id_and_no_details(
    client: httpx.AsyncClient, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_args: object, **_kwargs: object) -> NoReturn:
        raise RuntimeError("the secret reason")

    number = (await raise_ticket(client, tenant))["id"]
    monkeypatch.setattr(tickets, "get_ticket_with_notes", broken)
    headers = {**tenant.headers, "X-Request-Id": "trace-7"}
    answer = await client.get(f"{TICKETS}/{number}", headers=headers)
    assert_fault(answer, 500)
    assert answer.json() == fault(500, "Something went wrong on our side. Request id: trace-7.")
    assert answer.headers["x-request-id"] == "trace-7"
    assert "secret reason" not in answer.text + str(answer.headers)
    monkeypatch.undo()
    assert (await client.get(f"{TICKETS}/{number}", headers=headers)).status_code == 200
