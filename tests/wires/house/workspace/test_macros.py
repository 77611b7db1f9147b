from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.queues import usecases as queues
from clearline.tickets.domain import ticket_number
from tests.builders.people import NOW, Tenant, staff_key
from tests.builders.tickets import raised

MACROS = "/api/v1/macros"
Headers = dict[str, str]


@pytest.fixture
async def ticket(database: Database, tenant: Tenant) -> str:
    async with database.transaction() as tx:
        return f"/api/v1/tickets/{ticket_number(await raised(tx, tenant))}"


async def add_macro(client: httpx.AsyncClient, admin: Headers, **members: Any) -> httpx.Response:
    body = {"name": f"Macro {uuid4().hex[:8]}", "text": "Hello {{contact.name}}", **members}
    return await client.post(MACROS, json=body, headers=admin)


async def test_a_macro_is_created_read_changed_and_deleted(
    client: httpx.AsyncClient, database: Database, admin: Headers, agent: Headers
) -> None:
    async with database.transaction() as tx:
        queue = (await queues.add_queue(tx, OPERATOR, name=f"Queue {uuid4().hex[:8]}", now=NOW)).queue
    body = {
        "name": f"Macro {uuid4().hex[:8]}",
        "text": "Hello",
        "visibility": "internal",
        "status": "pending",
        "queue_id": str(queue.id),
        "priority": "high",
        "add_tags": ["fibre"],
    }
    created = await client.post(MACROS, json=body, headers=admin)
    assert created.status_code == 201, created.text
    without: dict[str, Any] = {"sub_status": None, "waiting": None, "closure": None, "fields": {}, "reminder": None}
    assert created.json() == {"id": created.json()["id"], **body, **without}
    address = created.headers["location"]
    assert address == f"{MACROS}/{created.json()['id']}"
    read = await client.get(address, headers=agent)
    assert (read.json(), read.headers["etag"]) == (created.json(), created.headers["etag"])
    patch: dict[str, Any] = {"status": None, "queue_id": None, "add_tags": []}
    for match, status in ((None, 428), ('"other"', 412), (read.headers["etag"], 200), (read.headers["etag"], 412)):
        headers = admin if match is None else {**admin, "If-Match": match}
        changed = await client.patch(address, json=patch, headers=headers)
        assert changed.status_code == status
        if status == 200:
            assert changed.json() == {**created.json(), **patch}
    for match, status in ((None, 428), ('"other"', 412), ("*", 204), ("*", 404)):
        headers = admin if match is None else {**admin, "If-Match": match}
        assert (await client.delete(address, headers=headers)).status_code == status
    assert (await client.get(address, headers=agent)).status_code == 404


async def test_a_macro_is_applied_and_previewed(
    client: httpx.AsyncClient, admin: Headers, agent: Headers, ticket: str
) -> None:
    macro = (await add_macro(client, admin, status="in_progress", priority="critical", add_tags=["fibre"])).json()
    before = (await client.get(ticket, headers=agent)).json()
    shown = await client.post(f"{ticket}/macro", json={"macro": macro["id"], "preview": True}, headers=agent)
    assert shown.status_code == 200, shown.text
    assert shown.json() == {"text": "Hello Ada Okoro", "visibility": "public", "note": None, "ticket": before}
    used = await client.post(f"{ticket}/macro", json={"macro": macro["id"]}, headers=agent)
    after = (await client.get(ticket, headers=agent)).json()
    [note] = (await client.get(f"{ticket}/notes", headers=agent)).json()["data"]
    assert used.json() == {"text": "Hello Ada Okoro", "visibility": "public", "note": note["id"], "ticket": after}
    assert (after["status"], after["priority"], after["tags"]) == ("in_progress", "critical", ["fibre"])
    assert (note["text"], note["source"], note["channel"]) == ("Hello Ada Okoro", "seller", "API")


async def test_a_macro_sets_a_reminder(client: httpx.AsyncClient, admin: Headers, agent: Headers, ticket: str) -> None:
    reminder = {"wait": "2d", "reason": "Ask the carrier", "cancelled_by_answer": True}
    created = await add_macro(client, admin, text="", reminder=reminder)
    assert created.json()["reminder"] == reminder
    use = {"macro": created.json()["id"]}
    used = await client.post(f"{ticket}/macro", json=use, headers=agent)
    assert used.status_code == 200, used.text
    set_ = used.json()["ticket"]["reminder"]
    assert (set_["reason"], set_["cancelled_by_answer"]) == ("Ask the carrier", True)
    assert datetime.fromisoformat(set_["at"]) - datetime.fromisoformat(set_["set_at"]) == timedelta(days=2)
    headers = {**admin, "If-Match": created.headers["etag"]}
    changed = await client.patch(created.headers["location"], json={"reminder": {"wait": "90m"}}, headers=headers)
    assert changed.json()["reminder"] == {"wait": "90m", "reason": "", "cancelled_by_answer": False}


async def test_a_refused_macro_changes_nothing(
    client: httpx.AsyncClient, admin: Headers, agent: Headers, ticket: str
) -> None:
    macro = (await add_macro(client, admin, status="closed", priority="critical")).json()
    before = (await client.get(ticket, headers=agent)).json()
    for key in ({}, {"Idempotency-Key": uuid4().hex}):
        refused = await client.post(f"{ticket}/macro", json={"macro": macro["id"]}, headers={**agent, **key})
        assert (refused.status_code, refused.json()["code"]) == (409, "illegal-transition")
    assert (await client.get(ticket, headers=agent)).json() == before
    assert (await client.get(f"{ticket}/notes", headers=agent)).json()["data"] == []


async def test_a_retry_adds_no_second_note(
    client: httpx.AsyncClient, admin: Headers, agent: Headers, ticket: str
) -> None:
    macro = (await add_macro(client, admin)).json()
    headers = {**agent, "Idempotency-Key": uuid4().hex}
    answers = [await client.post(f"{ticket}/macro", json={"macro": macro["id"]}, headers=headers) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert answers[1].headers["idempotent-replayed"] == "true"
    assert len((await client.get(f"{ticket}/notes", headers=agent)).json()["data"]) == 1


@pytest.mark.parametrize("role", [None, Role.VIEWER, Role.AGENT, Role.ADMIN])
async def test_customers_see_no_macros_agents_apply_them_and_admins_manage_them(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, admin: Headers, ticket: str, role: Role | None
) -> None:
    macro = (await add_macro(client, admin)).json()
    headers = tenant.headers if role is None else await staff_key(database, role)
    address = f"{MACROS}/{macro['id']}"
    reads = [await client.get(MACROS, headers=headers), await client.get(address, headers=headers)]
    use = await client.post(f"{ticket}/macro", json={"macro": macro["id"]}, headers=headers)
    writes = [
        await add_macro(client, headers),
        await client.patch(address, json={"text": "x"}, headers={**headers, "If-Match": "*"}),
        await client.delete(address, headers={**headers, "If-Match": "*"}),
    ]
    assert [answer.status_code for answer in reads] == ([403] * 2 if role is None else [200] * 2)
    assert use.status_code == (200 if role in {Role.AGENT, Role.ADMIN} else 403)
    assert [answer.status_code for answer in writes] == ([201, 200, 204] if role is Role.ADMIN else [403] * 3)


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"name": ""}, ["/name"]),
        ({"text": "{{ticket.secret}}"}, ["/text"]),
        ({"text": "x" * 4001}, ["/text"]),
        ({"text": ""}, ["/text"]),
        ({"status": "acknowledged"}, ["/status"]),
        ({"queue_id": "seven"}, ["/queue_id"]),
        ({"queue_id": str(uuid4())}, ["/queue_id"]),
        ({"add_tags": ["no space"]}, ["/add_tags/0"]),
        ({"reminder": {"wait": "soon"}}, ["/reminder/wait"]),
        ({"reminder": {"reason": "why"}}, ["/reminder/wait"]),
        ({"reminder": {"wait": "4h"}, "status": "resolved"}, ["/reminder"]),
        ({"visibility": None, "colour": "red"}, ["/visibility", "/colour"]),
    ],
)
async def test_invalid_members_of_a_macro_are_named_by_their_pointers(
    client: httpx.AsyncClient, admin: Headers, body: dict[str, Any], wrong: list[str]
) -> None:
    refused = await add_macro(client, admin, **body)
    assert (refused.status_code, [error["pointer"] for error in refused.json()["errors"]]) == (422, wrong)
    created = await add_macro(client, admin)
    headers = {**admin, "If-Match": "*"}
    refused = await client.patch(created.headers["location"], json=body, headers=headers)
    assert (refused.status_code, [error["pointer"] for error in refused.json()["errors"]]) == (422, wrong)


async def test_a_name_is_unique(client: httpx.AsyncClient, admin: Headers) -> None:
    first, second = await add_macro(client, admin), await add_macro(client, admin)
    name = first.json()["name"].upper()
    refused = await add_macro(client, admin, name=name)
    assert (refused.status_code, refused.json()["code"]) == (409, "already-exists")
    headers = {**admin, "If-Match": "*"}
    refused = await client.patch(second.headers["location"], json={"name": name}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "already-exists")


async def test_macros_are_listed_by_name_page_by_page(
    client: httpx.AsyncClient, admin: Headers, agent: Headers
) -> None:
    for _ in range(3):
        await add_macro(client, admin)
    names: list[str] = []
    address: str | None = f"{MACROS}?limit=2"
    while address is not None:
        page = await client.get(address, headers=agent)
        names += [macro["name"] for macro in page.json()["data"]]
        address = page.links["next"]["url"] if page.json()["has_more"] else None
    assert len(names) >= 3
    assert names == sorted(set(names), key=str.lower)
    unknown = await client.get(MACROS, params={"name": "x"}, headers=agent)
    assert (unknown.status_code, unknown.json()["code"]) == (400, "invalid-parameter")


async def test_unknown_macros_and_tickets_are_not_found(
    client: httpx.AsyncClient, admin: Headers, agent: Headers, ticket: str
) -> None:
    macro = (await add_macro(client, admin)).json()
    unknown = str(uuid4())
    answers = [
        await client.get(f"{MACROS}/{unknown}", headers=agent),
        await client.get(f"{MACROS}/seven", headers=agent),
        await client.post(f"{ticket}/macro", json={"macro": unknown}, headers=agent),
        await client.post("/api/v1/tickets/INC000999999999/macro", json={"macro": macro["id"]}, headers=agent),
    ]
    assert [answer.status_code for answer in answers] == [404] * 4
    refused = await client.post(f"{ticket}/macro", json={"macro": "seven"}, headers=agent)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/macro")
