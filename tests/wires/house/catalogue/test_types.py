"""Issue types and service types, and the tickets that have them."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from clearline.identity import OPERATOR, Role
from clearline.inventory import usecases as inventory
from clearline.platform.database.transactions import Database
from tests.builders.house import ANY, Json, new_ticket, order, pointers, problem
from tests.builders.people import NOW, Staff, Tenant, new_staff
from tests.patience import patient

ISSUES, SERVICES, TICKETS = "/api/v1/issue-types", "/api/v1/service-types", "/api/v1/tickets"


@pytest.fixture(scope="module")
async def admin(database: Database) -> Staff:
    return await new_staff(database, Role.ADMIN, "Ada Lund")


async def create(client: httpx.AsyncClient, admin: Staff, path: str, **body: object) -> Json:
    answer = await client.post(path, headers=admin.headers, json=body)
    assert answer.status_code == 201, answer.text
    read = await client.get(answer.headers["location"], headers=admin.headers)
    assert (read.json(), read.headers["etag"]) == (answer.json(), answer.headers["etag"])
    created: Json = answer.json()
    return created


async def change(client: httpx.AsyncClient, admin: Staff, path: str, record: Json, **body: object) -> Json:
    answer = await client.patch(f"{path}/{record['id']}", headers=admin.headers | ANY, json=body)
    assert answer.status_code == 200, answer.text
    changed: Json = answer.json()
    return changed


async def listed(client: httpx.AsyncClient, headers: dict[str, str], path: str) -> list[Json]:
    answer = await client.get(path, headers=headers, params={"limit": 200})
    assert answer.status_code == 200, answer.text
    records: list[Json] = answer.json()["data"]
    return records


def named(what: str) -> str:
    return f"{what} {uuid4().hex[:8]}"


async def service(database: Database, tenant: Tenant, kind: str) -> str:
    """Add a service of a type; return its id."""
    service_id = named("S")
    async with database.transaction() as tx:
        await inventory.add_service(tx, OPERATOR, tenant.company.id, service_id, kind, "A service", now=NOW)
    return service_id


async def test_an_issue_type_is_created_changed_retired_and_deleted(client: httpx.AsyncClient, admin: Staff) -> None:
    name = named("Fibre cut")
    created = await create(
        client, admin, ISSUES, name=name, customer_name_de="Faserbruch", help="No light", severity="extensive",
        impact="down", priority="critical", service_types=["Port", "Port"], console_connect="Circuit Down", position=7,
    )  # fmt: skip
    assert created == {
        "id": created["id"], "key": name, "name": name, "customer_name": "", "customer_name_de": "Faserbruch",
        "help": "No light", "help_de": "", "severity": "extensive", "impact": "down", "priority": "critical",
        "service_types": ["Port"], "console_connect": "Circuit Down", "is_active": True, "position": 7,
        "created_at": created["created_at"], "closure_required": [], "counts_as_fault": True,
    }  # fmt: skip
    changed = await change(client, admin, ISSUES, created, name=f"{name}!", is_active=False, service_types=[])
    assert changed == created | {"name": f"{name}!", "is_active": False, "service_types": []}
    path = f"{ISSUES}/{created['id']}"
    assert (await client.delete(path, headers=admin.headers | ANY)).status_code == 204
    assert (await client.get(path, headers=admin.headers)).status_code == 404


async def test_a_service_type_becomes_the_last_and_can_have_another_key(
    client: httpx.AsyncClient, admin: Staff
) -> None:
    key = named("wl")
    created = await create(client, admin, SERVICES, name=named("Wavelength"), key=key)
    assert (created["key"], created["console_connect"], created["is_active"]) == (key, "Non-Console Service", True)
    assert [each["id"] for each in await listed(client, admin.headers, SERVICES)][-1] == created["id"]


async def test_changes_of_types_are_events(client: httpx.AsyncClient, admin: Staff) -> None:
    created = await create(client, admin, ISSUES, name=named("Loop"), priority="high")
    await change(client, admin, ISSUES, created, priority="high", is_active=False)
    await client.delete(f"{ISSUES}/{created['id']}", headers=admin.headers | ANY)
    audit = await client.get("/api/v1/audit", headers=admin.headers, params={"limit": 200})
    events = [each for each in audit.json()["data"] if each["data"].get("id") == created["id"]]
    assert [each["type"] for each in events] == ["issue_type.deleted", "issue_type.changed", "issue_type.created"]
    assert events[1]["data"]["changes"] == [{"field": "is_active", "before": True, "after": False}]
    assert {"field": "priority", "before": None, "after": "high"} in events[2]["data"]["changes"]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"name": ""}, ["/name"]),
        ({"name": "A", "key": "a,b"}, ["/key"]),
        ({"name": "A", "service_types": ["Fax"]}, ["/service_types"]),
        ({"name": "A", "console_connect": "Fibre cut"}, ["/console_connect"]),
        ({"name": "A", "priority": "urgent", "position": 10_000}, ["/priority", "/position"]),
    ],
)
async def test_a_wrong_type_is_refused(client: httpx.AsyncClient, admin: Staff, body: Json, wrong: list[str]) -> None:
    answer = await client.post(ISSUES, headers=admin.headers, json=body)
    assert pointers(answer) == wrong


async def test_keys_and_names_are_unique(client: httpx.AsyncClient, admin: Staff) -> None:
    for body in ({"name": "circuit down"}, {"name": named("A"), "key": "UNSTABLE"}):
        problem(await client.post(ISSUES, headers=admin.headers, json=body), "already-exists")


async def test_a_published_type_keeps_its_word_and_stays(client: httpx.AsyncClient, admin: Staff) -> None:
    [unstable] = [each for each in await listed(client, admin.headers, ISSUES) if each["key"] == "Unstable"]
    path, headers = f"{ISSUES}/{unstable['id']}", admin.headers | ANY
    answer = await client.patch(path, headers=headers, json={"console_connect": "Others"})
    assert pointers(answer) == ["/console_connect"]
    refused = problem(await client.delete(path, headers=headers), "conflict", code="in-use")
    assert "it is a word of the Console Connect API; retire it instead" in refused["detail"]


async def test_what_tickets_services_and_rules_have_stays(
    client: httpx.AsyncClient, admin: Staff, tenant: Tenant, database: Database
) -> None:
    kind = await create(client, admin, SERVICES, name=named("Wavelength"))
    issue = await create(client, admin, ISSUES, name=named("Fibre cut"), service_types=[kind["key"]])
    service_id = await service(database, tenant, kind["key"])
    await new_ticket(client, tenant, issue_type=issue["key"], service={"id": service_id, "type": kind["key"]})
    for path, record, users in ((ISSUES, issue, "tickets"), (SERVICES, kind, "tickets and services and issue types")):
        answer = await client.delete(f"{path}/{record['id']}", headers=admin.headers | ANY)
        assert f"{users} have it; retire it instead" in problem(answer, "conflict", code="in-use")["detail"]


async def test_a_ticket_begins_with_the_assessment_of_its_type(
    client: httpx.AsyncClient, admin: Staff, tenant: Tenant
) -> None:
    issue = await create(
        client, admin, ISSUES, name=named("Fibre cut"), severity="significant", impact="down", priority="high"
    )
    ticket = await new_ticket(client, tenant, issue_type=issue["key"])
    assessed = (ticket["issue_type"], ticket["severity"], ticket["impact"], ticket["priority"])
    assert assessed == (issue["key"], "significant", "down", "high")
    await change(client, admin, ISSUES, issue, priority="low")
    again = await client.get(f"{TICKETS}/{ticket['number']}", headers=tenant.headers)
    assert again.json()["priority"] == "high"


async def test_a_retired_type_is_read_and_filtered_and_given_to_no_ticket(
    client: httpx.AsyncClient, admin: Staff, tenant: Tenant
) -> None:
    issue = await create(client, admin, ISSUES, name=named("Fibre cut"))
    number = (await new_ticket(client, tenant, issue_type=issue["key"]))["number"]
    other = (await new_ticket(client, tenant))["number"]
    await change(client, admin, ISSUES, issue, is_active=False)
    found = await client.get(TICKETS, headers=tenant.headers, params={"issue_type": issue["key"]})
    assert [(each["number"], each["issue_type"]) for each in found.json()["data"]] == [(number, issue["key"])]
    by_name = await client.get(TICKETS, headers=tenant.headers, params={"issue_type": issue["name"].upper()})
    assert by_name.json() == found.json()
    refused = await client.post(TICKETS, headers=tenant.headers, json=order(issue_type=issue["key"]))
    assert pointers(refused) == ["/issue_type"]
    assert "is retired, and must be one of " in refused.json()["errors"][0]["detail"]
    changed = await client.patch(
        f"{TICKETS}/{other}", headers=admin.headers | ANY, json={"issue_type": issue["key"], "title": "New"}
    )
    assert pointers(changed) == ["/issue_type"]
    kept = await client.patch(
        f"{TICKETS}/{number}", headers=admin.headers | ANY, json={"issue_type": issue["key"], "title": "New"}
    )
    assert (kept.status_code, kept.json()["issue_type"]) == (200, issue["key"])


async def test_tickets_are_raised_on_a_service_in_use_whose_type_is_retired(
    client: httpx.AsyncClient, admin: Staff, tenant: Tenant
) -> None:
    kind = await create(client, admin, SERVICES, name=named("Wavelength"))
    services = f"/api/v1/companies/{tenant.company.id}/services"
    service = {"id": named("WL"), "type": kind["key"], "label": "Wave 1"}
    added = await client.post(services, headers=admin.headers, json=service)
    assert added.status_code == 201, added.text
    await change(client, admin, SERVICES, kind, is_active=False)
    about = {"id": service["id"], "type": kind["key"]}
    raised = await client.post(TICKETS, headers=tenant.headers, json=order(service=about))
    assert (raised.status_code, raised.json().get("service", {}).get("type")) == (201, kind["key"]), raised.text
    for other in ({"id": named("None"), "type": kind["key"]}, {"id": "SVC-1", "type": kind["key"]}):
        refused = await client.post(TICKETS, headers=tenant.headers, json=order(service=other))
        assert pointers(refused) == ["/service/type"]


async def test_a_type_is_given_to_tickets_of_its_services_only(
    client: httpx.AsyncClient, admin: Staff, tenant: Tenant
) -> None:
    issue = await create(client, admin, ISSUES, name=named("Fibre cut"), service_types=["CloudRouter"])
    refused = await client.post(TICKETS, headers=tenant.headers, json=order(issue_type=issue["key"]))
    assert pointers(refused) == ["/issue_type"]
    assert "does not apply to Port, and must be one of " in refused.json()["errors"][0]["detail"]


async def test_a_retired_service_type_is_given_to_no_service(
    client: httpx.AsyncClient, admin: Staff, tenant: Tenant, database: Database
) -> None:
    kind = await create(client, admin, SERVICES, name=named("Wavelength"))
    service_id = await service(database, tenant, kind["key"])
    await change(client, admin, SERVICES, kind, is_active=False)
    services = f"/api/v1/companies/{tenant.company.id}/services"
    added = await client.post(services, headers=admin.headers, json={"id": "X", "type": kind["key"], "label": "X"})
    assert pointers(added) == ["/type"]
    renamed = await client.patch(f"{services}/{service_id}", headers=admin.headers | ANY, json={"label": "New"})
    assert (renamed.status_code, renamed.json()["type"]) == (200, kind["key"])
    rows: list[dict[str, Any]] = [{"id": service_id, "type": kind["key"], "label": "Old"}]
    imported = await client.post(
        f"/api/v1/companies/{tenant.company.id}/service-imports", headers=admin.headers, json={"services": rows}
    )
    assert imported.json()["updated"] == 1


@pytest.mark.parametrize("parameter", ["issue_type", "service_type"])
async def test_a_filter_by_an_unknown_type_is_refused(
    client: httpx.AsyncClient, tenant: Tenant, parameter: str
) -> None:
    answer = await client.get(TICKETS, headers=tenant.headers, params={parameter: "Fire"})
    assert pointers(answer, "invalid-parameter") == [parameter]


async def test_customers_read_the_active_types_and_change_none(
    client: httpx.AsyncClient, admin: Staff, tenant: Tenant
) -> None:
    active = await create(client, admin, ISSUES, name=named("Fibre cut"))
    retired = await create(client, admin, ISSUES, name=named("Telex"), is_active=False)
    assert active in await listed(client, tenant.headers, ISSUES)
    assert retired not in await listed(client, tenant.headers, ISSUES)
    assert retired in await listed(client, admin.headers, ISSUES)
    assert (await client.get(f"{ISSUES}/{retired['id']}", headers=tenant.headers)).status_code == 404
    assert (await client.post(ISSUES, headers=tenant.headers, json={"name": "Mine"})).status_code == 403
    agent = {"name": "Mine"}
    path = f"{ISSUES}/{active['id']}"
    assert (await client.patch(path, headers=tenant.headers | ANY, json=agent)).status_code == 403
    assert (await client.delete(path, headers=tenant.headers | ANY)).status_code == 403


async def test_a_routing_rule_names_types_of_the_catalogue(client: httpx.AsyncClient, admin: Staff) -> None:
    queue = await create(client, admin, "/api/v1/queues", name=named("Fibres"))
    issue = await create(client, admin, ISSUES, name=named("Fibre cut"))
    rule = {"name": named("Fibres"), "queue": queue["id"], "issue_types": [issue["key"]]}
    wrong = await client.post("/api/v1/routing-rules", headers=admin.headers, json=rule | {"issue_types": ["Fire"]})
    assert pointers(wrong) == ["/issue_types"]
    created = await client.post("/api/v1/routing-rules", headers=admin.headers, json=rule)
    assert created.status_code == 201, created.text
    facts = {"issue_type": issue["key"], "service_type": "Port"}
    preview = await client.post("/api/v1/routing-rules/test", headers=admin.headers, json=facts)
    assert preview.json()["rule"]["name"] == rule["name"]
    answer = await client.delete(f"{ISSUES}/{issue['id']}", headers=admin.headers | ANY)
    assert "routing rules have it" in problem(answer, "conflict", code="in-use")["detail"]


async def test_the_search_finds_tickets_by_the_name_of_their_type(
    client: httpx.AsyncClient, admin: Staff, tenant: Tenant
) -> None:
    issue = await create(client, admin, ISSUES, name=named("Fibre cut"), key=named("cut"))
    number = (await new_ticket(client, tenant, issue_type=issue["key"]))["number"]
    query = {"q": f'issue:"{issue["name"]}"'}
    found: list[str] = []
    async with asyncio.timeout(patient(10)):
        while not found:  # the workers index the ticket
            answer = await client.get("/api/v1/search", headers=tenant.headers, params=query)
            found = [each["number"] for each in answer.json()["data"]]
            await asyncio.sleep(0.02)
    assert found == [number]
