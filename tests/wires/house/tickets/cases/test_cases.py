"""Cases at third parties in the house API."""

from uuid import uuid4

import httpx
import pytest

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from tests.builders.house import ANY, NOBODY, TICKETS, Headers, Json, new_ticket, patch_ticket, pointers, problem
from tests.builders.people import Tenant, staff_key
from tests.builders.search.index import follow

CASE: Json = {
    "party": "Fernhill Access",
    "number": "FH-77",
    "kind": "carrier",
    "state": "waiting",
    "opened_at": "2026-02-27T08:00:00Z",
    "expected_at": "2026-02-28T08:00:00Z",
    "contact": {"name": "Fernhill NOC", "phone": "+1-555-0171", "email": "noc@example.org"},
    "notes": "Splicing team on its way",
}


async def path_of(client: httpx.AsyncClient, tenant: Tenant) -> str:
    return f"{TICKETS}/{(await new_ticket(client, tenant))['number']}"


async def test_a_case_is_added_changed_and_removed_and_is_a_member_of_the_ticket(
    client: httpx.AsyncClient, tenant: Tenant, agent: Headers
) -> None:
    at = await path_of(client, tenant)
    added = await client.post(f"{at}/cases", headers=agent, json=CASE)
    assert added.status_code == 201, added.text
    assert {name: added.json()[name] for name in CASE} == CASE
    address = added.headers["location"]
    read = await client.get(address, headers=agent)
    assert (read.content, read.headers["etag"]) == (added.content, added.headers["etag"])
    assert (await client.get(f"{at}/cases", headers=agent)).json()["data"] == [added.json()]
    whole = await client.get(at, headers=agent)
    assert whole.json()["cases"] == [added.json()]
    tagged = {**agent, "If-Match": read.headers["etag"]}
    patch = {"state": "resolved", "expected_at": None, "contact": {"phone": ""}}
    changed = await client.patch(address, headers=tagged, json=patch)
    assert changed.status_code == 200, changed.text
    assert (changed.json()["state"], changed.json()["expected_at"]) == ("resolved", None)
    assert changed.json()["contact"] == CASE["contact"] | {"phone": ""}
    problem(await client.patch(address, headers=tagged, json={"notes": "late"}), "precondition-failed")
    problem(await client.patch(address, headers=agent, json={"notes": "late"}), "precondition-required")
    stale = {**agent, "If-Match": whole.headers["etag"]}
    problem(await client.patch(at, headers=stale, json={"title": "Other"}), "precondition-failed")
    nobody = await client.patch(address, headers={**agent, **ANY}, json={"contact": None})
    assert nobody.json()["contact"] == {"name": "", "phone": "", "email": ""}
    assert (await client.delete(address, headers={**agent, **ANY})).status_code == 204
    problem(await client.get(address, headers=agent), "not-found")


async def test_the_cases_of_a_ticket_come_in_pages_by_their_opening(
    client: httpx.AsyncClient, tenant: Tenant, agent: Headers
) -> None:
    at = await path_of(client, tenant)
    for day in ("03", "01", "02"):
        body = {"party": f"P{day}", "opened_at": f"2026-02-{day}T00:00:00Z"}
        assert (await client.post(f"{at}/cases", headers=agent, json=body)).status_code == 201
    first = (await client.get(f"{at}/cases?limit=2", headers=agent)).json()
    assert ([case["party"] for case in first["data"]], first["has_more"]) == (["P01", "P02"], True)
    rest = (await client.get(f"{at}/cases?limit=2&cursor={first['next_cursor']}", headers=agent)).json()
    assert ([case["party"] for case in rest["data"]], rest["has_more"]) == (["P03"], False)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, ["/party"]),
        ({"party": ""}, ["/party"]),
        ({"party": "X", "kind": "friend"}, ["/kind"]),
        ({"party": "X", "state": "lost"}, ["/state"]),
        ({"party": "X", "contact": {"email": "nobody"}}, ["/contact/email"]),
        ({"party": "X", "opened_at": "2999-01-01T00:00:00Z"}, ["/opened_at"]),
        ({"party": "X", "opened_at": "2026-02-02T00:00:00Z", "expected_at": "2026-02-01T00:00:00Z"}, ["/expected_at"]),
        ({"party": "X", "priority": "high"}, ["/priority"]),
        ({"party": "X", "opened_at": "0001-01-01T00:00:00Z"}, ["/opened_at"]),
        ({"party": "X", "expected_at": "9999-12-31T23:59:59.999999Z"}, ["/expected_at"]),
    ],
    ids=["none", "empty", "kind", "state", "address", "future", "order", "unknown", "ancient", "endless"],
)
async def test_a_wrong_case_is_refused_where_it_stands(
    client: httpx.AsyncClient, tenant: Tenant, agent: Headers, body: Json, where: list[str]
) -> None:
    at = await path_of(client, tenant)
    assert pointers(await client.post(f"{at}/cases", headers=agent, json=body)) == where


async def test_a_held_ticket_names_its_case_to_the_staff_alone(
    client: httpx.AsyncClient, tenant: Tenant, agent: Headers
) -> None:
    at = await path_of(client, tenant)
    case = (await client.post(f"{at}/cases", headers=agent, json=CASE)).json()
    waiting = {"reason": "third_party", "text": "They dig", "case": case["id"]}
    assert (await client.post(f"{at}/status", headers=agent, json={"status": "in_progress"})).status_code == 200
    moved = await client.post(f"{at}/status", headers=agent, json={"status": "held", "waiting": waiting})
    assert moved.status_code == 200, moved.text
    named = {"id": case["id"], "party": CASE["party"], "number": CASE["number"]}
    assert moved.json()["waiting"]["case"] == named
    seen = (await client.get(at, headers=tenant.headers)).json()
    assert (set(seen["waiting"]), "cases" in seen) == ({"reason", "at"}, False)
    assert (await client.delete(f"{at}/cases/{case['id']}", headers={**agent, **ANY})).status_code == 204
    assert (await client.get(at, headers=agent)).json()["waiting"]["case"] == named
    number = at.rpartition("/")[2]
    without = await patch_ticket(client, agent, number, {"waiting": {"case": None}})
    assert without.json()["waiting"]["case"] is None
    assert pointers(await patch_ticket(client, agent, number, {"waiting": {"case": NOBODY}})) == ["/waiting/case"]


async def test_customers_get_no_case_in_any_answer(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, agent: Headers
) -> None:
    at = await path_of(client, tenant)
    secret = f"S-{uuid4()}"
    body = CASE | {"party": secret, "number": secret, "notes": secret}
    case = (await client.post(f"{at}/cases", headers=agent, json=body)).json()
    await follow(database)
    for path in (at, f"{at}/history", f"{TICKETS}?state=all", f"{TICKETS}?fields=number,title", "/api/v1/events"):
        assert secret not in (await client.get(path, headers=tenant.headers)).text, path
    for path in (f"{at}/cases", f"{at}/cases/{case['id']}"):
        problem(await client.get(path, headers=tenant.headers), "forbidden")
    problem(await client.get(f"{TICKETS}?case={secret}", headers=tenant.headers), "forbidden")
    assert (await client.get(f"/api/v1/search?q={secret}", headers=tenant.headers)).json()["data"] == []
    assert (await client.get(f"/api/v1/search?q=case:{secret}", headers=tenant.headers)).status_code == 400
    exported = await client.get("/api/v1/exports/tickets?state=all", headers=tenant.headers)
    assert exported.status_code == 200
    assert secret not in exported.text


async def test_tickets_with_the_same_case_are_listed_and_found_together(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, other_tenant: Tenant, agent: Headers
) -> None:
    number = f"FH-{uuid4()}"
    numbers = []
    for owner in (tenant, other_tenant):
        at = await path_of(client, owner)
        numbers.append(at.rpartition("/")[2])
        assert (await client.post(f"{at}/cases", headers=agent, json=CASE | {"number": number})).status_code == 201
    await new_ticket(client, tenant)
    await follow(database)
    for query in (f"{TICKETS}?case={number.upper()}", f"{TICKETS}?case={number}&state=all&sort=number",
                  f"/api/v1/search?q=case:{number.upper()}", f"/api/v1/search?q={number}"):  # fmt: skip
        listed = (await client.get(query, headers=agent)).json()["data"]
        assert sorted(ticket["number"] for ticket in listed) == numbers, query
    of_company = f"{TICKETS}?case={number}&company={tenant.company.code}"
    listed = (await client.get(of_company, headers=agent)).json()["data"]
    assert [ticket["number"] for ticket in listed] == numbers[:1]


async def test_a_viewer_reads_cases_and_changes_none(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, agent: Headers
) -> None:
    viewer = await staff_key(database, Role.VIEWER)
    at = await path_of(client, tenant)
    case = (await client.post(f"{at}/cases", headers=agent, json=CASE)).json()
    assert (await client.get(f"{at}/cases", headers=viewer)).json()["data"] == [case]
    assert (await client.post(f"{at}/cases", headers=viewer, json=CASE)).status_code == 403
    answer = await client.delete(f"{at}/cases/{case['id']}", headers={**viewer, **ANY})
    assert answer.status_code == 403
