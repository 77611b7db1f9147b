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
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from playwright.async_api import TimeoutError as PlaywrightTimeout

OUT = Path(__file__).with_name("screenshots")
SIZES = {"1440": (1440, 900), "390": (390, 844)}
THEMES = ("light", "dark")
QUALITY = 60
"""Percent, of WebP: a page takes 10 to 60 KB."""
START_SECONDS = 120
Show = Callable[[Page, str], Awaitable[object]]


@contextmanager
def demo() -> Iterator[tuple[str, str, str]]:
    """Run a server with the demo's data in a new directory; yield its address, and an admin's e-mail and password."""
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
        yield (f"http://127.0.0.1:{port}", *_sign_in_printed(folder / "out"))
    finally:
        server.terminate()
        server.wait(30)
        shutil.rmtree(folder)


def _sign_in_printed(path: Path) -> tuple[str, str]:
    """Wait for the line that names the admin; return the e-mail address and the password."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        match = re.search(r"Sign in \(admin\): +(\S+) +(\S+)", path.read_text())
        if match:
            return match[1], match[2]
        time.sleep(0.2)
    raise TimeoutError(path.read_text())


def at(path: str) -> Show:
    """Return what opens a page."""
    return lambda page, url: page.goto(url + path)


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


def first_of(section: str) -> Show:
    """Return what opens the first record of a section of the administration."""

    async def show(page: Page, url: str) -> None:
        await page.goto(f"{url}/console/admin/{section}")
        await page.goto(url + (await page.locator(".lines a").first.get_attribute("href") or ""))

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


PAGES: dict[str, Show] = {
    "queue": at("/console/open"),
    "selected-tickets": selected,
    "ticket": ticket,
    "command-palette": by_key("Control+k", "#palette"),
    "shortcuts": by_key("?", "#help"),
    "new-ticket": new_ticket,
    "search": at("/console/search?q=packet"),
    "dashboard": at("/console/dashboard"),
    "handover": at("/console/handover"),
    "company": linked("#customer-title a"),
    "service": linked("#service-title a"),
    "account": at("/console/me"),
    "admin": at("/console/admin"),
    "admin-people": first_of("people"),
    "admin-companies": first_of("companies"),
    "admin-queues": first_of("queues"),
    "admin-routing": first_of("routing"),
    "admin-webhooks": at("/console/admin/webhooks"),
    "admin-mail-review": first_of("mail-review"),
    "admin-sign-in": at("/console/admin/sign-in/new"),
    "admin-health": at("/console/admin/health"),
    "admin-audit": at("/console/admin/audit"),
}
WIDE = {"selected-tickets", "command-palette", "shortcuts"}
"""What is worked by mouse and keyboard, and shown in the large width alone."""


async def _signed_in(browser: Browser, url: str, email: str, password: str) -> list[object]:
    """Take pictures of the sign-in page, then sign in; return the cookies."""
    for theme in THEMES:
        for size in SIZES:
            opened = await _context(browser, size, theme)
            page = await opened.new_page()
            await page.goto(f"{url}/sign-in")
            await _take(page, "sign-in", size, theme)
            await opened.close()
    opened = await browser.new_context()
    page = await opened.new_page()
    await page.goto(f"{url}/sign-in")
    await page.get_by_label("E-mail address").fill(email)
    await page.get_by_label("Password").fill(password)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/console/**")
    return list(await opened.cookies())


async def _context(browser: Browser, size: str, theme: str) -> BrowserContext:
    width, height = SIZES[size]
    return await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        has_touch=size == "390",
        reduced_motion="reduce",
    )


async def _take(page: Page, name: str, size: str, theme: str) -> None:
    """Store a picture of what the window shows, when its live updates have begun."""
    await page.evaluate("document.fonts.ready.then(() => true)")
    if size == "1440" and await page.locator("[data-live]").count():
        with suppress(PlaywrightTimeout):
            await page.locator("[data-live][data-state=live]").wait_for(timeout=5000)
    session = await page.context.new_cdp_session(page)
    shot = await session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    (OUT / f"{name}-{size}-{theme}.webp").write_bytes(base64.b64decode(shot["data"]))


async def main(names: list[str]) -> None:
    """Take the pictures of some pages, or of all."""
    OUT.mkdir(exist_ok=True)
    arguments = ["--headless=new", "--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with demo() as (url, email, password):
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
            cookies = await _signed_in(browser, url, email, password)
            for theme in THEMES:
                for size in SIZES:
                    opened = await _context(browser, size, theme)
                    await opened.add_cookies(cookies)  # type: ignore[arg-type]
                    page = await opened.new_page()
                    for name, show in PAGES.items():
                        if (not names or name in names) and not (size == "390" and name in WIDE):
                            await show(page, url)
                            await _take(page, name, size, theme)
                    await opened.close()
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
