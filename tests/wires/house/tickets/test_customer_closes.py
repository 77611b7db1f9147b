"""Who changes the status to what: a customer closes a ticket unless the setting turns that off."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.tickets.domain import Status, ticket_number
from tests.builders.application import serving
from tests.builders.console_connect import move
from tests.builders.house import TICKETS, new_ticket, problem
from tests.builders.people import Tenant, staff_key
from tests.builders.tickets import raised
from tests.patience import patient

REASON = "Our router was off"


@pytest.fixture(scope="module")
async def viewer(database: Database) -> dict[str, str]:
    return await staff_key(database, Role.VIEWER)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("desk"))


@pytest.fixture(scope="module", params=[True, False], ids=["on", "off"])
async def desk(
    request: pytest.FixtureRequest, database_url: str, folder: str
) -> AsyncIterator[tuple[httpx.AsyncClient, bool]]:
    """Yield a client of a server with the setting on, then with the setting off."""
    settings = Settings(
        database_url=database_url, attachments=folder, rate_limit=0, access_log=False, close_resolved_hours=0,
        customers_close=request.param,
    )  # fmt: skip
    async with serving(settings) as client:
        yield client, request.param


async def test_the_house_api_closes_it_with_one_honest_event(
    desk: tuple[httpx.AsyncClient, bool], database: Database, tenant: Tenant
) -> None:
    client, may_close = desk
    async with database.transaction() as tx:
        number = ticket_number(await raised(tx, tenant))
    path = f"{TICKETS}/{number}"
    answer = await client.post(f"{path}/status", headers=tenant.headers, json={"status": "closed", "reason": REASON})
    history = (await client.get(f"{path}/history", headers=tenant.headers)).json()["data"]
    shown = (await client.get(f"/v2/support-tickets/{number}", headers=tenant.headers)).json()
    if may_close:
        assert (answer.status_code, answer.json()["status"]) == (200, "closed")
        assert answer.json()["resolved_at"] == answer.json()["status_changed_at"]
        moves = [event["data"] for event in history if event["type"] == "ticket.status_changed"]
        assert moves == [{"before": "acknowledged", "after": "closed", "reason": REASON}]
        assert shown["status"] == "Closed"
    else:
        problem(answer, "forbidden")
        assert len(history) == 1
        assert shown["status"] == "Acknowledged"


async def test_a_bulk_job_of_the_customer_closes_what_a_request_may(
    desk: tuple[httpx.AsyncClient, bool], database: Database, tenant: Tenant
) -> None:
    client, may_close = desk
    async with database.transaction() as tx:
        number = ticket_number(await raised(tx, tenant))
    body = {"tickets": [number], "action": {"type": "status", "to": "closed", "reason": REASON}}
    job = (await client.post("/api/v1/bulk", headers=tenant.headers, json=body)).json()
    async with asyncio.timeout(patient(20)):
        while job["state"] != "done":
            await asyncio.sleep(0.05)
            job = (await client.get(f"/api/v1/jobs/{job['id']}", headers=tenant.headers)).json()
    [item] = (await client.get(f"/api/v1/jobs/{job['id']}/items", headers=tenant.headers)).json()["data"]
    assert (item["outcome"], item["code"]) == (("done", None) if may_close else ("refused", "forbidden"))


MOVES = [
    ("customer", (), "cancellation_requested", "", None),
    ("customer", (), "in_progress", "", "forbidden"),
    ("customer", (), "closed", "our router was off", None),
    ("customer", (Status.IN_PROGRESS,), "closed", "our router was off", None),
    ("customer", (), "closed", " ", "invalid-input"),
    ("customer", (Status.PENDING,), "closed", "our router was off", "illegal-transition"),
    ("customer", (Status.IN_PROGRESS, Status.RESOLVED), "reopened", "no light", None),
    ("customer", (Status.IN_PROGRESS, Status.RESOLVED), "reopened", " ", "invalid-input"),
    ("customer", (Status.IN_PROGRESS, Status.RESOLVED), "closed", "", None),
    ("agent", (), "in_progress", "", None),
    ("agent", (), "acknowledged", "", "illegal-transition"),
    ("agent", (), "closed", "our router was off", "illegal-transition"),
    ("agent", (), "resolved", "", None),
    ("agent", (Status.HELD,), "resolved", "", None),
    ("agent", (Status.REJECTED,), "in_progress", "", "illegal-transition"),
    ("viewer", (), "in_progress", "", "scope-missing"),
]


@pytest.mark.parametrize(("role", "path_of_statuses", "to", "reason", "refusal"), MOVES)
async def test_a_status_change_returns_the_ticket_or_is_refused(
    client: httpx.AsyncClient,
    tenant: Tenant,
    agent: dict[str, str],
    viewer: dict[str, str],
    database: Database,
    role: str,
    path_of_statuses: tuple[Status, ...],
    to: str,
    reason: str,
    refusal: str | None,
) -> None:
    headers = {"agent": agent, "customer": tenant.headers, "viewer": viewer}[role]
    path = f"{TICKETS}/{(await new_ticket(client, tenant))['number']}"
    await move(database, path.rpartition("/")[2], *path_of_statuses)
    before = await client.get(path, headers=headers)
    answer = await client.post(f"{path}/status", headers=headers, json={"status": to, "reason": reason})
    after = await client.get(path, headers=headers)
    if refusal is None:
        assert (answer.status_code, answer.content) == (200, after.content)
        assert after.json()["status"] == to
    else:
        problem(answer, refusal)
        assert after.content == before.content
