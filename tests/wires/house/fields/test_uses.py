"""Own fields in routing rules, macros and changes of many tickets."""

from collections.abc import AsyncIterator

import httpx
import pytest

from clearline.platform.database.transactions import Database
from tests.builders.house import ANY, TICKETS, Headers, Json, add_field, new_ticket, no_fields, pointers
from tests.builders.people import Tenant

RULES, MACROS, BULK = "/api/v1/routing-rules", "/api/v1/macros", "/api/v1/bulk"


@pytest.fixture(autouse=True)
async def some_fields(client: httpx.AsyncClient, database: Database, admin: Headers) -> AsyncIterator[None]:
    """Add two fields, and leave none behind."""
    await no_fields(database)
    await add_field(client, admin, "latency", type="integer")
    await add_field(
        client, admin, "region", type="choice", visible_to="customer", edited_by="customer",
        options=[{"key": "emea", "label": "Europe"}, {"key": "apac", "label": "Asia"}],
    )  # fmt: skip
    yield
    await no_fields(database)


async def created(client: httpx.AsyncClient, path: str, body: Json, headers: Headers) -> Json:
    answer = await client.post(path, json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


async def test_a_rule_has_conditions_on_own_fields(client: httpx.AsyncClient, admin: Headers, agent: Headers) -> None:
    queue = await created(client, "/api/v1/queues", {"name": "Own field queue"}, admin)
    body = {"name": "Slow Europe", "queue": queue["id"], "fields": ["region:emea", "latency:>20"], "position": 1}
    rule = await created(client, RULES, body, admin)
    assert rule["fields"] == body["fields"]
    ticket = {"issue_type": "Others", "service_type": "Port"}

    async def routed(fields: Json) -> str | None:
        answer = await client.post(f"{RULES}/test", json={**ticket, "fields": fields}, headers=agent)
        assert answer.status_code == 200, answer.text
        chosen = answer.json()["rule"]
        return None if chosen is None else chosen["name"]

    assert await routed({"region": "emea", "latency": 21}) == "Slow Europe"
    assert await routed({"region": "emea", "latency": 20}) != "Slow Europe"
    assert await routed({}) != "Slow Europe"
    failed = (await client.post(f"{RULES}/test", json=ticket, headers=agent)).json()["rules"][0]["failed"]
    assert failed == ["fields"]
    for wrong in ("nope:1", "latency:fast", "region"):
        refused = await client.post(RULES, json={**body, "name": "x", "fields": [wrong]}, headers=admin)
        assert pointers(refused, "invalid-input") == ["/fields"], wrong
    wrong_try = await client.post(f"{RULES}/test", json={**ticket, "fields": {"latency": "x"}}, headers=agent)
    assert pointers(wrong_try, "invalid-input") == ["/fields/latency"]
    address = f"{RULES}/{rule['id']}"
    changed = await client.patch(address, json={"fields": ["region:apac"]}, headers={**admin, **ANY})
    assert changed.json()["fields"] == ["region:apac"]
    assert await routed({"region": "apac"}) == "Slow Europe"
    await client.delete(address, headers={**admin, **ANY})
    await client.delete(f"/api/v1/queues/{queue['id']}", headers={**admin, **ANY})


async def test_a_macro_sets_and_clears_own_fields(
    client: httpx.AsyncClient, admin: Headers, agent: Headers, tenant: Tenant
) -> None:
    macro = await created(client, MACROS, {"name": "Measured", "fields": {"latency": 30, "region": None}}, admin)
    assert macro["fields"] == {"latency": 30, "region": None}
    number = (await new_ticket(client, tenant, fields={"region": "emea"}))["number"]
    used = await client.post(f"{TICKETS}/{number}/macro", json={"macro": macro["id"]}, headers=agent)
    assert used.status_code == 200, used.text
    assert used.json()["ticket"]["fields"] == {"latency": 30}
    refused = await client.post(MACROS, json={"name": "x", "fields": {"latency": "fast", "nope": 1}}, headers=admin)
    assert pointers(refused, "invalid-input") == ["/fields/latency", "/fields/nope"]
    address = f"{MACROS}/{macro['id']}"
    empty = await client.patch(address, json={"fields": {}}, headers={**admin, **ANY})
    assert pointers(empty, "invalid-input") == ["/text"]
    await client.delete(address, headers={**admin, **ANY})


async def test_a_change_of_many_tickets_names_the_wrong_field(
    client: httpx.AsyncClient, agent: Headers, tenant: Tenant
) -> None:
    number = (await new_ticket(client, tenant))["number"]
    body: Json = {"tickets": [number], "action": {"type": "change", "fields": {"latency": "fast"}}}
    refused = await client.post(BULK, json=body, headers=agent)
    assert pointers(refused, "invalid-input") == ["/action/fields/latency"]
    body["action"]["fields"] = {}
    assert pointers(await client.post(BULK, json=body, headers=agent), "invalid-input") == ["/action"]
    body["action"]["fields"] = {"latency": "12"}
    accepted = await client.post(BULK, json=body, headers=agent)
    assert accepted.status_code == 202, accepted.text
    assert accepted.json()["action"] == {"type": "change", "fields": {"latency": 12}}
