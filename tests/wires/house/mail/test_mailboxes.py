from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.queues import usecases as queues
from clearline.settings.settings import Settings
from tests.builders.application import serving
from tests.builders.house import pointers, problem
from tests.builders.people import NOW, Tenant

MAILBOXES = "/api/v1/mailboxes"
PASSWORD = "never shown again"
Headers = dict[str, str]
IMAP = {"host": "127.0.0.1", "user": "support", "password": PASSWORD, "port": 1}


@pytest.fixture(scope="module")
async def client(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    networks = ("127.0.0.0/8",)
    settings = Settings(database_url=database_url, rate_limit=0, access_log=False, imap_networks=networks)
    async with serving(settings) as opened:
        yield opened


async def add_mailbox(client: httpx.AsyncClient, admin: Headers, **members: Any) -> httpx.Response:
    body = {"address": f"{uuid4().hex[:8]}@example.net", **members}
    return await client.post(MAILBOXES, json=body, headers=admin)


async def test_a_mailbox_is_created_read_changed_and_deleted(
    client: httpx.AsyncClient, database: Database, admin: Headers, agent: Headers
) -> None:
    async with database.transaction() as tx:
        queue = (await queues.add_queue(tx, OPERATOR, name=f"Queue {uuid4().hex[:8]}", now=NOW)).queue
    answer = await add_mailbox(
        client, admin, address="NOC@Example.net", name="The NOC", queue_id=str(queue.id), imap=IMAP,
        form_addresses=["Form@www.example.net", "form@www.example.net"],
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    mailbox = answer.json()
    imap = {"host": "127.0.0.1", "port": 1, "tls": True, "user": "support", "folder": "INBOX"}
    assert mailbox == {
        "id": mailbox["id"],
        "address": "noc@example.net",
        "name": "The NOC",
        "queue_id": str(queue.id),
        "is_active": True,
        "imap": imap,
        "form_addresses": ["form@www.example.net"],
        "created_at": mailbox["created_at"],
    }
    address = answer.headers["location"]
    assert address == f"{MAILBOXES}/{mailbox['id']}"
    read = await client.get(address, headers=agent)
    assert (read.json(), read.headers["etag"]) == (mailbox, answer.headers["etag"])
    listed = (await client.get(MAILBOXES, headers=agent)).json()["data"]
    assert {**mailbox, "polled_at": None, "last_error": None} in listed
    patch = {"imap": {"folder": "Tickets"}, "is_active": False, "queue_id": None}
    for match, status in ((None, 428), ('"other"', 412), (read.headers["etag"], 200), (read.headers["etag"], 412)):
        headers = admin if match is None else {**admin, "If-Match": match}
        changed = await client.patch(address, json=patch, headers=headers)
        assert changed.status_code == status, changed.text
        if status == 200:
            expected = {**mailbox, "queue_id": None, "is_active": False, "imap": {**imap, "folder": "Tickets"}}
            assert changed.json() == expected
    patch = {"imap": None, "form_addresses": []}
    changed_imap = await client.patch(address, json=patch, headers={**admin, "If-Match": "*"})
    assert (changed_imap.json()["imap"], changed_imap.json()["form_addresses"]) == (None, [])
    audit = (await client.get("/api/v1/audit?type=mailbox.changed", headers=admin)).json()["data"]
    changes = [change for event in audit if event["data"]["id"] == mailbox["id"] for change in event["data"]["changes"]]
    assert {"field": "form_addresses", "before": ["form@www.example.net"], "after": []} in changes
    assert (await client.delete(address, headers={**admin, "If-Match": "*"})).status_code == 204
    assert (await client.get(address, headers=agent)).status_code == 404


async def test_a_password_is_never_in_a_response(client: httpx.AsyncClient, database: Database, admin: Headers) -> None:
    answer = await add_mailbox(client, admin, imap=IMAP)
    address = answer.headers["location"]
    patched = await client.patch(
        address, json={"imap": {"password": PASSWORD + "!"}}, headers={**admin, "If-Match": "*"}
    )
    assert patched.status_code == 200, patched.text
    responses = answer.text + patched.text + (await client.get(MAILBOXES, headers=admin)).text
    audit = (await client.get("/api/v1/audit?type=mailbox.", headers=admin)).json()["data"]
    assert PASSWORD not in responses + str(audit)
    changes = [event["data"]["changes"] for event in audit if event["data"]["id"] == answer.json()["id"]]
    assert {"field": "imap_password", "before": None, "after": None} in changes[0]
    async with database.transaction() as tx:
        sealed = await tx.fetchval("select imap_secret from mailbox where id = $1::uuid", answer.json()["id"])
    assert PASSWORD.encode() not in sealed


async def test_a_password_is_sent_to_no_other_server(client: httpx.AsyncClient, admin: Headers) -> None:
    address = (await add_mailbox(client, admin, imap=IMAP)).headers["location"]
    for imap in ({"host": "imap.example.org"}, {"port": 2}, {"user": "other"}, {"tls": False}):
        answer = await client.patch(address, json={"imap": imap}, headers={**admin, "If-Match": "*"})
        assert pointers(answer) == ["/imap/password"], imap
    both = {"host": "imap.example.org", "password": "another"}
    answer = await client.patch(address, json={"imap": both}, headers={**admin, "If-Match": "*"})
    assert answer.json()["imap"]["host"] == "imap.example.org"


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"address": "support+x@example.net"}, ["/address"]),
        ({"address": "nonsense"}, ["/address"]),
        ({"queue_id": str(uuid4())}, ["/queue_id"]),
        ({"form_addresses": ["form@example.net", "nonsense"]}, ["/form_addresses/1"]),
        ({"form_addresses": [f"form-{number}@example.net" for number in range(21)]}, ["/form_addresses"]),
        ({"imap": {"host": "a b", "user": "x", "password": "y"}}, ["/imap/host"]),
        ({"imap": {"host": "a", "user": "x"}}, ["/imap/password"]),
    ],
)
async def test_invalid_values_are_refused(
    client: httpx.AsyncClient, admin: Headers, body: dict[str, Any], wrong: list[str]
) -> None:
    assert pointers(await add_mailbox(client, admin, **body)) == wrong


async def test_an_address_belongs_to_one_mailbox(client: httpx.AsyncClient, admin: Headers) -> None:
    address = (await add_mailbox(client, admin)).json()["address"]
    problem(await add_mailbox(client, admin, address=address.upper()), "already-exists")


async def test_the_check_reports_a_mailbox_that_does_not_answer(
    client: httpx.AsyncClient, admin: Headers, database_url: str
) -> None:
    address = (await add_mailbox(client, admin, imap=IMAP)).headers["location"]
    answer = await client.post(f"{address}/check", json={}, headers=admin)
    assert answer.json() == {"works": False, "error": "cannot reach the server: Connection refused", "unseen": None}
    async with serving(Settings(database_url=database_url)) as strict:
        refused = await strict.post(f"{address}/check", json={}, headers=admin)
    error = "127.0.0.1 is not a public address: add its network to CLEARLINE_IMAP_NETWORKS"
    assert refused.json() == {"works": False, "error": error, "unseen": None}
    bare = (await add_mailbox(client, admin)).headers["location"]
    assert pointers(await client.post(f"{bare}/check", json={}, headers=admin)) == ["/imap/host"]


@pytest.mark.parametrize(
    ("host", "error"),
    [
        ("127.0.0.1", "127.0.0.1 is not a public address"),
        ("10.0.0.1", "10.0.0.1 is not a public address"),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.1 is not a public address"),
        ("::1", "::1 is not a public address"),
        ("169.254.169.254", "169.254.169.254 is not a public address"),
        ("0x7f.1", "0x7f.1 is 127.0.0.1, which is not a public address"),
        ("localhost", "localhost is "),
    ],
)
async def test_a_host_that_the_poll_would_refuse_is_refused_at_once(
    client: httpx.AsyncClient, admin: Headers, agent: Headers, database_url: str, host: str, error: str
) -> None:
    unpolled, polled = [(await add_mailbox(client, admin, **kind)).headers["location"] for kind in ({}, {"imap": IMAP})]
    imap = {**IMAP, "host": host}
    async with serving(Settings(database_url=database_url)) as strict:
        refused = [await add_mailbox(strict, admin, imap=imap)]
        for address in (unpolled, polled):
            headers = {**admin, "If-Match": "*"}
            refused.append(await strict.patch(address, json={"imap": imap}, headers=headers))
        kept = await strict.patch(polled, json={"imap": {"folder": "Tickets"}}, headers={**admin, "If-Match": "*"})
        assert (await add_mailbox(strict, agent, imap=imap)).status_code == 403
    for answer in refused:
        assert pointers(answer) == ["/imap/host"]
        assert error in answer.text
        assert "add its network to CLEARLINE_IMAP_NETWORKS" in answer.text
    assert kept.json()["imap"]["folder"] == "Tickets"


async def test_only_admins_manage_mailboxes(
    client: httpx.AsyncClient, admin: Headers, agent: Headers, tenant: Tenant
) -> None:
    address = (await add_mailbox(client, admin, imap=IMAP)).headers["location"]
    for headers in (agent, tenant.headers):
        assert (await add_mailbox(client, headers)).status_code == 403
        assert (await client.post(f"{address}/check", json={}, headers=headers)).status_code == 403
        assert (await client.delete(address, headers={**headers, "If-Match": "*"})).status_code == 403
    assert (await client.get(MAILBOXES, headers=tenant.headers)).status_code == 403
