"""Take pictures of the pages with the demo's data: ``make screenshots``.

Each page is shown in two widths and both themes, as ``docs/screenshots/NAME-WIDTH-THEME.webp``.
"""

import asyncio
import base64
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import product
from pathlib import Path
from typing import NamedTuple

from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from playwright.async_api import TimeoutError as PlaywrightTimeout

OUT = Path(__file__).with_name("screenshots")
SIZES = {"1440": (1440, 900), "390": (390, 844)}
THEMES = ("light", "dark")
QUALITY = 60
"""Percent, of WebP: a page takes 10 to 60 KB."""
START_SECONDS = 120
CUSTOMER, ADMIN = "Customer's admin", "The admin"
"""Who looks at the pages, as the demo prints them."""
Show = Callable[[Page, str], Awaitable[object]]


class SignIn(NamedTuple):
    """What signs a person in."""

    email: str
    password: str


@contextmanager
def demo() -> Iterator[tuple[str, dict[str, SignIn]]]:
    """Run a server with the demo's data in a new directory; yield its address, and the sign-ins that it prints."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="clearline-screenshots-"))
    folder.chmod(0o711)  # as root, PostgreSQL runs as another account
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CLEARLINE_")},
        "CLEARLINE_DATA_DIR": str(folder / "data"),
        "CLEARLINE_BIND": f"127.0.0.1:{port}",
    }
    command = [sys.executable, "-m", "clearline", "--env-file", "/dev/null", "serve", "--demo"]
    with (folder / "out").open("wb") as out:
        server = subprocess.Popen(command, stdout=out, stderr=out, env=environment)
    try:
        yield f"http://127.0.0.1:{port}", _sign_ins_printed(folder / "out")
    finally:
        server.terminate()
        server.wait(30)
        shutil.rmtree(folder)


def _sign_ins_printed(path: Path) -> dict[str, SignIn]:
    """Wait for the lines that name who can sign in; return the first e-mail address and password of each."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        text = path.read_text()
        printed = {who: re.search(rf"^{who}: +(\S+) +(\S+)\n", text, re.MULTILINE) for who in (CUSTOMER, ADMIN)}
        sign_ins = {who: SignIn(match[1], match[2]) for who, match in printed.items() if match}
        if len(sign_ins) == len(printed):
            return sign_ins
        time.sleep(0.2)
    raise TimeoutError(path.read_text())


def at(path: str) -> Show:
    """Return what opens a page."""

    async def show(page: Page, url: str) -> None:
        answer = await page.goto(url + path)
        if answer is None or not answer.ok:
            raise ValueError(f"{path} is no page")

    return show


async def ticket(page: Page, url: str) -> None:
    """Open the ticket that waits longest among those with the highest priority."""
    await page.goto(f"{url}/console/open")
    await page.locator("#rows a[data-row]").first.click()
    await page.locator("#ticket").wait_for()


def by_key(key: str, overlay: str) -> Show:
    """Return what opens a ticket, then an overlay by its key."""

    async def show(page: Page, url: str) -> None:
        await ticket(page, url)
        await page.keyboard.press(key)
        await page.locator(overlay).wait_for()

    return show


async def selected(page: Page, url: str) -> None:
    """Select three tickets of a list."""
    await page.goto(f"{url}/console/open")
    for box in (await page.locator("#rows [name=ticket]").all())[:3]:
        await box.check(force=True)
    await page.locator("#bulk").wait_for()


def first_of(section: str, named: str = "") -> Show:
    """Return what opens the first record of a section of the administration, of those with a text."""

    async def show(page: Page, url: str) -> None:
        await page.goto(f"{url}/console/admin/{section}")
        await page.goto(url + (await page.locator(".lines a", has_text=named).first.get_attribute("href") or ""))

    return show


def linked(selector: str) -> Show:
    """Return what opens a ticket, then the page of a link in it."""

    async def show(page: Page, url: str) -> None:
        await ticket(page, url)
        await page.goto(url + (await page.locator(selector).first.get_attribute("href") or ""))

    return show


async def new_ticket(page: Page, url: str) -> None:
    """Open the form of a new ticket of the first company and its first service."""
    await page.goto(f"{url}/console/tickets/new?find=Alder")
    for heading in ("Which service?", "New ticket for"):
        await page.locator(".choices .choice").first.click()
        await page.get_by_role("heading", name=heading).wait_for()


async def customer_ticket(page: Page, url: str) -> None:
    """Open the ticket of the customer that changed last."""
    await page.goto(f"{url}/portal/tickets")
    await page.locator(".rows a").first.click()
    await page.locator(".timeline").wait_for()


async def fault(page: Page, url: str) -> None:
    """Begin to describe the fault of a service in a new ticket of the customer."""
    await page.goto(f"{url}/portal/tickets/new?service=NET-AMS-0012")
    await page.get_by_role("radio", name="Packet loss").check(force=True)
    await page.get_by_label("Summary").fill("2 % loss towards Frankfurt")
    await page.evaluate("scrollTo(0, 0)")


async def customer_key(page: Page, url: str) -> None:
    """Open the first API key of the customer."""
    await page.goto(f"{url}/portal/company/keys")
    await page.goto(url + (await page.locator(".lines a").first.get_attribute("href") or ""))


OPEN_PAGES: dict[str, Show] = {
    "home": at("/"),
    "sign-in": at("/sign-in"),
    "api-start": at("/docs"),
    "api-tickets": at("/docs/api/tickets"),
}
PORTAL_PAGES: dict[str, Show] = {
    "portal-tickets": at("/portal/tickets"),
    "portal-new-ticket-service": at("/portal/tickets/new"),
    "portal-new-ticket": fault,
    "portal-ticket": customer_ticket,
    "portal-services": at("/portal/services"),
    "portal-company": at("/portal/company"),
    "portal-key": customer_key,
    "portal-profile": at("/portal/me"),
}
GERMAN_PAGES: dict[str, Show] = {
    "portal-tickets-german": at("/portal/tickets"),
    "portal-ticket-german": customer_ticket,
}
CONSOLE_PAGES: dict[str, Show] = {
    "queue": at("/console/open"),
    "selected-tickets": selected,
    "ticket": ticket,
    "command-palette": by_key("Control+k", "#palette"),
    "shortcuts": by_key("?", "#help"),
    "new-ticket": new_ticket,
    "search": at("/console/search?q=packet"),
    "dashboard": at("/console/dashboard"),
    "handover": at("/console/handover"),
    "customers": at("/console/companies"),
    "company": linked("#customer-title a"),
    "service": linked("#service-title a"),
    "account": at("/console/me"),
    "admin": at("/console/admin"),
    "admin-people": first_of("people"),
    "admin-companies": first_of("companies"),
    "admin-queues": first_of("queues"),
    "admin-routing": first_of("routing"),
    "admin-issue-types": first_of("issue-types"),
    "admin-terms": first_of("terms"),
    "admin-fields": first_of("fields"),
    "admin-form": first_of("forms", "Fibre cut"),
    "admin-ticket-template": first_of("ticket-templates"),
    "admin-matrix": first_of("priority-matrix"),
    "admin-imports": at("/console/admin/imports/new"),
    "admin-accent": at("/console/admin/branding/accent?accent_hue=300"),
    "admin-logo": at("/console/admin/branding/logo"),
    "admin-webhooks": at("/console/admin/webhooks"),
    "admin-mail-review": first_of("mail-review"),
    "admin-sign-in": at("/console/admin/sign-in/new"),
    "admin-health": at("/console/admin/health"),
    "admin-audit": at("/console/admin/audit"),
}
WIDE = {"selected-tickets", "command-palette", "shortcuts"}
"""What is worked by mouse and keyboard, and shown in the large width alone."""


class Tour(NamedTuple):
    """Pages as somebody sees them: a person of the demo or a stranger, in a language."""

    pages: dict[str, Show]
    who: str = ""
    language: str = "en"


TOURS = (
    Tour(OPEN_PAGES),
    Tour(PORTAL_PAGES, CUSTOMER),
    Tour(GERMAN_PAGES, CUSTOMER, "de"),
    Tour(CONSOLE_PAGES, ADMIN),
)


async def _signed_in(browser: Browser, url: str, sign_in: SignIn) -> list[object]:
    """Sign a person in; return the cookies."""
    opened = await browser.new_context(locale="en")
    page = await opened.new_page()
    await page.goto(f"{url}/sign-in")
    await page.get_by_label("E-mail address").fill(sign_in.email)
    await page.get_by_label("Password").fill(sign_in.password)
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile("/(console|portal)/"))
    cookies: list[object] = [*await opened.cookies()]
    await opened.close()
    return cookies


async def _context(browser: Browser, size: str, theme: str, language: str) -> BrowserContext:
    width, height = SIZES[size]
    return await browser.new_context(
        viewport={"width": width, "height": height},
        locale=language,
        color_scheme="dark" if theme == "dark" else "light",
        has_touch=size == "390",
        reduced_motion="reduce",
    )


async def _take(page: Page, name: str, size: str, theme: str) -> None:
    """Store a picture of what the window shows, when its live updates have begun."""
    await page.evaluate("document.fonts.ready.then(() => true)")
    if size == "1440" and await page.locator("[data-live]").count():
        with suppress(PlaywrightTimeout):
            await page.locator("[data-live][data-state=live]").first.wait_for(timeout=5000)
    session = await page.context.new_cdp_session(page)
    shot = await session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    (OUT / f"{name}-{size}-{theme}.webp").write_bytes(base64.b64decode(shot["data"]))


async def main(names: list[str]) -> None:
    """Take the pictures of some pages, or of all."""
    OUT.mkdir(exist_ok=True)
    arguments = ["--headless=new", "--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with demo() as (url, sign_ins):
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
            cookies = {who: await _signed_in(browser, url, sign_in) for who, sign_in in sign_ins.items()}
            for tour, theme, size in product(TOURS, THEMES, SIZES):
                opened = await _context(browser, size, theme, tour.language)
                await opened.add_cookies(cookies.get(tour.who, []))  # type: ignore[arg-type]
                page = await opened.new_page()
                for name, show in tour.pages.items():
                    if (not names or name in names) and not (size == "390" and name in WIDE):
                        await show(page, url)
                        await _take(page, name, size, theme)
                await opened.close()
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
