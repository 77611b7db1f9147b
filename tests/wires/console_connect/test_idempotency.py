"""Retries on the Console Connect wire: a request with an Idempotency-Key is executed once."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from clearline.accounts import key_usecases as keys
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from tests.builders.console_connect import TICKETS, assert_fault, fault, latin, order, raise_ticket, total
from tests.builders.people import Tenant

REUSED = fault(400, "Support Ticket: this Idempotency-Key was used before with a different request.")
BUSY = fault(409, "Support Ticket: a request with this Idempotency-Key is still running; try again in a moment.")


def keyed(tenant: Tenant, key: str = "retry-1") -> dict[str, str]:
    return {**tenant.headers, "Idempotency-Key": key}


async def test_a_retry_gets_the_first_response(client: httpx.AsyncClient, fresh: Tenant) -> None:
    first = await client.post(TICKETS, headers=keyed(fresh), json=order())
    again = await client.post(TICKETS, headers=keyed(fresh), json=order())
    assert first.status_code == again.status_code == 200
    assert again.content == first.content
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert await total(client, fresh) == 1


async def test_without_a_key_every_request_is_executed(client: httpx.AsyncClient, fresh: Tenant) -> None:
    for _ in range(2):
        await raise_ticket(client, fresh)
    assert await total(client, fresh) == 2


async def test_a_key_with_another_body_is_refused(client: httpx.AsyncClient, fresh: Tenant) -> None:
    await client.post(TICKETS, headers=keyed(fresh), json=order())
    other = await client.post(TICKETS, headers=keyed(fresh), json=order(name="Another"))
    assert_fault(other, 400)
    assert other.json() == REUSED
    assert await total(client, fresh) == 1


async def test_ten_concurrent_requests_with_one_key_create_one_ticket(client: httpx.AsyncClient, fresh: Tenant) -> None:
    posts = [client.post(TICKETS, headers=keyed(fresh), json=order()) for _ in range(10)]
    answers = await asyncio.gather(*posts)
    done = [answer for answer in answers if answer.status_code == 200]
    assert len({answer.content for answer in done}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in done) == 1
    for answer in answers:
        if answer not in done:
            assert_fault(answer, 409)
            assert answer.json() == BUSY
            assert answer.headers["retry-after"] == "1"
    assert await total(client, fresh) == 1


async def test_a_request_whose_key_is_in_use_is_a_conflict(
    client: httpx.AsyncClient, fresh: Tenant, database: Database
) -> None:
    name = f"idempotency {fresh.actor.key_id} createSupportTicket retry-1"
    async with database.transaction() as tx:
        assert await tx.fetchval("select pg_try_advisory_xact_lock(hashtextextended($1, 0))", name)
        answer = await client.post(TICKETS, headers=keyed(fresh), json=order())
    assert_fault(answer, 409)
    assert answer.json() == BUSY
    assert await total(client, fresh) == 0
    assert (await client.post(TICKETS, headers=keyed(fresh), json=order())).status_code == 200


async def test_a_quoted_and_an_unquoted_key_are_the_same(client: httpx.AsyncClient, fresh: Tenant) -> None:
    first = await client.post(TICKETS, headers=keyed(fresh, '"8e03978e-40d5"'), json=order())
    again = await client.post(TICKETS, headers=keyed(fresh, "8e03978e-40d5"), json=order())
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert await total(client, fresh) == 1


async def test_a_refused_request_can_be_corrected_with_the_same_key(
    client: httpx.AsyncClient, fresh: Tenant, database: Database
) -> None:
    refused = await client.post(TICKETS, headers=keyed(fresh), json=order(name=""))
    unknown = await client.post(TICKETS, headers=keyed(fresh), json=order(service={"id": "SVC-404", "type": "Port"}))
    assert_fault(refused, 400)
    assert_fault(unknown, 400)
    async with database.statement() as tx:
        stored = await tx.fetchval("select count(*) from idempotency_key where company_id = $1", fresh.company.id)
    assert stored == 0
    corrected = await client.post(TICKETS, headers=keyed(fresh), json=order())
    assert corrected.status_code == 200
    assert "idempotent-replayed" not in corrected.headers


@pytest.mark.parametrize(
    ("age", "tickets"), [(timedelta(hours=23, minutes=59), 1), (timedelta(hours=24, seconds=1), 2)]
)
async def test_a_key_is_valid_for_24_hours(
    client: httpx.AsyncClient, fresh: Tenant, database: Database, age: timedelta, tickets: int
) -> None:
    await client.post(TICKETS, headers=keyed(fresh), json=order())
    async with database.transaction() as tx:
        await tx.write(
            "update idempotency_key set created_at = $1 where company_id = $2",
            datetime.now(UTC) - age,
            fresh.company.id,
        )
    again = await client.post(TICKETS, headers=keyed(fresh), json=order())
    assert again.status_code == 200
    assert ("idempotent-replayed" in again.headers) is (tickets == 1)
    assert await total(client, fresh) == tickets
    third = await client.post(TICKETS, headers=keyed(fresh), json=order())
    assert third.content == again.content
    assert third.headers["idempotent-replayed"] == "true"


async def test_companies_do_not_share_keys(client: httpx.AsyncClient, fresh: Tenant, tenant: Tenant) -> None:
    first = await client.post(TICKETS, headers=keyed(fresh), json=order())
    second = await client.post(TICKETS, headers=keyed(tenant), json=order())
    assert second.status_code == 200
    assert "idempotent-replayed" not in second.headers
    assert first.json()["id"] != second.json()["id"]


async def test_two_api_keys_of_a_company_do_not_share_idempotency_keys(
    client: httpx.AsyncClient, fresh: Tenant, database: Database
) -> None:
    async with database.transaction() as tx:
        _key, secret = await keys.create_key(
            tx,
            OPERATOR,
            fresh.company.code,
            user_email=None,
            name="second",
            lifetime=None,
            now=datetime.now(UTC),
        )
    await client.post(TICKETS, headers=keyed(fresh), json=order())
    second = {**keyed(fresh), "Authorization": f"Bearer {secret}"}
    answer = await client.post(TICKETS, headers=second, json=order(name="Another"))
    assert answer.status_code == 200
    assert "idempotent-replayed" not in answer.headers


async def test_a_key_is_valid_for_one_route_and_one_ticket(client: httpx.AsyncClient, fresh: Tenant) -> None:
    responses = [await client.post(TICKETS, headers=keyed(fresh, f"make-{index}"), json=order()) for index in range(2)]
    for ticket in (response.json() for response in responses):
        path = f"{TICKETS}/{ticket['id']}"
        first = await client.post(f"{path}/addNote", headers=keyed(fresh, "make-0"), json={"noteText": "once"})
        again = await client.post(f"{path}/addNote", headers=keyed(fresh, "make-0"), json={"noteText": "once"})
        assert first.status_code == again.status_code == 200
        assert "idempotent-replayed" not in first.headers
        assert again.headers["idempotent-replayed"] == "true"
        assert again.content == first.content
        notes = (await client.get(path, headers=fresh.headers)).json()["notes"]
        assert [note["text"] for note in notes[3:]] == ["once"]


async def test_both_prefixes_are_the_same_route(client: httpx.AsyncClient, fresh: Tenant) -> None:
    first = await client.post(TICKETS, headers=keyed(fresh), json=order())
    again = await client.post(f"/api{TICKETS}", headers=keyed(fresh), json=order())
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize("key", ["", '""', '"', '"a', "a b", "x" * 256, '"' + "x" * 256 + '"', "k\u00e9y", "a\tb"])
async def test_an_invalid_key_is_refused(client: httpx.AsyncClient, fresh: Tenant, key: str) -> None:
    answer = await client.post(TICKETS, headers=latin(keyed(fresh, key)), json=order())
    assert_fault(answer, 400)
    assert answer.json() == fault(400, "Bad request: Idempotency-Key must have 1 to 255 printable ASCII characters.")
    assert await total(client, fresh) == 0


async def test_a_key_may_have_255_characters(client: httpx.AsyncClient, fresh: Tenant) -> None:
    answer = await client.post(TICKETS, headers=keyed(fresh, "x" * 255), json=order())
    assert answer.status_code == 200
