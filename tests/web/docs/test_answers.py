"""How pages of the reference are sent: compressed, cached, and with what their reader may see."""

import gzip

import brotli
import httpx
import pytest

from clearline.accounts import key_usecases as keys
from clearline.accounts.domain import ApiKey
from clearline.clock import now
from clearline.identity import OPERATOR, PROVIDER_ID, Role, Scope
from clearline.platform.database.transactions import Database
from clearline.web import assets
from clearline.wires.house.errors import CATALOGUE
from tests.builders.people import new_person, new_staff, new_tenant
from tests.builders.web.pages import BROWSER, Page, Person, person, session_of
from tests.builders.web.reference import site

PAGE_MAX = 40 * 1024
"""Bytes of the largest page, compressed."""
CSS_MAX, SCRIPT_MAX = 14 * 1024, 24 * 1024


async def raw(client: httpx.AsyncClient, path: str, coding: str) -> tuple[httpx.Response, bytes]:
    async with client.stream("GET", path, headers=BROWSER | {"Accept-Encoding": coding}) as answer:
        return answer, b"".join([part async for part in answer.aiter_raw()])


@pytest.mark.parametrize("path", [*site().templates])
async def test_a_page_is_small_and_the_same_in_every_coding(client: httpx.AsyncClient, path: str) -> None:
    plain, text = await raw(client, path, "identity")
    assert (plain.status_code, plain.headers["content-type"]) == (200, "text/html; charset=utf-8")
    for coding, decompress in (("br", brotli.decompress), ("gzip", gzip.decompress)):
        answer, packed = await raw(client, path, coding)
        assert answer.headers["content-encoding"] == coding
        assert decompress(packed) == text
        assert len(packed) <= PAGE_MAX


async def test_styles_and_scripts_of_the_pages_are_small(client: httpx.AsyncClient) -> None:
    for name, most in (("docs.css", CSS_MAX), ("docs.js", SCRIPT_MAX)):
        _answer, packed = await raw(client, assets.address(name), "br")
        assert len(packed) <= most


@pytest.mark.parametrize("coding", ["identity", "gzip", "br"])
async def test_a_page_that_the_browser_has_is_not_sent_again(client: httpx.AsyncClient, coding: str) -> None:
    headers = BROWSER | {"Accept-Encoding": coding}
    first = await client.get("/docs/api/tickets", headers=headers)
    assert first.headers["cache-control"] == "public, max-age=300"
    assert first.headers["vary"] == "Cookie, Accept-Encoding"
    again = await client.get("/docs/api/tickets", headers=headers | {"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    other = await client.get("/docs/api/notes", headers=headers | {"If-None-Match": first.headers["etag"]})
    assert other.status_code == 200


async def test_a_page_allows_no_inline_script_or_style_and_no_frame(client: httpx.AsyncClient) -> None:
    policy = (await client.get("/docs", headers=BROWSER)).headers["content-security-policy"]
    for rule in (
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "form-action 'none'",
        "base-uri 'none'",
    ):  # fmt: skip
        assert rule in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", ["/docs/nothing", "/docs/api/nothing", "/docs/api/Tickets"])
async def test_there_is_nothing_at_other_addresses(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path, headers=BROWSER)).status_code == 404


async def test_the_type_of_a_problem_leads_to_what_it_means(client: httpx.AsyncClient) -> None:
    for code, kind in CATALOGUE.items():
        page = Page((await client.get(f"/api/v1/problems/{code}", headers=BROWSER)).text)
        assert kind.about.replace("`", "") in "".join(page.texts)
        assert f"/api/v1/problems#{code}" in page.links("/api/v1/problems")


async def new_key(database: Database, of: Person, name: str) -> tuple[ApiKey, str]:
    async with database.transaction() as tx:
        return await keys.create_key(
            tx, OPERATOR, of.user.company_id, user_id=of.user.id, name=name, scopes=frozenset({Scope.TICKETS_READ}),
            now=now(),
        )  # fmt: skip


async def test_a_reader_who_is_signed_in_sees_the_id_of_the_own_key_and_never_a_secret(
    client: httpx.AsyncClient, database: Database
) -> None:
    agent = await person(client, database, Role.AGENT, "Ines Duarte")
    key, secret = await new_key(database, agent, "<Dashboard>")
    answer = await agent.get("/docs/api/tickets")
    page = Page(answer.text)
    for text in ("<Dashboard>", str(key.id), f"{key.prefix}…"):
        assert text in page.text
    assert secret not in answer.text
    assert answer.headers["cache-control"] == "private, no-cache"
    stranger = await client.get("/docs/api/tickets", headers=BROWSER)
    assert str(key.id) not in stranger.text
    again = await agent.get("/docs/api/tickets", **{"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


async def test_a_reader_without_a_key_is_led_to_where_keys_are_created(
    client: httpx.AsyncClient, database: Database
) -> None:
    staff = await new_staff(database, Role.AGENT)
    async with database.transaction() as tx:
        for key in [key for key in await keys.list_keys(tx, OPERATOR, PROVIDER_ID) if key.user_id == staff.user.id]:
            await keys.revoke_key(tx, OPERATOR, staff.user.company_id, key.id, now=now())
    page = await (await session_of(client, database, staff.user)).page("/docs/api/tickets")
    assert "You have no API key in force" in page.text
    assert page.links("/console/me/keys") == ["/console/me/keys/new"]


async def test_a_customer_and_a_stranger_are_led_to_where_a_customer_creates_a_key(
    client: httpx.AsyncClient, database: Database
) -> None:
    company = (await new_tenant(database)).company.code
    async with database.transaction() as tx:
        roles = (Role.CUSTOMER_ADMIN, Role.CUSTOMER)
        people = [(await new_person(tx, role=role, company=company)).user for role in roles]
    admin, customer = [await session_of(client, database, user) for user in people if user is not None]
    assert (await admin.page("/docs")).links("/portal/company/keys") == ["/portal/company/keys/new"]
    told = await customer.page("/docs")
    assert told.links("/portal/company/keys") == []
    assert "An admin of your company can create one." in told.text
    stranger = Page((await client.get("/docs", headers=BROWSER)).text)
    assert stranger.links("/sign-in") == [
        "/sign-in?next=/docs", "/sign-in?next=/portal/company/keys/new", "/sign-in?next=/docs",
    ]  # fmt: skip


async def test_the_key_that_is_shown_is_the_newest_one_in_force(client: httpx.AsyncClient, database: Database) -> None:
    tenant = await new_tenant(database)
    customer = await session_of(client, database, tenant.user)
    before = (await customer.get("/docs")).text
    assert "Portal" in before
    old, _secret = await new_key(database, customer, "old")
    revoked, _secret = await new_key(database, customer, "revoked")
    async with database.transaction() as tx:
        await keys.revoke_key(tx, OPERATOR, tenant.company.id, revoked.id, now=now())
    text = (await customer.get("/docs")).text
    assert str(old.id) in text
    assert str(revoked.id) not in text


async def test_the_theme_of_a_browser_holds_in_the_reference(client: httpx.AsyncClient) -> None:
    for theme, expected in (("dark", "dark"), ("light", "light"), ("auto", None), ("<x>", None)):
        answer = await client.get("/docs", headers=BROWSER | {"Cookie": f"__Host-clearline-theme={theme}"})
        assert Page(answer.text).all("html")[0].get("data-theme") == expected
