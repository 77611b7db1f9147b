import asyncio
from typing import Any

import httpx
import pytest

from clearline.identity import Role, Scope
from clearline.platform.database.transactions import Database
from clearline.search import store as search_store
from clearline.search.store import FIND
from clearline.settings.settings import Settings
from clearline.tickets.domain import ticket_number
from tests.builders.application import serving
from tests.builders.house import problem
from tests.builders.people import Tenant, new_tenant, staff_key
from tests.builders.tickets import raised
from tests.patience import patient

SEARCH = "/api/v1/search"


@pytest.fixture(scope="module")
async def numbers(database: Database, client: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant) -> list[str]:
    """Return five indexed tickets of the tenant and one of another company; the first has an internal note."""
    async with database.transaction() as tx:
        created = [ticket_number(await raised(tx, tenant, f"Fibre cut {n}")) for n in range(5)]
        created.append(ticket_number(await raised(tx, other_tenant, "Fibre cut elsewhere")))
    agent = await staff_key(database, Role.AGENT)
    note = {"text": "The excavator is ours", "visibility": "internal"}
    answer = await client.post(f"/api/v1/tickets/{created[0]}/notes", headers=agent, json=note)
    assert answer.status_code == 201, answer.text
    await until_found(client, agent, "fibre", 6)
    await until_found(client, agent, "excavator", 1)
    return created


async def until_found(client: httpx.AsyncClient, headers: dict[str, str], query: str, many: int) -> None:
    """Wait until the server's worker has indexed the tickets."""
    async with asyncio.timeout(patient(20)):
        while len(numbers_of(await search(client, headers, query))) != many:  # noqa: ASYNC110 - nothing signals it
            await asyncio.sleep(0.1)


async def search(client: httpx.AsyncClient, headers: dict[str, str], q: str, **parameters: str) -> Any:
    answer = await client.get(SEARCH, headers=headers, params={"q": q, **parameters})
    assert answer.status_code == 200, answer.text
    return answer.json()


def numbers_of(page: Any) -> list[str]:
    return [ticket["number"] for ticket in page["data"]]


async def test_a_customer_finds_its_own_tickets_as_the_list_shows_them(
    client: httpx.AsyncClient, tenant: Tenant, numbers: list[str]
) -> None:
    page = await search(client, tenant.headers, "fibre")
    assert sorted(numbers_of(page)) == numbers[:5]
    assert {**page, "data": None} == {
        "data": None, "has_more": False, "next_cursor": None, "total": {"count": 5, "exact": True}, "order": "best",
    }  # fmt: skip
    listed = (await client.get("/api/v1/tickets", headers=tenant.headers)).json()["data"]
    by_number = {ticket["number"]: ticket for ticket in listed}
    assert page["data"] == [by_number[number] for number in numbers_of(page)]
    assert not {"queue", "assignee", "tags"} & {*page["data"][0]}


@pytest.mark.parametrize("query", ["fibre", "status:open", "status:open assignee:none"])
async def test_matches_are_sorted_and_read_page_by_page(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, numbers: list[str], query: str
) -> None:
    agent = await staff_key(database, Role.AGENT)
    for headers in (agent,) if "assignee" in query else (agent, tenant.headers):
        whole = await search(client, headers, query, sort="-created_at", limit="200")
        found = numbers_of(whole)
        assert whole["order"] == "sorted"
        assert whole["total"] == {"count": len(found), "exact": True}
        assert {*numbers[:5]} <= {*found}
        assert [ticket["created_at"] for ticket in whole["data"]] == sorted(
            (ticket["created_at"] for ticket in whole["data"]), reverse=True
        )
        pages: list[str] = []
        parameters: dict[str, str] = {}
        while True:
            page = await search(client, headers, query, sort="-created_at", limit="2", **parameters)
            pages += numbers_of(page)
            if not page["has_more"]:
                break
            parameters = {"cursor": page["next_cursor"]}
        assert pages == found
        refused = await client.get(SEARCH, headers=headers, params={"q": query, "sort": "priority", **parameters})
        problem(refused, "invalid-cursor")


async def test_the_staff_finds_tickets_of_all_companies_with_their_handling(
    client: httpx.AsyncClient, database: Database, numbers: list[str]
) -> None:
    for role in (Role.VIEWER, Role.AGENT, Role.ADMIN):
        page = await search(client, await staff_key(database, role), "fibre status:open assignee:none")
        assert sorted(numbers_of(page)) == numbers
        assert {"queue", "assignee", "tags"} <= {*page["data"][0]}


async def test_internal_notes_are_not_searched_for_customers(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, numbers: list[str]
) -> None:
    agent = await staff_key(database, Role.AGENT)
    for query in ("excavator", '"the excavator"', "excav", "fibre excavator"):
        assert numbers_of(await search(client, agent, query)) == numbers[:1]
        assert (await search(client, tenant.headers, query, count="exact"))["total"] == {"count": 0, "exact": True}
    assert len(numbers_of(await search(client, tenant.headers, "fibre -excavator"))) == 5


async def test_without_a_query_every_ticket_is_listed_newest_first(
    client: httpx.AsyncClient, tenant: Tenant, numbers: list[str]
) -> None:
    for parameters in ({}, {"q": ""}, {"q": "status:open"}):
        answer = await client.get(SEARCH, headers=tenant.headers, params=parameters)
        assert numbers_of(answer.json()) == numbers[4::-1]
        assert answer.json()["order"] == "newest"


@pytest.mark.parametrize("query", ["fibre", "status:open", "fibre -elsewhere"])
async def test_the_links_lead_through_all_pages(
    client: httpx.AsyncClient, tenant: Tenant, numbers: list[str], query: str
) -> None:
    complete = await search(client, tenant.headers, query)
    listed, url = [], str(httpx.URL(SEARCH, params={"q": query, "limit": "2"}))
    while url:
        answer = await client.get(url, headers=tenant.headers)
        page = answer.json()
        assert page["total"] == complete["total"]
        assert page["order"] == complete["order"]
        listed += numbers_of(page)
        url = answer.links["next"]["url"] if "next" in answer.links else ""
        assert bool(url) == page["has_more"] == (page["next_cursor"] is not None)
    assert listed == numbers_of(complete)
    assert len(listed) == len(numbers) - 1


async def test_a_cursor_is_valid_for_its_own_query_only(
    client: httpx.AsyncClient, tenant: Tenant, numbers: list[str]
) -> None:
    assert numbers
    cursor = (await search(client, tenant.headers, "fibre", limit="2"))["next_cursor"]
    listed = (await client.get("/api/v1/tickets?limit=1", headers=tenant.headers)).json()["next_cursor"]
    for query, wrong in (("cut", cursor), ("fibre", listed), ("fibre", "nonsense")):
        answer = await client.get(SEARCH, headers=tenant.headers, params={"q": query, "cursor": wrong})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid-cursor")


@pytest.mark.parametrize(
    ("parameters", "pointer", "detail"),
    [
        ({"q": "colour:red"}, "q", "has no filter colour: it must be one of status, service, issue, priority, "),
        ({"q": "status:lost"}, "q", "has an unknown status"),
        ({"q": "?!"}, "q", "must have a letter or a digit"),
        ({"q": "x" * 501}, "q", ""),
        ({"q": "a\0"}, "q", ""),
        ({"count": "many"}, "count", ""),
        ({"limit": "201"}, "limit", ""),
        ({"query": "fibre"}, "query", ""),
    ],
)  # fmt: skip
async def test_an_invalid_parameter_is_named(
    client: httpx.AsyncClient, tenant: Tenant, parameters: dict[str, str], pointer: str, detail: str
) -> None:
    answer = await client.get(SEARCH, headers=tenant.headers, params=parameters)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-parameter")
    [error] = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert detail in error["detail"]


@pytest.mark.parametrize("name", ["queue", "assignee", "watcher", "tag", "severity"])
async def test_a_filter_of_the_staff_is_unknown_to_a_customer(
    client: httpx.AsyncClient, tenant: Tenant, name: str
) -> None:
    answer = await client.get(SEARCH, headers=tenant.headers, params={"q": f"{name}:{tenant.company.code}"})
    assert answer.status_code == 400
    assert f"has no filter {name}" in answer.json()["errors"][0]["detail"]


async def test_a_key_with_the_scope_is_required(client: httpx.AsyncClient, database: Database) -> None:
    assert (await client.get(SEARCH)).status_code == 401
    blind = await new_tenant(database, scopes=frozenset({Scope.TICKETS_WRITE}))
    answer = await client.get(SEARCH, headers=blind.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope-missing")


@pytest.mark.parametrize("query", ["fibre", "-created:2026-01-01"])
async def test_a_search_that_takes_too_long_is_refused(
    database_url: str, tenant: Tenant, numbers: list[str], monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    assert numbers
    slow = {
        kind: sql.replace("from matching\n", "from matching where pg_sleep(9) is not null\n")
        for kind, sql in FIND.items()
    }
    monkeypatch.setattr(search_store, "FIND", slow)
    settings = Settings(database_url=database_url, search_seconds=1, workers=False, access_log=False)
    async with serving(settings) as client:
        answer = await client.get(SEARCH, headers=tenant.headers, params={"q": query})
        body = problem(answer, "invalid-parameter")
        rule = "takes longer than 1 seconds: add a word that few tickets have, or a filter"
        assert body["errors"] == [{"pointer": "q", "code": "invalid", "detail": rule}]
        monkeypatch.undo()
        assert (await client.get(SEARCH, headers=tenant.headers, params={"q": query})).status_code == 200


async def test_a_company_has_a_few_searches_under_way_at_a_time(
    database_url: str, tenant: Tenant, other_tenant: Tenant
) -> None:
    database = await Database.open(database_url)
    agent = await staff_key(database, Role.AGENT)
    settings = Settings(database_url=database_url, company_searches=1, workers=False, access_log=False)
    async with serving(settings) as client:

        async def searched(headers: dict[str, str]) -> httpx.Response:
            return await client.get(SEARCH, headers=headers, params={"q": "fibre"})

        async with database.transaction() as tx, asyncio.TaskGroup() as group:
            await tx.write_script("lock table ticket_search in access exclusive mode")
            waiting = [
                group.create_task(searched(headers))
                for headers in (tenant.headers, tenant.headers, other_tenant.headers, agent, agent)
            ]
            done, _pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            [refused] = [task.result() for task in done]
            body = problem(refused, "quota-exceeded")
            assert body["detail"].startswith("1 searches of your company are running")
            assert refused.headers["retry-after"] == "1"
            await tx.fetchval("select pg_sleep(0.2)")
            await tx.write_script("rollback; begin")
        assert sorted(task.result().status_code for task in waiting) == [200] * 4 + [429]
        assert (await searched(tenant.headers)).status_code == 200
    await database.close()
