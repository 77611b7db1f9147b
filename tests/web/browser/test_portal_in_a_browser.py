"""The portal in Chromium: journeys of a customer, axe-core in both themes at three widths, and what pages weigh."""

import re
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
from playwright.async_api import Browser, FilePayload, Page, Route, expect

from clearline.identity import OPERATOR, User
from clearline.platform.database.transactions import Database
from clearline.search import usecases as search
from clearline.sign_in import password_usecases as passwords
from clearline.tickets import note_usecases as notes
from clearline.tickets.domain import Channel, Status, ticket_number
from clearline.tickets.links import watcher_usecases as watching
from tests.builders.people import NOW, Tenant, new_person, new_tenant
from tests.builders.server import running_server
from tests.builders.sign_in.sessions import PASSWORD
from tests.builders.tickets import raised
from tests.builders.web.browser import WIDTHS, Traffic, check, context
from tests.builders.web.pages import token_of
from tests.patience import patient, stretched

SUBJECTS = (
    "Port flapping since 09:12 UTC, LACP member drops every 4 minutes",
    "0.3 % packet loss towards London, latency steady",
    "BGP session to route server 2 down after maintenance",
    "CRC errors rising on uplink, Rx -14.6 dBm",
    "Cloud router advertises only 14 of 22 prefixes",
)
STATUSES = (Status.IN_PROGRESS, Status.ACKNOWLEDGED, Status.PENDING, Status.HELD, Status.RESOLVED)
TEXT = """Thanks for the counters. We see low receive power on our side since 09:10 UTC.

    xe-0/1/3  input errors 18 422  crc 18 422

Our field engineer is at the site: https://status.example.com/1"""
SLOW_BYTES, SLOW_LATENCY = 50_000 // 8, 600
"""A link of 50 kbit/s with a round trip of 600 ms, as a browser is told."""
SLOW_PAINT = 5
"""Seconds until a ticket can be read over it, on a quiet machine."""
PAGE_MAX = 60 * 1024
"""Compressed bytes of a page of the portal without the font."""


class Portal(NamedTuple):
    """A running server with a customer in it, and a ticket of the customer in progress."""

    url: str
    tenant: Tenant
    number: int
    second: User

    @property
    def ticket(self) -> str:
        return f"/portal/tickets/{ticket_number(self.number)}"


@pytest.fixture(scope="module")
async def portal(database: Database, database_url: str) -> AsyncIterator[Portal]:
    """Serve a desk with a customer whose person has a password in two companies."""
    tenant, other = await new_tenant(database, "Kestrel CDN"), await new_tenant(database, "Orchard Health")
    async with database.transaction() as tx:
        numbers = [await raised(tx, tenant, SUBJECTS[at % 5], status=STATUSES[at % 5]) for at in range(30)]
        number = await raised(tx, tenant, SUBJECTS[0], status=Status.IN_PROGRESS)
        await raised(tx, tenant, "LOA missing for cross-connect", status=Status.CLOSED)
        await notes.append_note(tx, OPERATOR, number, TEXT, channel=Channel.CONSOLE, now=NOW)
        await notes.append_note(tx, tenant.actor, number, "Thank you.", channel=Channel.PORTAL, now=NOW)
        colleague = await new_person(tx, "Marek Nowak", company=tenant.company.code, role=tenant.user.role)
        assert colleague.user is not None
        await watching.watch(tx, tenant.actor, number, colleague.user.id, now=NOW)
        await tx.write("update app_user set email = $2 where id = $1", other.user.id, tenant.user.email)
        await search.index_tickets(tx, [(tenant.company.id, each) for each in (*numbers, number)])
    for each in (tenant, other):
        await passwords.set_password(database, OPERATOR, each.company.id, each.user.id, PASSWORD, now=NOW)
    with running_server("portal", CLEARLINE_DATABASE_URL=database_url, CLEARLINE_WORKERS="off") as server:
        yield Portal(server.url, tenant, number, other.user)


@pytest.fixture
async def cookies(database: Database, portal: Portal) -> dict[str, str]:
    return {"clearline-session": await token_of(database, portal.tenant.user)}


async def test_no_page_breaks_a_rule_of_accessibility_or_scrolls_sideways(
    browser: Browser, portal: Portal, cookies: dict[str, str]
) -> None:
    wrong: list[str] = []
    for size in WIDTHS:
        opened = await context(browser, size, cookies, portal.url)
        page = await opened.new_page()
        for path in (
            "/", "/portal/tickets", "/portal/tickets?q=nothinglikethis", portal.ticket, "/portal/services",
            "/portal/service?id=SVC-1", "/portal/second-factor", "/portal/nothing", "/portal/tickets/new",
            "/portal/tickets/new?step=service&find=nothinglikethis", "/portal/tickets/new?service=SVC-1",
        ):  # fmt: skip
            await page.goto(portal.url + path)
            wrong += await check(page, f"{path} {size}")
        await page.goto(portal.url + portal.ticket)
        await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        wrong += await check(page, f"menus {size}")
        await page.goto(f"{portal.url}/portal/tickets/new?service=SVC-1")
        await page.evaluate("document.getElementById('raise').noValidate = true")
        await page.get_by_label("Summary").fill(" ")
        await page.get_by_role("button", name="Raise ticket").click()
        await expect(page.get_by_text("The ticket is not raised yet.")).to_be_visible()
        wrong += await check(page, f"a refused ticket {size}")
        await opened.close()
    assert wrong == []


async def test_a_page_is_small(browser: Browser, portal: Portal, cookies: dict[str, str]) -> None:
    for path in ("/portal/tickets", portal.ticket, "/portal/tickets/new?service=SVC-1"):
        opened = await context(browser, "phone", cookies, portal.url)
        page = await opened.new_page()
        await page.goto(portal.url + path, wait_until="networkidle")
        traffic = Traffic()
        await traffic.count(page)
        assert sum(size for kind, size in traffic.sizes.items() if kind != "woff2") <= PAGE_MAX, traffic.sizes
        await opened.close()


@pytest.mark.parametrize("runs", ["scripts", "nothing"])
async def test_a_customer_signs_in_answers_and_closes_a_ticket(
    browser: Browser, portal: Portal, database: Database, runs: str
) -> None:
    async with database.transaction() as tx:
        title = f"Circuit down in a browser that runs {runs}"
        number = await raised(tx, portal.tenant, title, status=Status.IN_PROGRESS)
    opened = await browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=runs == "scripts")
    page = await opened.new_page()
    await page.goto(portal.url)
    await page.get_by_role("link", name="Sign in").first.click()
    await page.get_by_label("E-mail address").fill(portal.tenant.user.email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("button", name="Kestrel CDN").click()
    await expect(page.get_by_role("heading", name="Tickets", exact=True)).to_be_visible()
    await page.get_by_role("link", name=title).click()
    await page.get_by_label("Reply").fill("We changed the optic.")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".timeline").get_by_text("We changed the optic.")).to_be_visible()
    await page.get_by_role("button", name="It works again").click()
    await expect(page.get_by_text("resolves the ticket")).to_be_visible()
    async with database.transaction() as tx:
        await tx.write("update ticket set status = 'resolved', resolved_at = now() where number = $1", number)
    await page.reload()
    await page.get_by_role("button", name="It works again").click()
    await expect(page.get_by_text("Thank you. The ticket is closed.")).to_be_visible()
    await opened.close()


async def test_a_reply_survives_a_reload_and_an_expired_sign_in(
    browser: Browser, portal: Portal, cookies: dict[str, str], database: Database
) -> None:
    opened = await context(browser, "desktop", cookies, portal.url)
    page = await opened.new_page()
    await page.goto(portal.url + portal.ticket)
    await page.get_by_label("Reply").fill("Half a sentence")
    await page.reload()
    await expect(page.get_by_label("Reply")).to_have_value("Half a sentence")
    await opened.clear_cookies()
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_label("What you wrote")).to_have_value("Half a sentence")
    assert await check(page, "a form that was not sent") == []
    await page.get_by_role("link", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    token = await token_of(database, portal.tenant.user)
    await opened.add_cookies([{"name": "clearline-session", "value": token, "url": portal.url}])
    await page.goto(portal.url + portal.ticket)
    await page.get_by_label("Reply").fill((await page.get_by_label("Reply").input_value()) + ", and the other half")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".timeline").get_by_text("Half a sentence, and the other half")).to_be_visible()
    await expect(page.get_by_label("Reply")).to_have_value("")
    await opened.close()


async def test_a_reply_whose_answer_was_lost_is_added_once_and_is_shown_to_nobody_else(
    browser: Browser, portal: Portal, cookies: dict[str, str], database: Database
) -> None:
    opened = await context(browser, "desktop", cookies, portal.url)
    page = await opened.new_page()

    async def lose(route: Route) -> None:
        await route.fetch(max_redirects=0)
        await route.abort()

    await page.goto(portal.url + portal.ticket)
    await page.get_by_label("Reply").fill("Sent, and the answer lost")
    await page.route("**/messages", lose)
    await page.get_by_role("button", name="Send").click()
    await page.wait_for_url("chrome-error://chromewebdata/")
    await page.unroute("**/messages", lose)

    async with database.transaction() as tx:
        colleague = await new_person(tx, company=portal.tenant.company.code, role=portal.tenant.user.role)
    assert colleague.user is not None
    for user, text in ((colleague.user, ""), (portal.tenant.user, "Sent, and the answer lost")):
        token = await token_of(database, user)
        await opened.add_cookies([{"name": "clearline-session", "value": token, "url": portal.url}])
        await page.goto(portal.url + portal.ticket)
        await expect(page.get_by_label("Reply")).to_have_value(text)
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_label("Reply")).to_have_value("")
    await expect(page.locator(".timeline").get_by_text("Sent, and the answer lost")).to_have_count(1)
    await opened.close()


async def describe_the_fault(page: Page, title: str) -> None:
    """Choose a service and describe a fault, as on a phone."""
    await page.get_by_role("link", name="Raise a ticket").click()
    await page.get_by_role("radio", name="Service 2").check()
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("radio", name="Packet loss").check()
    await page.get_by_label("Summary").fill(title)
    await page.get_by_label("Since when?").fill("09:12 UTC")
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
    await expect(page.get_by_text("Since when: 09:12 UTC")).to_be_visible()
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


async def test_a_ticket_is_raised_without_scripts(browser: Browser, portal: Portal, cookies: dict[str, str]) -> None:
    opened = await browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    await opened.add_cookies([{"name": name, "value": value, "url": portal.url} for name, value in cookies.items()])
    page = await opened.new_page()
    await page.goto(f"{portal.url}/portal/tickets")
    await describe_the_fault(page, "Loss without scripts")
    await page.get_by_role("button", name="Change the service").click()
    await page.get_by_role("radio", name="Not in the list").check()
    await page.get_by_label("What is it called?").fill("radio link 7")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_label("Summary")).to_have_value("Loss without scripts")
    await page.locator("#files").set_input_files(levels())
    await page.get_by_role("button", name="Raise ticket").click()
    await expect(page.get_by_text("Your ticket is raised.")).to_be_visible()
    await expect(page.get_by_role("link", name="levels.txt")).to_have_count(1)
    await page.goto(f"{portal.url}/portal/tickets/new?other=radio+link+7")
    await page.get_by_role("button", name="Follow this one").click()
    await expect(page.get_by_role("heading", name="Loss without scripts")).to_be_visible()
    await expect(page.locator(".followers")).to_contain_text("Ada Okoro")
    await opened.close()


async def test_the_list_goes_on_below_itself(browser: Browser, portal: Portal, cookies: dict[str, str]) -> None:
    opened = await context(browser, "desktop", cookies, portal.url)
    page: Page = await opened.new_page()
    await page.goto(f"{portal.url}/portal/tickets")
    await expect(page.locator(".rows li")).to_have_count(25)
    await page.get_by_role("link", name="Show more").click()
    await expect(page.locator(".rows li").nth(30)).to_be_visible()
    await expect(page.get_by_role("link", name="Show more")).to_have_count(0)
    await opened.close()


async def test_a_ticket_can_be_read_and_answered_over_a_slow_link(
    browser: Browser, portal: Portal, cookies: dict[str, str]
) -> None:
    opened = await context(browser, "phone", cookies, portal.url)
    page = await opened.new_page()
    client = await opened.new_cdp_session(page)
    await client.send("Network.enable")
    slow = {"offline": False, "latency": SLOW_LATENCY, "downloadThroughput": SLOW_BYTES, "uploadThroughput": SLOW_BYTES}
    await client.send("Network.emulateNetworkConditions", slow)
    await page.goto(portal.url + portal.ticket, wait_until="domcontentloaded", timeout=patient(60) * 1000)
    await expect(page.get_by_label("Reply")).to_be_visible()
    painted = await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    assert painted <= stretched(SLOW_PAINT) * 1000, painted
    await opened.close()


async def test_a_printed_ticket_has_the_conversation_and_no_forms(
    browser: Browser, portal: Portal, cookies: dict[str, str]
) -> None:
    opened = await context(browser, "desktop", cookies, portal.url)
    page = await opened.new_page()
    await page.goto(portal.url + portal.ticket)
    await page.emulate_media(media="print")
    await expect(page.get_by_text("Thanks for the counters.")).to_be_visible()
    for hidden in (page.get_by_label("Reply"), page.get_by_role("button"), page.get_by_role("navigation")):
        await expect(hidden.first).to_be_hidden()
    await opened.close()
