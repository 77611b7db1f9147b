"""The form of a new ticket in Chromium: accessible at every width, by keyboard, with files, and without scripts."""

import re

import pytest
from playwright.async_api import Browser, FilePayload, Page, Route, expect

from clearline.fields.domain import FieldAudience
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.tickets.forms import usecases as forms
from clearline.tickets.forms.domain import Condition, FormField
from tests.builders.house import no_forms
from tests.builders.people import NOW
from tests.builders.web.browser import WIDTHS, Site, check, context

pytestmark = pytest.mark.slow
PATH = "/console/tickets/new"


async def fill(page: Page, title: str) -> None:
    """Fill in what the form needs besides the company and the service."""
    await page.get_by_label("Title").fill(title)
    await page.get_by_label("Description").fill("No light since 08:00 UTC")
    await page.get_by_label("Issue").select_option("Circuit Down")
    await page.get_by_label("Person of the customer").select_option(index=1)


async def to_the_form(page: Page, site: Site, service: str) -> None:
    await page.goto(f"{site.url}{PATH}?find=Orchard")
    await page.locator(".choices .choice", has_text="Orchard Health").first.click()
    await page.locator(".choices .choice", has_text=service).click()
    await expect(page.get_by_label("Title")).to_be_visible()


@pytest.mark.parametrize("size", WIDTHS)
async def test_every_step_is_accessible_and_fits(
    browser: Browser, site: Site, session: dict[str, str], size: str
) -> None:
    opened = await context(browser, size, session, site.url)
    page = await opened.new_page()
    wrong: list[str] = []
    await page.goto(f"{site.url}{PATH}?find=Orchard")
    wrong += await check(page, "the company")
    await page.locator(".choices .choice", has_text="Orchard Health").first.click()
    await expect(page.get_by_role("heading", name="Which service?")).to_be_visible()
    wrong += await check(page, "the service")
    await page.locator(".choices .choice", has_text="SVC-1").click()
    await expect(page.get_by_text("This service has open tickets already")).to_be_visible()
    wrong += await check(page, "the form")
    await fill(page, " ")
    await page.get_by_role("button", name="Create ticket").click()
    await expect(page.get_by_text("The ticket was not created.")).to_be_visible()
    wrong += await check(page, "a refused form")
    await opened.close()
    assert wrong == []


async def test_a_ticket_is_created_by_keyboard_and_its_files_are_attached(desktop: Page, site: Site) -> None:
    press = desktop.keyboard.press
    await desktop.goto(f"{site.url}/console/mine")
    await press("c")
    await expect(desktop.get_by_role("heading", name="For which company?")).to_be_visible()
    await desktop.get_by_role("searchbox").fill("Orchard")
    await press("Enter")
    await expect(desktop).to_have_url(re.compile("find=Orchard"))
    await press("Escape")
    await press("j")
    await press("Enter")
    await expect(desktop.get_by_role("heading", name="Which service?")).to_be_visible()
    await desktop.locator(".choice", has_text="SVC-2").focus()
    await press("Enter")
    await fill(desktop, "Created by keyboard")
    file = FilePayload(name="levels.txt", mimeType="text/plain", buffer=b"rx -14.6")
    await desktop.get_by_label("Files").set_input_files([file])
    await press("Control+Enter")
    await expect(desktop.get_by_role("heading", name="Created by keyboard")).to_be_visible()
    await expect(desktop.locator(".file")).to_contain_text("levels.txt")
    await expect(desktop).to_have_url(re.compile("/console/tickets/INC[0-9]{12}$"))


async def test_files_stay_chosen_when_the_form_is_refused(
    browser: Browser, site: Site, session: dict[str, str]
) -> None:
    opened = await context(browser, "desktop", session, site.url)
    page = await opened.new_page()
    await to_the_form(page, site, "SVC-3")
    await fill(page, " ")
    file = FilePayload(name="levels.txt", mimeType="text/plain", buffer=b"rx -14.6")
    await page.get_by_label("Files").set_input_files([file])
    await page.get_by_role("button", name="Create ticket").click()
    await expect(page.get_by_text("The ticket was not created.")).to_be_visible()
    await page.get_by_label("Title").fill("Created at the second try")
    await page.get_by_role("button", name="Create ticket").click()
    await expect(page.locator(".file")).to_contain_text("levels.txt")
    await opened.close()


async def test_what_was_typed_survives_another_service_and_works_without_scripts(
    browser: Browser, site: Site, session: dict[str, str]
) -> None:
    opened = await browser.new_context(java_script_enabled=False)
    await opened.add_cookies([{"name": name, "value": value, "url": site.url} for name, value in session.items()])
    page = await opened.new_page()
    await to_the_form(page, site, "SVC-3")
    await fill(page, "Created without scripts")
    await page.get_by_role("button", name="Change the service").click()
    await page.get_by_role("searchbox").fill("Service 4")
    await page.keyboard.press("Enter")
    await expect(page.locator(".choices .choice")).to_have_count(1)
    await page.locator(".choices .choice").click()
    await expect(page.get_by_label("Title")).to_have_value("Created without scripts")
    file = FilePayload(name="levels.txt", mimeType="text/plain", buffer=b"rx -14.6")
    await page.get_by_label("Files").set_input_files([file])
    await page.get_by_role("button", name="Create ticket").click()
    await expect(page.get_by_role("heading", name="Created without scripts")).to_be_visible()
    await expect(page.locator(".file")).to_contain_text("levels.txt")
    await expect(page.locator(".where .mono")).to_contain_text("SVC-4")
    await page.reload()
    await expect(page.get_by_role("heading", name="Created without scripts")).to_be_visible()
    await expect(page.locator(".file")).to_contain_text("levels.txt")
    await opened.close()


async def test_what_is_typed_is_kept_in_the_browser_until_the_ticket_is_created(desktop: Page, site: Site) -> None:
    title, description = desktop.get_by_label("Title"), desktop.get_by_label("Description")
    await to_the_form(desktop, site, "SVC-1")
    await fill(desktop, "Half a fault")
    await desktop.goto(f"{site.url}/console/mine")
    await to_the_form(desktop, site, "SVC-1")
    await expect(title).to_have_value("Half a fault")
    await expect(description).to_have_value("No light since 08:00 UTC")
    await expect(desktop.get_by_label("Issue")).to_have_value("Circuit Down")
    await desktop.get_by_role("button", name="Create ticket").click()
    await expect(desktop.get_by_role("heading", level=1)).to_contain_text("Half a fault")
    await to_the_form(desktop, site, "SVC-1")
    await expect(title).to_have_value("")


async def test_a_fragment_that_comes_between_the_sending_and_its_answer_leaves_no_draft(
    desktop: Page, site: Site
) -> None:
    async def refresh_first(route: Route) -> None:
        await desktop.evaluate("htmx.swap({text: '', sourceElement: document.getElementById('live'), swap: 'none'})")
        await route.continue_()

    await to_the_form(desktop, site, "SVC-4")
    await fill(desktop, "Sent while the page changed")
    await desktop.route("**/console/tickets/new", refresh_first)
    await desktop.get_by_role("button", name="Create ticket").click()
    await expect(desktop.get_by_role("heading", level=1)).to_contain_text("Sent while the page changed")
    await to_the_form(desktop, site, "SVC-4")
    await expect(desktop.get_by_label("Title")).to_have_value("")


async def test_fields_come_and_go_with_what_is_chosen(desktop: Page, site: Site, database: Database) -> None:
    fields = [
        FormField("title"), FormField("description"), FormField("dispatch_allowed"),
        FormField("site_access", when=Condition("dispatch_allowed", (True,))),
    ]  # fmt: skip
    async with database.transaction() as tx:
        await forms.set_form(tx, OPERATOR, "Circuit Down", FieldAudience.STAFF, fields, now=NOW)
    try:
        await to_the_form(desktop, site, "SVC-2")
        await desktop.get_by_label("Title").fill("Still here")
        await desktop.get_by_label("Files").set_input_files(
            FilePayload(name="a.txt", mimeType="text/plain", buffer=b"rx")
        )
        await desktop.get_by_label("Issue").select_option("Circuit Down")
        await desktop.get_by_label("Technician on site").select_option("yes")
        await expect(desktop.get_by_label("Access: contact")).to_be_visible()
        await desktop.get_by_label("Technician on site").select_option("no")
        await expect(desktop.get_by_label("Access: contact")).to_have_count(0)
        await expect(desktop.get_by_label("Title")).to_have_value("Still here")
        assert await desktop.get_by_label("Files").evaluate("field => field.files.length") == 1
    finally:
        await no_forms(database)
