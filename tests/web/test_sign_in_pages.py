"""Sign-in and sign-out in a browser."""

import asyncio
from http.cookies import SimpleCookie

import httpx
import pytest

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from clearline.web import csrf
from clearline.web.visit import POLICY
from tests.builders.sign_in.sessions import PASSWORD, new_person_with_password
from tests.builders.web.pages import BROWSER, Page, Person, person

VISITOR = "a-secret-of-twenty-two-or-more-characters"


async def send(client: httpx.AsyncClient, email: str, password: str, to: str = "", **more: str) -> httpx.Response:
    """Send the form of sign-in."""
    headers = {**BROWSER, "Cookie": f"__Host-clearline-visitor={VISITOR}"} | more
    fields = {"csrf": csrf.token_for(VISITOR), "email": email, "password": password}
    return await client.post(f"/sign-in{to}", headers=headers, data=fields)


def session_in(answer: httpx.Response) -> str:
    """Return the token in the cookie that an answer sets."""
    [cookie] = [value for name, value in answer.headers.multi_items() if name == "set-cookie"]
    name, morsel = next(iter(SimpleCookie(cookie).items()))
    assert name == "__Host-clearline-session"
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    return morsel.value


async def test_a_person_signs_in_with_a_password_and_out_again(client: httpx.AsyncClient, database: Database) -> None:
    user = await new_person_with_password(database)
    answer = await send(client, f" {user.email.upper()} ", PASSWORD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
    agent = Person(client, session_in(answer), user)
    home = await agent.get("/console")
    assert (home.status_code, home.headers["location"]) == (303, "/console/mine")
    assert user.name in (await agent.page("/console/mine")).text
    assert (await agent.get("/sign-in")).headers["location"] == "/console"
    out = await agent.post("/sign-out")
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    assert "Max-Age=0" in out.headers["set-cookie"]
    again = await agent.get("/console/mine")
    assert (again.status_code, again.headers["location"]) == (303, "/sign-in?next=%2Fconsole%2Fmine")


async def test_a_wrong_password_and_an_unknown_address_are_answered_alike(
    client: httpx.AsyncClient, database: Database
) -> None:
    user = await new_person_with_password(database)
    for email in (user.email, "nobody@example.com"):
        answer = await send(client, email, "not the password")
        assert answer.status_code == 422
        assert "set-cookie" not in answer.headers
        page = Page(answer.text)
        assert "The e-mail address or the password is wrong." in page.text
        [shown] = [field for field in page.all("input") if field.get("name") == "email"]
        assert shown["value"] == email
        assert shown["aria-describedby"] == "refused"
        assert "not the password" not in answer.text


async def test_after_ten_wrong_passwords_the_page_says_to_wait(client: httpx.AsyncClient, database: Database) -> None:
    user = await new_person_with_password(database)
    answers = await asyncio.gather(*(send(client, user.email, f"wrong {at}") for at in range(10)))
    assert {answer.status_code for answer in answers} == {422}
    answer = await send(client, user.email, PASSWORD)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert "Too many attempts failed." in Page(answer.text).text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.example.com/",
        "//evil.example.com",
        "/\\evil.example.com",
        "/%0d%0aSet-Cookie:a=b",
        "javascript:alert(1)",
        "console",
        "/\t/evil.example.com",
    ],
)
async def test_the_sign_in_never_leads_to_another_server(
    client: httpx.AsyncClient, database: Database, to: str
) -> None:
    user = await new_person_with_password(database)
    answer = await send(client, user.email, PASSWORD, f"?{httpx.QueryParams({'next': to})}")
    assert answer.status_code == 303
    location = answer.headers["location"]
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\", "/\t"))
    assert "\r" not in location


async def test_the_sign_in_leads_back_to_the_page_that_was_asked_for(
    client: httpx.AsyncClient, database: Database
) -> None:
    user = await new_person_with_password(database)
    asked = await client.get("/console/open?q=status:pending&sort=number", headers=BROWSER)
    assert asked.status_code == 303
    answer = await send(client, user.email, PASSWORD, asked.headers["location"].removeprefix("/sign-in"))
    assert answer.headers["location"] == "/console/open?q=status:pending&sort=number"


async def test_a_part_of_a_page_that_is_asked_for_without_a_session_opens_the_sign_in(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/console/open", headers={**BROWSER, "HX-Request": "true"})
    assert (answer.status_code, answer.text) == (200, "")
    assert answer.headers["hx-redirect"] == "/sign-in?next=%2Fconsole%2Fopen"


@pytest.mark.parametrize(
    "headers",
    [
        {"Cookie": ""},
        {"Cookie": "__Host-clearline-visitor=another-secret-of-more-than-22-characters"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example.com"},
        {"Content-Type": "text/plain"},
    ],
    ids=lambda headers: "-".join(headers.values()) or "no-cookie",
)
async def test_a_form_from_elsewhere_does_not_sign_in(
    client: httpx.AsyncClient, database: Database, headers: dict[str, str]
) -> None:
    user = await new_person_with_password(database)
    answer = await send(client, user.email, PASSWORD, **headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_a_session_that_a_browser_brings_is_not_taken_over_by_the_sign_in(
    client: httpx.AsyncClient, database: Database
) -> None:
    user = await new_person_with_password(database)
    fixed = "A" * 43
    answer = await send(
        client, user.email, PASSWORD, Cookie=f"__Host-clearline-visitor={VISITOR}; __Host-clearline-session={fixed}"
    )
    assert session_in(answer) != fixed
    assert (await Person(client, fixed, user).get("/console/mine")).status_code == 303


@pytest.mark.parametrize(
    "foreign",
    [
        'seen={"a": "b", "c": 1}',
        "seen=a b",
        "list[0]=1",
        "name",
        "=value",
        "path=/",
        "secure",
        'x="open',
        "@id=1",
        "q=\u00e9",
    ],
)
async def test_cookies_of_other_applications_do_not_sign_anybody_out(
    client: httpx.AsyncClient, database: Database, foreign: str
) -> None:
    agent = await person(client, database)
    own = agent.headers["Cookie"]
    for cookies in (f"{foreign}; {own}", f"{own}; {foreign}", f"{foreign};{own}"):
        headers = httpx.Headers({**BROWSER, "Cookie": cookies}, encoding="utf-8")
        answer = await client.get("/console/mine", headers=headers)
        assert answer.status_code == 200


async def test_on_plain_loopback_the_cookies_need_no_https(client: httpx.AsyncClient) -> None:
    for host in ("127.0.0.1:8080", "localhost:8080", "[::1]:8080"):
        client.cookies.clear()
        page = await client.get("/sign-in", headers={"Host": host})
        assert page.headers["set-cookie"].startswith("clearline-visitor=")
        assert "Secure" not in page.headers["set-cookie"]
        assert "without HTTPS" not in page.text
    client.cookies.clear()
    elsewhere = await client.get("/sign-in")
    assert elsewhere.headers["set-cookie"].startswith("__Host-clearline-visitor=")
    assert "; Secure" in elsewhere.headers["set-cookie"]
    assert "without HTTPS" in elsewhere.text


async def test_every_page_has_the_headers_that_keep_it_safe(client: httpx.AsyncClient, database: Database) -> None:
    agent = await person(client, database)
    for path in ("/sign-in", "/console/open", "/console/nothing/at/all"):
        answer = await (client.get(path) if path == "/sign-in" else agent.get(path))
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert "camera=()" in answer.headers["permissions-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


async def test_the_theme_is_kept_in_a_cookie_and_shown_at_once(client: httpx.AsyncClient, database: Database) -> None:
    agent = await person(client, database, Role.VIEWER)
    answer = await agent.client.post(
        "/theme",
        headers={**agent.headers, "Referer": "http://desk.example.com/console/open?q=a"},
        data={"csrf": csrf.token_for(agent.token), "theme": "dark"},
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/open?q=a")
    assert "__Host-clearline-theme=dark" in answer.headers["set-cookie"]
    headers = {**agent.headers, "Cookie": agent.headers["Cookie"] + "; __Host-clearline-theme=dark"}
    assert Page((await client.get("/console/open", headers=headers)).text).all("html") == [
        {"lang": "en", "data-theme": "dark"}
    ]
    wrong = {**agent.headers, "Cookie": agent.headers["Cookie"] + '; __Host-clearline-theme="><script>'}
    assert Page((await client.get("/console/open", headers=wrong)).text).all("html") == [{"lang": "en"}]
