import csv
import io
import json
from typing import Any

import httpx
import pytest

from clearline.platform.database.transactions import Database
from tests.builders.house import pointers
from tests.builders.people import Tenant, new_tenant

EXPORT = "/api/v1/exports/tickets"


async def raised(client: httpx.AsyncClient, tenant: Tenant, title: str = "Port down") -> str:
    body = {
        "title": title,
        "description": "No light",
        "issue_type": "Circuit Down",
        "service": {"id": "SVC-1", "type": "Port"},
    }
    answer = await client.post("/api/v1/tickets", headers=tenant.headers, json=body)
    return str(answer.json()["number"])


async def exported(client: httpx.AsyncClient, headers: dict[str, str], query: str = "") -> list[dict[str, Any]]:
    answer = await client.get(f"{EXPORT}?{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_a_customer_exports_its_tickets(
    client: httpx.AsyncClient, database: Database, agent: dict[str, str]
) -> None:
    tenant, other = await new_tenant(database), await new_tenant(database)
    numbers = [await raised(client, tenant) for _ in range(2)]
    await raised(client, other)
    for visibility in ("public", "internal"):
        body = {"text": visibility, "visibility": visibility}
        await client.post(f"/api/v1/tickets/{numbers[0]}/notes", headers=agent, json=body)
    await client.post(f"/api/v1/tickets/{numbers[0]}/status", headers=agent, json={"status": "rejected"})
    exported_tickets = await exported(client, tenant.headers)
    assert [ticket["number"] for ticket in exported_tickets] == numbers
    assert [note["text"] for note in exported_tickets[0]["notes"]] == ["public"]
    assert not {"tags", "queue", "assignee"} & set(exported_tickets[0])
    assert [ticket["number"] for ticket in await exported(client, tenant.headers, "state=finished")] == numbers[:1]
    assert [ticket["number"] for ticket in await exported(client, tenant.headers, "state=open")] == numbers[1:]
    assert await exported(client, tenant.headers, "created_since=2100-01-01T00:00:00Z") == []
    for_staff = await exported(client, agent, f"company={tenant.company.id}")
    assert [note["text"] for note in for_staff[0]["notes"]] == ["public", "internal"]
    assert for_staff[0]["tags"] == []


async def test_csv_is_sent_as_a_file(client: httpx.AsyncClient, database: Database) -> None:
    tenant = await new_tenant(database)
    await raised(client, tenant, "=SUM(A1)")
    answer = await client.get(f"{EXPORT}?format=csv", headers=tenant.headers)
    [row] = csv.DictReader(io.StringIO(answer.text, newline=""))
    assert (row["title"], row["company"]) == ("'=SUM(A1)", tenant.company.code)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["content-disposition"] == 'attachment; filename="tickets.csv"'
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.content.startswith(b"number,")
    with_bom = await client.get(f"{EXPORT}?format=csv&bom=true", headers=tenant.headers)
    assert with_bom.content == b"\xef\xbb\xbf" + answer.content
    head = await client.head(EXPORT, headers=tenant.headers)
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("query", ["format=xml", "state=lost", "created_since=yesterday", "colour=red"])
async def test_an_invalid_parameter_is_named(client: httpx.AsyncClient, tenant: Tenant, query: str) -> None:
    answer = await client.get(f"{EXPORT}?{query}", headers=tenant.headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, query.split("=", maxsplit=1)[0])


async def test_another_company_is_refused_like_an_unknown_one(
    client: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant
) -> None:
    for name in (other_tenant.company.code, str(other_tenant.company.id), "nobody"):
        answer = await client.get(f"{EXPORT}?company={name}", headers=tenant.headers)
        assert pointers(answer, "invalid-parameter") == ["company"]
    assert (await client.get(EXPORT)).status_code == 401
