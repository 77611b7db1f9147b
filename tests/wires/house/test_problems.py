"""Each kind of problem of the house API: its complete body, its headers and its page."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import NoReturn
from uuid import uuid4

import httpx
import pytest

from clearline import errors as refusals
from clearline.accounts import key_usecases as keys
from clearline.errors import DeskError
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.tickets import usecases as tickets
from clearline.tickets.domain import Status
from clearline.wires.house.errors import CATALOGUE, QUOTA, TYPES, kind_of
from clearline.wires.http.body import BODY_MAX
from tests.builders.application import serving
from tests.builders.console_connect import latin, move
from tests.builders.databases import administer_server, new_database
from tests.builders.house import ANY, TICKETS, new_ticket, order, post_bytes, problem
from tests.builders.people import Tenant, new_tenant, staff_key
from tests.patience import patient

MISSING = "INC999999999999"
Provoke = Callable[[httpx.AsyncClient, Tenant, Database], Awaitable[httpx.Response]]
PROVOKED: dict[str, Provoke] = {}
"""A request for each kind of problem that needs nothing but a server."""
ELSEWHERE = {
    "internal",
    "unavailable",
    "quota-exceeded",
    "already-exists",
    "conflict",
    "too-many-attachments",
    "attachments-full",
    "insufficient-storage",
    "range-not-satisfiable",
    "content-missing",
}
"""Kinds that have tests of their own below, or where what they are about is tested."""


def provokes(kind: str) -> Callable[[Provoke], Provoke]:
    def keep(provoke: Provoke) -> Provoke:
        PROVOKED[kind] = provoke
        return provoke

    return keep


@provokes("malformed")
async def _malformed(client: httpx.AsyncClient, tenant: Tenant, _database: Database) -> httpx.Response:
    return await post_bytes(client, tenant.headers, b"{")


@provokes("invalid-parameter")
async def _parameter(client: httpx.AsyncClient, tenant: Tenant, _database: Database) -> httpx.Response:
    return await client.get(f"{TICKETS}?limit=0", headers=tenant.headers)


@provokes("invalid-cursor")
async def _cursor(client: httpx.AsyncClient, tenant: Tenant, _database: Database) -> httpx.Response:
    return await client.get(f"{TICKETS}?cursor=x", headers=tenant.headers)


@provokes("unauthenticated")
async def _unauthenticated(client: httpx.AsyncClient, _tenant: Tenant, _database: Database) -> httpx.Response:
    return await client.get(TICKETS)


@provokes("forbidden")
async def _forbidden(client: httpx.AsyncClient, tenant: Tenant, _database: Database) -> httpx.Response:
    return await client.get(f"{TICKETS}?assignee=none", headers=tenant.headers)


@provokes("scope-missing")
async def _scope(client: httpx.AsyncClient, _tenant: Tenant, database: Database) -> httpx.Response:
    return await post_bytes(client, await staff_key(database, Role.VIEWER), b"{}")


@provokes("not-found")
async def _not_found(client: httpx.AsyncClient, tenant: Tenant, _database: Database) -> httpx.Response:
    return await client.get(f"{TICKETS}/{MISSING}", headers=tenant.headers)


@provokes("no-such-address")
async def _no_address(client: httpx.AsyncClient, tenant: Tenant, _database: Database) -> httpx.Response:
    return await client.get("/api/v1/tickets/", headers=tenant.headers)


@provokes("method-not-allowed")
async def _method(client: httpx.AsyncClient, tenant: Tenant, _database: Database) -> httpx.Response:
    return await client.delete(TICKETS, headers=tenant.headers)


@provokes("illegal-transition")
async def _transition(client: httpx.AsyncClient, tenant: Tenant, _database: Database) -> httpx.Response:
    number = (await new_ticket(client, tenant))["number"]
    return await client.post(f"{TICKETS}/{number}/status", headers=tenant.headers, json={"status": "reopened"})


@provokes("ticket-finished")
async def _finished(client: httpx.AsyncClient, tenant: Tenant, database: Database) -> httpx.Response:
    number = (await new_ticket(client, tenant))["number"]
    await move(database, number, Status.REJECTED)
    return await client.patch(f"{TICKETS}/{number}", headers=tenant.headers | ANY, json={"external_ids": {"a": "b"}})


@provokes("idempotency-key-busy")
async def _busy(client: httpx.AsyncClient, tenant: Tenant, database: Database) -> httpx.Response:
    name = f"idempotency {tenant.actor.key_id} createTicket busy"
    async with database.transaction() as tx:
        assert await tx.fetchval("select pg_try_advisory_xact_lock(hashtextextended($1, 0))", name)
        return await client.post(TICKETS, headers={**tenant.headers, "Idempotency-Key": "busy"}, json=order())


@provokes("idempotency-key-reused")
async def _reused(client: httpx.AsyncClient, tenant: Tenant, _database: Database) -> httpx.Response:
    headers = {**tenant.headers, "Idempotency-Key": str(uuid4())}
    await client.post(TICKETS, headers=headers, json=order())
    return await client.post(TICKETS, headers=headers, json=order(title="Another"))


@provokes("precondition-failed")
async def _failed(client: httpx.AsyncClient, tenant: Tenant, _database: Database) -> httpx.Response:
    number = (await new_ticket(client, tenant))["number"]
    return await client.patch(f"{TICKETS}/{number}", headers={**tenant.headers, "If-Match": '"x"'}, json={})


@provokes("precondition-required")
async def _required(client: httpx.AsyncClient, tenant: Tenant, _database: Database) -> httpx.Response:
    return await client.patch(f"{TICKETS}/{MISSING}", headers=tenant.headers, json={})


@provokes("too-large")
async def _large(client: httpx.AsyncClient, tenant: Tenant, _database: Database) -> httpx.Response:
    return await post_bytes(client, tenant.headers, b" " * (BODY_MAX + 1))


@provokes("unsupported-media-type")
async def _media(client: httpx.AsyncClient, tenant: Tenant, _database: Database) -> httpx.Response:
    return await client.post(TICKETS, headers={**tenant.headers, "Content-Type": "text/plain"}, content=b"{}")


@provokes("invalid-input")
async def _input(client: httpx.AsyncClient, tenant: Tenant, _database: Database) -> httpx.Response:
    return await post_bytes(client, tenant.headers, b"{}")


HEADERS = {
    "unauthenticated": {"www-authenticate": "Bearer"},
    "scope-missing": {"www-authenticate": 'Bearer error="insufficient_scope", scope="tickets:write"'},
    "method-not-allowed": {"allow": "GET, HEAD, POST"},
    "idempotency-key-busy": {"retry-after": "1"},
    "too-large": {"connection": "close"},
}
WITH_ERRORS = {"invalid-parameter", "invalid-input"}
"""Kinds that name each fault."""


def test_every_kind_of_problem_is_provoked() -> None:
    assert set(PROVOKED) == set(CATALOGUE) - ELSEWHERE, "provoke it here, or say where it is"


@pytest.mark.parametrize("kind", PROVOKED)
async def test_a_problem_has_all_its_members_and_headers(
    client: httpx.AsyncClient, tenant: Tenant, database: Database, kind: str
) -> None:
    answer = await PROVOKED[kind](client, tenant, database)
    body = problem(answer, kind)
    assert ("errors" in body) is (kind in WITH_ERRORS)
    for error in body.get("errors", []):
        assert set(error) == {"pointer", "code", "detail"}
    names = {"www-authenticate", "allow", "retry-after", "connection"}
    assert {name: value for name, value in answer.headers.items() if name in names} == HEADERS.get(kind, {})


@pytest.mark.parametrize("kind", CATALOGUE.values(), ids=lambda kind: kind.code)
async def test_the_type_url_of_each_problem_is_a_page(client: httpx.AsyncClient, kind: object) -> None:
    code, title = getattr(kind, "code"), getattr(kind, "title")  # noqa: B009
    for path in (TYPES + code, TYPES.rstrip("/")):
        page = await client.get(path)
        assert page.status_code == 200
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert code in page.text
        assert title.replace("'", "&#39;") in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize("path", [f"{TYPES}nothing", "/api/v1/problemsx"])
async def test_an_unknown_problem_type_has_no_page(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


def refusals_of_the_desk() -> list[type[DeskError]]:
    errors = [value for value in vars(refusals).values() if isinstance(value, type) and issubclass(value, DeskError)]
    return [refusal for refusal in errors if refusal is not DeskError]


@pytest.mark.parametrize("refusal", refusals_of_the_desk(), ids=lambda refusal: refusal.__name__)
def test_no_refusal_is_an_internal_error(refusal: type[DeskError]) -> None:
    assert kind_of(refusal.__new__(refusal)).status < 500
    assert refusal.code != "refused"


def test_the_codes_of_refusals_are_unique() -> None:
    codes = [refusal.code for refusal in refusals_of_the_desk()]
    assert sorted(set(codes)) == sorted(codes)


async def test_a_problem_repeats_the_request_id(client: httpx.AsyncClient) -> None:
    answer = await client.get(TICKETS, headers={"X-Request-Id": "abc-1:2"})
    assert problem(answer, "unauthenticated")["request_id"] == "abc-1:2"


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer x", "Basic YTpi", "Bearer clk_" + "x" * 43, "Bearer clk_\u00fc"]
)
async def test_an_invalid_key_is_unauthenticated(client: httpx.AsyncClient, authorization: str) -> None:
    answers = [
        await client.get(TICKETS, headers=latin({"Authorization": authorization})),
        await client.post(TICKETS, headers=latin({"Authorization": authorization}), content=b"{"),
        await client.put(TICKETS, headers=latin({"Authorization": authorization})),
    ]
    assert {problem(answer, "unauthenticated")["detail"] for answer in answers} == {"a valid API key is required"}


async def test_a_revoked_key_is_unauthenticated(client: httpx.AsyncClient, database: Database) -> None:
    tenant = await new_tenant(database)
    assert (await client.get(TICKETS, headers=tenant.headers)).status_code == 200
    assert tenant.actor.key_id is not None
    async with database.transaction() as tx:
        await keys.revoke_key(tx, OPERATOR, tenant.company.code, tenant.actor.key_id, now=datetime.now(UTC))
    answer = await client.get(TICKETS, headers=tenant.headers)
    async with asyncio.timeout(patient(2)):
        while answer.status_code == 200:
            await asyncio.sleep(0.01)
            answer = await client.get(TICKETS, headers=tenant.headers)
    problem(answer, "unauthenticated")


@pytest.mark.parametrize(
    "path", ["/api/v1/", "/api/v1/nothing", f"{TICKETS}/", f"{TICKETS}/{MISSING}/", "/api/v1//tickets"]
)
async def test_an_unknown_path_is_not_found_with_or_without_a_key(
    client: httpx.AsyncClient, tenant: Tenant, path: str
) -> None:
    for headers in ({}, tenant.headers):
        for method in ("GET", "POST", "DELETE"):
            problem(await client.request(method, path, headers=headers), "no-such-address")


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [
        (TICKETS, "PUT", "GET, HEAD, POST"),
        (TICKETS, "OPTIONS", "GET, HEAD, POST"),
        (f"{TICKETS}/{MISSING}", "DELETE", "GET, HEAD, PATCH"),
        (f"{TICKETS}/{MISSING}/status", "GET", "POST"),
        (f"{TICKETS}/{MISSING}/notes/x", "DELETE", "GET, HEAD"),
    ],
)
async def test_the_refusal_of_a_method_lists_the_allowed_methods(
    client: httpx.AsyncClient, tenant: Tenant, path: str, method: str, allowed: str
) -> None:
    answer = await client.request(method, path, headers=tenant.headers)
    assert problem(answer, "method-not-allowed")["detail"] == f"this resource takes {allowed}"
    assert answer.headers["allow"] == allowed


async def test_head_returns_the_headers_of_get(client: httpx.AsyncClient, tenant: Tenant) -> None:
    path = f"{TICKETS}/{(await new_ticket(client, tenant))['number']}"
    head, get = await client.head(path, headers=tenant.headers), await client.get(path, headers=tenant.headers)
    assert (head.status_code, head.headers["etag"]) == (200, get.headers["etag"])
    assert head.headers["content-length"] == str(len(get.content))


@pytest.mark.parametrize("key", ["", '""', "a b", "x" * 256, "k\u00e9y"])
async def test_an_invalid_idempotency_key_is_malformed(client: httpx.AsyncClient, tenant: Tenant, key: str) -> None:
    answer = await client.post(TICKETS, headers=latin({**tenant.headers, "Idempotency-Key": key}), json=order())
    assert "Idempotency-Key" in problem(answer, "malformed")["detail"]


async def test_a_rate_limited_key_gets_a_retry_after_header(database_url: str, database: Database) -> None:
    tenant = await new_tenant(database)
    settings = Settings(database_url=database_url, rate_limit=2, access_log=False)
    async with serving(settings) as limited:
        answers = [await limited.get(path, headers=tenant.headers) for path in (TICKETS, f"{TICKETS}?x=1", TICKETS)]
    assert [answer.status_code for answer in answers] == [200, 400, 429]
    body = problem(answers[-1], "quota-exceeded")
    assert body["type"] == QUOTA
    wait = answers[-1].headers["retry-after"]
    assert 1 <= int(wait) <= 30
    assert body["detail"] == f"too many requests; try again in {wait} seconds"
    for answer in answers:
        assert answer.headers["ratelimit-policy"] == '"key";q=2;w=60'
        assert answer.headers["ratelimit"].startswith('"key";r=')


async def test_an_internal_error_contains_the_request_id_and_no_details(
    client: httpx.AsyncClient, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_args: object, **_kwargs: object) -> NoReturn:
        raise RuntimeError("the secret reason")

    number = (await new_ticket(client, tenant))["number"]
    monkeypatch.setattr(tickets, "get_ticket_as", broken)
    answer = await client.get(f"{TICKETS}/{number}", headers={**tenant.headers, "X-Request-Id": "trace-7"})
    assert problem(answer, "internal")["request_id"] == "trace-7"
    assert "secret" not in answer.text + str(answer.headers)


async def test_without_a_database_the_desk_is_unavailable_and_then_recovers(postgres: str) -> None:
    async with new_database(postgres) as url:
        database = await Database.open(url)
        tenant = await new_tenant(database)
        await database.close()
        name = url.partition("/test_")[2].partition("?")[0]
        async with serving(Settings(database_url=url, rate_limit=0, access_log=False)) as client:
            assert (await client.get(TICKETS, headers=tenant.headers)).status_code == 200
            await administer_server(postgres, f"alter database test_{name} connection limit 0")
            ends = f"select pg_terminate_backend(pid) from pg_stat_activity where datname = 'test_{name}'"  # noqa: S608
            await administer_server(postgres, ends)
            for answer in (
                await client.get(TICKETS, headers=tenant.headers),
                await client.post(TICKETS, headers=tenant.headers, json=order()),
            ):
                assert problem(answer, "unavailable")["detail"] == "try again in a moment"
                assert answer.headers["retry-after"] == "1"
            await administer_server(postgres, f"alter database test_{name} connection limit -1")
            assert (await new_ticket(client, tenant))["version"] == 1
