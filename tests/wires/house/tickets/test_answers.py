"""An answer of the customer on any wire reopens a resolved ticket, once, unless the setting turns that off."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.tickets.domain import Status, ticket_number
from tests.builders.application import serving
from tests.builders.house import TICKETS, Headers, Json, problem
from tests.builders.people import Tenant, staff_key
from tests.builders.tickets import raised
from tests.patience import patient

WAYS = ("house note", "Console Connect note", "file", "bulk note")


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
        reopen_on_answer=request.param,
    )  # fmt: skip
    async with serving(settings) as client:
        yield client, request.param


async def answer(client: httpx.AsyncClient, way: str, number: str, headers: Headers) -> httpx.Response:
    if way == "house note":
        return await client.post(f"{TICKETS}/{number}/notes", headers=headers, json={"text": "No light"})
    if way == "Console Connect note":
        path = f"/v2/support-tickets/{number}/addNote"
        return await client.post(path, headers=headers, json={"noteText": "No light"})
    if way == "file":
        path = f"{TICKETS}/{number}/attachments?name=port.log"
        return await client.post(path, headers=headers | {"Content-Type": "text/plain"}, content=b"No light")
    body = {"tickets": [number], "action": {"type": "note", "text": "No light"}}
    return await client.post("/api/v1/bulk", headers=headers, json=body)


async def ticket(client: httpx.AsyncClient, number: str, headers: Headers) -> Json:
    body: Json = (await client.get(f"{TICKETS}/{number}", headers=headers)).json()
    return body


async def moves(client: httpx.AsyncClient, number: str, headers: Headers) -> list[tuple[str, str]]:
    history = (await client.get(f"{TICKETS}/{number}/history", headers=headers)).json()["data"]
    return [
        (event["data"]["after"], event["data"]["reason"])
        for event in history
        if event["type"] == "ticket.status_changed"
    ]


async def answered(client: httpx.AsyncClient, way: str, number: str, headers: Headers) -> None:
    """Answer a ticket twice with one idempotency key, and wait for the job of a bulk note."""
    keyed = headers | {"Idempotency-Key": str(uuid4())}
    responses = [await answer(client, way, number, keyed) for _ in range(2)]
    assert {response.status_code for response in responses} <= {200, 201, 202}, responses[0].text
    assert responses[0].content == responses[1].content
    path = f"{TICKETS}/{number}/notes"
    async with asyncio.timeout(patient(20)):
        while way == "bulk note" and not (await client.get(path, headers=headers)).json()["data"]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("way", WAYS)
async def test_an_answer_reopens_a_resolved_ticket_once(
    desk: tuple[httpx.AsyncClient, bool], database: Database, tenant: Tenant, way: str
) -> None:
    client, is_on = desk
    async with database.transaction() as tx:
        number = ticket_number(await raised(tx, tenant, status=Status.RESOLVED))
    before = await moves(client, number, tenant.headers)
    await answered(client, way, number, tenant.headers)
    after = await ticket(client, number, tenant.headers)
    assert after["status"] == ("reopened" if is_on else "resolved")
    assert (after["resolved_at"] is None) is is_on
    added = (await moves(client, number, tenant.headers))[len(before) :]
    assert added == [("reopened", "the customer answered")] * is_on


@pytest.mark.parametrize("way", WAYS)
async def test_an_answer_continues_a_pending_ticket(
    desk: tuple[httpx.AsyncClient, bool], database: Database, tenant: Tenant, way: str
) -> None:
    client, _is_on = desk
    async with database.transaction() as tx:
        number = ticket_number(await raised(tx, tenant, status=Status.PENDING))
    await answered(client, way, number, tenant.headers)
    assert (await ticket(client, number, tenant.headers))["status"] == "in_progress"


@pytest.mark.parametrize("way", ["house note", "file", "bulk note"])
async def test_what_an_agent_writes_leaves_a_ticket_resolved(
    desk: tuple[httpx.AsyncClient, bool], database: Database, tenant: Tenant, way: str
) -> None:
    client, _is_on = desk
    agent = await staff_key(database, Role.AGENT)
    async with database.transaction() as tx:
        number = ticket_number(await raised(tx, tenant, status=Status.RESOLVED))
    await answered(client, way, number, agent)
    assert (await ticket(client, number, agent))["status"] == "resolved"


@pytest.mark.parametrize("status", [Status.CLOSED, Status.CANCELLED, Status.REJECTED])
@pytest.mark.parametrize("way", ["house note", "Console Connect note", "file"])
async def test_an_answer_to_a_finished_ticket_is_refused(
    desk: tuple[httpx.AsyncClient, bool], database: Database, tenant: Tenant, way: str, status: Status
) -> None:
    client, _is_on = desk
    async with database.transaction() as tx:
        number = ticket_number(await raised(tx, tenant, status=status))
    refused = await answer(client, way, number, tenant.headers)
    if way == "Console Connect note":
        assert refused.status_code == 400
    else:
        problem(refused, "ticket-finished")
    assert (await ticket(client, number, tenant.headers))["status"] == status
