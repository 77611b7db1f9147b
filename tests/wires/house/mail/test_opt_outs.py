"""Opt-outs in the house API and at the command line: each is in the audit, listed for staff, and can be undone."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from clearline.identity import OPERATOR
from clearline.mail.outbound import opt_out_usecases as opt_outs
from clearline.mail.outbound.opt_out_domain import DIGEST, TICKETS, WEBHOOKS, OptOut, ticket_topic, unsubscribe_link
from clearline.mail.outbound.usecases import mail_settings
from clearline.notifications import preference_usecases as preferences
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from tests.builders.application import run_json, run_refused, run_text
from tests.builders.house import UNKNOWN_ID, Headers, Json, problem, read_list
from tests.builders.people import NOW, Tenant

OPT_OUTS = "/api/v1/mail-opt-outs"


async def link_of(database: Database, opt_out: OptOut) -> str:
    """Return the path of the link that stops mail."""
    async with database.transaction() as tx:
        settings = await mail_settings(tx, Settings(public_url="https://desk.example.net"))
    link = unsubscribe_link(settings, opt_out.company_id, opt_out.recipient, opt_out.topic)
    return link.removeprefix("https://desk.example.net")


async def listed(client: httpx.AsyncClient, headers: Headers, opt_out: OptOut) -> list[Json]:
    answer = await client.get(OPT_OUTS, params={"recipient": opt_out.recipient.upper()}, headers=headers)
    assert answer.status_code == 200, answer.text
    body: list[Json] = answer.json()["data"]
    return body


async def audited(client: httpx.AsyncClient, admin: Headers, opt_out: OptOut) -> list[tuple[str, str, str, Any]]:
    """Return the type, actor, id and changes of the events about what an address stopped, oldest first."""
    events = (await client.get("/api/v1/audit?limit=200", headers=admin)).json()["data"]
    return [
        (event["type"], event["actor"], event["data"]["id"], event["data"]["changes"])
        for event in reversed(events)
        if event["type"].startswith("mail_opt_out.") and event["data"]["name"] == opt_out.recipient
    ]


@pytest.fixture
def opt_out(tenant: Tenant) -> OptOut:
    return OptOut(tenant.company.id, f"{uuid4().hex[:8]}@example.com", ticket_topic(42))


@pytest.mark.parametrize(
    ("topic", "shown", "ticket"),
    [
        (ticket_topic(42), "ticket", "INC000000000042"),
        (TICKETS, "tickets", None),
        (DIGEST, "digest", None),
        (WEBHOOKS, "webhooks", None),
    ],
)
async def test_what_a_recipient_stops_and_resumes_is_listed_and_in_the_audit(
    client: httpx.AsyncClient,
    database: Database,
    tenant: Tenant,
    agent: Headers,
    admin: Headers,
    topic: str,
    shown: str,
    ticket: str | None,
) -> None:
    opt_out = OptOut(tenant.company.id, f"{uuid4().hex[:8]}@example.com", topic)
    path = await link_of(database, opt_out)
    for _ in range(2):
        assert (await client.post(path, data={"List-Unsubscribe": "One-Click"})).status_code == 200
    [entry] = await listed(client, agent, opt_out)
    assert entry == {
        "id": entry["id"],
        "recipient": opt_out.recipient,
        "company": {"id": str(tenant.company.id), "name": tenant.company.name, "code": tenant.company.code},
        "topic": shown,
        "ticket": ticket,
        "created_at": entry["created_at"],
    }
    assert (await client.get(f"{OPT_OUTS}/{entry['id']}", headers=agent)).json() == entry
    for _ in range(2):
        assert (await client.post(f"{path}/resume")).status_code == 200
    assert await listed(client, agent, opt_out) == []
    assert await audited(client, admin, opt_out) == [
        ("mail_opt_out.created", opt_out.recipient, entry["id"],
         [{"field": "topic", "before": None, "after": ticket or shown}]),
        ("mail_opt_out.deleted", opt_out.recipient, entry["id"],
         [{"field": "topic", "before": ticket or shown, "after": None}]),
    ]  # fmt: skip


async def test_an_admin_deletes_an_opt_out(
    client: httpx.AsyncClient, database: Database, agent: Headers, admin: Headers, opt_out: OptOut
) -> None:
    async with database.transaction() as tx:
        await opt_outs.stop(tx, opt_out, now=NOW)
    [entry] = await listed(client, agent, opt_out)
    at = f"{OPT_OUTS}/{entry['id']}"
    read = await client.get(at, headers=agent)
    assert (await client.delete(at, headers=agent | {"If-Match": "*"})).status_code == 403
    for match, status in ((None, 428), ('"other"', 412), (read.headers["etag"], 204), ("*", 404)):
        headers = admin if match is None else {**admin, "If-Match": match}
        assert (await client.delete(at, headers=headers)).status_code == status
    problem(await client.get(at, headers=agent), "not-found")
    problem(await client.get(f"{OPT_OUTS}/{UNKNOWN_ID}", headers=agent), "not-found")
    async with database.transaction() as tx:
        assert not await opt_outs.is_stopped(tx, opt_out)
    [_created, deleted] = await audited(client, admin, opt_out)
    assert deleted[:2] == ("mail_opt_out.deleted", "Mara admin")


async def test_opt_outs_are_listed_newest_first_page_by_page(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, agent: Headers
) -> None:
    recipient = f"{uuid4().hex[:8]}@example.com"
    async with database.transaction() as tx:
        for number in range(1, 6):
            await opt_outs.stop(tx, OptOut(tenant.company.id, recipient, ticket_topic(number)), now=NOW)
    entries = [entry for entry in await read_list(client, OPT_OUTS, agent) if entry["recipient"] == recipient]
    assert len(entries) == 5
    keys = [(entry["created_at"], entry["id"]) for entry in entries]
    assert keys == sorted(keys, reverse=True)


async def test_customers_may_not_read_opt_outs(client: httpx.AsyncClient, tenant: Tenant) -> None:
    for path in (OPT_OUTS, f"{OPT_OUTS}/{UNKNOWN_ID}"):
        assert (await client.get(path, headers=tenant.headers)).status_code == 403


async def test_digests_that_new_preferences_resume_are_in_the_audit(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, admin: Headers
) -> None:
    opt_out = OptOut(tenant.company.id, tenant.user.email, DIGEST)
    async with database.transaction() as tx:
        await opt_outs.stop(tx, opt_out, now=NOW)
        values: dict[str, Any] = {"rules": {}}
        await preferences.change_preferences(tx, OPERATOR, tenant.company.id, tenant.user.id, values, now=NOW)
        assert not await opt_outs.is_stopped(tx, opt_out)
    kinds = [(kind, actor) for kind, actor, _id, _changes in await audited(client, admin, opt_out)]
    assert kinds == [("mail_opt_out.created", opt_out.recipient), ("mail_opt_out.deleted", "operator")]


async def test_the_operator_lists_and_resumes(database: Database, database_url: str, opt_out: OptOut) -> None:
    async with database.transaction() as tx:
        await opt_outs.stop(tx, opt_out, now=NOW)
    lines = run_text(database_url, "mail", "opt-outs", "--recipient", opt_out.recipient).splitlines()
    assert len(lines) == 2
    assert "INC000000000042" in lines[1]
    [entry] = run_json(database_url, "mail", "opt-outs", "--recipient", opt_out.recipient)
    done = run_text(database_url, "mail", "resume", entry["id"])
    assert done == f"Mail to {opt_out.recipient} resumed: INC000000000042.\n"
    assert "does not exist" in run_refused(database_url, "mail", "resume", entry["id"])
