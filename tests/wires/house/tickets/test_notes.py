import asyncio
from datetime import UTC, datetime

import httpx
import pytest

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from clearline.tickets import note_store
from clearline.tickets.domain import Status
from clearline.tickets.status_domain import OPEN
from tests.builders.console_connect import move
from tests.builders.house import TICKETS, Json, new_ticket, pointers, problem
from tests.builders.people import Tenant, staff_key


@pytest.fixture
async def notes(client: httpx.AsyncClient, tenant: Tenant) -> str:
    """Return the path of the notes of a new ticket."""
    return f"{TICKETS}/{(await new_ticket(client, tenant))['number']}/notes"


async def add(client: httpx.AsyncClient, headers: dict[str, str], notes: str, **members: object) -> Json:
    answer = await client.post(notes, headers=headers, json={"text": "No light", **members})
    assert answer.status_code == 201, answer.text
    body: Json = answer.json()
    return body


async def listed(client: httpx.AsyncClient, headers: dict[str, str], notes: str) -> list[Json]:
    answer = await client.get(notes, headers=headers)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["has_more"], body["next_cursor"]) == (False, None)
    data: list[Json] = body["data"]
    return data


async def test_a_new_note_is_returned_completely_and_can_be_read_at_its_location(
    client: httpx.AsyncClient, tenant: Tenant, notes: str
) -> None:
    text = " two\nlines \u2603 "
    created = await client.post(notes, headers=tenant.headers, json={"text": text})
    body = created.json()
    assert created.status_code == 201
    assert body == {
        "id": body["id"],
        "ticket": notes.split("/")[-2],
        "text": text,
        "visibility": "public",
        "source": "buyer",
        "channel": "API",
        "author": "Ada Okoro",
        "created_at": body["created_at"],
        "mail_id": None,
        "has_trimmed_text": False,
    }
    assert created.headers["location"] == f"{notes}/{body['id']}"
    read = await client.get(created.headers["location"], headers=tenant.headers)
    assert (read.status_code, read.content) == (200, created.content)
    assert read.headers["etag"] == created.headers["etag"]
    assert await listed(client, tenant.headers, notes) == [body]


async def test_only_staff_sees_internal_notes(
    client: httpx.AsyncClient, tenant: Tenant, agent: dict[str, str], notes: str
) -> None:
    internal = await add(client, agent, notes, visibility="internal")
    public = await add(client, agent, notes, visibility="public")
    assert (internal["visibility"], internal["source"], internal["author"]) == ("internal", "seller", "Mara agent")
    assert await listed(client, agent, notes) == [internal, public]
    assert await listed(client, tenant.headers, notes) == [public]
    assert (await client.get(f"{notes}/{internal['id']}", headers=agent)).json() == internal
    problem(await client.get(f"{notes}/{internal['id']}", headers=tenant.headers), "not-found")
    refused = await client.post(notes, headers=tenant.headers, json={"text": "x", "visibility": "internal"})
    problem(refused, "forbidden")


@pytest.mark.parametrize("which", ["WLG999999999999", "WLG1", "x", "WLG000000000000"])
async def test_an_unknown_note_is_not_found(client: httpx.AsyncClient, tenant: Tenant, notes: str, which: str) -> None:
    await add(client, tenant.headers, notes)
    problem(await client.get(f"{notes}/{which}", headers=tenant.headers), "not-found")


async def test_the_note_of_another_ticket_is_not_found(
    client: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant, notes: str
) -> None:
    own = (await new_ticket(client, tenant))["number"]
    theirs = (await new_ticket(client, other_tenant))["number"]
    note = (await add(client, tenant.headers, notes))["id"]
    problem(await client.get(f"{TICKETS}/{own}/notes/{note}", headers=tenant.headers), "not-found")
    problem(await client.get(f"{TICKETS}/{theirs}/notes/{note}", headers=other_tenant.headers), "not-found")


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ["/text"]),
        ({"text": ""}, ["/text"]),
        ({"text": " \n\u200b"}, ["/text"]),
        ({"text": "x" * 4001}, ["/text"]),
        ({"text": "\x00"}, ["/text"]),
        ({"text": 7, "visibility": "secret"}, ["/text", "/visibility"]),
        ({"text": "x", "author": "me"}, ["/author"]),
    ],
)
async def test_every_invalid_member_is_named_by_its_pointer(
    client: httpx.AsyncClient, tenant: Tenant, notes: str, body: Json, wrong: list[str]
) -> None:
    assert pointers(await client.post(notes, headers=tenant.headers, json=body)) == wrong
    assert await listed(client, tenant.headers, notes) == []


async def test_a_customers_note_sets_a_pending_ticket_in_progress(
    client: httpx.AsyncClient, tenant: Tenant, agent: dict[str, str], notes: str, database: Database
) -> None:
    await move(database, notes.split("/")[-2], Status.PENDING)
    ticket = notes.removesuffix("/notes")
    await add(client, agent, notes)
    assert (await client.get(ticket, headers=tenant.headers)).json()["status"] == "pending"
    await asyncio.gather(*(add(client, tenant.headers, notes) for _ in range(3)))
    read = (await client.get(ticket, headers=tenant.headers)).json()
    history = (await client.get(f"{ticket}/history", headers=tenant.headers)).json()["data"]
    assert (read["status"], read["version"]) == ("in_progress", 6)
    assert [event["data"]["after"] for event in history if event["type"] == "ticket.status_changed"] == [
        "pending",
        "in_progress",
    ]


async def test_a_finished_ticket_accepts_no_notes(
    client: httpx.AsyncClient, tenant: Tenant, agent: dict[str, str], notes: str, database: Database
) -> None:
    await move(database, notes.split("/")[-2], Status.REJECTED)
    for headers in (tenant.headers, agent):
        answer = await client.post(notes, headers=headers, json={"text": "late"})
        assert problem(answer, "ticket-finished")["detail"].startswith("a ticket that is rejected takes no")


async def test_a_viewer_reads_all_notes_and_cannot_add_any(
    client: httpx.AsyncClient, agent: dict[str, str], notes: str, database: Database
) -> None:
    note = await add(client, agent, notes, visibility="internal")
    viewer = await staff_key(database, Role.VIEWER)
    assert await listed(client, viewer, notes) == [note]
    problem(await client.post(notes, headers=viewer, json={"text": "x"}), "scope-missing")


async def test_adding_a_note_does_not_read_existing_notes(database: Database, tenant: Tenant) -> None:
    public, none, now = "public", None, datetime.now(UTC)
    move = (["pending"], ["in_progress"], "x", ["{}"])
    shared = (
        tenant.company.id,
        1,
        now,
        OPEN,
        "x",
        public,
        "buyer",
        "API",
        "Ada",
        none,
        "x",
        "{}",
        *move,
        none,
        none,
        1000,
    )
    async with database.transaction() as tx:
        plan = "\n".join(row[0] for row in await tx.fetch(f"explain {note_store.INSERT}", *shared, [public]))
        alone = "\n".join(row[0] for row in await tx.fetch(f"explain {note_store.INSERT_ALONE}", *shared))
    assert " on note n " in plan
    assert "Insert on note " in alone
    assert " on note n " not in alone
