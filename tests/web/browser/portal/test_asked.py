"""The fields of a form with conditions come and go in Chromium, and what is typed stays."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, FilePayload, expect

from clearline.fields.domain import FieldAudience
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.tickets.forms import usecases as forms
from clearline.tickets.forms.domain import Condition, FormField
from tests.builders.house import no_forms
from tests.builders.people import NOW
from tests.builders.web.browser import Portal, check, context


@pytest.fixture
async def defined(database: Database) -> AsyncIterator[None]:
    """Define a form of one issue type, and leave none behind."""
    fields = [
        FormField("title"), FormField("dispatch_allowed"),
        FormField("site_access", is_required=True, when=Condition("dispatch_allowed", (True,))),
        FormField("contacts", when=Condition("dispatch_allowed", (True,))), FormField("description"),
    ]  # fmt: skip
    async with database.transaction() as tx:
        await forms.set_form(tx, OPERATOR, "Circuit Down", FieldAudience.CUSTOMER, fields, now=NOW)
    yield
    await no_forms(database)


@pytest.mark.usefixtures("defined")
async def test_fields_come_and_go_with_what_is_chosen(
    browser: Browser, portal: Portal, cookies: dict[str, str]
) -> None:
    opened = await context(browser, "phone", cookies, portal.url)
    page = await opened.new_page()
    await page.goto(f"{portal.url}/portal/tickets/new?service=SVC-1")
    await page.locator("#files").set_input_files([FilePayload(name="a.txt", mimeType="text/plain", buffer=b"rx")])
    dispatch, access = page.get_by_label("Technician on site"), page.get_by_label("Access: contact")
    await expect(dispatch).to_have_count(0)
    await page.get_by_label("Summary").fill("Down on a phone")
    await page.get_by_role("radio", name="Down", exact=False).first.check()
    await dispatch.select_option("yes")
    await expect(access).to_be_visible()
    await access.fill("Kim, +1-555-0101")
    await page.get_by_role("group", name="Contact 1").get_by_label("Name").fill("Kim")
    await page.get_by_role("button", name="Another contact").click()
    await expect(page.get_by_role("group", name="Contact 2")).to_be_visible()
    assert await check(page, "the form") == []
    await dispatch.select_option("no")
    await expect(access).to_have_count(0)
    await dispatch.select_option("yes")
    await expect(access).to_have_value("Kim, +1-555-0101")
    await expect(page.get_by_label("Summary")).to_have_value("Down on a phone")
    assert await page.locator("#files").evaluate("field => field.files.length") == 1
    await opened.close()
