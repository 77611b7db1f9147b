"""No company reads or changes data of another through the house API. Generated from the table of operations.

A new operation with a path parameter, a body or a query must have an entry in ``builders/house_api``, or a test fails.
"""

import json

import httpx
import pytest

from clearline.accounts import key_usecases as keys
from clearline.identity import ALL_SCOPES, OPERATOR, PROVIDER_ID, ROLE_SCOPES, Role, Scope
from clearline.platform.database.transactions import Database
from clearline.wires.house.routes import OPERATIONS
from clearline.wires.http.table import Operation
from tests.builders.databases import everything
from tests.builders.house import MARKER, NOBODY, QUERIES, SHARED, Json, Owned, done, own
from tests.builders.house_api.operations import (
    ALL_COMPANIES,
    BODIES,
    DESKS_OWN,
    FOREIGN_BODIES,
    NO_TICKET,
    SERVICE,
    TICKETS,
    ask,
    named,
    nested,
    not_shared,
    with_id,
    without,
    without_id,
)
from tests.builders.people import NOW, Tenant, customer_admin, new_staff, staff_key


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
    if any(f"/{kind}" in operation.path for kind in ALL_COMPANIES):
        assert answer.status_code == 404
        return
    assert answer.status_code == 200, answer.text
    assert any(secret in answer.text for secret in [MARKER, *a.ids.values()]) or '"data":[]' in answer.text


@pytest.mark.parametrize("operation", not_shared(), ids=named)
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
    public = {NOBODY, *(a.ids[kind] for kind in SHARED)}
    hidden = [secret for secret in (MARKER, *a.ids.values()) if secret not in public and secret not in query]
    assert [secret for secret in hidden if secret in received] == []
    assert await everything(database, a.tenant) == before


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
        ("/cases", {"party": secret, "number": secret, "notes": secret}),
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
