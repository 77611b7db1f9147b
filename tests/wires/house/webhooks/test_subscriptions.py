from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from clearline.accounts import key_usecases as keys
from clearline.accounts import usecases as accounts
from clearline.identity import OPERATOR, Role, Scope
from clearline.platform.database.transactions import Database
from clearline.settings.defaults import COMPANY_SUBSCRIPTIONS_MAX
from clearline.settings.settings import Settings
from clearline.webhooks import delivery_store, subscription_store
from clearline.webhooks.delivery_actions.domain import Action, DeliveryAction
from tests.builders.application import serving
from tests.builders.house import ANY, Json, new_ticket, problem
from tests.builders.people import NOW, Tenant, new_tenant, staff_key
from tests.builders.webhooks.receiver import LOOPBACK, Receiver, answer, is_signed_with, receiving
from tests.builders.webhooks.sending import in_progress, until

SUBSCRIPTIONS = "/api/v1/subscriptions"
URL = "https://hooks.example.com/desk?token=secret"
Headers = dict[str, str]


@pytest.fixture(scope="module")
async def client(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(
        database_url=database_url, rate_limit=0, access_log=False, webhook_networks=LOOPBACK, webhook_seconds=2
    )
    async with serving(settings) as opened:
        yield opened


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


async def admin_of(
    database: Database, tenant: Tenant, role: Role = Role.CUSTOMER_ADMIN, scopes: frozenset[str] | None = None
) -> Headers:
    code = tenant.company.code
    async with database.transaction() as tx:
        user = await accounts.add_user(
            tx, OPERATOR, code, name="Kim", email=f"{uuid4().hex}@example.com", phone="", role=role, now=NOW
        )
        _key, secret = await keys.create_key(tx, OPERATOR, code, user_id=user.id, name="test", scopes=scopes, now=NOW)
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture
async def admin(database: Database) -> Headers:
    """Return the headers of the admin of a new company."""
    return await admin_of(database, await new_tenant(database))


async def create(client: httpx.AsyncClient, headers: Headers, **members: Any) -> Json:
    answered = await client.post(SUBSCRIPTIONS, headers=headers, json={"url": URL, "is_active": False, **members})
    assert answered.status_code == 201, answered.text
    body: Json = answered.json()
    return body


async def test_a_subscription_is_created_read_changed_and_deleted(client: httpx.AsyncClient, admin: Headers) -> None:
    body = {"url": URL, "description": "The NOC's", "types": ["ticket.", "note.added"], "is_active": False}
    answered = await client.post(SUBSCRIPTIONS, headers=admin, json=body)
    assert answered.status_code == 201, answered.text
    subscription = answered.json()
    secret = subscription.pop("secret")
    assert secret.startswith("whsec_")
    assert subscription == {
        **body,
        "id": subscription["id"],
        "disabled_reason": None,
        "failures": 0,
        "failing_since": None,
        "resumes_at": None,
        "old_secret_until": None,
        "in_progress": None,
        "created_at": subscription["created_at"],
        "updated_at": subscription["created_at"],
    }
    address = answered.headers["location"]
    read = await client.get(address, headers=admin)
    assert (read.json(), read.headers["etag"]) == (subscription, answered.headers["etag"])
    assert (await client.get(SUBSCRIPTIONS, headers=admin)).json()["data"] == [subscription]
    patch = {"url": "https://hooks.example.com/new", "types": []}
    for match, status in ((None, 428), ('"other"', 412), (read.headers["etag"], 200)):
        headers = admin if match is None else {**admin, "If-Match": match}
        changed = await client.patch(address, headers=headers, json=patch)
        assert changed.status_code == status
    assert changed.json() == {**subscription, **patch, "updated_at": changed.json()["updated_at"]}
    for headers, status in ((admin, 428), (admin | ANY, 204), (admin | ANY, 404)):
        assert (await client.delete(address, headers=headers)).status_code == status
    problem(await client.get(address, headers=admin), "not-found")


async def test_a_replayed_response_does_not_contain_the_secret(client: httpx.AsyncClient, admin: Headers) -> None:
    headers = {**admin, "Idempotency-Key": uuid4().hex}
    body = {"url": URL, "is_active": False}
    first, second = [await client.post(SUBSCRIPTIONS, headers=headers, json=body) for _ in range(2)]
    assert first.json()["secret"] is not None
    assert second.json() == {**first.json(), "secret": None}
    assert len((await client.get(SUBSCRIPTIONS, headers=admin)).json()["data"]) == 1


async def test_no_secret_is_in_the_database_or_in_an_event(
    client: httpx.AsyncClient, database: Database, admin: Headers
) -> None:
    subscription = await create(client, admin)
    await client.post(f"{SUBSCRIPTIONS}/{subscription['id']}/rotate", headers=admin, json={})
    await client.patch(f"{SUBSCRIPTIONS}/{subscription['id']}", headers=admin | ANY, json={"url": URL + "2"})
    audit = await client.get("/api/v1/audit?type=subscription.", headers=admin)
    events = audit.json()["data"]
    assert [event["type"] for event in events] == ["subscription.changed"] * 2 + ["subscription.created"]
    assert events[0]["data"]["name"] == "https://hooks.example.com"
    assert events[1]["data"]["changes"] == [{"field": "generation", "before": 1, "after": 2}]
    assert "token" not in audit.text
    async with database.statement() as tx:
        row = await tx.fetchval("select to_jsonb(s)::text from subscription s where id = $1", UUID(subscription["id"]))
    assert subscription["secret"].removeprefix("whsec_") not in row


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"url": "http://hooks.example.com:x/"}, "/url"),
        ({"url": "https://10.0.0.1/"}, "/url"),
        ({"url": "https://[::ffff:169.254.169.254]/"}, "/url"),
        ({"url": "https://user:word@hooks.example.com/"}, "/url"),
        ({"url": ""}, "/url"),
        ({"types": ["weather."]}, "/types/0"),
        ({"types": ["note.added", "x"]}, "/types/1"),
        ({"types": ["note."] * 51}, "/types"),
        ({"description": "x" * 256}, "/description"),
        ({"secret": "whsec_mine"}, "/secret"),
        ({"is_active": None}, "/is_active"),
    ],
)
async def test_an_invalid_value_is_named_by_its_pointer(
    client: httpx.AsyncClient, admin: Headers, body: Json, pointer: str
) -> None:
    refused = await client.post(SUBSCRIPTIONS, headers=admin, json={"url": URL, **body})
    assert [error["pointer"] for error in problem(refused, "invalid-input")["errors"]] == [pointer]
    subscription = await create(client, admin)
    refused = await client.patch(f"{SUBSCRIPTIONS}/{subscription['id']}", headers=admin | ANY, json=body)
    assert [error["pointer"] for error in problem(refused, "invalid-input")["errors"]] == [pointer]


async def test_a_company_has_at_most_twenty(client: httpx.AsyncClient, admin: Headers) -> None:
    for _ in range(COMPANY_SUBSCRIPTIONS_MAX):
        await create(client, admin)
    refused = await client.post(SUBSCRIPTIONS, headers=admin, json={"url": URL})
    problem(refused, "conflict", code="too-many-subscriptions")
    ids: list[str] = []
    address: str | None = f"{SUBSCRIPTIONS}?limit=7"
    while address is not None:
        page = await client.get(address, headers=admin)
        ids += [subscription["id"] for subscription in page.json()["data"]]
        address = page.links["next"]["url"] if page.json()["has_more"] else None
    assert len(ids) == len(set(ids)) == COMPANY_SUBSCRIPTIONS_MAX


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.CUSTOMER, False),
        (Role.CUSTOMER_ADMIN, True),
        (Role.VIEWER, False),
        (Role.AGENT, False),
        (Role.ADMIN, True),
    ],
)
async def test_only_admins_see_and_manage_subscriptions(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, role: Role, *, may: bool
) -> None:
    is_customer = role in {Role.CUSTOMER, Role.CUSTOMER_ADMIN}
    owner = await (admin_of(database, tenant) if is_customer else staff_key(database, Role.ADMIN))
    headers = await (admin_of(database, tenant, role) if is_customer else staff_key(database, role))
    address = f"{SUBSCRIPTIONS}/{(await create(client, owner))['id']}"
    answers = [
        await client.get(SUBSCRIPTIONS, headers=headers),
        await client.get(address, headers=headers),
        await client.get(f"{address}/deliveries", headers=headers),
        await client.post(SUBSCRIPTIONS, headers=headers, json={"url": URL, "is_active": False}),
        await client.patch(address, headers=headers | ANY, json={"description": "x"}),
        await client.post(f"{address}/rotate", headers=headers, json={}),
        await client.delete(address, headers=headers | ANY),
    ]
    assert [answered.status_code for answered in answers] == ([200, 200, 200, 201, 200, 200, 204] if may else [403] * 7)


async def test_the_providers_admin_does_not_see_the_subscriptions_of_a_customer(
    client: httpx.AsyncClient, database: Database, admin: Headers
) -> None:
    subscription = await create(client, admin)
    staff = await staff_key(database, Role.ADMIN)
    problem(await client.get(f"{SUBSCRIPTIONS}/{subscription['id']}", headers=staff), "not-found")


async def test_a_ping_is_sent_and_can_be_read_with_its_attempt(
    client: httpx.AsyncClient, admin: Headers, receiver: Receiver
) -> None:
    receiver.script = [answer(418, b"short and stout")]
    subscription = await create(client, admin, url=receiver.url, is_active=True, types=["attachment."])
    accepted = await client.post(f"{SUBSCRIPTIONS}/{subscription['id']}/ping", headers=admin, json={})
    assert accepted.status_code == 202, accepted.text
    ping = accepted.json()
    assert (ping["type"], ping["state"], ping["event"], ping["ticket"]) == ("ping", "waiting", None, None)
    await until(lambda: receiver.requests)
    [request] = receiver.requests
    assert is_signed_with(subscription["secret"], request)
    assert request.json == {
        "type": "ping",
        "timestamp": request.json["timestamp"],
        "data": {"subscription": subscription["id"]},
    }
    address = accepted.headers["location"]
    while not (read := (await client.get(address, headers=admin)).json())["attempts"]:
        pass
    assert read == {
        **ping, "attempt_count": 1, "due_at": read["due_at"], "body": request.json,
        "attempts": [{
            "number": 1, "at": read["attempts"][0]["at"], "status": 418, "error": None, "answer": "short and stout",
            "milliseconds": read["attempts"][0]["milliseconds"],
            "request_headers": {
                name: request.headers[name]
                for name in ("content-type", "user-agent", "webhook-id", "webhook-timestamp")
            },
        }],
    }  # fmt: skip


async def test_a_ping_needs_an_active_subscription(client: httpx.AsyncClient, admin: Headers) -> None:
    subscription = await create(client, admin)
    problem(await client.post(f"{SUBSCRIPTIONS}/{subscription['id']}/ping", headers=admin, json={}), "conflict")


async def test_an_event_of_a_ticket_is_sent_and_replayed(
    client: httpx.AsyncClient, database: Database, receiver: Receiver
) -> None:
    tenant = await new_tenant(database)
    admin = await admin_of(database, tenant)
    subscription = await create(client, admin, url=receiver.url, is_active=True, types=["ticket."])
    at = f"{SUBSCRIPTIONS}/{subscription['id']}"
    ticket = await new_ticket(client, tenant)
    await until(lambda: receiver.requests)
    page = await client.get(f"{at}/deliveries", headers=admin)
    while page.json()["data"][0]["state"] != "delivered":
        page = await client.get(f"{at}/deliveries", headers=admin)
    [delivery] = page.json()["data"]
    assert (delivery["ticket"], delivery["type"], delivery["attempt_count"]) == (ticket["number"], "ticket.created", 1)
    for state, count in (("waiting", 0), ("dead", 0), ("delivered", 1)):
        page = await client.get(f"{at}/deliveries?state={state}", headers=admin)
        assert len(page.json()["data"]) == count
    again = await client.post(f"{at}/deliveries/{delivery['id']}/replay", headers=admin, json={})
    assert (again.status_code, again.json()["state"]) == (202, "waiting")
    await until(lambda: len(receiver.requests) == 2)
    assert receiver.requests[0].id == receiver.requests[1].id
    assert receiver.requests[0].body == receiver.requests[1].body
    span = {"since": delivery["created_at"], "until": "2100-01-01T00:00:00Z"}
    while (await client.get(f"{at}/deliveries/{delivery['id']}", headers=admin)).json()["state"] != "delivered":
        pass
    bodies: list[tuple[Json, int]] = [(span, 0), ({**span, "state": "delivered"}, 1)]
    for body, count in bodies:
        replayed = await client.post(f"{at}/replay", headers=admin, json=body)
        assert (replayed.status_code, replayed.json()) == (202, {"count": count, "has_more": False})
    await until(lambda: len(receiver.requests) == 3)
    refused = await client.post(f"{at}/replay", headers=admin, json={"since": span["until"], "until": span["since"]})
    assert [error["pointer"] for error in problem(refused, "invalid-input")["errors"]] == ["/until"]


async def test_a_waiting_delivery_cannot_be_replayed(
    client: httpx.AsyncClient, database: Database, admin: Headers
) -> None:
    subscription = await create(client, admin, url="http://127.0.0.1:9/", is_active=True, types=["attachment."])
    ping = (await client.post(f"{SUBSCRIPTIONS}/{subscription['id']}/ping", headers=admin, json={})).json()
    refused = await client.post(
        f"{SUBSCRIPTIONS}/{subscription['id']}/deliveries/{ping['id']}/replay", headers=admin, json={}
    )
    problem(refused, "conflict")
    await client.delete(f"{SUBSCRIPTIONS}/{subscription['id']}", headers=admin | ANY)
    async with database.statement() as tx:
        assert await tx.fetchval("select count(*) from delivery where id = $1", UUID(ping["id"])) == 0


async def test_deliveries_are_listed_newest_first_page_by_page(client: httpx.AsyncClient, database: Database) -> None:
    tenant = await new_tenant(database)
    admin = await admin_of(database, tenant)
    subscription = await create(client, admin)
    made_ones = [
        delivery_store.NewDelivery(tenant.company.id, UUID(subscription["id"]), uuid4(), None, "ping", None, b"{}")
        for _ in range(5)
    ]
    async with database.statement() as tx:
        await delivery_store.insert(tx, made_ones, now=NOW)
    for query in ("limit=2", "limit=2&state=waiting"):
        ids: list[str] = []
        address: str | None = f"{SUBSCRIPTIONS}/{subscription['id']}/deliveries?{query}"
        while address is not None:
            page = await client.get(address, headers=admin)
            ids += [delivery["id"] for delivery in page.json()["data"]]
            address = page.links["next"]["url"] if page.json()["has_more"] else None
        assert ids == [str(delivery.id) for delivery in made_ones[::-1]]


async def test_a_server_without_workers_sends_nothing(
    database_url: str, database: Database, receiver: Receiver
) -> None:
    settings = Settings(database_url=database_url, rate_limit=0, access_log=False, workers=False)
    tenant = await new_tenant(database)
    async with serving(settings) as quiet:
        admin = await admin_of(database, tenant)
        refused = await quiet.post(SUBSCRIPTIONS, headers=admin, json={"url": receiver.url})
        assert problem(refused, "invalid-input")["errors"][0]["detail"] == "must begin with https://"


@pytest.mark.parametrize("lacking", [Scope.TICKETS_READ, Scope.AUDIT_READ])
async def test_without_permission_to_read_events_none_are_sent(
    client: httpx.AsyncClient, database: Database, lacking: Scope
) -> None:
    tenant = await new_tenant(database)
    admin = await admin_of(database, tenant)
    scopes = {Scope.ACCOUNTS_READ, Scope.ACCOUNTS_WRITE, Scope.TICKETS_READ, Scope.AUDIT_READ} - {lacking}
    narrow = await admin_of(database, tenant, scopes=frozenset(map(str, scopes)))
    at = f"{SUBSCRIPTIONS}/{(await create(client, admin, url='http://127.0.0.1:9/', is_active=True))['id']}"
    delivery_id = (await client.post(f"{at}/ping", headers=narrow, json={})).json()["id"]
    span = {"since": "2026-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}
    answers = [
        await client.post(SUBSCRIPTIONS, headers=narrow, json={"url": URL}),
        await client.patch(at, headers=narrow | ANY, json={"url": URL}),
        await client.patch(at, headers=narrow | ANY, json={"types": []}),
        await client.patch(at, headers=narrow | ANY, json={"is_active": True}),
        await client.get(f"{at}/deliveries/{delivery_id}", headers=narrow),
        await client.post(f"{at}/deliveries/{delivery_id}/replay", headers=narrow, json={}),
        await client.post(f"{at}/replay", headers=narrow, json=span),
    ]
    for refused in answers:
        problem(refused, "scope-missing")
        assert str(lacking) in refused.headers["www-authenticate"]
    assert (await client.patch(at, headers=narrow | ANY, json={"description": "x"})).status_code == 200
    assert (await client.delete(at, headers=narrow | ANY)).status_code == 204


async def test_a_subscription_says_what_is_being_done_with_all_its_deliveries(
    client: httpx.AsyncClient, admin: Headers, database: Database
) -> None:
    body = await create(client, admin, is_active=False)
    at = f"{SUBSCRIPTIONS}/{body['id']}"
    async with database.statement() as tx:
        company_id = await tx.fetchval("select company_id from subscription where id = $1", UUID(body["id"]))
        stored = await subscription_store.get(tx, company_id, UUID(body["id"]))
    assert stored is not None
    action = DeliveryAction(Action.GIVE_UP, after=1, through=9, done=4000, total=None, started_at=NOW)
    async with in_progress(database, stored, action):
        expected = {
            "action": "give_up",
            "done": 4000,
            "total": None,
            "started_at": NOW.isoformat().replace("+00:00", "Z"),
        }
        assert (await client.get(at, headers=admin)).json()["in_progress"] == expected
        listed = (await client.get(SUBSCRIPTIONS, headers=admin)).json()["data"]
        assert [found["in_progress"] for found in listed if found["id"] == body["id"]] == [expected]
    assert (await client.get(at, headers=admin)).json()["in_progress"] is None
