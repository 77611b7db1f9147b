"""Lists of tickets in the order of work, and all of their filters."""

import json
from typing import Any

import httpx
import pytest

from clearline.platform.database.transactions import Database
from clearline.tickets.domain import Status
from tests.builders.console_connect import move
from tests.builders.house import TICKETS, Headers, new_ticket, patch_ticket, pointers, problem
from tests.builders.people import Tenant
from tests.builders.queues import new_queue

Ticket = dict[str, Any]


@pytest.fixture(scope="module")
async def listed(
    client: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant, agent: Headers, database: Database
) -> dict[str, str]:
    """Create tickets of two companies with different values; return names by their numbers, and ids by names."""
    async with database.transaction() as tx:
        queue = str((await new_queue(tx)).queue.id)
    names: dict[str, str] = {}
    for name, whose, priority in (
        ("a", tenant, "low"), ("b", tenant, "critical"), ("c", other_tenant, "high"), ("d", tenant, "critical"),
    ):  # fmt: skip
        number = str((await new_ticket(client, whose))["number"])
        names[name] = number
        await patch_ticket(client, agent, number, {"priority": priority, "queue": queue})
    await patch_ticket(client, agent, names["a"], {"severity": "minor", "issue_type": "Unstable"})
    await client.post(f"{TICKETS}/{names['c']}/tags", json={"add": ["Fibre", "vip"]}, headers=agent)
    await client.post(f"{TICKETS}/{names['d']}/tags", json={"add": ["fibre"]}, headers=agent)
    await patch_ticket(
        client, agent, names["b"], {"external_ids": {"jira": "OPS-1:2"}, "contact": {"email": "Zed@example.com"}}
    )
    text = {**agent, "content-type": "text/plain"}
    await client.post(f"{TICKETS}/{names['d']}/attachments?name=x.txt", content=b"x", headers=text)
    await client.post(f"{TICKETS}/{names['a']}/attachments?name=y.txt&visibility=internal", content=b"x", headers=text)
    await client.post(f"{TICKETS}/{names['b']}/watchers", json={"user": "me"}, headers=agent)
    await move(database, names["b"], Status.HELD)
    team = await client.get(f"/api/v1/queues/{queue}", headers=agent)
    return {**names, "queue": queue, "team": (team.json()["team"] or {}).get("id", "")}


async def names_of(client: httpx.AsyncClient, headers: Headers, listed: dict[str, str], query: str) -> str:
    answer = await client.get(f"{TICKETS}?limit=200&{query.format(**listed)}", headers=headers)
    assert answer.status_code == 200, answer.text
    names = {number: name for name, number in listed.items()}
    return "".join(names.get(ticket["number"], "") for ticket in answer.json()["data"])


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("sort=priority", "bdca"),
        ("sort=-priority", "acdb"),
        ("sort=created_at", "abcd"),
        ("sort=-created_at", "dcba"),
        ("sort=status_changed_at", "acdb"),
        ("sort=-status_changed_at", "bdca"),
        ("sort=priority&queue={queue}", "bdca"),
        ("sort=priority&status=acknowledged,in_progress", "dca"),
        ("status=held,acknowledged", "dcba"),
        ("status=held,rejected", "b"),
        ("priority=critical,high", "dcb"),
        ("severity=minor", "a"),
        ("issue_type=Unstable,Application", "a"),
        ("service_type=Connection (L2)", ""),
        ("tags=fibre", "dc"),
        ("tags=FIBRE,vip", "c"),
        ("contact=zed@example.com", "b"),
        ("external_id=jira:OPS-1:2", "b"),
        ("external_id=jira:OPS-1", ""),
        ("has_file=true", "da"),
        ("has_file=false", "cb"),
        ("watcher=me", "b"),
        ("watcher=me&state=all&sort=-updated_at", "b"),
        ("queue={queue}&sort=-priority&since=2020-01-01T00:00:00Z", "acdb"),
    ],
)
async def test_the_staff_sort_and_filter(
    client: httpx.AsyncClient, agent: Headers, listed: dict[str, str], query: str, names: str
) -> None:
    assert await names_of(client, agent, listed, query) == names


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("sort=priority", "bda"),
        ("sort=-status_changed_at", "bda"),
        ("priority=critical", "db"),
        ("has_file=true", "d"),
        ("has_file=false", "ba"),
        ("external_id=jira:OPS-1:2&state=all", "b"),
        ("contact=zed@example.com&sort=updated_at", "b"),
        ("watcher=me", ""),
    ],
)
async def test_a_customer_sorts_and_filters_by_what_it_sees(
    client: httpx.AsyncClient, tenant: Tenant, listed: dict[str, str], query: str, names: str
) -> None:
    assert await names_of(client, tenant.headers, listed, query) == names


@pytest.mark.parametrize("query", ["tags=fibre", "team={queue}"])
async def test_a_customer_does_not_filter_by_what_the_staff_sees(
    client: httpx.AsyncClient, tenant: Tenant, listed: dict[str, str], query: str
) -> None:
    problem(await client.get(f"{TICKETS}?{query.format(**listed)}", headers=tenant.headers), "forbidden")


SORTS = ["number", "priority", "created_at", "updated_at", "status_changed_at"]


@pytest.mark.parametrize("sort", [f"{sign}{sort}" for sort in SORTS for sign in ("", "-")])
@pytest.mark.parametrize("whose", ["agent", "tenant"])
async def test_pages_of_a_sorted_list_follow_each_other(
    client: httpx.AsyncClient, tenant: Tenant, agent: Headers, listed: dict[str, str], sort: str, whose: str
) -> None:
    headers = agent if whose == "agent" else tenant.headers
    whole = (await client.get(f"{TICKETS}?sort={sort}&limit=200", headers=headers)).json()["data"]
    assert len(whole) >= 3
    assert listed["a"] in {ticket["number"] for ticket in whole}
    pages: list[Ticket] = []
    cursor = ""
    while True:
        answer = (await client.get(f"{TICKETS}?sort={sort}&limit=2{cursor}", headers=headers)).json()
        pages += answer["data"]
        if not answer["has_more"]:
            break
        cursor = f"&cursor={answer['next_cursor']}"
    assert [ticket["number"] for ticket in pages] == [ticket["number"] for ticket in whole]
    if sort.removeprefix("-").endswith("_at"):
        times = [ticket[sort.removeprefix("-")] for ticket in whole]
        assert times == sorted(times, reverse=sort.startswith("-"))


async def test_a_cursor_of_another_order_is_refused(
    client: httpx.AsyncClient, agent: Headers, listed: dict[str, str]
) -> None:
    assert listed
    page = (await client.get(f"{TICKETS}?sort=priority&limit=1", headers=agent)).json()
    for sort in ("-priority", "updated_at", "number"):
        answer = await client.get(f"{TICKETS}?sort={sort}&cursor={page['next_cursor']}", headers=agent)
        problem(answer, "invalid-cursor")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("sort=priority&state=all", "state"),
        ("sort=-updated_at&state=finished", "state"),
        ("sort=status_changed_at&status=closed", "state"),
        ("team=0f8fad5b-d9cb-469f-a165-70867728950e&state=all", "state"),
        ("team=x", "team"),
        ("watcher=x", "watcher"),
        ("tags=a,,b", "tags"),
        ("external_id=jira", "external_id"),
        ("has_file=maybe", "has_file"),
        ("priority=critical,urgent", "priority"),
        ("status=held,", "status"),
        ("contact=nobody", "contact"),
    ],
)
async def test_a_list_that_cannot_be_served_is_refused_by_the_parameter(
    client: httpx.AsyncClient, agent: Headers, query: str, parameter: str
) -> None:
    assert pointers(await client.get(f"{TICKETS}?{query}", headers=agent), "invalid-parameter") == [parameter]


async def test_an_export_has_the_tickets_of_a_filter(
    client: httpx.AsyncClient, agent: Headers, tenant: Tenant, listed: dict[str, str]
) -> None:
    async def exported(query: str, headers: Headers) -> list[str]:
        answer = await client.get(f"/api/v1/exports/tickets?{query}", headers=headers)
        assert answer.status_code == 200, answer.text
        return [json.loads(line)["number"] for line in answer.text.splitlines()]

    everything = await exported("", agent)
    assert {listed[name] for name in "abcd"} <= {*everything}
    assert await exported("tags=fibre", agent) == [listed["c"], listed["d"]]
    assert await exported(f"queue={listed['queue']}&priority=critical,low", agent) == [listed[name] for name in "abd"]
    assert await exported("watcher=me", agent) == [listed["b"]]
    assert await exported("has_file=true", tenant.headers) == [listed["d"]]
    assert await exported("tags=fibre&since=2999-01-01T00:00:00Z", agent) == []
    problem(await client.get("/api/v1/exports/tickets?tags=fibre", headers=tenant.headers), "forbidden")


async def test_a_bulk_job_has_the_tickets_of_a_filter(
    client: httpx.AsyncClient, agent: Headers, tenant: Tenant, listed: dict[str, str]
) -> None:
    body = {"filter": {"tags": "fibre"}, "action": {"type": "note", "text": "All fibre is checked."}, "dry_run": True}
    answer = await client.post("/api/v1/bulk", json=body, headers=agent)
    assert (answer.status_code, answer.json()["total"]) == (202, 2)
    items = await client.get(f"{answer.headers['location']}/items", headers=agent)
    assert [item["ticket"] for item in items.json()["data"]] == [listed["c"], listed["d"]]
    own = await client.post("/api/v1/bulk", json={**body, "filter": {"priority": "critical"}}, headers=tenant.headers)
    assert own.json()["total"] == 2
    problem(await client.post("/api/v1/bulk", json=body, headers=tenant.headers), "forbidden")
    for wrong, pointer in (
        ({"filter": {"queue": "x"}}, "/filter/queue"),
        ({"filter": {"priority": "urgent"}}, "/filter/priority"),
        ({"filter": {"company": "nobody"}}, "/filter/company"),
        ({"filter": {"tags": "nothing"}}, "/filter/state"),
        ({"filter": {"tags": "fibre"}, "tickets": [listed["a"]]}, "/tickets"),
        ({}, "/tickets"),
    ):
        refused = await client.post("/api/v1/bulk", json={"action": body["action"], **wrong}, headers=agent)
        assert pointers(refused, "invalid-input") == [pointer]
