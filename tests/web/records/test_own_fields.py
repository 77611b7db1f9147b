"""Own fields of services and companies in the pages: an admin sets them, agents and customers see them."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from clearline.companies import usecases as companies
from clearline.fields import usecases as fields
from clearline.fields.domain import FieldAudience, FieldType, RecordKind, RefersTo
from clearline.fields.reference_usecases import CHOICES_MAX
from clearline.identity import OPERATOR, PROVIDER_ID, Role
from clearline.inventory import import_usecases as imports
from clearline.inventory import usecases as inventory
from clearline.platform.database.transactions import Database
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets import hand_over_usecases as hand_over
from clearline.tickets.domain import ticket_number
from clearline.web.fields import to_segment
from tests.builders.house import no_fields
from tests.builders.people import NOW, Tenant
from tests.builders.tickets import raised
from tests.builders.web.companies import COMPANY, PortalCompany, new_portal_company
from tests.builders.web.pages import Page, Person, person, session_of

_PUBLIC: dict[str, Any] = {"visible_to": FieldAudience.CUSTOMER}


@pytest.fixture(autouse=True)
async def without_others(database: Database) -> AsyncIterator[None]:
    """Leave no field behind."""
    await no_fields(database)
    yield
    await no_fields(database)


async def added(
    database: Database, kind: RecordKind, key: str, type_: FieldType = FieldType.TEXT, **values: Any
) -> None:
    values = {"record": kind, "key": key, "label": key.replace("_", " ").title(), "type": type_, **values}
    async with database.transaction() as tx:
        await fields.add_field(tx, OPERATOR, values, now=NOW)


@pytest.fixture
async def admin(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.ADMIN)


def stored(page: Page) -> dict[str, str]:
    """Return what the form of a page has, by name."""
    inputs = [each for each in page.all("input") if each.get("name")]
    sent = [each for each in inputs if each.get("type") != "checkbox" or "checked" in each]
    values = {each["name"] or "": each.get("value") or "" for each in sent}
    return {name: value for name, value in values.items() if name != "csrf"}


async def test_an_admin_sets_them_in_the_form_of_a_service(
    client: httpx.AsyncClient, database: Database, fresh: Tenant, admin: Person
) -> None:
    await added(database, RecordKind.SERVICE, "size", FieldType.INTEGER, maximum=9)
    await added(database, RecordKind.SERVICE, "cost_centre", **_PUBLIC)
    await added(database, RecordKind.SERVICE, "backup", FieldType.REFERENCE, refers_to=RefersTo.SERVICE, **_PUBLIC)
    async with database.transaction() as tx:
        await inventory.add_service(tx, OPERATOR, fresh.company.id, "SVC-9", "Port", "Spare port", now=NOW)
    address = f"/console/admin/companies/{fresh.company.id}/services/{to_segment('SVC-1')}"
    page = await admin.page(address)
    assert "Spare port" in page.text
    kept = {name: value for name, value in stored(page).items() if not name.startswith("fields.")}
    shown = {f"fields.{key}.shown": "1" for key in ("size", "cost_centre", "backup")}
    form = {**kept, **shown, "type": "Port", "state": "active", "tier": "", "is_protected": ""}
    refused = await admin.post(address, **form, **{"fields.size": "10", "fields.cost_centre": "CC-7"})
    assert refused.status_code == 422, refused.text
    assert "must be at most 9" in Page(refused.text).text
    assert "CC-7" in refused.text
    values = {"fields.size": "8", "fields.cost_centre": "CC-7", "fields.backup": "SVC-9"}
    saved = await admin.post(address, **form, **values)
    assert saved.status_code == 303, saved.text
    stale = await admin.post(address, **form, **values)
    assert stale.status_code == 409
    agent = await person(client, database, Role.AGENT)
    async with database.transaction() as tx:
        number = ticket_number(await raised(tx, fresh))
    for path in (f"/console/companies/{fresh.company.id}/service?id=SVC-1", f"/console/tickets/{number}"):
        page = await agent.page(path)
        assert [text for text in ("Size 8", "Cost Centre CC-7", "Backup Spare port") if text not in page.text] == []
        assert f"/console/companies/{fresh.company.id}/service?id=SVC-9" in page.links("/console/companies")
    customer = await session_of(client, database, fresh.user)
    page = await customer.page("/portal/service?id=SVC-1")
    assert "Cost Centre CC-7" in page.text
    assert "Size" not in page.text
    assert "/portal/service?id=SVC-9" in page.links("/portal/service")


async def test_an_admin_sets_them_in_the_form_of_a_company(
    client: httpx.AsyncClient, database: Database, fresh: Tenant, tenant: Tenant, admin: Person
) -> None:
    await added(database, RecordKind.COMPANY, "partner", FieldType.REFERENCE, refers_to=RefersTo.COMPANY)
    await added(database, RecordKind.COMPANY, "since", FieldType.DATETIME)
    address = f"/console/admin/companies/{fresh.company.id}"
    kept = stored(await admin.page(address))
    values = {"fields.partner": str(tenant.company.id), "fields.since": "2026-01-02T03:04"}
    form = {**kept, "language": "", "tier": "", **values}
    saved = await admin.post(address, **form)
    assert saved.status_code == 303, saved.text
    async with database.statement() as tx:
        company = await companies.get_company_details(tx, OPERATOR, fresh.company.id)
    assert company.fields == {"partner": str(tenant.company.id), "since": "2026-01-02T03:04:00Z"}
    agent = await person(client, database, Role.AGENT)
    page = await agent.page(f"/console/companies/{fresh.company.id}")
    assert f"Partner {tenant.company.name}" in page.text
    assert f"/console/companies/{tenant.company.id}" in page.links("/console/companies")
    code = uuid4().hex[:8]
    new = {"name": f"Fern {code}", "code": code, "once": code, "language": "", "tier": "", **values}
    shown = {f"fields.{key}.shown": "1" for key in ("partner", "since")}
    created = await admin.post("/console/admin/companies", **new, **shown)
    assert created.status_code == 303, created.text
    assert tenant.company.name in (await admin.page(created.headers["location"])).text


async def test_an_admin_of_a_customer_sets_what_customers_edit(client: httpx.AsyncClient, database: Database) -> None:
    company: PortalCompany = await new_portal_company(client, database)
    edited: dict[str, Any] = {**_PUBLIC, "edited_by": FieldAudience.CUSTOMER}
    await added(database, RecordKind.COMPANY, "vat_number", maximum=8, **edited)
    await added(database, RecordKind.COMPANY, "class", **_PUBLIC)
    await added(database, RecordKind.COMPANY, "margin")
    async with database.transaction() as tx:
        values = {"class": "Wholesale", "margin": "seven"}
        await companies.change_company(tx, OPERATOR, company.tenant.company.id, {"fields": values}, now=NOW)
    page = await company.admin.page(COMPANY)
    assert "Class Wholesale" in page.text
    assert "seven" not in page.text
    names = {each.get("name") for each in page.all("input")}
    assert ("fields.vat_number" in names, "fields.class" in names) == (True, False)
    shown = {"fields.vat_number.shown": "1", "version": stored(page)["version"]}
    refused = await company.send("/fields", 422, **shown, **{"fields.vat_number": "GB-1234567"})
    assert "What you changed is not saved yet" in Page(refused.text).text
    assert "GB-1234567" in refused.text
    saved = await company.send("/fields", **shown, **{"fields.vat_number": "GB-123"})
    page = await company.admin.page(saved.headers["location"])
    assert "Vat Number GB-123" in page.text
    customer = await session_of(client, database, company.tenant.user)
    assert "GB-123" not in (await customer.page(COMPANY)).text
    assert (await customer.post(f"{COMPANY}/fields", **shown)).status_code == 403


async def test_the_history_of_a_ticket_has_the_names_of_what_a_value_refers_to(
    client: httpx.AsyncClient, database: Database, fresh: Tenant, tenant: Tenant
) -> None:
    await added(database, RecordKind.TICKET, "backup", FieldType.REFERENCE, refers_to=RefersTo.SERVICE)
    await added(database, RecordKind.TICKET, "partner", FieldType.REFERENCE, refers_to=RefersTo.COMPANY)
    await added(database, RecordKind.TICKET, "since", FieldType.DATETIME)
    async with database.transaction() as tx:
        number = await raised(tx, fresh)
        values = {"backup": "SVC-1", "partner": str(tenant.company.id), "since": "2026-01-02T03:04:05Z"}
        await ticket_changes.change_ticket(tx, OPERATOR, number, {"fields": values}, now=NOW)
        cleared = {"backup": None, "since": "2026-02-03T04:05:06Z"}
        await ticket_changes.change_ticket(tx, OPERATOR, number, {"fields": cleared}, now=NOW)
    agent = await person(client, database, Role.AGENT)
    text = (await agent.page(f"/console/tickets/{ticket_number(number)}/history")).text
    assert [word for word in ("Backup", "Service 1", "Partner", tenant.company.name) if word not in text] == []
    assert "fields." not in text.lower()
    text = (await agent.page(f"/console/tickets/{ticket_number(number)}")).text
    assert "set Backup to Service 1" in text
    assert "cleared Backup" in text
    limited = await person(client, database, Role.AGENT)
    async with database.transaction() as tx:
        limits = {"only_companies": (fresh.company.id,)}
        await hand_over.change_user(tx, OPERATOR, PROVIDER_ID, limited.user.id, limits, now=NOW)
    for path in ("", "/history"):
        text = (await limited.page(f"/console/tickets/{ticket_number(number)}{path}")).text
        assert tenant.company.name not in text
        assert str(tenant.company.id) in text


async def test_a_form_offers_the_references_and_takes_an_id_beyond_these(
    client: httpx.AsyncClient, database: Database, fresh: Tenant
) -> None:
    await added(database, RecordKind.TICKET, "backup", FieldType.REFERENCE, refers_to=RefersTo.SERVICE)
    async with database.transaction() as tx:
        number = ticket_number(await raised(tx, fresh))
    agent = await person(client, database, Role.AGENT)
    address = f"/console/tickets/{number}/fields"
    options = {each.get("value"): each for each in (await agent.page(address)).all("option")}
    assert {"SVC-1", "SVC-2"} <= options.keys()
    shown = {"fields.backup.shown": "1"}
    assert (await agent.post(address, **shown, **{"fields.backup": "SVC-2"})).status_code == 303
    page = await agent.page(address)
    [chosen] = [each for each in page.all("option") if "selected" in each]
    assert chosen.get("value") == "SVC-2"
    rows = [{"id": f"MANY-{at}", "type": "Port", "label": f"Port {at}"} for at in range(CHOICES_MAX)]
    async with database.transaction() as tx:
        await imports.import_list(tx, OPERATOR, fresh.company.id, rows, dry_run=False, now=NOW)
    page = await agent.page(address)
    [typed] = [each for each in page.all("input") if each.get("name") == "fields.backup"]
    assert (typed.get("value"), typed.get("list")) == ("SVC-2", "fields.backup.known")
    refused = await agent.post(address, **shown, **{"fields.backup": "nothing"})
    assert refused.status_code == 422
