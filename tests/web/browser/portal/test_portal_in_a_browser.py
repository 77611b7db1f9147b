"""The portal in Chromium: journeys of a customer, axe-core in both themes at three widths, and what pages weigh."""

from typing import NamedTuple

import pytest
from playwright.async_api import Browser, Page, Route, expect

from clearline.accounts import key_store
from clearline.accounts import key_usecases as keys
from clearline.clock import now
from clearline.feedback.domain import FEEDBACK_PATH, ballot_of, write_token
from clearline.identity import ALL_SCOPES
from clearline.mail.outbound.usecases import mail_secret
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import Status
from clearline.webhooks import subscription_usecases as subscriptions
from tests.builders.people import NOW, new_person
from tests.builders.sign_in.sessions import PASSWORD
from tests.builders.tickets import raised
from tests.builders.web.browser import WIDTHS, Portal, Traffic, check, context
from tests.builders.web.pages import token_of
from tests.patience import patient, stretched

SLOW_BYTES, SLOW_LATENCY = 50_000 // 8, 600
"""A link of 50 kbit/s with a round trip of 600 ms, as a browser is told."""
SLOW_PAINT = 5
"""Seconds until a ticket can be read over it, on a quiet machine."""
PAGE_MAX = 60 * 1024
"""Compressed bytes of a page of the portal without the font."""
COMPANY = "/portal/company"


class Given(NamedTuple):
    """Pages of feedback: of a ticket that was not rated yet, and of one whose link takes no feedback any more."""

    open: str
    closed: str


@pytest.fixture(scope="module")
async def feedback(portal: Portal, database: Database) -> Given:
    paths = []
    async with database.transaction() as tx:
        secret = await mail_secret(tx)
        for resolved_at in (now(), NOW):
            number = await raised(tx, portal.tenant, "Rated in a browser", status=Status.RESOLVED)
            await tx.write("update ticket set resolved_at = $2 where number = $1", number, resolved_at)
            ballot = ballot_of(portal.tenant.company.id, number, resolved_at, portal.tenant.user.email)
            paths.append(FEEDBACK_PATH + write_token(ballot, secret))
    return Given(*paths)


@pytest.fixture(scope="module")
async def company_paths(portal: Portal, database: Database) -> list[str]:
    """Return the pages of a company with a key, and a webhook that has a failed delivery."""
    tenant, webhook = portal.tenant, {"url": "https://hooks.example.com/tickets", "types": ("ticket.",)}
    async with database.transaction() as tx:
        actor = await key_store.actor_for(tx, tenant.company.id, portal.admin.id, ALL_SCOPES)
        assert actor is not None
        added, _secret = await subscriptions.add_subscription(tx, actor, webhook, of=None, networks=(), most=9, now=NOW)
        sent = await subscriptions.ping(tx, actor, added.id, of=None, now=NOW)
        await tx.write("update delivery set state = 'dead', due_at = null, finished_at = now()")
        [key, *_others] = await keys.list_keys(tx, actor, tenant.company.id, after=None, limit=1)
    person, log = f"{COMPANY}/people/{tenant.user.id}", f"{COMPANY}/webhooks/{added.id}/deliveries"
    return [
        COMPANY, f"{COMPANY}/settings", f"{COMPANY}/contact-mail",
        f"{COMPANY}/people", f"{COMPANY}/people/new", person, f"{person}/notifications", f"{COMPANY}/keys",
        f"{COMPANY}/keys/new", f"{COMPANY}/keys/{key.id}", f"{COMPANY}/webhooks", f"{COMPANY}/webhooks/new",
        f"{COMPANY}/webhooks/{added.id}", log, f"{log}?state=waiting", f"{log}/{sent.id}", "/portal/me",
        "/portal/me/notifications",
    ]  # fmt: skip


async def test_no_page_of_tickets_breaks_a_rule_of_accessibility_or_scrolls_sideways(
    browser: Browser, portal: Portal, cookies: dict[str, str], feedback: Given
) -> None:
    wrong: list[str] = []
    for size in WIDTHS:
        opened = await context(browser, size, cookies, portal.url)
        page = await opened.new_page()
        for path in (
            "/", "/portal/tickets", "/portal/tickets?q=nothinglikethis", "/portal/tickets?show=closed", portal.ticket,
            "/portal/services", "/portal/services?q=nothinglikethis", "/portal/service?id=SVC-1",
            "/portal/second-factor", "/portal/nothing", "/portal/tickets/new", "/portal/company",
            "/portal/tickets/new?step=service&find=nothinglikethis", "/portal/tickets/new?service=SVC-1",
            feedback.open, feedback.closed, "/feedback/nothing",
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
        await page.goto(f"{portal.url}{feedback.open}?rating=good")
        await page.get_by_role("button").click()
        await expect(page.get_by_text("You can change it for one day.")).to_be_visible()
        wrong += await check(page, f"feedback that was given {size}")
        await opened.close()
    assert wrong == []


async def test_no_page_of_the_company_breaks_a_rule_of_accessibility_or_scrolls_sideways(
    browser: Browser, portal: Portal, database: Database, company_paths: list[str]
) -> None:
    wrong: list[str] = []
    cookies = {"clearline-session": await token_of(database, portal.admin)}
    for size in WIDTHS:
        opened = await context(browser, size, cookies, portal.url)
        page = await opened.new_page()
        for path in company_paths:
            await page.goto(portal.url + path)
            wrong += await check(page, f"{path} {size}")
        await page.goto(f"{portal.url}{COMPANY}/keys/new")
        await page.get_by_label("Name").fill("crm")
        await page.get_by_label("tickets:read").check()
        await page.get_by_role("button", name="Issue the key").click()
        await expect(page.get_by_role("button", name="Copy the command")).to_be_visible()
        wrong += await check(page, f"a new key {size}")
        await opened.close()
    assert wrong == []


async def test_german_pages_break_no_rule_of_accessibility_and_do_not_scroll_sideways(
    browser: Browser, portal: Portal, database: Database, feedback: Given
) -> None:
    wrong: list[str] = []
    cookies = {"clearline-session": await token_of(database, portal.admin)}
    for size in ("phone", "narrow"):
        opened = await context(browser, size, cookies, portal.url)
        await opened.set_extra_http_headers({"Accept-Language": "de"})
        page = await opened.new_page()
        for path in (
            "/", "/portal/tickets", portal.ticket, "/portal/tickets/new", "/portal/tickets/new?service=SVC-1", COMPANY,
            f"{COMPANY}/webhooks/new", "/portal/me", "/portal/me/notifications", "/portal/second-factor", feedback.open,
        ):  # fmt: skip
            await page.goto(portal.url + path)
            await expect(page.locator("html")).to_have_attribute("lang", "de")
            wrong += await check(page, f"{path} {size}")
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


async def test_a_customer_signs_in_answers_and_closes_a_ticket(
    browser: Browser, portal: Portal, database: Database
) -> None:
    async with database.transaction() as tx:
        title = "Circuit down on a phone"
        number = await raised(tx, portal.tenant, title, status=Status.IN_PROGRESS)
    opened = await context(browser, "phone", {}, portal.url)
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


async def test_an_admin_invites_a_colleague_and_sets_up_a_key_and_a_webhook(
    browser: Browser, portal: Portal, database: Database
) -> None:
    cookies = {"clearline-session": await token_of(database, portal.admin)}
    opened = await context(browser, "phone", cookies, portal.url)
    async with database.transaction() as tx:
        await tx.write("update sign_in_session set authenticated_at = now() - interval '1 hour'")
    page = await opened.new_page()
    await page.goto(f"{portal.url}/portal")
    await page.get_by_role("link", name="Company").click()
    await page.get_by_role("link", name="Invite a person").click()
    await page.get_by_label("Name").fill("Ida Moss")
    await page.get_by_label("E-mail address").fill("ida@example.net")
    await page.get_by_role("button", name="Invite").click()
    await page.get_by_label("Your password").fill(PASSWORD)
    await page.get_by_role("button", name="Confirm and go on").click()
    await expect(page.get_by_role("heading", name="Ida Moss")).to_be_visible()
    await page.get_by_role("link", name="Company").click()
    await page.get_by_role("link", name="New key").click()
    await page.get_by_label("Name").fill("crm")
    await page.get_by_label("tickets:read").check()
    await page.get_by_role("button", name="Issue the key").click()
    await expect(page.get_by_text('curl -H "Authorization: Bearer clk_')).to_be_visible()
    await page.get_by_role("link", name="Company").click()
    await page.get_by_role("link", name="New webhook").click()
    await page.get_by_label("URL").fill("https://hooks.example.com/orders")
    await page.get_by_label("ticket. (all)").check()
    await page.get_by_role("button", name="Add").click()
    await expect(page.get_by_role("heading", name="Signing secret").first).to_be_visible()
    await page.get_by_role("button", name="Send a test").click()
    await expect(page.get_by_role("heading", name="Payload")).to_be_visible()
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
