"""The pages of ticket templates and of resellers in the portal in Chromium: accessible, narrow, by key, no scripts."""

from typing import NamedTuple

import pytest
from playwright.async_api import Browser, Page, expect

from clearline.platform.database.transactions import Database
from clearline.tickets.domain import ticket_number
from tests.builders.web.browser import WIDTHS, Portal, check, context
from tests.builders.web.pages import token_of
from tests.builders.web.templates import Family, add_own_fields, add_templates, new_family

COMPANY, NEW = "/portal/company", "/portal/tickets/new"
TEMPLATES = f"{COMPANY}/ticket-templates"


class Desk(NamedTuple):
    """Pages about templates, and a reseller."""

    paths: list[str]
    family: Family


@pytest.fixture(scope="module")
async def desk(portal: Portal, database: Database) -> Desk:
    async with database.transaction() as tx:
        await add_own_fields(tx)
        known, retired = await add_templates(tx, portal.tenant.company.code)
    paths = [
        COMPANY, TEMPLATES, f"{TEMPLATES}/new", f"{TEMPLATES}/{known}", f"{TEMPLATES}/{retired}", NEW,
        f"{NEW}?template={known}", f"{NEW}?template={known}&service=SVC-1", f"{NEW}?template={known}&service=SVC-2",
        f"{NEW}?template={retired}",
    ]  # fmt: skip
    return Desk(paths, await new_family(database))


async def refused(page: Page, url: str) -> None:
    """Send a template that is refused at fields of every kind."""
    await page.goto(f"{url}{TEMPLATES}/new")
    await page.get_by_label("Name", exact=True).fill("Refused")
    await page.get_by_label("Service", exact=True).select_option("SVC-2")
    await page.get_by_label("Only for services of the type").select_option("Port")
    await page.get_by_label("Own ip").fill("192.0.2.1/24")
    await page.get_by_label("Own decimal").fill("many")
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(page.get_by_text("Not saved.")).to_be_visible()


@pytest.mark.parametrize("language", ["en", "de"])
async def test_the_pages_of_templates_are_accessible_and_fit(
    browser: Browser, portal: Portal, database: Database, desk: Desk, language: str
) -> None:
    wrong: list[str] = []
    cookies = {"clearline-session": await token_of(database, portal.admin)}
    for size in WIDTHS:
        opened = await context(browser, size, cookies, portal.url)
        await opened.set_extra_http_headers({"Accept-Language": language})
        page = await opened.new_page()
        for path in desk.paths:
            await page.goto(portal.url + path)
            await expect(page.locator("html")).to_have_attribute("lang", language)
            wrong += await check(page, f"{path} {size}")
        if language == "en":
            await refused(page, portal.url)
            wrong += await check(page, f"a refused template {size}")
        await opened.close()
    assert wrong == []


async def test_the_pages_of_a_reseller_are_accessible_and_fit(
    browser: Browser, portal: Portal, database: Database, desk: Desk
) -> None:
    wrong: list[str] = []
    parent, child = desk.family.parent, desk.family.child
    cookies = {"clearline-session": await token_of(database, parent.user)}
    code = child.company.code
    for size in WIDTHS:
        opened = await context(browser, size, cookies, portal.url)
        page = await opened.new_page()
        for path in (
            "/portal/tickets", "/portal/tickets?show=all", f"/portal/tickets?company={code}",
            f"/portal/tickets?q=nothinglikethis&company={code}", f"/portal/tickets/{ticket_number(desk.family.number)}",
            NEW, f"{NEW}?company={code}&step=service", f"{NEW}?company={code}&service=SVC-1&step=form",
            "/portal/services", COMPANY,
        ):  # fmt: skip
            await page.goto(portal.url + path)
            await expect(page.locator("main")).to_be_visible()
            wrong += await check(page, f"{path} {size}")
        await page.goto(f"{portal.url}{NEW}?company={code}&service=SVC-1&step=form")
        await page.evaluate("document.getElementById('raise').noValidate = true")
        await page.get_by_role("button", name="Raise ticket").click()
        await expect(page.get_by_text("The ticket is not raised yet.")).to_be_visible()
        wrong += await check(page, f"a refused ticket of a child {size}")
        await opened.close()
    assert wrong == []


async def test_an_admin_adds_a_template_by_key(
    browser: Browser, portal: Portal, database: Database, desk: Desk
) -> None:
    assert desk
    cookies = {"clearline-session": await token_of(database, portal.admin)}
    opened = await context(browser, "desktop", cookies, portal.url)
    page = await opened.new_page()
    await page.goto(portal.url + COMPANY)
    await tab_to(page, "New ticket template")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="New ticket template")).to_be_visible()
    await tab_to(page, "name")
    await page.keyboard.type("By key")
    await tab_to(page, "service_type")
    await page.keyboard.type("Port")
    await tab_to(page, "fields.own_choices")
    await page.keyboard.press("Space")
    await tab_to(page, "Add")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status").filter(has_text="Added.")).to_be_visible()
    await expect(page.get_by_label("Name", exact=True)).to_have_value("By key")
    await expect(page.get_by_label("Only for services of the type")).to_have_value("Port")
    await expect(page.get_by_label("Europe, the Middle East and Africa")).to_be_checked()
    await tab_to(page, "Delete By key")
    await page.keyboard.press("Enter")
    await tab_to(page, "Yes: Delete By key")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status").filter(has_text="Deleted.")).to_be_visible()
    await opened.close()


async def tab_to(page: Page, wanted: str) -> None:
    """Press Tab until an element has the focus, which is called by its name in the form or by its words."""
    for _press in range(80):
        await page.keyboard.press("Tab")
        shown = await page.evaluate("[document.activeElement.name, document.activeElement.textContent.trim()]")
        if wanted in shown:
            return
    pytest.fail(f"no Tab leads to {wanted}")


async def test_an_admin_changes_a_template_and_a_reseller_raises_for_a_child_without_scripts(
    browser: Browser, portal: Portal, database: Database, desk: Desk
) -> None:
    parent = desk.family.parent
    opened = await context(browser, "phone", {}, portal.url, runs_scripts=False)
    token = await token_of(database, portal.admin)
    await opened.add_cookies([{"name": "clearline-session", "value": token, "url": portal.url}])
    page = await opened.new_page()
    await page.goto(portal.url + COMPANY)
    await page.get_by_role("link", name="A port that is down").click()
    await page.get_by_label("Summary").fill("Port is dark")
    await page.locator("[name='fields.own_date']").fill("2026-03-02")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
    await expect(page.locator("[name='fields.own_date']")).to_have_value("2026-03-02")
    await page.goto(portal.url + NEW)
    await page.get_by_role("link", name="A port that is down").click()
    await expect(page.get_by_text("The template is for services of the type Port.")).to_be_visible()
    await expect(page.get_by_role("radio")).to_have_count(1)
    await page.get_by_role("radio", name="Service 1").check()
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_label("Summary")).to_have_value("Port is dark")
    await expect(page.locator("[name='fields.own_date']")).to_have_value("2026-03-02")
    token = await token_of(database, parent.user)
    await opened.add_cookies([{"name": "clearline-session", "value": token, "url": portal.url}])
    await page.goto(portal.url + NEW)
    await page.get_by_label("For which company?").select_option(desk.family.child.company.code)
    await page.get_by_role("button", name="Show its services").click()
    await page.get_by_role("radio", name="Service 2").check()
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("radio", name="Packet loss").check()
    await page.get_by_label("Summary").fill("Raised by the reseller")
    await page.get_by_label("What do you see?").fill("2 % are lost")
    await page.get_by_role("button", name="Raise ticket").click()
    await expect(page.get_by_text("Your ticket is raised.")).to_be_visible()
    await expect(page.get_by_text(desk.family.child.company.name).first).to_be_visible()
    await opened.close()
