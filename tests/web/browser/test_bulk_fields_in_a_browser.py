"""The bar of a selection gets the input of an own field from the server, and works by the keyboard alone."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from clearline.fields import usecases as fields
from clearline.fields.domain import FieldType, Option, RecordKind, RefersTo
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from tests.builders.house import no_fields
from tests.builders.people import NOW
from tests.builders.web.browser import Site, check, context

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
async def own(database: Database) -> AsyncIterator[None]:
    """Have a few fields, and leave none behind."""
    await no_fields(database)
    regions = (Option("emea", "Europe"), Option("apac", "Asia"))
    async with database.transaction() as tx:
        for key, more in (
            ("region", {"type": FieldType.CHOICE, "options": regions, "help": "Where the circuit is"}),
            ("circuit", {"type": FieldType.TEXT}),
            ("areas", {"type": FieldType.CHOICES, "options": regions}),
            ("backup", {"type": FieldType.REFERENCE, "refers_to": RefersTo.SERVICE}),
        ):
            new = {"record": RecordKind.TICKET, "key": key, "label": f"The {key}", **more}
            await fields.add_field(tx, OPERATOR, new, now=NOW)
    yield
    await no_fields(database)


async def shoot(page: Page, name: str) -> None:
    if folder := os.environ.get("SHOOT"):
        await page.screenshot(path=str(Path(folder) / f"{name}.png"))


async def select_two(page: Page, site: Site) -> None:
    await page.goto(f"{site.url}/console/open")
    await expect(page.locator(".who [data-live]")).to_have_text("live")
    for key in ("j", "x", "j", "x"):
        await page.keyboard.press(key)
    await expect(page.locator("#bulk [data-count]")).to_have_text("2 selected")


async def open_field(page: Page, words: str) -> None:
    """Choose a field in the bar by the keyboard."""
    await page.get_by_role("button", name="Own fields", exact=True).press("Enter")
    select = page.locator("#own-key")
    await select.focus()
    await page.keyboard.type(words)


async def test_a_field_is_chosen_filled_in_tried_and_set_by_the_keyboard(desktop: Page, site: Site) -> None:
    await select_two(desktop, site)
    await desktop.locator("#bulk [name=dry]").press("Space")
    await open_field(desktop, "The region")
    value = desktop.locator("#own-input select")
    await expect(value).to_be_visible()
    await shoot(desktop, "bulk-region")
    assert await check(desktop, "bulk") == []
    await desktop.keyboard.press("Tab")
    await expect(value).to_be_focused()
    await desktop.keyboard.type("Asia")
    await desktop.get_by_role("button", name="Set the field").press("Enter")
    preview = desktop.locator("section.macro")
    await expect(preview).to_contain_text("2 of 2 tickets would change.")
    await expect(preview).to_contain_text("The region")
    await expect(preview).to_contain_text("Asia")
    await shoot(desktop, "bulk-preview")
    await preview.get_by_role("button", name="Change 2 tickets").press("Enter")
    await expect(desktop.locator(".banner.done")).to_contain_text("2 tickets changed.")


async def test_enter_in_a_text_sets_it_and_services_of_one_company_are_offered(desktop: Page, site: Site) -> None:
    await select_two(desktop, site)
    await open_field(desktop, "The backup")
    await expect(desktop.locator("#own-input option")).to_have_count(5)  # not said, and the services
    await desktop.locator("#own-key").select_option("circuit")
    text = desktop.locator("#own-input input[type=text]")
    await text.fill("BIR-1")
    await text.press("Enter")
    await expect(desktop.locator(".banner.done")).to_contain_text("2 tickets changed.")


async def test_a_wrong_value_stays_beside_why_it_was_refused(
    browser: Browser, site: Site, session: dict[str, str]
) -> None:
    opened = await context(browser, "desktop", session, site.url)
    desktop = await opened.new_page()
    await select_two(desktop, site)
    await open_field(desktop, "The circuit")
    await desktop.locator("#own-input input[type=text]").wait_for()
    await desktop.get_by_role("button", name="Set the field").press("Enter")
    asked = desktop.locator("section.macro")
    await expect(asked).to_contain_text("Must have a value.")
    await shoot(desktop, "bulk-refused")
    assert await check(desktop, "bulk") == []
    await asked.locator("input[type=text]").fill("BIR-2")
    await asked.get_by_role("button", name="Set the field").press("Enter")
    await expect(desktop.locator(".banner.done")).to_contain_text("2 tickets changed.")
    await opened.close()
