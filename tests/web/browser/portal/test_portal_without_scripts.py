"""Every journey of a customer in a browser that runs no scripts, on a phone."""

import csv
import io
import re
from collections.abc import AsyncIterator

import pyotp
import pytest
from playwright.async_api import Browser, BrowserContext, FilePayload, Page, expect

from clearline.clock import now
from clearline.identity import OPERATOR, User
from clearline.inventory import usecases as inventory
from clearline.platform.database.transactions import Database
from clearline.tickets import change_usecases as ticket_changes
from clearline.tickets.domain import Status, ticket_number
from tests.builders.people import NOW
from tests.builders.sign_in.sessions import PASSWORD
from tests.builders.tickets import raised
from tests.builders.web.browser import Portal, context
from tests.builders.web.pages import token_of

LEVELS = FilePayload(name="levels.txt", mimeType="text/plain", buffer=b"rx -14.6")
LOG = FilePayload(name="router.log", mimeType="text/plain", buffer=b"xe-0/1/3 down")


@pytest.fixture
async def profile(browser: Browser, portal: Portal) -> AsyncIterator[BrowserContext]:
    """Yield a profile of the browser that runs no scripts."""
    opened = await context(browser, "phone", {}, portal.url, runs_scripts=False)
    yield opened
    await opened.close()


async def signed_in(profile: BrowserContext, portal: Portal, database: Database, user: User | None = None) -> Page:
    """Return the list of tickets of a person."""
    token = await token_of(database, user or portal.tenant.user)
    await profile.add_cookies([{"name": "clearline-session", "value": token, "url": portal.url}])
    page = await profile.new_page()
    await page.goto(f"{portal.url}/portal")
    return page


async def moved(database: Database, number: int, *statuses: Status) -> None:
    """Change the status of a ticket as the provider does."""
    async with database.transaction() as tx:
        for status in statuses:
            await ticket_changes.move_ticket(tx, OPERATOR, number, status, reason="", now=now())


async def test_a_customer_signs_in_and_out(profile: BrowserContext, portal: Portal) -> None:
    page = await profile.new_page()
    await page.goto(portal.url)
    await page.get_by_role("link", name="Sign in").first.click()
    for password in ("not this one", PASSWORD):
        await page.get_by_label("E-mail address").fill(portal.tenant.user.email)
        await page.get_by_label("Password").fill(password)
        await page.get_by_role("button", name="Sign in").click()
        if password != PASSWORD:
            await expect(page.get_by_role("alert")).to_have_text("The e-mail address or the password is wrong.")
    await page.get_by_role("button", name="Kestrel CDN").click()
    await expect(page.get_by_role("heading", name="Tickets", exact=True)).to_be_visible()
    await page.locator("details.account summary").click()
    await page.get_by_role("button", name="Sign out").click()
    await page.goto(f"{portal.url}/portal")
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_a_ticket_is_raised_with_files_about_a_service_that_is_searched(
    profile: BrowserContext, portal: Portal, database: Database
) -> None:
    company = portal.tenant.company
    async with database.transaction() as tx:
        for at in range(10, 20):
            await inventory.add_service(tx, OPERATOR, company.id, f"FRA-{at}", "Port", f"Edge {at}", now=NOW)
    page = await signed_in(profile, portal, database)
    await page.get_by_role("link", name="Raise a ticket").click()
    await page.get_by_label("Search services").fill("edge 17")
    await page.get_by_role("button", name="Search", exact=True).click()
    await page.get_by_role("radio", name="Edge 17").check()
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("radio", name="Packet loss").check()
    await page.get_by_label("Summary").fill(" ")
    await page.get_by_label("Since when?").fill("2026-03-01T09:12")
    await page.get_by_label("What do you see?").fill("2 % of the packets are lost")
    await page.locator("#files").set_input_files([LEVELS, LOG])
    await page.locator("summary", has_text="What we may do").click()
    await page.get_by_label("Intrusive tests").select_option(label="Yes, within hours")
    await page.get_by_label("Hours for tests").fill("22:00 to 04:00")
    await page.locator("summary", has_text="Your reference").click()
    await page.get_by_label("Your reference").fill("CHG-4711")
    await page.get_by_label("How urgent is it for you?").select_option(label="High")
    await page.get_by_label("Contact", exact=True).select_option(label="Somebody else")
    await page.locator("#name").fill("Night desk")
    await page.locator("#email").fill("night@example.com")
    await page.locator("#phone").fill("+1-555-0123")
    await page.get_by_role("button", name="Raise ticket").click()
    await expect(page.get_by_role("alert")).to_contain_text("The ticket is not raised yet.")
    await expect(page.get_by_text("Choose the files again: levels.txt, router.log.")).to_be_visible()
    await page.get_by_label("Summary").fill("Loss without scripts")
    await page.get_by_role("button", name="Change the service").click()
    await page.get_by_role("radio", name="Not in the list").check()
    await page.get_by_label("What is it called?").fill("radio link 7")
    await page.get_by_role("button", name="Continue").click()
    for label, value in (
        ("Summary", "Loss without scripts"), ("Since when?", "2026-03-01T09:12"),
        ("What do you see?", "2 % of the packets are lost"), ("Your reference", "CHG-4711"),
        ("How urgent is it for you?", "high"), ("Contact", ""),
    ):  # fmt: skip
        await expect(page.get_by_label(label, exact=True)).to_have_value(value)
    await expect(page.locator("#email")).to_have_value("night@example.com")
    await expect(page.locator("#phone")).to_have_value("+1-555-0123")
    await expect(page.get_by_role("radio", name="Packet loss")).to_be_checked()
    await page.locator("#files").set_input_files([LEVELS, LOG])
    await page.get_by_role("button", name="Raise ticket").click()
    await expect(page.get_by_text("Your ticket is raised.")).to_be_visible()
    for shown in ("1 Mar 2026, 09:12 UTC", "22:00 to 04:00", "CHG-4711", "Night desk", "radio link 7"):
        await expect(page.get_by_text(shown).first).to_be_visible()
    for name in ("levels.txt", "router.log"):
        await expect(page.get_by_role("link", name=name)).to_have_count(1)
    await page.goto(f"{portal.url}/portal/tickets/new?other=radio+link+7")
    await page.get_by_role("button", name="Follow this one").click()
    await expect(page.get_by_role("heading", name="Loss without scripts")).to_be_visible()
    await expect(page.get_by_role("region", name="Followers").locator(".followers")).to_contain_text("Ada Okoro")


async def test_a_ticket_is_answered_followed_closed_and_rated(
    profile: BrowserContext, portal: Portal, database: Database
) -> None:
    title = "Answered without scripts"
    async with database.transaction() as tx:
        number = await raised(tx, portal.tenant, title, status=Status.IN_PROGRESS)
    page = await signed_in(profile, portal, database)
    await page.get_by_role("link", name=title).click()
    await page.get_by_label("Reply").fill("We changed the optic.")
    await page.locator("#files").set_input_files([LEVELS, LOG])
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_text("Your reply is sent.")).to_be_visible()
    await expect(page.locator(".timeline")).to_contain_text("We changed the optic.")
    await expect(page.get_by_role("link", name="router.log")).to_be_visible()
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="levels.txt").click()
    assert (await (await downloading.value).path()).read_bytes() == b"rx -14.6"
    followers = page.get_by_role("region", name="Followers").locator(".followers")
    await page.get_by_role("button", name="Follow", exact=True).click()
    await expect(followers).to_contain_text("Ada Okoro")
    await page.locator("summary", has_text="Add a colleague").click()
    await page.get_by_label("E-mail address of a colleague").fill(portal.admin.email)
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(followers).to_contain_text("Ines Duarte")
    await page.get_by_role("button", name="Remove Ada Okoro").click()
    await expect(followers).not_to_contain_text("Ada Okoro")
    await page.get_by_role("button", name="It works again").click()
    await expect(page.get_by_text("resolves the ticket")).to_be_visible()
    await moved(database, number, Status.RESOLVED)
    await page.reload()
    await page.locator("summary", has_text="It still fails").click()
    await page.get_by_label("What is still wrong?").fill("Loss on the second lane")
    await page.get_by_role("button", name="Reopen the ticket").click()
    await expect(page.get_by_text("The ticket is reopened.")).to_be_visible()
    await expect(page.locator(".timeline")).to_contain_text("Loss on the second lane")
    await moved(database, number, Status.IN_PROGRESS, Status.RESOLVED)
    await page.reload()
    await page.get_by_role("button", name="It works again").click()
    await expect(page.get_by_text("Thank you. The ticket is closed.")).to_be_visible()
    link = await page.get_by_role("link", name="Not well").get_attribute("href")
    await profile.clear_cookies()
    await page.goto(f"{portal.url}{link}")
    await page.get_by_label("What should we know?").fill("It took a week.")
    await page.get_by_role("button", name="Send the feedback").click()
    await expect(page.get_by_text("Thank you. You can change it for one day.")).to_be_visible()
    await page.get_by_label("Well", exact=True).check()
    await page.get_by_role("button", name="Change the feedback").click()
    await expect(page.get_by_label("Well", exact=True)).to_be_checked()
    await expect(page.get_by_label("What should we know?")).to_have_value("It took a week.")


async def test_a_ticket_is_cancelled_and_the_list_becomes_a_table(
    profile: BrowserContext, portal: Portal, database: Database
) -> None:
    async with database.transaction() as tx:
        number = await raised(tx, portal.tenant, "Cancelled without scripts")
    page = await signed_in(profile, portal, database)
    await page.goto(f"{portal.url}/portal/tickets/{ticket_number(number)}")
    await page.locator("summary", has_text="Ask for cancellation").click()
    await page.get_by_label("Why?").fill("It was our own switch")
    await page.get_by_role("button", name="Ask for cancellation").click()
    await expect(page.get_by_text("The support team knows that you want to cancel the ticket.")).to_be_visible()
    await page.goto(f"{portal.url}/portal/tickets")
    await page.get_by_label("Status").select_option("cancellation_requested")
    await page.get_by_role("button", name="Search", exact=True).click()
    await expect(page.locator(".rows li")).to_have_count(1)
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Download as CSV").click()
    table = (await (await downloading.value).path()).read_text(encoding="utf-8-sig")
    assert [row["number"] for row in csv.DictReader(io.StringIO(table))] == [ticket_number(number)]


async def test_an_admin_invites_and_deactivates_a_colleague_and_creates_and_revokes_a_key(
    profile: BrowserContext, portal: Portal, database: Database
) -> None:
    page = await signed_in(profile, portal, database, portal.admin)
    async with database.transaction() as tx:
        await tx.write("update sign_in_session set authenticated_at = now() - interval '1 hour'")
    company = page.get_by_role("navigation", name="Main").get_by_role("link", name="Company")
    await company.click()
    await page.get_by_role("link", name="Invite a person").click()
    await page.get_by_label("Name").fill("Ida Moss")
    await page.get_by_label("E-mail address").fill("ida@example.net")
    await page.get_by_role("button", name="Invite", exact=True).click()
    await page.get_by_label("Your password").fill(PASSWORD)
    await page.get_by_role("button", name="Confirm and go on").click()
    await expect(page.get_by_role("heading", name="Ida Moss", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Make a sign-in link").click()
    await expect(page.get_by_text("Link to choose a password")).to_be_visible()
    await page.locator("summary", has_text="Deactivate Ida Moss").click()
    await page.get_by_role("button", name="Yes: Deactivate Ida Moss").click()
    await expect(page.get_by_text("Deactivated. The person is signed out")).to_be_visible()
    await company.click()
    await page.get_by_role("link", name="New key").click()
    await page.get_by_label("Name").fill("crm")
    await page.get_by_label("tickets:read").check()
    await page.get_by_role("button", name="Issue the key").click()
    await expect(page.get_by_text('curl -H "Authorization: Bearer clk_')).to_be_visible()
    await page.locator("summary", has_text="Revoke crm").click()
    await page.get_by_role("button", name="Yes: Revoke crm").click()
    await expect(page.locator(".chip", has_text="revoked")).to_be_visible()


async def test_an_admin_adds_a_webhook_reads_its_log_and_replays_a_delivery(
    profile: BrowserContext, portal: Portal, database: Database
) -> None:
    page = await signed_in(profile, portal, database, portal.admin)
    await page.goto(f"{portal.url}/portal/company")
    await page.get_by_role("link", name="New webhook").click()
    await page.get_by_label("URL").fill("https://hooks.example.com/tickets")
    await page.get_by_label("ticket. (all)").check()
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(page.get_by_role("heading", name="Signing secret").first).to_be_visible()
    await page.get_by_role("button", name="Send a test").click()
    await expect(page.get_by_role("heading", name="Payload")).to_be_visible()
    async with database.transaction() as tx:
        await tx.write("update delivery set state = 'dead', due_at = null, finished_at = now()")
    await page.get_by_role("link", name="Back to the list").click()
    await page.get_by_role("link", name="Failed", exact=True).click()
    await page.locator("main").get_by_role("link", name="ping").click()
    await page.get_by_role("button", name="Replay").click()
    await expect(page.get_by_text("It is sent again now.")).to_be_visible()
    await page.get_by_role("link", name="Back to the list").click()
    await page.get_by_role("link", name="Back to the webhook").click()
    await page.get_by_role("button", name="Pause").click()
    await expect(page.get_by_text("Paused. Events that happen from now on are not sent")).to_be_visible()
    await page.locator("summary", has_text="Delete").click()
    await page.get_by_role("button", name="Yes: Delete").click()
    await expect(page.get_by_text("Deleted.")).to_be_visible()


async def test_a_person_sets_its_profile_up(profile: BrowserContext, portal: Portal, database: Database) -> None:
    elsewhere = await token_of(database, portal.admin)
    page = await signed_in(profile, portal, database, portal.admin)
    root = page.locator("html")
    await page.goto(f"{portal.url}/portal/me")
    main = page.locator("main")
    await main.get_by_role("button", name="Dark").click()
    await expect(root).to_have_attribute("data-theme", "dark")
    await main.get_by_role("button", name="Deutsch").click()
    await expect(root).to_have_attribute("lang", "de")
    await main.get_by_role("button", name="English").click()
    await expect(root).to_have_attribute("lang", "en")
    await main.get_by_role("link", name="Set or change").click()
    await page.get_by_label("The support team replies").select_option("digest")
    await page.get_by_label("Time zone").fill("Europe/Lisbon")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    await expect(page.get_by_text("Times are in Europe/Lisbon.")).to_be_visible()
    await page.get_by_role("link", name="Back", exact=True).click()
    await main.get_by_role("button", name="End all others").click()
    await expect(main.locator(".sessions li")).to_have_count(1)
    changed = "a heron waits beside the lock"
    await main.get_by_label("Present password").fill(PASSWORD)
    await main.get_by_label("New password").fill(changed)
    await main.get_by_role("button", name="Change the password").click()
    await expect(page.get_by_text("Your password is changed.")).to_be_visible()
    async with database.transaction() as tx:
        await tx.write("update sign_in_session set authenticated_at = now() - interval '1 hour'")
    await main.get_by_role("link", name="Set up or change").click()
    await page.get_by_label("Password").fill(changed)
    await page.get_by_role("button", name="Confirm").click()
    await page.get_by_role("button", name="Set up").click()
    secret = await page.locator("code").inner_text()
    await page.get_by_label("Code", exact=True).fill(pyotp.TOTP(secret).now())
    await page.get_by_role("button", name="Turn on").click()
    await expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    await page.get_by_role("link", name="Go to your tickets").click()
    await page.goto(f"{portal.url}/portal/second-factor")
    await page.get_by_role("button", name="Turn off").click()
    await expect(page.get_by_role("button", name="Set up")).to_be_visible()
    await profile.add_cookies([{"name": "clearline-session", "value": elsewhere, "url": portal.url}])
    await page.goto(f"{portal.url}/portal/me")
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert re.search("next=%2Fportal%2Fme", page.url)


async def test_an_admin_sets_where_notices_go(profile: BrowserContext, portal: Portal, database: Database) -> None:
    page = await signed_in(profile, portal, database, portal.admin)
    await page.goto(f"{portal.url}/portal/company")
    await page.get_by_role("link", name="Change the settings").click()
    await page.get_by_label("Time zone").fill("Lisbon")
    await page.get_by_label("Notices of billing go to").fill("pay@example.com")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Not saved.")).to_be_visible()
    await expect(page.get_by_label("Notices of billing go to")).to_have_value("pay@example.com")
    await page.get_by_label("Time zone").fill("Europe/Lisbon")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
    await page.get_by_role("link", name="Back to the company").click()
    await expect(page.get_by_text("pay@example.com")).to_be_visible()
    await page.get_by_role("link", name="Mail to contacts").click()
    await page.get_by_role("group", name="Copy (CC)").get_by_label("Changes of the status").check()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("It counts for mail about what happens from now on.")).to_be_visible()
    copies = page.get_by_role("group", name="Copy (CC)")
    await expect(copies.get_by_label("Changes of the status")).to_be_checked()
