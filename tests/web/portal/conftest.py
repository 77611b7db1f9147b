"""A customer in the portal, with a ticket of its company."""

import httpx
import pytest

from clearline.platform.database.transactions import Database
from clearline.tickets.domain import Status
from clearline.web import assets
from tests.builders.people import new_tenant
from tests.builders.tickets import raised
from tests.builders.web.customers import PortalTicket
from tests.builders.web.pages import session_of


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    """Fail with one clear line when nothing is built."""
    if not assets.manifest():
        pytest.fail(assets.MISSING)


@pytest.fixture
async def opened(client: httpx.AsyncClient, database: Database) -> PortalTicket:
    """Return a ticket in progress, in the browser of its customer."""
    tenant = await new_tenant(database)
    async with database.transaction() as tx:
        number = await raised(tx, tenant, "Port is slow", status=Status.IN_PROGRESS)
    return PortalTicket(await session_of(client, database, tenant.user), database, tenant, number)
