"""The search of the console in Chromium."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.builders.web.browser import WIDTHS, Site, check, context

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("size", WIDTHS)
async def test_the_search_is_accessible_and_fits(
    browser: Browser, site: Site, session: dict[str, str], size: str
) -> None:
    opened = await context(browser, size, session, site.url)
    page = await opened.new_page()
    for q in ("Orchard", site.email, "prio:high", ""):
        await page.goto(f"{site.url}/console/search?q={q}")
        await page.get_by_text("How to search").press("Enter")
        assert await check(page, q) == []
    await opened.close()


async def test_the_key_opens_the_search_and_filters_where_a_list_is(desktop: Page, site: Site) -> None:
    await desktop.goto(f"{site.url}/console/me")
    await desktop.keyboard.press("/")
    await expect(desktop.get_by_role("heading", name="Search", exact=True)).to_be_visible()
    await expect(desktop.get_by_role("combobox", name="Search tickets")).to_be_focused()
    await desktop.keyboard.type("packet loss")
    await desktop.keyboard.press("Enter")
    await expect(desktop.locator("#rows tr").first).to_contain_text("packet loss")
    await desktop.goto(f"{site.url}/console/open")
    await desktop.keyboard.press("/")
    await expect(desktop.get_by_role("combobox", name="Filter this view")).to_be_focused()


async def test_a_query_is_completed_with_filters_and_their_values(desktop: Page, site: Site) -> None:
    await desktop.goto(f"{site.url}/console/open")
    field, options = desktop.get_by_role("combobox", name="Filter this view"), desktop.locator("#filters option")

    async def suggested(text: str) -> list[str]:
        await field.fill(text)
        return [await option.get_attribute("value") or "" for option in await options.all()]

    assert await suggested("loss prio") == [f"loss priority:{name}" for name in ("low", "medium", "high", "critical")]
    assert await suggested("-has") == ["-has:file"]
    assert await suggested('status:open issue:"circuit d') == ['status:open issue:"Circuit Down"']
    assert await suggested("contact") == ["contact:"]
    assert await suggested("status:open ") == []
