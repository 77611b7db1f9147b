"""The pages in Chromium: accessible in both themes at every width, within their budgets, and worked by keyboard."""

import pytest
from playwright.async_api import Browser, BrowserContext, FilePayload, Page, expect

from clearline.platform.database.transactions import Database
from tests.builders.web.browser import WIDTHS, Site, Traffic, check, context, violations

pytestmark = pytest.mark.slow
KB = 1000
BUDGET = {"js": 24 * KB, "css": 14 * KB, "woff2": 50 * KB, "html": 15 * KB}
REQUESTS_MAX, TOTAL_MAX, NODES_MAX = 14, 120 * KB, 2500


@pytest.mark.parametrize("size", WIDTHS)
async def test_every_page_is_accessible_and_fits(
    browser: Browser, site: Site, session: dict[str, str], size: str
) -> None:
    wrong: list[str] = []
    anonymous = await context(browser, size, {}, site.url)
    page = await anonymous.new_page()
    await page.goto(f"{site.url}/sign-in")
    wrong += await check(page, "sign-in")
    await anonymous.close()
    opened: BrowserContext = await context(browser, size, session, site.url)
    page = await opened.new_page()
    for path in ("/console/open", f"/console/tickets/{site.number}?list=open"):
        await page.goto(site.url + path)
        wrong += await check(page, path)
    await opened.close()
    assert wrong == []


async def test_overlays_and_other_pages_are_accessible(browser: Browser, site: Site, session: dict[str, str]) -> None:
    wrong: list[str] = []
    opened = await context(browser, "desktop", session, site.url)
    page = await opened.new_page()
    for path in (
        "/console/open?q=nothinglikethis",
        "/console/nothing",
        "/console/me",
        "/console/ui",
        "/console/second-factor",
    ):
        await page.goto(site.url + path)
        wrong += await check(page, path)
    await page.get_by_role("button", name="Set up").click()
    await expect(page.get_by_role("img", name="QR code")).to_be_visible()
    wrong += await check(page, "the set-up of a second factor")
    await page.goto(f"{site.url}/console/tickets/{site.number}")
    for key, overlay in (("s", "#pick-status"), ("a", "#pick-assignee"), ("?", "#help"), ("Control+k", "#palette")):
        await page.keyboard.press(key)
        await expect(page.locator(overlay)).to_be_visible()
        wrong += await check(page, overlay)
        await page.keyboard.press("Escape")
        await expect(page.locator(overlay)).to_be_hidden()
        await expect(page.locator(overlay)).to_be_hidden()
    await opened.close()
    assert wrong == []


@pytest.mark.parametrize("path", ["/console/open", "/console/tickets/{number}?list=open"])
async def test_a_page_stays_within_its_budget(desktop: Page, site: Site, path: str) -> None:
    await desktop.goto(site.url + path.format(number=site.number), wait_until="networkidle")
    traffic = Traffic()
    await traffic.count(desktop)
    over = {kind: size for kind, size in traffic.sizes.items() if size > BUDGET.get(kind, TOTAL_MAX)}
    assert over == {}
    assert sum(traffic.sizes.values()) <= TOTAL_MAX, traffic.sizes
    assert traffic.requests <= REQUESTS_MAX
    assert await desktop.evaluate("document.querySelectorAll('*').length") <= NODES_MAX


async def test_an_agent_works_a_ticket_by_keyboard_alone(desktop: Page, site: Site) -> None:
    press = desktop.keyboard.press
    await desktop.goto(f"{site.url}/console/unassigned")
    await expect(desktop.get_by_role("heading", name="Unassigned")).to_be_visible()
    await press("j")
    await press("j")
    await press("k")
    row = desktop.locator("tr:has(a:focus)")
    number = await row.get_attribute("id")
    assert number == await desktop.locator("#rows tr").first.get_attribute("id")
    await press("Enter")
    await expect(desktop.locator(f'[data-ticket="{number}"]')).to_be_visible()
    await press("i")
    await expect(desktop.locator("[popovertarget=pick-assignee]")).to_contain_text("Ben Ito")
    await press("p")
    await press("Escape")
    await press("a")
    await expect(desktop.locator("#pick-assignee")).to_be_visible()
    await press("Escape")
    await press("p")
    await expect(desktop.locator("#pick-priority")).to_be_visible()
    await desktop.keyboard.type("crit")
    await press("Enter")
    await expect(desktop.locator("[popovertarget=pick-priority]")).to_contain_text("Critical")
    await expect(desktop.locator("#toast")).to_contain_text("Priority: Critical")
    await press("z")
    await expect(desktop.locator("[popovertarget=pick-priority]")).not_to_contain_text("Critical")
    await press("n")
    await desktop.keyboard.type("Only for us")
    await press("Control+Enter")
    await expect(desktop.locator("article.note").last).to_contain_text("Only for us")
    await press("r")
    await desktop.keyboard.type("We are on it")
    await press("Control+Enter")
    await expect(desktop.locator("article.message").last).to_contain_text("We are on it")
    await expect(desktop.get_by_role("textbox", name="Message")).to_have_value("")
    await press("Escape")
    await press("j")
    await expect(desktop.locator(f'[data-ticket="{number}"]')).to_have_count(0)
    await press("g")
    await press("m")
    await expect(desktop.get_by_role("heading", name="My tickets")).to_be_visible()
    await expect(desktop.locator(f"#{number}")).to_be_visible()


async def test_a_link_is_copied_and_the_details_are_hidden_by_key(desktop: Page, site: Site) -> None:
    path = f"{site.url}/console/tickets/{site.number}"
    await desktop.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await desktop.goto(f"{path}?list=open")
    await desktop.keyboard.press("y")
    await expect(desktop.locator("#toast")).to_have_text("Copied")
    copied: str = await desktop.evaluate("navigator.clipboard.readText()")
    assert copied == f"{site.number} {path}"
    await desktop.keyboard.press("]")
    await expect(desktop.locator(".details")).to_be_hidden()
    await desktop.reload()
    await expect(desktop.locator(".details")).to_be_hidden()
    await desktop.keyboard.press("]")
    await expect(desktop.locator(".details")).to_be_visible()


async def test_the_command_palette_opens_views_and_tickets(desktop: Page, site: Site) -> None:
    await desktop.goto(f"{site.url}/console/mine")
    await desktop.keyboard.press("Control+k")
    await desktop.keyboard.type("waiting")
    await expect(desktop.locator("#palette [role=option][data-active]")).to_contain_text("Waiting")
    await desktop.keyboard.press("Enter")
    await expect(desktop.get_by_role("heading", name="Waiting")).to_be_visible()
    await desktop.keyboard.press("Control+k")
    await desktop.keyboard.type(site.number)
    await expect(desktop.locator("#palette a")).to_have_count(1)
    await desktop.keyboard.press("Enter")
    await expect(desktop.locator(f'[data-ticket="{site.number}"]')).to_be_visible()


async def test_a_key_of_the_bar_acts_on_the_row_with_the_cursor(desktop: Page, site: Site) -> None:
    press = desktop.keyboard.press
    await desktop.goto(f"{site.url}/console/open?sort=number")
    link = desktop.locator("#rows [data-row]").nth(1)
    await press("p")
    await expect(desktop.locator("#rows [name=ticket]:checked")).to_have_count(0)
    await press("j")
    await press("j")
    await expect(link).to_be_focused()
    await press("g")
    await press("p")
    await expect(desktop.locator("#rows [name=ticket]:checked")).to_have_count(0)
    await press("s")
    await expect(desktop.locator("#bulk")).to_contain_text("1 selected")
    choices = desktop.locator("#pick-status [role=option]:visible")
    await expect(choices).to_have_text(
        ["Waiting on customer", "On hold", "Resolved", "Cancellation asked", "Cancelled"], ignore_case=True
    )
    await press("Escape")
    await press("Escape")
    await expect(link).to_be_focused()
    await press("p")
    await expect(desktop.locator("#bulk")).to_contain_text("1 selected")
    await desktop.keyboard.type("crit")
    await press("Enter")
    await expect(desktop.get_by_role("status").filter(has_text="1 ticket changed")).to_be_visible()
    await expect(desktop.locator("#rows tr").nth(1)).to_contain_text("Critical")
    await expect(link).to_be_focused()
    await press("z")
    await expect(desktop.get_by_role("status").filter(has_text="as it was before")).to_be_visible()
    await expect(link).to_be_focused()


async def test_selected_rows_are_changed_together(desktop: Page, site: Site) -> None:
    press = desktop.keyboard.press
    await desktop.goto(f"{site.url}/console/open?sort=number")
    await press("j")
    await press("x")
    await press("j")
    await press("j")
    await press("Shift+X")
    await expect(desktop.locator("#bulk")).to_contain_text("3 selected")
    assert await violations(desktop) == []
    await press("p")
    await desktop.keyboard.type("low")
    await press("Enter")
    await expect(desktop.get_by_role("status").filter(has_text="changed")).to_be_visible()
    await expect(desktop.locator("#rows [name=ticket]:checked")).to_have_count(0)
    await expect(desktop.locator("#rows tr").nth(1)).to_contain_text("Low")
    assert desktop.url == f"{site.url}/console/open?sort=number"
    await expect(desktop.locator("#rows [data-row]").nth(2)).to_be_focused()
    await press("k")
    await press("k")
    await press("x")
    await expect(desktop.locator("#bulk")).to_contain_text("1 selected")
    await press("Escape")
    await expect(desktop.locator("#rows [name=ticket]:checked")).to_have_count(0)
    first, second = [await desktop.locator("#rows tr").nth(at).get_attribute("id") for at in (0, 1)]
    await press("Enter")
    await expect(desktop.locator(f'#ticket[data-ticket="{first}"]')).to_be_visible()
    await press("n")
    await desktop.keyboard.type("Passed on")
    await press("Control+Shift+Enter")
    await expect(desktop.locator(f'#ticket[data-ticket="{second}"]')).to_be_visible()
    await desktop.goto(f"{site.url}/console/tickets/{first}")
    await expect(desktop.locator("article.note").last).to_contain_text("Passed on")


async def test_selected_rows_get_tags_and_the_row_in_focus_a_macro_by_keyboard(desktop: Page, site: Site) -> None:
    press = desktop.keyboard.press
    await desktop.goto(f"{site.url}/console/open?sort=number")
    for key in ("j", "x", "j", "x", "t"):
        await press(key)
    await expect(desktop.locator("#add-tags")).to_be_focused()
    assert await check(desktop, "the tags of selected rows") == []
    await desktop.keyboard.type("cut maintenance")
    await press("Enter")
    await expect(desktop.locator("[role=status].banner")).to_contain_text("2 tickets changed.")
    await expect(desktop.locator("#rows tr").nth(1)).to_contain_text("cut")
    await press("z")
    await expect(desktop.locator("[role=status].banner")).to_contain_text("2 tickets are as they were before.")
    await press("j")
    await press("m")
    await expect(desktop.locator("#pick-macro [data-filter]")).to_be_focused()
    await expect(desktop.locator("#bulk")).to_contain_text("1 selected")
    await desktop.keyboard.type("levels")
    await press("Enter")
    preview = desktop.locator(".macro")
    await expect(preview).to_contain_text("1 of 1 ticket would change.")
    await expect(preview).to_contain_text("Please send us the levels.")
    assert await check(desktop, "the preview of a macro for selected rows") == []
    await expect(preview.get_by_role("button", name="Send, and change 1 ticket")).to_be_focused()
    await press("Enter")
    await expect(desktop.locator("[role=status].banner")).to_contain_text("Undo does not take back the messages")


@pytest.mark.parametrize(("width", "header"), [(320, 110), (390, 110), (800, 52), (1023, 52)])
async def test_a_filtered_list_has_room_for_its_title_and_its_subjects(
    desktop: Page, site: Site, database: Database, width: int, header: int
) -> None:
    async with database.transaction() as tx:
        await tx.write("delete from bulk_change")  # Undo of an earlier test would take a line of its own
    await desktop.set_viewport_size({"width": width, "height": 700})
    await desktop.goto(f"{site.url}/console/open?q=status:open")
    await expect(desktop.get_by_role("button", name="Save view")).to_be_visible()
    bar = await desktop.locator("form.bar").bounding_box()
    subject = await desktop.locator("#rows .subject").first.bounding_box()
    assert bar is not None
    assert subject is not None
    assert bar["height"] <= header + 1
    assert subject["width"] >= 200
    shown = await desktop.evaluate("document.querySelector('form.bar select').getBoundingClientRect().width")
    assert shown >= 90


async def test_fifty_more_rows_come_below_the_first(desktop: Page, site: Site) -> None:
    await desktop.goto(f"{site.url}/console/open")
    await expect(desktop.locator("#rows tr")).to_have_count(50)
    await desktop.get_by_text("Load 50 more").click()
    await expect(desktop.locator("#rows tr")).to_have_count(60)
    await expect(desktop.get_by_text("Load 50 more")).to_have_count(0)
    assert desktop.url == f"{site.url}/console/open"


async def test_a_draft_survives_a_reload_and_single_keys_can_be_switched_off(desktop: Page, site: Site) -> None:
    await desktop.goto(f"{site.url}/console/tickets/{site.number}")
    await desktop.keyboard.press("n")
    await desktop.keyboard.type("Half a thought")
    await desktop.reload()
    await expect(desktop.get_by_role("textbox", name="Message")).to_have_value("Half a thought")
    await expect(desktop.get_by_role("radio", name="Note")).to_be_checked()
    await desktop.get_by_role("textbox", name="Message").fill("")
    await desktop.keyboard.press("Escape")
    await desktop.keyboard.press("?")
    await desktop.get_by_label("Single-key shortcuts on").uncheck()
    await desktop.keyboard.press("Escape")
    await desktop.keyboard.press("s")
    await expect(desktop.locator("#pick-status")).to_be_hidden()
    await desktop.get_by_role("button", name="Keyboard shortcuts").click()
    await desktop.get_by_label("Single-key shortcuts on").check()
    await desktop.keyboard.press("Escape")
    await desktop.keyboard.press("s")
    await expect(desktop.locator("#pick-status")).to_be_visible()


async def test_files_are_attached_while_the_draft_stays(desktop: Page, site: Site) -> None:
    await desktop.goto(f"{site.url}/console/tickets/{site.number}")
    await desktop.keyboard.press("r")
    await desktop.keyboard.type("See the levels")
    files = [FilePayload(name=name, mimeType="text/plain", buffer=b"rx -14.6") for name in ("a.txt", "b.txt")]
    await desktop.locator("[data-files]").set_input_files(files)
    await expect(desktop.locator(".file")).to_have_count(2)
    await expect(desktop.locator(".file").last).to_contain_text("b.txt")
    await expect(desktop.get_by_role("textbox", name="Message")).to_have_value("See the levels")
    await expect(desktop.get_by_role("textbox", name="Message")).to_be_focused()
    text, box = desktop.locator(".composer [name=text]"), desktop.locator(".composer .box")
    assert await text.evaluate("text => text.offsetWidth") > 0.9 * await box.evaluate("box => box.offsetWidth")
    await desktop.get_by_role("button", name="Remove b.txt").click()
    await expect(desktop.locator(".composer .file")).to_have_count(1)
    await expect(desktop.get_by_role("textbox", name="Message")).to_have_value("See the levels")
    await desktop.keyboard.press("Control+Enter")
    await expect(desktop.locator("article.message").last.locator(".file")).to_contain_text("a.txt")
    await expect(desktop.locator(".composer .file")).to_have_count(0)


async def test_the_pages_work_without_scripts(browser: Browser, site: Site, session: dict[str, str]) -> None:
    opened = await browser.new_context(java_script_enabled=False)
    await opened.add_cookies([{"name": name, "value": value, "url": site.url} for name, value in session.items()])
    page = await opened.new_page()
    await page.goto(f"{site.url}/console/open?sort=number")
    await page.locator("#rows a").first.click()
    await page.get_by_role("textbox", name="Message").fill("Sent without scripts")
    await page.locator("noscript input").set_input_files(
        [FilePayload(name="levels.txt", mimeType="text/plain", buffer=b"rx -14.6")]
    )
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator("article.message").last).to_contain_text("Sent without scripts")
    await expect(page.locator("article.message").last.locator(".file")).to_contain_text("levels.txt")
    await page.locator("[popovertarget=pick-priority]").click()
    await page.locator("#pick-priority").get_by_text("High").click()
    await expect(page.locator("[popovertarget=pick-priority]")).to_contain_text("High")
    await opened.close()
