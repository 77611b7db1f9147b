from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from clearline.platform.database.transactions import Database
from tests.builders.house import (
    ANY,
    FIELDS,
    TICKETS,
    Headers,
    Json,
    add_field,
    new_ticket,
    no_fields,
    order,
    patch_ticket,
    pointers,
    problem,
)
from tests.builders.people import Tenant


@pytest.fixture(autouse=True)
async def without_others(database: Database) -> AsyncIterator[None]:
    """Leave no field behind."""
    await no_fields(database)
    yield
    await no_fields(database)


def details(answer: httpx.Response) -> dict[str, str]:
    """Return what is wrong with each member."""
    return {error["pointer"]: error["detail"] for error in problem(answer, "invalid-input")["errors"]}


async def test_an_admin_adds_reads_changes_and_deletes_a_field(
    client: httpx.AsyncClient, admin: Headers, agent: Headers
) -> None:
    body: Json = {
        "record": "ticket", "key": "circuit_ref", "label": "Circuit reference", "type": "text",
        "label_de": "Leitungsnummer", "help": "As on the invoice", "help_de": "Wie auf der Rechnung",
        "refers_to": None, "required": "never", "visible_to": "customer", "edited_by": "customer", "default": None,
        "minimum": 4, "maximum": 12, "pattern": "[A-Z]{2}-[0-9]+", "options": [], "place": 5, "active": True,
    }  # fmt: skip
    created = await client.post(FIELDS, json=body, headers=admin)
    assert created.status_code == 201, created.text
    assert created.json() == {"id": created.json()["id"], **body, "deleted_at": None}
    address = created.headers["location"]
    read = await client.get(address, headers=agent)
    assert (read.json(), read.headers["etag"]) == (created.json(), created.headers["etag"])
    patch: Json = {"label": "Circuit", "pattern": None, "maximum": None}
    changed = await client.patch(address, json=patch, headers={**admin, "If-Match": read.headers["etag"]})
    assert changed.json() == {**created.json(), **patch}
    again = await client.post(FIELDS, json=body, headers=admin)
    problem(again, "already-exists")
    assert (await client.post(FIELDS, json=body, headers=agent)).status_code == 403
    assert (await client.delete(address, headers={**admin, **ANY})).status_code == 204
    [deleted] = (await client.get(FIELDS, headers=agent)).json()["data"]
    assert deleted["deleted_at"] is not None
    restored = await client.post(f"{address}/restore", json={}, headers=admin)
    assert restored.json() == changed.json()


async def test_values_are_set_at_creation_changed_and_cleared(
    client: httpx.AsyncClient, admin: Headers, agent: Headers, tenant: Tenant
) -> None:
    await add_field(client, admin, "circuit_ref", visible_to="customer", edited_by="customer")
    await add_field(client, admin, "margin", type="decimal")
    await add_field(client, admin, "region", type="choice", default="emea", options=[
        {"key": "emea", "label": "EMEA"}, {"key": "apac", "label": "APAC"},
    ])  # fmt: skip
    created = await new_ticket(client, tenant, fields={"circuit_ref": "BIR-1"})
    assert created["fields"] == {"circuit_ref": "BIR-1"}
    address = f"{TICKETS}/{created['number']}"
    shown = (await client.get(address, headers=agent)).json()
    assert shown["fields"] == {"circuit_ref": "BIR-1", "region": "emea"}
    changed = await patch_ticket(client, agent, created["number"], {"fields": {"margin": 12.5, "region": None}})
    assert changed.json()["fields"] == {"circuit_ref": "BIR-1", "margin": 12.5}
    assert changed.json()["version"] == 2
    theirs = (await client.get(address, headers=tenant.headers)).json()
    assert (theirs["fields"], theirs["version"]) == ({"circuit_ref": "BIR-1"}, 1)
    again = await patch_ticket(client, tenant.headers, created["number"], {"fields": {"circuit_ref": "BIR-2"}})
    assert (again.json()["fields"], again.json()["version"]) == ({"circuit_ref": "BIR-2"}, 2)
    shown = (await client.get(address, headers=agent)).json()
    assert shown["fields"] == {"circuit_ref": "BIR-2", "margin": 12.5}
    [listed] = (await client.get(TICKETS, headers=tenant.headers)).json()["data"]
    assert listed["fields"] == {"circuit_ref": "BIR-2"}
    cleared = await patch_ticket(client, agent, created["number"], {"fields": None})
    assert cleared.json()["fields"] == {}


async def test_a_ticket_can_be_raised_with_fields_that_are_all_null(
    client: httpx.AsyncClient, admin: Headers, tenant: Tenant
) -> None:
    await add_field(client, admin, "circuit_ref", visible_to="customer", edited_by="customer")
    created = await new_ticket(client, tenant, fields={"circuit_ref": None})
    assert created["fields"] == {}


async def test_a_customer_learns_nothing_of_fields_of_the_staff(
    client: httpx.AsyncClient, database: Database, admin: Headers, agent: Headers, tenant: Tenant
) -> None:
    await add_field(client, admin, "margin", type="decimal", default=3)
    await add_field(client, admin, "seen", visible_to="customer")
    number = (await new_ticket(client, tenant))["number"]
    for body in ({"margin": 4}, {"nothing": 4}):
        refused = await patch_ticket(client, tenant.headers, number, {"fields": body})
        [(pointer, detail)] = details(refused).items()
        assert (pointer, detail) == (f"/fields/{next(iter(body))}", "is no field")
    refused = await client.post(TICKETS, headers=tenant.headers, json=order(fields={"seen": "x"}))
    assert details(refused) == {"/fields/seen": "can only be set by the provider's people"}
    await patch_ticket(client, agent, number, {"fields": {"margin": 5, "seen": "two"}})
    theirs = [field["key"] for field in (await client.get(FIELDS, headers=tenant.headers)).json()["data"]]
    assert theirs == ["seen"]
    history = (await client.get(f"{TICKETS}/{number}/history", headers=tenant.headers)).json()["data"]
    assert history[-1]["data"] == {"changes": [{"field": "fields.seen", "before": None, "after": "two"}]}
    async with database.statement() as tx:
        margin = await tx.fetchval("select id from field where key = 'margin'")
    assert (await client.get(f"{FIELDS}/{margin}", headers=tenant.headers)).status_code == 404
    ours = (await client.get(f"{TICKETS}/{number}/history", headers=agent)).json()["data"]
    assert ours[-1]["data"] == {
        "changes": [
            {"field": "fields.margin", "before": 3, "after": 5},
            {"field": "fields.seen", "before": None, "after": "two", "is_public": True},
        ]
    }
    before = (await client.get(f"{TICKETS}/{number}", headers=tenant.headers)).json()
    await patch_ticket(client, agent, number, {"fields": {"margin": 6}})
    assert (await client.get(f"{TICKETS}/{number}", headers=tenant.headers)).json() == before
    assert (await client.get(f"{TICKETS}/{number}/history", headers=tenant.headers)).json()["data"] == history


async def test_a_value_that_is_required_to_raise_must_be_there(
    client: httpx.AsyncClient, admin: Headers, agent: Headers, tenant: Tenant
) -> None:
    await add_field(
        client, admin, "circuit_ref", required="to_raise", visible_to="customer", edited_by="customer", label="Circuit"
    )
    await add_field(client, admin, "cost_centre", required="to_raise")
    refused = await client.post(TICKETS, headers=tenant.headers, json=order())
    assert details(refused) == {"/fields/circuit_ref": "is required to raise a ticket: Circuit"}
    by_agent = await client.post(TICKETS, headers=agent, json=order(company=str(tenant.company.id)))
    assert pointers(by_agent) == ["/fields/circuit_ref", "/fields/cost_centre"]
    number = (await new_ticket(client, tenant, fields={"circuit_ref": "BIR-1"}))["number"]
    cleared = await patch_ticket(client, tenant.headers, number, {"fields": {"circuit_ref": None}})
    assert details(cleared) == {"/fields/circuit_ref": "is required: Circuit"}


async def test_staff_resolves_only_with_the_values_that_are_required(
    client: httpx.AsyncClient, admin: Headers, agent: Headers, tenant: Tenant
) -> None:
    await add_field(client, admin, "cause", required="to_resolve", label="Cause")
    number = (await new_ticket(client, tenant))["number"]
    refused = await client.post(f"{TICKETS}/{number}/status", headers=agent, json={"status": "resolved"})
    assert details(refused) == {"/fields/cause": "is required to resolve a ticket: Cause"}
    await patch_ticket(client, agent, number, {"fields": {"cause": "Fibre cut"}})
    moved = await client.post(f"{TICKETS}/{number}/status", headers=agent, json={"status": "resolved"})
    assert moved.json()["status"] == "resolved"
    cleared = await patch_ticket(client, agent, number, {"fields": {"cause": None}})
    assert details(cleared) == {"/fields/cause": "is required to resolve a ticket: Cause"}
    await add_field(client, admin, "action", required="to_resolve", label="Action")
    changed = await patch_ticket(client, agent, number, {"fields": {"cause": "Splice"}})
    assert changed.json()["fields"]["cause"] == "Splice", "what was missing before may stay so"


async def test_a_field_with_values_keeps_its_type_and_its_options(
    client: httpx.AsyncClient, admin: Headers, agent: Headers, tenant: Tenant
) -> None:
    options = [{"key": "emea", "label": "EMEA"}, {"key": "apac", "label": "APAC"}]
    region = await add_field(client, admin, "region", type="choice", options=options)
    address = f"{FIELDS}/{region['id']}"
    both = {**admin, **ANY}
    number = (await new_ticket(client, tenant))["number"]
    await patch_ticket(client, agent, number, {"fields": {"region": "emea"}})
    problem(await client.patch(address, headers=both, json={"type": "choices"}), "conflict")
    left_out = await client.patch(address, headers=both, json={"options": options[1:]})
    assert pointers(left_out) == ["/options"]
    retired = await client.patch(
        address, headers=both, json={"options": [{**options[0], "active": False}, options[1]], "label": "World"}
    )
    assert retired.status_code == 200, retired.text
    shown = (await client.get(f"{TICKETS}/{number}", headers=agent)).json()
    assert shown["fields"] == {"region": "emea"}
    refused = await patch_ticket(
        client, agent, (await new_ticket(client, tenant))["number"], {"fields": {"region": "emea"}}
    )
    assert details(refused) == {"/fields/region": "must be one of apac"}
    same = await patch_ticket(client, agent, number, {"fields": {"region": "emea"}})
    assert same.json()["fields"] == {"region": "emea"}
    await client.patch(address, headers=both, json={"active": False})
    assert (await client.get(f"{TICKETS}/{number}", headers=agent)).json()["fields"] == {"region": "emea"}
    refused = await patch_ticket(client, agent, number, {"fields": {"region": "apac"}})
    assert details(refused) == {"/fields/region": "is retired, and takes no new values"}


async def test_a_deletion_needs_the_count_and_can_be_undone(
    client: httpx.AsyncClient, admin: Headers, agent: Headers, tenant: Tenant
) -> None:
    cause = await add_field(client, admin, "cause")
    number = (await new_ticket(client, tenant))["number"]
    before = (await patch_ticket(client, agent, number, {"fields": {"cause": "Fibre cut"}})).json()
    address, both = f"{FIELDS}/{cause['id']}", {**admin, **ANY}
    refused = await client.delete(address, headers=both)
    assert problem(refused, "conflict", code="not-confirmed")["detail"].startswith("ticket cause has 1 values")
    assert (await client.delete(f"{address}?confirm=2", headers=both)).status_code == 409
    assert (await client.delete(f"{address}?confirm=1", headers=both)).status_code == 204
    ticket = f"{TICKETS}/{number}"
    assert (await client.get(ticket, headers=agent)).json() == {**before, "fields": {}}
    unknown = await patch_ticket(client, agent, number, {"fields": {"cause": "Power"}})
    assert details(unknown) == {"/fields/cause": "is no field"}
    taken = await client.post(
        FIELDS, headers=admin, json={"record": "ticket", "key": "cause", "label": "Cause", "type": "date"}
    )
    problem(taken, "already-exists")
    changed = (await patch_ticket(client, agent, number, {"title": "Meanwhile"})).json()
    assert (await client.post(f"{address}/restore", json={}, headers=admin)).status_code == 200
    assert (await client.get(ticket, headers=agent)).json() == {**changed, "fields": {"cause": "Fibre cut"}}


async def test_a_definition_that_makes_no_sense_is_refused(client: httpx.AsyncClient, admin: Headers) -> None:
    async def refused(**members: Any) -> list[str]:
        body = {"record": "ticket", "key": f"k{uuid4().hex[:8]}", "label": "L", "type": "text", **members}
        return pointers(await client.post(FIELDS, headers=admin, json=body))

    assert await refused(key="Wrong") == ["/key"]
    assert await refused(label=" ") == ["/label"]
    assert await refused(edited_by="customer") == ["/edited_by"]
    assert await refused(type="choice") == ["/options"]
    assert await refused(options=[{"key": "a", "label": "A"}]) == ["/options"]
    assert await refused(type="choice", options=[{"key": "a", "label": "A"}, {"key": "a", "label": "B"}]) == [
        "/options/1/key"
    ]
    assert await refused(type="reference") == ["/refers_to"]
    assert await refused(refers_to="user") == ["/refers_to"]
    assert await refused(pattern="(a+)+") == ["/pattern"]
    assert await refused(type="integer", pattern="1") == ["/pattern"]
    assert await refused(minimum=5, maximum=4) == ["/maximum"]
    assert await refused(minimum="five") == ["/minimum"]
    assert await refused(type="boolean", minimum=1) == ["/minimum"]
    assert await refused(type="integer", default="x") == ["/default"]
    assert await refused(type="date", minimum="2026-02-30") == ["/minimum"]
    assert await refused(record="company", required="to_raise") == ["/required"]
    assert await refused(record="service", default="x") == ["/default"]


async def test_lists_filter_by_a_value_or_a_span(
    client: httpx.AsyncClient, admin: Headers, agent: Headers, tenant: Tenant
) -> None:
    await add_field(client, admin, "circuit_ref", visible_to="customer", edited_by="customer")
    await add_field(client, admin, "size", type="integer")
    await add_field(client, admin, "day", type="date")
    numbers = []
    for size in (10, 20, 30):
        numbers.append((await new_ticket(client, tenant, fields={"circuit_ref": "BIR-1"}))["number"])
        await patch_ticket(client, agent, numbers[-1], {"fields": {"size": size, "day": f"2026-03-{size}"}})
    await client.post(f"{TICKETS}/{numbers[0]}/status", headers=agent, json={"status": "rejected"})

    async def listed(query: str, headers: Headers = agent) -> list[str]:
        answer = await client.get(f"{TICKETS}?{query}", headers=headers)
        assert answer.status_code == 200, answer.text
        return [ticket["number"] for ticket in answer.json()["data"]]

    first, second, third = numbers
    assert await listed("field=circuit_ref:bir-1") == [third, second]
    assert await listed("field=circuit_ref:bir-1&state=all&limit=200") == [third, second, first]
    assert await listed("field=circuit_ref:BIR-1&state=finished") == [first]
    assert await listed(f"field=circuit_ref:BIR-1&company={tenant.company.code}&sort=number") == [second, third]
    assert await listed("field=circuit_ref:BIR-1", tenant.headers) == [third, second]
    assert await listed("field=circuit_ref:BIR-1&priority=low") == []
    assert await listed("field=size:20..30") == [third, second]
    assert await listed("field=size:..20&state=all") == [second, first]
    assert await listed("field=size:21..&sort=-created_at") == [third]
    assert await listed("field=day:2026-03-20..2026-03-20") == [second]
    page = (await client.get(f"{TICKETS}?field=circuit_ref:BIR-1&limit=1", headers=agent)).json()
    assert await listed(f"field=circuit_ref:BIR-1&limit=1&cursor={page['next_cursor']}") == [second]
    for query, headers in (("size:1", tenant.headers), ("nothing:1", agent)):
        refused = await client.get(f"{TICKETS}?field={query}", headers=headers)
        assert pointers(refused, "invalid-parameter") == ["field"]
    assert (await client.get(f"{TICKETS}?field=size:x", headers=agent)).status_code == 400
