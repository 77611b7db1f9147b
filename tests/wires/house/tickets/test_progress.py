"""What goes with a status, on the house API: the sub-status, why a ticket waits, what was found and done."""

import asyncio
from typing import Any

import httpx
import pytest

from clearline.platform.database.transactions import Database
from tests.builders.house import ANY, TICKETS, Headers, Json, new_ticket, problem
from tests.builders.people import Tenant
from tests.patience import patient

FOUND = {
    "cause": "fibre_cut",
    "action": "fibre_repaired",
    "responsibility": "third_party",
    "fault_found": True,
    "root_cause": "An excavator cut the duct",
    "resolution": "The fibre is repaired",
}


async def moved(client: httpx.AsyncClient, agent: Headers, path: str, **body: Any) -> Json:
    answer = await client.post(f"{path}/status", headers=agent, json=body)
    assert answer.status_code == 200, answer.text
    result: Json = answer.json()
    return result


async def shown(client: httpx.AsyncClient, path: str, headers: Headers) -> Json:
    result: Json = (await client.get(path, headers=headers)).json()
    return result


async def history(client: httpx.AsyncClient, path: str, headers: Headers) -> list[tuple[str, Json]]:
    events = (await client.get(f"{path}/history", headers=headers)).json()["data"]
    return [(event["type"], event["data"]) for event in events[1:]]


@pytest.fixture
async def path(client: httpx.AsyncClient, tenant: Tenant) -> str:
    return f"{TICKETS}/{(await new_ticket(client, tenant))['number']}"


async def test_why_it_waits_is_shown_to_each_side_and_leaves_with_the_status(
    client: httpx.AsyncClient, tenant: Tenant, agent: Headers, path: str
) -> None:
    waiting = {"reason": "third_party", "text": "Carrier case 4711"}
    ticket = await moved(client, agent, path, status="held", waiting=waiting, sub_status="with_carrier")
    said = {**waiting, "by": "Mara agent", "at": ticket["status_changed_at"], "case": None}
    assert ticket["waiting"] == said
    assert ticket["sub_status"] == "with_carrier"
    own = await shown(client, path, tenant.headers)
    assert own["waiting"] == {"reason": "third_party", "at": ticket["status_changed_at"]}
    assert own["sub_status"] == "with_carrier"
    move = {"before": "acknowledged", "after": "held", "reason": ""}
    told = {**move, "sub_status": "with_carrier", "waiting": waiting}
    assert await history(client, path, agent) == [("ticket.status_changed", told)]
    assert await history(client, path, tenant.headers) == [("ticket.status_changed", move)]
    after = await moved(client, agent, path, status="in_progress")
    assert (after["waiting"], after["sub_status"]) == (None, None)


async def test_an_answer_of_the_customer_ends_the_wait(
    client: httpx.AsyncClient, tenant: Tenant, agent: Headers, path: str
) -> None:
    await moved(client, agent, path, status="pending", waiting={"reason": "customer_time"})
    await client.post(f"{path}/notes", headers=tenant.headers, json={"text": "It is port 7"})
    after = await shown(client, path, agent)
    assert (after["status"], after["waiting"]) == ("in_progress", None)


async def test_a_wait_without_a_reason_is_accepted(client: httpx.AsyncClient, agent: Headers, path: str) -> None:
    assert (await moved(client, agent, path, status="pending"))["waiting"] is None


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"status": "in_progress", "waiting": {"reason": "third_party"}}, "/waiting"),
        ({"status": "pending", "waiting": {"reason": "third_party"}}, "/waiting/reason"),
        ({"status": "held", "waiting": {"reason": "no_such"}}, "/waiting/reason"),
        ({"status": "held", "waiting": {"reason": "No Such"}}, "/waiting/reason"),
        ({"status": "held", "waiting": {"reason": "third_party", "text": "x" * 1001}}, "/waiting/text"),
        ({"status": "held", "sub_status": "dispatched"}, "/sub_status"),
        ({"status": "resolved", "closure": {"cause": "no_such"}}, "/closure/cause"),
        ({"status": "resolved", "closure": {"resolution": "x" * 4001}}, "/closure/resolution"),
        ({"status": "in_progress", "closure": {"responsibility": "fibre_cut"}}, "/closure/responsibility"),
    ],
)
async def test_what_breaks_a_rule_is_refused_by_its_pointer(
    client: httpx.AsyncClient, agent: Headers, path: str, body: Json, pointer: str
) -> None:
    before = await shown(client, path, agent)
    refused = problem(await client.post(f"{path}/status", headers=agent, json=body), "invalid-input")
    assert [error["pointer"] for error in refused["errors"]] == [pointer]
    assert await shown(client, path, agent) == before


async def test_customers_read_the_resolution_alone(
    client: httpx.AsyncClient, tenant: Tenant, agent: Headers, path: str
) -> None:
    ticket = await moved(client, agent, path, status="resolved", closure=FOUND)
    assert ticket["closure"] == FOUND
    own = await shown(client, path, tenant.headers)
    assert own["closure"] == {"resolution": FOUND["resolution"]}
    [_move, (kind, data)] = await history(client, path, agent)
    assert kind == "ticket.changed"
    assert {change["field"]: change["after"] for change in data["changes"]} == {
        f"closure.{name}": value for name, value in FOUND.items()
    }
    [_move, (_kind, visible)] = await history(client, path, tenant.headers)
    assert [change["field"] for change in visible["changes"]] == ["closure.resolution"]
    assert "closure" not in (await client.get(TICKETS, headers=agent)).json()["data"][0]


async def test_a_patch_changes_what_goes_with_the_status(
    client: httpx.AsyncClient, tenant: Tenant, agent: Headers, path: str
) -> None:
    await moved(client, agent, path, status="held", waiting={"reason": "third_party", "text": "Case 1"})
    before = await shown(client, path, tenant.headers)
    patch = {
        "title": "Port is down",
        "sub_status": "with_carrier",
        "waiting": {"text": "Case 2"},
        "closure": {"cause": "fibre_cut", "root_cause": "Duct"},
    }
    ticket = (await client.patch(path, headers=agent | ANY, json=patch)).json()
    assert (ticket["title"], ticket["sub_status"]) == ("Port is down", "with_carrier")
    assert (ticket["waiting"]["reason"], ticket["waiting"]["text"]) == ("third_party", "Case 2")
    assert (ticket["closure"]["cause"], ticket["closure"]["root_cause"]) == ("fibre_cut", "Duct")
    own = await shown(client, path, tenant.headers)
    assert (own["version"], own["closure"]) == (before["version"] + 2, None)
    [_title, told] = [data for kind, data in await history(client, path, tenant.headers) if kind == "ticket.changed"]
    wording = {"field": "sub_status_for_customers", "before": None, "after": "With another provider"}
    assert told == {"changes": [wording]}
    cleared = {"sub_status": None, "waiting": None, "closure": None}
    ticket = (await client.patch(path, headers=agent | ANY, json=cleared)).json()
    assert (ticket["sub_status"], ticket["waiting"], ticket["closure"]) == (None, None, None)


async def test_an_internal_change_leaves_the_customers_version(
    client: httpx.AsyncClient, tenant: Tenant, agent: Headers, path: str
) -> None:
    await moved(client, agent, path, status="in_progress")
    before = await client.get(path, headers=tenant.headers)
    answer = await client.patch(
        path, headers=agent | ANY, json={"sub_status": "monitoring", "closure": {"cause": "power"}}
    )
    assert answer.status_code == 200, answer.text
    after = await client.get(path, headers=tenant.headers)
    assert (after.content, after.headers["etag"]) == (before.content, before.headers["etag"])


@pytest.mark.parametrize(
    "patch", [{"sub_status": None}, {"waiting": {"text": "x"}}, {"closure": {"resolution": "It works"}}]
)
async def test_customers_change_none_of_it(client: httpx.AsyncClient, tenant: Tenant, path: str, patch: Json) -> None:
    problem(await client.patch(path, headers=tenant.headers | ANY, json=patch), "forbidden")
    body = {"status": "closed", "reason": "It works", "closure": {"resolution": "It works"}}
    problem(await client.post(f"{path}/status", headers=tenant.headers, json=body), "forbidden")


async def test_an_issue_type_can_require_facts_before_a_ticket_is_resolved(
    client: httpx.AsyncClient, tenant: Tenant, agent: Headers, path: str, database: Database
) -> None:
    issue = (await shown(client, path, agent))["issue_type"]
    async with database.transaction() as tx:
        await tx.write(
            "update issue_type set closure_required = '{cause,fault_found,resolution}' where key = $1", issue
        )
    try:
        body: Json = {"status": "resolved", "closure": {"cause": "power", "resolution": " "}}
        answer = await client.post(f"{path}/status", headers=agent, json=body)
        async with asyncio.timeout(patient(10)):
            while answer.status_code == 200:  # the server is notified of the change of the issue type
                path = f"{TICKETS}/{(await new_ticket(client, tenant))['number']}"
                answer = await client.post(f"{path}/status", headers=agent, json=body)
        refused = problem(answer, "invalid-input")
        assert [error["pointer"] for error in refused["errors"]] == ["/closure/fault_found", "/closure/resolution"]
        await client.patch(path, headers=agent | ANY, json={"closure": {"fault_found": False}})
        body["closure"] = {"cause": "power", "resolution": "It came back"}
        assert (await moved(client, agent, path, **body))["closure"]["fault_found"] is False
        for lost, missing in ((None, 3), ({"cause": None}, 1), ({"resolution": " "}, 1)):
            refused = problem(await client.patch(path, headers=agent | ANY, json={"closure": lost}), "invalid-input")
            assert len(refused["errors"]) == missing, lost
        changed = await client.patch(path, headers=agent | ANY, json={"closure": {"cause": "hardware"}})
        assert changed.json()["closure"]["cause"] == "hardware"
    finally:
        async with database.transaction() as tx:
            await tx.write("update issue_type set closure_required = '{}' where key = $1", issue)


async def test_a_retired_term_stays_on_its_ticket_and_is_offered_no_more(
    client: httpx.AsyncClient, admin: Headers, agent: Headers, tenant: Tenant, path: str
) -> None:
    new = {"kind": "sub_status", "key": "war_room", "label": "War room", "statuses": ["in_progress"]}
    term = (await client.post("/api/v1/terms", headers=admin, json=new)).json()
    assert (await moved(client, agent, path, status="in_progress", sub_status="war_room"))["sub_status"] == "war_room"
    retired = await client.patch(f"/api/v1/terms/{term['id']}", headers=admin | ANY, json={"is_active": False})
    assert retired.json()["is_active"] is False
    patch = {"sub_status": "war_room", "title": "Port is still slow"}
    assert (await client.patch(path, headers=agent | ANY, json=patch)).status_code == 200
    assert (await shown(client, path, agent))["sub_status"] == "war_room"
    assert (await shown(client, path, tenant.headers))["sub_status"] is None
    other = f"{TICKETS}/{(await new_ticket(client, tenant))['number']}"
    body = {"status": "in_progress", "sub_status": "war_room"}
    refused = problem(await client.post(f"{other}/status", headers=agent, json=body), "invalid-input")
    assert [error["pointer"] for error in refused["errors"]] == ["/sub_status"]


async def test_a_redaction_removes_words_from_it(
    client: httpx.AsyncClient, admin: Headers, agent: Headers, path: str
) -> None:
    waiting = {"reason": "third_party", "text": "Their password is zq9secret"}
    closure = {"root_cause": "zq9secret was expired", "resolution": "New password"}
    await moved(client, agent, path, status="held", waiting=waiting, closure=closure)
    body = {"target": "ticket", "text": "zq9secret", "reason": "A password"}
    answer = await client.post(f"{path}/redactions", headers=admin, json=body)
    assert answer.status_code in {200, 201, 202}, answer.text
    ticket = await shown(client, path, agent)
    assert "zq9secret" not in str((ticket["waiting"], ticket["closure"]))
    assert (ticket["waiting"]["reason"], ticket["closure"]["resolution"]) == ("third_party", "New password")
