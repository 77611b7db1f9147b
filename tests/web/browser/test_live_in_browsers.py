"""Two agents in two browsers: what one does is on the pages of the other, while nothing moves under the hand."""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from time import monotonic
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from playwright.async_api import Browser, Page, Route, expect
from playwright.async_api import TimeoutError as PlaywrightTimeout

from clearline.catalogue.assessment import Priority
from clearline.identity import OPERATOR, PROVIDER_ID, Role
from clearline.platform.database.transactions import Database
from clearline.sign_in import session_usecases as sessions
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import parse_ticket_number, ticket_number
from tests.builders.people import new_staff, new_tenant
from tests.builders.server import running_server
from tests.builders.tickets import raised
from tests.builders.web.browser import Site, check, context
from tests.builders.web.pages import token_of
from tests.patience import patient

pytestmark = pytest.mark.slow


class Colleagues(NamedTuple):
    """The pages of two agents."""

    ben: Page
    mara: Page


@pytest.fixture
async def colleagues(
    browser: Browser, site: Site, session: dict[str, str], database: Database
) -> AsyncIterator[Colleagues]:
    other = (await new_staff(database, Role.AGENT, "Mara Lind")).user
    pages, contexts = [], []
    for cookies in (session, {"clearline-session": await token_of(database, other)}):
        contexts.append(await context(browser, "desktop", cookies, site.url))
        pages.append(await contexts[-1].new_page())
    yield Colleagues(*pages)
    for opened in contexts:
        await opened.close()


async def live(page: Page) -> None:
    """Wait until a page has the stream."""
    await expect(page.locator(".who [data-live]")).to_have_text("live")


async def test_what_one_agent_does_appears_for_the_other(
    colleagues: Colleagues, site: Site, database: Database
) -> None:
    ben, mara = colleagues
    await mara.goto(f"{site.url}/console/unassigned?sort=-number")
    await live(mara)
    number = await mara.locator("#rows tr").nth(2).get_attribute("id")
    row = mara.locator(f"#{number}")
    await row.locator("[name=ticket]").check()
    await row.locator("[data-row]").focus()
    ticket = f"{site.url}/console/tickets/{number}"
    await ben.goto(ticket)
    await live(ben)
    await ben.locator("[popovertarget=pick-priority]").click()
    await ben.locator("#pick-priority").get_by_text("Critical").click()
    await expect(row).to_contain_text("Critical")
    await expect(row.locator("[name=ticket]")).to_be_checked()
    await expect(row.locator("[data-row]")).to_be_focused()
    await ben.keyboard.press("i")
    await expect(row).to_contain_text("no longer in this list")
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        await raised(tx, tenant, "Both ports of the bundle are down")
    await expect(mara.locator("#news")).to_contain_text("1 new ticket")
    await expect(mara.locator("#rows tr").nth(2)).to_have_id(str(number))
    assert await check(mara, "a list with news") == []
    await mara.keyboard.press(".")
    await expect(mara.locator("#rows tr").first).to_contain_text("Both ports of the bundle are down")
    await expect(mara.locator("#news")).to_be_empty()

    await mara.goto(f"{ticket}?list=open&sort=-number")
    await live(mara)
    await mara.keyboard.press("n")
    await mara.keyboard.type("Half a thought")
    beside = mara.locator(".rail li")
    async with database.transaction() as tx:
        latest = parse_ticket_number(await beside.first.get_attribute("id") or "")
        assert latest is not None
        await ticket_changes.change_ticket(tx, OPERATOR, latest, {"title": "One port is down"}, now=datetime.now(UTC))
    await expect(beside.first).to_contain_text("One port is down")
    async with database.transaction() as tx:
        await raised(tx, tenant, "A splice was cut")
    await mara.locator("#news").get_by_text("1 new ticket").click()
    await expect(beside.first).to_contain_text("A splice was cut")
    await mara.get_by_role("textbox", name="Message").focus()
    await ben.keyboard.press("n")
    await ben.keyboard.type("It was the line card")
    await ben.keyboard.press("Control+Enter")
    await expect(mara.locator("article.note").last).to_contain_text("It was the line card")
    await expect(mara.locator("#live")).to_have_text("New message from Ben Ito")
    await expect(mara.get_by_role("textbox", name="Message")).to_have_value("Half a thought")
    await expect(mara.get_by_role("textbox", name="Message")).to_be_focused()
    await mara.get_by_role("textbox", name="Message").fill("")


async def test_what_changed_is_fetched_again_after_a_failure(
    colleagues: Colleagues, site: Site, database: Database
) -> None:
    ben, _mara = colleagues
    await ben.goto(f"{site.url}/console/open?sort=-number")
    await live(ben)
    row = ben.locator("#rows tr[id]").first
    number = parse_ticket_number(str(await row.get_attribute("id")))
    assert number is not None
    times: list[float] = []
    failures: list[dict[str, Any] | None] = [
        {"status": 429, "headers": {"Retry-After": "4"}}, {"status": 503}, None,
    ]  # fmt: skip

    async def fail(route: Route) -> None:
        times.append(monotonic())
        if len(times) > len(failures):
            await route.fallback()
        elif (answer := failures[len(times) - 1]) is None:
            await route.abort()
        else:
            await route.fulfill(**answer)

    await ben.route("**/live/rows?*", fail)
    before = await row.locator(".priority").inner_text()
    priority = Priority.LOW if before.strip() != "Low" else Priority.HIGH
    async with database.transaction() as tx:
        await ticket_changes.change_ticket(tx, OPERATOR, number, {"priority": priority}, now=datetime.now(UTC))
    await expect(row).to_contain_text(priority.capitalize(), timeout=patient(20) * 1000)
    assert len(times) == len(failures) + 1
    assert times[1] - times[0] >= 4


async def test_an_error_in_what_is_put_into_the_page_does_not_end_the_live_updates(
    colleagues: Colleagues, site: Site, database: Database
) -> None:
    ben, _mara = colleagues
    await ben.goto(f"{site.url}/console/open?sort=-number")
    await live(ben)
    row = ben.locator("#rows tr[id]").first
    number = parse_ticket_number(str(await row.get_attribute("id")))
    assert number is not None
    errors: list[str] = []
    ben.on("pageerror", lambda error: errors.append(error.message))
    await ben.evaluate(
        """() => {
          const swap = htmx.swap;
          htmx.swap = (context) => {
            if (!context.text.includes("#news")) return swap.call(htmx, context);
            htmx.swap = swap;
            document.body.dataset.failed = "";
            throw new Error("a broken fragment");
          };
        }"""
    )
    for title in ("It is not shown", "It is shown"):
        async with database.transaction() as tx:
            await ticket_changes.change_ticket(tx, OPERATOR, number, {"title": title}, now=datetime.now(UTC))
        await expect(ben.locator("body[data-failed]")).to_be_attached()
    await expect(row).to_contain_text("It is shown")
    assert errors == ["a broken fragment"]


async def test_desktop_notices_come_after_a_click_and_say_number_and_subject(
    colleagues: Colleagues, site: Site, database: Database
) -> None:
    _ben, mara = colleagues
    await mara.add_init_script(
        """window.shown = [];
        window.Notification = class {
          static permission = "default";
          static async requestPermission() { return (Notification.permission = "granted"); }
          constructor(title, { body, silent }) {
            shown.push([title, body ?? "", silent]);
            document.body.dataset.shown = shown.length;
          }
        };"""
    )
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        number = await raised(tx, tenant, "The splice is cut")
    await mara.goto(f"{site.url}/console/me")
    await live(mara)
    user_id = await mara.locator("body").get_attribute("data-user") or ""
    button = mara.locator("[data-notices]")
    await expect(button).to_have_text("Turn on desktop notices")
    await button.click()
    await expect(button).to_have_text("Turn off desktop notices")
    assert await mara.evaluate("shown") == [["Desktop notices are on", "", True]]
    async with database.transaction() as tx:
        values = {"assignee_id": UUID(user_id)}
        await ticket_changes.change_ticket(tx, OPERATOR, number, values, now=datetime.now(UTC))
    await expect(mara.locator("body")).to_have_attribute("data-shown", "2", timeout=patient(15_000))
    assert (await mara.evaluate("shown"))[1] == ["Assigned to you", f"{ticket_number(number)} The splice is cut", True]
    await button.click()
    await expect(button).to_have_text("Turn on desktop notices")


async def test_colleagues_see_each_other_and_a_restart_of_two_processes_loses_nothing(
    browser: Browser, session: dict[str, str], database: Database, database_url: str
) -> None:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        number = await raised(tx, tenant, "Light is low on both ends")
    environment = {"CLEARLINE_DATABASE_URL": database_url, "CLEARLINE_WORKERS": "off", "CLEARLINE_PROCESSES": "2"}
    with running_server("live", **environment) as server:
        path = f"{server.url}/console/tickets/{ticket_number(number)}"
        mara = (await new_staff(database, Role.AGENT, "Mara Lind")).user
        hers = {"clearline-session": await token_of(database, mara)}
        first = await context(browser, "desktop", session, server.url)
        second = await context(browser, "desktop", hers, server.url)
        ben, mara_page = await first.new_page(), await second.new_page()
        await ben.goto(path)
        await mara_page.goto(path)
        await live(ben)
        await expect(ben.locator("#presence")).to_contain_text("Mara Lind is viewing")
        assert await check(ben, "a ticket with a colleague") == []
        await mara_page.keyboard.press("r")
        await mara_page.keyboard.type("We measure the")
        is_writing = ben.locator("#presence", has_text="Mara Lind is writing")
        for _ in range(20):  # on a busy machine the first report may come when she has stopped
            with contextlib.suppress(PlaywrightTimeout):
                await is_writing.wait_for(timeout=patient(5000))
                break
            await mara_page.keyboard.type(" ")
            await mara_page.keyboard.press("Backspace")
        await expect(is_writing).to_be_visible()
        tab = await first.new_page()
        await tab.goto(f"{server.url}/console/open")
        await live(tab)

        server.stop()
        await expect(ben.locator("[data-live]")).to_have_text("reconnecting")
        await expect(ben.get_by_role("alert")).to_contain_text("Connection lost, trying again", timeout=patient(15_000))
        assert await check(ben, "a lost connection") == []
        async with database.transaction() as tx:
            values = {"priority": Priority.CRITICAL}
            await ticket_changes.change_ticket(tx, OPERATOR, number, values, now=datetime.now(UTC))
        server.start()
        for page in (ben, tab):
            await page.evaluate("dispatchEvent(new Event('online'))")
        await live(ben)
        await live(tab)
        await expect(ben.get_by_role("alert")).to_be_hidden()
        await expect(ben.locator("[popovertarget=pick-priority]")).to_contain_text("Critical")
        await expect(mara_page.get_by_role("textbox", name="Message")).to_have_value("We measure the")

        async with database.transaction() as tx:
            await sessions.revoke_sessions_of(tx, OPERATOR, PROVIDER_ID, mara.id, now=datetime.now(UTC))
        await expect(mara_page.get_by_role("link", name="You are signed out.")).to_be_visible(timeout=patient(15_000))
        await first.close()
        await second.close()
