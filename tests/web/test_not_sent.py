"""What somebody wrote is shown when its form was sent without a session, or with the token of an earlier one."""

from urllib.parse import quote

import httpx
import pytest

from clearline.platform.database.transactions import Database
from clearline.tickets.domain import ticket_number
from tests.builders.people import new_tenant
from tests.builders.tickets import raised
from tests.builders.web.pages import BROWSER, Page, Person, person, session_of

TEXT = "Rx is -14.6 dBm\n<b>since</b> 09:12 UTC & it „flaps“"
PASSWORD = "not-to-be-shown"


@pytest.fixture(params=["console", "portal"])
async def place(request: pytest.FixtureRequest, client: httpx.AsyncClient, database: Database) -> tuple[Person, str]:
    """Return a person who is signed in, and the address to which a reply is sent."""
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        number = ticket_number(await raised(tx, tenant, "Port is slow"))
    is_staff = request.param == "console"
    who = await (person(client, database) if is_staff else session_of(client, database, tenant.user))
    return who, f"/{request.param}/tickets/{number}/messages"


async def send(who: Person, path: str, headers: dict[str, str], *, has_files: bool) -> httpx.Response:
    fields = {"text": TEXT, "password": PASSWORD, "csrf": "of an earlier session"}
    files = [("files", (f"levels-{at}.txt", b"rx " * 200_000, "text/plain")) for at in range(3)] if has_files else None
    return await who.client.post(path, headers=headers, data=fields, files=files)


@pytest.mark.parametrize("has_files", [False, True])
async def test_a_form_without_a_session_shows_what_was_written(place: tuple[Person, str], *, has_files: bool) -> None:
    who, path = place
    answer = await send(who, path, BROWSER, has_files=has_files)
    assert answer.status_code == 401
    assert TEXT in "".join(Page(answer.text).texts)
    assert "<b>since" not in answer.text
    assert PASSWORD not in answer.text
    [sign_in] = [link["href"] for link in Page(answer.text).all("a") if link.get("class") == "button primary"]
    assert sign_in == f"/sign-in?next={quote('/' + path.split('/')[1], safe='')}"


async def test_after_the_sign_in_the_page_of_the_form_is_opened(place: tuple[Person, str]) -> None:
    who, path = place
    ticket = path.removesuffix("/messages")
    answer = await send(who, path, {**BROWSER, "Referer": f"{who.client.base_url}{ticket}"}, has_files=False)
    assert quote(ticket, safe="") in answer.text


@pytest.mark.parametrize("has_files", [False, True])
async def test_a_form_of_an_earlier_session_shows_what_was_written(
    place: tuple[Person, str], *, has_files: bool
) -> None:
    who, path = place
    answer = await send(who, path, who.headers, has_files=has_files)
    assert answer.status_code == 403
    assert TEXT in "".join(Page(answer.text).texts)
    assert PASSWORD not in answer.text


@pytest.mark.parametrize("has_session", [False, True])
async def test_a_form_of_another_site_is_not_shown(place: tuple[Person, str], *, has_session: bool) -> None:
    who, path = place
    headers = {**(who.headers if has_session else BROWSER), "Sec-Fetch-Site": "cross-site"}
    for has_files in (False, True):
        answer = await send(who, path, headers, has_files=has_files)
        assert answer.status_code in {303, 403}
        assert "dBm" not in answer.text


@pytest.mark.parametrize("script", [{"HX-Request": "true"}, {"Sec-Fetch-Mode": "cors"}])
async def test_a_script_is_led_to_the_sign_in(place: tuple[Person, str], script: dict[str, str]) -> None:
    who, path = place
    answer = await send(who, path, BROWSER | script, has_files=False)
    assert answer.headers.get("location", answer.headers.get("hx-redirect", "")).startswith("/sign-in?next=")
