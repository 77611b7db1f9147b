"""A ticket takes as many notes as are set, however they are added."""

from collections.abc import AsyncIterator

import httpx
import pytest

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.tickets.domain import ticket_number
from tests.builders.application import run_refused, serving
from tests.builders.house import API, TICKETS, Headers, Json, done, problem
from tests.builders.people import Tenant, staff_key
from tests.builders.queues import unique_name
from tests.builders.tickets import raised

NOTE = {"text": "No light"}
FULL = "a ticket has at most {} notes: raise a new ticket and link it"


@pytest.fixture(scope="module")
async def client(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of a server on which a ticket takes one note of its customer."""
    settings = Settings(database_url=database_url, rate_limit=0, access_log=False, ticket_notes_max=1)
    async with serving(settings) as opened:
        yield opened


@pytest.fixture
async def full(client: httpx.AsyncClient, database: Database, tenant: Tenant) -> str:
    """Return the number of a ticket that takes no more notes of its customer."""
    async with database.transaction() as tx:
        number = ticket_number(await raised(tx, tenant))
    await note(client, number, tenant.headers)
    return number


async def note(client: httpx.AsyncClient, number: str, headers: Headers) -> None:
    answer = await client.post(f"{TICKETS}/{number}/notes", headers=headers, json=NOTE)
    assert answer.status_code == 201, answer.text


async def test_the_house_api_says_the_limit(
    client: httpx.AsyncClient, tenant: Tenant, agent: Headers, full: str
) -> None:
    path = f"{TICKETS}/{full}/notes"
    refused = await client.post(path, headers=tenant.headers, json=NOTE)
    assert problem(refused, "conflict", code="too-many-notes")["detail"] == FULL.format(1)
    await note(client, full, agent)
    refused = await client.post(path, headers=agent, json=NOTE)
    assert problem(refused, "conflict", code="too-many-notes")["detail"] == FULL.format(2)


async def test_console_connect_takes_no_more(client: httpx.AsyncClient, tenant: Tenant, full: str) -> None:
    path = f"/v2/support-tickets/{full}/addNote"
    refused = await client.post(path, headers=tenant.headers, json={"noteText": "No light"})
    assert (refused.status_code >= 400, FULL.format(1) in refused.text) == (True, True), refused.text


async def test_a_bulk_change_takes_no_more(client: httpx.AsyncClient, tenant: Tenant, full: str) -> None:
    body = {"tickets": [full], "action": {"type": "note", **NOTE}}
    job: Json = (await client.post(f"{API}/bulk", headers=tenant.headers, json=body)).json()
    await done(client, tenant.headers, job)
    [item] = (await client.get(f"{API}/jobs/{job['id']}/items", headers=tenant.headers)).json()["data"]
    assert (item["code"], item["detail"]) == ("too-many-notes", FULL.format(1))


async def test_a_macro_and_a_command_take_no_more(
    client: httpx.AsyncClient, database: Database, database_url: str, agent: Headers, full: str
) -> None:
    await note(client, full, agent)
    admin = await staff_key(database, Role.ADMIN)
    body = {"name": unique_name("Macro"), "text": "Hello"}
    macro = (await client.post(f"{API}/macros", headers=admin, json=body)).json()
    refused = await client.post(f"{TICKETS}/{full}/macro", headers=agent, json={"macro": macro["id"]})
    assert problem(refused, "conflict", code="too-many-notes")["detail"] == FULL.format(2)
    limit = {"CLEARLINE_TICKET_NOTES_MAX": "1"}
    for command in (("ticket", "note", full, "Hello"), ("macro", "apply", body["name"], full)):
        assert run_refused(database_url, *command, **limit) == f"refused: {FULL.format(2)}\n"
