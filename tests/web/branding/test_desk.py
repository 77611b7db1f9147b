"""The page with the name and the language of the desk."""

import httpx

from clearline.accounts import usecases as accounts
from clearline.companies import usecases as companies
from clearline.identity import OPERATOR, PROVIDER_ID, Role
from clearline.platform.database.transactions import Database
from tests.builders.people import NOW
from tests.builders.web.pages import BROWSER, Page, led_to, person

FORM = "/console/admin/branding/desk"


async def test_an_admin_sets_the_name_and_the_language_of_the_desk(
    client: httpx.AsyncClient, database: Database
) -> None:
    async with database.transaction() as tx:
        before = await accounts.provider(tx)
    admin = await person(client, database, Role.ADMIN, "Ada Admin")
    page = await admin.page(FORM)
    version = next(field["value"] or "" for field in page.all("input") if field.get("name") == "version")
    refused = await admin.post(FORM, version=version, name=" ", language="fr")
    assert refused.status_code == 422
    saved = await admin.post(FORM, version=version, name="Alpine Networks", language="de")
    assert (saved.status_code, led_to(saved)) == (303, f"{FORM}?done=change")
    sign_in = Page((await client.get("/sign-in", headers={**BROWSER, "accept-language": "fr"})).text).text
    assert "Alpine Networks" in sign_in
    assert "Anmelden" in sign_in
    stale = await admin.post(FORM, version=version, name="Alpine", language="")
    assert stale.status_code == 409
    assert "Now stored: Alpine Networks" in Page(stale.text).text
    agent = await person(client, database, Role.AGENT, "Ben Agent")
    assert (await agent.get(FORM)).status_code == (await agent.post(FORM, name="Ben's")).status_code == 403
    async with database.transaction() as tx:
        values = {"name": before.name, "language": before.language}
        after = await accounts.provider(tx)
        await companies.change_company(tx, OPERATOR, PROVIDER_ID, values, now=NOW)
    assert (after.name, after.language) == ("Alpine Networks", "de")
