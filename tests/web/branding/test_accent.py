"""The accent of the pages: which pages have it, how its stylesheet is served, and when another one is there."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from functools import partial

import httpx
import pytest

from clearline.accounts import usecases as accounts
from clearline.branding import usecases as branding
from clearline.branding.accent import HUE_MAX
from clearline.companies import usecases as companies
from clearline.identity import OPERATOR, PROVIDER_ID, Role
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.web.branding.stylesheet import address, stylesheet
from tests.builders.application import serving
from tests.builders.people import NOW, Tenant
from tests.builders.web.pages import BROWSER, Page, Person, led_to, person, session_of
from tests.patience import patient

HUE = 300
FORM = "/console/admin/branding/accent"


@pytest.fixture(autouse=True)
async def _unset_after(database: Database) -> AsyncIterator[None]:
    yield
    await set_hue(database, None)


async def set_hue(database: Database, hue: int | None) -> None:
    async with database.transaction() as tx:
        await branding.change_branding(tx, OPERATOR, {"accent_hue": hue}, now=NOW)


def accents_of(text: str) -> list[str]:
    """Return the stylesheets of accents of a page."""
    links = [link.get("href") or "" for link in Page(text).all("link")]
    return [href for href in links if href.startswith("/static/accent/")]


def shows_name(name: str, text: str) -> bool:
    return f"· {name}" in Page(text).text


async def until(client: httpx.AsyncClient, is_so: Callable[[str], bool]) -> None:
    """Wait until the page of the sign-in is so: a process hears of a change some milliseconds after it."""
    end = time.monotonic() + patient(5)
    while not is_so((await client.get("/sign-in", headers=BROWSER)).text):
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


async def until_accent(client: httpx.AsyncClient, hue: int | None) -> None:
    """Wait until the pages have a hue."""
    await until(client, lambda text: accents_of(text) == ([] if hue is None else [address(hue)]))


async def test_every_kind_of_page_has_the_accent(client: httpx.AsyncClient, database: Database, tenant: Tenant) -> None:
    admin = await person(client, database, Role.ADMIN, "Ada Admin")
    customer = await session_of(client, database, tenant.user)
    paths: list[tuple[Person | None, str]] = [
        *((None, path) for path in ("/", "/sign-in", "/sign-in/forgotten", "/nowhere", "/unsubscribe/unknown")),
        *((customer, path) for path in ("/portal/tickets", "/portal/me", "/portal/nothing", "/console")),
        *((admin, path) for path in ("/console/mine", "/console/nothing", "/console/admin")),
    ]
    for hue in (None, HUE):
        await set_hue(database, hue)
        await until_accent(client, hue)
        for visitor, path in paths:
            headers = BROWSER if visitor is None else visitor.headers
            text = (await client.get(path, headers=headers)).text
            assert accents_of(text) == ([] if hue is None else [address(hue)]), path
            assert text.count("style=") == 0, path


async def test_its_stylesheet_is_kept_for_a_year_and_allowed_by_every_policy(client: httpx.AsyncClient) -> None:
    answer = await client.get(address(HUE))
    assert (answer.status_code, answer.text) == (200, stylesheet(HUE))
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert len({address(hue) for hue in range(HUE_MAX + 1)}) == HUE_MAX + 1
    for path in ("/", "/sign-in", "/nowhere"):
        policy = (await client.get(path, headers=BROWSER)).headers["content-security-policy"]
        assert "style-src 'self'" in policy or "default-src 'self'" in policy


@pytest.mark.parametrize(
    ("name", "status", "cached"),
    [("300.00000000.css", 200, "no-cache"), ("360.00000000.css", 404, "no-store"), ("x.00000000.css", 404, "no-store")],
)
async def test_an_address_of_another_release_is_not_kept(
    client: httpx.AsyncClient, name: str, status: int, cached: str
) -> None:
    answer = await client.get(f"/static/accent/{name}")
    assert (answer.status_code, answer.headers["cache-control"]) == (status, cached)


async def test_other_processes_have_a_change_at_once(
    client: httpx.AsyncClient, database: Database, database_url: str
) -> None:
    async with serving(Settings(database_url=database_url, rate_limit=0, access_log=False)) as other:
        for hue in (HUE, 20, None):
            await set_hue(database, hue)
            await until_accent(client, hue)
            await until_accent(other, hue)


async def test_a_new_name_of_the_provider_is_on_the_pages_at_once(
    client: httpx.AsyncClient, database: Database
) -> None:
    await client.get("/sign-in", headers=BROWSER)
    async with database.transaction() as tx:
        before = (await accounts.provider(tx)).name
    for name in ("Fibre & Sons", before):
        async with database.transaction() as tx:
            await companies.change_company(tx, OPERATOR, PROVIDER_ID, {"name": name}, now=NOW)
        await until(client, partial(shows_name, name))


async def test_an_admin_chooses_a_hue_and_sees_its_contrast(client: httpx.AsyncClient, database: Database) -> None:
    admin = await person(client, database, Role.ADMIN, "Ada Admin")
    page = await admin.page(FORM)
    version = next(field["value"] or "" for field in page.all("input") if field.get("name") == "version")
    assert "White text on buttons 6.1 5.0 4.5" in page.text
    shown = await admin.get(f"{FORM}?accent_hue={HUE}")
    assert accents_of(shown.text) == [address(HUE)]
    for text in ("360", "-1", "blue", "1.5"):
        refused = await admin.post(FORM, version=version, accent_hue=text)
        assert refused.status_code == 422
        assert "359" in Page(refused.text).text
        assert f'value="{text}"' in refused.text
    saved = await admin.post(FORM, version=version, accent_hue=str(HUE))
    assert (saved.status_code, led_to(saved)) == (303, f"{FORM}?done=change")
    assert accents_of((await admin.get("/console/mine")).text) == [address(HUE)]
    stale = await admin.post(FORM, version=version, accent_hue="")
    assert stale.status_code == 409
    assert "Now stored: 300" in Page(stale.text).text
    agent = await person(client, database, Role.AGENT, "Ben Agent")
    assert (await agent.get(FORM)).status_code == (await agent.post(FORM, accent_hue="1")).status_code == 403
    async with database.transaction() as tx:
        assert (await branding.public_branding(tx)).accent_hue == HUE
