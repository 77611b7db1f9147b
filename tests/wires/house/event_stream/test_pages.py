"""The event stream as pages and as NDJSON."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from clearline.event_stream import usecases as stream
from clearline.event_stream.event_signal import EventSignal
from clearline.event_stream.store import EventCursor
from clearline.events.event_types import Audience
from clearline.events.type_table import visible_data
from clearline.identity import PROVIDER_ID, Role
from clearline.platform.database.transactions import Database, Tx
from clearline.wires.house.event_stream import handlers
from clearline.wires.house.event_stream.handlers import JSON, NDJSON, preferred
from clearline.wires.http.call import Call
from clearline.wires.http.event_stream import SSE
from tests.builders.house import ANY, TICKETS, Headers, new_ticket, pointers, problem
from tests.builders.people import Tenant, customer_admin, new_tenant, staff_key
from tests.builders.streams import EVENTS, open_stream
from tests.patience import patient

LINES = {"Accept": NDJSON}


@pytest.fixture(scope="module")
async def admin(database: Database) -> Headers:
    return await staff_key(database, Role.ADMIN)


@pytest.fixture(scope="module")
async def agent(database: Database) -> Headers:
    return await staff_key(database, Role.AGENT)


@pytest.fixture
async def boss(database: Database) -> Tenant:
    return await customer_admin(database)


async def lines(client: httpx.AsyncClient, headers: Headers, **query: str) -> list[dict[str, Any]]:
    answer = await client.get(EVENTS, headers={**headers, **LINES}, params=query)
    assert (answer.status_code, answer.headers["content-type"]) == (200, NDJSON), answer.text
    *events, last = [json.loads(line) for line in answer.text.splitlines()]
    assert set(last) == {"cursor"}
    return events


async def readable(client: httpx.AsyncClient, headers: Headers, number: str) -> str:
    """Wait until all events of a ticket can be read: every older transaction has to end first; return its number."""
    history = (await client.get(f"{TICKETS}/{number}/history", headers=headers, params={"limit": 200})).json()["data"]
    async with asyncio.timeout(patient(10)):
        while len(await lines(client, headers, ticket=number)) < len(history):  # noqa: ASYNC110 - nothing signals it
            await asyncio.sleep(0.02)
    return number


async def raised(client: httpx.AsyncClient, tenant: Tenant) -> str:
    return await readable(client, tenant.headers, str((await new_ticket(client, tenant))["number"]))


async def paged(client: httpx.AsyncClient, headers: Headers, **query: str) -> list[dict[str, Any]]:
    """Return all events, read two at a time by following the links."""
    events: list[dict[str, Any]] = []
    address: str | None = str(httpx.URL(EVENTS, params={"limit": 2, **query}))
    while address:
        answer = await client.get(address, headers=headers)
        assert answer.status_code == 200, answer.text
        events += answer.json()["data"]
        assert ("next" in answer.links) is answer.json()["has_more"]
        address = answer.links["next"]["url"] if "next" in answer.links else None
    return events


async def work(client: httpx.AsyncClient, tenant: Tenant, agent: Headers) -> str:
    """Create a ticket with public and internal events; return its number."""
    number = str((await new_ticket(client, tenant))["number"])
    for visibility in ("public", "internal"):
        note = {"text": "Looking", "visibility": visibility}
        assert (await client.post(f"{TICKETS}/{number}/notes", headers=agent, json=note)).status_code == 201
    change = {"priority": "low", "tags": ["vip"], "assignee": "me"}
    assert (await client.patch(f"{TICKETS}/{number}", headers=agent | ANY, json=change)).status_code == 200
    changed = await client.post(f"{TICKETS}/{number}/status", headers=agent, json={"status": "in_progress"})
    assert changed.status_code == 200, changed.text
    return await readable(client, agent, number)


async def test_an_event_has_a_type_a_ticket_an_actor_and_data(client: httpx.AsyncClient, boss: Tenant) -> None:
    number = await raised(client, boss)
    [received] = await lines(client, boss.headers, ticket=number)
    assert abs(datetime.now(UTC) - datetime.fromisoformat(received["at"])) < timedelta(minutes=1)
    cursor = stream.parse_cursor(received["cursor"])
    assert cursor is not None
    assert received == {
        "id": str(cursor.offset.id),
        "type": "ticket.created",
        "at": received["at"],
        "company": str(boss.company.id),
        "ticket": number,
        "note": None,
        "actor": {"id": str(boss.user.id), "name": "Ada Okoro"},
        "version": 1,
        "data": {"status": "acknowledged", "priority": "critical", "channel": "API"},
        "cursor": received["cursor"],
    }


async def test_a_customer_reads_only_what_its_company_may_see(
    client: httpx.AsyncClient, tenant: Tenant, boss: Tenant, agent: Headers, admin: Headers
) -> None:
    for customer, is_admin in ((tenant, False), (boss, True)):
        number = await work(client, customer, agent)
        all_events = await lines(client, admin, company=customer.company.code)
        history = (await client.get(f"/api/v1/tickets/{number}/history", headers=customer.headers)).json()["data"]
        versions = {event["id"]: event["version"] for event in history}
        audience = Audience.COMPANY_ADMIN if is_admin else Audience.CUSTOMER
        expected = []
        for event in all_events:
            data = visible_data(event["type"], event["data"], audience)
            if data is not None:
                expected.append({**event, "data": data, "version": versions.get(event["id"])})
        assert await lines(client, customer.headers) == expected
        assert await paged(client, customer.headers) == expected
        assert 4 <= len(expected) < len(all_events)
        assert ("user.created" in {event["type"] for event in expected}) is is_admin
        assert "internal" not in str(expected)
        assert "vip" not in str(expected)


async def test_events_about_people_and_keys_need_the_scope_of_the_audit(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, agent: Headers, admin: Headers
) -> None:
    await work(client, tenant, agent)
    all_events = await lines(client, admin)
    assert {"user.created", "api_key.created", "note.added"} <= {event["type"] for event in all_events}
    assert {event["company"] for event in all_events} >= {str(tenant.company.id), str(PROVIDER_ID)}
    viewer = await staff_key(database, Role.VIEWER)
    for headers in (agent, viewer):
        assert await lines(client, headers) == [event for event in all_events if event["ticket"] is not None]
    customer = await customer_admin(database, scopes=frozenset({"tickets:read"}))
    assert await lines(client, customer.headers) == []


async def test_all_filters_must_match(
    client: httpx.AsyncClient, tenant: Tenant, agent: Headers, admin: Headers
) -> None:
    number = await work(client, tenant, agent)
    await work(client, tenant, agent)
    everything = await lines(client, admin, company=tenant.company.name)
    for kind in ("note.", "note.added", "ticket.status_changed,note.", "user.", "ticket.created,ticket.assigned"):
        types = kind.split(",")
        expected = [
            event
            for event in everything
            if any(event["type"] == t or (t[-1] == "." and event["type"].startswith(t)) for t in types)
        ]
        assert expected
        assert await lines(client, admin, company=str(tenant.company.id), type=kind) == expected
        assert await paged(client, admin, company=str(tenant.company.id), type=kind) == expected
        of_ticket = [event for event in expected if event["ticket"] == number]
        assert await lines(client, admin, ticket=number, type=kind) == of_ticket
        assert await paged(client, admin, ticket=number, type=kind, company=tenant.company.code) == of_ticket


async def test_a_cursor_is_valid_in_every_form_and_with_every_filter(
    client: httpx.AsyncClient, tenant: Tenant, agent: Headers
) -> None:
    number = await work(client, tenant, agent)
    all_events = await lines(client, tenant.headers)
    for index, event in enumerate(all_events):
        later = all_events[index + 1 :]
        assert await lines(client, tenant.headers, after=event["cursor"]) == later
        assert await paged(client, tenant.headers, after=event["cursor"], limit="3") == later
        expected = [event for event in later if event["ticket"] == number]
        assert await lines(client, tenant.headers, after=event["cursor"], ticket=number) == expected


async def test_a_page_at_the_end_has_a_cursor_for_later(
    client: httpx.AsyncClient, tenant: Tenant, agent: Headers
) -> None:
    await work(client, tenant, agent)
    page = (await client.get(EVENTS, headers=tenant.headers, params={"limit": 200})).json()
    while page["has_more"]:
        page = (await client.get(EVENTS, headers=tenant.headers, params={"after": page["next_cursor"]})).json()
    empty = (await client.get(EVENTS, headers=tenant.headers, params={"after": page["next_cursor"]})).json()
    assert empty == {"data": [], "has_more": False, "next_cursor": page["next_cursor"]}
    number = await raised(client, tenant)
    later = (await client.get(EVENTS, headers=tenant.headers, params={"after": empty["next_cursor"]})).json()
    assert [event["ticket"] for event in later["data"]] == [number]


async def test_an_empty_page_advances_the_cursor(
    client: httpx.AsyncClient, tenant: Tenant, agent: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "_BATCH_SIZE", 2)
    await work(client, tenant, agent)
    query = {"type": "ticket.status_changed"}
    address: str | None = str(httpx.URL(EVENTS, params=query))
    pages = []
    while address:
        answer = await client.get(address, headers=tenant.headers)
        pages.append(answer.json())
        address = answer.links["next"]["url"] if "next" in answer.links else None
    assert any(not page["data"] and page["has_more"] for page in pages)
    assert len({page["next_cursor"] for page in pages if page["has_more"]}) == sum(page["has_more"] for page in pages)
    events = [event for page in pages for event in page["data"]]
    assert events == await lines(client, tenant.headers, **query)
    assert events


async def test_other_companies_and_their_tickets_are_not_found(
    client: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant, agent: Headers
) -> None:
    number = (await new_ticket(client, other_tenant))["number"]
    other = other_tenant.company
    for accept in (JSON, NDJSON, SSE):
        headers = {**tenant.headers, "Accept": accept}
        for company in (other.id, other.code, other.name, PROVIDER_ID, "Nobody"):
            answer = await client.get(EVENTS, headers=headers, params={"company": str(company)})
            assert pointers(answer, "invalid-parameter") == ["company"]
        for ticket in (number, "INC000999999999"):
            answer = await client.get(EVENTS, headers=headers, params={"ticket": ticket})
            [error] = problem(answer, "invalid-parameter")["errors"]
            assert error["pointer"] == "ticket"
            assert error["detail"] == f"must be the number of a ticket; {ticket} does not exist"
    mismatch = {"ticket": number, "company": tenant.company.code}
    assert pointers(await client.get(EVENTS, headers=agent, params=mismatch), "invalid-parameter") == ["ticket"]
    assert str(other.id) not in str(await lines(client, tenant.headers))


@pytest.mark.parametrize("accept", [JSON, NDJSON, SSE])
@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ({"after": "made-up"}, "invalid-cursor"),
        ({"after": "1-2"}, "invalid-cursor"),
        ({"after": "1-2-3-4"}, "invalid-cursor"),
        ({"after": "ffffffffffffffff-1-1"}, "invalid-cursor"),
        ({"after": "1-1-ffffffffffffffff"}, "invalid-cursor"),
        ({"after": "-1--1--1"}, "invalid-cursor"),
        ({"after": ""}, "invalid-cursor"),
        ({"after": "1" * 61}, "invalid-parameter"),
        ({"limit": "201"}, "invalid-parameter"),
        ({"limit": "0"}, "invalid-parameter"),
        ({"type": "TICKET.%"}, "invalid-parameter"),
        ({"type": "ticket"}, "invalid-parameter"),
        ({"type": "ticket.,"}, "invalid-parameter"),
        ({"ticket": "7"}, "invalid-parameter"),
        ({"color": "red"}, "invalid-parameter"),
    ],
)
async def test_an_invalid_parameter_is_refused(
    client: httpx.AsyncClient, tenant: Tenant, accept: str, query: dict[str, str], kind: str
) -> None:
    answer = await client.get(EVENTS, headers={**tenant.headers, "Accept": accept}, params=query)
    problem(answer, kind)


async def test_an_invented_cursor_reveals_nothing(
    client: httpx.AsyncClient, tenant: Tenant, other_tenant: Tenant
) -> None:
    await new_ticket(client, other_tenant)
    for made_up in ("0-0-0", "1-1-1", f"{2**62:x}-{2**62:x}-1", "3-1-2386f26fc0ffff"):
        for event in await lines(client, tenant.headers, after=made_up):
            assert event["company"] == str(tenant.company.id)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OPERATOR])
async def test_the_scope_to_read_tickets_reads_events(
    client: httpx.AsyncClient, database: Database, role: Role
) -> None:
    if role is Role.CUSTOMER:
        headers = (await new_tenant(database)).headers
    else:
        headers = (
            (await customer_admin(database)).headers if role is Role.CUSTOMER_ADMIN else await staff_key(database, role)
        )
    assert (await client.get(EVENTS, headers=headers)).status_code == 200
    assert (await client.get(EVENTS)).status_code == 401
    without = await new_tenant(database, scopes=frozenset({"tickets:write"}))
    problem(await client.get(EVENTS, headers=without.headers), "scope-missing")


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("text/html,application/xhtml+xml,*/*;q=0.8", JSON),
        ("application/json", JSON),
        ("application/x-ndjson", NDJSON),
        ("Application/X-NDJSON; charset=utf-8", NDJSON),
        ("text/event-stream", SSE),
        ("text/event-stream, */*;q=0.1", SSE),
        ("application/json;q=0.5, application/x-ndjson;q=0.9", NDJSON),
        ("application/json, text/event-stream", JSON),
        ("text/event-stream;q=0", JSON),
        ("text/event-stream, */*", SSE),
        ("image/png", JSON),
        ("text/event-stream;q=often", JSON),
    ],
)
def test_the_accept_header_selects_the_format(accept: str, kind: str) -> None:
    assert preferred(accept) == kind


@pytest.mark.parametrize("accept", [JSON, NDJSON, SSE])
async def test_head_returns_the_headers_and_opens_no_stream(
    client: httpx.AsyncClient, tenant: Tenant, accept: str
) -> None:
    for _ in range(25):
        answer = await client.head(EVENTS, headers={**tenant.headers, "Accept": accept})
        assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, accept)
        assert "Accept" in answer.headers["vary"]
    async with open_stream(client, tenant.headers) as reader:
        assert reader.status == 200


async def test_ndjson_ends_with_a_cursor_even_without_visible_events(client: httpx.AsyncClient, tenant: Tenant) -> None:
    await raised(client, tenant)
    query = {"type": "mailbox."}
    answer = await client.get(EVENTS, headers={**tenant.headers, **LINES}, params=query)
    [last] = [json.loads(line) for line in answer.text.splitlines()]
    number = await raised(client, tenant)
    received = await lines(client, tenant.headers, after=last["cursor"])
    assert {event["ticket"] for event in received} == {number}, "what was looked at does not come again"


@pytest.mark.parametrize("how", ["stop", "revoked"])
async def test_interrupted_ndjson_does_not_look_complete(
    client: httpx.AsyncClient, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    for _ in range(3):
        await raised(client, tenant)
    read = stream.read

    async def one_by_one(tx: Tx, reader: stream.Reader, after: EventCursor) -> stream.EventPage:
        return await read(tx, reader, after, limit=1)

    async def no_longer(_call: Call) -> bool:
        return False

    monkeypatch.setattr(stream, "read", one_by_one)
    if how == "stop":
        monkeypatch.setattr(EventSignal, "is_stopping", property(lambda _: True, lambda *_: None), raising=False)
    else:
        monkeypatch.setattr(handlers, "_is_admitted", no_longer)
    with pytest.raises(AssertionError):  # raised by the client, because the response is incomplete
        await client.get(EVENTS, headers={**tenant.headers, **LINES})
