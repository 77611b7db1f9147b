"""Pages on which people choose their password by a link, and set a desk up."""

from collections.abc import AsyncIterator

import httpx
import pytest

from clearline.clock import now
from clearline.identity import OPERATOR
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.sign_in import link_usecases as links
from clearline.sign_in import set_up_usecases as set_up
from clearline.web import csrf, mail
from tests.builders.application import serving
from tests.builders.databases import new_database
from tests.builders.people import new_staff
from tests.builders.sign_in.sessions import PASSWORD, new_person_with_password
from tests.builders.web.pages import BROWSER, Page

VISITOR = "a-secret-of-twenty-two-or-more-characters"


async def post(client: httpx.AsyncClient, path: str, **fields: str) -> httpx.Response:
    """Send the form of a page that needs no session."""
    headers = {**BROWSER, "Cookie": f"__Host-clearline-visitor={VISITOR}"}
    return await client.post(path, headers=headers, data={"csrf": csrf.token_for(VISITOR), **fields})


async def invited(database: Database) -> tuple[str, str]:
    """Return the path of an invitation, and the address of its person."""
    user = (await new_staff(database)).user
    async with database.transaction() as tx:
        link = await links.invite(
            tx, OPERATOR, user.id, settings=Settings(), render=mail.render, by_mail=False, now=now()
        )
    return f"/sign-in/link?token={link.token}", user.email


async def test_an_invited_person_chooses_a_password_and_is_signed_in(
    client: httpx.AsyncClient, database: Database
) -> None:
    path, email = await invited(database)
    answer = await client.get(path, headers=BROWSER)
    assert answer.status_code == 200
    assert answer.headers["referrer-policy"] == "no-referrer"
    page = Page(answer.text)
    assert "Welcome, Ben Ito" in page.text
    assert [field.get("autocomplete") for field in page.all("input")] == [None, "username", "new-password"]
    weak = await post(client, path, password="too short")
    assert weak.status_code == 422
    assert "Must have 12 to 1024 characters." in Page(weak.text).text
    assert "too short" not in weak.text
    done = await post(client, path, password=PASSWORD)
    assert (done.status_code, done.headers["location"]) == (303, "/console")
    assert done.headers["set-cookie"].startswith("__Host-clearline-session=")
    for again in (await client.get(path, headers=BROWSER), await post(client, path, password=PASSWORD)):
        assert again.status_code == 410
        assert "This link is not valid any more" in Page(again.text).text
    signed_in = await post(client, "/sign-in", email=email, password=PASSWORD)
    assert signed_in.status_code == 303


@pytest.mark.parametrize("path", ["/sign-in/link", "/sign-in/link?token=", "/sign-in/link?token=x", "/set-up?token=x"])
async def test_a_link_that_is_not_known_says_to_ask_for_a_new_one(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers=BROWSER)
    assert answer.status_code == 410
    assert "Ask for a new one." in Page(answer.text).text


async def test_a_form_from_elsewhere_uses_no_link_up(client: httpx.AsyncClient, database: Database) -> None:
    path, _email = await invited(database)
    refused = await client.post(path, headers=BROWSER, data={"password": PASSWORD})
    assert refused.status_code == 403
    assert (await client.get(path, headers=BROWSER)).status_code == 200


@pytest.fixture
async def empty(postgres: str) -> AsyncIterator[tuple[httpx.AsyncClient, Database]]:
    """Yield a server of a fresh installation."""
    async with new_database(postgres) as url, serving(Settings(database_url=url, access_log=False)) as client:
        opened = await Database.open(url)
        yield client, opened
        await opened.close()


async def test_the_first_admin_sets_the_desk_up(empty: tuple[httpx.AsyncClient, Database]) -> None:
    client, database = empty
    async with database.transaction() as tx:
        path = f"/set-up?token={await set_up.create_set_up_link(tx, now=now())}"
    page = Page((await client.get(path, headers=BROWSER)).text)
    assert [field.get("name") for field in page.all("input")] == ["csrf", "provider_name", "name", "email", "password"]
    fields = {"provider_name": "Northwind <Fibre>", "name": "Ida Moss", "email": "ida@example.net"}
    wrong = await post(client, path, **{**fields, "email": "ida"}, password="short")
    assert wrong.status_code == 422
    shown = Page(wrong.text)
    assert "Must be an e-mail address" in shown.text
    assert {field.get("value") for field in shown.all("input")} >= {"Northwind <Fibre>", "Ida Moss", "ida"}
    done = await post(client, path, **fields, password=PASSWORD)
    assert (done.status_code, done.headers["location"]) == (303, "/console/admin")
    assert (await client.get(path, headers=BROWSER)).status_code == 410
    signed_in = await post(client, "/sign-in", email="ida@example.net", password=PASSWORD)
    assert signed_in.status_code == 303


async def test_without_a_mail_server_the_sign_in_says_who_can_help(client: httpx.AsyncClient) -> None:
    page = Page((await client.get("/sign-in")).text)
    assert "An admin of this desk can give you a link" in page.text
    assert (await client.get("/sign-in/forgotten")).status_code == 404


async def test_a_forgotten_password_is_answered_alike_for_everybody(database: Database, database_url: str) -> None:
    user = await new_person_with_password(database)
    settings = Settings(database_url=database_url, access_log=False, workers=False, smtp="smtp://192.0.2.25:25")
    async with serving(settings) as client:
        page = Page((await client.get("/sign-in")).text)
        assert page.links("/sign-in/forgotten") == ["/sign-in/forgotten"]
        assert (await client.get("/sign-in/forgotten")).status_code == 200
        for email in (user.email, "nobody@example.com"):
            answer = await post(client, "/sign-in/forgotten", email=email)
            assert answer.status_code == 200
            assert f"If {email} is the address of somebody who can sign in" in Page(answer.text).text
    async with database.statement() as tx:
        mails = await tx.fetch("select recipient from outbound_mail where user_id = $1", user.id)
    assert [mail[0] for mail in mails] == [user.email]
