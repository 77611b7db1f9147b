from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from clearline.identity import PROVIDER_ID, Role
from clearline.platform.database.transactions import Database
from tests.builders.house import ANY, Headers, company_path
from tests.builders.people import Tenant, customer_admin, new_tenant, staff_key

AUDIT = "/api/v1/audit"


@pytest.fixture
async def boss(database: Database) -> Tenant:
    return await customer_admin(database)


async def read_audit(client: httpx.AsyncClient, headers: Headers, **filters: Any) -> list[dict[str, Any]]:
    """Return all events of the audit, read two at a time."""
    events: list[dict[str, Any]] = []
    address: str | None = str(httpx.URL(AUDIT, params={"limit": 2, **filters}))
    while address:
        answer = await client.get(address, headers=headers)
        assert answer.status_code == 200, answer.text
        events += answer.json()["data"]
        address = answer.links["next"]["url"] if "next" in answer.links else None
    return events


async def raise_ticket(client: httpx.AsyncClient, tenant: Tenant) -> str:
    ticket = {
        "title": "Down", "description": "Since 08:00", "issue_type": "Circuit Down",
        "service": {"id": "SVC-1", "type": "Port"},
    }  # fmt: skip
    response = await client.post("/api/v1/tickets", headers=tenant.headers, json=ticket)
    assert response.status_code == 201, response.text
    return str(response.json()["number"])


async def test_an_event_has_its_actor_time_and_previous_values(
    client: httpx.AsyncClient, boss: Tenant, admin: Headers
) -> None:
    started_at = datetime.now(UTC) - timedelta(seconds=1)
    await client.patch(company_path(boss, "services", "SVC-1"), headers=admin | ANY, json={"label": "Renamed"})
    me = (await client.get("/api/v1/me", headers=admin)).json()
    [event] = await read_audit(
        client, admin, company=boss.company.code, type="service.changed", since=started_at.isoformat()
    )
    assert started_at < datetime.fromisoformat(event.pop("at")) < datetime.now(UTC) + timedelta(seconds=1)
    assert event == {
        "id": event["id"],
        "type": "service.changed",
        "company_id": str(boss.company.id),
        "ticket": None,
        "note": None,
        "actor_id": me["id"],
        "actor": me["name"],
        "version": None,
        "data": {
            "id": "SVC-1",
            "name": "Renamed",
            "changes": [{"field": "label", "before": "Service 1", "after": "Renamed"}],
        },
    }


async def test_me_filters_by_the_user_of_the_key(client: httpx.AsyncClient, boss: Tenant, admin: Headers) -> None:
    number = await raise_ticket(client, boss)
    own_events = await read_audit(client, boss.headers, actor="me")
    assert own_events == await read_audit(client, boss.headers, actor=str(boss.user.id))
    assert (own_events[0]["type"], own_events[0]["ticket"], own_events[0]["actor_id"]) == (
        "ticket.created",
        number,
        str(boss.user.id),
    )
    assert own_events == await read_audit(client, admin, actor=str(boss.user.id))


async def test_a_customers_admin_reads_what_its_company_may_see(
    client: httpx.AsyncClient, boss: Tenant, admin: Headers
) -> None:
    number = await raise_ticket(client, boss)
    notes = f"/api/v1/tickets/{number}/notes"
    for visibility in ("public", "internal"):
        note = await client.post(notes, headers=admin, json={"text": "Looking", "visibility": visibility})
        assert note.status_code == 201
    change = {"priority": "low", "tags": ["vip"], "assignee": "me"}
    assert (await client.patch(f"/api/v1/tickets/{number}", headers=admin | ANY, json=change)).status_code == 200
    events = await read_audit(client, admin, ticket=number)
    shown = await read_audit(client, boss.headers, ticket=number)
    # The audit may not reveal more than the ticket does.
    assert {"ticket.assigned", "note.added"} < {event["type"] for event in events}
    assert [event["type"] for event in shown] == ["ticket.changed", "note.added", "ticket.created"]
    assert [event["field"] for event in shown[0]["data"]["changes"]] == ["priority"]
    assert shown[1]["data"]["visibility"] == "public"
    everything = await read_audit(client, boss.headers)
    assert {event["company_id"] for event in everything} == {str(boss.company.id)}
    assert {"company.created", "user.created", "user.changed", "api_key.created", "service.created"} < {
        event["type"] for event in everything
    }


async def test_the_audit_of_another_company_is_not_found(
    client: httpx.AsyncClient, boss: Tenant, tenant: Tenant
) -> None:
    number = await raise_ticket(client, tenant)
    for company in (tenant.company.id, tenant.company.code, tenant.company.name, PROVIDER_ID, uuid4(), "Nobody"):
        answer = await client.get(AUDIT, headers=boss.headers, params={"company": str(company)})
        refusal = f"company must be the code, name or id of a customer; {company} does not exist"
        assert (answer.status_code, answer.json()["detail"]) == (400, refusal)
    for ticket in (number, "INC000999999999"):
        answer = await client.get(AUDIT, headers=boss.headers, params={"ticket": ticket})
        assert answer.status_code == 400
        assert answer.json()["detail"].endswith(f"; {ticket} does not exist")
    assert await read_audit(client, boss.headers, actor=str(tenant.user.id)) == []


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OPERATOR])
async def test_only_admins_read_the_audit(client: httpx.AsyncClient, database: Database, role: Role) -> None:
    if role is Role.CUSTOMER:
        headers = (await new_tenant(database)).headers
    elif role is Role.CUSTOMER_ADMIN:
        headers = (await customer_admin(database)).headers
    else:
        headers = await staff_key(database, role)
    answer = await client.get(AUDIT, headers=headers)
    assert answer.status_code == (200 if role in {Role.ADMIN, Role.CUSTOMER_ADMIN} else 403)
    assert (await client.get(AUDIT)).status_code == 401


@pytest.mark.parametrize(
    ("filters", "status", "code"),
    [
        ({"since": "yesterday"}, 400, "invalid-parameter"),
        ({"since": "2026-01-01T00:00:00"}, 400, "invalid-parameter"),
        ({"type": "USER.%"}, 400, "invalid-parameter"),
        ({"type": "user"}, 400, "invalid-parameter"),
        ({"ticket": "7"}, 400, "invalid-parameter"),
        ({"color": "red"}, 400, "invalid-parameter"),
        ({"cursor": "made-up"}, 400, "invalid-cursor"),
        ({"actor": "nobody"}, 400, "invalid-parameter"),
        ({"since": "0001-01-01T00:00:00+14:00"}, 400, "invalid-parameter"),
        ({"until": "9999-12-31T23:59:59-14:00"}, 400, "invalid-parameter"),
        ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, 400, "invalid-parameter"),
    ],
)
async def test_an_invalid_filter_is_refused(
    client: httpx.AsyncClient, admin: Headers, filters: dict[str, str], status: int, code: str
) -> None:
    answer = await client.get(AUDIT, headers=admin, params=filters)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_the_first_and_the_last_time_are_accepted(client: httpx.AsyncClient, admin: Headers) -> None:
    ends = {"since": "0001-01-01T00:00:00Z", "until": "9999-12-31T23:59:59Z", "type": "company."}
    assert await read_audit(client, admin, **ends) == await read_audit(client, admin, type="company.")


async def test_a_cursor_is_valid_only_with_its_own_filters(client: httpx.AsyncClient, admin: Headers) -> None:
    cursor = (await client.get(AUDIT, headers=admin, params={"limit": 1, "type": "user."})).json()["next_cursor"]
    params = {"type": "user.", "cursor": cursor}
    assert (await client.get(AUDIT, headers=admin, params=params)).status_code == 200
    assert (await client.get(AUDIT, headers=admin, params={**params, "type": "company."})).status_code == 400


async def test_no_secret_is_in_the_audit(client: httpx.AsyncClient, boss: Tenant, admin: Headers) -> None:
    body = {"user_id": str(boss.user.id), "name": "k"}
    key = (await client.post(company_path(boss, "keys"), headers=boss.headers, json=body)).json()
    events = await read_audit(client, admin, company=str(boss.company.id), type="api_key.", actor="me")
    assert events == [], "the admin of the customer issued it"
    own_events = await read_audit(client, boss.headers, type="api_key.", actor="me")
    assert own_events[0]["data"]["id"] == key["id"]
    assert key["key"][len(key["prefix"]) :] not in str(own_events)
