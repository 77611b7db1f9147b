"""The pages on which a person sets a second factor up."""

import re
from datetime import timedelta

import httpx
from pyotp import TOTP

from clearline.clock import now
from clearline.identity import OPERATOR, Role
from clearline.platform.database.transactions import Database
from clearline.sign_in.second_factors import usecases as second_factors
from tests.builders.sign_in.sessions import PASSWORD, new_person_with_password, signed_in
from tests.builders.web.pages import Page, Person

PATH = "/console/second-factor"
SECRET, CODE = re.compile(r"<code>([A-Z2-7]{32})</code>"), re.compile(r"<code>((?:[a-z2-9]{4}-){3}[a-z2-9]{4})</code>")


async def agent(client: httpx.AsyncClient, database: Database) -> Person:
    user = await new_person_with_password(database)
    return Person(client, (await signed_in(database, user, now=now())).token, user)


async def enrolled(who: Person) -> list[str]:
    """Set up a second factor in the pages; return the recovery codes. The person has another token after that."""
    begun = await who.post(f"{PATH}/begin")
    [secret] = SECRET.findall(begun.text)
    assert '<svg width="' in begun.text
    done = await who.post(f"{PATH}/confirm", code=TOTP(secret).now())
    assert done.status_code == 200, done.text
    who.token = token_of(done)
    return CODE.findall(done.text)


def token_of(answer: httpx.Response) -> str:
    name, _, token = answer.headers["set-cookie"].partition(";")[0].partition("=")
    assert name == "__Host-clearline-session"
    return str(token)


async def test_a_person_sets_a_second_factor_up_renews_its_codes_and_turns_it_off(
    client: httpx.AsyncClient, database: Database
) -> None:
    who = await agent(client, database)
    assert "An authenticator app on your phone" in (await who.page(PATH)).text
    codes = await enrolled(who)
    assert len(set(codes)) == 10
    assert "You have 10 recovery codes left." in (await who.page(PATH)).text
    renewed = CODE.findall((await who.post(f"{PATH}/codes")).text)
    assert len(set(renewed) - set(codes)) == 10
    removed = await who.post(f"{PATH}/remove")
    assert (removed.status_code, removed.headers["location"]) == (303, PATH)
    assert "An authenticator app on your phone" in (await who.page(PATH)).text


async def test_a_wrong_code_turns_nothing_on(client: httpx.AsyncClient, database: Database) -> None:
    who = await agent(client, database)
    await who.post(f"{PATH}/begin")
    refused = await who.post(f"{PATH}/confirm", code="000000")
    assert refused.status_code == 422
    assert "the code is wrong" in Page(refused.text).text
    assert "set-cookie" not in refused.headers


async def test_after_a_while_the_password_is_asked_for_again(client: httpx.AsyncClient, database: Database) -> None:
    who = await agent(client, database)
    async with database.transaction() as tx:
        earlier = now() - timedelta(minutes=16)
        await tx.write("update sign_in_session set authenticated_at = $2 where user_id = $1", who.user.id, earlier)
    assert "confirm first that it is you" in (await who.page(PATH)).text
    for form in ("begin", "codes", "remove"):
        answer = await who.post(f"{PATH}/{form}")
        assert (answer.status_code, answer.headers["location"]) == (303, PATH)
    assert (await who.post(f"{PATH}/identity", password="wrong")).status_code == 422
    confirmed = await who.post(f"{PATH}/identity", password=PASSWORD)
    assert (confirmed.status_code, confirmed.headers["location"]) == (303, PATH)
    assert (await who.get(PATH)).headers["location"].startswith("/sign-in")
    who.token = token_of(confirmed)
    assert len(await enrolled(who)) == 10


async def test_a_role_that_needs_a_second_factor_sees_nothing_else_before(
    client: httpx.AsyncClient, database: Database
) -> None:
    who = await agent(client, database)
    async with database.transaction() as tx:
        await second_factors.set_required_roles(tx, OPERATOR, [Role.AGENT], now=now())
    try:
        for answer in (await who.get("/console/open"), await who.post("/console/bulk", ticket="INC1")):
            assert (answer.status_code, answer.headers["location"]) == (303, PATH)
        assert "Your role needs a second factor." in (await who.page(PATH)).text
        await enrolled(who)
        assert (await who.get("/console/open")).status_code == 200
        refused = await who.post(f"{PATH}/remove")
        assert refused.status_code == 409
        assert "for a new phone, ask an admin to reset it" in Page(refused.text).text
        assert (await who.post("/sign-out")).status_code == 303
    finally:
        async with database.transaction() as tx:
            await second_factors.set_required_roles(tx, OPERATOR, [], now=now())
