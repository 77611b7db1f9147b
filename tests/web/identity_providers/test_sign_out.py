"""Sign-out at a real OpenID provider, and at those that have none."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from clearline.platform.database.transactions import Database
from clearline.sign_in.identity_providers.domain import IdentityProvider
from clearline.web import csrf
from tests.builders.sign_in.openid.desk import add_provider, callback, change_provider, delete_provider
from tests.builders.sign_in.openid.hostile import hostile_provider
from tests.builders.sign_in.openid.real import RealProvider
from tests.builders.sign_in.openid.somebody import Somebody
from tests.builders.sign_in.sessions import PASSWORD, new_person_with_password
from tests.builders.web.pages import Page
from tests.builders.web.visitors import Visitor


async def sign_out(visitor: Visitor) -> httpx.Response:
    return await visitor.post("/sign-out", {csrf.FIELD: csrf.token_for(visitor.cookies["session"])})


async def test_a_sign_out_ends_the_session_at_the_provider_too(
    somebody: Somebody, openid: RealProvider, provider: IdentityProvider
) -> None:
    somebody.cookies = httpx.Cookies()
    await (await somebody.is_known("noc")).sign_in()
    openid.prompts.clear()
    await somebody.sign_in()
    assert openid.prompts == []
    ended = await sign_out(somebody.visitor)
    assert ended.headers["location"] == f"/sign-in/leave/{provider.id}"
    assert not await somebody.visitor.is_signed_in()
    left = await somebody.visitor.get(ended.headers["location"])
    assert (left.status_code, left.headers["referrer-policy"]) == (200, "no-referrer")
    page = Page(left.text)
    [address] = page.links(openid.issuer)
    assert f"0; url={address}" in [meta.get("content") for meta in page.all("meta")]
    query = parse_qs(urlsplit(address).query)
    assert query.keys() == {"client_id", "post_logout_redirect_uri", "state"}
    assert query["post_logout_redirect_uri"] == [callback(provider)]
    back = await openid.sign_out(address, somebody.cookies)
    assert back == f"{callback(provider)}?state={query['state'][0]}"
    shown = await somebody.visitor.get(back)
    assert (shown.status_code, shown.headers["location"]) == (303, "/sign-in")
    openid.prompts.clear()
    await somebody.sign_in()
    assert openid.prompts[0] == "login"
    assert await somebody.visitor.is_signed_in()


async def test_the_state_of_another_browser_is_no_sign_out(somebody: Somebody, provider: IdentityProvider) -> None:
    await (await somebody.is_known("noc")).sign_in()
    await sign_out(somebody.visitor)
    left = await somebody.visitor.get(f"/sign-in/leave/{provider.id}")
    [address] = Page(left.text).links(provider.issuer)
    [state] = parse_qs(urlsplit(address).query)["state"]
    other = Visitor(somebody.visitor.client)
    await other.get("/sign-in")
    assert (await other.get(callback(provider), state=state)).status_code == 400
    assert (await somebody.visitor.get(callback(provider), state=state, code="x")).status_code == 400
    assert (await somebody.visitor.get(callback(provider), state=state)).headers["location"] == "/sign-in"


async def test_a_link_of_another_site_signs_nobody_out(somebody: Somebody, provider: IdentityProvider) -> None:
    await (await somebody.is_known("noc")).sign_in()
    stranger = Visitor(somebody.visitor.client)
    assert (await stranger.get(f"/sign-in/leave/{provider.id}")).headers["location"] == "/sign-in"
    await sign_out(somebody.visitor)
    assert (await somebody.visitor.get(f"/sign-in/leave/{provider.id}")).status_code == 200
    again = await somebody.visitor.get(f"/sign-in/leave/{provider.id}")
    assert again.headers["location"] == "/sign-in"


async def test_a_browser_that_signed_in_with_a_password_does_not_leave(somebody: Somebody, database: Database) -> None:
    visitor, user = somebody.visitor, await new_person_with_password(database)
    await (await somebody.is_known("noc")).sign_in()
    await sign_out(visitor)
    visitor.cookies["provider"] = str(somebody.provider.id)
    await visitor.get("/sign-in")
    form = {"email": user.email, "password": PASSWORD, csrf.FIELD: csrf.token_for(visitor.cookies["visitor"])}
    assert (await visitor.post("/sign-in", form)).status_code == 303
    assert (await sign_out(visitor)).headers["location"] == "/sign-in"


@pytest.mark.parametrize("broken", ["inactive", "deleted", "away"])
async def test_a_provider_that_is_gone_holds_nobody(somebody: Somebody, database: Database, broken: str) -> None:
    visitor = Visitor(somebody.visitor.client)
    issuer = "http://127.0.0.1:1" if broken == "away" else somebody.provider.issuer
    provider = await add_provider(database, issuer, name=f"Example {broken}")
    if broken == "inactive":
        await change_provider(database, provider, is_active=False)
    visitor.cookies["provider"] = str(provider.id)
    if broken == "deleted":
        await delete_provider(database, provider)
    assert (await visitor.get(f"/sign-in/leave/{provider.id}")).headers["location"] == "/sign-in"
    if broken != "deleted":
        await delete_provider(database, provider)


@pytest.mark.parametrize("end", [None, "javascript:alert(1)", "ftp://id.example.com/end", "https://id.example.com/#x"])
async def test_a_provider_without_a_usable_address_of_the_sign_out_is_left_alone(
    somebody: Somebody, database: Database, end: str | None
) -> None:
    visitor = Visitor(somebody.visitor.client)
    async with hostile_provider() as hostile:
        hostile.metadata |= {} if end is None else {"end_session_endpoint": end}
        provider = await add_provider(database, hostile.issuer, name="Example without")
        visitor.cookies["provider"] = str(provider.id)
        assert (await visitor.get(f"/sign-in/leave/{provider.id}")).headers["location"] == "/sign-in"
        await delete_provider(database, provider)


async def test_a_provider_that_cannot_be_reached_is_named_and_not_asked_again_at_once(
    somebody: Somebody, database: Database
) -> None:
    async with hostile_provider() as hostile:
        issuer = hostile.issuer
    provider = await add_provider(database, issuer, name="Example <away>")
    visitor = Visitor(somebody.visitor.client)
    for _ in range(2):
        led = await visitor.get(f"/sign-in/with/{provider.id}")
        assert led.status_code == 502
        page = Page(led.text)
        assert "Example <away> cannot be reached" in page.text
        assert "Sign in with a password" in page.text
        assert "/sign-in" in page.links("/sign-in")
        assert "127.0.0.1" not in page.text
    await delete_provider(database, provider)
