"""The pages of an agent with limits show and change nothing beyond them. Made from the table of pages."""

import httpx
import pytest

from clearline.identity import OPERATOR, PROVIDER_ID
from clearline.platform.database.transactions import Database
from clearline.tickets import hand_over_usecases as hand_over
from clearline.web.visit import Page as Entry
from tests.builders.databases import everything
from tests.builders.people import NOW, new_tenant
from tests.builders.search.index import follow
from tests.builders.web.console_forms import READS, TITLE, WRITES, Desk, ask, named, new_desk
from tests.builders.web.pages import Person, person


@pytest.fixture(scope="module")
def has_workers() -> bool:
    return False


@pytest.fixture(scope="module")
async def desk(client: httpx.AsyncClient, database: Database) -> Desk:
    return await new_desk(client, database)


@pytest.fixture(scope="module")
async def limited(client: httpx.AsyncClient, database: Database, desk: Desk) -> Person:
    """Return an agent who sees only another customer than that of the desk."""
    agent = await person(client, database)
    other = await new_tenant(database)
    async with database.transaction() as tx:
        limits = {"only_companies": (other.company.id,)}
        await hand_over.change_user(tx, OPERATOR, PROVIDER_ID, agent.user.id, limits, now=NOW)
    await follow(database)
    assert desk.tenant.company.id != other.company.id
    return agent


@pytest.mark.parametrize("entry", READS, ids=named)
async def test_no_page_shows_what_is_beyond_the_limits(desk: Desk, limited: Person, entry: Entry) -> None:
    answer = await ask(desk, limited, entry)
    assert answer.status_code in {200, 303, 400, 403, 404}, answer.text
    assert TITLE not in answer.text
    if entry.name != "components":  # which has samples
        assert desk.number not in answer.text.replace(desk.path(entry), "")


@pytest.mark.parametrize("entry", WRITES, ids=named)
async def test_no_form_changes_what_is_beyond_the_limits(
    database: Database, desk: Desk, limited: Person, entry: Entry
) -> None:
    before = await everything(database, desk.tenant)
    answer = await ask(desk, limited, entry)
    assert answer.status_code < 500, answer.text
    assert TITLE not in answer.text
    assert await everything(database, desk.tenant) == before
