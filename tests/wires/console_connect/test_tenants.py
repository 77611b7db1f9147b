"""No company reads or changes data of another. Generated from the table of operations, so new ones are covered.

An operation that accepts a body or a parameter must have an entry in ``BODIES`` or ``QUERIES``, or its test fails.
"""

from typing import NamedTuple

import httpx
import pytest

from clearline.identity import OPERATOR
from clearline.inventory import usecases as inventory
from clearline.platform.database.transactions import Database
from clearline.wires.console_connect.routes import OPERATIONS
from clearline.wires.http.table import Operation
from tests.builders.console_connect import TICKETS, Json, close_ticket, order, raise_ticket
from tests.builders.databases import everything
from tests.builders.people import NOW, Tenant, new_tenant

MARKER = "zq7-only-of-A"
A_SERVICE = {"id": f"{MARKER}-service", "type": "Port"}
UNKNOWN = "INC999999999999"
# A body for each operation with a body; one or more queries for each with parameters.
BODIES: dict[str, Json] = {
    "createSupportTicket": order(),
    "addSupportTicketNote": {"noteText": "From B"},
}
QUERIES: dict[str, tuple[str, ...]] = {
    "listSupportTickets": ("?status=open&pageSize=200", "?status=closed&pageSize=200"),
}


class Case(NamedTuple):
    """A request of the table; ``path`` may contain ``{id}``."""

    operation: Operation
    path: str

    def __str__(self) -> str:
        return f"{self.operation.method} {self.path}"


class A(NamedTuple):
    """The company whose data must not be read or changed, and the numbers of its tickets."""

    tenant: Tenant
    numbers: tuple[str, str]

    @property
    def secrets(self) -> list[str]:
        """Return every text that only A may see."""
        company, user = self.tenant.company, self.tenant.user
        return [MARKER, *self.numbers, company.code, company.name, str(company.id), user.email, str(user.id)]


def cases(*, with_id: bool) -> list[Case]:
    """Return every operation with an id in its path, or without, under both prefixes."""
    return [
        Case(operation, prefix + operation.path + query)
        for operation in OPERATIONS
        if ("{" in operation.path) is with_id
        for prefix in ("", "/api")
        for query in ([""] if operation.query is None else QUERIES.get(operation.name, ["?no-query-known"]))
    ]


@pytest.fixture(scope="module")
async def a(client: httpx.AsyncClient, database: Database) -> A:
    """Return a company whose texts all contain the marker, with an open and a closed ticket, each with a note."""
    tenant = await new_tenant(database, f"{MARKER} Ltd")
    async with database.transaction() as tx:
        code = tenant.company.code
        await inventory.add_service(tx, OPERATOR, code, A_SERVICE["id"], "Port", f"{MARKER} label", now=NOW)
    contact = {"name": f"{MARKER} contact", "phone": MARKER, "email": f"{MARKER}@example.com"}
    texts = {"name": f"{MARKER} name", "description": f"{MARKER} text"}
    numbers = []
    for _ in range(2):
        ticket = await raise_ticket(client, tenant, **texts, service=A_SERVICE, customerContact=contact)
        numbers.append(str(ticket["id"]))
        note = {"noteText": f"{MARKER} note"}
        added = await client.post(f"{TICKETS}/{numbers[-1]}/addNote", headers=tenant.headers, json=note)
        assert added.status_code == 200
    await close_ticket(database, numbers[1])
    return A(tenant, (numbers[0], numbers[1]))


@pytest.fixture(scope="module")
async def b(client: httpx.AsyncClient, database: Database) -> Tenant:
    """Return another company, with an open and a closed ticket."""
    tenant = await new_tenant(database)
    await raise_ticket(client, tenant)
    await close_ticket(database, (await raise_ticket(client, tenant))["id"])
    return tenant


async def ask(client: httpx.AsyncClient, case: Case, tenant: Tenant, number: str = "", key: str = "") -> httpx.Response:
    """Send the request of a case with the key of a company."""
    headers = {**tenant.headers, "X-Request-Id": "same"} | ({"Idempotency-Key": key} if key else {})
    path = case.path.format(id=number)
    if case.operation.body is None:
        return await client.request(case.operation.method, path, headers=headers)
    assert case.operation.name in BODIES, f"BODIES needs a body for {case.operation.name}"
    return await client.request(case.operation.method, path, headers=headers, json=BODIES[case.operation.name])


def test_every_operation_has_a_complete_request() -> None:
    names = {operation.name for operation in OPERATIONS}
    assert {o.name for o in OPERATIONS if o.body is not None} == set(BODIES), "add a body for each operation to BODIES"
    assert {o.name for o in OPERATIONS if o.query is not None} == set(QUERIES), (
        "add a query for each operation to QUERIES"
    )
    assert {case.operation.name for flag in (True, False) for case in cases(with_id=flag)} == names
    for operation in OPERATIONS:
        parameters = set(operation.path_parameters)
        assert parameters <= {"id"}, f"{operation.name}: this test knows no path parameter but a ticket's id"
        assert ("{id}" in operation.path) is bool(parameters)


@pytest.mark.parametrize("case", cases(with_id=True), ids=str)
async def test_requests_for_its_own_ticket_succeed(client: httpx.AsyncClient, b: Tenant, case: Case) -> None:
    own = (await raise_ticket(client, b))["id"]
    assert (await ask(client, case, b, own)).status_code == 200, "or the refusals below would prove nothing"


@pytest.mark.parametrize("key", ["", "retry"], ids=["plain", "idempotent"])
@pytest.mark.parametrize("which", [0, 1], ids=["open", "closed"])
@pytest.mark.parametrize("case", cases(with_id=True), ids=str)
async def test_another_companys_ticket_is_answered_exactly_like_a_missing_one(
    client: httpx.AsyncClient, database: Database, a: A, b: Tenant, case: Case, which: int, key: str
) -> None:
    number = a.numbers[which]
    before = await everything(database, a.tenant), await everything(database, b)
    foreign = await ask(client, case, b, number, key)
    unknown = await ask(client, case, b, UNKNOWN, key)
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.content == unknown.content.replace(UNKNOWN.encode(), number.encode())
    assert foreign.headers.raw == unknown.headers.raw
    assert (await everything(database, a.tenant), await everything(database, b)) == before


@pytest.mark.parametrize("case", cases(with_id=False), ids=str)
async def test_responses_contain_no_data_of_another_company(
    client: httpx.AsyncClient, database: Database, a: A, b: Tenant, case: Case
) -> None:
    before = await everything(database, a.tenant)
    answer = await ask(client, case, b)
    assert answer.status_code == 200, answer.text
    received = answer.text + str(answer.headers.raw)
    assert [secret for secret in a.secrets if secret in received] == []
    assert await everything(database, a.tenant) == before


async def test_a_company_sees_its_own_data(client: httpx.AsyncClient, a: A) -> None:
    received = ""
    for case in cases(with_id=False):
        if case.operation.method == "GET":
            received += (await ask(client, case, a.tenant)).text
    assert [secret for secret in a.secrets if secret not in received] == []


async def test_another_companys_service_is_refused_like_an_unknown_one(
    client: httpx.AsyncClient, a: A, b: Tenant
) -> None:
    assert a.tenant.company != b.company
    answers = [
        await client.post(TICKETS, headers=b.headers, json=order(service={"id": name, "type": kind}))
        for name in (A_SERVICE["id"], "nowhere")
        for kind in ("Port", "CloudRouter")
    ]
    assert {answer.status_code for answer in answers} == {400}
    assert len({answer.content for answer in answers}) == 1


async def test_the_document_of_a_company_names_only_its_own_services(
    client: httpx.AsyncClient, a: A, b: Tenant
) -> None:
    own = await client.get("/openapi.json", headers=a.tenant.headers)
    assert A_SERVICE["id"] in own.text
    for headers in (b.headers, {}):
        answer = await client.get("/openapi.json", headers=headers)
        assert answer.status_code == 200
        assert MARKER not in answer.text
