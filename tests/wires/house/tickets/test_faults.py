"""The facts of a fault on the house API: given, read, changed, removed, refused, listed, searched, and never lost."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from clearline.platform.database.transactions import Database
from tests.builders.house import TICKETS, Headers, new_ticket, order, patch_ticket, pointers, problem
from tests.builders.people import Tenant
from tests.builders.search.index import follow

Json = dict[str, Any]
FAULT: Json = {
    "detected_by": "customer_monitoring",
    "intermittent": "Every night from 02:00 to 02:20 UTC",
    "observed_impact": "intermittent",
    "service_end": "z",
    "path_state": "protection_down",
    "testing_consent": "within_hours",
    "testing_hours": "22:00 to 04:00, Europe/Berlin",
    "dispatch_allowed": True,
    "site_access": {"contact": "Front desk, +1-555-0140", "hours": "06:00 to 22:00", "hazards": "Laser class 3B"},
}
BEGAN = "2026-02-27T21:10:00Z"
NOTHING: Json = dict.fromkeys(("occurred_at", *FAULT))


def facts_of(ticket: Json) -> Json:
    return {name: ticket[name] for name in NOTHING}


async def facts(client: httpx.AsyncClient, headers: Headers, number: str) -> Json:
    return facts_of((await client.get(f"{TICKETS}/{number}", headers=headers)).json())


@pytest.mark.parametrize("whose", ["customer", "staff"])
async def test_a_ticket_is_raised_with_the_facts_of_its_fault_and_shows_them(
    client: httpx.AsyncClient, tenant: Tenant, agent: Headers, whose: str
) -> None:
    headers = agent if whose == "staff" else tenant.headers
    company = {"company": tenant.company.code} if whose == "staff" else {}
    body = order(**FAULT, occurred_at="2026-02-27T22:10:00+01:00", **company)
    answer = await client.post(TICKETS, json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    assert facts_of(answer.json()) == {**FAULT, "occurred_at": BEGAN}
    number = answer.json()["number"]
    for reader in (agent, tenant.headers):
        assert await facts(client, reader, number) == {**FAULT, "occurred_at": BEGAN}
    [listed] = [
        each
        for each in (await client.get(f"{TICKETS}?limit=200", headers=tenant.headers)).json()["data"]
        if each["number"] == number
    ]
    assert listed["occurred_at"] == BEGAN
    assert not set(FAULT) & set(listed)


async def test_a_ticket_without_facts_shows_null_for_each(client: httpx.AsyncClient, tenant: Tenant) -> None:
    ticket = await new_ticket(client, tenant)
    assert facts_of(ticket) == NOTHING
    assert "is_chronic" not in ticket


async def test_customers_and_staff_change_and_remove_facts_with_events(
    client: httpx.AsyncClient, tenant: Tenant, agent: Headers
) -> None:
    number = str((await new_ticket(client, tenant, **FAULT))["number"])
    changed = await patch_ticket(
        client, tenant.headers, number,
        {"occurred_at": BEGAN, "testing_consent": "yes", "site_access": {"hours": None, "contact": "Guard"}},
    )  # fmt: skip
    assert changed.status_code == 200, changed.text
    access = {"contact": "Guard", "hours": None, "hazards": "Laser class 3B"}
    assert facts_of(changed.json()) == {
        **FAULT, "occurred_at": BEGAN, "testing_consent": "yes", "testing_hours": None, "site_access": access,
    }  # fmt: skip
    removed = await patch_ticket(client, agent, number, dict.fromkeys(NOTHING))
    assert facts_of(removed.json()) == NOTHING
    events = (await client.get(f"{TICKETS}/{number}/history", headers=tenant.headers)).json()["data"]
    first, second = [event["data"]["changes"] for event in events if event["type"] == "ticket.changed"]
    assert first == [
        {"field": "occurred_at", "before": None, "after": BEGAN},
        {"field": "testing_consent", "before": "within_hours", "after": "yes"},
        {"field": "testing_hours", "before": FAULT["testing_hours"], "after": None},
        {"field": "site_access", "before": FAULT["site_access"], "after": access},
    ]
    assert {change["field"] for change in second} == set(NOTHING) - {"testing_hours"}
    unchanged = await patch_ticket(client, agent, number, dict.fromkeys(NOTHING))
    assert unchanged.json()["version"] == removed.json()["version"]


@pytest.mark.parametrize(
    ("member", "value", "pointer"),
    [
        ("occurred_at", "2999-01-01T00:00:00Z", "/occurred_at"),
        ("occurred_at", "1999-12-31T23:59:59Z", "/occurred_at"),
        ("occurred_at", "yesterday", "/occurred_at"),
        ("detected_by", "nobody", "/detected_by"),
        ("intermittent", "x" * 1001, "/intermittent"),
        ("observed_impact", "none", "/observed_impact"),
        ("service_end", "b", "/service_end"),
        ("path_state", "fine", "/path_state"),
        ("testing_consent", "maybe", "/testing_consent"),
        ("testing_consent", "within_hours", "/testing_hours"),
        ("testing_hours", "at night", "/testing_hours"),
        ("dispatch_allowed", "yes", "/dispatch_allowed"),
        ("site_access", {"contact": "x" * 501}, "/site_access/contact"),
        ("site_access", {"hours": "x" * 501}, "/site_access/hours"),
        ("site_access", {"hazards": ""}, "/site_access/hazards"),
        ("site_access", {"key": "under the mat"}, "/site_access/key"),
    ],
)
async def test_a_wrong_fact_is_refused_by_its_pointer(
    client: httpx.AsyncClient, tenant: Tenant, member: str, value: object, pointer: str
) -> None:
    answer = await client.post(TICKETS, json=order(**{member: value}), headers=tenant.headers)
    assert pointers(answer) == [pointer]
    number = str((await new_ticket(client, tenant))["number"])
    assert pointers(await patch_ticket(client, tenant.headers, number, {member: value})) == [pointer]
    assert await facts(client, tenant.headers, number) == NOTHING


async def test_another_company_neither_reads_nor_changes_facts(
    client: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant
) -> None:
    number = str((await new_ticket(client, tenant, **FAULT))["number"])
    answer = await patch_ticket(client, other_tenant.headers, number, {"testing_consent": "yes"})
    problem(answer, "not-found")
    assert (await facts(client, tenant.headers, number))["testing_consent"] == "within_hours"


@pytest.fixture(scope="module")
async def dated(client: httpx.AsyncClient, tenant: Tenant, database: Database) -> dict[str, str]:
    """Create tickets that began at different times, one of which does not say when; return names by numbers."""
    start = datetime.now(UTC).replace(microsecond=0)
    names = {}
    for name, days in (("a", 3), ("b", 40), ("c", None), ("d", 10)):
        began = {} if days is None else {"occurred_at": (start - timedelta(days=days)).isoformat()}
        names[str((await new_ticket(client, tenant, title="Dated", **began))["number"])] = name
    await follow(database)
    return names


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("sort=occurred_at", "bdac"),
        ("sort=-occurred_at", "cadb"),
        ("sort=occurred_at&occurred_since={20}", "da"),
        ("sort=-occurred_at&occurred_until={5}", "db"),
        ("occurred_since={20}", "da"),
        ("occurred_since={45}&occurred_until={5}", "db"),
        ("occurred_until={0}", "dba"),
    ],
)
async def test_tickets_are_listed_by_the_beginning_of_the_fault(
    client: httpx.AsyncClient, tenant: Tenant, agent: Headers, dated: dict[str, str], query: str, expected: str
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    for days in (0, 5, 20, 45):
        query = query.replace(f"{{{days}}}", (now - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ"))
    path = f"{TICKETS}?{query}&company={tenant.company.code}"
    for headers in (agent, tenant.headers):
        numbers: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await client.get(f"{path}&limit=2{cursor and f'&cursor={cursor}'}", headers=headers)
            assert page.status_code == 200, page.text
            numbers += [ticket["number"] for ticket in page.json()["data"]]
            cursor = page.json()["next_cursor"]
        assert "".join(dated.get(number, "") for number in numbers) == expected


async def test_a_span_that_ends_before_it_begins_is_refused(client: httpx.AsyncClient, tenant: Tenant) -> None:
    query = "occurred_since=2026-03-02T00:00:00Z&occurred_until=2026-03-01T00:00:00Z"
    answer = await client.get(f"{TICKETS}?{query}", headers=tenant.headers)
    assert pointers(answer, "invalid-parameter") == ["occurred_until"]


async def test_only_the_staff_lists_chronic_tickets(
    client: httpx.AsyncClient, tenant: Tenant, agent: Headers, dated: dict[str, str]
) -> None:
    problem(await client.get(f"{TICKETS}?chronic=true", headers=tenant.headers), "forbidden")
    answer = await client.get(f"{TICKETS}?limit=200&chronic=false&company={tenant.company.code}", headers=agent)
    assert dated.keys() <= {ticket["number"] for ticket in answer.json()["data"]}


async def test_the_search_finds_tickets_by_the_beginning_of_the_fault(
    client: httpx.AsyncClient, tenant: Tenant, agent: Headers, dated: dict[str, str]
) -> None:
    day = (datetime.now(UTC) - timedelta(days=20)).date().isoformat()
    for headers in (agent, tenant.headers):
        for sign, expected in ((">=", "ad"), ("<", "b")):
            answer = await client.get(
                "/api/v1/search", params={"q": f'occurred:{sign}{day} "Dated"', "limit": "200"}, headers=headers
            )
            assert answer.status_code == 200, answer.text
            found = [dated.get(ticket["number"], "") for ticket in answer.json()["data"]]
            assert "".join(sorted(found)) == expected
