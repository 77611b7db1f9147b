"""Reminders of tickets by the house API: set, changed and removed by a merge patch."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.builders.house import TICKETS, Headers, Json, new_ticket, patch_ticket, problem
from tests.builders.people import Tenant

AT = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0)
MOMENT = AT.isoformat().replace("+00:00", "Z")
LATER = (AT + timedelta(days=1)).isoformat().replace("+00:00", "Z")


async def reminder_of(client: httpx.AsyncClient, headers: Headers, number: str) -> Json | None:
    reminder: Json | None = (await client.get(f"{TICKETS}/{number}", headers=headers)).json()["reminder"]
    return reminder


async def test_a_reminder_is_set_changed_and_removed(client: httpx.AsyncClient, tenant: Tenant, agent: Headers) -> None:
    number = (await new_ticket(client, tenant))["number"]
    assert await reminder_of(client, agent, number) is None
    body = {"reminder": {"at": MOMENT, "reason": "Ask the carrier", "cancelled_by_answer": True}}
    answer = await patch_ticket(client, agent, number, body)
    assert answer.status_code == 200, answer.text
    first = answer.json()["reminder"]
    assert {name: first[name] for name in body["reminder"]} == body["reminder"]
    assert set(first) == {"at", "reason", "cancelled_by_answer", "set_by", "set_at"}
    assert await reminder_of(client, agent, number) == first
    unchanged = await patch_ticket(client, agent, number, body)
    assert (unchanged.json()["reminder"], unchanged.json()["version"]) == (first, answer.json()["version"])
    moved = await patch_ticket(client, agent, number, {"reminder": {"at": LATER}})
    assert {**moved.json()["reminder"], "set_at": ""} == {**first, "at": LATER, "set_at": ""}
    removed = await patch_ticket(client, agent, number, {"reminder": None})
    assert removed.json()["reminder"] is None
    assert await reminder_of(client, agent, number) is None


async def test_a_list_shows_reminders_and_customers_see_none(
    client: httpx.AsyncClient, tenant: Tenant, agent: Headers
) -> None:
    number = (await new_ticket(client, tenant))["number"]
    seen = (await client.get(f"{TICKETS}/{number}", headers=tenant.headers)).headers["etag"]
    await patch_ticket(client, agent, number, {"reminder": {"at": MOMENT, "reason": "Secret"}})
    page = (await client.get(TICKETS, headers=agent)).json()["data"]
    assert [ticket["reminder"]["reason"] for ticket in page if ticket["number"] == number] == ["Secret"]
    for path in (TICKETS, f"{TICKETS}/{number}", f"{TICKETS}/{number}/history", "/api/v1/events"):
        answer = await client.get(path, headers=tenant.headers)
        assert answer.status_code == 200, path
        assert "Secret" not in answer.text
        assert "reminder" not in answer.text
    assert (await client.get(f"{TICKETS}/{number}", headers=tenant.headers)).headers["etag"] == seen
    problem(await patch_ticket(client, tenant.headers, number, {"reminder": None}), "forbidden")


@pytest.mark.parametrize(
    ("reminder", "pointer"),
    [
        ({}, "/reminder/at"),
        ({"reason": "x"}, "/reminder/at"),
        ({"at": "2020-01-01T00:00:00Z"}, "/reminder/at"),
        ({"at": "2099-01-01T00:00:00Z"}, "/reminder/at"),
        ({"at": "2030-01-01T00:00:00"}, "/reminder/at"),
        ({"at": None}, "/reminder/at"),
        ({"at": MOMENT, "reason": "x" * 1001}, "/reminder/reason"),
        ({"at": MOMENT, "reason": None}, "/reminder/reason"),
        ({"at": MOMENT, "cancelled_by_answer": "yes"}, "/reminder/cancelled_by_answer"),
        ({"at": MOMENT, "set_by": "me"}, "/reminder/set_by"),
        ("tomorrow", "/reminder"),
    ],
    ids=["empty", "no moment", "past", "far", "no zone", "null", "long", "no reason", "word", "unknown", "text"],
)
async def test_a_wrong_reminder_is_refused_by_its_place(
    client: httpx.AsyncClient, tenant: Tenant, agent: Headers, reminder: object, pointer: str
) -> None:
    number = (await new_ticket(client, tenant))["number"]
    refused = problem(await patch_ticket(client, agent, number, {"reminder": reminder}), "invalid-input")
    assert [error["pointer"] for error in refused["errors"]] == [pointer]
    assert await reminder_of(client, agent, number) is None
