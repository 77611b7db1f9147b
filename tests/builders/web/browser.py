"""Chromium, and what tests measure in it. The set-up of the tests installs Debian's package (``make chromium``)."""

import os
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from clearline.identity import User
from clearline.tickets.domain import ticket_number
from tests.builders.people import Tenant
from tests.patience import patient

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable")
AXE = Path(__file__).parents[3] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = {"desktop": (1440, 900), "phone": (390, 844), "narrow": (320, 640)}
OF_COLOURS = ("color-contrast", "link-in-text-block")
"""The rules whose result depends on the theme: a page differs in nothing but colours."""

SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Site(NamedTuple):
    """A running server, the address of an agent in it, and a ticket."""

    url: str
    email: str
    number: str


class Portal(NamedTuple):
    """A running server with a customer in it, a ticket of the customer in progress, and the customer's admin."""

    url: str
    tenant: Tenant
    number: int
    admin: User

    @property
    def ticket(self) -> str:
        """The path of the page of the ticket."""
        return f"/portal/tickets/{ticket_number(self.number)}"


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start the system's Chromium, without a window."""
    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.fail("the browser tests need Chromium: run `make chromium`, or install your distribution's package")
    if not AXE.exists():
        pytest.fail("the browser tests need axe-core: run `make frontend`")
    arguments = ["--headless=new", "--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        await browser.close()


async def context(
    browser: Browser, size: str, cookies: Mapping[str, str], url: str, *, runs_scripts: bool = True
) -> BrowserContext:
    """Return a new profile of the browser with a window of a size, and cookies; the system's theme is light."""
    width, height = WIDTHS[size]
    opened = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="light",
        has_touch=size != "desktop",
        reduced_motion="reduce",
        java_script_enabled=runs_scripts,
    )
    await opened.add_cookies([{"name": name, "value": value, "url": url} for name, value in cookies.items()])
    opened.set_default_timeout(patient(10) * 1000)
    expect.set_options(timeout=patient(5) * 1000)
    return opened


async def violations(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """Return what axe-core finds on a page by all rules or some: each rule with the first element that breaks it."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text(encoding="utf-8"))
    # The size of targets (WCAG 2.2, 2.5.8) is off in axe-core unless it is asked for.
    which = {"runOnly": list(rules)} if rules else {"rules": {"target-size": {"enabled": True}}}
    options = {"resultTypes": ["violations"], **which}
    report: dict[str, Any] = await page.evaluate("options => axe.run(document, options)", options)
    return [f"{rule['id']}: {rule['nodes'][0]['html'][:160]}" for rule in report["violations"]]


async def check(page: Page, where: str) -> list[str]:
    """Return what is wrong with a page in both themes: rules of axe-core that it breaks, and sideways scroll."""
    wrong = [f"{where}: {text}" for text in await violations(page)]
    await page.emulate_media(color_scheme="dark")
    wrong += [f"{where}, dark: {text}" for text in await violations(page, OF_COLOURS)]
    await page.emulate_media(color_scheme="light")
    sideways = await page.evaluate(SIDEWAYS)
    return [*wrong, f"{where}: scrolls sideways by {sideways} px"] if sideways > 0 else wrong


class Traffic:
    """The answers that a page loads, with their compressed sizes in bytes, by kind."""

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}
        self.requests = 0

    async def count(self, page: Page) -> None:
        """Take the sizes from the browser."""
        entries = await page.evaluate(
            "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
            ".map(e => [e.entryType === 'navigation' ? 'html' : e.name.split('?')[0].split('#')[0].split('.').pop(),"
            " e.encodedBodySize])"
        )
        self.requests = len(entries)
        for kind, size in entries:
            self.sizes[kind] = self.sizes.get(kind, 0) + size
