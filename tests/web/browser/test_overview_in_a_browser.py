"""The dashboard, the handover, and the pages of companies and services, in Chromium."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.builders.web.browser import WIDTHS, Site, check, context

pytestmark = pytest.mark.slow


async def addresses(page: Page, site: Site) -> list[str]:
    """Return the addresses of the pages of the company and the service of the ticket."""
    await page.goto(f"{site.url}/console/tickets/{site.number}")
    return [await page.locator(f"#{name}-title a").get_attribute("href") or "" for name in ("customer", "service")]


@pytest.mark.parametrize("size", WIDTHS)
async def test_every_overview_is_accessible_and_fits(
    browser: Browser, site: Site, session: dict[str, str], size: str
) -> None:
    wrong: list[str] = []
    opened = await context(browser, size, session, site.url)
    page = await opened.new_page()
    for path in (*await addresses(page, site), "/console/dashboard", "/console/handover"):
        await page.goto(site.url + path)
        for table in await page.get_by_text("Data table").all():
            await table.click()
        wrong += await check(page, path)
    await page.get_by_label("Notes for the next shift").fill("Watch port 7 of Orchard Health")
    await page.get_by_role("button", name="Sign off the shift").click()
    await expect(page.get_by_role("heading", name="Handover of")).to_be_visible()
    wrong += await check(page, "a handover that is signed off")
    await opened.close()
    assert wrong == []


async def test_a_row_leads_to_the_company_and_its_list_goes_on(desktop: Page, site: Site) -> None:
    await desktop.goto(f"{site.url}/console/open")
    await desktop.locator("#rows .company a").first.click()
    await expect(desktop.get_by_role("heading", name="Orchard Health")).to_be_visible()
    await expect(desktop.locator("#open tr")).to_have_count(50)
    await desktop.locator("#pager-open a").click()
    await expect(desktop.locator("#open tr")).to_have_count(60)
    await expect(desktop.locator("#pager-open a")).to_have_count(0)
    await desktop.keyboard.press("j")
    await desktop.keyboard.press("Enter")
    await expect(desktop.locator("#ticket.railed")).to_be_visible()
    await desktop.keyboard.press("u")
    await expect(desktop.get_by_role("heading", name="Orchard Health")).to_be_visible()
    await desktop.locator("#services a").first.click()
    await expect(desktop.locator(".of-service")).to_be_visible()
    await desktop.keyboard.press("g")
    await desktop.keyboard.press("d")
    await expect(desktop.get_by_role("heading", name="Dashboard")).to_be_visible()
    await desktop.get_by_role("link", name="Critical").click()
    await expect(desktop.get_by_role("combobox", name="Filter this view")).to_have_value("priority:critical")
