"""The page of the person who is signed in."""

import httpx
import pytest

from clearline.clock import now
from clearline.identity import Role
from clearline.platform.database.transactions import Database
from clearline.web.account.profile import device_name
from tests.builders.sign_in.sessions import ELSEWHERE, PASSWORD, new_person_with_password, signed_in
from tests.builders.web.pages import Page, Person

ME = "/console/me"


async def twice(client: httpx.AsyncClient, database: Database) -> tuple[Person, Person]:
    """Sign a person in on two devices."""
    user = await new_person_with_password(database, Role.VIEWER)
    here = await signed_in(database, user, now=now())
    there = await signed_in(database, user, where=ELSEWHERE, now=now())
    return Person(client, here.token, user), Person(client, there.token, user)


async def is_signed_in(person: Person) -> bool:
    return (await person.get("/console/open")).status_code == 200


async def test_a_person_sees_and_ends_its_sessions(client: httpx.AsyncClient, database: Database) -> None:
    here, there = await twice(client, database)
    page = await here.page(ME)
    for text in ("Firefox on Linux", "192.0.2.7", "198.51.100.9", "this one", here.user.email):
        assert text in page.text
    [session] = [button["value"] or "" for button in page.all("button") if button.get("name") == "session"]
    stranger, _other = await twice(client, database)
    foreign = await stranger.post(f"{ME}/sessions/end", session=session)
    assert foreign.status_code == 404
    ended = await here.post(f"{ME}/sessions/end", session=session)
    assert (ended.status_code, ended.headers["location"]) == (303, ME)
    assert (await is_signed_in(here), await is_signed_in(there)) == (True, False)
    assert (await here.post(f"{ME}/sessions/end", session="x")).status_code == 404


async def test_a_person_ends_all_other_sessions(client: httpx.AsyncClient, database: Database) -> None:
    here, there = await twice(client, database)
    assert (await here.post(f"{ME}/sessions/end-others")).status_code == 303
    assert (await is_signed_in(here), await is_signed_in(there)) == (True, False)


async def test_a_changed_password_ends_the_other_sessions(client: httpx.AsyncClient, database: Database) -> None:
    here, there = await twice(client, database)
    for current, new, shown in (
        ("wrong", "eight green lamps glow", "This is not your password."),
        (PASSWORD, "2 brief", "Must have 12 to 1024 characters."),
    ):
        refused = await here.post(f"{ME}/password", current=current, password=new)
        assert refused.status_code == 422
        assert shown in Page(refused.text).text
        assert new not in refused.text
    done = await here.post(f"{ME}/password", current=PASSWORD, password="eight green lamps glow")
    assert done.status_code == 200
    assert "Your password is changed." in Page(done.text).text
    assert (await is_signed_in(here), await is_signed_in(there)) == (True, False)
    await signed_in(database, here.user, "eight green lamps glow", now=now())


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("<script>" * 20, ("<script>" * 20)[:60]),
        ("", "Unknown device"),
    ],
)
def test_a_device_is_named_as_people_know_it(agent: str, name: str) -> None:
    assert device_name(agent) == name
