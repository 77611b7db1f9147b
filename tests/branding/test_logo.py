"""The logo: who sets it, where it is shown, how its picture is served, and what takes its place."""

import io
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
from PIL import Image

from clearline.accounts import usecases as accounts
from clearline.branding import usecases as branding
from clearline.branding.logo_domain import UPLOAD_MAX, LogoTheme
from clearline.branding.logo_drawing import draw_logo
from clearline.companies import usecases as companies
from clearline.errors import Forbidden, InvalidInput
from clearline.identity import OPERATOR, PROVIDER_ID, Role
from clearline.mail.templates import usecases as mail_templates
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.web import csrf
from clearline.web.branding import desk
from clearline.web.mail import render
from tests.builders.application import serving
from tests.builders.people import NOW, Tenant, new_person, staff_key
from tests.builders.web.logos import picture, svg
from tests.builders.web.pages import BROWSER, Page, Person, led_to, person, session_of

LOGO = "/api/v1/branding/logo"
FORM = "/console/admin/branding/logo"
NAME = "Fibre & Sons"


@pytest.fixture(autouse=True)
async def _unset_after(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setattr(desk, "_KEPT", -1)
    async with database.transaction() as tx:
        before = (await accounts.provider(tx)).name
        await companies.change_company(tx, OPERATOR, PROVIDER_ID, {"name": NAME}, now=NOW)
    yield
    async with database.transaction() as tx:
        await branding.remove_logo(tx, OPERATOR, LogoTheme.LIGHT, now=NOW)
        await companies.change_company(tx, OPERATOR, PROVIDER_ID, {"name": before}, now=NOW)


async def set_logo(database: Database, file: bytes, theme: LogoTheme = LogoTheme.LIGHT) -> str:
    """Set a logo, and return its address."""
    drawn = await draw_logo(file)
    async with database.transaction() as tx:
        await branding.set_logo(tx, OPERATOR, theme, drawn, now=NOW)
    return f"/static/logo/{drawn.logo.name}.png"


async def send(admin: Person, **files: bytes) -> httpx.Response:
    """Send the form of the logos."""
    parts = {theme: ("logo.svg", content, "image/svg+xml") for theme, content in files.items()}
    data = {csrf.FIELD: admin.token_of_form()}
    return await admin.client.post(FORM, headers=admin.headers, data=data, files=parts)


def logos_of(text: str) -> list[dict[str, str | None]]:
    return [image for image in Page(text).all("img") if "logo" in (image.get("class") or "")]


async def test_an_admin_sets_and_removes_it_by_the_api(client: httpx.AsyncClient, database: Database) -> None:
    admin, agent = await staff_key(database, Role.ADMIN), await staff_key(database, Role.AGENT)
    for theme, file, kind in (("light", svg(), "image/svg+xml"), ("dark", picture("WEBP"), "text/plain")):
        answer = await client.put(LOGO, params={"theme": theme}, content=file, headers={**admin, "content-type": kind})
        assert answer.status_code == 200, answer.text
    body = (await client.get("/api/v1/branding", headers=agent)).json()
    assert (body["logo"]["width"], body["logo"]["height"], body["dark_logo"]) == (160, 32, answer.json())
    served = await client.get(httpx.URL(body["logo"]["url"]).path)
    assert served.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(served.content)) as image:
        assert (image.format, image.size) == ("PNG", (640, 128))
    got = await client.get(LOGO, headers=agent)
    assert got.json() == body["logo"]
    refused = [
        await client.put(LOGO, content=svg(), headers={**agent, "content-type": "image/svg+xml"}),
        await client.delete(LOGO, headers={**agent, "if-match": "*"}),
    ]
    assert [answer.status_code for answer in refused] == [403, 403]
    assert (await client.delete(LOGO, headers={**admin, "if-match": '"old"'})).status_code == 412
    assert (await client.delete(LOGO, headers={**admin, "if-match": got.headers["etag"]})).status_code == 204
    assert (await client.get(LOGO, headers=agent)).status_code == 404
    removed = (await client.get("/api/v1/branding", headers=admin)).json()
    assert (removed["logo"], removed["dark_logo"]) == (None, None)
    async with database.transaction() as tx:
        rows = await tx.fetch("select data from event where type = 'branding.changed' order by id desc limit 3")
    fields = [[change["field"] for change in msgspec.json.decode(row[0])["changes"]] for row in rows]
    assert fields == [["logo", "dark_logo"], ["dark_logo"], ["logo"]]


@pytest.mark.parametrize(
    ("query", "file", "status", "detail"),
    [
        ({}, svg("<script>alert(1)</script>"), 422, "must not contain scripts"),
        ({}, b"", 422, "must not be empty"),
        ({}, b"x" * (UPLOAD_MAX + 1), 413, "a logo has at most 512 KB"),
        ({"theme": "dark"}, svg(), 422, "must come with a logo for the light theme"),
        ({"theme": "blue"}, svg(), 422, "theme"),
    ],
    ids=["script", "empty", "large", "dark-alone", "theme"],
)
async def test_a_refused_file_changes_nothing(
    client: httpx.AsyncClient, database: Database, query: dict[str, str], file: bytes, status: int, detail: str
) -> None:
    admin = await staff_key(database, Role.ADMIN)
    answer = await client.put(LOGO, params=query, content=file, headers={**admin, "content-type": "image/png"})
    assert answer.status_code in {status, 400 if query.get("theme") == "blue" else status}
    assert detail in answer.text
    assert (await client.get("/api/v1/branding", headers=admin)).json()["logo"] is None


async def test_the_use_cases_are_for_admins(database: Database) -> None:
    drawn = await draw_logo(svg())
    async with database.transaction() as tx:
        agent = await new_person(tx, "Ines Duarte", Role.AGENT)
        with pytest.raises(Forbidden):
            await branding.set_logo(tx, agent, LogoTheme.LIGHT, drawn, now=NOW)
        with pytest.raises(Forbidden):
            await branding.remove_logo(tx, agent, LogoTheme.LIGHT, now=NOW)
        with pytest.raises(InvalidInput):
            await branding.set_logo(tx, OPERATOR, LogoTheme.DARK, drawn, now=NOW)


async def test_pages_for_customers_show_it_with_the_name_of_the_provider(
    client: httpx.AsyncClient, database: Database, tenant: Tenant
) -> None:
    customer = await session_of(client, database, tenant.user)
    address = await set_logo(database, svg())
    open_pages = ["/", "/sign-in", "/nowhere", "/unsubscribe/unknown"]
    shown = {path: (await client.get(path, headers=BROWSER)).text for path in open_pages}
    shown |= {path: (await customer.get(path)).text for path in ("/portal/tickets", "/portal/nothing", "/console")}
    for path, text in shown.items():
        wanted = {"class": "logo plated", "src": address, "width": "160", "height": "32", "alt": NAME}
        assert logos_of(text) == [wanted], path
    await set_logo(database, picture("PNG"), LogoTheme.DARK)
    for theme, sources, looks in (("", 1, ["logo"]), ("light", 0, ["logo"]), ("dark", 0, ["logo"])):
        headers = {**customer.headers, "Cookie": f"{customer.headers['Cookie']}; __Host-clearline-theme={theme}"}
        text = (await client.get("/portal/tickets", headers=headers)).text
        assert (len(Page(text).all("source")), [logo["class"] for logo in logos_of(text)]) == (sources, looks)
        assert (logos_of(text)[0]["src"] == address) is (theme != "dark")


async def test_the_console_keeps_its_own_mark(client: httpx.AsyncClient, database: Database) -> None:
    await set_logo(database, svg())
    agent = await person(client, database)
    for path in ("/console/mine", "/console/nothing"):
        assert logos_of((await agent.get(path)).text) == []


async def test_its_picture_is_kept_for_a_year_and_can_do_nothing(client: httpx.AsyncClient, database: Database) -> None:
    address = await set_logo(database, svg())
    answer = await client.get(address)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    later = await set_logo(database, picture("PNG"))
    moved = await client.get(address)
    assert (moved.status_code, moved.headers["location"], moved.headers["cache-control"]) == (302, later, "no-store")
    async with database.transaction() as tx:
        await branding.remove_logo(tx, OPERATOR, LogoTheme.LIGHT, now=NOW)
    for path in (address, later, "/static/logo/x.png", "/static/logo/..%2f.png"):
        assert (await client.get(path)).status_code == 404


async def test_every_process_has_it(client: httpx.AsyncClient, database: Database, database_url: str) -> None:
    address = await set_logo(database, svg())
    async with serving(Settings(database_url=database_url, rate_limit=0, access_log=False)) as other:
        for process in (client, other):
            [logo] = logos_of((await process.get("/sign-in", headers=BROWSER)).text)
            assert logo["src"] == address
            assert (await process.get(address)).status_code == 200


async def test_mail_names_it_by_its_address_with_the_name_for_those_who_load_nothing(database: Database) -> None:
    async def mail() -> str:
        link = "https://desk.example.net{}".format
        async with database.transaction() as tx:
            made = await mail_templates.preview_template(
                tx, OPERATOR, "sign_in_invitation", "en", {}, render=render, link=link
            )
        return made.html or ""

    assert "<img" not in await mail()
    address = await set_logo(database, svg())
    [logo] = Page(await mail()).all("img")
    assert (logo["src"], logo["alt"], logo["width"]) == (f"https://desk.example.net{address}", NAME, "160")


async def test_an_admin_uploads_and_removes_it_in_the_console(client: httpx.AsyncClient, database: Database) -> None:
    admin = await person(client, database, Role.ADMIN, "Ada Admin")
    for files, rule in (
        ({"light": b""}, "choose a file"),
        ({"light": svg("<script/>")}, "must not contain scripts"),
        ({"light": b"x" * (UPLOAD_MAX + 1)}, "must have at most 512 KB"),
        ({"dark": svg()}, "must come with a logo for the light theme"),
    ):
        refused = await send(admin, **files)
        assert (refused.status_code, rule in Page(refused.text).text) == (422, True), refused.text
    assert (await admin.post(FORM)).status_code == 422
    saved = await send(admin, light=svg(), dark=picture("JPEG"))
    assert (saved.status_code, led_to(saved)) == (303, f"{FORM}?done=logo")
    page = await admin.page(f"{FORM}?done=logo")
    assert [image["alt"] for image in logos_of((await admin.get(FORM)).text)] == ["The present logo"] * 2
    assert "Remove the logo for the dark theme" in page.text
    for theme, left in (("dark", 1), ("light", 0)):
        removed = await admin.post(f"{FORM}/remove", theme=theme)
        assert (removed.status_code, led_to(removed)) == (303, f"{FORM}?done=remove")
        assert len(logos_of((await admin.get(FORM)).text)) == left
    agent = await person(client, database, Role.AGENT, "Ben Agent")
    assert (await send(agent, light=svg())).status_code == 403
    forged = await client.post(FORM, headers=admin.headers, data={csrf.FIELD: "x"}, files={"light": svg()})
    assert forged.status_code == 403
    async with database.transaction() as tx:
        assert (await branding.public_branding(tx)).logo is None
