"""The section of customers."""

import httpx
import pytest

from clearline.accounts import usecases as accounts
from clearline.identity import OPERATOR, PROVIDER_ID, Role
from clearline.platform.database.transactions import Database
from tests.builders.people import Tenant
from tests.builders.web.pages import Page, Person, person
from tests.web.console.admin.forms import let_time_pass

COMPANIES = "/console/admin/companies"


@pytest.fixture(scope="module")
async def admin(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.ADMIN, "Ada Admin")


async def is_active(database: Database, tenant: Tenant) -> bool:
    async with database.statement() as tx:
        user = await accounts.get_user(tx, OPERATOR, tenant.company.id, tenant.user.id)
    return user.is_active


async def test_the_page_shows_what_a_deactivation_ends_and_brings_it_back(
    client: httpx.AsyncClient, database: Database, admin: Person, fresh: Tenant
) -> None:
    path = f"{COMPANIES}/{fresh.company.id}"
    page = await admin.page(path)
    for text in (
        "Users who can sign in: 1",
        "API keys in force: 1",
        "Active webhooks: 0",
        "SVC-1 Service 1",
        "worked on: 0",
    ):
        assert text in page.text
    done = await admin.post(f"{path}/deactivate")
    assert done.status_code == 303, done.text
    page = await admin.page(done.headers["location"])
    assert "Deactivated since" in page.text
    assert not await is_active(database, fresh)
    assert (await client.get("/api/v1/me", headers=fresh.headers)).status_code == 401
    assert fresh.company.name + " inactive" in (await admin.page(COMPANIES)).text
    again = await admin.post(f"{path}/activate")
    assert again.status_code == 303, again.text
    assert "Active again" in (await admin.page(again.headers["location"])).text
    assert await is_active(database, fresh)
    assert (await admin.post(f"{path}/activate")).status_code == 409


async def test_an_activation_needs_the_password_again(
    client: httpx.AsyncClient, database: Database, fresh: Tenant
) -> None:
    other = await person(client, database, Role.ADMIN)
    path = f"{COMPANIES}/{fresh.company.id}"
    assert (await other.post(f"{path}/deactivate")).status_code == 303
    await let_time_pass(database, other.user)
    asked = await other.post(f"{path}/activate")
    assert (asked.status_code, "Confirm that it is you" in asked.text) == (403, True)
    assert not await is_active(database, fresh)


async def test_names_and_codes_are_unique_and_the_provider_stays(admin: Person, fresh: Tenant) -> None:
    form = {"name": "Another", "code": fresh.company.code, "once": "codes"}
    taken = await admin.post(COMPANIES, **form)
    assert taken.status_code == 409
    assert "exists already" in Page(taken.text).text
    assert f'value="{fresh.company.code}"' in taken.text
    refused = await admin.post(f"{COMPANIES}/{PROVIDER_ID}/deactivate")
    assert refused.status_code == 409
    assert "The provider cannot be deactivated." in Page(refused.text).text
