"""The section of ticket templates: own fields, the service type, and what is said when it is retired."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx
import pytest

from clearline.catalogue import entry_usecases as entries
from clearline.catalogue.entry_usecases import SERVICE_TYPES
from clearline.fields import usecases as own_fields
from clearline.fields.domain import FieldType, Option, RecordKind, RefersTo
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.workspace.templates import usecases as templates
from clearline.workspace.templates.domain import TicketTemplate
from tests.builders.house import no_fields
from tests.builders.people import NOW
from tests.builders.web.pages import Page, Person, led_to, person

TEMPLATES = "/console/admin/ticket-templates"


@pytest.fixture(autouse=True)
async def without_fields(database: Database) -> AsyncIterator[None]:
    """Leave no field behind."""
    await no_fields(database)
    yield
    await no_fields(database)


@pytest.fixture
async def admin(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.ADMIN)


async def add_field(database: Database, key: str, kind: FieldType, **values: object) -> None:
    async with database.transaction() as tx:
        given = {"record": RecordKind.TICKET, "key": key, "label": key.title(), "type": kind, **values}
        await own_fields.add_field(tx, OPERATOR, given, now=NOW)


async def stored(database: Database, path: str) -> TicketTemplate:
    async with database.statement() as tx:
        return await templates.get_template(tx, OPERATOR, UUID(path.rpartition("/")[2]))


def version(page: Page) -> str:
    return next(each["value"] or "" for each in page.all("input") if each.get("name") == "version")


async def test_own_fields_are_set_cleared_and_refused(database: Database, admin: Person) -> None:
    await add_field(database, "region", FieldType.CHOICE, options=(Option("emea", "Europe"), Option("apac", "Asia")))
    await add_field(database, "latency", FieldType.INTEGER, minimum=1, maximum=500)
    await add_field(database, "twin", FieldType.REFERENCE, refers_to=RefersTo.SERVICE)
    page = await admin.page(f"{TEMPLATES}/new")
    assert "number" in {each.get("type") for each in page.all("input") if each.get("name") == "fields.latency"}
    assert "Twin" not in page.text, "the provider has no services that it could name"
    shown = {f"fields.{key}.shown": "1" for key in ("region", "latency")}
    form = {"name": f"Cut {uuid4().hex}", "once": uuid4().hex, **shown, "fields.region": "emea"}
    refused = await admin.post(TEMPLATES, **form, **{"fields.latency": "501"})
    assert (refused.status_code, Page(refused.text).links("#field-")) == (422, ["#field-fields.latency"])
    answer = await admin.post(TEMPLATES, **form, **{"fields.latency": "20"})
    path = led_to(answer).partition("?")[0]
    assert (await stored(database, path)).fields == {"region": "emea", "latency": 20}
    form["version"] = version(await admin.page(path))
    answer = await admin.post(path, **{**form, "fields.region": "", "fields.latency": "30"})
    assert answer.status_code == 303, answer.text
    assert (await stored(database, path)).fields == {"latency": 30}
    late = await admin.post(path, **{**form, "fields.latency": "40"})
    assert (late.status_code, "Now stored: 30" in Page(late.text).text) == (409, True)


async def test_a_retired_service_type_is_said_and_the_template_kept(database: Database, admin: Person) -> None:
    kind, name = f"Wavelength {uuid4().hex}", f"Wave {uuid4().hex}"
    async with database.transaction() as tx:
        entry = await entries.add_entry(tx, OPERATOR, SERVICE_TYPES, {"name": kind}, now=NOW)
    answer = await admin.post(TEMPLATES, name=name, service_type=kind, title="No light", once=uuid4().hex)
    path = led_to(answer).partition("?")[0]
    template = await stored(database, path)
    assert template.service_type == kind
    link = f"/console/tickets/new?template={template.id}"
    assert link in (await admin.page("/console/tickets/new")).links("/console/tickets/new?template=")
    deleted = await admin.post(f"/console/admin/service-types/{entry.id}/delete")
    assert (deleted.status_code, "ticket templates have it" in deleted.text) == (409, True)
    async with database.transaction() as tx:
        await entries.change_entry(tx, OPERATOR, SERVICE_TYPES, entry.id, {"is_active": False}, now=NOW)
    page = await admin.page(path)
    assert "This type is retired" in page.text
    assert "Service type retired" in page.text
    answer = await admin.post(path, name=name, service_type=kind, title="Dark", version=version(page))
    assert answer.status_code == 303, answer.text
    assert ((await stored(database, path)).service_type, (await stored(database, path)).title) == (kind, "Dark")
    assert link not in (await admin.page("/console/tickets/new")).links("/console/tickets/new?template=")
    answer = await admin.post(TEMPLATES, name=f"Another {uuid4().hex}", service_type=kind, once=uuid4().hex)
    assert (answer.status_code, Page(answer.text).links("#field-")) == (422, ["#field-service_type"])
