"""The limit of requests of a signed-in person: it is that of a key, counted for all browsers of the person."""

from collections.abc import AsyncIterator

import httpx
import pytest

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from clearline.settings.settings import Settings
from clearline.tickets.domain import ticket_number
from tests.builders.application import serving
from tests.builders.people import new_tenant
from tests.builders.tickets import raised
from tests.builders.web.pages import Person, person, session_of

QUOTA = 5
FRAGMENT = {"HX-Request": "true"}


@pytest.fixture(scope="module")
async def limited(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of a server with a small limit."""
    settings = Settings(database_url=database_url, rate_limit=QUOTA, access_log=False, workers=False)
    async with serving(settings) as opened:
        yield opened


async def spend_all(who: Person) -> None:
    for _ in range(QUOTA):
        assert (await who.get("/console/open")).status_code == 200


async def test_too_many_requests_are_refused_with_a_page_that_says_when_to_try_again(
    limited: httpx.AsyncClient, database: Database
) -> None:
    agent = await person(limited, database)
    await spend_all(agent)
    refused = await agent.get("/console/open")
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60 / QUOTA
    assert "hx-reswap" not in refused.headers
    assert "Too many at a time" in refused.text
    assert refused.headers["x-request-id"] in refused.text


async def test_a_refused_fragment_or_form_leaves_what_is_on_the_page(
    limited: httpx.AsyncClient, database: Database
) -> None:
    agent, tenant = await person(limited, database), await new_tenant(database)
    async with database.transaction() as tx:
        number = ticket_number(await raised(tx, tenant, "Slow"))
    ticket = f"/console/tickets/{number}"
    await spend_all(agent)
    form = {"csrf": agent.token_of_form(), "text": "Typed with care", "visibility": "public", "once": "a-form"}
    presence = {"csrf": agent.token_of_form(), "tab": "a1", "activity": "viewing"}
    for answer in (
        await agent.get("/console/live/views", **FRAGMENT),
        await agent.get("/console/live"),
        await limited.post(f"{ticket}/messages", headers={**agent.headers, **FRAGMENT}, data=form),
        await limited.post(f"{ticket}/draft", headers={**agent.headers, **FRAGMENT}, data=form),
        await limited.post(f"{ticket}/presence", headers={**agent.headers, **FRAGMENT}, data=presence),
    ):
        assert answer.status_code == 429, answer.text
        assert int(answer.headers["retry-after"]) >= 1
        is_fragment = "HX-Request" in answer.request.headers
        assert answer.headers.get("hx-reswap") == ("none" if is_fragment else None)
    async with database.statement() as tx:
        assert await tx.fetchval("select count(*) from draft where user_id = $1", agent.user.id) == 0


async def test_all_browsers_of_a_person_share_the_limit_and_other_people_do_not(
    limited: httpx.AsyncClient, database: Database
) -> None:
    agent, other = await person(limited, database), await person(limited, database, Role.ADMIN)
    second = await session_of(limited, database, agent.user)
    await spend_all(agent)
    assert (await second.get("/console/open")).status_code == 429
    assert (await other.get("/console/open")).status_code == 200


async def test_the_keys_of_a_person_have_limits_of_their_own(limited: httpx.AsyncClient, database: Database) -> None:
    tenant = await new_tenant(database)
    customer = await session_of(limited, database, tenant.user)
    for _ in range(QUOTA):
        assert (await customer.get("/console/open")).status_code == 403
    assert (await customer.get("/console/open")).status_code == 429
    assert (await limited.get("/api/v1/me", headers=tenant.headers)).status_code == 200
