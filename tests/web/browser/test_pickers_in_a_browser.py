"""The pickers of a ticket's details: what is chosen is shown at once, and what is not saved is put back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import pytest
from playwright.async_api import Browser, Locator, Page, Route, expect

from clearline.catalogue.assessment import Priority
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import parse_ticket_number, ticket_number
from tests.builders.people import new_tenant
from tests.builders.tickets import raised
from tests.builders.web.browser import Site, check, context

pytestmark = pytest.mark.slow


@pytest.fixture
async def number(database: Database) -> int:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        number = await raised(tx, tenant, "Light is low on both ends")
        await ticket_changes.change_ticket(tx, OPERATOR, number, {"tags": ("optics",)}, now=datetime.now(UTC))
    return number


@pytest.fixture
async def page(browser: Browser, site: Site, session: dict[str, str], number: int) -> AsyncIterator[Page]:
    """Yield the page of a ticket; requests may fail in it, scripts may not."""
    opened = await context(browser, "desktop", session, site.url)
    page = await opened.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    await page.goto(f"{site.url}/console/tickets/{ticket_number(number)}")
    await expect(page.locator(".who [data-live]")).to_have_text("live")
    yield page
    await opened.close()
    assert problems == []


def shown(page: Page, name: str) -> Locator:
    """Return the button that shows a value."""
    return page.locator(f"[popovertarget=pick-{name}]")


async def choose(page: Page, key: str, words: str) -> None:
    """Choose a value in the picker of a key, by the keyboard alone."""
    await page.keyboard.press(key)
    await expect(page.locator("[data-pick]:popover-open [data-filter]")).to_be_focused()
    await page.keyboard.type(words)
    await page.keyboard.press("Enter")


def held_back() -> tuple[asyncio.Event, Callable[[Route], Awaitable[None]]]:
    """Return a handler of requests that waits, and what ends its wait."""
    goes_on = asyncio.Event()

    async def wait(route: Route) -> None:
        await goes_on.wait()
        await route.continue_()

    return goes_on, wait


async def test_a_value_is_shown_before_the_server_answers_and_the_page_stays_as_it_is(page: Page) -> None:
    goes_on, wait = held_back()
    await page.route("**/priority?*", wait)
    await page.evaluate("document.getElementById('main').dataset.same = 'yes'")
    await page.evaluate(
        """window.texts = [];
        new MutationObserver(() => {
          const text = document.querySelector("[popovertarget=pick-priority]").textContent.trim();
          if (text !== texts.at(-1)) texts.push(text);
        }).observe(document.querySelector(".details"), { subtree: true, childList: true, characterData: true });"""
    )
    await choose(page, "p", "crit")
    await expect(shown(page, "priority")).to_have_text("Critical")
    await expect(shown(page, "priority")).to_be_focused()
    await expect(page.locator("#toast")).to_be_empty()
    await page.keyboard.press("s")
    await page.keyboard.type("prog")
    goes_on.set()
    await expect(page.locator("#toast")).to_contain_text("Priority: Critical")
    await expect(page.locator("#pick-status [data-filter]")).to_have_value("prog")
    await expect(page.locator("#pick-status [data-filter]")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#toast")).to_contain_text("Status: In progress")
    await expect(page.locator(".event").last).to_contain_text("status")
    assert await page.evaluate("texts") == ["Critical"]
    await expect(page.locator("#main")).to_have_attribute("data-same", "yes")
    await page.keyboard.press("i")
    await expect(shown(page, "assignee")).to_contain_text("Ben Ito")
    await expect(page.locator("#toast")).to_contain_text("Assign: Ben Ito")
    await page.keyboard.press("z")
    await expect(page.locator("#toast")).to_contain_text("Assign: Nobody")


async def test_tags_are_shown_at_once_and_taken_back(page: Page, number: int, database: Database) -> None:
    goes_on, wait = held_back()
    await page.route("**/tags?*", wait)
    await page.keyboard.press("t")
    await page.keyboard.press("End")
    await page.keyboard.type(" LACP")
    await page.keyboard.press("Enter")
    await expect(shown(page, "tags")).to_have_text("opticslacp")
    await expect(shown(page, "tags")).to_be_focused()
    goes_on.set()
    await expect(page.locator("#toast")).to_contain_text("Tags: lacp optics")
    await page.keyboard.press("z")
    await expect(page.locator("#toast")).to_contain_text("Tags: optics")
    async with database.transaction() as tx:
        view = await ticket_changes.lock_ticket(tx, OPERATOR, number)
    assert view.ticket.tags == ("optics",)


@pytest.mark.parametrize("failure", ["500", "aborted", "stale", "refused"])
async def test_what_was_not_saved_is_put_back_and_the_toast_says_why(
    page: Page, number: int, database: Database, failure: str
) -> None:
    goes_on = asyncio.Event()

    async def fail(route: Route) -> None:
        await goes_on.wait()
        if failure == "500":
            await route.fulfill(status=500, body="")
        elif failure == "aborted":
            await route.abort()
        elif failure == "refused":
            await route.continue_(post_data=(route.request.post_data or "").replace("critical", "urgent"))
        else:
            await route.continue_()

    await page.route("**/priority?*", fail)
    await page.route("**/live?*", lambda route: route.abort() if not goes_on.is_set() else route.continue_())
    await choose(page, "p", "crit")
    await expect(shown(page, "priority")).to_have_text("Critical")
    after = "Medium"
    if failure == "stale":
        after = "Low"
        async with database.transaction() as tx:
            values = {"priority": Priority.LOW}
            await ticket_changes.change_ticket(tx, OPERATOR, number, values, now=datetime.now(UTC))
    goes_on.set()
    reasons = {
        "500": "Something went wrong. Nothing was changed: try again.",
        "aborted": "Not saved. Check your connection.",
        "stale": "Not saved: somebody changed the priority to Low meanwhile.",
        "refused": "Priority must be one of low, medium, high, critical.",
    }
    await expect(page.locator("#toast")).to_have_text(reasons[failure])
    await expect(shown(page, "priority")).to_have_text(after)
    await expect(shown(page, "priority")).to_be_focused()
    await page.unroute("**/priority?*")
    await choose(page, "p", "high")
    await expect(page.locator("#toast")).to_contain_text("Priority: High")


async def test_the_keys_of_pickers_work_while_the_details_are_hidden(page: Page) -> None:
    strip = page.locator(".strip")
    await page.keyboard.press("]")
    await expect(page.locator(".details")).to_be_hidden()
    goes_on, wait = held_back()
    await page.route("**/priority?*", wait)
    await choose(page, "p", "crit")
    await expect(strip).to_contain_text("Critical")
    await expect(page.locator(".details")).to_be_hidden()
    goes_on.set()
    await expect(page.locator("#toast")).to_contain_text("Priority: Critical")
    await page.keyboard.press("i")
    await expect(strip).to_contain_text("Ben Ito")
    await expect(page.locator("#toast")).to_contain_text("Assign: Ben Ito")
    await page.keyboard.press("a")
    await expect(page.locator("#pick-assignee [data-filter]")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator(".details")).to_be_hidden()
    assert await check(page, "a ticket without its details") == []
    await page.keyboard.press("]")
    await expect(strip).to_be_hidden()


async def test_a_picker_whose_button_is_below_the_window_opens_in_it(page: Page) -> None:
    await page.set_viewport_size({"width": 800, "height": 500})
    await page.evaluate("document.querySelector('#timeline').style.minHeight = '1200px'")
    await page.evaluate("scrollTo(0, 0)")
    await choose(page, "p", "crit")
    await expect(page.locator(".strip")).to_contain_text("Critical")
    await page.keyboard.press("s")
    await expect(page.locator("#pick-status")).to_be_in_viewport(ratio=1)


async def test_refused_words_stay_in_their_picker(page: Page) -> None:
    await shown(page, "link").click()
    await page.keyboard.press("Tab")
    await page.keyboard.type("42x")
    await page.keyboard.press("Enter")
    await expect(page.locator("#toast")).to_contain_text("Ticket must be a ticket's number")
    await expect(page.locator("#link-ticket")).to_be_visible()
    await expect(page.locator("#link-ticket")).to_have_value("42x")


async def test_choices_that_follow_each_other_are_saved_in_their_order(
    page: Page, number: int, database: Database
) -> None:
    goes_on, wait = held_back()
    await page.route("**/priority?*", wait)
    for words in ("crit", "low", "high"):
        await choose(page, "p", words)
    await expect(shown(page, "priority")).to_have_text("High")
    goes_on.set()
    await expect(page.locator("#toast")).to_contain_text("Priority: High")
    await expect(shown(page, "priority")).to_have_text("High")
    async with database.transaction() as tx:
        view = await ticket_changes.lock_ticket(tx, OPERATOR, number)
    assert view.ticket.priority is Priority.HIGH


async def test_what_another_ticket_shows_is_left_alone(page: Page, site: Site, number: int) -> None:
    goes_on = asyncio.Event()

    async def fail(route: Route) -> None:
        await goes_on.wait()
        await route.abort()

    await page.route("**/priority?*", fail)
    await choose(page, "p", "crit")
    other = parse_ticket_number(site.number)
    assert other is not None
    await page.evaluate(
        "path => { const link = document.createElement('a'); link.href = path; document.body.append(link);"
        " htmx.process(link); link.click(); }",
        f"/console/tickets/{site.number}",
    )
    await expect(page.locator("#ticket")).to_have_attribute("data-ticket", site.number)
    before = await shown(page, "priority").inner_text()
    goes_on.set()
    await expect(page.locator("#toast")).to_have_text(f"{ticket_number(number)}: Not saved. Check your connection.")
    assert await shown(page, "priority").inner_text() == before
