"""Two agents in two browsers: what one does is on the pages of the other, while nothing moves under the hand."""

from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
from playwright.async_api import Browser, Page, expect

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from tests.builders.people import new_tenant
from tests.builders.sign_in.sessions import PASSWORD, new_person_with_password
from tests.builders.tickets import raised
from tests.builders.web.browser import Site, check, context

pytestmark = pytest.mark.slow


class Colleagues(NamedTuple):
    """The pages of two agents."""

    ines: Page
    ben: Page


@pytest.fixture
async def colleagues(
    browser: Browser, site: Site, session: dict[str, str], database: Database
) -> AsyncIterator[Colleagues]:
    other = await new_person_with_password(database, Role.AGENT)
    pages, contexts = [], []
    for cookies in (session, {}):
        contexts.append(await context(browser, "desktop", cookies, site.url))
        pages.append(await contexts[-1].new_page())
    await pages[1].goto(f"{site.url}/console/open")
    await pages[1].get_by_label("E-mail address").fill(other.email)
    await pages[1].get_by_label("Password").fill(PASSWORD)
    await pages[1].keyboard.press("Enter")
    await expect(pages[1].get_by_role("heading", name="All open")).to_be_visible()
    yield Colleagues(*pages)
    for opened in contexts:
        await opened.close()


async def live(page: Page) -> None:
    """Wait until a page has the stream."""
    await expect(page.locator("[data-live]")).to_have_text("live")


async def test_what_one_agent_does_appears_for_the_other(
    colleagues: Colleagues, site: Site, database: Database
) -> None:
    ines, ben = colleagues
    await ben.goto(f"{site.url}/console/unassigned?sort=-number")
    await live(ben)
    number = await ben.locator("#rows tr").nth(2).get_attribute("id")
    row = ben.locator(f"#{number}")
    await row.locator("[name=ticket]").check()
    await row.locator("[data-row]").focus()
    ticket = f"{site.url}/console/tickets/{number}"
    await ines.goto(ticket)
    await live(ines)
    await ines.locator("[popovertarget=pick-priority]").click()
    await ines.locator("#pick-priority").get_by_text("Critical").click()
    await expect(row).to_contain_text("Critical")
    await expect(row.locator("[name=ticket]")).to_be_checked()
    await expect(row.locator("[data-row]")).to_be_focused()
    await ines.keyboard.press("i")
    await expect(row).to_contain_text("no longer in this list")
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        await raised(tx, tenant, "Both ports of the bundle are down")
    await expect(ben.locator("#news")).to_contain_text("1 new ticket")
    await expect(ben.locator("#rows tr").nth(2)).to_have_id(str(number))
    assert await check(ben, "a list with news") == []
    await ben.keyboard.press(".")
    await expect(ben.locator("#rows tr").first).to_contain_text("Both ports of the bundle are down")
    await expect(ben.locator("#news")).to_be_empty()

    await ben.goto(ticket)
    await live(ben)
    await ben.keyboard.press("n")
    await ben.keyboard.type("Half a thought")
    await ines.keyboard.press("n")
    await ines.keyboard.type("It was the line card")
    await ines.keyboard.press("Control+Enter")
    await expect(ben.locator("article.note").last).to_contain_text("It was the line card")
    await expect(ben.locator("#live")).to_have_text("New message from Ben Ito")
    await expect(ben.get_by_role("textbox", name="Message")).to_have_value("Half a thought")
    await expect(ben.get_by_role("textbox", name="Message")).to_be_focused()
    await ben.get_by_role("textbox", name="Message").fill("")
