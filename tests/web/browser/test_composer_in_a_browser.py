"""The composer in Chromium: no words are lost, whatever happens before they are sent."""

import asyncio

import pytest
from playwright.async_api import Browser, Page, Route, expect

from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import parse_ticket_number
from tests.builders.people import NOW
from tests.builders.web.browser import WIDTHS, Site, check, context
from tests.builders.web.messages import send_due

pytestmark = pytest.mark.slow
UNDO_SECONDS = "30"
"""For how long the server of this module holds messages back."""


async def test_what_is_typed_survives_reloads_outages_and_other_devices(desktop: Page, site: Site) -> None:
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
    for kind in ("Reply", "Note"):
        await desktop.get_by_role("radio", name=kind).check(force=True)
        async with desktop.expect_response("**/draft"):
            await message.fill("")


async def test_an_answer_about_older_words_does_not_say_that_newer_ones_are_saved(desktop: Page, site: Site) -> None:
    message, saved = desktop.get_by_role("textbox", name="Message"), desktop.locator("#saved")
    await desktop.goto(f"{site.url}/console/tickets/{site.number}")
    held: asyncio.Queue[Route] = asyncio.Queue()
    await desktop.route("**/draft", held.put, times=2)
    await message.fill("We look")
    older = await held.get()
    await message.fill("We look at port 7")
    await older.continue_()
    newer = await held.get()  # sent once the answer to the older one is shown
    await expect(message).to_have_value("We look at port 7")
    await expect(saved).to_be_empty()
    await newer.continue_()
    await expect(saved).to_contain_text("Draft saved")
    async with desktop.expect_response("**/draft"):
        await message.fill("")


async def test_words_of_two_devices_are_both_kept_until_one_is_sent_and_the_other_discarded(
    browser: Browser, desktop: Page, site: Site, session: dict[str, str]
) -> None:
    path = f"{site.url}/console/tickets/{site.number}"
    message, saved = desktop.get_by_role("textbox", name="Message"), desktop.locator("#saved")
    await desktop.goto(path)
    await message.fill("We look at port 7")
    await expect(saved).to_contain_text("Draft saved")
    opened = await context(browser, "phone", session, site.url)
    phone = await opened.new_page()
    await phone.goto(path)
    await expect(phone.get_by_role("textbox", name="Message")).to_have_value("We look at port 7")
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
    await expect(message).to_have_value("")
    await desktop.get_by_role("button", name="Undo").first.click()
    await expect(message).to_have_value("We look at port 8")
    async with desktop.expect_response("**/draft"):
        await message.fill("")


async def test_a_reply_is_taken_back_from_the_page_from_another_page_and_not_once_it_is_sent(
    desktop: Page, site: Site, database: Database
) -> None:
    message, toast = desktop.get_by_role("textbox", name="Message"), desktop.locator("#toast")
    waiting = desktop.locator(".pending")
    await desktop.goto(f"{site.url}/console/tickets/{site.number}?list=open")
    await desktop.keyboard.press("r")
    await desktop.keyboard.type("Port 7 is back")
    await desktop.keyboard.press("Control+Enter")
    await expect(waiting).to_contain_text("Sending in")
    await expect(toast).to_contain_text("Reply goes out in")
    await expect(message).to_have_value("")
    await expect(desktop.locator("[data-composer]")).to_be_focused()
    undo = await waiting.get_by_role("button", name="Undo").bounding_box()
    box = await desktop.locator("[data-composer]").bounding_box()
    assert undo is not None
    assert box is not None
    assert undo["y"] + undo["height"] <= box["y"]
    await desktop.keyboard.press("z")
    await expect(message).to_have_value("Port 7 is back")
    await expect(message).to_be_focused()
    await expect(toast).to_be_empty()
    await expect(waiting).to_have_count(0)

    await desktop.keyboard.press("Control+Enter")
    await expect(toast).to_contain_text("Reply goes out in")
    await desktop.keyboard.press("u")
    await expect(desktop.get_by_role("heading", name="All open")).to_be_visible()
    await toast.get_by_role("button", name="Undo").click()
    await expect(message).to_have_value("Port 7 is back")

    await desktop.keyboard.press("Control+Enter")
    await expect(waiting).to_contain_text("Port 7 is back")
    await send_due(database)
    await expect(waiting).to_have_count(0)
    await expect(desktop.locator("article.message").last).to_contain_text("Port 7 is back")
    await expect(message).to_have_value("")


async def test_typing_in_a_ticket_without_an_assignee_assigns_it_with_undo(
    desktop: Page, site: Site, database: Database
) -> None:
    number = parse_ticket_number(site.number)
    assert number is not None
    async with database.transaction() as tx:
        await ticket_changes.assign(tx, OPERATOR, number, None, now=NOW)
    await desktop.goto(f"{site.url}/console/tickets/{site.number}?list=open&sort=newest")
    assignee, toast = desktop.locator("[popovertarget=pick-assignee]"), desktop.locator("#toast")
    message = desktop.get_by_role("textbox", name="Message")
    await expect(assignee).to_contain_text("Nobody")
    await message.press_sequentially("We look")
    await expect(toast).to_contain_text("Assigned to you")
    await expect(assignee).not_to_contain_text("Nobody")
    await expect(message).to_be_focused()
    await expect(message).to_have_value("We look")
    await desktop.keyboard.press("Escape")
    await desktop.keyboard.press("z")
    await expect(assignee).to_contain_text("Nobody")
    await expect(toast).to_be_empty()
    async with desktop.expect_response(lambda answer: answer.url.partition("?")[0].endswith("/draft")):
        await message.press_sequentially(" at it")
    await expect(desktop.locator("#saved")).to_contain_text("Draft saved")
    await expect(message).to_have_value("We look at it")
    await expect(assignee).to_contain_text("Nobody")
    await expect(toast).to_be_empty()


async def test_drafts_and_messages_that_wait_are_accessible_and_fit(
    browser: Browser, site: Site, session: dict[str, str], database: Database
) -> None:
    wrong: list[str] = []
    for size in WIDTHS:
        opened = await context(browser, size, session, site.url)
        page, other = await opened.new_page(), await opened.new_page()
        await page.goto(f"{site.url}/console/tickets/{site.number}")
        message = page.get_by_role("textbox", name="Message")
        await message.fill("We look at port 7")
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator(".pending")).to_be_visible()
        for words, tab in (("Of the first tab", page), ("Of the second tab", other)):
            if tab is other:
                await other.goto(page.url)
            await tab.get_by_role("textbox", name="Message").fill(words)
            await expect(tab.locator("#saved")).to_contain_text("Draft saved")
        await message.fill("Of the first tab again")
        await page.locator("#other-drafts summary").click()
        await expect(page.get_by_role("link", name="Continue with this draft")).to_be_visible()
        wrong += await check(page, size)
        await page.get_by_role("button", name="Discard").click()
        await expect(page.locator("#other-drafts")).to_be_empty()
        await opened.close()
        async with database.transaction() as tx:
            await tx.write("delete from draft")
        await send_due(database)
    assert wrong == []
