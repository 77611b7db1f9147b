"""The company of a customer in Chromium: the journey of its admin, with and without scripts, and axe-core."""

from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
from playwright.async_api import Browser, expect

from clearline.identity import OPERATOR, Role, User
from clearline.platform.database.transactions import Database
from clearline.sign_in import password_usecases as passwords
from tests.builders.people import NOW, Tenant, new_person, new_tenant
from tests.builders.server import running_server
from tests.builders.sign_in.sessions import PASSWORD
from tests.builders.web.browser import WIDTHS, check, context
from tests.builders.web.pages import token_of

COMPANY = "/portal/company"


class Desk(NamedTuple):
    """A running server, and the admin of a customer in it."""

    url: str
    tenant: Tenant
    admin: User


@pytest.fixture(scope="module")
async def desk(database: Database, database_url: str) -> AsyncIterator[Desk]:
    tenant = await new_tenant(database, "Harbour Freight Lines")
    async with database.transaction() as tx:
        admin = await new_person(tx, "Ines Duarte", Role.CUSTOMER_ADMIN, company=tenant.company.code)
    assert admin.user is not None
    await passwords.set_password(database, OPERATOR, tenant.company.id, admin.user.id, PASSWORD, now=NOW)
    with running_server("company", CLEARLINE_DATABASE_URL=database_url, CLEARLINE_WORKERS="off") as server:
        yield Desk(server.url, tenant, admin.user)


@pytest.mark.parametrize("runs", ["scripts", "nothing"])
async def test_an_admin_invites_a_colleague_and_sets_up_a_key_and_a_webhook(
    browser: Browser, desk: Desk, database: Database, runs: str
) -> None:
    opened = await browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=runs == "scripts")
    token = await token_of(database, desk.admin)
    await opened.add_cookies([{"name": "clearline-session", "value": token, "url": desk.url}])
    async with database.transaction() as tx:
        await tx.write("update sign_in_session set authenticated_at = now() - interval '1 hour'")
    opened.set_default_timeout(10_000)
    page = await opened.new_page()
    await page.goto(f"{desk.url}/portal")
    await page.get_by_role("link", name="Company").click()
    await page.get_by_role("link", name="Invite a person").click()
    await page.get_by_label("Name").fill(f"Ida Moss {runs}")
    await page.get_by_label("E-mail address").fill(f"ida.{runs}@example.net")
    await page.get_by_role("button", name="Invite").click()
    await page.get_by_label("Your password").fill(PASSWORD)
    await page.get_by_role("button", name="Confirm and go on").click()
    await expect(page.get_by_role("heading", name=f"Ida Moss {runs}")).to_be_visible()
    await page.get_by_role("link", name="Company").click()
    await page.get_by_role("link", name="New key").click()
    await page.get_by_label("Name").fill(f"crm {runs}")
    await page.get_by_label("tickets:read").check()
    await page.get_by_role("button", name="Issue the key").click()
    await expect(page.get_by_text('curl -H "Authorization: Bearer clk_')).to_be_visible()
    await page.get_by_role("link", name="Company").click()
    await page.get_by_role("link", name="New webhook").click()
    await page.get_by_label("URL").fill("https://hooks.example.com/orders")
    await page.get_by_label("ticket. (all)").check()
    await page.get_by_role("button", name="Add").click()
    await expect(page.get_by_role("heading", name="Signing secret").first).to_be_visible()
    await page.get_by_role("button", name="Send a test").click()
    await expect(page.get_by_role("heading", name="Payload")).to_be_visible()
    await opened.close()


async def test_no_page_breaks_a_rule_of_accessibility_or_scrolls_sideways(
    browser: Browser, desk: Desk, database: Database
) -> None:
    wrong: list[str] = []
    cookies = {"clearline-session": await token_of(database, desk.admin)}
    for size in WIDTHS:
        opened = await context(browser, size, cookies, desk.url)
        page = await opened.new_page()
        paths = [COMPANY, f"{COMPANY}/people/{desk.admin.id}", f"{COMPANY}/webhooks/new", "/portal/me"]
        if size == "narrow":
            paths += [f"{COMPANY}/people", f"{COMPANY}/keys/new", "/portal/me/notifications"]
        for path in paths:
            await page.goto(desk.url + path)
            wrong += await check(page, f"{path} {size}")
        await page.goto(f"{desk.url}{COMPANY}/keys/new")
        await page.get_by_label("Name").fill("crm")
        await page.get_by_label("tickets:read").check()
        await page.get_by_role("button", name="Issue the key").click()
        await expect(page.get_by_role("button", name="Copy the command")).to_be_visible()
        wrong += await check(page, f"a new key {size}")
        await opened.close()
    assert wrong == []
