from typing import Any
from uuid import uuid4

import httpx
import pytest

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import ticket_number
from clearline.tickets.reports import store as report_store
from tests.builders.people import Tenant, staff_key
from tests.builders.tickets import raised

TICKETS = "/api/v1/tickets"


async def numbers(database: Database, tenant: Tenant, count: int = 2) -> list[str]:
    async with database.transaction() as tx:
        return [ticket_number(await raised(tx, tenant, f"Ticket {index}")) for index in range(count)]


async def note_texts(client: httpx.AsyncClient, number: str, headers: dict[str, str]) -> list[tuple[str, str]]:
    listed = await client.get(f"{TICKETS}/{number}/notes", headers=headers)
    return [(note["ticket"], note["text"]) for note in listed.json()["data"]]


async def test_a_ticket_is_merged_and_unmerged(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, agent: dict[str, str]
) -> None:
    source, target = await numbers(database, tenant)
    path = f"{TICKETS}/{source}"
    before = (await client.get(path, headers=tenant.headers)).json()
    merged = await client.post(f"{path}/merge", json={"into": target, "reason": "same fibre"}, headers=agent)
    assert merged.status_code == 200, merged.text
    assert merged.json() == (await client.get(path, headers=agent)).json()
    assert (merged.json()["status"], merged.json()["merged_into"]) == ("closed", target)
    assert await note_texts(client, target, tenant.headers) == [
        (source, f"Merged into {target}: further replies belong there"),
        (target, f"{source} (Ticket 0) was merged into this ticket"),
    ]
    history = (await client.get(f"{path}/history", headers=tenant.headers)).json()["data"]
    assert [event["type"] for event in history] == [
        "ticket.created",
        "ticket.status_changed",
        "ticket.merged",
        "note.added",
    ]
    unmerged = await client.post(f"{path}/unmerge", json={}, headers=agent)
    assert unmerged.status_code == 200
    changing = {"updated_at", "status_changed_at", "version"}
    shown = (await client.get(path, headers=tenant.headers)).json()
    assert {name: value for name, value in shown.items() if name not in changing} == {
        name: value for name, value in before.items() if name not in changing
    }
    async with database.statement() as tx:
        assert await report_store.miscounted(tx) == []


async def test_a_split_returns_the_new_ticket(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, agent: dict[str, str]
) -> None:
    [number] = await numbers(database, tenant, 1)
    note = await client.post(f"{TICKETS}/{number}/notes", json={"text": "B is down too"}, headers=tenant.headers)
    body = {"title": "B is down", "description": "Since noon", "notes": [note.json()["id"]]}
    created = await client.post(f"{TICKETS}/{number}/split", json=body, headers=agent)
    assert created.status_code == 201, created.text
    new = created.json()
    assert created.headers["location"] == f"{TICKETS}/{new['number']}"
    assert created.json() == (await client.get(created.headers["location"], headers=agent)).json()
    assert (new["title"], new["company"]["code"]) == ("B is down", tenant.company.code)
    assert [text for _ticket, text in await note_texts(client, new["number"], tenant.headers)] == [
        "B is down too",
        f"Split off from {number} (Ticket 0)",
    ]
    [link] = (await client.get(f"{TICKETS}/{number}/links", headers=tenant.headers)).json()["data"]
    assert (link["type"], link["ticket"]["number"]) == ("split_into", new["number"])


async def test_a_retry_creates_no_second_ticket(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, agent: dict[str, str]
) -> None:
    [number] = await numbers(database, tenant, 1)
    headers = {**agent, "Idempotency-Key": uuid4().hex}
    body = {"title": "B is down", "description": "Since noon"}
    first = await client.post(f"{TICKETS}/{number}/split", json=body, headers=headers)
    again = await client.post(f"{TICKETS}/{number}/split", json=body, headers=headers)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]


ACTIONS: dict[str, dict[str, Any]] = {
    "merge": {"into": "INC000000000001"},
    "unmerge": {},
    "split": {"title": "T", "description": "D"},
}


@pytest.mark.parametrize("action", ACTIONS)
async def test_only_agents_merge_and_split(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, other_tenant: Tenant, action: str
) -> None:
    [number] = await numbers(database, tenant, 1)
    viewer = await staff_key(database, Role.VIEWER)
    for headers, status in ((tenant.headers, 403), (other_tenant.headers, 403), (viewer, 403), ({}, 401)):
        answer = await client.post(f"{TICKETS}/{number}/{action}", json=ACTIONS[action], headers=headers)
        assert answer.status_code == status


@pytest.mark.parametrize(
    ("action", "body", "wrong"),
    [
        ("merge", {}, ["/into"]),
        ("merge", {"into": "7", "reason": "x" * 1001}, ["/into", "/reason"]),
        ("unmerge", {"reason": 7}, ["/reason"]),
        ("split", {}, ["/title", "/description"]),
        ("split", {"title": "T", "description": "D", "notes": ["7"]}, ["/notes/0"]),
        ("split", {"title": "T", "description": "D", "notes": ["WLG000000000000"]}, ["/notes"]),
        ("split", {"title": "T", "description": "D", "notes": "all"}, ["/notes"]),
        ("split", {"title": "", "description": "D", "status": "closed"}, ["/title", "/status"]),
    ],
)
async def test_invalid_members_are_named_by_their_pointers(
    client: httpx.AsyncClient,
    database: Database,
    tenant: Tenant,
    agent: dict[str, str],
    action: str,
    body: dict[str, Any],
    wrong: list[str],
) -> None:
    [number] = await numbers(database, tenant, 1)
    refused = await client.post(f"{TICKETS}/{number}/{action}", json=body, headers=agent)
    assert (refused.status_code, [error["pointer"] for error in refused.json()["errors"]]) == (422, wrong)


async def test_an_action_that_the_state_does_not_allow_is_a_conflict(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, other_tenant: Tenant, agent: dict[str, str]
) -> None:
    source, target, third = await numbers(database, tenant, 3)
    [foreign] = await numbers(database, other_tenant, 1)

    async def post(number: str, action: str, **body: str) -> tuple[int, str]:
        answer = await client.post(f"{TICKETS}/{number}/{action}", json=body, headers=agent)
        return answer.status_code, answer.json().get("code", "")

    assert await post(source, "merge", into=source) == (409, "not-mergeable")
    assert await post(source, "merge", into=foreign) == (409, "not-mergeable")
    assert await post(source, "unmerge") == (409, "not-mergeable")
    assert (await post(source, "merge", into=target))[0] == 200
    assert await post(source, "merge", into=third) == (409, "not-mergeable")
    assert await post(third, "merge", into=source) == (409, "not-mergeable")
    assert await post(source, "split", title="T", description="D") == (409, "ticket-finished")
    assert await post(third, "merge", into="INC000999999999") == (404, "not-found")
    assert await post("INC000999999999", "merge", into=third) == (404, "not-found")
    assert await post("seven", "unmerge") == (404, "not-found")
