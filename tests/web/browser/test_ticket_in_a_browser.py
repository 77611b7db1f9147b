"""The page of a ticket in Chromium: its overlays and panels, by keyboard, and accessible."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.builders.web.browser import WIDTHS, Site, check, context

pytestmark = pytest.mark.slow


async def test_a_macro_is_chosen_with_a_slash_previewed_and_applied(desktop: Page, site: Site) -> None:
    press = desktop.keyboard.press
    await desktop.goto(f"{site.url}/console/tickets/{site.number}?list=open")
    await press("r")
    await press("/")
    await expect(desktop.locator("#pick-macro")).to_be_visible()
    await desktop.keyboard.type("levels")
    await press("Enter")
    await expect(desktop.locator(".macro")).to_contain_text("Please send us the levels.")
    await expect(desktop.get_by_role("button", name="Apply macro")).to_be_focused()
    await press("Enter")
    await expect(desktop.locator("article.message").last).to_contain_text("Please send us the levels.")
    await expect(desktop.locator("[popovertarget=pick-tags]")).to_contain_text("levels")
    await expect(desktop.locator(".macro")).to_have_count(0)
    assert desktop.url == f"{site.url}/console/tickets/{site.number}?list=open"


async def test_the_text_of_a_macro_is_put_into_a_message_that_is_begun(desktop: Page, site: Site) -> None:
    other = f"INC{int(site.number[3:]) - 4:012d}"
    await desktop.goto(f"{site.url}/console/tickets/{other}")
    message = desktop.get_by_role("textbox", name="Message")
    await message.fill("Dear Lena,")
    await desktop.get_by_role("button", name="Macros and saved replies").click()
    await desktop.locator("#pick-macro").get_by_text("Ask for levels").click()
    await expect(message).to_have_value("Dear Lena,")
    await desktop.get_by_role("link", name="Edit the text first").click()
    await expect(message).to_have_value("Dear Lena,\n\nPlease send us the levels.")
    await expect(message).to_be_focused()
    await message.fill("Dear Lena,\n\nKind regards")
    await desktop.keyboard.press("/")
    await expect(message).to_have_value("Dear Lena,\n\nKind regards/")
    await message.fill("Dear Lena,\n\nKind regards")
    await desktop.keyboard.press("ArrowUp")
    await desktop.keyboard.press("/")
    await expect(desktop.locator("#pick-macro")).to_be_visible()
    await desktop.locator("#pick-macro").get_by_text("Ask for levels").click()
    await desktop.get_by_role("link", name="Edit the text first").click()
    await expect(message).to_have_value("Dear Lena,\nPlease send us the levels.\nKind regards")


@pytest.mark.parametrize("size", WIDTHS)
async def test_the_panels_of_a_ticket_are_accessible_and_fit(
    browser: Browser, site: Site, session: dict[str, str], size: str
) -> None:
    opened = await context(browser, size, session, site.url)
    page = await opened.new_page()
    wrong: list[str] = []
    path = f"{site.url}/console/tickets/{site.number}"
    await page.goto(path)
    await page.get_by_text("What was cut off the mail").click()
    await expect(page.locator(".cut-text")).to_contain_text("We see errors on two of them.")
    wrong += await check(page, "what was cut off a mail")
    await page.get_by_role("link", name="Open the original mail").click()
    await expect(page.locator(".original")).to_contain_text("Port 7.")
    wrong += await check(page, "the original of a mail")
    await page.goto(path)
    await page.get_by_role("textbox", name="Message").focus()
    await page.keyboard.press("/")
    await expect(page.locator("#pick-macro")).to_be_visible()
    wrong += await check(page, "#pick-macro")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.locator(".macro")).to_be_visible()
    wrong += await check(page, "the preview of a macro")
    await page.goto(path)
    await page.get_by_text("History", exact=True).click()
    await expect(page.locator(".history-body")).to_contain_text("Raised the ticket")
    await page.get_by_role("button", name="Add a watcher").click()
    await expect(page.locator("#pick-watcher")).to_be_visible()
    wrong += await check(page, "the history and the watchers")
    await page.goto(f"{path}/history")
    wrong += await check(page, "the page of the history")
    other = f"INC{int(site.number[3:]) - 2:012d}"
    for page_path, heading in ((f"merge?into={other}", "Merge"), ("split", "Split")):
        await page.goto(f"{path}/{page_path}")
        await expect(page.get_by_role("heading", level=1)).to_contain_text(heading)
        wrong += await check(page, page_path)
    await opened.close()
    assert wrong == []
