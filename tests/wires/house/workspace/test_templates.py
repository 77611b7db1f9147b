"""Ticket templates: whose they are, who manages them, and what they may have."""

from uuid import uuid4

import httpx
import pytest

from clearline.accounts import key_usecases as keys
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.workspace.templates import store as template_store
from clearline.workspace.templates import usecases as templates
from clearline.workspace.templates.domain import TEMPLATES_MAX
from tests.builders.house import API, NOBODY, add_field, no_fields, pointers, problem
from tests.builders.people import NOW, Tenant, customer_admin, new_person, new_tenant, staff_key

TEMPLATES = f"{API}/ticket-templates"
Headers = dict[str, str]


@pytest.fixture
async def admin(database: Database) -> Headers:
    return await staff_key(database, Role.ADMIN)


@pytest.fixture
async def boss(database: Database) -> Tenant:
    return await customer_admin(database)


async def test_a_template_of_the_provider_is_for_its_people(
    client: httpx.AsyncClient, database: Database, admin: Headers, boss: Tenant
) -> None:
    name = f"Cut {uuid4().hex}"
    body = {"name": name, "title": "Link down", "issue_type": "Circuit Down", "priority": "high", "tags": ["Fibre"]}
    added = await client.post(TEMPLATES, headers=admin, json=body)
    assert added.status_code == 201, added.text
    template = added.json()
    assert template == {
        **template, "name": name, "title": "Link down", "description": "", "issue_type": "Circuit Down",
        "priority": "high", "service": None, "fields": {}, "queue": None, "tags": ["fibre"],
    }  # fmt: skip
    at = added.headers["location"]
    agent = await staff_key(database, Role.AGENT)
    assert (await client.get(at, headers=agent)).json() == template
    assert (await client.get(at, headers=boss.headers)).status_code == 404
    assert (await client.post(TEMPLATES, headers=agent, json=body)).status_code == 403
    problem(await client.post(TEMPLATES, headers=admin, json={**body, "name": name.upper()}), "already-exists")
    read = await client.get(at, headers=admin)
    current = {**admin, "If-Match": read.headers["etag"]}
    changed = await client.patch(at, headers=current, json={"priority": None, "title": "Cut"})
    assert changed.json() == {**template, "priority": None, "title": "Cut"}
    assert (await client.patch(at, headers=current, json={"title": "x"})).status_code == 412
    assert (await client.delete(at, headers={**admin, "If-Match": "*"})).status_code == 204
    assert (await client.get(at, headers=admin)).status_code == 404


async def test_a_company_has_its_own(
    client: httpx.AsyncClient, database: Database, admin: Headers, boss: Tenant
) -> None:
    body = {"name": "Port down", "title": "Port is down", "service": "SVC-1"}
    added = await client.post(TEMPLATES, headers=boss.headers, json=body)
    assert added.status_code == 201, added.text
    assert {"queue", "tags"} & added.json().keys() == set()
    at, code = added.headers["location"], boss.company.code
    assert (await client.get(at, headers=admin)).json()["company_id"] == str(boss.company.id)
    listed = (await client.get(f"{TEMPLATES}?company={code}", headers=admin)).json()["data"]
    assert [each["name"] for each in listed] == ["Port down"]
    other = await new_tenant(database)
    assert (await client.get(at, headers=other.headers)).status_code == 404
    assert pointers(await client.get(f"{TEMPLATES}?company={code}", headers=other.headers), "invalid-parameter") == [
        "company"
    ]
    async with database.transaction() as tx:
        colleague = await new_person(tx, "Ola Ray", Role.CUSTOMER, company=code)
        assert colleague.user is not None
        _key, secret = await keys.create_key(tx, OPERATOR, code, user_id=colleague.user.id, name="x", now=NOW)
    person = {"authorization": f"Bearer {secret}"}
    assert (await client.get(at, headers=person)).status_code == 200
    assert (await client.post(TEMPLATES, headers=person, json={**body, "name": "Mine"})).status_code == 403
    assert (await client.delete(at, headers={**person, "If-Match": "*"})).status_code == 403


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"issue_type": "No such type"}, "/issue_type"), ({"service": "SVC-9"}, "/service"),
        ({"queue": NOBODY}, "/queue"), ({"tags": ["a"]}, "/tags"), ({"fields": {"no_such": "x"}}, "/fields/no_such"),
        ({"priority": "urgent"}, "/priority"), ({"title": "x" * 300}, "/title"),
    ],
)  # fmt: skip
async def test_what_a_ticket_could_not_begin_with_is_refused(
    client: httpx.AsyncClient, boss: Tenant, members: dict[str, object], named: str
) -> None:
    answer = await client.post(TEMPLATES, headers=boss.headers, json={"name": "Port down", **members})
    assert named in pointers(answer), answer.text


async def test_customers_see_no_field_of_the_provider_alone(
    client: httpx.AsyncClient, database: Database, admin: Headers, boss: Tenant
) -> None:
    await add_field(client, admin, "circuit", visible_to="customer", edited_by="customer")
    await add_field(client, admin, "margin", visible_to="staff")
    body = {"name": "Both", "company": boss.company.code, "fields": {"circuit": "B-1", "margin": "low"}}
    assert pointers(await client.post(TEMPLATES, headers=admin, json=body)) == ["/fields/margin"]
    added = await client.post(TEMPLATES, headers=admin, json={**body, "fields": {"circuit": "B-1"}})
    assert added.json()["fields"] == {"circuit": "B-1"}
    at = added.headers["location"]
    async with database.transaction() as tx:  # what a field shows may change later
        await tx.write(
            """update ticket_template set fields = '{"circuit": "B-1", "margin": "low"}' where name = 'Both'"""
        )
    read = await client.get(at, headers=boss.headers)
    assert read.json()["fields"] == {"circuit": "B-1"}
    current = {**boss.headers, "If-Match": read.headers["etag"]}
    same = await client.patch(at, headers=current, json={"fields": {}})
    assert (same.status_code, same.json()["fields"]) == (200, {"circuit": "B-1"})
    changed = await client.patch(at, headers=current, json={"fields": {"circuit": None}})
    assert (changed.status_code, changed.json()["fields"]) == (200, {})
    assert (await client.get(at, headers=admin)).json()["fields"] == {"margin": "low"}
    await no_fields(database)


async def test_a_company_has_a_hundred_at_most(client: httpx.AsyncClient, database: Database, boss: Tenant) -> None:
    async with database.transaction() as tx:
        first = await templates.add_template(tx, OPERATOR, {"name": "0"}, company=boss.company.code, now=NOW)
        for number in range(1, TEMPLATES_MAX):
            await tx.write(
                "insert into ticket_template (company_id, id, name, created_at) values ($1, $2, $3, $4)",
                first.company_id, uuid4(), str(number), NOW,
            )  # fmt: skip
        assert await template_store.count(tx, first.company_id) == TEMPLATES_MAX
    answer = await client.post(TEMPLATES, headers=boss.headers, json={"name": "One more"})
    assert (answer.status_code, answer.json()["code"]) == (409, "too-many-ticket-templates")
