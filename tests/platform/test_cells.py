"""A company can be moved to another database: the answers from there are the same."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from clearline.events.event_types import EventType
from clearline.identity import Role
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.wires.console_connect.routes import OPERATIONS as CONSOLE_CONNECT
from clearline.wires.house.routes import OPERATIONS as HOUSE
from tests.builders.application import serving
from tests.builders.databases import copy_company, new_database
from tests.builders.house import ANY, API, MARKER, TICKETS, Owned, done, own
from tests.builders.people import staff_key
from tests.patience import patient

CHANGES_EVERY_TIME = {"x-request-id", "date"}


@asynccontextmanager
async def desk(url: str, folder: Path, *, workers: bool) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(database_url=url, data_dir=folder, rate_limit=0, access_log=False, workers=workers)
    async with serving(settings) as client:
        yield client


async def worked(client: httpx.AsyncClient, database: Database) -> Owned:
    """Return a company with one of everything, with tickets that the provider's agents have changed."""
    owned = await own(client, database, MARKER)
    admin = await staff_key(database, Role.ADMIN)
    queue = await client.post(f"{API}/queues", headers=admin, json={"name": "NOC"})
    first, second = owned.ids["tickets"], owned.ids["other"]
    for path, body in (
        (f"{first}/notes", {"text": f"{MARKER}: a splice is broken"}),
        (f"{first}/tags", {"add": ["fibre"]}),
        (f"{first}/status", {"status": "in_progress"}),
        (f"{second}/assign", {"to": "me"}),
    ):
        answer = await client.post(f"{TICKETS}/{path}", headers=admin, json=body)
        assert answer.status_code in {200, 201}, answer.text
    queued = await client.patch(f"{TICKETS}/{first}", headers=admin | ANY, json={"queue": queue.json()["id"]})
    assert queued.status_code == 200, queued.text
    async with asyncio.timeout(patient(20)):
        while await search_hits(client, owned) < 2:  # noqa: ASYNC110 - the consumer sends no signal
            await asyncio.sleep(0.05)
    return owned


async def search_hits(client: httpx.AsyncClient, owned: Owned) -> int:
    answer = await client.get(f"{API}/search?q={MARKER}", headers=owned.headers)
    return len(answer.json()["data"])


async def answers(client: httpx.AsyncClient, owned: Owned) -> dict[str, tuple[int, list[tuple[str, str]], bytes]]:
    """Return the answer of every read operation to the company."""
    paths = {operation.name: owned.path(operation) for operation in HOUSE if operation.method == "GET"}
    for operation in CONSOLE_CONNECT:
        if operation.method == "GET":
            paths[operation.name] = operation.path.replace("{id}", owned.ids["tickets"])
    paths["listSupportTickets"] += "?status=open"
    answers_by_name = {}
    for name, path in paths.items():
        answer = await client.get(path, headers=owned.headers)
        headers = [(key, value) for key, value in answer.headers.items() if key not in CHANGES_EVERY_TIME]
        body = answer.content.replace(answer.headers["x-request-id"].encode(), b"")
        answers_by_name[name] = (answer.status_code, headers, body)
    return answers_by_name


@pytest.fixture(scope="module")
async def target_url(postgres: str) -> AsyncIterator[str]:
    async with new_database(postgres) as url:
        yield url


async def test_a_copied_company_answers_in_another_database_as_it_did_before(
    database: Database, database_url: str, target_url: str, tmp_path: Path
) -> None:
    async with desk(database_url, tmp_path, workers=True) as client:
        owned = await worked(client, database)
        await own(client, database, "another")
    copied = await copy_company(database_url, target_url, owned.tenant.company.id)
    assert {table: copied[table] for table in ("company", "ticket", "attachment", "delivery")} == {
        "company": 1, "ticket": 2, "attachment": 1, "delivery": 1,
    }  # fmt: skip
    async with desk(database_url, tmp_path, workers=False) as client:
        before = await answers(client, owned)
    async with desk(target_url, tmp_path, workers=False) as client:
        after = await answers(client, owned)
    assert sum(status == 200 for status, _headers, _body in before.values()) > 25
    assert {name for name, (status, _headers, _body) in before.items() if status not in {200, 403}} == {
        "getField",
        "getForm",
    }, "the provider has not defined a field, and the path names no issue type; everybody may read them"
    assert after == before


async def test_no_transaction_is_about_two_companies_but_for_a_link(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    async with desk(database_url, tmp_path, workers=True) as client:
        own_company, foreign = await own(client, database, "mine"), await own(client, database, "theirs")
        admin = await staff_key(database, Role.ADMIN)
        link = {"type": "causes", "ticket": foreign.ids["tickets"]}
        linked = await client.post(f"{TICKETS}/{own_company.ids['tickets']}/links", headers=admin, json=link)
        assert linked.status_code == 201, linked.text
        action = {"type": "note", "text": "A cut of a shared cable"}
        tickets = [own_company.ids["other"], foreign.ids["other"]]
        job = await client.post(f"{API}/bulk", headers=admin, json={"tickets": tickets, "action": action})
        await done(client, admin, job.json())
    async with database.statement() as tx:
        several = await tx.fetch(
            "select array_agg(distinct type) from event group by xid having count(distinct company_id) > 1"
        )
        assert await tx.fetchval("select count(*) from note where text = 'A cut of a shared cable'") == 2
    assert [tuple(row[0]) for row in several] == [(EventType.TICKET_LINKED,)]
