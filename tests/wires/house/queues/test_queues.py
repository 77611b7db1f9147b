from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from tests.builders.databases import administer
from tests.builders.house import Json, pointers, problem
from tests.builders.people import Staff, Tenant, new_staff, new_tenant

TEAMS, QUEUES, RULES = "/api/v1/teams", "/api/v1/queues", "/api/v1/routing-rules"
ANYWAY = {"If-Match": "*"}
NOWHERE = "00000000-0000-4000-8000-00000000dead"


@pytest.fixture(scope="module")
async def admin(database: Database) -> Staff:
    return await new_staff(database, Role.ADMIN, "Ada Lund")


@pytest.fixture(scope="module")
async def ann(database: Database) -> Staff:
    return await new_staff(database, Role.AGENT, "Ann Ode")


@pytest.fixture(autouse=True)
async def _no_rules(database_url: str) -> None:
    await administer(database_url, "delete from routing_rule")


def named(what: str) -> str:
    return f"{what} {uuid4().hex[:8]}"


async def create(client: httpx.AsyncClient, admin: Staff, path: str, **body: object) -> Json:
    answer = await client.post(path, headers=admin.headers, json=body)
    assert answer.status_code == 201, answer.text
    read = await client.get(answer.headers["location"], headers=admin.headers)
    assert (read.json(), read.headers["etag"]) == (answer.json(), answer.headers["etag"])
    created: Json = answer.json()
    return created


async def raised(client: httpx.AsyncClient, tenant: Tenant, **members: object) -> str:
    body = {
        "title": "Port down",
        "description": "No light",
        "issue_type": "Circuit Down",
        "service": {"id": "SVC-1", "type": "Port"},
    }
    answer = await client.post("/api/v1/tickets", headers=tenant.headers, json=body | members)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["number"])


async def test_a_team_is_created_renamed_and_deleted(client: httpx.AsyncClient, admin: Staff, ann: Staff) -> None:
    team = await create(client, admin, TEAMS, name=named("NOC"))
    path, member = f"{TEAMS}/{team['id']}", f"{TEAMS}/{team['id']}/members/{ann.user.id}"
    assert (team["members"], team["queues"]) == ([], [])
    joined = await client.put(member, headers=admin.headers)
    assert joined.json() == {
        "id": str(ann.user.id),
        "name": "Ann Ode",
        "email": ann.user.email,
        "role": "agent",
        "is_active": True,
        "is_available": True,
    }
    assert (await client.get(member, headers=admin.headers)).json() == joined.json()
    read = await client.get(path, headers=admin.headers)
    assert read.json()["members"] == [{"id": str(ann.user.id), "name": "Ann Ode"}]
    other = named("Night")
    renamed = await client.patch(path, headers=admin.headers | {"If-Match": read.headers["etag"]}, json={"name": other})
    assert renamed.json() == read.json() | {"name": other}
    stale = await client.delete(path, headers=admin.headers | {"If-Match": read.headers["etag"]})
    problem(stale, "precondition-failed")
    assert (await client.delete(member, headers=admin.headers | ANYWAY)).status_code == 204
    problem(await client.get(member, headers=admin.headers), "not-found")
    deleted = await client.delete(
        path, headers=admin.headers | {"If-Match": team_tag(await client.get(path, headers=admin.headers))}
    )
    assert (deleted.status_code, deleted.content) == (204, b"")
    problem(await client.get(path, headers=admin.headers), "not-found")


def team_tag(answer: httpx.Response) -> str:
    return str(answer.headers["etag"])


async def test_a_queue_is_created_changed_and_deleted(client: httpx.AsyncClient, admin: Staff) -> None:
    team = await create(client, admin, TEAMS, name=named("NOC"))
    queue = await create(client, admin, QUEUES, name=named("Faults"))
    path = f"{QUEUES}/{queue['id']}"
    assert (queue["team"], queue["assignment"], queue["description"]) == (None, "manual", "")
    body = {"team": team["id"], "assignment": "round_robin", "description": "All day"}
    changed = await client.patch(path, headers=admin.headers | ANYWAY, json=body)
    assert changed.json() == queue | body | {"team": {"id": team["id"], "name": team["name"]}}
    listed = (await client.get(QUEUES, headers=admin.headers, params={"limit": 200})).json()["data"]
    assert changed.json() | {"open_tickets": 0, "unassigned_tickets": 0, "unreachable_tickets": 0} in listed
    in_use = await client.delete(f"{TEAMS}/{team['id']}", headers=admin.headers | ANYWAY)
    assert "give these to another team first" in problem(in_use, "conflict", code="in-use")["detail"]
    problem(await client.delete(path, headers=admin.headers), "precondition-required")
    assert (await client.delete(path, headers=admin.headers | ANYWAY)).status_code == 204
    problem(await client.get(path, headers=admin.headers), "not-found")


async def test_lists_are_read_page_by_page(client: httpx.AsyncClient, admin: Staff) -> None:
    queue = await create(client, admin, QUEUES, name=named("Queue"))
    for _ in range(3):
        await create(client, admin, TEAMS, name=named("Team"))
        await create(client, admin, QUEUES, name=named("Queue"))
        await create(client, admin, RULES, name="Rule", queue=queue["id"])
    for path in (TEAMS, QUEUES, RULES):
        complete = (await client.get(path, headers=admin.headers, params={"limit": 200})).json()["data"]
        items: list[Json] = []
        cursor: dict[str, str] = {}
        while True:
            page = (await client.get(path, headers=admin.headers, params={"limit": 2, **cursor})).json()
            items += page["data"]
            if not page["has_more"]:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert items == complete
        assert len(items) >= 3
        problem(await client.get(path, headers=admin.headers, params={"limt": 1}), "invalid-parameter")
        problem(await client.get(path, headers=admin.headers, params={"cursor": "x"}), "invalid-cursor")


async def test_routing_rules_are_ordered_moved_and_deleted(client: httpx.AsyncClient, admin: Staff) -> None:
    queue = await create(client, admin, QUEUES, name=named("Queue"))
    first = await create(client, admin, RULES, name="First", queue=queue["id"], keywords=["bgp"])
    second = await create(client, admin, RULES, name="Second", queue=queue["id"], position=1, priorities=["critical"])
    assert second == {
        "id": second["id"],
        "position": 1,
        "name": "Second",
        "queue": {"id": queue["id"], "name": queue["name"]},
        "issue_types": [],
        "service_types": [],
        "companies": [],
        "priorities": ["critical"],
        "keywords": [],
        "fields": [],
        "is_active": True,
        "created_at": second["created_at"],
        "shadowed_by": None,
    }
    path = f"{RULES}/{second['id']}"
    changed = await client.patch(path, headers=admin.headers | ANYWAY, json={"position": 2, "is_active": False})
    assert changed.json() == second | {"position": 2, "is_active": False}
    ordered = await client.put(f"{RULES}/order", headers=admin.headers, json={"ids": [second["id"], first["id"]]})
    assert [(rule["position"], rule["name"]) for rule in ordered.json()["data"]] == [(1, "Second"), (2, "First")]
    wrong = await client.put(f"{RULES}/order", headers=admin.headers, json={"ids": [second["id"]]})
    assert pointers(wrong) == ["/ids"]
    assert (await client.delete(path, headers=admin.headers | ANYWAY)).status_code == 204
    assert (await client.get(f"{RULES}/{first['id']}", headers=admin.headers)).json()["position"] == 1


async def test_a_rule_behind_one_that_takes_its_tickets_names_it(
    client: httpx.AsyncClient, database: Database, admin: Staff
) -> None:
    # The routing job is running, so the rules are for a company without tickets.
    companies = [str((await new_tenant(database)).company.id)]
    queue = await create(client, admin, QUEUES, name=named("Queue"))
    values = {"queue": queue["id"], "companies": companies}
    bgp = await create(client, admin, RULES, name="BGP", keywords=["bgp"], **values)
    every = await create(client, admin, RULES, name="All", **values)
    late = await create(client, admin, RULES, name="Late", priorities=["low"], **values)
    assert [rule["shadowed_by"] for rule in (bgp, every, late)] == [None, None, every["id"]]

    async def listed() -> dict[str, str | None]:
        rules = (await client.get(RULES, headers=admin.headers)).json()["data"]
        for rule in rules:
            answer = await client.get(f"{RULES}/{rule['id']}", headers=admin.headers)
            assert answer.json() == rule
        return {rule["name"]: rule["shadowed_by"] for rule in rules}

    async def changed(rule: Json, **members: object) -> Json:
        path = f"{RULES}/{rule['id']}"
        etag = (await client.get(path, headers=admin.headers)).headers["etag"]
        answer = await client.patch(path, headers=admin.headers | {"If-Match": etag}, json=members)
        assert answer.status_code == 200, answer.text
        body: Json = answer.json()
        assert (await client.get(path, headers=admin.headers)).json() == body
        return body

    assert await listed() == {"BGP": None, "All": None, "Late": every["id"]}
    page = await client.get(RULES, headers=admin.headers, params={"limit": 2})
    after = await client.get(RULES, headers=admin.headers, params={"limit": 2, "cursor": page.json()["next_cursor"]})
    assert [rule["shadowed_by"] for rule in after.json()["data"]] == [every["id"]]
    assert (await changed(every, position=1))["shadowed_by"] is None
    assert await listed() == {"All": None, "BGP": every["id"], "Late": every["id"]}
    ids = [bgp["id"], late["id"], every["id"]]
    ordered = await client.put(f"{RULES}/order", headers=admin.headers, json={"ids": ids})
    assert [rule["shadowed_by"] for rule in ordered.json()["data"]] == [None, None, None]
    assert (await changed(late, position=3))["shadowed_by"] == every["id"]
    assert (await changed(late, is_active=False))["shadowed_by"] is None
    assert (await changed(late, is_active=True))["shadowed_by"] == every["id"]
    pointers = [{"pointer": "/shadowed_by"}]
    refused = await client.patch(f"{RULES}/{late['id']}", headers=admin.headers | ANYWAY, json={"shadowed_by": None})
    assert refused.status_code == 422, refused.text
    assert [{"pointer": error["pointer"]} for error in refused.json()["errors"]] == pointers
    assert (await client.delete(f"{RULES}/{every['id']}", headers=admin.headers | ANYWAY)).status_code == 204
    assert await listed() == {"BGP": None, "Late": None}


async def test_the_rules_are_tested_with_a_ticket_and_without_one(
    client: httpx.AsyncClient, database: Database, admin: Staff, ann: Staff, tenant: Tenant
) -> None:
    # The routing job is running, so the rule is for a company without tickets.
    other = (await new_tenant(database)).company
    team = await create(client, admin, TEAMS, name=named("Team"))
    await client.put(f"{TEAMS}/{team['id']}/members/{ann.user.id}", headers=admin.headers)
    queue = await create(client, admin, QUEUES, name=named("Queue"), team=team["id"], assignment="round_robin")
    rule = await create(
        client, admin, RULES, name="Ports", queue=queue["id"], service_types=["Port"], companies=[str(other.id)]
    )
    number = await raised(client, tenant)
    verdict: Json = {"rule": {"id": rule["id"], "name": "Ports"}, "position": 1, "matched": True, "failed": []}
    hit = {
        "rules": [verdict],
        "rule": verdict["rule"],
        "queue": {"id": queue["id"], "name": queue["name"]},
        "assignee": {"id": str(ann.user.id), "name": "Ann Ode"},
        "why": "has the first turn",
    }
    missed = {
        "rules": [verdict | {"matched": False, "failed": ["companies"]}],
        "rule": None,
        "queue": None,
        "assignee": None,
        "why": "no rule matches",
    }
    thought_of = {"issue_type": "Others", "service_type": "Port"}
    for body, expected in (
        ({"ticket": number}, missed),
        (thought_of, missed),
        ({"ticket": number, "company": other.code}, hit),
        (thought_of | {"company": other.name}, hit),
        (thought_of | {"company": str(other.id)}, hit),
    ):
        assert (await client.post(f"{RULES}/test", headers=ann.headers, json=body)).json() == expected
    unknown = await client.post(f"{RULES}/test", headers=ann.headers, json={"ticket": "INC099999999999"})
    problem(unknown, "not-found")


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        (TEAMS, {}, ["/name"]),
        (TEAMS, {"name": "", "x": 1}, ["/name", "/x"]),
        (QUEUES, {"name": "Q", "assignment": "round_robin"}, ["/team"]),
        (QUEUES, {"name": "Q", "team": NOWHERE}, ["/team"]),
        (QUEUES, {"name": "Q", "team": "x", "assignment": "y"}, ["/team", "/assignment"]),
        (RULES, {"name": "R", "queue": NOWHERE}, ["/queue"]),
        (RULES, {"name": "R", "queue": NOWHERE, "companies": [NOWHERE]}, ["/queue", "/companies"]),
        (
            RULES,
            {"name": "R", "queue": NOWHERE, "keywords": [" "], "position": 9},
            ["/keywords", "/position", "/queue"],
        ),
        (RULES, {"name": "R", "queue": NOWHERE, "priorities": ["urgent"]}, ["/priorities/0"]),
        (RULES + "/test", {"title": "x"}, ["/issue_type", "/service_type"]),
        (RULES + "/test", {"issue_type": "Others", "service_type": "Port", "company": "nobody"}, ["/company"]),
    ],
)
async def test_all_invalid_members_are_named(
    client: httpx.AsyncClient, admin: Staff, path: str, body: Json, expected: list[str]
) -> None:
    assert pointers(await client.post(path, headers=admin.headers, json=body)) == expected


async def test_a_name_is_unique(client: httpx.AsyncClient, admin: Staff) -> None:
    for path in (TEAMS, QUEUES):
        first = await create(client, admin, path, name=named("One"))
        again = await client.post(path, headers=admin.headers, json={"name": first["name"].upper()})
        problem(again, "already-exists")


async def test_a_retry_creates_nothing_twice(client: httpx.AsyncClient, admin: Staff) -> None:
    queue = await create(client, admin, QUEUES, name=named("Queue"))
    for path, body in (
        (TEAMS, {"name": named("Team")}),
        (QUEUES, {"name": named("Queue")}),
        (RULES, {"name": "Rule", "queue": queue["id"]}),
    ):
        headers = admin.headers | {"Idempotency-Key": uuid4().hex}
        first = await client.post(path, headers=headers, json=body)
        again = await client.post(path, headers=headers, json=body)
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["idempotent-replayed"] == "true"
        assert again.headers["location"] == first.headers["location"]


async def test_tickets_are_routed_and_assigned(
    client: httpx.AsyncClient, database: Database, admin: Staff, ann: Staff, tenant: Tenant
) -> None:
    ben = await new_staff(database, name="Ben Ito")
    team = await create(client, admin, TEAMS, name=named("Team"))
    for agent in (ann, ben):
        await client.put(f"{TEAMS}/{team['id']}/members/{agent.user.id}", headers=admin.headers)
    number = await raised(client, tenant)
    path = f"/api/v1/tickets/{number}"

    async def assign(staff: Staff, **body: Any) -> httpx.Response:
        return await client.post(f"{path}/assign", headers=staff.headers, json=body)

    def assignee(answer: httpx.Response) -> str | None:
        assert answer.status_code == 200, answer.text
        person = answer.json()["assignee"]
        return None if person is None else str(person["name"])

    problem(await assign(ann, mode="round_robin"), "conflict", code="nobody-available")
    queue = await create(client, admin, QUEUES, name=named("Queue"), team=team["id"])
    await create(client, admin, RULES, name="All", queue=queue["id"])
    routed = await client.post(f"{path}/route", headers=ann.headers, json={})
    assert (routed.json()["queue"]["name"], assignee(routed)) == (queue["name"], None)
    assert assignee(await assign(ann, to="me")) == "Ann Ode"
    assert "is assigned to Ann Ode" in problem(await assign(ben, to="me"), "conflict", code="ticket-taken")["detail"]
    assert assignee(await assign(ben, to="me", force=True)) == "Ben Ito"
    assert assignee(await assign(ben, to=str(ann.user.id))) == "Ann Ode"
    assert assignee(await assign(ben, to=None)) is None
    assert [assignee(await assign(ben, mode="round_robin")) for _ in range(2)] == ["Ann Ode", "Ben Ito"]
    for body in ({}, {"to": None, "mode": "round_robin"}, {"to": "nobody"}, {"to": NOWHERE}):
        assert pointers(await assign(ben, **body)) == ["/to"]
    assert pointers(await assign(ben, mode="manual")) == ["/mode"]
    await client.post(f"{path}/status", headers=ann.headers, json={"status": "rejected"})
    for answer in (await assign(ann, to="me"), await client.post(f"{path}/route", headers=ann.headers, json={})):
        problem(answer, "ticket-finished")


async def test_people_set_their_availability(client: httpx.AsyncClient, ann: Staff, tenant: Tenant) -> None:
    path = "/api/v1/me/availability"
    assert (await client.get(path, headers=ann.headers)).json() == {"available": True}
    for available in (False, True):
        answer = await client.put(path, headers=ann.headers, json={"available": available})
        assert answer.json() == {"available": available}
        assert (await client.get(path, headers=ann.headers)).json() == {"available": available}
    problem(await client.get(path, headers=tenant.headers), "forbidden")
    problem(await client.put(path, headers=tenant.headers, json={"available": True}), "forbidden")


def changes() -> Iterator[tuple[str, str, Json | None]]:
    for path, body in ((TEAMS, {"name": "T"}), (QUEUES, {"name": "Q"}), (RULES, {"name": "R", "queue": NOWHERE})):
        yield "POST", path, body
        yield "PATCH", f"{path}/{NOWHERE}", {"name": "X"}
        yield "DELETE", f"{path}/{NOWHERE}", None
    yield "PUT", f"{RULES}/order", {"ids": []}
    yield "PUT", f"{TEAMS}/{NOWHERE}/members/{NOWHERE}", None
    yield "DELETE", f"{TEAMS}/{NOWHERE}/members/{NOWHERE}", None


def reads() -> Iterator[tuple[str, str, Json | None]]:
    for path in (TEAMS, QUEUES, RULES):
        yield "GET", path, None
        yield "GET", f"{path}/{NOWHERE}", None
    yield "GET", f"{TEAMS}/{NOWHERE}/members/{NOWHERE}", None
    yield "POST", f"{RULES}/test", {"issue_type": "Others", "service_type": "Port"}


@pytest.mark.parametrize(("method", "path", "body"), [*changes(), *reads()])
async def test_requests_without_a_key_and_of_customers_are_refused(
    client: httpx.AsyncClient, tenant: Tenant, method: str, path: str, body: Json | None
) -> None:
    problem(await client.request(method, path, headers=ANYWAY, json=body), "unauthenticated")
    problem(await client.request(method, path, headers=tenant.headers | ANYWAY, json=body), "scope-missing")


@pytest.mark.parametrize(("method", "path", "body"), [*changes()])
async def test_only_an_admin_changes_the_setup(
    client: httpx.AsyncClient, admin: Staff, ann: Staff, method: str, path: str, body: Json | None
) -> None:
    problem(await client.request(method, path, headers=ann.headers | ANYWAY, json=body), "scope-missing")
    if NOWHERE in path:
        problem(await client.request(method, path, headers=admin.headers | ANYWAY, json=body), "not-found")
        wild = path.replace(NOWHERE, "no-id")
        problem(await client.request(method, wild, headers=admin.headers | ANYWAY, json=body), "not-found")


async def test_customers_neither_route_nor_assign(
    client: httpx.AsyncClient, database: Database, ann: Staff, tenant: Tenant
) -> None:
    number, stranger = await raised(client, tenant), await new_tenant(database)
    for action, body in (("route", {}), ("assign", {"to": "me"}), ("assign", {"mode": "round_robin"})):
        path = f"/api/v1/tickets/{number}/{action}"
        for customer in (tenant, stranger):
            problem(await client.post(path, headers=customer.headers, json=body), "forbidden")
        nowhere = path.replace(number, "INC099999999999")
        problem(await client.post(nowhere, headers=ann.headers, json=body), "not-found")
    path = f"/api/v1/tickets/{number}/assign"
    problem(await client.post(path, headers=tenant.headers, json={"to": None}), "forbidden")
    problem(await client.post(path, headers=stranger.headers, json={"to": None}), "not-found")
