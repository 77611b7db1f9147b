"""Outbound mail in the house API, for staff and for admins."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import MailSettings, NewMail
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.tickets.domain import ticket_number
from tests.builders.application import serving
from tests.builders.house import pointers, problem
from tests.builders.people import NOW, Tenant
from tests.builders.tickets import raised

MAILS, SUPPRESSIONS = "/api/v1/outbound-mails", "/api/v1/mail-suppressions"
SETTINGS = MailSettings("Support <support@example.net>", b"secret", "https://desk.example.net", enabled=True)
Headers = dict[str, str]


@pytest.fixture
async def ticket(database: Database, tenant: Tenant) -> int:
    async with database.transaction() as tx:
        return await raised(tx, tenant)


async def write(database: Database, tenant: Tenant, ticket: int, *, later: int = 0, **values: Any) -> UUID:
    usual: dict[str, Any] = {
        "recipient": f"{uuid4().hex}@example.com", "subject": "Störung", "text": "Grüße\n", "html": "<p>Grüße</p>\n",
        "kind": "notification", "company_id": tenant.company.id, "ticket_number": ticket,
    }  # fmt: skip
    async with database.transaction() as tx:
        at = NOW + timedelta(seconds=later)
        mail_id = await outbound_mail.enqueue(tx, NewMail(**(usual | values)), now=at, settings=SETTINGS)
    assert mail_id is not None
    return mail_id


async def test_a_mail_is_shown_as_it_is_sent(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, agent: Headers, ticket: int
) -> None:
    mail_id = await write(database, tenant, ticket, recipient="ada@example.com")
    number = ticket_number(ticket)
    response = await client.get(MAILS, params={"ticket": number}, headers=agent)
    assert response.status_code == 200, response.text
    [listed] = response.json()["data"]
    message_id = f"<{mail_id.hex}.{number}@example.net>"
    assert listed == {
        "id": str(mail_id),
        "state": "waiting",
        "kind": "notification",
        "recipient": "ada@example.com",
        "subject": f"[{number}] Störung",
        "ticket": number,
        "message_id": message_id,
        "attempts": 0,
        "due_at": "2026-03-01T12:00:00.123000Z",
        "last_error": None,
        "created_at": "2026-03-01T12:00:00.123000Z",
        "finished_at": None,
    }
    mail = (await client.get(f"{MAILS}/{mail_id}", headers=agent)).json()
    headers = {header["name"]: header["value"] for header in mail["headers"]}
    assert headers["Message-ID"] == message_id
    assert headers["Subject"] == f"[{number}] Störung"
    assert headers["To"] == "ada@example.com"
    assert mail == {**listed, "headers": mail["headers"], "text": "Grüße\n", "html": "<p>Grüße</p>\n"}


async def test_the_list_is_filtered_and_paged(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, agent: Headers, ticket: int
) -> None:
    ids = [str(await write(database, tenant, ticket, later=later)) for later in range(3)]
    dead = str(await write(database, tenant, ticket, later=3, recipient="a,b@example.com"))
    at = f"{MAILS}?limit=2&ticket={ticket_number(ticket)}"
    first = (await client.get(at, headers=agent)).json()
    second = (await client.get(f"{at}&cursor={first['next_cursor']}", headers=agent)).json()
    assert [mail["id"] for mail in first["data"] + second["data"]] == [dead, *ids[::-1]]
    assert (first["has_more"], second["has_more"]) == (True, False)
    shown = (await client.get(f"{at}&state=dead", headers=agent)).json()
    assert [mail["id"] for mail in shown["data"]] == [dead]
    assert dead in [
        mail["id"] for mail in (await client.get(f"{MAILS}?state=dead&limit=200", headers=agent)).json()["data"]
    ]
    answer = await client.get(f"{MAILS}?ticket=INC999999999999", headers=agent)
    assert pointers(answer, "invalid-parameter") == ["ticket"]
    problem(await client.get(f"{MAILS}?state=lost", headers=agent), "invalid-parameter")
    problem(await client.get(f"{MAILS}?ticket=42", headers=agent), "invalid-parameter")
    problem(await client.get(f"{MAILS}/{uuid4()}", headers=agent), "not-found")


async def test_an_admin_retries_a_dead_mail(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, admin: Headers, agent: Headers, ticket: int
) -> None:
    mail_id = await write(database, tenant, ticket)
    async with database.transaction() as tx:
        await tx.write(
            "update outbound_mail set state = 'dead', attempts = 3, last_error = '550 no' where id = $1", mail_id
        )
    at = f"{MAILS}/{mail_id}/retry"
    problem(await client.post(at, json={}, headers=agent), "scope-missing")
    again = await client.post(at, json={}, headers=admin)
    assert again.status_code == 200, again.text
    body = again.json()
    assert (body["state"], body["attempts"], body["last_error"]) == ("waiting", 0, "550 no")
    async with database.transaction() as tx:
        await tx.write("update outbound_mail set state = 'sent' where id = $1", mail_id)
    assert "sent already" in problem(await client.post(at, json={}, headers=admin), "conflict")["detail"]
    problem(await client.post(f"{MAILS}/{uuid4()}/retry", json={}, headers=admin), "not-found")


async def test_a_suppression_is_created_read_listed_and_deleted(
    client: httpx.AsyncClient, admin: Headers, agent: Headers
) -> None:
    address = f"Ada+{uuid4().hex}@Example.com"
    body = {"address": address, "detail": "asked for it"}
    problem(await client.post(SUPPRESSIONS, json=body, headers=agent), "scope-missing")
    created = await client.post(SUPPRESSIONS, json=body, headers=admin)
    assert created.status_code == 201, created.text
    suppression = created.json()
    assert suppression == {
        "address": address.lower(),
        "reason": "manual",
        "detail": "asked for it",
        "created_at": suppression["created_at"],
    }
    at = created.headers["location"]
    read = await client.get(at, headers=agent)
    assert (read.json(), read.headers["etag"]) == (suppression, created.headers["etag"])
    listed = (await client.get(f"{SUPPRESSIONS}?limit=200", headers=agent)).json()["data"]
    assert suppression in listed
    assert [suppression["address"] for suppression in listed] == sorted(
        suppression["address"] for suppression in listed
    )
    problem(await client.post(SUPPRESSIONS, json=body, headers=admin), "already-exists")
    for match, status in ((None, 428), ('"other"', 412), (read.headers["etag"], 204), ("*", 404)):
        headers = admin if match is None else {**admin, "If-Match": match}
        assert (await client.delete(at, headers=headers)).status_code == status
    problem(await client.get(at, headers=agent), "not-found")


@pytest.mark.parametrize("address", ["ada", "a,b@example.com", "x@y>z"])
async def test_an_invalid_address_is_not_suppressed(client: httpx.AsyncClient, admin: Headers, address: str) -> None:
    refused = await client.post(SUPPRESSIONS, json={"address": address}, headers=admin)
    assert [error["pointer"] for error in problem(refused, "invalid-input")["errors"]] == ["/address"]


async def test_customers_may_not_read_outbound_mail(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, ticket: int
) -> None:
    mail_id = await write(database, tenant, ticket)
    for path in (MAILS, f"{MAILS}/{mail_id}", SUPPRESSIONS, f"{SUPPRESSIONS}/ada@example.com"):
        assert (await client.get(path, headers=tenant.headers)).status_code == 403


async def test_without_a_mail_server_no_test_message_is_sent(client: httpx.AsyncClient, admin: Headers) -> None:
    refused = await client.post(f"{MAILS}/test", json={"recipient": "ada@example.com"}, headers=admin)
    assert "CLEARLINE_SMTP" in problem(refused, "conflict")["detail"]


@pytest.fixture(scope="module")
async def mailing(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of an application that has a mail server, but no worker that sends."""
    settings = Settings(
        database_url=database_url, rate_limit=0, access_log=False, workers=False, smtp="smtp://127.0.0.1:9",
        mail_from="Desk <desk@example.net>",
    )  # fmt: skip
    async with serving(settings) as opened:
        yield opened


async def test_an_admin_sends_a_test_message(mailing: httpx.AsyncClient, admin: Headers, agent: Headers) -> None:
    body = {"recipient": "ada@example.com"}
    problem(await mailing.post(f"{MAILS}/test", json=body, headers=agent), "scope-missing")
    created = await mailing.post(f"{MAILS}/test", json=body, headers=admin)
    assert created.status_code == 200, created.text
    body = created.json()
    assert (body["kind"], body["state"], body["recipient"], body["ticket"]) == (
        "test",
        "waiting",
        "ada@example.com",
        None,
    )
    mail = (await mailing.get(f"{MAILS}/{body['id']}", headers=agent)).json()
    assert "This is a test message" in mail["text"]
    assert mail["html"] is None
    assert {"name": "From", "value": "Desk <desk@example.net>"} in mail["headers"]
    refused = await mailing.post(f"{MAILS}/test", json={"recipient": "a,b@example.com"}, headers=admin)
    problem(refused, "invalid-input")
