"""The services of a customer in the administration."""

from typing import NamedTuple
from uuid import uuid4

import httpx
import pytest

from clearline.catalogue.published import ServiceType
from clearline.errors import NotFound
from clearline.identity import OPERATOR, Role
from clearline.inventory import usecases as inventory
from clearline.inventory.domain import Service
from clearline.platform.database.transactions import Database
from clearline.web.console.admin.customers.services import Services
from tests.builders.people import Tenant, new_tenant
from tests.builders.web.pages import Page, Person, led_to, person

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"


class Inventory(NamedTuple):
    """A customer, an admin, and the address of the customer's services."""

    admin: Person
    tenant: Tenant
    database: Database

    @property
    def path(self) -> str:
        return f"/console/admin/companies/{self.tenant.company.id}/services"

    async def added(self, **values: str) -> str:
        """Add a service; return the address of its form."""
        answer = await self.admin.post(self.path, **form_of(**values))
        assert answer.status_code == 303, answer.text
        return answer.headers["location"].partition("?")[0]

    async def stored(self, service_id: str) -> Service | None:
        async with self.database.statement() as tx:
            try:
                return await inventory.get_service(tx, OPERATOR, self.tenant.company.id, service_id)
            except NotFound:
                return None


@pytest.fixture
async def services(client: httpx.AsyncClient, database: Database) -> Inventory:
    return Inventory(await person(client, database, Role.ADMIN), await new_tenant(database), database)


def form_of(**values: str) -> dict[str, str]:
    return {"id": "LIS/0001 #7", "type": "CloudRouter", "label": "Router in Lisbon", "once": uuid4().hex, **values}


def hidden(page: Page, name: str) -> str:
    return next(field["value"] or "" for field in page.all("input") if field.get("name") == name)


async def test_a_service_is_added_once_changed_and_deleted(services: Inventory) -> None:
    admin, form = services.admin, form_of()
    first, again = await admin.post(services.path, **form), await admin.post(services.path, **form)
    assert first.headers["location"] == again.headers["location"]
    company_id = services.tenant.company.id
    added = Service(company_id, "LIS/0001 #7", ServiceType.CLOUD_ROUTER, "Router in Lisbon")
    assert await services.stored("LIS/0001 #7") == added
    path = first.headers["location"].partition("?")[0]
    listed = await admin.page(services.path)
    assert path in listed.links(services.path)
    assert "LIS/0001 #7 · CloudRouter" in listed.text
    version = hidden(await admin.page(path), "version")
    changed = await admin.post(path, type="Port", label="Port in Lisbon", version=version)
    assert "Saved." in (await admin.page(changed.headers["location"])).text
    assert await services.stored("LIS/0001 #7") == Service(
        company_id, "LIS/0001 #7", ServiceType.PORT, "Port in Lisbon"
    )
    late = await admin.post(path, type="Port", label="Mine", version=version)
    assert late.status_code == 409
    assert "Now stored: Port in Lisbon" in Page(late.text).text
    deleted = await admin.post(f"{path}/delete")
    assert led_to(deleted) == f"{services.path}?done=delete"
    assert await services.stored("LIS/0001 #7") is None
    assert (await admin.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("name", "wrong", "shown"),
    [
        ("id", "", "Must have 1 to 64 characters."),
        ("id", "x" * 65, "Must have 1 to 64 characters."),
        ("label", "", "Must have 1 to 255 characters."),
        ("label", "x" * 256, "Must have 1 to 255 characters."),
        ("type", "", "Must be one of"),
        ("type", "Non-Console Service", "Must be one of"),
        ("type", HOSTILE, "Must be one of"),
    ],
)
async def test_a_refused_form_names_the_field_and_keeps_the_rest(
    services: Inventory, name: str, wrong: str, shown: str
) -> None:
    path = await services.added(id="there already")
    version = hidden(await services.admin.page(path), "version")
    before = await services.stored("there already")
    for address in (services.path, path) if name != "id" else (services.path,):
        form = form_of(**{"label": "kept here", "version": version, name: wrong})
        refused = await services.admin.post(address, **form)
        assert refused.status_code == 422, refused.text
        assert shown in Page(refused.text).text
        assert f'id="about-{name}"' in refused.text
        assert name == "label" or 'value="kept here"' in refused.text
        assert "<script>alert" not in refused.text
    assert await services.stored("there already") == before


async def test_an_id_is_that_of_one_service_of_the_company(services: Inventory) -> None:
    await services.added()
    taken = await services.admin.post(services.path, **form_of())
    assert taken.status_code == 409
    assert "exists already" in Page(taken.text).text


@pytest.mark.parametrize("service_id", ["new", "a/delete", "../x", "Ü—é", "a b", "%2F", "?", "#", "=="])
async def test_an_id_of_any_characters_has_a_page(services: Inventory, service_id: str) -> None:
    path = await services.added(id=service_id)
    page = await services.admin.page(path)
    assert service_id in page.text
    assert path in [link.get("href") for link in page.all("a") if link.get("aria-current") == "page"]
    version = hidden(page, "version")
    assert (await services.admin.post(path, type="Port", label="Changed", version=version)).status_code == 303
    stored = await services.stored(service_id)
    assert stored is not None
    assert stored.label == "Changed"


@pytest.mark.parametrize("address", ["nothing", "_w", "A", "U1ZDLTE=x", "%00", "U1ZDLTk5"])
async def test_an_address_of_no_service_is_answered_with_a_page(services: Inventory, address: str) -> None:
    for answer in (
        await services.admin.get(f"{services.path}/{address}"),
        await services.admin.post(f"{services.path}/{address}", type="Port", label="X", version=""),
        await services.admin.post(f"{services.path}/{address}/delete"),
    ):
        assert answer.status_code == 404


async def test_names_are_shown_as_text(services: Inventory) -> None:
    path = await services.added(id=HOSTILE, label=HOSTILE)
    for address in (services.path, path):
        answer = await services.admin.get(address)
        assert "<script>alert" not in answer.text
        assert not [tag for tag, attributes in Page(answer.text).tags if "onerror" in attributes]


async def test_the_list_goes_on_behind_its_first_page(services: Inventory) -> None:
    async with services.database.transaction() as tx:
        await tx.write(
            """insert into service (company_id, id, type, label, created_at)
               select $1, 'S' || n, 'Port', 'Port ' || n, now() from generate_series(1, 120) n""",
            services.tenant.company.id,
        )
    first = await services.admin.page(services.path)
    [following] = first.links(f"{services.path}?after=")
    second = await services.admin.page(following)
    async with services.database.statement() as tx:
        stored = await inventory.services_of(tx, OPERATOR, services.tenant.company.id)
    section = Services(services.tenant.company.id)
    shown = [*first.links(f"{services.path}/"), *second.links(f"{services.path}/")]
    assert [path for path in shown if not path.endswith(("/new", "/import"))] == [
        section.address(each.id) for each in stored
    ]
