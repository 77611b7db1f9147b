"""The priority matrix over HTTP: read, replace, preview, apply."""

from collections.abc import AsyncIterator

import httpx
import pytest

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from tests.builders.catalogue.matrix import new_tier, without_matrix
from tests.builders.house import ANY, Json, new_ticket, order, pointers, problem
from tests.builders.people import Staff, Tenant, new_staff, new_tenant

MATRIX = "/api/v1/priority-matrix"
PREVIEW = f"{MATRIX}/preview"


@pytest.fixture
async def admin(database: Database) -> AsyncIterator[Staff]:
    """Yield an admin; the matrix ends with the test."""
    yield await new_staff(database, Role.ADMIN, "Ada Lund")
    await without_matrix(database)


def cell(impact: str, /, **members: object) -> Json:
    return {"tier": None, "impact": impact, "urgency": None, "priority": None, "severity": None} | members


async def test_a_matrix_is_replaced_as_a_whole_and_only_from_the_one_that_was_read(
    client: httpx.AsyncClient, database: Database, admin: Staff
) -> None:
    async with database.transaction() as tx:
        tier = await new_tier(tx)
    read = await client.get(MATRIX, headers=admin.headers)
    assert (read.status_code, read.json()) == (200, {"cells": []})
    cells = [
        cell("degraded", priority="low"),
        cell("down", urgency="critical", priority="critical", severity="extensive"),
        cell("down", urgency="critical", tier=tier, severity="significant"),
    ]
    shuffled = {"cells": [{key: value for key, value in each.items() if value} for each in reversed(cells)]}
    problem(await client.put(MATRIX, headers=admin.headers, json=shuffled), "precondition-required")
    if_match = admin.headers | {"If-Match": read.headers["etag"]}
    stored = await client.put(MATRIX, headers=if_match, json=shuffled)
    assert (stored.status_code, stored.json()) == (200, {"cells": cells})
    again = await client.get(MATRIX, headers=admin.headers)
    assert (again.json(), again.headers["etag"]) == (stored.json(), stored.headers["etag"])
    problem(await client.put(MATRIX, headers=if_match, json={"cells": []}), "precondition-failed")
    emptied = await client.put(MATRIX, headers=admin.headers | ANY, json={"cells": []})
    assert emptied.json() == {"cells": []}


async def test_each_wrong_cell_is_named(client: httpx.AsyncClient, admin: Staff) -> None:
    cells = [
        cell("down", priority="high"), cell("down"), cell("down", tier="nothing", priority="low"),
        cell("down", priority="low"),
    ]  # fmt: skip
    for method, path in (("PUT", MATRIX), ("POST", PREVIEW)):
        answer = await client.request(method, path, headers=admin.headers | ANY, json={"cells": cells})
        assert pointers(answer) == ["/cells/1/priority", "/cells/1", "/cells/2/tier", "/cells/3"]
        answer = await client.request(method, path, headers=admin.headers | ANY, json={"cells": [cell("broken")]})
        assert pointers(answer) == ["/cells/0/impact"]


async def test_a_preview_says_which_tickets_would_change_and_a_job_changes_them(
    client: httpx.AsyncClient, database: Database, admin: Staff
) -> None:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        tier = await new_tier(tx, tenant.company.id)
    high = {"asked": {"priority": "low"}}
    tickets = [await new_ticket(client, tenant, **high) for _ in range(2)]
    await new_ticket(client, tenant)
    body = {"cells": [cell("down", tier=tier, urgency="low", priority="medium", severity="extensive")]}
    answer = await client.post(PREVIEW, headers=admin.headers, json=body | {"limit": 1})
    company = {"id": str(tenant.company.id), "name": tenant.company.name, "code": tenant.company.code}
    assert answer.json() == {
        "count": 2,
        "has_more": True,
        "tickets": [
            {
                "ticket": tickets[0]["number"], "title": "Port down", "company": company, "tier": tier,
                "impact": "down", "urgency": "low", "priority": "critical", "severity": "extensive",
                "new_priority": "medium", "new_severity": "extensive",
            }
        ],
    }  # fmt: skip
    rest = await client.post(PREVIEW, headers=admin.headers, json=body | {"after": tickets[0]["number"]})
    assert [each["ticket"] for each in rest.json()["tickets"]] == [tickets[1]["number"]]
    await client.put(MATRIX, headers=admin.headers | ANY, json=body)
    stored = await client.post(PREVIEW, headers=admin.headers, json={})
    numbers = [each["ticket"] for each in stored.json()["tickets"]]
    assert numbers == [ticket["number"] for ticket in tickets]
    read = await client.get(f"/api/v1/tickets/{numbers[0]}", headers=admin.headers)
    assert read.json()["priority"] == "critical"
    job = await client.post(
        "/api/v1/bulk", headers=admin.headers, json={"tickets": numbers, "action": {"type": "priority_matrix"}}
    )
    assert (job.status_code, job.json()["action"]) == (202, {"type": "priority_matrix"})


async def test_staff_state_the_assessment_of_a_ticket_that_they_raise_and_customers_do_not(
    client: httpx.AsyncClient, admin: Staff, tenant: Tenant
) -> None:
    body = order(company=tenant.company.code, priority="low", impact="intermittent", severity="minor")
    answer = await client.post("/api/v1/tickets", headers=admin.headers, json=body)
    ticket = answer.json()
    assert answer.status_code == 201
    assert (ticket["severity"], ticket["impact"], ticket["priority"]) == ("minor", "intermittent", "low")
    for name, value in (("priority", "low"), ("impact", "down"), ("severity", "minor")):
        problem(await client.post("/api/v1/tickets", headers=tenant.headers, json=order(**{name: value})), "forbidden")


async def test_customers_do_not_see_the_matrix_and_agents_do_not_change_it(
    client: httpx.AsyncClient, database: Database, admin: Staff, tenant: Tenant
) -> None:
    agent = await new_staff(database)
    assert (await client.get(MATRIX, headers=agent.headers)).json() == {"cells": []}
    body: Json = {"cells": []}
    for headers in (tenant.headers, agent.headers):
        refused = [
            await client.put(MATRIX, headers=headers | ANY, json=body),
            await client.post(PREVIEW, headers=headers, json={}),
        ]
        assert [answer.status_code for answer in refused] == [403, 403]
    assert (await client.get(MATRIX, headers=tenant.headers)).status_code == 403
    assert (await client.get(MATRIX, headers=admin.headers)).status_code == 200
