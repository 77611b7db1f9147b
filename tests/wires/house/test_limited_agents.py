"""Agents who are limited to some queues or customers reach nothing beyond them. Made from the table of operations."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from clearline.accounts import key_usecases as keys
from clearline.clock import now
from clearline.identity import OPERATOR, PROVIDER_ID, ROLE_SCOPES, Role
from clearline.platform.database.transactions import Database
from clearline.queues import usecases as queues
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import hand_over_usecases as hand_over
from clearline.tickets.access import parse_number
from clearline.wires.house.routes import OPERATIONS
from clearline.wires.http.table import Operation
from tests.builders.databases import everything
from tests.builders.house import MARKER, NOBODY, QUERIES, Owned, own, pointers
from tests.builders.house_api.operations import FOREIGN_BODIES, ask, named, with_id, without, without_id
from tests.builders.people import NOW, new_staff
from tests.builders.search.index import follow

Headers = dict[str, str]


@pytest.fixture(scope="module")
async def a(client: httpx.AsyncClient, database: Database) -> Owned:
    """Return a company whose ticket is in a queue of its own."""
    owned = await own(client, database, MARKER)
    async with database.transaction() as tx:
        queue = await queues.add_queue(tx, OPERATOR, name="Of A alone", team_id=None, now=NOW)
        for kind in ("tickets", "other"):
            number = parse_number(owned.ids[kind])
            await ticket_changes.change_ticket(tx, OPERATOR, number, {"queue_id": queue.queue.id}, now=now())
    return owned


@pytest.fixture(scope="module")
async def b(client: httpx.AsyncClient, database: Database) -> Owned:
    return await own(client, database, "bbb")


async def limited(database: Database, **limits: tuple[UUID, ...]) -> Headers:
    """Return the headers of a new agent with these limits, whose key has every scope of its role."""
    agent = await new_staff(database, Role.AGENT)
    async with database.transaction() as tx:
        await hand_over.change_user(tx, OPERATOR, PROVIDER_ID, agent.user.id, limits, now=NOW)
        _key, secret = await keys.create_key(
            tx, OPERATOR, PROVIDER_ID, user_id=agent.user.id, name="Limited", scopes=ROLE_SCOPES[Role.AGENT], now=NOW
        )
    return {"authorization": f"Bearer {secret}"}


@pytest.fixture(scope="module", params=["companies", "queues"])
async def agent(request: pytest.FixtureRequest, database: Database, a: Owned, b: Owned) -> Headers:
    """Return the headers of an agent who does not see the tickets of A: of another customer, or of another queue."""
    assert a
    if request.param == "companies":
        return await limited(database, only_companies=(b.tenant.company.id,))
    async with database.transaction() as tx:
        queue = await queues.add_queue(tx, OPERATOR, name="Elsewhere", team_id=None, now=NOW)
    return await limited(database, only_queues=(queue.queue.id,))


OF_TICKETS = [operation for operation in with_id() if "{number}" in operation.path]


@pytest.mark.parametrize("operation", OF_TICKETS, ids=named)
async def test_a_ticket_beyond_the_limits_is_answered_like_a_missing_one(
    client: httpx.AsyncClient, database: Database, a: Owned, agent: Headers, operation: Operation
) -> None:
    before = await everything(database, a.tenant)
    nothing = a._replace(ids={**a.ids, "tickets": "INC999999999999", "other": "INC999999999998"})
    foreign = await ask(client, operation, a.path(operation), a._replace(headers=agent))
    unknown = await ask(client, operation, nothing.path(operation), nothing._replace(headers=agent))
    assert foreign.status_code in {403, 404}, foreign.text
    assert without(foreign, a) == without(unknown, nothing)
    assert await everything(database, a.tenant) == before


OF_COMPANIES = [operation for operation in with_id() if operation.path.startswith("/api/v1/companies/")]


@pytest.mark.parametrize("operation", OF_COMPANIES, ids=named)
async def test_a_customer_beyond_the_limits_is_answered_like_a_missing_one(
    client: httpx.AsyncClient, database: Database, a: Owned, b: Owned, operation: Operation
) -> None:
    agent = await limited(database, only_companies=(b.tenant.company.id,))
    nothing = a._replace(ids={**a.ids, "companies": NOBODY, "users": NOBODY})
    foreign = await ask(client, operation, a.path(operation), a._replace(headers=agent))
    unknown = await ask(client, operation, nothing.path(operation), nothing._replace(headers=agent))
    assert foreign.status_code in {403, 404}, foreign.text
    assert without(foreign, a) == without(unknown, nothing)


@pytest.mark.parametrize("operation", without_id(), ids=named)
async def test_no_answer_has_data_beyond_the_limits(
    client: httpx.AsyncClient, database: Database, a: Owned, b: Owned, agent: Headers, operation: Operation
) -> None:
    await follow(database)
    before = await everything(database, a.tenant)
    query = QUERIES.get(operation.name, "")
    answer = await ask(client, operation, operation.path + query, b._replace(headers=agent))
    assert answer.status_code < 500, answer.text
    received = answer.text.replace(query, "") + str(answer.headers.raw)
    hidden = [a.ids[kind] for kind in ("tickets", "other", "notes", "links", "attachments", "deliveries")]
    assert [secret for secret in (f"{MARKER} title", f"{MARKER} text", *hidden) if secret in received] == []
    assert await everything(database, a.tenant) == before


@pytest.mark.parametrize(("name", "body"), [entry for entry in FOREIGN_BODIES if "{foreign}" in str(entry[1])], ids=str)
async def test_a_body_with_a_ticket_beyond_the_limits_is_refused(
    client: httpx.AsyncClient, database: Database, a: Owned, b: Owned, name: str, body: dict[str, str]
) -> None:
    agent = await limited(database, only_companies=(b.tenant.company.id,))
    [operation] = [operation for operation in OPERATIONS if operation.name == name]
    before = await everything(database, a.tenant), await everything(database, b.tenant)
    sent = {key: value.replace("{foreign}", a.ids["tickets"]) for key, value in body.items()}
    answer = await ask(client, operation, b.path(operation), b._replace(headers=agent), sent)
    assert answer.status_code in {403, 404, 422}, answer.text
    assert MARKER not in answer.text
    assert (await everything(database, a.tenant), await everything(database, b.tenant)) == before


async def test_an_agent_sees_all_within_its_limits(client: httpx.AsyncClient, database: Database, b: Owned) -> None:
    agent = await limited(database, only_companies=(b.tenant.company.id,))
    await follow(database)
    number = b.ids["tickets"]
    assert (await client.get(f"/api/v1/tickets/{number}", headers=agent)).status_code == 200
    for path in ("tickets?limit=200", "tickets?state=all&limit=200", "tickets?sort=priority", "search?q=bbb"):
        answer = await client.get(f"/api/v1/{path}", headers=agent)
        assert answer.status_code == 200, answer.text
        listed = {ticket["number"] for ticket in answer.json()["data"]}
        assert {number, b.ids["other"]} == listed, path
    events = (await client.get("/api/v1/events?limit=200", headers=agent)).json()["data"]
    assert {event["ticket"] for event in events} <= {number, b.ids["other"]}
    names = [company["name"] for company in (await client.get("/api/v1/companies", headers=agent)).json()["data"]]
    assert names == ["bbb Ltd"]


async def test_a_link_to_a_ticket_beyond_the_limits_is_in_no_history_and_no_event(
    client: httpx.AsyncClient, database: Database, a: Owned, b: Owned
) -> None:
    agent = await limited(database, only_companies=(b.tenant.company.id,))
    number, hidden = b.ids["tickets"], a.ids["tickets"]
    admin = await new_staff(database, Role.ADMIN)
    link = {"ticket": hidden, "type": "related"}
    answer = await client.post(f"/api/v1/tickets/{number}/links", headers=admin.headers, json=link)
    assert answer.status_code == 201, answer.text
    paths = (f"/api/v1/tickets/{number}/history?limit=200", f"/api/v1/events?ticket={number}&limit=200")
    for path in paths:
        seen = await client.get(path, headers=agent)
        assert seen.status_code == 200, seen.text
        assert (hidden in seen.text, "ticket.created" in seen.text) == (False, True), path
        assert hidden in (await client.get(path, headers=admin.headers)).text, path
    removed = await client.delete(
        f"/api/v1/tickets/{number}/links/{answer.json()['id']}", headers={**admin.headers, "If-Match": "*"}
    )
    assert removed.status_code == 204, removed.text
    for path in paths:
        assert hidden not in (await client.get(path, headers=agent)).text, path


async def test_queues_count_the_tickets_within_the_limits(
    client: httpx.AsyncClient, database: Database, a: Owned, b: Owned
) -> None:
    name = "Of A alone"
    async with database.transaction() as tx:
        queue = (await queues.queue_named(tx, OPERATOR, name)).id
    counts = []
    for headers in (
        (await new_staff(database, Role.ADMIN)).headers,
        await limited(database, only_companies=(a.tenant.company.id,)),
        await limited(database, only_companies=(b.tenant.company.id,)),
        await limited(database, only_queues=(queue,)),
        await limited(database, only_queues=(await _another_queue(database),)),
    ):
        listed = (await client.get("/api/v1/queues?limit=200", headers=headers)).json()["data"]
        [one] = [each for each in listed if each["name"] == name]
        counts.append((one["open_tickets"], one["unassigned_tickets"]))
    assert counts == [(2, 2), (2, 2), (0, 0), (2, 2), (0, 0)]


async def _another_queue(database: Database) -> UUID:
    async with database.transaction() as tx:
        return (await queues.add_queue(tx, OPERATOR, name="Empty", team_id=None, now=NOW)).queue.id


async def test_limits_are_set_by_admins_and_refused_where_they_make_no_sense(
    client: httpx.AsyncClient, database: Database, a: Owned, b: Owned
) -> None:
    admin = await new_staff(database, Role.ADMIN)
    agent = await new_staff(database, Role.AGENT)
    users = f"/api/v1/companies/{PROVIDER_ID}/users"

    async def patch(user_id: UUID, **values: Any) -> httpx.Response:
        headers = {**admin.headers, "If-Match": "*"}
        return await client.patch(f"{users}/{user_id}", headers=headers, json=values)

    answer = await patch(agent.user.id, only_companies=[b.ids["companies"]])
    assert (answer.status_code, answer.json()["only_companies"]) == (200, [b.ids["companies"]])
    assert answer.json()["only_queues"] is None
    assert pointers(await patch(agent.user.id, only_queues=[NOBODY])) == ["/only_queues/0"]
    assert pointers(await patch(agent.user.id, only_companies=[str(PROVIDER_ID)])) == ["/only_companies/0"]
    assert pointers(await patch(agent.user.id, only_companies=[])) == ["/only_companies"]
    assert pointers(await patch(admin.user.id, only_companies=[b.ids["companies"]])) == ["/only_companies"]
    assert pointers(await patch(agent.user.id, role="admin")) == ["/only_companies"]
    foreign = await client.post(
        f"/api/v1/tickets/{a.ids['tickets']}/assign", headers=admin.headers, json={"to": str(agent.user.id)}
    )
    assert foreign.status_code == 422, foreign.text
    answer = await patch(agent.user.id, only_companies=None)
    assert answer.json()["only_companies"] is None


async def test_whoever_loses_sight_of_a_ticket_is_no_longer_its_agent(
    client: httpx.AsyncClient, database: Database, b: Owned
) -> None:
    admin, agent = await new_staff(database, Role.ADMIN), await new_staff(database, Role.AGENT)
    at = f"/api/v1/tickets/{b.ids['tickets']}"
    async with database.transaction() as tx:
        near = await queues.add_queue(tx, OPERATOR, name="Near", team_id=None, now=NOW)
        far = await queues.add_queue(tx, OPERATOR, name="Far", team_id=None, now=NOW)

    async def change(**values: object) -> Any:
        answer = await client.patch(at, headers={**admin.headers, "If-Match": "*"}, json=values)
        assert answer.status_code == 200, answer.text
        return answer.json()

    await change(queue=str(near.queue.id), assignee=str(agent.user.id))
    async with database.transaction() as tx:
        limits = {"only_queues": (near.queue.id,)}
        await hand_over.change_user(tx, OPERATOR, PROVIDER_ID, agent.user.id, limits, now=NOW)
    assert (await change(title="Still there"))["assignee"]["id"] == str(agent.user.id)
    assert (await change(queue=str(far.queue.id)))["assignee"] is None
    async with database.transaction() as tx:
        await hand_over.change_user(tx, OPERATOR, PROVIDER_ID, agent.user.id, {"only_queues": None}, now=NOW)
    await change(assignee=str(agent.user.id))
    async with database.transaction() as tx:
        await hand_over.change_user(tx, OPERATOR, PROVIDER_ID, agent.user.id, limits, now=NOW)
    assert (await client.get(at, headers=admin.headers)).json()["assignee"] is None
