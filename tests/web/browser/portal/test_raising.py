"""A ticket is raised in Chromium: through everything that goes wrong on the way, and in several tabs at once."""

import re

import pytest
from playwright.async_api import Browser, FilePayload, Page, expect

from clearline.platform.database.transactions import Database
from tests.builders.web.browser import Portal, context
from tests.builders.web.pages import token_of


async def describe_the_fault(page: Page, title: str) -> None:
    """Choose a service and describe a fault, as on a phone."""
    await page.get_by_role("link", name="Raise a ticket").click()
    await page.get_by_role("radio", name="Service 2").check()
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("radio", name="Packet loss").check()
    await page.get_by_label("Summary").fill(title)
    await page.get_by_label("Since when?").fill("2026-03-01T09:12")
    await page.get_by_label("What do you see?").fill("2 % of the packets are lost")


def levels() -> list[FilePayload]:
    return [FilePayload(name="levels.txt", mimeType="text/plain", buffer=b"rx -14.6")]


async def test_a_ticket_is_raised_on_a_phone_through_reload_refusal_lost_connection_and_expired_sign_in(
    browser: Browser, portal: Portal, cookies: dict[str, str], database: Database
) -> None:
    opened = await context(browser, "phone", cookies, portal.url)
    page = await opened.new_page()
    title, send = page.get_by_label("Summary"), page.get_by_role("button", name="Raise ticket")
    await page.goto(f"{portal.url}/portal/tickets")
    await describe_the_fault(page, "Loss on a phone")
    await page.reload()
    await expect(title).to_have_value("Loss on a phone")
    await expect(page.get_by_role("radio", name="Packet loss")).to_be_checked()
    await page.goto(f"{portal.url}/portal/tickets/new")
    await page.get_by_role("link", name="Continue with it").click()
    await expect(page.get_by_text("This is what you typed before.")).to_be_visible()
    await expect(page.get_by_label("Take a photo")).to_be_visible()
    await page.locator("#files").set_input_files(levels())
    await title.fill(" ")
    await send.click()
    await expect(page.get_by_role("alert").filter(has_text="The ticket is not raised yet.")).to_be_focused()
    await title.fill("Loss on a phone")
    await opened.set_offline(offline=True)
    await send.click()
    await expect(page.get_by_text("Not sent: there is no connection.")).to_be_visible()
    await opened.set_offline(offline=False)
    await opened.clear_cookies()
    await send.click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert "next=%2Fportal%2Ftickets%2Fnew%3Fservice%3DSVC-2" in page.url
    token = await token_of(database, portal.tenant.user)
    await opened.add_cookies([{"name": "clearline-session", "value": token, "url": portal.url}])
    await page.goto(f"{portal.url}/portal/tickets/new?service=SVC-2")
    await expect(title).to_have_value("Loss on a phone")
    await page.locator("#files").set_input_files(levels())
    await send.dblclick()
    await expect(page.get_by_text("Your ticket is raised.")).to_be_visible()
    await expect(page.get_by_role("link", name="levels.txt")).to_have_count(1)
    await expect(page.get_by_text("1 Mar 2026, 09:12 UTC")).to_be_visible()
    await page.goto(f"{portal.url}/portal/service?id=SVC-2")
    await expect(page.get_by_role("link", name="Loss on a phone")).to_have_count(1)
    await page.goto(f"{portal.url}/portal/tickets/new?service=SVC-2")
    await expect(title).to_have_value("")
    await title.fill("Never sent")
    await page.locator("details.account summary").click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page).not_to_have_url(re.compile("/portal/"))
    assert await page.evaluate("Object.keys(localStorage)") == []
    await opened.close()


async def describe(page: Page, portal: Portal, title: str, service: str = "SVC-3") -> None:
    """Fill in the form of a service."""
    await page.goto(f"{portal.url}/portal/tickets/new?service={service}")
    await page.get_by_role("radio", name="Packet loss").check()
    await page.get_by_label("Summary").fill(title)
    await page.get_by_label("What do you see?").fill(f"It says: {title}")


async def titles(database: Database, portal: Portal, prefix: str) -> list[tuple[str, str]]:
    """Return the titles that begin so, each with its service, of the tickets of the company."""
    async with database.statement() as tx:
        rows = await tx.fetch(
            "select title, service_id from ticket where company_id = $1 and starts_with(title, $2) order by number",
            portal.tenant.company.id, prefix,
        )  # fmt: skip
    return [(row["title"], row["service_id"]) for row in rows]


async def send(page: Page) -> None:
    """Raise the ticket of the form."""
    await page.get_by_role("button", name="Raise ticket").click()
    await expect(page.get_by_text("Your ticket is raised.")).to_be_visible()


@pytest.mark.parametrize("runs", ["scripts", "nothing"])
async def test_back_after_the_ticket_is_raised_leads_to_an_empty_form_that_names_it(
    browser: Browser, portal: Portal, cookies: dict[str, str], database: Database, runs: str
) -> None:
    title = f"Back with {runs}"
    opened = await context(browser, "phone", cookies, portal.url, runs_scripts=runs == "scripts")
    page = await opened.new_page()
    await describe(page, portal, title)
    await send(page)
    await page.go_back()
    await expect(page.get_by_label("Summary")).to_have_value("")
    await expect(page.get_by_role("region", name="Do we know it already?")).to_contain_text(title)
    await page.get_by_role("button", name="Raise ticket").last.click()
    await expect(page.get_by_role("heading", name="Raise a ticket")).to_be_visible()
    assert await titles(database, portal, title) == [(title, "SVC-3")]
    await opened.close()


async def test_a_restored_form_of_a_raised_ticket_leads_to_it_again(
    browser: Browser, portal: Portal, cookies: dict[str, str], database: Database
) -> None:
    opened = await context(browser, "desktop", cookies, portal.url, runs_scripts=False)
    page, restored = await opened.new_page(), await opened.new_page()
    await describe(page, portal, "Restored by the browser")
    await describe(restored, portal, "Restored by the browser")
    # As a browser does that keeps the whole page for the way back, with the key of its form.
    key = await page.locator("#once").input_value()
    html = (await restored.content()).replace(await restored.locator("#once").input_value(), key)
    await restored.route("**/new?service=SVC-3", lambda route: route.fulfill(body=html, content_type="text/html"))
    await send(page)
    address = page.url.partition("?")[0]
    await describe(restored, portal, "Restored by the browser")
    await restored.get_by_role("button", name="Raise ticket").click()
    await expect(restored).to_have_url(re.compile(re.escape(address)))
    await describe(restored, portal, "Restored by the browser, and changed")
    await restored.get_by_role("button", name="Raise ticket").click()
    await expect(restored.get_by_text("This form created a ticket before.")).to_be_visible()
    await expect(restored.get_by_label("Summary")).to_have_value("Restored by the browser, and changed")
    assert len(await titles(database, portal, "Restored by the browser")) == 1
    await opened.close()


@pytest.mark.parametrize("services", [("SVC-3", "SVC-4"), ("SVC-3", "SVC-3")], ids=["two services", "one service"])
async def test_two_tabs_raise_two_tickets_that_do_not_mix(
    browser: Browser, portal: Portal, cookies: dict[str, str], database: Database, services: tuple[str, str]
) -> None:
    prefix = f"Tab of {len(set(services))}, "
    opened = await context(browser, "desktop", cookies, portal.url)
    first, second = await opened.new_page(), await opened.new_page()
    await describe(first, portal, f"{prefix}first", services[0])
    await second.goto(f"{portal.url}/portal/tickets/new?service={services[1]}")
    await expect(second.get_by_label("Summary")).to_have_value("")
    await describe(second, portal, f"{prefix}second", services[1])
    for page, text in ((first, "first"), (second, "second")):
        await page.reload()
        await expect(page.get_by_label("Summary")).to_have_value(f"{prefix}{text}")
    await send(second)
    await first.reload()
    await expect(first.get_by_label("Summary")).to_have_value(f"{prefix}first")
    await send(first)
    assert await titles(database, portal, prefix) == [(f"{prefix}second", services[1]), (f"{prefix}first", services[0])]
    assert await first.evaluate("Object.keys(localStorage)") == []
    await opened.close()


async def test_a_draft_of_a_tab_that_is_gone_is_offered_by_the_next_one(
    browser: Browser, portal: Portal, cookies: dict[str, str]
) -> None:
    opened = await context(browser, "desktop", cookies, portal.url)
    lost, other = await opened.new_page(), await opened.new_page()
    await describe(lost, portal, "Typed in a tab that crashes")
    await other.goto(f"{portal.url}/portal/tickets/new")
    await expect(other.get_by_role("heading", name="Raise a ticket")).to_be_visible()
    await expect(other.get_by_text("A ticket is not sent yet.")).to_be_hidden()
    await lost.close()
    await other.get_by_role("link", name="Continue with it").click()
    await expect(other.get_by_label("Summary")).to_have_value("Typed in a tab that crashes")
    await other.get_by_role("button", name="Start again").click()
    await expect(other.get_by_label("Summary")).to_have_value("")
    await opened.close()


async def test_a_duplicated_tab_begins_a_ticket_of_its_own(
    browser: Browser, portal: Portal, cookies: dict[str, str], database: Database
) -> None:
    opened = await context(browser, "desktop", cookies, portal.url)
    first = await opened.new_page()
    await describe(first, portal, "Duplicated, first")
    async with first.expect_popup() as popup:
        await first.evaluate("window.open(location.href)")  # which copies what the session of the tab stores, too
    second = await popup.value
    await describe(second, portal, "Duplicated, second")
    for page, text in ((first, "first"), (second, "second")):
        await page.reload()
        await expect(page.get_by_label("Summary")).to_have_value(f"Duplicated, {text}")
        await send(page)
    assert [title for title, _ in await titles(database, portal, "Duplicated")] == [
        "Duplicated, first", "Duplicated, second",
    ]  # fmt: skip
    await opened.close()


async def test_an_expired_session_without_scripts_shows_what_was_typed(
    browser: Browser, portal: Portal, cookies: dict[str, str], database: Database
) -> None:
    opened = await context(browser, "phone", cookies, portal.url, runs_scripts=False)
    page = await opened.new_page()
    await describe(page, portal, "Typed before the session ended")
    await page.locator("#files").set_input_files(levels())
    await opened.clear_cookies()
    await page.get_by_role("button", name="Raise ticket").click()
    await expect(page.get_by_role("heading", name="Not sent: you are signed out")).to_be_visible()
    for shown in ("Typed before the session ended", "It says: Typed before the session ended"):
        await expect(page.get_by_text(shown, exact=True)).to_be_visible()
    await page.get_by_role("link", name="Sign in").click()
    assert "next=%2Fportal%2Ftickets%2Fnew%3Fservice%3DSVC-3" in page.url
    assert await titles(database, portal, "Typed before") == []
    await opened.close()


SMALL = """[...document.querySelectorAll(`.brand, summary, main :is(
    button, .button, .input, a.row, .tabs a, label.choice, .choice label, .known a)`)]
    .filter((each) => each.offsetParent && !each.classList.contains('sr') && each.getBoundingClientRect().height < 44)
    .map((each) => each.outerHTML.slice(0, 90) + each.getBoundingClientRect().height)"""
"""What can be touched on a page, and is less than 44 px high."""


async def test_what_is_touched_on_a_phone_is_large(browser: Browser, portal: Portal, cookies: dict[str, str]) -> None:
    opened = await context(browser, "phone", cookies, portal.url)
    page = await opened.new_page()
    for path in (
        "/portal/tickets", "/portal/tickets/new", "/portal/tickets/new?service=SVC-1", portal.ticket, "/portal/me",
    ):  # fmt: skip
        await page.goto(portal.url + path)
        assert await page.evaluate(SMALL) == [], path
    await opened.close()
