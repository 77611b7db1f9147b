"""No company reads or changes data of another through the house API. Generated from the table of operations.

A new operation with a path parameter, a body or a query must have an entry here, or a test fails.
"""

import json
from typing import Any

import httpx
import pytest

from clearline.accounts import key_usecases as keys
from clearline.identity import ALL_SCOPES, OPERATOR, PROVIDER_ID, ROLE_SCOPES, Role, Scope
from clearline.platform.database.transactions import Database
from clearline.wires.house.routes import OPERATIONS
from clearline.wires.http.table import Operation
from tests.builders.databases import everything
from tests.builders.house import MARKER, NOBODY, QUERIES, Owned, done, own
from tests.builders.people import NOW, Tenant, customer_admin, new_staff, staff_key

Json = dict[str, Any]
API = "/api/v1"
TICKETS = f"{API}/tickets"
SERVICE = f"{MARKER}-service"
NO_TICKET = "INC999999999999"
TITLE: Json = {"title": "From B", "description": "From B"}
NEW_TICKET: Json = {**TITLE, "issue_type": "Others", "service": {"id": "X", "type": "Non-Console Service"}}
RULE: Json = {"name": "From B", "queue": NOBODY}

# A body for each operation that accepts one. Names in braces are replaced by ids of the company that sends the request.
BODIES: dict[str, Json | bytes] = {
    "activateCompany": {},
    "addAttachment": b"From B",
    "addHandover": {"note": "From B"},
    "addLink": {"type": "related", "ticket": "{other}"},
    "addMailSuppression": {"address": "from-b@example.org"},
    "addMailbox": {"address": "from-b@example.org"},
    "addMacro": {"name": "From B", "text": "Hello"},
    "addNote": {"text": "From B"},
    "addView": {"name": "From B", "query": "status:open"},
    "addWatcher": {"user": "me"},
    "assignTicket": {"to": "me"},
    "bulkTickets": {"tickets": ["{number}"], "action": {"type": "note", "text": "From B"}},
    "cancelJob": {},
    "changeBranding": {"footer": "From B"},
    "setLogo": b"From B",
    "changeCompany": {"name": "From B"},
    "changeCompanyNotifications": {"mails_contacts": False},
    "changeMailTemplate": {"subject": "From B"},
    "changeMailbox": {"name": "From B"},
    "checkMailbox": {},
    "changeMacro": {"name": "From B"},
    "changeMe": {"language": "de"},
    "changeMyNotifications": {"digest": "hourly"},
    "changeQueue": {"name": "From B"},
    "changeRoutingRule": {"name": "From B"},
    "changeService": {"label": "From B"},
    "changeSubscription": {"description": "From B"},
    "changeTeam": {"name": "From B"},
    "changeTier": {"label": "From B"},
    "changeTicket": {"external_ids": {"b": "From B"}},
    "changeUser": {"name": "From B"},
    "changeUserNotifications": {"digest": "hourly"},
    "changeView": {"name": "From B, changed"},
    "createCompany": {"name": "From B", "code": "FROMB"},
    "createKey": {"user_id": "{user}", "name": "From B", "scopes": ["tickets:read"]},
    "createMailDomain": {"name": "from-b.example.org"},
    "createQueue": {"name": "From B"},
    "createRoutingRule": RULE,
    "createService": {"id": "From B", "type": "Port", "label": "From B"},
    "createSubscription": {"url": "https://hooks.example.org/b", "is_active": False},
    "createTeam": {"name": "From B"},
    "createTier": {"key": "from_b", "label": "From B"},
    "createTicket": NEW_TICKET,
    "createUser": {"name": "From B", "email": "from-b@example.org"},
    "deactivateCompany": {},
    "decideAddressClaim": {"decision": "confirm"},
    "discardInboundMail": {},
    "importServices": {"services": [{"id": "From B", "type": "Port", "label": "From B"}]},
    "importTickets": b"",
    "inviteUser": {},
    "mergeTicket": {"into": "{other}"},
    "moveTicket": {"status": "cancellation_requested"},
    "orderRoutingRules": {"ids": []},
    "retryOutboundMail": {},
    "pingSubscription": {},
    "previewMailTemplate": {},
    "replayDelivery": {},
    "rotateSubscriptionSecret": {},
    "replayDeliveries": {"since": "2026-01-01T00:00:00Z", "until": "2027-01-01T00:00:00Z"},
    "releaseInboundMail": {"company": "From B"},
    "routeTicket": {},
    "setAvailability": {"available": True},
    "splitTicket": TITLE,
    "tagTicket": {"add": ["b"]},
    "testMail": {"recipient": "from-b@example.org"},
    "testMailTemplate": {},
    "testRoutingRules": {"title": "From B"},
    "unmergeTicket": {},
    "useMacro": {"macro": NOBODY},
    "verifyMailDomain": {},
}
DESKS_OWN = (
    "address-conflicts",
    "handovers",
    "macros",
    "mailboxes",
    "inbound-mails",
    "queues",
    "routing-rules",
    "teams",
    "tiers",
    "outbound-mails",
    "mail-suppressions",
    "mail-opt-outs",
    "mail-templates",
    "feedback",
)
"""Kinds of things that only the provider's people may read."""


def with_id() -> list[Operation]:
    return [operation for operation in OPERATIONS if operation.path_parameters]


def without_id() -> list[Operation]:
    return [operation for operation in OPERATIONS if not operation.path_parameters]


def nested() -> list[Operation]:
    return [operation for operation in OPERATIONS if len(operation.path_parameters) > 1]


def named(operation: Operation) -> str:
    return operation.name


@pytest.fixture(scope="module")
async def a(client: httpx.AsyncClient, database: Database) -> Owned:
    return await own(client, database, MARKER)


@pytest.fixture(scope="module")
async def b(client: httpx.AsyncClient, database: Database) -> Owned:
    return await own(client, database, "bbb")


@pytest.fixture(scope="module")
def nothing(b: Owned) -> Owned:
    """Return ids that do not exist, in the format of those that do."""
    unknown_ids = {"tickets": NO_TICKET, "notes": "WLG999999999999", "services": f"{'z' * len(MARKER)}-service"}
    return b._replace(ids={kind: unknown_ids.get(kind, NOBODY) for kind in b.ids})


def filled(value: Any, owner: Owned) -> Any:
    text = json.dumps(value)
    for name, kind in (("{number}", "tickets"), ("{other}", "other"), ("{user}", "users")):
        text = text.replace(name, owner.ids[kind])
    return json.loads(text)


async def ask(
    client: httpx.AsyncClient, operation: Operation, path: str, owner: Owned, body: Any = None
) -> httpx.Response:
    """Send the request of an operation with If-Match: *, and with the given body or the operation's own."""
    headers = {**owner.headers, "X-Request-Id": "same", "If-Match": "*"}
    body = body if body is not None else BODIES.get(operation.name)
    if operation.stage is not None:
        assert isinstance(body, bytes), f"BODIES needs bytes for {operation.name}"
        return await client.request(
            operation.method, path, headers={**headers, "content-type": operation.media[0]}, content=body
        )
    if operation.body is None:
        return await client.request(operation.method, path, headers=headers)
    assert isinstance(body, dict), f"BODIES needs a body for {operation.name}"
    return await client.request(operation.method, path, headers=headers, json=filled(body, owner))


def without(answer: httpx.Response, owner: Owned) -> tuple[int, str, list[str]]:
    """Return a response with the requested ids replaced, so that two can be compared."""
    text = answer.text
    for value in sorted(set(owner.ids.values()), key=len, reverse=True):
        text = text.replace(value, "ID")
    return answer.status_code, text, sorted(answer.headers)


def test_every_operation_that_changes_or_deletes_a_resource_requires_if_match() -> None:
    lax = [
        operation.name
        for operation in OPERATIONS
        if operation.method in {"PATCH", "DELETE"} and not operation.conditional
    ]
    assert lax == []


def test_every_operation_has_a_complete_request() -> None:
    takes = {operation.name for operation in OPERATIONS if operation.body is not None or operation.stage is not None}
    assert takes == set(BODIES), "give BODIES one for each operation that takes a body"
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)


@pytest.mark.parametrize("operation", [operation for operation in with_id() if operation.method == "GET"], ids=named)
async def test_a_company_reads_its_own_resources(client: httpx.AsyncClient, a: Owned, operation: Operation) -> None:
    answer = await ask(client, operation, a.path(operation), a)
    if any(f"/{kind}" in operation.path for kind in DESKS_OWN):
        assert answer.status_code == 403
        return
    assert answer.status_code == 200, answer.text
    assert any(secret in answer.text for secret in [MARKER, *a.ids.values()]) or '"data":[]' in answer.text


@pytest.mark.parametrize("operation", with_id(), ids=named)
async def test_another_companys_resource_is_answered_like_a_missing_one(
    client: httpx.AsyncClient, database: Database, a: Owned, b: Owned, nothing: Owned, operation: Operation
) -> None:
    before = await everything(database, a.tenant), await everything(database, b.tenant)
    foreign = await ask(client, operation, b.path(operation, a), b)
    unknown = await ask(client, operation, b.path(operation, nothing), b)
    assert foreign.status_code in {403, 404}, foreign.text
    assert without(foreign, a) == without(unknown, nothing)
    assert (await everything(database, a.tenant), await everything(database, b.tenant)) == before


@pytest.mark.parametrize("operation", nested(), ids=named)
async def test_another_companys_resource_is_not_reachable_through_an_own_one(
    client: httpx.AsyncClient, database: Database, a: Owned, b: Owned, nothing: Owned, operation: Operation
) -> None:
    before = await everything(database, a.tenant), await everything(database, b.tenant)
    foreign = await ask(client, operation, b.path(operation, a, whole=False), b)
    unknown = await ask(client, operation, b.path(operation, nothing, whole=False), b)
    assert foreign.status_code in {403, 404}, foreign.text
    assert without(foreign, a)[:2] == without(unknown, nothing)[:2]
    assert (await everything(database, a.tenant), await everything(database, b.tenant)) == before


@pytest.mark.parametrize("operation", without_id(), ids=named)
async def test_responses_contain_no_data_of_another_company(
    client: httpx.AsyncClient, database: Database, a: Owned, b: Owned, operation: Operation
) -> None:
    before = await everything(database, a.tenant)
    answer = await ask(client, operation, operation.path + QUERIES.get(operation.name, ""), b)
    assert answer.status_code < 500, answer.text
    if operation.name == "bulkTickets":
        await done(client, b.headers, answer.json())
    query = QUERIES.get(operation.name, "")
    received = answer.text.replace(query, "") + str(answer.headers.raw)
    hidden = [secret for secret in (MARKER, *a.ids.values()) if secret != NOBODY and secret not in query]
    assert [secret for secret in hidden if secret in received] == []
    assert await everything(database, a.tenant) == before


FOREIGN_BODIES: list[tuple[str, Json]] = [
    ("addLink", {"type": "related", "ticket": "{foreign}"}),
    ("mergeTicket", {"into": "{foreign}"}),
    ("addWatcher", {"user": "{person}"}),
    ("createKey", {"user_id": "{person}", "name": "From B", "scopes": ["tickets:read"]}),
    ("createTicket", {**NEW_TICKET, "company": "{company}"}),
    ("createTicket", {**NEW_TICKET, "service": {"id": SERVICE, "type": "Port"}}),
]


@pytest.mark.parametrize(("name", "body"), FOREIGN_BODIES, ids=lambda value: value if isinstance(value, str) else "")
async def test_a_body_with_foreign_ids_is_answered_like_one_with_unknown_ids(
    client: httpx.AsyncClient, database: Database, a: Owned, b: Owned, nothing: Owned, name: str, body: Json
) -> None:
    [operation] = [operation for operation in OPERATIONS if operation.name == name]
    before = await everything(database, a.tenant), await everything(database, b.tenant)

    def of(owner: Owned) -> Json:
        text = json.dumps(body).replace("{foreign}", owner.ids["tickets"]).replace("{person}", owner.ids["users"])
        text = text.replace("{company}", owner.ids["companies"]).replace(SERVICE, owner.ids["services"])
        members: Json = json.loads(text)
        return members

    foreign = await ask(client, operation, b.path(operation), b, of(a))
    unknown = await ask(client, operation, b.path(operation), b, of(nothing))
    assert foreign.status_code in {403, 404, 422}, foreign.text
    assert without(foreign, a) == without(unknown, nothing)
    assert (await everything(database, a.tenant), await everything(database, b.tenant)) == before


@pytest.mark.parametrize("role", [Role.VIEWER])
@pytest.mark.parametrize("operation", [operation for operation in OPERATIONS if operation.method != "GET"], ids=named)
async def test_a_viewer_changes_nothing(
    client: httpx.AsyncClient, database: Database, a: Owned, operation: Operation, role: Role
) -> None:
    viewer = a._replace(headers=await staff_key(database, role))
    if operation.name == "testRoutingRules":
        return  # a preview changes nothing
    before = await everything(database, a.tenant)
    answer = await ask(client, operation, a.path(operation), viewer)
    assert answer.status_code == 403, answer.text
    assert await everything(database, a.tenant) == before


@pytest.fixture(scope="module")
async def without_scope(database: Database) -> dict[Scope, dict[str, str]]:
    """Return the headers of an admin of the provider whose key has all scopes but one, by that one."""
    admin = await new_staff(database, Role.ADMIN)
    headers = {}
    async with database.transaction() as tx:
        for scope in Scope:
            _key, secret = await keys.create_key(
                tx, OPERATOR, PROVIDER_ID, user_id=admin.user.id, name=scope, scopes=ALL_SCOPES - {scope}, now=NOW
            )
            headers[scope] = {"authorization": f"Bearer {secret}"}
    return headers


@pytest.fixture(scope="module")
async def customer(database: Database) -> Tenant:
    return await customer_admin(database)


SCOPED = [operation for operation in OPERATIONS if operation.scope is not None]


@pytest.mark.parametrize("operation", SCOPED, ids=named)
async def test_a_key_without_the_scope_of_an_operation_is_refused(
    client: httpx.AsyncClient, a: Owned, without_scope: dict[Scope, dict[str, str]], operation: Operation
) -> None:
    assert operation.scope is not None
    answer = await ask(client, operation, a.path(operation), a._replace(headers=without_scope[operation.scope]))
    assert (answer.status_code, answer.json()["code"]) == (403, "scope-missing"), answer.text
    assert operation.scope in answer.json()["detail"]


@pytest.mark.parametrize(
    "operation", [entry for entry in SCOPED if entry.scope not in ROLE_SCOPES[Role.CUSTOMER_ADMIN]], ids=named
)
async def test_a_customer_may_not_call_the_operations_of_the_desk(
    client: httpx.AsyncClient, customer: Tenant, a: Owned, operation: Operation
) -> None:
    answer = await ask(client, operation, a.path(operation), a._replace(headers=customer.headers))
    assert answer.status_code == 403, answer.text


async def test_customers_see_no_internal_data_of_the_provider(
    client: httpx.AsyncClient, database: Database, a: Owned
) -> None:
    agent = await staff_key(database, Role.AGENT)
    ticket = f"{TICKETS}/{a.ids['tickets']}"
    secret = "only-for-the-staff"
    for path, body in (
        ("/tags", {"add": [secret]}),
        ("/notes", {"text": secret, "visibility": "internal"}),
        ("/assign", {"to": "me"}),
    ):
        answer = await client.post(ticket + path, headers=agent, json=body)
        assert answer.status_code in {200, 201}, answer.text
    kind = {**agent, "content-type": "text/plain"}
    hidden = await client.post(
        f"{ticket}/attachments?name={secret}.txt&visibility=internal", headers=kind, content=secret.encode()
    )
    assert hidden.status_code == 201, hidden.text
    for operation in OPERATIONS:
        if operation.method == "GET" and ("{number}" in operation.path or not operation.path_parameters):
            answer = await ask(client, operation, a.path(operation), a)
            assert secret not in answer.text, operation.name
            assert "assignee" not in answer.text, operation.name
    foreign = await client.get(f"{ticket}/attachments/{hidden.json()['id']}/content", headers=a.headers)
    assert foreign.status_code == 404
