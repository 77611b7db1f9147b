"""Lists from the newest to the oldest can be limited to a time."""

from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import MailSettings, NewMail
from clearline.platform.database.transactions import Database
from tests.builders.house import API, Headers, Json, new_ticket, problem
from tests.builders.people import NOW, Tenant

SETTINGS = MailSettings("Support <support@example.net>", b"secret", "https://desk.example.net", enabled=True)
LISTS = ["/outbound-mails", "/jobs"]


@pytest.fixture(scope="module")
async def filled_lists(client: httpx.AsyncClient, database: Database, tenant: Tenant, admin: Headers) -> Headers:
    """Six mails and six jobs at six times; return who can list them."""
    number = (await new_ticket(client, tenant))["number"]
    for minute in range(6):
        async with database.transaction() as tx:
            mail = NewMail(
                recipient=f"{uuid4().hex}@example.com", subject="Port", text="x\n", html=None, kind="notification",
                company_id=tenant.company.id, ticket_number=int(number[3:]),
            )  # fmt: skip
            await outbound_mail.enqueue(tx, mail, now=NOW + timedelta(minutes=minute), settings=SETTINGS)
        body = {"tickets": [number], "action": {"type": "note", "text": "x"}, "dry_run": True}
        assert (await client.post(f"{API}/bulk", headers=admin, json=body)).status_code == 202
    return admin


async def read(client: httpx.AsyncClient, path: str, headers: Headers, **query: str) -> list[Json]:
    """Return a complete list, read two items at a time by its cursors."""
    items: list[Json] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await client.get(API + path, headers=headers, params={**query, "limit": "2", **cursor})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["data"]
        if not page["has_more"]:
            return items
        cursor = {"cursor": page["next_cursor"]}


@pytest.mark.parametrize("path", LISTS)
async def test_a_list_is_limited_to_a_time_and_its_pages_are_too(
    client: httpx.AsyncClient, filled_lists: Headers, path: str
) -> None:
    everything = await read(client, path, filled_lists)
    assert len(everything) >= 6
    times = [item["created_at"] for item in everything]
    assert times == sorted(times, reverse=True)
    for since in (None, times[0], times[2], times[-1]):
        for until in (None, times[0], times[1], "9999-12-31T00:00:00Z"):
            if since and until and until <= since:
                continue
            query = {name: value for name, value in (("since", since), ("until", until)) if value is not None}
            expected = [
                item for item in everything
                if (since is None or item["created_at"] >= since) and (until is None or item["created_at"] < until)
            ]  # fmt: skip
            found = await read(client, path, filled_lists, **query)
            assert [item["id"] for item in found] == [item["id"] for item in expected], query


@pytest.mark.parametrize("path", [*LISTS, "/inbound-mails"])
@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("since=2026-03-02T00:00:00Z&until=2026-03-01T00:00:00Z", "until"),
        ("since=2026-03-02T00:00:00Z&until=2026-03-02T00:00:00Z", "until"),
        ("since=2026-03-02", "since"),
        ("until=yesterday", "until"),
    ],
)
async def test_a_time_that_is_none_is_refused(
    client: httpx.AsyncClient, filled_lists: Headers, path: str, query: str, pointer: str
) -> None:
    answer = await client.get(f"{API}{path}?{query}", headers=filled_lists)
    assert [error["pointer"] for error in problem(answer, "invalid-parameter")["errors"]] == [pointer]


@pytest.mark.parametrize("path", LISTS)
async def test_a_cursor_belongs_to_its_times(client: httpx.AsyncClient, filled_lists: Headers, path: str) -> None:
    query = {"limit": "2", "since": "2000-01-01T00:00:00Z"}
    page = (await client.get(API + path, headers=filled_lists, params=query)).json()
    other = await client.get(API + path, headers=filled_lists, params={"cursor": page["next_cursor"]})
    problem(other, "invalid-cursor")
