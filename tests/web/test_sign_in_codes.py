"""The page for the code of a second factor."""

import httpx

from clearline.clock import now
from clearline.platform.database.transactions import Database
from clearline.web import csrf
from tests.builders.sign_in.second_factors import enrol
from tests.builders.sign_in.sessions import PASSWORD, new_person_with_password
from tests.builders.web.pages import BROWSER, Page

VISITOR = "a-secret-of-twenty-two-or-more-characters"
CODE = "/sign-in/code?next=%2Fconsole%2Fviews"


async def post(client: httpx.AsyncClient, path: str, challenge: str = "", **fields: str) -> httpx.Response:
    """Send a form with the cookies of a browser that is not signed in."""
    cookie = f"__Host-clearline-visitor={VISITOR}; __Host-clearline-challenge={challenge}"
    return await client.post(
        path, headers={**BROWSER, "Cookie": cookie}, data={"csrf": csrf.token_for(VISITOR), **fields}
    )


async def test_a_person_with_a_second_factor_signs_in_with_a_code(
    client: httpx.AsyncClient, database: Database
) -> None:
    user = await new_person_with_password(database)
    [code, *_others] = await enrol(database, user, secret_key=None, now=now())
    asked = await post(client, "/sign-in?next=/console/views", email=user.email, password=PASSWORD)
    assert (asked.status_code, asked.headers["location"]) == (303, CODE)
    name, _, challenge = asked.headers["set-cookie"].partition(";")[0].partition("=")
    assert name == "__Host-clearline-challenge"
    assert "HttpOnly; SameSite=Lax; Max-Age=600; Secure" in asked.headers["set-cookie"]
    headers = {**BROWSER, "Cookie": f"__Host-clearline-session={challenge}"}
    assert (await client.get("/console", headers=headers)).status_code == 303
    shown = await client.get(CODE, headers={**BROWSER, "Cookie": f"__Host-clearline-challenge={challenge}"})
    fields = [field.get("autocomplete") for field in Page(shown.text).all("input")]
    assert (shown.status_code, fields) == (200, [None, "one-time-code"])
    wrong = await post(client, CODE, challenge, code="000000")
    assert wrong.status_code == 422
    assert "The code is wrong or was used already." in Page(wrong.text).text
    done = await post(client, CODE, challenge, code=code)
    assert (done.status_code, done.headers["location"]) == (303, "/console/views")
    session, gone = done.headers.get_list("set-cookie")
    assert session.startswith("__Host-clearline-session=")
    assert gone.startswith("__Host-clearline-challenge=; ")
    assert (await post(client, CODE, challenge, code=code)).status_code == 422


async def test_without_a_sign_in_that_waits_for_a_code_the_page_leads_to_the_sign_in(client: httpx.AsyncClient) -> None:
    answer = await client.get(CODE, headers=BROWSER)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert (await post(client, CODE, "x" * 43, code="000000")).status_code == 422


async def test_too_many_wrong_codes_are_refused_for_a_while(client: httpx.AsyncClient, database: Database) -> None:
    user = await new_person_with_password(database)
    await enrol(database, user, secret_key=None, now=now())
    asked = await post(client, "/sign-in", email=user.email, password=PASSWORD)
    challenge = asked.headers["set-cookie"].partition(";")[0].partition("=")[2]
    statuses = [(await post(client, CODE, challenge, code="000000")).status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]
