"""Lists from the newest to the oldest can be limited to a time."""

from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from clearline.identity import PROVIDER_ID
from clearline.mail.outbound import usecases as outbound_mail
from clearline.mail.outbound.domain import MailSettings, NewMail
from clearline.platform.database.transactions import Database
from clearline.webhooks import delivery_store
from clearline.webhooks.delivery_store import NewDelivery
from clearline.wires.house.routes import OPERATIONS
from tests.builders.house import API, Headers, Json, new_ticket, problem
from tests.builders.people import NOW, Tenant

SETTINGS = MailSettings("Support <support@example.net>", b"secret", "https://desk.example.net", enabled=True)
LISTS = ["/outbound-mails", "/jobs", "/tickets", "/subscriptions/{id}/deliveries", "/handovers"]
HOOK = UUID("5d7c2f0e-60f5-4d4e-9f43-0b8f1b9d3c55")


@pytest.fixture(scope="module")
async def filled_lists(client: httpx.AsyncClient, database: Database, tenant: Tenant, admin: Headers) -> Headers:
    """Six mails, jobs and handovers at six times; return who can list them."""
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
        assert (await client.post(f"{API}/handovers", headers=admin, json={})).status_code == 201
        await new_ticket(client, tenant)
    async with database.transaction() as tx:
        await tx.write(
            """insert into subscription (company_id, id, url, is_active, created_at, updated_at)
               values ($1, $2, 'https://hooks.example.com/', false, $3, $3)""",
            PROVIDER_ID, HOOK, NOW,
        )  # fmt: skip
        for minute in range(6):
            delivery = NewDelivery(PROVIDER_ID, HOOK, uuid4(), None, "ping", None, b"{}")
            await delivery_store.insert(tx, [delivery], now=NOW + timedelta(minutes=minute // 2))
    return admin


async def read(client: httpx.AsyncClient, path: str, headers: Headers, **query: str) -> list[Json]:
    """Return a complete list, read two items at a time by its cursors."""
    items: list[Json] = []
    cursor: dict[str, str] = {}
    while True:
        address = API + path.format(id=HOOK)
        answer = await client.get(address, headers=headers, params={**query, "limit": "2", **cursor})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["data"]
        if not page["has_more"]:
            return items
        cursor = {"cursor": page["next_cursor"]}


def test_every_list_from_the_newest_to_the_oldest_can_be_limited_to_a_time() -> None:
    lists = {
        operation.path: {*operation.query.__struct_fields__}
        for operation in OPERATIONS
        if operation.method == "GET" and operation.query is not None and "newest first" in operation.about.lower()
    }
    assert {f"{API}/handovers", f"{API}/jobs"} <= {*lists}
    without = {path for path, fields in lists.items() if "cursor" in fields and not {"since", "until"} <= fields}
    assert without == {f"{API}/search"}, "the search has times in its query"


@pytest.mark.parametrize("path", LISTS)
async def test_a_list_is_limited_to_a_time_and_its_pages_are_too(
    client: httpx.AsyncClient, filled_lists: Headers, path: str
) -> None:
    everything = await read(client, path, filled_lists)
    assert len(everything) >= 6
    name = "number" if path == "/tickets" else "id"
    time = "signed_at" if path == "/handovers" else "created_at"
    times = [item[time] for item in everything]
    assert times == sorted(times, reverse=True)
    for since in (None, times[0], times[2], times[-1]):
        for until in (None, times[0], times[1], "9999-12-31T00:00:00Z"):
            if since and until and until <= since:
                continue
            query = {name: value for name, value in (("since", since), ("until", until)) if value is not None}
            expected = [
                item for item in everything
                if (since is None or item[time] >= since) and (until is None or item[time] < until)
            ]  # fmt: skip
            found = await read(client, path, filled_lists, **query)
            assert [item[name] for item in found] == [item[name] for item in expected], query


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
    answer = await client.get(f"{API}{path.format(id=HOOK)}?{query}", headers=filled_lists)
    assert [error["pointer"] for error in problem(answer, "invalid-parameter")["errors"]] == [pointer]


@pytest.mark.parametrize("path", LISTS)
async def test_a_cursor_belongs_to_its_times(client: httpx.AsyncClient, filled_lists: Headers, path: str) -> None:
    query = {"limit": "2", "since": "2000-01-01T00:00:00Z"}
    address = API + path.format(id=HOOK)
    page = (await client.get(address, headers=filled_lists, params=query)).json()
    other = await client.get(address, headers=filled_lists, params={"cursor": page["next_cursor"]})
    problem(other, "invalid-cursor")


async def test_deliveries_of_a_time_can_be_those_of_a_state(client: httpx.AsyncClient, filled_lists: Headers) -> None:
    query = {"since": (NOW + timedelta(minutes=1)).isoformat(), "until": (NOW + timedelta(minutes=2)).isoformat()}
    deliveries = await read(client, LISTS[3], filled_lists, state="waiting", **query)
    assert len(deliveries) == 2
    assert await read(client, LISTS[3], filled_lists, state="delivered", **query) == []


async def test_tickets_are_listed_by_their_last_change(
    client: httpx.AsyncClient, tenant: Tenant, filled_lists: Headers
) -> None:
    numbers = [(await new_ticket(client, tenant))["number"] for _ in range(3)]
    note = await client.post(f"{API}/tickets/{numbers[0]}/notes", headers=tenant.headers, json={"text": "News"})
    changed_at = note.json()["created_at"]

    async def listed(**query: str) -> list[str]:
        return [ticket["number"] for ticket in await read(client, "/tickets", filled_lists, **query)]

    assert await listed(updated_since=changed_at) == [numbers[0]]
    assert numbers[0] not in await listed(updated_until=changed_at)
    assert {*numbers[1:]} <= {*await listed(updated_until=changed_at)}
    code = tenant.company.code
    assert await listed(updated_since=changed_at, state="all", company=code) == [numbers[0]]
    assert await listed(updated_since=changed_at, since="2000-01-01T00:00:00Z", state="all") == [numbers[0]]
    assert await listed(updated_since=changed_at, state="finished", company=code) == []
    refused = await client.get(f"{API}/tickets?state=all&updated_since=2026-01-01T00:00:00Z", headers=filled_lists)
    assert [error["pointer"] for error in problem(refused, "invalid-parameter")["errors"]] == ["state"]
    span = "updated_since=2026-01-02T00:00:00Z&updated_until=2026-01-01T00:00:00Z"
    [error] = problem(await client.get(f"{API}/tickets?{span}", headers=filled_lists), "invalid-parameter")["errors"]
    assert error == {"pointer": "updated_until", "code": "order", "detail": "must be after updated_since"}


async def test_an_imported_ticket_is_listed_by_the_time_that_it_was_raised(
    client: httpx.AsyncClient, tenant: Tenant, filled_lists: Headers, database: Database
) -> None:
    numbers = [(await new_ticket(client, tenant))["number"] for _ in range(2)]
    async with database.statement() as tx:
        await tx.write(
            "update ticket set created_at = '2019-05-01' where company_id = $1 and number = $2",
            tenant.company.id, int(numbers[1][3:]),
        )  # fmt: skip
    query = {"since": "2019-01-01T00:00:00Z", "company": tenant.company.code}
    oldest = await read(client, "/tickets", filled_lists, sort="number", **query)
    assert (oldest[0]["number"], oldest[0]["created_at"]) == (numbers[1], "2019-05-01T00:00:00Z")
    assert await read(client, "/tickets", filled_lists, **query) == oldest[::-1]
    of_2019 = await read(client, "/tickets", filled_lists, until="2020-01-01T00:00:00Z", **query)
    assert [ticket["number"] for ticket in of_2019] == [numbers[1]]
