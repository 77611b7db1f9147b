"""The facts of services on the house API: given, changed by merge-patch, refused, and hidden from customers."""

from typing import Any

import httpx
import pytest

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from tests.builders.house import ANY, Headers, company_path, pointers, read_list
from tests.builders.people import Tenant, customer_admin, staff_key

FACTS: dict[str, Any] = {
    "state": "suspended", "rate": 10_000_000_000, "tier": "gold", "is_protected": True, "installed_on": "2024-05-17",
    "customer_label": "WAN-7", "carrier": "Fernhill Access", "carrier_circuit_id": "FH/112/A",
    "a_end": {"site": "Amsterdam 3", "device": "ams-pe-1", "port": "xe-0/0/1", "vlan": "100.200"},
    "z_end": {"site": "Singapore 1", "device": None, "port": None, "vlan": "10-19"},
}  # fmt: skip
SERVICE = {"id": "FACT-1", "type": "Port", "label": "With facts"}


@pytest.fixture
async def described(client: httpx.AsyncClient, fresh: Tenant, admin: Headers) -> httpx.Response:
    created = await client.post(company_path(fresh, "services"), headers=admin, json=SERVICE | FACTS)
    assert created.status_code == 201, created.text
    return created


async def test_the_provider_reads_every_fact_and_the_customer_none_of_the_carrier(
    client: httpx.AsyncClient, fresh: Tenant, admin: Headers, described: httpx.Response
) -> None:
    whole = {"company_id": str(fresh.company.id), **SERVICE, **FACTS, "fields": {}, "rate_text": "10G"}
    assert described.json() == whole
    assert (await client.get(described.headers["location"], headers=admin)).json() == whole
    shown = {name: value for name, value in whole.items() if not name.startswith("carrier")}
    assert (await client.get(described.headers["location"], headers=fresh.headers)).json() == shown
    [listed] = [each for each in await read_list(client, "/api/v1/services", fresh.headers) if each["id"] == "FACT-1"]
    assert listed == shown


async def test_a_merge_patch_changes_facts_and_members_of_ends_and_null_clears_them(
    client: httpx.AsyncClient, admin: Headers, described: httpx.Response
) -> None:
    patch = {
        "rate": None, "state": "active", "carrier": None, "a_end": {"port": "xe-0/0/2", "vlan": None}, "z_end": None,
    }  # fmt: skip
    changed = await client.patch(described.headers["location"], headers=admin | ANY, json=patch)
    a_end = {**FACTS["a_end"], "port": "xe-0/0/2", "vlan": None}
    assert changed.json() == {**described.json(), **patch, "a_end": a_end, "rate_text": None}
    nothing = dict.fromkeys(("site", "device", "port"))
    cleared = await client.patch(described.headers["location"], headers=admin | ANY, json={"a_end": nothing})
    assert cleared.json()["a_end"] is None


@pytest.mark.parametrize(
    ("facts", "wrong"),
    [
        ({"state": "broken"}, ["/state"]),
        ({"rate": 0}, ["/rate"]),
        ({"rate": "10G"}, ["/rate"]),
        ({"tier": "no_such_tier"}, ["/tier"]),
        ({"tier": "No tier"}, ["/tier"]),
        ({"installed_on": "17 May"}, ["/installed_on"]),
        ({"customer_label": ""}, ["/customer_label"]),
        ({"a_end": {"vlan": "4095"}, "z_end": {"vlan": "many"}}, ["/z_end/vlan"]),
        ({"a_end": {"vlan": "4095"}, "z_end": {"vlan": "0"}}, ["/a_end/vlan", "/z_end/vlan"]),
        ({"a_end": {"rack": "7"}}, ["/a_end/rack"]),
        ({"a_end": {"site": "x\u0000"}}, ["/a_end/site"]),
    ],
)
async def test_every_invalid_fact_is_named_by_its_pointer(
    client: httpx.AsyncClient, fresh: Tenant, admin: Headers, facts: dict[str, Any], wrong: list[str]
) -> None:
    created = await client.post(company_path(fresh, "services"), headers=admin, json=SERVICE | facts)
    assert pointers(created) == wrong
    path = company_path(fresh, "services", "SVC-1")
    assert pointers(await client.patch(path, headers=admin | ANY, json=facts)) == wrong
    rows = {"services": [SERVICE | facts]}
    imported = await client.post(company_path(fresh, "service-imports"), headers=admin, json=rows)
    assert pointers(imported) == [f"/services/0{pointer}" for pointer in wrong]


async def test_an_import_keeps_the_facts_that_it_does_not_name(
    client: httpx.AsyncClient, fresh: Tenant, admin: Headers, described: httpx.Response
) -> None:
    path = company_path(fresh, "service-imports")
    same = {"services": [SERVICE]}
    assert (await client.post(path, headers=admin, json=same)).json()["unchanged"] == 1
    other = {"services": [{**SERVICE, "rate": 64_000, "z_end": {"device": "sin-pe-2"}}]}
    for done in ("updated", "unchanged"):
        assert (await client.post(path, headers=admin, json=other)).json()[done] == 1
    stored = (await client.get(described.headers["location"], headers=admin)).json()
    z_end = {**FACTS["z_end"], "device": "sin-pe-2"}
    assert stored == {**described.json(), "rate": 64_000, "rate_text": "64k", "z_end": z_end}


async def test_the_admins_of_a_customer_see_no_event_about_the_carrier(
    client: httpx.AsyncClient, database: Database
) -> None:
    boss, provider = await customer_admin(database), await staff_key(database, Role.ADMIN)
    created = await client.post(company_path(boss, "services"), headers=provider, json=SERVICE | FACTS)
    carrier = {"carrier": "Other Access"}
    await client.patch(created.headers["location"], headers=provider | ANY, json=carrier)
    read = await client.get("/api/v1/audit", headers=boss.headers, params={"type": "service."})
    events = read.json()["data"]
    assert "carrier" not in str(events)
    fields = {change["field"] for event in events for change in event["data"]["changes"]}
    assert {"state", "rate", "tier", "a_end", "z_end", "customer_label"} <= fields
    of_company = {"type": "service.", "company": boss.company.code}
    whole = (await client.get("/api/v1/audit", headers=provider, params=of_company)).json()["data"]
    assert [event["type"] for event in whole][:3] == [
        "service.carrier_changed", "service.carrier_changed", "service.created",
    ]  # fmt: skip
    assert whole[0]["data"]["changes"] == [{"field": "carrier", "before": "Fernhill Access", "after": "Other Access"}]
