"""The pages of the administration in Chromium: accessible, without sideways scroll, and worked by hand."""

import io
import re
import zipfile
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from playwright.async_api import Browser, FilePayload, Page, expect

from clearline.branding import usecases as branding
from clearline.bulk import usecases as jobs
from clearline.bulk import worker as workers
from clearline.clock import now
from clearline.identity import OPERATOR, Role, User
from clearline.platform.database.transactions import Database
from clearline.queues import usecases as queues
from clearline.routing import rule_usecases as rules
from clearline.tickets.domain import ticket_number
from clearline.web.branding import stylesheet
from clearline.web.console.admin.sidebar import entries
from clearline.webhooks import subscription_usecases as webhooks
from clearline.workspace import macro_usecases as macros
from tests.builders.mail.outbox import write
from tests.builders.people import new_tenant
from tests.builders.sign_in.sessions import new_person_with_password, signed_in
from tests.builders.web.browser import WIDTHS, Site, check, context
from tests.builders.web.templates import Family, add_own_fields, add_templates, new_family
from tests.builders.webhooks.sending import PROVIDER, insert_deliveries

pytestmark = pytest.mark.slow
HTML_MAX = 15_000


@pytest.fixture(scope="module")
async def admin(database: Database) -> User:
    return await new_person_with_password(database, Role.ADMIN)


@pytest.fixture(scope="module")
async def cookies(database: Database, admin: User, site: Site) -> dict[str, str]:  # noqa: ARG001 - the desk is there
    async with database.transaction() as tx:
        queue = (await queues.add_queue(tx, OPERATOR, name="Optics", now=now())).queue
        for name in ("All", "Shadowed"):
            await rules.add_rule(tx, OPERATOR, {"name": name, "queue_id": queue.id}, now=now())
        await macros.add_macro(tx, OPERATOR, {"name": "Done", "text": "Done."}, now=now())
        webhook, _secret = await webhooks.add_subscription(
            tx, OPERATOR, {"url": "https://hooks.example.com/desk"}, of=PROVIDER, networks=(), now=now()
        )
        await add_own_fields(tx)
        await add_templates(tx, None)
    await insert_deliveries(database, webhook, count=2)
    await write(database, await new_tenant(database))
    return {"clearline-session": (await signed_in(database, admin, now=now())).token}


@pytest.fixture(scope="module")
async def family(database: Database) -> Family:
    return await new_family(database)


async def preview_matrix(page: Page, url: str) -> None:
    """Preview a priority matrix that would change open tickets."""
    await page.goto(f"{url}/console/admin/priority-matrix/all-companies")
    await page.get_by_label("Priority (impact Degraded, asked for Nothing)").select_option("critical")
    await page.get_by_role("button", name="Preview").click()
    await expect(page.get_by_role("heading", name="Open tickets with this preview")).to_be_visible()


async def opened_pages(page: Page, url: str) -> AsyncIterator[str]:
    """Open the overview, and of each section the list, the form of a new record and that of the first; yield where."""
    await page.goto(f"{url}/console/admin")
    yield "overview"
    for entry in entries():
        await page.goto(url + entry.path)
        yield entry.path
        new, first = page.locator(f'.left a[href="{entry.path}/new"]'), page.locator(".lines a").first
        addresses = [await link.get_attribute("href") for link in (new, first) if await link.count()]
        for address in addresses:
            await page.goto(f"{url}{address}")
            yield str(address)
    await page.goto(f"{url}/console/admin/branding/accent?accent_hue=100")
    yield "an accent"
    await page.goto(f"{url}/console/admin/branding/logo")
    yield "the logo"
    await preview_matrix(page, url)
    yield "a preview of the priority matrix"
    await page.goto(f"{url}/console/admin/companies")
    await page.locator(".lines a").first.click()
    await page.get_by_role("link", name="Manage services").click()
    await expect(page.get_by_role("heading", name="Services", level=1)).to_be_visible()
    await page.locator(".lines a").first.click()
    await expect(page.get_by_label("Label", exact=True)).to_be_visible()
    yield "a service"
    await page.goto(f"{url}/console/admin/companies")
    await page.locator(".lines a").first.click()
    await page.get_by_role("link", name="Manage people").click()
    await expect(page.get_by_role("heading", name="People", level=1)).to_be_visible()
    await page.locator(".lines a").first.click()
    await expect(page.get_by_label("Phone")).to_be_visible()
    yield "a person of a company"
    for link, heading in (
        ("Manage mail domains", "Mail domains"),
        ("Manage API keys", "API keys"),
        ("Manage webhooks", "Webhooks"),
        ("Import services", "Import services"),
        ("Set who gets which mail", "Mail to contacts of"),
    ):
        await page.goto(f"{url}/console/admin/companies")
        await page.locator(".lines a").first.click()
        await page.get_by_role("link", name=link).click()
        await expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible()
        yield link
    await page.goto(f"{url}/console/admin/webhooks")
    await page.locator(".lines a").first.click()
    await page.get_by_role("link", name="Open the log").click()
    await expect(page.get_by_role("heading", name="Deliveries", level=1)).to_be_visible()
    yield "the log of a webhook"
    await page.locator(".lines a").first.click()
    await expect(page.get_by_role("heading", name="Payload")).to_be_visible()
    yield "a delivery"
    for path in ("/console/me", "/console/me/notifications", "/console/me/keys", "/console/me/keys/new"):
        await page.goto(url + path)
        yield path
    await page.goto(f"{url}/console/admin/routing/try")
    await page.get_by_role("button", name="Try", exact=True).click()
    await expect(page.get_by_role("status").filter(has_text="Queue: Optics")).to_be_visible()
    yield "a try of the routing rules"


@pytest.mark.parametrize("size", WIDTHS)
async def test_the_pages_of_a_parent_and_of_templates_are_accessible_and_fit(
    browser: Browser, site: Site, cookies: dict[str, str], family: Family, size: str
) -> None:
    opened = await context(browser, size, cookies, site.url)
    page = await opened.new_page()
    wrong: list[str] = []
    for tenant in (family.parent, family.child, family.private):
        for path in (f"/console/companies/{tenant.company.id}", f"/console/admin/companies/{tenant.company.id}"):
            await page.goto(site.url + path)
            await expect(page.get_by_role("heading", name=tenant.company.name)).to_be_visible()
            wrong += await check(page, f"{tenant.company.name} {path}")
    await page.goto(f"{site.url}/console/tickets/{ticket_number(family.number)}")
    wrong += await check(page, "a ticket of a child")
    await page.goto(f"{site.url}/console/tickets/new?company={family.child.company.id}")
    await expect(page.get_by_role("heading", name="Begin with a template")).to_be_visible()
    wrong += await check(page, "the templates before a ticket")
    await page.get_by_role("link", name="A port that is down").click()
    await expect(page.get_by_text("The template is for services of the type Port.")).to_be_visible()
    wrong += await check(page, "the services of a template")
    await page.goto(f"{site.url}/console/admin/ticket-templates")
    for name in ("A port that is down", "Everything about the fibres"):
        await page.get_by_role("link", name=name).click()
        await expect(page.get_by_label("Own long text")).to_be_visible()
        wrong += await check(page, f"the template {name}")
        await page.goto(f"{site.url}/console/admin/ticket-templates")
    await opened.close()
    assert wrong == []


@pytest.mark.parametrize("size", WIDTHS)
async def test_every_section_is_accessible_and_fits(
    browser: Browser, site: Site, cookies: dict[str, str], size: str
) -> None:
    opened = await context(browser, size, cookies, site.url)
    page = await opened.new_page()
    wrong: list[str] = []
    async for where in opened_pages(page, site.url):
        wrong += await check(page, where)
    await opened.close()
    assert wrong == []


async def test_a_hue_is_previewed_while_it_is_chosen_and_is_everywhere_when_it_is_saved(
    browser: Browser, site: Site, cookies: dict[str, str], database: Database
) -> None:
    opened = await context(browser, "desktop", cookies, site.url)
    page = await opened.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
    await page.goto(f"{site.url}/console/admin/branding/accent")
    field, slider = page.get_by_role("spinbutton", name="Hue"), page.get_by_role("slider", name="Hue")
    await field.fill("300")
    await expect(slider).to_have_value("300")
    await expect(page.locator("#preview link")).to_have_attribute("href", stylesheet.address(300))
    await slider.fill("145")
    await expect(field).to_have_value("145")
    await expect(page.locator("#preview link")).to_have_attribute("href", stylesheet.address(145))
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("status").filter(has_text="The pages have it at once.")).to_be_visible()
    await page.get_by_role("link", name="My tickets").click()
    await expect(page.locator("head link[href^='/static/accent/']")).to_have_attribute("href", stylesheet.address(145))
    await opened.close()
    async with database.transaction() as tx:
        await branding.change_branding(tx, OPERATOR, {"accent_hue": None}, now=now())
    assert refused == []


async def test_an_admin_comes_by_key_and_mends_a_refused_form(
    browser: Browser, site: Site, cookies: dict[str, str]
) -> None:
    opened = await context(browser, "desktop", cookies, site.url)
    page = await opened.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    await page.goto(f"{site.url}/console/open")
    await page.keyboard.press("g")
    await page.keyboard.press(",")
    await expect(page.get_by_role("heading", name="Admin")).to_be_visible()
    await page.locator("#main").get_by_role("link", name="People").first.click()
    await page.get_by_role("link", name="Invite a person").first.click()
    await page.get_by_label("Name", exact=True).fill("Mara Lind")
    await page.get_by_label("E-mail address").fill(site.email)
    await page.get_by_role("button", name="Invite").click()
    await expect(page.get_by_role("alert")).to_contain_text("exists already")
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Mara Lind")
    assert await check(page, "a refused form") == []
    await page.get_by_label("E-mail address").fill("mara@example.net")
    await page.get_by_role("button", name="Invite").click()
    await expect(page.get_by_role("heading", name="Mara Lind")).to_be_visible()
    await page.get_by_role("button", name="Make a sign-in link").click()
    await expect(page.get_by_role("textbox", name="Link to choose a password")).to_have_value(
        re.compile(r"/sign-in/link\?token=")
    )
    assert await check(page, "a link that is shown once") == []
    await opened.close()
    assert problems == []


async def test_the_side_bar_shows_where_the_page_is_and_a_file_fills_the_table(
    browser: Browser, site: Site, cookies: dict[str, str]
) -> None:
    opened = await context(browser, "desktop", cookies, site.url)
    page = await opened.new_page()
    here = page.locator("#views [aria-current=page]")
    await page.goto(f"{site.url}/console/admin/health")
    await expect(here).to_contain_text("System health")
    await expect(here).to_be_in_viewport(ratio=0.9)
    await page.goto(f"{site.url}/console/admin")
    await page.locator("#main").get_by_role("link", name="System health").first.click()
    await expect(here).to_contain_text("System health")
    await expect(here).to_be_in_viewport(ratio=0.9)
    await page.goto(f"{site.url}/console/admin/companies")
    await page.locator(".lines a").first.click()
    await page.get_by_role("link", name="Import services").click()
    table = "id,type,label\nNET-9,Port,Café port\n"
    file = FilePayload(name="services.csv", mimeType="text/csv", buffer=table.encode())
    await page.get_by_label("File").set_input_files(file)
    await expect(page.get_by_label("Table")).to_have_value(table)
    await page.get_by_role("button", name="Check").click()
    await expect(page.get_by_role("status").filter(has_text="New: 1.")).to_be_visible()
    await opened.close()


async def test_a_text_of_a_mail_is_previewed_before_it_is_saved(
    browser: Browser, site: Site, cookies: dict[str, str]
) -> None:
    opened = await context(browser, "desktop", cookies, site.url)
    page = await opened.new_page()
    await page.goto(f"{site.url}/console/admin/mail-templates/sign_in_invitation.en")
    frame = page.frame_locator(".mail-preview")
    await expect(frame.get_by_role("heading", name="You are invited to the support desk")).to_be_visible()
    await page.locator("#field-body").fill("# Welcome\n\n{{ lnik }}")
    await page.get_by_role("button", name="Preview", exact=True).click()
    await expect(frame.get_by_role("alert")).to_contain_text("Text: line 3: {{ lnik }} is no placeholder of this mail.")
    await page.locator("#field-body").fill("# Welcome\n\n{{ link }}")
    await page.get_by_role("button", name="Preview", exact=True).click()
    await expect(frame.get_by_role("heading", name="Welcome")).to_be_visible()
    await page.get_by_role("button", name="Preview the text part").click()
    await expect(frame.locator("pre")).to_contain_text("Welcome")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    assert await check(page, "an edited text") == []
    await page.get_by_text("Back to the shipped text", exact=True).click()
    await page.get_by_role("button", name="Yes: Back to the shipped text").click()
    await expect(page.locator("#field-body")).to_have_value(re.compile("You can sign in to the support desk now"))
    await opened.close()


async def finish_import(database: Database, page: Page, words: str) -> None:
    """Process the import that a page follows, once it said so."""
    await expect(page.get_by_role("status").filter(has_text=words)).to_be_visible()
    async with database.statement() as tx:
        job = await jobs.get_import(tx, OPERATOR, UUID(page.url.partition("?")[0].rsplit("/", 1)[-1]))
    await workers.work(database, job, now, most=10)


@pytest.mark.parametrize("size", ["desktop", "phone"])
async def test_a_file_is_checked_and_then_imported(
    browser: Browser, site: Site, cookies: dict[str, str], database: Database, size: str
) -> None:
    tenant = await new_tenant(database)
    rows = [
        "company,email,name",
        f"{tenant.company.code},ines.{size}@example.com,Ines Duarte",
        f"{tenant.company.code},ines,Ines",
    ]
    file = FilePayload(name="people.csv", mimeType="text/csv", buffer="\n".join(rows).encode())
    opened = await context(browser, size, cookies, site.url)
    page = await opened.new_page()
    await page.goto(f"{site.url}/console/admin/imports/new")
    wrong = await check(page, "a new import")
    await page.get_by_label("What the lines are").select_option("People")
    await page.get_by_label("File").set_input_files(file)
    await page.get_by_role("button", name="Read the file").click()
    await finish_import(database, page, "Checking: 0 of 2 lines.")
    said = page.get_by_role("status").filter(has_text="Nothing is changed yet. To import: 1. As they are: 0. Wrong: 1.")
    await expect(said).to_be_visible()
    await expect(page.get_by_role("cell", name="Email must be an e-mail address")).to_be_visible()
    wrong += await check(page, "a dry run")
    await page.get_by_label("File").set_input_files(file)
    await page.get_by_role("button", name="Import for real").click()
    await finish_import(database, page, "Importing: 0 of 2 lines.")
    said = page.get_by_role("status").filter(has_text="Imported: 1. As they were: 0. Wrong: 1.")
    await expect(said).to_be_visible()
    wrong += await check(page, "an import")
    await opened.close()
    assert wrong == []


@pytest.mark.parametrize("size", ["desktop", "phone"])
async def test_files_of_tickets_are_checked_and_then_attached(
    browser: Browser, site: Site, cookies: dict[str, str], database: Database, size: str
) -> None:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as packed:
        packed.writestr("old desk/levels.txt", f"rx -3.1 dBm {size}")
    rows = f"path,ticket\nlevels.txt,{site.number}\nphoto.png,{site.number}\n"
    chosen = {
        "File": FilePayload(name="files.csv", mimeType="text/csv", buffer=rows.encode()),
        "Archive": FilePayload(name="files.zip", mimeType="application/zip", buffer=body.getvalue()),
    }
    opened = await context(browser, size, cookies, site.url)
    page = await opened.new_page()
    await page.goto(f"{site.url}/console/admin/imports/new?subject=files")
    for button, words in (("Read the file", "Checking"), ("Import for real", "Importing")):
        for label, file in chosen.items():
            await page.get_by_label(label).set_input_files(file)
        await page.get_by_role("button", name=button).click()
        await finish_import(database, page, f"{words}: 1 of 2 lines.")
        await expect(page.get_by_role("cell", name="photo.png is not in the archive")).to_be_visible()
        if button == "Read the file":
            wrong = await check(page, "a dry run of files")
    said = page.get_by_role("status").filter(has_text="Imported: 1. As they were: 0. Wrong: 1.")
    await expect(said).to_be_visible()
    await page.goto(f"{site.url}/console/tickets/{site.number}")
    await expect(page.get_by_text("levels.txt").first).to_be_visible()
    await opened.close()
    assert wrong == []
