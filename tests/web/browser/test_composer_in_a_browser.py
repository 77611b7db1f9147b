"""The composer in Chromium: no words are lost, whatever happens before they are sent."""

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.builders.web.browser import Site, context

pytestmark = pytest.mark.slow


async def test_what_is_typed_survives_reloads_outages_and_other_devices(
    browser: Browser, desktop: Page, site: Site, session: dict[str, str]
) -> None:
    path = f"{site.url}/console/tickets/{site.number}"
    message, saved = desktop.get_by_role("textbox", name="Message"), desktop.locator("#saved")
    await desktop.goto(path)
    await desktop.keyboard.press("r")
    await desktop.keyboard.type("We look at port 7")
    await expect(saved).to_contain_text("Draft saved")
    await desktop.reload()
    await expect(message).to_have_value("We look at port 7")
    await expect(saved).to_contain_text("Draft saved")

    await desktop.get_by_role("radio", name="Note").check(force=True)
    await expect(message).to_have_value("")
    await message.fill("Same as MI-27")
    await expect(saved).to_contain_text("Draft saved")
    await desktop.get_by_role("radio", name="Reply").check(force=True)
    await expect(message).to_have_value("We look at port 7")

    async def refuse(route: Route) -> None:
        await route.fulfill(status=303, headers={"location": "/sign-in"})

    await desktop.route("**/draft", refuse)
    await message.fill("We look at port 7 now")
    await expect(saved).to_contain_text("Kept in this browser")
    await desktop.unroute("**/draft")
    async with desktop.expect_response("**/draft"):
        await desktop.reload()
    await expect(message).to_have_value("We look at port 7 now")
    await expect(saved).to_contain_text("Draft saved")
    assert await desktop.evaluate("Object.keys(localStorage).filter(key => key.includes('draft')).length") == 0

    opened = await context(browser, "phone", session, site.url)
    phone = await opened.new_page()
    await phone.goto(path)
    await expect(phone.get_by_role("textbox", name="Message")).to_have_value("We look at port 7 now")
    await phone.get_by_role("textbox", name="Message").fill("We look at port 8")
    await expect(phone.locator("#saved")).to_contain_text("Draft saved")
    await message.fill("We look at port 9")
    other = desktop.locator("#other-drafts details")
    await expect(other).to_contain_text("Another draft of a reply")
    await other.locator("summary").click()
    await expect(other).to_contain_text("We look at port 8")
    await desktop.get_by_role("link", name="Continue with this draft").click()
    await expect(message).to_have_value("We look at port 8")
    await other.locator("summary").click()
    await desktop.get_by_role("button", name="Discard").click()
    await expect(other).to_have_count(0)
    await opened.close()

    await message.focus()
    await desktop.keyboard.press("Control+Enter")
    await expect(desktop.locator("article.message").last).to_contain_text("We look at port 8")
    await expect(message).to_have_value("Same as MI-27")
    await message.fill("")
    await expect(saved).to_be_empty()
