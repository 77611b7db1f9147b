"""Own fields of services and companies on the house API: who sees and sets them, what is wrong, and what is told."""

from collections.abc import AsyncIterator

import httpx
import pytest

from clearline.identity import OPERATOR, PROVIDER_ID
from clearline.platform.database.transactions import Database
from clearline.tickets import hand_over_usecases as hand_over
from tests.builders.house import ANY, FIELDS, Headers, Json, add_field, company_path, no_fields, problem
from tests.builders.people import NOW, Tenant, customer_admin, new_staff

SERVICE: Json = {"id": "OWN-1", "type": "Port", "label": "With own fields"}


@pytest.fixture(autouse=True)
async def without_others(database: Database) -> AsyncIterator[None]:
    """Leave no field behind."""
    await no_fields(database)
    yield
    await no_fields(database)


def details(answer: httpx.Response) -> dict[str, str]:
    """Return what is wrong with each member."""
    return {error["pointer"]: error["detail"] for error in problem(answer, "invalid-input")["errors"]}


async def events(client: httpx.AsyncClient, headers: Headers) -> list[Json]:
    """Return what the last events of services and companies changed."""
    answer = await client.get("/api/v1/audit?limit=50", headers=headers)
    assert answer.status_code == 200, answer.text
    kept = [event for event in answer.json()["data"] if event["type"].partition(".")[0] in {"service", "company"}]
    return [
        {event["type"]: {change["field"]: [change["before"], change["after"]] for change in event["data"]["changes"]}}
        for event in kept
    ]


async def test_a_service_has_values_that_a_merge_patch_changes(
    client: httpx.AsyncClient, fresh: Tenant, admin: Headers
) -> None:
    await add_field(client, admin, "cost_centre", record="service", visible_to="customer")
    await add_field(client, admin, "margin", record="service", type="decimal")
    body = {**SERVICE, "fields": {"cost_centre": "CC-1", "margin": "12.50"}}
    created = await client.post(company_path(fresh, "services"), headers=admin, json=body)
    assert created.status_code == 201, created.text
    address = created.headers["location"]
    assert created.json()["fields"] == {"cost_centre": "CC-1", "margin": 12.5}
    read = await client.get(address, headers=admin)
    assert read.json() == created.json()
    patch = {"fields": {"margin": None}, "label": "Renamed"}
    changed = await client.patch(address, headers=admin | {"If-Match": read.headers["etag"]}, json=patch)
    assert (changed.json()["fields"], changed.json()["label"]) == ({"cost_centre": "CC-1"}, "Renamed")
    stale = await client.patch(address, headers=admin | {"If-Match": read.headers["etag"]}, json=patch)
    assert stale.status_code == 412
    again = await client.patch(address, headers=admin | ANY, json={"fields": {"margin": 3}})
    assert again.json()["fields"] == {"cost_centre": "CC-1", "margin": 3}
    theirs = await client.get(address, headers=fresh.headers)
    assert theirs.json()["fields"] == {"cost_centre": "CC-1"}
    [listed] = [
        each
        for each in (await client.get("/api/v1/services", headers=fresh.headers)).json()["data"]
        if each["id"] == "OWN-1"
    ]
    assert listed["fields"] == {"cost_centre": "CC-1"}
    cleared = await client.patch(address, headers=admin | ANY, json={"fields": None})
    assert cleared.json()["fields"] == {}


async def test_each_wrong_value_is_named_with_the_others(
    client: httpx.AsyncClient, fresh: Tenant, admin: Headers
) -> None:
    await add_field(client, admin, "size", record="service", type="integer", maximum=9)
    await add_field(client, admin, "backup", record="service", type="reference", refers_to="service")
    wrong = {**SERVICE, "a_end": {"vlan": "5000"}, "fields": {"size": 10, "backup": "none", "what": "?"}}
    refused = await client.post(company_path(fresh, "services"), headers=admin, json=wrong)
    assert details(refused) == {
        "/a_end/vlan": "must be VLAN ids from 1 to 4094, such as 100, 100.200 or 10-19",
        "/fields/size": "must be at most 9",
        "/fields/backup": "must be the id of a service",
        "/fields/what": "is no field",
    }
    company = {"name": "Elsewhere", "code": "ELSE99", "tier": "unknown", "fields": {"size": 1}}
    refused = await client.post("/api/v1/companies", headers=admin, json=company)
    assert details(refused)["/fields/size"] == "is no field"
    assert "/tier" in details(refused)


async def test_a_reference_names_a_service_of_the_same_company(
    client: httpx.AsyncClient, fresh: Tenant, tenant: Tenant, admin: Headers
) -> None:
    await add_field(client, admin, "backup", record="service", type="reference", refers_to="service")
    theirs = await client.post(company_path(tenant, "services"), headers=admin, json={**SERVICE, "id": "THEIRS-1"})
    assert theirs.status_code == 201
    own = await client.post(company_path(fresh, "services"), headers=admin, json=SERVICE)
    other = await client.post(
        company_path(fresh, "services"), headers=admin, json={**SERVICE, "id": "OWN-2", "fields": {"backup": "OWN-1"}}
    )
    assert other.json()["fields"] == {"backup": "OWN-1"}
    refused = await client.patch(own.headers["location"], headers=admin | ANY, json={"fields": {"backup": "THEIRS-1"}})
    assert details(refused) == {"/fields/backup": "must be the id of a service"}


async def test_admins_of_a_company_set_what_customers_edit(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, admin: Headers
) -> None:
    boss = await customer_admin(database)
    await add_field(client, admin, "vat", record="company", visible_to="customer", edited_by="customer")
    await add_field(client, admin, "class", record="company", visible_to="customer")
    await add_field(client, admin, "margin", record="company", type="integer")
    address = company_path(boss)
    filled = await client.patch(address, headers=admin | ANY, json={"fields": {"vat": "1", "class": "A", "margin": 7}})
    assert filled.json()["fields"] == {"class": "A", "margin": 7, "vat": "1"}
    own = boss.headers
    read = await client.get(address, headers=own)
    assert read.json()["fields"] == {"class": "A", "vat": "1"}
    changed = await client.patch(
        address, headers=own | {"If-Match": read.headers["etag"]}, json={"fields": {"vat": "GB-123"}}
    )
    assert changed.json()["fields"] == {"class": "A", "vat": "GB-123"}
    for key, rule in (("class", "can only be set by the provider's people"), ("margin", "is no field")):
        refused = await client.patch(address, headers=own | ANY, json={"fields": {key: "2"}})
        assert details(refused) == {f"/fields/{key}": rule}
    assert (await client.get(address, headers=admin)).json()["fields"] == {"class": "A", "margin": 7, "vat": "GB-123"}
    other = await client.patch(company_path(tenant), headers=own | ANY, json={"fields": {"vat": "2"}})
    assert other.status_code == 404
    theirs = await events(client, own)
    assert theirs[:2] == [
        {"company.changed": {"fields.vat": ["1", "GB-123"]}},
        {"company.changed": {"fields.class": [None, "A"], "fields.vat": [None, "1"]}},
    ]
    assert "margin" not in str(theirs)
    told = await events(client, admin)
    assert {"company.fields_changed": {"fields.margin": [None, 7]}} in told


async def test_customers_hear_of_the_fields_of_a_service_that_they_see(
    client: httpx.AsyncClient, database: Database, admin: Headers
) -> None:
    boss = await customer_admin(database)
    await add_field(client, admin, "cost_centre", record="service", visible_to="customer")
    await add_field(client, admin, "margin", record="service", type="integer")
    values = {"fields": {"cost_centre": "CC-1", "margin": 7}}
    created = await client.post(company_path(boss, "services"), headers=admin, json=SERVICE | values)
    address = created.headers["location"]
    await client.patch(address, headers=admin | ANY, json={"fields": {"margin": 8}})
    await client.delete(address, headers=admin | ANY)
    own = boss.headers
    first = {"type": [None, "Port"], "label": [None, "With own fields"], "fields.cost_centre": [None, "CC-1"]}
    assert (await events(client, own))[:2] == [
        {"service.deleted": {name: [after, before] for name, (before, after) in first.items()}},
        {"service.created": first},
    ]
    hidden = [
        event["service.fields_changed"] for event in await events(client, admin) if "service.fields_changed" in event
    ]
    assert hidden[:3] == [{"fields.margin": pair} for pair in ([8, None], [7, 8], [None, 7])]


async def test_an_agent_sets_nothing_and_a_limited_one_sees_only_its_companies(
    client: httpx.AsyncClient, database: Database, fresh: Tenant, tenant: Tenant, admin: Headers
) -> None:
    await add_field(client, admin, "partner", record="company", type="reference", refers_to="company")
    body = {"fields": {"partner": str(tenant.company.id)}}
    assert (await client.patch(company_path(fresh), headers=admin | ANY, json=body)).status_code == 200
    agent = await new_staff(database)
    async with database.transaction() as tx:
        limits = {"only_companies": (fresh.company.id,)}
        await hand_over.change_user(tx, OPERATOR, PROVIDER_ID, agent.user.id, limits, now=NOW)
    limited = agent.headers
    read = await client.get(company_path(fresh), headers=limited)
    assert read.json()["fields"] == body["fields"]
    assert (await client.get(company_path(tenant), headers=limited)).status_code == 404
    assert (await client.patch(company_path(fresh), headers=limited | ANY, json=body)).status_code == 403


async def test_a_service_is_not_edited_by_customers(client: httpx.AsyncClient, admin: Headers) -> None:
    body = {"record": "service", "key": "k", "label": "K", "type": "text", "visible_to": "customer"}
    refused = await client.post(FIELDS, headers=admin, json={**body, "edited_by": "customer"})
    assert details(refused) == {"/edited_by": "must be staff: customers do not edit services"}


async def test_services_are_imported_with_values(client: httpx.AsyncClient, fresh: Tenant, admin: Headers) -> None:
    await add_field(client, admin, "size", record="service", type="integer")
    address = company_path(fresh, "service-imports")
    wrong = {"services": [SERVICE, {**SERVICE, "id": "OWN-2", "fields": {"size": "many"}}]}
    refused = await client.post(address, headers=admin, json=wrong)
    assert details(refused) == {"/services/1/fields/size": "must be a whole number"}
    good = {"services": [{**SERVICE, "fields": {"size": "12"}}]}
    for dry_run, counts in ((True, (1, 0, 0)), (False, (1, 0, 0)), (False, (0, 0, 1))):
        done = (await client.post(address, headers=admin, json={**good, "dry_run": dry_run})).json()
        assert (done["created"], done["updated"], done["unchanged"]) == counts
    read = await client.get(company_path(fresh, "services", "OWN-1"), headers=admin)
    assert read.json()["fields"] == {"size": 12}
