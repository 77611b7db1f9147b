"""The section of the roles that need a second factor."""

from collections.abc import AsyncIterator

import httpx
import pytest

from clearline.clock import now
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.sign_in.second_factors import usecases as second_factors
from tests.builders.web.pages import Page, Person, led_to, person
from tests.web.console.admin.forms import let_time_pass

SECOND_FACTORS = "/console/admin/second-factors"


@pytest.fixture
async def admin(client: httpx.AsyncClient, database: Database) -> AsyncIterator[Person]:
    yield await person(client, database, Role.ADMIN, "Ada Admin")
    async with database.transaction() as tx:
        await second_factors.set_required_roles(tx, OPERATOR, [], now=now())


async def required(database: Database) -> set[Role]:
    async with database.statement() as tx:
        return set(await second_factors.required_roles(tx, OPERATOR))


def version(page: Page) -> str:
    return next(field["value"] or "" for field in page.all("input") if field.get("name") == "version")


async def test_a_role_needs_a_second_factor_until_an_admin_says_otherwise(
    client: httpx.AsyncClient, database: Database, admin: Person
) -> None:
    agent = await person(client, database)
    listed = await admin.page(SECOND_FACTORS)
    assert listed.links(f"{SECOND_FACTORS}/") == [f"{SECOND_FACTORS}/{role}" for role in ("admin", "agent", "viewer")]
    for role in (Role.VIEWER, Role.AGENT):
        path = f"{SECOND_FACTORS}/{role}"
        done = await admin.post(path, needs="on", version=version(await admin.page(path)))
        assert led_to(done) == f"{path}?done=change"
    assert await required(database) == {Role.VIEWER, Role.AGENT}
    assert (await admin.page(SECOND_FACTORS)).text.count("second factor") >= 2
    assert (await agent.get("/console/open")).headers["location"] == "/console/second-factor"
    path = f"{SECOND_FACTORS}/agent"
    await admin.post(path, version=version(await admin.page(path)))
    assert await required(database) == {Role.VIEWER}
    assert (await agent.get("/console/open")).status_code == 200


async def test_a_change_needs_the_password_again_and_the_present_version(database: Database, admin: Person) -> None:
    path = f"{SECOND_FACTORS}/viewer"
    stale = await admin.post(path, needs="on", version="old")
    assert stale.status_code == 409
    seen = version(await admin.page(path))
    await let_time_pass(database, admin.user)
    asked = await admin.post(path, needs="on", version=seen)
    assert asked.status_code == 403
    assert "Confirm that it is you" in asked.text
    assert await required(database) == set()


@pytest.mark.parametrize("role", ["customer", "operator", "nothing"])
async def test_other_roles_have_no_page(admin: Person, role: str) -> None:
    assert (await admin.get(f"{SECOND_FACTORS}/{role}")).status_code == 404
    assert (await admin.post(f"{SECOND_FACTORS}/{role}", needs="on", version="")).status_code == 404
