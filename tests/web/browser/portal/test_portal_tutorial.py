"""The tutorial of the portal works: its steps are taken in a browser, with the demo's data."""

import re
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.builders.processes import eventually
from tests.builders.server import Server, running_server
from tests.builders.web.browser import context

INES = "Ines Okafor (ines.okafor@alderbay.example.com, customer_admin)"
TITLE = "2 % loss towards Frankfurt"


@pytest.fixture(scope="module")
def demo() -> Iterator[Server]:
    """Yield a server with the demo's data, once it has printed who can sign in."""
    with running_server("portal-tutorial-", "--demo") as server:
        assert eventually(lambda: "Reference:" in server.out)
        yield server


@pytest.fixture
async def opened(browser: Browser, demo: Server) -> AsyncIterator[BrowserContext]:
    """Yield the browser of a customer's admin."""
    profile = await context(browser, "desktop", {}, demo.url)
    yield profile
    await profile.close()


def printed(server: Server, pattern: str) -> tuple[str, ...]:
    """Return what the demo prints."""
    match = re.search(pattern, server.out)
    assert match, server.out
    return match.groups()


async def sign_in(page: Page, server: Server) -> None:
    """Take step 1."""
    email, password = printed(server, r"Customer's admin: +(ines\S+) +(\S+)")
    await page.goto(f"{server.url}/sign-in")
    await page.get_by_label("E-mail address").fill(email)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Tickets", exact=True)).to_be_visible()


async def raise_ticket(page: Page) -> str:
    """Take step 2; return the number of the ticket."""
    await page.get_by_role("link", name="Raise a ticket").click()
    await page.get_by_role("radio").first.check()
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("radio", name="Packet loss").check()
    await page.get_by_label("Summary").fill(TITLE)
    await page.get_by_label("Since when?").fill("2026-03-01T09:12")
    await page.get_by_label("What do you see?").fill("Every tenth ping is lost.")
    await page.get_by_role("button", name="Raise ticket").click()
    await expect(page.get_by_text("Your ticket is raised.")).to_be_visible()
    return page.url.partition("?")[0].rpartition("/")[2]


async def answer(server: Server, number: str, text: str, *statuses: str) -> None:
    """Answer as the agent of the demo does, and set the status."""
    [key] = printed(server, r"Agent key: +(\S+)")
    ticket = f"{server.url}/api/v1/tickets/{number}"
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as client:
        note = await client.post(f"{ticket}/notes", json={"text": text, "visibility": "public"})
        assert note.is_success, note.text
        for status in statuses:
            moved = await client.post(f"{ticket}/status", json={"status": status})
            assert moved.is_success, moved.text


async def test_a_ticket_is_raised_answered_closed_and_rated(opened: BrowserContext, demo: Server) -> None:
    page = await opened.new_page()
    await sign_in(page, demo)
    number = await raise_ticket(page)
    await answer(demo, number, "Please send us the output of a ping.", "in_progress", "pending")
    await page.reload()
    await expect(page.locator(".timeline")).to_contain_text("Please send us the output of a ping.")
    await page.get_by_label("Your answer").fill("It is at the second hop.")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".timeline")).to_contain_text("It is at the second hop.")
    await answer(demo, number, "The connector was cleaned.", "resolved")
    await page.reload()
    await page.get_by_role("button", name="It works again").click()
    await expect(page.get_by_text("Thank you. The ticket is closed.")).to_be_visible()
    await page.get_by_role("link", name="Well", exact=True).click()
    await page.get_by_role("button", name="Send the feedback").click()
    await expect(page.get_by_text("Thank you. You can change it for one day.")).to_be_visible()


async def test_an_admin_invites_a_colleague_and_connects_a_program(opened: BrowserContext, demo: Server) -> None:
    page = await opened.new_page()
    await sign_in(page, demo)
    company = page.get_by_role("navigation", name="Main").get_by_role("link", name="Company")
    await company.click()
    await page.get_by_role("link", name="Invite a person").click()
    await page.get_by_label("Name").fill("Tam Reyes")
    await page.get_by_label("E-mail").fill("tam@alderbay.example.com")
    await page.get_by_role("button", name="Invite", exact=True).click()
    await page.get_by_role("button", name="Make a sign-in link").click()
    await expect(page.get_by_text("Link to choose a password")).to_be_visible()
    await company.click()
    await page.get_by_role("link", name="New key").click()
    await page.get_by_label("Name").fill("Monitoring")
    await page.get_by_label("Acts as").select_option(
        label="Ines Okafor (ines.okafor@alderbay.example.com, customer_admin)"
    )
    await page.get_by_label("tickets:read").check()
    await page.get_by_role("button", name="Issue the key").click()
    [key] = re.findall(r"Bearer (\S+?)\"", await page.locator("pre.payload").inner_text())
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as client:
        read = await client.get(f"{demo.url}/api/v1/tickets")
    assert read.is_success, read.text
    await company.click()
    await page.get_by_role("link", name="New webhook").click()
    await page.get_by_label("URL").fill("https://hooks.example.com/tickets")
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(page.get_by_text("Signing secret").first).to_be_visible()
    await page.get_by_role("button", name="Send a test").click()
    await expect(page.get_by_text("ping").first).to_be_visible()
