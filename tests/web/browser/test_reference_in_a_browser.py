"""The API reference in Chromium: accessible at every width, with and without scripts."""

import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.builders.web.browser import WIDTHS, Site, check, context

PAGES = ("/docs", "/docs/api/tickets", "/docs/webhooks")


@pytest.mark.parametrize("size", WIDTHS)
async def test_pages_break_no_rule_of_accessibility_and_do_not_scroll_sideways(
    browser: Browser, site: Site, size: str
) -> None:
    opened = await context(browser, size, {}, site.url)
    page = await opened.new_page()
    wrong = []
    for path in PAGES:
        await page.goto(site.url + path)
        wrong += await check(page, f"{path} at {size}")
    if size != "desktop":
        await page.get_by_role("button", name="Index").click()
        await expect(page.get_by_role("navigation", name="Reference")).to_be_visible()
        wrong += await check(page, f"the index at {size}")
    await opened.close()
    assert wrong == []


async def test_a_reader_filters_the_index_and_copies_a_sample(desktop: Page, site: Site) -> None:
    await desktop.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await desktop.goto(f"{site.url}/docs/api/tickets")
    index = desktop.get_by_role("navigation", name="Reference")
    await desktop.keyboard.press("/")
    await desktop.keyboard.type("add note")
    await expect(index.get_by_role("link", name="Add a note")).to_have_count(2)
    await expect(index.get_by_role("link", name="List tickets")).to_have_count(0)
    await index.get_by_role("link", name="Add a note").last.click()
    await expect(desktop).to_have_url(re.compile("/docs/api/notes#addNote$"))
    await desktop.get_by_role("radio", name="Python").check(force=True)
    section = desktop.get_by_role("region", name=re.compile("^Add a note"))
    await expect(section.get_by_text("curl -X POST")).to_be_hidden()
    await section.get_by_role("button", name="Copy").first.click()
    await expect(section.get_by_role("button", name="Copied")).to_be_visible()
    copied: str = await desktop.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("import os\n\nimport httpx\n")
    await desktop.reload()
    await expect(section.get_by_text("curl -X POST")).to_be_hidden()


async def test_links_to_the_one_page_that_there_was_lead_on(desktop: Page, site: Site) -> None:
    for old, new in (
        ("/docs#createSupportTicket", "/docs/console-connect#createSupportTicket"),
        ("/docs#schema-TicketOut", "/docs/console-connect#schema-TicketOut"),
        ("/docs/api#assignTicket", "/docs/api/assignment-and-routing#assignTicket"),
        ("/docs/api#schema-Problem", "/api/v1/problems#schema-Problem"),
    ):
        await desktop.goto("about:blank")
        await desktop.goto(site.url + old)
        await expect(desktop).to_have_url(site.url + new)


async def test_without_scripts_the_index_is_whole_and_both_languages_are_there(browser: Browser, site: Site) -> None:
    opened = await browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = await opened.new_page()
    await page.goto(f"{site.url}/docs/api#getNote")
    await page.locator("#getNote").get_by_role("link").click()
    await expect(page).to_have_url(re.compile("/docs/api/notes#getNote$"))
    await page.get_by_role("button", name="Index").click()
    index = page.get_by_role("navigation", name="Reference")
    await index.get_by_text("Macros", exact=True).click()
    await expect(index.get_by_role("link", name="Add a macro")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.get_by_role("radio", name="Python").check(force=True)
    await expect(page.get_by_text("import httpx").first).to_be_visible()
    await opened.close()


async def test_a_signed_in_reader_sees_the_own_key(desktop: Page, site: Site) -> None:
    await desktop.goto(f"{site.url}/docs")
    await expect(desktop.get_by_role("link", name="Console", exact=True)).to_be_visible()
    await expect(desktop.get_by_text(re.compile("Your key: ")).first).to_be_visible()
