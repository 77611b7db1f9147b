"""Retries on the house API: a request with an Idempotency-Key is executed once."""

import asyncio

import httpx
import pytest

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from tests.builders.house import ANY, TICKETS, Json, new_ticket, order, problem
from tests.builders.people import Tenant, new_tenant, staff_key

Bodies = tuple[Json, Json]
POSTS: dict[str, Bodies] = {
    "": (order(), order(title="Another")),
    "/notes": ({"text": "once"}, {"text": "twice"}),
    "/status": ({"status": "held"}, {"status": "pending"}),
    "/tags": ({"add": ["a"]}, {"add": ["b"]}),
}
"""POST operations: the path below a ticket, or none to create one; a body, and another body."""


class Desk:
    """An agent, a customer and one of its tickets."""

    def __init__(self, client: httpx.AsyncClient, database: Database, tenant: Tenant, agent: dict[str, str]) -> None:
        self.client, self.database, self.tenant, self.agent = client, database, tenant, agent
        self.number = ""

    async def post(self, suffix: str, body: Json, key: str = "retry", number: str = "") -> httpx.Response:
        """Post as the agent; tickets are raised by the customer."""
        headers = {**(self.agent if suffix else self.tenant.headers), "Idempotency-Key": key}
        path = f"{TICKETS}/{number or self.number}{suffix}" if suffix else TICKETS
        return await self.client.post(path, headers=headers, json=body)

    async def done(self) -> tuple[int, int, int]:
        """Return how many tickets, notes and events the customer has."""
        async with self.database.statement() as tx:
            row = await tx.fetchrow(
                """select (select count(*) from ticket where company_id = $1),
                          (select count(*) from note where company_id = $1),
                          (select count(*) from event where company_id = $1 and ticket_number is not null)""",
                self.tenant.company.id,
            )
        assert row is not None
        return row[0], row[1], row[2]


@pytest.fixture
async def desk(client: httpx.AsyncClient, database: Database) -> Desk:
    new_desk = Desk(client, database, await new_tenant(database), await staff_key(database, Role.AGENT))
    new_desk.number = (await new_ticket(client, new_desk.tenant))["number"]
    return new_desk


@pytest.mark.parametrize("suffix", POSTS)
async def test_a_retry_gets_the_first_response_and_changes_nothing(desk: Desk, suffix: str) -> None:
    body, _other = POSTS[suffix]
    first = await desk.post(suffix, body)
    assert first.status_code in {200, 201}
    assert "idempotent-replayed" not in first.headers
    done = await desk.done()
    for _ in range(2):
        again = await desk.post(suffix, body)
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers["idempotent-replayed"] == "true"
        for name in ("location", "etag", "content-type", "cache-control"):
            assert again.headers.get(name) == first.headers.get(name)
        assert await desk.done() == done
    assert ("location" in first.headers) is (first.status_code == 201)


@pytest.mark.parametrize("suffix", POSTS)
async def test_a_key_with_another_body_is_refused(desk: Desk, suffix: str) -> None:
    body, other = POSTS[suffix]
    first = await desk.post(suffix, body)
    done = await desk.done()
    problem(await desk.post(suffix, other), "idempotency-key-reused")
    assert await desk.done() == done
    assert (await desk.post(suffix, body)).content == first.content


@pytest.mark.parametrize("suffix", POSTS)
async def test_concurrent_requests_with_one_key_are_executed_once(desk: Desk, suffix: str) -> None:
    body, _other = POSTS[suffix]
    before = await desk.done()
    answers = await asyncio.gather(*(desk.post(suffix, body) for _ in range(8)))
    good = [answer for answer in answers if answer.status_code < 300]
    assert len({(answer.status_code, answer.content) for answer in good}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in good) == 1
    for answer in answers:
        if answer not in good:
            problem(answer, "idempotency-key-busy")
            assert answer.headers["retry-after"] == "1"
    tickets, notes, events = (after - was for was, after in zip(before, await desk.done(), strict=True))
    assert (tickets, notes, events) == (suffix == "", suffix == "/notes", 1)


@pytest.mark.parametrize("suffix", POSTS)
async def test_a_refused_request_can_be_corrected_with_the_same_key(desk: Desk, suffix: str) -> None:
    body, _other = POSTS[suffix]
    done = await desk.done()
    problem(await desk.post(suffix, {**body, "nothing": 1}), "invalid-input")
    assert await desk.done() == done
    corrected = await desk.post(suffix, body)
    assert corrected.status_code in {200, 201}
    assert "idempotent-replayed" not in corrected.headers


async def test_a_key_is_valid_for_one_operation_and_one_ticket(desk: Desk) -> None:
    other = (await new_ticket(desk.client, desk.tenant))["number"]
    for suffix in ("/notes", "/tags", "/status"):
        for number in (desk.number, other):
            first = await desk.post(suffix, POSTS[suffix][0], number=number)
            assert first.status_code < 300
            assert "idempotent-replayed" not in first.headers
            again = await desk.post(suffix, POSTS[suffix][0], number=number)
            assert again.headers["idempotent-replayed"] == "true"


async def test_idempotency_keys_of_different_api_keys_are_separate(desk: Desk) -> None:
    own = await desk.post("", order())
    other = await new_tenant(desk.database)
    foreign = await desk.client.post(TICKETS, headers={**other.headers, "Idempotency-Key": "retry"}, json=order())
    assert foreign.status_code == 201
    assert foreign.json()["number"] != own.json()["number"]


async def test_a_request_refused_because_of_the_state_is_executed_again(desk: Desk) -> None:
    body = {"status": "reopened"}
    problem(await desk.post("/status", body), "illegal-transition")
    await desk.post("/status", {"status": "resolved"}, key="other")
    changed = await desk.post("/status", body)
    assert (changed.status_code, changed.json()["status"]) == (200, "reopened")


async def test_a_change_can_be_retried_after_later_changes(desk: Desk) -> None:
    path = f"{TICKETS}/{desk.number}"
    tag = (await desk.client.get(path, headers=desk.agent)).headers["etag"]
    headers = {**desk.agent, "If-Match": tag, "Idempotency-Key": "patch"}
    first = await desk.client.patch(path, headers=headers, json={"title": "New"})
    await desk.client.patch(path, headers=desk.agent | ANY, json={"title": "Newer"})
    again = await desk.client.patch(path, headers=headers, json={"title": "New"})
    assert (again.status_code, again.content, again.headers["etag"]) == (200, first.content, first.headers["etag"])
    assert again.headers["idempotent-replayed"] == "true"
    assert (await desk.client.get(path, headers=desk.agent)).json()["title"] == "Newer"


async def test_a_retry_needs_the_same_permissions(desk: Desk) -> None:
    viewer = await staff_key(desk.database, Role.VIEWER)
    await desk.post("/notes", {"text": "once"})
    answer = await desk.client.post(
        f"{TICKETS}/{desk.number}/notes", headers={**viewer, "Idempotency-Key": "retry"}, json={"text": "once"}
    )
    problem(answer, "scope-missing")
