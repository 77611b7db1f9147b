from typing import Any
from uuid import uuid4

import httpx
import pytest

from clearline import clock
from clearline.bulk import worker as workers
from clearline.identity import Role
from clearline.platform.database.transactions import Database
from tests.builders.people import Tenant, new_tenant, staff_key
from tests.builders.tickets import import_line

BULK, JOBS, IMPORTS = "/api/v1/bulk", "/api/v1/jobs", "/api/v1/imports"
Headers = dict[str, str]
NDJSON = {"Content-Type": "application/x-ndjson"}


async def raised(client: httpx.AsyncClient, tenant: Tenant) -> str:
    body = {
        "title": "Port down",
        "description": "No light",
        "issue_type": "Circuit Down",
        "service": {"id": "SVC-1", "type": "Port"},
    }
    answer = await client.post("/api/v1/tickets", headers=tenant.headers, json=body)
    return str(answer.json()["number"])


async def finished(client: httpx.AsyncClient, database: Database, created: httpx.Response, headers: Headers) -> Any:
    """Run the worker until the job is done; return the job."""
    assert created.status_code == 202, created.text
    while True:
        await workers.worker(database, clock.now).run()
        answer = await client.get(created.headers["location"], headers=headers)
        if answer.json()["state"] == "done":
            return answer.json()


async def items(client: httpx.AsyncClient, job: Any, headers: Headers, query: str = "") -> list[dict[str, Any]]:
    answer = await client.get(f"{JOBS}/{job['id']}/items{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


def wrong(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [error["pointer"] for error in answer.json()["errors"]]


def line(tenant: Tenant, **changes: Any) -> bytes:
    return import_line(tenant, **changes).encode()


async def test_many_tickets_are_changed_each_with_its_own_result(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, agent: Headers
) -> None:
    first, second = await raised(client, tenant), await raised(client, tenant)
    action = {"type": "tag", "add": ["fibre-cut"], "remove": []}
    body = {"tickets": [first, "INC999999999999", second], "action": action}
    created = await client.post(BULK, headers=agent, json=body)
    accepted = created.json()
    assert created.headers["location"] == f"{JOBS}/{accepted['id']}"
    assert {k: accepted[k] for k in ("kind", "state", "dry_run", "total", "action", "counts", "finished_at")} == {
        "kind": "bulk", "state": "waiting", "dry_run": False, "total": 3, "action": action, "finished_at": None,
        "counts": {"done": 0, "unchanged": 0, "refused": 0, "waiting": 3},
    }  # fmt: skip
    job = await finished(client, database, created, agent)
    assert job["counts"] == {"done": 2, "unchanged": 0, "refused": 1, "waiting": 0}
    assert await items(client, job, agent) == [
        {"position": 0, "ticket": first, "outcome": "done", "code": None, "detail": None},
        {"position": 1, "ticket": "INC999999999999", "outcome": "refused", "code": "not-found",
         "detail": "ticket INC999999999999 does not exist"},
        {"position": 2, "ticket": second, "outcome": "done", "code": None, "detail": None},
    ]  # fmt: skip
    ticket = (await client.get(f"/api/v1/tickets/{first}", headers=agent)).json()
    assert ticket["tags"] == ["fibre-cut"]


async def test_a_macro_is_used_on_many_tickets(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, agent: Headers
) -> None:
    admin = await staff_key(database, Role.ADMIN)
    number = await raised(client, tenant)
    body = {"name": f"Maintenance {number}", "text": "{{ticket.number}}: at 22:00 UTC", "add_tags": ["maintenance"]}
    macro = (await client.post("/api/v1/macros", headers=admin, json=body)).json()["id"]
    for wrong_id in ("no id", str(uuid4())):
        action = {"type": "macro", "macro": wrong_id}
        answer = await client.post(BULK, headers=agent, json={"tickets": [number], "action": action})
        assert wrong(answer) == ["/action/macro"]
    action = {"type": "macro", "macro": macro}
    created = await client.post(BULK, headers=agent, json={"tickets": [number], "action": action})
    assert created.json()["action"] == action
    job = await finished(client, database, created, agent)
    assert job["counts"] == {"done": 1, "unchanged": 0, "refused": 0, "waiting": 0}
    ticket = (await client.get(f"/api/v1/tickets/{number}", headers=agent)).json()
    [note] = (await client.get(f"/api/v1/tickets/{number}/notes", headers=agent)).json()["data"]
    assert (ticket["tags"], note["text"]) == (["maintenance"], f"{number}: at 22:00 UTC")


@pytest.mark.parametrize(
    ("action", "shown"),
    [
        ({"type": "status", "to": "in_progress"}, ("status", "in_progress")),
        ({"type": "change", "priority": "low", "severity": "minor"}, ("priority", "low")),
        ({"type": "change", "queue": None}, ("queue", None)),
        ({"type": "assign", "to": None}, ("assignee", None)),
    ],
)
async def test_every_action_is_accepted_and_shown_as_it_was_requested(
    client: httpx.AsyncClient,
    database: Database,
    tenant: Tenant,
    agent: Headers,
    action: dict[str, Any],
    shown: tuple[str, Any],
) -> None:
    number = await raised(client, tenant)
    created = await client.post(BULK, headers=agent, json={"tickets": [number], "action": action})
    job = await finished(client, database, created, agent)
    assert action.items() <= job["action"].items()
    assert job["counts"]["refused"] == 0
    assert (await client.get(f"/api/v1/tickets/{number}", headers=agent)).json()[shown[0]] == shown[1]


async def test_an_agent_assigns_many_tickets_to_itself(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, agent: Headers
) -> None:
    number = await raised(client, tenant)
    body = {"tickets": [number], "action": {"type": "assign", "to": "me"}}
    await finished(client, database, await client.post(BULK, headers=agent, json=body), agent)
    assignee = (await client.get(f"/api/v1/tickets/{number}", headers=agent)).json()["assignee"]
    assert assignee["name"] == "Mara agent"


async def test_a_customer_changes_only_its_own_tickets(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    own, foreign = await raised(client, tenant), await raised(client, other_tenant)
    body = {"tickets": [own, foreign], "action": {"type": "note", "text": "Any news?"}}
    created = await client.post(BULK, headers=tenant.headers, json=body)
    job = await finished(client, database, created, tenant.headers)
    assert [(item["ticket"], item["outcome"], item["code"]) for item in await items(client, job, tenant.headers)] == [
        (own, "done", None),
        (foreign, "refused", "not-found"),
    ]
    for action in ({"type": "tag", "add": ["a"]}, {"type": "note", "text": "x", "visibility": "internal"}):
        refused = await client.post(BULK, headers=tenant.headers, json={"tickets": [own], "action": action})
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


async def test_a_dry_run_returns_what_would_be_done(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, agent: Headers
) -> None:
    number = await raised(client, tenant)
    before = (await client.get(f"/api/v1/tickets/{number}", headers=agent)).json()
    body = {"tickets": [number], "action": {"type": "status", "to": "in_progress"}, "dry_run": True}
    job = await finished(client, database, await client.post(BULK, headers=agent, json=body), agent)
    assert (job["dry_run"], job["counts"]["done"]) == (True, 1)
    assert (await client.get(f"/api/v1/tickets/{number}", headers=agent)).json() == before


TAGGING = {"type": "tag", "add": ["a"]}


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/tickets", "/action"]),
        ({"tickets": [], "action": TAGGING}, ["/tickets"]),
        ({"tickets": ["INC000000000001"] * 2, "action": TAGGING}, ["/tickets"]),
        ({"tickets": ["7"], "action": TAGGING}, ["/tickets/0"]),
        ({"tickets": ["INC000000000001"], "action": {"type": "explode"}}, ["/action"]),
        ({"tickets": ["INC000000000001"], "action": {"type": "tag"}}, ["/action"]),
        ({"tickets": ["INC000000000001"], "action": {"type": "status", "to": "lost"}}, ["/action/to"]),
        ({"tickets": ["INC000000000001"], "action": {"type": "assign", "to": "nobody"}}, ["/action/to"]),
        ({"tickets": ["INC000000000001"], "action": {"type": "change", "queue": "none"}}, ["/action/queue"]),
        ({"tickets": ["INC000000000001"], "action": {"type": "note", "text": " "}}, ["/action/text"]),
        ({"tickets": ["INC000000000001"], "action": TAGGING, "when": "now"}, ["/when"]),
    ],
)
async def test_an_invalid_request_is_refused_as_a_whole(
    client: httpx.AsyncClient, agent: Headers, body: dict[str, Any], pointers: list[str]
) -> None:
    assert wrong(await client.post(BULK, headers=agent, json=body)) == pointers


async def test_a_retry_creates_no_second_job(client: httpx.AsyncClient, agent: Headers) -> None:
    headers = agent | {"Idempotency-Key": uuid4().hex}
    body = {"tickets": ["INC999999999999"], "action": TAGGING}
    first = await client.post(BULK, headers=headers, json=body)
    again = await client.post(BULK, headers=headers, json=body)
    assert (again.status_code, again.json(), again.headers["idempotent-replayed"]) == (202, first.json(), "true")
    assert again.headers["location"] == first.headers["location"]


async def test_jobs_are_listed_a_page_at_a_time(client: httpx.AsyncClient, database: Database) -> None:
    headers = await staff_key(database, Role.AGENT)
    ids = []
    for _ in range(3):
        body = {"tickets": ["INC999999999999"], "action": TAGGING}
        ids.append((await client.post(BULK, headers=headers, json=body)).json()["id"])
    first = await client.get(f"{JOBS}?limit=2", headers=headers)
    second = await client.get(f"{JOBS}?limit=2&cursor={first.json()['next_cursor']}", headers=headers)
    assert [job["id"] for job in first.json()["data"] + second.json()["data"]] == ids[::-1]
    assert (first.json()["has_more"], second.json()["has_more"]) == (True, False)
    assert "counts" not in first.json()["data"][0]


async def test_items_are_listed_by_outcome_a_page_at_a_time(
    client: httpx.AsyncClient, database: Database, agent: Headers
) -> None:
    body = {"tickets": [f"INC99999999999{n}" for n in range(3)], "action": TAGGING}
    job = await finished(client, database, await client.post(BULK, headers=agent, json=body), agent)
    page = await client.get(f"{JOBS}/{job['id']}/items?outcome=refused&limit=2", headers=agent)
    cursor = page.json()["next_cursor"]
    remaining = await items(client, job, agent, f"?outcome=refused&limit=2&cursor={cursor}")
    assert [item["position"] for item in page.json()["data"] + remaining] == [0, 1, 2]
    assert await items(client, job, agent, "?outcome=done") == []
    for query in ("outcome=lost", "limit=0", "colour=red", f"outcome=done&cursor={cursor}"):
        assert (await client.get(f"{JOBS}/{job['id']}/items?{query}", headers=agent)).status_code == 400


async def test_a_cancelled_job_does_nothing_more(client: httpx.AsyncClient, agent: Headers) -> None:
    body = {"tickets": [f"INC{n:012}" for n in range(900_000, 901_000)], "action": TAGGING}
    created = await client.post(BULK, headers=agent, json=body)
    for _ in range(2):
        answer = await client.post(f"{created.headers['location']}/cancel", headers=agent, json={})
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
        assert answer.json()["counts"] == {"done": 0, "unchanged": 0, "refused": 1000, "waiting": 0}


async def test_a_finished_job_cannot_be_cancelled(
    client: httpx.AsyncClient, database: Database, agent: Headers
) -> None:
    created = await client.post(BULK, headers=agent, json={"tickets": ["INC999999999999"], "action": TAGGING})
    await finished(client, database, created, agent)
    refused = await client.post(f"{created.headers['location']}/cancel", headers=agent, json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")


async def test_nobody_else_sees_a_job(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, admin: Headers, agent: Headers
) -> None:
    body = {"tickets": [await raised(client, tenant)], "action": {"type": "note", "text": "x"}}
    created = await client.post(BULK, headers=tenant.headers, json=body)
    location = created.headers["location"]
    stranger = (await new_tenant(database)).headers
    for headers in (stranger, agent):
        for answer in (
            await client.get(location, headers=headers),
            await client.get(f"{location}/items", headers=headers),
            await client.post(f"{location}/cancel", headers=headers, json={}),
            await client.get(f"{JOBS}/nonsense", headers=headers),
        ):
            assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert (await client.get(JOBS, headers=stranger)).json()["data"] == []
    assert (await client.get(location, headers=admin)).status_code == 200
    assert created.json()["id"] in [job["id"] for job in (await client.get(JOBS, headers=admin)).json()["data"]]


async def test_a_key_that_may_not_write_creates_no_jobs(client: httpx.AsyncClient, database: Database) -> None:
    viewer = await staff_key(database, Role.VIEWER)
    body = {"tickets": ["INC000000000001"], "action": TAGGING}
    assert (await client.post(BULK, json=body)).status_code == 401
    assert (await client.post(BULK, headers=viewer, json=body)).json()["code"] == "scope-missing"
    assert (await client.post(IMPORTS, headers=viewer | NDJSON, content=b"{}")).json()["code"] == "scope-missing"


async def test_a_file_from_another_system_is_imported(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, admin: Headers
) -> None:
    content = line(tenant, external={"system": "old", "id": "1"}) + b"nonsense\n" + line(tenant, company="nobody")
    outcomes = []
    for query in ("?dry_run=true", "", ""):
        created = await client.post(IMPORTS + query, headers=admin | NDJSON, content=content)
        assert (created.json()["kind"], created.json()["format"], created.json()["total"]) == ("import", "ndjson", 3)
        job = await finished(client, database, created, admin)
        results = await items(client, job, admin)
        outcomes.append((results[0]["outcome"], results[0]["ticket"] is None))
        assert [item["code"] for item in results] == [None, "invalid-input", "not-found"]
        assert results[1]["detail"].startswith("line is no JSON")
    assert outcomes == [("done", True), ("done", False), ("unchanged", False)]
    ticket = (await client.get(f"/api/v1/tickets/{results[0]['ticket']}", headers=tenant.headers)).json()
    assert (ticket["created_at"], ticket["external_ids"], ticket["channel"]) == (
        "2025-01-31T10:00:00Z", {"old": "1"}, "System",
    )  # fmt: skip


async def test_a_csv_file_is_imported(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, admin: Headers
) -> None:
    heading = "company,title,description,issue_type,service_id,service_type,contact_name,contact_email,created_at"
    row = f"{tenant.company.code},T,D,Others,SVC-9,Port,Ada,ada@example.com,2025-01-31T10:00:00Z"
    created = await client.post(
        IMPORTS, headers=admin | {"Content-Type": "text/csv; charset=UTF-8"}, content=f"{heading}\r\n{row}\r\n"
    )
    [item] = await items(client, await finished(client, database, created, admin), admin)
    assert item["detail"].startswith("service_id must be one of")


async def test_an_import_is_retried_safely(client: httpx.AsyncClient, tenant: Tenant, admin: Headers) -> None:
    headers = admin | NDJSON | {"Idempotency-Key": uuid4().hex}
    first = await client.post(IMPORTS, headers=headers, content=line(tenant))
    again = await client.post(IMPORTS, headers=headers, content=line(tenant))
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    other = await client.post(IMPORTS, headers=headers, content=line(tenant, title="other"))
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({"Content-Type": "application/json"}, b"{}", 415),
        ({}, b"{}", 415),
        ({"Content-Type": "text/csv; charset=latin-1"}, b"", 415),
        (NDJSON, b"", 422),
        (NDJSON, b" " * (10 * 1024 * 1024 + 1), 413),
        ({"Content-Type": "text/csv"}, b"colour\nred\n", 422),
    ],
)
async def test_an_invalid_file_is_refused(
    client: httpx.AsyncClient, admin: Headers, headers: Headers, content: bytes, status: int
) -> None:
    answer = await client.post(IMPORTS, headers=admin | headers, content=content)
    assert answer.status_code == status
    if status == 422:
        assert wrong(answer) == ["/file"]


async def test_only_admins_of_the_provider_import(client: httpx.AsyncClient, tenant: Tenant, agent: Headers) -> None:
    for headers in (tenant.headers, agent):
        answer = await client.post(IMPORTS, headers=headers | NDJSON, content=line(tenant))
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
