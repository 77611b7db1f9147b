"""A company in the portal."""

import httpx
import pytest

from clearline.platform.database.transactions import Database
from tests.builders.web.companies import PortalCompany, new_portal_company


@pytest.fixture
async def company(client: httpx.AsyncClient, database: Database) -> PortalCompany:
    return await new_portal_company(client, database)
