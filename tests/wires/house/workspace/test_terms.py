"""The provider's lists on the house API, and what else uses them: macros, bulk changes, lists, the search."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from clearline.catalogue.term_domain import SUB_STATUS_OF, TermKind
from clearline.tickets.status_domain import OPEN
from tests.builders.house import ANY, TICKETS, Headers, Json, new_ticket, pointers, problem
from tests.builders.people import Tenant
from tests.patience import patient

TERMS = "/api/v1/terms"


def test_a_sub_status_belongs_to_a_status_of_open_tickets() -> None:
    assert set(SUB_STATUS_OF) == OPEN


def a_term(**members: Any) -> Json:
    return {"kind": "fault_cause", "key": f"k{uuid4().hex[:12]}", "label": "Lightning", **members}


@pytest.fixture
async def number(client: httpx.AsyncClient, tenant: Tenant) -> str:
    created: str = (await new_ticket(client, tenant))["number"]
    return created


async def test_the_lists_are_there_from_the_start_in_their_order(client: httpx.AsyncClient, agent: Headers) -> None:
    listed: list[Json] = []
    cursor = ""
    while True:
        page = (await client.get(f"{TERMS}?limit=7{cursor}", headers=agent)).json()
        listed += page["data"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len({term["id"] for term in listed}) == len(listed)
    assert list(dict.fromkeys(term["kind"] for term in listed)) == list(TermKind)
    keys = [term["key"] for term in listed if term["kind"] == "waiting_reason"]
    assert keys[:6] == [
        "customer_time", "no_access", "observation", "maintenance_window", "third_party", "force_majeure",
    ]  # fmt: skip
    assert [term["key"] for term in listed if term["is_customer_time"]][:2] == ["customer_time", "no_access"]


async def test_customers_get_what_is_worded_for_them(client: httpx.AsyncClient, tenant: Tenant) -> None:
    listed = (await client.get(TERMS, headers=tenant.headers)).json()["data"]
    assert {term["kind"] for term in listed} == {"waiting_reason", "sub_status"}
    worded = {term["key"]: term["label"] for term in listed}
    assert worded["third_party"] == "Waiting for another provider"
    assert "monitoring" not in worded
    assert not any(term["help"] for term in listed)


async def test_a_term_is_added_changed_and_retired_with_events(
    client: httpx.AsyncClient, admin: Headers, agent: Headers
) -> None:
    new = a_term()
    answer = await client.post(TERMS, headers=admin, json=new)
    assert answer.status_code == 201, answer.text
    term = answer.json()
    assert (await client.get(answer.headers["location"], headers=agent)).json() == term
    problem(await client.post(TERMS, headers=admin, json=new), "already-exists")
    path = f"{TERMS}/{term['id']}"
    problem(await client.patch(path, headers=admin, json={"label": "Strike"}), "precondition-required")
    changed = await client.patch(path, headers=admin | ANY, json={"label": "Strike", "is_active": False})
    assert changed.json() == term | {"label": "Strike", "is_active": False}
    problem(await client.patch(path, headers=agent | ANY, json={"label": "x"}), "scope-missing")
    listed = (await client.get(f"{TERMS}?kind=fault_cause", headers=agent)).json()["data"]
    assert changed.json() in listed


@pytest.mark.parametrize(
    ("members", "wrong"),
    [
        ({"key": "Not A Key"}, ["/key"]),
        ({"kind": "mood"}, ["/kind"]),
        ({"label": ""}, ["/label"]),
        ({"customer_label": "For you"}, ["/customer_label"]),
        ({"statuses": ["held"]}, ["/statuses"]),
        ({"is_customer_time": True}, ["/is_customer_time"]),
        ({"kind": "waiting_reason"}, ["/statuses"]),
        ({"kind": "waiting_reason", "statuses": ["resolved"]}, ["/statuses"]),
        ({"kind": "sub_status", "statuses": ["held", "pending"]}, ["/statuses"]),
        ({"kind": "sub_status", "statuses": ["held"], "customer_label_de": "Warten"}, ["/customer_label"]),
        ({"position": 10_000}, ["/position"]),
    ],
)
async def test_a_term_that_breaks_a_rule_is_refused(
    client: httpx.AsyncClient, admin: Headers, members: Json, wrong: list[str]
) -> None:
    assert pointers(await client.post(TERMS, headers=admin, json=a_term(**members))) == wrong


async def test_a_macro_sets_what_goes_with_its_status(
    client: httpx.AsyncClient, admin: Headers, agent: Headers, number: str
) -> None:
    new: Json = {
        "name": f"Carrier {number}",
        "status": "held",
        "sub_status": "with_carrier",
        "waiting": {"reason": "third_party", "text": "Case at the carrier"},
        "closure": {"cause": "third_party_outage"},
    }
    macro = (await client.post("/api/v1/macros", headers=admin, json=new)).json()
    assert {name: macro[name] for name in ("sub_status", "waiting")} == {n: new[n] for n in ("sub_status", "waiting")}
    used = await client.post(f"{TICKETS}/{number}/macro", headers=agent, json={"macro": macro["id"]})
    ticket = used.json()["ticket"]
    assert (ticket["status"], ticket["sub_status"]) == ("held", "with_carrier")
    assert (ticket["waiting"]["reason"], ticket["closure"]["cause"]) == ("third_party", "third_party_outage")
    path = f"/api/v1/macros/{macro['id']}"
    assert pointers(await client.patch(path, headers=admin | ANY, json={"sub_status": "dispatched"})) == ["/sub_status"]
    no_status = {"status": None, "priority": "high"}
    assert pointers(await client.patch(path, headers=admin | ANY, json=no_status)) == ["/status"]
    changed = await client.patch(path, headers=admin | ANY, json={"sub_status": None, "closure": None})
    assert (changed.json()["sub_status"], changed.json()["waiting"]) == (None, new["waiting"])
    again = await client.post(f"{TICKETS}/{number}/macro", headers=agent, json={"macro": macro["id"]})
    assert again.json()["ticket"]["sub_status"] == "with_carrier"


async def job_items(client: httpx.AsyncClient, agent: Headers, body: Json) -> list[Json]:
    job = (await client.post("/api/v1/bulk", headers=agent, json=body)).json()
    async with asyncio.timeout(patient(8)):
        while job["state"] != "done":
            await asyncio.sleep(0.05)
            job = (await client.get(f"/api/v1/jobs/{job['id']}", headers=agent)).json()
    items: list[Json] = (await client.get(f"/api/v1/jobs/{job['id']}/items", headers=agent)).json()["data"]
    return items


async def test_a_bulk_change_resolves_with_the_facts_of_the_closure(
    client: httpx.AsyncClient, agent: Headers, number: str
) -> None:
    closure = {"cause": "fibre_cut", "responsibility": "third_party", "resolution": "The fibre is repaired"}
    action = {"type": "status", "to": "resolved", "closure": closure}
    [item] = await job_items(client, agent, {"tickets": [number], "action": action})
    assert item["outcome"] == "done"
    ticket = (await client.get(f"{TICKETS}/{number}", headers=agent)).json()
    assert {name: ticket["closure"][name] for name in closure} == closure
    action = {"type": "status", "to": "resolved", "closure": {"cause": "power"}}
    [item] = await job_items(client, agent, {"tickets": [number], "action": action})
    assert item["outcome"] == "done"
    ticket = (await client.get(f"{TICKETS}/{number}", headers=agent)).json()
    assert (ticket["closure"]["cause"], ticket["closure"]["resolution"]) == ("power", closure["resolution"])


@pytest.fixture
async def waits(client: httpx.AsyncClient, agent: Headers, number: str) -> str:
    body = {
        "status": "held", "sub_status": "with_carrier", "waiting": {"reason": "third_party", "text": "zq7carriercase"},
        "closure": {"cause": "fibre_cut", "responsibility": "third_party", "resolution": "zq7resolved"},
    }  # fmt: skip
    answer = await client.post(f"{TICKETS}/{number}/status", headers=agent, json=body)
    assert answer.status_code == 200, answer.text
    return number


@pytest.mark.parametrize(
    "query", ["sub_status=with_carrier", "waiting=third_party,observation", "waiting=third_party&state=all"]
)
async def test_a_list_is_filtered_by_it(
    client: httpx.AsyncClient, tenant: Tenant, agent: Headers, waits: str, query: str
) -> None:
    other = (await new_ticket(client, tenant))["number"]
    path = f"{TICKETS}?company={tenant.company.code}&{query}"
    listed = [ticket["number"] for ticket in (await client.get(path, headers=agent)).json()["data"]]
    assert listed[0] == waits
    assert other not in listed
    problem(await client.get(f"{TICKETS}?{query}", headers=tenant.headers), "forbidden")


async def found(client: httpx.AsyncClient, headers: Headers, query: str) -> list[str]:
    answer = await client.get("/api/v1/search", params={"q": query}, headers=headers)
    assert answer.status_code == 200, answer.text
    return [ticket["number"] for ticket in answer.json()["data"]]


@pytest.mark.parametrize(
    "query",
    [
        "sub-status:with_carrier", 'SUB-STATUS:"with carrier"', "waiting:third-party,observation", "cause:fibre_cut",
        "responsibility:third_party -waiting:observation", "cause:fibre_cut zq7resolved", "zq7carriercase",
    ],
)  # fmt: skip
async def test_the_search_finds_it(
    client: httpx.AsyncClient, tenant: Tenant, agent: Headers, waits: str, query: str
) -> None:
    query = f"company:{tenant.company.code} {query}"
    other = (await new_ticket(client, tenant))["number"]
    async with asyncio.timeout(patient(5)):
        while other not in await found(client, agent, f"number:{other}"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    listed = await found(client, agent, query)
    assert waits in listed
    assert other not in listed
    problem(
        await client.get("/api/v1/search", params={"q": "waiting:third_party"}, headers=tenant.headers),
        "invalid-parameter",
    )
    assert waits in await found(client, tenant.headers, "zq7resolved")
    assert await found(client, tenant.headers, "zq7carriercase") == []


async def test_an_exported_ticket_is_imported_with_it(
    client: httpx.AsyncClient, tenant: Tenant, agent: Headers, admin: Headers, waits: str
) -> None:
    query = f"?company={tenant.company.code}&format="
    exported = (await client.get(f"/api/v1/exports/tickets{query}csv", headers=agent)).text
    heading, *rows = exported.splitlines()
    [row] = [row for row in rows if row.startswith(waits)]
    cells = dict(zip(heading.split(","), row.split(","), strict=True))
    assert (cells["sub_status"], cells["waiting_reason"], cells["closure_cause"]) == (
        "with_carrier", "third_party", "fibre_cut",
    )  # fmt: skip
    own = (await client.get(f"/api/v1/exports/tickets{query}csv", headers=tenant.headers)).text
    assert "zq7carriercase" not in own
    assert "fibre_cut" not in own
    assert "zq7resolved" in own
    for kind, media in (("csv", "text/csv"), ("ndjson", "application/x-ndjson")):
        lines = (await client.get(f"/api/v1/exports/tickets{query}{kind}", headers=agent)).text.splitlines()
        content = "\n".join([*([heading] if kind == "csv" else []), *(line for line in lines if waits in line)])
        headers = admin | {"Content-Type": media}
        job = (await client.post("/api/v1/imports", headers=headers, content=content)).json()
        async with asyncio.timeout(patient(8)):
            while job["state"] != "done":
                await asyncio.sleep(0.05)
                job = (await client.get(f"/api/v1/jobs/{job['id']}", headers=admin)).json()
        [item] = (await client.get(f"/api/v1/jobs/{job['id']}/items", headers=admin)).json()["data"]
        assert item["outcome"] == "done", item
        copy = (await client.get(f"{TICKETS}/{item['ticket']}", headers=agent)).json()
        original = (await client.get(f"{TICKETS}/{waits}", headers=agent)).json()
        assert (copy["sub_status"], copy["closure"]) == (original["sub_status"], original["closure"])
        assert (copy["waiting"]["reason"], copy["waiting"]["text"]) == ("third_party", "zq7carriercase")
