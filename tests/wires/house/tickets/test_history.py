import httpx

from clearline.platform.database.transactions import Database
from tests.builders.house import TICKETS, new_ticket, patch_ticket, stream_of
from tests.builders.people import Tenant


async def test_the_history_shows_customers_no_internal_events(
    client: httpx.AsyncClient, tenant: Tenant, agent: dict[str, str]
) -> None:
    number = (await new_ticket(client, tenant))["number"]
    path = f"{TICKETS}/{number}"
    await patch_ticket(client, agent, number, {"assignee": "me", "tags": ["secret"], "priority": "low"})
    await client.post(f"{path}/notes", headers=agent, json={"text": "psst", "visibility": "internal"})
    note = (await client.post(f"{path}/notes", headers=agent, json={"text": "hello"})).json()
    await client.post(f"{path}/status", headers=agent, json={"status": "held", "reason": "spare part"})
    events = (await client.get(f"{path}/history", headers=agent)).json()["data"]
    assert [event["type"] for event in events] == [
        "ticket.created",
        "ticket.changed",
        "ticket.assigned",
        "note.added",
        "note.added",
        "ticket.status_changed",
    ]
    known = (await client.get(f"{path}/history", headers=tenant.headers)).json()["data"]
    assert known == [
        events[0],
        events[1] | {"data": {"changes": [{"field": "priority", "before": "critical", "after": "low"}]}},
        events[4] | {"version": 3},
        events[5] | {"version": 4},
    ]
    assert [event["version"] for event in events] == [1, 2, 2, 3, 4, 5]
    assert events[4] == {
        "id": events[4]["id"],
        "at": events[4]["at"],
        "type": "note.added",
        "actor": "Mara agent",
        "note": note["id"],
        "version": 4,
        "data": {"visibility": "public", "source": "seller"},
    }


async def test_the_history_of_a_customer_has_full_pages_despite_internal_events(
    client: httpx.AsyncClient, tenant: Tenant, agent: dict[str, str]
) -> None:
    number = (await new_ticket(client, tenant))["number"]
    for index in range(6):
        await patch_ticket(client, agent, number, {"tags": [f"t{index}"]})
        await client.post(f"{TICKETS}/{number}/notes", headers=tenant.headers, json={"text": "x"})
    types, cursor = [], ""
    while True:
        path = f"{TICKETS}/{number}/history?limit=2{cursor}"
        page = (await client.get(path, headers=tenant.headers)).json()
        types += [event["type"] for event in page["data"]]
        assert len(page["data"]) == 2 or not page["has_more"]
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert types == ["ticket.created"] + ["note.added"] * 6


async def test_events_from_before_they_had_versions_have_none(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, agent: dict[str, str]
) -> None:
    number = (await new_ticket(client, tenant))["number"]
    async with database.statement() as tx:
        await tx.write(
            "update event set ticket_version = null, customer_version = null where ticket_number = $1", int(number[3:])
        )
    await client.post(f"{TICKETS}/{number}/notes", headers=agent, json={"text": "hello"})
    for headers in (agent, tenant.headers):
        history = (await client.get(f"{TICKETS}/{number}/history", headers=headers)).json()["data"]
        stream = await stream_of(client, headers, number, 2)
        assert [event["version"] for event in history] == [event["version"] for event in stream] == [None, 2]
