"""Lists and searches in the order of an own field."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import pytest

from clearline.fields.domain import Field, FieldType, RecordKind
from clearline.fields.type_domain import canonical, file_text
from clearline.platform.database.transactions import Database
from tests.builders.house import TICKETS, Headers, add_field, new_ticket, no_fields, patch_ticket, pointers
from tests.builders.people import Tenant
from tests.builders.search.index import wait_found

SEARCH = "/api/v1/search"
DECIMAL = Field(uuid4(), RecordKind.TICKET, "latency", "Latency", FieldType.DECIMAL)
VALUES = {"a": ("beta", 20, "2026-02-01"), "b": ("Alpha", -1.5, "2026-01-31"), "c": ("GAMMA", 20, "2026-03-01")}


class Sorted(NamedTuple):
    client: httpx.AsyncClient
    numbers: dict[str, str]
    agent: Headers
    tenant: Tenant
    database: Database

    async def pages(self, path: str, headers: Headers, **query: Any) -> str:
        """Return the names of all tickets of a list, read two at a time."""
        names = {number: name for name, number in self.numbers.items()}
        listed = ""
        cursor: dict[str, str] = {}
        while True:
            answer = await self.client.get(path, params={"limit": 2, **query, **cursor}, headers=headers)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            listed += "".join(names[ticket["number"]] for ticket in page["data"])
            if not page["has_more"]:
                return listed
            cursor = {"cursor": page["next_cursor"]}


@pytest.fixture
async def desk(
    client: httpx.AsyncClient, database: Database, admin: Headers, agent: Headers, tenant: Tenant
) -> AsyncIterator[Sorted]:
    await no_fields(database)
    await add_field(client, admin, "circuit_ref", visible_to="customer", edited_by="customer")
    await add_field(client, admin, "latency", type="decimal")
    await add_field(client, admin, "due", type="date", visible_to="customer")
    await add_field(client, admin, "story", type="long_text")
    numbers = {}
    for name, (ref, latency, due) in VALUES.items():
        numbers[name] = (await new_ticket(client, tenant, fields={"circuit_ref": ref}))["number"]
        await patch_ticket(client, agent, numbers[name], {"fields": {"latency": latency, "due": due}})
    numbers["d"] = (await new_ticket(client, tenant))["number"]
    await wait_found(database, "field.due:any", 3)
    await wait_found(database, f"number:{numbers['d']}", 1)
    yield Sorted(client, numbers, agent, tenant, database)
    await no_fields(database)


ORDERS = {
    "field.circuit_ref": "bac", "-field.circuit_ref": "cab", "field.latency": "bac", "-field.latency": "cab",
    "field.due": "bac", "-field.due": "cab",
}  # fmt: skip


@pytest.mark.parametrize("sort", ORDERS)
async def test_lists_and_searches_are_sorted_by_a_field_page_by_page(desk: Sorted, sort: str) -> None:
    company = desk.tenant.company.code
    assert await desk.pages(TICKETS, desk.agent, sort=sort) == ORDERS[sort]
    assert await desk.pages(TICKETS, desk.agent, sort=sort, company=company, issue_type="Circuit Down") == ORDERS[sort]
    assert await desk.pages(SEARCH, desk.agent, sort=sort, q=f"company:{company} status:open") == ORDERS[sort]
    assert await desk.pages(SEARCH, desk.agent, sort=sort, q=f"company:{company} down") == ORDERS[sort]
    if "latency" not in sort:
        assert await desk.pages(TICKETS, desk.tenant.headers, sort=sort) == ORDERS[sort]
        assert await desk.pages(SEARCH, desk.tenant.headers, sort=sort, q="down") == ORDERS[sort]


async def test_only_open_tickets_are_sorted_by_a_field(desk: Sorted) -> None:
    moved = {"status": "rejected"}
    await desk.client.post(f"{TICKETS}/{desk.numbers['a']}/status", headers=desk.agent, json=moved)
    assert await desk.pages(TICKETS, desk.agent, sort="field.latency") == "bc"
    refused = await desk.client.get(TICKETS, params={"sort": "field.due", "state": "all"}, headers=desk.agent)
    assert pointers(refused, "invalid-parameter") == ["state"]


async def test_an_order_that_there_is_not_is_refused(desk: Sorted) -> None:
    for sort, headers in (
        ("field.latency", desk.tenant.headers), ("field.nope", desk.agent), ("-field.story", desk.agent),
        ("colour", desk.agent), ("field.", desk.agent),
    ):  # fmt: skip
        for path in (TICKETS, SEARCH):
            refused = await desk.client.get(path, params={"sort": sort}, headers=headers)
            assert pointers(refused, "invalid-parameter") == ["sort"], (sort, path)


async def test_a_view_is_saved_with_the_order(desk: Sorted) -> None:
    body = {"name": "By latency", "query": "status:open", "sort": "-field.latency"}
    saved = await desk.client.post("/api/v1/views", json=body, headers=desk.agent)
    assert (saved.status_code, saved.json()["sort"]) == (201, "-field.latency"), saved.text
    refused = await desk.client.post(
        "/api/v1/views", json=body | {"name": "Other", "sort": "field.nope"}, headers=desk.agent
    )
    assert pointers(refused, "invalid-input") == ["/sort"]
    await desk.client.delete(saved.headers["location"], headers={**desk.agent, "If-Match": "*"})


@pytest.mark.parametrize("latency", [0.00001, 0.30000000000000004, 1e-300, -1e15, 999999999999999.9])
async def test_numbers_with_many_digits_are_sorted_found_and_written_to_files(desk: Sorted, latency: float) -> None:
    await patch_ticket(desk.client, desk.agent, desk.numbers["d"], {"fields": {"latency": latency}})
    assert "d" in await desk.pages(TICKETS, desk.agent, sort="field.latency")
    await wait_found(desk.database, "field.latency:any", 4)
    assert canonical(DECIMAL, file_text(latency)) == latency


@pytest.mark.parametrize(
    ("key", "value"), [("latency", 10**400), ("at", "9999-12-31T23:59:59Z"), ("at", "0001-01-01T00:00:00Z")]
)
async def test_numbers_and_moments_at_the_edge_are_refused(
    desk: Sorted, admin: Headers, key: str, value: object
) -> None:
    await add_field(desk.client, admin, "at", type="datetime")
    answer = await patch_ticket(desk.client, desk.agent, desk.numbers["d"], {"fields": {key: value}})
    assert pointers(answer) == [f"/fields/{key}"]
