"""Ticket templates: whose they are, who manages them, and what they may have."""

import json
from uuid import UUID, uuid4

import httpx
import pytest

from clearline.accounts import key_usecases as keys
from clearline.catalogue import entry_usecases as entries
from clearline.catalogue.entry_usecases import ISSUE_TYPES, SERVICE_TYPES
from clearline.errors import InUse
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


async def new_service_type(database: Database, name: str) -> UUID:
    async with database.transaction() as tx:
        return (await entries.add_entry(tx, OPERATOR, SERVICE_TYPES, {"name": name}, now=NOW)).id


async def retire(database: Database, service_type: UUID) -> None:
    async with database.transaction() as tx:
        await entries.change_entry(tx, OPERATOR, SERVICE_TYPES, service_type, {"is_active": False}, now=NOW)


async def test_a_template_is_for_services_of_a_type(client: httpx.AsyncClient, boss: Tenant) -> None:
    bodies: list[dict[str, object]] = [
        {"name": "Any"}, {"name": "Port", "service_type": "Port", "issue_type": "Circuit Down", "service": "SVC-1"},
        {"name": "Router", "service_type": "CloudRouter"},
    ]  # fmt: skip
    for body in bodies:
        added = await client.post(TEMPLATES, headers=boss.headers, json=body)
        assert (added.status_code, added.json()["service_type"]) == (201, body.get("service_type")), added.text
        assert added.json()["retired"] == []
    for query, names in (
        ("", ["Any", "Port", "Router"]), ("service_type=Port", ["Any", "Port"]),
        ("service_type=cloudrouter", ["Any", "Router"]), ("service_type=Port&limit=1", ["Any"]),
    ):  # fmt: skip
        listed = (await client.get(f"{TEMPLATES}?{query}", headers=boss.headers)).json()
        assert [each["name"] for each in listed["data"]] == names
    refused = await client.get(f"{TEMPLATES}?service_type=Fax", headers=boss.headers)
    assert (refused.status_code, pointers(refused, "invalid-parameter")) == (400, ["service_type"])


async def test_the_service_and_the_issue_type_fit_the_service_type(
    client: httpx.AsyncClient, database: Database, boss: Tenant
) -> None:
    name = f"Only for routers {uuid4().hex}"
    async with database.transaction() as tx:
        await entries.add_entry(tx, OPERATOR, ISSUE_TYPES, {"name": name, "service_types": ("CloudRouter",)}, now=NOW)
    body = {"name": "Port down", "service_type": "Port"}
    for members, named in (
        ({"service": "SVC-2"}, "/service"), ({"issue_type": name}, "/issue_type"),
        ({"service_type": "Fax"}, "/service_type"),
    ):  # fmt: skip
        answer = await client.post(TEMPLATES, headers=boss.headers, json={**body, **members})
        assert pointers(answer) == [named], answer.text
    added = await client.post(TEMPLATES, headers=boss.headers, json={**body, "service": "SVC-1"})
    at, current = added.headers["location"], {**boss.headers, "If-Match": "*"}
    for members, named in (({"service_type": "CloudRouter"}, "/service"), ({"issue_type": name}, "/issue_type")):
        assert pointers(await client.patch(at, headers=current, json=members)) == [named]
    moved = {"service_type": "CloudRouter", "service": None, "issue_type": name}
    assert (await client.patch(at, headers=current, json=moved)).json()["issue_type"] == name
    changed = await client.patch(at, headers=current, json={"service_type": None, "service": "SVC-2"})
    assert (changed.status_code, changed.json()["service_type"]) == (200, None)


async def test_a_template_stays_when_its_service_type_is_retired(
    client: httpx.AsyncClient, database: Database, boss: Tenant
) -> None:
    name = f"Wavelength {uuid4().hex}"
    kind = await new_service_type(database, name)
    body = {"name": "Wave down", "service_type": name}
    added = await client.post(TEMPLATES, headers=boss.headers, json=body)
    at = added.headers["location"]
    with pytest.raises(InUse, match="ticket templates have it"):
        async with database.transaction() as tx:
            await entries.delete_entry(tx, OPERATOR, SERVICE_TYPES, kind, now=NOW)
    await retire(database, kind)
    read = await client.get(at, headers=boss.headers)
    assert read.json() == {**added.json(), "retired": ["service_type"]}
    current = {**boss.headers, "If-Match": read.headers["etag"]}
    changed = await client.patch(at, headers=current, json={"title": "No light", "service_type": name})
    assert changed.json() == {**read.json(), "title": "No light"}
    again = await client.post(TEMPLATES, headers=boss.headers, json={**body, "name": "Another"})
    assert pointers(again) == ["/service_type"]
    listed = (await client.get(f"{TEMPLATES}?service_type={name}", headers=boss.headers)).json()["data"]
    assert [each["name"] for each in listed] == ["Wave down"]


async def test_the_history_says_which_service_type_it_was(
    client: httpx.AsyncClient, database: Database, boss: Tenant
) -> None:
    added = await client.post(TEMPLATES, headers=boss.headers, json={"name": "Port down", "service_type": "Port"})
    current = {**boss.headers, "If-Match": "*"}
    await client.patch(added.headers["location"], headers=current, json={"service_type": "CloudRouter"})
    async with database.statement() as tx:
        data = await tx.fetchval(
            "select data::text from event where type = 'ticket_template.changed' and company_id = $1", boss.company.id
        )
    [change] = json.loads(data)["changes"]
    assert (change["field"], change["before"], change["after"]) == ("service_type", "Port", "CloudRouter")
