"""The parent of a company in the console: its form, and the pages of both companies."""

import httpx

from clearline.companies import usecases as companies
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from tests.builders.people import new_staff, new_tenant
from tests.builders.web.pages import Person, session_of


async def admin_of(client: httpx.AsyncClient, database: Database) -> Person:
    return await session_of(client, database, (await new_staff(database, Role.ADMIN)).user)


async def test_an_admin_sets_the_parent_by_its_code_and_the_pages_show_it(
    client: httpx.AsyncClient, database: Database
) -> None:
    admin = await admin_of(client, database)
    parent, child = [(await new_tenant(database)).company for _ in range(2)]
    at = f"/console/admin/companies/{child.id}"
    page = await admin.page(at)
    [version] = [each["value"] for each in page.all("input") if each.get("name") == "version"]
    form = {"name": child.name, "code": child.code, "version": version or ""}
    refused = await admin.post(at, **form, parent_id="nobody of this name")
    assert (refused.status_code, "must name a customer" in refused.text) == (422, True)
    itself = await admin.post(at, **form, parent_id=child.code)
    assert (itself.status_code, "nor itself" in itself.text) == (422, True)
    answer = await admin.post(at, **form, parent_id=parent.code, shares_with_parent="1")
    assert answer.status_code == 303, answer.text
    async with database.statement() as tx:
        stored = await companies.get_company_details(tx, OPERATOR, child.id)
    assert (stored.parent_id, stored.shares_with_parent) == (parent.id, True)
    assert f"Now {parent.name}." in (await admin.get(at)).text
    assert parent.name in (await admin.page(f"/console/companies/{child.id}")).text
    assert "sees and raises its tickets" in (await admin.get(f"/console/companies/{child.id}")).text
    assert child.name in (await admin.page(f"/console/companies/{parent.id}")).text
