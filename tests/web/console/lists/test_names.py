"""Columns of lists have the names of what own fields refer to, read with one statement for the list."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import httpx
import pytest

from clearline.fields import store as field_store
from clearline.fields import usecases as fields
from clearline.fields.domain import RecordKind, RefersTo
from clearline.identity import OPERATOR, PROVIDER_ID, Role
from clearline.platform.database.transactions import Database
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import hand_over_usecases as hand_over
from clearline.tickets.domain import ticket_number
from tests.builders.catalogue.own_values import TYPES
from tests.builders.house import no_fields
from tests.builders.people import NOW, Tenant, new_tenant
from tests.builders.tickets import raised
from tests.builders.web.pages import Person, person

KEYS = ("service", "company", "user")
COLUMNS = "number," + ",".join(f"field.{key}" for key in KEYS)


@pytest.fixture(autouse=True)
async def own(database: Database) -> AsyncIterator[None]:
    """Have a field for each kind of reference, and leave none behind."""
    await no_fields(database)
    async with database.transaction() as tx:
        for key in KEYS:
            new = {"record": RecordKind.TICKET, "key": key, "label": f"The {key}", **TYPES[key]}
            await fields.add_field(tx, OPERATOR, new, now=NOW)
    yield
    await no_fields(database)


@pytest.fixture
async def tenants(database: Database) -> tuple[Tenant, Tenant]:
    return await new_tenant(database), await new_tenant(database)


@pytest.fixture
async def agent(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.AGENT)


async def with_references(database: Database, agent: Person, tenant: Tenant, other: Tenant) -> str:
    async with database.transaction() as tx:
        number = await raised(tx, tenant, f"Of {tenant.company.name}")
        values = {"service": "SVC-1", "company": str(other.company.id), "user": str(agent.user.id)}
        await ticket_changes.change_ticket(tx, OPERATOR, number, {"fields": values}, now=NOW)
    return ticket_number(number)


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Count how often names are read."""
    reads: list[int] = []
    read = field_store.names_of_many

    async def count(*args: object) -> object:
        reads.append(1)
        return await read(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(field_store, "names_of_many", count)
    yield reads


async def test_a_list_has_names_for_references_and_reads_them_once(
    database: Database, agent: Person, tenants: tuple[Tenant, Tenant], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tenants
    numbers = [await with_references(database, agent, tenant, other) for tenant, other in (tenants, (second, first))]
    with counted(monkeypatch) as reads:
        page = await agent.page(f"/console/open?sort=-number&columns={COLUMNS}")
    assert len(reads) == 1
    assert {f"field.{key}" for key in KEYS} <= {each.get("value") for each in page.all("input")}
    for number, tenant, other in zip(numbers, tenants, (second, first), strict=True):
        row = f"{number} Of {tenant.company.name} Service 1 {other.company.name} {agent.user.name}"
        assert row in page.text
    assert str(agent.user.id) not in [text.strip() for text in page.texts]
    [live] = [tag["data-list"] for tag in page.all("div") if tag.get("data-list")]
    fragment = await agent.page(f"/console/live/rows?{live}&shown={numbers[0]}")
    assert f"Service 1 {second.company.name} {agent.user.name}" in fragment.text
    with counted(monkeypatch) as reads:
        await agent.page("/console/open?sort=-number&columns=number")
    assert reads == []


async def test_a_saved_view_has_the_names(database: Database, agent: Person, tenants: tuple[Tenant, Tenant]) -> None:
    await with_references(database, agent, *tenants)
    saved = await agent.post("/console/views?list=open", name="With names", query="status:open", columns=COLUMNS)
    page = await agent.page(saved.headers["location"])
    assert f"Service 1 {tenants[1].company.name} {agent.user.name}" in page.text


async def test_what_a_limited_agent_may_not_see_has_no_name(
    client: httpx.AsyncClient, database: Database, agent: Person, tenants: tuple[Tenant, Tenant]
) -> None:
    await with_references(database, agent, *tenants)
    limited = await person(client, database, Role.AGENT)
    async with database.transaction() as tx:
        limits = {"only_companies": (tenants[0].company.id,)}
        await hand_over.change_user(tx, OPERATOR, PROVIDER_ID, limited.user.id, limits, now=NOW)
    text = (await limited.page(f"/console/open?sort=-number&columns={COLUMNS}")).text
    assert f"Service 1 {tenants[1].company.id} {agent.user.name}" in text
    assert tenants[1].company.name not in text


async def test_a_person_of_another_company_has_no_name(
    database: Database, agent: Person, tenants: tuple[Tenant, Tenant]
) -> None:
    """The value can be from before the person changed company."""
    first, second = tenants
    number = await with_references(database, agent, first, second)
    async with database.transaction() as tx:
        await tx.write(
            "update ticket set fields = jsonb_set(fields, '{user}', to_jsonb($2::text)) where company_id = $1",
            first.company.id,
            str(second.user.id),
        )
        names = await field_store.names_of_many(tx, [(first.company.id, "SVC-1")], [], [str(second.user.id)])
    assert (RefersTo.USER, second.company.id, str(second.user.id), second.user.name) in names
    text = (await agent.page(f"/console/open?sort=-number&columns={COLUMNS}")).text
    row = text[text.index(number) :]
    assert str(second.user.id) in row[:300]
