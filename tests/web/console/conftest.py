"""The console needs its built styles and scripts."""

import httpx
import pytest

from clearline.identity import Role
from clearline.platform.database.transactions import Database
from clearline.tickets.domain import Status
from clearline.web import assets
from tests.builders.people import new_tenant
from tests.builders.tickets import raised
from tests.builders.web.opened import Opened
from tests.builders.web.pages import Person, person


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    """Fail with one clear line when nothing is built."""
    if not assets.manifest():
        pytest.fail(assets.MISSING)


@pytest.fixture(scope="module")
async def agent(client: httpx.AsyncClient, database: Database) -> Person:
    return await person(client, database, Role.AGENT, "Ines Duarte")


@pytest.fixture
async def opened(agent: Person, database: Database) -> Opened:
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        number = await raised(tx, tenant, "Port is slow", status=Status.IN_PROGRESS)
    return Opened(agent, database, tenant, number)
