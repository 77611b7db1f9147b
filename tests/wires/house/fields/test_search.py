"""The search of the house API by own fields, for the provider's people and for customers."""

from collections.abc import AsyncIterator

import httpx
import pytest

from clearline.platform.database.transactions import Database
from tests.builders.house import Headers, add_field, new_ticket, no_fields, patch_ticket, pointers
from tests.builders.people import Tenant
from tests.builders.search.index import wait_found

SEARCH = "/api/v1/search"


@pytest.fixture(autouse=True)
async def without_others(database: Database) -> AsyncIterator[None]:
    """Leave no field behind."""
    await no_fields(database)
    yield
    await no_fields(database)


async def test_a_search_by_a_value_finds_what_its_reader_may_see(
    client: httpx.AsyncClient, database: Database, admin: Headers, agent: Headers, tenant: Tenant
) -> None:
    await add_field(client, admin, "circuit_ref", visible_to="customer", edited_by="customer")
    await add_field(client, admin, "latency", type="integer")
    number = (await new_ticket(client, tenant, fields={"circuit_ref": "BIR-104"}))["number"]
    await new_ticket(client, tenant, fields={"circuit_ref": "BIR-105"})
    await patch_ticket(client, agent, number, {"fields": {"latency": 25}})
    await wait_found(database, "field.circuit_ref:any", 2)
    await wait_found(database, "field.latency:any", 1)

    async def found(q: str, headers: Headers) -> list[str]:
        answer = await client.get(SEARCH, params={"q": q}, headers=headers)
        assert answer.status_code == 200, answer.text
        return [ticket["number"] for ticket in answer.json()["data"]]

    assert await found("field.circuit_ref:bir-104", agent) == [number]
    assert await found("field.circuit_ref:BIR-104", tenant.headers) == [number]
    assert await found("field.latency:>20 field.circuit_ref:any", agent) == [number]
    for q, headers in (("field.latency:25", tenant.headers), ("field.nope:1", agent), ("field.latency:x", agent)):
        refused = await client.get(SEARCH, params={"q": q}, headers=headers)
        assert pointers(refused, "invalid-parameter") == ["q"]
