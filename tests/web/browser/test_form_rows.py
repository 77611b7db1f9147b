"""The page of forms in Chromium: its rows are arranged by keyboard, and without scripts."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from clearline.catalogue import entry_usecases as entries
from clearline.catalogue.entry_usecases import ISSUE_TYPES
from clearline.clock import now
from clearline.fields.domain import FieldAudience
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.tickets.forms import usecases as forms
from clearline.tickets.forms.domain import Condition, FormField
from tests.builders.house import no_forms
from tests.builders.sign_in.sessions import new_person_with_password, signed_in
from tests.builders.web.browser import Site, check, context

pytestmark = pytest.mark.slow
FIELDS = (
    FormField("title", is_required=True),
    FormField("description", is_required=True),
    FormField("dispatch_allowed"),
    FormField("site_access"),
    FormField("cc"),
)
CONDITION = FormField("site_access", is_required=True, when=Condition("dispatch_allowed", (True,)))


@pytest.fixture
async def address(database: Database, site: Site) -> AsyncIterator[str]:
    """Yield the address of the forms of an issue type, of which one is defined."""
    async with database.transaction() as tx:
        entry = await entries.entry_called(tx, OPERATOR, ISSUE_TYPES, "Circuit Down")
        await forms.set_form(tx, OPERATOR, "Circuit Down", FieldAudience.CUSTOMER, FIELDS, now=now())
    yield f"{site.url}/console/admin/forms/{entry.id}"
    await no_forms(database)


@pytest.fixture
async def cookies(database: Database) -> dict[str, str]:
    admin = await new_person_with_password(database, Role.ADMIN)
    return {"clearline-session": (await signed_in(database, admin, now=now())).token}


async def stored(database: Database) -> tuple[FormField, ...]:
    async with database.transaction() as tx:
        return (await forms.get_form(tx, OPERATOR, "Circuit Down", FieldAudience.CUSTOMER)).fields


@pytest.mark.parametrize("size", ["desktop", "narrow"])
async def test_rows_are_arranged_by_keyboard_and_the_focus_stays(
    browser: Browser, site: Site, cookies: dict[str, str], database: Database, address: str, size: str
) -> None:
    opened = await context(browser, size, cookies, site.url)
    page = await opened.new_page()
    await page.goto(address)
    up = page.get_by_role("button", name="Move Copies by mail (CC) up")
    await up.focus()
    for place in (3, 2):
        await page.keyboard.press("Enter")
        await expect(page.locator("tbody tr").nth(place)).to_contain_text("Copies by mail (CC)")
        await expect(up).to_be_focused()
    await page.get_by_label("Site access: only when").select_option("dispatch_allowed")
    yes = page.get_by_label("Yes")
    await yes.focus()
    await page.keyboard.press("Space")
    question = page.get_by_role("listitem").filter(has_text="only when Technician on site is Yes")
    await expect(question).to_be_visible()
    await expect(yes).to_be_focused()
    await page.get_by_label("Site access: required").check()
    await expect(question).to_contain_text("required")
    await expect(page.get_by_text("Not saved yet")).to_be_visible()
    assert await check(page, "changed rows") == []
    await page.get_by_role("button", name="Move Technician on site down").press("Enter")
    await expect(page.get_by_text("Must be a field that stands before it.")).to_be_visible()
    assert await check(page, "a row that breaks a rule") == []
    await page.get_by_role("button", name="Move Technician on site up").press("Enter")
    await expect(page.get_by_text("Must be a field that stands before it.")).to_have_count(0)
    await page.get_by_role("button", name="Save").press("Enter")
    await expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    await opened.close()
    assert await stored(database) == (*FIELDS[:2], FIELDS[4], FIELDS[2], CONDITION)


async def test_rows_are_arranged_without_scripts(
    browser: Browser, site: Site, cookies: dict[str, str], database: Database, address: str
) -> None:
    opened = await context(browser, "narrow", cookies, site.url, runs_scripts=False)
    page = await opened.new_page()
    await page.goto(address)
    await page.get_by_role("button", name="Remove Copies by mail (CC)").click()
    await page.get_by_label("Site access: only when").select_option("dispatch_allowed")
    await page.get_by_role("button", name="Update the form").click()
    await page.get_by_label("Yes").check()
    await page.get_by_label("Site access: required").check()
    await page.get_by_label("Add a field").select_option("occurred_at")
    await page.get_by_role("button", name="Add", exact=True).click()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    await opened.close()
    assert await stored(database) == (*FIELDS[:3], CONDITION, FormField("occurred_at"))
