"""An admin selects words in a message and redacts them, with a preview, at every width."""

import pytest
from playwright.async_api import Browser, Page, expect

from clearline.clock import now
from clearline.identity import Role
from clearline.platform.database.transactions import Database
from tests.builders.sign_in.sessions import new_person_with_password, signed_in
from tests.builders.web.browser import WIDTHS, Site, check, context

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
async def cookies(database: Database, site: Site) -> dict[str, str]:  # noqa: ARG001 - the desk is there
    admin = await new_person_with_password(database, Role.ADMIN)
    return {"clearline-session": (await signed_in(database, admin, now=now())).token}


async def select(page: Page, text: str) -> None:
    """Select a text in a message, as a double click and a drag do."""
    await page.get_by_text(text, exact=True).first.select_text()


async def test_selected_words_are_redacted(browser: Browser, site: Site, cookies: dict[str, str]) -> None:
    opened = await context(browser, "desktop", cookies, site.url)
    page = await opened.new_page()
    await page.goto(f"{site.url}/console/tickets/{site.number}")
    await select(page, "Can you look at it?")
    await page.get_by_role("button", name="Redact").click()
    await expect(page.get_by_label("Words")).to_have_value("Can you look at it?")
    wrong = await check(page, "preview")
    await page.get_by_label("Reason").fill("A password")
    await page.get_by_role("button", name="Remove for good").click()
    await expect(page.get_by_text("A password")).to_be_visible()
    wrong += await check(page, "list")
    await page.goto(f"{site.url}/console/tickets/{site.number}")
    await expect(page.get_by_text("[redacted]").first).to_be_visible()
    await expect(page.get_by_text("Can you look at it?")).to_have_count(0)
    await opened.close()
    assert wrong == []


@pytest.mark.parametrize("size", WIDTHS)
async def test_the_page_is_accessible_and_fits(
    browser: Browser, site: Site, cookies: dict[str, str], size: str
) -> None:
    opened = await context(browser, size, cookies, site.url)
    page = await opened.new_page()
    await page.goto(f"{site.url}/console/tickets/{site.number}/redact")
    wrong = await check(page, f"form, {size}")
    await page.get_by_label("Words to remove").fill("Same as MI-27")
    await page.get_by_role("button", name="Preview").first.click()
    await expect(page.get_by_role("button", name="Remove for good")).to_be_visible()
    wrong += await check(page, f"preview, {size}")
    await opened.close()
    assert wrong == []
